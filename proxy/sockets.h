/*
 * All listening sockets. The master opens them once and keeps them for its whole life; workers
 * inherit them. So no connection in an accept queue is lost while workers come and go.
 *
 * An address has as many sockets as there were workers at the first start, by SO_REUSEPORT, so that
 * the kernel spreads connections; one where systemd handed it over, and for a unix socket. That
 * number never changes: the connections in the queue of a socket that is closed would be reset.
 *
 * The first socket of an address listens before it gets SO_REUSEPORT. So a second instance, which
 * does the same, fails there, in one step of the kernel's, and cannot take half of the mail.
 */
#ifndef PROXY_SOCKETS_H
#define PROXY_SOCKETS_H

#include "config/config.h"

/* An address that we listen at. */
struct door {
	struct addr wanted; /* as configured; its port may be 0 */
	struct addr bound;
	char *name;  /* owned: of the listener it was opened for, or that systemd named */
	bool handed; /* by systemd */
	bool lent;   /* another master has it, too, and its file is that one's to remove */
	bool fresh;  /* not yet told of in the log */
	int *fds;
	size_t count;
};

struct sockets {
	struct door **doors;
	size_t count;
	size_t slots; /* sockets an address */
};

/* One way in: a listener of a configuration, by its index, and a door of it. */
struct entrance {
	struct door *door;
	uint16_t listener;
};

struct entrances {
	struct entrance *item;
	size_t count;
};

/* Takes over what systemd handed to us. What cannot be used is a complaint, and the result false.
 */
bool sockets_init(struct sockets *sockets, const struct config *config,
		  struct complaints *complaints);

/*
 * All ways into the configuration's listeners: doors that are open already, and new ones. On false
 * the complaints say why, and new doors are to be closed by sockets_keep().
 */
bool sockets_open(struct sockets *sockets, const struct config *config, struct entrances *entrances,
		  struct complaints *complaints);

/* A door that the master before us had opened; it is lent until sockets_own(). */
bool sockets_adopt(struct sockets *sockets, const char *name, const struct addr *wanted,
		   bool handed, const int *fds, size_t count);
void sockets_own(struct sockets *sockets);

/* Another master takes all of them over. */
void sockets_lend(struct sockets *sockets);

void entrances_release(struct entrances *entrances);

/* Closes all doors that neither of the two (which may be NULL) leads through. Handed ones stay. */
void sockets_keep(struct sockets *sockets, const struct entrances *one,
		  const struct entrances *other);

/* In a worker: closes its copies of all sockets but those, and removes nothing. */
void sockets_leave(struct sockets *sockets, const struct entrances *mine);

/* Closes everything and removes the files of unix sockets. */
void sockets_close(struct sockets *sockets);

#endif
