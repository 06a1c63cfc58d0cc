#include "proxy/smtp/offer.h"

#include "proxy/smtp/ehlo.h"

/* SASL mechanisms that servers announce. */
static const struct slice mechanisms[] = {
#define ROW(name) \
	{ \
		name, sizeof(name) - 1 \
	}
	ROW("PLAIN"),
	ROW("LOGIN"),
	ROW("CRAM-MD5"),
	ROW("DIGEST-MD5"),
	ROW("SCRAM-SHA-1"),
	ROW("SCRAM-SHA-256"),
	ROW("SCRAM-SHA-512"),
	ROW("SCRAM-SHA-1-PLUS"),
	ROW("SCRAM-SHA-256-PLUS"),
	ROW("SCRAM-SHA-512-PLUS"),
	ROW("NTLM"),
	ROW("GSSAPI"),
	ROW("GSS-SPNEGO"),
	ROW("XOAUTH2"),
	ROW("OAUTHBEARER"),
	ROW("EXTERNAL"),
	ROW("ANONYMOUS"),
#undef ROW
};

enum { MECHANISMS = sizeof mechanisms / sizeof *mechanisms };

_Static_assert(MECHANISMS < 31, "the last bit is for all others");

static uint32_t mechanism_bit(struct slice name)
{
	for (size_t i = 0; i < MECHANISMS; i++)
		if (slice_eq_nocase(name, mechanisms[i]))
			return UINT32_C(1) << i;
	return UINT32_C(1) << 31;
}

/* -------------------------------------------------------------------------------------- limits */

struct slice limit_name(enum limit limit)
{
	static const struct slice names[] = {
		[LIMIT_RCPTMAX] = { "RCPTMAX", 7 },
		[LIMIT_MAILMAX] = { "MAILMAX", 7 },
		[LIMIT_RCPTDOMAINMAX] = { "RCPTDOMAINMAX", 13 },
	};

	return names[limit];
}

enum limit limit_read(struct slice word, uint64_t *value)
{
	size_t equals = slice_find(word, '=', 0);

	/* RFC 9422 section 4: 1 to 999999. */
	if (!slice_number(slice_skip(word, equals + 1), value) || *value == 0 || *value > 999999)
		return LIMIT_COUNT;
	for (enum limit i = 0; i < LIMIT_COUNT; i++)
		if (slice_eq_nocase(slice_head(word, equals), limit_name(i)))
			return i;
	return LIMIT_COUNT;
}

static void read_limits(struct offer *offer, struct slice args)
{
	for (struct slice word = slice_word(&args); word.len > 0; word = slice_word(&args)) {
		uint64_t value;
		enum limit limit = limit_read(word, &value);
		if (limit != LIMIT_COUNT)
			offer->limits[limit] = (uint32_t)value;
	}
}

static void write_limits(const struct offer *offer, struct writer *w)
{
	const char *before = "=";

	for (enum limit i = 0; i < LIMIT_COUNT; i++) {
		if (offer->limits[i] == 0)
			continue;
		write_str(w, before);
		write_slice(w, limit_name(i));
		write_str(w, ":"), write_number(w, offer->limits[i]);
		before = ",";
	}
}

/* --------------------------------------------------------------------------------------- offer */

void offer_read(struct offer *offer, struct slice reply)
{
	*offer = (struct offer){ .keywords = 0 };
	reply_line(&reply);
	while (reply.len > 0) {
		struct slice args;
		enum keyword keyword = ehlo_line(reply_line(&reply), &args);
		if (keyword == KEYWORD_COUNT)
			continue;
		offer->keywords |= KEYWORD_BIT(keyword);
		if (keyword == KEYWORD_SIZE)
			slice_number(slice_trim(args), &offer->size);
		if (keyword == KEYWORD_LIMITS)
			read_limits(offer, args);
		if (keyword != KEYWORD_AUTH)
			continue;
		for (struct slice m = ehlo_mechanism(&args); m.len > 0; m = ehlo_mechanism(&args))
			offer->mechanisms |= mechanism_bit(m);
	}
}

bool offer_eq(const struct offer *a, const struct offer *b)
{
	return a->keywords == b->keywords && a->mechanisms == b->mechanisms && a->size == b->size &&
	       memcmp(a->limits, b->limits, sizeof a->limits) == 0;
}

static void write_mechanisms(const struct offer *offer, struct writer *w)
{
	const char *before = "=";

	for (size_t i = 0; i < 32; i++) {
		if (!(offer->mechanisms & UINT32_C(1) << i))
			continue;
		write_str(w, before);
		write_slice(w, i < MECHANISMS ? mechanisms[i] : SLICE("others"));
		before = ",";
	}
}

void offer_write(const struct offer *offer, struct writer *w)
{
	for (size_t i = 0; i < KEYWORD_COUNT; i++) {
		if (!(offer->keywords & KEYWORD_BIT(i)))
			continue;
		if (w->len > 0)
			write_str(w, " ");
		write_slice(w, keyword_name((enum keyword)i));
		if (i == KEYWORD_SIZE && offer->size > 0)
			write_str(w, "="), write_number(w, offer->size);
		if (i == KEYWORD_AUTH)
			write_mechanisms(offer, w);
		if (i == KEYWORD_LIMITS)
			write_limits(offer, w);
	}
}

/* ---------------------------------------------------------------------------------------- lack */

/* A limit of one is a limit of all; no limit is nothing that one could lack. */
void lack_add(struct lack *lack, const struct offer *offer)
{
	bool names_none = offer->mechanisms == 0 && offer->keywords & KEYWORD_BIT(KEYWORD_AUTH);

	lack->keywords |= ~(offer->keywords | KEYWORD_BIT(KEYWORD_LIMITS));
	lack->mechanisms |= mechanism_bit(SLICE(""));
	if (!names_none)
		lack->mechanisms |= ~offer->mechanisms;
	lack->size = lack_size(lack, offer->size);
	for (enum limit i = 0; i < LIMIT_COUNT; i++)
		lack->limits[i] = (uint32_t)lack_limit(lack, i, offer->limits[i]);
}

bool lack_has_mechanism(const struct lack *lack, struct slice mechanism)
{
	return lack && lack->mechanisms & mechanism_bit(mechanism);
}

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a != 0 && (b == 0 || a < b) ? a : b;
}

uint64_t lack_size(const struct lack *lack, uint64_t size)
{
	return lack ? smaller(lack->size, size) : size;
}

uint64_t lack_limit(const struct lack *lack, enum limit limit, uint64_t value)
{
	return lack ? smaller(lack->limits[limit], value) : value;
}
