/* Every way a session may end: one row each, with the log's word and the sentence for people. */
#ifndef PROXY_SMTP_ENDING_H
#define PROXY_SMTP_ENDING_H

#define ENDINGS(ROW) \
	ROW(NONE, "none", "the session goes on") \
	ROW(QUIT, "quit", "the client said QUIT and the backend agreed") \
	ROW(CLIENT_CLOSED, "client-closed", "the client went away between two transactions") \
	ROW(CLIENT_LOST, "client-lost", \
	    "the client went away without a word, or in a transaction") \
	ROW(CLIENT_TIMEOUT, "client-timeout", "the client was silent past its deadline") \
	ROW(CLIENT_SLOW, "client-slow", "message text came slower than data_rate") \
	ROW(CLIENT_STUCK, "client-stuck", "the client took no bytes within the deadline") \
	ROW(CLIENT_REFUSED, "client-refused", "the client's certificate is refused by policy") \
	ROW(NETWORK_REFUSED, "network-refused", "the client is outside the listener's networks") \
	ROW(PROXY_STRANGER, "proxy-stranger", \
	    "a connection from outside proxy_protocol's networks") \
	ROW(PROXY_MISSING, "proxy-missing", "no PROXY header where a balancer must send one") \
	ROW(PROXY_MALFORMED, "proxy-malformed", "a PROXY header that cannot be read") \
	ROW(PROXY_TIMEOUT, "proxy-timeout", "the PROXY header did not come in time") \
	ROW(HANDSHAKE_FAILED, "handshake-failed", "the TLS handshake failed") \
	ROW(HANDSHAKE_TIMEOUT, "handshake-timeout", "the TLS handshake took too long") \
	ROW(PLAIN_ON_TLS, "plain-on-tls", "plain text came where TLS was due") \
	ROW(TLS_ON_PLAIN, "tls-on-plain", "a ClientHello came where plain SMTP was due") \
	ROW(FOREIGN_ALPN, "foreign-alpn", "the client offered only other protocols by ALPN") \
	ROW(HTTP, "http", "the client speaks HTTP") \
	ROW(TLS_ERROR, "tls-error", "the TLS connection broke after the handshake") \
	ROW(EARLY_TALKER, "early-talker", "the client talked before the greeting") \
	ROW(STARTTLS_INJECTION, "starttls-injection", "bytes came between STARTTLS and its reply") \
	ROW(PIPELINING, "pipelining", "input came behind a command that ends a group") \
	ROW(BAD_COMMAND, "bad-command", "a control byte, or a blank before a verb") \
	ROW(LINE_TOO_LONG, "line-too-long", "a command line over its length") \
	ROW(BARE_NEWLINE, "bare-newline", "a bare CR or LF where CRLF ends a line") \
	ROW(NUL, "nul", "a NUL in message text") \
	ROW(BAD_BDAT, "bad-bdat", "BDAT malformed, or not offered by the backend") \
	ROW(MESSAGE_SIZE, "message-size", "a message over the size limit") \
	ROW(TOO_MANY_ERRORS, "too-many-errors", "too many commands were refused") \
	ROW(TOO_MANY_MESSAGES, "too-many-messages", "too many messages in one session") \
	ROW(DATA_REFUSED, "data-refused", \
	    "the backend refused DATA with text already sent behind it") \
	ROW(EARLY_VERDICT, "early-verdict", "the backend refused a message before its end") \
	ROW(BACKEND_DOWN, "backend-down", "no connection to the backend could be made") \
	ROW(BACKEND_FULL, "backend-full", "no server of the backend had room in time") \
	ROW(OPEN_RELAY, "open-relay", \
	    "the backend relays mail for strangers, or may, and strangers can use the listener") \
	ROW(BACKEND_REFUSED, "backend-refused", \
	    "the backend greeted with a refusal, or refused Postern's own EHLO") \
	ROW(BACKEND_TLS, "backend-tls", "TLS with the backend could not be had") \
	ROW(BACKEND_IDENTITY, "backend-identity", \
	    "the backend refused what it was told of the client") \
	ROW(BACKEND_LOST, "backend-lost", "the backend went away") \
	ROW(BACKEND_CLOSING, "backend-closing", "the backend said 421") \
	ROW(BACKEND_TIMEOUT, "backend-timeout", "the backend did not answer in time") \
	ROW(BACKEND_STUCK, "backend-stuck", "the backend took no bytes within the deadline") \
	ROW(BACKEND_PROTOCOL, "backend-protocol", "the backend said what is not SMTP, or unasked") \
	ROW(SESSION_TIMEOUT, "session-timeout", "the session lasted its whole time") \
	ROW(DRAIN, "drain", "Postern is stopping") \
	ROW(DRAIN_TIMEOUT, "drain-timeout", "Postern stopped before the transaction was over") \
	ROW(KILLED, "killed", "an administrator ended the session") \
	ROW(NO_MEMORY, "no-memory", "out of memory") \
	ROW(OVERLOAD, "overload", "more sessions than the limit") \
	ROW(ADDRESS_SESSIONS, "address-sessions", \
	    "the client's address has all the sessions it may") \
	ROW(ADDRESS_RATE, "address-rate", "the client's address connects too often") \
	ROW(BANNED, "banned", "the client's address is banned")

enum ending {
#define ROW(name, word, sentence) END_##name,
	ENDINGS(ROW)
#undef ROW
		END_COUNT,
};

/* The log's word for it. */
const char *ending_word(enum ending ending);

/* A sentence for people. */
const char *ending_sentence(enum ending ending);

#endif
