/* What one master leaves to the next: sockets, bans and ticket keys come through. */
#include "base/net.h"
#include "certs/tickets.h"
#include "proxy/estate.h"
#include "tests/unit/admit_aid.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static int memory(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static int listening(void)
{
	struct addr any = address("127.0.0.1:0");
	int fd = net_listen(&any, 1, false);
	assert_true(fd >= 0);
	return fd;
}

static void sockets_and_hatches_come_through(void **state)
{
	struct crews before = { .keeper = KEEPER_NONE, .succession = SUCCESSION_NONE };
	struct addr wanted = address("127.0.0.1:0");
	struct addr control = address("unix:/run/with blank/control.sock");
	int first[] = { listening(), listening() }, second[] = { listening() };
	int hatch = listening(), channel = memory(), keys = memory(), bans = memory();
	struct estate estate;
	(void)state;
	assert_true(sockets_adopt(&before.sockets, "a name", &wanted, false, first, 2));
	assert_true(sockets_adopt(&before.sockets, "other", &wanted, true, second, 1));
	assert_true(hatches_adopt(&before.keeper.hatches, &control, hatch));
	int text = estate_write(&before, channel, keys, bans);
	assert_true(text >= 0);
	assert_true(estate_pass(&before, (int[]){ text, channel, keys, bans }, 4));
	assert_int_equal(fcntl(first[1], F_GETFD), 0);
	assert_int_equal(fcntl(hatch, F_GETFD), 0);

	assert_true(estate_open(&estate));
	assert_null(getenv("POSTERN_ESTATE"));
	assert_int_equal(estate.text, text);
	assert_int_equal(estate.channel, channel);
	assert_int_equal(estate.keys, keys);
	assert_int_equal(estate.bans, bans);
	close(keys);

	struct sockets sockets = { 0 };
	struct hatches hatches = { 0 };
	assert_true(estate_sockets(&sockets, &hatches, text));
	assert_int_equal(fcntl(first[1], F_GETFD), FD_CLOEXEC);
	assert_int_equal(sockets.count, 2);
	assert_string_equal(sockets.doors[0]->name, "a name");
	assert_int_equal(sockets.doors[0]->count, 2);
	assert_int_equal(sockets.doors[0]->fds[1], first[1]);
	assert_true(sockets.doors[0]->lent && !sockets.doors[0]->handed);
	assert_true(sockets.doors[1]->handed);
	assert_int_equal(hatches.count, 1);
	assert_true(addr_eq(&hatches.item[0].wanted, &control));
	assert_true(hatches.item[0].lent);
	sockets_own(&sockets);
	assert_false(sockets.doors[0]->lent);
	sockets_close(&sockets);
	before.sockets.doors[0]->count = before.sockets.doors[1]->count = 0;
	sockets_close(&before.sockets);
	close(hatch);
	close(channel);
	close(bans);
	close(text);
}

static void nobody_has_left_anything(void **state)
{
	struct estate estate;
	(void)state;
	assert_true(estate_open(&estate));
	assert_int_equal(estate.text, -1);
	assert_int_equal(estate.channel, -1);
}

/* As from another version: what is unknown is passed by; what is missing, or no number, is not. */
static void what_cannot_be_read_is_refused(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} texts[] = {
		{ "channel %d\nkeys %d\nbans %d\nnovelty 1 2 3\n", true },
		{ "channel %d\nkeys %d\n", false },
		{ "channel %d\nkeys %d\nbans x\n", false },
		{ "channel %d\nkeys %d\nbans 99999\n", false },
		{ "channel %d\nkeys %d\nbans %d\nat nowhere\n", false },
		{ "channel %d\nkeys %d\nbans %d\nat 127.0.0.1:1\ndoor 0 99999\n", false },
		{ "", false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct estate estate;
		char written[200] = "", number[16];
		int fd = memory(), text = memory();
		/* Each %d is the descriptor. */
		for (const char *c = texts[i].text; *c != '\0'; c++) {
			size_t len = strlen(written);
			bool place = *c == '%';
			if (place)
				snprintf(written + len, sizeof(written) - len, "%d", fd);
			else
				snprintf(written + len, sizeof(written) - len, "%c", *c);
			c += place;
		}
		assert_int_equal(write(text, written, strlen(written)), strlen(written));
		snprintf(number, sizeof(number), "%d", text);
		setenv("POSTERN_ESTATE", number, 1);
		assert_int_equal(estate_open(&estate), texts[i].good);
		assert_null(getenv("POSTERN_ESTATE"));
		close(fd);
		close(text);
	}
}

static void ban(const struct addresses *table, const char *text, uint64_t until_us)
{
	struct addr addr = address(text);
	uint64_t key = address_key(&addr);
	uint32_t entry = addresses_place(table, key, admit_now_us());
	assert_int_not_equal(entry, ADDRESS_NONE);
	addresses_set(table, entry, key, ADDRESS_BAN, until_us);
}

static uint64_t banned_until(const struct addresses *table, const char *text)
{
	struct addr addr = address(text);
	uint64_t key = address_key(&addr);
	uint32_t entry = addresses_find(table, key);
	return entry == ADDRESS_NONE ? 0 : addresses_get(table, entry, key, ADDRESS_BAN);
}

/* It has gone from one clock to another and back. */
static bool is_about(uint64_t us, uint64_t wanted_us)
{
	return us + 5000000 > wanted_us && us < wanted_us + 5000000;
}

static void bans_come_through_and_are_not_doubled(void **state)
{
	struct room before = make(1024), after = make(1024);
	uint64_t now_us = admit_now_us(), later_us = now_us + 3600 * 1000000ull;
	int fd = memory();
	(void)state;
	ban(&before.table, "192.0.2.7:1", later_us);
	ban(&before.table, "[2001:db8::1]:1", later_us + 5);
	ban(&before.table, "192.0.2.8:1", now_us - 1);
	for (int turn = 0; turn < 2; turn++) {
		assert_true(estate_write_bans(&before.table, fd));
		estate_read_bans(&after.table, fd);
		assert_true(is_about(banned_until(&after.table, "192.0.2.7:1"), later_us));
		assert_true(is_about(banned_until(&after.table, "[2001:db8::2]:1"), later_us));
		assert_int_equal(banned_until(&after.table, "192.0.2.8:1"), 0);
		assert_true(is_about(banned_until(&after.table, "192.0.2.9:1"),
				     turn == 0 ? 0 : later_us));
		ban(&before.table, "192.0.2.9:1", later_us);
	}
	estate_write_bans(&before.table, fd);
	close(fd);
	leave(&before);
	leave(&after);
}

static void ticket_keys_come_through(void **state)
{
	struct ticket_keys *before = ticket_keys_new(), *after = ticket_keys_new();
	int fd = memory(), again = memory(), other = memory();
	char one[1024], two[1024];
	(void)state;
	assert_true(ticket_keys_turn(before));
	assert_true(ticket_keys_write(before, fd));
	assert_true(ticket_keys_read(after, fd));
	assert_true(ticket_keys_write(after, again));
	ssize_t len = pread(fd, one, sizeof(one), 0);
	assert_true(len > 300);
	assert_int_equal(pread(again, two, sizeof(two), 0), len);
	assert_memory_equal(one, two, (size_t)len);
	assert_int_equal(write(other, "something else", 14), 14);
	assert_false(ticket_keys_read(after, other));
	ticket_keys_free(before);
	ticket_keys_free(after);
	close(fd);
	close(again);
	close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_and_hatches_come_through),
		cmocka_unit_test(nobody_has_left_anything),
		cmocka_unit_test(what_cannot_be_read_is_refused),
		cmocka_unit_test(bans_come_through_and_are_not_doubled),
		cmocka_unit_test(ticket_keys_come_through),
	};
	return cmocka_run_group_tests_name("estate", tests, NULL, NULL);
}
