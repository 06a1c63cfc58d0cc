/* Dialogues as files have them: README.md beside this describes the format. */
#ifndef TESTS_DIALOGS_STORY_H
#define TESTS_DIALOGS_STORY_H

#include "tests/dialogs/play.h"

#include <stdio.h>

enum { STORY_SEGMENTS = 256, STORY_LIST = 32 };

struct segment {
	enum { SEGMENT_NONE, SEGMENT_CLIENT, SEGMENT_SERVER, SEGMENT_EVENT } kind;
	enum smtp_event event;
	struct text_buf bytes;
	struct text_buf expect[2]; /* CLIENT: said to the client; 0x01 stands for any words */
	struct text_buf events;
	int line;
};

struct story {
	const char *file;
	int line;
	char title[256];
	struct smtp_policy policy;
	struct slice lists[5][STORY_LIST]; /* of the policy */
	char refused[256];
	bool pool; /* there are other servers, and this is what they lack */
	struct lack lack;
	struct segment segments[STORY_SEGMENTS];
	size_t count;
	struct text_buf memory; /* of words in settings */
};

/*
 * Reads the next story from `file`: 1, 0 at its end, -1 with a message on stderr where it is
 * malformed. *line counts the lines read, `title` carries a title that was read ahead.
 */
int story_read(struct story *story, FILE *file, const char *name, int *line, char *title);
void story_release(struct story *story);

#endif
