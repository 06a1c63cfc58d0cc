#include "proxy/worker.h"
#include "base/ev.h"
#include "base/net.h"
#include "certs/tickets.h"
#include "proxy/channel.h"
#include "proxy/child.h"
#include "proxy/pulse.h"
#include "proxy/relay/warm.h"
#include "proxy/sandbox.h"
#include "base/clock.h"
#include "proxy/watch.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum { TRIM_BEATS = 10, SAY_AGAIN_MS = 60 * 1000 };

static const double PAUSE_S = 0.1;

/* One listening socket. */
struct slot {
	ev_io io;
	struct worker *worker;
	uint16_t listener;
	size_t number;
	size_t siblings; /* sockets of the same address, this one included */
};

struct worker {
	const struct worker_setup *setup;
	struct worker_record *record;
	struct log log; /* our own copy: its file changes */
	struct log_drops drops;
	struct log_batch batch;
	struct ev_loop *loop;
	struct admit admit;
	struct server_table servers;
	struct relay relay;
	struct turns *turns;
	enum order order; /* obeyed so far */

	struct slot *slots;
	size_t slot_count;
	bool up[WORKERS_MAX];
	bool paused;
	bool full;        /* that is why */
	uint64_t said_ms; /* when a pause was last told of in the log; 0: never */
	ev_timer pause;

	ev_io channel;
	ev_io signals;
	int signal_fd;
	bool asked; /* by a SIGTERM */
	ev_timer deadline;
	ev_timer beat;
};

/* -------------------------------------------------------------------------- listening sockets */

static bool slot_wanted(const struct slot *slot)
{
	const struct worker *worker = slot->worker;
	const struct worker_setup *setup = worker->setup;
	return worker->order == ORDER_WORK && !worker->paused &&
	       watch_is_mine(slot->number, slot->siblings, setup->index, setup->workers,
			     worker->up);
}

static bool is_watching(const struct worker_record *record)
{
	return record->up != 0 && record->stalled == 0;
}

/* The one place that starts and stops watching listening sockets. */
static void worker_watch(struct worker *worker)
{
	const struct worker_setup *setup = worker->setup;
	for (size_t i = 0; i < setup->workers; i++)
		worker->up[i] = is_watching(shared_record(setup->shared, setup->records[i]));
	worker->up[setup->index] = true;

	for (size_t i = 0; i < worker->slot_count; i++) {
		struct slot *slot = &worker->slots[i];
		if (slot_wanted(slot))
			ev_io_start(worker->loop, &slot->io);
		else
			ev_io_stop(worker->loop, &slot->io);
	}
}

/*
 * Accepts nothing for a moment, or until a session has ended. Connections wait in the kernel, and
 * the loop does not spin.
 */
static void worker_pause(struct worker *worker, const char *why, bool full)
{
	uint64_t now_ms = clock_ms();

	worker->record->counters.accept_pauses++;
	worker->full = full;
	if (worker->said_ms == 0 || now_ms - worker->said_ms >= SAY_AGAIN_MS) {
		worker->said_ms = now_ms;
		log_say(&worker->log, LOG_LEVEL_WARNING, "accept-paused",
			"%s with %zu sessions: new connections wait", why, worker->relay.open);
	}
	worker->paused = true;
	ev_timer_set(&worker->pause, PAUSE_S, 0.);
	ev_timer_start(worker->loop, &worker->pause);
	worker_watch(worker);
}

static void worker_resume(struct worker *worker)
{
	worker->paused = worker->full = false;
	ev_timer_stop(worker->loop, &worker->pause);
	worker_watch(worker);
}

static void pause_over(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	worker_resume(timer->data);
}

/* One at a time: a second try would most often only say that there is no other. */
static void slot_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct slot *slot = io->data;
	struct worker *worker = slot->worker;
	struct addr client;
	(void)loop;
	(void)events;
	/* An order waits to be read: who comes from now on is for those that come after us. */
	if (worker->record->order != worker->order)
		return;
	if (relay_is_full(&worker->relay)) {
		worker_pause(worker, "session limit reached", true);
		return;
	}
	int fd = net_accept(io->fd, &client);
	if (fd == IO_AGAIN)
		return;
	if (fd < 0)
		worker_pause(worker, strerror(errno), false);
	else if (!relay_accept(&worker->relay, slot->listener, fd, &client))
		worker_pause(worker, "out of memory", false);
}

static bool worker_make_slots(struct worker *worker)
{
	const struct entrances *entrances = worker->setup->entrances;
	size_t count = 0;
	for (size_t i = 0; i < entrances->count; i++)
		count += entrances->item[i].door->count;
	worker->slots = calloc(count + 1, sizeof(struct slot));
	if (worker->slots == NULL)
		return false;
	for (size_t i = 0; i < entrances->count; i++) {
		const struct door *door = entrances->item[i].door;
		for (size_t n = 0; n < door->count; n++) {
			struct slot *slot = &worker->slots[worker->slot_count++];
			slot->worker = worker;
			slot->listener = entrances->item[i].listener;
			slot->number = n;
			slot->siblings = door->count;
			ev_io_init(&slot->io, slot_ready, door->fds[n], EV_READ);
			slot->io.data = slot;
		}
	}
	return true;
}

/* ------------------------------------------------------------------------------------- orders */

static void worker_finish(struct worker *worker)
{
	ev_break(worker->loop, EVBREAK_ALL);
}

static void relay_changed(void *owner)
{
	struct worker *worker = owner;
	if (worker->order != ORDER_WORK && worker->relay.open == 0)
		worker_finish(worker);
	/* A place of ours is free. That of another worker we find by the timer. */
	if (worker->full && !relay_is_full(&worker->relay))
		worker_resume(worker);
}

static void obey_retire(struct worker *worker)
{
	/* The siblings are to watch our sockets, should they not be ordered the same. */
	worker->record->up = 0;
	channel_wake(worker->setup->channel, -1);
	worker_watch(worker);
	sockets_leave(worker->setup->sockets, NULL);
	warm_cool(&worker->relay);
}

static void obey_drain(struct worker *worker)
{
	relay_drain(&worker->relay);
}

static void obey_end(struct worker *worker)
{
	uint64_t drain_ms = worker->setup->generation->config->timeouts.drain_ms;
	ev_now_update(worker->loop);
	ev_timer_set(&worker->deadline, (double)drain_ms / 1000., 0.);
	ev_timer_start(worker->loop, &worker->deadline);
}

static void obey_stop(struct worker *worker)
{
	relay_abort(&worker->relay);
	worker_finish(worker);
}

/* Each order includes those before it. */
static void worker_obey(struct worker *worker, enum order order)
{
	static void (*const steps[])(struct worker *) = {
		[ORDER_RETIRE] = obey_retire,
		[ORDER_DRAIN] = obey_drain,
		[ORDER_END] = obey_end,
		[ORDER_STOP] = obey_stop,
	};
	while (worker->order < order && worker->order < ORDER_STOP)
		steps[++worker->order](worker);
	relay_changed(worker);
}

static void deadline_passed(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker *worker = timer->data;
	(void)loop;
	(void)events;
	log_say(&worker->log, LOG_LEVEL_WARNING, "drain-deadline",
		"%zu sessions are cut off, but those that await a message's verdict",
		worker->relay.open);
	relay_cut(&worker->relay);
	relay_changed(worker);
}

/* The loop turns: pulse.h. */
static void beat(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker *worker = timer->data;
	(void)loop;
	(void)events;
	worker->record->beats++;
	relay_trim(&worker->relay, worker->record->beats % TRIM_BEATS == 0);
	warm_beat(&worker->relay);
}

static void channel_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct worker *worker = io->data;
	(void)events;
	int fd;
	enum channel_news news;
	while ((news = channel_read(io->fd, &fd)) == CHANNEL_WOKEN) {
		if (fd >= 0)
			log_take(&worker->log, fd);
	}
	worker_watch(worker);
	relay_kill(&worker->relay);
	worker_obey(worker, worker->record->order);
	if (news == CHANNEL_CLOSED) {
		/* The master is gone, and with it whoever would replace or count us. */
		ev_io_stop(loop, io);
		worker_obey(worker, ORDER_END);
	}
}

/* The first SIGTERM drains, another stops: from whoever signals all processes of a service. */
static void signal_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct worker *worker = io->data;
	struct signalfd_siginfo info;
	(void)loop;
	(void)events;
	if (read(io->fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	worker_obey(worker, worker->asked ? ORDER_STOP : ORDER_END);
	worker->asked = true;
}

/* -------------------------------------------------------------------------------- life of one */

static bool worker_relay(struct worker *worker)
{
	const struct worker_setup *setup = worker->setup;
	const struct generation *generation = setup->generation;
	size_t record = setup->records[setup->index];
	worker->admit = (struct admit){ &setup->shared->addresses, generation->config, record };
	addresses_join(&setup->shared->addresses, record);
	worker->drops = (struct log_drops){ .total = &worker->record->counters.log_dropped };
	worker->log.drops = &worker->drops;
	worker->log.batch = &worker->batch;
	worker->servers = shared_servers(setup->shared);
	struct relay_memory memory = {
		.slots = shared_slots(setup->shared, record),
		.slot_count = setup->shared->plan.slots_each,
		.counters = &worker->record->counters,
		.admit = &worker->admit,
		.servers = &worker->servers,
		.row = record,
	};
	if (!relay_init(&worker->relay, worker->loop, generation->config, generation->certs,
			&worker->log, &memory))
		return false;
	for (size_t i = 0; i < generation->config->listener_count; i++) {
		const char *name = generation->config->listeners[i].name;
		size_t place = board_listener(shared_board(setup->shared), name);
		relay_count(&worker->relay, i, &worker->record->listeners[place], place);
	}
	worker->relay.server_tls = generation->server_tls;
	worker->relay.changed = relay_changed;
	worker->relay.owner = worker;
	worker->turns = turns_new(worker->loop, &worker->log, &worker->record->counters.turn,
				  &worker->record->turns);
	return worker->turns != NULL;
}

static void worker_watch_all(struct worker *worker)
{
	ev_io_init(&worker->channel, channel_ready, worker->setup->channel, EV_READ);
	ev_io_init(&worker->signals, signal_ready, worker->signal_fd, EV_READ);
	ev_timer_init(&worker->pause, pause_over, PAUSE_S, 0.);
	ev_timer_init(&worker->deadline, deadline_passed, 0., 0.);
	ev_timer_init(&worker->beat, beat, 0., PULSE_BEAT_MS / 1000.);
	worker->channel.data = worker->signals.data = worker;
	worker->pause.data = worker->deadline.data = worker->beat.data = worker;
	ev_io_start(worker->loop, &worker->channel);
	ev_io_start(worker->loop, &worker->signals);
	ev_timer_start(worker->loop, &worker->beat);
	worker_watch(worker);
}

/* A sentence where it cannot start, NULL where it can. */
static const char *worker_start(struct worker *worker)
{
	const struct worker_setup *setup = worker->setup;
	worker->record = shared_record(setup->shared, setup->records[setup->index]);
	worker->signal_fd = child_signals();
	if (worker->signal_fd < 0 || !crash_watch(&worker->record->crash))
		return "signals cannot be had";
	if (!privilege_drop(&setup->generation->privilege))
		return "privileges cannot be dropped";
	ticket_keys_protect(setup->keys);
	if (!child_follow(setup->master))
		return "the master is gone";
	/* libev's own environment variables are not for us. */
	worker->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOSIGMASK);
	if (worker->loop == NULL)
		return "no event loop can be had";
	if (!worker_relay(worker) || !worker_make_slots(worker))
		return "out of memory";
	return sandbox_enter(SANDBOX_WORKER, setup->generation->config);
}

int worker_run(const struct worker_setup *setup)
{
	struct worker worker = {
		.setup = setup,
		.log = setup->generation->log,
		.signal_fd = -1,
	};
	const char *why = worker_start(&worker);
	if (why == NULL) {
		worker_watch_all(&worker);
		/* From now on it is judged, be it that it never comes to its first beat. */
		worker.record->beats = 1;
		/* We watch before we say so: thus no sibling leaves our slots alone. */
		worker.record->up = 1;
		channel_wake(setup->channel, -1);
		/* An order may be older than we are. It may end the loop: so obey it within. */
		ev_feed_event(worker.loop, &worker.channel, EV_READ);
		ev_run(worker.loop, 0);
		relay_release(&worker.relay);
	} else {
		log_say(&worker.log, LOG_LEVEL_ERROR, "worker", "cannot start: %s (%s)", why,
			strerror(errno));
	}
	log_flush(&worker.log);
	turns_free(worker.turns);
	free(worker.slots);
	if (worker.loop != NULL)
		ev_loop_destroy(worker.loop);
	return why == NULL ? EXIT_SUCCESS : EXIT_FAILURE;
}
