/* A table of addresses of its own for a test, and who comes to it. */
#ifndef TESTS_UNIT_ADMIT_AID_H
#define TESTS_UNIT_ADMIT_AID_H

#include "proxy/admit/admit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { RECORDS = 4, SMALL = 64, LARGE = 4096 };

#define SECOND ((uint64_t)1000000)
#define START  (1000 * SECOND)

struct room {
	struct addresses table;
	struct config config; /* without limits */
	void *memory;
	size_t bytes;
};

struct room make(size_t entries);
void leave(struct room *room);

struct admit worker(struct room *room, size_t record);

struct addr address(const char *text);

/* 10.0.0.0 and so many more. */
struct addr numbered(uint32_t number);

/* A connection from the address, judged as at the door. */
struct admitted come(const struct admit *admit, struct visit *visit, const struct addr *addr,
		     uint64_t now_us);

/* Sessions that are served for the address. */
uint64_t sessions(const struct room *room, const struct addr *addr);

/* Nothing is counted anywhere. */
void assert_empty(const struct room *room);

#endif
