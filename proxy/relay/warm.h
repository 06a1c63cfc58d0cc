/*
 * Sessions with servers that are opened ahead (`warm`), so that a slow greeting costs clients
 * nothing: each worker keeps as many with each server, TLS done and the greeting read, up to where
 * a server is told whose session it is. A client's session takes one over, or dials where there is
 * none. It is never used again after a client.
 *
 * They count as sessions of the server. Where those are limited they are opened only while less
 * than half of the places are taken, and given up when more than three quarters are.
 */
#ifndef PROXY_RELAY_WARM_H
#define PROXY_RELAY_WARM_H

#include "proxy/relay/group.h"
#include "proxy/relay/relay.h"

struct dialer;
struct peer;
struct warm_set;

/* Nothing is opened before warm_beat(). The services are there. NULL when out of memory. */
struct warm_set *warm_new(struct relay *relay, struct group *group);
void warm_free(struct warm_set *set);

/*
 * For all of a worker's: once a second opens what is missing, and gives up what is too old or not
 * wanted; and, for good, says QUIT on all.
 */
void warm_beat(struct relay *relay);
void warm_cool(struct relay *relay);

/*
 * The place was had by group_choose() as that of a session opened ahead. The session, if it is
 * still good, moves to `server` and `dialer`, which is ready or held. False: there is none, and the
 * place is as any.
 */
bool warm_take(struct warm_set *set, struct place *place, struct peer *server,
	       struct dialer *dialer);

#endif
