/* The load tool's messages, their bookkeeping, and the end of data. */
#include "bench/failure.h"
#include "bench/tally.h"
#include "bench/undot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

/* ---- the end of data ---- */

struct text {
	size_t len;
	char bytes[32];
	size_t taken; /* of what came */
	bool ended;
};

/* What RFC 5321 section 4.5.2 says, in the plainest way: line by line, on the whole. */
static struct text undot_whole(struct slice in)
{
	struct text out = { 0 };
	size_t at = 0;

	while (at < in.len) {
		size_t end = at;
		while (end < in.len &&
		       !(in.ptr[end] == '\n' && end > at && in.ptr[end - 1] == '\r'))
			end++;
		bool whole = end < in.len;
		struct slice line = slice_of(in.ptr + at, end - at + whole);
		if (whole && slice_eq(line, SLICE(".\r\n"))) {
			out.taken = end + 1;
			out.ended = true;
			return out;
		}
		/* A dot, or a dot and a CR, may yet become the end. */
		bool open = !whole && (slice_eq(line, SLICE(".")) || slice_eq(line, SLICE(".\r")));
		if (line.ptr[0] == '.')
			line = slice_skip(line, 1);
		if (!open) {
			memcpy(out.bytes + out.len, line.ptr, line.len);
			out.len += line.len;
		}
		at = end + whole;
	}
	out.taken = in.len;
	return out;
}

static void feed(struct text *out, enum undot *state, struct slice part)
{
	struct slice run;

	while (part.len > 0 && *state != UNDOT_END) {
		size_t n = undot(state, part, &run);
		assert_true(n > 0 || run.len > 0);
		assert_true(out->len + run.len <= sizeof out->bytes);
		if (run.len > 0)
			memcpy(out->bytes + out->len, run.ptr, run.len);
		out->len += run.len;
		out->taken += n;
		part = slice_skip(part, n);
	}
	out->ended = *state == UNDOT_END;
}

static void check_split(struct slice in, size_t first, size_t second, const struct text *expected)
{
	enum undot state = UNDOT_LINE;
	struct text got = { 0 };

	feed(&got, &state, slice_head(in, first));
	feed(&got, &state, slice_head(slice_skip(in, first), second - first));
	feed(&got, &state, slice_skip(in, second));
	assert_int_equal(got.ended, expected->ended);
	assert_int_equal(got.taken, expected->taken);
	assert_int_equal(got.len, expected->len);
	assert_memory_equal(got.bytes, expected->bytes, got.len);
}

/* Every text of up to 8 octets out of the four that matter, in every three-way split. */
static void test_undot_exhaustively(void **state)
{
	static const char alphabet[] = { '\r', '\n', '.', 'a' };
	enum { LONGEST = 8 };

	(void)state;
	for (size_t len = 1; len <= LONGEST; len++) {
		for (uint32_t which = 0; which < 1U << 2 * len; which++) {
			char bytes[LONGEST];
			for (size_t i = 0; i < len; i++)
				bytes[i] = alphabet[which >> 2 * i & 3];
			struct slice in = slice_of(bytes, len);
			struct text expected = undot_whole(in);
			for (size_t first = 0; first <= len; first++)
				for (size_t second = first; second <= len; second++)
					check_split(in, first, second, &expected);
		}
	}
}

static void test_undot_takes_nothing_behind_the_end(void **state)
{
	struct slice in = SLICE("..a\r\n.\r\nQUIT\r\n");
	struct text expected = { .len = 4, .bytes = ".a\r\n", .taken = 8, .ended = true };

	(void)state;
	for (size_t first = 0; first <= in.len; first++)
		check_split(in, first, first, &expected);
}

/* ---- messages ---- */

static struct message_plan plan_of(size_t size)
{
	struct message_plan plan = { .run = 0xfeed, .total = 12, .from = "a@b", .to = "c@d" };

	assert_true(message_plan_init(&plan, size));
	return plan;
}

/* A whole message in *octets, which is the caller's to free; its length. */
static size_t message_of(const struct message_plan *plan, uint64_t number, char **octets)
{
	*octets = malloc(MESSAGE_HEAD_BYTES + plan->body_len + 1);
	assert_non_null(*octets);
	size_t len = message_head(plan, number, *octets);
	memcpy(*octets + len, plan->body, plan->body_len);
	(*octets)[len + plan->body_len] = 0; /* for the test's own strstr() */
	return len + plan->body_len;
}

static enum message_verdict check_in_parts(struct slice octets, size_t part, struct message_id *id)
{
	struct message_check check;

	message_check_init(&check);
	while (octets.len > 0) {
		message_check_feed(&check, slice_head(octets, part));
		octets = slice_skip(octets, part);
	}
	return message_check_end(&check, id);
}

static void test_message_is_whole_in_every_cut(void **state)
{
	struct message_plan plan = plan_of(900);
	struct message_id id;
	char *octets;
	size_t len = message_of(&plan, 7, &octets);

	(void)state;
	assert_int_equal(len, 900);
	for (size_t part = 1; part <= len; part++) {
		assert_int_equal(check_in_parts(slice_of(octets, len), part, &id), MESSAGE_WHOLE);
		assert_int_equal(id.run, 0xfeed);
		assert_int_equal(id.number, 7);
		assert_int_equal(id.total, 12);
	}
	free(octets);
	message_plan_release(&plan);
}

/* Any octet of the body, and of the three values. */
static void test_message_damage_is_found(void **state)
{
	struct message_plan plan = plan_of(700);
	struct message_id id;
	char *octets;
	size_t len = message_of(&plan, 3, &octets);
	size_t from = (size_t)(strstr(octets, "X-Bench-Run: ") - octets);
	size_t body = len - plan.body_len;

	(void)state;
	for (size_t i = from; i < len; i++) {
		bool in_value = i >= body || (octets[i] >= '0' && octets[i] <= '9');
		if (!in_value)
			continue;
		octets[i] ^= 1;
		assert_int_equal(check_in_parts(slice_of(octets, len), len, &id), MESSAGE_DAMAGED);
		octets[i] ^= 1;
	}
	assert_int_equal(check_in_parts(slice_of(octets, len - 1), len, &id), MESSAGE_DAMAGED);
	assert_int_equal(id.number, 3);
	free(octets);
	message_plan_release(&plan);
}

static void test_message_of_others(void **state)
{
	struct message_id id;

	(void)state;
	assert_int_equal(check_in_parts(SLICE("Subject: x\r\n\r\nX-Bench-Run: 1\r\n"), 5, &id),
			 MESSAGE_FOREIGN);
	assert_int_equal(check_in_parts(SLICE(""), 1, &id), MESSAGE_FOREIGN);
	assert_int_equal(check_in_parts(SLICE("X-Bench-Number: 1/1\r\n\r\n"), 5, &id),
			 MESSAGE_DAMAGED);
	assert_int_equal(id.number, 0);
}

/* What leaves with stuffed dots arrives without them, and whole. */
static void test_message_stuffed(void **state)
{
	struct message_plan plan = plan_of(5000);
	struct message_check check;
	struct message_id id;
	enum undot at = UNDOT_LINE;
	char head[MESSAGE_HEAD_BYTES];
	size_t head_len = message_head(&plan, 12, head);
	struct slice rest = slice_of(plan.stuffed, plan.stuffed_len), run;

	(void)state;
	assert_true(head_len + plan.stuffed_len > plan.size);
	assert_int_equal(plan.size, 5000);
	assert_memory_equal(plan.stuffed + plan.stuffed_len - 2, "\r\n", 2);
	message_check_init(&check);
	message_check_feed(&check, slice_of(head, head_len));
	while (rest.len > 0) {
		rest = slice_skip(rest, undot(&at, rest, &run));
		message_check_feed(&check, run);
	}
	assert_int_equal(at, UNDOT_LINE);
	assert_int_equal(message_check_end(&check, &id), MESSAGE_WHOLE);
	message_plan_release(&plan);
}

/* Every size has CR and LF only together, and lines of a fair length. */
static void test_message_sizes(void **state)
{
	(void)state;
	for (size_t size = 1; size < 1000; size++) {
		struct message_plan plan = plan_of(size);
		char *octets;
		size_t len = message_of(&plan, 1, &octets), column = 0;
		assert_int_equal(len, plan.size);
		assert_true(len == size || plan.body_len == 0);
		for (size_t i = 0; i < len; i++) {
			bool cr = octets[i] == '\r', lf = octets[i] == '\n';
			assert_true(!cr || (i + 1 < len && octets[i + 1] == '\n'));
			assert_true(!lf || (i > 0 && octets[i - 1] == '\r'));
			column = lf ? 0 : column + 1;
			assert_true(column <= 998);
		}
		assert_int_equal(column, 0);
		free(octets);
		message_plan_release(&plan);
	}
}

/* ---- bookkeeping ---- */

static void see(struct tally *tally, uint64_t run, uint64_t number, uint64_t total)
{
	tally_see(tally, &(struct message_id){ .run = run, .number = number, .total = total });
}

static void test_tally(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally);
	assert_int_equal(tally_missing(&tally), 0);
	for (uint64_t number = 10000; number > 0; number--)
		if (number % 100 != 0)
			see(&tally, 1, number, 10000);
	assert_int_equal(tally_missing(&tally), 100);
	assert_int_equal(tally_doubled(&tally), 0);
	see(&tally, 1, 100, 10000);
	see(&tally, 1, 100, 10000);
	see(&tally, 1, 1, 10000);
	assert_int_equal(tally_missing(&tally), 99);
	assert_int_equal(tally_doubled(&tally), 2);
	/* The same number of another run is another message. */
	see(&tally, 2, 1, 3);
	assert_int_equal(tally_missing(&tally), 101);
	assert_int_equal(tally_doubled(&tally), 2);
	tally_release(&tally);
}

static void test_tally_is_bounded(void **state)
{
	struct tally tally;

	(void)state;
	tally_init(&tally);
	see(&tally, 0, (uint64_t)TALLY_NUMBERS + 1, UINT64_MAX);
	assert_int_equal(tally.untracked, 1);
	for (uint64_t run = 0; run < TALLY_RUNS + 5; run++)
		see(&tally, run, 1, 1);
	assert_int_equal(tally.untracked, 6);
	assert_int_equal(tally_missing(&tally), 0);
	tally_release(&tally);
}

static void test_failures(void **state)
{
	struct failures failures = { 0 };

	(void)state;
	failure_add(&failures, FAILURE_REFUSED, STEP_RCPT, 550, SLICE("550 no\x1b\r\nmore"));
	failure_add(&failures, FAILURE_REFUSED, STEP_RCPT, 550, SLICE("550 other"));
	assert_int_equal(failures.sorts, 1);
	assert_int_equal(failures.sort[0].count, 2);
	assert_string_equal(failures.sort[0].example, "550 no?");
	for (unsigned code = 0; code < 100; code++)
		failure_add(&failures, FAILURE_REFUSED, STEP_MAIL, code, SLICE(""));
	assert_int_equal(failures.count, 102);
	assert_int_equal(failures.sorts, FAILURE_SORTS);
	assert_int_equal(failures.sort[FAILURE_SORTS - 1].count, 100 - (FAILURE_SORTS - 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_undot_exhaustively),
		cmocka_unit_test(test_undot_takes_nothing_behind_the_end),
		cmocka_unit_test(test_message_is_whole_in_every_cut),
		cmocka_unit_test(test_message_damage_is_found),
		cmocka_unit_test(test_message_of_others),
		cmocka_unit_test(test_message_stuffed),
		cmocka_unit_test(test_message_sizes),
		cmocka_unit_test(test_tally),
		cmocka_unit_test(test_tally_is_bounded),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
