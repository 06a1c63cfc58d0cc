#include "proxy/relay/counters.h"

#include "proxy/smtp/verbs.h"

#include <stddef.h>

static const char *const version_words[TLS_VERSION_WORDS] = {
	"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "other",
};

static const char *const group_words[TLS_GROUP_WORDS] = {
	"x25519", "secp256r1", "secp384r1", "secp521r1", "x448", "X25519MLKEM768", "ffdhe", "other",
};

static const char *const failure_words[TLS_FAILURE_WORDS] = {
	"closed", "version", "cipher", "group", "certificate", "alert", "other",
};

/* Where in OpenSSL's sentence it shows; the first that is found counts. */
static const struct {
	const char *part;
	size_t failure;
} failure_parts[] = {
	{ "went away", 0 },
	{ "unexpected eof", 0 },
	{ "protocol version", 1 },
	{ "unsupported protocol", 1 },
	{ "inappropriate fallback", 1 },
	{ "shared cipher", 2 },
	{ "key share", 3 },
	{ "shared group", 3 },
	{ "unknown ca", 4 },
	{ "certificate", 4 },
	{ "alert", 5 },
};

static size_t word_find(const char *const *words, size_t count, const char *word)
{
	size_t i = 0;

	while (i + 1 < count && strcmp(words[i], word) != 0)
		i++;
	return i;
}

size_t tls_version_find(const char *version)
{
	return word_find(version_words, TLS_VERSION_WORDS, version);
}

size_t tls_group_find(const char *group)
{
	return word_find(group_words, TLS_GROUP_WORDS,
			 strncmp(group, "ffdhe", 5) == 0 ? "ffdhe" : group);
}

size_t tls_failure_find(const char *sentence)
{
	for (size_t i = 0; i < sizeof failure_parts / sizeof *failure_parts; i++)
		if (strstr(sentence, failure_parts[i].part))
			return failure_parts[i].failure;
	return TLS_FAILURE_WORDS - 1;
}

static const char *version_word(size_t i)
{
	return version_words[i];
}

static const char *group_word(size_t i)
{
	return group_words[i];
}

static const char *failure_word(size_t i)
{
	return failure_words[i];
}

static const char *reason_word(size_t i)
{
	return i == END_NONE ? "" : ending_word((enum ending)i);
}

static const char *verdict_word(size_t i)
{
	static const char *const words[VERDICT_WORDS] = { "accepted", "deferred", "rejected",
							  "unknown" };
	return words[i];
}

static const char *class_word(size_t i)
{
	static const char *const words[SMTP_REPLY_CLASSES] = { "", "", "2xx", "3xx", "4xx", "5xx" };
	return words[i];
}

static const char *verb_word(size_t i)
{
	static const char *const others[VERB_COUNT] = {
		[VERB_UNKNOWN] = "unknown",
		[VERB_PASSED] = "passed",
	};
	return others[i] ? others[i] : verbs[i].name.ptr;
}

#define SIZE(type, member)  (sizeof(((struct type *)NULL)->member) / sizeof(uint64_t))
#define PLACE(type, member) offsetof(struct type, member), SIZE(type, member)
#define ONE                 NULL, NULL

const struct counter_row listener_rows[] = {
	{ PLACE(listener_counters, sessions), COUNTER_TOTAL, false, "postern_sessions_total", "",
	  ONE, "Connections accepted." },
	{ PLACE(listener_counters, open), COUNTER_GAUGE, false, "postern_sessions_open", "", ONE,
	  "Sessions that are open now." },
	{ PLACE(listener_counters, ended), COUNTER_TOTAL, false, "postern_sessions_ended_total", "",
	  "reason", reason_word, "Sessions that have ended, by the reason in the log." },
	{ PLACE(listener_counters, handshakes), COUNTER_TOTAL, false, "postern_handshakes_total",
	  "", "version", version_word, "TLS handshakes completed, by version." },
	{ PLACE(listener_counters, groups), COUNTER_TOTAL, false, "postern_handshake_groups_total",
	  "", "group", group_word, "TLS handshakes completed, by the group of the key exchange." },
	{ PLACE(listener_counters, resumed), COUNTER_TOTAL, false,
	  "postern_handshakes_resumed_total", "", ONE,
	  "TLS handshakes completed that resumed an earlier session." },
	{ PLACE(listener_counters, handshake_failures), COUNTER_TOTAL, false,
	  "postern_handshake_failures_total", "", "reason", failure_word,
	  "TLS handshakes that failed, by what they failed for." },
	{ PLACE(listener_counters, handshake), COUNTER_TIMING, false, "postern_handshake_seconds",
	  "", ONE,
	  "From the start of TLS to the end of the handshake, the client's part included." },
	{ PLACE(listener_counters, messages), COUNTER_TOTAL, false, "postern_messages_total", "",
	  "verdict", verdict_word, "Messages that the backend was given whole, by its verdict." },
	{ PLACE(listener_counters, unheard), COUNTER_TOTAL, false, "postern_messages_unheard_total",
	  "", ONE, "Messages accepted whose client did not show that it heard so: it may resend." },
	{ PLACE(listener_counters, bytes_to_server), COUNTER_TOTAL, false, "postern_bytes_total",
	  "direction=\"to_server\"", ONE, "SMTP bytes passed on, without TLS." },
	{ PLACE(listener_counters, bytes_to_client), COUNTER_TOTAL, false, "postern_bytes_total",
	  "direction=\"to_client\"", ONE, "" },
	{ 0 },
};

const struct counter_row relay_rows[] = {
	{ PLACE(relay_counters, sessions), COUNTER_TOTAL, true, "postern_worker_sessions_total", "",
	  ONE, "Connections that a worker accepted." },
	{ PLACE(relay_counters, open), COUNTER_GAUGE, true, "postern_worker_sessions_open", "", ONE,
	  "Sessions that a worker has open now." },
	{ PLACE(relay_counters, tally.commands), COUNTER_TOTAL, false, "postern_commands_total", "",
	  "verb", verb_word, "SMTP commands read from clients." },
	{ PLACE(relay_counters, tally.replies_server), COUNTER_TOTAL, false,
	  "postern_replies_total", "from=\"server\"", "class", class_word,
	  "SMTP replies, by their first digit." },
	{ PLACE(relay_counters, tally.replies_own), COUNTER_TOTAL, false, "postern_replies_total",
	  "from=\"postern\"", "class", class_word, "" },
	{ PLACE(relay_counters, turn), COUNTER_TIMING, false, "postern_loop_turn_seconds", "", ONE,
	  "Turns of the workers' event loops: how long everybody else waited." },
	{ PLACE(relay_counters, waited), COUNTER_TOTAL, false, "postern_waits_total", "", ONE,
	  "Sessions that waited for a place with a server, all being full or paused." },
	{ PLACE(relay_counters, failovers), COUNTER_TOTAL, false, "postern_failovers_total", "",
	  ONE, "Sessions that went on to another address or server, as one could not be had." },
	{ PLACE(relay_counters, auth_failures), COUNTER_TOTAL, false, "postern_logins_total",
	  "outcome=\"failed\"", ONE, "Answers of the backends to AUTH." },
	{ PLACE(relay_counters, auth_successes), COUNTER_TOTAL, false, "postern_logins_total",
	  "outcome=\"succeeded\"", ONE, "" },
	{ PLACE(relay_counters, bans), COUNTER_TOTAL, false, "postern_bans_total", "", ONE,
	  "Addresses that were banned for logins that failed." },
	{ PLACE(relay_counters, untracked), COUNTER_TOTAL, false, "postern_untracked_total", "",
	  ONE, "Connections that no limit per address counted, as its table was full." },
	{ PLACE(relay_counters, log_dropped), COUNTER_TOTAL, false,
	  "postern_log_lines_dropped_total", "", ONE,
	  "Lines of the log that could not be written." },
	{ PLACE(relay_counters, accept_pauses), COUNTER_TOTAL, false, "postern_accept_pauses_total",
	  "", ONE,
	  "Times that a worker accepted nothing for a moment, as all that may be had was taken." },
	{ 0 },
};
