/*
 * What the monitor asks of the master, in memory that all processes share. Each request has a
 * serial, and its place by that; the place is kept until another sixteen have been asked for, so
 * that the outcome can be read by a monitor that was started in the meantime.
 */
#ifndef PROXY_MAILBOX_H
#define PROXY_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum request_kind {
	REQUEST_RELOAD,
	REQUEST_DRAIN,
	REQUEST_STOP,
	REQUEST_KILL,  /* the session with this id */
	REQUEST_BAN,   /* this address, for so many milliseconds */
	REQUEST_UNBAN, /* this address */
	REQUEST_PAUSE, /* this backend */
	REQUEST_RESUME,
	REQUEST_ENABLE, /* this server; of any backend, or BACKEND/SERVER */
	REQUEST_DISABLE,
	REQUEST_KINDS,
};

enum request_state { REQUEST_FREE, REQUEST_ASKED, REQUEST_TAKEN, REQUEST_DONE };

enum { MAILBOX_REQUESTS = 16, REQUEST_ARGUMENT_BYTES = 384, REQUEST_TEXT_BYTES = 2048 };

struct request {
	_Atomic uint32_t state;
	uint32_t kind;
	uint64_t serial;
	uint64_t number;
	char argument[REQUEST_ARGUMENT_BYTES];
	uint32_t good;
	char text[REQUEST_TEXT_BYTES]; /* what has come of it, in words */
};

struct mailbox {
	_Atomic uint64_t last; /* serial */
	struct request requests[MAILBOX_REQUESTS];
};

/* What is asked: a copy that nobody else writes. */
struct order_form {
	uint64_t serial;
	enum request_kind kind;
	uint64_t number;
	char argument[REQUEST_ARGUMENT_BYTES];
};

/* Monitor: the request's serial; 0 when too many are open. The master is to be woken then. */
uint64_t mailbox_ask(struct mailbox *mailbox, enum request_kind kind, const char *argument,
		     uint64_t number);

/* Monitor: true when it is done: whether it went well, and a text of REQUEST_TEXT_BYTES. */
enum mailbox_answer { MAILBOX_PENDING, MAILBOX_GOOD, MAILBOX_FAILED, MAILBOX_UNKNOWN };
enum mailbox_answer mailbox_outcome(struct mailbox *mailbox, uint64_t serial, char *text);

/* Master: the oldest that is asked for and not yet taken; what stands there may be nonsense. */
bool mailbox_take(struct mailbox *mailbox, struct order_form *form);

/* Master: it is done. */
void mailbox_answer(struct mailbox *mailbox, uint64_t serial, bool good, const char *text);

#endif
