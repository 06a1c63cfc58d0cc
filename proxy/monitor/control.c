/* The control socket: one request a connection, answered at once, with a deadline for both. */
#include "base/net.h"
#include "proxy/monitor/commands.h"
#include "proxy/monitor/watching.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

enum { CALLERS_MAX = 32 };

static const double PATIENCE_S = 10.;

struct control;

/* Who has connected: first its line comes, then the answer goes. */
struct caller {
	struct control *control; /* NULL: the place is free */
	ev_io io;
	ev_timer deadline;
	size_t len;
	char line[CONTROL_LINE_BYTES + 1];
	char *answer; /* owned; NULL: not yet */
	size_t answer_len;
	size_t sent;
};

struct control {
	struct monitor *monitor;
	ev_io io;
	bool leaving;
	size_t count;
	struct caller callers[CALLERS_MAX];
};

static void watch_door(struct control *control)
{
	bool open = control->monitor->control >= 0 && !control->leaving;
	if (open && control->count < CALLERS_MAX)
		ev_io_start(control->monitor->loop, &control->io);
	else
		ev_io_stop(control->monitor->loop, &control->io);
}

static void hang_up(struct caller *caller)
{
	struct control *control = caller->control;
	ev_io_stop(control->monitor->loop, &caller->io);
	ev_timer_stop(control->monitor->loop, &caller->deadline);
	close(caller->io.fd);
	free(caller->answer);
	caller->control = NULL;
	control->count--;
}

static void drop(struct caller *caller)
{
	struct control *control = caller->control;
	struct monitor *monitor = control->monitor;
	hang_up(caller);
	watch_door(control);
	monitor_settle(monitor);
}

static void send_answer(struct caller *caller)
{
	while (caller->sent < caller->answer_len) {
		struct slice rest =
			slice_of(caller->answer + caller->sent, caller->answer_len - caller->sent);
		ssize_t sent = net_write(caller->io.fd, rest);
		if (sent == IO_AGAIN)
			return;
		if (sent < 0)
			break;
		caller->sent += (size_t)sent;
	}
	drop(caller);
}

/* The line is there, or as much of it as there will be. */
static void make_answer(struct caller *caller, size_t len, const char *why)
{
	struct monitor *monitor = caller->control->monitor;
	struct control_line line = { 0 };
	FILE *to = open_memstream(&caller->answer, &caller->answer_len);
	if (to == NULL) {
		drop(caller);
		return;
	}
	if (why == NULL)
		why = control_line_read(&line, caller->line, len);
	if (why != NULL)
		commands_fail(line.json, why, to);
	else
		commands_run(monitor, &line, to);
	if (fclose(to) != 0) {
		drop(caller);
		return;
	}
	ev_io_stop(monitor->loop, &caller->io);
	ev_io_set(&caller->io, caller->io.fd, EV_WRITE);
	ev_io_start(monitor->loop, &caller->io);
	send_answer(caller);
}

static void read_line(struct caller *caller)
{
	ssize_t got = net_read(caller->io.fd, caller->line + caller->len,
			       CONTROL_LINE_BYTES - caller->len);
	if (got == IO_AGAIN)
		return;
	if (got <= 0) {
		drop(caller);
		return;
	}
	const char *end = memchr(caller->line + caller->len, '\n', (size_t)got);
	caller->len += (size_t)got;
	if (end != NULL)
		make_answer(caller, (size_t)(end - caller->line), NULL);
	else if (caller->len == CONTROL_LINE_BYTES)
		make_answer(caller, 0, "the line is too long");
}

static void caller_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct caller *caller = io->data;
	(void)loop;
	(void)events;
	if (caller->answer != NULL)
		send_answer(caller);
	else
		read_line(caller);
}

static void caller_late(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	drop(timer->data);
}

static void take_caller(struct control *control, int fd)
{
	struct caller *caller = control->callers;
	while (caller->control != NULL)
		caller++;
	*caller = (struct caller){ .control = control };
	control->count++;
	ev_io_init(&caller->io, caller_ready, fd, EV_READ);
	ev_timer_init(&caller->deadline, caller_late, PATIENCE_S, 0.);
	caller->io.data = caller->deadline.data = caller;
	ev_io_start(control->monitor->loop, &caller->io);
	ev_timer_start(control->monitor->loop, &caller->deadline);
}

static void door_ready(struct ev_loop *loop, ev_io *io, int events)
{
	struct control *control = io->data;
	struct addr peer;
	(void)loop;
	(void)events;
	while (control->count < CALLERS_MAX) {
		int fd = net_accept(io->fd, &peer);
		if (fd < 0)
			break;
		take_caller(control, fd);
	}
	watch_door(control);
}

static void *control_start(struct monitor *monitor)
{
	struct control *control = calloc(1, sizeof(*control));
	if (control == NULL)
		return NULL;
	control->monitor = monitor;
	ev_io_init(&control->io, door_ready, monitor->control, EV_READ);
	control->io.data = control;
	watch_door(control);
	return control;
}

static bool control_finish(void *state)
{
	struct control *control = state;
	control->leaving = true;
	watch_door(control);
	return control->count == 0;
}

static void control_free(void *state)
{
	struct control *control = state;
	for (size_t i = 0; i < CALLERS_MAX; i++) {
		if (control->callers[i].control != NULL)
			hang_up(&control->callers[i]);
	}
	ev_io_stop(control->monitor->loop, &control->io);
	free(control);
}

const struct duty control_duty = { "control", control_start, NULL, control_finish, control_free };
