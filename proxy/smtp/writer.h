/* Text put together in a room that the caller lends; what does not fit is cut. */
#ifndef PROXY_SMTP_WRITER_H
#define PROXY_SMTP_WRITER_H

#include "base/slice.h"

struct writer {
	char *to;
	size_t size;
	size_t len;
};

void write_slice(struct writer *w, struct slice text);
void write_str(struct writer *w, const char *text);
void write_number(struct writer *w, uint64_t number);

#endif
