/*
 * What one master leaves to the next (succession.h): descriptors that the new program inherits, and
 * a text that says which is what, so that other versions can read it. Its number is in the
 * environment.
 */
#ifndef PROXY_ESTATE_H
#define PROXY_ESTATE_H

#include "proxy/crew.h"

/* Writes the text, with the numbers of descriptors that are open here; its own number, -1 with
 * errno. */
int estate_write(const struct crews *crews, int channel, int keys, int bans);

/* In the new process before the exec: it keeps these descriptors. */
bool estate_pass(const struct crews *crews, const int *others, size_t count);

/* What does not wait for a configuration. */
struct estate {
	int text; /* -1: nobody has left us anything */
	int channel;
	int keys;
	int bans;
};

/* From the environment, which it is taken out of. False when there is one that cannot be read. */
bool estate_open(struct estate *estate);

/* The listening sockets, lent until they are our own: sockets_own(), hatches_own(). */
bool estate_sockets(struct sockets *sockets, struct hatches *hatches, int text);

/* Who is banned, as text in a memfd (bans.h): writes it anew, and reads it into a table. */
bool estate_write_bans(const struct addresses *table, int fd);
void estate_read_bans(const struct addresses *table, int fd);

#endif
