/* What is seen of a session from outside, in memory that all processes share. */
#ifndef PROXY_RELAY_SLOT_H
#define PROXY_RELAY_SLOT_H

#include "base/addr.h"

enum { SESSION_ID_BYTES = 12 };

/*
 * What is told of a session in shared memory, so that the master can undo what a worker had counted
 * when that dies, and `sessions` can be answered. A slot with an empty id is free. It is written
 * without locks: who reads it copies it, and looks whether the id is still the same.
 */
struct session_slot {
	char id[SESSION_ID_BYTES];
	char kill[SESSION_ID_BYTES]; /* the master's: whose end is wanted */
	uint8_t doing;               /* enum session_doing */
	uint16_t listener;           /* as it is counted: LISTENERS_COUNTED */
	uint16_t server;             /* its record in the table of servers, from 1; 0: none */
	uint64_t since_ms;           /* CLOCK_REALTIME */
	uint64_t bytes_to_server;
	uint64_t bytes_to_client;
	struct endpoint client;
};

/* What a session is about, for people. */
enum session_doing {
	DOING_HANDSHAKE, /* or a balancer is to say whom it brings */
	DOING_WAIT,      /* all servers are full */
	DOING_CONNECT,
	DOING_GREETING,   /* the server's is waited for */
	DOING_COMMAND,    /* the client's next one is */
	DOING_REPLY,      /* the server's is */
	DOING_DATA_START, /* the server's go-ahead for a message is */
	DOING_MESSAGE,    /* more of its text is */
	DOING_VERDICT,    /* the server's on a whole message is */
	DOING_FLUSH,      /* the last words go out */
	DOING_COUNT,
};

/* A word for it; for what is none of them, too. */
const char *session_doing_word(unsigned doing);

#endif
