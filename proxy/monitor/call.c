#include "proxy/monitor/call.h"

#include <errno.h>

static void event(struct ev_loop *loop, ev_io *io, int events);
static void late(struct ev_loop *loop, ev_timer *timer, int events);

void call_init(struct call *call, struct ev_loop *loop, struct pool *pool,
	       void (*ended)(struct call *call, enum call_end end, const char *why), void *owner)
{
	*call = (struct call){ .loop = loop, .pool = pool, .ended = ended, .owner = owner };
	peer_init(&call->peer, event, call);
	ev_timer_init(&call->deadline, late, 0., 0.);
	call->deadline.data = call;
}

static void allow(struct call *call, uint64_t ms)
{
	ev_timer_stop(call->loop, &call->deadline);
	ev_now_update(call->loop);
	ev_timer_set(&call->deadline, (double)ms / 1000., 0.);
	ev_timer_start(call->loop, &call->deadline);
}

void call_cut(struct call *call)
{
	if (!call->open)
		return;
	call->open = false;
	ev_timer_stop(call->loop, &call->deadline);
	buf_drop(&call->peer.in);
	buf_return(&call->peer.in, call->pool);
	peer_close(&call->peer, call->loop);
}

static void end(struct call *call, enum call_end how, const char *why)
{
	call_cut(call);
	call->ended(call, how, why);
}

void call_begin(struct call *call, const struct call_plan *plan, const struct addr *addr)
{
	call->plan = *plan;
	call->asking = false;
	call->open = true;
	ask_init(&call->ask, &call->plan.ask);
	allow(call, plan->connect_ms);
	int fd = net_connect_from(addr, plan->source);
	if (fd < 0) {
		end(call, CALL_DOWN, strerror(errno));
		return;
	}
	peer_open(&call->peer, fd, false, false);
	dialer_begin(&call->dialer, &call->plan.way, plan->identity);
	peer_watch(&call->peer, call->loop, false, true);
}

/* What it has failed with so far, as the answer that it came to would tell. */
static void late(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct call *call = timer->data;
	(void)loop;
	(void)events;
	if (call->dialer.stage == DIALER_CONNECTING)
		end(call, CALL_DOWN, "no connection in time");
	else if (!call->asking)
		end(call, CALL_SILENT, "no greeting in time");
	else
		end(call, CALL_SILENT, "no answer in time");
}

/* ------------------------------------------------------------------------------------ dialling */

static bool dial(struct call *call)
{
	enum dialer_stage before = call->dialer.stage;
	bool moved = dialer_move(&call->dialer, &call->peer, call->pool);

	if (before == DIALER_CONNECTING && call->dialer.stage > before)
		allow(call, call->plan.greeting_ms);
	/* What is ready with a reason is a refusal of Postern's own, put in the server's place. */
	if (call->dialer.stage == DIALER_FAILED ||
	    (call->dialer.stage == DIALER_READY && call->dialer.reason != END_NONE)) {
		end(call, call->dialer.reason == END_BACKEND_DOWN ? CALL_DOWN : CALL_BROKEN,
		    call->dialer.detail);
		return false;
	}
	if (call->dialer.stage == DIALER_READY) {
		call->asking = true;
		allow(call, call->plan.whole_ms);
	}
	return moved;
}

/* -------------------------------------------------------------------------------------- asking */

/* False when the server takes nothing for now. */
static bool say(struct call *call, struct slice text)
{
	ssize_t n = call->peer.writable ? peer_say(&call->peer, text) : IO_AGAIN;

	if (n > 0)
		ask_said(&call->ask, (size_t)n);
	else if (n == IO_ERROR)
		call->peer.broken = true;
	return n > 0;
}

static void finish(struct call *call)
{
	if (call->ask.garbled)
		end(call, CALL_BROKEN, "the server said what is not SMTP");
	else
		end(call, CALL_DONE, NULL);
}

static bool ask(struct call *call)
{
	char room[ASK_ROOM_BYTES];
	struct ask_step step = { .room = room };

	ask_step(&call->ask, buf_waiting(&call->peer.in), &step);
	buf_cut(&call->peer.in, 0, step.drop);
	if (step.act == ASK_DONE)
		finish(call);
	else if (step.act == ASK_SAY)
		return say(call, step.text);
	return step.act == ASK_MOVE;
}

static bool talk(struct call *call)
{
	bool moved = peer_read(&call->peer, call->pool);

	while (call->open && ask(call))
		moved = true;
	if (call->open && (call->peer.eof || call->peer.broken)) {
		end(call, CALL_BROKEN, "the server closed the connection");
		return false;
	}
	return moved && call->open;
}

/* Goes on until nothing moves, and then waits for what would let it. */
static void event(struct ev_loop *loop, ev_io *io, int events)
{
	struct call *call = io->data;

	peer_event(&call->peer, events);
	while (call->open && (call->asking ? talk(call) : dial(call)))
		;
	if (!call->open)
		return;
	bool saying = call->asking ? call->ask.saying : dialer_wants_write(&call->dialer);
	peer_watch(&call->peer, loop, call->asking || dialer_wants_read(&call->dialer), saying);
}
