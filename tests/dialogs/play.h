/*
 * A session's pump without sockets: feeds the inspector what a client and a server send, cut as the
 * caller likes, and collects what it says to each. Used by the dialogues and by fuzz targets.
 */
#ifndef TESTS_DIALOGS_PLAY_H
#define TESTS_DIALOGS_PLAY_H

#include "proxy/smtp/ehlo.h"

struct text_buf {
	char *ptr;
	size_t len;
	size_t size;
};

void text_add(struct text_buf *buf, const char *ptr, size_t len);
void text_drop(struct text_buf *buf, size_t len); /* from its start */

enum side { CLIENT, SERVER };

struct play {
	struct smtp smtp;
	const struct lack *lack;    /* of other servers; NULL: there are none */
	struct text_buf waiting[2]; /* from each side, not yet taken by the inspector */
	struct text_buf said[2];    /* to each side, all that was ever said */
	struct text_buf events; /* lines: "connect", "cut", "quit", "tls", "end x", "verdict 250" */
	size_t undelivered;     /* of the segment that is being fed: it has arrived all the same */
	bool connected;
	bool connect_implied; /* the first connection makes no event */
	bool connect_late;    /* connects only when told by SMTP_CONNECTED, not at once */
	size_t connections;
	size_t connected_at; /* what had been said to servers when the last connection was made */
	bool ended;
	size_t fields; /* that were put in front of messages */
	size_t steps;  /* of the inspector, to see that they are bounded */
	/* Sees each step before it is done; NULL: nobody does. */
	void (*watch)(struct play *play, enum side from, const struct smtp_step *step);
	char room[SMTP_ROOM_BYTES];
	char field[64];
	char helo[SMTP_HELO_BYTES];
};

void play_begin(struct play *play, const struct smtp_policy *policy, struct slice id,
		struct slice refused);
void play_end(struct play *play);

/* There are other servers, which lack this; it outlives the play. */
void play_lack(struct play *play, const struct lack *lack);

/* `n` bytes come from `side`; `later` more of the same segment are there but not yet read. */
void play_feed(struct play *play, enum side side, const char *ptr, size_t n, size_t later);

void play_event(struct play *play, enum smtp_event event);

/* Runs until nothing moves. */
void play_pump(struct play *play);

#endif
