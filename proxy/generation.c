#include "proxy/generation.h"

#include <errno.h>
#include <stdlib.h>

static bool load_certs(struct generation *generation, struct complaints *complaints)
{
	const struct config *config = generation->config;
	generation->certs = calloc(config->listener_count + 1, sizeof(struct cert_store *));
	if (generation->certs == NULL) {
		complain(complaints, config->path, "out of memory");
		return false;
	}
	bool good = true;
	for (size_t i = 0; i < config->listener_count; i++) {
		generation->certs[i] = cert_store_load(&config->listeners[i], complaints);
		good = good && generation->certs[i] != NULL;
	}
	return good;
}

static bool check_workers(const struct config *config, struct complaints *complaints)
{
	if (config->workers > 0 && config->workers <= WORKERS_MAX)
		return true;
	complain(complaints, config->path, "workers = %llu: expected 1 to %d",
		 (unsigned long long)config->workers, WORKERS_MAX);
	return false;
}

struct generation *generation_load(const char *path, const struct strings *overrides,
				   struct complaints *complaints)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	if (generation == NULL) {
		complain(complaints, path, "out of memory");
		return NULL;
	}
	generation->log.fd = -1;
	generation->config = config_read(path, overrides, complaints);
	if (generation->config == NULL) {
		generation_free(generation);
		return NULL;
	}
	/* Each of them is tried, so that one run tells all. */
	bool good = check_workers(generation->config, complaints);
	good = load_certs(generation, complaints) && good;
	good = privilege_find(&generation->privilege, generation->config, complaints) && good;
	if (good)
		return generation;
	generation_free(generation);
	return NULL;
}

/* syslog's connection belongs to the process, not to a generation: another may use it. */
static void close_log(struct log *log)
{
	if (!log->syslog)
		log_close(log);
}

void generation_free(struct generation *generation)
{
	if (generation == NULL)
		return;
	close_log(&generation->log);
	privilege_release(&generation->privilege);
	for (size_t i = 0; generation->certs != NULL && i < generation->config->listener_count; i++)
		cert_store_free(generation->certs[i]);
	free(generation->certs);
	config_free(generation->config);
	free(generation);
}

bool generation_open_log(struct generation *generation, struct complaints *complaints)
{
	const struct config *config = generation->config;
	struct log fresh = {
		.fd = -1,
		.level = config->log_level,
		.format = config->log_format,
	};
	if (!log_open(&fresh, config->log)) {
		complain(complaints, config->path, "log %s cannot be opened: %s", config->log,
			 strerror(errno));
		return false;
	}
	close_log(&generation->log);
	generation->log = fresh;
	return true;
}
