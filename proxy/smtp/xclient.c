/* XCLIENT, as Postfix' XCLIENT_README has it. */
#include "proxy/smtp/tell.h"

/* As it is coded: Postfix refuses a longer one, and with it the command. */
enum { VALUE_BYTES = 255 };

static const struct {
	struct slice name;
	enum tell_attribute attribute;
} rows[] = {
#define ROW(name) \
	{ \
		{ #name, sizeof #name - 1 }, TELL_##name \
	}
	/* In the order in which they are told. */
	ROW(NAME), ROW(PORT), ROW(DESTADDR), ROW(DESTPORT), ROW(LOGIN), ROW(ADDR),
#undef ROW
};

enum { ROWS = sizeof rows / sizeof *rows };

unsigned tell_announced(struct slice arguments)
{
	unsigned found = 0;

	for (struct slice word = slice_word(&arguments); word.len > 0;
	     word = slice_word(&arguments))
		for (size_t i = 0; i < ROWS; i++)
			if (slice_eq_nocase(word, rows[i].name))
				found |= rows[i].attribute;
	return found;
}

static bool is_plain(char c)
{
	char letter = slice_upper(c);

	return (letter >= 'A' && letter <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
	       c == '_' || c == '@';
}

/*
 * RFC 3461 section 4, which lets any character be coded. Postfix reads quotes, backslashes and
 * brackets of all kinds before it decodes: one that stood for itself would take the attributes
 * behind it along.
 */
static void write_xtext(struct writer *w, struct slice text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		uint8_t byte = (uint8_t)text.ptr[i];
		if (is_plain(text.ptr[i]))
			write_slice(w, slice_of(text.ptr + i, 1));
		else
			write_slice(w, slice_of((const char[]){ '+', digits[byte >> 4],
								digits[byte & 15] },
						3));
	}
}

static void write_address(struct writer *w, const struct identity *identity,
			  const struct identity_end *end)
{
	static const char *const prefix[] = {
		[FAMILY_NONE] = "[UNAVAILABLE]",
		[FAMILY_V4] = "",
		[FAMILY_V6] = "IPV6:",
	};

	write_str(w, prefix[identity->family]);
	if (identity->family != FAMILY_NONE)
		write_str(w, end->text);
}

static void write_port(struct writer *w, const struct identity *identity, uint16_t port)
{
	if (identity->family == FAMILY_NONE)
		write_str(w, "[UNAVAILABLE]");
	else
		write_number(w, port);
}

/* Nothing where there is nothing to tell: no login is not the same as one that is unknown. */
static void write_value(struct writer *w, const struct identity *identity,
			enum tell_attribute attribute)
{
	switch (attribute) {
	case TELL_NAME:
		/* Or the server would go on with the name of Postern's own address. */
		write_str(w, "[UNAVAILABLE]");
		break;
	case TELL_ADDR:
		write_address(w, identity, &identity->client);
		break;
	case TELL_PORT:
		write_port(w, identity, identity->client.port);
		break;
	case TELL_DESTADDR:
		write_address(w, identity, &identity->local);
		break;
	case TELL_DESTPORT:
		write_port(w, identity, identity->local.port);
		break;
	case TELL_LOGIN:
		write_xtext(w, identity->login);
		break;
	}
}

bool tell_xclient(struct writer *w, const struct identity *identity, unsigned attributes)
{
	bool any = false;

	for (size_t i = 0; i < ROWS; i++) {
		char value[VALUE_BYTES + 1];
		struct writer v = { .to = value, .size = sizeof value };
		if (!(attributes & rows[i].attribute))
			continue;
		write_value(&v, identity, rows[i].attribute);
		/* A login that is too long is not told, rather than a part of it. */
		if (v.len == 0 || v.len > VALUE_BYTES)
			continue;
		write_slice(w, any ? SLICE(" ") : SLICE("XCLIENT "));
		write_slice(w, rows[i].name);
		write_slice(w, SLICE("="));
		write_slice(w, slice_of(value, v.len));
		any = true;
	}
	if (any)
		write_slice(w, SLICE("\r\n"));
	return any;
}
