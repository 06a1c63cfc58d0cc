#include "proxy/admit/addresses.h"

#include <arpa/inet.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

enum {
	KEY_BYTES = 16,
	HASH_BYTES = 8,
	ENTRIES_MIN = 64 * 1024,
	ENTRIES_MAX = 256 * 1024,
	PLACES = 16,    /* where an address may stand */
	PAGE_SHIFT = 6, /* entries of 64 bytes in a page of 4 KiB */
	TAG_BITS = 12,
	TRIES = 8,
};

/* How the memory starts. */
struct addresses_head {
	unsigned char key[KEY_BYTES]; /* of the hash */
};

/* ------------------------------------------------------------------------------------- layout */

static size_t round_up(size_t bytes, size_t unit)
{
	return (bytes + unit - 1) / unit * unit;
}

static size_t page_bytes(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t pages_of(struct addresses_shape shape)
{
	return (shape.entries >> PAGE_SHIFT) + 1;
}

static size_t head_bytes(struct addresses_shape shape)
{
	size_t bytes = sizeof(struct addresses_head) + shape.records + pages_of(shape);

	return round_up(bytes, page_bytes());
}

/* Whole pages, so that those of a dead worker can be given back. */
static size_t cells_bytes(struct addresses_shape shape)
{
	return round_up((shape.entries + 1) * sizeof(struct address_cell), page_bytes());
}

static size_t entries_bytes(struct addresses_shape shape)
{
	return round_up((shape.entries + 1) * sizeof(struct address_entry), page_bytes());
}

size_t addresses_for(uint64_t sessions)
{
	size_t entries = ENTRIES_MIN;

	while (entries < ENTRIES_MAX && entries < 2 * sessions)
		entries *= 2;
	return entries;
}

size_t addresses_bytes(struct addresses_shape shape)
{
	return head_bytes(shape) + entries_bytes(shape) + shape.records * cells_bytes(shape);
}

static EVP_MAC_CTX *keyed_hash(void)
{
	size_t bytes = HASH_BYTES;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &bytes),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *context = mac ? EVP_MAC_CTX_new(mac) : NULL;

	EVP_MAC_free(mac);
	if (context && EVP_MAC_CTX_set_params(context, params))
		return context;
	EVP_MAC_CTX_free(context);
	return NULL;
}

bool addresses_open(struct addresses *table, void *memory, struct addresses_shape shape, bool fresh)
{
	char *at = memory;

	*table = (struct addresses){
		.shape = shape,
		.head = memory,
		.live = (void *)(at + sizeof(struct addresses_head)),
		.touched = (void *)(at + sizeof(struct addresses_head) + shape.records),
		.entries = (void *)(at + head_bytes(shape)),
		.cells = at + head_bytes(shape) + entries_bytes(shape),
		.cells_each_bytes = cells_bytes(shape),
		.mac = keyed_hash(),
	};
	if (fresh && getrandom(table->head->key, KEY_BYTES, 0) != KEY_BYTES)
		addresses_close(table);
	return table->mac != NULL;
}

void addresses_close(struct addresses *table)
{
	EVP_MAC_CTX_free(table->mac);
	table->mac = NULL;
}

/* --------------------------------------------------------------------------------------- keys */

/* IPv4 stands in a part of IPv6 that is given to nobody (0::/8, RFC 4291 section 2.4). */
static const uint64_t V4_KEY = 0x0000ffff00000000;
static const uint64_t V4_MASK = 0xffffffff00000000;

static uint64_t v4_key(const void *bytes)
{
	uint32_t address;

	memcpy(&address, bytes, sizeof address);
	return V4_KEY | ntohl(address);
}

uint64_t address_key(const struct addr *addr)
{
	const uint8_t *bytes = addr->v6.sin6_addr.s6_addr;
	uint64_t key = 0;

	if (addr->any.sa_family == AF_INET)
		return v4_key(&addr->v4.sin_addr);
	if (addr->any.sa_family != AF_INET6)
		return 0;
	if (IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr))
		return v4_key(bytes + 12);
	for (size_t i = 0; i < sizeof key; i++)
		key = key << 8 | bytes[i];
	return key != 0 ? key : 1; /* ::1, as 0 stands for none */
}

void address_key_format(uint64_t key, char *text, size_t size)
{
	struct in6_addr v6 = { 0 };
	char address[INET6_ADDRSTRLEN];

	if ((key & V4_MASK) == V4_KEY) {
		uint32_t v4 = htonl((uint32_t)key);
		inet_ntop(AF_INET, &v4, text, (socklen_t)size);
		return;
	}
	for (size_t i = 0; key != 1 && i < sizeof key; i++)
		v6.s6_addr[i] = (uint8_t)(key >> (56 - 8 * i));
	inet_ntop(AF_INET6, &v6, address, sizeof address);
	snprintf(text, size, "%s/64", address);
}

/* False when OpenSSL has no memory: then nothing is known of the address, this time. */
static bool hash(const struct addresses *table, uint64_t key, uint64_t *to)
{
	unsigned char bytes[sizeof key], out[HASH_BYTES];
	size_t len;

	memcpy(bytes, &key, sizeof key);
	if (!EVP_MAC_init(table->mac, table->head->key, KEY_BYTES, NULL) ||
	    !EVP_MAC_update(table->mac, bytes, sizeof bytes) ||
	    !EVP_MAC_final(table->mac, out, &len, sizeof out))
		return false;
	memcpy(to, out, sizeof *to);
	return true;
}

/* -------------------------------------------------------------------------------------- words */

/* Which key a word was written for: enough that what an earlier one left is not taken for it. */
static uint64_t tag_of(uint64_t key)
{
	return (key * 0x9e3779b97f4a7c15) >> (64 - TAG_BITS);
}

static uint64_t untagged(uint64_t word, uint64_t key)
{
	bool own = (word & ((1u << TAG_BITS) - 1)) == tag_of(key);

	return own ? word >> TAG_BITS : 0;
}

static uint64_t tagged(uint64_t value, uint64_t key)
{
	return value << TAG_BITS | tag_of(key);
}

static _Atomic uint64_t *word_at(const struct addresses *table, uint32_t entry,
				 enum address_word word)
{
	return &table->entries[entry].words[word];
}

uint64_t addresses_get(const struct addresses *table, uint32_t entry, uint64_t key,
		       enum address_word word)
{
	return untagged(atomic_load(word_at(table, entry, word)), key);
}

void addresses_set(const struct addresses *table, uint32_t entry, uint64_t key,
		   enum address_word word, uint64_t value)
{
	atomic_store(word_at(table, entry, word), tagged(value, key));
}

bool addresses_swap(const struct addresses *table, uint32_t entry, uint64_t key,
		    enum address_word word, uint64_t *seen, uint64_t value)
{
	_Atomic uint64_t *at = word_at(table, entry, word);
	uint64_t old = atomic_load(at);

	if (untagged(old, key) == *seen &&
	    atomic_compare_exchange_strong(at, &old, tagged(value, key)))
		return true;
	*seen = untagged(old, key);
	return false;
}

/* -------------------------------------------------------------------------------------- cells */

struct address_cell *addresses_cell(const struct addresses *table, size_t record, uint32_t entry)
{
	return (struct address_cell *)(table->cells + record * table->cells_each_bytes) + entry;
}

struct presence addresses_present(const struct addresses *table, uint32_t entry)
{
	struct presence sum = { 0 };

	for (size_t i = 0; i < table->shape.records; i++) {
		if (!atomic_load(&table->live[i]))
			continue;
		const struct address_cell *cell = addresses_cell(table, i, entry);
		sum.served += atomic_load(&cell->served);
		sum.told += atomic_load(&cell->told);
	}
	return sum;
}

void addresses_join(const struct addresses *table, size_t record)
{
	atomic_store(&table->live[record], 1);
}

void addresses_bury(const struct addresses *table, size_t record)
{
	void *cells = addresses_cell(table, record, 0);

	if (!atomic_exchange(&table->live[record], 0))
		return;
	/* Reads as zero afterwards, and touches no page that the worker had not. */
	if (madvise(cells, table->cells_each_bytes, MADV_REMOVE) != 0)
		memset(cells, 0, table->cells_each_bytes);
}

/* ------------------------------------------------------------------------------------- places */

/* The i-th place of an address with this hash. */
static uint32_t place(const struct addresses *table, uint64_t hashed, size_t i)
{
	return (uint32_t)((hashed + i) & (table->shape.entries - 1)) + 1;
}

/* No place is ever free again, so behind a free one there is nothing. */
static uint32_t look(const struct addresses *table, uint64_t hashed, uint64_t key, uint32_t *free)
{
	*free = ADDRESS_NONE;
	for (size_t i = 0; i < PLACES; i++) {
		uint32_t entry = place(table, hashed, i);
		uint64_t there = atomic_load(&table->entries[entry].key);
		if (there == key)
			return entry;
		if (there == 0) {
			*free = entry;
			break;
		}
	}
	return ADDRESS_NONE;
}

uint32_t addresses_find(const struct addresses *table, uint64_t key)
{
	uint64_t hashed;
	uint32_t free;

	return hash(table, key, &hashed) ? look(table, hashed, key, &free) : ADDRESS_NONE;
}

/* How dear an entry is: UINT64_MAX when it may not go. */
static uint64_t worth(const struct addresses *table, uint32_t entry, uint64_t key, uint64_t now_us)
{
	static const uint64_t FAILED_AUTH = (uint64_t)1 << 62;
	struct presence present;

	if (addresses_get(table, entry, key, ADDRESS_BAN) > now_us)
		return UINT64_MAX;
	present = addresses_present(table, entry);
	if (present.served + present.told > 0)
		return UINT64_MAX;
	return addresses_get(table, entry, key, ADDRESS_SEEN) +
	       (addresses_get(table, entry, key, ADDRESS_AUTH) > now_us ? FAILED_AUTH : 0);
}

/* The entry that may best go, and its key; ADDRESS_NONE when none may. */
static uint32_t find_victim(const struct addresses *table, uint64_t hashed, uint64_t now_us,
			    uint64_t *its_key)
{
	uint64_t least = UINT64_MAX;
	uint32_t found = ADDRESS_NONE;

	for (size_t i = 0; i < PLACES; i++) {
		uint32_t entry = place(table, hashed, i);
		uint64_t key = atomic_load(&table->entries[entry].key);
		uint64_t value = worth(table, entry, key, now_us);
		if (value >= least)
			continue;
		least = value;
		found = entry;
		*its_key = key;
	}
	return found;
}

/* Once in so many times the tags are the same: then what is left is not the new one's either. */
static void forget(const struct addresses *table, uint32_t entry, uint64_t old, uint64_t key)
{
	for (enum address_word word = 0; tag_of(old) == tag_of(key) && word < ADDRESS_WORDS; word++)
		addresses_set(table, entry, key, word, 0);
}

static bool settle(const struct addresses *table, uint32_t entry, uint64_t old, uint64_t key)
{
	/* First, so that what stands in the table is always found in it. */
	atomic_store(&table->touched[entry >> PAGE_SHIFT], 1);
	if (!atomic_compare_exchange_strong(&table->entries[entry].key, &old, key))
		return false;
	if (old != 0)
		forget(table, entry, old, key);
	return true;
}

uint32_t addresses_place(const struct addresses *table, uint64_t key, uint64_t now_us)
{
	uint32_t entry = ADDRESS_NONE, free;
	uint64_t hashed, old;

	if (!hash(table, key, &hashed))
		return ADDRESS_NONE;
	/* Another process may be faster, and even with the same address: so it is looked for anew.
	 */
	for (int i = 0; i < TRIES; i++) {
		entry = look(table, hashed, key, &free);
		if (entry != ADDRESS_NONE)
			break;
		old = 0;
		if (free == ADDRESS_NONE)
			free = find_victim(table, hashed, now_us, &old);
		if (free == ADDRESS_NONE)
			return ADDRESS_NONE;
		settle(table, free, old, key);
	}
	if (entry != ADDRESS_NONE)
		addresses_set(table, entry, key, ADDRESS_SEEN, now_us);
	return entry;
}

uint64_t addresses_next(const struct addresses *table, uint32_t *at)
{
	uint64_t key = 0;

	while (key == 0 && *at < table->shape.entries) {
		++*at;
		if (atomic_load(&table->touched[*at >> PAGE_SHIFT]))
			key = atomic_load(&table->entries[*at].key);
		else
			*at |= (1u << PAGE_SHIFT) - 1;
	}
	return key;
}
