#include "proxy/relay/warm.h"

#include "base/clock.h"
#include "proxy/relay/ahead.h"

#include <stdlib.h>

/* Servers close sessions that are idle for some minutes. */
enum { AGE_MS = 60 * 1000 };

struct warm_set {
	struct relay *relay;
	struct group *group;
	size_t most;    /* for each server */
	bool strangers; /* all that use the group are */
	bool cooled;
	struct pot *pots;
	struct ahead *items;
};

static struct wish wish_of(const struct warm_set *set)
{
	return (struct wish){ .stranger = set->strangers, .now_ms = clock_ms() };
}

/* One after the other, where the last ones failed. */
static void fill(struct warm_set *set, struct pot *pot)
{
	struct wish wish = wish_of(set);
	bool coming = false;

	for (size_t i = 0; i < set->most; i++)
		coming |= ahead_is_open(&pot->items[i]) && !pot->items[i].ready;
	for (size_t i = 0; i < set->most; i++) {
		struct ahead *w = &pot->items[i];
		if (ahead_is_open(w))
			continue;
		if (set->cooled || wish.now_ms < pot->not_before || (pot->pause_ms > 0 && coming) ||
		    !group_enter_ahead(set->group, pot->member, &wish))
			return;
		ahead_begin(w);
		coming = true;
	}
}

/* ---------------------------------------------------------------------------------------- time */

/* A client that takes it may think for a while, too. */
static uint64_t age_ms(const struct warm_set *set)
{
	uint64_t command_ms = set->relay->config->timeouts.command_ms;

	return command_ms / 2 < AGE_MS ? command_ms / 2 : AGE_MS;
}

/* Of those that have become old together only some go at once. */
static void sort_out(struct warm_set *set, struct pot *pot, const struct wish *wish)
{
	size_t old = 1 + set->most / 10;

	for (size_t i = 0; i < set->most; i++) {
		struct ahead *w = &pot->items[i];
		uint64_t age = wish->now_ms - w->since_ms;
		if (!ahead_is_open(w))
			continue;
		if (!group_may_keep_ahead(set->group, pot->member, wish) ||
		    w->sequence != pot->member->sequence) {
			ahead_drop(w);
		} else if (!w->ready && age >= ahead_patience_ms(w)) {
			ahead_fail(w);
		} else if (w->ready && age >= age_ms(set) && old > 0) {
			old--;
			pot->pause_ms = 0;
			ahead_drop(w);
		}
	}
}

static void beat(struct warm_set *set)
{
	struct wish wish = wish_of(set);

	for (size_t i = 0; i < set->group->count; i++) {
		sort_out(set, &set->pots[i], &wish);
		fill(set, &set->pots[i]);
	}
}

static void cool(struct warm_set *set)
{
	set->cooled = true;
	for (size_t i = 0; i < set->group->count * set->most; i++)
		if (ahead_is_open(&set->items[i]))
			ahead_drop(&set->items[i]);
}

void warm_beat(struct relay *relay)
{
	for (size_t i = 0; i < relay->config->backend_count; i++)
		if (relay->warm[i])
			beat(relay->warm[i]);
}

void warm_cool(struct relay *relay)
{
	for (size_t i = 0; i < relay->config->backend_count; i++)
		if (relay->warm[i])
			cool(relay->warm[i]);
}

/* -------------------------------------------------------------------------------------- taking */

bool warm_take(struct warm_set *set, struct place *place, struct peer *server,
	       struct dialer *dialer)
{
	struct pot *pot = &set->pots[place->member - set->group->members];
	bool counted = false, taken = false;

	place->ahead = false;
	for (size_t i = 0; i < set->most && !taken; i++) {
		struct ahead *w = &pot->items[i];
		if (!w->ready)
			continue;
		taken = ahead_hand_over(w, server, dialer);
		if (!taken)
			ahead_shut(w);
		/* The first one's place is the session's, whether or not it was good. */
		if (counted)
			ahead_leave(pot);
		counted = true;
	}
	if (taken) {
		pot->pause_ms = 0;
		fill(set, pot);
	}
	return taken;
}

/* ---------------------------------------------------------------------------------------- life */

static bool are_strangers(const struct relay *relay, const struct group *group)
{
	bool all = true;

	for (size_t i = 0; i < relay->config->listener_count; i++)
		if (relay->services[i].group == group)
			all &= relay->services[i].strangers;
	return all;
}

static void lay_out(struct warm_set *set)
{
	for (size_t i = 0; i < set->group->count; i++) {
		struct pot *pot = &set->pots[i];
		pot->relay = set->relay;
		pot->group = set->group;
		pot->member = &set->group->members[i];
		pot->items = &set->items[i * set->most];
		for (size_t k = 0; k < set->most; k++)
			ahead_init(&pot->items[k], pot);
	}
}

struct warm_set *warm_new(struct relay *relay, struct group *group)
{
	struct warm_set *set = calloc(1, sizeof *set);

	if (!set)
		return NULL;
	set->relay = relay;
	set->group = group;
	set->most = group->config->warm;
	set->strangers = are_strangers(relay, group);
	set->pots = calloc(group->count, sizeof *set->pots);
	set->items = calloc(group->count * set->most, sizeof *set->items);
	if (set->pots && set->items) {
		lay_out(set);
		return set;
	}
	free(set->pots);
	free(set->items);
	free(set);
	return NULL;
}

void warm_free(struct warm_set *set)
{
	if (!set)
		return;
	cool(set);
	free(set->pots);
	free(set->items);
	free(set);
}
