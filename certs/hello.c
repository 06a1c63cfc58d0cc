/*
 * What is decided by the ClientHello, before OpenSSL looks for a session or does any arithmetic:
 * which certificates to show, which sessions count, and whether this is no mail client at all.
 *
 * All of it in the ClientHello callback and not in the one for SNI: that comes after the session
 * was accepted, so a ticket would be good for names it was not given for (RFC 6066 section 3).
 */
#include "certs/names.h"
#include "certs/policy.h"
#include "certs/socket.h"
#include "certs/store.h"

#include <openssl/tls1.h>

static const char foreign_mark[] = "foreign ALPN";

/* The bytes after a length of `width` bytes; empty, with *rest emptied, when they are not there. */
static struct slice take_counted(struct slice *rest, size_t width)
{
	size_t len = 0;

	for (size_t i = 0; i < width && i < rest->len; i++)
		len = len << 8 | (unsigned char)rest->ptr[i];
	struct slice body = slice_skip(*rest, width);
	if (rest->len < width || body.len < len) {
		*rest = SLICE("");
		return *rest;
	}
	*rest = slice_skip(body, len);
	return slice_head(body, len);
}

static struct slice find_extension(SSL *ssl, unsigned type)
{
	const unsigned char *bytes;
	size_t len;

	if (SSL_client_hello_get0_ext(ssl, type, &bytes, &len) != 1)
		return SLICE("");
	return slice_of((const char *)bytes, len);
}

/* The name asked for, "" for none or what is no host name. A malformed list is OpenSSL's to refuse.
 */
static void read_name(SSL *ssl, char name[static NAME_BYTES])
{
	struct slice extension = find_extension(ssl, TLSEXT_TYPE_server_name);
	struct slice list = take_counted(&extension, 2);

	if (list.len > 0 && list.ptr[0] == TLSEXT_NAMETYPE_host_name) {
		list = slice_skip(list, 1);
		if (name_normalize(take_counted(&list, 2), name) && name[0] != '*')
			return;
	}
	name[0] = '\0';
}

/* `smtp` in *protocol when it is in the list; false when there is nothing but HTTP in it. */
static bool choose_protocol(struct slice list, struct slice *protocol)
{
	bool others = list.len == 0;

	*protocol = SLICE("");
	while (list.len > 0) {
		struct slice one = take_counted(&list, 1);

		if (slice_eq(one, SLICE("smtp")))
			*protocol = one;
		if (!slice_eq(one, SLICE("h2")) && !slice_eq(slice_head(one, 5), SLICE("http/")))
			others = true;
	}
	return others;
}

static bool is_foreign(SSL *ssl)
{
	const unsigned alpn = TLSEXT_TYPE_application_layer_protocol_negotiation;
	struct slice extension = find_extension(ssl, alpn);
	struct slice smtp;

	return !choose_protocol(take_counted(&extension, 2), &smtp);
}

static int on_hello(SSL *ssl, int *alert, void *arg)
{
	const struct cert_store *store = arg;
	char name[NAME_BYTES];

	*alert = SSL_AD_INTERNAL_ERROR;
	if (is_foreign(ssl)) {
		if (SSL_set_SSL_CTX(ssl, store->foreign))
			*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
		return SSL_CLIENT_HELLO_ERROR;
	}
	read_name(ssl, name);
	const struct cert_context *chosen = store_find(store, name);
	const struct tls_client *client = socket_owner(ssl);
	if (!SSL_set_SSL_CTX(ssl, chosen->context) || (client->legacy && !policy_relax(ssl)) ||
	    !hello_bind_sessions(ssl, chosen, name))
		return SSL_CLIENT_HELLO_ERROR;
	/* Not among what a change of context changes. The policy is the same for all. */
	SSL_set_num_tickets(ssl, SSL_CTX_get_num_tickets(chosen->context));
	return SSL_CLIENT_HELLO_SUCCESS;
}

/* Without it OpenSSL forgets the name in a resumed session. The choice is made long ago. */
static int on_name(SSL *ssl, int *alert, void *arg)
{
	(void)ssl;
	(void)alert;
	(void)arg;
	return SSL_TLSEXT_ERR_OK;
}

static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_len,
			const unsigned char *in, unsigned in_len, void *arg)
{
	struct slice smtp;

	(void)ssl;
	(void)arg;
	choose_protocol(slice_of((const char *)in, in_len), &smtp);
	if (smtp.len == 0)
		return SSL_TLSEXT_ERR_NOACK;
	*out = (const unsigned char *)smtp.ptr;
	*out_len = (unsigned char)smtp.len;
	return SSL_TLSEXT_ERR_OK;
}

void hello_install(SSL_CTX *context, struct cert_store *store)
{
	SSL_CTX_set_client_hello_cb(context, on_hello, store);
	SSL_CTX_set_tlsext_servername_callback(context, on_name);
	SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
}

SSL_CTX *hello_foreign_context(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (context)
		SSL_CTX_set_app_data(context, (char *)foreign_mark);
	return context;
}

bool cert_foreign_alpn(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)) == foreign_mark;
}

bool hello_bind_sessions(SSL *ssl, const struct cert_context *context, const char *name)
{
	const struct tls_client *client = socket_owner(ssl);
	unsigned char text[STORE_DIGEST_BYTES + 1 + NAME_BYTES];
	unsigned char id[EVP_MAX_MD_SIZE];
	size_t len = strlen(name);

	_Static_assert(SSL_MAX_SID_CTX_LENGTH == 32, "as long as a SHA-256");
	memcpy(text, context->digest, STORE_DIGEST_BYTES);
	/* A weak session is not for who must do better. */
	text[STORE_DIGEST_BYTES] = client->legacy;
	memcpy(text + STORE_DIGEST_BYTES + 1, name, len);
	return EVP_Digest(text, STORE_DIGEST_BYTES + 1 + len, id, NULL, EVP_sha256(), NULL) == 1 &&
	       SSL_set_session_id_context(ssl, id, SSL_MAX_SID_CTX_LENGTH) == 1;
}

/* ---------------------------------------------------------------------------------- KeyUpdate */

enum { KEY_UPDATES_MAX = 64 };

/*
 * Past the bound OpenSSL no longer goes on by itself from one record to the next, so whoever reads
 * gets a word in.
 */
static void on_message(int written, int version, int type, const void *bytes, size_t len, SSL *ssl,
		       void *arg)
{
	struct tls_client *client = arg;

	(void)version;
	if (written || type != SSL3_RT_HANDSHAKE || len == 0 ||
	    *(const unsigned char *)bytes != SSL3_MT_KEY_UPDATE)
		return;
	if (++client->key_updates > KEY_UPDATES_MAX)
		SSL_clear_mode(ssl, SSL_MODE_AUTO_RETRY);
}

void hello_count_updates(SSL *ssl, struct tls_client *client)
{
	SSL_set_msg_callback(ssl, on_message);
	SSL_set_msg_callback_arg(ssl, client);
}

bool cert_flooded(const SSL *ssl)
{
	const struct tls_client *client = socket_owner(ssl);

	/* Of a server of our own nothing is counted. */
	return SSL_is_server(ssl) && client->key_updates > KEY_UPDATES_MAX;
}
