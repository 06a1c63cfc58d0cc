/* The Received: field of a message: what is known of the session, and the time. */
#ifndef PROXY_RELAY_STAMP_H
#define PROXY_RELAY_STAMP_H

#include "proxy/relay/session.h"

/* Hands the inspector the field that it wants; false where it wants none. */
bool stamp_message(struct session *session);

#endif
