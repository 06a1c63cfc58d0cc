/* What a worker settles with the system first: signals, and whose child it is. */
#ifndef PROXY_CHILD_H
#define PROXY_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * A signalfd(2) for SIGTERM alone; -1 with errno. What a terminal sends to all processes of its
 * group is for the master; it passes on what concerns us. The mask that is replaced is the
 * master's, inherited: everything that it waits for is blocked.
 */
int child_signals(void);

/* With SIGTERM when the master dies; false where it is dead already. */
bool child_follow(pid_t master);

#endif
