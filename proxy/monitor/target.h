/*
 * A server that is watched: asked every so often whether it is well (health.c), on which way it can
 * be told of clients where that is to be found out (find.c), and whether it relays for strangers
 * (interlock.c). One call at a time; what comes of it stands in the table of servers.
 */
#ifndef PROXY_MONITOR_TARGET_H
#define PROXY_MONITOR_TARGET_H

#include "proxy/monitor/duty.h"
#include "proxy/monitor/health.h"
#include "proxy/monitor/call.h"

struct probes;
struct target;

/* Why a server is called. */
struct errand {
	/* Fills in what the call is to do beside what all calls do. */
	void (*plan)(struct target *target, struct call_plan *plan);

	/* What came of it; sets when the next is due. */
	void (*ended)(struct target *target, enum call_end end, const char *why);
};

enum { ERRAND_HEALTH, ERRAND_FIND, ERRAND_RELAY, ERRAND_COUNT, ERRAND_NONE = ERRAND_COUNT };

extern const struct errand errand_health, errand_find, errand_relay;

struct target {
	struct probes *probes;
	const struct backend_config *backend;
	const struct server_config *server;
	struct server_record *record;
	struct server_tls *tls; /* lent; NULL: none */
	struct addr source;     /* that the call is made from */
	uint32_t sequence;      /* of the addresses */
	struct server_addresses addresses;
	uint32_t address; /* that is called */

	struct call call;
	ev_timer timer;
	unsigned errand;               /* that a call is on; ERRAND_NONE: there is none */
	uint64_t due_ms[ERRAND_COUNT]; /* by clock_ms(); UINT64_MAX: not */
	uint64_t begun_ms;             /* the call */

	struct health health;
	uint64_t failures;  /* of the workers, as last seen */
	uint16_t busy_code; /* of the refusal that was told in the log; 0: none */
	bool told_no_auth;
	uint64_t mark;          /* of the backend's configuration */
	unsigned way_tried;     /* by find.c, */
	uint64_t find_wait_ms;  /* ... before it is tried again, */
	uint32_t doubts;        /* ... and of the workers when it began */
	bool guarded;           /* whether it relays is to be asked */
	uint64_t relay_wait_ms; /* before the question is put again */
	uint16_t relay_code;    /* of the answer that was told in the log; 0: none */
};

struct probes {
	struct monitor *monitor;
	struct pool pool;
	struct identity own;      /* Postern asks for itself */
	struct identity stranger; /* ... or as if for somebody else */
	struct target *targets;
	struct server_tls **tls; /* owned, one a backend; NULL: none */
	size_t count;
	ev_timer look; /* at what the workers have met with */
	bool leaving;
};

/* Begins to watch; nothing is asked before the loop runs. */
void target_watch(struct target *target, struct probes *probes,
		  const struct backend_config *backend, const struct server_config *server,
		  struct server_record *record, struct server_tls *tls);
void target_cut(struct target *target);

/* An errand is due in so long, more or less: a tenth, so that not all come at once. */
void target_plan(struct target *target, unsigned errand, uint64_t in_ms);

/* The same, unless it is due sooner. */
void target_hasten(struct target *target, unsigned errand, uint64_t in_ms);

/* It has come up, or is told of clients in another way: whether it relays is asked anew. */
void target_doubt_verdict(struct target *target);

/* How Postern tells it of clients; IDENTITY_AUTO: that is not found yet. */
enum identity_mode target_identity(const struct target *target);

/*
 * How it is told is as configured, or what was found of it by the same configuration; and is found
 * anew where it must be (find.c). True: it must.
 */
bool target_meet(struct target *target);

/* It has answered EHLO: whether it can be told by XCLIENT. */
void target_learn(struct target *target);

/* A line of the log about it; to be ended with log_end(). False: it is not logged. */
bool target_say(struct log_line *line, const struct target *target, enum log_level level,
		const char *event);

/* What a healthy answer, or none, makes of it; `why` is the reason of a bad one. */
void target_is_well(struct target *target);
void target_is_unwell(struct target *target, const char *why);

#endif
