/* How a server is told of clients, as its record says (server.h): found for all by the monitor. */
#ifndef PROXY_RELAY_TOLD_H
#define PROXY_RELAY_TOLD_H

#include "config/config.h"
#include "proxy/relay/server.h"

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

#endif
