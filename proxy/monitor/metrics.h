/* The metrics, as Prometheus reads them (text format 0.0.4). */
#ifndef PROXY_MONITOR_METRICS_H
#define PROXY_MONITOR_METRICS_H

#include "proxy/monitor/view.h"

#include <stdio.h>

void metrics_print(const struct view *view, FILE *to);

/* The value of a label, escaped, without the quotes. */
void metrics_escape(const char *value, FILE *to);

/* The lines of a histogram; `labels` without braces, "" for none. */
void metrics_timing(const char *name, const char *labels, const struct timing *timing, FILE *to);

#endif
