/* What the kernel tells of our processes, for all to see on the board. */
#ifndef PROXY_FIGURES_H
#define PROXY_FIGURES_H

#include "proxy/crew.h"

/* Reads it from /proc, for all of them. */
void figures_publish(const struct crews *crews);

/* Of one; pid 0 gives nothing. */
void figures_read(struct process_figures *figures, pid_t pid);

#endif
