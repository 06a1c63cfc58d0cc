/* Whether a server relays is asked again each hour, and sooner where it did not say. */
#include "proxy/monitor/target.h"

#include "base/clock.h"
#include "base/net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { MINUTE_MS = 60 * 1000 };

struct scene {
	struct config config;
	struct backend_config backend;
	struct server_config server;
	struct server_record record;
	struct monitor monitor;
	struct probes probes;
	struct target target;
	int listening;
};

/* A server that listens, at an address that the master has found. */
static void listen_there(struct scene *scene)
{
	struct server_addresses found = { .count = 1 };
	struct addr *addr = &found.item[0];
	const char *why;

	assert_true(addr_parse(SLICE("127.0.0.1:0"), addr, &why));
	scene->listening = net_listen(addr, 8, false);
	assert_true(scene->listening >= 0);
	assert_int_equal(getsockname(scene->listening, &addr->any, &addr->len), 0);
	server_set_addresses(&scene->record, &found);
}

/* The main program's: here none leaves. */
void monitor_settle(struct monitor *monitor)
{
	(void)monitor;
	fail();
}

static int set_up(void **state)
{
	struct scene *scene = aligned_alloc(64, (sizeof *scene + 63) / 64 * 64);

	assert_non_null(scene);
	memset(scene, 0, sizeof *scene);
	scene->config.hostname = "mail.test";
	scene->backend = (struct backend_config){ .name = "mta",
						  .server = { &scene->server, 1 },
						  .identity = IDENTITY_NONE,
						  .connect_timeout_ms = MINUTE_MS,
						  .relay_from = "a@from.test",
						  .relay_to = "b@to.test" };
	scene->server.written = "mta.test:25";
	scene->monitor = (struct monitor){ .config = &scene->config,
					   .log = { .fd = -1 },
					   .loop = ev_loop_new(EVFLAG_AUTO) };
	assert_non_null(scene->monitor.loop);
	scene->probes.monitor = &scene->monitor;
	listen_there(scene);
	target_watch(&scene->target, &scene->probes, &scene->backend, &scene->server,
		     &scene->record, NULL);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	target_cut(&scene->target);
	ev_loop_destroy(scene->monitor.loop);
	close(scene->listening);
	free(scene);
	return 0;
}

static void answered(struct scene *scene, uint16_t mail, uint16_t rcpt)
{
	scene->target.errand = ERRAND_NONE;
	scene->target.call.ask = (struct ask){ .code = { [ASK_MAIL] = mail, [ASK_RCPT] = rcpt } };
	errand_relay.ended(&scene->target, CALL_DONE, NULL);
}

/* It is asked again in so long, give or take a tenth, and a timer runs for that. */
static void assert_due_in(struct scene *scene, double ms)
{
	uint64_t now_ms = clock_ms(), due_ms = scene->target.due_ms[ERRAND_RELAY];
	double left_ms = ev_timer_remaining(scene->monitor.loop, &scene->target.timer) * 1000;

	/* A busy machine may take its time between the plan and this. */
	assert_true(due_ms <= now_ms + (uint64_t)(1.1 * ms));
	assert_true(due_ms + MINUTE_MS / 2 >= now_ms + (uint64_t)(.9 * ms));
	assert_true(ev_is_active(&scene->target.timer));
	assert_true(left_ms <= 1.1 * ms + 1000 && left_ms >= .9 * ms - MINUTE_MS / 2);
}

/* The time that was waited for has come. */
static void let_pass(struct scene *scene)
{
	scene->target.due_ms[ERRAND_RELAY] = clock_ms();
	ev_feed_event(scene->monitor.loop, &scene->target.timer, EV_TIMER);
	ev_run(scene->monitor.loop, EVRUN_NOWAIT);
}

static void assert_asked(struct scene *scene)
{
	struct addr peer;
	int fd = net_accept(scene->listening, &peer);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(scene->target.errand, ERRAND_RELAY);
	assert_true(slice_eq(scene->target.call.plan.ask.from, SLICE("a@from.test")));
	assert_true(slice_eq(scene->target.call.plan.ask.to, SLICE("b@to.test")));
	call_cut(&scene->target.call);
}

static void each_hour_whatever_it_said(void **state)
{
	static const struct {
		uint16_t rcpt;
		uint8_t verdict;
	} hours[] = { { 554, SERVER_CLOSED }, { 250, SERVER_RELAYS }, { 550, SERVER_CLOSED } };
	struct scene *scene = *state;

	for (size_t i = 0; i < sizeof hours / sizeof *hours; i++) {
		answered(scene, 250, hours[i].rcpt);
		assert_int_equal(scene->record.verdict, hours[i].verdict);
		assert_due_in(scene, 60. * MINUTE_MS);
		let_pass(scene);
		assert_asked(scene);
	}
}

static void sooner_where_it_did_not_say(void **state)
{
	struct scene *scene = *state;

	answered(scene, 250, 554);
	for (double wait_ms = 1000; wait_ms < MINUTE_MS; wait_ms *= 2) {
		answered(scene, 250, 451);
		assert_due_in(scene, wait_ms);
		assert_int_equal(scene->record.verdict, SERVER_CLOSED);
	}
	for (int i = 0; i < 2; i++) {
		answered(scene, 0, 0);
		assert_due_in(scene, MINUTE_MS);
	}
	let_pass(scene);
	assert_asked(scene);
	answered(scene, 250, 250);
	assert_int_equal(scene->record.verdict, SERVER_RELAYS);
	assert_due_in(scene, 60. * MINUTE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_hour_whatever_it_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(sooner_where_it_did_not_say, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
