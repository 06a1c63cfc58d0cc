/* The sink as a whole: its options, its listening socket, its connections, its counts. */
#ifndef BENCH_SINK_SERVER_H
#define BENCH_SINK_SERVER_H

#include "base/buf.h"
#include "bench/dialog.h"
#include "bench/loop.h"

struct sink_options {
	const char *address;
	const char *store;
	const char *log;
	uint64_t count; /* messages before the end; 0: without end */
	uint64_t greeting_delay_us;
	uint64_t reply_delay_us;
	uint64_t verdict_delay_us;
	uint64_t slow_bytes; /* of message text a second; 0: as it comes */
	uint64_t every;      /* misbehave in every so manieth session; 0: in all */
	bool silent;
	bool lose;
	bool twice;
	bool damage;
	bool drop[MOMENTS];
	struct dialog_rules rules;
};

struct sink_conn;

struct sink {
	struct sink_options options;
	struct loop *loop;
	struct pool pool;
	struct mailbox box;
	FILE *log; /* the transcript; NULL: none */
	int listener;
	struct loop_watch *accepting;
	struct loop_watch *ending; /* its timer runs when the count is reached */
	bool is_ending;
	struct sink_conn *conns; /* all that are open */
	uint64_t sessions;
	uint64_t open;
	uint64_t errors;  /* of the clients' */
	uint64_t resets;  /* connections that ended with an error */
	uint64_t dropped; /* connections closed by --drop */
};

/* False after a sentence on stderr. `sink` is then to be released, too. */
bool sink_server_init(struct sink *sink, const struct sink_options *options);
void sink_server_release(struct sink *sink);

/* The address listened on, as the clients need it. */
void sink_server_address(const struct sink *sink, char *text, size_t size);

/* To be called when a connection has been served or is gone: may end the loop. */
void sink_server_settle(struct sink *sink);

/* One line of JSON. */
void sink_server_summary(const struct sink *sink, FILE *to);

/* One line of the transcript: `mark` is C for the client, S for the sink, - for what happened. */
void sink_server_log(const struct sink *sink, uint64_t connection, char mark, struct slice text);

#endif
