/*
 * The line that a request on the control socket is: fields with tabs between them, and a newline.
 *
 *   postern/1 TAB text|json TAB COMMAND [TAB ARGUMENT]...
 *
 * What comes back is a line `postern/1 TAB ok|failed|pending [TAB SERIAL]`, then text to the end.
 * Pure.
 */
#ifndef PROXY_MONITOR_CONTROL_LINE_H
#define PROXY_MONITOR_CONTROL_LINE_H

#include "base/slice.h"

enum { CONTROL_LINE_BYTES = 1024, CONTROL_WORDS = 3 };

#define CONTROL_VERSION "postern/1"

struct control_line {
	bool json;
	const char *command;
	const char *words[CONTROL_WORDS]; /* the first `count`; the rest are "" */
	size_t count;
};

/*
 * Takes a line of `len` bytes, without its newline, to pieces, in place: there is room for one more
 * byte behind it. NULL, or a sentence that says what is wrong with it.
 */
const char *control_line_read(struct control_line *line, char *text, size_t len);

#endif
