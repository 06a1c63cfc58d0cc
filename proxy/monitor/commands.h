/* The commands of the control socket. */
#ifndef PROXY_MONITOR_COMMANDS_H
#define PROXY_MONITOR_COMMANDS_H

#include "proxy/monitor/control_line.h"
#include "proxy/monitor/duty.h"

#include <stdio.h>

/* Writes the whole answer to a line that was read well. */
void commands_run(struct monitor *monitor, const struct control_line *line, FILE *to);

/* The answer to one that was not, or that failed. */
void commands_fail(bool json, const char *why, FILE *to);

#endif
