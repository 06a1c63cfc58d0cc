/*
 * TLS towards a backend's servers: their certificates verified by authority and name (RFC 6125), or
 * their keys pinned; sessions kept to be resumed. Made by the master with the generation, so that
 * no worker opens a file.
 */
#ifndef CERTS_SERVER_TLS_H
#define CERTS_SERVER_TLS_H

#include "config/config.h"

#include <openssl/ssl.h>

struct authorities;
struct server_tls;

/*
 * For a backend with `tls`; what is wrong goes to *complaints, and NULL then. The configuration
 * outlives it; `system` (authorities.h) is for those who share what the system trusts.
 */
struct server_tls *server_tls_load(const struct backend_config *backend, struct authorities *system,
				   struct complaints *complaints);

/* Only when no SSL of it is left. */
void server_tls_free(struct server_tls *tls);

/*
 * A client-side SSL for a connection over `fd` to the server of that index in the configuration, in
 * connect state, non-blocking, with the last session that this process had with it. NULL when out
 * of memory.
 */
SSL *server_tls_ssl(struct server_tls *tls, size_t server, int fd);

/* Of a handshake that failed for the server's certificate: why, a static string; else NULL. */
const char *server_tls_refusal(const SSL *ssl);

#endif
