/*
 * What outlives a restart: who is banned. The master writes it when it stops, and once a minute
 * where it has changed, so that little is lost with the machine; it reads it when it starts.
 */
#ifndef PROXY_STATE_H
#define PROXY_STATE_H

#include "config/config.h"
#include "base/log.h"
#include "proxy/admit/addresses.h"

struct state {
	uint64_t due_ms;  /* the next look, by clock_ms() */
	uint64_t written; /* a number for what is in the file; 0: not known */
	bool failed;      /* that it could not be written was said */
};

/* A directory that was asked for must be there: false, with a complaint. */
bool state_check(const struct config *config, struct complaints *complaints);

/* What cannot be read, or written later, is a warning in the log, and nothing worse. */
void state_read(const struct config *config, const struct addresses *table, const struct log *log);

/* Writes it where it has changed. */
void state_write(struct state *state, const struct config *config, const struct addresses *table,
		 const struct log *log);

/* The same, but only if it is due. */
void state_tend(struct state *state, const struct config *config, const struct addresses *table,
		const struct log *log);

#endif
