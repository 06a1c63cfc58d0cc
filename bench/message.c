#include "bench/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

static uint64_t fnv(uint64_t sum, struct slice octets)
{
	for (size_t i = 0; i < octets.len; i++)
		sum = (sum ^ (unsigned char)octets.ptr[i]) * FNV_PRIME;
	return sum;
}

enum field { FIELD_RUN, FIELD_NUMBER, FIELD_CHECKSUM };

static const char *const field_names[MESSAGE_FIELDS] = {
	[FIELD_RUN] = "X-Bench-Run:",
	[FIELD_NUMBER] = "X-Bench-Number:",
	[FIELD_CHECKSUM] = "X-Bench-Checksum:",
};

enum { LINE_BYTES = 78 }; /* with CR LF: RFC 5322 asks for no more than that and two */

/* `len` octets of text to `to`; every eighth line begins with a dot. */
static void write_body(char *to, size_t len)
{
	uint32_t dice = 1;

	for (size_t i = 0; i < len; i++) {
		size_t column = i % LINE_BYTES;
		dice = dice * 1103515245 + 12345;
		to[i] = (char)('a' + (dice >> 16) % 26);
		if (column == 0 && i / LINE_BYTES % 8 == 3)
			to[i] = '.';
	}
	for (size_t end = LINE_BYTES; end <= len; end += LINE_BYTES)
		memcpy(to + end - 2, "\r\n", 2);
	if (len >= 2)
		memcpy(to + len - 2, "\r\n", 2);
	/* The line before may have ended one octet earlier: then a lone CR would stand there. */
	if (len >= 3 && to[len - 3] == '\r')
		to[len - 3] = 'x';
}

/* Doubles the dots that begin lines; `to` has room for one in each line. */
static size_t stuff(char *to, struct slice body)
{
	size_t len = 0;

	for (size_t i = 0; i < body.len; i++) {
		if (body.ptr[i] == '.' && (i == 0 || body.ptr[i - 1] == '\n'))
			to[len++] = '.';
		to[len++] = body.ptr[i];
	}
	return len;
}

bool message_plan_init(struct message_plan *plan, size_t size_bytes)
{
	char head[MESSAGE_HEAD_BYTES];
	size_t head_len = message_head(plan, 1, head);

	/* A body of one octet could not end in CR LF. */
	plan->body_len = size_bytes > head_len + 1 ? size_bytes - head_len : 0;
	plan->size = head_len + plan->body_len;
	plan->body = malloc(plan->body_len + 1);
	plan->stuffed = malloc(plan->body_len + plan->body_len / LINE_BYTES + 1);
	if (!plan->body || !plan->stuffed)
		return false;
	write_body(plan->body, plan->body_len);
	plan->sum = fnv(FNV_OFFSET, slice_of(plan->body, plan->body_len));
	plan->stuffed_len = stuff(plan->stuffed, slice_of(plan->body, plan->body_len));
	return true;
}

void message_plan_release(struct message_plan *plan)
{
	free(plan->body);
	free(plan->stuffed);
	plan->body = plan->stuffed = NULL;
}

size_t message_head(const struct message_plan *plan, uint64_t number, char *head)
{
	char run[MESSAGE_VALUE_BYTES], which[MESSAGE_VALUE_BYTES];
	size_t run_len, which_len;

	run_len = (size_t)snprintf(run, sizeof run, "%016" PRIx64, plan->run);
	which_len = (size_t)snprintf(which, sizeof which, "%010" PRIu64 "/%010" PRIu64, number,
				     plan->total);
	uint64_t sum = fnv(fnv(plan->sum, slice_of(run, run_len)), slice_of(which, which_len));
	int len = snprintf(head, MESSAGE_HEAD_BYTES,
			   "From: <%.200s>\r\n"
			   "To: <%.200s>\r\n"
			   "Subject: postern-bench %s\r\n"
			   "Message-ID: <%s.%010" PRIu64 "@bench.invalid>\r\n"
			   "X-Bench-Run: %s\r\n"
			   "X-Bench-Number: %s\r\n"
			   "X-Bench-Checksum: %016" PRIx64 "\r\n"
			   "\r\n",
			   plan->from, plan->to, which, run, number, run, which, sum);
	return (size_t)len;
}

void message_check_init(struct message_check *check)
{
	*check = (struct message_check){ .sum = FNV_OFFSET };
}

/* Keeps the value when the line is one of ours. */
static void end_line(struct message_check *check)
{
	struct slice line = slice_of(check->line, check->line_len);

	check->line_len = 0;
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	check->in_body = line.len == 0;
	for (int i = 0; i < MESSAGE_FIELDS; i++) {
		struct slice name = slice_str(field_names[i]);
		if (!slice_starts_nocase(line, name))
			continue;
		struct slice value = slice_trim(slice_skip(line, name.len));
		value = slice_head(value, MESSAGE_VALUE_BYTES);
		if (value.len > 0)
			memcpy(check->value[i], value.ptr, value.len);
		check->value[i][value.len] = '\0';
	}
}

/* Takes the headers up to the end of a line; returns how much. */
static size_t feed_line(struct message_check *check, struct slice octets)
{
	size_t lf = slice_find(octets, '\n', 0);
	struct slice part = slice_head(octets, lf);
	size_t room = sizeof check->line - check->line_len;

	part = slice_head(part, room);
	if (part.len > 0)
		memcpy(check->line + check->line_len, part.ptr, part.len);
	check->line_len += part.len;
	if (lf == octets.len)
		return lf;
	end_line(check);
	return lf + 1;
}

void message_check_feed(struct message_check *check, struct slice octets)
{
	while (octets.len > 0 && !check->in_body)
		octets = slice_skip(octets, feed_line(check, octets));
	check->sum = fnv(check->sum, octets);
}

bool message_read_hex(struct slice digits, uint64_t *value)
{
	char text[17] = "";

	if (digits.len != 16)
		return false;
	memcpy(text, digits.ptr, 16);
	*value = strtoull(text, NULL, 16);
	return strspn(text, "0123456789abcdef") == 16;
}

static bool read_id(const char *run, const char *number, struct message_id *id)
{
	struct slice all = slice_str(number);
	size_t slash = slice_find(all, '/', 0);
	struct message_id read;

	*id = (struct message_id){ 0 };
	if (!message_read_hex(slice_str(run), &read.run) ||
	    !slice_number(slice_head(all, slash), &read.number) ||
	    !slice_number(slice_skip(all, slash + 1), &read.total) || read.number == 0 ||
	    (read.total > 0 && read.number > read.total))
		return false;
	*id = read;
	return true;
}

enum message_verdict message_check_end(const struct message_check *check, struct message_id *id)
{
	const char *run = check->value[FIELD_RUN], *number = check->value[FIELD_NUMBER];
	bool has_id = read_id(run, number, id);
	uint64_t told;

	if (!*run && !*number && !*check->value[FIELD_CHECKSUM])
		return MESSAGE_FOREIGN;
	if (!has_id || !message_read_hex(slice_str(check->value[FIELD_CHECKSUM]), &told))
		return MESSAGE_DAMAGED;
	uint64_t sum = fnv(fnv(check->sum, slice_str(run)), slice_str(number));
	return sum == told ? MESSAGE_WHOLE : MESSAGE_DAMAGED;
}
