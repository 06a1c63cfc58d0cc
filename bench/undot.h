/*
 * The end of message text sent with DATA, and the dots that were stuffed into it (RFC 5321 section
 * 4.5.2). Only CR LF begins a line and only CR LF "." CR LF ends the text: a bare CR or LF is text.
 * Bytes and state alone: the same text in any cut gives the same octets.
 */
#ifndef BENCH_UNDOT_H
#define BENCH_UNDOT_H

#include "base/slice.h"

enum undot {
	UNDOT_LINE, /* a line begins; so does the text */
	UNDOT_TEXT,
	UNDOT_CR,     /* behind a CR */
	UNDOT_DOT,    /* behind a dot that began a line */
	UNDOT_DOT_CR, /* behind such a dot and a CR, that may belong to the text or to its end */
	UNDOT_END,    /* nothing more is taken */
};

/*
 * Takes a part of `in`, which is not empty, and returns how many bytes; *run is what they say: a
 * part of the message, perhaps empty. To be called until nothing is left of `in` or the state is
 * UNDOT_END. It may once take nothing: then *run is a CR held back before.
 */
size_t undot(enum undot *state, struct slice in, struct slice *run);

#endif
