/*
 * Text that is beyond doubt, found many bytes at a time: lines that end in CR LF, dot-stuffed or
 * not. Where it ends the text must be read a byte at a time (message.h), for a while.
 */
#ifndef PROXY_SMTP_PLAIN_H
#define PROXY_SMTP_PLAIN_H

#include "base/slice.h"

struct plain {
	size_t len;
	size_t dots; /* among them: those that begin a line, not of the message's size (RFC 1870) */
};

/*
 * How many bytes may pass: no bare CR, bare LF or NUL, no end of data. The first is in the middle
 * of a line, or begins one and is no dot; the last is neither a CR nor a dot that begins a line.
 */
struct plain plain_run(struct slice bytes);

/* The same code, for processors without wide vectors; public for tests and measurement alone. */
struct plain plain_run_narrow(struct slice bytes);

#endif
