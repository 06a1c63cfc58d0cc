/*
 * Who is banned, as text: for the next start (state.h), and for the program that takes over
 * (estate.h). Times are of the wall's clock, so that they hold over a restart of the machine.
 */
#ifndef PROXY_BANS_H
#define PROXY_BANS_H

#include "proxy/admit/addresses.h"

#include <stdio.h>

enum bans_found {
	BANS_READ,
	BANS_EMPTY,   /* there is not a byte */
	BANS_FOREIGN, /* it is no such text, or one of another version */
	BANS_DAMAGED, /* it is, but not whole, or not well formed */
};

/* How many there are, and a number, never 0, that is another when they are others. */
size_t bans_count(const struct addresses *table, uint64_t *number);

/* An error is the stream's. */
void bans_write(const struct addresses *table, FILE *to);

/*
 * From the stream's start: all of it, or, where it is not good, nothing. No ban becomes longer by a
 * clock that was set back. *count: bans that have not ended yet.
 */
enum bans_found bans_read(const struct addresses *table, FILE *from, size_t *count);

/* The same without a table: whether it could be read. */
enum bans_found bans_look(FILE *from);

#endif
