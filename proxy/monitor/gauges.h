/* Metrics that are no counters of workers: servers, certificates, reloads, bans, processes. */
#ifndef PROXY_MONITOR_GAUGES_H
#define PROXY_MONITOR_GAUGES_H

#include "proxy/monitor/view.h"

#include <stdio.h>

void gauges_print(const struct view *view, FILE *to);

/* Addresses that are banned now. */
size_t gauges_banned(const struct view *view);

#endif
