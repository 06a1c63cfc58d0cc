/* How Postern is, as JSON: for the status page, and for programs. */
#ifndef PROXY_MONITOR_STATUS_H
#define PROXY_MONITOR_STATUS_H

#include "proxy/monitor/view.h"

#include <jansson.h>

/* All there is to tell of no single session; NULL when out of memory. To be freed as jansson's. */
json_t *status_json(const struct view *view);

/* An array of all sessions, with the addresses of clients: for the control socket alone. */
json_t *sessions_json(const struct view *view);

/* Addresses that are banned: the same. */
json_t *bans_json(const struct view *view);

/* The health of a server in a word: "up", "down", "unknown"; and as it is set by hand. */
const char *server_health_word(unsigned health);
const char *server_admin_word(unsigned admin);

#endif
