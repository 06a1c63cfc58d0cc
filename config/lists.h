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

/* A server to connect to. */
struct server_config {
	const char *written; /* as in the file: what the log and the tables call it */
	const char *host;    /* a name, to be looked up when it is needed; NULL: an address */
	struct addr addr;    /* ... and this is it; otherwise its length is 0 */
};

struct servers {
	struct server_config *item;
	size_t count;
};

/* So many in so long a time; a count of 0: any number. */
struct rate {
	uint64_t count;
	uint64_t per_ms;
};

/* One of the networks has the address. An empty list contains nothing. */
bool networks_contain(const struct networks *networks, const struct addr *addr);

#endif
