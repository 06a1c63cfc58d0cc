/* The memory of all processes: what a dead worker had counted is undone, its totals stay. */
#include "proxy/shared.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { RECORDS = 3, SLOTS = 1000 };

static struct shared make(void)
{
	struct shared shared;

	assert_true(shared_new(&shared, RECORDS, SLOTS, SLOTS));
	return shared;
}

static bool is_clear(const struct session_slot *slots)
{
	for (size_t i = 0; i < SLOTS; i++)
		if (slots[i].id[0] != '\0' || slots[i].since_ms != 0)
			return false;
	return true;
}

static void records_are_taken_and_left(void **state)
{
	struct shared shared = make();

	(void)state;
	assert_int_equal(shared_take(&shared, 1, 0), 0);
	assert_int_equal(shared_take(&shared, 1, 1), 1);
	assert_int_equal(shared_take(&shared, 2, 0), 2);
	assert_int_equal(shared_take(&shared, 2, 1), SIZE_MAX);
	shared_record(&shared, 1)->order = ORDER_STOP;
	shared_leave(&shared, 1);
	assert_int_equal(shared_take(&shared, 2, 1), 1);
	assert_int_equal(shared_record(&shared, 1)->order, ORDER_WORK);
	assert_int_equal(shared_record(&shared, 1)->generation, 2);
	assert_int_equal(shared_record(&shared, 1)->index, 1);
	shared_free(&shared);
}

static void the_dead_leave_totals_alone(void **state)
{
	struct shared shared = make();
	size_t dead = shared_take(&shared, 1, 0);
	size_t alive = shared_take(&shared, 1, 1);

	(void)state;
	shared_record(&shared, dead)->up = 1;
	shared_record(&shared, dead)->counters =
		(struct relay_counters){ .sessions = 9, .open = 3 };
	shared_record(&shared, dead)->listeners[2] = (struct listener_counters){ .open = 3 };
	shared_record(&shared, dead)->listeners[2].ended[END_QUIT] = 6;
	shared_record(&shared, dead)->listeners[LISTENER_OTHER].messages[VERDICT_ACCEPTED] = 7;
	shared_record(&shared, alive)->counters =
		(struct relay_counters){ .sessions = 2, .open = 2 };
	for (size_t i = 0; i < SLOTS; i++)
		shared_slots(&shared, dead)[i] = (struct session_slot){ .id = "x", .since_ms = 1 };
	shared_slots(&shared, alive)[SLOTS - 1] = (struct session_slot){ .id = "y" };
	shared_slots(&shared, alive)[0] = (struct session_slot){ .id = "z" };
	struct server_table servers = shared_servers(&shared);
	assert_true(servers_enter(&servers, dead, 1, 0));
	assert_true(servers_enter(&servers, dead, SERVERS_MAX - 1, 0));
	assert_true(servers_enter(&servers, alive, 1, 0));

	assert_int_equal(shared_open(&shared), 5);
	assert_int_equal(shared_bury(&shared, dead), 3);
	assert_int_equal(shared_open(&shared), 2);
	assert_int_equal(servers_present(&servers, 1), 1);
	assert_int_equal(servers_present(&servers, SERVERS_MAX - 1), 0);
	assert_int_equal(shared_record(&shared, dead)->up, 0);
	assert_int_equal(shared_record(&shared, dead)->counters.sessions, 0);
	assert_true(is_clear(shared_slots(&shared, dead)));
	assert_string_equal(shared_slots(&shared, alive)[SLOTS - 1].id, "y");
	assert_string_equal(shared_slots(&shared, alive)[0].id, "z");

	/* Another one dies in the same place: totals add up. */
	shared_record(&shared, dead)->counters = (struct relay_counters){ .sessions = 1 };
	assert_int_equal(shared_bury(&shared, dead), 0);
	assert_int_equal(shared.head->gone.sessions, 10);
	const struct listener_counters *gone = shared.head->gone_listeners;
	assert_int_equal(gone[LISTENER_OTHER].messages[VERDICT_ACCEPTED], 7);
	assert_int_equal(gone[2].ended[END_QUIT], 6);
	assert_int_equal(gone[2].open, 0);
	assert_int_equal(shared.head->gone.open, 0);
	shared_free(&shared);
}

static void a_fork_shares_it(void **state)
{
	struct shared shared = make();
	int status;

	(void)state;
	size_t record = shared_take(&shared, 1, 0);
	pid_t pid = fork();
	if (pid == 0) {
		shared_record(&shared, record)->counters.open = 42;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(shared_open(&shared), 42);
	shared_free(&shared);
}

/* What another program finds when it maps the descriptor. */
static void the_head_tells_the_way(void **state)
{
	struct shared shared = make();
	size_t record = shared_take(&shared, 7, 5);

	(void)state;
	char *memory = mmap(NULL, shared.size, PROT_READ, MAP_SHARED, shared.fd, 0);
	assert_true(memory != MAP_FAILED);
	const struct shared_head *head = (const void *)memory;
	assert_string_equal(head->magic, "postern");
	assert_int_equal(head->version, SHARED_VERSION);
	const struct worker_record *found =
		(const void *)(memory + head->records_at + record * head->record_bytes);
	assert_int_equal(found->generation, 7);
	assert_int_equal(found->index, 5);
	struct server_table servers = shared_servers(&shared);
	server_begin(&servers.records[SERVERS_MAX - 1], "mta", "a:25");
	const struct server_record *server = (const void *)(memory + head->servers_at);
	assert_string_equal(server[SERVERS_MAX - 1].name, "a:25");
	assert_true(head->cells_at >= head->servers_at + SERVERS_MAX * sizeof *server);
	assert_true(head->board_at >= head->cells_at + RECORDS * SERVERS_MAX * sizeof(uint32_t));
	assert_true(head->slots_at >= head->board_at + sizeof(struct board));
	assert_true(head->slots_at + head->records * head->slots_each_bytes <= shared.size);
	munmap(memory, shared.size);

	assert_int_equal(ftruncate(shared.fd, 0), -1);
	assert_int_equal(errno, EPERM);
	shared_free(&shared);
}

static void slots_follow_the_file_limit(void **state)
{
	(void)state;
	assert_int_equal(shared_slots_for(1024, 8), (1024 - 8 - 32) / 2);
	assert_int_equal(shared_slots_for(10, 8), 1);
	assert_int_equal(shared_slots_for(0, 0), 1);
	assert_int_equal(shared_slots_for(UINT64_MAX, 8), 100000);
}

static void another_program_maps_it(void **state)
{
	struct shared shared = make(), mapped;

	(void)state;
	assert_true(shared_map(&mapped, dup(shared.fd)));
	shared_record(&shared, 2)->pid = 7;
	assert_int_equal(shared_record(&mapped, 2)->pid, 7);
	assert_int_equal(mapped.plan.slots_at, shared.plan.slots_at);
	shared_free(&mapped);
	shared_free(&shared);
}

static void assert_refused(int fd)
{
	struct shared mapped;

	assert_true(fd >= 0);
	assert_false(shared_map(&mapped, fd));
	assert_int_equal(errno, EPROTO);
}

/* Of another version, cut, or of another kind: nothing of it is used. */
static void what_is_not_ours_is_not_mapped(void **state)
{
	struct shared shared = make();
	int empty = memfd_create("empty", MFD_CLOEXEC);

	(void)state;
	assert_refused(empty);
	shared.head->version++;
	assert_refused(dup(shared.fd));
	shared.head->version--;
	shared.head->records++;
	assert_refused(dup(shared.fd));
	shared.head->records--;
	shared.head->slots_at += 64;
	assert_refused(dup(shared.fd));
	shared_free(&shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_taken_and_left),
		cmocka_unit_test(the_dead_leave_totals_alone),
		cmocka_unit_test(a_fork_shares_it),
		cmocka_unit_test(the_head_tells_the_way),
		cmocka_unit_test(slots_follow_the_file_limit),
		cmocka_unit_test(another_program_maps_it),
		cmocka_unit_test(what_is_not_ours_is_not_mapped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
