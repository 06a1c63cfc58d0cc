/* The command `certs`. */
#ifndef PROXY_CERTS_H
#define PROXY_CERTS_H

#include "proxy/args.h"

/*
 * Prints what each certificate of the configuration is, and the TLSA records to publish for it.
 * What is wrong with any goes to stderr. 0: all are good; 2: errors.
 */
enum exit_status certs_run(const struct args *args);

#endif
