/* The table of servers: found by name, never over a limit, nothing left by the dead. */
#include "proxy/relay/servers.h"

#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 4 };

static struct server_table make(void)
{
	struct server_table servers = { .rows = ROWS };

	servers.records = aligned_alloc(64, SERVERS_MAX * sizeof *servers.records);
	servers.cells = calloc(ROWS * SERVERS_MAX, sizeof *servers.cells);
	assert_non_null(servers.records);
	assert_non_null(servers.cells);
	memset(servers.records, 0, SERVERS_MAX * sizeof *servers.records);
	return servers;
}

static void release(struct server_table *servers)
{
	free(servers->records);
	free(servers->cells);
}

static struct server_addresses local(uint32_t count, uint16_t port)
{
	struct server_addresses addresses = { .count = count };

	for (uint32_t i = 0; i < count; i++) {
		struct sockaddr_in *v4 = &addresses.item[i].v4;
		addresses.item[i].len = sizeof *v4;
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)(port + i));
	}
	return addresses;
}

static struct server_record *take(struct server_table *table, size_t server, const char *backend,
				  const char *name)
{
	server_begin(&table->records[server], backend, name);
	return &table->records[server];
}

static void a_server_is_found_by_both_names(void **state)
{
	struct server_table servers = make();

	(void)state;
	assert_int_equal(servers_find(&servers, "mta", "a:25"), SIZE_MAX);
	take(&servers, 0, "mta", "a:25");
	take(&servers, 1, "mta", "b:25");
	take(&servers, SERVERS_MAX - 1, "other", "a:25");
	assert_int_equal(servers_find(&servers, "mta", "a:25"), 0);
	assert_int_equal(servers_find(&servers, "mta", "b:25"), 1);
	assert_int_equal(servers_find(&servers, "other", "a:25"), SERVERS_MAX - 1);
	assert_int_equal(servers_find(&servers, "other", "b:25"), SIZE_MAX);
	server_end(&servers.records[1]);
	assert_int_equal(servers_find(&servers, "mta", "b:25"), SIZE_MAX);
	release(&servers);
}

static void a_record_that_is_taken_again_knows_nothing(void **state)
{
	struct server_table servers = make();
	struct server_addresses addresses = local(2, 25);

	(void)state;
	struct server_record *record = take(&servers, 0, "mta", "a:25");
	record->admin = SERVER_DISABLED;
	record->verdict = SERVER_RELAYS;
	shared_timing_add(&record->connect, 7);
	server_set_health(record, SERVER_DOWN, 1);
	server_set_addresses(record, &addresses);
	server_end(record);
	take(&servers, 0, "new", "b:25");
	assert_int_equal(record->admin, SERVER_ENABLED);
	assert_int_equal(record->verdict, SERVER_NOT_ASKED);
	assert_int_equal(record->health, SERVER_UNKNOWN);
	struct timing connect = shared_timing_take(&record->connect);
	assert_int_equal(timing_count(&connect), 0);
	assert_false(server_get_addresses(record, &(uint32_t){ 0 }, &addresses));
	release(&servers);
}

static void long_names_are_cut_and_end(void **state)
{
	struct server_table servers = make();
	char name[2 * SERVER_NAME_BYTES];

	(void)state;
	memset(name, 'x', sizeof name);
	name[sizeof name - 1] = '\0';
	take(&servers, 0, name, name);
	assert_int_equal(strlen(servers.records[0].backend), SERVER_BACKEND_BYTES - 1);
	assert_int_equal(strlen(servers.records[0].name), SERVER_NAME_BYTES - 1);
	release(&servers);
}

static void addresses_are_read_when_they_are_new(void **state)
{
	struct server_table servers = make();
	struct server_record *record = take(&servers, 0, "mta", "a:25");
	struct server_addresses read, written = local(3, 25);
	uint32_t sequence = 0;

	(void)state;
	assert_false(server_get_addresses(record, &sequence, &read));
	server_set_addresses(record, &written);
	assert_true(server_get_addresses(record, &sequence, &read));
	assert_int_equal(read.count, 3);
	assert_int_equal(addr_port(&read.item[2]), 27);
	assert_false(server_get_addresses(record, &sequence, &read));
	written = local(1, 587);
	server_set_addresses(record, &written);
	assert_true(server_get_addresses(record, &sequence, &read));
	assert_int_equal(read.count, 1);
	assert_int_equal(addr_port(&read.item[0]), 587);
	release(&servers);
}

/* As after a writer that died half way, and one that has gone mad. */
static void what_is_no_good_is_not_taken(void **state)
{
	struct server_table servers = make();
	struct server_record *record = take(&servers, 0, "mta", "a:25");
	struct server_addresses read = local(1, 25), written = local(2, 465);
	uint32_t sequence = 0;

	(void)state;
	server_set_addresses(record, &written);
	record->sequence++;
	assert_false(server_get_addresses(record, &sequence, &read));
	written.count = SERVER_ADDRESSES_MAX + 1;
	server_set_addresses(record, &written);
	assert_false(server_get_addresses(record, &sequence, &read));
	written.count = 2;
	written.item[1].len = sizeof(struct addr);
	server_set_addresses(record, &written);
	assert_false(server_get_addresses(record, &sequence, &read));
	assert_int_equal(addr_port(&read.item[0]), 25);
	written = local(2, 465);
	server_set_addresses(record, &written);
	assert_true(server_get_addresses(record, &sequence, &read));
	release(&servers);
}

static void *write_on(void *data)
{
	struct server_record *record = data;

	for (uint16_t i = 1; i <= 20000; i++) {
		struct server_addresses addresses = local(SERVER_ADDRESSES_MAX, i);
		server_set_addresses(record, &addresses);
	}
	return NULL;
}

static void no_reader_sees_a_mixture(void **state)
{
	struct server_table servers = make();
	struct server_record *record = take(&servers, 0, "mta", "a:25");
	struct server_addresses read;
	uint32_t sequence = 0;
	pthread_t writer;

	(void)state;
	assert_int_equal(pthread_create(&writer, NULL, write_on, record), 0);
	do {
		if (!server_get_addresses(record, &sequence, &read))
			continue;
		for (uint32_t i = 1; i < read.count; i++)
			assert_int_equal(addr_port(&read.item[i]), addr_port(&read.item[0]) + i);
	} while (sequence == 0 || addr_port(&read.item[0]) != 20000);
	pthread_join(writer, NULL);
	release(&servers);
}

static void probes_are_believed_while_they_are_fresh(void **state)
{
	struct server_table servers = make();
	struct server_record *record = take(&servers, 0, "mta", "a:25");

	(void)state;
	assert_false(server_is_down(record, 10000, 1000));
	server_set_health(record, SERVER_DOWN, 1000);
	assert_true(server_is_down(record, 10000, 1000));
	assert_true(server_is_down(record, 10000, 90999));
	assert_false(server_is_down(record, 10000, 91000));
	assert_false(server_is_down(record, 0, 1000));
	server_set_health(record, SERVER_DOWN, 5000);
	assert_int_equal(record->health_ms, 1000);
	assert_int_equal(record->probed_ms, 5000);
	server_set_health(record, SERVER_UP, 6000);
	assert_int_equal(record->health_ms, 6000);
	assert_false(server_is_down(record, 10000, 6000));
	release(&servers);
}

static void three_failures_in_a_row_count_for_a_while(void **state)
{
	struct server_table servers = make();
	struct server_record *record = take(&servers, 0, "mta", "a:25");

	(void)state;
	server_failed(record, 1000);
	server_failed(record, 1000);
	assert_false(server_is_failing(record, 1000));
	server_worked(record);
	server_failed(record, 1000);
	server_failed(record, 1000);
	assert_false(server_is_failing(record, 1000));
	server_failed(record, 2000);
	assert_true(server_is_failing(record, 2000));
	assert_true(server_is_failing(record, 11999));
	assert_false(server_is_failing(record, 12000));
	server_worked(record);
	assert_false(server_is_failing(record, 2000));
	assert_int_equal(record->failures, 5);
	release(&servers);
}

static void sessions_of_all_workers_are_within_the_limit(void **state)
{
	struct server_table servers = make();

	(void)state;
	assert_true(servers_enter(&servers, 0, 5, 3));
	assert_true(servers_enter(&servers, 1, 5, 3));
	assert_true(servers_enter(&servers, 3, 5, 3));
	assert_false(servers_enter(&servers, 2, 5, 3));
	assert_false(servers_enter(&servers, 0, 5, 3));
	assert_int_equal(servers_present(&servers, 5), 3);
	assert_int_equal(servers_present(&servers, 6), 0);
	assert_true(servers_enter(&servers, 0, 5, 0));
	servers_leave(&servers, 0, 5);
	servers_leave(&servers, 1, 5);
	assert_true(servers_enter(&servers, 2, 5, 3));
	/* A worker dies with all that it had. */
	servers_bury(&servers, 3);
	assert_int_equal(servers_present(&servers, 5), 2);
	assert_true(servers_enter(&servers, 1, 5, 3));
	release(&servers);
}

/* Workers that reach for few places at the same time. */
struct crowd {
	struct server_table *servers;
	size_t row;
	_Atomic uint32_t *most_seen;
	_Atomic uint32_t *inside;
	_Atomic uint32_t *entered;
};

enum { PLACES = 2, REACHES = 50000 };

static void *reach(void *data)
{
	struct crowd *crowd = data;

	for (int i = 0; i < REACHES; i++) {
		if (!servers_enter(crowd->servers, crowd->row, 0, PLACES))
			continue;
		uint32_t inside = ++*crowd->inside;
		uint32_t most = *crowd->most_seen;
		while (inside > most &&
		       !atomic_compare_exchange_weak(crowd->most_seen, &most, inside))
			;
		++*crowd->entered;
		--*crowd->inside;
		servers_leave(crowd->servers, crowd->row, 0);
	}
	return NULL;
}

static void a_crowd_is_never_over_the_limit(void **state)
{
	struct server_table servers = make();
	_Atomic uint32_t most_seen = 0, inside = 0, entered = 0;
	struct crowd crowds[ROWS];
	pthread_t threads[ROWS];

	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		crowds[i] = (struct crowd){ &servers, i, &most_seen, &inside, &entered };
		assert_int_equal(pthread_create(&threads[i], NULL, reach, &crowds[i]), 0);
	}
	for (size_t i = 0; i < ROWS; i++)
		pthread_join(threads[i], NULL);
	assert_in_range(most_seen, 1, PLACES);
	assert_true(entered > 0);
	assert_int_equal(servers_present(&servers, 0), 0);
	release(&servers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_server_is_found_by_both_names),
		cmocka_unit_test(a_record_that_is_taken_again_knows_nothing),
		cmocka_unit_test(long_names_are_cut_and_end),
		cmocka_unit_test(addresses_are_read_when_they_are_new),
		cmocka_unit_test(what_is_no_good_is_not_taken),
		cmocka_unit_test(no_reader_sees_a_mixture),
		cmocka_unit_test(probes_are_believed_while_they_are_fresh),
		cmocka_unit_test(three_failures_in_a_row_count_for_a_while),
		cmocka_unit_test(sessions_of_all_workers_are_within_the_limit),
		cmocka_unit_test(a_crowd_is_never_over_the_limit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
