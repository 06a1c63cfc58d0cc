/* What the dialogues do not reach: replies under every cut, small rooms, a full queue, our words.
 */
#include "proxy/smtp/ehlo.h"
#include "proxy/smtp/helo.h"
#include "proxy/smtp/say.h"
#include "tests/dialogs/play.h"

#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static const struct smtp_policy plain = { .hostname = { "mail.test", 9 } };

/* The same whole and byte by byte. */
static enum reply_found read_reply(struct slice s, struct reply *reply)
{
	struct reply slow = { 0 };
	enum reply_found found, slowly = REPLY_MORE;

	*reply = (struct reply){ 0 };
	found = reply_read(reply, s);
	for (size_t n = 0; n <= s.len && slowly == REPLY_MORE; n++)
		slowly = reply_read(&slow, slice_head(s, n));
	assert_int_equal(found, slowly);
	assert_int_equal(reply->code, slow.code);
	assert_int_equal(reply->scanned, slow.scanned);
	assert_int_equal(reply->bare_lf, slow.bare_lf);
	return found;
}

static void assert_reply(struct slice s, uint16_t code, size_t len, bool bare_lf)
{
	struct reply reply;

	assert_int_equal(read_reply(s, &reply), REPLY_WHOLE);
	assert_int_equal(reply.code, code);
	assert_int_equal(reply.scanned, len);
	assert_int_equal(reply.bare_lf, bare_lf);
}

static void replies_have_one_code(void **state)
{
	static const struct slice bad[] = {
		{ "25\r\n", 4 },
		{ "1yz\r\n", 5 },
		{ "199 x\r\n", 7 },
		{ "650 x\r\n", 7 },
		{ "25x y\r\n", 7 },
		{ "2500 x\r\n", 8 },
		{ "250_x\r\n", 7 },
		{ "\r\n", 2 },
		{ "250 a\0\r\n", 8 },
		{ "250-a\r\n251 b\r\n", 14 },
		{ "250-a\r\nhello\r\n", 14 },
		{ " 250 x\r\n", 8 },
	};
	struct reply reply;

	(void)state;
	assert_reply(SLICE("250 ok\r\n"), 250, 8, false);
	assert_reply(SLICE("250\r\n"), 250, 5, false);
	assert_reply(SLICE("250-\r\n250\r\n"), 250, 11, false);
	assert_reply(SLICE("250-a\r\n250 b\r\n250 c\r\n"), 250, 14, false);
	assert_reply(SLICE("550 \xff\r\n"), 550, 7, false);
	assert_reply(SLICE("250-a\n250 b\r\n"), 250, 13, true);
	assert_reply(SLICE("250 a\n"), 250, 6, true);
	assert_int_equal(read_reply(SLICE("250-a\r\n"), &reply), REPLY_MORE);
	assert_int_equal(read_reply(SLICE("250 a\r"), &reply), REPLY_MORE);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(read_reply(bad[i], &reply), REPLY_BAD);
}

static void check_reply_limit(const char *code, size_t limit)
{
	char *line = malloc(limit + 1);
	struct reply reply = { 0 };

	memset(line, 'x', limit + 1);
	memcpy(line, code, 4);
	memcpy(line + limit - 2, "\r\n", 2);
	assert_int_equal(reply_read(&reply, slice_of(line, limit)), REPLY_WHOLE);
	memset(line + limit - 2, 'x', 3);
	reply = (struct reply){ 0 };
	assert_int_equal(reply_read(&reply, slice_of(line, limit - 1)), REPLY_MORE);
	assert_int_equal(reply_read(&reply, slice_of(line, limit)), REPLY_BAD);
	free(line);
}

static void replies_have_limits(void **state)
{
	static const char line[] = "250-0123456789abcdef0123456789ab\r\n";
	size_t size = sizeof line - 1, n = 0;
	char *text = malloc(REPLY_BYTES + size);
	struct reply reply = { 0 };

	(void)state;
	check_reply_limit("250 ", REPLY_LINE_BYTES);
	check_reply_limit("334 ", REPLY_CHALLENGE_BYTES);
	while (n + size <= REPLY_BYTES) {
		memcpy(text + n, line, size);
		n += size;
	}
	assert_int_equal(reply_read(&reply, slice_of(text, n)), REPLY_MORE);
	memcpy(text + n, line, size);
	assert_int_equal(reply_read(&reply, slice_of(text, n + size)), REPLY_BAD);
	free(text);
}

static void lines_are_cut_off_a_reply(void **state)
{
	struct slice rest = SLICE("250-a\r\n250-\n250 c\r\nx");

	(void)state;
	assert_true(slice_eq(reply_line(&rest), SLICE("250-a")));
	assert_true(slice_eq(reply_line(&rest), SLICE("250-")));
	assert_true(slice_eq(reply_line(&rest), SLICE("250 c")));
	assert_true(slice_eq(reply_line(&rest), SLICE("x")));
	assert_int_equal(rest.len, 0);
}

static void our_words_stay_on_their_line(void **state)
{
	struct smtp smtp = { .policy = &plain, .id = SLICE("id-1") };
	char room[SMTP_ROOM_BYTES], hostile[3000];
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < 2000; i++) {
		for (size_t k = 0; k < sizeof hostile; k++)
			hostile[k] = "\r\n\0%i\xff"
				     "550 x"[rand_r(&seed) % 11];
		smtp.refused = slice_of(hostile, (size_t)rand_r(&seed) % sizeof hostile);
		uint8_t say = i % 2 ? SAY_CLIENT_REFUSED : SAY_CLIENT_REFUSED_GREETING;
		struct slice text = say_text(&smtp, say, room, sizeof room);
		assert_true(text.len >= 2 && text.len <= 512);
		assert_int_equal(slice_find(text, '\n', 0), text.len - 1);
		assert_int_equal(slice_find(text, '\r', 0), text.len - 2);
		assert_true(
			slice_starts_nocase(slice_skip(text, text.len - 9), SLICE(" [id-1]\r\n")));
	}
}

/* All rows: whole lines, one code, and the session's id in what refuses. */
static void each_of_our_sayings_is_a_reply(void **state)
{
	struct smtp smtp = { .policy = &plain, .id = SLICE("id-1"), .refused = SLICE("no") };
	char room[SMTP_ROOM_BYTES];

	(void)state;
	for (uint8_t say = SAY_NONE; say < SAY_COUNT; say++) {
		struct slice text = say_text(&smtp, say, room, sizeof room);
		while (text.len > 0) {
			struct reply reply = { 0 };
			assert_int_equal(reply_read(&reply, text), REPLY_WHOLE);
			struct slice one = slice_head(text, reply.scanned);
			assert_false(reply.bare_lf);
			if (reply.code >= 400)
				assert_true(slice_eq(slice_skip(one, one.len - 9),
						     SLICE(" [id-1]\r\n")));
			text = slice_skip(text, reply.scanned);
		}
	}
}

static void a_small_room_is_never_left(void **state)
{
	struct smtp smtp = { .policy = &plain, .id = SLICE("id-1"), .refused = SLICE("no") };

	(void)state;
	for (size_t size = 0; size < 80; size++) {
		char *room = malloc(size + 1);
		struct slice text = say_text(&smtp, SAY_CLIENT_REFUSED, room, size);
		assert_true(text.len <= size);
		free(room);
	}
}

/* However small the room above its least, the pieces come to the same EHLO reply. */
static void assert_pieces(struct slice all)
{
	struct smtp_policy policy = { .hostname = SLICE("mail.test"), .message_size = 1000 };
	struct smtp smtp = { .policy = &policy, .secured = true };
	struct text_buf once = { .ptr = malloc(64 * 1024) }, pieces = { 0 };
	size_t made;

	assert_int_equal(ehlo_write(&smtp, all, true, once.ptr, 64 * 1024, &once.len), all.len);
	uint32_t server = smtp.server_keywords, client = smtp.client_keywords;
	for (size_t room = REPLY_LINE_BYTES + 257; room < REPLY_LINE_BYTES + 700; room += 7) {
		char *to = malloc(room);
		struct slice left = all;
		pieces.len = 0;
		while (left.len > 0) {
			size_t n = ehlo_write(&smtp, left, left.len == all.len, to, room, &made);
			assert_true(n > 0 && n <= left.len && made <= room);
			assert_int_equal(smtp.server_keywords, server);
			assert_int_equal(smtp.client_keywords, client);
			text_add(&pieces, to, made);
			left = slice_skip(left, n);
		}
		assert_true(
			slice_eq(slice_of(pieces.ptr, pieces.len), slice_of(once.ptr, once.len)));
		free(to);
	}
	free(once.ptr);
	free(pieces.ptr);
}

static void add(struct text_buf *reply, const char *text, int times)
{
	while (times-- > 0)
		text_add(reply, text, strlen(text));
}

static void an_ehlo_reply_may_be_written_in_pieces(void **state)
{
	struct text_buf reply = { 0 };

	(void)state;
	add(&reply, "250-mx\r\n", 1);
	for (int i = 0; i < 50; i++) {
		add(&reply, "250-DSN x y z\r\n", 1);
		add(&reply, "250-SIZE 5000\r\n250-X-HIDDEN\r\n", 2);
	}
	add(&reply, "250 8BITMIME\r\n", 1);
	assert_pieces(slice_of(reply.ptr, reply.len));
	free(reply.ptr);
}

/* Nothing of Postern's own follows, so that the last line of an earlier piece is the last of all.
 */
static void what_is_hidden_may_be_all_that_is_left_of_an_ehlo_reply(void **state)
{
	struct text_buf reply = { 0 };

	(void)state;
	add(&reply, "250-mx\r\n250-PIPELINING\r\n250-SIZE 5000\r\n", 1);
	add(&reply, "250-DSN x y z\r\n", 20);
	add(&reply, "250-X-HIDDEN\r\n", 130);
	add(&reply, "250 X-HIDDEN\r\n", 1);
	assert_pieces(slice_of(reply.ptr, reply.len));
	free(reply.ptr);
}

static void feed(struct play *play, enum side side, const char *text)
{
	play_feed(play, side, text, strlen(text), 0);
}

/* What no reply has come to fills the queue; then the client's bytes wait, and none is lost. */
static void a_full_queue_makes_the_client_wait(void **state)
{
	enum { COMMANDS = 200 };
	struct play *play = malloc(sizeof *play);
	size_t count = 0;

	(void)state;
	play_begin(play, &plain, SLICE("ID"), SLICE(""));
	feed(play, SERVER, "220 mx\r\n");
	feed(play, CLIENT, "EHLO a\r\n");
	feed(play, SERVER, "250-mx\r\n250 PIPELINING\r\n");
	play->said[CLIENT].len = play->said[SERVER].len = 0;
	for (int i = 0; i < COMMANDS; i++)
		feed(play, CLIENT, i % 4 ? "NOOP\r\n" : "XXXX\r\n");
	assert_true(play->smtp.queue_count > SMTP_OWED_MAX / 2);
	assert_true(play->smtp.queue_count <= SMTP_OWED_MAX);
	assert_true(play->waiting[CLIENT].len > 0);
	for (int i = 0; i < COMMANDS * 3 / 4; i++)
		feed(play, SERVER, "250 ok\r\n");
	assert_int_equal(play->waiting[CLIENT].len, 0);
	assert_int_equal(play->smtp.queue_count, 0);
	assert_int_equal(play->said[SERVER].len, COMMANDS * 3 / 4 * 6);
	assert_false(play->ended);
	for (struct slice rest = slice_of(play->said[CLIENT].ptr, play->said[CLIENT].len);
	     rest.len > 0; count++)
		assert_true(slice_starts_nocase(reply_line(&rest),
						count % 4 ? SLICE("250 ok") : SLICE("500 5.5.1")));
	assert_int_equal(count, COMMANDS);
	play_end(play);
	free(play);
}

static void an_end_is_said_once_and_stays(void **state)
{
	struct play *play = malloc(sizeof *play);
	struct smtp_step step = { .room = play->room, .room_size = sizeof play->room };

	(void)state;
	play_begin(play, &plain, SLICE("ID"), SLICE(""));
	feed(play, SERVER, "nonsense\r\n");
	assert_true(play->ended);
	for (int event = SMTP_SERVER_LOST; event <= SMTP_DEADLINE; event++) {
		if (event != SMTP_EARLY_INPUT)
			smtp_event(&play->smtp, (enum smtp_event)event);
		smtp_to_server(&play->smtp, SLICE("NOOP\r\n"), &step);
		assert_int_equal(step.act, SMTP_WAIT);
		smtp_to_client(&play->smtp, SLICE("250 ok\r\n"), &step);
		assert_int_equal(step.act, SMTP_END);
		assert_int_equal(step.ending, END_BACKEND_PROTOCOL);
		assert_int_equal(step.text.len, 0);
	}
	play_end(play);
	free(play);
}

/* HELO cannot be said with it, and nobody reads where the bytes were. */
static void a_name_that_cannot_be_kept_was_not_said(void **state)
{
	struct play *play = malloc(sizeof *play);
	struct smtp_step step = { .room = play->room, .room_size = sizeof play->room };

	(void)state;
	play_begin(play, &plain, SLICE("ID"), SLICE(""));
	feed(play, SERVER, "220 mx\r\n");
	assert_false(helo_is_new(&play->smtp));
	smtp_to_server(&play->smtp, SLICE("EHLO c.test\r\n"), &step);
	assert_int_equal(step.act, SMTP_PASS);
	assert_true(helo_is_new(&play->smtp));
	assert_int_equal(play->smtp.helo_len, 6);
	helo_lend(&play->smtp, NULL);
	assert_false(helo_is_new(&play->smtp));
	assert_int_equal(play->smtp.helo_len, 0);
	smtp_to_client(&play->smtp, SLICE("502 no\r\n"), &step);
	assert_int_equal(step.act, SMTP_PASS);
	smtp_to_server(&play->smtp, SLICE(""), &step);
	assert_int_equal(step.act, SMTP_WAIT);
	play_end(play);
	free(play);
}

static void enhanced_codes_are_read(void **state)
{
	static const struct {
		const char *reply, *enhanced;
	} rows[] = {
		{ "250 2.0.0 taken\r\n", "2.0.0" },
		{ "250-2.6.0 first\r\n250 2.6.0 last\r\n", "2.6.0" },
		{ "554 5.7.1\r\n", "5.7.1" },
		{ "451 4.123.456 x\r\n", "4.123.456" },
		{ "250 2.0.0", "2.0.0" },
		{ "250 ok\r\n", "" },
		{ "250\r\n", "" },
		{ "250 \r\n", "" },
		{ "250 2\r\n", "" },
		{ "250 2.\r\n", "" },
		{ "250 2.0\r\n", "" },
		{ "250 2.0.\r\n", "" },
		{ "250 2.0.0.0\r\n", "" },
		{ "250 2..0 x\r\n", "" },
		{ "250 2.0.1234 x\r\n", "" },
		{ "250 3.0.0 x\r\n", "" },
		{ "250 2.0.0x\r\n", "" },
		{ "250 192.0.2.1 x\r\n", "" },
	};
	char enhanced[REPLY_ENHANCED_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		reply_enhanced(slice_str(rows[i].reply), enhanced);
		assert_string_equal(enhanced, rows[i].enhanced);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies_have_one_code),
		cmocka_unit_test(replies_have_limits),
		cmocka_unit_test(lines_are_cut_off_a_reply),
		cmocka_unit_test(our_words_stay_on_their_line),
		cmocka_unit_test(each_of_our_sayings_is_a_reply),
		cmocka_unit_test(a_small_room_is_never_left),
		cmocka_unit_test(an_ehlo_reply_may_be_written_in_pieces),
		cmocka_unit_test(what_is_hidden_may_be_all_that_is_left_of_an_ehlo_reply),
		cmocka_unit_test(a_full_queue_makes_the_client_wait),
		cmocka_unit_test(an_end_is_said_once_and_stays),
		cmocka_unit_test(a_name_that_cannot_be_kept_was_not_said),
		cmocka_unit_test(enhanced_codes_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
