/*
 * Whether the file holds the chain as TLS sends it (RFC 8446 section 4.4.2): the leaf first, each
 * certificate followed by its issuer, nothing else; and whether it reaches something trusted.
 */
#include "certs/cert.h"

#include <openssl/x509v3.h>

enum { CHAIN_MOST = 32 };

/* The way from the leaf up, as places in the file. */
struct path {
	int step[CHAIN_MOST];
	int steps;
};

static bool issued(X509 *issuer, X509 *subject)
{
	return X509_check_issued(issuer, subject) == X509_V_OK &&
	       X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
}

static bool path_has(const struct path *path, int place)
{
	for (int i = 0; i < path->steps; i++)
		if (path->step[i] == place)
			return true;
	return false;
}

static bool same_as_earlier(STACK_OF(X509) * chain, int place)
{
	for (int i = 0; i < place; i++)
		if (X509_cmp(sk_X509_value(chain, i), sk_X509_value(chain, place)) == 0)
			return true;
	return false;
}

static int find_issuer(STACK_OF(X509) * chain, const struct path *path)
{
	X509 *last = sk_X509_value(chain, path->step[path->steps - 1]);

	for (int i = 1; i < sk_X509_num(chain); i++)
		if (!path_has(path, i) && !same_as_earlier(chain, i) &&
		    issued(sk_X509_value(chain, i), last))
			return i;
	return -1;
}

static void find_path(STACK_OF(X509) * chain, struct path *path)
{
	int last = 0;

	*path = (struct path){ .steps = 0 };
	while (last >= 0 && path->steps < CHAIN_MOST) {
		path->step[path->steps++] = last;
		last = X509_self_signed(sk_X509_value(chain, last), 0) == 1
			       ? -1
			       : find_issuer(chain, path);
	}
}

/* One that issued something in the path is another way to another root, which some clients take. */
static bool belongs(STACK_OF(X509) * chain, const struct path *path, int place)
{
	if (path_has(path, place))
		return true;
	for (int i = 0; i < path->steps; i++)
		if (issued(sk_X509_value(chain, place), sk_X509_value(chain, path->step[i])))
			return true;
	return false;
}

static void check_extras(struct cert_load *load, const struct path *path)
{
	STACK_OF(X509) *chain = load->cert->chain;
	char title[CERT_TITLE_BYTES];

	for (int i = 1; i < sk_X509_num(chain); i++) {
		cert_title(sk_X509_value(chain, i), title);
		if (same_as_earlier(chain, i))
			cert_error(
				load,
				"chain: certificate number %d in %s (%s) is there twice: remove it",
				i + 1, load->config->chain, title);
		else if (!belongs(chain, path, i))
			cert_error(load,
				   "chain: certificate number %d in %s (%s) does not belong to the "
				   "chain: remove it",
				   i + 1, load->config->chain, title);
	}
}

static void check_order(struct cert_load *load, const struct path *path)
{
	STACK_OF(X509) *chain = load->cert->chain;
	char title[CERT_TITLE_BYTES];

	for (int i = 2; i < path->steps; i++) {
		int above = path->step[i - 1];

		if (path->step[i] > above)
			continue;
		cert_error(load,
			   "chain: certificate number %d in %s (%s) is out of order: put it behind "
			   "number %d, which it issued",
			   path->step[i] + 1, load->config->chain,
			   cert_title(sk_X509_value(chain, path->step[i]), title), above + 1);
		return;
	}
}

static bool issuer_is_trusted(struct authorities *system, X509 *x509)
{
	X509_STORE_CTX *context = X509_STORE_CTX_new();
	X509 *issuer = NULL;

	if (context && X509_STORE_CTX_init(context, authorities_all(system), x509, NULL) == 1)
		X509_STORE_CTX_get1_issuer(&issuer, context, x509);
	X509_STORE_CTX_free(context);
	X509_free(issuer);
	return issuer != NULL;
}

/*
 * A warning only: a private CA that this system does not know looks the same as an intermediate
 * that was forgotten.
 */
static void check_complete(struct cert_load *load, const struct path *path,
			   struct authorities *system)
{
	X509 *last = sk_X509_value(load->cert->chain, path->step[path->steps - 1]);
	char issuer[CERT_TITLE_BYTES];

	load->cert->complete = X509_self_signed(last, 0) == 1 || issuer_is_trusted(system, last);
	if (load->cert->complete)
		return;
	X509_NAME_oneline(X509_get_issuer_name(last), issuer, sizeof issuer);
	cert_warn(
		load,
		"chain: %s is incomplete: the issuer %s is neither in it nor a CA that this system "
		"trusts; append it (the CA's fullchain.pem has it; for a private CA, its root)",
		load->config->chain, issuer);
}

/* The number, from 1, of the certificate that the key is for; 0 for none. */
static int find_keys_own(const struct cert *cert)
{
	for (int i = 0; i < sk_X509_num(cert->chain); i++)
		if (X509_check_private_key(sk_X509_value(cert->chain, i), cert->key) == 1)
			return i + 1;
	return 0;
}

/* False when another certificate than the first is the leaf. */
static bool check_key(struct cert_load *load)
{
	const char *chain = load->config->chain;
	char title[CERT_TITLE_BYTES];
	int own = load->cert->key ? find_keys_own(load->cert) : 1;

	if (own > 1)
		cert_error(load,
			   "chain: certificate number %d in %s (%s) is out of order: the key is "
			   "for it, "
			   "so it comes first",
			   own, chain,
			   cert_title(sk_X509_value(load->cert->chain, own - 1), title));
	else if (own == 0)
		cert_error(load, "key: %s is not the key of the first certificate in %s (%s)",
			   load->config->key, chain, cert_title(cert_leaf(load->cert), title));
	return own <= 1;
}

bool cert_check_chain(struct cert_load *load, struct authorities *system)
{
	struct path path;

	if (sk_X509_num(load->cert->chain) > CHAIN_MOST) {
		cert_error(
			load,
			"chain: %s has more than %d certificates: expected the certificate and its "
			"intermediates, not a bundle of CAs",
			load->config->chain, CHAIN_MOST);
		return false;
	}
	if (!check_key(load))
		return false;
	find_path(load->cert->chain, &path);
	check_extras(load, &path);
	check_order(load, &path);
	check_complete(load, &path, system);
	return true;
}
