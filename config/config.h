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
#include "config/lists.h"

#include <stdio.h>

enum listener_tls { LISTENER_IMPLICIT, LISTENER_REQUIRED, LISTENER_OPTIONAL };
enum tls_policy { TLS_MODERN, TLS_INTERMEDIATE };
enum tickets { TICKETS_AUTO = -1 }; /* otherwise 0, 1 or 2 */
enum auth_when { AUTH_TLS, AUTH_ALWAYS, AUTH_NEVER };

struct certificate_config {
	const char *name;
	const char *place; /* "file:line" of the section, for what certs/ has to say of it */
	const char *chain;
	const char *key;
	struct strings names; /* empty: the certificate's own */
};

struct policy_config {
	const char *name;
	const char *place;
	uint64_t message_size_bytes; /* 0: what the backend says */
	uint64_t recipients;
	uint64_t errors;
	uint64_t messages; /* 0: no limit */
	bool require_auth;
	bool normalize; /* bare_newline */
	struct networks normalize_networks;
	enum auth_when auth;
	struct strings auth_hide;
	struct strings verbs_off;
	struct strings verbs_pass;
	struct strings keywords_hide;
	struct strings keywords_pass;
	bool tolerate_pipelining;
	bool tolerate_early_talker;
};

struct backend_config {
	const char *name;
	const char *place;
	struct addrs server; /* exactly one, so far */
	uint64_t connect_timeout_ms;
};

struct listener_config {
	const char *name;
	const char *place;
	struct addrs address; /* at least one */
	enum listener_tls tls;
	struct strings certificate_names;         /* as written; empty: all */
	struct certificate_config **certificates; /* what they refer to; the first is the default */
	size_t certificate_count;
	const char *policy_name;
	const struct policy_config *policy; /* never NULL in a checked configuration */
	const char *backend_name;
	const struct backend_config *backend;
	struct networks networks; /* empty: everybody */
	enum tls_policy tls_policy;
	int tickets;
	uint64_t greet_delay_ms;
};

struct timeouts_config {
	uint64_t handshake_ms, greeting_ms, command_ms, reply_ms, data_start_ms, data_block_ms;
	uint64_t data_end_ms, session_ms, drain_ms;
	uint64_t data_rate; /* bytes a second over 60 s; 0: any */
};

struct config {
	const char *path; /* the file */

	/* [postern] */
	const char *hostname; /* never NULL in a checked configuration */
	uint64_t workers;     /* "auto" is resolved to the number of cores this process may use */
	const char *user;
	const char *log;
	enum log_level log_level;
	enum log_format log_format;

	struct listener_config *listeners;
	size_t listener_count;
	struct certificate_config *certificates;
	size_t certificate_count;
	struct backend_config *backends;
	size_t backend_count;
	struct policy_config *policies; /* "default" is there even where the file has none */
	size_t policy_count;

	/* [limits] */
	uint64_t sessions; /* 0: from the file limit */

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
void config_free(struct config *config);

enum config_print { CONFIG_EFFECTIVE, CONFIG_DEFAULTS, CONFIG_CHANGED };

/*
 * `postern config`: the effective values, what differs from the defaults (-n), or, with no
 * configuration needed, the commented sample of all options and their defaults (-d).
 */
void config_print(const struct config *config, enum config_print what, FILE *to);

#endif
