/* All that the processes have counted, added up, as it is at one time. */
#ifndef PROXY_MONITOR_VIEW_H
#define PROXY_MONITOR_VIEW_H

#include "config/config.h"
#include "proxy/shared.h"

struct view {
	const struct shared *shared;
	const struct config *config;
	struct board *board;
	uint64_t now_ms; /* CLOCK_REALTIME */
	struct relay_counters relay;
	struct listener_counters listeners[LISTENERS_COUNTED];
	struct listener_counters all; /* listeners together */
};

void view_take(struct view *view, const struct shared *shared, const struct config *config);

/* The listener counted at that place; "" where there is none. A copy, as others write there. */
const char *view_listener(const struct view *view, size_t place,
			  char name[static BOARD_NAME_BYTES]);

/* Sessions that were ended for what the client is: certificate, network, limits, protocol. */
uint64_t view_refused(const struct listener_counters *counters);

/* The next record of a worker that runs, from *record on; NULL behind the last. */
struct worker_record *view_worker(const struct view *view, size_t *record);

/* A text of shared memory, cut to what is surely ended. */
const char *view_text(const char *from, size_t size, char *to);

/* Each session in turn, as a copy: `record` and `slot` are 0 at first. False behind the last. */
struct view_walk {
	size_t record;
	size_t slot;
	uint64_t left; /* of the record's sessions */
};
bool view_session(const struct view *view, struct view_walk *walk, struct session_slot *session);

/* BACKEND/SERVER of the session; "" where it has none. */
enum { VIEW_SERVER_BYTES = SERVER_BACKEND_BYTES + SERVER_NAME_BYTES };
void view_server(const struct view *view, const struct session_slot *session,
		 char server[static VIEW_SERVER_BYTES]);

uint64_t realtime_ms(void);

#endif
