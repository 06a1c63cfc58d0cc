#include "tests/model/session.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOBODY = READER_UNITS };

/* What the client said, read by a strict server with the replies that the client got. */
struct truth {
	struct session *session;
	struct reader said;
	/* Which of its units each of the servers' is. */
	size_t match[CONNECTIONS][READER_UNITS];
	bool matched[READER_UNITS];
};

static struct slice of(const struct text_buf *buf)
{
	return slice_of(buf->ptr ? buf->ptr : "", buf->len);
}

static unsigned answered(void *context, size_t index)
{
	const struct session *session = context;

	return index < session->answer_count ? session->answers[index].code : 0;
}

/* MAIL as it is passed where the server has no SIZE: without that parameter. */
static bool same_without_size(struct slice theirs, struct slice ours)
{
	size_t t = 0;

	for (size_t i = 0; i < ours.len; i++) {
		if (ours.ptr[i] == ' ' &&
		    slice_starts_nocase(slice_skip(ours, i + 1), SLICE("SIZE="))) {
			while (i + 1 < ours.len && ours.ptr[i + 1] != ' ')
				i++;
		} else if (t >= theirs.len || theirs.ptr[t++] != ours.ptr[i]) {
			return false;
		}
	}
	return t == theirs.len;
}

/* What the server has read is this unit of the client's, or as much of it as had been passed. */
static bool same(const struct session *session, const struct unit *theirs, const struct unit *ours)
{
	bool line = slice_eq(of(&theirs->line), of(&ours->line));

	if (theirs->kind != ours->kind || (theirs->whole && !ours->whole))
		return false;
	if (!line && unit_is(theirs, "MAIL") && session->policy.message_size > 0)
		line = same_without_size(of(&theirs->line), of(&ours->line));
	if (theirs->whole)
		return line && slice_eq(of(&theirs->octets), of(&ours->octets));
	/* Where it waits for the next byte a dot or a CR may not be counted yet. */
	return line &&
	       slice_eq(of(&theirs->octets), slice_head(of(&ours->octets), theirs->octets.len));
}

/* A server's connection that came behind STARTTLS. */
static bool behind_tls(const struct session *session, size_t connection)
{
	return session->upgraded_at != SIZE_MAX &&
	       connection >= (session->policy.kind == SMTP_OPTIONAL ? 1 : 0);
}

static void check_text(const struct truth *truth, const struct unit *theirs, size_t n)
{
	const struct session *session = truth->session;
	const struct smtp_policy *policy = &session->policy;
	const struct unit *ours = &truth->said.units[n];

	if (ours->nul || theirs->nul)
		session_wrong(session, "a text with a NUL was completed", n);
	if (theirs->bare || (ours->bare && !policy->normalize))
		session_wrong(session, "a text with a bare newline was completed", n);
	/* Mending makes it a few bytes longer than what was counted. */
	if (policy->message_size > 0 && !ours->bare && theirs->octets.len > policy->message_size)
		session_wrong(session, "a text over the limit was completed", n);
}

static void check_honest(const struct truth *truth)
{
	const struct session *session = truth->session;
	const struct client *client = &session->client;
	char head[32];

	for (size_t i = 0; i < client->honest_count; i++) {
		int len = snprintf(head, sizeof head, "m%u\r\n", client->honest_number[i]);
		for (size_t n = 0; n < truth->said.count; n++) {
			const struct unit *unit = &truth->said.units[n];
			if (unit->kind == UNIT_TEXT && unit->whole &&
			    slice_starts_nocase(of(&unit->octets), slice_of(head, (size_t)len)) &&
			    !slice_eq(of(&unit->octets), of(&client->honest[i])))
				session_wrong(session, "the models disagree on a message", n);
		}
	}
}

/* The reply that carries this number, as an index of what the client said. */
static size_t told(const struct session *session, size_t connection, size_t index)
{
	for (size_t n = 0; n < session->answer_count; n++)
		if (session->answers[n].tag == connection * BACKEND_TAGS + index)
			return n;
	return NOBODY;
}

static bool is_fallback(const struct unit *before, const struct unit *unit)
{
	return unit_is(before, "EHLO") && unit_is(unit, "HELO") &&
	       (before->code == 500 || before->code == 502) &&
	       slice_eq(slice_skip(of(&before->line), 4), slice_skip(of(&unit->line), 4));
}

static void check_verb(const struct session *session, const struct unit *unit, size_t connection,
		       bool chunks)
{
	static const char *const never[] = { "STARTTLS", "XCLIENT", "XFORWARD", "PROXY",
					     "TURN",     "XFOO",    "evil" };
	bool plain = session->policy.kind == SMTP_OPTIONAL && !behind_tls(session, connection);

	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (unit_is(unit, never[i]))
			session_wrong(session, "a verb that never passes was passed", i);
	if (unit_is(unit, "BDAT") && !chunks)
		session_wrong(session, "BDAT was passed to a server that has none", 0);
	if (unit_is(unit, "AUTH") && plain && session->policy.auth != SMTP_AUTH_ALWAYS)
		session_wrong(session, "AUTH was passed in clear", 0);
	if (unit->kind == UNIT_LINE && text_has(&unit->line, "SECRET") && !unit_is(unit, "AUTH"))
		session_wrong(session, "a secret outside of AUTH", 0);
}

/* A unit that the client did not send, but Postern may. */
static bool own(const struct truth *truth, const struct reader *live, size_t connection, size_t u)
{
	const struct session *session = truth->session;
	bool upgraded = session->upgraded_at != SIZE_MAX && !behind_tls(session, connection);

	return upgraded && u + 1 == live->count &&
	       slice_eq(of(&live->units[u].line), SLICE("QUIT"));
}

static size_t find(const struct truth *truth, const struct unit *unit, size_t from)
{
	size_t n = from;

	while (n < truth->said.count && !same(truth->session, unit, &truth->said.units[n]))
		n++;
	return n;
}

/* What one server has read is, in order, what the client said. */
static void match_connection(struct truth *truth, size_t connection)
{
	struct session *session = truth->session;
	const struct backend *backend = &session->backends[connection];
	const struct reader *live = backend->live;
	bool tls = behind_tls(session, connection);
	size_t last = tls ? truth->said.upgraded : 0;
	bool chunks = false;

	truth->match[connection][0] = NOBODY;
	for (size_t u = 1; u < live->count; u++) {
		const struct unit *unit = &live->units[u];
		size_t n = told(session, connection, u), *match = &truth->match[connection][u];
		*match = NOBODY;
		check_verb(session, unit, connection, chunks);
		if ((unit_is(unit, "EHLO") || unit_is(unit, "HELO")) && unit->code == 250)
			chunks = unit_is(unit, "EHLO") && backend->has_chunking;
		/* A text that the server waits for, since it said 354 that was not heard. */
		if (unit->kind == UNIT_TEXT && !unit->whole && unit->octets.len == 0 && n == NOBODY)
			continue;
		if (is_fallback(&live->units[u - 1], unit)) {
			*match = last;
			continue;
		}
		if (own(truth, live, connection, u))
			continue;
		if (n == NOBODY || n <= last || !same(session, unit, &truth->said.units[n]))
			n = find(truth, unit, last + 1);
		if (n >= truth->said.count)
			session_wrong(session, "the server read what the client did not say", u);
		if (unit->kind == UNIT_TEXT && n != truth->match[connection][u - 1] + 1)
			session_wrong(session, "a text behind another DATA", u);
		if (unit->kind == UNIT_TEXT && unit->whole)
			check_text(truth, unit, n);
		if (truth->said.upgraded > 0 && !tls && n > truth->said.upgraded)
			session_wrong(session, "plain connection, but it was said in TLS", u);
		truth->matched[n] = true;
		*match = last = n;
	}
	if (!reader_rests(live) && live->mode == READ_LINE)
		session_wrong(session, "half a command was passed", live->count);
}

/* The same reply but for its line ends, and the keywords of EHLO. */
static bool same_reply(struct slice answer, struct slice reply, bool ehlo)
{
	if (!ehlo)
		return slice_eq(answer, reply);
	answer = slice_head(answer, slice_find(answer, '\r', 0));
	reply = slice_head(reply, slice_find(reply, '\r', 0));
	return slice_eq(slice_skip(answer, 4), slice_skip(reply, 4));
}

/* A reply of the server's: the one to this very unit. */
static void check_told(const struct truth *truth, size_t n)
{
	const struct session *session = truth->session;
	const struct answer *answer = &session->answers[n];
	size_t connection = answer->tag / BACKEND_TAGS, u = answer->tag % BACKEND_TAGS;
	bool last = n + 1 == session->answer_count;

	if (u == BACKEND_UNASKED) {
		if (answer->code != 421 || !last)
			session_wrong(session, "a reply that nobody asked for", n);
		return;
	}
	if (connection >= session->connections || u >= session->backends[connection].live->count)
		session_wrong(session, "a reply to nothing", n);
	const struct backend *backend = &session->backends[connection];
	const struct unit *unit = &backend->live->units[u];
	struct slice text = slice_of(session->play.said[CLIENT].ptr + answer->at, answer->len);
	bool hello = unit_is(unit, "EHLO") || unit_is(unit, "HELO");
	if (!same_reply(text, of(&backend->replies[u]), hello && answer->code == 250))
		session_wrong(session, "a reply was changed", n);
	if (u == 0) {
		bool hidden = behind_tls(session, connection);
		if (hidden ? answer->code < 400 || !last : n > 0)
			session_wrong(session, "a greeting out of place", n);
		return;
	}
	/* A last 421 that a server says to what it will not do answers whatever comes first. */
	if (truth->match[connection][u] != n)
		session_wrong(session, "a reply to another command", n);
	if (answer->code / 100 == 2 && !unit->whole)
		session_wrong(session, "the client was told 2yz too soon", n);
}

/* A reply of Postern's own: a refusal of what was not passed, or the end. */
static void check_own(const struct truth *truth, size_t n)
{
	const struct session *session = truth->session;
	const struct answer *answer = &session->answers[n];
	const struct unit *unit = n < truth->said.count ? &truth->said.units[n] : NULL;
	struct slice text = slice_of(session->play.said[CLIENT].ptr + answer->at, answer->len);
	bool last = n + 1 == session->answer_count, message;

	if (answer->code == 421) {
		if (!last || !session->play.ended)
			session_wrong(session, "421, and it goes on", n);
		return;
	}
	if (!unit)
		session_wrong(session, "a reply more than was asked", n);
	message = unit->kind == UNIT_TEXT || unit_is(unit, "BDAT");
	if (answer->code / 100 == 3 || answer->code == 235 || (message && answer->code < 400))
		session_wrong(session, "Postern took what it cannot", n);
	if (!getenv("SKIP552") && slice_starts_nocase(text, SLICE("552 5.3.4")) && !message &&
	    !unit_is(unit, "MAIL"))
		session_wrong(session, "552 for no message", n);
	if (slice_starts_nocase(text, SLICE("550 5.5.2")) && unit->kind != UNIT_TEXT)
		session_wrong(session, "550 5.5.2 for no text", n);
	if (slice_starts_nocase(text, SLICE("501 5.5.4 BDAT")) && !unit_is(unit, "BDAT"))
		session_wrong(session, "a reply to BDAT for another", n);
	if (truth->matched[n] && !message && !last)
		session_wrong(session, "Postern refused what it had passed", n);
	if (truth->matched[n] && unit_is(unit, "BDAT") && !last && answer->code != 451 &&
	    !session->cut)
		session_wrong(session, "Postern refused a chunk that it had passed", n);
}

/* Where bytes came behind a command that had to wait, none of them is run. */
static void check_blind(const struct truth *truth, size_t n)
{
	const struct session *session = truth->session;
	const struct answer *answer = &session->answers[n];
	const struct unit *unit = &truth->said.units[n];
	bool data = unit_is(unit, "DATA") && answer->code >= 400 && truth->matched[n];
	bool tls = unit_is(unit, "STARTTLS") && answer->code == 220;

	if (tls && session->upgraded_at != unit->end)
		session_wrong(session, "bytes behind STARTTLS came before its reply", n);
	if (!(data || tls) || answer->sent <= unit->end)
		return;
	for (size_t m = n + 1; m < truth->said.count; m++)
		if (truth->matched[m])
			session_wrong(session, "what came behind a refused DATA was run", m);
}

/* The server has begun to read a message, as the client was told. */
static bool unfinished(const struct session *session, const struct backend *backend)
{
	const struct reader *live = backend->live;
	bool text = live->mode == READ_TEXT &&
		    told(session, backend->number, live->count - 2) != NOBODY;

	return (text || live->mode == READ_OCTETS) && !backend->dead && !session->cut &&
	       !backend->early && backend->out.len == 0 && !backend->closing;
}

static void check_end(const struct truth *truth, bool quiet)
{
	struct session *session = truth->session;
	struct backend *backend = session_backend(session);
	size_t asked = 0;

	for (size_t n = 0; n < truth->said.count; n++)
		asked += truth->said.units[n].whole;
	if (!quiet)
		session_wrong(session, "it goes on without end", 0);
	if (!session->play.ended && session->answer_count < asked)
		session_wrong(session, "a reply is missing", session->answer_count);
	if (session->answer_count > truth->said.count + 1)
		session_wrong(session, "more replies than commands", session->answer_count);
	if (backend && unfinished(session, backend) && !smtp_in_message(&session->play.smtp))
		session_wrong(session, "a message without its end would end in order", 0);
}

static void add_up(const struct truth *truth, struct session_sum *sum)
{
	const struct session *session = truth->session;

	sum->sessions++;
	sum->commands += truth->said.count;
	for (size_t n = 0; n < truth->said.count; n++) {
		const struct unit *unit = &truth->said.units[n];
		bool taken = truth->matched[n] && unit->whole && unit->code / 100 == 2;
		sum->messages += taken && unit->kind == UNIT_TEXT;
		sum->chunks += taken && unit_is(unit, "BDAT");
	}
	sum->upgrades += session->upgraded_at != SIZE_MAX;
	sum->cuts += session->cut;
	sum->endings[session->play.smtp.ending]++;
}

void judge(struct session *session, bool quiet, struct session_sum *sum)
{
	static const struct dialect strict = { .name = "client" };
	static const struct dialect mending = { .lf_ends_command = true, .mends = true };
	struct truth *truth = calloc(1, sizeof *truth);
	const char *dialect;

	truth->session = session;
	reader_begin(&truth->said, session->policy.normalize ? &mending : &strict, answered,
		     session);
	truth->said.units[0].code = answered(session, 0);
	for (size_t i = 0; i < session->sent.len; i++)
		reader_byte(&truth->said, session->sent.ptr[i]);
	check_honest(truth);
	for (size_t i = 0; i < session->connections; i++) {
		dialect = backend_agrees(&session->backends[i]);
		if (dialect)
			session_wrong(session, dialect, i);
		match_connection(truth, i);
	}
	for (size_t n = 0; n < session->answer_count; n++) {
		if (session->answers[n].tag != SIZE_MAX)
			check_told(truth, n);
		else
			check_own(truth, n);
		if (n < truth->said.count)
			check_blind(truth, n);
	}
	check_end(truth, quiet);
	if (text_has(&session->play.said[CLIENT], "SECRET"))
		session_wrong(session, "a secret was told", 0);
	add_up(truth, sum);
	reader_end(&truth->said);
	free(truth);
}
