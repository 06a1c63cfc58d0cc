#include "config/options.h"

#define ROWS(array)         (sizeof(array) / sizeof *(array))
#define FIELD(type, member) offsetof(struct type, member), sizeof(((struct type *)0)->member)
#define LIST(type, list, counter) \
	sizeof(struct type), offsetof(struct config, list), offsetof(struct config, counter)
#define HEADED(type) \
	_Static_assert(offsetof(struct type, name) == 0 && \
			       offsetof(struct type, place) == \
				       offsetof(struct section_head, place), \
		       "struct " #type " begins as struct section_head")

HEADED(listener_config);
HEADED(certificate_config);
HEADED(clients_config);
HEADED(backend_config);
HEADED(policy_config);

/* clang-format off */
const struct section_row section_rows[SECTION_KINDS] = {
	[SECTION_POSTERN] = { "postern", NULL, 0, 0, 0,
		"The program as a whole." },
	[SECTION_LISTENER] = { "listener", "smtps",
		LIST(listener_config, listeners, listener_count),
		"Where clients come in: a section for each kind of service, under a name of your "
		"choice." },
	[SECTION_CERTIFICATE] = { "certificate", "mail",
		LIST(certificate_config, certificates, certificate_count),
		"What clients are shown; the one that has the name they ask for, else the "
		"listener's first." },
	[SECTION_CLIENTS] = { "clients", "devices",
		LIST(clients_config, clients, clients_count),
		"Which clients are let in by certificate, at listeners that name this section." },
	[SECTION_BACKEND] = { "backend", "mail", LIST(backend_config, backends, backend_count),
		"The mail server that stands behind." },
	[SECTION_POLICY] = { "policy", "default", LIST(policy_config, policies, policy_count),
		"What clients may do. A listener that names no policy has the one called"
		" default." },
	[SECTION_LIMITS] = { "limits", NULL, 0, 0, 0,
		"How much is served at a time." },
	[SECTION_TIMEOUTS] = { "timeouts", NULL, 0, 0, 0,
		"How long anything may take; see RFC 5321, section 4.5.3.2." },
};

static const struct option_word no_yes[] = { { "no", false }, { "yes", true }, { NULL, 0 } };
static const struct option_word log_levels[] = { { "error", LOG_LEVEL_ERROR },
	{ "warning", LOG_LEVEL_WARNING }, { "info", LOG_LEVEL_INFO }, { "debug", LOG_LEVEL_DEBUG },
	{ NULL, 0 } };
static const struct option_word log_formats[] = { { "text", LOG_FORMAT_TEXT },
	{ "json", LOG_FORMAT_JSON }, { NULL, 0 } };
static const struct option_word off[] = { { "off", 0 }, { NULL, 0 } };
static const struct option_word system_word[] = { { "system", 0 }, { NULL, 0 } };
static const struct option_word logins[] = { { "none", LOGIN_NONE }, { "cn", LOGIN_CN },
	{ "dns", LOGIN_DNS }, { "email", LOGIN_EMAIL }, { "map", LOGIN_MAP }, { NULL, 0 } };
static const struct option_word balances[] = { { "least", BALANCE_LEAST },
	{ "round-robin", BALANCE_ROUND_ROBIN }, { "source", BALANCE_SOURCE }, { NULL, 0 } };
static const struct option_word backend_tls_kinds[] = { { "off", BACKEND_TLS_OFF },
	{ "starttls", BACKEND_TLS_STARTTLS }, { "implicit", BACKEND_TLS_IMPLICIT }, { NULL, 0 } };
static const struct option_word identities[] = { { "auto", IDENTITY_AUTO },
	{ "none", IDENTITY_NONE }, { "proxy-v1", IDENTITY_PROXY_V1 },
	{ "proxy-v2", IDENTITY_PROXY_V2 }, { "xclient", IDENTITY_XCLIENT },
	{ "transparent", IDENTITY_TRANSPARENT }, { NULL, 0 } };
static const struct option_word log_targets[] = { { "stderr", 0 }, { "syslog", 0 }, { NULL, 0 } };
static const struct option_word tls_kinds[] = { { "implicit", LISTENER_IMPLICIT },
	{ "required", LISTENER_REQUIRED }, { "optional", LISTENER_OPTIONAL }, { NULL, 0 } };
static const struct option_word tls_policies[] = { { "modern", TLS_MODERN },
	{ "intermediate", TLS_INTERMEDIATE }, { "legacy", TLS_LEGACY }, { NULL, 0 } };
static const struct option_word ticket_counts[] = { { "auto", TICKETS_AUTO }, { "0", 0 },
	{ "1", 1 }, { "2", 2 }, { NULL, 0 } };
static const struct option_word verify_kinds[] = { { "request", CLIENTS_REQUEST },
	{ "require", CLIENTS_REQUIRE }, { NULL, 0 } };
static const struct option_word refuse_accept[] = { { "refuse", false }, { "accept", true },
	{ NULL, 0 } };
static const struct option_word refusals[] = { { "smtp", false }, { "tls", true }, { NULL, 0 } };
static const struct option_word newlines[] = { { "reject", false }, { "normalize", true },
	{ NULL, 0 } };
static const struct option_word auth_times[] = { { "tls", AUTH_TLS }, { "always", AUTH_ALWAYS },
	{ "never", AUTH_NEVER }, { NULL, 0 } };
static const struct option_word strict_tolerant[] = { { "strict", false }, { "tolerant", true },
	{ NULL, 0 } };
static const struct option_word refuse_tolerate[] = { { "refuse", false }, { "tolerate", true },
	{ NULL, 0 } };

#define DAY ((uint64_t)24 * 60 * 60 * 1000)
#define MINUTE ((uint64_t)60 * 1000)
#define MILLION ((uint64_t)1000 * 1000)
#define GIGA ((uint64_t)1 << 30)
#define PETA ((uint64_t)1 << 50)

#define POSTERN(name, type, member) SECTION_POSTERN, name, type, FIELD(config, member)
#define LISTENER(name, type, member) SECTION_LISTENER, name, type, FIELD(listener_config, member)
#define CERTIFICATE(name, type, member) \
	SECTION_CERTIFICATE, name, type, FIELD(certificate_config, member)
#define CLIENTS(name, type, member) SECTION_CLIENTS, name, type, FIELD(clients_config, member)
#define BACKEND(name, type, member) SECTION_BACKEND, name, type, FIELD(backend_config, member)
#define POLICY(name, type, member) SECTION_POLICY, name, type, FIELD(policy_config, member)
#define LIMITS(name, type, member) SECTION_LIMITS, name, type, FIELD(config, member)
#define TIMEOUTS(name, type, member) SECTION_TIMEOUTS, name, type, FIELD(config, timeouts.member)

const struct option options[] = {
	{ POSTERN("hostname", OPTION_HOSTNAME, hostname), .preset = "",
		.note = "the system's full name",
		.help = "The name that Postern gives itself in its own greetings." },
	{ POSTERN("workers", OPTION_WORKERS, workers), .preset = "auto", .min = 1, .max = 256,
		.help = "Worker processes: a number, or auto for one per core." },
	{ POSTERN("user", OPTION_USER, user), .preset = "postern",
		.help = "The user that the workers run as, when Postern is started by root." },
	{ POSTERN("log", OPTION_WORD_OR_PATH, log), .preset = "stderr", .words = log_targets,
		.help = "Where the log goes: stderr, syslog, or the path of a file." },
	{ POSTERN("log_level", OPTION_WORD, log_level), .preset = "info", .words = log_levels,
		.help = "How much is logged: events of this level and of those before it." },
	{ POSTERN("log_format", OPTION_WORD, log_format), .preset = "text", .words = log_formats,
		.help = "Fields as key=value, or each line a JSON object." },
	{ POSTERN("control", OPTION_WORD_OR_PATH, control), .preset = "/run/postern/control.sock",
		.words = off,
		.help = "The socket that `postern status` and other commands speak to; off." },
	{ POSTERN("metrics", OPTION_ADDRESSES, metrics), .preset = "127.0.0.1:9465", .words = off,
		.help = "Where metrics and the status page are served by HTTP; off." },
	{ POSTERN("state", OPTION_WORD_OR_PATH, state), .preset = "/var/lib/postern", .words = off,
		.help = "The directory of what outlives a restart: who is banned, and for how "
			"long. It must be there if it is not the default one; off." },
	{ POSTERN("sandbox", OPTION_WORD, sandbox), .preset = "yes", .words = no_yes,
		.help = "Workers and monitor may do nothing that their work does not need: "
			"seccomp, and Landlock where the kernel has it." },
	{ SECTION_POSTERN, "include", OPTION_INCLUDE, 0, 0, .preset = "",
		.help = "More files to read, in place and in the order of their names, as in "
			"conf.d/*.ini." },

	{ LISTENER("address", OPTION_ADDRESSES, address), .sample = "0.0.0.0:465, [::]:465",
		.help = "Where to listen: IPv4:port, [IPv6]:port (IPv6 alone: list both) or "
			"unix:/path." },
	{ LISTENER("tls", OPTION_WORD, tls), .preset = "implicit", .words = tls_kinds,
		.help = "implicit: TLS from the first byte (port 465). required: nothing goes "
			"before STARTTLS (587). optional: STARTTLS is offered (25)." },
	{ LISTENER("certificate", OPTION_REFERENCES, certificate_names), .preset = "",
		.note = "all of them, in the order of the file",
		.help = "Names of [certificate] sections; the first serves who asks for no known "
			"name." },
	{ LISTENER("clients", OPTION_REFERENCE, clients_name), .preset = "",
		.note = "no client certificate is asked for",
		.help = "Name of the [clients] section that says whose certificates let in." },
	{ LISTENER("policy", OPTION_REFERENCE, policy_name), .preset = "default",
		.help = "Name of the [policy] section that holds here." },
	{ LISTENER("backend", OPTION_REFERENCE, backend_name), .preset = "",
		.note = "the only one, where there is one",
		.help = "Name of the [backend] section that mail goes to." },
	{ LISTENER("networks", OPTION_NETWORKS, networks), .preset = "", .note = "everybody",
		.help = "Who may connect, as in 192.0.2.0/24, 2001:db8::/32; others are refused "
			"with 554." },
	{ LISTENER("tls_policy", OPTION_WORD, tls_policy), .preset = "intermediate",
		.words = tls_policies,
		.help = "modern: TLS 1.3 alone. intermediate: TLS 1.2 too, with forward secrecy. "
			"legacy: TLS 1.0 and 1.1 too, for legacy_networks alone." },
	{ LISTENER("legacy_networks", OPTION_NETWORKS, legacy_networks), .preset = "",
		.note = "nobody",
		.help = "Who may use what tls_policy = legacy adds: devices that can do no better." },
	{ LISTENER("ciphers", OPTION_ALGORITHMS, ciphers), .preset = "",
		.note = "those of tls_policy",
		.help = "Ciphers in place of the policy's, by OpenSSL's names with colons between "
			"them; names with TLS_ in front are for TLS 1.3." },
	{ LISTENER("groups", OPTION_ALGORITHMS, groups), .preset = "",
		.note = "X25519MLKEM768 where OpenSSL has it, X25519, P-256, P-384",
		.help = "Groups for the key exchange, the best first." },
	{ LISTENER("tickets", OPTION_WORD, tickets), .preset = "auto", .words = ticket_counts,
		.help = "TLS session tickets for each handshake; auto: none where a full "
			"handshake costs no more than a ticket (TLS 1.3 with ECDSA), else 1." },
	{ LISTENER("proxy_protocol", OPTION_NETWORKS, proxy_protocol), .preset = "off",
		.words = off,
		.help = "Networks of balancers that must begin each connection with a PROXY "
			"header, version 1 or 2, which is believed; nobody else may connect "
			"then. unix: whoever may use the listener's unix socket." },
	{ LISTENER("greet_delay", OPTION_TIME, greet_delay_ms), .preset = "0s", .max = 5 * MINUTE,
		.help = "Wait before the greeting, so that clients who do not wait for it give "
			"themselves away." },

	{ CERTIFICATE("chain", OPTION_PATH, chain),
		.sample = "/etc/letsencrypt/live/mail.example.org/fullchain.pem",
		.help = "PEM file with the certificate, then the intermediate ones." },
	{ CERTIFICATE("key", OPTION_PATH, key),
		.sample = "/etc/letsencrypt/live/mail.example.org/privkey.pem",
		.help = "PEM file with the private key, which only its owner and group may read." },
	{ CERTIFICATE("names", OPTION_DOMAINS, names), .preset = "",
		.note = "the DNS names in the certificate",
		.help = "Host names that this certificate answers to; *.example.org covers one "
			"label." },

	{ CERTIFICATE("dir", OPTION_PATH, dir), .preset = "", .note = "none",
		.help = "In place of chain and key, a directory with many: NAME/fullchain.pem with "
			"NAME/privkey.pem, or NAME.crt with NAME.key." },
	{ CERTIFICATE("staple", OPTION_PATH, staple), .preset = "", .note = "none",
		.help = "File with an OCSP response in DER to staple to the certificate; left out "
			"once it is stale." },

	{ CLIENTS("verify", OPTION_WORD, verify), .preset = "require", .words = verify_kinds,
		.help = "require: who shows no certificate that is good and allowed is refused. "
			"request: nobody is refused, and the log has what was shown." },
	{ CLIENTS("ca", OPTION_PATH, ca), .preset = "", .note = "none",
		.help = "PEM file with the authorities whose clients are let in. Without one, only "
			"certificates that sha256: or spki: pin." },
	{ CLIENTS("crl", OPTION_PATHS, crl), .preset = "",
		.note = "nothing is asked about revocation",
		.help = "Files with certificate revocation lists, PEM or DER, one for each "
			"authority." },
	{ CLIENTS("crl_missing", OPTION_WORD, crl_missing_accept), .preset = "refuse",
		.words = refuse_accept,
		.help = "What becomes of a client when crl is set and its authority's list is "
			"missing, or older than it says it may be." },
	{ CLIENTS("depth", OPTION_NUMBER, depth), .preset = "5", .max = 20,
		.help = "The most certificates between the client's and the authority's." },
	{ CLIENTS("allow", OPTION_ALLOW, allow), .preset = "",
		.note = "every certificate that is good",
		.help = "Whose certificates are allowed: dns:NAME, email:ADDRESS, uri:URI (of the "
			"subjectAltName), subject:DN (to the end of the line), sha256:FINGERPRINT, "
			"spki:SHA256 of the public key. A self-signed certificate that one of the "
			"last two pins needs no authority." },
	{ CLIENTS("allow_file", OPTION_PATH, allow_file), .preset = "", .note = "none",
		.help = "A file with more of them, one a line, each with `= login` behind it or "
			"not; the log has the login." },
	{ CLIENTS("login", OPTION_WORD, login), .preset = "none", .words = logins,
		.help = "What of a verified certificate the backend is told as XCLIENT LOGIN: "
			"cn, the first DNS name, the first e-mail address, or what allow_file "
			"maps it to." },
	{ CLIENTS("refuse", OPTION_WORD, refuse_by_tls), .preset = "smtp", .words = refusals,
		.help = "smtp: the refused are told why in words, after the handshake (554, or 550 "
			"to EHLO). tls: the handshake fails." },

	{ BACKEND("server", OPTION_SERVERS, server), .sample = "127.0.0.1:25",
		.help = "The server, or several: address:port, name:port, [IPv6]:port or "
			"unix:/path." },
	{ BACKEND("balance", OPTION_WORD, balance), .preset = "least", .words = balances,
		.help = "Which of several servers is next: the one with the fewest sessions, each "
			"in turn, or always the same for a client's address." },
	{ BACKEND("tls", OPTION_WORD, tls), .preset = "off", .words = backend_tls_kinds,
		.help = "TLS to the server: off, by STARTTLS, or from the first byte." },
	{ BACKEND("tls_ca", OPTION_WORD_OR_PATH, tls_ca), .preset = "system",
		.words = system_word,
		.help = "PEM file with the authorities that the server's certificate is verified "
			"by; system: those of the system." },
	{ BACKEND("tls_pin", OPTION_PINS, tls_pin), .preset = "",
		.note = "the certificate is verified by tls_ca and tls_name",
		.help = "In place of that, spki: and the SHA-256 of the server's public key, as "
			"for a self-signed certificate." },
	{ BACKEND("tls_name", OPTION_DOMAIN, tls_name), .preset = "", .note = "the server's",
		.help = "The name that must be in the server's certificate." },
	{ BACKEND("tls_policy", OPTION_WORD, tls_policy), .preset = "intermediate",
		.words = tls_policies,
		.help = "modern: TLS 1.3 alone. intermediate: TLS 1.2 too. legacy: what an old "
			"server may need, TLS 1.0 up." },
	{ BACKEND("identity", OPTION_WORD, identity), .preset = "auto", .words = identities,
		.help = "How the server is told whose client it is. auto: XCLIENT where the "
			"server announces it, PROXY where it does not greet before, else nothing, "
			"which is warned of." },
	{ BACKEND("proxy_header_size", OPTION_SIZE, proxy_header_size_bytes), .preset = "536",
		.min = 52, .max = 536,
		.help = "The longest header of proxy-v2; what would be longer is told without "
			"some of it. Exim takes 231, and auto sends no more." },
	{ BACKEND("trace_header", OPTION_WORD, trace_header), .preset = "no", .words = no_yes,
		.help = "Put a Received: field with the client's address and TLS before each "
			"message." },
	{ BACKEND("connect_timeout", OPTION_TIME, connect_timeout_ms), .preset = "5s",
		.min = 1, .max = DAY,
		.help = "How long to wait for a connection." },
	{ BACKEND("probe", OPTION_TIME, probe_ms), .preset = "10s", .max = DAY,
		.help = "How often each server is asked whether it is well; 0s: never." },
	{ BACKEND("max_sessions", OPTION_NUMBER, max_sessions), .preset = "0", .max = MILLION,
		.help = "Sessions at a time with each server, of all workers; 0: no limit." },
	{ BACKEND("full", OPTION_WAIT, full_wait_ms), .preset = "wait 30s", .max = 5 * MINUTE,
		.help = "When all servers are full: `wait TIME` for one, or `refuse`." },
	{ BACKEND("source", OPTION_HOSTS, source), .preset = "", .note = "the system's choice",
		.help = "Local addresses to connect from, of IPv4 and IPv6; each of a family in "
			"turn." },
	{ BACKEND("open_relay", OPTION_WORD, open_relay_accept), .preset = "refuse",
		.words = refuse_accept,
		.help = "refuse: ask the server as a stranger would, and let no strangers to one "
			"that relays for them. accept: do not ask." },
	{ BACKEND("relay_from", OPTION_MAILBOX, relay_from), .preset = "postmaster@gmail.com",
		.help = "Whose mail it is asked to relay. Nothing is sent. The domain must be "
			"foreign to the server, and one that has mail." },
	{ BACKEND("relay_to", OPTION_MAILBOX, relay_to), .preset = "abuse@gmail.com",
		.help = "... and for whom." },
	{ BACKEND("warm", OPTION_NUMBER, warm), .preset = "0", .max = 100,
		.help = "Sessions that each worker opens ahead with each server, so that a slow "
			"greeting costs clients nothing." },
	{ BACKEND("resolve", OPTION_TIME, resolve_ms), .preset = "5m", .min = 1000, .max = DAY,
		.help = "How often names of servers are looked up again. One that is not found any more "
			"keeps its last addresses." },

	{ POLICY("message_size", OPTION_SIZE, message_size_bytes), .preset = "0", .max = PETA,
		.help = "The greatest size of a message; 0: what the backend says." },
	{ POLICY("recipients", OPTION_NUMBER, recipients), .preset = "1000",
		.min = 1, .max = MILLION,
		.help = "Recipients of a message; RFC 5321 asks for 100 at least." },
	{ POLICY("errors", OPTION_NUMBER, errors), .preset = "20", .min = 1, .max = MILLION,
		.help = "Commands refused, between two messages, before the session ends." },
	{ POLICY("messages", OPTION_NUMBER, messages), .preset = "0", .max = MILLION,
		.help = "Messages in a session; 0: any number." },
	{ POLICY("require_auth", OPTION_WORD, require_auth), .preset = "no", .words = no_yes,
		.help = "Take no mail before the client has logged in." },
	{ POLICY("bare_newline", OPTION_WORD, normalize), .preset = "reject", .words = newlines,
		.help = "Lines that end without a proper CRLF: refuse the message, or mend it. "
			"Never let through, as they can smuggle mail." },
	{ POLICY("normalize_networks", OPTION_NETWORKS, normalize_networks), .preset = "",
		.help = "Clients whose lines are mended whatever bare_newline says: old devices." },
	{ POLICY("auth", OPTION_WORD, auth), .preset = "tls", .words = auth_times,
		.help = "When clients may log in: over TLS, always (passwords in clear), never." },
	{ POLICY("auth_hide", OPTION_PATTERNS, auth_hide),
		.preset = "*-PLUS, GSSAPI, GSS-*, DIGEST-MD5",
		.help = "Login mechanisms to hide; these cannot work where TLS ends before the "
			"server." },
	{ POLICY("verbs_off", OPTION_TOKENS, verbs_off), .preset = "VRFY, EXPN, ETRN",
		.help = "Commands that are switched off." },
	{ POLICY("verbs_pass", OPTION_TOKENS, verbs_pass), .preset = "",
		.help = "Commands that Postern does not know and passes: one line and one reply "
			"each." },
	{ POLICY("keywords_hide", OPTION_TOKENS, keywords_hide), .preset = "",
		.help = "Extensions of the backend, by EHLO keyword, that clients are not told "
			"of." },
	{ POLICY("keywords_pass", OPTION_TOKENS, keywords_pass), .preset = "",
		.help = "Extensions of the backend that Postern does not know and announces all "
			"the same." },
	{ POLICY("pipelining", OPTION_WORD, tolerate_pipelining), .preset = "strict",
		.words = strict_tolerant,
		.help = "Clients that send on where they must wait for a reply: end, or hold and "
			"go on." },
	{ POLICY("early_talker", OPTION_WORD, tolerate_early_talker), .preset = "refuse",
		.words = refuse_tolerate,
		.help = "Clients that talk before the greeting." },

	{ LIMITS("sessions", OPTION_NUMBER, sessions), .preset = "0", .max = 10 * MILLION,
		.help = "Sessions at a time, in all workers together; 0: as many as the limit of "
			"open files allows." },

	{ LIMITS("sessions_per_ip", OPTION_NUMBER, sessions_per_ip), .preset = "50",
		.max = MILLION,
		.help = "Sessions at a time from one address; of IPv6, from a /64. 0: any "
			"number." },
	{ LIMITS("rate_per_ip", OPTION_RATE, rate_per_ip), .preset = "120/m",
		.help = "New connections from one address in a time; 0: any number." },
	{ LIMITS("auth_failures_per_ip", OPTION_RATE, auth_failures_per_ip), .preset = "60/h",
		.help = "Failed logins from one address in a time; 0: any number." },
	{ LIMITS("ban", OPTION_TIME, ban_ms), .preset = "10m", .max = 365 * DAY,
		.help = "How long an address with more failed logins is refused, unless one "
			"succeeded within the last hour; 0s: not at all." },
	{ LIMITS("exempt", OPTION_NETWORKS, exempt), .preset = "127.0.0.0/8, ::1",
		.help = "Networks that no limit for each address holds for." },

	{ TIMEOUTS("handshake", OPTION_TIME, handshake_ms), .preset = "30s", .min = 1, .max = DAY,
		.help = "The whole TLS handshake, and the wait for it." },
	{ TIMEOUTS("greeting", OPTION_TIME, greeting_ms), .preset = "120s", .min = 1, .max = DAY,
		.help = "The backend's greeting." },
	{ TIMEOUTS("command", OPTION_TIME, command_ms), .preset = "300s", .min = 1, .max = DAY,
		.help = "The client's next command." },
	{ TIMEOUTS("reply", OPTION_TIME, reply_ms), .preset = "300s", .min = 1, .max = DAY,
		.help = "The backend's reply to a command." },
	{ TIMEOUTS("data_start", OPTION_TIME, data_start_ms),
		.preset = "120s", .min = 1, .max = DAY,
		.help = "The backend's go-ahead for a message." },
	{ TIMEOUTS("data_block", OPTION_TIME, data_block_ms),
		.preset = "180s", .min = 1, .max = DAY,
		.help = "The next piece of a message." },
	{ TIMEOUTS("data_rate", OPTION_SIZE, data_rate), .preset = "100", .max = GIGA,
		.help = "Bytes a second that a message must come with, over a minute; 0: any." },
	{ TIMEOUTS("data_end", OPTION_TIME, data_end_ms), .preset = "600s", .min = 1, .max = DAY,
		.help = "The backend's verdict on a message; shorter makes mail arrive twice." },
	{ TIMEOUTS("session", OPTION_TIME, session_ms), .preset = "3600s", .min = 1, .max = DAY,
		.help = "A whole session; it ends between two messages only." },
	{ TIMEOUTS("drain", OPTION_TIME, drain_ms), .preset = "60s", .min = 1, .max = DAY,
		.help = "How long sessions may go on when Postern is stopped." },
};
/* clang-format on */

const size_t option_count = ROWS(options);

_Static_assert(ROWS(options) <= OPTIONS_MAX, "a section has a mark for each option");
