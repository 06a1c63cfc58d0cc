/*
 * Who may come in: the [limits] of the configuration, judged for all workers together. A worker
 * asks when a connection has come, when its address is known, and after each AUTH.
 */
#ifndef PROXY_ADMIT_ADMIT_H
#define PROXY_ADMIT_ADMIT_H

#include "config/config.h"
#include "proxy/admit/addresses.h"

#include <time.h>

enum admission {
	ADMIT_SERVE,
	ADMIT_TELL,  /* why not, in a session of its own where that takes a handshake */
	ADMIT_CLOSE, /* without spending more on it */
};

enum admit_why {
	ADMIT_FINE,
	ADMIT_OVERLOAD, /* `sessions` */
	ADMIT_SESSIONS, /* `sessions_per_ip` */
	ADMIT_RATE,     /* `rate_per_ip` */
	ADMIT_BANNED,   /* for `auth_failures_per_ip`, or by hand */
};

struct admitted {
	enum admission act;
	enum admit_why why;
	bool log;       /* nothing was logged of this address for a minute */
	bool untracked; /* the table had no place for it: served without limits of its own */
};

/* A connection as it is counted. All zero before admit_enter(). */
struct visit {
	uint64_t key; /* of the address; 0: none is tracked */
	uint32_t entry;
	bool inside; /* counted with all sessions */
	bool told;   /* ... as one that is told to go */
	enum admit_why why;
};

struct admit {
	const struct addresses *table;
	const struct config *config;
	size_t record; /* of the worker */
};

/* The clock of all that is remembered here, in microseconds; the same in all processes. */
static inline uint64_t admit_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/*
 * No more can be had: `sessions` are served, and as many more are being told to go. To be asked
 * before accept(2), so that others wait in the kernel.
 */
bool admit_is_full(const struct admit *admit);

/* A connection has come. Whatever the answer, admit_leave() undoes it. */
struct admitted admit_enter(const struct admit *admit, struct visit *visit);

/* Its client's address is known: after admit_enter() has not said ADMIT_CLOSE. */
struct admitted admit_address(const struct admit *admit, struct visit *visit,
			      const struct addr *addr, uint64_t now_us);

/* The connection is over. */
void admit_leave(const struct admit *admit, struct visit *visit);

struct admit_auth {
	bool banned;       /* the address is, now: the session is to end */
	bool fresh;        /* and was not before */
	uint64_t failures; /* that count still */
};

/* The backend has refused an AUTH of this visit, or taken it. */
struct admit_auth admit_auth_failed(const struct admit *admit, const struct visit *visit,
				    uint64_t now_us);
void admit_auth_succeeded(const struct admit *admit, const struct visit *visit, uint64_t now_us);

/*
 * By hand: nobody comes in from the address for so long. False when it has no address (a unix
 * socket), or the table no place for it. An address of `exempt` comes in all the same.
 */
bool admit_ban(const struct addresses *table, const struct addr *addr, uint64_t now_us,
	       uint64_t ban_ms);

/* Forgets the ban, and the failed AUTH that count. False when it was not banned. */
bool admit_unban(const struct addresses *table, const struct addr *addr, uint64_t now_us);

/* Limits per address do not hold for it. */
bool admit_is_exempt(const struct config *config, const struct addr *addr);

/* What is known of an address, for those who look. */
struct admit_known {
	char address[64]; /* "192.0.2.7", "2001:db8::/64" */
	uint64_t sessions;
	uint64_t ban_ms;   /* left; 0: not banned */
	uint64_t login_ms; /* since an AUTH last succeeded; UINT64_MAX: not known of any */
};

/* The next that has a ban or sessions, behind *at (0 at first); false behind the last. */
bool admit_next(const struct addresses *table, uint32_t *at, uint64_t now_us,
		struct admit_known *known);

#endif
