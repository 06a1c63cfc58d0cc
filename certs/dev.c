/* The development certificate: its own trust anchor, so that a client can be given it as the CA. */
#include "certs/certs.h"
#include "certs/names.h"
#include "certs/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DAY_S = 24 * 60 * 60, VALID_S = 90 * DAY_S, RENEW_S = 7 * DAY_S, SKEW_S = 60 * 60 };

/* A name beyond `localhost` that the certificate is to have; "" for none. */
static bool read_hostname(const char *hostname, char name[static NAME_BYTES])
{
	name[0] = '\0';
	if (!hostname || hostname[0] == '\0')
		return true;
	if (!name_normalize(slice_str(hostname), name) || name[0] == '*')
		return false;
	if (strcmp(name, "localhost") == 0)
		name[0] = '\0';
	return true;
}

static X509 *read_leaf(const char *path)
{
	struct pem_file file;
	size_t damaged;

	if (pem_read(&file, path, PEM_FILE_BYTES) != 0)
		return NULL;
	STACK_OF(X509) *list = pem_certificates(&file, &damaged);
	X509 *leaf = list ? sk_X509_shift(list) : NULL;
	sk_X509_pop_free(list, X509_free);
	pem_release(&file);
	return leaf;
}

static EVP_PKEY *read_key(const char *path)
{
	struct pem_file file;
	bool encrypted;

	if (pem_read(&file, path, PEM_FILE_BYTES) != 0)
		return NULL;
	EVP_PKEY *key = pem_key(&file, &encrypted);
	pem_release(&file);
	return key;
}

static bool outlasts(const X509 *leaf, time_t now)
{
	time_t renew = now + RENEW_S;

	return X509_cmp_time(X509_get0_notBefore(leaf), &now) < 0 &&
	       X509_cmp_time(X509_get0_notAfter(leaf), &renew) > 0;
}

static bool still_good(const char *chain_path, const char *key_path, const char *name)
{
	X509 *leaf = read_leaf(chain_path);
	EVP_PKEY *key = read_key(key_path);
	bool good = leaf && key && X509_check_private_key(leaf, key) == 1 &&
		    outlasts(leaf, time(NULL)) &&
		    X509_check_host(leaf, "localhost", 0, 0, NULL) == 1 &&
		    (name[0] == '\0' || X509_check_host(leaf, name, 0, 0, NULL) == 1);

	EVP_PKEY_free(key);
	X509_free(leaf);
	return good;
}

static bool set_serial(X509 *leaf)
{
	unsigned char bytes[16];

	if (RAND_bytes(bytes, sizeof bytes) != 1)
		return false;
	/* RFC 5280 section 4.1.2.2: positive, so never zero and without the sign. */
	bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40);
	BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
	bool done = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(leaf));
	BN_free(number);
	return done;
}

static bool add_extension(X509 *leaf, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, leaf, leaf, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	bool done = extension && X509_add_ext(leaf, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return done;
}

/* CA:TRUE and keyCertSign: without them OpenSSL and GnuTLS take no certificate for a trust anchor.
 */
static bool add_extensions(X509 *leaf, const char *name)
{
	char names[NAME_BYTES + 64];

	snprintf(names, sizeof names, "DNS:localhost,%s%s%sIP:127.0.0.1,IP:::1",
		 name[0] != '\0' ? "DNS:" : "", name, name[0] != '\0' ? "," : "");
	return add_extension(leaf, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(leaf, NID_key_usage, "critical,digitalSignature,keyCertSign") &&
	       add_extension(leaf, NID_ext_key_usage, "serverAuth") &&
	       add_extension(leaf, NID_subject_key_identifier, "hash") &&
	       add_extension(leaf, NID_authority_key_identifier, "keyid:always") &&
	       add_extension(leaf, NID_subject_alt_name, names);
}

static bool fill(X509 *leaf, EVP_PKEY *key, const char *name)
{
	const unsigned char title[] = "Postern development certificate";
	X509_NAME *subject = X509_get_subject_name(leaf);

	return X509_set_version(leaf, X509_VERSION_3) == 1 && set_serial(leaf) &&
	       X509_gmtime_adj(X509_getm_notBefore(leaf), -SKEW_S) &&
	       X509_gmtime_adj(X509_getm_notAfter(leaf), VALID_S) &&
	       X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8, title, -1, -1,
					  0) == 1 &&
	       X509_set_issuer_name(leaf, subject) == 1 && X509_set_pubkey(leaf, key) == 1 &&
	       add_extensions(leaf, name) && X509_sign(leaf, key, EVP_sha256()) > 0;
}

static X509 *make_leaf(EVP_PKEY *key, const char *name)
{
	X509 *leaf = X509_new();

	if (leaf && fill(leaf, key, name))
		return leaf;
	X509_free(leaf);
	return NULL;
}

static bool write_all(int fd, struct slice bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);

		if (n < 0 && errno != EINTR)
			return false;
		bytes = slice_skip(bytes, n > 0 ? (size_t)n : 0);
	}
	return fsync(fd) == 0;
}

/* Beside its place and then renamed: nobody finds half a file, nor a key with a wider mode. */
static bool write_file(const char *path, struct slice bytes, mode_t mode)
{
	char beside[4096];
	int len = snprintf(beside, sizeof beside, "%s.XXXXXX", path);

	if (len < 0 || (size_t)len >= sizeof beside) {
		errno = ENAMETOOLONG;
		return false;
	}
	int fd = mkostemp(beside, O_CLOEXEC); /* makes it with mode 0600 */
	if (fd < 0)
		return false;
	bool done = write_all(fd, bytes) && fchmod(fd, mode) == 0;
	done = close(fd) == 0 && done && rename(beside, path) == 0;
	if (!done) {
		int error = errno;
		unlink(beside);
		errno = error;
	}
	return done;
}

static struct slice bio_bytes(BIO *bio)
{
	char *bytes = NULL;
	long len = BIO_get_mem_data(bio, &bytes);

	return slice_of(bytes, (size_t)len);
}

static bool write_pair(const char *chain_path, const char *key_path, X509 *leaf, EVP_PKEY *key)
{
	BIO *chain_text = BIO_new(BIO_s_mem());
	BIO *key_text = BIO_new(BIO_s_secmem());
	bool done = chain_text && key_text && PEM_write_bio_X509(chain_text, leaf) == 1 &&
		    PEM_write_bio_PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) == 1;

	errno = ENOMEM;
	done = done && write_file(key_path, bio_bytes(key_text), 0600) &&
	       write_file(chain_path, bio_bytes(chain_text), 0644);
	BIO_free(chain_text);
	BIO_free(key_text);
	return done;
}

bool cert_make_dev(const char *chain_path, const char *key_path, const char *hostname, char *why,
		   size_t why_size)
{
	char name[NAME_BYTES];

	if (!read_hostname(hostname, name)) {
		snprintf(why, why_size, "\"%s\" is no host name that a certificate can have",
			 hostname);
		return false;
	}
	if (still_good(chain_path, key_path, name))
		return true;

	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *leaf = key ? make_leaf(key, name) : NULL;
	bool done = false;
	if (!leaf) {
		snprintf(why, why_size, "OpenSSL could not make a certificate");
	} else {
		done = write_pair(chain_path, key_path, leaf, key);
		if (!done)
			snprintf(why, why_size, "%s and %s cannot be written: %s", chain_path,
				 key_path, strerror(errno));
	}
	X509_free(leaf);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return done;
}
