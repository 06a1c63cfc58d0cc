/* postern: an SMTP proxy that terminates TLS. This file is its command line. */
#include "proxy/args.h"
#include "proxy/certs.h"
#include "proxy/check.h"
#include "proxy/control.h"
#include "proxy/demo.h"
#include "proxy/master.h"

static enum exit_status run(const struct args *args)
{
	return master_run(&(struct master_options){
		.path = args->path,
		.overrides = args->overrides,
		.argv = args->argv,
	});
}

static enum exit_status help(const struct args *args);

static enum exit_status version(const struct args *args)
{
	(void)args;
	puts("postern " POSTERN_VERSION);
	return EXIT_STOPPED;
}

#define PLAIN                    false, 0, 0, NULL
#define ASKS(least, most, words) true, least, most, words

static const struct command commands[] = {
	{ "run", "runs in the foreground", run, PLAIN },
	{ "check", "reads everything and says what is wrong", check_run, PLAIN },
	{ "config", "prints the configuration as it counts", config_run, PLAIN },
	{ "certs", "tells of each certificate, and the TLSA records to publish", certs_run,
	  ASKS(0, 0, NULL) },
	{ "status", "tells how the running Postern is", control_run, ASKS(0, 0, NULL) },
	{ "top", "the same and its sessions, live; q ends it", control_top, ASKS(0, 0, NULL) },
	{ "sessions", "lists all sessions", control_run, ASKS(0, 0, NULL) },
	{ "kill", "ends a session, by its id", control_run, ASKS(1, 1, "ID") },
	{ "reload", "reads everything anew, and waits for the outcome", control_run,
	  ASKS(0, 0, NULL) },
	{ "drain", "ends all sessions between two messages, then stops", control_run,
	  ASKS(0, 0, NULL) },
	{ "stop", "stops at once", control_run, ASKS(0, 0, NULL) },
	{ "ban", "lets nobody in from an address, for a time", control_run,
	  ASKS(1, 2, "ADDRESS [TIME]") },
	{ "unban", "lifts a ban", control_run, ASKS(1, 1, "ADDRESS") },
	{ "pause", "lets new clients of a backend wait", control_run, ASKS(1, 1, "BACKEND") },
	{ "resume", "ends that", control_run, ASKS(1, 1, "BACKEND") },
	{ "disable", "gives a server no more sessions", control_run,
	  ASKS(1, 1, "[BACKEND/]SERVER") },
	{ "enable", "ends that", control_run, ASKS(1, 1, "[BACKEND/]SERVER") },
	{ "demo", "runs with a certificate and a mail server of its own, to try it out", demo_run,
	  PLAIN },
	{ "help", "prints this text", help, PLAIN },
	{ "version", "prints the version", version, PLAIN },
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
