/*
 * Names are those of the subjectAltName, never the subject's CN, and compared with their length, so
 * a NUL in them is a byte like others (RFC 6125 section 6.4, RFC 5280 section 7).
 */
#include "certs/allow.h"

#include "certs/dn.h"
#include "certs/names.h"

#include <openssl/x509v3.h>

/* What a certificate has to match with, found once for a whole list. */
struct shown {
	GENERAL_NAMES *names;
	unsigned char fingerprint[ALLOW_DIGEST_BYTES];
	unsigned char key[ALLOW_DIGEST_BYTES];
	char subject[DN_BYTES];
	size_t subject_len; /* 0: none that can be compared */
};

static struct slice slice_of_string(const ASN1_STRING *string)
{
	return slice_of((const char *)ASN1_STRING_get0_data(string),
			(size_t)ASN1_STRING_length(string));
}

bool allow_digest_key(X509 *x509, unsigned char *digest)
{
	unsigned char *der = NULL;
	int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
	bool done = len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return done;
}

static bool look_at(struct shown *shown, X509 *x509)
{
	*shown =
		(struct shown){ .names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL) };
	shown->subject_len = dn_of(X509_get_subject_name(x509), shown->subject);
	return X509_digest(x509, EVP_sha256(), shown->fingerprint, NULL) == 1 &&
	       allow_digest_key(x509, shown->key);
}

static bool same_dns(struct slice rule, struct slice name)
{
	char wanted[NAME_BYTES], got[NAME_BYTES];

	/* A wildcard on either side covers one label: what a CA signed, or what the list says. */
	return name_normalize(rule, wanted) && name_normalize(name, got) &&
	       (name_covers(wanted, got) || name_covers(got, wanted));
}

/* The domain in any case, the local part as it is (RFC 5280 section 7.5). */
static bool same_email(struct slice rule, struct slice name)
{
	size_t at = slice_find(rule, '@', 0);

	return slice_eq(slice_head(rule, at + 1), slice_head(name, at + 1)) &&
	       slice_eq_nocase(slice_skip(rule, at + 1), slice_skip(name, at + 1));
}

/* Scheme and host in any case, the rest as it is (RFC 5280 section 7.4). */
static bool same_uri(struct slice rule, struct slice name)
{
	size_t colon = slice_find(rule, ':', 0);
	struct slice rest = slice_skip(rule, colon + 1);
	size_t len = colon + 1;

	if (slice_eq(slice_head(rest, 2), SLICE("//"))) {
		size_t path = slice_find(rest, '/', 2);
		if (slice_find(slice_head(rest, path), '@', 0) == path)
			len += path;
	}
	return slice_eq_nocase(slice_head(rule, len), slice_head(name, len)) &&
	       slice_eq(slice_skip(rule, len), slice_skip(name, len));
}

static bool has_name(const struct shown *shown, const struct allow_rule *rule)
{
	static const struct {
		int type;
		bool (*same)(struct slice rule, struct slice name);
	} kinds[] = {
		[ALLOW_DNS] = { GEN_DNS, same_dns },
		[ALLOW_EMAIL] = { GEN_EMAIL, same_email },
		[ALLOW_URI] = { GEN_URI, same_uri },
	};

	for (int i = 0; i < sk_GENERAL_NAME_num(shown->names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(shown->names, i);
		if (name->type == kinds[rule->kind].type &&
		    kinds[rule->kind].same(rule->value, slice_of_string(name->d.ia5)))
			return true;
	}
	return false;
}

static bool matches(const struct shown *shown, const struct allow_rule *rule)
{
	switch (rule->kind) {
	case ALLOW_SUBJECT:
		return shown->subject_len > 0 &&
		       slice_eq(rule->value, slice_of(shown->subject, shown->subject_len));
	case ALLOW_SHA256:
		return memcmp(rule->digest, shown->fingerprint, ALLOW_DIGEST_BYTES) == 0;
	case ALLOW_SPKI:
		return memcmp(rule->digest, shown->key, ALLOW_DIGEST_BYTES) == 0;
	default:
		return has_name(shown, rule);
	}
}

const struct allow_entry *allow_find(const struct allow_list *list, X509 *x509, bool pins_only)
{
	const struct allow_entry *found = NULL;
	struct shown shown;

	if (list->count == 0 || (pins_only && !list->pins))
		return NULL;
	bool good = look_at(&shown, x509);
	for (size_t i = 0; good && !found && i < list->count; i++) {
		const struct allow_rule *rule = &list->entries[i].rule;
		bool is_pin = rule->kind == ALLOW_SHA256 || rule->kind == ALLOW_SPKI;
		if ((is_pin || !pins_only) && matches(&shown, rule))
			found = &list->entries[i];
	}
	GENERAL_NAMES_free(shown.names);
	return found;
}
