/* One session with a server that is opened ahead: warm.h has them. */
#ifndef PROXY_RELAY_AHEAD_H
#define PROXY_RELAY_AHEAD_H

#include "proxy/relay/dialer.h"
#include "proxy/relay/group.h"
#include "proxy/relay/relay.h"

/* Those of one server. */
struct pot {
	struct relay *relay;
	struct group *group;
	struct member *member;
	struct ahead *items; /* `warm` of them */
	uint64_t pause_ms;   /* the last pause; 0: all is well */
	uint64_t not_before; /* by clock_ms() */
	uint32_t misses;
};

/* While it is open it has a place with the server. */
struct ahead {
	struct pot *pot;
	struct peer peer; /* not connected: there is none */
	struct dialer dialer;
	bool ready;            /* a client may take it */
	struct slice greeting; /* owned; while it is ready */
	uint32_t address;      /* which one of the member's, */
	uint32_t sequence;     /* as they were then */
	uint64_t since_ms;     /* begun, or ready */
	uint64_t begun_us;     /* by clock_us() */
	uint64_t connected_us; /* the same; 0: it is not yet */
};

void ahead_init(struct ahead *w, struct pot *pot);
bool ahead_is_open(const struct ahead *w);

/* Begins to connect; the place with the server is had. */
void ahead_begin(struct ahead *w);

/* How long the step that it is at may take. */
uint64_t ahead_patience_ms(const struct ahead *w);

/* It becomes what the session has; false, and it must go: it is no good any more. */
bool ahead_hand_over(struct ahead *w, struct peer *server, struct dialer *dialer);

/* Closes it, after QUIT if it is ready; with shut its place is kept. */
void ahead_shut(struct ahead *w);
void ahead_drop(struct ahead *w);

/* The same for a fault of the server's, which the table learns of. */
void ahead_fail(struct ahead *w);

/* Gives one place with the server up. */
void ahead_leave(const struct pot *pot);

#endif
