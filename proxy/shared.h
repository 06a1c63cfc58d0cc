/*
 * Memory that all processes share: what each worker counts, its session slots, and what the master
 * tells it. It is made before the first fork, in one memfd whose size is sealed, so that a program
 * that is handed the descriptor can map it too.
 *
 * A worker writes its own record and slots, the master the rest. The master believes nothing it
 * reads here: it decides by what it keeps for itself.
 */
#ifndef PROXY_SHARED_H
#define PROXY_SHARED_H

#include "proxy/admit/addresses.h"
#include "proxy/board.h"
#include "proxy/crash.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/servers.h"
#include "proxy/relay/turn.h"

#include <stdatomic.h>

/* What the master wants of a worker. An order only ever rises. */
enum order {
	ORDER_WORK,
	ORDER_RETIRE, /* accept no more; go when the last session has ended */
	ORDER_DRAIN,  /* the same, and each session ends between two transactions */
	ORDER_END,    /* the same, within timeouts.drain */
	ORDER_STOP,   /* end at once */
};

struct worker_record {
	_Atomic int32_t pid;         /* 0: none runs */
	_Atomic uint32_t generation; /* 0: the record is free */
	_Atomic uint32_t index;      /* of the generation's workers */
	_Atomic uint8_t up;          /* it watches its slots */
	_Atomic uint8_t order;       /* enum order */
	_Atomic uint8_t stalled;     /* the master says: it turns its loop no more */
	struct relay_counters counters;
	struct listener_counters listeners[LISTENERS_COUNTED]; /* as the board names them */
	struct turn_record turns;
	_Atomic uint32_t beats; /* once in PULSE_BEAT_MS; 0: not yet */
	struct crash_note crash;
	struct process_figures figures; /* the master's */
};

enum { SHARED_VERSION = 8 };

/* How the memory starts; the records follow at `records_at`, the session slots at `slots_at`. */
struct shared_head {
	char magic[8]; /* "postern" */
	uint32_t version;
	uint32_t records;
	uint32_t record_bytes;
	uint32_t
		slots_each; /* session slots of a record, `slots_each_bytes` from one to the next */
	uint64_t slots_each_bytes;
	uint64_t records_at;
	uint64_t servers_at; /* struct server_record, SERVERS_MAX of them */
	uint64_t cells_at;   /* of struct server_table: a row for each worker's record */
	uint64_t board_at;   /* struct board */
	uint64_t slots_at;
	uint64_t addresses_at; /* the table of addresses, with `addresses` entries */
	uint64_t addresses;
	uint64_t started_ms; /* CLOCK_REALTIME */
	/* Folded in from workers that are no more; `open` is 0. */
	struct relay_counters gone;
	struct listener_counters gone_listeners[LISTENERS_COUNTED];
};

struct shared {
	int fd;
	size_t size;
	struct shared_head *head;   /* the mapping */
	struct shared_head plan;    /* as it was made: a worker could have overwritten the other */
	struct addresses addresses; /* good in a fork, too */
};

/*
 * False with errno. Memory that nobody has touched costs nothing, so `slots_each` may be large.
 * `sessions`: how many all workers together may come to have.
 */
bool shared_new(struct shared *shared, size_t records, size_t slots_each, uint64_t sessions);
void shared_free(struct shared *shared);

/*
 * In another program: maps the memory that the descriptor, which is taken over, stands for. False
 * with errno; EPROTO when it was not made by a program that was built from the same sources.
 */
bool shared_map(struct shared *shared, int fd);

struct worker_record *shared_record(const struct shared *shared, size_t record);
struct session_slot *shared_slots(const struct shared *shared, size_t record);

/* The table of servers; the row of a worker in it has the number of its record. */
struct server_table shared_servers(const struct shared *shared);

struct board *shared_board(const struct shared *shared);

/* Takes a free record for a worker; SIZE_MAX when there is none. It stays until shared_leave(). */
size_t shared_take(struct shared *shared, uint32_t generation, uint32_t index);
void shared_leave(struct shared *shared, size_t record);

/*
 * The record's worker is no more: what it had counted as present is undone, its totals are folded
 * into `gone`. How many sessions it had open is the result.
 */
uint64_t shared_bury(struct shared *shared, size_t record);

/* Sessions that all workers have open. */
uint64_t shared_open(const struct shared *shared);

/*
 * How many sessions a worker can have with `files` descriptors, two a session, when `kept` of them
 * serve something else. At least 1, at most 100 000.
 */
size_t shared_slots_for(uint64_t files, uint64_t kept);

#endif
