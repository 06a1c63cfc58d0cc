/*
 * Whom the system trusts: its list is long, and read once for all who ask, by the first of them.
 */
#ifndef CERTS_AUTHORITIES_H
#define CERTS_AUTHORITIES_H

#include <openssl/x509.h>
#include <stdbool.h>

/* Zero at first. It may be released while stores that were lent of it are in use. */
struct authorities {
	X509_STORE *bundle; /* NULL: not read yet, or it cannot be */
	X509_STORE *all;    /* the same, and what is in the system's directory */
	const char *path;   /* of the bundle; NULL: there is none */
	int error;          /* an errno: why it cannot be read; 0: it has no good certificate */
	bool tried;
};

void authorities_release(struct authorities *authorities);

/*
 * The bundle alone, not the directory: that is read when a certificate is verified, and then no
 * file may be opened any more. Lent; NULL when there is none, and `path` and `error` say why.
 */
X509_STORE *authorities_bundle(struct authorities *authorities);

/* The directory, too. Lent; NULL when out of memory. */
X509_STORE *authorities_all(struct authorities *authorities);

/* A store with the certificates of that file; NULL, and *error as above. */
X509_STORE *authorities_read(const char *path, int *error);

#endif
