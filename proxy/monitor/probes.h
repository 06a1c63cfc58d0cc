/* The duty that watches the servers of all backends. */
#ifndef PROXY_MONITOR_PROBES_H
#define PROXY_MONITOR_PROBES_H

#include "proxy/monitor/target.h"

extern const struct duty probes_duty;

#endif
