#include "proxy/smtp/identity.h"

/* The bytes behind a lead byte of UTF-8 (RFC 3629), and the least code point they may make. */
static size_t utf8_tail(uint8_t lead, uint32_t *point, uint32_t *least)
{
	static const struct {
		uint8_t mask, mark;
		uint32_t least;
	} rows[] = { { 0x80, 0x00, 0 },
		     { 0xe0, 0xc0, 0x80 },
		     { 0xf0, 0xe0, 0x800 },
		     { 0xf8, 0xf0, 0x10000 } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if ((lead & rows[i].mask) != rows[i].mark)
			continue;
		*point = lead & (uint8_t)~rows[i].mask;
		*least = rows[i].least;
		return i;
	}
	return SIZE_MAX;
}

/* Cuts a code point off; false where there is none. */
static bool take_point(struct slice *rest, uint32_t *point)
{
	uint32_t least = 0;
	size_t tail = utf8_tail((uint8_t)rest->ptr[0], point, &least);

	if (tail >= rest->len)
		return false;
	for (size_t i = 1; i <= tail; i++) {
		uint8_t byte = (uint8_t)rest->ptr[i];
		if ((byte & 0xc0) != 0x80)
			return false;
		*point = *point << 6 | (byte & 0x3f);
	}
	*rest = slice_skip(*rest, tail + 1);
	return *point >= least && *point <= 0x10ffff && (*point < 0xd800 || *point > 0xdfff);
}

bool identity_fits(struct slice name)
{
	uint32_t point = 0;

	if (name.len == 0 || name.len > IDENTITY_NAME_BYTES)
		return false;
	while (name.len > 0)
		if (!take_point(&name, &point) || point < 0x20 || (point >= 0x7f && point < 0xa0))
			return false;
	return true;
}
