#include "proxy/check.h"
#include "proxy/generation.h"
#include "proxy/loops.h"
#include "proxy/resolver.h"

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void print_good(const struct config *config, size_t warnings)
{
	printf("%s: good: %zu listener%s, %zu certificate%s, %zu backend%s", config->path,
	       config->listener_count, plural(config->listener_count), config->certificate_count,
	       plural(config->certificate_count), config->backend_count,
	       plural(config->backend_count));
	if (warnings > 0)
		printf(", %zu warning%s", warnings, plural(warnings));
	putchar('\n');
}

static void print_bad(const char *path, const struct complaints *complaints)
{
	printf("%s: %zu error%s", path, complaints->count, plural(complaints->count));
	if (complaints->warnings > 0)
		printf(", %zu warning%s", complaints->warnings, plural(complaints->warnings));
	putchar('\n');
}

/* Postern would start all the same, and go on looking. */
static void check_names(const struct config *config, const struct backend_config *backend,
			struct complaints *complaints)
{
	for (size_t i = 0; i < backend->server.count; i++) {
		const struct server_config *server = &backend->server.item[i];
		struct server_addresses found;
		const char *why;
		if (server->host == NULL)
			continue;
		resolver_ask(server->written, &found, &why);
		if (found.count == 0)
			complain_warn(complaints, backend->place,
				      "[backend %s] server = %s: the name is not found (%s)",
				      backend->name, server->written, why);
		for (size_t n = 0; n < found.count; n++)
			loops_check_server(config, backend, server, &found.item[n], complaints);
	}
}

/* What `auto` finds depends on the server, which is not asked here: the log tells. */
static void check_identity(const struct backend_config *backend, struct complaints *complaints)
{
	if (backend->identity == IDENTITY_NONE)
		complain_warn(
			complaints, backend->place,
			"[backend %s] identity = none: its servers see Postern's address in "
			"place of all clients'; their block lists, SPF, limits and logs are "
			"blind. Let them be told by `xclient`, `proxy-v2` or `proxy-v1` if they "
			"know one of these",
			backend->name);
}

static void check_backends(const struct config *config, struct complaints *complaints)
{
	for (size_t i = 0; i < config->backend_count; i++) {
		check_names(config, &config->backends[i], complaints);
		check_identity(&config->backends[i], complaints);
	}
}

enum exit_status check_run(const struct args *args)
{
	struct complaints complaints = { 0 };
	struct generation *generation =
		generation_load(args->path, &args->overrides, NULL, &complaints);
	if (generation != NULL)
		check_backends(generation->config, &complaints);
	if (complaints.text != NULL)
		fputs(complaints.text, stderr);
	enum exit_status status = EXIT_CONFIGURATION;
	if (complaints.count == 0) {
		print_good(generation->config, complaints.warnings);
		status = args->strict && complaints.warnings > 0 ? EXIT_WARNINGS : EXIT_STOPPED;
	} else {
		print_bad(args->path, &complaints);
	}
	generation_free(generation);
	complaints_release(&complaints);
	return status;
}

enum exit_status config_run(const struct args *args)
{
	if (args->print == CONFIG_DEFAULTS) {
		config_print(NULL, CONFIG_DEFAULTS, stdout);
		return EXIT_STOPPED;
	}
	struct complaints complaints = { 0 };
	struct config *config = config_read(args->path, &args->overrides, &complaints);
	if (complaints.text != NULL)
		fputs(complaints.text, stderr);
	complaints_release(&complaints);
	if (config == NULL)
		return EXIT_CONFIGURATION;
	config_print(config, args->print, stdout);
	config_free(config);
	return EXIT_STOPPED;
}
