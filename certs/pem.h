/* Reading PEM files: whole, bounded, never asking for a passphrase. */
#ifndef CERTS_PEM_H
#define CERTS_PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PEM_FILE_BYTES = 1024 * 1024 };

struct pem_file {
	char *text;
	size_t len;
	mode_t mode; /* of the very file that was read */
};

/* 0 or an errno: EFBIG over `most` bytes, EISDIR or EINVAL for what is no regular file. */
int pem_read(struct pem_file *file, const char *path, off_t most);

/* Wipes the text: it may be a key. */
void pem_release(struct pem_file *file);

/*
 * All certificates, in their order; what is no certificate is passed over. *damaged is the number
 * of the one, counted from 1, that cannot be read and ends the list, or 0. NULL when out of memory.
 */
STACK_OF(X509) * pem_certificates(const struct pem_file *file, size_t *damaged);

/* The first private key, or NULL: *encrypted tells why. */
EVP_PKEY *pem_key(const struct pem_file *file, bool *encrypted);

#endif
