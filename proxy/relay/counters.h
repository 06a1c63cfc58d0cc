/*
 * What workers count, in memory that all processes share. Each worker writes its own, with plain
 * stores; whoever asks adds them up. Everything is a uint64_t, so that it can be added as an array.
 *
 * A counter is a member here and a row in counters.c, which gives it its name as a metric; a test
 * finds a member without a row.
 */
#ifndef PROXY_RELAY_COUNTERS_H
#define PROXY_RELAY_COUNTERS_H

#include "proxy/relay/timing.h"
#include "proxy/smtp/ending.h"
#include "proxy/smtp/tally.h"

/* What TLS came to, and what it did not come to. */
enum { TLS_VERSION_WORDS = 5, TLS_GROUP_WORDS = 8, TLS_FAILURE_WORDS = 7 };

/* The place of OpenSSL's word for it among those that are told apart; the last is for others. */
size_t tls_version_find(const char *version);
size_t tls_group_find(const char *group);
size_t tls_failure_find(const char *sentence);

/* How the server judged a message. */
enum { VERDICT_ACCEPTED, VERDICT_DEFERRED, VERDICT_REJECTED, VERDICT_UNKNOWN, VERDICT_WORDS };

/* LISTENERS_COUNTED - 1 listeners are counted each, the others together as the last. */
enum { LISTENERS_COUNTED = 16, LISTENER_OTHER = LISTENERS_COUNTED - 1 };

/* Of one listener. */
struct listener_counters {
	uint64_t sessions; /* accepted, ever */
	uint64_t open;     /* now */
	uint64_t handshakes[TLS_VERSION_WORDS];
	uint64_t groups[TLS_GROUP_WORDS];
	uint64_t resumed;
	uint64_t handshake_failures[TLS_FAILURE_WORDS];
	struct timing handshake;
	uint64_t messages[VERDICT_WORDS];
	uint64_t unheard; /* accepted, and the client did not show that it heard so */
	uint64_t bytes_to_server;
	uint64_t bytes_to_client;
	uint64_t ended[END_COUNT]; /* by reason; of connections that never were sessions, too */
};

/* Of the worker as a whole. */
struct relay_counters {
	uint64_t sessions;
	uint64_t open;
	struct smtp_tally tally;
	struct timing turn;     /* of the loop: how long all others waited for one */
	uint64_t waited;        /* sessions: for a place with a server, all being full */
	uint64_t failovers;     /* to another address or server */
	uint64_t auth_failures; /* refused by the server, or taken */
	uint64_t auth_successes;
	uint64_t bans;          /* for failures of AUTH */
	uint64_t untracked;     /* connections whose address found no place in the table */
	uint64_t log_dropped;   /* lines that could not be written */
	uint64_t accept_pauses; /* no connection was taken for a moment: all is taken */
};

enum counter_kind {
	COUNTER_TOTAL,  /* only grows */
	COUNTER_GAUGE,  /* as it is now */
	COUNTER_TIMING, /* a struct timing */
};

/* One metric, or one of several with the same name and other labels, which stand together. */
struct counter_row {
	size_t at; /* byte in the struct */
	size_t count;
	enum counter_kind kind;
	bool by_worker;                /* told of each worker, not added up */
	const char *name;              /* after the conventions of Prometheus */
	const char *labels;            /* fixed; "" for none */
	const char *label;             /* that tells `count` of them apart; NULL: one only */
	const char *(*word)(size_t i); /* its value; "" for what is never counted */
	const char *help;
};

/* Both end with a row without a name. */
extern const struct counter_row listener_rows[];
extern const struct counter_row relay_rows[];

#endif
