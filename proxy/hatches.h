/*
 * The sockets for those who look after Postern: control and metrics. The master opens them and
 * keeps them for its whole life, so that they are there while one monitor follows another.
 */
#ifndef PROXY_HATCHES_H
#define PROXY_HATCHES_H

#include "proxy/generation.h"
#include "proxy/handed.h"

struct hatch {
	struct addr wanted; /* as configured; its port may be 0 */
	struct addr bound;
	int fd;
	bool lent; /* another master has it, too, and its file is that one's to remove */
};

/* Of one configuration. `control` is the path of [postern], or "off". */
struct hatches {
	struct hatch item[1 + HANDED_METRICS_MAX]; /* control first, where there is one */
	size_t count;
	bool control;
};

/*
 * Opens what the generation's configuration names; what `old` has open already is used further. On
 * false the complaints say why, and `old` is as it was.
 */
bool hatches_open(struct hatches *hatches, const struct hatches *old,
		  const struct generation *generation, struct complaints *complaints);

/* Closes all that `kept` (NULL: nothing) does not use further; the file of a unix socket goes. */
void hatches_close(struct hatches *hatches, const struct hatches *kept);

/* One that the master before us had opened; it is lent until hatches_own(). */
bool hatches_adopt(struct hatches *hatches, const struct addr *wanted, int fd);
void hatches_own(struct hatches *hatches);

/* Another master takes all of them over. */
void hatches_lend(struct hatches *hatches);

/* In a worker: closes its copies, and removes nothing. */
void hatches_leave(const struct hatches *hatches);

#endif
