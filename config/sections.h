/* What the sections of the file become, each kind a struct. Their strings are the configuration's.
 */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/lists.h"

enum listener_tls { LISTENER_IMPLICIT, LISTENER_REQUIRED, LISTENER_OPTIONAL };
enum tls_policy { TLS_MODERN, TLS_INTERMEDIATE, TLS_LEGACY };
enum tickets { TICKETS_AUTO = -1 }; /* otherwise 0, 1 or 2 */
enum clients_verify { CLIENTS_REQUEST, CLIENTS_REQUIRE };
enum auth_when { AUTH_TLS, AUTH_ALWAYS, AUTH_NEVER };

struct certificate_config {
	const char *name;
	const char *place; /* "file:line" of the section, for what certs/ has to say of it */
	const char *chain;
	const char *key;
	const char *dir;      /* in place of both; NULL: none */
	const char *staple;   /* NULL: none */
	struct strings names; /* empty: the certificate's own */
};

struct clients_config {
	const char *name;
	const char *place;
	enum clients_verify verify;
	const char *ca;     /* NULL: none */
	struct strings crl; /* paths */
	bool crl_missing_accept;
	uint64_t depth;         /* certificates between the client's and a CA's */
	struct strings allow;   /* rules, see allow.h */
	const char *allow_file; /* NULL: none */
	bool refuse_by_tls;
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
	const char *clients_name;
	const struct clients_config *clients; /* NULL: no certificate is asked for */
	const char *policy_name;
	const struct policy_config *policy; /* never NULL in a checked configuration */
	const char *backend_name;
	const struct backend_config *backend;
	struct networks networks; /* empty: everybody */
	enum tls_policy tls_policy;
	struct networks legacy_networks; /* the others have intermediate where it is legacy */
	const char *ciphers;             /* NULL: the policy's */
	const char *groups;              /* NULL: the policy's */
	int tickets;
	uint64_t greet_delay_ms;
};

struct timeouts_config {
	uint64_t handshake_ms, greeting_ms, command_ms, reply_ms, data_start_ms, data_block_ms;
	uint64_t data_end_ms, session_ms, drain_ms;
	uint64_t data_rate; /* bytes a second over 60 s; 0: any */
};

#endif
