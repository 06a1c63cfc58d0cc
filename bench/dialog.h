/*
 * The server's side of SMTP as the sink speaks it (RFC 5321, 1870, 2920, 3030, 4954): bytes in,
 * replies out, no socket and no clock. The caller asks with dialog_look() what comes next, may wait
 * or hang up at that moment, and has it done with dialog_take().
 */
#ifndef BENCH_DIALOG_H
#define BENCH_DIALOG_H

#include "bench/args.h"
#include "bench/mail.h"
#include "bench/undot.h"

/* Where a session can be delayed, refused or dropped. */
enum moment {
	MOMENT_CONNECT,
	MOMENT_HELO,
	MOMENT_EHLO,
	MOMENT_MAIL,
	MOMENT_RCPT,
	MOMENT_DATA,
	MOMENT_BDAT,
	MOMENT_RSET,
	MOMENT_NOOP,
	MOMENT_QUIT,
	MOMENT_VRFY,
	MOMENT_HELP,
	MOMENT_AUTH,
	MOMENT_TALLY,  /* postern-bench asks what has come of a run */
	MOMENT_TEXT,   /* message text has come */
	MOMENT_DOT,    /* the message is whole, by dot or by BDAT LAST */
	MOMENT_CHUNK,  /* a chunk that is not the last is whole */
	MOMENT_ANSWER, /* a line of an AUTH dialogue */
	MOMENT_OTHER,  /* a verb that there is not */
	MOMENT_LONG,   /* a line without end */
	MOMENT_NONE,   /* more bytes are needed */
	MOMENTS = MOMENT_NONE,
};

enum moment_delay { DELAY_NONE, DELAY_GREETING, DELAY_REPLY, DELAY_VERDICT };

enum moment_delay moment_delay(enum moment moment);

/* By its name on the command line, "rcpt"; MOMENT_NONE when there is none. */
enum moment moment_named(struct slice name);

/* The reply code when it is refused and no other is asked for; 0: cannot be refused. */
unsigned moment_code(enum moment moment);

/* The same for all sessions. */
struct dialog_rules {
	const char *auth;      /* "user:password"; NULL: whatever comes */
	uint64_t size_bytes;   /* of the longest message */
	struct args_list hide; /* EHLO keywords */
	struct args_list announce;
	unsigned refuse[MOMENTS]; /* the reply code; 0: not refused */
};

enum dialog_at {
	DIALOG_CONNECT,
	DIALOG_COMMAND,
	DIALOG_AUTH_PLAIN,
	DIALOG_AUTH_USER,
	DIALOG_AUTH_PASSWORD,
	DIALOG_TEXT,
	DIALOG_DOT,
	DIALOG_CHUNK,
	DIALOG_CHUNK_END,
	DIALOG_END, /* the last reply was said */
};

struct dialog {
	const struct dialog_rules *rules;
	struct mail *mail;
	bool misbehaves; /* refusals are for this session */
	bool has_helo;
	bool has_auth;
	bool has_from;
	bool is_refused; /* by the greeting: nothing but QUIT is served */
	enum dialog_at at;
	enum undot undot;
	uint64_t chunk_left;
	bool chunk_last;
	unsigned chunk_code;        /* of a chunk that will be answered with an error; 0: none */
	char user[MAIL_NAME_BYTES]; /* of AUTH LOGIN */
	uint64_t errors;            /* of the client's */
};

enum { DIALOG_LINE_BYTES = 16 * 1024, DIALOG_REPLY_BYTES = 4096 };

struct dialog_reply {
	size_t len;
	char text[DIALOG_REPLY_BYTES];
};

struct dialog_look {
	enum moment moment;
	struct slice bytes; /* as much as is taken; of text, as much as there is */
	struct slice line;  /* of a command: without its end */
};

void dialog_init(struct dialog *dialog, const struct dialog_rules *rules, struct mail *mail,
		 bool misbehaves);

struct dialog_look dialog_look(const struct dialog *dialog, struct slice in);
/* Returns how many bytes were taken; *reply is what there is to say, perhaps nothing. */
size_t dialog_take(struct dialog *dialog, const struct dialog_look *look,
		   struct dialog_reply *reply);

/* Message text comes next. */
bool dialog_in_text(const struct dialog *dialog);

/*
 * `XTALLY run from` asks which messages of a run of the load tool have come: 16 hexadecimal digits
 * and the first number, a multiple of 8. The reply is one line: 250, how many numbers have been
 * seen in all, how many messages were doubled and how many damaged, and the bits of
 * DIALOG_TALLY_NUMBERS numbers as hexadecimal octets, the lowest bit first in each.
 */
enum { DIALOG_TALLY_NUMBERS = 8192 };

#endif
