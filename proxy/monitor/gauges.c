#include "proxy/monitor/gauges.h"
#include "base/clock.h"
#include "proxy/monitor/metrics.h"
#include "proxy/relay/identity.h"
#include "proxy/relay/told.h"

#include <inttypes.h>

enum { MINUTE_MS = 60 * 1000 };

static void head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void single(FILE *to, const char *name, const char *type, const char *help, double value)
{
	head(to, name, type, help);
	fprintf(to, "%s %.15g\n", name, value);
}

/* ----------------------------------------------------------------------------------- servers */

static double is_up(const struct server_record *server, size_t present)
{
	(void)present;
	return server->health == SERVER_UNKNOWN ? server->failed_in_row < 3
						: server->health == SERVER_UP;
}

static double admin(const struct server_record *server, size_t present)
{
	(void)present;
	return server->admin == SERVER_ENABLED;
}

static double relays(const struct server_record *server, size_t present)
{
	(void)present;
	return server->verdict == SERVER_RELAYS;
}

static double open_sessions(const struct server_record *server, size_t present)
{
	(void)server;
	return (double)present;
}

static double failures(const struct server_record *server, size_t present)
{
	(void)present;
	return (double)server->failures;
}

static double busy(const struct server_record *server, size_t present)
{
	(void)present;
	return (double)server->busy;
}

static const struct {
	const char *name;
	const char *type;
	const char *help;
	double (*value)(const struct server_record *server, size_t present);
} server_rows[] = {
	{ "postern_server_up", "gauge",
	  "The last probe went well; without probes, connections do not fail.", is_up },
	{ "postern_server_enabled", "gauge", "It is neither paused nor disabled by hand.", admin },
	{ "postern_server_open_relay", "gauge", "It takes mail from strangers for strangers.",
	  relays },
	{ "postern_server_sessions_open", "gauge", "Sessions with it now.", open_sessions },
	{ "postern_server_failures_total", "counter",
	  "Connections that could not be made, or were not greeted.", failures },
	{ "postern_server_busy_total", "counter", "Of these, greetings with a code of 4xx.", busy },
};

/* Without the brace that ends them. */
static void server_labels(const struct server_record *server, FILE *to)
{
	char text[SERVER_NAME_BYTES];
	fputs("{backend=\"", to);
	metrics_escape(view_text(server->backend, sizeof(server->backend), text), to);
	fputs("\",server=\"", to);
	metrics_escape(view_text(server->name, sizeof(server->name), text), to);
	fputc('"', to);
}

static void print_servers(const struct view *view, FILE *to)
{
	struct server_table table = shared_servers(view->shared);
	for (size_t i = 0; i < sizeof(server_rows) / sizeof(server_rows[0]); i++) {
		head(to, server_rows[i].name, server_rows[i].type, server_rows[i].help);
		for (size_t n = 0; n < SERVERS_MAX; n++) {
			const struct server_record *server = &table.records[n];
			if (server->used == 0)
				continue;
			fputs(server_rows[i].name, to);
			server_labels(server, to);
			fprintf(to, "} %.15g\n",
				server_rows[i].value(server, servers_present(&table, n)));
		}
	}
}

static const struct {
	const char *name;
	const char *help;
	size_t at; /* in the record */
} timing_rows[] = {
	{ "postern_server_connect_seconds", "Time that connections to it took to be made.",
	  offsetof(struct server_record, connect) },
	{ "postern_server_greeting_seconds",
	  "Time from the connection to its greeting, where that was no refusal.",
	  offsetof(struct server_record, greeting) },
};

static void print_server_timing(size_t row, const struct server_record *server, FILE *to)
{
	const void *at = (const char *)server + timing_rows[row].at;
	struct timing timing = shared_timing_take(at);
	char *text;
	size_t size;
	FILE *outer = open_memstream(&text, &size);
	if (outer == NULL)
		return;
	server_labels(server, outer);
	if (fclose(outer) == 0)
		metrics_timing(timing_rows[row].name, text + 1, &timing, to);
	free(text);
}

static void print_server_timings(const struct view *view, FILE *to)
{
	struct server_table table = shared_servers(view->shared);
	for (size_t row = 0; row < sizeof(timing_rows) / sizeof(timing_rows[0]); row++) {
		head(to, timing_rows[row].name, "histogram", timing_rows[row].help);
		for (size_t i = 0; i < SERVERS_MAX; i++)
			if (table.records[i].used != 0)
				print_server_timing(row, &table.records[i], to);
	}
}

/* The way that is taken alone: the others would say nothing but 0. */
static void print_identities(const struct view *view, FILE *to)
{
	struct server_table table = shared_servers(view->shared);
	head(to, "postern_server_identity", "gauge",
	     "1 for the way in which it is told of clients; none: it sees Postern's address in "
	     "place of theirs.");
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server_record *server = &table.records[i];
		if (server->used == 0)
			continue;
		fputs("postern_server_identity", to);
		server_labels(server, to);
		fprintf(to, ",identity=\"%s\"} 1\n", identity_word(server_told_last(server)));
	}
}

/* ------------------------------------------------------------------------------ certificates */

static void print_certs(const struct view *view, FILE *to)
{
	char text[BOARD_PATH_BYTES];
	size_t count = view->board->cert_count;
	head(to, "postern_certificate_expiry_timestamp_seconds", "gauge",
	     "When the certificate in this file ends.");
	for (size_t i = 0; i < count && i < BOARD_CERTS_MAX; i++) {
		const struct board_cert *cert = &view->board->certs[i];
		fputs("postern_certificate_expiry_timestamp_seconds{name=\"", to);
		metrics_escape(view_text(cert->name, sizeof(cert->name), text), to);
		fputs("\",path=\"", to);
		metrics_escape(view_text(cert->path, sizeof(cert->path), text), to);
		fprintf(to, "\"} %" PRId64 "\n", cert->ends);
	}
}

/* --------------------------------------------------------------------------------- processes */

static const struct {
	const char *name;
	const char *type;
	const char *help;
	size_t at; /* in struct process_figures */
	double unit;
} process_rows[] = {
	{ "postern_process_cpu_seconds_total", "counter", "CPU time used, as the kernel tells.",
	  offsetof(struct process_figures, cpu_ms), 1000 },
	{ "postern_process_resident_memory_bytes", "gauge", "Memory it has, shared parts included.",
	  offsetof(struct process_figures, memory_bytes), 1 },
	{ "postern_process_open_fds", "gauge", "Open file descriptors.",
	  offsetof(struct process_figures, files), 1 },
};

static void print_process(size_t row, const char *labels, const struct process_figures *figures,
			  FILE *to)
{
	uint64_t value;
	memcpy(&value, (const char *)figures + process_rows[row].at, sizeof(value));
	if (figures->pid != 0)
		fprintf(to, "%s{%s} %.15g\n", process_rows[row].name, labels,
			(double)value / process_rows[row].unit);
}

/* Those of the same number, in all generations, together: a pid would be a new label each time. */
static void print_worker_processes(const struct view *view, size_t row, FILE *to)
{
	for (uint32_t index = 0; index < 256; index++) {
		struct process_figures sum = { 0 };
		const struct worker_record *record;
		char labels[64];
		for (size_t at = 0; (record = view_worker(view, &at)) != NULL;) {
			if (record->index != index)
				continue;
			sum.pid += record->figures.pid;
			sum.cpu_ms += record->figures.cpu_ms;
			sum.memory_bytes += record->figures.memory_bytes;
			sum.files += record->figures.files;
		}
		snprintf(labels, sizeof(labels), "process=\"worker\",worker=\"%" PRIu32 "\"",
			 index);
		print_process(row, labels, &sum, to);
	}
}

static void print_processes(const struct view *view, FILE *to)
{
	for (size_t i = 0; i < sizeof(process_rows) / sizeof(process_rows[0]); i++) {
		head(to, process_rows[i].name, process_rows[i].type, process_rows[i].help);
		print_process(i, "process=\"master\",worker=\"\"", &view->board->master, to);
		print_process(i, "process=\"monitor\",worker=\"\"", &view->board->monitor, to);
		print_worker_processes(view, i, to);
	}
}

static void print_lag(const struct view *view, FILE *to)
{
	uint64_t minute = clock_ms() / MINUTE_MS, longest_us = 0;
	size_t workers = 0;
	const struct worker_record *record;
	for (size_t at = 0; (record = view_worker(view, &at)) != NULL; workers++) {
		uint64_t us = turn_longest_us(&record->turns, minute);
		longest_us = us > longest_us ? us : longest_us;
	}
	single(to, "postern_workers", "gauge", "Workers that run, of all generations.",
	       (double)workers);
	single(to, "postern_loop_lag_seconds", "gauge",
	       "The longest turn of a worker's loop in this minute and the last.",
	       (double)longest_us / 1e6);
}

size_t gauges_banned(const struct view *view)
{
	struct admit_known known;
	uint64_t now_us = admit_now_us();
	size_t banned = 0;
	for (uint32_t at = 0; admit_next(&view->shared->addresses, &at, now_us, &known);)
		banned += known.ban_ms > 0;
	return banned;
}

void gauges_print(const struct view *view, FILE *to)
{
	const struct board *board = view->board;
	print_servers(view, to);
	print_server_timings(view, to);
	print_identities(view, to);
	print_certs(view, to);
	print_lag(view, to);
	print_processes(view, to);
	single(to, "postern_start_time_seconds", "gauge", "When Postern was started.",
	       (double)view->shared->head->started_ms / 1000);
	single(to, "postern_ready", "gauge", "It takes new sessions.",
	       board->state == BOARD_SERVING);
	single(to, "postern_generation", "gauge", "The configuration that serves, counted from 1.",
	       board->generation);
	head(to, "postern_reloads_total", "counter",
	     "Reloads, those for renewed certificates with them.");
	fprintf(to, "postern_reloads_total{outcome=\"good\"} %" PRIu64 "\n", board->reloads);
	fprintf(to, "postern_reloads_total{outcome=\"failed\"} %" PRIu64 "\n",
		board->reloads_failed);
	single(to, "postern_reload_last_timestamp_seconds", "gauge",
	       "When the last reload ended; 0: there was none.", (double)board->reloaded_at);
	single(to, "postern_reload_last_successful", "gauge",
	       "The last reload went well, or there was none.", board->reload_bad == 0);
	single(to, "postern_banned_addresses", "gauge", "Addresses that are banned now.",
	       (double)gauges_banned(view));
	single(to, "postern_sessions_limit", "gauge",
	       "Sessions that all workers together may have; 0: as many as files allow.",
	       (double)view->config->sessions);
}
