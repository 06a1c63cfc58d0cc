/* What the monitor has found of a server for all: how it is told of clients, what it offers. */
#ifndef PROXY_RELAY_TOLD_H
#define PROXY_RELAY_TOLD_H

#include "config/config.h"
#include "proxy/relay/server.h"
#include "proxy/smtp/offer.h"

/*
 * Monitor: it is told of clients in that way (enum identity_mode), by the configuration that has
 * this mark (config_backend_mark()). All of it changes at once.
 */
void server_set_told(struct server_record *record, uint64_t mark, unsigned identity);

/*
 * False, and nothing changes: that was not set by this configuration. IDENTITY_AUTO: it is not
 * found yet. What is read is no more than IDENTITY_TRANSPARENT, whatever stands there.
 */
bool server_told(const struct server_record *record, uint64_t mark, unsigned *identity);

/* The same by whatever configuration, to be shown. */
unsigned server_told_last(const struct server_record *record);

/* What it has announced, where `offered` is set. */
void server_set_offer(struct server_record *record, const struct offer *offer);
struct offer server_offer(const struct server_record *record);

#endif
