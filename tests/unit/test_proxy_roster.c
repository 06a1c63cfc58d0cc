/* Which servers are in the table follows the crews that use them. */
#include "proxy/roster.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_server_is_known_for_outlives_a_reload,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_same_crew_again_takes_no_more_room, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(where_there_is_no_room_nothing_is_taken, set_up,
						tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
