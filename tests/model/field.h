/* What `trace_header` does to what the client said: a Received: field of play.h in front of a text.
 */
#ifndef TESTS_MODEL_FIELD_H
#define TESTS_MODEL_FIELD_H

#include "tests/model/reader.h"

/* The field at the start; 0: there is none. */
size_t field_len(struct slice octets);

/* MAIL as it is passed on, with each SIZE raised. */
bool field_same_mail(struct slice theirs, struct slice ours);

/*
 * Text or a chunk with the field in front, and an empty line behind it where the client's own
 * begins with a blank: `theirs`, which may be unfinished, is of `ours`.
 */
bool field_same(const struct unit *theirs, const struct unit *ours);

/* Where a transaction stands: one field each, and one more where the chunk with it was refused. */
enum field_state { FIELD_DUE, FIELD_THERE, FIELD_REFUSED };

/* Behind this unit; NULL, or what is wrong. */
const char *field_next(enum field_state *state, const struct unit *theirs);

#endif
