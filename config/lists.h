/* The lists that options can hold, each in the order of the file. */
#ifndef CONFIG_LISTS_H
#define CONFIG_LISTS_H

#include "base/addr.h"

struct strings {
	const char **item;
	size_t count;
};

struct networks {
	struct network *item;
	size_t count;
};

struct addrs {
	struct addr *item;
	size_t count;
};

/* One of the networks has the address. An empty list contains nothing. */
bool networks_contain(const struct networks *networks, const struct addr *addr);

#endif
