/*
 * One run of the load tool: what was asked for, what is left to do, what came of it. The
 * connections (client.h) take their work from here and bring their results here.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "base/hist.h"
#include "bench/args.h"
#include "bench/failure.h"
#include "bench/loop.h"
#include "bench/message.h"
#include "bench/target.h"
#include "bench/tls.h"

/* What one unit of work is. */
enum scenario {
	SCENARIO_MESSAGES,  /* messages over kept connections */
	SCENARIO_HANDSHAKE, /* TLS up to the greeting, or up to the reply to EHLO after STARTTLS */
	SCENARIO_SESSION,   /* from connecting to QUIT, with one message */
	SCENARIO_BULK,      /* large messages */
	SCENARIO_IDLE,      /* sessions that are only held */
	SCENARIOS,
};

enum load_tls { LOAD_TLS_NONE, LOAD_TLS_IMPLICIT, LOAD_TLS_STARTTLS };

struct load_options {
	const char *target;
	enum scenario scenario;
	enum load_tls tls;
	struct tls_options certificate;
	bool no_check;
	uint64_t messages;
	uint64_t size_bytes;
	uint64_t connections;
	uint64_t per_connection; /* messages; 0: any number */
	bool pipeline;
	bool bdat;
	const char *helo;
	const char *from;
	const char *to;
	const char *auth;   /* "user:password" */
	const char *source; /* addresses with commas between; NULL: the system chooses */
	uint64_t timeout_us;
	const char *json;
	bool verbose;
	uint64_t hold_us;
};

enum { LOAD_NOTE_BYTES = 128 };

struct client;

struct load {
	struct load_options options;
	struct loop *loop;
	struct target target;
	struct tls_plan *tls; /* NULL: plain */
	struct message_plan plan;
	char tls_note[LOAD_NOTE_BYTES]; /* version and cipher of the first session */

	uint64_t claimed; /* messages, or idle sessions, that were begun */
	uint64_t accepted;
	uint64_t failed;
	uint64_t connections; /* tried */
	uint64_t resumed;     /* of those: with a TLS session of before */
	uint64_t active;
	uint64_t opening; /* of those: not yet ready for mail */
	uint64_t survived;
	struct failures failures;
	struct client *clients;

	uint64_t started_us;
	uint64_t ended_us;
	bool is_holding; /* all idle sessions are there */
	struct hist connect_us;
	struct hist message_us;
	struct hist command_us;

	struct loop_watch *opener;
	struct loop_watch *holder;
	struct loop_watch *limit;
	struct loop_watch *ticker;
};

/* False after a sentence on stderr. `load` is then to be released, too. */
bool load_init(struct load *load, const struct load_options *options);
void load_release(struct load *load);

/* Returns when all is done or the time is up. */
void load_run(struct load *load);
/* Ends it before that: what is not done counts as failed. */
void load_stop(struct load *load);

const char *load_unit(const struct load *load); /* "messages" */

/* Everything that was asked for was done, and nothing went wrong. */
bool load_is_good(const struct load *load);

/* For clients. */

/* The next unit of work; false when there are no more. */
bool load_claim(struct load *load, uint64_t *number);
/* The client is ready for mail for the first time, or will never be. */
void load_opened(struct load *load);
/* The client is being freed: another one may take its place. */
void load_gone(struct load *load);

#endif
