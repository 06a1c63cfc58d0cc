/*
 * The keys that session tickets are sealed with (RFC 5077 section 4): made at random at the start,
 * never written anywhere, and shared by all workers of all generations, in memory that core dumps
 * leave out and that the monitor does not have.
 *
 * The master alone makes new ones. A ticket is good for as long as its key is the present one or
 * one of the two before it.
 */
#ifndef CERTS_TICKETS_H
#define CERTS_TICKETS_H

#include <openssl/ssl.h>
#include <stdbool.h>

struct ticket_keys;

enum { TICKET_KEY_MS = 60 * 60 * 1000 }; /* how long a key is the present one */

/* NULL when memory or randomness cannot be had. To be freed by the process that made it. */
struct ticket_keys *ticket_keys_new(void);
void ticket_keys_free(struct ticket_keys *keys);

/* A new present key. False when there is no randomness: the old one stays. */
bool ticket_keys_turn(struct ticket_keys *keys);

/*
 * Writes them to a descriptor, for a program that follows this one, and takes over what another has
 * written. False when that could not be written, or is not what this version writes.
 */
bool ticket_keys_write(const struct ticket_keys *keys, int fd);
bool ticket_keys_read(struct ticket_keys *keys, int fd);

/* For a process that only uses them: it cannot write them from now on. */
void ticket_keys_protect(const struct ticket_keys *keys);

/* Makes the context use them; they must live longer. */
bool ticket_keys_install(const struct ticket_keys *keys, SSL_CTX *context);

#endif
