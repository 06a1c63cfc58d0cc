/* The duty that watches the servers. */
#include "proxy/monitor/probes.h"
#include "base/clock.h"
#include "certs/authorities.h"
#include "certs/server_tls.h"
#include "proxy/relay/identity.h"

#include <errno.h>
#include <stdlib.h>

enum { IDLE_BUFFERS = 2 };

static const double LOOK_S = 1.;

static size_t count_servers(const struct config *config)
{
	size_t count = 0;

	for (size_t i = 0; i < config->backend_count; i++)
		count += config->backends[i].server.count;
	return count;
}

/* What has failed for a session is looked at at once, rather than at the next probe. */
static void look(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct probes *probes = timer->data;
	(void)loop;
	(void)events;
	for (size_t i = 0; i < probes->count; i++) {
		struct target *target = &probes->targets[i];
		uint64_t failures = target->record->failures;
		if (failures != target->failures && target->backend->probe_ms > 0)
			target_hasten(target, ERRAND_HEALTH, 0);
		target->failures = failures;
		if (target->backend->identity == IDENTITY_AUTO && target->way_tried == 0 &&
		    target->record->doubts != target->doubts)
			target_hasten(target, ERRAND_FIND, 0);
	}
}

/* With `transparent` the server sees the client's own address: it trusts none of Postern's. */
static bool is_asked(const struct backend_config *backend)
{
	return !backend->open_relay_accept && backend->identity != IDENTITY_TRANSPARENT;
}

static void begin(struct target *target)
{
	const struct backend_config *backend = target->backend;
	bool finds = target_meet(target);

	if (backend->identity == IDENTITY_TRANSPARENT)
		target->record->verdict = SERVER_CLOSED;
	if (finds)
		target_plan(target, ERRAND_FIND, 0);
	else if (backend->probe_ms > 0)
		target_plan(target, ERRAND_HEALTH, 0);
	target->guarded = is_asked(backend);
	if (!finds)
		target_doubt_verdict(target);
}

static void add_targets(struct probes *probes, const struct backend_config *backend)
{
	struct server_table table = shared_servers(&probes->monitor->shared);

	struct server_tls *tls = probes->tls[backend - probes->monitor->config->backends];

	if (backend->tls != BACKEND_TLS_OFF && tls == NULL)
		return;
	for (size_t i = 0; i < backend->server.count; i++) {
		const struct server_config *server = &backend->server.item[i];
		size_t record = servers_find(&table, backend->name, server->written);
		if (record == SIZE_MAX)
			continue;
		struct target *target = &probes->targets[probes->count++];
		target_watch(target, probes, backend, server, &table.records[record], tls);
		begin(target);
	}
}

static void make_identities(struct probes *probes)
{
	const char *why;
	struct addr client, local;

	addr_parse(SLICE("192.0.2.1:4242"), &client, &why);
	addr_parse(SLICE("192.0.2.2:25"), &local, &why);
	identity_set_ends(&probes->stranger, &client, &local);
	probes->own.is_own = true;
}

/* The files that the master could read: what we cannot is told, and those servers not asked. */
static void load_tls(struct probes *probes)
{
	const struct config *config = probes->monitor->config;
	struct complaints complaints = { 0 };
	struct authorities system = { 0 };

	for (size_t i = 0; i < config->backend_count; i++) {
		if (config->backends[i].tls != BACKEND_TLS_OFF)
			probes->tls[i] =
				server_tls_load(&config->backends[i], &system, &complaints);
	}
	if (complaints.count > 0)
		log_say(&probes->monitor->log, LOG_LEVEL_ERROR, "monitor",
			"servers are not probed, nor asked whether they relay, without which no "
			"stranger is served; let the user that Postern runs as read the file: %s",
			complaints.text);
	complaints_release(&complaints);
	authorities_release(&system);
}

static bool make_room(struct probes *probes)
{
	const struct config *config = probes->monitor->config;

	probes->targets = calloc(count_servers(config) + 1, sizeof *probes->targets);
	probes->tls = calloc(config->backend_count + 1, sizeof *probes->tls);
	return probes->targets != NULL && probes->tls != NULL &&
	       pool_init(&probes->pool, IDLE_BUFFERS);
}

static void release(void *state)
{
	struct probes *probes = state;

	ev_timer_stop(probes->monitor->loop, &probes->look);
	for (size_t i = 0; i < probes->count; i++)
		target_cut(&probes->targets[i]);
	for (size_t i = 0; probes->tls != NULL && i < probes->monitor->config->backend_count; i++)
		server_tls_free(probes->tls[i]);
	pool_release(&probes->pool);
	free(probes->tls);
	free(probes->targets);
	free(probes);
}

static void *start(struct monitor *monitor)
{
	struct probes *probes = calloc(1, sizeof *probes);

	if (probes == NULL)
		return NULL;
	probes->monitor = monitor;
	ev_timer_init(&probes->look, look, LOOK_S, LOOK_S);
	probes->look.data = probes;
	if (!make_room(probes)) {
		release(probes);
		errno = ENOMEM;
		return NULL;
	}
	srandom((unsigned)clock_ms());
	make_identities(probes);
	load_tls(probes);
	for (size_t i = 0; i < monitor->config->backend_count; i++)
		add_targets(probes, &monitor->config->backends[i]);
	ev_timer_start(monitor->loop, &probes->look);
	return probes;
}

static bool finish(void *state)
{
	struct probes *probes = state;
	bool finished = true;

	probes->leaving = true;
	for (size_t i = 0; i < probes->count; i++)
		finished &= probes->targets[i].errand == ERRAND_NONE;
	return finished;
}

const struct duty probes_duty = { "probes", start, NULL, finish, release };
