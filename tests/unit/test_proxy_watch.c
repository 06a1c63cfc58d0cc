/* Who watches which socket, and when who has died is tried again. */
#include "proxy/backoff.h"
#include "proxy/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

enum { SLOTS_MOST = 9, WORKERS_MOST = 7 };

/* How many of those that are up watch the slot, each by its own reckoning. */
static size_t watchers(size_t slot, size_t slots, size_t workers, const bool *up)
{
	size_t count = 0;

	for (size_t worker = 0; worker < workers; worker++)
		count += up[worker] && watch_is_mine(slot, slots, worker, workers, up);
	return count;
}

static void expect_watched(size_t slots, size_t workers, unsigned mask)
{
	bool up[WORKERS_MOST];

	for (size_t worker = 0; worker < workers; worker++)
		up[worker] = mask >> worker & 1;
	for (size_t slot = 0; slot < slots; slot++) {
		size_t count = watchers(slot, slots, workers, up);
		/* Fewer sockets than workers are shared; otherwise each has one watcher. */
		assert_true(count >= 1);
		assert_true(slots < workers || count == 1);
	}
}

static void each_slot_is_watched_whoever_is_down(void **state)
{
	(void)state;
	for (size_t slots = 1; slots <= SLOTS_MOST; slots++)
		for (size_t workers = 1; workers <= WORKERS_MOST; workers++)
			for (unsigned mask = 1; mask < 1U << workers; mask++)
				expect_watched(slots, workers, mask);
}

/* A worker that starts counts itself as up before the others do: then two watch, never none. */
static void news_that_travels_leaves_no_gap(void **state)
{
	bool seen_by_old[] = { true, false, true };
	bool seen_by_new[] = { true, true, true };

	(void)state;
	assert_true(watch_is_mine(1, 3, 1, 3, seen_by_new));
	assert_true(watch_is_mine(1, 3, 2, 3, seen_by_old));
	assert_false(watch_is_mine(1, 3, 2, 3, seen_by_new));
}

static void every_worker_has_work(void **state)
{
	bool up[WORKERS_MOST] = { true, true, true, true, true, true, true };

	(void)state;
	for (size_t slots = 1; slots <= SLOTS_MOST; slots++)
		for (size_t worker = 0; worker < WORKERS_MOST; worker++) {
			size_t mine = 0;
			for (size_t slot = 0; slot < slots; slot++)
				mine += watch_is_mine(slot, slots, worker, WORKERS_MOST, up);
			assert_true(mine >= 1);
		}
}

static void back_off_doubles_and_forgets(void **state)
{
	static const uint64_t delays_ms[] = {
		0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000
	};
	uint64_t next_ms = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(delays_ms) / sizeof(delays_ms[0]); i++)
		assert_int_equal(backoff(&next_ms, 59 * 1000), delays_ms[i]);
	assert_int_equal(backoff(&next_ms, 60 * 1000), 0);
	assert_int_equal(backoff(&next_ms, 0), 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_slot_is_watched_whoever_is_down),
		cmocka_unit_test(news_that_travels_leaves_no_gap),
		cmocka_unit_test(every_worker_has_work),
		cmocka_unit_test(back_off_doubles_and_forgets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
