/*
 * `demo`: the proxy with nothing configured. A certificate of its own, postern-sink behind it,
 * implicit TLS and STARTTLS on high ports of 127.0.0.1, and the command that sends a first mail.
 */
#ifndef PROXY_DEMO_H
#define PROXY_DEMO_H

#include "proxy/args.h"

/* Runs until Ctrl-C and leaves nothing behind. The exit status. */
enum exit_status demo_run(const struct args *args);

#endif
