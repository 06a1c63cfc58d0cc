/* What a run says of itself: while it goes on, at its end, as JSON, and as a page. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "bench/run.h"

#include <stdio.h>

/*
 * One line on stderr: in a terminal over the one before, ten times a second; else a line of its own
 * every ten seconds. With --verbose none.
 */
void report_progress(struct run *run, uint64_t now_us);
void report_progress_end(const struct run *run);

void report_table(const struct run *run, FILE *to);
void report_json(const struct run *run, FILE *to);
/* The page has everything in it, the JSON too. */
void report_html(const struct run *run, FILE *to);

/* Writes the files that were asked for. False after a sentence on stderr. */
bool report_files(const struct run *run);

/* What the table and the JSON share. */

struct report_latency {
	const char *name;
	size_t offset; /* of the histogram in struct stats */
};

struct report_quantile {
	const char *name;
	double fraction;
};

enum { REPORT_LATENCIES = 3, REPORT_QUANTILES = 5 };

extern const struct report_latency report_latencies[REPORT_LATENCIES];
extern const struct report_quantile report_quantiles[REPORT_QUANTILES];

const struct hist *report_hist(const struct run *run, size_t latency);
bool report_has_messages(const struct run *run);
/* Message octets a second, after the warm-up. */
double report_octet_rate(const struct run *run);
const char *report_tls(const struct run *run);

#endif
