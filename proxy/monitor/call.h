/*
 * One connection of the monitor to a server: dials it as a session would, asks (ask.h), and takes
 * its leave with QUIT. Everything that was begun has an end: when the time is over it is cut.
 */
#ifndef PROXY_MONITOR_CALL_H
#define PROXY_MONITOR_CALL_H

#include "proxy/relay/dialer.h"
#include "proxy/smtp/ask.h"

struct call_plan {
	struct dialer_way way;
	const struct addr *source;       /* to connect from; NULL: it does not matter */
	const struct identity *identity; /* lent for the call */
	struct ask_plan ask;
	uint64_t connect_ms, greeting_ms, whole_ms; /* deadlines; the last from the connection on */
};

enum call_end {
	CALL_DONE,   /* the server has answered to the last: `ask` says what */
	CALL_DOWN,   /* no connection */
	CALL_SILENT, /* nothing came, or the rest did not */
	CALL_BROKEN, /* closed, or what came is no SMTP */
};

struct call {
	struct call_plan plan;
	struct ev_loop *loop;
	struct pool *pool;
	struct peer peer;
	struct dialer dialer;
	struct ask ask;
	bool asking;
	ev_timer deadline;
	void (*ended)(struct call *call, enum call_end end, const char *why);
	void *owner;
	bool open;
};

/* `ended` is called once for each call_begin(); `why` is a sentence where it was not CALL_DONE.
 */
void call_init(struct call *call, struct ev_loop *loop, struct pool *pool,
	       void (*ended)(struct call *call, enum call_end end, const char *why), void *owner);
void call_begin(struct call *call, const struct call_plan *plan, const struct addr *addr);

/* Ends it now, and tells nobody. */
void call_cut(struct call *call);

#endif
