#include "bench/loop.h"

#include "base/ev.h"
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

enum { SIGNALS_MAX = 4 };

struct signal_watch {
	ev_signal ev;
	loop_call *call;
	void *of;
};

struct loop {
	struct ev_loop *ev;
	struct signal_watch signals[SIGNALS_MAX];
	size_t signal_count;
};

struct loop_watch {
	struct loop *loop;
	loop_call *call;
	void *of;
	ev_io io;
	ev_timer timer;
	uint64_t due_us;
};

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (!loop)
		return NULL;
	loop->ev = ev_loop_new(EVFLAG_AUTO);
	if (!loop->ev) {
		free(loop);
		return NULL;
	}
	return loop;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (size_t i = 0; i < loop->signal_count; i++)
		ev_signal_stop(loop->ev, &loop->signals[i].ev);
	ev_loop_destroy(loop->ev);
	free(loop);
}

void loop_run(struct loop *loop)
{
	ev_run(loop->ev, 0);
}

void loop_stop(struct loop *loop)
{
	ev_break(loop->ev, EVBREAK_ALL);
}

uint64_t loop_clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void on_signal(struct ev_loop *ev, ev_signal *signal, int revents)
{
	struct signal_watch *watch = signal->data;

	(void)ev;
	(void)revents;
	watch->call(watch->of, 0);
}

bool loop_signal(struct loop *loop, int signal, loop_call *call, void *of)
{
	if (loop->signal_count == SIGNALS_MAX)
		return false;
	struct signal_watch *watch = &loop->signals[loop->signal_count++];
	watch->call = call;
	watch->of = of;
	ev_signal_init(&watch->ev, on_signal, signal);
	watch->ev.data = watch;
	ev_signal_start(loop->ev, &watch->ev);
	return true;
}

static void on_io(struct ev_loop *ev, ev_io *io, int revents)
{
	struct loop_watch *watch = io->data;
	unsigned events = 0;

	(void)ev;
	if (revents & EV_READ)
		events |= LOOP_READ;
	if (revents & EV_WRITE)
		events |= LOOP_WRITE;
	watch->call(watch->of, events);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int revents)
{
	struct loop_watch *watch = timer->data;

	(void)ev;
	(void)revents;
	watch->due_us = LOOP_NEVER;
	watch->call(watch->of, LOOP_TIMER);
}

struct loop_watch *loop_watch_new(struct loop *loop, loop_call *call, void *of)
{
	struct loop_watch *watch = calloc(1, sizeof *watch);

	if (!watch)
		return NULL;
	watch->loop = loop;
	watch->call = call;
	watch->of = of;
	ev_io_init(&watch->io, on_io, -1, 0);
	ev_timer_init(&watch->timer, on_timer, 0., 0.);
	watch->io.data = watch->timer.data = watch;
	return watch;
}

void loop_watch_free(struct loop_watch *watch)
{
	if (!watch)
		return;
	ev_io_stop(watch->loop->ev, &watch->io);
	ev_timer_stop(watch->loop->ev, &watch->timer);
	free(watch);
}

void loop_watch_fd(struct loop_watch *watch, int fd, unsigned events)
{
	int wanted = (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0);
	int watched = ev_is_active(&watch->io) ? watch->io.events & (EV_READ | EV_WRITE) : 0;

	if (wanted == watched && (wanted == 0 || watch->io.fd == fd))
		return;
	ev_io_stop(watch->loop->ev, &watch->io);
	if (wanted == 0)
		return;
	ev_io_set(&watch->io, fd, wanted);
	ev_io_start(watch->loop->ev, &watch->io);
}

void loop_watch_until(struct loop_watch *watch, uint64_t due_us)
{
	struct ev_loop *ev = watch->loop->ev;

	if (watch->due_us == due_us)
		return;
	watch->due_us = due_us;
	ev_timer_stop(ev, &watch->timer);
	if (due_us == LOOP_NEVER)
		return;
	uint64_t now_us = loop_clock_us();
	ev_tstamp after = due_us > now_us ? (ev_tstamp)(due_us - now_us) / 1e6 : 0.;
	/* libev counts from when the loop last woke, which is a little in the past. */
	ev_now_update(ev);
	ev_timer_set(&watch->timer, after, 0.);
	ev_timer_start(ev, &watch->timer);
}

uint64_t loop_raise_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	return limit.rlim_cur;
}
