/* Where a session is on its way to a server: route.h moves it on. */
#ifndef PROXY_RELAY_JOURNEY_H
#define PROXY_RELAY_JOURNEY_H

#include "proxy/relay/dialer.h"
#include "proxy/relay/group.h"
#include "proxy/smtp/identity.h"

/* How far the server's side is. */
enum dialing {
	DIALING_NOT,
	DIALING_WAIT, /* for a place: all servers are full */
	DIALING_CONNECT,
	DIALING_GREETING,
	DIALING_DONE,
};

/* What is needed until the server is there, and no longer. Times are of the loop, in seconds. */
struct approach {
	struct dialer dialer;
	struct identity identity; /* as the server is told of the client, where it is */
	enum group_answer lack;   /* why a place is waited for */
	double dial_by;           /* no other is tried after that */
	double wait_since;        /* a place is waited for since then, */
	double wait_by;           /* until then; 0: none is */
	double look_at;           /* the first of those that wait looks again */
};

struct journey {
	struct approach *approach;          /* owned; NULL: the server is there, or not wanted */
	struct place place;                 /* with one of the backend's servers */
	const struct server_config *chosen; /* the last that was dialled; NULL: none */
	const struct member *untold;        /* announces no XCLIENT: it is not told of the client */
	struct lack others;                 /* lack this, so the client is not told of it */
	double waited;                      /* for a place, in all: seconds */
	uint32_t failovers;                 /* to another address or server */
	bool adopted;                       /* the connection was opened ahead, and counted then */
};

/* There is one from now on; false when out of memory. And there is none. */
bool approach_begin(struct journey *journey);
void approach_end(struct journey *journey);

#endif
