#include "proxy/admit/admit.h"

#include "proxy/admit/rate.h"

static const uint64_t LOG_EACH_US = 60 * 1000000ull, LOGIN_US = 3600 * 1000000ull;

enum { TRIES = 3 };

/* ------------------------------------------------------------------------------------ counting */

static _Atomic uint32_t *cell_of(const struct admit *admit, uint32_t entry, bool told)
{
	struct address_cell *cell = addresses_cell(admit->table, admit->record, entry);

	return told ? &cell->told : &cell->served;
}

static uint64_t present(const struct admit *admit, uint32_t entry, bool told)
{
	struct presence sum = addresses_present(admit->table, entry);

	return told ? sum.told : sum.served;
}

static void uncount(const struct admit *admit, uint32_t entry, bool told)
{
	atomic_fetch_sub(cell_of(admit, entry, told), 1);
}

/*
 * One more, unless that were more than `limit` (0: any number). It is counted first and looked at
 * then, so there are never more. Where two reach for the last place in one instant, both step back
 * and try again.
 */
static bool count(const struct admit *admit, uint32_t entry, bool told, uint64_t limit)
{
	for (int i = 0; i < TRIES; i++) {
		atomic_fetch_add(cell_of(admit, entry, told), 1);
		if (limit == 0 || present(admit, entry, told) <= limit)
			return true;
		uncount(admit, entry, told);
		if (present(admit, entry, told) >= limit)
			return false;
	}
	return false;
}

/* ------------------------------------------------------------------------------------ entering */

bool admit_is_full(const struct admit *admit)
{
	uint64_t limit = admit->config->sessions;

	if (limit == 0)
		return false;
	struct presence all = addresses_present(admit->table, ADDRESS_ALL);
	return all.served >= limit && all.told >= limit;
}

struct admitted admit_enter(const struct admit *admit, struct visit *visit)
{
	uint64_t limit = admit->config->sessions;

	visit->inside = count(admit, ADDRESS_ALL, false, limit);
	if (visit->inside)
		return (struct admitted){ .act = ADMIT_SERVE };
	visit->why = ADMIT_OVERLOAD;
	visit->inside = visit->told = count(admit, ADDRESS_ALL, true, limit);
	return (struct admitted){ visit->told ? ADMIT_TELL : ADMIT_CLOSE, ADMIT_OVERLOAD, true,
				  false };
}

/* One event of a rate that is kept in a word of the entry. */
static bool take(const struct admit *admit, const struct visit *visit, enum address_word word,
		 const struct rate *rate, uint64_t now_us)
{
	struct rate_bucket bucket = rate_bucket(rate->count, rate->per_ms);
	uint64_t seen = addresses_get(admit->table, visit->entry, visit->key, word);
	uint64_t full_us;

	do {
		full_us = seen;
		if (!rate_take(&bucket, &full_us, now_us))
			return false;
	} while (!addresses_swap(admit->table, visit->entry, visit->key, word, &seen, full_us));
	return true;
}

static bool is_banned(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	return addresses_get(admit->table, visit->entry, visit->key, ADDRESS_BAN) > now_us;
}

static enum admit_why judge(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	const struct config *config = admit->config;

	if (is_banned(admit, visit, now_us))
		return ADMIT_BANNED;
	if (config->rate_per_ip.count > 0 &&
	    !take(admit, visit, ADDRESS_RATE, &config->rate_per_ip, now_us))
		return ADMIT_RATE;
	if (!count(admit, visit->entry, false, config->sessions_per_ip))
		return ADMIT_SESSIONS;
	return ADMIT_FINE;
}

/* Up to as many again as the limit allows are told; what comes above that is not worth it. */
static bool may_tell(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	const struct config *config = admit->config;

	if (visit->why == ADMIT_BANNED)
		return false;
	if (visit->why == ADMIT_RATE &&
	    !take(admit, visit, ADDRESS_TOLD, &config->rate_per_ip, now_us))
		return false;
	return count(admit, visit->entry, true, config->sessions_per_ip);
}

/* Once for each address and minute, whichever worker is first. */
static bool may_log(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	uint64_t logged = addresses_get(admit->table, visit->entry, visit->key, ADDRESS_LOGGED);

	return (logged == 0 || now_us - logged >= LOG_EACH_US) &&
	       addresses_swap(admit->table, visit->entry, visit->key, ADDRESS_LOGGED, &logged,
			      now_us);
}

static struct admitted refuse(const struct admit *admit, struct visit *visit, uint64_t now_us)
{
	struct admitted refused = { ADMIT_CLOSE, visit->why, may_log(admit, visit, now_us), false };

	if (!may_tell(admit, visit, now_us)) {
		visit->entry = ADDRESS_NONE;
		return refused;
	}
	/* It is not one of those who are served any more. */
	uncount(admit, ADDRESS_ALL, false);
	count(admit, ADDRESS_ALL, true, 0);
	visit->told = true;
	refused.act = ADMIT_TELL;
	return refused;
}

struct admitted admit_address(const struct admit *admit, struct visit *visit,
			      const struct addr *addr, uint64_t now_us)
{
	struct admitted fine = { .act = ADMIT_SERVE };

	if (visit->told)
		return (struct admitted){ ADMIT_TELL, visit->why, true, false };
	if (admit_is_exempt(admit->config, addr))
		return fine;
	visit->key = address_key(addr);
	visit->entry = addresses_place(admit->table, visit->key, now_us);
	if (visit->entry == ADDRESS_NONE) {
		visit->key = 0;
		fine.untracked = true;
		return fine;
	}
	visit->why = judge(admit, visit, now_us);
	return visit->why == ADMIT_FINE ? fine : refuse(admit, visit, now_us);
}

void admit_leave(const struct admit *admit, struct visit *visit)
{
	if (visit->entry != ADDRESS_NONE)
		uncount(admit, visit->entry, visit->told);
	if (visit->inside)
		uncount(admit, ADDRESS_ALL, visit->told);
	*visit = (struct visit){ 0 };
}

/* ---------------------------------------------------------------------------------------- AUTH */

/* A login from there in the last hour: a user with a forgotten device, not a guesser alone. */
static bool has_logged_in(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	uint64_t login_us = addresses_get(admit->table, visit->entry, visit->key, ADDRESS_LOGIN);

	return login_us != 0 && now_us - login_us < LOGIN_US;
}

/* The address as it stands in the table now: what is said of it must not hit a successor. */
static bool find(const struct admit *admit, const struct visit *visit, struct visit *found,
		 uint64_t now_us)
{
	*found = (struct visit){ .key = visit->key };
	if (visit->key != 0)
		found->entry = addresses_place(admit->table, visit->key, now_us);
	return found->entry != ADDRESS_NONE;
}

static uint64_t failures(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	const struct rate *rate = &admit->config->auth_failures_per_ip;
	struct rate_bucket bucket = rate_bucket(rate->count, rate->per_ms);

	return rate_used(&bucket,
			 addresses_get(admit->table, visit->entry, visit->key, ADDRESS_AUTH),
			 now_us);
}

struct admit_auth admit_auth_failed(const struct admit *admit, const struct visit *visit,
				    uint64_t now_us)
{
	const struct rate *rate = &admit->config->auth_failures_per_ip;
	struct admit_auth result = { 0 };
	struct visit at;

	if (!find(admit, visit, &at, now_us))
		return result;
	result.banned = is_banned(admit, &at, now_us);
	if (rate->count == 0 || admit->config->ban_ms == 0 || result.banned)
		return result;
	bool over = !take(admit, &at, ADDRESS_AUTH, rate, now_us);
	result.failures = failures(admit, &at, now_us) + over;
	if (!over || has_logged_in(admit, &at, now_us))
		return result;
	addresses_set(admit->table, at.entry, at.key, ADDRESS_BAN,
		      now_us + admit->config->ban_ms * 1000);
	result.banned = result.fresh = true;
	return result;
}

void admit_auth_succeeded(const struct admit *admit, const struct visit *visit, uint64_t now_us)
{
	struct visit at;

	if (find(admit, visit, &at, now_us))
		addresses_set(admit->table, at.entry, at.key, ADDRESS_LOGIN, now_us);
}

/* ------------------------------------------------------------------------------------- by hand */

bool admit_ban(const struct addresses *table, const struct addr *addr, uint64_t now_us,
	       uint64_t ban_ms)
{
	uint64_t key = address_key(addr);
	uint32_t entry = key != 0 ? addresses_place(table, key, now_us) : ADDRESS_NONE;

	if (entry == ADDRESS_NONE)
		return false;
	addresses_set(table, entry, key, ADDRESS_BAN, now_us + ban_ms * 1000);
	return true;
}

bool admit_unban(const struct addresses *table, const struct addr *addr, uint64_t now_us)
{
	uint64_t key = address_key(addr);
	uint32_t entry = key != 0 ? addresses_find(table, key) : ADDRESS_NONE;

	if (entry == ADDRESS_NONE || addresses_get(table, entry, key, ADDRESS_BAN) <= now_us)
		return false;
	addresses_set(table, entry, key, ADDRESS_BAN, 0);
	addresses_set(table, entry, key, ADDRESS_AUTH, 0);
	return true;
}

bool admit_is_exempt(const struct config *config, const struct addr *addr)
{
	return address_key(addr) == 0 || networks_contain(&config->exempt, addr);
}

bool admit_next(const struct addresses *table, uint32_t *at, uint64_t now_us,
		struct admit_known *known)
{
	uint64_t key;

	while ((key = addresses_next(table, at)) != 0) {
		struct presence sum = addresses_present(table, *at);
		uint64_t ban_us = addresses_get(table, *at, key, ADDRESS_BAN);
		uint64_t login_us = addresses_get(table, *at, key, ADDRESS_LOGIN);
		if (ban_us <= now_us && sum.served + sum.told == 0)
			continue;
		*known = (struct admit_known){
			.sessions = sum.served + sum.told,
			.ban_ms = ban_us > now_us ? (ban_us - now_us) / 1000 : 0,
			.login_ms = login_us != 0 ? (now_us - login_us) / 1000 : UINT64_MAX,
		};
		address_key_format(key, known->address, sizeof known->address);
		return true;
	}
	return false;
}
