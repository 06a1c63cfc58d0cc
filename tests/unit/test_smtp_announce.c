/* PROXY headers of both versions: whole, cut anywhere, and those that are none. */
#include "proxy/smtp/announce.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define BYTES(text) \
	{ \
		text, sizeof(text) - 1 \
	}
#define BEHIND "\x16\x03\x01 and more"

struct row {
	struct slice header;
	enum announce_kind kind;
	const char *source; /* as inet_ntop(3) has it */
	uint16_t port;
};

static const struct row good[] = {
	{ BYTES("PROXY TCP4 192.0.2.1 198.51.100.2 56324 465\r\n"), ANNOUNCE_IPV4, "192.0.2.1",
	  56324 },
	{ BYTES("PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n"), ANNOUNCE_IPV4, "255.255.255.255",
	  65535 },
	{ BYTES("PROXY TCP6 2001:db8::1 2001:DB8::2 0 465\r\n"), ANNOUNCE_IPV6, "2001:db8::1", 0 },
	{ BYTES("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	  ANNOUNCE_IPV6, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535 },
	{ BYTES("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n"), ANNOUNCE_IPV6, "::ffff:192.0.2.1", 1 },
	{ BYTES("PROXY UNKNOWN\r\n"), ANNOUNCE_NOTHING, NULL, 0 },
	{ BYTES("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), ANNOUNCE_NOTHING,
	  NULL, 0 },
	{ BYTES(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\2\xdc\x04\1\xd1"), ANNOUNCE_IPV4,
	  "192.0.2.1", 56324 },
	{ BYTES(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
			  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xff\xff\1\xd1"),
	  ANNOUNCE_IPV6, "2001:db8::1", 65535 },
	/* Fields: ALPN, an empty one, a private one. */
	{ BYTES(SIGNATURE "\x21\x11\0\x18\x7f\0\0\1\x7f\0\0\2\0\1\0\2"
			  "\1\0\2h2\4\0\0\xea\0\1x"),
	  ANNOUNCE_IPV4, "127.0.0.1", 1 },
	{ BYTES(SIGNATURE "\x20\0\0\0"), ANNOUNCE_NOTHING, NULL, 0 },
	{ BYTES(SIGNATURE "\x20\x99\0\3abc"), ANNOUNCE_NOTHING, NULL, 0 },
	{ BYTES(SIGNATURE "\x21\0\0\0"), ANNOUNCE_NOTHING, NULL, 0 },
	{ BYTES(SIGNATURE "\x21\0\0\4\4\0\1x"), ANNOUNCE_NOTHING, NULL, 0 },
};

static void expect_whole(const struct row *row, struct slice waiting)
{
	struct announce announce;
	uint8_t source[16] = { 0 };
	int family = row->kind == ANNOUNCE_IPV6 ? AF_INET6 : AF_INET;

	enum announce_found found = announce_read(waiting, &announce);
	if (found != ANNOUNCE_WHOLE || announce.kind != row->kind ||
	    announce.len != row->header.len)
		fail_msg("%.*s: found %d, kind %d, %zu bytes, %s", (int)row->header.len,
			 row->header.ptr, found, announce.kind, announce.len,
			 announce.why ? announce.why : "");
	if (!row->source)
		return;
	assert_int_equal(inet_pton(family, row->source, source), 1);
	assert_memory_equal(announce.source, source, sizeof source);
	assert_int_equal(announce.port, row->port);
}

static void headers_are_read_whatever_is_behind_them(void **state)
{
	char bytes[512];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const struct slice header = good[i].header;
		expect_whole(&good[i], header);
		memcpy(bytes, header.ptr, header.len);
		memcpy(bytes + header.len, BEHIND, sizeof BEHIND);
		for (size_t n = 1; n <= sizeof BEHIND; n++)
			expect_whole(&good[i], slice_of(bytes, header.len + n));
	}
}

/* Cut behind any byte: the rest is waited for. Each piece ends where its memory does. */
static void a_part_waits_for_the_rest(void **state)
{
	struct announce announce;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		for (size_t n = 0; n < good[i].header.len; n++) {
			char *part = malloc(n + 1);
			if (n > 0)
				memcpy(part, good[i].header.ptr, n);
			assert_int_equal(announce_read(slice_of(part, n), &announce),
					 ANNOUNCE_MORE);
			free(part);
		}
}

static void a_unix_client_has_no_address(void **state)
{
	char bytes[16 + 216 + 4] = SIGNATURE "\x21\x31\0\xdc";
	struct announce announce;

	(void)state;
	memset(bytes + 16, 'x', 216);
	memcpy(bytes + 232, "\4\0\1x", 4);
	for (size_t n = 0; n < sizeof bytes; n++)
		assert_int_equal(announce_read(slice_of(bytes, n), &announce), ANNOUNCE_MORE);
	assert_int_equal(announce_read(slice_of(bytes, sizeof bytes), &announce), ANNOUNCE_WHOLE);
	assert_int_equal(announce.kind, ANNOUNCE_UNIX);
	assert_int_equal(announce.len, sizeof bytes);
}

static void nothing_else_is_a_header(void **state)
{
	static const struct slice missing[] = {
		BYTES("\x16\x03\x01\x02"),
		BYTES("EHLO x\r\n"),
		BYTES("proxy TCP4 "),
		BYTES("PROXY\r\n"),
		BYTES("PRY"),
		BYTES("\r\n\r\n\0\r\nQUIT\r"),
		BYTES("\n"),
	};
	struct announce announce;

	(void)state;
	for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
		assert_int_equal(announce_read(missing[i], &announce), ANNOUNCE_MISSING);
}

#define V2(rest) BYTES(SIGNATURE rest)
#define V4_ADDRS "\x7f\0\0\1\x7f\0\0\2\0\1\0\2"

static void what_begins_as_one_must_be_one(void **state)
{
	static const struct slice rows[] = {
		BYTES("PROXY \r\n"),
		BYTES("PROXY TCP5 1.1.1.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY tcp4 1.1.1.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY UNKNOWNX\r\n"),
		BYTES("PROXY TCP4\r\n"),
		BYTES("PROXY TCP4 1.1.1.1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 1 \r\n"),
		BYTES("PROXY TCP4  1.1.1.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 12\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 1\r\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 65536 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 1 65536\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 01 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.1 -1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.256 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1 1.1.1.256 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.1.1. 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 1.1.01.1 1.1.1.1 1 1\r\n"),
		BYTES("PROXY TCP4 ::1 ::1 1 1\r\n"),
		BYTES("PROXY TCP6 1.1.1.1 1.1.1.1 1 1\r\n"),
		V2("\x11\x11\0\x0c" V4_ADDRS), /* version 1 in binary */
		V2("\x31\x11\0\x0c" V4_ADDRS),
		V2("\x22\x11\0\x0c" V4_ADDRS), /* a command not known */
		V2("\x21\x12\0\x0c" V4_ADDRS), /* UDP */
		V2("\x21\x13\0\x0c" V4_ADDRS),
		V2("\x21\x10\0\x0c" V4_ADDRS),
		V2("\x21\x41\0\x0c" V4_ADDRS),
		V2("\x21\x21\0\x0c" V4_ADDRS), /* too short for IPv6 */
		V2("\x21\x11\0\x0b\x7f\0\0\1\x7f\0\0\2\0\1\0"),
		V2("\x21\x11\0\0"),
		V2("\x21\x11\0\x0d" V4_ADDRS "\4"), /* half a field */
		V2("\x21\x11\0\x0e" V4_ADDRS "\4\0"),
		V2("\x21\x11\0\x0f" V4_ADDRS "\4\0\1"),
		V2("\x21\x11\0\x10" V4_ADDRS "\4\0\2x"),
		V2("\x21\x11\0\x11" V4_ADDRS "\4\0\0\4\0"),
		V2("\x21\x11\0\x13" V4_ADDRS "\3\0\4\0\0\0\0"), /* a checksum that is wrong */
		V2("\x21\x11\0\x12" V4_ADDRS "\3\0\3\0\0\0"),
		V2("\x21\x11\x0f\xf1"), /* over what we take, told by its head alone */
	};
	struct announce announce;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (announce_read(rows[i], &announce) != ANNOUNCE_BAD)
			fail_msg("row %zu is not refused", i);
		assert_non_null(announce.why);
	}
}

static void a_line_has_a_longest_length(void **state)
{
	char line[ANNOUNCE_LINE_BYTES + 2] = "PROXY UNKNOWN ";
	struct announce announce;

	(void)state;
	memset(line + 14, 'x', sizeof line - 14);
	assert_int_equal(announce_read(slice_of(line, ANNOUNCE_LINE_BYTES - 1), &announce),
			 ANNOUNCE_MORE);
	assert_int_equal(announce_read(slice_of(line, ANNOUNCE_LINE_BYTES), &announce),
			 ANNOUNCE_BAD);
	memcpy(line + ANNOUNCE_LINE_BYTES - 1, "\r\n", 2);
	assert_int_equal(announce_read(slice_of(line, ANNOUNCE_LINE_BYTES + 1), &announce),
			 ANNOUNCE_BAD);
	memcpy(line + ANNOUNCE_LINE_BYTES - 2, "\r\n", 2);
	assert_int_equal(announce_read(slice_of(line, ANNOUNCE_LINE_BYTES), &announce),
			 ANNOUNCE_WHOLE);
}

static void the_longest_header_is_taken(void **state)
{
	char *bytes = calloc(1, ANNOUNCE_MAX_BYTES);
	enum { FIELD = ANNOUNCE_MAX_BYTES - 28 - 3 };
	struct announce announce;

	(void)state;
	memcpy(bytes, SIGNATURE "\x21\x11\x0f\xf0" V4_ADDRS "\4", 29);
	bytes[29] = (char)(FIELD >> 8);
	bytes[30] = (char)(FIELD & 0xff);
	assert_int_equal(announce_read(slice_of(bytes, ANNOUNCE_MAX_BYTES - 1), &announce),
			 ANNOUNCE_MORE);
	assert_int_equal(announce_read(slice_of(bytes, ANNOUNCE_MAX_BYTES), &announce),
			 ANNOUNCE_WHOLE);
	free(bytes);
}

/* Made by another program: CRC32C of the header with four zero bytes in its place. */
static void a_checksum_covers_every_byte(void **state)
{
	char bytes[] = SIGNATURE "\x21\x11\0\x1a" V4_ADDRS "\3\0\4\xba\x1b\xa2\x75\1\0\4smtp";
	struct slice all = slice_of(bytes, sizeof bytes - 1);
	struct announce announce;

	(void)state;
	assert_int_equal(announce_read(all, &announce), ANNOUNCE_WHOLE);
	for (size_t i = 16; i < all.len; i++) {
		if (i == 28) /* says that it is a checksum */
			continue;
		bytes[i] ^= 0x10;
		assert_int_not_equal(announce_read(all, &announce), ANNOUNCE_WHOLE);
		bytes[i] ^= 0x10;
	}
}

/* Texts that are nearly addresses: what inet_pton(3) takes, and nothing else. */
static void addresses_are_those_of_inet_pton(void **state)
{
	static const char digits[] = "01f:::..2a";
	unsigned seed = 1, taken = 0;

	(void)state;
	for (int i = 0; i < 400000; i++) {
		char text[48], line[160];
		uint8_t bytes[16] = { 0 };
		struct announce announce;
		size_t len = 1 + (size_t)rand_r(&seed) % (i % 8 ? 12 : 40);
		bool v6 = i % 2;

		for (size_t k = 0; k < len; k++)
			text[k] = digits[(size_t)rand_r(&seed) % (sizeof digits - 1)];
		text[len] = '\0';
		bool is = inet_pton(v6 ? AF_INET6 : AF_INET, text, bytes) == 1;
		int n = snprintf(line, sizeof line, "PROXY TCP%d %s %s 1 2\r\n", v6 ? 6 : 4, text,
				 v6 ? "::" : "0.0.0.0");
		bool whole = announce_read(slice_of(line, (size_t)n), &announce) == ANNOUNCE_WHOLE;
		if (whole != is || (is && memcmp(announce.source, bytes, 16) != 0))
			fail_msg("%s: %d, not %d", text, whole, is);
		taken += is;
	}
	assert_true(taken > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_are_read_whatever_is_behind_them),
		cmocka_unit_test(a_part_waits_for_the_rest),
		cmocka_unit_test(a_unix_client_has_no_address),
		cmocka_unit_test(nothing_else_is_a_header),
		cmocka_unit_test(what_begins_as_one_must_be_one),
		cmocka_unit_test(a_line_has_a_longest_length),
		cmocka_unit_test(the_longest_header_is_taken),
		cmocka_unit_test(a_checksum_covers_every_byte),
		cmocka_unit_test(addresses_are_those_of_inet_pton),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
