/* How the program ends. */
#ifndef PROXY_EXIT_H
#define PROXY_EXIT_H

enum exit_status {
	EXIT_STOPPED = 0,       /* as asked; a command: all is well */
	EXIT_FAILED = 1,        /* in what the system would not give */
	EXIT_WARNINGS = 1,      /* `check --strict` */
	EXIT_CONFIGURATION = 2, /* or the command line */
};

#endif
