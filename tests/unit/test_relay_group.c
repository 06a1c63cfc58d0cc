/* Which server is next, by load, turn and client's address; who waits, and in which order. */
#include "proxy/relay/group.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SERVERS = 4, ROWS = 2, NOW = 1000000 };

struct fixture {
	struct server_table table;
	struct server_config servers[SERVERS];
	struct backend_config backend;
	struct group group;
	char names[SERVERS][16];
};

static struct addr address(const char *text)
{
	struct addr addr;
	const char *why;

	assert_true(addr_parse(slice_str(text), &addr, &why));
	return addr;
}

static void set_addresses(struct fixture *f, size_t server, uint32_t count)
{
	struct server_addresses addresses = { .count = count };
	char text[32];

	for (uint32_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, "127.0.%zu.%u:25", server, i);
		addresses.item[i] = address(text);
	}
	server_set_addresses(&f->table.records[server], &addresses);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->table.rows = ROWS;
	f->table.records = aligned_alloc(64, SERVERS_MAX * sizeof *f->table.records);
	f->table.cells = calloc(ROWS * SERVERS_MAX, sizeof *f->table.cells);
	assert_non_null(f->table.records);
	memset(f->table.records, 0, SERVERS_MAX * sizeof *f->table.records);
	for (size_t i = 0; i < SERVERS; i++) {
		snprintf(f->names[i], sizeof f->names[i], "127.0.0.%zu:25", i + 1);
		f->servers[i].written = f->names[i];
		server_begin(&f->table.records[i], "mta", f->names[i]);
		set_addresses(f, i, 1);
	}
	f->backend = (struct backend_config){ .name = "mta",
					      .server = { f->servers, SERVERS },
					      .identity = IDENTITY_NONE,
					      .probe_ms = 10000 };
	assert_true(group_init(&f->group, &f->backend, &f->table, 0));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	group_release(&f->group);
	free(f->table.records);
	free(f->table.cells);
	free(f);
	return 0;
}

static enum group_answer choose_for(struct fixture *f, struct place *place, const char *client,
				    bool stranger)
{
	struct addr addr = address(client);
	struct endpoint from = endpoint_of(&addr);
	struct wish wish = { .client = &from, .stranger = stranger, .now_ms = NOW };

	return group_choose(&f->group, place, &wish);
}

static enum group_answer choose(struct fixture *f, struct place *place)
{
	return choose_for(f, place, "192.0.2.1:4711", false);
}

/* The number of the server that a new session comes to; SERVERS: none. */
static size_t next(struct fixture *f, struct place *place)
{
	*place = (struct place){ 0 };
	return choose(f, place) == GROUP_TAKEN ? place->member->server : SERVERS;
}

static void the_one_with_the_fewest_sessions_is_next(void **state)
{
	struct fixture *f = *state;
	struct place places[6];

	f->table.cells[SERVERS_MAX + 0] = 2; /* another worker's */
	f->table.cells[SERVERS_MAX + 2] = 1;
	assert_int_equal(next(f, &places[0]), 1);
	assert_int_equal(next(f, &places[1]), 3);
	/* Of equals, each in turn. */
	assert_int_equal(next(f, &places[2]), 1);
	assert_int_equal(next(f, &places[3]), 2);
	assert_int_equal(next(f, &places[4]), 3);
	group_leave(&f->group, &places[1]);
	group_leave(&f->group, &places[4]);
	assert_int_equal(next(f, &places[5]), 3);
	assert_int_equal(servers_present(&f->table, 1), 2);
	assert_int_equal(servers_present(&f->table, 3), 1);
}

static void each_is_next_in_turn(void **state)
{
	struct fixture *f = *state;
	struct place place;

	f->backend.balance = BALANCE_ROUND_ROBIN;
	f->table.cells[0] = 100;
	for (size_t i = 0; i < 3 * SERVERS; i++)
		assert_int_equal(next(f, &place), i % SERVERS);
}

static size_t by_source(struct fixture *f, unsigned client)
{
	struct place place = { 0 };
	char text[32];

	snprintf(text, sizeof text, "192.0.%u.%u:25", client / 256, client % 256);
	assert_int_equal(choose_for(f, &place, text, false), GROUP_TAKEN);
	return place.member->server;
}

static void a_client_stays_where_it_was(void **state)
{
	struct fixture *f = *state;
	size_t was[1000], count[SERVERS] = { 0 }, moved = 0;

	f->backend.balance = BALANCE_SOURCE;
	for (unsigned i = 0; i < 1000; i++)
		count[was[i] = by_source(f, i)]++;
	for (size_t i = 0; i < SERVERS; i++)
		assert_in_range(count[i], 150, 350);
	f->table.records[2].admin = SERVER_DISABLED;
	for (unsigned i = 0; i < 1000; i++) {
		size_t is = by_source(f, i);
		assert_true(is == was[i] || was[i] == 2);
		moved += is != was[i];
	}
	assert_int_equal(moved, count[2]);
	f->table.records[2].admin = SERVER_ENABLED;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(by_source(f, i), was[i]);
}

static void the_port_and_the_mapping_make_no_other_client(void **state)
{
	struct fixture *f = *state;
	struct place places[3] = { { 0 } };

	f->backend.balance = BALANCE_SOURCE;
	assert_int_equal(choose_for(f, &places[0], "192.0.2.77:1", false), GROUP_TAKEN);
	assert_int_equal(choose_for(f, &places[1], "192.0.2.77:2", false), GROUP_TAKEN);
	assert_int_equal(choose_for(f, &places[2], "[::ffff:192.0.2.77]:3", false), GROUP_TAKEN);
	assert_ptr_equal(places[0].member, places[1].member);
	assert_ptr_equal(places[0].member, places[2].member);
}

static void one_that_failed_is_not_asked_again_by_the_same(void **state)
{
	struct fixture *f = *state;
	struct place place = { 0 };
	unsigned seen = 0;

	for (size_t i = 0; i < SERVERS; i++) {
		assert_int_equal(choose(f, &place), GROUP_TAKEN);
		seen |= 1U << place.member->server;
		group_give_up(&f->group, &place);
	}
	assert_int_equal(seen, 15);
	assert_int_equal(choose(f, &place), GROUP_DOWN);
	for (size_t i = 0; i < SERVERS; i++)
		assert_int_equal(servers_present(&f->table, i), 0);
}

static void those_that_keep_failing_come_last(void **state)
{
	struct fixture *f = *state;
	struct place place = { 0 };

	for (size_t i = 0; i < 3; i++)
		for (int times = 0; times < 3; times++)
			server_failed(&f->table.records[i], NOW - 1);
	f->table.cells[3] = 1000;
	assert_int_equal(next(f, &place), 3);
	group_give_up(&f->group, &place);
	/* None is left but those: the next session tries again. */
	assert_int_equal(choose(f, &place), GROUP_TAKEN);
	assert_true(place.member->server < 3);
}

static void what_is_down_or_off_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct place place;

	server_set_health(&f->table.records[0], SERVER_DOWN, NOW);
	f->table.records[1].admin = SERVER_DISABLED;
	set_addresses(f, 2, 0);
	assert_int_equal(next(f, &place), 3);
	server_set_health(&f->table.records[3], SERVER_DOWN, NOW);
	place = (struct place){ 0 };
	assert_int_equal(choose(f, &place), GROUP_DOWN);
	server_set_health(&f->table.records[0], SERVER_UP, NOW);
	assert_int_equal(next(f, &place), 0);
}

static void a_server_is_never_over_its_limit(void **state)
{
	struct fixture *f = *state;
	struct place places[8], place = { 0 };

	f->backend.max_sessions = 2;
	for (size_t i = 0; i < 2 * SERVERS; i++)
		assert_true(next(f, &places[i]) < SERVERS);
	assert_int_equal(choose(f, &place), GROUP_FULL);
	group_leave(&f->group, &places[5]);
	assert_int_equal(choose(f, &place), GROUP_TAKEN);
	assert_ptr_equal(place.member, places[1].member);
}

static void a_paused_one_takes_nobody(void **state)
{
	struct fixture *f = *state;
	struct place place = { 0 };

	for (size_t i = 0; i < SERVERS; i++)
		f->table.records[i].admin = SERVER_PAUSED;
	assert_int_equal(choose(f, &place), GROUP_PAUSED);
	f->table.records[1].admin = SERVER_ENABLED;
	assert_int_equal(next(f, &place), 1);
}

static void strangers_come_to_no_open_relay(void **state)
{
	struct fixture *f = *state;
	struct place place = { 0 };

	for (size_t i = 0; i < SERVERS; i++)
		f->table.records[i].verdict = SERVER_RELAYS;
	assert_int_equal(choose_for(f, &place, "192.0.2.1:25", true), GROUP_RELAYS);
	assert_int_equal(choose_for(f, &place, "192.0.2.1:25", false), GROUP_TAKEN);
	group_leave(&f->group, &place);
	f->table.records[2].verdict = SERVER_CLOSED;
	assert_int_equal(choose_for(f, &place, "192.0.2.1:25", true), GROUP_TAKEN);
	assert_int_equal(place.member->server, 2);
}

static void strangers_wait_for_the_first_verdict(void **state)
{
	struct fixture *f = *state;
	struct place place = { 0 };

	f->table.records[1].verdict = SERVER_RELAYS;
	assert_int_equal(choose_for(f, &place, "192.0.2.1:25", true), GROUP_UNASKED);
	f->table.records[3].verdict = SERVER_CLOSED;
	assert_int_equal(choose_for(f, &place, "192.0.2.1:25", true), GROUP_TAKEN);
	assert_int_equal(place.member->server, 3);
}

static void all_addresses_are_tried_the_last_good_one_first(void **state)
{
	struct fixture *f = *state;
	struct place place;
	const struct addr *addr;

	f->backend.server.count = f->group.count = 1;
	set_addresses(f, 0, 3);
	assert_int_equal(next(f, &place), 0);
	for (uint8_t i = 0; i < 3; i++) {
		addr = group_address(&place);
		assert_non_null(addr);
		assert_int_equal(ntohl(addr->v4.sin_addr.s_addr) & 255, i);
	}
	assert_null(group_address(&place));
	assert_int_equal(place.attempts, 3);

	assert_int_equal(next(f, &place), 0);
	group_address(&place);
	group_address(&place);
	group_arrived(&place);
	assert_int_equal(next(f, &place), 0);
	for (uint8_t i = 0; i < 3; i++) {
		addr = group_address(&place);
		assert_int_equal(ntohl(addr->v4.sin_addr.s_addr) & 255, (i + 1) % 3);
	}
	assert_null(group_address(&place));
	/* Others were found: from the first on. */
	set_addresses(f, 0, 2);
	assert_int_equal(next(f, &place), 0);
	assert_int_equal(ntohl(group_address(&place)->v4.sin_addr.s_addr) & 255, 0);
}

static void another_takes_the_place_of_one_that_refuses(void **state)
{
	struct fixture *f = *state;
	struct place place;
	struct endpoint client = { .family = AF_UNIX };
	struct wish wish = { .client = &client, .now_ms = NOW };

	for (size_t i = 0; i < SERVERS; i++)
		f->table.records[i].admin = i < 2 ? SERVER_ENABLED : SERVER_DISABLED;
	size_t first = next(f, &place);
	assert_true(group_choose_other(&f->group, &place, &wish));
	assert_int_equal(place.member->server, 1 - first);
	assert_int_equal(servers_present(&f->table, first), 0);
	assert_false(group_choose_other(&f->group, &place, &wish));
	assert_int_equal(place.member->server, 1 - first);
	assert_int_equal(servers_present(&f->table, 1 - first), 1);
}

static void who_waits_longest_is_next(void **state)
{
	struct fixture *f = *state;
	struct place places[3] = { { 0 } }, other = { 0 };

	assert_true(group_is_next(&f->group, &other));
	for (size_t i = 0; i < 3; i++)
		group_wait(&f->group, &places[i]);
	assert_true(group_is_next(&f->group, &places[0]));
	assert_false(group_is_next(&f->group, &places[1]));
	assert_false(group_is_next(&f->group, &other));
	group_leave(&f->group, &places[1]);
	assert_int_equal(choose(f, &places[0]), GROUP_TAKEN);
	assert_true(group_is_next(&f->group, &places[2]));
	group_wait(&f->group, &places[1]);
	group_wait(&f->group, &places[2]);
	assert_ptr_equal(f->group.first, &places[1]);
	assert_ptr_equal(f->group.last, &places[2]);
	group_leave(&f->group, &places[2]);
	group_leave(&f->group, &places[1]);
	assert_null(f->group.first);
	assert_null(f->group.last);
}

static void each_source_of_the_family_in_turn(void **state)
{
	struct fixture *f = *state;
	struct network hosts[3];
	const char *texts[3] = { "127.0.0.9", "::1", "127.0.0.8" }, *why;
	struct addr v4 = address("192.0.2.1:25"), v6 = address("[2001:db8::1]:25");
	char text[ADDR_TEXT_BYTES];

	assert_null(group_source(&f->group, &v4));
	for (size_t i = 0; i < 3; i++)
		assert_true(network_parse(slice_str(texts[i]), &hosts[i], &why));
	group_release(&f->group);
	f->backend.source = (struct networks){ hosts, 3 };
	assert_true(group_init(&f->group, &f->backend, &f->table, 0));
	for (int i = 0; i < 4; i++) {
		addr_format(group_source(&f->group, &v4), text, sizeof text);
		assert_string_equal(text, i % 2 == 0 ? "127.0.0.9:0" : "127.0.0.8:0");
	}
	addr_format(group_source(&f->group, &v6), text, sizeof text);
	assert_string_equal(text, "[::1]:0");
	v4 = address("unix:/x");
	assert_null(group_source(&f->group, &v4));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_one_with_the_fewest_sessions_is_next),
		TEST(each_is_next_in_turn),
		TEST(a_client_stays_where_it_was),
		TEST(the_port_and_the_mapping_make_no_other_client),
		TEST(one_that_failed_is_not_asked_again_by_the_same),
		TEST(those_that_keep_failing_come_last),
		TEST(what_is_down_or_off_is_not_there),
		TEST(a_server_is_never_over_its_limit),
		TEST(a_paused_one_takes_nobody),
		TEST(strangers_come_to_no_open_relay),
		TEST(strangers_wait_for_the_first_verdict),
		TEST(all_addresses_are_tried_the_last_good_one_first),
		TEST(another_takes_the_place_of_one_that_refuses),
		TEST(who_waits_longest_is_next),
		TEST(each_source_of_the_family_in_turn),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
