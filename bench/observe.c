#include "bench/observe.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { EVERY_US = 250000, PATH_BYTES = 300 };

struct family {
	pid_t pid[OBSERVE_FAMILY_MAX];
	size_t count;
};

static void add_member(struct family *family, pid_t pid)
{
	if (family->count < OBSERVE_FAMILY_MAX)
		family->pid[family->count++] = pid;
}

/* The children that one thread of a process has started. */
static void add_children(struct family *family, pid_t pid, const char *thread)
{
	char path[PATH_BYTES];
	int child;

	snprintf(path, sizeof path, "/proc/%d/task/%s/children", pid, thread);
	FILE *file = fopen(path, "r");
	while (file && fscanf(file, "%d", &child) == 1)
		add_member(family, child);
	if (file)
		fclose(file);
}

static void add_all_children(struct family *family, pid_t pid)
{
	char path[PATH_BYTES];
	struct dirent *entry;

	snprintf(path, sizeof path, "/proc/%d/task", pid);
	DIR *threads = opendir(path);
	while (threads && (entry = readdir(threads)))
		if (entry->d_name[0] != '.')
			add_children(family, pid, entry->d_name);
	if (threads)
		closedir(threads);
}

static void find_family(const struct observe *observe, struct family *family)
{
	family->count = 0;
	for (size_t i = 0; i < observe->pids.count; i++)
		add_member(family, (pid_t)observe->pids.pid[i]);
	for (size_t i = 0; i < family->count; i++)
		add_all_children(family, family->pid[i]);
}

void observe_init(struct observe *observe, const struct options_pids *pids)
{
	*observe = (struct observe){ .pids = *pids, .every_us = EVERY_US };
}

/* Of all threads, those that ended too, as the scheduler counts it. */
static uint64_t cpu_of(pid_t pid)
{
	struct timespec spent;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &spent) != 0)
		return 0;
	return (uint64_t)spent.tv_sec * 1000000 + (uint64_t)spent.tv_nsec / 1000;
}

uint64_t observe_cpu_us(const struct observe *observe)
{
	struct family family;
	uint64_t sum = 0;

	find_family(observe, &family);
	for (size_t i = 0; i < family.count; i++)
		sum += cpu_of(family.pid[i]);
	return sum;
}

static uint64_t pss_of(pid_t pid)
{
	char path[PATH_BYTES], line[256];
	uint64_t kilobytes = 0;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "Pss: %" SCNu64, &kilobytes) == 1)
			break;
	if (file)
		fclose(file);
	return kilobytes * 1024;
}

uint64_t observe_pss_bytes(const struct observe *observe)
{
	struct family family;
	uint64_t sum = 0;

	find_family(observe, &family);
	for (size_t i = 0; i < family.count; i++)
		sum += pss_of(family.pid[i]);
	return sum;
}

static void thin_out(struct observe *observe)
{
	for (size_t i = 0; i < OBSERVE_SAMPLES / 2; i++)
		observe->samples[i] = observe->samples[2 * i];
	observe->count = OBSERVE_SAMPLES / 2;
	observe->every_us *= 2;
}

void observe_look(struct observe *observe, uint64_t at_us, bool must)
{
	size_t n = observe->count;
	bool is_due = n == 0 || at_us >= observe->samples[n - 1].at_us + observe->every_us;

	if (observe->pids.count == 0 || !(is_due || must))
		return;
	if (n == OBSERVE_SAMPLES)
		thin_out(observe);
	observe->samples[observe->count++] = (struct observe_sample){
		.at_us = at_us,
		.cpu_us = observe_cpu_us(observe),
		.pss_bytes = observe_pss_bytes(observe),
	};
}
