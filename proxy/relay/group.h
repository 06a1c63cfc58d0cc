/*
 * The servers of one backend, as a worker chooses among them for its sessions, and those of its
 * sessions that wait for a place. It does no I/O: it says which server and which address is next.
 */
#ifndef PROXY_RELAY_GROUP_H
#define PROXY_RELAY_GROUP_H

#include "config/config.h"
#include "proxy/relay/servers.h"
#include "proxy/smtp/offer.h"

struct session;

/* A server of the group. */
struct member {
	const struct server_config *config;
	struct server_record *record;
	size_t server; /* the record's number in the table */
	/* The worker's copy of the addresses, made anew when the master has found others. */
	uint32_t sequence;
	struct server_addresses addresses;
	uint32_t good;     /* the address that is tried first: the last that worked */
	uint32_t ahead;    /* sessions opened ahead that may be taken (warm.h) */
	unsigned identity; /* enum identity_mode; IDENTITY_AUTO: not found yet */
	uint64_t busy_said_ms, untold_said_ms; /* in the log; 0: never */
};

/* A session's way to a server. Zero at first. */
struct place {
	struct member *member;                   /* whose place it has; NULL: none */
	uint64_t tried[(SERVERS_MAX + 63) / 64]; /* members that could not be had, as bits */
	uint32_t address;                        /* the next of the member's */
	uint32_t attempts;                       /* connections that were begun, in all */
	bool ahead; /* the member's place is that of a session opened ahead */
	bool waits; /* in the group's queue */
	struct session *session;
	struct place *next;
	struct place *prev;
};

struct group {
	const struct backend_config *config;
	const struct server_table *table;
	size_t row;    /* the worker's, in the table */
	uint64_t mark; /* of the configuration, where `identity` is auto */
	struct member *members;
	size_t count;
	size_t turn;          /* where round-robin goes on */
	struct addr *sources; /* to connect from; none: the system chooses */
	size_t source_v4;     /* where the turn of each family is */
	size_t source_v6;
	struct place *first; /* the queue, the longest waiting in front */
	struct place *last;
};

/* Who wants a server. */
struct wish {
	const struct endpoint *client;
	bool stranger;   /* anybody may be: no server is for it that relays for strangers */
	uint64_t now_ms; /* clock_ms() */
};

enum group_answer {
	GROUP_TAKEN,    /* the place is had: `member` is set */
	GROUP_FULL,     /* there are servers, and none has room now */
	GROUP_PAUSED,   /* the same, as the administrator has it */
	GROUP_NAMELESS, /* the same: their names are being looked up for the first time */
	GROUP_UNMET,    /* the same: how they can be told of clients is being found out */
	GROUP_DOWN,     /* there is none that could be had */
	GROUP_RELAYS,   /* those that could be had are open relays, */
	GROUP_UNASKED,  /* or may be, as far as is known yet */
};

/* The records are looked up by name. False when out of memory, or a server is not in the table. */
bool group_init(struct group *group, const struct backend_config *config,
		const struct server_table *table, size_t row);
void group_release(struct group *group);

/*
 * Takes a place with the best server that has not been tried: where sessions were opened ahead with
 * it, that of one of them, and `ahead` says so until warm_take(), which must follow.
 */
enum group_answer group_choose(struct group *group, struct place *place, const struct wish *wish);

/*
 * The member refuses for now: takes a place with another one instead. False, and nothing changes:
 * there is none.
 */
bool group_choose_other(struct group *group, struct place *place, const struct wish *wish);

/* For a session opened ahead: a place, if half of them are left for clients; it may be kept. */
bool group_enter_ahead(struct group *group, struct member *member, const struct wish *wish);
bool group_may_keep_ahead(struct group *group, struct member *member, const struct wish *wish);

/* What some server that is up, and not disabled, does not announce; *lack is zero at first. */
void group_lack(const struct group *group, struct lack *lack);

/* The next address of the place's member; NULL when all have been given. */
const struct addr *group_address(struct place *place);

/* Where to connect to it from: each source of its family in turn; NULL: it does not matter. */
const struct addr *group_source(struct group *group, const struct addr *to);

/* It has greeted: from its address on all is as at first, so that it may be dialled once more. */
void group_arrived(struct place *place);

/* The member could not be had, and is not to be chosen again; the place with it is given up. */
void group_give_up(struct group *group, struct place *place);

/* Gives the place up, in the queue or with a server. */
void group_leave(struct group *group, struct place *place);

/* Stands in the queue, behind all others; what was tried before may be tried again. */
void group_wait(struct group *group, struct place *place);

/* It is the one whose turn is next, or nobody waits. */
bool group_is_next(const struct group *group, const struct place *place);

#endif
