#include "config/complaints.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Out of memory ends the process, as in config/arena.h. */
static void append(struct complaints *complaints, const char *text)
{
	size_t len = strlen(text);
	char *longer = realloc(complaints->text, complaints->len + len + 1);

	if (!longer)
		abort();
	memcpy(longer + complaints->len, text, len + 1);
	complaints->text = longer;
	complaints->len += len;
}

/* Words of the file are quoted in complaints: a terminal must not obey them. */
static void defuse(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

__attribute__((format(printf, 4, 0))) static void add_line(struct complaints *complaints,
							   const char *place, const char *mark,
							   const char *format, va_list args)
{
	char *sentence;

	if (vasprintf(&sentence, format, args) < 0)
		abort();
	defuse(sentence);
	append(complaints, place);
	append(complaints, mark);
	append(complaints, sentence);
	append(complaints, "\n");
	free(sentence);
}

void complain(struct complaints *complaints, const char *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(complaints, place, ": ", format, args);
	va_end(args);
	complaints->count++;
}

void complain_warn(struct complaints *complaints, const char *place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	add_line(complaints, place, ": warning: ", format, args);
	va_end(args);
	complaints->warnings++;
}

void complaints_release(struct complaints *complaints)
{
	free(complaints->text);
	*complaints = (struct complaints){ 0 };
}
