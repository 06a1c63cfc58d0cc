/*
 * Metrics and the status page by HTTP: libmicrohttpd, on the monitor's own loop. It is told of
 * sockets by its epoll descriptor, and has no thread.
 */
#include "proxy/monitor/metrics.h"
#include "proxy/monitor/page.h"
#include "proxy/monitor/status.h"
#include "proxy/monitor/watching.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { CONNECTIONS_MAX = 64, IDLE_S = 10, CONNECTION_BYTES = 32 * 1024, RUN_MS = 1000 };

/* A connection's socket, and whether its end has been shown to the library. */
struct caller {
	int fd;
	bool shown;
};

/* One listening socket, and who came by it: callers[0, count), in any order. */
struct window {
	struct MHD_Daemon *daemon;
	struct ev_loop *loop;
	ev_io io;
	ev_timer timer;
	size_t count;
	struct caller callers[CONNECTIONS_MAX];
};

struct http {
	struct monitor *monitor;
	size_t count;
	struct window windows[HANDED_METRICS_MAX];
};

/* -------------------------------------------------------------------------------- what is told */

struct http_reply {
	unsigned status;
	const char *type;
	struct MHD_Response *body;
};

static struct http_reply constant(unsigned status, const char *text)
{
	return (struct http_reply){ status, "text/plain; charset=utf-8",
				    MHD_create_response_from_buffer(strlen(text), (void *)text,
								    MHD_RESPMEM_PERSISTENT) };
}

static struct http_reply page(const struct view *view)
{
	(void)view;
	return (struct http_reply){
		MHD_HTTP_OK, "text/html; charset=utf-8",
		MHD_create_response_from_buffer((size_t)(page_html_end - page_html),
						(void *)page_html, MHD_RESPMEM_PERSISTENT)
	};
}

static struct http_reply owned(const char *type, char *text, size_t len)
{
	return (struct http_reply){
		MHD_HTTP_OK, type, MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE)
	};
}

static struct http_reply metrics(const struct view *view)
{
	char *text = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&text, &len);
	if (to == NULL)
		return constant(MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	metrics_print(view, to);
	if (fclose(to) != 0) {
		free(text);
		return constant(MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	}
	return owned("text/plain; version=0.0.4; charset=utf-8", text, len);
}

static struct http_reply status(const struct view *view)
{
	json_t *json = status_json(view);
	char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	if (text == NULL)
		return constant(MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	return owned("application/json", text, strlen(text));
}

/* The monitor lives: so does the master, which would end it. */
static struct http_reply livez(const struct view *view)
{
	(void)view;
	return constant(MHD_HTTP_OK, "ok\n");
}

static bool all_down(const struct view *view)
{
	struct server_table table = shared_servers(view->shared);
	size_t servers = 0, down = 0;
	for (size_t i = 0; i < SERVERS_MAX; i++) {
		servers += table.records[i].used != 0;
		down += table.records[i].used != 0 && table.records[i].health == SERVER_DOWN;
	}
	return servers > 0 && down == servers;
}

static struct http_reply readyz(const struct view *view)
{
	if (view->board->state != BOARD_SERVING)
		return constant(MHD_HTTP_SERVICE_UNAVAILABLE, "it takes no new sessions\n");
	if (all_down(view))
		return constant(MHD_HTTP_SERVICE_UNAVAILABLE, "no server is up\n");
	return constant(MHD_HTTP_OK, "ok\n");
}

static const struct {
	const char *path;
	struct http_reply (*make)(const struct view *view);
} paths[] = {
	{ "/", page },       { "/status", status }, { "/metrics", metrics },
	{ "/livez", livez }, { "/readyz", readyz },
};

static struct http_reply make_reply(const struct http *http, const char *path, const char *method)
{
	struct view view;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return constant(MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD\n");
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		if (strcmp(path, paths[i].path) != 0)
			continue;
		view_take(&view, &http->monitor->shared, http->monitor->config);
		return paths[i].make(&view);
	}
	return constant(MHD_HTTP_NOT_FOUND, "/, /status, /metrics, /livez or /readyz\n");
}

/* Nothing of ours is to be kept, framed, guessed at, or to load anything from elsewhere. */
static void add_headers(struct MHD_Response *body, const char *type)
{
	static const char *const headers[][2] = {
		{ "Cache-Control", "no-store" },
		{ "X-Content-Type-Options", "nosniff" },
		{ "Referrer-Policy", "no-referrer" },
		{ "Content-Security-Policy",
		  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
		  "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
		  "frame-ancestors 'none'" },
	};
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(body, headers[i][0], headers[i][1]);
	MHD_add_response_header(body, "Content-Type", type);
}

static enum MHD_Result answer(void *owner, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_len, void **state)
{
	(void)version;
	(void)upload;
	/* The first call has no body yet; what a client sends as one is thrown away. */
	if (*state == NULL) {
		*state = owner;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		*upload_len = 0;
		return MHD_YES;
	}
	struct http_reply reply = make_reply(owner, path, method);
	if (reply.body == NULL)
		return MHD_NO;
	add_headers(reply.body, reply.type);
	enum MHD_Result result = MHD_queue_response(connection, reply.status, reply.body);
	MHD_destroy_response(reply.body);
	return result;
}

/* ---------------------------------------------------------------------------------- its loop */

static void caller_noted(void *owner, struct MHD_Connection *connection, void **state,
			 enum MHD_ConnectionNotificationCode what)
{
	struct window *window = owner;
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	(void)state;
	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		if (window->count < CONNECTIONS_MAX)
			window->callers[window->count++] = (struct caller){ fd, false };
		return;
	}
	for (size_t i = 0; i < window->count; i++) {
		if (window->callers[i].fd == fd) {
			window->callers[i] = window->callers[--window->count];
			return;
		}
	}
}

/*
 * The library watches edges, and takes a short read for the last there is: an end that came with
 * the bytes before it is never seen, and who is gone would keep a place until IDLE_S. Closing the
 * half that has ended changes nothing but makes an edge.
 */
static void show_ends(struct window *window)
{
	for (size_t i = 0; i < window->count; i++) {
		struct caller *caller = &window->callers[i];
		char byte;
		if (!caller->shown && recv(caller->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
			shutdown(caller->fd, SHUT_RD);
			caller->shown = true;
		}
	}
}

/*
 * Twice: at the limit of connections it leaves the listening socket alone, and only the run after
 * one in which some have ended takes it up again. By the clock, too, since all may have ended in
 * the second, and nothing would wake it then.
 */
static void window_run(struct window *window)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms = RUN_MS;
	MHD_run(window->daemon);
	MHD_run(window->daemon);
	show_ends(window);
	ev_timer_stop(window->loop, &window->timer);
	if (MHD_get_timeout(window->daemon, &timeout_ms) != MHD_YES || timeout_ms > RUN_MS)
		timeout_ms = RUN_MS;
	ev_timer_set(&window->timer, (double)timeout_ms / 1000., 0.);
	ev_timer_start(window->loop, &window->timer);
}

static void window_ready(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	window_run(io->data);
}

static void window_late(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	window_run(timer->data);
}

static bool window_open(struct http *http, struct window *window, int fd)
{
	window->loop = http->monitor->loop;
	window->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, http,
					  MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
					  (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
					  (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
					  (size_t)CONNECTION_BYTES, MHD_OPTION_NOTIFY_CONNECTION,
					  caller_noted, window, MHD_OPTION_END);
	if (window->daemon == NULL)
		return false;
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(window->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	ev_io_init(&window->io, window_ready, info->epoll_fd, EV_READ);
	ev_timer_init(&window->timer, window_late, 0., 0.);
	window->io.data = window->timer.data = window;
	ev_io_start(window->loop, &window->io);
	return true;
}

static void window_close(struct window *window)
{
	ev_io_stop(window->loop, &window->io);
	ev_timer_stop(window->loop, &window->timer);
	MHD_stop_daemon(window->daemon);
}

static void http_free(void *state)
{
	struct http *http = state;
	for (size_t i = 0; i < http->count; i++)
		window_close(&http->windows[i]);
	free(http);
}

static void *http_start(struct monitor *monitor)
{
	struct http *http = calloc(1, sizeof(*http));
	if (http == NULL)
		return NULL;
	http->monitor = monitor;
	for (size_t i = 0; i < monitor->metrics_count; i++) {
		if (!window_open(http, &http->windows[i], monitor->metrics[i])) {
			http_free(http);
			errno = EIO;
			return NULL;
		}
		http->count++;
	}
	return http;
}

/* Who comes from now on is the next monitor's. */
static bool http_finish(void *state)
{
	struct http *http = state;
	unsigned open = 0;
	for (size_t i = 0; i < http->count; i++) {
		MHD_quiesce_daemon(http->windows[i].daemon);
		open += MHD_get_daemon_info(http->windows[i].daemon,
					    MHD_DAEMON_INFO_CURRENT_CONNECTIONS)
				->num_connections;
	}
	return open == 0;
}

const struct duty http_duty = { "metrics", http_start, NULL, http_finish, http_free };
