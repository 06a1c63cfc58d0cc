#include "proxy/smtp/received.h"

#include <assert.h>

/* Of a line, blank or tab in front included; of a name that is coded. */
enum { LINE_BYTES = 76, CODED_BYTES = 255 };

/* Words with a blank between them, or a line end and a tab where the line would become too long. */
struct fold {
	struct writer *w;
	size_t line; /* where it begins */
	size_t word; /* where the last one begins, its blank included */
	bool due;    /* a new line, whatever room there is */
};

static void begin_word(struct fold *f)
{
	f->word = f->w->len;
	write_str(f->w, " ");
}

static void end_word(struct fold *f)
{
	struct writer *w = f->w;
	size_t len = w->len - f->word;

	if (!f->due && w->len - f->line <= LINE_BYTES)
		return;
	assert(w->len + 2 <= w->size);
	memmove(w->to + f->word + 3, w->to + f->word + 1, len - 1);
	memcpy(w->to + f->word, "\r\n\t", 3);
	w->len += 2;
	f->line = f->word + 2;
	f->due = false;
}

static void put(struct fold *f, struct slice text)
{
	begin_word(f);
	write_slice(f->w, text);
	end_word(f);
}

static bool is_letter_or_digit(char c)
{
	c = slice_upper(c);
	return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* Letters, digits, and these; the first of them is none of these. */
static bool has_only(struct slice text, struct slice others)
{
	if (text.len == 0 || text.len > CODED_BYTES || !is_letter_or_digit(text.ptr[0]))
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (!is_letter_or_digit(text.ptr[i]) &&
		    slice_find(others, text.ptr[i], 0) == others.len)
			return false;
	return true;
}

/* A host's name, or an address in brackets (RFC 5321 section 4.1.3). */
static bool is_host(struct slice text)
{
	bool literal = text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';

	return literal ? has_only(slice_skip(slice_head(text, text.len - 1), 1), SLICE(".:-"))
		       : has_only(text, SLICE(".-_"));
}

/* What could end a comment, or pass for what is outside of it, is coded. */
static bool is_plain(char c)
{
	static const struct slice special = { "+()\\\";=", 7 };

	return c > ' ' && c < 0x7f && slice_find(special, c, 0) == special.len;
}

static size_t coded_len(struct slice text)
{
	size_t len = 0;

	for (size_t i = 0; i < text.len; i++)
		len += is_plain(text.ptr[i]) ? 1 : 3;
	return len;
}

static void write_coded(struct writer *w, struct slice text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = (uint8_t)text.ptr[i];
		const char code[] = { '+', digits[c >> 4], digits[c & 15] };
		write_slice(w, is_plain(text.ptr[i]) ? slice_of(text.ptr + i, 1)
						     : slice_of(code, sizeof code));
	}
}

/* A word of a comment, where there is something to say. */
static void put_fact(struct fold *f, const char *name, struct slice value)
{
	if (value.len == 0 || coded_len(value) > CODED_BYTES)
		return;
	begin_word(f);
	write_str(f->w, name);
	write_coded(f->w, value);
	end_word(f);
}

static void write_address(struct writer *w, const struct identity *identity)
{
	write_str(w, identity->family == FAMILY_V6 ? "[IPv6:" : "[");
	write_str(w, identity->client.text);
	write_str(w, "]");
}

/* Who the client says it is, and where it came from for certain. */
static void put_from(struct fold *f, const struct received *received)
{
	const struct identity *identity = received->identity;
	bool local = identity->family == FAMILY_NONE, host = is_host(received->helo);

	put(f, SLICE("from"));
	begin_word(f);
	if (host)
		write_slice(f->w, received->helo);
	else if (local)
		write_str(f->w, "localhost");
	else
		write_address(f->w, identity);
	end_word(f);
	begin_word(f);
	write_str(f->w, "(");
	if (local)
		write_str(f->w, "unix-socket");
	else
		write_address(f->w, identity);
	write_str(f->w, ")");
	end_word(f);
	if (host || received->helo.len == 0 || coded_len(received->helo) > CODED_BYTES)
		return;
	begin_word(f);
	write_str(f->w, "(helo=");
	write_coded(f->w, received->helo);
	write_str(f->w, ")");
	end_word(f);
}

static void put_by(struct fold *f, const struct received *received)
{
	f->due = true;
	put(f, SLICE("by"));
	put(f, received->hostname);
	put(f, SLICE("(Postern)"));
	put(f, SLICE("with"));
	put(f, received->protocol);
	put(f, SLICE("id"));
	put(f, received->identity->session);
}

static void put_tls(struct fold *f, const struct identity *identity)
{
	f->due = true;
	put(f, SLICE("(tls"));
	put_fact(f, "version=", identity->version);
	put_fact(f, "cipher=", identity->cipher);
	put_fact(f, "group=", identity->group);
	write_str(f->w, ")");
	if (identity->certificate != CERTIFICATE_VERIFIED)
		return;
	f->due = true;
	put(f, SLICE("(verified"));
	put(f, SLICE("certificate"));
	put_fact(f, "cn=", identity->common_name);
	put_fact(f, "login=", identity->login);
	write_str(f->w, ")");
}

void received_write(struct writer *w, const struct received *received)
{
	size_t from = w->len;
	struct fold f = { .w = w, .line = from };

	write_str(w, "Received:");
	put_from(&f, received);
	put_by(&f, received);
	if (received->identity->secured)
		put_tls(&f, received->identity);
	write_str(w, ";");
	f.due = true;
	put(&f, received->date);
	write_str(w, "\r\n");
	assert(w->len - from <= TRACE_MOST_BYTES && w->len < w->size);
}
