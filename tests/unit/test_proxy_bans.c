/* Who is banned, as text: what is whole is read, and anything else not at all. */
#include "proxy/bans.h"
#include "base/clock.h"
#include "proxy/state.h"
#include "tests/unit/admit_aid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static uint64_t left_ms(const struct addresses *table, const char *address)
{
	struct admit_known known;
	uint64_t now_us = admit_now_us();
	for (uint32_t at = 0; admit_next(table, &at, now_us, &known);) {
		if (strcmp(known.address, address) == 0)
			return known.ban_ms;
	}
	return 0;
}

static enum bans_found read_text(const struct addresses *table, const char *text, size_t *count)
{
	FILE *from = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	assert_non_null(from);
	enum bans_found found = bans_read(table, from, count);
	fclose(from);
	return found;
}

#define HEAD "postern bans 1 1790000000000\n"
#define ONE  "0000ffffc0000207 9790000600000 192.0.2.7\n"

static void only_what_is_whole_is_read(void **state)
{
	static const struct {
		const char *text;
		enum bans_found found;
	} texts[] = {
		{ HEAD "end 0\n", BANS_READ },
		{ HEAD ONE "end 1\n", BANS_READ },
		{ HEAD ONE "end 2\n", BANS_DAMAGED },
		{ HEAD ONE "end 1", BANS_READ },
		{ HEAD ONE "end 1\nmore\n", BANS_DAMAGED },
		{ HEAD ONE, BANS_DAMAGED },
		{ HEAD ONE "0000ffffc00002", BANS_DAMAGED },
		{ HEAD "0 9790000600000 0.0.0.0\nend 1\n", BANS_DAMAGED },
		{ HEAD "192.0.2.7\nend 1\n", BANS_DAMAGED },
		{ HEAD, BANS_DAMAGED },
		{ "postern bans 2 1790000000000\nend 0\n", BANS_FOREIGN },
		{ "postern bans 1\nend 0\n", BANS_FOREIGN },
		{ "192.0.2.7\n", BANS_FOREIGN },
		{ "\n", BANS_FOREIGN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct room room = make(1024);
		size_t count;
		if (read_text(&room.table, texts[i].text, &count) != texts[i].found)
			fail_msg("text %zu: %s", i, texts[i].text);
		bool is_there = left_ms(&room.table, "192.0.2.7") > 0;
		assert_int_equal(count, is_there ? 1 : 0);
		if (is_there)
			assert_int_equal(texts[i].found, BANS_READ);
		leave(&room);
	}
}

static void what_is_written_is_read(void **state)
{
	struct room before = make(1024), after = make(1024);
	struct addr v4, v6, over;
	const char *why;
	char *text = NULL;
	size_t len, count;
	uint64_t number, other;
	(void)state;
	addr_parse(SLICE("192.0.2.7:1"), &v4, &why);
	addr_parse(SLICE("[2001:db8:0:7::1]:1"), &v6, &why);
	addr_parse(SLICE("192.0.2.8:1"), &over, &why);
	assert_int_equal(bans_count(&before.table, &number), 0);
	admit_ban(&before.table, &v4, admit_now_us(), 3600 * 1000);
	admit_ban(&before.table, &v6, admit_now_us(), 60 * 1000);
	admit_ban(&before.table, &over, admit_now_us() - 2000000, 1);
	assert_int_equal(bans_count(&before.table, &other), 2);
	assert_int_not_equal(number, other);
	assert_int_equal(bans_count(&before.table, &number), 2);
	assert_int_equal(number, other);
	FILE *to = open_memstream(&text, &len);
	bans_write(&before.table, to);
	fclose(to);
	assert_int_equal(read_text(&after.table, text, &count), BANS_READ);
	assert_int_equal(count, 2);
	assert_in_range(left_ms(&after.table, "192.0.2.7"), 3590 * 1000, 3601 * 1000);
	assert_in_range(left_ms(&after.table, "2001:db8:0:7::/64"), 50 * 1000, 61 * 1000);
	assert_int_equal(left_ms(&after.table, "192.0.2.8"), 0);
	free(text);
	leave(&before);
	leave(&after);
}

/* The machine's clock is behind that of the writing: ten minutes are no more than that. */
static void a_clock_that_was_set_back_makes_no_ban_longer(void **state)
{
	struct room room = make(1024);
	size_t count;
	(void)state;
	assert_int_equal(read_text(&room.table,
				   "postern bans 1 9790000000000\n"
				   "0000ffffc0000207 9790000600000 192.0.2.7\nend 1\n",
				   &count),
			 BANS_READ);
	assert_in_range(left_ms(&room.table, "192.0.2.7"), 590 * 1000, 600 * 1000);
	assert_int_equal(read_text(&room.table,
				   "postern bans 1 1000000000000\n"
				   "0000ffffc0000208 1000000600000 192.0.2.8\nend 1\n",
				   &count),
			 BANS_READ);
	assert_int_equal(count, 0);
	leave(&room);
}

/* Once a minute, where they are others; the first look is a minute after the start. */
static void they_are_written_when_they_are_due(void **state)
{
	struct room room = make(1024);
	struct log log = { .fd = -1 };
	char directory[] = "/tmp/postern-bans-XXXXXX", path[64];
	struct state kept = { .due_ms = 0 };
	struct addr addr;
	const char *why;
	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/bans", directory);
	struct config config = { .state = directory };
	addr_parse(SLICE("192.0.2.7:1"), &addr, &why);
	admit_ban(&room.table, &addr, admit_now_us(), 3600 * 1000);
	state_tend(&kept, &config, &room.table, &log);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_in_range(kept.due_ms, clock_ms() + 50 * 1000, clock_ms() + 60 * 1000);
	state_tend(&kept, &config, &room.table, &log);
	assert_int_not_equal(access(path, F_OK), 0);
	kept.due_ms = 1;
	state_tend(&kept, &config, &room.table, &log);
	assert_int_equal(unlink(path), 0);
	kept.due_ms = 1;
	state_tend(&kept, &config, &room.table, &log);
	assert_int_not_equal(access(path, F_OK), 0);
	admit_ban(&room.table, &addr, admit_now_us(), 7200 * 1000);
	kept.due_ms = 1;
	state_tend(&kept, &config, &room.table, &log);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	leave(&room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_whole_is_read),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(a_clock_that_was_set_back_makes_no_ban_longer),
		cmocka_unit_test(they_are_written_when_they_are_due),
	};
	return cmocka_run_group_tests_name("bans", tests, NULL, NULL);
}
