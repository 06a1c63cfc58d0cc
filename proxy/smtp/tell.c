#include "proxy/smtp/tell.h"

#include <assert.h>

/* ---------------------------------------------------------------------------- PROXY, version 1 */

void tell_proxy_v1(struct writer *w, const struct identity *identity)
{
	if (identity->is_own || identity->family == FAMILY_NONE) {
		write_str(w, "PROXY UNKNOWN\r\n");
		return;
	}
	write_str(w, identity->family == FAMILY_V4 ? "PROXY TCP4 " : "PROXY TCP6 ");
	write_str(w, identity->client.text);
	write_str(w, " ");
	write_str(w, identity->local.text);
	write_str(w, " ");
	write_number(w, identity->client.port);
	write_str(w, " ");
	write_number(w, identity->local.port);
	write_str(w, "\r\n");
}

/* ---------------------------------------------------------------------------- PROXY, version 2 */

enum {
	SIGNATURE_BYTES = 12,
	LENGTH_AT = 14,
	COMMAND_LOCAL = 0x20,
	COMMAND_PROXY = 0x21,
	TYPE_ALPN = 0x01,
	TYPE_AUTHORITY = 0x02,
	TYPE_UNIQUE_ID = 0x05,
	TYPE_SSL = 0x20,
	TYPE_SSL_VERSION = 0x21,
	TYPE_SSL_CN = 0x22,
	TYPE_SSL_CIPHER = 0x23,
	CLIENT_SSL = 1,
	CLIENT_CERT_CONN = 2,
	CLIENT_CERT_SESS = 4,
	TLV_BYTES = 3,
	TYPE_SSL_BYTES = 5, /* of the TLV of TLS, before those within it */
};

static void put_byte(struct writer *w, unsigned value)
{
	char byte = (char)(uint8_t)value;

	write_slice(w, slice_of(&byte, 1));
}

static void put_short(struct writer *w, size_t value)
{
	put_byte(w, (unsigned)(value >> 8));
	put_byte(w, (unsigned)value);
}

/* The length that stands at `at` is that of what was written since. */
static void set_length(struct writer *w, size_t at)
{
	size_t len = w->len - at - 2;

	w->to[at] = (char)(uint8_t)(len >> 8);
	w->to[at + 1] = (char)(uint8_t)len;
}

/* All of it or nothing. */
static void put_tlv(struct writer *w, unsigned type, struct slice value)
{
	if (value.len == 0 || w->size - w->len < TLV_BYTES + value.len)
		return;
	put_byte(w, type);
	put_short(w, value.len);
	write_slice(w, value);
}

static unsigned ssl_client(const struct identity *identity)
{
	if (identity->certificate == CERTIFICATE_NONE)
		return CLIENT_SSL;
	return CLIENT_SSL | CLIENT_CERT_SESS | (identity->resumed ? 0 : CLIENT_CERT_CONN);
}

/* `verify` is zero for a verified certificate alone; a receiver may look at nothing else. */
static void put_ssl(struct writer *w, const struct identity *identity)
{
	size_t at = w->len + 1;

	if (!identity->secured || w->size - w->len < TLV_BYTES + TYPE_SSL_BYTES)
		return;
	put_byte(w, TYPE_SSL);
	put_short(w, 0);
	put_byte(w, ssl_client(identity));
	put_short(w, 0);
	put_short(w, identity->certificate == CERTIFICATE_VERIFIED ? 0 : 1);
	put_tlv(w, TYPE_SSL_VERSION, identity->version);
	put_tlv(w, TYPE_SSL_CIPHER, identity->cipher);
	put_tlv(w, TYPE_SSL_CN, identity->common_name);
	set_length(w, at);
}

static void put_addresses(struct writer *w, const struct identity *identity)
{
	size_t len = identity->family == FAMILY_V4 ? 4 : 16;

	if (identity->is_own || identity->family == FAMILY_NONE) {
		put_byte(w, 0);
		put_short(w, 0);
		return;
	}
	put_byte(w, identity->family == FAMILY_V4 ? 0x11 : 0x21);
	put_short(w, 0);
	write_slice(w, slice_of((const char *)identity->client.host, len));
	write_slice(w, slice_of((const char *)identity->local.host, len));
	put_short(w, identity->client.port);
	put_short(w, identity->local.port);
}

void tell_proxy_v2(struct writer *w, const struct identity *identity, size_t most)
{
	static const char signature[SIGNATURE_BYTES] = "\r\n\r\n\0\r\nQUIT\n";
	struct writer header = { .to = w->to + w->len, .size = most };

	assert(most >= TELL_V2_LEAST && w->size - w->len >= most);
	write_slice(&header, slice_of(signature, sizeof signature));
	put_byte(&header, identity->is_own ? COMMAND_LOCAL : COMMAND_PROXY);
	put_addresses(&header, identity);
	if (!identity->is_own) {
		put_ssl(&header, identity);
		put_tlv(&header, TYPE_UNIQUE_ID, identity->session);
		put_tlv(&header, TYPE_AUTHORITY, identity->sni);
		put_tlv(&header, TYPE_ALPN, identity->alpn);
	}
	set_length(&header, LENGTH_AT);
	w->len += header.len;
}
