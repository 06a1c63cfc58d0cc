#include "proxy/keeper.h"
#include "base/clock.h"
#include "proxy/announce.h"
#include "proxy/backoff.h"
#include "proxy/beside.h"
#include "proxy/channel.h"
#include "proxy/hand.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_MS = 3 * 1000 };

static const char PROGRAM[] = "postern-monitor";

bool keeper_init(struct keeper *keeper, const struct shared *shared, struct complaints *complaints)
{
	char path[PATH_MAX];
	*keeper = (struct keeper)KEEPER_NONE;
	keeper->shared = shared;
	if (!beside(PROGRAM, path, sizeof(path))) {
		complain(complaints, PROGRAM, "/proc must be mounted, to find it beside postern");
		return false;
	}
	keeper->program = open(path, O_PATH | O_CLOEXEC);
	if (keeper->program >= 0)
		return true;
	complain(complaints, path, "%s: it belongs beside postern; is the installation whole?",
		 strerror(errno));
	return false;
}

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void keeper_release(struct keeper *keeper)
{
	hatches_close(&keeper->coming, &keeper->hatches);
	hatches_close(&keeper->hatches, NULL);
	close_if_open(&keeper->current.channel);
	close_if_open(&keeper->config);
	close_if_open(&keeper->program);
}

void keeper_leave(const struct keeper *keeper)
{
	hatches_leave(&keeper->coming);
	hatches_leave(&keeper->hatches);
	if (keeper->current.channel >= 0)
		close(keeper->current.channel);
	if (keeper->config >= 0)
		close(keeper->config);
	close(keeper->program);
}

/* ----------------------------------------------------------------------------------- starting */

/* The configuration as text, in memory that nobody can change any more; -1 with errno. */
static int write_config(const struct config *config)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int copy = fd >= 0 ? dup(fd) : -1;
	FILE *to = copy >= 0 ? fdopen(copy, "w") : NULL;
	if (to != NULL) {
		config_print(config, CONFIG_EFFECTIVE, to);
		int failed = ferror(to);
		if (fclose(to) == 0 && !failed &&
		    fcntl(fd, F_ADD_SEALS,
			  F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL) == 0)
			return fd;
	} else if (copy >= 0) {
		close(copy);
	}
	close_if_open(&fd);
	return -1;
}

static const struct log *keeper_log(const struct keeper *keeper)
{
	return &keeper->generation->log;
}

static void keeper_plan(struct keeper *keeper, uint64_t lived_ms)
{
	keeper->due = keeper->generation != NULL;
	keeper->due_ms = clock_ms() + backoff(&keeper->next_delay_ms, lived_ms);
}

static void keeper_start(struct keeper *keeper)
{
	char why[256];
	keeper->due = false;
	keeper->current = (struct monitor_process){ .channel = -1, .started_ms = clock_ms() };
	if (keeper->config < 0)
		keeper->config = write_config(keeper->generation->config);
	struct hand hand = {
		.program = keeper->program,
		.name = PROGRAM,
		.path = keeper->generation->config->path,
		.privilege = &keeper->generation->privilege,
		.fds = { keeper->shared->fd, keeper->config, -1, keeper_log(keeper)->fd, -1 },
	};
	hand_hatches(&hand, &keeper->hatches);
	if (hand_start(&hand, &keeper->current.pid, &keeper->current.channel, why, sizeof(why)))
		return;
	log_say(keeper_log(keeper), LOG_LEVEL_ERROR, "monitor", "cannot be started: %s", why);
	keeper_plan(keeper, 0);
}

/* --------------------------------------------------------------------------------- generations */

bool keeper_prepare(struct keeper *keeper, const struct generation *generation,
		    struct complaints *complaints)
{
	return hatches_open(&keeper->coming, &keeper->hatches, generation, complaints);
}

/* It sees that from its channel, and finishes what it is about. */
static void tell_to_go(struct keeper *keeper)
{
	struct monitor_process *process = &keeper->current;
	size_t free = 0;
	close_if_open(&process->channel);
	process->kill_ms = clock_ms() + PATIENCE_MS;
	while (free < KEEPER_LEAVING_MAX && keeper->leaving[free].pid != 0)
		free++;
	if (free == KEEPER_LEAVING_MAX) {
		/* One reload after another: the first has no time left. SIGCHLD is blocked. */
		free = 0;
		kill(keeper->leaving[free].pid, SIGKILL);
		waitpid(keeper->leaving[free].pid, NULL, 0);
	}
	if (process->pid != 0)
		keeper->leaving[free] = *process;
	*process = (struct monitor_process){ .channel = -1 };
}

void keeper_serve(struct keeper *keeper, const struct generation *generation)
{
	hatches_close(&keeper->hatches, &keeper->coming);
	keeper->hatches = keeper->coming;
	keeper->coming = (struct hatches){ 0 };
	close_if_open(&keeper->config);
	tell_to_go(keeper);
	keeper->generation = generation;
	keeper->next_delay_ms = 0;
	keeper_start(keeper);
}

void keeper_abandon(struct keeper *keeper)
{
	hatches_close(&keeper->coming, &keeper->hatches);
}

void keeper_forget(struct keeper *keeper, const struct generation *generation)
{
	if (keeper->generation != generation)
		return;
	keeper->generation = NULL;
	keeper->due = false;
}

void keeper_dismiss(struct keeper *keeper)
{
	keeper->generation = NULL;
	keeper->due = false;
	if (keeper->current.pid != 0)
		tell_to_go(keeper);
}

bool keeper_is_gone(const struct keeper *keeper)
{
	for (size_t i = 0; i < KEEPER_LEAVING_MAX; i++) {
		if (keeper->leaving[i].pid != 0)
			return false;
	}
	return keeper->current.pid == 0;
}

/* --------------------------------------------------------------------------------- supervising */

void keeper_tend(struct keeper *keeper)
{
	uint64_t now_ms = clock_ms();
	if (keeper->due && keeper->due_ms <= now_ms)
		keeper_start(keeper);
	for (size_t i = 0; i < KEEPER_LEAVING_MAX; i++) {
		struct monitor_process *process = &keeper->leaving[i];
		if (process->pid == 0 || process->kill_ms > now_ms)
			continue;
		kill(process->pid, SIGKILL);
		process->kill_ms = UINT64_MAX;
	}
}

uint64_t keeper_due_ms(const struct keeper *keeper)
{
	uint64_t due_ms = keeper->due ? keeper->due_ms : UINT64_MAX;
	for (size_t i = 0; i < KEEPER_LEAVING_MAX; i++) {
		const struct monitor_process *process = &keeper->leaving[i];
		if (process->pid != 0 && process->kill_ms < due_ms)
			due_ms = process->kill_ms;
	}
	return due_ms;
}

struct pollfd keeper_poll(const struct keeper *keeper)
{
	return (struct pollfd){ .fd = keeper->current.channel, .events = POLLIN };
}

bool keeper_hear(struct keeper *keeper)
{
	int fd;
	enum channel_news news = channel_read(keeper->current.channel, &fd);
	if (fd >= 0)
		close(fd); /* nothing that we asked for */
	if (news == CHANNEL_CLOSED) {
		kill(keeper->current.pid, SIGKILL);
		close_if_open(&keeper->current.channel);
	}
	return news == CHANNEL_WOKEN;
}

void keeper_wake(const struct keeper *keeper)
{
	if (keeper->current.channel >= 0)
		channel_wake(keeper->current.channel, -1);
}

static void log_death(const struct keeper *keeper, int status)
{
	struct log_line line;
	if (keeper->generation == NULL ||
	    !log_begin(&line, keeper_log(keeper), LOG_LEVEL_ERROR, "monitor-ended"))
		return;
	log_num(&line, "pid", (uint64_t)keeper->current.pid);
	announce_status(&line, status);
	log_ms(&line, "lived", clock_ms() - keeper->current.started_ms);
	log_end(&line);
}

static bool has_ended(const struct monitor_process *process, int *status)
{
	return process->pid != 0 && waitpid(process->pid, status, WNOHANG) == process->pid;
}

void keeper_reap(struct keeper *keeper)
{
	int status;
	for (size_t i = 0; i < KEEPER_LEAVING_MAX; i++) {
		if (has_ended(&keeper->leaving[i], &status))
			keeper->leaving[i].pid = 0;
	}
	if (!has_ended(&keeper->current, &status))
		return;
	log_death(keeper, status);
	close_if_open(&keeper->current.channel);
	keeper->current.pid = 0;
	keeper_plan(keeper, clock_ms() - keeper->current.started_ms);
}

void keeper_reopen_log(const struct keeper *keeper)
{
	if (keeper->generation != NULL && keeper->current.channel >= 0 &&
	    keeper_log(keeper)->fd > STDERR_FILENO)
		channel_wake(keeper->current.channel, keeper_log(keeper)->fd);
}
