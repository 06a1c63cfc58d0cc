/*
 * postern-monitor: watches over a running Postern. It is started by the master, which hands over
 * all that it has (handed.h), and lives until the master closes the channel. It sees no mail and
 * holds no key; mail goes on without it.
 */
#include "base/compat.h"
#include "proxy/channel.h"
#include "proxy/monitor/duty.h"
#include "proxy/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { DUTIES_MAX = 16 };

static const double FINISH_S = 1.;

struct frame {
	struct monitor monitor; /* first: monitor_settle() finds the frame by it */
	void *states[DUTIES_MAX];
	size_t started;
	bool leaving;
	ev_io channel;
	ev_timer deadline;
};

/* ------------------------------------------------------------------------------- what we hold */

static int handed(int number)
{
	return fcntl(number, F_SETFD, FD_CLOEXEC) == 0 ? number : -1;
}

static void take_sockets(struct monitor *monitor)
{
	monitor->control = handed(HANDED_CONTROL);
	for (int number = HANDED_METRICS; number < HANDED_END; number++) {
		if (handed(number) >= 0)
			monitor->metrics[monitor->metrics_count++] = number;
	}
}

/* A sentence where something is missing, and errno; NULL where it is all there. */
static const char *take_over(struct monitor *monitor, const char *path)
{
	struct complaints complaints = { 0 };
	if (handed(HANDED_SHARED) < 0 || handed(HANDED_CONFIG) < 0 || handed(HANDED_CHANNEL) < 0)
		return "it is started by postern, and not by hand";
	if (!shared_map(&monitor->shared, HANDED_SHARED))
		return "postern's shared memory cannot be used: is it of another version?";
	monitor->config = config_read_printed(HANDED_CONFIG, path, &complaints);
	if (complaints.text != NULL && monitor->config == NULL)
		fputs(complaints.text, stderr);
	complaints_release(&complaints);
	if (monitor->config == NULL)
		return "the configuration cannot be read";
	monitor->channel = HANDED_CHANNEL;
	monitor->log = (struct log){
		.level = monitor->config->log_level,
		.format = monitor->config->log_format,
		.drops = &monitor->drops,
	};
	log_inherit(&monitor->log, monitor->config->log, handed(HANDED_LOG));
	take_sockets(monitor);
	/* libev's own environment variables are not for us. */
	monitor->loop = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV | EVFLAG_NOSIGMASK);
	return monitor->loop == NULL ? "no event loop can be had" : NULL;
}

/* The exec has made us dumpable again, and given us the name of a descriptor. */
static void settle_in(void)
{
	prctl(PR_SET_NAME, "postern-monitor", 0, 0, 0);
	prctl(PR_SET_DUMPABLE, COMPAT_SANITIZED ? 1 : 0, 0, 0, 0);
}

/* ----------------------------------------------------------------------------------- duties */

static bool start_all(struct frame *frame)
{
	for (; duties[frame->started] != NULL; frame->started++) {
		const struct duty *duty = duties[frame->started];
		void *state = duty->start(&frame->monitor);
		frame->states[frame->started] = state;
		if (state != NULL)
			continue;
		log_say(&frame->monitor.log, LOG_LEVEL_ERROR, "monitor", "cannot start: %s: %s",
			duty->name, strerror(errno));
		return false;
	}
	return true;
}

static void free_all(struct frame *frame)
{
	while (frame->started > 0) {
		frame->started--;
		duties[frame->started]->free(frame->states[frame->started]);
	}
}

void monitor_settle(struct monitor *monitor)
{
	struct frame *frame = (struct frame *)monitor;
	bool finished = frame->leaving;
	for (size_t i = 0; i < frame->started && frame->leaving; i++)
		finished = duties[i]->finish(frame->states[i]) && finished;
	if (finished)
		ev_break(monitor->loop, EVBREAK_ALL);
}

static void deadline_passed(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void leave(struct frame *frame)
{
	struct ev_loop *loop = frame->monitor.loop;
	ev_io_stop(loop, &frame->channel);
	ev_now_update(loop);
	ev_timer_set(&frame->deadline, FINISH_S, 0.);
	ev_timer_start(loop, &frame->deadline);
	frame->leaving = true;
	monitor_settle(&frame->monitor);
}

static void channel_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct frame *frame = io->data;
	enum channel_news news;
	int fd;
	(void)loop;
	(void)events;
	while ((news = channel_read(io->fd, &fd)) == CHANNEL_WOKEN) {
		if (fd >= 0)
			log_take(&frame->monitor.log, fd); /* opened anew */
	}
	if (news == CHANNEL_CLOSED) {
		leave(frame);
		return;
	}
	for (size_t i = 0; i < frame->started; i++) {
		if (duties[i]->hear != NULL)
			duties[i]->hear(frame->states[i]);
	}
}

/* What the duties read from files, they have read. */
static bool close_sandbox(const struct monitor *monitor)
{
	const char *why = sandbox_enter(SANDBOX_MONITOR, monitor->config);
	if (why != NULL)
		log_say(&monitor->log, LOG_LEVEL_ERROR, "monitor", "cannot start: %s: %s", why,
			strerror(errno));
	return why == NULL;
}

static int run(struct frame *frame)
{
	struct ev_loop *loop = frame->monitor.loop;
	bool good = start_all(frame) && close_sandbox(&frame->monitor);
	ev_io_init(&frame->channel, channel_ready, frame->monitor.channel, EV_READ);
	ev_timer_init(&frame->deadline, deadline_passed, 0., 0.);
	frame->channel.data = frame;
	if (good) {
		ev_io_start(loop, &frame->channel);
		ev_run(loop, 0);
	}
	free_all(frame);
	ev_loop_destroy(loop);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct frame frame = { .started = 0 };
	settle_in();
	const char *why = take_over(&frame.monitor, argc > 1 ? argv[1] : "");
	int status = EXIT_FAILURE;
	if (why == NULL)
		status = run(&frame);
	else
		fprintf(stderr, "postern-monitor: %s (%s)\n", why, strerror(errno));
	config_free(frame.monitor.config);
	shared_free(&frame.monitor.shared);
	return status;
}
