#include "base/hist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static struct hist hist, other;

static int set_up(void **state)
{
	(void)state;
	hist_init(&hist);
	hist_init(&other);
	return 0;
}

static void nothing_has_no_quantiles(void **state)
{
	(void)state;
	assert_int_equal(hist_quantile(&hist, 0), 0);
	assert_int_equal(hist_quantile(&hist, 0.5), 0);
	assert_int_equal(hist_quantile(&hist, 1), 0);
}

/* One value comes back as itself, and of many the error stays under 1 %. */
static void the_error_is_under_one_percent(void **state)
{
	const uint64_t most = (uint64_t)1 << 40;

	(void)state;
	for (uint64_t v = 0; v <= most; v += v / 37 + 1) {
		hist_init(&hist);
		hist_add(&hist, v);
		assert_int_equal(hist_quantile(&hist, 0.5), v);
		hist_add(&hist, most);
		uint64_t got = hist_quantile(&hist, 0.5);
		assert_true(got >= v);
		assert_true((double)(got - v) <= 0.01 * (double)v);
	}
}

static void small_values_are_exact(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 256; v++)
		hist_add(&hist, v);
	for (uint64_t v = 0; v < 256; v++)
		assert_int_equal(hist_quantile(&hist, (double)(v + 1) / 256), v);
}

static void quantiles_count_from_below(void **state)
{
	(void)state;
	for (int i = 0; i < 99; i++)
		hist_add(&hist, 10);
	hist_add(&hist, 100000);
	assert_int_equal(hist_quantile(&hist, 0), 10);
	assert_int_equal(hist_quantile(&hist, 0.5), 10);
	assert_int_equal(hist_quantile(&hist, 0.99), 10);
	assert_int_equal(hist_quantile(&hist, 0.995), 100000);
	assert_int_equal(hist_quantile(&hist, 1), 100000);
	assert_int_equal(hist_quantile(&hist, 2), 100000);
}

static void sums_are_exact(void **state)
{
	(void)state;
	hist_add(&hist, 7);
	hist_add(&hist, 1000000007);
	hist_add(&hist, 3);
	assert_int_equal(hist.count, 3);
	assert_int_equal(hist.sum, 1000000017);
	assert_int_equal(hist.min, 3);
	assert_int_equal(hist.max, 1000000007);
}

static void too_great_counts_as_the_greatest(void **state)
{
	(void)state;
	hist_add(&hist, UINT64_MAX);
	hist_add(&hist, ((uint64_t)1 << 40) + 1);
	assert_true(hist.max == (uint64_t)1 << 40);
	assert_true(hist.sum == (uint64_t)1 << 41);
	assert_true(hist_quantile(&hist, 1) == (uint64_t)1 << 40);
}

static void merging_is_as_adding_to_one(void **state)
{
	static struct hist both;
	unsigned seed = 5;

	(void)state;
	hist_init(&both);
	hist_merge(&hist, &other);
	assert_int_equal(hist.count, 0);
	for (int i = 0; i < 10000; i++) {
		uint64_t v = (uint64_t)rand_r(&seed) >> (i % 30);
		hist_add(i % 3 ? &hist : &other, v + 5);
		hist_add(&both, v + 5);
	}
	hist_merge(&hist, &other);
	assert_memory_equal(&hist, &both, sizeof hist);
	hist_init(&other);
	hist_merge(&other, &hist);
	assert_memory_equal(&other, &both, sizeof hist);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, set_up)
	const struct CMUnitTest tests[] = {
		TEST(nothing_has_no_quantiles),
		TEST(the_error_is_under_one_percent),
		TEST(small_values_are_exact),
		TEST(quantiles_count_from_below),
		TEST(sums_are_exact),
		TEST(too_great_counts_as_the_greatest),
		TEST(merging_is_as_adding_to_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
