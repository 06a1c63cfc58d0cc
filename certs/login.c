#include "certs/login.h"

#include "certs/names.h"

#include <openssl/x509v3.h>

bool login_is_good(struct slice text)
{
	if (text.len == 0 || text.len > LOGIN_MAX_BYTES || slice_trim(text).len != text.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.ptr[i];
		unsigned char next = i + 1 < text.len ? (unsigned char)text.ptr[i + 1] : 0;

		/* U+0080 to U+009F are control characters, too. */
		if (c < ' ' || c == 0x7f || (c == 0xc2 && next < 0xa0))
			return false;
	}
	return true;
}

static char *keep(struct slice text)
{
	return login_is_good(text) ? strndup(text.ptr, text.len) : NULL;
}

static char *of_subject(X509 *x509)
{
	const X509_NAME *subject = X509_get_subject_name(x509);
	int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	char *login = NULL;

	if (at < 0 || X509_NAME_get_index_by_NID(subject, NID_commonName, at) >= 0)
		return NULL;
	int len = ASN1_STRING_to_UTF8(&utf8,
				      X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
	if (len > 0)
		login = keep(slice_of((const char *)utf8, (size_t)len));
	OPENSSL_free(utf8);
	return login;
}

static char *of_dns(struct slice text)
{
	char name[NAME_BYTES];

	if (!name_normalize(text, name) || name[0] == '*')
		return NULL;
	return keep(slice_str(name));
}

static char *of_email(struct slice text)
{
	size_t at = slice_find(text, '@', 0);

	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
			return NULL;
	if (at == 0 || at + 1 >= text.len || slice_find(text, '@', at + 1) < text.len)
		return NULL;
	return keep(text);
}

/* The first of its kind counts: its authority has put them in order. */
static char *of_names(X509 *x509, int type, char *(*of)(struct slice))
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
	char *login = NULL;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
		if (name->type != type)
			continue;
		login = of(slice_of((const char *)ASN1_STRING_get0_data(name->d.ia5),
				    (size_t)ASN1_STRING_length(name->d.ia5)));
		break;
	}
	GENERAL_NAMES_free(names);
	return login;
}

char *login_of(X509 *x509, enum clients_login how, const char *listed)
{
	switch (how) {
	case LOGIN_CN:
		return of_subject(x509);
	case LOGIN_DNS:
		return of_names(x509, GEN_DNS, of_dns);
	case LOGIN_EMAIL:
		return of_names(x509, GEN_EMAIL, of_email);
	case LOGIN_MAP:
		return listed ? keep(slice_str(listed)) : NULL;
	case LOGIN_NONE:
		break;
	}
	return NULL;
}
