#include "proxy/relay/ledger.h"

#include "proxy/relay/session.h"

#include <stdlib.h>

enum told { TOLD_YES, TOLD_UNCONFIRMED, TOLD_NO };

static size_t verdict_kind(uint16_t code)
{
	static const uint8_t kinds[] = {
		VERDICT_UNKNOWN, VERDICT_UNKNOWN,  VERDICT_ACCEPTED,
		VERDICT_UNKNOWN, VERDICT_DEFERRED, VERDICT_REJECTED,
	};
	size_t class = code / 100U;

	return class < sizeof kinds ? kinds[class] : VERDICT_UNKNOWN;
}

static void record(const struct session *s, const struct telling *telling, enum told told)
{
	static const char *const words[] = { "yes", "unconfirmed", "no" };
	const struct smtp_verdict *verdict = &telling->verdict;
	struct log_line line;

	if (verdict_kind(verdict->code) == VERDICT_ACCEPTED && told != TOLD_YES)
		s->service->counters->unheard++;
	if (!log_begin(&line, s->relay->log, LOG_LEVEL_INFO, "message"))
		return;
	log_str(&line, "id", s->id);
	log_num(&line, "transaction", telling->number);
	log_num(&line, "bytes", verdict->bytes);
	log_str(&line, "dot", verdict->whole ? "yes" : "no");
	if (verdict->code > 0)
		log_num(&line, "verdict", verdict->code);
	else
		log_str(&line, "verdict", "unknown");
	if (verdict->enhanced[0])
		log_str(&line, "enhanced", verdict->enhanced);
	log_str(&line, "told", words[told]);
	log_str(&line, "backend", s->service->listener->backend->name);
	log_str(&line, "server", s->journey.chosen ? s->journey.chosen->written : NULL);
	log_end(&line);
}

/* Writes the record of the first, and drops it. */
static void settle(struct session *s, enum told told)
{
	struct ledger *ledger = &s->ledger;
	const struct telling first = ledger->item[0];

	ledger->count--;
	memmove(ledger->item, ledger->item + 1, ledger->count * sizeof *ledger->item);
	/* A session that is idle holds none. */
	if (ledger->count == 0) {
		free(ledger->item);
		ledger->item = NULL;
	}
	record(s, &first, told);
}

bool ledger_full(const struct session *s)
{
	return s->ledger.count == LEDGER_MAX && !s->ledger.item[0].out;
}

void ledger_note(struct session *s, struct smtp_verdict verdict)
{
	struct ledger *ledger = &s->ledger;
	struct telling telling = {
		.verdict = verdict,
		.mark = s->queued + buf_leaving(&s->server.in).len,
		.number = ++ledger->numbered,
	};

	/* A client that sends so many messages ahead shows nothing of what it hears. */
	if (ledger->count == LEDGER_MAX)
		settle(s, ledger->item[0].out ? TOLD_UNCONFIRMED : TOLD_NO);
	if (!ledger->item)
		ledger->item = calloc(LEDGER_MAX, sizeof *ledger->item);
	if (ledger->item)
		ledger->item[ledger->count++] = telling;
	else
		record(s, &telling, TOLD_UNCONFIRMED);
	s->service->counters->messages[verdict_kind(verdict.code)]++;
}

static bool is_heard(const struct session *s, const struct telling *telling)
{
	bool ended = s->client.fin && !telling->deaf;

	return telling->out && (ended || s->client.received > telling->received);
}

void ledger_turn(struct session *s)
{
	struct ledger *ledger = &s->ledger;

	for (size_t i = 0; i < ledger->count; i++) {
		struct telling *telling = &ledger->item[i];
		if (telling->out || telling->mark > s->queued || s->client.broken)
			continue;
		telling->out = true;
		telling->deaf = s->client.eof;
		telling->received = s->client.received;
	}
	while (ledger->count > 0 && is_heard(s, &ledger->item[0]))
		settle(s, TOLD_YES);
}

void ledger_heard(struct session *s)
{
	while (s->ledger.count > 0 && s->ledger.item[0].out && !s->ledger.item[0].deaf)
		settle(s, TOLD_YES);
}

void ledger_end(struct session *s)
{
	ledger_turn(s);
	while (s->ledger.count > 0)
		settle(s, s->ledger.item[0].out ? TOLD_UNCONFIRMED : TOLD_NO);
}
