/* Starts another of our programs with what it needs in its hand, and nothing else (handed.h). */
#ifndef PROXY_HAND_H
#define PROXY_HAND_H

#include "proxy/hatches.h"
#include "proxy/privilege.h"

enum { HAND_FDS = HANDED_END - HANDED_FIRST };

struct hand {
	int program;      /* open with O_PATH: whom it will run as need not be able to find it */
	const char *name; /* of the program */
	const char *path; /* of the configuration: its argument */
	const struct privilege *privilege;
	int fds[HAND_FDS]; /* by enum handed, less HANDED_FIRST; -1: none */
};

/* Puts the listening sockets to their places. */
void hand_hatches(struct hand *hand, const struct hatches *hatches);

/*
 * Starts the program, with a channel to us, and waits until it is that program which runs, or could
 * not be. It ends with us. On false `why` is a sentence.
 */
bool hand_start(const struct hand *hand, pid_t *pid, int *channel, char *why, size_t why_size);

#endif
