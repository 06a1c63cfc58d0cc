/* What servers are told of a client: to the byte, and whatever a stranger chose to be called. */
#include "proxy/smtp/tell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#define S(literal) \
	{ \
		"" literal, sizeof(literal) - 1 \
	}

static const struct identity secured = {
	.family = FAMILY_V4,
	.client = { .host = { 192, 0, 2, 1 }, .text = "192.0.2.1", .port = 0x1267 },
	.local = { .host = { 198, 51, 100, 2 }, .text = "198.51.100.2", .port = 465 },
	.session = S("0123456789"),
	.secured = true,
	.version = S("TLSv1.3"),
	.cipher = S("TLS_AES_128_GCM_SHA256"),
	.sni = S("mx.test"),
	.alpn = S("smtp"),
	.certificate = CERTIFICATE_VERIFIED,
	.common_name = S("dev"),
};

static void expect_v2(const struct identity *identity, size_t most, const char *bytes, size_t len)
{
	char room[1024];
	struct writer w = { .to = room, .size = sizeof room };

	tell_proxy_v2(&w, identity, most);
	assert_int_equal(w.len, len);
	assert_memory_equal(room, bytes, len);
}

#define EXPECT_V2(identity, most, literal) expect_v2(identity, most, literal, sizeof(literal) - 1)
#define SIGN                               "\r\n\r\n\0\r\nQUIT\n"
#define ENDS \
	"\xc0\0\2\1" \
	"\xc6\x33\x64\2" \
	"\x12\x67" \
	"\1\xd1"

static void header_with_all_there_is(void **state)
{
	(void)state;
	EXPECT_V2(&secured, TELL_V2_MOST,
		  SIGN "\x21\x11\0\x5b" ENDS "\x20\0\x2e\7\0\0\0\0"
		       "\x21\0\7TLSv1.3"
		       "\x23\0\x16TLS_AES_128_GCM_SHA256"
		       "\x22\0\3dev"
		       "\5\0\n0123456789"
		       "\2\0\7mx.test"
		       "\1\0\4smtp");
}

static void header_of_a_plain_session(void **state)
{
	const struct identity plain = { .family = FAMILY_V6,
					.client = { .host = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
						    .text = "2001:db8::1",
						    .port = 9 },
					.local = {
						.host = { [15] = 1 }, .text = "::1", .port = 25 } };

	(void)state;
	EXPECT_V2(&plain, TELL_V2_LEAST,
		  SIGN "\x21\x21\0\x24"
		       "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		       "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
		       "\0\x9\0\x19");
}

static void header_without_a_client(void **state)
{
	const struct identity own = { .is_own = true, .family = FAMILY_V4, .session = S("x") };
	const struct identity nowhere = { .family = FAMILY_NONE };

	(void)state;
	EXPECT_V2(&own, TELL_V2_MOST, SIGN "\x20\0\0\0");
	EXPECT_V2(&nowhere, TELL_V2_MOST, SIGN "\x21\0\0\0");
}

/* The octets `client` and `verify` of the TLV of TLS. */
static void expect_client(const struct identity *identity, const char *bytes)
{
	char room[1024];
	struct writer w = { .to = room, .size = sizeof room };

	tell_proxy_v2(&w, identity, TELL_V2_MOST);
	assert_memory_equal(room + 28 + 3, bytes, 5);
}

static void verify_is_zero_for_a_verified_certificate_alone(void **state)
{
	struct identity identity = secured;

	(void)state;
	expect_client(&identity, "\7\0\0\0\0");
	identity.resumed = true;
	expect_client(&identity, "\5\0\0\0\0");
	identity.certificate = CERTIFICATE_SHOWN;
	expect_client(&identity, "\5\0\0\0\1");
	identity.resumed = false;
	expect_client(&identity, "\7\0\0\0\1");
	identity.certificate = CERTIFICATE_NONE;
	expect_client(&identity, "\1\0\0\0\1");
	identity.resumed = true;
	expect_client(&identity, "\1\0\0\0\1");
}

/* Each header is well-formed, whatever does not fit. */
static void header_is_bounded(void **state)
{
	static char name[IDENTITY_NAME_BYTES];
	struct identity identity = secured;

	(void)state;
	memset(name, 'n', sizeof name);
	identity.common_name = identity.sni = slice_of(name, sizeof name);
	for (size_t most = TELL_V2_LEAST; most <= TELL_V2_MOST; most++) {
		char room[1024];
		struct writer w = { .to = room, .size = sizeof room };
		tell_proxy_v2(&w, &identity, most);
		assert_true(w.len <= most);
		assert_int_equal(w.len - 16, (uint8_t)room[14] << 8 | (uint8_t)room[15]);
		size_t at = 28;
		while (at < w.len)
			at += 3u + (size_t)((uint8_t)room[at + 1] << 8 | (uint8_t)room[at + 2]);
		assert_int_equal(at, w.len);
	}
}

static void names_that_are_fit_to_be_told(void **state)
{
	static char longest[IDENTITY_NAME_BYTES + 1];
	static const struct {
		struct slice name;
		bool fits;
	} rows[] = {
		{ S("dev"), true },
		{ S("J\xc3\xb6rg + M\xe2\x82\xac \xf0\x9f\x93\xac"), true },
		{ S("a=b, c"), true },
		{ S(""), false },
		{ S("a\r\nXCLIENT LOGIN=root"), false },
		{ S("a\nb"), false },
		{ S("a\0b"), false },
		{ S("a\tb"), false },
		{ S("a\x7f"), false },
		{ S("a\xc2\x85"
		    "b"),
		  false },                /* NEL */
		{ S("\xc0\x8a"), false }, /* LF, in too many bytes */
		{ S("\xe0\x80\x8a"), false },
		{ S("\xed\xa0\x80"), false }, /* a surrogate */
		{ S("\xf4\x90\x80\x80"), false },
		{ S("\xff"), false },
		{ S("\x80"), false },
		{ S("a\xc3"), false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(identity_fits(rows[i].name), rows[i].fits);
	memset(longest, 'x', sizeof longest);
	assert_true(identity_fits(slice_of(longest, IDENTITY_NAME_BYTES)));
	assert_false(identity_fits(slice_of(longest, IDENTITY_NAME_BYTES + 1)));
}

/* What Postfix takes for the beginning of a quoted text, a comment or an address is coded. */
static void a_login_has_no_quotes_of_its_own(void **state)
{
	char room[2048];
	struct writer w = { .to = room, .size = sizeof room };
	struct identity identity = secured;

	(void)state;
	identity.login = SLICE("a-.Z_9@\"\\()<>[]:;,");
	assert_true(tell_xclient(&w, &identity, tell_announced(SLICE("ADDR LOGIN"))));
	assert_true(slice_eq(slice_of(room, w.len),
			     SLICE("XCLIENT LOGIN=a-.Z_9@+22+5C+28+29+3C+3E+5B+5D+3A+3B+2C "
				   "ADDR=192.0.2.1\r\n")));
}

static void xclient_is_one_line_with_the_address_last(void **state)
{
	static char login[IDENTITY_NAME_BYTES];
	char room[2048];
	struct writer w = { .to = room, .size = sizeof room };
	struct identity identity = secured;
	size_t start = sizeof "XCLIENT NAME=[UNAVAILABLE] PORT=65535 DESTADDR=IPV6: DESTPORT=65535 "
			      "LOGIN=" -
		       1 + sizeof identity.local.text - 1;

	(void)state;
	memset(login, 'l', sizeof login);
	identity.login = slice_of(login, sizeof login);
	identity.family = FAMILY_V6;
	memset(identity.client.text, '1', sizeof identity.client.text - 1);
	memset(identity.local.text, '2', sizeof identity.local.text - 1);
	identity.client.port = identity.local.port = 65535;
	assert_true(tell_xclient(&w, &identity,
				 tell_announced(SLICE(
					 "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"))));
	assert_true(w.len < TELL_LINE_BYTES);
	assert_memory_equal(room + start, login, sizeof login);
	assert_memory_equal(room + start + sizeof login, " ADDR=IPV6:1", 12);
	assert_memory_equal(room + w.len - 3, "1\r\n", 3);
}

/* Postfix refuses values over 255 bytes, as they are coded, and the command with them. */
static void a_login_that_is_too_long_is_not_told(void **state)
{
	static const size_t rows[][2] = { { 85, 3 * 85 }, { 86, 0 }, { IDENTITY_NAME_BYTES, 0 } };
	static char login[IDENTITY_NAME_BYTES];

	(void)state;
	memset(login, ' ', sizeof login);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char room[2048];
		struct writer w = { .to = room, .size = sizeof room };
		struct identity identity = secured;
		size_t more = rows[i][1] > 0 ? sizeof "LOGIN= " - 1 + rows[i][1] : 0;
		identity.login = slice_of(login, rows[i][0]);
		assert_true(tell_xclient(&w, &identity, TELL_LOGIN | TELL_ADDR));
		assert_int_equal(w.len, sizeof "XCLIENT ADDR=192.0.2.1\r\n" - 1 + more);
	}
	assert_false(tell_xclient(&(struct writer){ .size = 0 }, &secured, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_with_all_there_is),
		cmocka_unit_test(header_of_a_plain_session),
		cmocka_unit_test(header_without_a_client),
		cmocka_unit_test(verify_is_zero_for_a_verified_certificate_alone),
		cmocka_unit_test(header_is_bounded),
		cmocka_unit_test(names_that_are_fit_to_be_told),
		cmocka_unit_test(a_login_has_no_quotes_of_its_own),
		cmocka_unit_test(xclient_is_one_line_with_the_address_last),
		cmocka_unit_test(a_login_that_is_too_long_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
