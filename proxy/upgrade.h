/* What the master does of an upgrade in place, beyond the talk between old and new (succession.h).
 */
#ifndef PROXY_UPGRADE_H
#define PROXY_UPGRADE_H

#include "proxy/crew.h"

/* Starts the new program with these words. What goes wrong is told in the log. */
void upgrade_begin(struct crews *crews, char *const *argv, const struct log *log);

/*
 * Hears the new program. True when it has taken over: from now on all crews are retired, the
 * sockets and the monitor gone, and nothing of it is this process' to look after but its sessions.
 */
bool upgrade_hear(struct crews *crews, const struct log *log);

#endif
