/* What a run says of itself: while it goes on, at its end, and as JSON. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/load.h"

#include <stdio.h>

/* One line on stderr, over the one before. */
void report_progress(const struct load *load);

void report_table(const struct load *load, FILE *to);
void report_json(const struct load *load, FILE *to);

#endif
