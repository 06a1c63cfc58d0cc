/*
 * A mail server as Postern may find one: reads what was passed on, one strict reader that answers
 * and, beside it, readers of other dialects that hear the same answers. Its replies are made of
 * choices; each carries the number of what it answers.
 */
#ifndef TESTS_MODEL_BACKEND_H
#define TESTS_MODEL_BACKEND_H

#include "tests/model/choice.h"
#include "tests/model/reader.h"

enum { DIALECTS = 7, BACKEND_UNASKED = 99999, BACKEND_TAGS = 100000 };

struct backend {
	struct choice *choice;
	size_t number; /* of the connection */
	struct reader *live;
	struct reader *others[DIALECTS - 1];
	struct text_buf replies[READER_UNITS]; /* as Postern should pass them on */
	struct text_buf out;                   /* said, and not yet heard */

	bool helo_only, has_pipelining, has_chunking, has_size; /* its nature */
	bool rude; /* refuses now and then, or says what makes no sense */

	bool pipelines;       /* told so in the last EHLO reply that was heard */
	bool told_pipelining; /* ... that was said */
	bool early;           /* the answer to what is still being read was said before its end */
	bool closing;         /* said 421, or nonsense: closes when that was heard */
	bool dead;
	unsigned early_code;
};

/* A server whose nature is made of choices, too; its greeting is what it has said. */
void backend_begin(struct backend *backend, size_t number, struct choice *choice);
void backend_end(struct backend *backend);

/* Reads what Postern passed on; false and a sentence in *why where it came too soon. */
bool backend_read(struct backend *backend, const char *ptr, size_t len, const char **why);

/* `n` bytes of `out` were heard. */
void backend_heard(struct backend *backend, size_t n);

/* Refuses what is being read before its end, if anything is. */
void backend_speak_early(struct backend *backend);

/* Says something that nobody asked for. */
void backend_speak_unasked(struct backend *backend);

/* All dialects have read the same; otherwise a sentence. */
const char *backend_agrees(const struct backend *backend);

#endif
