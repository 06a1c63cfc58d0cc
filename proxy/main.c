/* postern: an SMTP proxy that terminates TLS. This file is its command line. */
#include "proxy/args.h"
#include "proxy/certs.h"
#include "proxy/check.h"
#include "proxy/demo.h"
#include "proxy/master.h"

static enum exit_status run(const struct args *args)
{
	return master_run(&(struct master_options){
		.path = args->path,
		.overrides = args->overrides,
	});
}

static enum exit_status help(const struct args *args);

static enum exit_status version(const struct args *args)
{
	(void)args;
	puts("postern " POSTERN_VERSION);
	return EXIT_STOPPED;
}

static const struct command commands[] = {
	{ "run", "runs in the foreground", run },
	{ "check", "reads everything and says what is wrong", check_run },
	{ "config", "prints the configuration as it counts", config_run },
	{ "certs", "tells of each certificate, and the TLSA records to publish", certs_run },
	{ "demo", "runs with a certificate and a mail server of its own, to try it out", demo_run },
	{ "help", "prints this text", help },
	{ "version", "prints the version", version },
	{ 0 },
};

static enum exit_status help(const struct args *args)
{
	(void)args;
	args_print_help(commands, stdout);
	return EXIT_STOPPED;
}

int main(int argc, char **argv)
{
	struct args args;
	char why[256];
	enum exit_status status = EXIT_CONFIGURATION;
	if (args_parse(&args, commands, argc, argv, why, sizeof(why)))
		status = args.command->run(&args);
	else
		fprintf(stderr, "postern: %s\n`postern --help` lists all there are\n", why);
	args_release(&args);
	return (int)status;
}
