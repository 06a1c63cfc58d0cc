/* A text file's lines, as far as they mean something: without comments, blanks around, line ends.
 */
#ifndef CONFIG_LINES_H
#define CONFIG_LINES_H

#include "base/slice.h"

#include <stdio.h>

enum { LINES_MAX_BYTES = 8192 };

struct lines {
	FILE *stream;
	unsigned number;   /* of the line read last, from 1 */
	const char *wrong; /* what is wrong with it, NULL when nothing */
	char bytes[LINES_MAX_BYTES];
};

/*
 * The next line that is not empty, or one with `wrong` set, that is nothing else; it lives until
 * the next call. False at the end; after a read error `wrong` is set then, and errno.
 */
bool lines_next(struct lines *lines, struct slice *line);

/* Where a comment starts: at a `;` or `#` in front or after a blank; text.len when there is none.
 */
size_t lines_comment(struct slice text);

#endif
