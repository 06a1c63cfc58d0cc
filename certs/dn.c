#include "certs/dn.h"

/* Control bytes, a NUL above all, and the characters that separate are escaped. */
static BIO *print(const X509_NAME *name)
{
	BIO *bio = BIO_new(BIO_s_mem());

	if (bio && X509_NAME_print_ex(bio, name, 0,
				      XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) < 0) {
		BIO_free(bio);
		return NULL;
	}
	return bio;
}

static struct slice printed(BIO *bio)
{
	char *text;
	long len = bio ? BIO_get_mem_data(bio, &text) : 0;

	return len > 0 ? slice_of(text, (size_t)len) : SLICE("");
}

void dn_print(const X509_NAME *name, char *text, size_t size)
{
	BIO *bio = print(name);
	struct slice got = slice_head(printed(bio), size - 1);

	if (got.len > 0)
		memcpy(text, got.ptr, got.len);
	text[got.len] = '\0';
	BIO_free(bio);
}

static bool separates(char c)
{
	return c == ',' || c == '+' || c == '=';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

size_t dn_fold(struct slice text, char folded[static DN_BYTES])
{
	size_t len = 0;
	bool blank = false; /* one is due, if something follows that is no separator */
	bool after = true;  /* a separator, or the beginning */

	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];

		if (c == ' ') {
			blank = !after;
			continue;
		}
		if (len + 3 > DN_BYTES)
			return 0;
		if (blank && !separates(c))
			folded[len++] = ' ';
		blank = false;
		after = separates(c);
		folded[len++] = lower(c);
		if (c == '\\' && i + 1 < text.len)
			folded[len++] = lower(text.ptr[++i]);
	}
	return len;
}

size_t dn_of(const X509_NAME *name, char folded[static DN_BYTES])
{
	BIO *bio = print(name);
	size_t len = dn_fold(printed(bio), folded);

	BIO_free(bio);
	return len;
}
