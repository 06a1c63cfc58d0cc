/* A sample of the totals, now and then, kept on the board: so it outlives the monitor. */
#include "proxy/monitor/duty.h"
#include "proxy/monitor/view.h"
#include "proxy/monitor/watching.h"

#include <stdlib.h>

struct history {
	struct monitor *monitor;
	ev_timer timer;
};

static uint64_t sum(const uint64_t *values, size_t count)
{
	uint64_t all = 0;
	for (size_t i = 0; i < count; i++)
		all += values[i];
	return all;
}

static void take_sample(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct history *history = timer->data;
	const struct monitor *monitor = history->monitor;
	struct view view;
	(void)loop;
	(void)events;
	view_take(&view, &monitor->shared, monitor->config);
	view.board->samples[view.now_ms / BOARD_SAMPLE_MS % BOARD_SAMPLES] = (struct board_sample){
		.at_ms = view.now_ms,
		.open = view.all.open,
		.sessions = view.all.sessions,
		.handshakes = sum(view.all.handshakes, TLS_VERSION_WORDS),
		.messages = view.all.messages[VERDICT_ACCEPTED],
		.refused = view_refused(&view.all),
		.bytes_to_server = view.all.bytes_to_server,
		.bytes_to_client = view.all.bytes_to_client,
	};
}

static void *history_start(struct monitor *monitor)
{
	struct history *history = calloc(1, sizeof(*history));
	if (history == NULL)
		return NULL;
	history->monitor = monitor;
	ev_timer_init(&history->timer, take_sample, 0., BOARD_SAMPLE_MS / 1000.);
	history->timer.data = history;
	ev_timer_start(monitor->loop, &history->timer);
	return history;
}

static bool history_finish(void *state)
{
	struct history *history = state;
	ev_timer_stop(history->monitor->loop, &history->timer);
	return true;
}

static void history_free(void *state)
{
	history_finish(state);
	free(state);
}

const struct duty history_duty = { "history", history_start, NULL, history_finish, history_free };
