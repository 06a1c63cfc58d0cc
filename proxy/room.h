/* How much there is room for: open files, and workers, sessions and servers in shared memory. */
#ifndef PROXY_ROOM_H
#define PROXY_ROOM_H

#include "config/config.h"
#include "proxy/shared.h"

/* Raises the limit of open files as far as may be: the limit then in force; 0 when unknown. */
uint64_t room_for_files(void);

/*
 * Makes the memory for this configuration, for as many workers in up to twice `generations` of
 * them and sessions as `files` allow. False with a complaint.
 */
bool room_make(struct shared *shared, const struct config *config, size_t generations,
	       uint64_t files, struct complaints *complaints);

#endif
