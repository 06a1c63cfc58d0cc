#include "proxy/smtp/owed.h"

#include <assert.h>

#include "proxy/smtp/command.h"
#include "proxy/smtp/say.h"

enum { OWED_PER_COMMAND = 3 };

bool owed_has_room(const struct smtp *smtp)
{
	return smtp->queue_count + OWED_PER_COMMAND <= SMTP_OWED_MAX;
}

struct owed *owed_head(struct smtp *smtp)
{
	return smtp->queue_count > 0 ? &smtp->queue[smtp->queue_head] : NULL;
}

static struct owed *at(struct smtp *smtp, size_t index)
{
	return &smtp->queue[(smtp->queue_head + index) % SMTP_OWED_MAX];
}

struct owed *owed_tail(struct smtp *smtp)
{
	return smtp->queue_count > 0 ? at(smtp, smtp->queue_count - 1U) : NULL;
}

static struct owed *push(struct smtp *smtp, struct owed owed)
{
	assert(smtp->queue_count < SMTP_OWED_MAX);
	owed.transaction = smtp->transaction;
	smtp->owed_by_server = (uint8_t)(smtp->owed_by_server + (owed.say == SAY_NONE));
	struct owed *slot = at(smtp, smtp->queue_count++);
	*slot = owed;
	return slot;
}

struct owed *owed_add(struct smtp *smtp, uint8_t verb)
{
	return push(smtp, (struct owed){ .verb = verb });
}

bool error_count(struct smtp *smtp)
{
	smtp->errors++;
	return smtp->policy->errors > 0 && smtp->errors >= smtp->policy->errors;
}

void owed_say(struct smtp *smtp, uint8_t verb, uint8_t say)
{
	push(smtp, (struct owed){ .verb = verb, .say = say });
	if (say_ending(say) != END_NONE)
		smtp->mode = SMTP_MODE_DISCARD;
	else if (say_is_error(say) && error_count(smtp))
		owed_say(smtp, VERB_UNKNOWN, SAY_ERRORS);
}

void owed_pop(struct smtp *smtp)
{
	assert(smtp->queue_count > 0);
	smtp->owed_by_server = (uint8_t)(smtp->owed_by_server - (owed_head(smtp)->say == SAY_NONE));
	smtp->queue_head = (uint8_t)((smtp->queue_head + 1) % SMTP_OWED_MAX);
	smtp->queue_count--;
	smtp->turn++;
}

void owed_drop_tail(struct smtp *smtp)
{
	assert(smtp->queue_count > 0);
	smtp->owed_by_server = (uint8_t)(smtp->owed_by_server - (owed_tail(smtp)->say == SAY_NONE));
	smtp->queue_count--;
}

void owed_clear(struct smtp *smtp)
{
	smtp->queue_count = smtp->owed_by_server = 0;
}

/* What becomes of these messages nobody will say. The queue is over, and has room for them. */
static void keep_unknown(struct smtp *smtp)
{
	struct owed whole[SMTP_OWED_MAX];
	uint8_t count = 0;

	for (size_t i = 0; i < smtp->queue_count; i++)
		if (at(smtp, i)->flags & OWED_WHOLE)
			whole[count++] = *at(smtp, i);
	if (count == 0)
		return;
	memcpy(smtp->queue, whole, count * sizeof *whole);
	smtp->unknown = count;
}

void end_next(struct smtp *smtp, uint8_t say)
{
	keep_unknown(smtp);
	owed_clear(smtp);
	smtp->mode = SMTP_MODE_DISCARD;
	smtp->end_say = say;
}
