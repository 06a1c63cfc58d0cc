#include "bench/report.h"

#include <inttypes.h>

enum { LINE_EVERY_US = 10000000, BAR_CELLS = 20 };

/* How much is done, from 0 to 1: of the units, or of the time. */
static double share_done(const struct run *run, uint64_t now_us)
{
	const struct load_options *options = &run->load.options;
	uint64_t wanted = load_wanted(options);
	uint64_t time_us = options->warmup_us + options->duration_us;
	double share = 0;

	if (wanted != UINT64_MAX)
		share = (double)run->total->accepted / (double)wanted;
	if (options->duration_us && (double)(now_us - run->begun_us) > share * (double)time_us)
		share = (double)(now_us - run->begun_us) / (double)time_us;
	return share < 1. ? share : 1.;
}

static void draw_bar(double share)
{
	int full = (int)(share * BAR_CELLS);

	fprintf(stderr, "[%.*s%*s] %3.0f %% ", full, "####################", BAR_CELLS - full, "",
		share * 100.);
}

void report_progress(struct run *run, uint64_t now_us)
{
	const struct stats *total = run->total;
	const struct hist *hist = &total->message_us;
	bool is_due = run->is_terminal || now_us >= run->progress_us + LINE_EVERY_US;

	if (run->progress_us == 0)
		run->progress_us = run->begun_us;
	if (run->load.options.verbose || !is_due ||
	    (!run->is_terminal && now_us < run->progress_us + LINE_EVERY_US))
		return;
	run->progress_us = now_us;
	if (run->is_terminal)
		putc('\r', stderr);
	draw_bar(share_done(run, now_us));
	fprintf(stderr,
		"%" PRIu64 " %s, %.0f/s, %" PRIu64 " open, %" PRIu64
		" errors, p50 %.1f ms, p99 %.1f ms%s",
		total->accepted, scenario_unit(run->load.options.scenario), run_rate(run),
		total->active, total->failures.count, (double)hist_quantile(hist, .5) / 1e3,
		(double)hist_quantile(hist, .99) / 1e3, run->is_terminal ? "   " : "\n");
}

void report_progress_end(const struct run *run)
{
	if (run->is_terminal && !run->load.options.verbose)
		fputs("\r\033[K", stderr);
}
