/* The files that certificates, authorities and lists come from: whether they have changed. */
#ifndef PROXY_FILES_H
#define PROXY_FILES_H

#include "config/config.h"

/*
 * A number that differs when any of them was written, replaced, moved, or has come or gone.
 * Symbolic links are followed. It takes no look into the files.
 */
uint64_t files_mark(const struct config *config);

#endif
