/*
 * The table of client addresses, in memory that all processes share: what each has used up of its
 * rates, until when it is banned, how many sessions it has. An IPv6 client counts as its /64.
 *
 * The size is fixed. An address has few places where it may stand, behind a keyed hash, so that no
 * stranger can choose whom to collide with. When all of them are taken the one that was seen least
 * recently goes, but never one with sessions or a ban, and one that has failed AUTH only after
 * others: a flood of addresses lifts no ban. An address that finds no place is not tracked.
 *
 * Nothing is locked. A key is set by one compare-and-swap; each word beside it carries a tag of the
 * key, so that what is left of an earlier address reads as nothing. Sessions are counted in cells
 * that one worker's record alone writes and the master clears, so a process that is killed, at
 * whatever instruction, leaves nothing behind. The price: an address that is put out in the very
 * instant in which it comes again may have one session counted with its successor.
 */
#ifndef PROXY_ADMIT_ADDRESSES_H
#define PROXY_ADMIT_ADDRESSES_H

#include "base/addr.h"

#include <stdatomic.h>

enum address_word {
	ADDRESS_RATE,   /* connections: rate.h */
	ADDRESS_TOLD,   /* connections over that rate that were told so: the same */
	ADDRESS_AUTH,   /* failed AUTH: the same */
	ADDRESS_LOGIN,  /* when an AUTH last succeeded */
	ADDRESS_BAN,    /* until when it is banned */
	ADDRESS_LOGGED, /* when a refusal was last logged */
	ADDRESS_SEEN,   /* when it last came */
	ADDRESS_WORDS,
};

struct address_entry {
	_Alignas(64) _Atomic uint64_t key;     /* 0: free, ever */
	_Atomic uint64_t words[ADDRESS_WORDS]; /* microseconds, and the tag */
};

/* Sessions of an address, or of all: those that are served, and those that are only told to go. */
struct address_cell {
	_Atomic uint32_t served;
	_Atomic uint32_t told;
};

struct presence {
	uint64_t served;
	uint64_t told;
};

/* Entries are numbered from 1; the cells of number 0 are those of all sessions. */
enum { ADDRESS_ALL = 0, ADDRESS_NONE = 0 };

struct addresses_shape {
	size_t entries; /* a power of two */
	size_t records; /* of workers */
};

/* As a process has it mapped. */
struct addresses {
	struct addresses_shape shape;
	struct addresses_head *head;
	_Atomic uint8_t *live;    /* by record: its worker counts */
	_Atomic uint8_t *touched; /* by page of entries: there is something */
	struct address_entry *entries;
	char *cells;
	size_t cells_each_bytes;
	void *mac; /* owned: the keyed hash, EVP_MAC_CTX */
};

/* How many entries are enough for so many sessions of the whole program. */
size_t addresses_for(uint64_t sessions);

/* How much memory it takes; it must begin on a page, and be zero before addresses_new(). */
size_t addresses_bytes(struct addresses_shape shape);

/*
 * Finds one's way in the memory. `fresh`: it is new, and gets its key. False when the keyed hash
 * cannot be had. To be released by each process that has done so; the memory stays.
 */
bool addresses_open(struct addresses *table, void *memory, struct addresses_shape shape,
		    bool fresh);
void addresses_close(struct addresses *table);

/* The address as the table has it: with the /64 of IPv6. 0 for a unix socket. */
uint64_t address_key(const struct addr *addr);

/* And back, as text: "192.0.2.7" or "2001:db8::/64". */
void address_key_format(uint64_t key, char *text, size_t size);

/* The entry of the address; ADDRESS_NONE when it has none. */
uint32_t addresses_find(const struct addresses *table, uint64_t key);

/* The same, but it gets one: ADDRESS_NONE when none of its places can be had. */
uint32_t addresses_place(const struct addresses *table, uint64_t key, uint64_t now_us);

/* A word of the entry, as far as it is this key's; 0 where nothing was set. */
uint64_t addresses_get(const struct addresses *table, uint32_t entry, uint64_t key,
		       enum address_word word);
void addresses_set(const struct addresses *table, uint32_t entry, uint64_t key,
		   enum address_word word, uint64_t value);

/* Sets it to `value` if it is *seen still; otherwise *seen is what it is. */
bool addresses_swap(const struct addresses *table, uint32_t entry, uint64_t key,
		    enum address_word word, uint64_t *seen, uint64_t value);

/* What all workers count for the entry. */
struct presence addresses_present(const struct addresses *table, uint32_t entry);

/* The cell of a worker's record, which that worker alone writes. */
struct address_cell *addresses_cell(const struct addresses *table, size_t record, uint32_t entry);

/* The record's worker begins to count; it is no more, and what it had counted is undone. */
void addresses_join(const struct addresses *table, size_t record);
void addresses_bury(const struct addresses *table, size_t record);

/* The next key behind entry *at (0 at first) that is not free; 0 behind the last. Touches no page
 * that nobody has used. */
uint64_t addresses_next(const struct addresses *table, uint32_t *at);

#endif
