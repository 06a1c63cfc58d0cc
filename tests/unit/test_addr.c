#include "base/addr.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct addr addr_of(const char *text)
{
	struct addr addr;
	const char *why;

	if (!addr_parse(slice_str(text), &addr, &why))
		fail_msg("%s: %s", text, why);
	return addr;
}

static struct network network_of(const char *text)
{
	struct network network;
	const char *why;

	if (!network_parse(slice_str(text), &network, &why))
		fail_msg("%s: %s", text, why);
	return network;
}

static void addresses_come_back_as_they_went_in(void **state)
{
	static const char *const same[] = {
		"0.0.0.0:25",
		"192.0.2.255:65535",
		"127.0.0.1:0",
		"[::]:465",
		"[2001:db8::1]:25",
		"[fe80::1:2:3:4]:587",
		"unix:/run/postern/a b.sock",
	};
	char text[ADDR_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		struct addr addr = addr_of(same[i]);
		addr_format(&addr, text, sizeof text);
		assert_string_equal(text, same[i]);
	}
}

/* All that tells clients apart; a zone, too, without which fe80:: leads nowhere. */
static void endpoints_are_the_same_addresses(void **state)
{
	static const char *const same[] = { "192.0.2.255:65535", "[2001:db8::1]:25" };
	struct addr addr, again;
	struct endpoint endpoint;

	(void)state;
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		addr = addr_of(same[i]);
		endpoint = endpoint_of(&addr);
		again = endpoint_addr(&endpoint);
		assert_memory_equal(&again, &addr, sizeof addr);
	}
	addr = addr_of("[fe80::1]:25");
	addr.v6.sin6_scope_id = 7;
	endpoint = endpoint_of(&addr);
	assert_int_equal(endpoint_addr(&endpoint).v6.sin6_scope_id, 7);
	addr = addr_of("unix:/a/path");
	endpoint = endpoint_of(&addr);
	addr = (struct addr){ .local.sun_family = AF_UNIX, .len = sizeof(sa_family_t) };
	again = endpoint_addr(&endpoint);
	assert_memory_equal(&again, &addr, sizeof addr);
}

static void addresses_lie_as_the_kernel_wants_them(void **state)
{
	struct addr v4 = addr_of("192.0.2.1:25"), v6 = addr_of("[::1]:25"), un = addr_of("unix:/x");

	(void)state;
	assert_int_equal(v4.v4.sin_family, AF_INET);
	assert_int_equal(v4.len, sizeof(struct sockaddr_in));
	assert_int_equal(v4.v4.sin_port, htons(25));
	assert_int_equal(v4.v4.sin_addr.s_addr, htonl(0xc0000201));
	assert_int_equal(v6.len, sizeof(struct sockaddr_in6));
	assert_int_equal(v6.v6.sin6_port, htons(25));
	assert_int_equal(un.any.sa_family, AF_UNIX);
	assert_string_equal(un.local.sun_path, "/x");
	assert_int_equal(un.len, offsetof(struct sockaddr_un, sun_path) + 3);
}

static void nothing_else_is_an_address(void **state)
{
	static const char *const bad[] = {
		"",
		":",
		"1.2.3.4",
		"1.2.3.4:",
		":25",
		"1.2.3.4:x",
		"1.2.3.4:65536",
		"1.2.3.4:-1",
		"1.2.3.4:000025",
		"1.2.3:25",
		"1.2.3.256:25",
		"localhost:25",
		"::1",
		"::1:25",
		"[::1]",
		"[::1]25",
		"[::1]:",
		"[::1",
		"[]:25",
		"[1.2.3.4]:25",
		"[::1%lo]:25",
		"[[::1]]:25",
		"1.2.3.4:25 ",
		" 1.2.3.4:25",
		"unix:",
		"unix:relative",
		"UNIX:/x",
		"1.2.3.4:25:25",
	};
	struct addr addr;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		why = NULL;
		if (addr_parse(slice_str(bad[i]), &addr, &why))
			fail_msg("%s is taken", bad[i]);
		assert_non_null(why);
	}
	assert_false(addr_parse(SLICE("1.2.3.4\0:25"), &addr, &why));
	assert_false(addr_parse(SLICE("[::1\0]:25"), &addr, &why));
	assert_false(addr_parse(SLICE("unix:/a\0b"), &addr, &why));
}

static void a_unix_path_must_fit(void **state)
{
	char text[200] = "unix:/";
	struct addr addr;
	const char *why;

	(void)state;
	memset(text + 6, 'x', 106);
	assert_true(addr_parse(slice_str(text), &addr, &why));
	assert_int_equal(strlen(addr.local.sun_path), 107);
	text[112] = 'x';
	assert_false(addr_parse(slice_str(text), &addr, &why));
}

static void mapped_addresses_show_as_ipv4(void **state)
{
	struct addr mapped = addr_of("[::ffff:192.0.2.7]:4711"), v4 = addr_of("192.0.2.7:4711");
	char text[ADDR_TEXT_BYTES];

	(void)state;
	addr_format(&mapped, text, sizeof text);
	assert_string_equal(text, "192.0.2.7:4711");
	addr_format_host(&mapped, text, sizeof text);
	assert_string_equal(text, "192.0.2.7");
	assert_true(addr_eq(&mapped, &v4));
}

static void the_host_stands_alone(void **state)
{
	struct addr v6 = addr_of("[2001:db8::1]:25"), un = addr_of("unix:/x");
	char text[ADDR_TEXT_BYTES];

	(void)state;
	addr_format_host(&v6, text, sizeof text);
	assert_string_equal(text, "2001:db8::1");
	addr_format_host(&un, text, sizeof text);
	assert_string_equal(text, "local");
	addr_format(&v6, text, 6);
	assert_string_equal(text, "[2001");
}

/* As accept(2) gives them: without a path, or with one that fills the field to its end. */
static void odd_unix_addresses_are_read_with_care(void **state)
{
	struct addr unnamed = { .local.sun_family = AF_UNIX, .len = sizeof(sa_family_t) };
	struct addr full = { .local.sun_family = AF_UNIX, .len = sizeof(struct sockaddr_un) };
	char text[ADDR_TEXT_BYTES];

	(void)state;
	addr_format(&unnamed, text, sizeof text);
	assert_string_equal(text, "unix:");
	memset(full.local.sun_path, 'p', sizeof full.local.sun_path);
	addr_format(&full, text, sizeof text);
	assert_int_equal(strlen(text), 5 + sizeof full.local.sun_path);
	assert_false(addr_eq(&unnamed, &full));
	assert_true(addr_eq(&unnamed, &unnamed));
}

static void equality_is_host_and_port(void **state)
{
	struct addr a = addr_of("192.0.2.1:25"), port = addr_of("192.0.2.1:26");
	struct addr host = addr_of("192.0.2.2:25"), v6 = addr_of("[::192.0.2.1]:25");
	struct addr un = addr_of("unix:/a"), other = addr_of("unix:/b"), same = addr_of("unix:/a");

	(void)state;
	assert_true(addr_eq(&a, &a));
	assert_false(addr_eq(&a, &port));
	assert_false(addr_eq(&a, &host));
	assert_false(addr_eq(&a, &v6));
	assert_false(addr_eq(&a, &un));
	assert_false(addr_eq(&un, &other));
	assert_true(addr_eq(&un, &same));
	assert_int_equal(addr_port(&port), 26);
	assert_int_equal(addr_port(&v6), 25);
	assert_int_equal(addr_port(&un), 0);
}

static void loopback_is_what_never_leaves_the_machine(void **state)
{
	static const struct {
		const char *text;
		bool loopback;
	} rows[] = {
		{ "127.0.0.1:1", true },
		{ "127.255.0.1:1", true },
		{ "128.0.0.1:1", false },
		{ "126.0.0.1:1", false },
		{ "[::1]:1", true },
		{ "[::2]:1", false },
		{ "[::]:1", false },
		{ "unix:/x", true },
		{ "[::ffff:127.0.0.9]:1", true },
		{ "0.0.0.0:1", false },
		{ "[::127.0.0.1]:1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct addr addr = addr_of(rows[i].text);
		assert_int_equal(addr_is_loopback(&addr), rows[i].loopback);
	}
}

static void networks_come_back_as_they_went_in(void **state)
{
	static const char *const rows[][2] = {
		{ "10.0.0.0/8", "10.0.0.0/8" },
		{ "0.0.0.0/0", "0.0.0.0/0" },
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1/32", "192.0.2.1" },
		{ "192.0.2.128/25", "192.0.2.128/25" },
		{ "::/0", "::/0" },
		{ "2001:db8::/32", "2001:db8::/32" },
		{ "::1", "::1" },
		{ "::1/128", "::1" },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8" },
		{ "::ffff:0:0/96", "0.0.0.0/0" },
		{ "::/80", "::/80" },
	};
	char text[ADDR_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct network network = network_of(rows[i][0]);
		network_format(&network, text, sizeof text);
		assert_string_equal(text, rows[i][1]);
	}
}

static void nothing_else_is_a_network(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/8",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/-1",
		"unix/8",
		"unix:/x",
		"Unix",
		"10.0.0.0/8/8",
		"10/8",
		"10.0.0.1/8",
		"10.0.0.0/255.0.0.0",
		"::/129",
		"2001:db8::1/32",
		"[::]/0",
		"::1%lo",
		"10.0.0.0 /8",
		"localhost",
		"192.0.2.1/31",
	};
	struct network network;
	const char *why;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		why = NULL;
		if (network_parse(slice_str(bad[i]), &network, &why))
			fail_msg("%s is taken", bad[i]);
		assert_non_null(why);
	}
}

static void networks_contain_their_addresses(void **state)
{
	static const struct {
		const char *network, *addr;
		bool contains;
	} rows[] = {
		{ "10.0.0.0/8", "10.255.1.2:1", true },
		{ "10.0.0.0/8", "11.0.0.0:1", false },
		{ "10.0.0.0/8", "[::ffff:10.1.2.3]:1", true },
		{ "10.0.0.0/8", "[::10.1.2.3]:1", false },
		{ "192.0.2.128/25", "192.0.2.127:1", false },
		{ "192.0.2.128/25", "192.0.2.128:1", true },
		{ "192.0.2.2/31", "192.0.2.3:1", true },
		{ "192.0.2.2/31", "192.0.2.4:1", false },
		{ "192.0.2.1", "192.0.2.1:1", true },
		{ "192.0.2.1", "192.0.2.0:1", false },
		{ "0.0.0.0/0", "255.255.255.255:1", true },
		{ "0.0.0.0/0", "[2001:db8::1]:1", false },
		{ "::/0", "[2001:db8::1]:1", true },
		{ "::/0", "192.0.2.1:1", false },
		{ "::/0", "[::ffff:192.0.2.1]:1", false },
		{ "2001:db8::/33", "[2001:db8:7fff::1]:1", true },
		{ "2001:db8::/33", "[2001:db8:8000::1]:1", false },
		{ "::1", "[::1]:1", true },
		{ "0.0.0.0/0", "unix:/x", false },
		{ "::/0", "unix:/x", false },
		{ "unix", "unix:/x", true },
		{ "unix", "0.0.0.0:1", false },
		{ "unix", "[::]:1", false },
		{ "unix", "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct network network = network_of(rows[i].network);
		struct addr addr = addr_of(rows[i].addr);
		if (network_contains(&network, &addr) != rows[i].contains)
			fail_msg("%s in %s", rows[i].addr, rows[i].network);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_come_back_as_they_went_in),
		cmocka_unit_test(endpoints_are_the_same_addresses),
		cmocka_unit_test(addresses_lie_as_the_kernel_wants_them),
		cmocka_unit_test(nothing_else_is_an_address),
		cmocka_unit_test(a_unix_path_must_fit),
		cmocka_unit_test(mapped_addresses_show_as_ipv4),
		cmocka_unit_test(the_host_stands_alone),
		cmocka_unit_test(odd_unix_addresses_are_read_with_care),
		cmocka_unit_test(equality_is_host_and_port),
		cmocka_unit_test(loopback_is_what_never_leaves_the_machine),
		cmocka_unit_test(networks_come_back_as_they_went_in),
		cmocka_unit_test(nothing_else_is_a_network),
		cmocka_unit_test(networks_contain_their_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
