/*
 * The master's side of the monitor: it keeps that program running with the configuration that
 * counts. A new one is started for each generation that comes to serve, and the one before is told
 * to go, which the master does by closing its channel; one that ends by itself is replaced. Mail
 * goes on without it.
 */
#ifndef PROXY_KEEPER_H
#define PROXY_KEEPER_H

#include "proxy/generation.h"
#include "proxy/hatches.h"
#include "proxy/shared.h"

#include <poll.h>

struct monitor_process {
	pid_t pid;        /* 0: none runs */
	int channel;      /* -1: it was told to go */
	uint64_t kill_ms; /* from then on it is killed; 0: never */
	uint64_t started_ms;
};

enum { KEEPER_LEAVING_MAX = 4 };

struct keeper {
	int program; /* opened once: an upgrade of the files on disk is nothing to this process */
	const struct shared *shared;
	const struct generation *generation; /* that is served; NULL: none is to be started */
	int config;                          /* of that generation, sealed; -1: none */
	struct hatches hatches;
	struct hatches coming; /* opened for a generation that is being started */
	struct monitor_process current;
	struct monitor_process leaving[KEEPER_LEAVING_MAX];
	bool due; /* one is to be started at due_ms */
	uint64_t due_ms;
	uint64_t next_delay_ms; /* backoff() */
};

#define KEEPER_NONE \
	{ \
		.program = -1, .config = -1, .current = {.channel = -1 } \
	}

/* Opens the program; false with a complaint. */
bool keeper_init(struct keeper *keeper, const struct shared *shared, struct complaints *complaints);
void keeper_release(struct keeper *keeper);

/* Opens control and metrics as a new generation has them; false with complaints. */
bool keeper_prepare(struct keeper *keeper, const struct generation *generation,
		    struct complaints *complaints);

/* The generation that was prepared serves now; or it does not, and all is as before. */
void keeper_serve(struct keeper *keeper, const struct generation *generation);
void keeper_abandon(struct keeper *keeper);

/* The generation is about to be freed: what runs goes on, and is not replaced. */
void keeper_forget(struct keeper *keeper, const struct generation *generation);

/* Starts and kills what is due. */
void keeper_tend(struct keeper *keeper);

/* When that is, by clock_ms(); UINT64_MAX: never. */
uint64_t keeper_due_ms(const struct keeper *keeper);

/* What poll(2) is to ask for, and what has come of it: true when the monitor has woken us. */
struct pollfd keeper_poll(const struct keeper *keeper);
bool keeper_hear(struct keeper *keeper);

/* Says that there is something to see in shared memory. */
void keeper_wake(const struct keeper *keeper);

/* Buries those that have ended. */
void keeper_reap(struct keeper *keeper);

/* Hands over the log that was opened anew. */
void keeper_reopen_log(const struct keeper *keeper);

/* There is nothing left to watch: all are told to go, and none is started. */
void keeper_dismiss(struct keeper *keeper);
bool keeper_is_gone(const struct keeper *keeper);

/* In a worker: closes its copies. */
void keeper_leave(const struct keeper *keeper);

#endif
