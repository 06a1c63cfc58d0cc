/*
 * The board: what the master tells the monitor, and whoever else looks, in memory that all
 * processes share. Written by the master unless said otherwise, and never believed by it.
 */
#ifndef PROXY_BOARD_H
#define PROXY_BOARD_H

#include "config/config.h"
#include "proxy/mailbox.h"
#include "proxy/relay/counters.h"

enum { BOARD_NAME_BYTES = 65, BOARD_PATH_BYTES = 256, BOARD_CERTS_MAX = 64 };

/* How Postern as a whole is. */
enum board_state { BOARD_STARTING, BOARD_SERVING, BOARD_DRAINING, BOARD_STOPPING, BOARD_STATES };

/* A word for it; for what is none of them, too. */
const char *board_state_word(unsigned state);

/* A certificate that is served. */
struct board_cert {
	char name[256]; /* the first it is for */
	char path[BOARD_PATH_BYTES];
	int64_t ends; /* seconds since 1970 */
};

/* What the kernel tells of a process; 0 where it does not. */
struct process_figures {
	uint64_t pid;
	uint64_t cpu_ms;
	uint64_t memory_bytes;
	uint64_t files;
};

/* How things stood at a time, by CLOCK_REALTIME; totals as counted by then. The monitor's. */
struct board_sample {
	uint64_t at_ms; /* 0: none */
	uint64_t open;
	uint64_t sessions;
	uint64_t handshakes;
	uint64_t messages;
	uint64_t refused; /* sessions ended for what the client or its network is */
	uint64_t bytes_to_server;
	uint64_t bytes_to_client;
};

enum { BOARD_SAMPLE_MS = 2000, BOARD_SAMPLES = 450 };

struct board {
	_Atomic uint32_t state;      /* enum board_state */
	_Atomic uint32_t generation; /* that serves */
	_Atomic uint64_t reloads;    /* that went well, renewals of certificates with them */
	_Atomic uint64_t reloads_failed;
	_Atomic uint64_t reloaded_at; /* the last, good or not: seconds since 1970; 0: none yet */
	_Atomic uint32_t reload_bad;  /* it failed */

	struct process_figures master;
	struct process_figures monitor;

	_Atomic uint32_t cert_count;
	struct board_cert certs[BOARD_CERTS_MAX];

	struct mailbox mailbox;
	struct board_sample samples[BOARD_SAMPLES]; /* by time, as a ring */

	/* As whom listeners are counted; the last stands for all that found no place. A listener
	 * that is configured no more keeps its place, as its totals stay. */
	char listeners[LISTENERS_COUNTED][BOARD_NAME_BYTES];
};

/* Master: all listeners of the configuration have a place, as long as there are any. */
void board_add_listeners(struct board *board, const struct config *config);

/* The listener's place; LISTENER_OTHER when it has none of its own. */
size_t board_listener(const struct board *board, const char *name);

#endif
