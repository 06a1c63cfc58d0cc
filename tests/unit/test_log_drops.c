/* Lines that cannot be written: dropped, counted, told of; and the system's log. */
#include "base/log_target.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syslog.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 5000 };

/* Everything that can be read, line by line: how many have the event, and what else was there. */
static size_t read_lines(int fd, const char *event, size_t *dropped)
{
	static char text[1 << 20];
	size_t len = 0, count = 0;
	ssize_t n;

	while ((n = read(fd, text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	*dropped = 0;
	for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		const char *told = strstr(line, " warning log-dropped lines=");
		if (told)
			*dropped += strtoul(strchr(told, '=') + 1, NULL, 10);
		else
			count += strstr(line, event) != NULL;
	}
	return count;
}

static void a_full_pipe_drops_counts_and_tells(void **state)
{
	uint64_t total = 0;
	struct log_drops drops = { .total = &total };
	struct log log = { .level = LOG_LEVEL_INFO, .drops = &drops };
	size_t told, none;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	log.fd = ends[1];
	for (int i = 0; i < MANY; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "a line that nobody reads: %d", i);
	assert_in_range(total, 1, MANY - 1);
	/* The shorter line that tells may still have found room. */
	size_t written = read_lines(ends[0], " event ", &none);
	assert_int_equal(written + total, MANY);
	assert_int_equal(none + drops.untold, total);
	log_say(&log, LOG_LEVEL_INFO, "event", "there is room again");
	assert_int_equal(read_lines(ends[0], " event ", &told), 1);
	assert_int_equal(none + told, total);
	assert_int_equal(drops.untold, 0);
	log_say(&log, LOG_LEVEL_INFO, "event", "it is told once");
	assert_int_equal(read_lines(ends[0], " event ", &told), 1);
	assert_int_equal(told, 0);
	close(ends[0]);
	close(ends[1]);
}

/* Where O_NONBLOCK cannot be had; whoever blocks here never ends. */
static void a_pipe_that_blocks_is_asked_first(void **state)
{
	struct log_drops drops = { 0 };
	struct log log = { .level = LOG_LEVEL_INFO, .drops = &drops, .wary = true };
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	log.fd = ends[1];
	for (int i = 0; i < MANY; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "a line that nobody reads: %d", i);
	assert_in_range(drops.untold, 1, MANY - 1);
	close(ends[0]);
	close(ends[1]);
}

/* A disk that is full in the middle of a line (here, a limit): the next begins a line of its own.
 */
static void a_torn_line_takes_no_other_along(void **state)
{
	char path[] = "/tmp/test_log_drops.XXXXXX", text[4096] = "";
	struct log_drops drops = { 0 };
	struct log log = { .level = LOG_LEVEL_INFO, .drops = &drops };
	struct rlimit before, small;

	(void)state;
	log.fd = mkstemp(path);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	log_say(&log, LOG_LEVEL_INFO, "event", "one");
	small = before;
	small.rlim_cur = (rlim_t)lseek(log.fd, 0, SEEK_CUR) + 20;
	setrlimit(RLIMIT_FSIZE, &small);
	log_say(&log, LOG_LEVEL_INFO, "event", "two");
	log_say(&log, LOG_LEVEL_INFO, "event", "three");
	setrlimit(RLIMIT_FSIZE, &before);
	log_say(&log, LOG_LEVEL_INFO, "event", "four");
	assert_true(pread(log.fd, text, sizeof text - 1, 0) > 0);
	assert_non_null(strstr(text, "one\n"));
	assert_null(strstr(text, "two"));
	assert_null(strstr(text, "three"));
	assert_non_null(strstr(text, " warning log-dropped lines=2\n"));
	assert_non_null(strstr(text, " info event message=four\n"));
	size_t lines = 0;
	for (const char *p = text; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 4);
	close(log.fd);
	unlink(path);
}

static int listen_at(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	return fd;
}

static void assert_got(int fd, const char *begin, const char *end)
{
	char text[8192];
	ssize_t n = recv(fd, text, sizeof text - 1, 0);

	assert_true(n > 0);
	text[n] = '\0';
	assert_memory_equal(text, begin, strlen(begin));
	assert_string_equal(text + n - strlen(end), end);
}

static void the_system_log_may_come_and_go(void **state)
{
	char directory[] = "/tmp/test_log_drops.XXXXXX", path[64], pid[32];
	struct log_drops drops = { 0 };
	struct log log;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/log", directory);
	snprintf(pid, sizeof pid, " postern[%d]: ", (int)getpid());
	assert_true(log_open_system(&log, path));
	log.level = LOG_LEVEL_INFO;
	log.drops = &drops;
	log_say(&log, LOG_LEVEL_INFO, "event", "nobody");
	assert_int_equal(drops.untold, 1);
	int fd = listen_at(path);
	log_say(&log, LOG_LEVEL_ERROR, "event", "first");
	assert_got(fd, "<20>", " warning log-dropped lines=1");
	assert_got(fd, "<19>", " error event message=first");
	close(fd);
	fd = listen_at(path);
	log_say(&log, LOG_LEVEL_INFO, "event", "restarted");
	assert_got(fd, "<22>", " info event message=restarted");
	/* Nobody reads: it does not block. */
	for (int i = 0; i < MANY; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "a line that nobody reads: %d", i);
	assert_in_range(drops.untold, 1, MANY);
	log_close(&log);
	close(fd);
	unlink(path);
	rmdir(directory);
}

static void lines_wait_for_each_other_but_not_warnings(void **state)
{
	struct log_batch batch = { 0 };
	struct log log = { .level = LOG_LEVEL_INFO, .batch = &batch };
	size_t none;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	log.fd = ends[1];
	log_say(&log, LOG_LEVEL_INFO, "event", "one");
	log_say(&log, LOG_LEVEL_INFO, "event", "two");
	assert_int_equal(read_lines(ends[0], " event ", &none), 0);
	log_flush(&log);
	assert_int_equal(read_lines(ends[0], " event ", &none), 2);
	log_flush(&log);
	log_say(&log, LOG_LEVEL_INFO, "event", "three");
	log_say(&log, LOG_LEVEL_WARNING, "event", "four");
	assert_int_equal(read_lines(ends[0], " event ", &none), 2);
	/* As many as fit, and none is lost where more come. */
	for (int i = 0; i < 200; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "%d", i);
	size_t gone = read_lines(ends[0], " event ", &none);
	assert_in_range(gone, 1, 199);
	log_flush(&log);
	assert_int_equal(gone + read_lines(ends[0], " event ", &none), 200);
	close(ends[0]);
	close(ends[1]);
}

static void a_batch_that_is_dropped_is_counted(void **state)
{
	uint64_t total = 0;
	struct log_batch batch = { 0 };
	struct log_drops drops = { .total = &total };
	struct log log = { .level = LOG_LEVEL_INFO, .drops = &drops, .batch = &batch };
	size_t told, before;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	log.fd = ends[1];
	for (int i = 0; i < MANY; i++)
		log_say(&log, LOG_LEVEL_INFO, "event", "a line that nobody reads: %d", i);
	log_flush(&log);
	assert_in_range(total, 1, MANY - 1);
	assert_int_equal(read_lines(ends[0], " event ", &before) + total, MANY);
	log_say(&log, LOG_LEVEL_INFO, "event", "there is room again");
	log_flush(&log);
	assert_int_equal(read_lines(ends[0], " event ", &told), 1);
	assert_int_equal(before + told, total);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_pipe_drops_counts_and_tells),
		cmocka_unit_test(a_pipe_that_blocks_is_asked_first),
		cmocka_unit_test(a_torn_line_takes_no_other_along),
		cmocka_unit_test(lines_wait_for_each_other_but_not_warnings),
		cmocka_unit_test(a_batch_that_is_dropped_is_counted),
		cmocka_unit_test(the_system_log_may_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
