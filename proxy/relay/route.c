#include "proxy/relay/route.h"

#include "base/clock.h"
#include "base/net.h"
#include "proxy/relay/backend.h"
#include "proxy/relay/introduce.h"
#include "proxy/relay/life.h"
#include "proxy/relay/warm.h"
#include "proxy/smtp/busy.h"
#include "proxy/smtp/ehlo.h"

#include <errno.h>
#include <math.h>

enum { PAUSE_MS = 30 * 1000, SAY_AGAIN_MS = 60 * 1000 };

/* How often the first in the queue looks whether other workers have left a place. */
static const double LOOK_SECONDS = 0.1;

static struct group *group_of(const struct session *s)
{
	return s->service->group;
}

static double seconds(uint64_t ms)
{
	return (double)ms / 1000;
}

/* A place may be free, or another is the first of the queue now: that one is to look. */
static void wake_first(struct group *group)
{
	if (!group->first)
		return;
	group->first->session->journey.approach->look_at = 0;
	session_wake(group->first->session);
}

void route_close(struct session *s, bool reset)
{
	struct group *group = group_of(s);
	bool waits = s->journey.place.waits, had = s->journey.place.member != NULL;

	if (reset)
		peer_reset(&s->server, s->relay->loop);
	else
		peer_close(&s->server, s->relay->loop);
	group_leave(group, &s->journey.place);
	approach_end(&s->journey);
	s->slot->server = 0;
	if (waits || had)
		wake_first(group);
}

/* ------------------------------------------------------------------------------------- waiting */

/* How long that is waited for; 0: not at all. */
static uint64_t wait_ms(const struct group *group, enum group_answer answer)
{
	uint64_t ms = group->config->full_wait_ms;

	if (answer == GROUP_FULL)
		return ms;
	if (answer == GROUP_PAUSED || answer == GROUP_NAMELESS || answer == GROUP_UNMET)
		return ms > 0 ? ms : PAUSE_MS;
	return 0;
}

static void wait_for_place(struct session *s, enum group_answer answer)
{
	struct group *group = group_of(s);
	struct approach *approach = s->journey.approach;
	double now = session_now(s);

	if (approach->wait_by == 0) {
		approach->wait_since = now;
		approach->wait_by = now + seconds(wait_ms(group, answer));
		s->relay->counters->waited++;
	}
	approach->lack = answer;
	if (!s->journey.place.waits)
		group_wait(group, &s->journey.place);
	approach->look_at = now + LOOK_SECONDS;
	s->dialing = DIALING_WAIT;
}

double route_look_at(const struct session *s)
{
	bool looks = s->dialing == DIALING_WAIT && group_is_next(group_of(s), &s->journey.place);

	return looks ? s->journey.approach->look_at : INFINITY;
}

/* ------------------------------------------------------------------------------------ choosing */

/* Why there is none: the log's reason, and the sentence beside it. */
static const struct {
	enum ending reason;
	const char *detail;
} refusals[] = {
	[GROUP_FULL] = { END_BACKEND_FULL, "all servers have max_sessions" },
	[GROUP_PAUSED] = { END_BACKEND_FULL, "the servers are paused" },
	[GROUP_NAMELESS] = { END_BACKEND_DOWN, "the server's name is still being looked up" },
	[GROUP_UNMET] = { END_BACKEND_DOWN, "not known yet how the server can be told of clients" },
	[GROUP_DOWN] = { END_BACKEND_DOWN, "no server is up" },
	[GROUP_RELAYS] = { END_OPEN_RELAY, "the server relays for strangers" },
	[GROUP_UNASKED] = { END_OPEN_RELAY,
			    "not known yet whether the server relays for strangers" },
};

static struct wish wish_of(const struct session *s)
{
	return (struct wish){
		.client = &s->address,
		.stranger = s->service->strangers,
		.now_ms = clock_ms(),
	};
}

/* False: no server was chosen, and *answer says why. */
static bool choose(struct session *s, enum group_answer *answer)
{
	struct wish wish = wish_of(s);

	*answer = session_now(s) < s->journey.approach->dial_by
			  ? group_choose(group_of(s), &s->journey.place, &wish)
			  : GROUP_DOWN;
	return *answer == GROUP_TAKEN;
}

static bool take_ahead(struct session *s)
{
	struct warm_set *set = s->relay->warm[group_of(s) - s->relay->groups];
	struct journey *journey = &s->journey;

	if (!journey->place.ahead ||
	    !warm_take(set, &journey->place, &s->server, &journey->approach->dialer))
		return false;
	backend_adopt(s);
	return true;
}

/* False with *detail: none of the addresses that are left can be had. */
static bool open_address(struct session *s, const char **detail)
{
	struct group *group = group_of(s);
	const struct addr *addr;
	struct addr client = session_client(s);

	if (take_ahead(s))
		return true;
	while ((addr = group_address(&s->journey.place)) != NULL) {
		int fd = group->config->identity == IDENTITY_TRANSPARENT
				 ? net_connect_as(addr, &client)
				 : net_connect_from(addr, group_source(group, addr));
		if (fd >= 0) {
			/* On this machine it is there when connect() returns, as a rule. */
			backend_open(s, fd, addr_is_loopback(addr));
			return true;
		}
		*detail = fd == IO_AGAIN ? "the queue of its socket is full" : strerror(errno);
	}
	return false;
}

static void give_up(struct session *s)
{
	struct group *group = group_of(s);

	server_failed(s->journey.place.member->record, clock_ms());
	group_give_up(group, &s->journey.place);
	s->slot->server = 0;
	wake_first(group);
}

static void settle(struct session *s, enum group_answer answer, enum ending reason,
		   const char *detail)
{
	if (wait_ms(group_of(s), answer) > 0) {
		wait_for_place(s, answer);
	} else if (reason != END_NONE) {
		backend_fail(s, reason, detail);
	} else {
		backend_fail(s, refusals[answer].reason, refusals[answer].detail);
	}
}

static void note_failover(struct session *s, bool is_one)
{
	s->journey.failovers += is_one;
	s->relay->counters->failovers += is_one;
}

/* `reason`: why the last one could not be had; END_NONE at first. */
static void go_on(struct session *s, enum ending reason, const char *detail)
{
	enum group_answer answer;

	while (s->journey.place.member || choose(s, &answer)) {
		s->slot->server = (uint16_t)(s->journey.place.member->server + 1);
		s->journey.chosen = s->journey.place.member->config;
		if (open_address(s, &detail)) {
			note_failover(s, reason != END_NONE);
			return;
		}
		if (reason == END_NONE)
			reason = END_BACKEND_DOWN;
		give_up(s);
	}
	settle(s, answer, reason, detail);
}

void route_connect(struct session *s)
{
	struct group *group = group_of(s);
	struct approach *approach;
	double now = session_now(s), since;
	bool waits = s->dialing == DIALING_WAIT;

	if ((s->dialing != DIALING_NOT && !waits) || !smtp_wants_server(&s->smtp))
		return;
	if (!approach_begin(&s->journey)) {
		backend_fail(s, END_NO_MEMORY, NULL);
		return;
	}
	/* Nobody overtakes those who wait. */
	if (!s->journey.place.member && !group_is_next(group, &s->journey.place)) {
		if (!waits)
			settle(s, GROUP_FULL, END_NONE, NULL);
		return;
	}
	approach = s->journey.approach;
	if (waits && now < approach->look_at)
		return;
	since = approach->wait_since;
	approach->dial_by = now + seconds(s->relay->config->timeouts.greeting_ms);
	go_on(s, END_NONE, NULL);
	if (waits && s->dialing != DIALING_WAIT) {
		s->journey.waited += now - since;
		wake_first(group);
	}
}

/* ------------------------------------------------------------------------------------ going on */

/* What the server has said is no one's any more. */
static void hang_up(struct session *s)
{
	struct buf *buf = &s->server.in;

	peer_close(&s->server, s->relay->loop);
	buf_cut(buf, 0, buf_waiting(buf).len);
}

void route_lost(struct session *s, enum ending reason, const char *detail)
{
	hang_up(s);
	go_on(s, reason, detail);
}

/* Clients of several servers are told only what all of them can do. */
static void arrive(struct session *s)
{
	const struct group *group = group_of(s);

	group_arrived(&s->journey.place);
	s->journey.others = (struct lack){ .keywords = 0 };
	if (group->count < 2)
		return;
	group_lack(group, &s->journey.others);
	ehlo_set_lack(&s->smtp, &s->journey.others);
}

void route_again(struct session *s, bool quit)
{
	if (quit)
		peer_say(&s->server, SLICE("QUIT\r\n"));
	hang_up(s);
	if (s->journey.place.address > 0)
		s->journey.place.address--;
	go_on(s, END_NONE, NULL);
}

/* Another address of the same server, or a place with another server, is there. */
static bool elsewhere(struct session *s)
{
	struct wish wish = wish_of(s);

	if (session_now(s) >= s->journey.approach->dial_by)
		return false;
	return s->journey.place.address < s->journey.place.member->addresses.count ||
	       group_choose_other(group_of(s), &s->journey.place, &wish);
}

void route_connected(struct session *s)
{
	struct server_record *record = s->journey.place.member->record;

	s->connected = session_now(s);
	if (!s->journey.adopted)
		shared_timing_add(&record->connect, s->connected - s->dialed);
}

void route_arrived(struct session *s)
{
	approach_end(&s->journey);
	s->dialing = DIALING_DONE;
}

/* Said at most once a minute of each server, as it may be so for each session. */
static void note_busy(struct session *s, struct slice greeting)
{
	struct member *member = s->journey.place.member;
	uint64_t now_ms = clock_ms();
	struct log_line line;

	if ((member->busy_said_ms != 0 && now_ms - member->busy_said_ms < SAY_AGAIN_MS) ||
	    !log_begin(&line, s->relay->log, LOG_LEVEL_WARNING, "server-busy"))
		return;
	member->busy_said_ms = now_ms;
	log_str(&line, "id", s->id);
	log_str(&line, "backend", group_of(s)->config->name);
	log_str(&line, "server", member->config->written);
	log_num(&line, "sessions", servers_present(group_of(s)->table, member->server));
	log_slice(&line, "greeting", slice_head(greeting, slice_find(greeting, '\r', 0)));
	log_str(&line, "cause", busy_cause(greeting));
	log_end(&line);
}

bool route_greeted(struct session *s, unsigned code, struct slice greeting)
{
	struct server_record *record = s->journey.place.member->record;

	if (code >= 200 && code < 300 && !s->journey.adopted)
		shared_timing_add(&record->greeting, session_now(s) - s->connected);
	/* One that refuses for good is well, and knows why. */
	if (code >= 200 && (code < 400 || code >= 500)) {
		arrive(s);
		return true;
	}
	if (code >= 400) {
		record->busy++;
		note_busy(s, greeting);
	}
	server_failed(record, clock_ms());
	if (!elsewhere(s))
		return true;
	route_lost(s, END_BACKEND_REFUSED, "each server that was tried refused");
	return false;
}

/* ---------------------------------------------------------------------------------------- time */

double route_patience(const struct session *s)
{
	const struct group *group = group_of(s);

	if (s->dialing == DIALING_WAIT)
		return fmax(0, s->journey.approach->wait_by - session_now(s));
	if (s->dialing == DIALING_CONNECT)
		return seconds(group->config->connect_timeout_ms);
	/* One that is hung leaves time for the others. */
	return seconds(s->relay->config->timeouts.greeting_ms) / (double)group->count;
}

void route_late(struct session *s)
{
	const struct approach *approach = s->journey.approach;

	if (s->dialing == DIALING_WAIT) {
		s->journey.waited += session_now(s) - approach->wait_since;
		backend_fail(s, refusals[approach->lack].reason, refusals[approach->lack].detail);
	} else if (s->dialing == DIALING_CONNECT) {
		route_lost(s, END_BACKEND_DOWN, "the connection was not made in time");
	} else {
		introduce_failed(s);
		route_lost(s, END_BACKEND_TIMEOUT, NULL);
	}
}
