#include "base/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <paths.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syslog.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------- opening */

/* What systemd.exec(5) says of $JOURNAL_STREAM: the device and inode of the journal's socket. */
static bool is_journal(const struct stat *status)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[48];

	snprintf(own, sizeof own, "%ju:%ju", (uintmax_t)status->st_dev, (uintmax_t)status->st_ino);
	return stream && strcmp(stream, own) == 0;
}

/* What a descriptor is, for how it is written to; nowhere when it is not open. */
static struct log log_of(int fd, struct stat *status)
{
	struct log log = { .fd = fd };

	if (fstat(fd, status) != 0)
		return (struct log){ .fd = -1 };
	log.socket = S_ISSOCK(status->st_mode);
	log.journal = is_journal(status);
	return log;
}

/* A pipe or terminal that another user has made cannot be opened anew, and may block. */
static struct log standard_error(void)
{
	struct stat status;
	struct log log = log_of(STDERR_FILENO, &status);

	if (log.fd < 0)
		return log;
	if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		int own = open("/proc/self/fd/2",
			       O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (own >= 0)
			log.fd = own;
		log.wary = own < 0;
	}
	return log;
}

static bool system_connect(int fd, const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
	return connect(fd, (struct sockaddr *)&to, sizeof to) == 0;
}

/* A socket of our own and not syslog(3), which blocks while the system's log is busy. */
bool log_open_system(struct log *log, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return false;
	tzset(); /* reads a file, which a worker may not */
	system_connect(fd, path);
	*log = (struct log){ .fd = fd, .socket = true, .syslog = path };
	return true;
}

/* What is the caller's stays. */
static void keep(struct log *opened, const struct log *log)
{
	opened->level = log->level;
	opened->format = log->format;
	opened->drops = log->drops;
}

void log_inherit(struct log *log, const char *target, int fd)
{
	struct stat status;
	struct log opened = log_of(fd, &status);

	opened.syslog = strcmp(target, "syslog") == 0 ? _PATH_LOG : NULL;
	tzset();
	opened.wary = opened.fd >= 0 && !(fcntl(fd, F_GETFL) & O_NONBLOCK);
	keep(&opened, log);
	*log = opened;
}

bool log_open(struct log *log, const char *target)
{
	struct log opened = { .fd = -1 };

	if (strcmp(target, "syslog") == 0) {
		if (!log_open_system(&opened, _PATH_LOG))
			return false;
	} else if (strcmp(target, "stderr") == 0) {
		opened = standard_error();
	} else {
		/* O_NONBLOCK is for a FIFO: nobody waits for its reader. */
		opened.fd = open(target,
				 O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
				 0640);
		if (opened.fd < 0)
			return false;
	}
	keep(&opened, log);
	log_close(log);
	*log = opened;
	return true;
}

void log_close(struct log *log)
{
	if (log->fd > STDERR_FILENO)
		close(log->fd);
	log->fd = -1;
	log->syslog = NULL;
	log->socket = log->journal = log->wary = false;
}

void log_take(struct log *log, int fd)
{
	log_flush(log);
	if (log->fd > STDERR_FILENO)
		close(log->fd);
	log->fd = fd;
}

/* ------------------------------------------------------------------------------------- writing */

static ssize_t put(const struct log *log, struct slice bytes)
{
	struct pollfd room = { .fd = log->fd, .events = POLLOUT };

	if (log->socket)
		return send(log->fd, bytes.ptr, bytes.len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (log->wary && poll(&room, 1, 0) != 1)
		return -1;
	return write(log->fd, bytes.ptr, bytes.len);
}

/* The system's log was restarted, or was not there before. */
static bool system_lost(void)
{
	return errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET ||
	       errno == EDESTADDRREQ || errno == EPIPE;
}

/* A datagram as syslog(3) makes it; without the line's end. */
static bool put_system(const struct log *log, int priority, struct slice line)
{
	char text[LOG_LINE_BYTES + 64], date[32];
	time_t now = time(NULL);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(date, sizeof date, "%b %e %H:%M:%S", &tm);
	int len = snprintf(text, sizeof text, "<%d>%s postern[%d]: %.*s", LOG_MAIL | priority, date,
			   (int)getpid(), (int)line.len - 1, line.ptr);
	struct slice all = slice_of(text, (size_t)len);
	if (put(log, all) == len)
		return true;
	return system_lost() && system_connect(log->fd, log->syslog) && put(log, all) == len;
}

bool log_write(const struct log *log, int priority, struct slice line)
{
	struct log_drops *drops = log->drops;

	if (log->syslog)
		return put_system(log, priority, line);
	if (drops && drops->torn && put(log, SLICE("\n")) != 1)
		return false;
	ssize_t n = put(log, line);
	if (drops)
		drops->torn = n > 0 && (size_t)n < line.len;
	return n == (ssize_t)line.len;
}
