/* The command line, read by two tables: the commands and the options. Pure. */
#ifndef PROXY_ARGS_H
#define PROXY_ARGS_H

#include "config/config.h"
#include "proxy/exit.h"

enum { ARGS_WORDS = 2 };

struct args {
	const char *path;         /* the configuration */
	struct strings overrides; /* -D, in order; `item` is owned, the strings are argv's */
	const struct command *command;
	bool strict;
	bool json;
	const char *words[ARGS_WORDS]; /* behind the command; the rest are NULL */
	size_t word_count;
	enum config_print print;
	char *const *argv; /* as it was given */
};

struct command {
	const char *name;
	const char *summary; /* for --help */
	enum exit_status (*run)(const struct args *args);
	bool json;    /* it knows --json */
	size_t least; /* words that it takes, and */
	size_t most;
	const char *words; /* what they are, for --help; NULL: it takes none */
};

#define ARGS_PATH "/etc/postern/postern.ini"

/*
 * Reads argv; options may stand before and behind the command. The first of the `commands` (which
 * end with a NULL name) is the default, and `help` and `version` must be among them. On false `why`
 * is a sentence.
 */
bool args_parse(struct args *args, const struct command *commands, int argc, char **argv, char *why,
		size_t why_size);
void args_release(struct args *args);

/* What --help says. */
void args_print_help(const struct command *commands, FILE *to);

#endif
