/* Where a session is on its way to a server: route.h moves it on. */
#ifndef PROXY_RELAY_JOURNEY_H
#define PROXY_RELAY_JOURNEY_H

#include "proxy/relay/group.h"

/* How far the server's side is. */
enum dialing {
	DIALING_NOT,
	DIALING_WAIT, /* for a place: all servers are full */
	DIALING_CONNECT,
	DIALING_GREETING,
	DIALING_DONE,
};

/* Times are of the loop, in seconds. */
struct journey {
	struct place place;                 /* with one of the backend's servers */
	const struct server_config *chosen; /* the last that was dialled; NULL: none */
	const struct member *untold;        /* announces no XCLIENT: it is not told of the client */
	struct lack others;                 /* lack this, so the client is not told of it */
	bool adopted;                       /* the connection was opened ahead, and counted then */
	uint32_t failovers;                 /* to another address or server */
	double dial_by;                     /* no other is tried after that */
	enum group_answer lack;             /* why a place is waited for */
	double wait_since;                  /* a place is waited for since then, */
	double wait_by;                     /* until then; 0: none is */
	double waited;                      /* in all */
	double look_at;                     /* the first of those that wait looks again */
};

#endif
