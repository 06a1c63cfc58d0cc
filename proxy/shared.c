#include "proxy/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS_MAX = 100000, SPARE_FILES = 32, CACHE_LINE = 64 };

/* Adds up counters, all of which are uint64_t, and leaves none. */
static void fold(void *into, void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)into)[i] += ((uint64_t *)from)[i];
	memset(from, 0, bytes);
}

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static uint64_t realtime_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static struct shared_head shared_plan(size_t records, size_t slots_each, size_t addresses)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t record_bytes = round_up(sizeof(struct worker_record), CACHE_LINE);
	size_t records_at = round_up(sizeof(struct shared_head), CACHE_LINE);
	size_t servers_at = round_up(records_at + records * record_bytes, CACHE_LINE);
	size_t cells_at = servers_at + SERVERS_MAX * sizeof(struct server_record);
	size_t board_at = cells_at + records * SERVERS_MAX * sizeof(uint32_t);
	board_at = round_up(board_at, CACHE_LINE);
	struct shared_head plan = {
		.magic = "postern",
		.version = SHARED_VERSION,
		.records = (uint32_t)records,
		.record_bytes = (uint32_t)record_bytes,
		.slots_each = (uint32_t)slots_each,
		/* Whole pages, so that those of a dead worker can be given back. */
		.slots_each_bytes = round_up(slots_each * sizeof(struct session_slot), page),
		.records_at = records_at,
		.servers_at = servers_at,
		.cells_at = cells_at,
		.board_at = board_at,
		.slots_at = round_up(board_at + sizeof(struct board), page),
		.addresses = addresses,
		.started_ms = realtime_ms(),
	};
	plan.addresses_at = plan.slots_at + records * plan.slots_each_bytes;
	return plan;
}

static struct addresses_shape addresses_shape(const struct shared_head *plan)
{
	return (struct addresses_shape){ plan->addresses, plan->records };
}

static size_t shared_size(const struct shared_head *plan)
{
	return plan->addresses_at + addresses_bytes(addresses_shape(plan));
}

static bool open_addresses(struct shared *shared, bool fresh)
{
	return addresses_open(&shared->addresses, (char *)shared->head + shared->plan.addresses_at,
			      addresses_shape(&shared->plan), fresh);
}

static bool shared_mmap(struct shared *shared)
{
	void *memory = mmap(NULL, shared->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
			    shared->fd, 0);
	if (memory == MAP_FAILED)
		return false;
	shared->head = memory;
	return true;
}

bool shared_new(struct shared *shared, size_t records, size_t slots_each, uint64_t sessions)
{
	struct shared_head plan = shared_plan(records, slots_each, addresses_for(sessions));
	*shared = (struct shared){ .fd = -1, .size = shared_size(&plan), .plan = plan };

	shared->fd = memfd_create("postern", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (shared->fd < 0 || ftruncate(shared->fd, (off_t)shared->size) != 0 ||
	    fcntl(shared->fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0 ||
	    !shared_mmap(shared)) {
		shared_free(shared);
		return false;
	}
	*shared->head = plan;
	if (open_addresses(shared, true))
		return true;
	shared_free(shared);
	errno = ENOSYS;
	return false;
}

/* The plan that we would have made, were it ours: all of it but when, and what was counted. */
static bool shared_is_ours(const struct shared *shared, const struct shared_head *found)
{
	size_t addresses = addresses_for(found->addresses / 2);
	struct shared_head plan = shared_plan(found->records, found->slots_each, addresses);
	return found->version == SHARED_VERSION &&
	       memcmp(found, &plan, offsetof(struct shared_head, started_ms)) == 0 &&
	       shared_size(&plan) == shared->size;
}

bool shared_map(struct shared *shared, int fd)
{
	struct stat status;
	*shared = (struct shared){ .fd = fd };
	if (fstat(fd, &status) != 0 || (size_t)status.st_size < sizeof(struct shared_head)) {
		errno = EPROTO;
		return false;
	}
	shared->size = (size_t)status.st_size;
	if (!shared_mmap(shared))
		return false;
	shared->plan = *shared->head;
	if (shared_is_ours(shared, &shared->plan) && open_addresses(shared, false))
		return true;
	shared_free(shared);
	errno = EPROTO;
	return false;
}

void shared_free(struct shared *shared)
{
	addresses_close(&shared->addresses);
	if (shared->head != NULL)
		munmap(shared->head, shared->size);
	if (shared->fd >= 0)
		close(shared->fd);
	*shared = (struct shared){ .fd = -1 };
}

struct worker_record *shared_record(const struct shared *shared, size_t record)
{
	size_t offset = shared->plan.records_at + record * shared->plan.record_bytes;
	return (void *)((char *)shared->head + offset);
}

struct session_slot *shared_slots(const struct shared *shared, size_t record)
{
	size_t offset = shared->plan.slots_at + record * shared->plan.slots_each_bytes;
	return (void *)((char *)shared->head + offset);
}

struct server_table shared_servers(const struct shared *shared)
{
	char *memory = (char *)shared->head;
	return (struct server_table){
		.records = (void *)(memory + shared->plan.servers_at),
		.cells = (void *)(memory + shared->plan.cells_at),
		.rows = shared->plan.records,
	};
}

struct board *shared_board(const struct shared *shared)
{
	return (void *)((char *)shared->head + shared->plan.board_at);
}

size_t shared_take(struct shared *shared, uint32_t generation, uint32_t index)
{
	for (size_t i = 0; i < shared->plan.records; i++) {
		struct worker_record *record = shared_record(shared, i);
		if (record->generation != 0)
			continue;
		record->index = index;
		record->order = ORDER_WORK;
		record->generation = generation;
		return i;
	}
	return SIZE_MAX;
}

void shared_leave(struct shared *shared, size_t record)
{
	shared_record(shared, record)->generation = 0;
}

uint64_t shared_bury(struct shared *shared, size_t index)
{
	struct worker_record *record = shared_record(shared, index);
	struct shared_head *head = shared->head;
	struct server_table servers = shared_servers(shared);
	uint64_t open = record->counters.open;

	servers_bury(&servers, index);
	addresses_bury(&shared->addresses, index);
	record->up = 0;
	record->pid = 0;
	record->counters.open = 0;
	for (size_t i = 0; i < LISTENERS_COUNTED; i++)
		record->listeners[i].open = 0;
	fold(&head->gone, &record->counters, sizeof(head->gone));
	fold(head->gone_listeners, record->listeners, sizeof(head->gone_listeners));

	/* Reads as zero afterwards, and touches no page that the worker had not. */
	void *slots = shared_slots(shared, index);
	if (madvise(slots, shared->plan.slots_each_bytes, MADV_REMOVE) != 0)
		memset(slots, 0, shared->plan.slots_each_bytes);
	return open;
}

uint64_t shared_open(const struct shared *shared)
{
	uint64_t open = 0;
	for (size_t i = 0; i < shared->plan.records; i++)
		open += shared_record(shared, i)->counters.open;
	return open;
}

size_t shared_slots_for(uint64_t files, uint64_t kept)
{
	kept += SPARE_FILES;
	if (files < kept + 2)
		return 1;
	uint64_t slots = (files - kept) / 2;
	return slots < SLOTS_MAX ? (size_t)slots : SLOTS_MAX;
}
