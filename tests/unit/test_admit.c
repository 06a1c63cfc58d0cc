/* Limits over all workers: rates, sessions of an address and of all, bans. */
#include "proxy/admit/rate.h"
#include "tests/unit/admit_aid.h"

#include <stdlib.h>

/* --------------------------------------------------------------------------------------- rates */

static void a_bucket_gives_its_count_at_once_and_then_one_by_one(void **state)
{
	struct rate_bucket bucket = rate_bucket(120, 60 * 1000);
	uint64_t full_us = 0, taken = 0;

	(void)state;
	for (int i = 0; i < 1000; i++)
		taken += rate_take(&bucket, &full_us, START);
	assert_int_equal(taken, 120);
	assert_int_equal(rate_used(&bucket, full_us, START), 120);
	assert_false(rate_take(&bucket, &full_us, START + SECOND / 2 - 1));
	assert_true(rate_take(&bucket, &full_us, START + SECOND / 2));
	assert_false(rate_take(&bucket, &full_us, START + SECOND / 2));
	assert_int_equal(rate_used(&bucket, full_us, START + 120 * SECOND), 0);
}

/* Whatever the hour: over any stretch of time no more pass than a full bucket and what came back.
 */
static void a_bucket_is_exact(void **state)
{
	static const uint64_t counts[] = { 1, 3, 7, 60, 1000, 1000000 };

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct rate_bucket bucket = rate_bucket(counts[i], 60 * 1000);
		uint64_t full_us = 0, taken = 0, now_us = START;
		for (int n = 0; n < 200000; n++, now_us += (uint64_t)rand() % 2000)
			taken += rate_take(&bucket, &full_us, now_us);
		assert_true(taken <= counts[i] + (now_us - START) / bucket.interval_us + 1);
		assert_true(taken >= 1);
	}
}

/* ---------------------------------------------------------------------------------------- keys */

static void addresses_have_keys(void **state)
{
	static const struct {
		const char *addr, *as;
	} rows[] = {
		{ "192.0.2.7:25", "192.0.2.7" },
		{ "0.0.0.0:25", "0.0.0.0" },
		{ "255.255.255.255:1", "255.255.255.255" },
		{ "[::ffff:192.0.2.7]:25", "192.0.2.7" },
		{ "[2001:db8:1:2:3:4:5:6]:25", "2001:db8:1:2::/64" },
		{ "[2001:db8:1:2::1]:25", "2001:db8:1:2::/64" },
		{ "[2001:db8:1:3::1]:25", "2001:db8:1:3::/64" },
		{ "[::1]:25", "::/64" },
		{ "[fe80::1]:25", "fe80::/64" },
	};
	char text[64];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct addr addr = address(rows[i].addr);
		assert_int_not_equal(address_key(&addr), 0);
		address_key_format(address_key(&addr), text, sizeof text);
		assert_string_equal(text, rows[i].as);
	}
	struct addr local = { .any.sa_family = AF_UNIX };
	assert_int_equal(address_key(&local), 0);
}

/* ------------------------------------------------------------------------------------- sessions */

static void sessions_of_an_address_are_counted_over_all_workers(void **state)
{
	struct room room = make(LARGE);
	struct admit a = worker(&room, 0), b = worker(&room, 1);
	struct addr addr = address("192.0.2.7:25"), other = address("192.0.2.8:25");
	struct visit visits[8], stranger;

	(void)state;
	room.config.sessions_per_ip = 3;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(come(i % 2 ? &a : &b, &visits[i], &addr, START).act, ADMIT_SERVE);
	for (size_t i = 3; i < 6; i++) {
		struct admitted told = come(i % 2 ? &a : &b, &visits[i], &addr, START);
		assert_int_equal(told.act, ADMIT_TELL);
		assert_int_equal(told.why, ADMIT_SESSIONS);
		assert_int_equal(told.log, i == 3);
	}
	for (size_t i = 6; i < 8; i++)
		assert_int_equal(come(&a, &visits[i], &addr, START).act, ADMIT_CLOSE);
	assert_int_equal(come(&b, &stranger, &other, START).act, ADMIT_SERVE);
	assert_int_equal(sessions(&room, &addr), 3);
	/* Those that are told to go take nobody's place. */
	admit_leave(&b, &visits[0]);
	admit_leave(&a, &visits[6]);
	assert_int_equal(come(&a, &visits[0], &addr, START).act, ADMIT_SERVE);
	assert_true(come(&a, &visits[6], &addr, START + 61 * SECOND).log);
	admit_leave(&a, &visits[0]);
	admit_leave(&a, &visits[6]);
	for (size_t i = 1; i < 8; i++)
		admit_leave(i % 2 ? &a : &b, &visits[i]);
	admit_leave(&b, &stranger);
	assert_empty(&room);
	leave(&room);
}

static void all_sessions_have_a_limit(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0), b = worker(&room, 1);
	struct visit visits[5];

	(void)state;
	room.config.sessions = 2;
	for (uint32_t i = 0; i < 4; i++) {
		struct addr addr = numbered(i);
		assert_false(admit_is_full(&a));
		struct admitted admitted = come(i % 2 ? &a : &b, &visits[i], &addr, START);
		assert_int_equal(admitted.act, i < 2 ? ADMIT_SERVE : ADMIT_TELL);
		assert_int_equal(admitted.why, i < 2 ? ADMIT_FINE : ADMIT_OVERLOAD);
	}
	assert_true(admit_is_full(&a));
	visits[4] = (struct visit){ 0 };
	assert_int_equal(admit_enter(&a, &visits[4]).act, ADMIT_CLOSE);
	admit_leave(&a, &visits[4]);
	for (size_t i = 0; i < 4; i++)
		admit_leave(i % 2 ? &a : &b, &visits[i]);
	assert_false(admit_is_full(&b));
	assert_empty(&room);
	leave(&room);
}

static void a_rate_is_told_up_to_twice_itself(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0), b = worker(&room, 1);
	struct addr addr = address("[2001:db8::1]:25"), same = address("[2001:db8::2]:25");
	size_t counts[3] = { 0 };

	(void)state;
	room.config.rate_per_ip = (struct rate){ 10, 60 * 1000 };
	for (size_t i = 0; i < 100; i++) {
		struct visit visit;
		const struct admit *one = i % 2 ? &a : &b;
		counts[come(one, &visit, i % 3 ? &addr : &same, START).act]++;
		admit_leave(one, &visit);
	}
	assert_int_equal(counts[ADMIT_SERVE], 10);
	assert_int_equal(counts[ADMIT_TELL], 10);
	assert_int_equal(counts[ADMIT_CLOSE], 80);
	struct visit visit;
	assert_int_equal(come(&a, &visit, &addr, START + 6 * SECOND).act, ADMIT_SERVE);
	admit_leave(&a, &visit);
	assert_empty(&room);
	leave(&room);
}

static void the_exempt_have_the_sum_alone(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct network network;
	struct addr addr = address("192.0.2.7:25");
	struct visit visits[4];
	const char *why;

	(void)state;
	assert_true(network_parse(SLICE("192.0.2.0/24"), &network, &why));
	room.config.exempt = (struct networks){ &network, 1 };
	room.config.sessions = 3;
	room.config.sessions_per_ip = 1;
	room.config.rate_per_ip = (struct rate){ 1, 60 * 1000 };
	assert_true(admit_ban(&room.table, &addr, START, 1000));
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(come(&a, &visits[i], &addr, START).act,
				 i < 3 ? ADMIT_SERVE : ADMIT_TELL);
	assert_false(admit_auth_failed(&a, &visits[0], START).banned);
	for (size_t i = 0; i < 4; i++)
		admit_leave(&a, &visits[i]);
	assert_empty(&room);
	leave(&room);
}

/* ---------------------------------------------------------------------------------------- bans */

static void failed_auth_bans(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0), b = worker(&room, 1);
	struct addr addr = address("192.0.2.7:25");
	struct visit visit, later;
	struct admit_auth auth;

	(void)state;
	room.config.auth_failures_per_ip = (struct rate){ 3, 3600 * 1000 };
	room.config.ban_ms = 10000;
	come(&a, &visit, &addr, START);
	for (uint64_t i = 1; i <= 3; i++) {
		auth = admit_auth_failed(i % 2 ? &a : &b, &visit, START);
		assert_false(auth.banned);
		assert_int_equal(auth.failures, i);
	}
	auth = admit_auth_failed(&a, &visit, START);
	assert_true(auth.banned && auth.fresh);
	assert_int_equal(auth.failures, 4);
	auth = admit_auth_failed(&b, &visit, START);
	assert_true(auth.banned && !auth.fresh);
	struct admitted refused = come(&b, &later, &addr, START + 9 * SECOND);
	assert_int_equal(refused.act, ADMIT_CLOSE);
	assert_int_equal(refused.why, ADMIT_BANNED);
	admit_leave(&b, &later);
	assert_int_equal(come(&b, &later, &addr, START + 10 * SECOND).act, ADMIT_SERVE);
	admit_leave(&b, &later);
	admit_leave(&a, &visit);
	assert_empty(&room);
	leave(&room);
}

static void who_has_logged_in_is_not_banned_for_an_hour(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct addr addr = address("192.0.2.7:25");
	struct visit visit;

	(void)state;
	room.config.auth_failures_per_ip = (struct rate){ 1, 24 * 3600 * 1000 };
	room.config.ban_ms = 10000;
	come(&a, &visit, &addr, START);
	admit_auth_succeeded(&a, &visit, START);
	for (int i = 0; i < 10; i++)
		assert_false(admit_auth_failed(&a, &visit, START + 3599 * SECOND).banned);
	assert_true(admit_auth_failed(&a, &visit, START + 3600 * SECOND).fresh);
	leave(&room);
}

static void a_limit_of_0_is_off(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct addr addr = address("192.0.2.7:25");
	struct visit visits[100];

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(come(&a, &visits[i], &addr, START).act, ADMIT_SERVE);
		assert_false(admit_auth_failed(&a, &visits[i], START).banned);
	}
	room.config.auth_failures_per_ip = (struct rate){ 1, 1000 };
	assert_false(admit_auth_failed(&a, &visits[0], START).banned);
	assert_false(admit_auth_failed(&a, &visits[0], START).banned);
	leave(&room);
}

static void bans_by_hand(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct addr addr = address("[2001:db8::1]:25"), twin = address("[2001:db8::2]:25");
	struct addr other = address("192.0.2.7:25"), local = { .any.sa_family = AF_UNIX };
	struct admit_known known;
	struct visit visit;
	uint32_t at = 0;

	(void)state;
	assert_false(admit_unban(&room.table, &addr, START));
	assert_false(admit_ban(&room.table, &local, START, 5000));
	assert_true(admit_ban(&room.table, &addr, START, 5000));
	assert_int_equal(come(&a, &visit, &twin, START).why, ADMIT_BANNED);
	admit_leave(&a, &visit);
	assert_int_equal(come(&a, &visit, &other, START).act, ADMIT_SERVE);
	size_t bans = 0, with_sessions = 0;
	while (admit_next(&room.table, &at, START + SECOND, &known)) {
		bans += known.ban_ms == 4000 && strcmp(known.address, "2001:db8::/64") == 0;
		with_sessions += known.sessions == 1 && strcmp(known.address, "192.0.2.7") == 0;
		assert_int_equal(known.login_ms, UINT64_MAX);
	}
	assert_int_equal(bans, 1);
	assert_int_equal(with_sessions, 1);
	admit_leave(&a, &visit);
	assert_true(admit_unban(&room.table, &twin, START));
	assert_int_equal(come(&a, &visit, &addr, START).act, ADMIT_SERVE);
	leave(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bucket_gives_its_count_at_once_and_then_one_by_one),
		cmocka_unit_test(a_bucket_is_exact),
		cmocka_unit_test(addresses_have_keys),
		cmocka_unit_test(sessions_of_an_address_are_counted_over_all_workers),
		cmocka_unit_test(all_sessions_have_a_limit),
		cmocka_unit_test(a_rate_is_told_up_to_twice_itself),
		cmocka_unit_test(the_exempt_have_the_sum_alone),
		cmocka_unit_test(failed_auth_bans),
		cmocka_unit_test(who_has_logged_in_is_not_banned_for_an_hour),
		cmocka_unit_test(a_limit_of_0_is_off),
		cmocka_unit_test(bans_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
