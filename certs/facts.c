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
