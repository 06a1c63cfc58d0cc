#include "tests/model/match.h"

#include "tests/model/field.h"

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
	if (session->policy.trace && unit_is(theirs, "MAIL"))
		line = field_same_mail(of(&theirs->line), of(&ours->line));
	if (session->policy.trace && field_len(of(&theirs->octets)) > 0)
		return field_same(theirs, ours);
	if (!line && unit_is(theirs, "MAIL") && session->policy.message_size > 0)
		line = same_without_size(of(&theirs->line), of(&ours->line));
	if (theirs->whole)
		return line && slice_eq(of(&theirs->octets), of(&ours->octets));
	/* Where it waits for the next byte a dot or a CR may not be counted yet. */
	return line &&
	       slice_eq(of(&theirs->octets), slice_head(of(&ours->octets), theirs->octets.len));
}

bool behind_tls(const struct session *session, size_t connection)
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
	if (policy->message_size > 0 && ours->octets.len > policy->message_size)
		session_wrong(session, "a text over the limit was completed", n);
}

size_t told(const struct session *session, size_t connection, size_t index)
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

void match_connection(struct truth *truth, size_t connection)
{
	struct session *session = truth->session;
	const struct backend *backend = &session->backends[connection];
	const struct reader *live = backend->live;
	bool tls = behind_tls(session, connection);
	size_t last = tls ? truth->said.upgraded : 0;
	enum field_state field = FIELD_DUE;
	bool chunks = false;

	truth->match[connection][0] = NOBODY;
	for (size_t u = 1; u < live->count; u++) {
		const struct unit *unit = &live->units[u];
		size_t n = told(session, connection, u), *match = &truth->match[connection][u];
		*match = NOBODY;
		check_verb(session, unit, connection, chunks);
		const char *wrong = session->policy.trace ? field_next(&field, unit) : NULL;
		if (wrong)
			session_wrong(session, wrong, u);
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
	if (session->upgraded_at != SIZE_MAX && !tls && !backend->dead &&
	    !unit_is(&live->units[live->count - 1], "QUIT"))
		session_wrong(session, "the first server was left without QUIT", live->count);
	if (!reader_rests(live) && live->mode == READ_LINE)
		session_wrong(session, "half a command was passed", live->count);
}
