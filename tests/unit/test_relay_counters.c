/* Counters: each is a metric, and falls where it belongs. */
#include "proxy/relay/counters.h"
#include "proxy/relay/turn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* Every uint64_t of the struct belongs to one row, and to no other. */
static void each_has_one_row(const struct counter_row *rows, size_t bytes)
{
	unsigned char *seen = calloc(bytes, 1);

	assert_non_null(seen);
	for (const struct counter_row *row = rows; row->name; row++) {
		assert_int_equal(row->at % sizeof(uint64_t), 0);
		assert_true(row->at + row->count * sizeof(uint64_t) <= bytes);
		assert_true(row->count == 1 || row->kind == COUNTER_TIMING || row->label != NULL);
		for (size_t i = 0; i < row->count; i++)
			seen[row->at / sizeof(uint64_t) + i]++;
	}
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++) {
		if (seen[i] != 1)
			print_error("the counter at byte %zu has %d rows\n", i * 8, seen[i]);
		assert_int_equal(seen[i], 1);
	}
	free(seen);
}

static void every_counter_is_a_metric(void **state)
{
	(void)state;
	each_has_one_row(listener_rows, sizeof(struct listener_counters));
	each_has_one_row(relay_rows, sizeof(struct relay_counters));
}

static void check_names(const struct counter_row *rows)
{
	for (const struct counter_row *row = rows; row->name; row++) {
		size_t len = strlen(row->name);
		bool total = len > 6 && strcmp(row->name + len - 6, "_total") == 0;

		assert_memory_equal(row->name, "postern_", 8);
		assert_int_equal(total, row->kind == COUNTER_TOTAL);
		for (size_t i = 0; row->label && i < row->count; i++)
			for (size_t j = 0; j < i; j++)
				assert_true(*row->word(i) == 0 ||
					    strcmp(row->word(i), row->word(j)) != 0);
	}
}

static void names_follow_the_conventions(void **state)
{
	(void)state;
	check_names(listener_rows);
	check_names(relay_rows);
}

static void durations_fall_into_their_bucket(void **state)
{
	struct timing timing = { 0 };

	(void)state;
	timing_add(&timing, 0);
	timing_add(&timing, 100);
	timing_add(&timing, 101);
	timing_add(&timing, UINT64_C(30000001));
	assert_int_equal(timing.buckets[0], 2);
	assert_int_equal(timing.buckets[1], 1);
	assert_int_equal(timing.buckets[TIMING_BOUNDS], 1);
	assert_int_equal(timing.sum_us, 30000202);
	for (size_t i = 1; i < TIMING_BOUNDS; i++)
		assert_true(timing_bound_us(i) > timing_bound_us(i - 1));
}

static void durations_of_all_workers_together(void **state)
{
	struct shared_timing shared = { 0 };

	(void)state;
	shared_timing_add(&shared, 0.0002);
	shared_timing_add(&shared, -1); /* a clock was set back */
	shared_timing_add(&shared, 100);
	struct timing timing = shared_timing_take(&shared);
	assert_int_equal(timing_count(&timing), 3);
	assert_int_equal(timing.buckets[0], 1);
	assert_int_equal(timing.buckets[1], 1);
	assert_int_equal(timing.buckets[TIMING_BOUNDS], 1);
	assert_int_equal(timing.sum_us, 100000200);
	assert_int_equal((int)timing_mean_ms(&timing), 33333);
	assert_int_equal((int)timing_mean_ms(&(struct timing){ 0 }), 0);
}

static void words_of_openssl_are_told_apart(void **state)
{
	(void)state;
	assert_int_equal(tls_version_find("TLSv1.3"), 3);
	assert_int_equal(tls_version_find("DTLSv1"), TLS_VERSION_WORDS - 1);
	assert_int_equal(tls_group_find("secp256r1"), 1);
	assert_int_equal(tls_group_find("ffdhe2048"), 6);
	assert_int_equal(tls_group_find(""), TLS_GROUP_WORDS - 1);
	assert_int_equal(tls_failure_find("the client went away"), 0);
	assert_int_equal(tls_failure_find("unsupported protocol"), 1);
	assert_int_equal(tls_failure_find("tlsv1 alert protocol version"), 1);
	assert_int_equal(tls_failure_find("no shared cipher"), 2);
	assert_int_equal(tls_failure_find("no suitable key share"), 3);
	assert_int_equal(tls_failure_find("tlsv1 alert unknown ca"), 4);
	assert_int_equal(tls_failure_find("sslv3 alert certificate expired"), 4);
	assert_int_equal(tls_failure_find("sslv3 alert handshake failure"), 5);
	assert_int_equal(tls_failure_find("digest check failed"), TLS_FAILURE_WORDS - 1);
}

static void the_longest_turn_is_kept_for_a_minute_or_two(void **state)
{
	struct turn_record record = { 0 };

	(void)state;
	turn_note(&record, 7, 50);
	turn_note(&record, 7, 20);
	assert_int_equal(turn_longest_us(&record, 7), 50);
	assert_int_equal(turn_longest_us(&record, 8), 50);
	assert_int_equal(turn_longest_us(&record, 9), 0);
	turn_note(&record, 8, 30);
	assert_int_equal(turn_longest_us(&record, 8), 50);
	turn_note(&record, 9, 10);
	assert_int_equal(turn_longest_us(&record, 9), 30);
	turn_note(&record, 12, 5);
	assert_int_equal(turn_longest_us(&record, 12), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_counter_is_a_metric),
		cmocka_unit_test(names_follow_the_conventions),
		cmocka_unit_test(durations_fall_into_their_bucket),
		cmocka_unit_test(durations_of_all_workers_together),
		cmocka_unit_test(words_of_openssl_are_told_apart),
		cmocka_unit_test(the_longest_turn_is_kept_for_a_minute_or_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
