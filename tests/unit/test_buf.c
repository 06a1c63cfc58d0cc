#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

struct fixture {
	struct pool pool;
	struct buf buf;
};

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);

	*state = f;
	return f && pool_init(&f->pool, 2) && buf_borrow(&f->buf, &f->pool) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	buf_drop(&f->buf);
	buf_return(&f->buf, &f->pool);
	pool_release(&f->pool);
	free(f);
	return 0;
}

static void fill(struct buf *buf, const char *text)
{
	size_t room, len = strlen(text);
	char *to = buf_room(buf, &room);

	assert_true(room >= len);
	memcpy(to, text, len);
	buf_fill(buf, len);
}

/* As much as there is room for, in reads of any size. */
static size_t fill_up(struct buf *buf, char byte)
{
	size_t room, all = 0;

	for (;;) {
		char *to = buf_room(buf, &room);
		if (room == 0)
			return all;
		assert_true((size_t)(to - buf->mem) + room <= BUF_SIZE - BUF_SPARE_BYTES);
		memset(to, byte, room);
		buf_fill(buf, room);
		all += room;
	}
}

static void expect(const struct buf *buf, const char *leaving, const char *waiting)
{
	assert_true(slice_eq(buf_leaving(buf), slice_str(leaving)));
	assert_true(slice_eq(buf_waiting(buf), slice_str(waiting)));
}

static void marks_move_and_bytes_stay(void **state)
{
	struct fixture *f = *state;

	fill(&f->buf, "EHLO a\r\nMAIL");
	expect(&f->buf, "", "EHLO a\r\nMAIL");
	const char *first = buf_waiting(&f->buf).ptr;
	buf_pass(&f->buf, 8);
	expect(&f->buf, "EHLO a\r\n", "MAIL");
	assert_ptr_equal(buf_leaving(&f->buf).ptr, first);
	buf_take(&f->buf, 5);
	expect(&f->buf, "a\r\n", "MAIL");
	buf_take(&f->buf, 3);
	expect(&f->buf, "", "MAIL");
	assert_false(buf_empty(&f->buf));
	fill(&f->buf, " FROM");
	expect(&f->buf, "", "MAIL FROM");
	buf_pass(&f->buf, 9);
	buf_take(&f->buf, 9);
	assert_true(buf_empty(&f->buf));
	assert_int_equal(f->buf.tail, 0);
}

static void swap_replaces_what_waits(void **state)
{
	struct fixture *f = *state;

	fill(&f->buf, "one two three");
	buf_pass(&f->buf, 4);
	assert_true(buf_swap(&f->buf, 3, SLICE("2")));
	expect(&f->buf, "one 2", " three");
	assert_true(buf_swap(&f->buf, 1, SLICE(", and then ")));
	expect(&f->buf, "one 2, and then ", "three");
	assert_true(buf_swap(&f->buf, 5, SLICE("")));
	expect(&f->buf, "one 2, and then ", "");
	assert_true(buf_swap(&f->buf, 0, SLICE("four")));
	expect(&f->buf, "one 2, and then four", "");
}

static void swap_that_leaves_nothing_empties(void **state)
{
	struct fixture *f = *state;

	fill(&f->buf, "gone");
	assert_true(buf_swap(&f->buf, 4, slice_of(NULL, 0)));
	assert_true(buf_empty(&f->buf));
	assert_int_equal(f->buf.tail, 0);
}

static void swap_finds_its_room_where_bytes_have_left(void **state)
{
	struct fixture *f = *state;
	static char text[BUF_SPARE_BYTES + 100];

	memset(text, 't', sizeof text);
	assert_int_equal(fill_up(&f->buf, 'w'), BUF_WAIT_BYTES);
	assert_true(buf_swap(&f->buf, 0, slice_of(text, BUF_SPARE_BYTES)));
	assert_false(buf_swap(&f->buf, 0, SLICE("x")));
	assert_int_equal(buf_leaving(&f->buf).len, BUF_SPARE_BYTES);
	assert_int_equal(buf_waiting(&f->buf).len, BUF_WAIT_BYTES);
	buf_take(&f->buf, 1);
	assert_true(buf_swap(&f->buf, 0, SLICE("x")));
	assert_int_equal(f->buf.head, 0);
	assert_int_equal(buf_leaving(&f->buf).ptr[BUF_SPARE_BYTES - 1], 'x');
	assert_int_equal(buf_leaving(&f->buf).ptr[BUF_SPARE_BYTES - 2], 't');
	assert_int_equal(buf_waiting(&f->buf).ptr[0], 'w');
}

static void no_more_is_read_ahead_than_may_be(void **state)
{
	struct fixture *f = *state;
	size_t room;

	assert_int_equal(fill_up(&f->buf, 'a'), BUF_WAIT_BYTES);
	/* Something may leave: then BUF_READ_BYTES are enough, and more are held. */
	buf_pass(&f->buf, BUF_WAIT_BYTES);
	buf_room(&f->buf, &room);
	assert_int_equal(room, 0);
	buf_take(&f->buf, BUF_WAIT_BYTES - BUF_READ_BYTES);
	buf_room(&f->buf, &room);
	assert_int_equal(room, 0);
	buf_take(&f->buf, 1);
	buf_room(&f->buf, &room);
	assert_int_equal(room, 1);
}

static void a_partial_line_moves_only_when_it_must(void **state)
{
	struct fixture *f = *state;
	size_t room;

	fill(&f->buf, "whole\r\npart");
	buf_pass(&f->buf, 7);
	buf_take(&f->buf, 7);
	buf_room(&f->buf, &room);
	assert_int_equal(f->buf.head, 7);
	/* Up to the end, then all but a little of it leaves. */
	fill_up(&f->buf, 'x');
	buf_pass(&f->buf, f->buf.tail - f->buf.clear - 4);
	buf_take(&f->buf, f->buf.clear - f->buf.head);
	char *to = buf_room(&f->buf, &room);
	assert_int_equal(f->buf.head, 0);
	assert_true(room == BUF_READ_BYTES);
	assert_ptr_equal(to, f->buf.mem + 4);
	expect(&f->buf, "", "xxxx");
}

static void memory_is_lent_only_while_there_are_bytes(void **state)
{
	struct fixture *f = *state;
	struct buf more[3] = { { 0 } };

	assert_int_equal(f->pool.lent, 1);
	for (int i = 0; i < 3; i++)
		assert_true(buf_borrow(&more[i], &f->pool));
	assert_int_equal(f->pool.lent, 4);
	char *mem = more[0].mem;
	assert_true(buf_borrow(&more[0], &f->pool));
	assert_ptr_equal(more[0].mem, mem);
	assert_int_equal(f->pool.lent, 4);

	fill(&more[0], "kept");
	buf_return(&more[0], &f->pool);
	assert_non_null(more[0].mem);
	buf_drop(&more[0]);
	for (int i = 0; i < 3; i++) {
		buf_return(&more[i], &f->pool);
		assert_null(more[i].mem);
		buf_return(&more[i], &f->pool);
	}
	assert_int_equal(f->pool.lent, 1);
	assert_int_equal(f->pool.idle_count, 2);
	assert_true(buf_borrow(&more[0], &f->pool));
	assert_int_equal(f->pool.idle_count, 1);
	buf_return(&more[0], &f->pool);
}

/* Those that sessions come back to where all other memory is taken. */
static void a_pool_has_what_it_keeps_from_the_start(void **state)
{
	struct pool pool;

	(void)state;
	assert_true(pool_init(&pool, 3));
	assert_int_equal(pool.idle_count, 3);
	assert_int_equal(pool.lent, 0);
	pool_release(&pool);
}

static void an_empty_buffer_has_empty_slices(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	assert_true(buf_empty(&buf));
	assert_int_equal(buf_leaving(&buf).len + buf_waiting(&buf).len, 0);
}

/* Against a plain model: what leaves is what came in, with the swaps done. */
static void any_order_of_steps_keeps_the_bytes(void **state)
{
	struct fixture *f = *state;
	static char in[1 << 20], out[1 << 21], want[1 << 21];
	size_t came = 0, left = 0, wanted = 0, room;
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 31 + (i >> 8));
	while (left < wanted || came < sizeof in || !buf_empty(&f->buf)) {
		unsigned dice = (unsigned)rand_r(&seed);
		size_t waiting = buf_waiting(&f->buf).len, leaving = buf_leaving(&f->buf).len;
		size_t n = dice / 8 % 30000;
		char *to;
		switch (dice % 4) {
		case 0:
			to = buf_room(&f->buf, &room);
			n = n < room ? n : room;
			n = n < sizeof in - came ? n : sizeof in - came;
			memcpy(to, in + came, n);
			buf_fill(&f->buf, n);
			came += n;
			break;
		case 1:
			n = n < waiting ? n : waiting;
			memcpy(want + wanted, buf_waiting(&f->buf).ptr, n);
			wanted += n;
			buf_pass(&f->buf, n);
			break;
		case 2:
			n = n < waiting ? n : waiting;
			if (buf_swap(&f->buf, n, SLICE("swapped"))) {
				memcpy(want + wanted, "swapped", 7);
				wanted += 7;
			}
			break;
		default:
			n = n < leaving ? n : leaving;
			memcpy(out + left, buf_leaving(&f->buf).ptr, n);
			left += n;
			buf_take(&f->buf, n);
		}
		assert_true(f->buf.head <= f->buf.clear && f->buf.clear <= f->buf.tail);
		assert_true(f->buf.tail <= BUF_SIZE);
		if (came == sizeof in && buf_waiting(&f->buf).len == 0 && leaving == 0)
			break;
	}
	memcpy(out + left, buf_leaving(&f->buf).ptr, buf_leaving(&f->buf).len);
	left += buf_leaving(&f->buf).len;
	assert_int_equal(left, wanted);
	assert_memory_equal(out, want, wanted);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(marks_move_and_bytes_stay),
		TEST(swap_replaces_what_waits),
		TEST(swap_that_leaves_nothing_empties),
		TEST(swap_finds_its_room_where_bytes_have_left),
		TEST(no_more_is_read_ahead_than_may_be),
		TEST(a_partial_line_moves_only_when_it_must),
		TEST(memory_is_lent_only_while_there_are_bytes),
		TEST(a_pool_has_what_it_keeps_from_the_start),
		TEST(an_empty_buffer_has_empty_slices),
		TEST(any_order_of_steps_keeps_the_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
