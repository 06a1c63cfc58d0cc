/*
 * What is decided by the ClientHello, before OpenSSL looks for a session or does any arithmetic:
 * which certificates to show, which sessions count, and whether this is no mail client at all.
 *
 * All of it in the ClientHello callback and not in the one for SNI: that comes after the session
 * was accepted, so a ticket would be good for names it was not given for (RFC 6066 section 3).
 */
#include "certs/names.h"
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
	if (!SSL_set_SSL_CTX(ssl, chosen->context) || !hello_bind_sessions(ssl, chosen, name))
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

/* FNV-1a. Nothing but tidiness rests on it: names with the same certificates may share sessions. */
static uint64_t hash_name(const char *name)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 0x100000001b3;
	return hash;
}

bool hello_bind_sessions(SSL *ssl, const struct cert_context *context, const char *name)
{
	unsigned char id[STORE_DIGEST_BYTES + sizeof(uint64_t)];
	uint64_t hash = hash_name(name);

	_Static_assert(sizeof id <= SSL_MAX_SID_CTX_LENGTH, "OpenSSL takes 32 bytes");
	memcpy(id, context->digest, STORE_DIGEST_BYTES);
	memcpy(id + STORE_DIGEST_BYTES, &hash, sizeof hash);
	return SSL_set_session_id_context(ssl, id, sizeof id) == 1;
}
