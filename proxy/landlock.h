/*
 * Landlock (landlock(7)): a process gives up rights to files and connections, for itself and for
 * good. It needs no privilege; how much of it there is depends on the kernel.
 */
#ifndef PROXY_LANDLOCK_H
#define PROXY_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The version of Landlock's interface that the kernel has; 0: none. */
int landlock_version(void);

/* From these on more than files can be given up. */
enum { LANDLOCK_PORTS = 4, LANDLOCK_SCOPES = 6 };

/*
 * No file can be opened, made or executed any more; no TCP connection made but to `ports`; none
 * bound but to a port of the system's choice (`bind`: to any); no process outside signalled, no
 * abstract unix socket of others reached. What the kernel does not know stays as it is. True where
 * there is no Landlock; false with errno where there is and it refused.
 */
bool landlock_enter(const uint16_t *ports, size_t count, bool bind);

#endif
