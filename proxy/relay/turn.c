#include "proxy/relay/turn.h"

#include "base/ev.h"

#include <stdlib.h>
#include <time.h>

static const uint64_t minute_us = 60 * 1000 * 1000;

struct turns {
	ev_check check;
	ev_prepare prepare;
	uint64_t began_us; /* 0: no turn has */
	struct ev_loop *loop;
	const struct log *log;
	struct timing *timing;
	struct turn_record *record;
};

void turn_note(struct turn_record *record, uint64_t minute, uint64_t us)
{
	uint64_t *longest = &record->longest_us[minute & 1];

	if (record->minute != minute) {
		if (record->minute + 1 != minute)
			record->longest_us[~minute & 1] = 0;
		*longest = 0;
		record->minute = minute;
	}
	if (us > *longest)
		*longest = us;
}

uint64_t turn_longest_us(const struct turn_record *record, uint64_t minute)
{
	uint64_t here = record->longest_us[record->minute & 1];
	uint64_t before = record->longest_us[~record->minute & 1];

	if (record->minute == minute)
		return here > before ? here : before;
	return record->minute + 1 == minute ? here : 0;
}

/* Not the loop's own clock, which is set with the machine's. */
static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * 1000 + (uint64_t)now.tv_nsec / 1000;
}

/* The loop has waited, and what is ready is about to be dealt with. */
static void turn_begins(struct ev_loop *loop, ev_check *check, int events)
{
	struct turns *turns = check->data;

	(void)loop;
	(void)events;
	turns->began_us = now_us();
}

/* All that was ready has been dealt with, and the loop is about to wait. */
static void turn_over(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	struct turns *turns = prepare->data;
	uint64_t us, now = now_us();

	(void)loop;
	(void)events;
	log_flush(turns->log);
	if (turns->began_us == 0)
		return;
	us = now - turns->began_us;
	timing_add(turns->timing, us);
	turn_note(turns->record, now / minute_us, us);
}

struct turns *turns_new(struct ev_loop *loop, const struct log *log, struct timing *timing,
			struct turn_record *record)
{
	struct turns *turns = calloc(1, sizeof *turns);

	if (!turns)
		return NULL;
	turns->loop = loop;
	turns->log = log;
	turns->timing = timing;
	turns->record = record;
	ev_check_init(&turns->check, turn_begins);
	ev_set_priority(&turns->check, EV_MAXPRI);
	ev_prepare_init(&turns->prepare, turn_over);
	turns->check.data = turns->prepare.data = turns;
	ev_check_start(loop, &turns->check);
	ev_prepare_start(loop, &turns->prepare);
	return turns;
}

void turns_free(struct turns *turns)
{
	if (turns) {
		ev_check_stop(turns->loop, &turns->check);
		ev_prepare_stop(turns->loop, &turns->prepare);
	}
	free(turns);
}
