#include "proxy/relay/group.h"
#include "proxy/relay/told.h"

#include <stdlib.h>
#include <string.h>

bool group_init(struct group *group, const struct backend_config *config,
		const struct server_table *table, size_t row)
{
	size_t count = config->server.count;

	*group = (struct group){ .config = config, .table = table, .row = row };
	if (config->identity == IDENTITY_AUTO)
		group->mark = config_backend_mark(config);
	group->members = calloc(count, sizeof *group->members);
	group->sources = calloc(config->source.count + 1, sizeof *group->sources);
	if (!group->members || !group->sources)
		return false;
	for (size_t i = 0; i < config->source.count; i++)
		network_host(&config->source.item[i], &group->sources[i]);
	for (size_t i = 0; i < count; i++) {
		struct member *member = &group->members[i];
		member->config = &config->server.item[i];
		member->identity = config->identity;
		member->server = servers_find(table, config->name, member->config->written);
		if (member->server == SIZE_MAX)
			return false;
		member->record = &table->records[member->server];
	}
	group->count = count;
	return true;
}

void group_release(struct group *group)
{
	free(group->members);
	free(group->sources);
	*group = (struct group){ 0 };
}

/* ------------------------------------------------------------------------------------ choosing */

/* Members, as bits. */
struct set {
	uint64_t bits[(SERVERS_MAX + 63) / 64];
};

static void add(uint64_t *bits, size_t i)
{
	bits[i / 64] |= UINT64_C(1) << i % 64;
}

static bool has(const uint64_t *bits, size_t i)
{
	return bits[i / 64] >> i % 64 & 1;
}

/* FNV-1a, and a finish that spreads its last bytes: equal bytes, equal number. */
static uint64_t hash(uint64_t seed, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint64_t n = seed;

	for (size_t i = 0; i < len; i++)
		n = (n ^ bytes[i]) * UINT64_C(0x100000001b3);
	n = (n ^ n >> 33) * UINT64_C(0xff51afd7ed558ccd);
	return n ^ n >> 33;
}

/* An address without its port; an IPv4 client of a dual-stack socket is the IPv4 client. */
static uint64_t hash_client(const struct endpoint *client)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint64_t seed = UINT64_C(0xcbf29ce484222325);

	if (client->family == AF_INET)
		return hash(seed, client->bytes, 4);
	if (client->family != AF_INET6)
		return seed;
	if (memcmp(client->bytes, mapped, sizeof mapped) == 0)
		return hash(seed, client->bytes + sizeof mapped, 4);
	return hash(seed, client->bytes, 16);
}

/*
 * The lower, the better. By `source` each server has a rank of its own for a client (rendezvous
 * hashing), so that when one goes only its own clients move.
 */
static uint64_t rank(const struct group *group, const struct wish *wish, size_t i)
{
	const struct member *member = &group->members[i];
	uint64_t turns = (i + group->count - group->turn) % group->count;

	if (group->config->balance == BALANCE_SOURCE)
		return hash(hash_client(wish->client), member->config->written,
			    strlen(member->config->written));
	if (group->config->balance == BALANCE_LEAST)
		return (uint64_t)servers_present(group->table, member->server) << 32 | turns;
	return turns;
}

/*
 * `identity = auto`: the monitor has found how the server is told. Is that doubted, it is found
 * anew: until then what greets by itself, perhaps, must get no PROXY header. When the configuration
 * is no longer the one that serves, what was known last holds.
 */
static bool is_met(const struct group *group, struct member *member)
{
	const struct server_record *record = member->record;

	if (group->mark == 0)
		return true;
	server_told(record, group->mark, &member->identity);
	bool is_header =
		member->identity == IDENTITY_PROXY_V1 || member->identity == IDENTITY_PROXY_V2;
	return member->identity != IDENTITY_AUTO &&
	       (!is_header || record->doubts == record->doubts_heard);
}

/* What stands against a member before it is asked for room; GROUP_TAKEN: nothing. */
static enum group_answer obstacle(const struct group *group, struct member *member,
				  const struct wish *wish)
{
	const struct server_record *record = member->record;

	if (server_get_addresses(record, &member->sequence, &member->addresses))
		member->good = 0;
	if (record->admin != SERVER_DISABLED && member->sequence == 0)
		return GROUP_NAMELESS;
	if (record->admin == SERVER_DISABLED || member->addresses.count == 0 ||
	    server_is_down(record, group->config->probe_ms, wish->now_ms))
		return GROUP_DOWN;
	if (wish->stranger && record->verdict != SERVER_CLOSED)
		return record->verdict == SERVER_RELAYS ? GROUP_RELAYS : GROUP_UNASKED;
	if (!is_met(group, member))
		return record->unfound ? GROUP_DOWN : GROUP_UNMET;
	return record->admin == SERVER_PAUSED ? GROUP_PAUSED : GROUP_TAKEN;
}

/* Of several answers that are no, the one that tells most: a place may come free. */
static enum group_answer worse(enum group_answer a, enum group_answer b)
{
	static const uint8_t weight[] = {
		[GROUP_DOWN] = 0,  [GROUP_RELAYS] = 1, [GROUP_UNASKED] = 2, [GROUP_NAMELESS] = 3,
		[GROUP_UNMET] = 3, [GROUP_PAUSED] = 3, [GROUP_FULL] = 4,    [GROUP_TAKEN] = 0,
	};

	return weight[a] > weight[b] ? a : b;
}

/* The best of the set, those that keep failing last; the group's count where it is empty. */
static size_t best_of(const struct group *group, const struct set *set, const struct wish *wish)
{
	size_t best = group->count;
	uint64_t best_rank = 0;
	bool best_fails = false;

	for (size_t i = 0; i < group->count; i++) {
		if (!has(set->bits, i))
			continue;
		if (group->count == 1)
			return i;
		bool fails = server_is_failing(group->members[i].record, wish->now_ms);
		uint64_t its_rank = rank(group, wish, i);
		if (best < group->count &&
		    (fails > best_fails || (fails == best_fails && its_rank >= best_rank)))
			continue;
		best = i;
		best_rank = its_rank;
		best_fails = fails;
	}
	return best;
}

static void leave_queue(struct group *group, struct place *place)
{
	if (!place->waits)
		return;
	if (place->next)
		place->next->prev = place->prev;
	else
		group->last = place->prev;
	if (place->prev)
		place->prev->next = place->next;
	else
		group->first = place->next;
	place->next = place->prev = NULL;
	place->waits = false;
}

static void take(struct group *group, struct place *place, size_t i)
{
	leave_queue(group, place);
	place->member = &group->members[i];
	place->address = 0;
	group->turn = (i + 1) % group->count;
}

/* A session that was opened ahead has a place already. */
static bool enter(const struct group *group, struct place *place, size_t i)
{
	place->ahead = group->members[i].ahead > 0;
	return place->ahead || servers_enter(group->table, group->row, group->members[i].server,
					     (uint32_t)group->config->max_sessions);
}

enum group_answer group_choose(struct group *group, struct place *place, const struct wish *wish)
{
	enum group_answer answer = GROUP_DOWN;
	struct set left = { { 0 } };

	for (size_t i = 0; i < group->count; i++) {
		if (has(place->tried, i))
			continue;
		enum group_answer no = obstacle(group, &group->members[i], wish);
		if (no == GROUP_TAKEN)
			add(left.bits, i);
		answer = worse(answer, no);
	}
	for (;;) {
		size_t i = best_of(group, &left, wish);
		if (i == group->count)
			return answer;
		if (enter(group, place, i)) {
			take(group, place, i);
			return GROUP_TAKEN;
		}
		answer = worse(answer, GROUP_FULL);
		left.bits[i / 64] &= ~(UINT64_C(1) << i % 64);
	}
}

bool group_choose_other(struct group *group, struct place *place, const struct wish *wish)
{
	struct place other = *place;

	add(other.tried, (size_t)(place->member - group->members));
	other.member = NULL;
	if (group_choose(group, &other, wish) != GROUP_TAKEN)
		return false;
	group_leave(group, place);
	*place = other;
	return true;
}

bool group_may_keep_ahead(struct group *group, struct member *member, const struct wish *wish)
{
	uint64_t most = group->config->max_sessions;
	uint64_t present = servers_present(group->table, member->server);

	return obstacle(group, member, wish) == GROUP_TAKEN &&
	       (most == 0 || 4 * present <= 3 * most);
}

bool group_enter_ahead(struct group *group, struct member *member, const struct wish *wish)
{
	uint64_t most = group->config->max_sessions;

	return most != 1 && group_may_keep_ahead(group, member, wish) &&
	       servers_enter(group->table, group->row, member->server, (uint32_t)(most / 2));
}

void group_lack(const struct group *group, struct lack *lack)
{
	for (size_t i = 0; i < group->count; i++) {
		const struct server_record *record = group->members[i].record;
		struct offer offer = server_offer(record);
		if (record->offered && record->health == SERVER_UP &&
		    record->admin != SERVER_DISABLED)
			lack_add(lack, &offer);
	}
}

const struct addr *group_address(struct place *place)
{
	struct member *member = place->member;
	uint32_t count = member->addresses.count;

	if (place->address >= count)
		return NULL;
	place->attempts++;
	return &member->addresses.item[(member->good + place->address++) % count];
}

const struct addr *group_source(struct group *group, const struct addr *to)
{
	size_t count = group->config->source.count;
	size_t *at = to->any.sa_family == AF_INET6 ? &group->source_v6 : &group->source_v4;

	for (size_t i = 0; i < count; i++) {
		const struct addr *source = &group->sources[(*at)++ % count];
		if (source->any.sa_family == to->any.sa_family)
			return source;
	}
	return NULL;
}

void group_arrived(struct place *place)
{
	struct member *member = place->member;

	server_worked(member->record);
	if (place->address > 0 && member->addresses.count > 0)
		member->good = (member->good + place->address - 1) % member->addresses.count;
	place->address = 0;
	memset(place->tried, 0, sizeof place->tried);
}

/* ------------------------------------------------------------------------------------- leaving */

void group_leave(struct group *group, struct place *place)
{
	leave_queue(group, place);
	if (!place->member)
		return;
	servers_leave(group->table, group->row, place->member->server);
	place->member = NULL;
}

void group_give_up(struct group *group, struct place *place)
{
	add(place->tried, (size_t)(place->member - group->members));
	group_leave(group, place);
}

void group_wait(struct group *group, struct place *place)
{
	leave_queue(group, place);
	memset(place->tried, 0, sizeof place->tried);
	place->prev = group->last;
	if (group->last)
		group->last->next = place;
	else
		group->first = place;
	group->last = place;
	place->waits = true;
}

bool group_is_next(const struct group *group, const struct place *place)
{
	return !group->first || group->first == place;
}
