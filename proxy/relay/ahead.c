#include "proxy/relay/ahead.h"

#include "base/clock.h"
#include "base/net.h"
#include "proxy/relay/backend.h"

#include <stdlib.h>

enum { BRIEF_MS = 10 * 1000, PAUSE_MS = 1000, PAUSE_MOST_MS = 60 * 1000 };

bool ahead_is_open(const struct ahead *w)
{
	return w->peer.fd >= 0;
}

/* ------------------------------------------------------------------------------------- leaving */

static void empty(struct ahead *w)
{
	buf_drop(&w->peer.in);
	buf_return(&w->peer.in, &w->pot->relay->pool);
	free((char *)w->greeting.ptr);
	w->greeting = slice_of(NULL, 0);
	w->ready = false;
}

void ahead_leave(const struct pot *pot)
{
	servers_leave(pot->group->table, pot->group->row, pot->member->server);
}

void ahead_shut(struct ahead *w)
{
	if (w->ready) {
		w->pot->member->ahead--;
		if (!w->peer.eof)
			peer_say(&w->peer, SLICE("QUIT\r\n"));
	}
	peer_close(&w->peer, w->pot->relay->loop);
	empty(w);
}

void ahead_drop(struct ahead *w)
{
	ahead_shut(w);
	ahead_leave(w->pot);
}

/* Longer from time to time, and once for all that fail together. */
static void hold_off(struct pot *pot)
{
	uint64_t now_ms = clock_ms(), next_ms = 2 * pot->pause_ms;

	if (now_ms < pot->not_before)
		return;
	pot->pause_ms = next_ms < PAUSE_MS ? PAUSE_MS : next_ms;
	if (pot->pause_ms > PAUSE_MOST_MS)
		pot->pause_ms = PAUSE_MOST_MS;
	pot->not_before = now_ms + pot->pause_ms;
}

void ahead_fail(struct ahead *w)
{
	server_failed(w->pot->member->record, clock_ms());
	w->pot->misses++;
	hold_off(w->pot);
	ahead_drop(w);
}

/* ------------------------------------------------------------------------------------- opening */

/* It has said nothing since, and not closed. */
static bool is_silent(struct ahead *w)
{
	bool silent = !peer_read(&w->peer, &w->pot->relay->pool);

	buf_return(&w->peer.in, &w->pot->relay->pool);
	return silent;
}

/* The greeting is all that it has said: what is behind it nobody has asked for. */
static bool keep_greeting(struct ahead *w)
{
	const struct dial *dial = &w->dialer.dial;
	struct slice said = buf_waiting(&w->peer.in);
	char *copy;

	if (w->peer.eof || said.len != (dial->kept > 0 ? dial->kept : dial->reply.scanned))
		return false;
	copy = malloc(said.len);
	if (!copy)
		return false;
	memcpy(copy, said.ptr, said.len);
	buf_drop(&w->peer.in);
	buf_return(&w->peer.in, &w->pot->relay->pool);
	w->greeting = slice_of(copy, said.len);
	return true;
}

static bool is_welcome(const struct dialer *dialer)
{
	return dialer->stage == DIALER_HELD ||
	       (dialer->stage == DIALER_READY && dialer->reason == END_NONE &&
		dialer->dial.code < 300);
}

/* Seconds. */
static double since(uint64_t us)
{
	return (double)(clock_us() - us) / 1e6;
}

static void arrive(struct ahead *w)
{
	struct pot *pot = w->pot;
	struct member *member = pot->member;

	if (!is_welcome(&w->dialer) || !keep_greeting(w)) {
		ahead_fail(w);
		return;
	}
	server_worked(member->record);
	shared_timing_add(&member->record->greeting, since(w->connected_us));
	pot->misses = 0;
	if (w->sequence == member->sequence)
		member->good = w->address;
	w->ready = true;
	w->since_ms = clock_ms();
	member->ahead++;
	/* It announces no XCLIENT, so it has had an EHLO in vain, and is for no client. */
	if (w->dialer.stage == DIALER_READY && w->dialer.way.plan.way == DIAL_XCLIENT) {
		pot->pause_ms = PAUSE_MOST_MS;
		hold_off(pot);
		ahead_drop(w);
	}
}

/* It closed, or said what nobody had asked for: 421, most likely. */
static void lose(struct ahead *w)
{
	if (clock_ms() - w->since_ms < BRIEF_MS)
		hold_off(w->pot);
	ahead_drop(w);
}

static bool is_dialling(const struct ahead *w)
{
	return w->dialer.stage < DIALER_HELD;
}

static void watch(struct ahead *w)
{
	bool read = w->ready || dialer_wants_read(&w->dialer);
	bool write = !w->ready && dialer_wants_write(&w->dialer);

	peer_watch(&w->peer, w->pot->relay->loop, read, write);
}

static void note_connected(struct ahead *w)
{
	if (w->connected_us > 0 || w->dialer.stage == DIALER_CONNECTING ||
	    w->dialer.stage == DIALER_FAILED)
		return;
	w->connected_us = clock_us();
	shared_timing_add(&w->pot->member->record->connect, since(w->begun_us));
}

static void move(struct ahead *w)
{
	if (w->ready && !is_silent(w)) {
		lose(w);
		return;
	}
	if (!w->ready) {
		while (is_dialling(w) && dialer_move(&w->dialer, &w->peer, &w->pot->relay->pool))
			;
		note_connected(w);
		if (!is_dialling(w))
			arrive(w);
		else
			buf_return(&w->peer.in, &w->pot->relay->pool);
	}
	watch(w);
}

static void on_io(struct ev_loop *loop, struct ev_io *io, int events)
{
	struct ahead *w = io->data;

	(void)loop;
	peer_event(&w->peer, events);
	move(w);
}

void ahead_begin(struct ahead *w)
{
	struct group *group = w->pot->group;
	struct member *member = w->pot->member;
	const struct addr *addr;
	struct dialer_way way = backend_way(w->pot->relay, group->config, member->config);
	int fd;

	w->sequence = member->sequence;
	w->address = (member->good + w->pot->misses) % member->addresses.count;
	addr = &member->addresses.item[w->address];
	fd = net_connect_from(addr, group_source(group, addr));
	if (fd < 0) {
		w->pot->misses++;
		hold_off(w->pot);
		ahead_leave(w->pot);
		return;
	}
	peer_init(&w->peer, on_io, w);
	peer_open(&w->peer, fd, false, false);
	way.plan.way = group->config->identity == IDENTITY_XCLIENT ? DIAL_XCLIENT : DIAL_SILENT;
	dialer_begin(&w->dialer, &way, NULL);
	w->since_ms = clock_ms();
	w->begun_us = clock_us();
	w->connected_us = 0;
	watch(w);
}

uint64_t ahead_patience_ms(const struct ahead *w)
{
	return w->dialer.stage == DIALER_CONNECTING ? w->pot->group->config->connect_timeout_ms
						    : w->pot->relay->config->timeouts.greeting_ms;
}

bool ahead_hand_over(struct ahead *w, struct peer *server, struct dialer *dialer)
{
	struct relay *relay = w->pot->relay;
	size_t room;
	char *to;

	peer_event(&w->peer, EV_READ);
	if (w->sequence != w->pot->member->sequence || !is_silent(w) ||
	    !buf_borrow(&server->in, &relay->pool))
		return false;
	to = buf_room(&server->in, &room);
	if (room < w->greeting.len)
		return false;
	memcpy(to, w->greeting.ptr, w->greeting.len);
	buf_fill(&server->in, w->greeting.len);
	peer_move(server, &w->peer, relay->loop);
	dialer_move_to(&w->dialer, dialer);
	w->pot->member->ahead--;
	empty(w);
	return true;
}

void ahead_init(struct ahead *w, struct pot *pot)
{
	w->pot = pot;
	peer_init(&w->peer, on_io, w);
}
