/* Who listens at an address that we cannot have: for the sentence that says so. */
#ifndef PROXY_INUSE_H
#define PROXY_INUSE_H

#include "base/addr.h"

/* "NAME (process 123)", or "another program" when /proc does not tell us. */
void inuse_by(const struct addr *addr, char *text, size_t size);

#endif
