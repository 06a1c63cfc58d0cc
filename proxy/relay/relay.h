/*
 * The relay: all sessions of one worker. The worker accepts; the relay does the rest, on the
 * worker's loop, and tells what it does in memory that is shared with the master.
 */
#ifndef PROXY_RELAY_RELAY_H
#define PROXY_RELAY_RELAY_H

#include "base/buf.h"
#include "certs/certs.h"
#include "certs/server_tls.h"
#include "config/config.h"
#include "proxy/admit/admit.h"
#include "proxy/relay/counters.h"
#include "proxy/relay/slot.h"

struct ev_loop;
struct group;
struct server_table;
struct session;
struct warm_set;

/* A listener as a worker serves it. */
struct service {
	const struct listener_config *listener;
	const struct cert_store *certs;
	struct rules *rules; /* the policy as the inspector reads it */
	struct group *group; /* the backend's servers */
	bool strangers; /* anybody may use it, so no server that relays for strangers is for it */
	struct listener_counters *counters;
	uint16_t counted; /* as which of LISTENERS_COUNTED */
};

/* What is shared with other processes; it outlives the worker. */
struct relay_memory {
	struct session_slot *slots; /* `slot_count` of them bound the sessions */
	size_t slot_count;
	struct relay_counters *counters;
	const struct admit *admit;
	const struct server_table *servers;
	size_t row; /* ours in the table of servers */
};

struct relay {
	struct ev_loop *loop;
	const struct config *config;
	const struct log *log;
	struct pool pool;
	/* SMTP_ROOM_BYTES, lent to the inspector, or to discard; a Received: field fits behind. */
	char *room;

	struct service *services; /* one a listener of the configuration */
	struct group *groups;     /* one a backend */
	struct warm_set **warm;   /* the same; NULL where it has no `warm` */
	struct session_slot *slots;
	size_t slot_count;
	size_t slot_next; /* where to look for a free one */
	struct relay_counters *counters;
	const struct admit *admit; /* lent */
	uint64_t overload_us;      /* when that was last logged, by admit_now_us(); 0: never */

	struct server_tls *const *server_tls; /* one a backend; NULL where that has no TLS */

	struct session *sessions; /* list of all */
	size_t open;
	bool draining;

	uint64_t seen, trimmed; /* sessions begun and ended: at the last look, the last trim */
	uint64_t id_next;       /* for session ids, unique over workers and restarts */
	void (*changed)(void *owner); /* called when a session has ended */
	void *owner;
};

/*
 * Sets up everything a worker needs; nothing is opened. `certs` is one store a listener of the
 * configuration. False when out of memory. `server_tls` and relay_count() come next.
 */
bool relay_init(struct relay *relay, struct ev_loop *loop, const struct config *config,
		struct cert_store *const *certs, const struct log *log,
		const struct relay_memory *memory);

/*
 * Where a listener's sessions are counted: its place, of LISTENERS_COUNTED, in shared memory that
 * has one for each.
 */
void relay_count(struct relay *relay, size_t listener, struct listener_counters *counters,
		 size_t place);

/* Ends what is left at once and frees everything. */
void relay_release(struct relay *relay);

/* There is no slot for one more session, or all workers together have what `sessions` allows. */
bool relay_is_full(const struct relay *relay);

/*
 * Takes a connection over, `fd` included: refuses it, or makes it a session of the listener with
 * that index. What cannot be served is told so or closed, counted and logged. False when there was
 * no memory: better wait a little before the next.
 */
bool relay_accept(struct relay *relay, size_t listener, int fd, const struct addr *client);

/* Gives back memory that sessions no longer need, where none began or ended since the last call. */
void relay_trim(struct relay *relay, bool even_if_busy);

/*
 * Sessions end from now on, each between two transactions, with 421; `changed` is called as they
 * go. relay_cut() ends the rest at once, its messages undelivered and the backend's side reset, but
 * those that await the answer to a final dot: these have until `data_end`, since a message whose
 * fate is unknown is sent again. relay_abort() ends these, too.
 */
void relay_drain(struct relay *relay);
void relay_cut(struct relay *relay);
void relay_abort(struct relay *relay);

/*
 * Ends the sessions whose slots say so: at once, their messages undelivered; one that awaits the
 * answer to a final dot when it has come, since a message whose fate is unknown is sent again.
 */
void relay_kill(struct relay *relay);

#endif
