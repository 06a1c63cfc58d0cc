#include "tests/model/backend.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static const struct dialect dialects[DIALECTS] = {
	{ .name = "strict" },
	{ .name = "LF is a break", .lf_is_break = true },
	{ .name = "LF and CR are breaks", .lf_is_break = true, .cr_is_break = true },
	{ .name = "CRLF . any", .crlf_then_any = true, .lf_ends_command = true },
	{ .name = "any . CRLF", .any_then_crlf = true, .lf_ends_command = true },
	{ .name = "drops NUL", .drops_nul = true },
	{ .name = "drops NUL, LF is a break", .drops_nul = true, .lf_is_break = true },
};

static struct unit *unit_now(struct backend *backend)
{
	return &backend->live->units[backend->live->count - 1];
}

/* One reply in some form: one line or three, with CR LF or, rarely, LF alone. */
static void reply(struct backend *backend, size_t index, unsigned code, const char *more)
{
	static const char *const words[] = { "2.0.0 ok", "5.1.1 <a@b>: \xc3\xa4h", "x", "" };
	const char *text = words[choose(backend->choice, 4)];
	unsigned form = choose(backend->choice, 12);
	char head[400];
	int n;

	if (form == 10 && !*more)
		n = snprintf(head, sizeof head, "%u-#%zu %s\r\n%u-\r\n%u %s\r\n", code,
			     backend->number * BACKEND_TAGS + index, text, code, code, text);
	else
		n = snprintf(head, sizeof head, "%u%s#%zu %s\r\n%s", code, *more ? "-" : " ",
			     backend->number * BACKEND_TAGS + index, text, more);
	if (index < READER_UNITS) {
		backend->replies[index].len = 0;
		text_add(&backend->replies[index], head, (size_t)n);
	}
	for (int i = 0; i < n; i++)
		if (form != 11 || head[i] != '\r')
			text_add(&backend->out, head + i, 1);
}

/* Lines of the EHLO reply, and some that no client may see. */
static void keywords(struct backend *backend, char *to, size_t size)
{
	snprintf(to, size, "%s%s%s250-AUTH=LOGIN\r\n250-XCLIENT NAME ADDR\r\n250 8BITMIME\r\n",
		 backend->has_pipelining ? "250-PIPELINING\r\n" : "250-STARTTLS\r\n",
		 backend->has_size ? "250-SIZE 5000\r\n" : "",
		 backend->has_chunking ? "250-CHUNKING\r\n250-AUTH PLAIN LOGIN\r\n" : "");
}

static unsigned hello(struct backend *backend, const struct unit *unit, size_t index)
{
	unsigned whim = backend->rude ? choose(backend->choice, 12) : 0;
	bool ehlo = unit_is(unit, "EHLO");
	char list[200];

	if (ehlo && (backend->helo_only || whim == 11)) {
		unsigned code = whim & 1 ? 502 : 500;
		reply(backend, index, code, "");
		return code;
	}
	if (whim == 10) {
		reply(backend, index, 550, "");
		return 550;
	}
	keywords(backend, list, sizeof list);
	reply(backend, index, 250, ehlo ? list : "");
	backend->told_pipelining = ehlo && backend->has_pipelining;
	return 250;
}

/* The code of good manners, and those of refusal. */
static unsigned code_for(struct backend *backend, const struct unit *unit, size_t index)
{
	unsigned whim = backend->rude ? choose(backend->choice, 24) : 0;

	if (whim >= 21)
		return whim == 21 ? 451 : whim == 22 ? 554 : 503;
	if (whim == 20 && backend->choice->left % 3 == 0)
		return 421;
	if (whim == 19 && backend->choice->left % 5 == 0)
		return 354;
	if (whim == 18 && backend->choice->left % 5 == 0)
		return 250;
	if (index == 0)
		return 220;
	if (unit_is(unit, "DATA"))
		return 354;
	if (unit->kind == UNIT_SASL || unit_is(unit, "AUTH"))
		return whim % 3 == 0 ? 334 : whim % 3 == 1 ? 235 : 535;
	if (unit_is(unit, "QUIT"))
		return 221;
	return unit_is(unit, "VRFY") ? 252 : 250;
}

static unsigned decide(void *context, size_t index)
{
	struct backend *backend = context;
	const struct unit *unit = &backend->live->units[index];

	if (backend->early) {
		backend->early = false;
		return backend->early_code;
	}
	if (unit_is(unit, "EHLO") || unit_is(unit, "HELO"))
		return hello(backend, unit, index);
	unsigned code = code_for(backend, unit, index);
	/* Nonsense ends it: what would come after has no meaning. */
	backend->closing |= code == 421 || (code == 354 && !unit_is(unit, "DATA"));
	reply(backend, index, code, "");
	return code;
}

/* The other readers hear what the strict one decided. */
static unsigned decided(void *context, size_t index)
{
	const struct backend *backend = context;

	return index < backend->live->count ? backend->live->units[index].code : 0;
}

void backend_begin(struct backend *backend, size_t number, struct choice *choice)
{
	unsigned nature = choose(choice, 64);

	*backend = (struct backend){ .number = number, .choice = choice };
	backend->has_pipelining = !(nature & 1);
	backend->has_chunking = !(nature & 2);
	backend->has_size = !(nature & 4);
	backend->rude = nature & 8;
	backend->helo_only = (nature & 48) == 48;
	backend->live = malloc(sizeof *backend->live);
	assert(backend->live);
	reader_begin(backend->live, &dialects[0], decide, backend);
	for (size_t i = 0; i < DIALECTS - 1; i++) {
		backend->others[i] = malloc(sizeof *backend->others[i]);
		assert(backend->others[i]);
		reader_begin(backend->others[i], &dialects[i + 1], decided, backend);
	}
	backend->live->units[0].code = decide(backend, 0);
	backend->closing |= backend->live->units[0].code >= 400;
}

void backend_end(struct backend *backend)
{
	reader_end(backend->live);
	free(backend->live);
	for (size_t i = 0; i < DIALECTS - 1; i++) {
		reader_end(backend->others[i]);
		free(backend->others[i]);
	}
	for (size_t i = 0; i < READER_UNITS; i++)
		free(backend->replies[i].ptr);
	free(backend->out.ptr);
}

static const char *too_soon(const struct backend *backend)
{
	const struct reader *live = backend->live;
	const struct unit *last = &live->units[live->count - 1];
	bool waits = unit_is(last, "EHLO") || unit_is(last, "HELO") || unit_is(last, "DATA") ||
		     unit_is(last, "AUTH") || last->kind == UNIT_SASL;

	if (backend->out.len == 0)
		return NULL;
	if (live->mode == READ_TEXT && last->kind == UNIT_TEXT && last->octets.len == 0 &&
	    !backend->early && live->at == AT_START && !live->cr)
		return "message text came before the 354 was heard";
	if (!last->whole)
		return NULL;
	if (live->mode == READ_SASL)
		return "a continuation came before the 334 was heard";
	if (waits)
		return "a command came before the reply to one that ends a group";
	return backend->pipelines ? NULL : "a second command came, without PIPELINING";
}

bool backend_read(struct backend *backend, const char *ptr, size_t len, const char **why)
{
	for (size_t i = 0; i < len; i++) {
		*why = too_soon(backend);
		if (*why)
			return false;
		reader_byte(backend->live, ptr[i]);
		for (size_t d = 0; d < DIALECTS - 1; d++)
			reader_byte(backend->others[d], ptr[i]);
	}
	return true;
}

void backend_heard(struct backend *backend, size_t n)
{
	text_drop(&backend->out, n);
	if (backend->out.len > 0)
		return;
	backend->pipelines = backend->told_pipelining;
}

void backend_speak_early(struct backend *backend)
{
	struct unit *unit = unit_now(backend);

	if (unit->whole || backend->early || backend->closing ||
	    (backend->live->mode != READ_TEXT && backend->live->mode != READ_OCTETS))
		return;
	backend->early = true;
	backend->early_code = seldom(backend->choice, 2) ? 452 : 554;
	reply(backend, backend->live->count - 1, backend->early_code, "");
}

void backend_speak_unasked(struct backend *backend)
{
	static const char *const nonsense[] = { "what?\r\n", "250", "99 low\r\n", "250\1x\r\n" };
	unsigned which = choose(backend->choice, 6);

	backend->closing = true;
	if (which < 2)
		reply(backend, BACKEND_UNASKED, which ? 250 : 421, "");
	else
		text_add(&backend->out, nonsense[which - 2], strlen(nonsense[which - 2]));
}

static bool same(const struct text_buf *a, const struct text_buf *b)
{
	return slice_eq(slice_of(a->ptr, a->len), slice_of(b->ptr, b->len));
}

const char *backend_agrees(const struct backend *backend)
{
	const struct reader *live = backend->live;

	for (size_t d = 0; d < DIALECTS - 1; d++) {
		const struct reader *other = backend->others[d];
		if (other->count != live->count)
			return dialects[d + 1].name;
		for (size_t i = 0; i < live->count; i++)
			if (live->units[i].whole != other->units[i].whole ||
			    !same(&live->units[i].line, &other->units[i].line) ||
			    !same(&live->units[i].octets, &other->units[i].octets))
				return dialects[d + 1].name;
	}
	return NULL;
}
