#include "tests/model/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct backend *session_backend(struct session *session)
{
	return session->connections > 0 ? &session->backends[session->connections - 1] : NULL;
}

void session_wrong(const struct session *session, const char *what, size_t where)
{
	fprintf(stderr, "== %s (%zu)\n%.*s", what, where, (int)session->story.len,
		session->story.ptr);
	fprintf(stderr, "-- to the client\n%.*s-- to the server\n%.*s-- events\n%.*s",
		(int)session->play.said[CLIENT].len, session->play.said[CLIENT].ptr,
		(int)session->play.said[SERVER].len, session->play.said[SERVER].ptr,
		(int)session->play.events.len, session->play.events.ptr);
	abort();
}

static void story_head(struct session *session)
{
	static const char *const kinds[] = { "implicit", "required", "optional" };
	static const char *const auths[] = { "tls", "always", "never" };
	const struct smtp_policy *p = &session->policy;
	char text[400];
	int n = snprintf(
		text, sizeof text,
		"listener: %s\npolicy: message_size=%llu recipients=%u errors=%u messages=%u "
		"bare_newline=%s pipelining=%s require_auth=%s auth=%s trace_header=%s\n",
		kinds[p->kind], (unsigned long long)p->message_size, p->recipients, p->errors,
		p->messages, p->normalize ? "normalize" : "reject",
		p->tolerate_pipelining ? "tolerate" : "reject", p->require_auth ? "yes" : "no",
		auths[p->auth], p->trace ? "yes" : "no");
	text_add(&session->story, text, (size_t)n);
}

/* A segment as the dialogues have it. */
static void story(struct session *session, const char *label, const char *ptr, size_t len)
{
	char byte[8];

	text_add(&session->story, label, strlen(label));
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)ptr[i];
		int n = c == '\r'            ? snprintf(byte, sizeof byte, "\\r")
			: c == '\n'          ? snprintf(byte, sizeof byte, "\\n")
			: c == '\\'          ? snprintf(byte, sizeof byte, "\\\\")
			: c < ' ' || c > '~' ? snprintf(byte, sizeof byte, "\\x%02x", c)
					     : snprintf(byte, sizeof byte, "%c", c);
		text_add(&session->story, byte, (size_t)n);
	}
	text_add(&session->story, "\n--\n", 4);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static unsigned code_at(const char *text)
{
	return (unsigned)((text[0] - '0') * 100 + (text[1] - '0') * 10 + text[2] - '0');
}

static void answer_end(struct session *session, struct answer *answer, size_t end)
{
	const char *text = session->play.said[CLIENT].ptr;

	answer->len = end - answer->at;
	answer->tag = SIZE_MAX;
	for (size_t i = answer->at; i + 1 < end && answer->tag == SIZE_MAX; i++) {
		if (text[i] != '#')
			continue;
		for (answer->tag = 0, i++; i < end && is_digit(text[i]); i++)
			answer->tag = answer->tag * 10 + (size_t)(text[i] - '0');
	}
	answer->sent = session->sent.len;
}

/* Reads what the client was told, as RFC 5321 section 4.2 has it, byte by byte. */
static void read_answers(struct session *session)
{
	const struct text_buf *said = &session->play.said[CLIENT];
	size_t begin = session->answered, line = begin;

	for (size_t i = begin; i < said->len; i++) {
		if (said->ptr[i] != '\n')
			continue;
		if (i - line < 5 || said->ptr[i - 1] != '\r' || !is_digit(said->ptr[line]) ||
		    !is_digit(said->ptr[line + 1]) || !is_digit(said->ptr[line + 2]))
			session_wrong(session, "the client was told what is no reply", i);
		unsigned code = code_at(said->ptr + line);
		if (code != code_at(said->ptr + begin))
			session_wrong(session, "a reply has two codes", i);
		if (said->ptr[line + 3] != '-') {
			struct answer *answer = &session->answers[session->answer_count++];
			assert(session->answer_count < READER_UNITS);
			*answer = (struct answer){ .code = code, .at = begin };
			answer_end(session, answer, i + 1);
			client_told(&session->client, slice_of(said->ptr + begin, answer->len));
			session->answered = begin = i + 1;
		}
		line = i + 1;
	}
}

/* The servers read what was passed on, each what is its own. */
static void read_passed(struct session *session)
{
	struct play *play = &session->play;
	bool opened = play->connections > session->connections;
	size_t until = opened ? play->connected_at : play->said[SERVER].len;
	struct backend *backend = session_backend(session);
	const char *why;

	if (until > session->passed) {
		if (!backend || backend->dead)
			session_wrong(session, "bytes for no server", until);
		if (!backend_read(backend, play->said[SERVER].ptr + session->passed,
				  until - session->passed, &why))
			session_wrong(session, why, backend->live->count);
		session->passed = until;
	}
	if (!opened)
		return;
	assert(session->connections < CONNECTIONS);
	backend_begin(&session->backends[session->connections], session->connections,
		      &session->choice);
	session->connections++;
	read_passed(session);
}

/* What has moved is read by all whom it concerns. */
static void look(struct session *session)
{
	struct play *play = &session->play;

	if (session->upgraded_at == SIZE_MAX && play->smtp.upgraded)
		session->upgraded_at = session->sent.len;
	read_passed(session);
	read_answers(session);
	session->cut |= text_has(&play->events, "cut\n");
}

static void happen(struct session *session, enum smtp_event event, const char *label)
{
	story(session, label, "", 0);
	play_event(&session->play, event);
	look(session);
}

/* `n` bytes of the client arrive; what is behind them is on its way. */
static void client_speaks(struct session *session, size_t n)
{
	story(session, "C| ", session->pending.ptr, n);
	text_add(&session->sent, session->pending.ptr, n);
	play_feed(&session->play, CLIENT, session->pending.ptr, n, session->pending.len - n);
	text_drop(&session->pending, n);
	look(session);
}

static void server_speaks(struct session *session, size_t n)
{
	struct backend *backend = session_backend(session);
	struct text_buf heard = { 0 };

	text_add(&heard, backend->out.ptr, n);
	story(session, "S| ", heard.ptr, n);
	backend_heard(backend, n);
	play_feed(&session->play, SERVER, heard.ptr, n, 0);
	free(heard.ptr);
	look(session);
}

/* All or a part. */
static size_t portion(struct session *session, size_t len)
{
	unsigned cut = choose(&session->choice, 4);

	return cut < 2 || len == 0 ? len : 1 + choose(&session->choice, 200) % len;
}

static void client_turn(struct session *session)
{
	const struct answer *last =
		session->answer_count > 0 ? &session->answers[session->answer_count - 1] : NULL;

	if (session->pending.len == 0)
		client_next(&session->client, session->answer_count, last ? last->code : 0,
			    &session->pending);
	if (session->pending.len > 0)
		client_speaks(session, portion(session, session->pending.len));
}

static bool server_turn(struct session *session, bool all)
{
	struct backend *backend = session_backend(session);

	if (!backend || backend->dead)
		return false;
	if (backend->out.len > 0) {
		server_speaks(session, all ? backend->out.len : portion(session, backend->out.len));
		return true;
	}
	if (!backend->closing)
		return false;
	backend->dead = true;
	happen(session, SMTP_SERVER_LOST, "! lost");
	return true;
}

static void event_turn(struct session *session)
{
	struct backend *backend = session_backend(session);

	switch (session->stormy ? choose(&session->choice, 16) : 12) {
	case 8:
		if (backend && !backend->dead) {
			backend->dead = true;
			happen(session, SMTP_SERVER_LOST, "! lost");
		}
		break;
	case 9:
		happen(session, SMTP_DEADLINE, "! deadline");
		break;
	case 10:
		happen(session, SMTP_DRAIN, "! drain");
		break;
	case 11:
		happen(session, SMTP_EXPIRED, "! expired");
		break;
	case 12:
	case 13:
	case 14:
		if (backend && !backend->dead && backend->rude)
			backend_speak_early(backend);
		break;
	case 15:
		/* When nothing else is under way: else it would pass for a reply that is owed. */
		if (backend && !backend->dead && backend->rude && backend->out.len == 0 &&
		    !smtp_owes(&session->play.smtp)) {
			backend_speak_unasked(backend);
			server_turn(session, true);
		}
		break;
	default:
		break;
	}
}

/* Everything that is on its way arrives: false where it goes on without end. */
static bool settle(struct session *session)
{
	for (int i = 0; i < 2000 && !session->play.ended; i++) {
		if (session->pending.len > 0)
			client_speaks(session, session->pending.len);
		else if (!server_turn(session, true))
			return true;
	}
	return session->play.ended;
}

static void read_policy(struct session *session)
{
	static const uint64_t sizes[] = { 0, 0, 60, 3000 };
	struct choice *c = &session->choice;
	unsigned bits = choose(c, 256), limits = choose(c, 256), kind = choose(c, 6);

	session->policy = (struct smtp_policy){
		.kind = kind % 3,
		.trace = kind >= 3,
		.hostname = SLICE("mail.test"),
		.normalize = bits & 1,
		.tolerate_pipelining = bits & 2,
		.tolerate_early_talker = bits & 4,
		.way_is_safe = bits & 8,
		.require_auth = (bits & 0x70) == 0x70,
		.auth = bits & 0x80 ? SMTP_AUTH_ALWAYS : SMTP_AUTH_TLS,
		.message_size = sizes[limits & 3],
		.recipients = (limits & 12) == 12 ? 2 : 0,
		.errors = (limits & 48) == 48 ? 4 : 0,
		.messages = (limits & 192) == 192 ? 2 : 0,
	};
}

static void session_end(struct session *session)
{
	play_end(&session->play);
	client_end(&session->client);
	for (size_t i = 0; i < session->connections; i++)
		backend_end(&session->backends[i]);
	free(session->pending.ptr);
	free(session->sent.ptr);
	free(session->story.ptr);
	free(session);
}

void session_run(const uint8_t *choices, size_t size, struct session_sum *sum)
{
	struct session *session = calloc(1, sizeof *session);

	assert(session);
	session->choice = (struct choice){ choices, size };
	session->upgraded_at = SIZE_MAX;
	read_policy(session);
	session->stormy = seldom(&session->choice, 4);
	story_head(session);
	client_begin(&session->client, &session->choice);
	play_begin(&session->play, &session->policy, SLICE("ID"), SLICE(""));
	look(session);
	while (session->choice.left > 0 && !session->play.ended &&
	       session->client.number < READER_UNITS / 4 && session->sent.len < 60000) {
		unsigned turn = choose(&session->choice, 16);
		if (turn < 7)
			client_turn(session);
		else if (turn < 15)
			server_turn(session, false);
		else
			event_turn(session);
	}
	judge(session, settle(session), sum);
	session_end(session);
}
