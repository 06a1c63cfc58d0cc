/* The dial: stories of what a server says and what it is told, under every cut of both. */
#include "proxy/smtp/dial.h"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct identity v4 = {
	.family = FAMILY_V4,
	.client = { .host = { 192, 0, 2, 1 }, .text = "192.0.2.1", .port = 4711 },
	.local = { .host = { 198, 51, 100, 2 }, .text = "198.51.100.2", .port = 465 },
	.session = { "ID", 2 },
};

static const struct identity v6 = {
	.family = FAMILY_V6,
	.client = { .host = { 0x20, 1, 0xd, 0xb8, [15] = 1 }, .text = "2001:db8::1", .port = 9 },
	.local = { .host = { [15] = 1 }, .text = "::1", .port = 25 },
	.session = { "ID", 2 },
};

static const struct identity logged_in = {
	.family = FAMILY_V4,
	.client = { .host = { 192, 0, 2, 1 }, .text = "192.0.2.1", .port = 4711 },
	.local = { .host = { 198, 51, 100, 2 }, .text = "198.51.100.2", .port = 465 },
	.session = { "ID", 2 },
	.login = { "a=b+c d\xc3\xa9", 9 },
};

static const struct identity nowhere = { .family = FAMILY_NONE, .session = { "ID", 2 } };
static const struct identity own = { .is_own = true, .family = FAMILY_V4 };

/*
 * Steps: `S text` the server says that; `> text` it is told that; `tls` TLS begins and is there;
 * `ready text`, `fail sentence`: how it ends; `hold`: it wants the identity, which is then given.
 */
struct story {
	const char *name;
	struct dial_plan plan;
	const struct identity *identity;
	const char *steps[16];
};

#define XCLIENT_HELLO "S 250-mx\r\n250-PIPELINING\r\n250 XCLIENT NAME ADDR PORT HELO LOGIN\r\n"

static const struct story stories[] = {
	{ "the greeting alone",
	  { 0 },
	  &v4,
	  { "S 220-mx\r\n220 ready\r\n", "ready 220-mx\r\n220 ready\r\n" } },
	{ "a refusal is the greeting",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 554 no\r\n", "ready 554 no\r\n" } },
	{ "no SMTP",
	  { 0 },
	  &v4,
	  { "S SSH-2.0-x\r\n",
	    "ready 421 4.3.0 The mail server said what was not understood [ID]\r\n" } },
	{ "a greeting that is none",
	  { 0 },
	  &v4,
	  { "S 354 go\r\n",
	    "ready 421 4.3.0 The mail server said what was not understood [ID]\r\n" } },
	{ "no SMTP behind EHLO",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n251 x\r\n",
	    "ready 421 4.3.0 The mail server said what was not understood [ID]\r\n" } },

	{ "proxy-v1",
	  { .way = DIAL_PROXY_V1 },
	  &v4,
	  { "> PROXY TCP4 192.0.2.1 198.51.100.2 4711 465\r\n", "S 220 mx\r\n",
	    "ready 220 mx\r\n" } },
	{ "proxy-v1, IPv6",
	  { .way = DIAL_PROXY_V1 },
	  &v6,
	  { "> PROXY TCP6 2001:db8::1 ::1 9 25\r\n", "S 220 mx\r\n", "ready 220 mx\r\n" } },
	{ "proxy-v1 without an address",
	  { .way = DIAL_PROXY_V1 },
	  &nowhere,
	  { "> PROXY UNKNOWN\r\n", "S 220 mx\r\n", "ready 220 mx\r\n" } },
	{ "proxy-v1 of Postern's own",
	  { .way = DIAL_PROXY_V1 },
	  &own,
	  { "> PROXY UNKNOWN\r\n", "S 220 mx\r\n", "ready 220 mx\r\n" } },
	{ "proxy-v1, then TLS",
	  { .way = DIAL_PROXY_V1, .tls = DIAL_IMPLICIT },
	  &v4,
	  { "> PROXY TCP4 192.0.2.1 198.51.100.2 4711 465\r\n", "tls", "S 220 mx\r\n",
	    "ready 220 mx\r\n" } },

	{ "implicit TLS",
	  { .tls = DIAL_IMPLICIT },
	  &v4,
	  { "tls", "S 220 mx\r\n", "ready 220 mx\r\n" } },
	{ "STARTTLS",
	  { .tls = DIAL_STARTTLS },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250-SIZE 1\r\n250 StartTLS\r\n",
	    "> STARTTLS\r\n", "S 220 go\r\n", "tls", "> EHLO mail.test\r\n", "S 250 mx\r\n",
	    "ready 220 mx\r\n" } },
	{ "STARTTLS is not offered",
	  { .tls = DIAL_STARTTLS },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 SIZE 1\r\n",
	    "fail the server offers no STARTTLS" } },
	{ "STARTTLS of who knows only HELO",
	  { .tls = DIAL_STARTTLS },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 500 what\r\n",
	    "fail the server offers no STARTTLS" } },
	{ "STARTTLS is refused",
	  { .tls = DIAL_STARTTLS },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 STARTTLS\r\n",
	    "> STARTTLS\r\n", "S 454 not now\r\n", "fail the server offers no STARTTLS" } },
	{ "STARTTLS, then XCLIENT",
	  { .tls = DIAL_STARTTLS, .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n",
	    "S 250-mx\r\n250-XCLIENT ADDR\r\n250 STARTTLS\r\n", "> STARTTLS\r\n", "S 220 go\r\n",
	    "tls", "> EHLO mail.test\r\n", "S 250-mx\r\n250 XCLIENT ADDR\r\n",
	    "> XCLIENT ADDR=192.0.2.1\r\n", "S 220 again\r\n", "ready 220 again\r\n" } },

	{ "XCLIENT",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220-mx\r\n220 first\r\n", "> EHLO mail.test\r\n", XCLIENT_HELLO,
	    "> XCLIENT NAME=[UNAVAILABLE] PORT=4711 ADDR=192.0.2.1\r\n", "S 220 second\r\n",
	    "ready 220 second\r\n" } },
	{ "XCLIENT, IPv6 and where it came to",
	  { .way = DIAL_XCLIENT },
	  &v6,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n",
	    "S 250-mx\r\n250 xclient ADDR PORT DESTPORT DESTADDR X\r\n",
	    "> XCLIENT PORT=9 DESTADDR=IPV6:::1 DESTPORT=25 ADDR=IPV6:2001:db8::1\r\n",
	    "S 220 b\r\n", "ready 220 b\r\n" } },
	{ "XCLIENT LOGIN in xtext",
	  { .way = DIAL_XCLIENT },
	  &logged_in,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 XCLIENT LOGIN ADDR\r\n",
	    "> XCLIENT LOGIN=a+3Db+2Bc+20d+C3+A9 ADDR=192.0.2.1\r\n", "S 220 b\r\n",
	    "ready 220 b\r\n" } },
	{ "XCLIENT without an address",
	  { .way = DIAL_XCLIENT },
	  &nowhere,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 XCLIENT PORT ADDR\r\n",
	    "> XCLIENT PORT=[UNAVAILABLE] ADDR=[UNAVAILABLE]\r\n", "S 220 b\r\n",
	    "ready 220 b\r\n" } },
	{ "XCLIENT is not announced",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250 mx\r\n", "ready 220 mx\r\n" } },
	{ "XCLIENT without ADDR is of no use",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 XCLIENT NAME PORT\r\n",
	    "ready 220 mx\r\n" } },
	{ "XCLIENT of who knows only HELO",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 502 what\r\n", "ready 220 mx\r\n" } },
	{ "XCLIENT is refused",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", XCLIENT_HELLO,
	    "> XCLIENT NAME=[UNAVAILABLE] PORT=4711 ADDR=192.0.2.1\r\n",
	    "S 550-5.7.0 not you\r\n550 really\r\n",
	    "ready 421 4.3.0 The mail server does not take what it is told of you [ID]\r\n" } },
	{ "XCLIENT and another good answer",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", XCLIENT_HELLO,
	    "> XCLIENT NAME=[UNAVAILABLE] PORT=4711 ADDR=192.0.2.1\r\n", "S 250 ok\r\n",
	    "ready 421 4.3.0 The mail server does not take what it is told of you [ID]\r\n" } },
	{ "XCLIENT of Postern's own",
	  { .way = DIAL_XCLIENT },
	  &own,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", XCLIENT_HELLO, "ready 220 mx\r\n" } },
	{ "EHLO is refused",
	  { .way = DIAL_XCLIENT },
	  &v4,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 421 busy\r\n",
	    "fail the server refused Postern's EHLO" } },
	{ "XCLIENT of a connection opened ahead",
	  { .way = DIAL_XCLIENT },
	  NULL,
	  { "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 XCLIENT ADDR\r\n", "hold",
	    "> XCLIENT ADDR=192.0.2.1\r\n", "S 220 b\r\n", "ready 220 b\r\n" } },
	{ "a connection opened ahead that tells nothing",
	  { 0 },
	  NULL,
	  { "S 220 mx\r\n", "ready 220 mx\r\n" } },
};

/* How a story is cut: server segments at `at` (SIZE_MAX: byte by byte), texts to it in `piece`s. */
struct cut {
	size_t at;
	size_t piece;
};

struct stage {
	struct dial dial;
	struct dial_plan plan;
	char waiting[4096];
	size_t waits;
	char said[4096];
	size_t says;
	enum dial_act act;
};

/* Steps until it waits or ends; DIAL_SAY as `piece` has it. */
static void move(struct stage *s, size_t piece)
{
	char room[DIAL_ROOM_BYTES];
	struct dial_step step = { .room = room, .room_size = sizeof room };

	do {
		dial_step(&s->dial, slice_of(s->waiting, s->waits), &step);
		assert_true(step.keep + step.drop <= s->waits);
		memmove(s->waiting + step.keep, s->waiting + step.keep + step.drop,
			s->waits - step.keep - step.drop);
		s->waits -= step.drop;
		size_t n = step.text.len < piece ? step.text.len : piece;
		if (step.act == DIAL_SAY) {
			memcpy(s->said + s->says, step.text.ptr, n);
			s->says += n;
			dial_said(&s->dial, n);
		} else if (step.act == DIAL_READY && step.text.len > 0) {
			memcpy(s->waiting + s->waits, step.text.ptr, step.text.len);
			s->waits += step.text.len;
		}
		s->act = step.act;
	} while (step.act == DIAL_SAY || step.act == DIAL_MOVE);
}

static void hear(struct stage *s, const char *text, const struct cut *cut)
{
	size_t len = strlen(text), step = cut->at == SIZE_MAX ? 1 : cut->at % (len + 1);

	for (size_t i = 0; i < len; i += step, step = cut->at == SIZE_MAX ? 1 : len - i) {
		size_t n = step < len - i ? step : len - i;
		memcpy(s->waiting + s->waits, text + i, n);
		s->waits += n;
		if (i + n < len)
			move(s, cut->piece);
	}
	move(s, cut->piece);
}

static void expect(const char *name, const char *what, const char *text, size_t len)
{
	if (strlen(what) != len || memcmp(what, text, len) != 0)
		fail_msg("%s: expected `%s`, got `%.*s`", name, what, (int)len, text);
}

static void act(struct stage *s, const struct story *story, const char *step, const struct cut *cut)
{
	if (strncmp(step, "S ", 2) == 0) {
		assert_int_equal(s->says, 0);
		hear(s, step + 2, cut);
	} else if (strncmp(step, "> ", 2) == 0) {
		expect(story->name, step + 2, s->said, s->says);
		s->says = 0;
	} else if (strcmp(step, "tls") == 0) {
		assert_int_equal(s->act, DIAL_SECURE);
		dial_secured(&s->dial);
		move(s, cut->piece);
	} else if (strcmp(step, "hold") == 0) {
		assert_int_equal(s->act, DIAL_HOLD);
		dial_identify(&s->dial, &v4);
		move(s, cut->piece);
	} else if (strncmp(step, "ready ", 6) == 0) {
		assert_int_equal(s->act, DIAL_READY);
		expect(story->name, step + 6, s->waiting, s->waits);
	} else {
		assert_int_equal(s->act, DIAL_FAILED);
		assert_string_equal(dial_complaint(s->dial.failure), step + 5);
	}
}

static void tell(const struct story *story, const struct cut *cut)
{
	static struct stage s;

	s.plan = story->plan;
	s.plan.hostname = SLICE("mail.test");
	s.plan.header_most = TELL_V2_MOST;
	s.waits = s.says = 0;
	dial_init(&s.dial, &s.plan, story->identity);
	move(&s, cut->piece);
	for (size_t i = 0; story->steps[i]; i++)
		act(&s, story, story->steps[i], cut);
	assert_int_equal(s.says, 0);
}

static void stories_are_the_same_under_every_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof stories / sizeof *stories; i++) {
		for (size_t at = 0; at < 80; at++) {
			tell(&stories[i], &(struct cut){ at ? at : SIZE_MAX, SIZE_MAX });
			tell(&stories[i], &(struct cut){ at ? at : SIZE_MAX, 1 });
		}
	}
}

/* CVE-2021-38371 and kin: what stands behind the 220 in the same read. */
static void nothing_may_stand_behind_the_answer_to_starttls(void **state)
{
	static const struct story story = {
		"injected",
		{ .tls = DIAL_STARTTLS },
		&v4,
		{ "S 220 mx\r\n", "> EHLO mail.test\r\n", "S 250-mx\r\n250 STARTTLS\r\n",
		  "> STARTTLS\r\n", "S 220 go\r\n250 XCLIENT ADDR\r\n",
		  "fail bytes came behind the server's answer to STARTTLS" }
	};

	(void)state;
	tell(&story, &(struct cut){ 1000, SIZE_MAX });
}

static void a_reply_without_end_is_given_up(void **state)
{
	static char reply[80 * 1024];
	const struct dial_plan plan = { .way = DIAL_XCLIENT, .hostname = SLICE("mail.test") };
	char room[DIAL_ROOM_BYTES];
	struct dial_step step = { .room = room, .room_size = sizeof room };
	struct dial dial;

	(void)state;
	for (size_t i = 0; i < sizeof reply; i += 8)
		memcpy(reply + i, "220-ab\r\n", 8);
	dial_init(&dial, &plan, &v4);
	dial_step(&dial, slice_of(reply, 60 * 1024), &step);
	assert_int_equal(step.act, DIAL_WAIT);
	dial_step(&dial, slice_of(reply, sizeof reply), &step);
	assert_int_equal(step.act, DIAL_READY);
	assert_int_equal(dial.failure, DIAL_PROTOCOL);
	assert_int_equal(step.drop, sizeof reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stories_are_the_same_under_every_cut),
		cmocka_unit_test(nothing_may_stand_behind_the_answer_to_starttls),
		cmocka_unit_test(a_reply_without_end_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
