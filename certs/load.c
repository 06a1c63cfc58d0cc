#include "certs/cert.h"
#include "certs/pem.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <sys/stat.h>

static const struct {
	int type;
	const char *name;
} kinds[CERT_KINDS] = {
	[CERT_RSA] = { EVP_PKEY_RSA, "RSA" },
	[CERT_RSA_PSS] = { EVP_PKEY_RSA_PSS, "RSA-PSS" },
	[CERT_ECDSA] = { EVP_PKEY_EC, "ECDSA" },
	[CERT_ED25519] = { EVP_PKEY_ED25519, "Ed25519" },
	[CERT_ED448] = { EVP_PKEY_ED448, "Ed448" },
};

const char *cert_kind_name(enum cert_kind kind)
{
	return kinds[kind].name;
}

X509 *cert_leaf(const struct cert *cert)
{
	return sk_X509_value(cert->chain, 0);
}

const char *cert_title(const X509 *x509, char title[static CERT_TITLE_BYTES])
{
	X509_NAME_oneline(X509_get_subject_name(x509), title, CERT_TITLE_BYTES);
	return title;
}

void cert_unreadable(struct cert_load *load, const char *option, const char *path, int error)
{
	if (error == EACCES)
		cert_error(load, "%s: %s may not be read: let the user that starts Postern read it",
			   option, path);
	else if (error == EFBIG)
		cert_error(load, "%s: %s is too long to be what is expected", option, path);
	else if (error == EISDIR || error == EINVAL)
		cert_error(load, "%s: %s is no file: expected the path of a PEM file", option,
			   path);
	else
		cert_error(load, "%s: %s cannot be read: %s", option, path, strerror(error));
}

static void load_chain(struct cert_load *load)
{
	const char *path = load->config->chain;
	struct pem_file file;
	size_t damaged;
	int error = pem_read(&file, path, PEM_FILE_BYTES);

	if (error != 0) {
		cert_unreadable(load, "chain", path, error);
		return;
	}
	load->cert->chain = pem_certificates(&file, &damaged);
	pem_release(&file);

	if (!load->cert->chain)
		cert_error(load, "chain: out of memory");
	else if (damaged > 0)
		cert_error(load, "chain: certificate number %zu in %s is damaged: copy it anew",
			   damaged, path);
	else if (sk_X509_num(load->cert->chain) == 0)
		cert_error(load,
			   "chain: %s has no PEM certificate: expected the certificate, then its "
			   "intermediates (for DER: openssl x509 -inform der)",
			   path);
}

static void check_key_mode(struct cert_load *load, const char *path, mode_t mode)
{
	if (mode & (S_IROTH | S_IWOTH | S_IXOTH))
		cert_error(load, "key: %s is open to everybody (mode %04o): chmod o= it", path,
			   (unsigned)(mode & 07777));
	if (mode & S_IWGRP)
		cert_error(load, "key: %s may be written by its group (mode %04o): chmod g-w it",
			   path, (unsigned)(mode & 07777));
}

static void find_kind(struct cert_load *load, const char *path)
{
	for (enum cert_kind kind = 0; kind < CERT_KINDS; kind++) {
		if (EVP_PKEY_get_base_id(load->cert->key) == kinds[kind].type) {
			load->cert->kind = kind;
			return;
		}
	}
	cert_error(load, "key: %s is of a kind that TLS cannot use: expected ECDSA or RSA", path);
}

static void load_key(struct cert_load *load)
{
	const char *path = load->config->key;
	struct pem_file file;
	bool encrypted;
	int error = pem_read(&file, path, PEM_FILE_BYTES);

	if (error != 0) {
		cert_unreadable(load, "key", path, error);
		return;
	}
	check_key_mode(load, path, file.mode);
	load->cert->key = pem_key(&file, &encrypted);
	pem_release(&file);

	if (load->cert->key)
		find_kind(load, path);
	else if (encrypted)
		cert_error(load,
			   "key: %s is encrypted and nobody is there to be asked: decrypt it "
			   "(openssl pkey -in OLD -out NEW)",
			   path);
	else
		cert_error(load, "key: %s has no private key in PEM that can be read", path);
}

struct cert *cert_load(const struct certificate_config *config, struct authorities *system,
		       struct complaints *complaints)
{
	struct cert *cert = calloc(1, sizeof *cert);
	struct cert_load load = {
		.cert = cert, .config = config, .place = config->place, .complaints = complaints
	};

	if (!cert) {
		cert_error(&load, "out of memory");
		return NULL;
	}
	cert->config = config;
	cert->path = strdup(config->chain);
	cert->place = strdup(config->place);
	if (!cert->path || !cert->place)
		cert_error(&load, "out of memory");
	load_chain(&load);
	load_key(&load);
	if (cert->chain && sk_X509_num(cert->chain) > 0 && cert_check_chain(&load, system)) {
		cert_check_quality(&load);
		cert_find_names(&load);
		cert_load_staple(&load);
	}
	/* What OpenSSL had to say has become our sentences. */
	ERR_clear_error();
	if (!load.failed)
		return cert;
	cert_free(cert);
	return NULL;
}

void cert_free(struct cert *cert)
{
	if (!cert)
		return;
	for (size_t i = 0; i < cert->name_count; i++)
		free(cert->names[i]);
	free(cert->names);
	free(cert->path);
	free(cert->place);
	OPENSSL_free(cert->staple);
	sk_X509_pop_free(cert->chain, X509_free);
	EVP_PKEY_free(cert->key);
	free(cert);
}
