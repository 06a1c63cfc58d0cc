#include "tests/unit/admit_aid.h"

#include <sys/mman.h>

struct room make(size_t entries)
{
	struct addresses_shape shape = { entries, RECORDS };
	struct room room = { .bytes = addresses_bytes(shape) };

	room.memory =
		mmap(NULL, room.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(room.memory, MAP_FAILED);
	assert_true(addresses_open(&room.table, room.memory, shape, true));
	for (size_t i = 0; i < RECORDS; i++)
		addresses_join(&room.table, i);
	return room;
}

void leave(struct room *room)
{
	addresses_close(&room->table);
	munmap(room->memory, room->bytes);
}

struct admit worker(struct room *room, size_t record)
{
	return (struct admit){ &room->table, &room->config, record };
}

struct addr address(const char *text)
{
	struct addr addr;
	const char *why;

	assert_true(addr_parse(slice_str(text), &addr, &why));
	return addr;
}

struct addr numbered(uint32_t number)
{
	struct addr addr = address("10.0.0.0:25");

	addr.v4.sin_addr.s_addr = htonl(0x0a000000 + number);
	return addr;
}

struct admitted come(const struct admit *admit, struct visit *visit, const struct addr *addr,
		     uint64_t now_us)
{
	struct admitted admitted;

	*visit = (struct visit){ 0 };
	admitted = admit_enter(admit, visit);
	return admitted.act == ADMIT_CLOSE ? admitted : admit_address(admit, visit, addr, now_us);
}

uint64_t sessions(const struct room *room, const struct addr *addr)
{
	uint32_t entry = addresses_find(&room->table, address_key(addr));

	return entry == ADDRESS_NONE ? 0 : addresses_present(&room->table, entry).served;
}

void assert_empty(const struct room *room)
{
	for (uint32_t entry = 0; entry <= room->table.shape.entries; entry++) {
		struct presence sum = addresses_present(&room->table, entry);
		assert_int_equal(sum.served, 0);
		assert_int_equal(sum.told, 0);
	}
}
