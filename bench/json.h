/* Finds values in a JSON text (RFC 8259) by their path; nothing is built, nothing allocated. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include "base/slice.h"

enum { JSON_DEPTH_MAX = 32 };

/* The text is one JSON value and nothing else, at most JSON_DEPTH_MAX deep. */
bool json_is_valid(struct slice text);

/*
 * The value of a member of an object: as it stands in the text, a string with its quotes. `path` is
 * the members' names with slashes between, as in "latency_us/message/p50", without escapes. False
 * when there is none. `text` is valid.
 */
bool json_find(struct slice text, const char *path, struct slice *value);

#endif
