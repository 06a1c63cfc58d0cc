/*
 * The BIO under every SSL: a socket, as BIO_s_socket(3) is, but one that remembers that it was read
 * dry. A read that got less than there was room for would only be told "would block" if it were
 * tried again, and OpenSSL tries again after each flight of a handshake and for each record.
 */
#ifndef CERTS_SOCKET_H
#define CERTS_SOCKET_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* The method of such a BIO, for as long as there are any. NULL when out of memory. */
BIO_METHOD *socket_method_new(void);

/*
 * Gives the SSL the socket, which it does not close, and a pointer to what its callbacks want to
 * know of the connection. OpenSSL's own place for that, SSL_set_app_data(3), takes two allocations
 * for each SSL. False when out of memory.
 */
bool socket_give(SSL *ssl, const BIO_METHOD *method, int fd, void *owner);

/* That pointer. */
void *socket_owner(const SSL *ssl);

/* What is written from now on leaves together, with the FIN: MSG_MORE of send(2). */
void socket_cork(SSL *ssl);

/* There may be something to read again: an event says so. Until then nothing is read. */
void socket_refill(SSL *ssl);

/* It was read dry since. What comes later, the event loop tells. */
bool socket_is_dry(const SSL *ssl);

#endif
