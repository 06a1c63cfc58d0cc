#include "proxy/upkeep.h"

#include "proxy/announce.h"
#include "base/clock.h"
#include "proxy/files.h"

#include <time.h>

enum { LOOK_MS = 2 * 1000 };

bool upkeep_begin(struct upkeep *upkeep)
{
	uint64_t now_ms = clock_ms();

	*upkeep = (struct upkeep){
		.keys = ticket_keys_new(),
		.turn_ms = now_ms + TICKET_KEY_MS,
		.look_ms = now_ms + LOOK_MS,
		.reminded = (int64_t)time(NULL),
	};
	return upkeep->keys != NULL;
}

void upkeep_end(struct upkeep *upkeep)
{
	ticket_keys_free(upkeep->keys);
	upkeep->keys = NULL;
}

uint64_t upkeep_due_ms(const struct upkeep *upkeep)
{
	return upkeep->look_ms < upkeep->turn_ms ? upkeep->look_ms : upkeep->turn_ms;
}

static void remind(struct upkeep *upkeep, const struct generation *generation)
{
	struct complaints complaints = { 0 };
	int64_t now = (int64_t)time(NULL);

	generation_remind(generation, upkeep->reminded, now, &complaints);
	announce_complaints(&generation->log, &complaints);
	complaints_release(&complaints);
	upkeep->reminded = now;
}

static bool look(struct upkeep *upkeep, const struct generation *generation)
{
	uint64_t mark = files_mark(generation->config);
	bool still = mark == upkeep->seen;

	upkeep->seen = mark;
	return still && mark != upkeep->tried;
}

bool upkeep_tend(struct upkeep *upkeep, const struct generation *generation)
{
	uint64_t now_ms = clock_ms();

	if (now_ms >= upkeep->turn_ms) {
		upkeep->turn_ms = now_ms + TICKET_KEY_MS;
		ticket_keys_turn(upkeep->keys);
		remind(upkeep, generation);
	}
	if (now_ms < upkeep->look_ms)
		return false;
	upkeep->look_ms = now_ms + LOOK_MS;
	return look(upkeep, generation);
}

void upkeep_loaded(struct upkeep *upkeep, const struct generation *generation)
{
	upkeep->tried = generation->mark;
}

void upkeep_failed(struct upkeep *upkeep, const struct generation *generation)
{
	upkeep->tried = files_mark(generation->config);
}
