/*
 * One session of a model client, Postern's inspector and a model server, made of choices. When it
 * is over it is judged: whether the server read what the client said, and the client was told what
 * the server said.
 */
#ifndef TESTS_MODEL_SESSION_H
#define TESTS_MODEL_SESSION_H

#include "tests/model/backend.h"
#include "tests/model/client.h"

enum { CONNECTIONS = 2 };

/* A reply as the client got it. */
struct answer {
	unsigned code;
	size_t at, len; /* in what was said to the client */
	size_t tag;     /* of the server's; SIZE_MAX: it has none, Postern said it */
	size_t sent;    /* what the client had sent when it came */
};

struct session {
	struct choice choice;
	struct smtp_policy policy;
	struct play play;
	struct client client;
	struct backend backends[CONNECTIONS];
	size_t connections;
	size_t passed;           /* of what was said to servers, read by them */
	struct text_buf pending; /* of the client: sent, and not yet arrived */
	struct text_buf sent;    /* of the client: arrived */
	struct answer answers[READER_UNITS];
	size_t answer_count;
	size_t answered;    /* bytes of what was said to the client, read as replies */
	size_t upgraded_at; /* what had arrived when TLS began; SIZE_MAX: it did not */
	bool cut;
	bool stormy;           /* the world outside takes part */
	struct text_buf story; /* as a dialogue */
};

/* What there was, for tests of the tests. */
struct session_sum {
	size_t sessions, commands, messages, chunks, upgrades, cuts;
	size_t endings[END_COUNT]; /* END_NONE: it would have gone on */
};

/* Plays and judges; what is wrong is printed with the dialogue, and ends the program. */
void session_run(const uint8_t *choices, size_t size, struct session_sum *sum);

/* Ends the program with a sentence. */
_Noreturn void session_wrong(const struct session *session, const char *what, size_t where);

/* The newest connection; NULL: there is none. */
struct backend *session_backend(struct session *session);

/* The verdict over a session that is over. `quiet`: nothing was under way any more. */
void judge(struct session *session, bool quiet, struct session_sum *sum);

#endif
