#include "certs/certs.h"

void tls_facts(const SSL *ssl, const struct tls_client *client, struct tls_facts *facts)
{
	/* OpenSSL's questions about the group are not const, though they change nothing. */
	SSL *asked = (SSL *)ssl;
	int group = (int)SSL_get_negotiated_group(asked);
	const char *name = group == NID_undef ? NULL : SSL_group_to_name(asked, group);

	*facts = (struct tls_facts){
		.version = SSL_get_version(ssl),
		.cipher = SSL_CIPHER_get_name(SSL_get_current_cipher(ssl)),
		.group = name ? name : "",
		.resumed = SSL_session_reused(ssl) == 1,
		.why = cert_word(client),
		.sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name),
	};
}

/* Encodings of which every text is UTF-8 as it stands. */
static bool is_utf8(const ASN1_STRING *text)
{
	static const int types[] = { V_ASN1_UTF8STRING, V_ASN1_PRINTABLESTRING, V_ASN1_IA5STRING,
				     V_ASN1_NUMERICSTRING };

	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (ASN1_STRING_type(text) == types[i])
			return true;
	return false;
}

struct slice tls_common_name(const SSL *ssl)
{
	const X509 *shown = SSL_get0_peer_certificate(ssl);
	const X509_NAME *subject = shown ? X509_get_subject_name(shown) : NULL;
	int at = -1, next;

	if (!subject)
		return SLICE("");
	/* The last is the most specific. */
	while ((next = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0)
		at = next;
	if (at < 0)
		return SLICE("");
	const ASN1_STRING *text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
	if (!is_utf8(text))
		return SLICE("");
	return slice_of((const char *)ASN1_STRING_get0_data(text),
			(size_t)ASN1_STRING_length(text));
}

struct slice tls_protocol(const SSL *ssl)
{
	const unsigned char *name;
	unsigned len;

	SSL_get0_alpn_selected(ssl, &name, &len);
	return slice_of((const char *)name, len);
}
