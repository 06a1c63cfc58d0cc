/* A listener's policy as the inspector reads it. */
#ifndef PROXY_RELAY_RULES_H
#define PROXY_RELAY_RULES_H

#include "config/config.h"
#include "proxy/smtp/policy.h"

struct rules {
	struct smtp_policy strict;    /* as `bare_newline` says */
	struct smtp_policy normalize; /* for clients of `normalize_networks` */
	struct slice *words;          /* owned: all the lists */
};

/* NULL when out of memory. Strings of the configuration are used, not copied. */
struct rules *rules_new(const struct config *config, const struct listener_config *listener);
void rules_free(struct rules *rules);

#endif
