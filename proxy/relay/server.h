/*
 * One server of a backend, as all processes know it: a record of the table of servers (servers.h).
 *
 * Each field has one kind of writer: the master, the monitor or the workers. All that changes is
 * atomic, and nothing is locked, so a process that dies leaves nothing held. Who reads believes
 * nothing that would lead it out of bounds.
 */
#ifndef PROXY_RELAY_SERVER_H
#define PROXY_RELAY_SERVER_H

#include "base/addr.h"
#include "proxy/relay/timing.h"

#include <stdatomic.h>

enum {
	SERVER_ADDRESSES_MAX = 8, /* of one name; more are left out */
	SERVER_BACKEND_BYTES = 65,
	SERVER_NAME_BYTES = 272, /* a host name of 255, or a unix socket's path */
};

/* As the administrator has it. */
enum server_admin {
	SERVER_ENABLED,
	SERVER_PAUSED,   /* new clients wait, as where all servers are full */
	SERVER_DISABLED, /* as if it was not there */
};

/* As the monitor's probes have it. */
enum server_health { SERVER_UNKNOWN, SERVER_UP, SERVER_DOWN };

/* What it made of a stranger's mail to a stranger. */
enum server_verdict { SERVER_NOT_ASKED, SERVER_CLOSED, SERVER_RELAYS };

struct server_addresses {
	uint32_t count;
	struct addr item[SERVER_ADDRESSES_MAX];
};

enum { SERVER_ADDRESS_WORDS = (sizeof(struct server_addresses) + 7) / 8 };

struct server_record {
	/* Of the master. The key is written before `used`, and does not change while that is set.
	 */
	_Atomic uint32_t used;
	char backend[SERVER_BACKEND_BYTES];
	char name[SERVER_NAME_BYTES]; /* as in the configuration */
	_Atomic uint8_t admin;        /* enum server_admin */
	_Atomic uint32_t sequence;    /* of the addresses: odd while they are written */
	_Atomic uint64_t addresses[SERVER_ADDRESS_WORDS];

	/* Of the monitor; times by clock_ms(). */
	_Alignas(64) _Atomic uint8_t health; /* enum server_health */
	_Atomic uint8_t verdict;             /* enum server_verdict */
	_Atomic uint8_t unfound;             /* the last try to find how it is told has failed */
	_Atomic uint8_t offered;     /* it has answered EHLO, and what follows is what it said */
	_Atomic uint32_t keywords;   /* KEYWORD_BIT() of what it announced */
	_Atomic uint32_t mechanisms; /* of AUTH, as bits (offer.h) */
	_Atomic uint64_t size;       /* of SIZE; 0: no limit */
	_Atomic uint64_t probed_ms;  /* when the last probe ended; 0: none has */
	_Atomic uint64_t health_ms;  /* since when its health is what it is */
	/* How it is told of clients, and by whose configuration: told.h. */
	_Atomic uint64_t told;
	_Atomic uint32_t doubts_heard; /* of `doubts`: what is told was found later than these */
	_Atomic uint32_t limits[3];    /* of LIMITS (offer.h); 0: none */

	/* Of the workers. */
	_Alignas(64) _Atomic uint32_t
		failed_in_row;         /* connections, since the last that went well */
	_Atomic uint64_t failed_ms;    /* when the last failed, by clock_ms() */
	_Atomic uint64_t failures;     /* no connection, or none that greeted */
	_Atomic uint64_t busy;         /* ... of these, greetings of 4yz */
	struct shared_timing connect;  /* connections that were made */
	struct shared_timing greeting; /* greetings of 2yz, from the connection on */
	_Atomic uint32_t doubts;       /* cases that what was found does not seem to hold */
};

/* Master: the record has this key from now on, all else unknown; and is free again. */
void server_begin(struct server_record *record, const char *backend, const char *name);
void server_end(struct server_record *record);

/* Master: the addresses, in the order in which they are to be tried. */
void server_set_addresses(struct server_record *record, const struct server_addresses *addresses);

/*
 * The addresses, where they are others than those with *sequence, which is 0 at first. False, and
 * nothing changes: there is nothing new, or it is being written just now. What is read is in
 * bounds, whatever stands there.
 */
bool server_get_addresses(const struct server_record *record, uint32_t *sequence,
			  struct server_addresses *addresses);

/* Monitor: how it is, at `now_ms`. */
void server_set_health(struct server_record *record, enum server_health health, uint64_t now_ms);

/*
 * Probes say it is down, and can be believed: a result that is older than three `probe_ms` and a
 * minute is none, as then nobody probes any more.
 */
bool server_is_down(const struct server_record *record, uint64_t probe_ms, uint64_t now_ms);

/* Workers: a connection failed, at `now_ms`, or went well. */
void server_failed(struct server_record *record, uint64_t now_ms);
void server_worked(struct server_record *record);

/*
 * Three connections in a row have failed, the last within 10 s: better others are tried first.
 */
bool server_is_failing(const struct server_record *record, uint64_t now_ms);

#endif
