/* Which of the client's units each unit is that a server has read. */
#ifndef TESTS_MODEL_MATCH_H
#define TESTS_MODEL_MATCH_H

#include "tests/model/session.h"

enum { NOBODY = READER_UNITS };

/* What the client said, read by a strict server with the replies that the client got. */
struct truth {
	struct session *session;
	struct reader said;
	/* Which of its units each of the servers' is. */
	size_t match[CONNECTIONS][READER_UNITS];
	bool matched[READER_UNITS];
};

static inline struct slice of(const struct text_buf *buf)
{
	return slice_of(buf->ptr ? buf->ptr : "", buf->len);
}

/* The reply that carries this number, as an index of what the client said; NOBODY. */
size_t told(const struct session *session, size_t connection, size_t index);

/* A server's connection that came behind STARTTLS. */
bool behind_tls(const struct session *session, size_t connection);

/* What one server has read is, in order, what the client said: fills in `match`. */
void match_connection(struct truth *truth, size_t connection);

#endif
