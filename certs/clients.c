#include "certs/clients.h"

#include "certs/cert.h"
#include "certs/crl.h"
#include "certs/pem.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

/* A request with more names than this would not fit the buffers of some clients. */
enum { ASK_BYTES = 8 * 1024 };

static bool add_authority(struct client_policy *policy, X509 *x509)
{
	X509_NAME *name = X509_NAME_dup(X509_get_subject_name(x509));

	if (name && sk_X509_NAME_push(policy->ask, name) > 0)
		return X509_STORE_add_cert(policy->store, x509) == 1;
	X509_NAME_free(name);
	return false;
}

static void trim_names(struct client_policy *policy)
{
	int bytes = 0;

	for (int i = 0; i < sk_X509_NAME_num(policy->ask); i++)
		bytes += i2d_X509_NAME(sk_X509_NAME_value(policy->ask, i), NULL) + 2;
	while (bytes > ASK_BYTES && sk_X509_NAME_num(policy->ask) > 0)
		X509_NAME_free(sk_X509_NAME_pop(policy->ask));
}

static void take_authorities(struct client_policy *policy, struct cert_load *load, const char *path,
			     STACK_OF(X509) * list)
{
	char title[CERT_TITLE_BYTES];

	policy->store = X509_STORE_new();
	policy->ask = sk_X509_NAME_new_null();
	for (int i = 0; i < sk_X509_num(list); i++) {
		X509 *x509 = sk_X509_value(list, i);

		if (!policy->store || !policy->ask || !add_authority(policy, x509)) {
			cert_error(load, "ca: out of memory");
			return;
		}
		if (X509_cmp_current_time(X509_get0_notAfter(x509)) < 0)
			cert_warn(load,
				  "ca: certificate number %d in %s (%s) has expired: clients of it "
				  "are refused",
				  i + 1, path, cert_title(x509, title));
	}
	trim_names(policy);
}

static void load_authorities(struct client_policy *policy, struct cert_load *load, const char *path)
{
	struct pem_file file;
	size_t damaged = 0;
	int error = pem_read(&file, path, PEM_FILE_BYTES);

	if (error != 0) {
		cert_unreadable(load, "ca", path, error);
		return;
	}
	STACK_OF(X509) *list = pem_certificates(&file, &damaged);
	pem_release(&file);
	if (damaged > 0)
		cert_error(load, "ca: certificate number %zu in %s is damaged: copy it anew",
			   damaged, path);
	else if (sk_X509_num(list) <= 0)
		cert_error(load, "ca: %s has no PEM certificate", path);
	else
		take_authorities(policy, load, path, list);
	sk_X509_pop_free(list, X509_free);
}

/* What can be wrong with a section as a whole. */
static void check(const struct client_policy *policy, const struct clients_config *config,
		  struct cert_load *load)
{
	if (!policy->store && config->crl.count > 0)
		cert_error(load, "crl: the lists of an authority need its certificate, in `ca`");
	if (policy->store || load->failed)
		return;
	if (config->verify == CLIENTS_REQUIRE && !policy->allow.pins)
		cert_error(load, "`ca` is needed, or sha256: or spki: in `allow`: nobody could "
				 "be let in");
	for (size_t i = 0; i < policy->allow.count; i++)
		if (policy->allow.entries[i].rule.kind < ALLOW_SHA256)
			cert_error(load,
				   "`ca` is needed for `%s`: without one anybody can make such "
				   "a certificate",
				   policy->allow.entries[i].text);
}

static bool digest_names(EVP_MD_CTX *sum, const struct client_policy *policy)
{
	unsigned char one[EVP_MAX_MD_SIZE];
	bool done = true;
	unsigned len;

	STACK_OF(X509_OBJECT) *objects =
		policy->store ? X509_STORE_get0_objects(policy->store) : NULL;
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_OBJECT *object = sk_X509_OBJECT_value(objects, i);
		X509 *x509 = X509_OBJECT_get0_X509(object);
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(object);

		done = done &&
		       (x509 ? X509_digest(x509, EVP_sha256(), one, &len) == 1
			     : crl && X509_CRL_digest(crl, EVP_sha256(), one, &len) == 1) &&
		       EVP_DigestUpdate(sum, one, len) == 1;
	}
	return done;
}

static bool digest_lists(EVP_MD_CTX *sum, const struct allow_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct allow_entry *entry = &list->entries[i];
		const char *login = entry->login ? entry->login : "";

		if (EVP_DigestUpdate(sum, entry->text, strlen(entry->text) + 1) != 1 ||
		    EVP_DigestUpdate(sum, login, strlen(login) + 1) != 1)
			return false;
	}
	return true;
}

static bool digest_policy(struct client_policy *policy, const struct clients_config *config)
{
	int words[] = { policy->require,          policy->refuse_by_tls, policy->lists,
			policy->checks_crl,       policy->depth,         policy->crl_missing_accept,
			(int)policy->allow.count, (int)policy->login };
	EVP_MD_CTX *sum = EVP_MD_CTX_new();
	bool done = sum && EVP_DigestInit_ex(sum, EVP_sha256(), NULL) == 1 &&
		    EVP_DigestUpdate(sum, config->name, strlen(config->name) + 1) == 1 &&
		    EVP_DigestUpdate(sum, words, sizeof words) == 1 &&
		    digest_lists(sum, &policy->allow) && digest_names(sum, policy) &&
		    EVP_DigestFinal_ex(sum, policy->digest, NULL) == 1;

	EVP_MD_CTX_free(sum);
	return done;
}

struct client_policy *client_policy_load(const struct clients_config *config,
					 struct complaints *complaints)
{
	struct client_policy *policy = calloc(1, sizeof *policy);
	struct cert_load load = { .place = config->place, .complaints = complaints };

	if (!policy) {
		cert_error(&load, "out of memory");
		return NULL;
	}
	policy->place = strdup(config->place);
	if (!policy->place)
		cert_error(&load, "out of memory");
	policy->require = config->verify == CLIENTS_REQUIRE;
	policy->refuse_by_tls = config->refuse_by_tls;
	policy->lists = config->allow.count > 0 || config->allow_file;
	policy->checks_crl = config->crl.count > 0;
	policy->crl_missing_accept = config->crl_missing_accept;
	policy->depth = (int)config->depth;
	policy->login = config->login;
	if (config->ca)
		load_authorities(policy, &load, config->ca);
	if (!allow_load(&policy->allow, config, complaints))
		load.failed = true;
	if (policy->store)
		crl_load(policy, config, &load);
	check(policy, config, &load);
	if (!load.failed && !digest_policy(policy, config))
		cert_error(&load, "out of memory");
	ERR_clear_error();
	if (!load.failed)
		return policy;
	client_policy_free(policy);
	return NULL;
}

void client_policy_free(struct client_policy *policy)
{
	if (!policy)
		return;
	X509_STORE_free(policy->store);
	sk_X509_NAME_pop_free(policy->ask, X509_NAME_free);
	sk_X509_CRL_pop_free(policy->crls, X509_CRL_free);
	allow_release(&policy->allow);
	free(policy->place);
	free(policy);
}
