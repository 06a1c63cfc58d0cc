/* What the file's sections become, each kind a struct. Strings are the configuration's. */
#ifndef CONFIG_SECTIONS_H
#define CONFIG_SECTIONS_H

#include "config/lists.h"

enum listener_tls { LISTENER_IMPLICIT, LISTENER_REQUIRED, LISTENER_OPTIONAL };
enum tls_policy { TLS_MODERN, TLS_INTERMEDIATE, TLS_LEGACY };
enum tickets { TICKETS_AUTO = -1 }; /* otherwise 0, 1 or 2 */
enum clients_verify { CLIENTS_REQUEST, CLIENTS_REQUIRE };
enum clients_login { LOGIN_NONE, LOGIN_CN, LOGIN_DNS, LOGIN_EMAIL, LOGIN_MAP };
enum balance { BALANCE_LEAST, BALANCE_ROUND_ROBIN, BALANCE_SOURCE };
enum backend_tls { BACKEND_TLS_OFF, BACKEND_TLS_STARTTLS, BACKEND_TLS_IMPLICIT };
enum identity_mode {
	IDENTITY_AUTO,
	IDENTITY_NONE,
	IDENTITY_PROXY_V1,
	IDENTITY_PROXY_V2,
	IDENTITY_XCLIENT,
	IDENTITY_TRANSPARENT,
};
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
	uint64_t depth;           /* certificates between the client's and a CA's */
	struct strings allow;     /* rules, see allow.h */
	const char *allow_file;   /* NULL: none */
	enum clients_login login; /* what the backend is told as the client's login */
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
	struct servers server; /* at least one */
	enum balance balance;
	enum backend_tls tls;
	const char *tls_ca;     /* "system", or a path */
	struct strings tls_pin; /* "spki:" and hexadecimal digits; one of them must match */
	const char *tls_name;   /* to verify; NULL: the server's own */
	enum tls_policy tls_policy;
	enum identity_mode identity;
	uint64_t proxy_header_size_bytes; /* of version 2, at most */
	bool trace_header;
	uint64_t connect_timeout_ms;
	uint64_t probe_ms;                   /* 0: off */
	uint64_t max_sessions, full_wait_ms; /* of each server, 0: no limit; then, 0: refuse */
	struct networks source;              /* hosts to connect from; empty: the system chooses */
	const char *relay_from, *relay_to;   /* what it is asked with, unless the next is set */
	bool open_relay_accept;
	uint64_t warm, resolve_ms; /* sessions opened ahead; names are looked up again */
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
	struct networks proxy_protocol; /* whose PROXY header is required; empty: off */
	uint64_t greet_delay_ms;
};

struct timeouts_config {
	uint64_t handshake_ms, greeting_ms, command_ms, reply_ms, data_start_ms, data_block_ms;
	uint64_t data_end_ms, session_ms, drain_ms;
	uint64_t data_rate; /* bytes a second over 60 s; 0: any */
};

#endif
