/* The commands that read a configuration and run nothing. */
#ifndef PROXY_CHECK_H
#define PROXY_CHECK_H

#include "proxy/args.h"

/*
 * `check`: reads everything, certificates included, and opens no socket. Every complaint is a line
 * on stderr, a summary one on stdout. 0: good; 1: warnings, with --strict; 2: errors.
 */
enum exit_status check_run(const struct args *args);

/* `config`: prints the configuration as it counts (-n: what differs), or all defaults (-d). */
enum exit_status config_run(const struct args *args);

#endif
