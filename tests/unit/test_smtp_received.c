/* The Received: field: what it says, how it folds, and what strangers cannot make of it. */
#include "proxy/smtp/received.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define DATE "Thu, 26 Nov 2026 16:11:37 +0100"

static const struct identity plain = {
	.family = FAMILY_V4,
	.client = { .text = "192.0.2.1" },
	.session = { "aq3te7ptkx", 10 },
};

static const struct identity secured = {
	.family = FAMILY_V6,
	.client = { .text = "2001:db8::9" },
	.session = { "aq3te7ptkx", 10 },
	.secured = true,
	.version = { "TLSv1.3", 7 },
	.cipher = { "TLS_AES_256_GCM_SHA384", 22 },
	.group = { "x25519", 6 },
};

static char text[TRACE_MOST_BYTES + 2];

static const char *field(const struct identity *identity, struct slice helo, const char *protocol)
{
	struct writer w = { .to = text, .size = TRACE_MOST_BYTES + 1 };
	struct received received = {
		.identity = identity,
		.helo = helo,
		.hostname = SLICE("mail.test"),
		.protocol = slice_str(protocol),
		.date = SLICE(DATE),
	};

	received_write(&w, &received);
	text[w.len] = '\0';
	return text;
}

static void it_says_who_and_how(void **state)
{
	struct identity shown = secured;

	(void)state;
	assert_string_equal(field(&plain, SLICE("client.test"), "ESMTP"),
			    "Received: from client.test ([192.0.2.1])\r\n"
			    "\tby mail.test (Postern) with ESMTP id aq3te7ptkx;\r\n"
			    "\t" DATE "\r\n");
	assert_string_equal(
		field(&secured, SLICE("[IPv6:2001:db8::9]"), "ESMTPSA"),
		"Received: from [IPv6:2001:db8::9] ([IPv6:2001:db8::9])\r\n"
		"\tby mail.test (Postern) with ESMTPSA id aq3te7ptkx\r\n"
		"\t(tls version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 group=x25519);\r\n"
		"\t" DATE "\r\n");
	shown.certificate = CERTIFICATE_VERIFIED;
	shown.common_name = SLICE("scanner 12");
	shown.login = SLICE("scan@mail.test");
	assert_non_null(
		strstr(field(&shown, SLICE("c"), "ESMTPS"),
		       " group=x25519)\r\n"
		       "\t(verified certificate cn=scanner+2012 login=scan@mail.test);\r\n"));
	shown.common_name = shown.login = SLICE("");
	assert_non_null(strstr(field(&shown, SLICE("c"), "ESMTPS"),
			       " group=x25519)\r\n\t(verified certificate);\r\n"));
}

/* Whatever is in a certificate that is not verified, it is not told. */
static void what_is_not_verified_is_not_told(void **state)
{
	struct identity shown = secured;

	(void)state;
	shown.certificate = CERTIFICATE_SHOWN;
	shown.common_name = SLICE("root");
	shown.login = SLICE("root");
	shown.group = SLICE("");
	field(&shown, SLICE("c"), "ESMTPS");
	assert_null(strstr(text, "root"));
	assert_non_null(strstr(text, "\t(tls version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384);\r\n"));
}

static void a_name_that_is_none_stands_in_a_comment(void **state)
{
	static const struct {
		struct slice helo;
		const char *from;
	} rows[] = {
		{ { "", 0 }, "from [192.0.2.1] ([192.0.2.1])\r\n" },
		{ { "a b", 3 }, "from [192.0.2.1] ([192.0.2.1]) (helo=a+20b)\r\n" },
		{ { "x);by=(y", 8 }, "from [192.0.2.1] ([192.0.2.1]) (helo=x+29+3Bby+3D+28y)\r\n" },
		{ { "a\r\nb\0c\\\"+", 9 },
		  "from [192.0.2.1] ([192.0.2.1]) (helo=a+0D+0Ab+00c+5C+22+2B)\r\n" },
		{ { "\xc3\xa4.test", 7 }, "from [192.0.2.1] ([192.0.2.1]) (helo=+C3+A4.test)\r\n" },
		{ { "[1.2.3.4", 8 }, "from [192.0.2.1] ([192.0.2.1]) (helo=[1.2.3.4)\r\n" },
		{ { "[]", 2 }, "from [192.0.2.1] ([192.0.2.1]) (helo=[])\r\n" },
		{ { "-x", 2 }, "from [192.0.2.1] ([192.0.2.1]) (helo=-x)\r\n" },
		{ { ".", 1 }, "from [192.0.2.1] ([192.0.2.1]) (helo=.)\r\n" },
		{ { "a_b-c.1", 7 }, "from a_b-c.1 ([192.0.2.1])\r\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		field(&plain, rows[i].helo, "ESMTP");
		if (strncmp(text + 10, rows[i].from, strlen(rows[i].from)) != 0)
			fail_msg("row %zu: %s", i, text);
	}
}

static void a_unix_client_has_no_address(void **state)
{
	struct identity local = plain;

	(void)state;
	local.family = FAMILY_NONE;
	local.client.text[0] = '\0';
	field(&local, SLICE("client.test"), "ESMTP");
	assert_non_null(strstr(text, "Received: from client.test (unix-socket)\r\n"));
	field(&local, SLICE("x y"), "ESMTP");
	assert_non_null(strstr(text, "Received: from localhost (unix-socket) (helo=x+20y)\r\n"));
}

/* Every line is CR LF and a tab, and only one word is ever longer than a line. */
static void check_lines(void)
{
	for (const char *line = text; *line;) {
		const char *end = strstr(line, "\r\n");
		assert_non_null(end);
		size_t len = (size_t)(end - line);
		assert_true(len > 1 && len <= 998);
		assert_true(line == text ? line[0] == 'R' : line[0] == '\t' && line[1] > ' ');
		for (size_t i = line == text ? 0 : 1; i < len; i++)
			assert_true(line[i] >= ' ' && line[i] < 0x7f);
		if (len > 78 && line != text)
			for (size_t i = 1; i < len; i++)
				if (line[i] == ' ')
					fail_msg("%zu in a line of words: %s", len, text);
		line = end + 2;
	}
}

/* Any bytes as names: parentheses pair, nothing is outside of a comment that was in one. */
static void strangers_only_fill_in(void **state)
{
	unsigned seed = 1;
	char names[3][IDENTITY_NAME_BYTES];

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct identity identity = secured;
		struct slice slices[3];
		int depth = 0, semicolons = 0;

		for (int i = 0; i < 3; i++) {
			size_t len = (size_t)rand_r(&seed) % (round % 4 ? 30 : sizeof names[i]);
			for (size_t k = 0; k < len; k++)
				names[i][k] = (char)(rand_r(&seed) % (round % 2 ? 256 : 64));
			slices[i] = slice_of(names[i], len);
		}
		identity.certificate = CERTIFICATE_VERIFIED;
		identity.common_name = slices[1];
		identity.login = slices[2];
		field(&identity, slices[0], "ESMTPS");
		check_lines();
		for (const char *p = text; *p; p++) {
			depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
			semicolons += *p == ';';
			assert_true(depth == 0 || depth == 1);
		}
		assert_true(depth == 0 && semicolons == 1);
		assert_string_equal(strchr(text, ';'), ";\r\n\t" DATE "\r\n");
	}
}

static void the_longest_names_fit(void **state)
{
	char longest[IDENTITY_NAME_BYTES];
	struct identity identity = secured;
	struct writer w = { .to = text, .size = TRACE_MOST_BYTES + 1 };
	struct slice name = slice_of(longest, sizeof longest);

	(void)state;
	memset(longest, 'x', sizeof longest);
	identity.certificate = CERTIFICATE_VERIFIED;
	identity.common_name = identity.login = identity.cipher = identity.group = name;
	identity.client =
		(struct identity_end){ .text = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" };
	received_write(&w, &(struct received){ &identity, name, name, SLICE("UTF8SMTPSA"),
					       SLICE(DATE) });
	text[w.len] = '\0';
	check_lines();
	assert_true(w.len > 6 * IDENTITY_NAME_BYTES && w.len <= TRACE_MOST_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_says_who_and_how),
		cmocka_unit_test(what_is_not_verified_is_not_told),
		cmocka_unit_test(a_name_that_is_none_stands_in_a_comment),
		cmocka_unit_test(a_unix_client_has_no_address),
		cmocka_unit_test(strangers_only_fill_in),
		cmocka_unit_test(the_longest_names_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
