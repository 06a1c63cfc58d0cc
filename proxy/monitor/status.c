#include "proxy/monitor/status.h"
#include "base/clock.h"
#include "proxy/monitor/gauges.h"
#include "proxy/relay/identity.h"
#include "proxy/relay/told.h"

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

/* Bytes that are no UTF-8 would make no string: the configuration's names may have such. */
static json_t *text(const char *from, size_t size)
{
	char copy[SERVER_NAME_BYTES];
	view_text(from, size < sizeof(copy) ? size : sizeof(copy), copy);
	json_t *string = json_string(copy);
	for (char *at = copy; string == NULL && *at != '\0'; at++)
		*at = (unsigned char)*at < 0x80 ? *at : '?';
	return string != NULL ? string : json_string(copy);
}

const char *server_health_word(unsigned health)
{
	static const char *const words[] = { "unknown", "up", "down" };
	return health <= SERVER_DOWN ? words[health] : "unknown";
}

const char *server_admin_word(unsigned admin)
{
	static const char *const words[] = { "enabled", "paused", "disabled" };
	return admin <= SERVER_DISABLED ? words[admin] : "unknown";
}

/* -------------------------------------------------------------------------------- by listener */

static json_t *words(const uint64_t *values, size_t count, const char *(*word)(size_t))
{
	json_t *object = json_object();
	for (size_t i = 0; i < count; i++) {
		if (word(i)[0] != '\0' && values[i] > 0)
			json_object_set_new(object, word(i), number(values[i]));
	}
	return object;
}

static json_t *row_words(const struct listener_counters *counters, const char *name)
{
	for (const struct counter_row *row = listener_rows; row->name != NULL; row++) {
		if (strcmp(row->name, name) == 0)
			return words((const void *)((const char *)counters + row->at), row->count,
				     row->word);
	}
	return json_object();
}

static json_t *counters_json(const struct listener_counters *counters)
{
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "sessions",
			 number(counters->sessions), "open", number(counters->open), "resumed",
			 number(counters->resumed), "bytes_to_server",
			 number(counters->bytes_to_server), "bytes_to_client",
			 number(counters->bytes_to_client), "refused",
			 number(view_refused(counters)), "handshake_median_us",
			 number(timing_quantile_us(&counters->handshake, .5)), "handshake_p99_us",
			 number(timing_quantile_us(&counters->handshake, .99)), "ended",
			 row_words(counters, "postern_sessions_ended_total"), "handshakes",
			 row_words(counters, "postern_handshakes_total"), "messages",
			 row_words(counters, "postern_messages_total"));
}

static json_t *listeners_json(const struct view *view)
{
	json_t *array = json_array();
	char name[BOARD_NAME_BYTES];
	for (size_t i = 0; i < LISTENERS_COUNTED; i++) {
		if (view_listener(view, i, name)[0] == '\0' ||
		    (i == LISTENER_OTHER && view->listeners[i].sessions == 0))
			continue;
		json_t *one = counters_json(&view->listeners[i]);
		json_object_set_new(one, "name", text(name, sizeof(name)));
		json_array_append_new(array, one);
	}
	return array;
}

/* ------------------------------------------------------------------------------ what is known */

static json_t *servers_json(const struct view *view)
{
	struct server_table table = shared_servers(view->shared);
	json_t *array = json_array();
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		const struct server_record *server = &table.records[i];
		if (server->used == 0)
			continue;
		struct timing connect = shared_timing_take(&server->connect);
		struct timing greeting = shared_timing_take(&server->greeting);
		json_array_append_new(
			array, json_pack("{s:o,s:o,s:s,s:s,s:s,s:b,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
					 "backend", text(server->backend, sizeof(server->backend)),
					 "server", text(server->name, sizeof(server->name)),
					 "health", server_health_word(server->health), "admin",
					 server_admin_word(server->admin), "identity",
					 identity_word(server_told_last(server)), "open_relay",
					 server->verdict == SERVER_RELAYS, "open",
					 number(servers_present(&table, i)), "connects",
					 number(timing_count(&connect)), "connect_ms",
					 number(connect.sum_us / 1000), "greetings",
					 number(timing_count(&greeting)), "greeting_ms",
					 number(greeting.sum_us / 1000), "failures",
					 number(server->failures), "failed_in_row",
					 number(server->failed_in_row)));
	}
	return array;
}

static json_t *certs_json(const struct view *view)
{
	json_t *array = json_array();
	size_t count = view->board->cert_count;
	for (size_t i = 0; i < count && i < BOARD_CERTS_MAX; i++) {
		const struct board_cert *cert = &view->board->certs[i];
		json_array_append_new(array, json_pack("{s:o,s:o,s:I}", "name",
						       text(cert->name, sizeof(cert->name)), "path",
						       text(cert->path, sizeof(cert->path)), "ends",
						       (json_int_t)cert->ends));
	}
	return array;
}

static json_t *process_json(const char *kind, const struct process_figures *figures)
{
	return json_pack("{s:s,s:o,s:o,s:o,s:o}", "process", kind, "pid", number(figures->pid),
			 "cpu_ms", number(figures->cpu_ms), "memory_bytes",
			 number(figures->memory_bytes), "files", number(figures->files));
}

static json_t *processes_json(const struct view *view)
{
	uint64_t minute = clock_ms() / (60 * 1000);
	const struct worker_record *record;
	json_t *array = json_array();
	json_array_append_new(array, process_json("master", &view->board->master));
	json_array_append_new(array, process_json("monitor", &view->board->monitor));
	for (size_t at = 0; (record = view_worker(view, &at)) != NULL;) {
		json_t *one = process_json("worker", &record->figures);
		json_object_set_new(one, "pid", number((uint64_t)record->pid));
		json_object_set_new(one, "index", number(record->index));
		json_object_set_new(one, "generation", number(record->generation));
		json_object_set_new(one, "up", json_boolean(record->up));
		json_object_set_new(one, "open", number(record->counters.open));
		json_object_set_new(one, "sessions", number(record->counters.sessions));
		json_object_set_new(one, "longest_turn_us",
				    number(turn_longest_us(&record->turns, minute)));
		json_array_append_new(array, one);
	}
	return array;
}

/* Oldest first, each as an array in the order of struct board_sample. */
static json_t *history_json(const struct view *view)
{
	const struct board_sample *samples = view->board->samples;
	uint64_t now = view->now_ms / BOARD_SAMPLE_MS;
	json_t *array = json_array();
	for (uint64_t at = now > BOARD_SAMPLES ? now - BOARD_SAMPLES + 1 : 0; at <= now; at++) {
		struct board_sample sample = samples[at % BOARD_SAMPLES];
		if (sample.at_ms / BOARD_SAMPLE_MS != at)
			continue;
		json_array_append_new(array,
				      json_pack("[o,o,o,o,o,o,o,o]", number(sample.at_ms),
						number(sample.open), number(sample.sessions),
						number(sample.handshakes), number(sample.messages),
						number(sample.refused),
						number(sample.bytes_to_server),
						number(sample.bytes_to_client)));
	}
	return array;
}

json_t *status_json(const struct view *view)
{
	const struct board *board = view->board;
	json_t *all =
		json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:b},s:o,s:o,s:o}", "version",
			  POSTERN_VERSION, "hostname", view->config->hostname, "state",
			  board_state_word(board->state), "now_ms", number(view->now_ms),
			  "started_ms", number(view->shared->head->started_ms), "generation",
			  number(board->generation), "reloads", "good", number(board->reloads),
			  "failed", number(board->reloads_failed), "last",
			  number(board->reloaded_at), "last_good", board->reload_bad == 0,
			  "sessions_limit", number(view->config->sessions), "banned",
			  number(gauges_banned(view)), "log_lines_dropped",
			  number(view->relay.log_dropped));
	json_object_set_new(all, "total", counters_json(&view->all));
	json_object_set_new(all, "listeners", listeners_json(view));
	json_object_set_new(all, "servers", servers_json(view));
	json_object_set_new(all, "certificates", certs_json(view));
	json_object_set_new(all, "processes", processes_json(view));
	json_object_set_new(all, "history", history_json(view));
	return all;
}

/* ---------------------------------------------------------------------------- of strangers */

static json_t *session_server(const struct view *view, const struct session_slot *session)
{
	char server[VIEW_SERVER_BYTES];
	view_server(view, session, server);
	return text(server, sizeof(server));
}

json_t *sessions_json(const struct view *view)
{
	json_t *array = json_array();
	struct view_walk walk = { 0 };
	struct session_slot session;
	while (view_session(view, &walk, &session)) {
		char client[ADDR_TEXT_BYTES], name[BOARD_NAME_BYTES];
		size_t place =
			session.listener < LISTENERS_COUNTED ? session.listener : LISTENER_OTHER;
		uint64_t age_ms =
			view->now_ms > session.since_ms ? view->now_ms - session.since_ms : 0;
		struct addr address = endpoint_addr(&session.client);
		addr_format(&address, client, sizeof(client));
		view_listener(view, place, name);
		json_array_append_new(array,
				      json_pack("{s:s,s:o,s:o,s:o,s:s,s:f,s:o,s:o}", "id",
						session.id, "server",
						session_server(view, &session), "client",
						text(client, sizeof(client)), "listener",
						text(name, sizeof(name)), "stage",
						session_doing_word(session.doing), "seconds",
						(double)age_ms / 1000, "bytes_to_server",
						number(session.bytes_to_server), "bytes_to_client",
						number(session.bytes_to_client)));
	}
	return array;
}

json_t *bans_json(const struct view *view)
{
	json_t *array = json_array();
	struct admit_known known;
	uint64_t now_us = admit_now_us();
	for (uint32_t at = 0; admit_next(&view->shared->addresses, &at, now_us, &known);) {
		if (known.ban_ms > 0)
			json_array_append_new(array,
					      json_pack("{s:s,s:f}", "address", known.address,
							"seconds", (double)known.ban_ms / 1000));
	}
	return array;
}
