/* Which servers are in the table follows the crews that use them. */
#include "proxy/roster.h"

#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fixture {
	struct roster roster;
	struct server_config servers[2][SERVERS_MAX];
	struct backend_config backends[2][2];
	struct config configs[2];
	char names[SERVERS_MAX][8];
};

/* Two configurations: the first has a and b behind one backend, the second b and c behind two. */
static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	assert_non_null(f);
	f->roster.table.records = aligned_alloc(64, SERVERS_MAX * sizeof(struct server_record));
	assert_non_null(f->roster.table.records);
	memset(f->roster.table.records, 0, SERVERS_MAX * sizeof(struct server_record));
	f->servers[0][0].written = "a:25";
	f->servers[0][1].written = f->servers[1][0].written = "b:25";
	f->servers[1][1].written = "c:25";
	f->backends[0][0] =
		(struct backend_config){ .name = "mta", .server = { f->servers[0], 2 } };
	f->backends[1][0] =
		(struct backend_config){ .name = "mta", .server = { f->servers[1], 1 } };
	f->backends[1][1] =
		(struct backend_config){ .name = "other", .server = { f->servers[1] + 1, 1 } };
	f->configs[0] = (struct config){ .backends = f->backends[0], .backend_count = 1 };
	f->configs[1] = (struct config){ .backends = f->backends[1], .backend_count = 2 };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	free(f->roster.table.records);
	free(f);
	return 0;
}

static bool has(const struct fixture *f, const char *backend, const char *name)
{
	return servers_find(&f->roster.table, backend, name) != SIZE_MAX;
}

static void what_a_server_is_known_for_outlives_a_reload(void **state)
{
	struct fixture *f = *state;

	assert_true(roster_join(&f->roster, &f->configs[0]));
	size_t b = servers_find(&f->roster.table, "mta", "b:25");
	f->roster.table.records[b].admin = SERVER_DISABLED;
	assert_true(roster_join(&f->roster, &f->configs[1]));
	assert_true(has(f, "mta", "a:25") && has(f, "other", "c:25"));
	roster_leave(&f->roster, &f->configs[0]);
	assert_false(has(f, "mta", "a:25"));
	assert_int_equal(servers_find(&f->roster.table, "mta", "b:25"), b);
	assert_int_equal(f->roster.table.records[b].admin, SERVER_DISABLED);
	roster_leave(&f->roster, &f->configs[1]);
	assert_false(has(f, "mta", "b:25") || has(f, "other", "c:25"));
}

static void the_same_crew_again_takes_no_more_room(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 1000; i++)
		assert_true(roster_join(&f->roster, &f->configs[0]));
	for (int i = 0; i < 999; i++)
		roster_leave(&f->roster, &f->configs[0]);
	assert_true(has(f, "mta", "a:25"));
	roster_leave(&f->roster, &f->configs[0]);
	assert_false(has(f, "mta", "a:25"));
}

static void where_there_is_no_room_nothing_is_taken(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < SERVERS_MAX; i++) {
		snprintf(f->names[i], sizeof f->names[i], "%zu", i);
		f->servers[0][i].written = f->names[i];
	}
	f->backends[0][0].server.count = SERVERS_MAX;
	assert_true(roster_join(&f->roster, &f->configs[1]));
	assert_false(roster_join(&f->roster, &f->configs[0]));
	assert_true(has(f, "mta", "b:25") && has(f, "other", "c:25"));
	assert_false(has(f, "mta", "0"));
	roster_leave(&f->roster, &f->configs[1]);
	assert_true(roster_join(&f->roster, &f->configs[0]));
	assert_true(has(f, "mta", "127"));
}

/* ------------------------------------------------------------------------------------ names */

static struct server_addresses answer(const char *first, const char *second)
{
	struct server_addresses found = { .count = 0 };
	const char *why;

	if (first)
		assert_true(addr_parse(slice_str(first), &found.item[found.count++], &why));
	if (second)
		assert_true(addr_parse(slice_str(second), &found.item[found.count++], &why));
	return found;
}

/* The second server is a name, asked for now. */
static size_t join_name(struct fixture *f)
{
	f->servers[0][0].addr = answer("127.0.0.1:25", NULL).item[0];
	f->servers[0][1].host = "b";
	f->backends[0][0].resolve_ms = 300000;
	assert_int_equal(roster_due_ms(&f->roster), UINT64_MAX);
	assert_true(roster_join(&f->roster, &f->configs[0]));
	assert_int_equal(roster_due_ms(&f->roster), 0);
	roster_ask(&f->roster, 1000);
	assert_int_equal(roster_due_ms(&f->roster), 11000);
	return servers_find(&f->roster.table, "mta", "b:25");
}

static void learn(struct fixture *f, size_t row, const char *first, const char *second)
{
	struct server_addresses found = answer(first, second);

	roster_learn(&f->roster, (uint32_t)row, &found, "gone", &(struct log){ .fd = -1 });
}

static void what_is_found_reaches_the_table(void **state)
{
	struct fixture *f = *state;
	size_t row = join_name(f);
	const struct server_record *record = &f->roster.table.records[row];
	struct server_addresses found;
	uint32_t sequence = 0, before;

	/* An address is there at once, a name's are not. */
	assert_true(server_get_addresses(&f->roster.table.records[0], &(uint32_t){ 0 }, &found));
	assert_false(server_get_addresses(record, &sequence, &found));
	learn(f, row, "127.0.0.2:25", "[::1]:25");
	assert_true(server_get_addresses(record, &sequence, &found));
	assert_int_equal(found.count, 2);
	assert_true(roster_due_ms(&f->roster) >= clock_ms() + 299000);
	/* The same in another order is nothing new. */
	before = sequence;
	roster_ask(&f->roster, UINT64_MAX - 20000);
	learn(f, row, "[::1]:25", "127.0.0.2:25");
	assert_false(server_get_addresses(record, &sequence, &found));
	roster_ask(&f->roster, UINT64_MAX - 20000);
	learn(f, row, "127.0.0.3:25", NULL);
	assert_true(server_get_addresses(record, &sequence, &found));
	assert_int_equal(found.count, 1);
	assert_int_not_equal(before, sequence);
}

static void what_is_not_found_any_more_is_used_further(void **state)
{
	struct fixture *f = *state;
	size_t row = join_name(f);
	const struct server_record *record = &f->roster.table.records[row];
	struct server_addresses found;
	uint32_t sequence = 0;

	learn(f, row, NULL, NULL);
	assert_true(server_get_addresses(record, &sequence, &found));
	assert_int_equal(found.count, 0);
	assert_true(roster_due_ms(&f->roster) <= clock_ms() + 10000);
	roster_ask(&f->roster, UINT64_MAX - 20000);
	learn(f, row, "127.0.0.2:25", NULL);
	roster_ask(&f->roster, UINT64_MAX - 20000);
	learn(f, row, NULL, NULL);
	assert_true(server_get_addresses(record, &sequence, &found));
	assert_int_equal(found.count, 1);
}

static void nothing_is_learned_unasked(void **state)
{
	struct fixture *f = *state;
	size_t row = join_name(f);
	struct server_addresses found = { .count = SERVER_ADDRESSES_MAX + 1 };
	const struct log log = { .fd = -1 };
	uint32_t sequence = 0;

	roster_learn(&f->roster, (uint32_t)row, &found, "", &log);
	learn(f, row, "unix:/x", NULL);
	roster_learn(&f->roster, SERVERS_MAX + (uint32_t)row, &found, "", &log);
	learn(f, row + 1, "127.0.0.2:25", NULL);
	assert_false(server_get_addresses(&f->roster.table.records[row], &sequence, &found));
	/* Another server has come into the row meanwhile. */
	roster_leave(&f->roster, &f->configs[0]);
	assert_true(roster_join(&f->roster, &f->configs[0]));
	learn(f, row, "127.0.0.2:25", NULL);
	assert_false(server_get_addresses(&f->roster.table.records[row], &sequence, &found));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_server_is_known_for_outlives_a_reload,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_crew_again_takes_no_more_room, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(where_there_is_no_room_nothing_is_taken, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_is_found_reaches_the_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_found_any_more_is_used_further, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_learned_unasked, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
