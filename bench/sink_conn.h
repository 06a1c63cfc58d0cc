/* One connection of the sink: its socket, its buffers, its delays and other misbehaviour. */
#ifndef BENCH_SINK_CONN_H
#define BENCH_SINK_CONN_H

#include "base/addr.h"
#include "bench/sink_server.h"

/* Takes `fd` over. */
void sink_conn_open(struct sink *sink, int fd, const struct addr *client);

/* Closes it as it is. */
void sink_conn_close(struct sink_conn *conn);

/* Of the clients on the connections that are open. */
uint64_t sink_conn_errors(const struct sink *sink);

#endif
