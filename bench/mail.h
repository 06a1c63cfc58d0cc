/*
 * What the sink does with mail: one message on its way in (struct mail) and all there were (struct
 * mailbox). A message is checked, counted, and kept in a file where that is asked for.
 */
#ifndef BENCH_MAIL_H
#define BENCH_MAIL_H

#include "bench/tally.h"

#include <stdio.h>

/* What the sink says 250 to and yet does wrong, to see whether it is noticed. */
enum mail_lie { MAIL_HONEST, MAIL_LOSE, MAIL_DOUBLE, MAIL_DAMAGE };

struct mailbox {
	const char *dir;     /* messages are kept here as NNNNNN.eml and .env; NULL: nowhere */
	uint64_t messages;   /* told 250, and not lost by --lose */
	uint64_t recipients; /* of those */
	uint64_t bytes;      /* of those, without stuffed dots */
	uint64_t checked;    /* from the load tool */
	uint64_t damaged;
	uint64_t incomplete; /* dropped because the client went away */
	struct tally tally;
};

enum { MAIL_NAME_BYTES = 256, MAIL_ENVELOPE_BYTES = 256 * 1024 };

struct mail {
	struct mailbox *box;
	uint64_t connection;
	enum mail_lie lie;
	char helo[MAIL_NAME_BYTES];
	char user[MAIL_NAME_BYTES]; /* who authenticated; empty: nobody */
	char *envelope;             /* owned; lines, kept only where messages are */
	size_t envelope_len;
	uint64_t recipients;
	bool has_text; /* text has begun */
	bool damaged_it;
	uint64_t bytes;
	FILE *file; /* the text so far, in a file that nobody takes for a message */
	struct message_check check;
};

/* Makes the directory. False with errno when that or writing there is impossible. */
bool mailbox_init(struct mailbox *box, const char *dir);
void mailbox_release(struct mailbox *box);

void mail_init(struct mail *mail, struct mailbox *box, uint64_t connection, enum mail_lie lie);
/* Also forgets a message that has begun. */
void mail_release(struct mail *mail);

void mail_helo(struct mail *mail, struct slice name);
void mail_user(struct mail *mail, struct slice name);

/* The arguments behind FROM: and TO:. False when there is no room for more. */
bool mail_from(struct mail *mail, struct slice path);
bool mail_to(struct mail *mail, struct slice path);

/* Text begins, and goes on. */
void mail_begin(struct mail *mail);
void mail_text(struct mail *mail, struct slice octets);

/* The text is whole: keeps and counts it, or lies. False when it cannot be kept. */
bool mail_accept(struct mail *mail);
/* Forgets envelope and text; HELO name and user stay. */
void mail_forget(struct mail *mail);

#endif
