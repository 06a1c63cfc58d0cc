/*
 * How a server is told whose session it is: as `identity` says, or, where that is `auto`, as is
 * found out. That is remembered in the table of servers until a dialling fails on it.
 *
 * A server is asked on connections of its own: it may take no second EHLO, and the client's is
 * still to come. A server that greets by itself never gets a PROXY header, but where it asks for
 * one.
 */
#ifndef PROXY_RELAY_INTRODUCE_H
#define PROXY_RELAY_INTRODUCE_H

#include "proxy/relay/session.h"

/* What the server that is being connected is to be told by; *confirm as in struct dial_plan. */
enum dial_way introduce_way(struct session *session, bool *confirm);

/* The dialer is ready, or has failed, or is late. True: the server is being dialled once more. */
bool introduce_ready(struct session *session);
bool introduce_failed(struct session *session);
bool introduce_late(struct session *session);

/* How long the server may take, of `whole` seconds. */
double introduce_patience(const struct session *session, double whole);

#endif
