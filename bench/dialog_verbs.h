/* What the files of the dialogue share: its commands, its replies. For dialog*.c alone. */
#ifndef BENCH_DIALOG_VERBS_H
#define BENCH_DIALOG_VERBS_H

#include "bench/dialog.h"

/* Which verb begins the line; MOMENT_OTHER when none does. */
enum moment dialog_verb(struct slice line);
/* False when its keyword is hidden. */
bool dialog_verb_is_there(const struct dialog *dialog, enum moment verb);
void dialog_verb_run(struct dialog *dialog, enum moment verb, struct slice args,
		     struct dialog_reply *reply);

/* `AUTH args`, and a line of the dialogue that follows it (RFC 4954, 4616). */
void dialog_auth_begin(struct dialog *dialog, struct slice args, struct dialog_reply *reply);
void dialog_auth_answer(struct dialog *dialog, struct slice line, struct dialog_reply *reply);

/* One reply line, with the enhanced code unless such are hidden. 421 ends the session. */
void dialog_say(struct dialog *dialog, struct dialog_reply *reply, unsigned code,
		const char *enhanced, const char *text);
/* The same, and counts an error of the client's. */
void dialog_error(struct dialog *dialog, struct dialog_reply *reply, unsigned code,
		  const char *enhanced, const char *text);
/* The same as a refusal that an option asked for. */
void dialog_refuse(struct dialog *dialog, struct dialog_reply *reply, unsigned code);
/* A line as it is, made as by printf. */
void dialog_line(struct dialog_reply *reply, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Forgets envelope and text. */
void dialog_forget(struct dialog *dialog);

#endif
