/*
 * The configuration as Postern uses it: what the option table (config/options.c) describes and the
 * reader (config/reader.c) fills. It is read whole, checked whole, and never changes afterwards.
 *
 * All strings and lists belong to the configuration and live until config_free().
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include "base/log.h"
#include "config/complaints.h"
#include "config/sections.h"

#include <stdio.h>

struct config {
	const char *path; /* the file */

	/* [postern] */
	const char *hostname; /* never NULL in a checked configuration */
	uint64_t workers;     /* "auto" is resolved to the number of cores this process may use */
	const char *user;
	const char *log;      /* "stderr", "syslog" or a path */
	const char *control;  /* a path, or "off" */
	const char *state;    /* a directory, or "off" */
	struct addrs metrics; /* empty: off */
	bool sandbox;
	enum log_level log_level;
	enum log_format log_format;

	struct listener_config *listeners;
	size_t listener_count;
	struct certificate_config *certificates;
	size_t certificate_count;
	struct clients_config *clients;
	size_t clients_count;
	struct backend_config *backends;
	size_t backend_count;
	struct policy_config *policies; /* "default" is there even where the file has none */
	size_t policy_count;

	/* [limits] */
	uint64_t sessions;        /* 0: from the file limit */
	uint64_t sessions_per_ip; /* 0: any number; and so below */
	struct rate rate_per_ip;
	struct rate auth_failures_per_ip;
	uint64_t ban_ms;
	struct networks exempt; /* from what is per address */

	struct timeouts_config timeouts;

	void *memory; /* owned: everything above */
};

/*
 * Reads the file, what it includes, then `overrides` ("kind name.option=value", from -D), fills in
 * defaults, resolves references. Everything wrong is put into *complaints in one run; NULL then.
 * Reads no certificate: that is certs/. To be freed with config_free().
 */
struct config *config_read(const char *path, const struct strings *overrides,
			   struct complaints *complaints);

/*
 * The same from what config_print() has written to `fd`, which is taken over; nothing outside of it
 * is looked at. `path` is what complaints call it.
 */
struct config *config_read_printed(int fd, const char *path, struct complaints *complaints);

/*
 * The same configuration once more, with names looked up anew, whatever has become of its files in
 * the meantime. NULL when that does not work any more.
 */
struct config *config_copy(const struct config *config, struct complaints *complaints);
void config_free(struct config *config);

/*
 * The same, but what could be read is the result although it has errors: to look on for more of
 * them, and for nothing else. References may be NULL. NULL when the file cannot be read at all.
 */
struct config *config_read_anyway(const char *path, const struct strings *overrides,
				  struct complaints *complaints);

enum config_print { CONFIG_EFFECTIVE, CONFIG_DEFAULTS, CONFIG_CHANGED };

/*
 * `postern config`: the effective values, what differs from the defaults (-n), or, with no
 * configuration needed, the commented sample of all options and their defaults (-d).
 */
void config_print(const struct config *config, enum config_print what, FILE *to);

/*
 * A number for all that the backend's section says and leaves to defaults: the same in each process
 * and configuration where that is the same. Its lowest byte is zero; it is never 0.
 */
uint64_t config_backend_mark(const struct backend_config *backend);

#endif
