/*
 * A generation: a configuration and all that was loaded for it, as one. It never changes. A reload
 * makes a new one, and the old lives until its last worker has gone.
 */
#ifndef PROXY_GENERATION_H
#define PROXY_GENERATION_H

#include "certs/certs.h"
#include "certs/server_tls.h"
#include "proxy/privilege.h"

struct generation {
	struct config *config;
	struct cert_store **certs;      /* one a listener */
	struct server_tls **server_tls; /* one a backend; NULL where it has no TLS */
	uint64_t mark;                  /* of the files (files.h), from before they were read */
	struct privilege privilege;
	struct log log; /* nowhere before generation_open_log() */
	struct log_drops drops;
};

enum { WORKERS_MAX = 256 };

/*
 * Reads the configuration and everything it names. All that is wrong is in the complaints, and the
 * result then NULL; there may be warnings beside a good result. Opens no socket and no log. `keys`:
 * as for cert_store_load().
 */
struct generation *generation_load(const char *path, const struct strings *overrides,
				   const struct ticket_keys *keys, struct complaints *complaints);

/* The same configuration with its files read anew. */
struct generation *generation_renew(const struct generation *old, const struct ticket_keys *keys,
				    struct complaints *complaints);
void generation_free(struct generation *generation);

/*
 * Warns of what becomes old in the time after `from` up to `to`, seconds since 1970; and of
 * certificates of a new generation that are older than those of the one before.
 */
void generation_remind(const struct generation *generation, int64_t from, int64_t to,
		       struct complaints *complaints);
void generation_compare(const struct generation *fresh, const struct generation *old,
			struct complaints *complaints);

/* Opens the log that the configuration names, anew if it was open. False with a complaint. */
bool generation_open_log(struct generation *generation, struct complaints *complaints);

#endif
