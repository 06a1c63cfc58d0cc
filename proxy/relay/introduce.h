/*
 * How a server is told whose session it is: as `identity` says, or, where that is `auto`, as the
 * monitor has found (proxy/monitor/find.c). Workers find nothing out, but notice where what was
 * found does not hold.
 */
#ifndef PROXY_RELAY_INTRODUCE_H
#define PROXY_RELAY_INTRODUCE_H

#include "proxy/relay/session.h"

/* What the server that is being connected is to be told by. */
enum dial_way introduce_way(const struct session *session);

/* The dialer is ready. True: the server is dialled once more, as it cannot be told. */
bool introduce_ready(struct session *session);

/* It was connected, and it did not come to a greeting. */
void introduce_failed(struct session *session);

#endif
