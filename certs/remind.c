/* What becomes old while Postern runs, told in time. */
#include "certs/crl.h"
#include "certs/store.h"

enum { DAY_SECONDS = 24 * 60 * 60 };

static bool passed(int64_t moment, int64_t from, int64_t to)
{
	return from < moment && moment <= to;
}

static void remind_of(const struct cert *cert, int64_t from, int64_t to,
		      struct complaints *complaints)
{
	static const int days[] = { 21, 7, 1 };
	struct cert_load load = { .place = cert->place, .complaints = complaints };
	int64_t end = crl_time(X509_get0_notAfter(cert_leaf(cert)));

	for (size_t i = 0; i < sizeof days / sizeof *days; i++)
		if (passed(end - (int64_t)days[i] * DAY_SECONDS, from, to))
			cert_warn(&load, "the certificate in %s expires in %d day%s: renew it",
				  cert->path, days[i], days[i] == 1 ? "" : "s");
	if (passed(end, from, to))
		cert_warn(&load, "the certificate in %s has expired: renew it", cert->path);
	if (cert->staple_len > 0 && passed(cert->staple_until, from, to))
		cert_warn(&load, "the staple for %s is stale and no longer used: fetch it anew",
			  cert->path);
}

static void remind_of_lists(const struct client_policy *policy, int64_t from, int64_t to,
			    struct complaints *complaints)
{
	struct cert_load load = { .place = policy->place, .complaints = complaints };
	char issuer[CERT_TITLE_BYTES];

	for (int i = 0; i < sk_X509_CRL_num(policy->crls); i++) {
		const X509_CRL *crl = sk_X509_CRL_value(policy->crls, i);
		int64_t next = crl_time(X509_CRL_get0_nextUpdate(crl));

		X509_NAME_oneline(X509_CRL_get_issuer(crl), issuer, sizeof issuer);
		if (passed(next - DAY_SECONDS, from, to))
			cert_warn(&load,
				  "the revocation list of %s becomes stale in a day: fetch "
				  "the next one",
				  issuer);
		if (passed(next, from, to))
			cert_warn(&load, "the revocation list of %s is stale: fetch the next one",
				  issuer);
	}
}

void cert_store_remind(const struct cert_store *store, int64_t from, int64_t to,
		       struct complaints *complaints)
{
	for (size_t i = 0; i < store->cert_count; i++)
		remind_of(store->certs[i], from, to, complaints);
	if (store->clients)
		remind_of_lists(store->clients, from, to, complaints);
}

static void compare(const struct cert *fresh, const struct cert *old, struct complaints *complaints)
{
	struct cert_load load = { .place = fresh->place, .complaints = complaints };

	if (strcmp(fresh->path, old->path) == 0 &&
	    crl_time(X509_get0_notBefore(cert_leaf(fresh))) <
		    crl_time(X509_get0_notBefore(cert_leaf(old))))
		cert_warn(&load, "the certificate in %s is older than the one it replaces",
			  fresh->path);
}

void cert_store_compare(const struct cert_store *fresh, const struct cert_store *old,
			struct complaints *complaints)
{
	for (size_t i = 0; i < fresh->cert_count; i++)
		for (size_t j = 0; j < old->cert_count; j++)
			compare(fresh->certs[i], old->certs[j], complaints);
}
