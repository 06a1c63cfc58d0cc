/*
 * The command line, read by a table: one row says all there is to say of an option, and --help is
 * printed from the same rows.
 */
#ifndef BENCH_ARGS_H
#define BENCH_ARGS_H

#include "base/slice.h"

/*
 * Reads `text` (NULL for an option without a value) to `at`. On false *why says in words what was
 * expected (a literal).
 */
typedef bool args_reader(void *at, const char *text, const char **why);

struct arg {
	const char *heading; /* a line between options in --help; such a row has nothing else */
	char letter;         /* 0: only the long name */
	const char *name;    /* without the dashes; NULL: what stands alone on the line */
	const char *value;   /* what the value is called in --help; NULL: none is taken */
	args_reader *read;
	size_t offset; /* of the place in the program's struct of options */
	const char *help;
};

struct args {
	const char *program;
	const char *version;
	const char *synopsis; /* what follows the program's name */
	const char *intro;    /* what the program is, for --help */
	const char *notes;    /* the last part of --help */
	const struct arg *rows;
	size_t count;
};

enum args_end {
	ARGS_RUN,
	ARGS_HELP, /* --help or --version was printed to stdout: exit with 0 */
	ARGS_BAD,  /* an error was printed to stderr: exit with 2 */
};

/* The strings read point into argv. */
enum args_end args_read(const struct args *args, int argc, char **argv, void *options);

/* Says on stderr what is wrong with a command line read without errors, and where help is. */
void args_complain(const struct args *args, const char *why);

enum { ARGS_LIST_MAX = 32 };

struct args_list {
	const char *item[ARGS_LIST_MAX];
	size_t count;
};

args_reader args_flag;   /* bool */
args_reader args_number; /* uint64_t, at least 1 */
args_reader args_bytes;  /* uint64_t: 512, 4K, 50M, 1G */
args_reader args_time;   /* uint64_t in microseconds: 250ms, 2s, 1m, 1h, or seconds */
args_reader args_text;   /* const char * */
args_reader args_more;   /* struct args_list: the option may be given again */

#endif
