/* How servers are told of clients: what the monitor has found, and what workers make of it. */
#include "proxy/relay/group.h"
#include "proxy/relay/told.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum group_answer choose(struct group *group, struct place *place)
{
	struct endpoint client = { .family = AF_UNSPEC };
	struct wish wish = { .client = &client, .now_ms = 1 };

	return group_choose(group, place, &wish);
}

/* All of the section counts, and nothing else. */
static void mark_of_a_backend(void **state)
{
	struct server_config server = { .written = "127.0.0.1:25" };
	struct backend_config one = { .name = "a", .place = "x.ini:1", .server = { &server, 1 } };
	struct backend_config other = one;
	(void)state;

	other.place = "y.ini:7";
	assert_true(config_backend_mark(&one) == config_backend_mark(&other));
	assert_int_equal(config_backend_mark(&one) & 0xff, 0);
	other.tls = BACKEND_TLS_STARTTLS;
	assert_true(config_backend_mark(&one) != config_backend_mark(&other));
}

/* `identity = auto`: the monitor says how each server is told; until then its clients wait. */
static void who_is_not_met_is_waited_for(void **state)
{
	struct server_record *record = aligned_alloc(64, SERVERS_MAX * sizeof *record);
	struct server_table table = {
		.records = record,
		.cells = calloc(SERVERS_MAX, sizeof *table.cells),
		.rows = 1,
	};
	struct server_config server = { .written = "127.0.0.1:25" };
	struct backend_config backend = { .name = "mta",
					  .server = { &server, 1 },
					  .identity = IDENTITY_AUTO };
	struct server_addresses addresses = { .count = 1 };
	struct group group;
	struct place place = { 0 };

	(void)state;
	memset(record, 0, SERVERS_MAX * sizeof *record);
	server_begin(record, "mta", "127.0.0.1:25");
	server_set_addresses(record, &addresses);
	assert_true(group_init(&group, &backend, &table, 0));
	assert_int_equal(choose(&group, &place), GROUP_UNMET);
	record->unfound = 1;
	assert_int_equal(choose(&group, &place), GROUP_DOWN);
	record->unfound = 0;
	/* Found, but by another configuration. */
	server_set_told(record, group.mark + 0x100, IDENTITY_XCLIENT);
	assert_int_equal(choose(&group, &place), GROUP_UNMET);
	server_set_told(record, group.mark, IDENTITY_PROXY_V2);
	assert_int_equal(choose(&group, &place), GROUP_TAKEN);
	assert_int_equal(place.member->identity, IDENTITY_PROXY_V2);
	group_leave(&group, &place);
	/* What is doubted gets no PROXY header; anything else does no harm. */
	record->doubts++;
	assert_int_equal(choose(&group, &place), GROUP_UNMET);
	server_set_told(record, group.mark, IDENTITY_NONE);
	assert_int_equal(choose(&group, &place), GROUP_TAKEN);
	group_leave(&group, &place);
	/* Another configuration serves: its findings are not ours. */
	server_set_told(record, group.mark + 0x100, IDENTITY_PROXY_V1);
	assert_int_equal(choose(&group, &place), GROUP_TAKEN);
	assert_int_equal(place.member->identity, IDENTITY_NONE);
	group_leave(&group, &place);
	/* It may be anything. */
	record->told = group.mark | 0xff;
	assert_int_equal(choose(&group, &place), GROUP_UNMET);
	group_release(&group);
	free(table.cells);
	free(record);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mark_of_a_backend),
		cmocka_unit_test(who_is_not_met_is_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
