/*
 * The master's desk: it answers what the monitor asks for by the mailbox, and keeps the board. What
 * is asked is read as if a stranger had written it.
 */
#ifndef PROXY_DESK_H
#define PROXY_DESK_H

#include "proxy/crew.h"

struct master;

/* What only the master itself can do. */
struct desk_orders {
	void (*reload)(struct master *master);
	void (*drain)(struct master *master);
	void (*stop)(struct master *master);
	struct master *master;
};

/* A reload that somebody waits for the end of. */
struct desk_reload {
	uint64_t serial; /* 0: none */
	bool begun;      /* what is being loaded now was read after it was asked for */
};

struct desk {
	struct crews *crews;
	struct desk_orders orders;
	enum board_state state;
	struct desk_reload reloads[MAILBOX_REQUESTS];
	uint64_t figures_ms; /* when they are to be read again, by clock_ms() */
};

/* Answers all that is asked for. */
void desk_attend(struct desk *desk);

/* A reload begins; has gone well; or has failed, which the log is told of, too. */
void desk_reload_begins(struct desk *desk);
void desk_reload_done(struct desk *desk);
void desk_reload_failed(struct desk *desk, const struct log *log, const char *why,
			const struct complaints *complaints);

/* This generation serves now. */
void desk_serves(struct desk *desk, const struct crew *crew);

/* On the way out. */
void desk_state(struct desk *desk, enum board_state state);

/* Puts figures of the processes on the board, now and then. */
void desk_tend(struct desk *desk);

#endif
