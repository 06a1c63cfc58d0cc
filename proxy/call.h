/* One request on the control socket (proxy/monitor/control_line.h says what is written there). */
#ifndef PROXY_CALL_H
#define PROXY_CALL_H

#include "base/slice.h"

enum call_status {
	CALL_OK,
	CALL_FAILED,  /* it was refused, or went wrong; the body says why */
	CALL_PENDING, /* `serial` is to be asked for by and by */
	CALL_NOBODY,  /* nothing answers: errno is that of connect(2), or 0 where it hung up */
	CALL_FOREIGN, /* what answers is no Postern, or of another version */
};

struct call {
	enum call_status status;
	char *answer; /* owned: all that came; the body is part of it */
	const char *body;
	char serial[24];
};

/*
 * Asks, with up to `count` words, and waits up to ten seconds for the whole answer. To be released
 * whatever came.
 */
void call_make(struct call *call, const char *path, bool json, const char *command,
	       const char *const *words, size_t count);
void call_release(struct call *call);

#endif
