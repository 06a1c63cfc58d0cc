/* A backend must not be Postern itself: its sessions would come back to it, each for another. */
#ifndef PROXY_LOOPS_H
#define PROXY_LOOPS_H

#include "config/config.h"

/*
 * Complains of each server that is written as an address at which a listener of the same
 * configuration listens; one of 0.0.0.0 or [::] listens at all addresses that this machine has now.
 * No name is looked up. Of a configuration with errors it sees what there is.
 */
void loops_check(const struct config *config, struct complaints *complaints);

/* The same of one server and an address `at` which it is, its name's for one. */
void loops_check_server(const struct config *config, const struct backend_config *backend,
			const struct server_config *server, const struct addr *at,
			struct complaints *complaints);

#endif
