/*
 * The log: one line an event. A line is written at once, or with others of a turn of the loop. A
 * line is an event word and key=value fields, as text or as a JSON object. Every value is escaped,
 * so nothing that a stranger sends can forge a line or a field.
 *
 *   2026-11-24T09:01:02.345Z info session id=4fGh client=192.0.2.7:4711 helo="a b" reason=quit
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/slice.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

/* What becomes of lines that could not be written; one for each process. */
struct log_drops {
	uint64_t untold; /* since the log last said how many */
	uint64_t *total; /* counted here, too; NULL: nowhere */
	bool torn;       /* the last line was written in part: the next begins a new one */
};

/* A pipe takes so much in one piece or not at all (PIPE_BUF, pipe(7)). */
enum { LOG_LINE_BYTES = 4096 };

/* Lines that wait to be written together, for a process that calls log_flush(). */
struct log_batch {
	size_t len;
	uint64_t lines;
	uint64_t told; /* dropped lines that the waiting ones tell of */
	char text[LOG_LINE_BYTES];
};

struct log {
	int fd;       /* STDERR_FILENO, a file's, a socket, or -1: nowhere */
	bool socket;  /* fd is one, as stderr is under systemd */
	bool journal; /* a "<N>" priority before each line, sd-daemon(3) */
	bool wary;    /* fd may block: it is asked first */
	enum log_level level;
	enum log_format format;
	const char *syslog;      /* where the system's log listens, when fd leads there: lent */
	struct log_drops *drops; /* lent; NULL: what is dropped is not counted */
	struct log_batch *batch; /* lent; NULL: each line is written at once */
};

/*
 * Opens what `target` says: "stderr", "syslog", or a file's path (appended to, made with mode
 * 0640). False with errno when the file cannot be opened; the log then is as before. `log` is
 * zeroed or was open: the file it had is closed, level, format and drops stay. Standard error is
 * opened anew where it is a pipe or a terminal, so that it can be written without blocking and
 * without O_NONBLOCK for those who share it; SIGPIPE is to be ignored by the process. The system's
 * log need not be there: it is looked for again with each line.
 */
bool log_open(struct log *log, const char *target);
void log_close(struct log *log);

/* The file has been opened anew, by another process: `fd` takes the place of what was open. */
void log_take(struct log *log, int fd);

/*
 * As log_open(), for a program that another has started: `fd` is what that one's log had, or -1
 * where it had none.
 */
void log_inherit(struct log *log, const char *target, int fd);

/*
 * A line being built. A value that does not fit is cut and marked with "..."; a field that does not
 * fit at all is left out, and the line ends with `cut=...`.
 */
struct log_line {
	const struct log *log;
	enum log_level level;
	bool cut; /* nothing more fits */
	size_t len;
	char text[LOG_LINE_BYTES];
};

/* False when the level is not logged: then build nothing. `event` is a literal word. */
bool log_begin(struct log_line *line, const struct log *log, enum log_level level,
	       const char *event);
/* Text and JSON differ in quoting only; JSON takes bytes that are no UTF-8 as ISO 8859-1. */
void log_slice(struct log_line *line, const char *key, struct slice value);
void log_str(struct log_line *line, const char *key, const char *value); /* NULL: left out */
void log_num(struct log_line *line, const char *key, uint64_t value);
/* Milliseconds, written as seconds with three digits. */
void log_ms(struct log_line *line, const char *key, uint64_t ms);
/*
 * Writes it, with one write(2) that never blocks a worker: what cannot be written is dropped and
 * counted, and the first line that can be written again is preceded by one that says how many.
 * With a batch it is left there, but for warnings and errors, which take along what waits. The
 * system's log gets each line at once.
 */
void log_end(struct log_line *line);

/* Writes what the batch holds. Calls only what a signal handler may. */
void log_flush(const struct log *log);

/* A whole line of one field, `message`, made as by printf. */
void log_say(const struct log *log, enum log_level level, const char *event, const char *format,
	     ...) __attribute__((format(printf, 4, 5)));

#endif
