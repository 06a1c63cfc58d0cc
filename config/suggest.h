/* The valid word that is nearest to a wrong one, for error messages. */
#ifndef CONFIG_SUGGEST_H
#define CONFIG_SUGGEST_H

#include "base/slice.h"

struct suggest {
	struct slice word; /* the wrong one */
	const char *best;
	size_t distance;
};

/* Considers a valid word; it is kept while no nearer one comes. A NULL is passed over. */
void suggest_offer(struct suggest *suggest, const char *valid);

enum { SUGGEST_BYTES = 96 };

/* "; did you mean `word`?" when one is near enough to be meant, else "". Returns `text`. */
const char *suggest_text(const struct suggest *suggest, char text[SUGGEST_BYTES]);

#endif
