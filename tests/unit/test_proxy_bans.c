/* Who is banned, as text: what is whole is read, and anything else not at all. */
#include "proxy/bans.h"
#include "base/clock.h"
#include "proxy/admit/admit.h"
#include "proxy/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct addresses make_table(void)
{
	struct addresses table;
	struct addresses_shape shape = { .entries = 1024, .records = 2 };
	void *bytes = mmap(NULL, addresses_bytes(shape), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(bytes != MAP_FAILED);
	assert_true(addresses_open(&table, bytes, shape, true));
	return table;
}

static void drop_table(struct addresses *table)
{
	void *bytes = table->head;
	struct addresses_shape shape = table->shape;
	addresses_close(table);
	munmap(bytes, addresses_bytes(shape));
}

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
		struct addresses table = make_table();
		size_t count;
		if (read_text(&table, texts[i].text, &count) != texts[i].found)
			fail_msg("text %zu: %s", i, texts[i].text);
		bool is_there = left_ms(&table, "192.0.2.7") > 0;
		assert_int_equal(count, is_there ? 1 : 0);
		if (is_there)
			assert_int_equal(texts[i].found, BANS_READ);
		drop_table(&table);
	}
}

static void what_is_written_is_read(void **state)
{
	struct addresses before = make_table(), after = make_table();
	struct addr v4, v6, over;
	const char *why;
	char *text = NULL;
	size_t len, count;
	uint64_t number, other;
	(void)state;
	addr_parse(SLICE("192.0.2.7:1"), &v4, &why);
	addr_parse(SLICE("[2001:db8:0:7::1]:1"), &v6, &why);
	addr_parse(SLICE("192.0.2.8:1"), &over, &why);
	assert_int_equal(bans_count(&before, &number), 0);
	admit_ban(&before, &v4, admit_now_us(), 3600 * 1000);
	admit_ban(&before, &v6, admit_now_us(), 60 * 1000);
	admit_ban(&before, &over, admit_now_us() - 2000000, 1);
	assert_int_equal(bans_count(&before, &other), 2);
	assert_int_not_equal(number, other);
	assert_int_equal(bans_count(&before, &number), 2);
	assert_int_equal(number, other);
	FILE *to = open_memstream(&text, &len);
	bans_write(&before, to);
	fclose(to);
	assert_int_equal(read_text(&after, text, &count), BANS_READ);
	assert_int_equal(count, 2);
	assert_in_range(left_ms(&after, "192.0.2.7"), 3590 * 1000, 3601 * 1000);
	assert_in_range(left_ms(&after, "2001:db8:0:7::/64"), 50 * 1000, 61 * 1000);
	assert_int_equal(left_ms(&after, "192.0.2.8"), 0);
	free(text);
	drop_table(&before);
	drop_table(&after);
}

/* The machine's clock is behind that of the writing: ten minutes are no more than that. */
static void a_clock_that_was_set_back_makes_no_ban_longer(void **state)
{
	struct addresses table = make_table();
	size_t count;
	(void)state;
	assert_int_equal(read_text(&table,
				   "postern bans 1 9790000000000\n"
				   "0000ffffc0000207 9790000600000 192.0.2.7\nend 1\n",
				   &count),
			 BANS_READ);
	assert_in_range(left_ms(&table, "192.0.2.7"), 590 * 1000, 600 * 1000);
	assert_int_equal(read_text(&table,
				   "postern bans 1 1000000000000\n"
				   "0000ffffc0000208 1000000600000 192.0.2.8\nend 1\n",
				   &count),
			 BANS_READ);
	assert_int_equal(count, 0);
	drop_table(&table);
}

/* Once a minute, where they are others; the first look is a minute after the start. */
static void they_are_written_when_they_are_due(void **state)
{
	struct addresses table = make_table();
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
	admit_ban(&table, &addr, admit_now_us(), 3600 * 1000);
	state_tend(&kept, &config, &table, &log);
	assert_int_not_equal(access(path, F_OK), 0);
	assert_in_range(kept.due_ms, clock_ms() + 50 * 1000, clock_ms() + 60 * 1000);
	state_tend(&kept, &config, &table, &log);
	assert_int_not_equal(access(path, F_OK), 0);
	kept.due_ms = 1;
	state_tend(&kept, &config, &table, &log);
	assert_int_equal(unlink(path), 0);
	kept.due_ms = 1;
	state_tend(&kept, &config, &table, &log);
	assert_int_not_equal(access(path, F_OK), 0);
	admit_ban(&table, &addr, admit_now_us(), 7200 * 1000);
	kept.due_ms = 1;
	state_tend(&kept, &config, &table, &log);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	drop_table(&table);
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
