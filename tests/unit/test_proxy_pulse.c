/* Who turns its loop no more, and who only was not looked at. */
#include "proxy/pulse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { SECOND = 1000 };

static void who_beats_is_left_alone(void **state)
{
	struct pulse pulse = { 0 };
	(void)state;
	for (uint32_t beats = 1; beats < 100; beats++)
		assert_int_equal(pulse_look(&pulse, beats, beats * SECOND, false), PULSE_NOTHING);
}

static void who_never_beat_is_not_judged(void **state)
{
	struct pulse pulse = { 0 };
	(void)state;
	for (uint64_t now_ms = 0; now_ms < 100 * SECOND; now_ms += SECOND)
		assert_int_equal(pulse_look(&pulse, 0, now_ms, false), PULSE_NOTHING);
}

static void silence_is_a_stall_then_death(void **state)
{
	struct pulse pulse = { 0 };
	(void)state;
	assert_int_equal(pulse_look(&pulse, 5, 10 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 12 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 13 * SECOND, false), PULSE_STALLED);
	assert_true(pulse.stalled);
	for (uint64_t s = 14; s < 20; s++)
		assert_int_equal(pulse_look(&pulse, 5, s * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 20 * SECOND, false), PULSE_DEAD);
	assert_int_equal(pulse_look(&pulse, 5, 21 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 22 * SECOND, false), PULSE_KILL);
}

static void who_was_told_to_go_does_not_come_back(void **state)
{
	struct pulse pulse = { .beats = 5 };
	(void)state;
	assert_int_equal(pulse_look(&pulse, 5, 10 * SECOND, false), PULSE_DEAD);
	assert_int_equal(pulse_look(&pulse, 6, 11 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 7, 12 * SECOND, true), PULSE_KILL);
}

static void a_beat_ends_a_stall(void **state)
{
	struct pulse pulse = { .beats = 5 };
	(void)state;
	assert_int_equal(pulse_look(&pulse, 5, 9 * SECOND, false), PULSE_STALLED);
	assert_int_equal(pulse_look(&pulse, 6, 10 * SECOND, false), PULSE_RECOVERED);
	assert_false(pulse.stalled);
	assert_int_equal(pulse_look(&pulse, 6, 12 * SECOND, false), PULSE_NOTHING);
}

/* The machine was paused, or the master: the worker had no more time to beat than it to look. */
static void a_late_look_starts_the_clock_anew(void **state)
{
	struct pulse pulse = { .beats = 5 };
	(void)state;
	assert_int_equal(pulse_look(&pulse, 5, 2 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 3600 * SECOND, true), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 3602 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 3603 * SECOND, false), PULSE_STALLED);
	/* It stays stalled, since it still has not beaten; but it is not to die for that yet. */
	assert_int_equal(pulse_look(&pulse, 5, 7200 * SECOND, true), PULSE_NOTHING);
	assert_true(pulse.stalled);
	assert_int_equal(pulse_look(&pulse, 5, 7209 * SECOND, false), PULSE_NOTHING);
	assert_int_equal(pulse_look(&pulse, 5, 7210 * SECOND, false), PULSE_DEAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_beats_is_left_alone),
		cmocka_unit_test(who_never_beat_is_not_judged),
		cmocka_unit_test(silence_is_a_stall_then_death),
		cmocka_unit_test(who_was_told_to_go_does_not_come_back),
		cmocka_unit_test(a_beat_ends_a_stall),
		cmocka_unit_test(a_late_look_starts_the_clock_anew),
	};
	return cmocka_run_group_tests_name("pulse", tests, NULL, NULL);
}
