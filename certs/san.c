/* The names that a certificate is served for: those of its section, or else its own. */
#include "certs/cert.h"
#include "certs/names.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

static void add_name(struct cert_load *load, const char *name)
{
	struct cert *cert = load->cert;
	char **names = realloc(cert->names, (cert->name_count + 1) * sizeof *names);
	char *copy = strdup(name);

	if (names)
		cert->names = names;
	if (!names || !copy) {
		free(copy);
		cert_error(load, "out of memory");
		return;
	}
	cert->names[cert->name_count++] = copy;
}

/* A name of the certificate that SNI cannot carry serves nobody: passed over. */
static bool next_own_name(GENERAL_NAMES *all, int *place, char name[static NAME_BYTES])
{
	while (*place < sk_GENERAL_NAME_num(all)) {
		const GENERAL_NAME *one = sk_GENERAL_NAME_value(all, (*place)++);

		if (one->type != GEN_DNS)
			continue;
		struct slice text = slice_of((const char *)ASN1_STRING_get0_data(one->d.dNSName),
					     (size_t)ASN1_STRING_length(one->d.dNSName));
		if (name_normalize(text, name))
			return true;
	}
	return false;
}

static void take_own(struct cert_load *load, GENERAL_NAMES *all)
{
	char name[NAME_BYTES];

	for (int place = 0; next_own_name(all, &place, name);)
		add_name(load, name);
	if (load->cert->name_count == 0)
		cert_warn(load,
			  "chain: the certificate in %s has no DNS name (subjectAltName): it only "
			  "serves as the first of a listener, or for `names`",
			  load->config->chain);
}

static bool covered(GENERAL_NAMES *all, const char *wanted)
{
	char own[NAME_BYTES];

	for (int place = 0; next_own_name(all, &place, own);)
		if (name_covers(own, wanted))
			return true;
	return false;
}

static void take_configured(struct cert_load *load, GENERAL_NAMES *all)
{
	const struct strings *names = &load->config->names;
	char name[NAME_BYTES];

	for (size_t i = 0; i < names->count; i++) {
		if (!name_normalize(slice_str(names->item[i]), name)) {
			cert_error(load,
				   "names: \"%s\" is no host name: expected mail.example.org "
				   "or *.example.org",
				   names->item[i]);
			continue;
		}
		if (!covered(all, name))
			cert_warn(
				load,
				"names: the certificate in %s is not for %s: clients that ask for "
				"that name will refuse it",
				load->config->chain, name);
		add_name(load, name);
	}
}

void cert_find_names(struct cert_load *load)
{
	GENERAL_NAMES *all =
		X509_get_ext_d2i(cert_leaf(load->cert), NID_subject_alt_name, NULL, NULL);

	if (load->config->names.count > 0)
		take_configured(load, all);
	else
		take_own(load, all);
	GENERAL_NAMES_free(all);
}
