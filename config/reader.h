/* The files of a configuration. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/draft.h"

#include <stdio.h>

/*
 * Reads the file and what it includes into the draft, and complains of what it cannot read. False
 * when that is the file itself: then nothing more can be said of it.
 */
bool reader_file(struct draft *draft, const char *path);

/* The same from a stream, which stays open. */
void reader_stream(struct draft *draft, const char *path, FILE *stream);

/*
 * As config_read(), from a stream alone: no other file is opened and no name is looked up. For
 * tests, and for fuzzing above all.
 */
struct config *config_read_stream(FILE *stream, const char *path, const struct strings *overrides,
				  struct complaints *complaints);

#endif
