/* Inside of a cert_store: for the files of certs/ alone. */
#ifndef CERTS_STORE_H
#define CERTS_STORE_H

#include "certs/cert.h"
#include "certs/certs.h"
#include "certs/clients.h"

struct cert_dir;

enum { STORE_DIGEST_BYTES = 32 };

/* What one or several names are served with: at most one certificate of each kind of key. */
struct cert_context {
	const struct cert *of[CERT_KINDS];
	SSL_CTX *context;
	unsigned char digest[STORE_DIGEST_BYTES]; /* of the listener and these certificates, and who
						     is let in */
};

struct cert_name {
	const char *name; /* normalized; the certificate's */
	const struct cert_context *context;
};

struct cert_store {
	struct cert **certs; /* in the listener's order */
	size_t cert_count;
	struct cert_dir *dirs; /* what stands for directories */
	size_t dir_count;
	struct cert_context *contexts;
	size_t context_count;
	struct cert_name *names; /* sorted */
	size_t name_count;
	const struct cert_context *fallback; /* for unknown names, and none */
	const struct ticket_keys *keys;      /* not owned; NULL: OpenSSL's */
	EVP_CIPHER *ticket_cipher;           /* what they are sealed with */
	struct client_policy *clients;       /* NULL: no certificate is asked for */
	BIO_METHOD *sockets;                 /* socket.h */
	SSL_CTX *foreign;                    /* serves nothing: marks who spoke foreign ALPN */
};

/* The context for a normalized name, or "": exact, then by wildcard, then the fallback. */
const struct cert_context *store_find(const struct cert_store *store, const char *name);

/* Makes the context answer a ClientHello as certs.h says. */
void hello_install(SSL_CTX *context, struct cert_store *store);

/* A context of the kind that only marks. NULL when out of memory. */
SSL_CTX *hello_foreign_context(void);

/*
 * Sets under which circumstances sessions may be resumed: the same listener, certificates and name
 * asked for.
 */
bool hello_bind_sessions(SSL *ssl, const struct cert_context *context, const char *name);

/* Makes the context staple. */
void staple_install(struct cert_context *context);

/* Makes cert_flooded() true when it should be. */
void hello_count_updates(SSL *ssl, struct tls_client *client);

#endif
