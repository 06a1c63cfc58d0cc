#include "tests/model/match.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned answered(void *context, size_t index)
{
	const struct session *session = context;

	return index < session->answer_count ? session->answers[index].code : 0;
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
	if (unit_is(unit, "DATA") ? answer->code < 354 : answer->code == 354)
		session_wrong(session, "a code out of place", n);
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
	if (slice_starts_nocase(text, SLICE("552 5.3.4")) && !message && !unit_is(unit, "MAIL"))
		session_wrong(session, "552 for no message", n);
	if (slice_starts_nocase(text, SLICE("550 5.5.2")) && unit->kind != UNIT_TEXT)
		session_wrong(session, "550 5.5.2 for no text", n);
	if (slice_starts_nocase(text, SLICE("501 5.5.4 BDAT")) && !unit_is(unit, "BDAT"))
		session_wrong(session, "a reply to BDAT for another", n);
	if (truth->matched[n] && !message && !last)
		session_wrong(session, "Postern refused what it had passed", n);
	/* An empty chunk has no number: it may be another that was passed. */
	if (truth->matched[n] && unit->octets.len > 0 && unit_is(unit, "BDAT") &&
	    answer->code != 451)
		session_wrong(session, "Postern refused a chunk that it had passed", n);
}

/* A command that decides how to go on, and was passed, and has no reply: nothing behind it is run.
 */
static void check_unanswered(const struct truth *truth)
{
	bool waits = false;

	for (size_t n = truth->session->answer_count; n < truth->said.count; n++) {
		const struct unit *unit = &truth->said.units[n];
		if (!truth->matched[n])
			continue;
		if (waits)
			session_wrong(truth->session, "it went on without a reply", n);
		waits = unit->kind == UNIT_SASL || unit_is(unit, "DATA") || unit_is(unit, "AUTH") ||
			unit_is(unit, "QUIT") || unit_is(unit, "EHLO");
	}
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

/* Chunks were passed, and not the last of them. */
static bool chunks_open(const struct reader *live)
{
	uint64_t octets;
	bool last;

	for (size_t u = live->count - 1; u > 0; u--) {
		const struct unit *unit = &live->units[u];
		if (unit_is(unit, "RSET") || unit_is(unit, "EHLO") || unit_is(unit, "HELO") ||
		    unit_is(unit, "MAIL"))
			return false;
		if (unit_is_chunk(unit, &octets, &last))
			return !last;
	}
	return false;
}

/* The server has begun to read a message, as the client was told. */
static bool unfinished(const struct session *session, const struct backend *backend)
{
	const struct reader *live = backend->live;
	bool text = live->mode == READ_TEXT &&
		    told(session, backend->number, live->count - 2) != NOBODY;

	return (text || live->mode == READ_OCTETS || chunks_open(live)) && !backend->dead &&
	       !session->cut && !backend->early && backend->out.len == 0 && !backend->closing;
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
	check_unanswered(truth);
	check_end(truth, quiet);
	if (text_has(&session->play.said[CLIENT], "SECRET"))
		session_wrong(session, "a secret was told", 0);
	add_up(truth, sum);
	reader_end(&truth->said);
	free(truth);
}
