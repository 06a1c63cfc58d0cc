/*
 * The inspector with any bytes from both sides, any policy, any order of events: whole segments,
 * segments cut as the input says and single bytes give the same output, and after each step what
 * must always hold does.
 *
 * The input: 8 bytes of policy and cuts, then segments. A byte from 0xf5 on begins a segment or
 * stands for an event; what is below it is what the side sends.
 */
#include "tests/dialogs/play.h"

#include "proxy/smtp/say.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEAD = 8, RECORDS = 512, MOST_BYTES = 64 * 1024, CUTS = 3 };

/* Bytes of the input that are none of a side. */
enum mark {
	MARK_MANY = 0xf5, /* the next byte, as often as 64 times the one behind it */
	MARK_CLIENT,
	MARK_SERVER,
	MARK_LOST,
	MARK_DEADLINE,
	MARK_DRAIN,
	MARK_EXPIRED,
	MARK_CONNECTED,
};

/* What must be the same after each segment, however it was cut. */
struct record {
	size_t said[2], events;
	unsigned mode, server, mail, awaits, queued, flags;
	uint32_t turn, errors, recipients, messages;
};

struct run {
	struct play play;
	struct record records[RECORDS];
	size_t count;
	size_t fed;  /* bytes, and events */
	size_t lost; /* the connection that was lost: it says nothing more */
	bool was_cut;
	const uint8_t *cuts; /* lengths of pieces; NULL: whole segments */
	size_t next_cut;
};

static const struct slice patterns[] = { { "NTLM", 4 }, { "*-PLUS", 6 } };
static const struct slice off[] = { { "VRFY", 4 }, { "ETRN", 4 }, { "RSET", 4 } };
static const struct slice passed[] = { { "XFOO", 4 } };
static const struct slice hidden[] = { { "DSN", 3 }, { "CHUNKING", 8 }, { "SIZE", 4 } };
static const struct slice shown[] = { { "XBAR", 4 }, { "XCLIENT", 7 } };

static void read_policy(struct smtp_policy *policy, const uint8_t *head)
{
	static const uint64_t sizes[] = { 0, 1, 40, 1000, 70000, UINT64_MAX };

	*policy = (struct smtp_policy){
		.kind = head[4] % 3,
		.trace = head[4] % 6 >= 3,
		.hostname = SLICE("mail.test"),
		.message_size = sizes[(head[0] & 7) % 6],
		.require_auth = head[0] & 0x20,
		.normalize = head[0] & 0x40,
		.tolerate_pipelining = head[0] & 0x80,
		.tolerate_early_talker = head[1] & 1,
		.way_is_safe = head[1] & 2,
		.auth = (head[1] >> 2) % 3,
		.recipients = head[2] & 7,
		.errors = (head[2] >> 3) & 7,
		.messages = head[2] >> 6,
	};
	if (head[3] & 1)
		policy->auth_hide = (struct smtp_list){ patterns, 2 };
	if (head[3] & 2)
		policy->verbs_off = (struct smtp_list){ off, 3 };
	if (head[3] & 4)
		policy->verbs_pass = (struct smtp_list){ passed, 1 };
	if (head[3] & 8)
		policy->keywords_hide = (struct smtp_list){ hidden, 3 };
	if (head[3] & 16)
		policy->keywords_pass = (struct smtp_list){ shown, 2 };
	smtp_policy_settle(policy);
}

static void check_queue(const struct smtp *smtp)
{
	size_t by_server = 0;

	assert(smtp->queue_count <= SMTP_OWED_MAX && smtp->queue_head < SMTP_OWED_MAX);
	for (size_t i = 0; i < smtp->queue_count; i++) {
		const struct owed *owed = &smtp->queue[(smtp->queue_head + i) % SMTP_OWED_MAX];
		assert(owed->say < SAY_COUNT);
		by_server += owed->say == SAY_NONE;
	}
	assert(by_server == smtp->owed_by_server);
}

static void watch(struct play *play, enum side from, const struct smtp_step *step)
{
	struct run *run = (struct run *)play; /* its first member */
	size_t waits = play->waiting[from].len;

	assert(step->act <= SMTP_END);
	assert(step->len <= waits);
	assert(step->text.len <= step->room_size);
	check_queue(&play->smtp);
	if (step->act == SMTP_WAIT)
		assert(step->len == 0 && step->text.len == 0);
	if (step->act == SMTP_PASS)
		assert(step->len > 0 && step->text.len == 0);
	if (from == CLIENT)
		assert(step->act != SMTP_TLS && step->act != SMTP_END);
	else
		assert(step->act != SMTP_CUT);
	if (run->was_cut && from == CLIENT)
		assert(step->act != SMTP_PASS && step->act != SMTP_CUT && step->text.len == 0);
	if (step->act == SMTP_CUT)
		run->was_cut = true;
	if (step->act == SMTP_TLS)
		assert(!play->smtp.secured && play->smtp.queue_count == 0);
	assert(play->steps < 64 + 8 * run->fed);
}

/* Said again on every call, and nothing else any more. */
static void check_end(struct play *play)
{
	struct smtp_step step = { .room = play->room, .room_size = sizeof play->room };
	enum ending ending = play->smtp.ending;

	assert(ending > END_NONE && ending < END_COUNT);
	for (int i = 0; i < 2; i++) {
		smtp_to_server(&play->smtp, SLICE("NOOP\r\n"), &step);
		assert(step.act == SMTP_WAIT);
		smtp_to_client(&play->smtp, SLICE("250 ok\r\n"), &step);
		assert(step.act == SMTP_END && step.ending == ending && step.text.len == 0);
		smtp_event(&play->smtp, i ? SMTP_DEADLINE : SMTP_SERVER_LOST);
	}
}

static unsigned flags(const struct smtp *smtp)
{
	const bool all[] = {
		smtp_wants_server(smtp), smtp_in_message(smtp),
		smtp_owes_verdict(smtp), smtp_is_ending(smtp),
		smtp_idle(smtp),         smtp->secured,
		smtp->greeted,           smtp->helloed,
		smtp->authenticated,     smtp->lost,
	};
	unsigned bits = 0;

	for (size_t i = 0; i < sizeof all; i++)
		bits |= (unsigned)all[i] << i;
	return bits;
}

static void record(struct run *run)
{
	const struct play *play = &run->play;
	const struct smtp *smtp = &play->smtp;
	struct record *r = &run->records[run->count++];

	*r = (struct record){
		.said = { play->said[CLIENT].len, play->said[SERVER].len },
		.events = play->events.len,
		.mode = smtp->mode,
		.server = smtp->server,
		.mail = smtp->mail,
		.awaits = smtp_awaits(smtp),
		.queued = smtp->queue_count,
		.flags = flags(smtp),
		.turn = smtp->turn,
		.errors = smtp->errors,
		.recipients = smtp->recipients,
		.messages = smtp->messages,
	};
}

/* A session that is to end when it is idle may be so between two bytes of a segment: not cut. */
static size_t piece(struct run *run, size_t left)
{
	const struct smtp *smtp = &run->play.smtp;

	if (!run->cuts || smtp->draining || smtp->expired)
		return left;
	size_t n = 1U + run->cuts[run->next_cut++ % CUTS];
	/* Of long texts each byte alone teaches nothing new. */
	if (left > 3000)
		n += 150;
	return n < left ? n : left;
}

/* What a server says is heard only while its connection lasts. */
static void feed(struct run *run, enum side side, const char *ptr, size_t len)
{
	struct play *play = &run->play;
	size_t connection = play->connections, done = 0;

	run->fed += len;
	while (done < len) {
		size_t n = piece(run, len - done);
		if (side == SERVER && (play->connections != connection || run->lost == connection))
			return;
		play_feed(play, side, ptr + done, n, len - done - n);
		done += n;
	}
}

static void happen(struct run *run, uint8_t mark)
{
	static const enum smtp_event events[] = {
		[MARK_LOST - MARK_LOST] = SMTP_SERVER_LOST,
		[MARK_DEADLINE - MARK_LOST] = SMTP_DEADLINE,
		[MARK_DRAIN - MARK_LOST] = SMTP_DRAIN,
		[MARK_EXPIRED - MARK_LOST] = SMTP_EXPIRED,
		[MARK_CONNECTED - MARK_LOST] = SMTP_CONNECTED,
	};
	enum smtp_event event;

	if (mark < MARK_LOST || mark > MARK_CONNECTED)
		return;
	event = events[mark - MARK_LOST];
	run->fed++;
	if (event == SMTP_SERVER_LOST && run->lost == run->play.connections)
		return;
	play_event(&run->play, event);
	if (event == SMTP_SERVER_LOST && run->play.connected)
		run->lost = run->play.connections;
}

/* The bytes of one segment, with those that stand for many. */
static size_t expand(struct text_buf *out, const uint8_t *data, size_t size)
{
	size_t at = 0;

	out->len = 0;
	for (; at < size && data[at] <= MARK_MANY && out->len < MOST_BYTES; at++) {
		if (data[at] < MARK_MANY) {
			text_add(out, (const char *)data + at, 1);
		} else if (at + 2 < size && data[at + 1] < MARK_MANY) {
			for (size_t n = data[at + 2] * 64U; n > 0; n--)
				text_add(out, (const char *)data + at + 1, 1);
			at += 2;
		}
	}
	return at;
}

static void run_input(struct run *run, const struct smtp_policy *policy, const uint8_t *data,
		      size_t size, const uint8_t *cuts)
{
	struct slice refused = data[1] & 16 ? SLICE("unknown\r\nissuer") : SLICE("");
	struct text_buf segment = { 0 };
	size_t total = 0;

	*run = (struct run){ .cuts = cuts, .lost = SIZE_MAX };
	run->play = (struct play){ .connect_implied = true, .watch = watch };
	run->play.connect_late = data[1] & 32;
	smtp_init(&run->play.smtp, policy, policy->kind == SMTP_IMPLICIT, SLICE("ID"), refused);
	if (data[1] & 64)
		smtp_refuse(&run->play.smtp, SAY_OVERLOAD);
	play_pump(&run->play);
	for (size_t at = HEAD; at < size && run->count < RECORDS && total < MOST_BYTES;) {
		uint8_t mark = data[at++];
		if (mark != MARK_CLIENT && mark != MARK_SERVER) {
			happen(run, mark);
		} else {
			at += expand(&segment, data + at, size - at);
			total += segment.len;
			feed(run, mark == MARK_CLIENT ? CLIENT : SERVER, segment.ptr, segment.len);
		}
		record(run);
	}
	if (run->play.ended)
		check_end(&run->play);
	free(segment.ptr);
}

static void print(const char *name, const struct run *run)
{
	const struct play *play = &run->play;

	fprintf(stderr, "== %s\n-- client\n%.*s\n-- server\n%.*s\n-- events\n%.*s\n", name,
		(int)play->said[CLIENT].len, play->said[CLIENT].ptr, (int)play->said[SERVER].len,
		play->said[SERVER].ptr, (int)play->events.len, play->events.ptr);
}

static bool same_text(const struct text_buf *a, const struct text_buf *b)
{
	return slice_eq(slice_of(a->ptr, a->len), slice_of(b->ptr, b->len));
}

static void compare(const struct run *a, const struct run *b)
{
	bool same = same_text(&a->play.said[CLIENT], &b->play.said[CLIENT]) &&
		    same_text(&a->play.said[SERVER], &b->play.said[SERVER]) &&
		    same_text(&a->play.events, &b->play.events) && a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++) {
		same = memcmp(&a->records[i], &b->records[i], sizeof a->records[i]) == 0;
		if (!same)
			fprintf(stderr, "state differs behind segment %zu\n", i);
	}
	if (same)
		return;
	print("whole", a);
	print("cut", b);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t single[CUTS] = { 0, 0, 0 };
	struct smtp_policy policy;
	struct run *runs[3];

	if (size < HEAD)
		return 0;
	const uint8_t *const cuts[3] = { NULL, single, data + HEAD - CUTS };
	read_policy(&policy, data);
	for (size_t i = 0; i < 3; i++) {
		runs[i] = malloc(sizeof *runs[i]);
		assert(runs[i]);
		run_input(runs[i], &policy, data, size, cuts[i]);
		if (i > 0)
			compare(runs[0], runs[i]);
	}
	for (size_t i = 0; i < 3; i++) {
		play_end(&runs[i]->play);
		free(runs[i]);
	}
	return 0;
}
