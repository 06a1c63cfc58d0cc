#include "certs/crl.h"

#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <time.h>

/* Those of large authorities have megabytes. */
enum { CRL_FILE_BYTES = 64 * 1024 * 1024 };

int64_t crl_time(const ASN1_TIME *time)
{
	struct tm parts;

	return time && ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : INT64_MAX;
}

int64_t crl_next_update(const struct client_policy *policy, int64_t now)
{
	int64_t first = INT64_MAX;

	for (int i = 0; i < sk_X509_CRL_num(policy->crls); i++) {
		int64_t next =
			crl_time(X509_CRL_get0_nextUpdate(sk_X509_CRL_value(policy->crls, i)));
		if (next > now && next < first)
			first = next;
	}
	return first;
}

/* The authority whose name the list has as its issuer's; NULL: it comes with the client's chain. */
static X509 *find_issuer(const struct client_policy *policy, const X509_NAME *name)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(policy->store);

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *x509 = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		if (x509 && X509_NAME_cmp(X509_get_subject_name(x509), name) == 0)
			return x509;
	}
	return NULL;
}

static void check_dates(const struct client_policy *policy, struct cert_load *load,
			const char *path, X509_CRL *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
	int days = 0, seconds = 0;

	if (X509_cmp_current_time(X509_CRL_get0_lastUpdate(crl)) > 0)
		cert_warn(load, "crl: %s is not valid yet: look at this machine's clock", path);
	if (!next || ASN1_TIME_diff(&days, &seconds, NULL, next) != 1)
		return;
	if (days < 0 || seconds < 0)
		cert_warn(load,
			  "crl: %s is stale: clients of its authority are %s until it is renewed",
			  path,
			  policy->crl_missing_accept ? "not asked about revocation" : "refused");
	else if (days < 1)
		cert_warn(load, "crl: %s becomes stale within a day: fetch the next one", path);
}

static void take_list(struct client_policy *policy, struct cert_load *load, const char *path,
		      X509_CRL *crl)
{
	char title[CERT_TITLE_BYTES];
	X509 *issuer = find_issuer(policy, X509_CRL_get_issuer(crl));

	X509_NAME_oneline(X509_CRL_get_issuer(crl), title, sizeof title);
	if (!issuer)
		cert_warn(load, "crl: the issuer of %s (%s) is not in `ca`", path, title);
	else if (X509_CRL_verify(crl, X509_get0_pubkey(issuer)) != 1)
		cert_error(load, "crl: %s is not signed by the %s that is in `ca`", path, title);
	check_dates(policy, load, path, crl);
	if (X509_STORE_add_crl(policy->store, crl) != 1 || sk_X509_CRL_push(policy->crls, crl) <= 0)
		cert_error(load, "crl: out of memory");
	else
		X509_CRL_up_ref(crl);
}

static int take_pem(struct client_policy *policy, struct cert_load *load, const char *path,
		    const struct pem_file *file)
{
	BIO *bio = BIO_new_mem_buf(file->text, (int)file->len);
	X509_CRL *crl;
	int count = 0;

	while (bio && (crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL))) {
		take_list(policy, load, path, crl);
		X509_CRL_free(crl);
		count++;
	}
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		cert_error(load, "crl: list number %d in %s is damaged: fetch it anew", count + 1,
			   path);
	ERR_clear_error();
	BIO_free(bio);
	return count;
}

static int take_der(struct client_policy *policy, struct cert_load *load, const char *path,
		    const struct pem_file *file)
{
	const unsigned char *at = (const unsigned char *)file->text;
	X509_CRL *crl = d2i_X509_CRL(NULL, &at, (long)file->len);

	ERR_clear_error();
	if (!crl)
		return 0;
	take_list(policy, load, path, crl);
	X509_CRL_free(crl);
	return 1;
}

static void load_one(struct client_policy *policy, struct cert_load *load, const char *path)
{
	struct pem_file file;
	int error = pem_read(&file, path, CRL_FILE_BYTES);

	if (error != 0) {
		cert_unreadable(load, "crl", path, error);
		return;
	}
	if (take_der(policy, load, path, &file) == 0 && take_pem(policy, load, path, &file) == 0)
		cert_error(load, "crl: %s has no revocation list, neither PEM nor DER", path);
	pem_release(&file);
}

/* Whoever forgot a list would find out by the first client that is refused. */
static void check_all_there(const struct client_policy *policy, struct cert_load *load)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(policy->store);
	char title[CERT_TITLE_BYTES];

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *x509 = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		bool found = !x509;

		for (int j = 0; !found && j < sk_X509_CRL_num(policy->crls); j++)
			found = X509_NAME_cmp(X509_get_subject_name(x509),
					      X509_CRL_get_issuer(
						      sk_X509_CRL_value(policy->crls, j))) == 0;
		if (!found)
			cert_warn(load, "crl: there is none of %s, which is in `ca`",
				  cert_title(x509, title));
	}
}

void crl_load(struct client_policy *policy, const struct clients_config *config,
	      struct cert_load *load)
{
	policy->crls = sk_X509_CRL_new_null();
	if (!policy->crls) {
		cert_error(load, "crl: out of memory");
		return;
	}
	for (size_t i = 0; i < config->crl.count; i++)
		load_one(policy, load, config->crl.item[i]);
	if (config->crl.count > 0 && !load->failed)
		check_all_there(policy, load);
}
