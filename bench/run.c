#include "bench/run.h"
#include "bench/report.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { TICK_US = 100000 };

static void *share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static size_t stats_bytes(const struct run *run)
{
	return run->load.options.loops * sizeof(struct stats);
}

static bool share_memory(struct run *run)
{
	uint64_t wanted = load_wanted(&run->load.options);
	uint64_t most = wanted < TALLY_NUMBERS ? wanted : TALLY_NUMBERS;

	run->shared = share(sizeof *run->shared);
	run->total = malloc(sizeof *run->total);
	if (!run->shared || !run->total)
		return false;
	*run->total = (struct stats){ 0 };
	run->load.shared = run->shared;
	run->shared->told_bytes = (size_t)(most / 8 + 1);
	run->shared->told = share(run->shared->told_bytes);
	run->shared->stats = share(stats_bytes(run));
	return run->shared->told && run->shared->stats;
}

static void sum_up(struct run *run)
{
	*run->total = (struct stats){ 0 };
	for (size_t i = 0; i < run->load.options.loops; i++)
		stats_merge(run->total, &run->shared->stats[i]);
}

/* What the observed use from here on counts. */
static void mark(struct run *run, uint64_t now_us)
{
	if (run->is_marked || now_us < run->begun_us + run->load.options.warmup_us)
		return;
	run->is_marked = true;
	run->cpu_mark_us = observe_cpu_us(&run->observe);
	run->unit_mark = run->total->accepted;
}

static void on_tick(void *of, unsigned events)
{
	struct run *run = of;
	uint64_t now_us = loop_clock_us();

	(void)events;
	sum_up(run);
	mark(run, now_us);
	observe_look(&run->observe, now_us - run->begun_us, false);
	report_progress(run, now_us);
	loop_watch_until(run->ticker, now_us + TICK_US);
}

static void on_child(void *of, unsigned events)
{
	struct run *run = of;
	int status;

	(void)events;
	while (waitpid(-1, &status, WNOHANG) > 0) {
		run->left--;
		run->loads_lost += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	if (run->left == 0)
		loop_stop(run->loop);
}

static void on_end(void *of, unsigned events)
{
	struct run *run = of;

	(void)events;
	for (size_t i = 0; i < run->load.options.loops; i++)
		if (run->pids[i] > 0)
			kill(run->pids[i], SIGTERM);
}

static bool start_loop(struct run *run)
{
	run->loop = loop_new();
	if (run->loop)
		run->ticker = loop_watch_new(run->loop, on_tick, run);
	return run->ticker && loop_signal(run->loop, SIGCHLD, on_child, run) &&
	       loop_signal(run->loop, SIGTERM, on_end, run) &&
	       loop_signal(run->loop, SIGINT, on_end, run);
}

bool run_init(struct run *run, const struct load_options *options)
{
	*run = (struct run){ .date = time(NULL), .is_terminal = isatty(STDERR_FILENO) };
	observe_init(&run->observe, &options->observe);
	if (!load_init(&run->load, options))
		return false;
	if (share_memory(run) && start_loop(run))
		return true;
	fprintf(stderr, "postern-bench: cannot start: %s\n", strerror(ENOMEM));
	return false;
}

void run_release(struct run *run)
{
	loop_watch_free(run->ticker);
	loop_free(run->loop);
	load_release(&run->load);
	free(run->total);
	if (run->shared && run->shared->stats)
		munmap(run->shared->stats, stats_bytes(run));
	if (run->shared && run->shared->told)
		munmap((void *)run->shared->told, run->shared->told_bytes);
	if (run->shared)
		munmap(run->shared, sizeof *run->shared);
}

/* One loop's process. It ends with its parent. */
static _Noreturn void serve(struct run *run, unsigned index, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(EXIT_FAILURE);
	/* A signal has one loop in a process (libev). */
	loop_watch_free(run->ticker);
	loop_free(run->loop);
	/* A terminal's ^C is the parent's to pass on. */
	signal(SIGINT, SIG_IGN);
	run->load.begun_us = run->begun_us;
	bool good = load_run(&run->load, index);
	_exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void start_loads(struct run *run)
{
	pid_t parent = getpid();

	fflush(NULL);
	for (unsigned i = 0; i < run->load.options.loops; i++) {
		run->pids[i] = fork();
		if (run->pids[i] == 0)
			serve(run, i, parent);
		if (run->pids[i] < 0)
			run->loads_lost++;
		else
			run->left++;
	}
}

/* Units that nobody began, since the time was up, count as failed. */
static void note_unbegun(struct run *run)
{
	uint64_t wanted = load_wanted(&run->load.options);
	uint64_t claimed = atomic_load(&run->shared->claimed);
	char why[FAILURE_TEXT_BYTES];

	if (wanted == UINT64_MAX || run->load.options.duration_us || claimed >= wanted)
		return;
	snprintf(why, sizeof why, "%" PRIu64 " were not begun", wanted - claimed);
	failure_add(&run->total->failures, FAILURE_TIMEOUT, STEP_CONNECT, 0, slice_str(why));
	run->total->failed += wanted - claimed;
}

static bool has_messages(const struct run *run)
{
	enum scenario scenario = run->load.options.scenario;

	return scenario != SCENARIO_HANDSHAKE && scenario != SCENARIO_IDLE;
}

static void ask_sink(struct run *run)
{
	const struct load_options *options = &run->load.options;
	struct target sink;
	const char *why;

	if (!has_messages(run))
		return;
	if (options->sink && !target_init(&sink, options->sink, NULL, &why))
		run->verify = (struct verify){ .is_asked = true, .why = why };
	else if (options->sink)
		verify_ask(&run->verify, &sink.addr, &run->load);
}

static uint64_t children_cpu_us(void)
{
	struct rusage usage;

	getrusage(RUSAGE_CHILDREN, &usage);
	return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
	       (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

void run_go(struct run *run)
{
	run->begun_us = loop_clock_us();
	mark(run, run->begun_us);
	observe_look(&run->observe, 0, false);
	start_loads(run);
	loop_watch_until(run->ticker, run->begun_us + TICK_US);
	if (run->left > 0)
		loop_run(run->loop);
	run->ended_us = loop_clock_us();
	sum_up(run);
	observe_look(&run->observe, run->ended_us - run->begun_us, true);
	run->cpu_us = observe_cpu_us(&run->observe) - run->cpu_mark_us;
	run->cpu_units = run->total->accepted - run->unit_mark;
	run->own_cpu_us = children_cpu_us();
	report_progress_end(run);
	note_unbegun(run);
	ask_sink(run);
}

bool run_is_good(const struct run *run)
{
	uint64_t wanted = load_wanted(&run->load.options);
	bool all = run->load.options.duration_us || run->total->accepted == wanted;

	return all && run->total->accepted > 0 && run->total->failed == 0 &&
	       run->total->failures.count == 0 && run->loads_lost == 0 &&
	       verify_is_good(&run->verify);
}

uint64_t run_measured_us(const struct run *run)
{
	uint64_t from_us = run->begun_us + run->load.options.warmup_us;
	uint64_t to_us = run->ended_us ? run->ended_us : loop_clock_us();

	return to_us > from_us ? to_us - from_us : 1;
}

double run_rate(const struct run *run)
{
	return (double)run->total->measured * 1e6 / (double)run_measured_us(run);
}
