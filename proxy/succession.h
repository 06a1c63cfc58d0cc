/*
 * Upgrade in place: the master starts the program that is installed now, which takes over its
 * listening sockets, bans and ticket keys, and serves beside it; then the older one lets its
 * sessions end, and goes. Until the new one is ready the old one serves as if nothing was: if that
 * fails, it goes on.
 *
 * They speak through a pair of sockets, one letter a message and what belongs to it. What the older
 * master is told to do later (to drain, to open its log anew) the newer one passes on, as who sends
 * signals knows the newer alone.
 */
#ifndef PROXY_SUCCESSION_H
#define PROXY_SUCCESSION_H

#include "config/complaints.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct crews;
struct ticket_keys;

struct succession {
	/* Who is to follow us. */
	int heir; /* the channel; -1: nobody */
	pid_t heir_pid;
	uint64_t due_ms; /* it is to be ready until then */
	int heir_bans;
	bool left; /* it has taken over */
	/* Whom we follow. */
	int ancestor; /* the channel; -1: nobody, or gone */
	int ancestor_bans;
	int ancestor_text; /* of the estate */
	bool waiting;      /* it does not know yet that we are ready */
};

#define SUCCESSION_NONE \
	{ \
		.heir = -1, .heir_bans = -1, .ancestor = -1, .ancestor_bans = -1, \
		.ancestor_text = -1 \
	}

/* ------------------------------------------------------------------------------ the older one */

/*
 * Starts the program of this process, as it is installed now, with the same words. False with a
 * sentence in the complaints.
 */
bool succession_start(struct crews *crews, char *const *argv, struct complaints *complaints);

enum heir_news { HEIR_NOTHING, HEIR_READY, HEIR_FAILED };

/*
 * What the heir has to say, when its channel is readable or its time may be over. READY: it serves,
 * and systemd knows it for the main process from now on: what is ours to end is our sessions.
 * FAILED: it is gone, the complaints say why.
 */
enum heir_news succession_hear(struct crews *crews, struct complaints *complaints);

/* We are to stop: a heir that is not ready yet is not to be. */
void succession_cancel(struct succession *succession);

/* ------------------------------------------------------------------------------ the newer one */

/*
 * Whether another master has started us; then reads what it leaves us that does not depend on the
 * configuration: the ticket keys. False with a complaint when that cannot be used.
 */
bool succession_claim(struct succession *succession, struct ticket_keys *keys,
		      struct complaints *complaints);

/* Takes over sockets and bans, when there is memory for them; to be called once. */
bool succession_inherit(struct crews *crews, struct complaints *complaints);

/* Tells the older one that we serve, and waits until it has let go. */
void succession_take_over(struct crews *crews);

/* Tells it why we do not. */
void succession_refuse(struct succession *succession, const struct complaints *complaints);

/* Passes a signal on to the older one, where there is one that takes it. */
void succession_pass_on(const struct succession *succession, int number);

/* ----------------------------------------------------------------------------------------- both */

/* The signal that the newer one has passed on to us, or 0. */
int succession_signal(struct succession *succession);

/* The older one's channel is readable: it is gone. */
void succession_bury(struct succession *succession);

/* In a worker: closes its copies. */
void succession_leave(const struct succession *succession);

#endif
