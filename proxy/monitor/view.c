#include "proxy/monitor/view.h"

#include <time.h>

uint64_t realtime_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void add(void *into, const void *from, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(uint64_t); i++)
		((uint64_t *)into)[i] += ((const uint64_t *)from)[i];
}

void view_take(struct view *view, const struct shared *shared, const struct config *config)
{
	*view = (struct view){
		.shared = shared,
		.config = config,
		.board = shared_board(shared),
		.now_ms = realtime_ms(),
		.relay = shared->head->gone,
	};
	memcpy(view->listeners, shared->head->gone_listeners, sizeof(view->listeners));
	for (size_t i = 0; i < shared->plan.records; i++) {
		const struct worker_record *record = shared_record(shared, i);
		if (record->generation == 0)
			continue;
		add(&view->relay, &record->counters, sizeof(view->relay));
		add(view->listeners, record->listeners, sizeof(view->listeners));
	}
	for (size_t i = 0; i < LISTENERS_COUNTED; i++)
		add(&view->all, &view->listeners[i], sizeof(view->all));
}

const char *view_text(const char *from, size_t size, char *to)
{
	size_t len = strnlen(from, size - 1);
	memcpy(to, from, len);
	to[len] = '\0';
	return to;
}

const char *view_listener(const struct view *view, size_t place, char name[static BOARD_NAME_BYTES])
{
	return view_text(view->board->listeners[place], BOARD_NAME_BYTES, name);
}

uint64_t view_refused(const struct listener_counters *counters)
{
	static const enum ending refusals[] = {
		END_CLIENT_REFUSED, END_NETWORK_REFUSED, END_HANDSHAKE_FAILED,
		END_PLAIN_ON_TLS,   END_TLS_ON_PLAIN,    END_FOREIGN_ALPN,
		END_HTTP,           END_EARLY_TALKER,    END_STARTTLS_INJECTION,
		END_BARE_NEWLINE,   END_TOO_MANY_ERRORS, END_ADDRESS_SESSIONS,
		END_ADDRESS_RATE,   END_BANNED,          END_OVERLOAD,
	};
	uint64_t sum = 0;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
		sum += counters->ended[refusals[i]];
	return sum;
}

struct worker_record *view_worker(const struct view *view, size_t *record)
{
	while (*record < view->shared->plan.records) {
		struct worker_record *found = shared_record(view->shared, (*record)++);
		if (found->generation != 0 && found->pid != 0)
			return found;
	}
	return NULL;
}

bool view_session(const struct view *view, struct view_walk *walk, struct session_slot *session)
{
	const struct shared_head *plan = &view->shared->plan;
	for (; walk->record < plan->records; walk->record++, walk->slot = 0) {
		const struct session_slot *slots = shared_slots(view->shared, walk->record);
		if (walk->slot == 0)
			walk->left = shared_record(view->shared, walk->record)->counters.open;
		while (walk->left > 0 && walk->slot < plan->slots_each) {
			const struct session_slot *slot = &slots[walk->slot++];
			if (slot->id[0] == '\0')
				continue;
			walk->left--;
			*session = *slot;
			session->id[SESSION_ID_BYTES - 1] = '\0';
			if (strncmp(session->id, slot->id, SESSION_ID_BYTES) == 0)
				return true;
		}
	}
	return false;
}

void view_server(const struct view *view, const struct session_slot *session,
		 char server[static VIEW_SERVER_BYTES])
{
	struct server_table table = shared_servers(view->shared);
	server[0] = '\0';
	if (session->server == 0 || session->server > SERVERS_MAX)
		return;
	const struct server_record *record = &table.records[session->server - 1];
	view_text(record->backend, sizeof(record->backend), server);
	size_t len = strlen(server);
	server[len++] = '/';
	view_text(record->name, sizeof(record->name), server + len);
}
