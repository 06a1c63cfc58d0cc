/* Where the load tool connects to, and from which addresses. */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include "base/addr.h"

enum { TARGET_SOURCES = 64, TARGET_NAME_BYTES = 256 };

struct target {
	struct addr addr;
	char name[TARGET_NAME_BYTES]; /* the host when it was given by name; else empty */
	struct addr sources[TARGET_SOURCES];
	size_t source_count;
};

/*
 * `host:port`, `v4:port`, `[v6]:port` or `unix:/path`; a name is looked up now, once. `sources` are
 * numeric addresses with commas between, or NULL. False with a sentence in *why.
 */
bool target_init(struct target *target, const char *text, const char *sources, const char **why);

/* Each one after the other; NULL when the system chooses. */
const struct addr *target_source(const struct target *target, uint64_t connection);

#endif
