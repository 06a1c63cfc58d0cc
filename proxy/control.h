/*
 * The commands that ask a running Postern, over its control socket. They know of it what the
 * configuration says, and no more: all that is printed was made by the one that runs.
 */
#ifndef PROXY_CONTROL_H
#define PROXY_CONTROL_H

#include "proxy/args.h"
#include "proxy/call.h"

/* Asks what the command line says, waits for the outcome, prints it. */
enum exit_status control_run(const struct args *args);

/* Asks again and again, and shows it in the terminal until q is typed. */
enum exit_status control_top(const struct args *args);

/* Asks once: true with an answer to be released; else it was told why not. */
bool control_ask(const struct args *args, struct call *call, const char *const *words,
		 size_t count);

#endif
