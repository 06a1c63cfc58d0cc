/* What went wrong in a run, by its sort: how often, and in which words first. */
#ifndef BENCH_FAILURE_H
#define BENCH_FAILURE_H

#include "base/slice.h"

/* Where a session is, and which reply is owed. */
enum step {
	STEP_CONNECT,
	STEP_HANDSHAKE,
	STEP_GREETING,
	STEP_EHLO,
	STEP_STARTTLS,
	STEP_AUTH,
	STEP_MAIL,
	STEP_RCPT,
	STEP_DATA,
	STEP_DOT,
	STEP_BDAT,
	STEP_RSET,
	STEP_HOLD,
	STEP_NOOP,
	STEP_QUIT,
};

enum failure_kind {
	FAILURE_SYSTEM,   /* this machine has no more of something */
	FAILURE_CONNECT,  /* no connection */
	FAILURE_TLS,      /* no secure one */
	FAILURE_REFUSED,  /* a reply that says no */
	FAILURE_OFFER,    /* what was asked for is not announced */
	FAILURE_PROTOCOL, /* what came is no reply, or one too many */
	FAILURE_CLOSED,   /* the server went away */
	FAILURE_RESET,    /* the connection broke */
	FAILURE_TIMEOUT,
};

const char *step_name(enum step step);
const char *failure_name(enum failure_kind kind);

enum { FAILURE_SORTS = 32, FAILURE_TEXT_BYTES = 128 };

struct failure {
	enum failure_kind kind;
	enum step step;
	unsigned code; /* of the reply; 0: none */
	uint64_t count;
	char example[FAILURE_TEXT_BYTES]; /* cut; printable */
};

struct failures {
	uint64_t count;
	size_t sorts;
	struct failure sort[FAILURE_SORTS]; /* the last one takes what has no place */
};

void failure_add(struct failures *failures, enum failure_kind kind, enum step step, unsigned code,
		 struct slice example);
void failure_add_many(struct failures *failures, enum failure_kind kind, enum step step,
		      unsigned code, struct slice example, uint64_t count);

#endif
