#include "proxy/control.h"
#include "base/clock.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum { OUTCOME_MS = 60 * 1000, ABSENT_MS = 5 * 1000 };

/* Why nobody answers, and what to do about it. */
static void explain(const char *path, int error)
{
	struct stat status;
	const struct group *group;
	switch (error) {
	case ENOENT:
	case ECONNREFUSED:
		fprintf(stderr,
			"postern: no Postern answers at %s: it does not run, or its configuration "
			"is another (-c FILE)\n",
			path);
		break;
	case EACCES:
		group = stat(path, &status) == 0 ? getgrgid(status.st_gid) : NULL;
		fprintf(stderr,
			"postern: %s: you may not: be root, or a member of the group `%s`\n", path,
			group != NULL ? group->gr_name : "that it belongs to");
		break;
	case 0:
		fprintf(stderr, "postern: %s: what answered has hung up\n", path);
		break;
	default:
		fprintf(stderr, "postern: %s: %s\n", path, strerror(error));
		break;
	}
}

static enum exit_status conclude(const struct call *call, const char *path, int error)
{
	switch (call->status) {
	case CALL_OK:
		fputs(call->body, stdout);
		return EXIT_STOPPED;
	case CALL_FAILED:
		/* Of an object for programs, too, these are the words. */
		fputs(call->body, call->body[0] == '{' ? stdout : stderr);
		return EXIT_FAILED;
	case CALL_FOREIGN:
		fprintf(stderr,
			"postern: what answers at %s is no Postern of this version: use the "
			"program that belongs to it, or restart it\n",
			path);
		return EXIT_FAILED;
	default:
		explain(path, error);
		return EXIT_FAILED;
	}
}

static void pause_ms(uint64_t ms)
{
	struct timespec time = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	nanosleep(&time, NULL);
}

/* Whoever is told to stop may be gone before it has said that it goes. */
static bool ends_it(const struct args *args)
{
	return strcmp(args->command->name, "stop") == 0 ||
	       strcmp(args->command->name, "drain") == 0;
}

/*
 * Asks for what came of it. A reload replaces the one that answers: for a moment there may be
 * nobody.
 */
static int wait_outcome(struct call *call, const struct args *args, const char *path)
{
	const char *serial[1];
	char kept[sizeof(call->serial)];
	uint64_t began_ms = clock_ms(), heard_ms = began_ms, pause = 10;
	int error = 0;
	memcpy(kept, call->serial, sizeof(kept));
	serial[0] = kept;
	while (call->status == CALL_PENDING || call->status == CALL_NOBODY) {
		uint64_t now_ms = clock_ms();
		heard_ms = call->status == CALL_PENDING ? now_ms : heard_ms;
		if (now_ms - began_ms > OUTCOME_MS || now_ms - heard_ms > ABSENT_MS)
			break;
		if (call->status == CALL_NOBODY && ends_it(args)) {
			call->status = CALL_OK;
			break;
		}
		pause_ms(pause);
		pause = pause < 200 ? pause * 2 : pause;
		call_release(call);
		call_make(call, path, args->json, "outcome", serial, 1);
		error = errno;
	}
	return error;
}

/* Where the socket is: the configuration says, and what is wrong with the rest of it is no matter.
 */
static bool find_socket(const struct args *args, char *path, size_t size)
{
	struct complaints complaints = { 0 };
	struct config *config = config_read_anyway(args->path, &args->overrides, &complaints);
	bool found = config != NULL && config->control != NULL;
	if (!found)
		fprintf(stderr, "postern: %s cannot be read, so it is not known where to ask\n%s",
			args->path, complaints.text != NULL ? complaints.text : "");
	else if (strcmp(config->control, "off") == 0)
		fprintf(stderr, "postern: %s has control = off: there is no one to ask\n",
			args->path);
	else
		snprintf(path, size, "%s", config->control);
	found = found && strcmp(config->control, "off") != 0;
	config_free(config);
	complaints_release(&complaints);
	return found;
}

enum exit_status control_run(const struct args *args)
{
	char path[4096];
	struct call call;
	if (!find_socket(args, path, sizeof(path)))
		return EXIT_CONFIGURATION;
	call_make(&call, path, args->json, args->command->name, args->words, args->word_count);
	int error = errno;
	if (call.status == CALL_PENDING)
		error = wait_outcome(&call, args, path);
	if (call.status == CALL_PENDING) {
		fputs("postern: nothing has come of it within a minute; the log will say\n",
		      stderr);
		call_release(&call);
		return EXIT_FAILED;
	}
	enum exit_status status = conclude(&call, path, error);
	call_release(&call);
	return status;
}

bool control_ask(const struct args *args, struct call *call, const char *const *words, size_t count)
{
	char path[4096];
	if (!find_socket(args, path, sizeof(path)))
		return false;
	call_make(call, path, args->json, args->command->name, words, count);
	int error = errno;
	if (call->status == CALL_OK)
		return true;
	conclude(call, path, error);
	call_release(call);
	return false;
}
