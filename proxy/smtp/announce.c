#include "proxy/smtp/announce.h"

static enum announce_found bad(struct announce *announce, const char *why)
{
	announce->why = why;
	return ANNOUNCE_BAD;
}

/* ---------------------------------------------------------------------------- version 1, text */

static bool read_number(struct slice s, uint64_t most, uint64_t *value)
{
	bool zero = s.len > 1 && s.ptr[0] == '0';

	return !zero && s.len <= 5 && slice_number(s, value) && *value <= most;
}

static bool read_ipv4(struct slice s, uint8_t *to)
{
	for (size_t i = 0; i < 4; i++) {
		size_t dot = slice_find(s, '.', 0);
		uint64_t value;
		if (!read_number(slice_head(s, dot), 255, &value) || (dot < s.len) != (i < 3))
			return false;
		to[i] = (uint8_t)value;
		s = slice_skip(s, dot + 1);
	}
	return true;
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = slice_upper(c);
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_group(struct slice s, uint8_t *to)
{
	unsigned value = 0;

	for (size_t i = 0; i < s.len; i++) {
		if (hex(s.ptr[i]) < 0)
			return false;
		value = value << 4 | (unsigned)hex(s.ptr[i]);
	}
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
	return s.len > 0 && s.len <= 4;
}

/* Groups up to the end, or up to `::`; how many bytes they make, or SIZE_MAX. */
static size_t read_groups(struct slice *s, uint8_t *to)
{
	for (size_t at = 0;; *s = slice_skip(*s, 1)) {
		struct slice group = slice_head(*s, slice_find(*s, ':', 0));
		bool dotted = slice_find(group, '.', 0) < group.len;
		size_t n = dotted ? 4 : 2;
		if (at + n > 16 || !(dotted ? read_ipv4 : read_group)(group, to + at))
			return SIZE_MAX;
		at += n;
		*s = slice_skip(*s, group.len);
		if (s->len == 0)
			return at;
		if (dotted)
			return SIZE_MAX;
		if (slice_eq(slice_head(*s, 2), SLICE("::")))
			return at;
	}
}

/* RFC 4291 section 2.2. */
static bool read_ipv6(struct slice s, uint8_t *to)
{
	uint8_t tail[16];
	size_t head = 0, behind = 0;

	memset(to, 0, 16);
	if (!slice_eq(slice_head(s, 2), SLICE("::")))
		head = read_groups(&s, to);
	if (head == SIZE_MAX || (s.len == 0 && head != 16))
		return false;
	if (s.len == 0)
		return true;
	s = slice_skip(s, 2);
	if (s.len > 0)
		behind = read_groups(&s, tail);
	/* A second `::` is none, and one that stands for nothing neither. */
	if (behind == SIZE_MAX || s.len > 0 || head + behind > 14)
		return false;
	memcpy(to + 16 - behind, tail, behind);
	return true;
}

/* The next of what single blanks separate. */
static struct slice next(struct slice *rest)
{
	struct slice word = slice_head(*rest, slice_find(*rest, ' ', 0));

	*rest = slice_skip(*rest, word.len + 1);
	return word;
}

static enum announce_found read_addresses(struct announce *announce, struct slice rest,
					  bool (*read)(struct slice, uint8_t *))
{
	uint8_t destination[16];
	uint64_t port, other;

	if (!read(next(&rest), announce->source) || !read(next(&rest), destination))
		return bad(announce, "the PROXY header has no address where one is due");
	if (!read_number(next(&rest), UINT16_MAX, &port))
		return bad(announce, "the PROXY header has no port where one is due");
	if (!read_number(rest, UINT16_MAX, &other))
		return bad(announce, "the PROXY header does not end behind two ports");
	announce->port = (uint16_t)port;
	return ANNOUNCE_WHOLE;
}

static enum announce_found read_line(struct slice waiting, struct announce *announce)
{
	size_t end = slice_find(slice_head(waiting, ANNOUNCE_LINE_BYTES), '\n', 0);
	struct slice line = slice_head(waiting, end), family;

	if (end >= ANNOUNCE_LINE_BYTES)
		return bad(announce, "the PROXY header's line has no end");
	if (end == waiting.len)
		return ANNOUNCE_MORE;
	if (line.ptr[end - 1] != '\r')
		return bad(announce, "the PROXY header's line does not end with CR LF");
	announce->len = end + 1;
	line = slice_skip(slice_head(line, end - 1), 6);
	family = next(&line);
	if (slice_eq(family, SLICE("UNKNOWN")))
		return ANNOUNCE_WHOLE;
	announce->kind = slice_eq(family, SLICE("TCP4")) ? ANNOUNCE_IPV4 : ANNOUNCE_IPV6;
	if (announce->kind == ANNOUNCE_IPV6 && !slice_eq(family, SLICE("TCP6")))
		return bad(announce, "the PROXY header has a family that is not known");
	return read_addresses(announce, line,
			      announce->kind == ANNOUNCE_IPV4 ? read_ipv4 : read_ipv6);
}

/* -------------------------------------------------------------------------- version 2, binary */

enum { HEAD_BYTES = 16, FIELD_BYTES = 3, FIELD_CRC32C = 3, CHECKSUM_BYTES = 4 };

static const struct slice signature = { "\r\n\r\n\0\r\nQUIT\n", 12 };

/* What a PROXY command may be about: streams alone. */
static const struct {
	uint8_t byte;
	uint8_t kind;
	uint8_t address_bytes; /* of one side */
	uint8_t bytes;         /* both sides, with ports */
} families[] = {
	{ 0x00, ANNOUNCE_NOTHING, 0, 0 },
	{ 0x11, ANNOUNCE_IPV4, 4, 12 },
	{ 0x21, ANNOUNCE_IPV6, 16, 36 },
	{ 0x31, ANNOUNCE_UNIX, 0, 216 },
};

static uint8_t byte_at(struct slice s, size_t at)
{
	return (uint8_t)s.ptr[at];
}

static uint16_t number_at(struct slice s, size_t at)
{
	return (uint16_t)(byte_at(s, at) << 8 | byte_at(s, at + 1));
}

/* RFC 3720 appendix B.4: the header's, with `hole` as if it were zero. */
static uint32_t checksum(struct slice header, size_t hole)
{
	uint32_t sum = UINT32_MAX;

	for (size_t i = 0; i < header.len; i++) {
		if (i < hole || i >= hole + CHECKSUM_BYTES)
			sum ^= byte_at(header, i);
		for (int bit = 0; bit < 8; bit++)
			sum = sum >> 1 ^ (sum & 1 ? UINT32_C(0x82f63b78) : 0);
	}
	return ~sum;
}

static bool checksum_is_right(struct slice header, size_t at)
{
	uint32_t told = (uint32_t)number_at(header, at) << 16 | number_at(header, at + 2);

	return checksum(header, at) == told;
}

static enum announce_found read_fields(struct announce *announce, struct slice header, size_t at)
{
	while (at < header.len) {
		size_t left = header.len - at;
		if (left < FIELD_BYTES || left - FIELD_BYTES < number_at(header, at + 1))
			return bad(announce, "the PROXY header has half a field");
		size_t len = number_at(header, at + 1);
		if (byte_at(header, at) == FIELD_CRC32C &&
		    (len != CHECKSUM_BYTES || !checksum_is_right(header, at + FIELD_BYTES)))
			return bad(announce, "the PROXY header's checksum is wrong");
		at += FIELD_BYTES + len;
	}
	return ANNOUNCE_WHOLE;
}

static enum announce_found read_family(struct announce *announce, struct slice header)
{
	size_t i = 0;

	while (i < sizeof families / sizeof *families && families[i].byte != byte_at(header, 13))
		i++;
	if (i == sizeof families / sizeof *families)
		return bad(announce, "the PROXY header has a family that is not known");
	if (header.len < (size_t)HEAD_BYTES + families[i].bytes)
		return bad(announce, "the PROXY header is shorter than its addresses");
	size_t n = families[i].address_bytes;
	announce->kind = families[i].kind;
	if (n > 0) {
		memcpy(announce->source, header.ptr + HEAD_BYTES, n);
		announce->port = number_at(header, HEAD_BYTES + 2 * n);
	}
	return read_fields(announce, header, HEAD_BYTES + (size_t)families[i].bytes);
}

static enum announce_found read_binary(struct slice waiting, struct announce *announce)
{
	enum { LOCAL = 0x20, PROXY = 0x21 };

	if (waiting.len < HEAD_BYTES)
		return ANNOUNCE_MORE;
	if (byte_at(waiting, 12) != LOCAL && byte_at(waiting, 12) != PROXY)
		return bad(announce, "the PROXY header has a version or command not known");
	announce->len = HEAD_BYTES + (size_t)number_at(waiting, 14);
	if (announce->len > ANNOUNCE_MAX_BYTES)
		return bad(announce, "the PROXY header is too long");
	if (waiting.len < announce->len)
		return ANNOUNCE_MORE;
	/* What else is in a LOCAL one is nobody's. */
	if (byte_at(waiting, 12) == LOCAL)
		return ANNOUNCE_WHOLE;
	return read_family(announce, slice_head(waiting, announce->len));
}

enum announce_found announce_read(struct slice waiting, struct announce *announce)
{
	static const struct slice word = { "PROXY ", 6 };

	*announce = (struct announce){ .kind = ANNOUNCE_NOTHING };
	if (slice_eq(slice_head(waiting, word.len), slice_head(word, waiting.len)))
		return waiting.len < word.len ? ANNOUNCE_MORE : read_line(waiting, announce);
	if (slice_eq(slice_head(waiting, signature.len), slice_head(signature, waiting.len)))
		return read_binary(waiting, announce);
	return ANNOUNCE_MISSING;
}
