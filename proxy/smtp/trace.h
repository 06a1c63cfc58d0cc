/*
 * The Received: field that goes in front of a message's text (RFC 5321 section 4.4), where policy
 * has one added. What is in it is handed in for each message, by who has a clock.
 */
#ifndef PROXY_SMTP_TRACE_H
#define PROXY_SMTP_TRACE_H

#include "base/slice.h"

struct command;
struct smtp;
struct smtp_step;

/* The longest field. By so much the announced SIZE is lowered, and SIZE= of MAIL raised. */
enum { TRACE_MOST_BYTES = 2048 };

enum trace_at {
	TRACE_NONE,   /* no field is to be put in, or it was */
	TRACE_DUE,    /* one is, in front of the transaction's text */
	TRACE_WANTED, /* the text is there: now */
	TRACE_PUT,    /* into the chunk that is being passed */
};

struct trace {
	uint8_t at;
	bool esmtp;         /* the client's last greeting that was taken was EHLO */
	bool utf8;          /* the transaction is one of SMTPUTF8 (RFC 6531) */
	struct slice field; /* handed in, and not put in yet */
};

/* A field is wanted: trace_give() it. */
bool trace_wanted(const struct smtp *smtp);

/*
 * The field, whole lines, at most TRACE_MOST_BYTES: lent until smtp_to_server() has returned, which
 * is called next.
 */
void trace_give(struct smtp *smtp, struct slice field);

/* What stands behind `with` in it (RFC 3848, RFC 6531 section 4.3). */
struct slice trace_protocol(const struct smtp *smtp);

/* ----------------------------------------------------------- used inside the inspector alone */

/* A transaction begins, with MAIL or without (NULL). */
void trace_begin(struct smtp *smtp, const struct command *mail);

/* A step in front of text behind DATA, whose first bytes wait. */
void trace_text(struct smtp *smtp, struct slice waiting, struct smtp_step *step);

/* This command is the BDAT that the field goes with, and either the field or its first octet is
 * still missing. */
bool trace_waits(struct smtp *smtp, const struct command *command);

/* The step for that command, its field included; false for any other. */
bool trace_chunk(struct smtp *smtp, const struct command *command, struct smtp_step *step);

#endif
