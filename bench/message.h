/*
 * The messages of the load tool: built there, checked by the sink. Three headers tell a message
 * from all others and prove it whole:
 *
 *   X-Bench-Run:      16 hexadecimal digits, one value for each run of the load tool
 *   X-Bench-Number:   which of how many, from 1, as 0000000017/0000001000
 *   X-Bench-Checksum: 16 hexadecimal digits: 64-bit FNV-1a of the body (all octets behind the
 *                     empty line, as they are after the removal of stuffed dots), continued over
 *                     the values of the run and the number
 *
 * The body comes first in the sum, so that it need be summed only once for many messages.
 */
#ifndef BENCH_MESSAGE_H
#define BENCH_MESSAGE_H

#include "base/slice.h"

/* What is the same in all messages of a run. */
struct message_plan {
	uint64_t run;
	uint64_t total; /* 0: not known before the end */
	const char *from;
	const char *to;
	char *body; /* owned; as it goes with BDAT */
	size_t body_len;
	char *stuffed; /* owned; as it goes with DATA, without the end of data */
	size_t stuffed_len;
	size_t size;  /* of a whole message, without stuffed dots */
	uint64_t sum; /* of the body */
};

/*
 * Makes a body so that a message has `size_bytes`, or no body when the headers alone are as long.
 * It is text in lines of at most 78 octets, some of which begin with a dot. False when out of
 * memory.
 */
bool message_plan_init(struct message_plan *plan, size_t size_bytes);
void message_plan_release(struct message_plan *plan);

enum { MESSAGE_HEAD_BYTES = 1024 };

/*
 * The headers of message `number` and the empty line, into `head` of MESSAGE_HEAD_BYTES. Returns
 * the length, which is the same for every number.
 */
size_t message_head(const struct message_plan *plan, uint64_t number, char *head);

enum { MESSAGE_LINE_BYTES = 128, MESSAGE_VALUE_BYTES = 40, MESSAGE_FIELDS = 3 };

/* A message as it arrives, in any cut. */
struct message_check {
	bool in_body;
	size_t line_len;
	char line[MESSAGE_LINE_BYTES];                       /* of the headers; cut when longer */
	char value[MESSAGE_FIELDS][MESSAGE_VALUE_BYTES + 1]; /* NUL-terminated; empty: not seen */
	uint64_t sum;
};

enum message_verdict {
	MESSAGE_FOREIGN, /* not from the load tool */
	MESSAGE_WHOLE,
	MESSAGE_DAMAGED,
};

struct message_id {
	uint64_t run;
	uint64_t number;
	uint64_t total;
};

/* 16 hexadecimal digits, as in the headers, and nothing else. */
bool message_read_hex(struct slice digits, uint64_t *value);

void message_check_init(struct message_check *check);
void message_check_feed(struct message_check *check, struct slice octets);
/* id->number is 0 where it cannot be read. */
enum message_verdict message_check_end(const struct message_check *check, struct message_id *id);

#endif
