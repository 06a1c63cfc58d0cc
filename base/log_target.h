/* Where lines of the log go. Private to base/log. */
#ifndef BASE_LOG_TARGET_H
#define BASE_LOG_TARGET_H

#include "base/log.h"

/*
 * Writes a whole line, its end included, with the priority of syslog(3); never blocks. False when
 * it was not written in full.
 */
bool log_write(const struct log *log, int priority, struct slice line);

/* The system's log at this socket (lent): what log_open() does for "syslog", which takes /dev/log.
 */
bool log_open_system(struct log *log, const char *path);

#endif
