/* The load tool's dice, the sum of its loops, and how it reads reports. */
#include "bench/json.h"
#include "bench/script.h"
#include "bench/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { ROLLS = 20000 };

static void test_same_seed_same_dice(void **state)
{
	struct dice a, b, c;
	bool differs = false;

	(void)state;
	dice_init(&a, 7, 1);
	dice_init(&b, 7, 1);
	dice_init(&c, 7, 2);
	for (int i = 0; i < 100; i++) {
		double roll = dice_roll(&a);
		assert_true(roll >= 0 && roll < 1);
		assert_true(roll == dice_roll(&b));
		differs |= roll != dice_roll(&c);
	}
	assert_true(differs);
}

static void test_arrivals_have_the_mean_that_was_asked_for(void **state)
{
	struct dice dice;
	double sum = 0, squares = 0;

	(void)state;
	dice_init(&dice, 1, 0);
	for (int i = 0; i < ROLLS; i++) {
		double wait = dice_wait(&dice);
		sum += wait;
		squares += wait * wait;
	}
	double mean = sum / ROLLS, variance = squares / ROLLS - mean * mean;
	assert_true(mean > .97 && mean < 1.03);
	/* That of an exponential distribution is the square of its mean. */
	assert_true(variance > .93 && variance < 1.07);
}

static void test_mix_has_all_sorts(void **state)
{
	unsigned sizes[SCRIPT_SIZES] = { 0 }, drops = 0, kept = 0, many = 0;
	struct dice dice;

	(void)state;
	dice_init(&dice, 3, 0);
	for (int i = 0; i < ROLLS; i++) {
		struct script script = { 0 };
		script_mix(&script, &dice);
		assert_true(script.messages >= 1 && script.messages <= 10);
		drops += script.drop;
		kept += script.messages > 1;
		sizes[script_mix_size(&dice)]++;
		unsigned recipients = script_mix_recipients(&dice);
		assert_true(recipients >= 1 && recipients <= SCRIPT_RECIPIENTS);
		many += recipients > 1;
	}
	for (size_t i = 0; i < SCRIPT_SIZES; i++)
		assert_true(sizes[i] > 0);
	assert_true(sizes[1] > sizes[6]);
	assert_true(drops > ROLLS / 50 && drops < ROLLS / 25);
	assert_true(kept > ROLLS / 4 && kept < ROLLS / 3);
	assert_true(many > ROLLS / 5 && many < ROLLS / 3);
}

static void test_loops_are_summed(void **state)
{
	struct stats *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	a->accepted = 2;
	b->accepted = 3;
	b->seconds[4].errors = 1;
	snprintf(b->tls_note, sizeof b->tls_note, "TLSv1.3 X");
	hist_add(&a->message_us, 10);
	hist_add(&b->message_us, 30);
	failure_add(&a->failures, FAILURE_RESET, STEP_MAIL, 0, SLICE("one"));
	failure_add_many(&b->failures, FAILURE_RESET, STEP_MAIL, 0, SLICE("two"), 5);
	failure_add(&b->failures, FAILURE_REFUSED, STEP_RCPT, 550, SLICE("no"));
	stats_merge(a, b);
	assert_int_equal(a->accepted, 5);
	assert_int_equal(a->seconds[4].errors, 1);
	assert_string_equal(a->tls_note, "TLSv1.3 X");
	assert_int_equal(a->message_us.count, 2);
	assert_int_equal(a->message_us.max, 30);
	assert_int_equal(a->failures.count, 7);
	assert_int_equal(a->failures.sorts, 2);
	assert_int_equal(a->failures.sort[0].count, 6);
	assert_string_equal(a->failures.sort[0].example, "one");
	free(a);
	free(b);
}

static void test_values_are_found(void **state)
{
	struct slice text =
		SLICE(" {\"a\": {\"x\": [1, {\"b\": 2}], \"b\": -3.5e1}, \"s\" : \"q\\\"}\"}\n");
	struct slice value;

	(void)state;
	assert_true(json_is_valid(text));
	assert_true(json_find(text, "a/b", &value));
	assert_true(slice_eq(value, SLICE("-3.5e1")));
	assert_true(json_find(text, "s", &value));
	assert_true(slice_eq(value, SLICE("\"q\\\"}\"")));
	assert_false(json_find(text, "b", &value));
	assert_false(json_find(text, "a/b/c", &value));
}

static void test_what_is_no_json(void **state)
{
	static const char *const bad[] = { "",      "{",   "{\"a\"}", "{\"a\": }",   "[1,]",
					   "[1 2]", "\"x", "{} {}",   "{\"a\": 1,}", "\"\\" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (json_is_valid(slice_str(bad[i])))
			fail_msg("taken for JSON: %s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed_same_dice),
		cmocka_unit_test(test_arrivals_have_the_mean_that_was_asked_for),
		cmocka_unit_test(test_mix_has_all_sorts),
		cmocka_unit_test(test_loops_are_summed),
		cmocka_unit_test(test_values_are_found),
		cmocka_unit_test(test_what_is_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
