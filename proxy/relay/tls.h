/* The bytes of a TLS connection, by OpenSSL: the results of net.h for what SSL_* says. */
#ifndef PROXY_RELAY_TLS_H
#define PROXY_RELAY_TLS_H

#include "base/net.h"

struct ssl_st;

enum { TLS_RECORD_BYTES = 16 * 1024 }; /* most text in a record (RFC 8446 section 5.1) */

enum tls_handshake {
	TLS_DONE,
	TLS_WANTS_READ,
	TLS_WANTS_WRITE,
	TLS_PLAIN,   /* what came is no TLS at all */
	TLS_FOREIGN, /* ALPN offered other protocols only */
	TLS_REFUSED, /* by us, for the other side's certificate */
	TLS_CLOSED,  /* the other side went away */
	TLS_FAILED,
};

/* Goes on with the handshake. On failure `why` is OpenSSL's sentence, a static string. */
enum tls_handshake tls_accept(struct ssl_st *ssl, const char **why);

/*
 * The same towards a server, whose certificate is looked at: TLS_REFUSED is that it is no good. The
 * sentence is static.
 */
enum tls_handshake tls_connect(struct ssl_st *ssl, const char **why);

/*
 * Bytes read, IO_EOF, IO_AGAIN or IO_ERROR. *clean: the end came by close_notify. *wants_write: it
 * is for the socket to be writable that IO_AGAIN waits.
 */
ssize_t tls_read(struct ssl_st *ssl, char *to, size_t room, bool *clean, bool *wants_write);

/* Bytes written, IO_AGAIN or IO_ERROR. After IO_AGAIN the same bytes must come first again. */
ssize_t tls_write(struct ssl_st *ssl, struct slice bytes);

/* The socket may have more to read: nothing is read from it after it had less than was asked for.
 */
void tls_refill(struct ssl_st *ssl);

/*
 * The socket had nothing more when it was last read, and OpenSSL holds no bytes that no event of
 * the socket would tell of: reading again would most likely only say IO_AGAIN.
 */
bool tls_is_dry(const struct ssl_st *ssl);

/* What is written from now on leaves together, and with the FIN, like net_cork(). */
void tls_cork(struct ssl_st *ssl);

/* Says close_notify, once. */
void tls_finish(struct ssl_st *ssl);

void tls_free(struct ssl_st *ssl);

#endif
