/* How Postern is, as text for people: `postern status`, `sessions` and `top`. */
#ifndef PROXY_MONITOR_TEXT_H
#define PROXY_MONITOR_TEXT_H

#include "proxy/monitor/view.h"

#include <stdio.h>

void text_status(const struct view *view, FILE *to);
void text_sessions(const struct view *view, FILE *to);

/* At most `rows` lines of at most `columns` characters. */
void text_top(const struct view *view, size_t columns, size_t rows, FILE *to);

#endif
