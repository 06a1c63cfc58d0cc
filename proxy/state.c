#include "proxy/state.h"
#include "base/clock.h"
#include "proxy/bans.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EACH_MS = 60 * 1000 };

/* As the packages make it. It may be missing where nobody has asked for it. */
static const char USUAL[] = "/var/lib/postern";

static bool is_off(const struct config *config)
{
	return strcmp(config->state, "off") == 0;
}

static bool is_usual(const struct config *config)
{
	return strcmp(config->state, USUAL) == 0;
}

bool state_check(const struct config *config, struct complaints *complaints)
{
	struct stat status;
	if (is_off(config) || is_usual(config))
		return true;
	int error = stat(config->state, &status) == 0 ? 0 : errno;
	if (error == 0 && !S_ISDIR(status.st_mode))
		error = ENOTDIR;
	if (error != ENOENT && error != ENOTDIR)
		return true;
	complain(complaints, config->path,
		 "[postern] state = %s: %s: make the directory, for the user that Postern is "
		 "started as, or set `state = off`",
		 config->state, strerror(error));
	return false;
}

/* -------------------------------------------------------------------------------------- files */

static const char *path_of(const struct config *config, const char *name, char path[PATH_MAX])
{
	int len = snprintf(path, PATH_MAX, "%s/%s", config->state, name);
	errno = ENAMETOOLONG;
	return len < PATH_MAX ? path : NULL;
}

/* NULL with errno; EPERM: somebody else may have written it. */
static FILE *open_bans(const struct config *config)
{
	char path[PATH_MAX];
	struct stat status;
	if (path_of(config, "bans", path) == NULL)
		return NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
	    (status.st_uid == 0 || status.st_uid == geteuid()) &&
	    (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return fdopen(fd, "r");
	close(fd);
	errno = EPERM;
	return NULL;
}

static const char *words_of(int error)
{
	if (error == EPERM || error == ELOOP)
		return "it is no file of ours alone: it must be a regular one, of root or of the "
		       "user that Postern is started as, and writable for nobody else";
	return strerror(error);
}

/* The whole file under another name first: there is never half a one. */
static bool replace(const struct config *config, const char *text, size_t len)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	if (path_of(config, "bans", path) == NULL || path_of(config, "bans.new", fresh) == NULL)
		return false;
	int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
		      0600);
	if (fd < 0)
		return false;
	bool good =
		fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t)len && fdatasync(fd) == 0;
	int error = good ? 0 : errno;
	close(fd);
	if (good && rename(fresh, path) == 0)
		return true;
	error = good ? errno : error;
	unlink(fresh);
	errno = error != 0 ? error : ENOSPC;
	return false;
}

/* ------------------------------------------------------------------------------------ reading */

static void say(const struct log *log, const struct config *config, const char *what)
{
	log_say(log, LOG_LEVEL_WARNING, "state", "%s/bans %s", config->state, what);
}

static void take(const struct config *config, const struct addresses *table, const struct log *log,
		 FILE *from)
{
	size_t count;
	switch (bans_read(table, from, &count)) {
	case BANS_READ:
		if (count > 0)
			log_say(log, LOG_LEVEL_INFO, "state", "%zu bans go on", count);
		break;
	case BANS_EMPTY:
	case BANS_DAMAGED:
		say(log, config, "is damaged: the bans of before are lost");
		break;
	case BANS_FOREIGN:
		say(log, config,
		    "is no list of bans of this version of Postern: it is left alone, and no ban "
		    "outlives a restart until it is moved away");
		break;
	}
}

void state_read(const struct config *config, const struct addresses *table, const struct log *log)
{
	if (is_off(config))
		return;
	FILE *from = open_bans(config);
	char what[512];
	if (from == NULL && errno != ENOENT) {
		snprintf(what, sizeof(what), "cannot be read: %s", words_of(errno));
		say(log, config, what);
	}
	if (from == NULL && errno == ENOENT && is_usual(config) && access(USUAL, F_OK) != 0)
		return;
	if (from != NULL) {
		take(config, table, log, from);
		fclose(from);
	}
	if (access(config->state, W_OK | X_OK) != 0)
		log_say(log, LOG_LEVEL_WARNING, "state",
			"%s cannot be written to (%s): no ban outlives a restart; let the user "
			"that Postern is started as write there, or set `state = off`",
			config->state, strerror(errno));
}

/* ------------------------------------------------------------------------------------ writing */

/* What is there, and is not ours, stays: that was said at the start. */
static bool may_replace(const struct config *config, bool *is_there)
{
	FILE *from = open_bans(config);
	*is_there = from != NULL;
	if (from == NULL)
		return errno == ENOENT;
	bool may = bans_look(from) != BANS_FOREIGN;
	fclose(from);
	return may;
}

static bool replace_bans(const struct config *config, const struct addresses *table)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	if (to == NULL)
		return false;
	bans_write(table, to);
	bool good = fclose(to) == 0 && replace(config, text, len);
	int error = errno;
	free(text);
	errno = error;
	return good;
}

void state_write(struct state *state, const struct config *config, const struct addresses *table,
		 const struct log *log)
{
	uint64_t number;
	bool is_there;
	if (is_off(config))
		return;
	size_t count = bans_count(table, &number);
	if (number == state->written || !may_replace(config, &is_there) ||
	    (count == 0 && !is_there))
		return;
	bool good = replace_bans(config, table);
	if (good)
		state->written = number;
	else if (!state->failed && !(errno == ENOENT && is_usual(config)))
		log_say(log, LOG_LEVEL_WARNING, "state", "%s/bans cannot be written: %s",
			config->state, strerror(errno));
	state->failed = !good;
}

void state_tend(struct state *state, const struct config *config, const struct addresses *table,
		const struct log *log)
{
	uint64_t now_ms = clock_ms();
	if (now_ms < state->due_ms)
		return;
	if (state->due_ms != 0)
		state_write(state, config, table, log);
	state->due_ms = now_ms + EACH_MS;
}
