#include "proxy/monitor/target.h"
#include "base/clock.h"
#include "proxy/relay/identity.h"
#include "proxy/relay/told.h"

#include <stdlib.h>

enum { GREETING_MS = 30 * 1000, WHOLE_MS = 30 * 1000 };

static const struct errand *const errands[] = {
	[ERRAND_HEALTH] = &errand_health,
	[ERRAND_FIND] = &errand_find,
	[ERRAND_RELAY] = &errand_relay,
};

enum identity_mode target_identity(const struct target *target)
{
	unsigned mode = target->backend->identity;

	if (mode == IDENTITY_AUTO)
		server_told(target->record, target->mark, &mode);
	return (enum identity_mode)mode;
}

bool target_say(struct log_line *line, const struct target *target, enum log_level level,
		const char *event)
{
	if (!log_begin(line, &target->probes->monitor->log, level, event))
		return false;
	log_str(line, "backend", target->backend->name);
	log_str(line, "server", target->server->written);
	return true;
}

/* -------------------------------------------------------------------------------------- calls */

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The address where it listens, as the master has found it. */
static const struct addr *where(struct target *target)
{
	struct server_addresses *addresses = &target->addresses;

	if (server_get_addresses(target->record, &target->sequence, addresses))
		target->address = 0;
	if (addresses->count > 0)
		return &addresses->item[target->address % addresses->count];
	return NULL;
}

/* As sessions do, if not in turn: the first of the address' family. */
static const struct addr *from_where(struct target *target, const struct addr *to)
{
	const struct networks *sources = &target->backend->source;

	for (size_t i = 0; i < sources->count && to != NULL; i++) {
		network_host(&sources->item[i], &target->source);
		if (target->source.any.sa_family == to->any.sa_family)
			return &target->source;
	}
	return NULL;
}

static void begin(struct target *target, unsigned errand)
{
	const struct config *config = target->probes->monitor->config;
	const struct addr *addr = where(target);
	struct call_plan plan = {
		.way = { .plan = { .way = identity_way(target_identity(target)),
				   .tls = identity_tls(target->backend->tls),
				   .header_most = target->backend->proxy_header_size_bytes,
				   .hostname = slice_str(config->hostname) },
			 .tls = target->tls,
			 .server = (size_t)(target->server - target->backend->server.item) },
		.source = from_where(target, addr),
		.identity = &target->probes->own,
		.ask = { .hostname = slice_str(config->hostname) },
		.connect_ms = target->backend->connect_timeout_ms,
		.greeting_ms = least(config->timeouts.greeting_ms, GREETING_MS),
		.whole_ms = least(config->timeouts.reply_ms, WHOLE_MS),
	};

	target->errand = errand;
	target->begun_ms = clock_ms();
	target->due_ms[errand] = UINT64_MAX;
	errands[errand]->plan(target, &plan);
	if (addr != NULL)
		call_begin(&target->call, &plan, addr);
	else
		target->call.ended(&target->call, CALL_DOWN, "its name is not found");
}

/* The errand that is due next. */
static unsigned next_errand(const struct target *target)
{
	unsigned next = ERRAND_HEALTH;

	for (unsigned i = 0; i < ERRAND_COUNT; i++)
		if (target->due_ms[i] < target->due_ms[next])
			next = i;
	return next;
}

static void set_timer(struct target *target)
{
	struct ev_loop *loop = target->probes->monitor->loop;
	uint64_t due_ms = target->due_ms[next_errand(target)], now_ms = clock_ms();

	ev_timer_stop(loop, &target->timer);
	if (target->errand != ERRAND_NONE || due_ms == UINT64_MAX || target->probes->leaving)
		return;
	ev_now_update(loop);
	ev_timer_set(&target->timer, due_ms > now_ms ? (double)(due_ms - now_ms) / 1000. : 0., 0.);
	ev_timer_start(loop, &target->timer);
}

static void due(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct target *target = timer->data;
	unsigned errand = next_errand(target);
	(void)loop;
	(void)events;
	/* The loop's clock and ours may differ by a little. */
	if (target->due_ms[errand] <= clock_ms() + 1)
		begin(target, errand);
	else
		set_timer(target);
}

static bool another_address(struct target *target)
{
	return target->addresses.count > 0 && ++target->address % target->addresses.count != 0;
}

static void call_ended(struct call *call, enum call_end end, const char *why)
{
	struct target *target = call->owner;
	unsigned errand = target->errand;

	target->errand = ERRAND_NONE;
	/* A name may have several addresses: it is down when all of them are. */
	if (end == CALL_DOWN && another_address(target))
		target->due_ms[errand] = 0;
	else
		errands[errand]->ended(target, end, why);
	set_timer(target);
	if (target->probes->leaving)
		monitor_settle(target->probes->monitor);
}

void target_plan(struct target *target, unsigned errand, uint64_t in_ms)
{
	uint64_t spread_ms = in_ms / 5;

	in_ms -= in_ms / 10;
	in_ms += spread_ms > 0 ? (uint64_t)random() % spread_ms : 0;
	target->due_ms[errand] = clock_ms() + in_ms;
	set_timer(target);
}

void target_hasten(struct target *target, unsigned errand, uint64_t in_ms)
{
	if (target->due_ms[errand] > clock_ms() + in_ms)
		target_plan(target, errand, in_ms);
}

void target_watch(struct target *target, struct probes *probes,
		  const struct backend_config *backend, const struct server_config *server,
		  struct server_record *record, struct server_tls *tls)
{
	*target = (struct target){
		.probes = probes,
		.backend = backend,
		.server = server,
		.record = record,
		.tls = tls,
		.errand = ERRAND_NONE,
		.due_ms = { UINT64_MAX, UINT64_MAX, UINT64_MAX },
		.failures = record->failures,
		.doubts = record->doubts_heard,
		.mark = config_backend_mark(backend),
	};
	call_init(&target->call, probes->monitor->loop, &probes->pool, call_ended, target);
	ev_timer_init(&target->timer, due, 0., 0.);
	target->timer.data = target;
}

void target_cut(struct target *target)
{
	ev_timer_stop(target->probes->monitor->loop, &target->timer);
	call_cut(&target->call);
}
