/* The table of addresses: floods, and what killed workers leave behind. */
#include "tests/unit/admit_aid.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* --------------------------------------------------------------------------------------- floods */

static void a_flood_of_addresses_lifts_no_ban_and_loses_no_session(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0), b = worker(&room, 1);
	struct visit kept[8], visit;
	size_t untracked = 0;

	(void)state;
	room.config.sessions_per_ip = 1;
	for (uint32_t i = 0; i < 8; i++) {
		struct addr guest = numbered(i), banned = numbered(100 + i);
		assert_int_equal(come(&a, &kept[i], &guest, START).act, ADMIT_SERVE);
		assert_true(admit_ban(&room.table, &banned, START, 3600 * 1000));
	}
	for (uint32_t i = 1000; i < 101000; i++) {
		struct addr addr = numbered(i);
		struct admitted admitted = come(&b, &visit, &addr, START + i);
		assert_int_equal(admitted.act, ADMIT_SERVE);
		untracked += admitted.untracked;
		admit_leave(&b, &visit);
	}
	assert_int_equal(untracked, 0);
	for (uint32_t i = 0; i < 8; i++) {
		struct addr guest = numbered(i), banned = numbered(100 + i);
		assert_int_equal(come(&b, &visit, &guest, START).why, ADMIT_SESSIONS);
		admit_leave(&b, &visit);
		assert_int_equal(come(&b, &visit, &banned, START).why, ADMIT_BANNED);
		admit_leave(&b, &visit);
		admit_leave(&a, &kept[i]);
	}
	assert_empty(&room);
	leave(&room);
}

/* The one that has failed AUTH stays while others may go. */
static void a_flood_does_not_wash_failures_away(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct addr guesser = address("192.0.2.7:25");
	struct visit visit;

	(void)state;
	room.config.auth_failures_per_ip = (struct rate){ 2, 3600 * 1000 };
	room.config.ban_ms = 1000;
	come(&a, &visit, &guesser, START);
	admit_auth_failed(&a, &visit, START);
	admit_auth_failed(&a, &visit, START);
	admit_leave(&a, &visit);
	for (uint32_t i = 0; i < 10000; i++) {
		struct addr addr = numbered(i);
		come(&a, &visit, &addr, START + i);
		admit_leave(&a, &visit);
	}
	come(&a, &visit, &guesser, START + SECOND);
	assert_true(admit_auth_failed(&a, &visit, START + SECOND).fresh);
	leave(&room);
}

/* More addresses with sessions than there are places: the rest is served, and counted as such. */
static void a_full_table_serves_untracked(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct visit visits[200];
	size_t untracked = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		struct addr addr = numbered(i);
		struct admitted admitted = come(&a, &visits[i], &addr, START);
		assert_int_equal(admitted.act, ADMIT_SERVE);
		untracked += admitted.untracked;
	}
	assert_in_range(untracked, 200 - SMALL, 199);
	assert_int_equal(addresses_present(&room.table, ADDRESS_ALL).served, 200);
	for (uint32_t i = 0; i < 200; i++)
		admit_leave(&a, &visits[i]);
	assert_empty(&room);
	leave(&room);
}

/* What one address leaves is nothing to the one that gets its place. */
static void a_place_is_handed_on_clean(void **state)
{
	struct room room = make(SMALL);
	struct admit a = worker(&room, 0);
	struct visit visit;

	(void)state;
	room.config.rate_per_ip = (struct rate){ 1, 3600 * 1000 };
	for (uint32_t i = 0; i < 200000; i++) {
		struct addr addr = numbered(i);
		assert_int_equal(come(&a, &visit, &addr, START + i).act, ADMIT_SERVE);
		admit_leave(&a, &visit);
	}
	leave(&room);
}

/* --------------------------------------------------------------------------------------- deaths */

/* A worker that does nothing else, until it is killed. */
static void hammer(struct room *room, size_t record, unsigned seed)
{
	struct admit admit = worker(room, record);
	struct visit visits[32] = { 0 };

	addresses_join(&room->table, record);
	for (uint64_t now_us = START;; now_us += 10) {
		struct visit *visit = &visits[(size_t)rand_r(&seed) % 32];
		struct addr addr = numbered((uint32_t)rand_r(&seed) % 500);
		admit_leave(&admit, visit);
		if (come(&admit, visit, &addr, now_us).act == ADMIT_CLOSE)
			admit_leave(&admit, visit);
		if (rand_r(&seed) % 8 == 0)
			admit_auth_failed(&admit, visit, now_us);
	}
}

static pid_t start(struct room *room, size_t record, unsigned seed)
{
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		hammer(room, record, seed);
	return pid;
}

static void bury(struct room *room, size_t record, pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	addresses_bury(&room->table, record);
}

/* Three workers at a time, killed at whatever instruction, a few hundred times. */
static void the_killed_leave_nothing(void **state)
{
	struct room room = make(SMALL * 2);
	struct addr banned = address("192.0.2.7:25");
	struct visit visit;
	pid_t pids[3];

	(void)state;
	room.config.sessions_per_ip = 3;
	room.config.sessions = 60;
	room.config.rate_per_ip = (struct rate){ 1000, 1000 };
	room.config.auth_failures_per_ip = (struct rate){ 100, 1000 };
	room.config.ban_ms = 1;
	assert_true(admit_ban(&room.table, &banned, START, 3600 * 1000));
	for (unsigned i = 0; i < 3; i++)
		pids[i] = start(&room, i, i);
	for (unsigned i = 3; i < 300; i++) {
		usleep((useconds_t)rand() % 2000);
		bury(&room, i % 3, pids[i % 3]);
		pids[i % 3] = start(&room, i % 3, i);
		struct presence all = addresses_present(&room.table, ADDRESS_ALL);
		assert_true(all.served <= 60 + 3 && all.told <= 60 + 3);
	}
	for (unsigned i = 0; i < 3; i++)
		bury(&room, i, pids[i]);
	assert_empty(&room);
	struct admit a = worker(&room, 3);
	assert_int_equal(come(&a, &visit, &banned, START).why, ADMIT_BANNED);
	admit_leave(&a, &visit);
	for (uint32_t i = 0; i < 3; i++) {
		struct addr addr = numbered(1000 + i);
		assert_int_equal(come(&a, &visit, &addr, START + 3600 * SECOND).act, ADMIT_SERVE);
		admit_leave(&a, &visit);
	}
	assert_empty(&room);
	leave(&room);
}

/* All the places there are, and not one more, whatever the workers do at the same time. */
static void two_workers_never_pass_the_limit(void **state)
{
	struct room room = make(SMALL);
	struct addr addr = address("192.0.2.7:25");
	pid_t pids[2];

	(void)state;
	room.config.sessions_per_ip = 100;
	for (size_t i = 0; i < 2; i++) {
		struct admit admit = worker(&room, i);
		struct visit visit;
		pids[i] = fork();
		for (int n = 0; pids[i] == 0 && n < 200; n++) {
			if (come(&admit, &visit, &addr, START).act != ADMIT_SERVE)
				admit_leave(&admit, &visit);
		}
		if (pids[i] == 0)
			_exit(0);
	}
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
	assert_int_equal(sessions(&room, &addr), 100);
	leave(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flood_of_addresses_lifts_no_ban_and_loses_no_session),
		cmocka_unit_test(a_flood_does_not_wash_failures_away),
		cmocka_unit_test(a_full_table_serves_untracked),
		cmocka_unit_test(a_place_is_handed_on_clean),
		cmocka_unit_test(the_killed_leave_nothing),
		cmocka_unit_test(two_workers_never_pass_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
