/* What the files of one connection share: its state, and what is said at which step. */
#ifndef BENCH_CLIENT_STEPS_H
#define BENCH_CLIENT_STEPS_H

#include "bench/client.h"
#include "bench/wire.h"
#include "proxy/smtp/reply.h"

enum {
	CLIENT_IN_BYTES = 8192,   /* the longest reply, and more */
	CLIENT_TEXT_BYTES = 4096, /* commands of one group, and the headers of a message */
	CLIENT_OWED_MAX = 4 + SCRIPT_RECIPIENTS,
	CLIENT_PIECES = 4,
};

enum client_stage {
	CLIENT_CONNECT,
	CLIENT_HANDSHAKE,
	CLIENT_SMTP,
	CLIENT_HELD,    /* idle, or parked: nothing is owed */
	CLIENT_LEAVING, /* QUIT was answered: the server closes */
	CLIENT_OVER,
};

struct client {
	struct load *load;
	struct client *next;
	struct client *previous;
	struct loop_watch *watch;
	struct wire wire;
	enum client_stage stage;
	bool is_verbose;
	bool has_opened; /* load_opened() was called */
	bool has_auth;
	bool offers_starttls;
	bool offers_chunking;
	bool offers_pipelining;
	bool has_message; /* claimed, and not yet accepted or failed */
	bool has_next;    /* claimed, too: its commands left behind the message's end */
	bool must_reset;  /* the message failed, the session goes on */
	bool is_parked;
	struct client *next_parked;
	struct script script;
	struct unit unit; /* the message, handshake or session */
	struct unit next_unit;
	unsigned rcpts; /* recipients said so far */
	uint64_t sent;  /* messages, here */
	uint64_t began_us;
	uint64_t group_us; /* when the last commands were said */
	uint64_t message_us;
	enum step step; /* whose reply came last */
	enum step owed[CLIENT_OWED_MAX];
	size_t owed_count;
	struct reply reply; /* as far as it has been read */
	size_t in_len;
	size_t text_len;
	struct slice out[CLIENT_PIECES]; /* text, body, end of data, commands behind it */
	char in[CLIENT_IN_BYTES];
	char text[CLIENT_TEXT_BYTES];
};

/* The reply to the first step owed, with all its lines. */
void client_steps_reply(struct client *client, unsigned code, struct slice text);

/* The greeting is owed now. */
void client_steps_await_greeting(struct client *client);
void client_steps_noop(struct client *client);
/* The next message, or QUIT. */
void client_steps_go_on(struct client *client);

/* Something is still to be written. */
bool client_steps_has_output(const struct client *client);

/*
 * In client_say.c: what the client says. Each adds commands, and the replies that are owed for
 * them; client_say_leave() lets the group leave, and those marked with it do so themselves.
 */
void client_say_leave(struct client *client);
void client_say_one(struct client *client, enum step step, const char *text); /* leaves */
void client_say_ehlo(struct client *client);                                  /* leaves */
void client_say_auth(struct client *client);                                  /* leaves */
/* MAIL, and all that goes with it where that is pipelined. */
void client_say_message(struct client *client); /* leaves */
void client_say_rcpt(struct client *client);
void client_say_content(struct client *client); /* DATA, or BDAT with the message */
/* The message behind DATA, and the next one's commands where they are pipelined. Leaves. */
void client_say_text(struct client *client);

/* The connection has had as many messages as it may have. */
bool client_is_full(const struct client *client);

/* In client.c: no unit is due; the client waits for one. */
void client_park(struct client *client);

/* In client.c: the session ends here and now. */
void client_fail(struct client *client, enum failure_kind kind, unsigned code, struct slice why);
/* The message that was begun is not accepted. */
void client_fail_message(struct client *client);
/* With -v, and for the first connection. */
void client_show(const struct client *client, const char *mark, struct slice line);

#endif
