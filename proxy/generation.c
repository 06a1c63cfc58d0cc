#include "proxy/generation.h"
#include "certs/authorities.h"
#include "proxy/files.h"
#include "proxy/loops.h"
#include "proxy/state.h"

#include <errno.h>
#include <stdlib.h>

static bool load_certs(struct generation *generation, const struct ticket_keys *keys,
		       struct authorities *system, struct complaints *complaints)
{
	const struct config *config = generation->config;
	generation->certs = calloc(config->listener_count + 1, sizeof(struct cert_store *));
	if (generation->certs == NULL) {
		complain(complaints, config->path, "out of memory");
		return false;
	}
	bool good = true;
	for (size_t i = 0; i < config->listener_count; i++) {
		generation->certs[i] =
			cert_store_load(&config->listeners[i], keys, system, complaints);
		good = good && generation->certs[i] != NULL;
	}
	return good;
}

static bool load_server_tls(struct generation *generation, struct authorities *system,
			    struct complaints *complaints)
{
	const struct config *config = generation->config;
	generation->server_tls = calloc(config->backend_count + 1, sizeof(struct server_tls *));
	if (generation->server_tls == NULL) {
		complain(complaints, config->path, "out of memory");
		return false;
	}
	bool good = true;
	for (size_t i = 0; i < config->backend_count; i++) {
		if (config->backends[i].tls == BACKEND_TLS_OFF)
			continue;
		generation->server_tls[i] =
			server_tls_load(&config->backends[i], system, complaints);
		good = good && generation->server_tls[i] != NULL;
	}
	return good;
}

/* The configuration has errors; what is wrong with its certificates is told in the same run. */
static void check_certs(const struct config *config, struct complaints *complaints)
{
	struct certificate_config **all = calloc(config->certificate_count + 1, sizeof(*all));
	struct listener_config nobody = { .name = "", .place = config->path, .certificates = all };
	if (all == NULL)
		return;
	for (size_t i = 0; i < config->certificate_count; i++) {
		struct certificate_config *certificate = &config->certificates[i];
		if (certificate->dir != NULL ||
		    (certificate->chain != NULL && certificate->key != NULL))
			all[nobody.certificate_count++] = certificate;
	}
	if (nobody.certificate_count > 0)
		cert_store_free(cert_store_load(&nobody, NULL, NULL, complaints));
	free(all);
}

/* What follows the configuration. Frees the generation when anything is wrong. */
static struct generation *load_rest(struct generation *generation, const struct ticket_keys *keys,
				    struct complaints *complaints)
{
	/* A file that changes while it is read is one that has changed. */
	generation->mark = files_mark(generation->config);
	/* Each of them is tried, so that one run tells all. */
	struct authorities system = { 0 };
	bool good = load_certs(generation, keys, &system, complaints);
	good = load_server_tls(generation, &system, complaints) && good;
	good = state_check(generation->config, complaints) && good;
	authorities_release(&system);
	good = privilege_find(&generation->privilege, generation->config, complaints) && good;
	if (good)
		return generation;
	generation_free(generation);
	return NULL;
}

struct generation *generation_load(const char *path, const struct strings *overrides,
				   const struct ticket_keys *keys, struct complaints *complaints)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	if (generation == NULL) {
		complain(complaints, path, "out of memory");
		return NULL;
	}
	generation->log.fd = -1;
	size_t before = complaints->count;
	generation->config = config_read_anyway(path, overrides, complaints);
	if (generation->config != NULL)
		loops_check(generation->config, complaints);
	if (generation->config == NULL || complaints->count > before) {
		if (generation->config != NULL) {
			check_certs(generation->config, complaints);
			if (generation->config->user != NULL)
				privilege_find(&generation->privilege, generation->config,
					       complaints);
		}
		generation_free(generation);
		return NULL;
	}
	return load_rest(generation, keys, complaints);
}

struct generation *generation_renew(const struct generation *old, const struct ticket_keys *keys,
				    struct complaints *complaints)
{
	struct generation *generation = calloc(1, sizeof(*generation));
	if (generation == NULL) {
		complain(complaints, old->config->path, "out of memory");
		return NULL;
	}
	generation->log.fd = -1;
	generation->config = config_copy(old->config, complaints);
	if (generation->config != NULL)
		return load_rest(generation, keys, complaints);
	generation_free(generation);
	return NULL;
}

void generation_remind(const struct generation *generation, int64_t from, int64_t to,
		       struct complaints *complaints)
{
	for (size_t i = 0; i < generation->config->listener_count; i++)
		cert_store_remind(generation->certs[i], from, to, complaints);
}

void generation_compare(const struct generation *fresh, const struct generation *old,
			struct complaints *complaints)
{
	for (size_t i = 0; i < fresh->config->listener_count; i++) {
		for (size_t j = 0; j < old->config->listener_count; j++) {
			if (strcmp(fresh->config->listeners[i].name,
				   old->config->listeners[j].name) == 0)
				cert_store_compare(fresh->certs[i], old->certs[j], complaints);
		}
	}
}

void generation_free(struct generation *generation)
{
	if (generation == NULL)
		return;
	log_close(&generation->log);
	privilege_release(&generation->privilege);
	for (size_t i = 0; generation->certs != NULL && i < generation->config->listener_count; i++)
		cert_store_free(generation->certs[i]);
	free(generation->certs);
	for (size_t i = 0; generation->server_tls != NULL && i < generation->config->backend_count;
	     i++)
		server_tls_free(generation->server_tls[i]);
	free(generation->server_tls);
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
		.drops = &generation->drops,
	};
	if (!log_open(&fresh, config->log)) {
		complain(complaints, config->path, "log %s cannot be opened: %s", config->log,
			 strerror(errno));
		return false;
	}
	log_close(&generation->log);
	generation->log = fresh;
	return true;
}
