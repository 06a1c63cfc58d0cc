#include "proxy/crew.h"
#include "proxy/backoff.h"
#include "proxy/channel.h"
#include "proxy/obituary.h"
#include "base/clock.h"
#include "proxy/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------- making */

static void crew_leave_records(struct crews *crews, struct crew *crew, size_t count)
{
	for (size_t i = 0; i < count; i++)
		shared_leave(&crews->shared, crew->records[i]);
}

static void crew_release(struct crew *crew)
{
	free(crew->members);
	free(crew->records);
	free(crew);
}

struct crew *crew_new(struct crews *crews, struct generation *generation,
		      const struct entrances *entrances, uint32_t number)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	if (crew == NULL)
		return NULL;
	crew->count = generation->config->workers;
	crew->members = calloc(crew->count, sizeof(struct member));
	crew->records = calloc(crew->count, sizeof(size_t));
	if (crew->members == NULL || crew->records == NULL)
		goto failed;
	for (size_t i = 0; i < crew->count; i++) {
		crew->records[i] = shared_take(&crews->shared, number, (uint32_t)i);
		if (crew->records[i] == SIZE_MAX) {
			crew_leave_records(crews, crew, i);
			goto failed;
		}
		crew->members[i] = (struct member){ .channel = -1, .due = true };
	}
	if (!roster_join(&crews->roster, generation->config)) {
		crew_leave_records(crews, crew, crew->count);
		goto failed;
	}
	board_add_listeners(shared_board(&crews->shared), generation->config);
	crew->generation = generation;
	crew->entrances = *entrances;
	crew->number = number;
	crew->started_ms = clock_ms();
	crew->next = crews->first;
	crews->first = crew;
	return crew;
failed:
	crew_release(crew);
	return NULL;
}

void crew_free(struct crews *crews, struct crew *crew)
{
	struct crew **link = &crews->first;
	while (*link != crew)
		link = &(*link)->next;
	*link = crew->next;
	crew_leave_records(crews, crew, crew->count);
	roster_leave(&crews->roster, crew->generation->config);
	generation_free(crew->generation);
	entrances_release(&crew->entrances);
	crew_release(crew);
}

/* ----------------------------------------------------------------------------------- starting */

static const struct log *crew_log(const struct crew *crew)
{
	return &crew->generation->log;
}

static void crew_wake(struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i].channel >= 0)
			channel_wake(crew->members[i].channel, -1);
	}
}

/* In a new worker: lets go of all that is the master's or other workers'. */
static void worker_let_go(struct crews *crews, const struct crew *own)
{
	close(crews->signals);
	close(crews->shared.fd);
	keeper_leave(&crews->keeper);
	resolver_leave(&crews->resolver);
	succession_leave(&crews->succession);
	sockets_leave(&crews->sockets, &own->entrances);
	for (struct crew *crew = crews->first; crew != NULL; crew = crew->next) {
		for (size_t i = 0; i < crew->count; i++) {
			if (crew->members[i].channel >= 0)
				close(crew->members[i].channel);
		}
		if (crew != own && crew_log(crew)->fd > STDERR_FILENO)
			close(crew_log(crew)->fd);
	}
}

static _Noreturn void worker_main(struct crews *crews, const struct crew *crew, size_t index,
				  int channel, pid_t master)
{
	worker_let_go(crews, crew);
	exit(worker_run(&(struct worker_setup){
		.generation = crew->generation,
		.shared = &crews->shared,
		.sockets = &crews->sockets,
		.entrances = &crew->entrances,
		.records = crew->records,
		.workers = crew->count,
		.index = index,
		.channel = channel,
		.keys = crews->upkeep.keys,
		.master = master,
	}));
}

static void member_plan(struct member *member)
{
	uint64_t now_ms = clock_ms();
	member->due = true;
	member->due_ms = now_ms + backoff(&member->next_delay_ms, now_ms - member->started_ms);
}

static bool member_fork(struct crews *crews, struct crew *crew, size_t index)
{
	struct member *member = &crew->members[index];
	struct worker_record *record = shared_record(&crews->shared, crew->records[index]);
	pid_t master = getpid();
	int ends[2];
	if (!channel_open(ends))
		return false;
	member->pulse = (struct pulse){ 0 };
	record->beats = 0;
	record->stalled = 0;
	record->crash = (struct crash_note){ 0 };
	fflush(NULL); /* or the worker would write what is buffered once more */
	pid_t pid = fork();
	if (pid == 0) {
		close(ends[0]);
		worker_main(crews, crew, index, ends[1], master);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return false;
	}
	member->pid = pid;
	member->channel = ends[0];
	record->pid = pid;
	return true;
}

static void member_start(struct crews *crews, struct crew *crew, size_t index)
{
	struct member *member = &crew->members[index];
	member->due = false;
	member->started_ms = clock_ms();
	if (member_fork(crews, crew, index))
		return;
	log_say(crew_log(crew), LOG_LEVEL_ERROR, "worker", "cannot be started: %s",
		strerror(errno));
	member->failed = true;
	member_plan(member);
}

void crew_start(struct crews *crews, struct crew *crew)
{
	uint64_t now_ms = clock_ms();
	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i].due && crew->members[i].due_ms <= now_ms)
			member_start(crews, crew, i);
	}
}

uint64_t crew_due_ms(const struct crew *crew)
{
	uint64_t due_ms = crew->kill_ms != 0 ? crew->kill_ms : UINT64_MAX;
	for (size_t i = 0; i < crew->count; i++) {
		const struct member *member = &crew->members[i];
		if (member->due && member->due_ms < due_ms)
			due_ms = member->due_ms;
	}
	return due_ms;
}

/* ------------------------------------------------------------------------------------ hearing */

void crew_hear(struct crews *crews, struct crew *crew, size_t index)
{
	struct member *member = &crew->members[index];
	int fd;
	enum channel_news news = channel_read(member->channel, &fd);
	if (fd >= 0)
		close(fd); /* nothing that we asked for */
	if (news == CHANNEL_CLOSED) {
		/* It has ended, as SIGCHLD will say, or else it can be told nothing any more. */
		kill(member->pid, SIGKILL);
		close(member->channel);
		member->channel = -1;
	}
	bool up = shared_record(&crews->shared, crew->records[index])->up != 0;
	if (news != CHANNEL_WOKEN || member->up == up)
		return;
	member->up = up;
	member->failed = member->failed && !up;
	crew_wake(crew);
}

static void member_bury(struct crews *crews, struct crew *crew, size_t index, int status)
{
	struct member *member = &crew->members[index];
	uint64_t sessions = shared_bury(&crews->shared, crew->records[index]);
	obituary(crew_log(crew),
		 &(struct obituary){
			 .worker = index,
			 .generation = crew->number,
			 .pid = member->pid,
			 .status = status,
			 .asked = crew->order != ORDER_WORK,
			 .sessions = sessions,
			 .lived_ms = clock_ms() - member->started_ms,
			 .note = &shared_record(&crews->shared, crew->records[index])->crash,
		 });
	if (member->channel >= 0)
		close(member->channel);
	member->failed = member->failed || !member->up;
	member->channel = -1;
	member->pid = 0;
	member->up = false;
	if (crew->order == ORDER_WORK)
		member_plan(member);
}

void crew_reap(struct crews *crews, struct crew *crew)
{
	bool any = false;
	for (size_t i = 0; i < crew->count; i++) {
		int status;
		pid_t pid = crew->members[i].pid;
		if (pid == 0 || waitpid(pid, &status, WNOHANG) != pid)
			continue;
		member_bury(crews, crew, i, status);
		any = true;
	}
	if (any)
		crew_wake(crew);
}

/* ----------------------------------------------------------------------------------- watching */

/* It notes its stack, and dies, unless it is stopped or hangs in the kernel. */
static void member_dismiss(const struct crew *crew, size_t index)
{
	log_say(crew_log(crew), LOG_LEVEL_ERROR, "worker-stalled",
		"worker %zu, pid %d, has not turned its loop for %d s and is replaced", index,
		(int)crew->members[index].pid, PULSE_DEAD_MS / 1000);
	kill(crew->members[index].pid, SIGABRT);
}

void crew_look(struct crews *crews, struct crew *crew, bool late)
{
	uint64_t now_ms = clock_ms();
	for (size_t i = 0; i < crew->count; i++) {
		struct member *member = &crew->members[i];
		struct worker_record *record = shared_record(&crews->shared, crew->records[i]);
		if (member->pid == 0)
			continue;
		enum pulse_news news = pulse_look(&member->pulse, record->beats, now_ms, late);
		if (news == PULSE_DEAD)
			member_dismiss(crew, i);
		if (news == PULSE_KILL)
			kill(member->pid, SIGKILL);
		if (record->stalled == member->pulse.stalled)
			continue;
		record->stalled = member->pulse.stalled;
		crew_wake(crew);
	}
}

/* ------------------------------------------------------------------------------------ telling */

void crew_order(struct crews *crews, struct crew *crew, enum order order, uint64_t patience_ms)
{
	if (order > crew->order)
		crew->order = order;
	if (patience_ms != 0)
		crew->kill_ms = clock_ms() + patience_ms;
	for (size_t i = 0; i < crew->count; i++) {
		shared_record(&crews->shared, crew->records[i])->order = (uint8_t)crew->order;
		crew->members[i].due = false;
	}
	crew_wake(crew);
}

void crew_kill_late(struct crew *crew)
{
	if (crew->kill_ms == 0 || clock_ms() < crew->kill_ms)
		return;
	crew->kill_ms = 0;
	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i].pid != 0)
			kill(crew->members[i].pid, SIGKILL);
	}
}

void crew_reopen_log(struct crew *crew)
{
	struct complaints complaints = { 0 };
	if (!generation_open_log(crew->generation, &complaints)) {
		log_say(crew_log(crew), LOG_LEVEL_ERROR, "log", "%s", complaints.text);
		complaints_release(&complaints);
		return;
	}
	for (size_t i = 0; i < crew->count && crew_log(crew)->fd > STDERR_FILENO; i++) {
		if (crew->members[i].channel >= 0)
			channel_wake(crew->members[i].channel, crew_log(crew)->fd);
	}
}

bool crew_is_up(const struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++) {
		if (!crew->members[i].up)
			return false;
	}
	return true;
}

bool crew_has_failed(const struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i].failed)
			return true;
	}
	return false;
}

bool crew_is_gone(const struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++) {
		if (crew->members[i].pid != 0 || crew->members[i].due)
			return false;
	}
	return true;
}
