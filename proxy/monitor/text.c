#include "proxy/monitor/text.h"
#include "base/clock.h"
#include "proxy/monitor/gauges.h"
#include "proxy/monitor/status.h"
#include "proxy/relay/identity.h"
#include "proxy/relay/told.h"

#include <inttypes.h>
#include <stdlib.h>

enum { DAY_S = 24 * 60 * 60, MINUTE_MS = 60 * 1000, RATE_MS = 10 * 1000 };

/* ------------------------------------------------------------------------------------- figures */

enum { SHORT_BYTES = 24 };

static const char *short_bytes(double bytes, char text[static SHORT_BYTES])
{
	static const char units[] = "BKMGTP";
	size_t unit = 0;
	for (; bytes >= 1000 && unit + 2 < sizeof(units); unit++)
		bytes /= 1024;
	snprintf(text, SHORT_BYTES, unit > 0 && bytes < 10 ? "%.1f%c" : "%.0f%c", bytes,
		 units[unit]);
	return text;
}

static const char *short_time(double seconds, char text[static SHORT_BYTES])
{
	uint64_t s = seconds > 0 ? (uint64_t)seconds : 0;
	if (s >= DAY_S)
		snprintf(text, SHORT_BYTES, "%" PRIu64 "d%02" PRIu64 "h", s / DAY_S,
			 s % DAY_S / 3600);
	else if (s >= 3600)
		snprintf(text, SHORT_BYTES, "%" PRIu64 "h%02" PRIu64 "m", s / 3600, s % 3600 / 60);
	else if (s >= 60)
		snprintf(text, SHORT_BYTES, "%" PRIu64 "m%02" PRIu64 "s", s / 60, s % 60);
	else
		snprintf(text, SHORT_BYTES, "%" PRIu64 "s", s);
	return text;
}

/* The newest sample, and one about ten seconds older. */
struct span {
	struct board_sample from;
	struct board_sample to;
	double seconds; /* 0: there are not two */
};

static struct span last_span(const struct view *view)
{
	struct span span = { .seconds = 0 };
	uint64_t now = view->now_ms / BOARD_SAMPLE_MS;
	for (uint64_t at = now; at + RATE_MS / BOARD_SAMPLE_MS + 1 > now && at > 0; at--) {
		struct board_sample sample = view->board->samples[at % BOARD_SAMPLES];
		if (sample.at_ms / BOARD_SAMPLE_MS != at)
			continue;
		if (span.to.at_ms == 0)
			span.to = sample;
		span.from = sample;
	}
	if (span.to.at_ms > span.from.at_ms)
		span.seconds = (double)(span.to.at_ms - span.from.at_ms) / 1000;
	return span;
}

static double rate(const struct span *span, uint64_t from, uint64_t to)
{
	return span->seconds > 0 && to > from ? (double)(to - from) / span->seconds : 0;
}

/* -------------------------------------------------------------------------------------- parts */

static void put_head(const struct view *view, FILE *to)
{
	char up[SHORT_BYTES];
	const struct board *board = view->board;
	fprintf(to, "Postern %s on %s: %s for %s, configuration %" PRIu32 "%s\n", POSTERN_VERSION,
		view->config->hostname, board_state_word(board->state),
		short_time((double)(view->now_ms - view->shared->head->started_ms) / 1000, up),
		board->generation, board->reload_bad ? " (the last reload failed)" : "");
}

static void put_totals(const struct view *view, FILE *to)
{
	char in[SHORT_BYTES], out[SHORT_BYTES];
	struct span span = last_span(view);
	const struct listener_counters *all = &view->all;
	fprintf(to,
		"sessions   %" PRIu64 " open, %.1f/s, %" PRIu64 " in all, %" PRIu64 " refused, %zu "
		"addresses banned\n",
		all->open, rate(&span, span.from.sessions, span.to.sessions), all->sessions,
		view_refused(all), gauges_banned(view));
	fprintf(to,
		"messages   %.1f/s, %" PRIu64 " accepted, %" PRIu64 " deferred, %" PRIu64
		" rejected, %" PRIu64 " unknown\n",
		rate(&span, span.from.messages, span.to.messages), all->messages[VERDICT_ACCEPTED],
		all->messages[VERDICT_DEFERRED], all->messages[VERDICT_REJECTED],
		all->messages[VERDICT_UNKNOWN]);
	fprintf(to,
		"handshakes %.1f/s, half within %.1f ms, 99%% within %.1f ms, %" PRIu64
		" resumed\n",
		rate(&span, span.from.handshakes, span.to.handshakes),
		(double)timing_quantile_us(&all->handshake, .5) / 1000,
		(double)timing_quantile_us(&all->handshake, .99) / 1000, all->resumed);
	fprintf(to, "bytes      %s/s to the servers, %s/s to clients\n",
		short_bytes(rate(&span, span.from.bytes_to_server, span.to.bytes_to_server), in),
		short_bytes(rate(&span, span.from.bytes_to_client, span.to.bytes_to_client), out));
}

static void put_listeners(const struct view *view, FILE *to)
{
	char name[BOARD_NAME_BYTES];
	fprintf(to, "\n%-20s %8s %10s %10s %10s\n", "LISTENER", "OPEN", "SESSIONS", "MESSAGES",
		"REFUSED");
	for (size_t i = 0; i < LISTENERS_COUNTED; i++) {
		const struct listener_counters *one = &view->listeners[i];
		if (view_listener(view, i, name)[0] != '\0' &&
		    (i != LISTENER_OTHER || one->sessions > 0))
			fprintf(to,
				"%-20.20s %8" PRIu64 " %10" PRIu64 " %10" PRIu64 " %10" PRIu64 "\n",
				name, one->open, one->sessions, one->messages[VERDICT_ACCEPTED],
				view_refused(one));
	}
}

static void put_servers(const struct view *view, FILE *to)
{
	struct server_table table = shared_servers(view->shared);
	char backend[SERVER_NAME_BYTES], name[SERVER_NAME_BYTES];
	fprintf(to, "\n%-12s %-24s %-8s %-8s %-11s %6s %8s %8s %8s\n", "BACKEND", "SERVER",
		"HEALTH", "ADMIN", "IDENTITY", "OPEN", "FAILED", "CONNECT", "GREETING");
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server_record *server = &table.records[i];
		if (server->used == 0)
			continue;
		struct timing connect = shared_timing_take(&server->connect);
		struct timing greeting = shared_timing_take(&server->greeting);
		fprintf(to,
			"%-12.12s %-24.24s %-8s %-8s %-11s %6u %8" PRIu64 " %6.1fms %6.1fms%s%s\n",
			view_text(server->backend, sizeof(server->backend), backend),
			view_text(server->name, sizeof(server->name), name),
			server_health_word(server->health), server_admin_word(server->admin),
			identity_word(server_told_last(server)), servers_present(&table, i),
			server->failures, timing_mean_ms(&connect), timing_mean_ms(&greeting),
			server->verdict == SERVER_RELAYS ? "  OPEN RELAY" : "",
			server_told_last(server) == IDENTITY_NONE
				? "  it sees Postern's address as that of all clients"
				: "");
	}
}

/* How many rows of a table a screen of so many has room for; the sessions are to have some. */
static size_t share(size_t rows)
{
	return rows / 4 > 0 ? rows / 4 : 1;
}

static void put_more(size_t count, size_t most, FILE *to)
{
	if (count > most)
		fprintf(to, "and %zu more\n", count - most);
}

static void put_workers(const struct view *view, size_t most, FILE *to)
{
	size_t count = 0;
	char memory[SHORT_BYTES];
	const struct worker_record *record;
	fprintf(to, "\n%-8s %8s %10s %6s %10s %8s %8s %10s\n", "WORKER", "PID", "CONFIG", "OPEN",
		"CPU", "MEMORY", "FILES", "LONGEST");
	for (size_t at = 0; (record = view_worker(view, &at)) != NULL;) {
		if (++count > most)
			continue;
		fprintf(to,
			"%-8" PRIu32 " %8" PRId32 " %10" PRIu32 " %6" PRIu64 " %9.1fs %8s %8" PRIu64
			" %8.1fms\n",
			record->index, record->pid, record->generation, record->counters.open,
			(double)record->figures.cpu_ms / 1000,
			short_bytes((double)record->figures.memory_bytes, memory),
			record->figures.files,
			(double)turn_longest_us(&record->turns, clock_ms() / MINUTE_MS) / 1000);
	}
	put_more(count, most, to);
}

static void put_certs(const struct view *view, FILE *to)
{
	char text[BOARD_PATH_BYTES];
	size_t count = view->board->cert_count;
	fprintf(to, "\n%-40s %s\n", "CERTIFICATE", "ENDS IN");
	for (size_t i = 0; i < count && i < BOARD_CERTS_MAX; i++) {
		const struct board_cert *cert = &view->board->certs[i];
		int64_t left = cert->ends - (int64_t)(view->now_ms / 1000);
		fprintf(to, "%-40.40s %" PRId64 " days%s\n",
			view_text(cert->name, sizeof(cert->name), text), left / DAY_S,
			left < 0 ? ": EXPIRED" : "");
	}
}

static void put_endings(const struct view *view, FILE *to)
{
	fputs("\nENDED BY\n", to);
	for (size_t i = END_NONE + 1; i < END_COUNT; i++) {
		if (view->all.ended[i] > 0)
			fprintf(to, "%10" PRIu64 " %-20s %s\n", view->all.ended[i],
				ending_word((enum ending)i), ending_sentence((enum ending)i));
	}
}

static void put_bans(const struct view *view, FILE *to)
{
	struct admit_known known;
	char left[SHORT_BYTES];
	uint64_t now_us = admit_now_us();
	if (gauges_banned(view) > 0)
		fprintf(to, "\n%-40s %s\n", "BANNED", "FOR ANOTHER");
	for (uint32_t at = 0; admit_next(&view->shared->addresses, &at, now_us, &known);) {
		if (known.ban_ms > 0)
			fprintf(to, "%-40s %s\n", known.address,
				short_time((double)known.ban_ms / 1000, left));
	}
}

void text_status(const struct view *view, FILE *to)
{
	put_head(view, to);
	put_totals(view, to);
	put_listeners(view, to);
	put_servers(view, to);
	put_workers(view, SIZE_MAX, to);
	put_certs(view, to);
	put_endings(view, to);
	put_bans(view, to);
}

/* ----------------------------------------------------------------------------------- sessions */

static void put_session(const struct view *view, const struct session_slot *session, FILE *to)
{
	char client[ADDR_TEXT_BYTES], name[BOARD_NAME_BYTES], in[SHORT_BYTES], out[SHORT_BYTES],
		age[SHORT_BYTES];
	char server[VIEW_SERVER_BYTES];
	size_t place = session->listener < LISTENERS_COUNTED ? session->listener : LISTENER_OTHER;
	struct addr address = endpoint_addr(&session->client);
	addr_format(&address, client, sizeof(client));
	view_server(view, session, server);
	fprintf(to, "%-11s %-26.26s %-12.12s %-9s %6s %5s %5s %s\n", session->id, client,
		view_listener(view, place, name), session_doing_word(session->doing),
		short_time((double)(view->now_ms - session->since_ms) / 1000, age),
		short_bytes((double)session->bytes_to_server, in),
		short_bytes((double)session->bytes_to_client, out), server);
}

static void put_session_head(FILE *to)
{
	fprintf(to, "%-11s %-26s %-12s %-9s %6s %5s %5s %s\n", "ID", "CLIENT", "LISTENER",
		"WAITS FOR", "SINCE", "IN", "OUT", "SERVER");
}

void text_sessions(const struct view *view, FILE *to)
{
	struct view_walk walk = { 0 };
	struct session_slot session;
	put_session_head(to);
	while (view_session(view, &walk, &session))
		put_session(view, &session, to);
}

/* ---------------------------------------------------------------------------------------- top */

/* In 80 columns. */
static void put_top_servers(const struct view *view, size_t most, FILE *to)
{
	struct server_table table = shared_servers(view->shared);
	char backend[SERVER_NAME_BYTES], name[SERVER_NAME_BYTES];
	size_t count = 0;
	fprintf(to, "\n%-12s %-24s %-8s %7s %7s %8s %8s\n", "BACKEND", "SERVER", "STATE", "OPEN",
		"FAILED", "CONNECT", "GREETING");
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server_record *server = &table.records[i];
		if (server->used == 0 || ++count > most)
			continue;
		struct timing connect = shared_timing_take(&server->connect);
		struct timing greeting = shared_timing_take(&server->greeting);
		fprintf(to, "%-12.12s %-24.24s %-8s %7u %7" PRIu64 " %6.1fms %6.1fms\n",
			view_text(server->backend, sizeof(server->backend), backend),
			view_text(server->name, sizeof(server->name), name),
			server->admin != SERVER_ENABLED ? server_admin_word(server->admin)
							: server_health_word(server->health),
			servers_present(&table, i), server->failures, timing_mean_ms(&connect),
			timing_mean_ms(&greeting));
	}
	put_more(count, most, to);
}

static void put_top_sessions(const struct view *view, FILE *to)
{
	struct view_walk walk = { 0 };
	struct session_slot session;
	fputc('\n', to);
	put_session_head(to);
	for (size_t i = 0; i < 1000 && view_session(view, &walk, &session); i++)
		put_session(view, &session, to);
}

/* Cuts the text to the screen; characters of more than one byte count by their bytes. */
static void put_cut(const char *text, size_t columns, size_t rows, FILE *to)
{
	for (size_t row = 0; row < rows && *text != '\0'; row++) {
		size_t len = strcspn(text, "\n");
		fwrite(text, 1, len < columns ? len : columns, to);
		fputc('\n', to);
		text += len + (text[len] == '\n');
	}
}

void text_top(const struct view *view, size_t columns, size_t rows, FILE *to)
{
	char *text = NULL;
	size_t len;
	FILE *all = open_memstream(&text, &len);
	if (all == NULL)
		return;
	put_head(view, all);
	put_totals(view, all);
	put_top_servers(view, share(rows), all);
	put_workers(view, share(rows), all);
	put_top_sessions(view, all);
	if (fclose(all) == 0)
		put_cut(text, columns, rows, to);
	free(text);
}
