#include "tests/unit/pki.h"

#include <assert.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void extend(X509 *x509, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX context;

	X509V3_set_ctx_nodb(&context);
	X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
	assert(extension);
	X509_add_ext(x509, extension, -1);
	X509_EXTENSION_free(extension);
}

static void add_raw_dns(X509 *x509, struct slice bytes)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_IA5STRING *string = ASN1_IA5STRING_new();

	ASN1_STRING_set(string, bytes.ptr, (int)bytes.len);
	GENERAL_NAME_set0_value(name, GEN_DNS, string);
	sk_GENERAL_NAME_push(names, name);
	X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0, 0);
	GENERAL_NAMES_free(names);
}

static void add_cn(X509_NAME *subject, struct slice text)
{
	X509_NAME_ENTRY *entry =
		X509_NAME_ENTRY_create_by_NID(NULL, NID_commonName, V_ASN1_UTF8STRING,
					      (const unsigned char *)text.ptr, (int)text.len);

	assert(entry);
	X509_NAME_add_entry(subject, entry, -1, 0);
	X509_NAME_ENTRY_free(entry);
}

static void add_subject(X509_NAME *subject, const struct pki_wish *wish)
{
	if (wish->raw_cn.ptr)
		add_cn(subject, wish->raw_cn);
	else
		X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
					   (const unsigned char *)wish->title, -1, -1, 0);
	if (wish->second_cn)
		add_cn(subject, slice_str(wish->second_cn));
}

static void extend_all(X509 *x509, X509 *issuer, const struct pki_wish *wish)
{
	extend(x509, issuer, NID_basic_constraints, wish->ca ? "critical,CA:TRUE" : "CA:FALSE");
	extend(x509, issuer, NID_subject_key_identifier, "hash");
	extend(x509, issuer, NID_authority_key_identifier, "keyid");
	if (wish->names)
		extend(x509, issuer, NID_subject_alt_name, wish->names);
	if (wish->raw_dns.len > 0)
		add_raw_dns(x509, wish->raw_dns);
	if (wish->usage)
		extend(x509, issuer, NID_ext_key_usage, wish->usage);
}

struct pki_cert pki_make(struct pki_wish wish)
{
	static long serial;
	struct pki_cert made = { X509_new(), wish.key ? wish.key : EVP_EC_gen("P-256") };
	X509 *issuer = wish.issuer ? wish.issuer->x509 : made.x509;
	EVP_PKEY *issuer_key = wish.issuer ? wish.issuer->key : made.key;
	const EVP_MD *digest = wish.digest ? wish.digest : EVP_sha256();

	X509_set_version(made.x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(made.x509), ++serial);
	X509_time_adj_ex(X509_getm_notBefore(made.x509), wish.from_days ? wish.from_days : -1, 0,
			 NULL);
	/* A minute more than whole days. */
	X509_time_adj_ex(X509_getm_notAfter(made.x509), wish.to_days ? wish.to_days : 90, 60, NULL);
	add_subject(X509_get_subject_name(made.x509), &wish);
	X509_set_issuer_name(made.x509, X509_get_subject_name(issuer));
	X509_set_pubkey(made.x509, made.key);
	extend_all(made.x509, issuer, &wish);
	/* Ed25519 signs without a digest of its own. */
	int size = X509_sign(made.x509, issuer_key,
			     EVP_PKEY_is_a(issuer_key, "ED25519") ? NULL : digest);
	assert(size > 0);
	return made;
}

void pki_write_crl(const char *path, const struct pki_cert *issuer,
		   const struct pki_cert *const *revoked, size_t count, int to_days, bool der)
{
	X509_CRL *crl = X509_CRL_new();
	ASN1_TIME *when = X509_gmtime_adj(NULL, -3L * 24 * 3600);
	FILE *file = fopen(path, "w");

	assert(file);
	X509_CRL_set_version(crl, 1);
	X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509));
	X509_CRL_set1_lastUpdate(crl, when);
	for (size_t i = 0; i < count; i++) {
		X509_REVOKED *one = X509_REVOKED_new();
		X509_REVOKED_set_serialNumber(one, X509_get_serialNumber(revoked[i]->x509));
		X509_REVOKED_set_revocationDate(one, when);
		X509_CRL_add0_revoked(crl, one);
	}
	X509_time_adj_ex(when, to_days, 60, NULL);
	X509_CRL_set1_nextUpdate(crl, when);
	X509_CRL_sort(crl);
	int size = X509_CRL_sign(crl, issuer->key, EVP_sha256());
	assert(size > 0);
	if (der)
		i2d_X509_CRL_fp(file, crl);
	else
		PEM_write_X509_CRL(file, crl);
	fclose(file);
	ASN1_TIME_free(when);
	X509_CRL_free(crl);
}

const char *pki_pin(const struct pki_cert *cert, bool key, char text[static 112])
{
	unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
	int at = sprintf(text, key ? "spki:" : "sha256:");

	if (key) {
		int len = i2d_PUBKEY(cert->key, &der);
		EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL);
		OPENSSL_free(der);
	} else {
		X509_digest(cert->x509, EVP_sha256(), digest, NULL);
	}
	for (int i = 0; i < 32; i++)
		at += sprintf(text + at, key ? "%02x" : i < 31 ? "%02X:" : "%02X", digest[i]);
	return text;
}

void pki_drop(struct pki_cert *cert)
{
	X509_free(cert->x509);
	EVP_PKEY_free(cert->key);
	*cert = (struct pki_cert){ NULL, NULL };
}

void pki_dir_make(struct pki_dir *dir)
{
	strcpy(dir->path, "/tmp/postern-certs-XXXXXX");
	char *made = mkdtemp(dir->path);
	assert(made);
}

void pki_dir_drop(struct pki_dir *dir)
{
	char command[128];

	snprintf(command, sizeof command, "rm -rf '%s'", dir->path);
	int status = system(command);
	assert(status == 0);
}

char *pki_path(const struct pki_dir *dir, const char *name)
{
	char *path = NULL;
	int len = asprintf(&path, "%s/%s", dir->path, name);

	assert(len > 0);
	return path;
}

void pki_write_text(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert(file);
	fputs(text, file);
	fclose(file);
	chmod(path, mode);
}

void pki_write_chain(const char *path, const struct pki_cert *const *certs, size_t count)
{
	FILE *file = fopen(path, "w");

	assert(file);
	for (size_t i = 0; i < count; i++)
		PEM_write_X509(file, certs[i]->x509);
	fclose(file);
}

void pki_write_key(const char *path, EVP_PKEY *key, const char *passphrase)
{
	FILE *file = fopen(path, "w");

	assert(file);
	if (passphrase)
		PEM_write_PKCS8PrivateKey(file, key, EVP_aes_128_cbc(), passphrase,
					  (int)strlen(passphrase), NULL, NULL);
	else
		PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
	fclose(file);
	chmod(path, 0600);
}

struct certificate_config pki_section(const struct pki_dir *dir, const char *name,
				      const struct pki_cert *const *chain, size_t count,
				      EVP_PKEY *key)
{
	char file[64];

	snprintf(file, sizeof file, "%s.pem", name);
	char *chain_path = pki_path(dir, file);
	snprintf(file, sizeof file, "%s.key", name);
	char *key_path = pki_path(dir, file);
	pki_write_chain(chain_path, chain, count);
	pki_write_key(key_path, key, NULL);
	return (struct certificate_config){
		.name = name, .place = "postern.ini:7", .chain = chain_path, .key = key_path
	};
}

void pki_section_drop(struct certificate_config *section)
{
	free((char *)section->chain);
	free((char *)section->key);
	*section = (struct certificate_config){ 0 };
}
