/* A run as a whole: its loops, each a process; what they did; who is observed; the verdict. */
#ifndef BENCH_RUN_H
#define BENCH_RUN_H

#include "bench/load.h"
#include "bench/observe.h"
#include "bench/verify.h"

struct run {
	struct load load; /* as every loop begins with it */
	struct load_shared *shared;
	struct stats *total; /* of all loops, as summed last */
	struct observe observe;
	struct verify verify;
	struct loop *loop;
	struct loop_watch *ticker;
	pid_t pids[OPTIONS_LOOPS_MAX];
	unsigned left; /* loops that run */
	bool is_terminal;
	uint64_t progress_us; /* when it was said last */
	bool is_marked;       /* the warm-up is over, and these two are known: */
	uint64_t cpu_mark_us; /* of the observed */
	uint64_t unit_mark;   /* done until then */
	uint64_t begun_us;
	uint64_t ended_us; /* 0: not yet */
	uint64_t cpu_us;   /* of the observed, for `cpu_units` */
	uint64_t cpu_units;
	uint64_t own_cpu_us;
	uint64_t loads_lost; /* loops that died */
	time_t date;
};

/* False after a sentence on stderr. `run` is then to be released, too. */
bool run_init(struct run *run, const struct load_options *options);
void run_release(struct run *run);

void run_go(struct run *run);

/* Everything that was asked for was done, and nothing went wrong. */
bool run_is_good(const struct run *run);

/* How long what is measured took, or has taken until now. At least 1. */
uint64_t run_measured_us(const struct run *run);
/* Units a second, of those. */
double run_rate(const struct run *run);

#endif
