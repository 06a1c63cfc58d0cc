/* Everything that Postern says to a client in its own words: one row each. */
#ifndef PROXY_SMTP_SAY_H
#define PROXY_SMTP_SAY_H

#include "proxy/smtp/smtp.h"

/*
 * name, text, the end that follows (END_NONE: none). In a text `%h` is the host name, `%i` the
 * session's id, `%r` why the client is refused. A reply of 4yz or 5yz gets the id behind it.
 */
#define SAYS(ROW) \
	ROW(NONE, "", NONE) \
	ROW(GREETING, "220 %h ESMTP Postern %i", NONE) \
	ROW(EHLO, "250-%h\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 STARTTLS", NONE) \
	ROW(HELO, "250 %h", NONE) \
	ROW(OK, "250 2.0.0 OK", NONE) \
	ROW(BYE, "221 2.0.0 %h closing connection", QUIT) \
	ROW(STARTTLS, "220 2.0.0 Ready to start TLS", NONE) \
	ROW(TLS_FIRST, "530 5.7.0 Must issue a STARTTLS command first", NONE) \
	ROW(STARTTLS_ARGUMENT, "501 5.5.4 STARTTLS takes no argument", NONE) \
	ROW(STARTTLS_TWICE, "503 5.5.1 TLS is on already", NONE) \
	ROW(STARTTLS_IN_MAIL, "503 5.5.1 STARTTLS inside a mail transaction", NONE) \
	ROW(STARTTLS_INJECTION, "503 5.5.0 Input came behind STARTTLS", STARTTLS_INJECTION) \
	ROW(EHLO_ARGUMENT, "501 5.5.4 A host name or address is needed", NONE) \
	ROW(EHLO_FIRST, "503 5.5.1 Send EHLO first", NONE) \
	ROW(UNKNOWN, "500 5.5.1 Command not recognized", NONE) \
	ROW(OFF, "502 5.5.1 Command not available here", NONE) \
	ROW(VRFY, "252 2.5.0 Cannot verify; send some mail and see", NONE) \
	ROW(NEVER, "550 5.7.0 Not for clients", NONE) \
	ROW(BAD_LINE_END, "500 5.5.2 A line ends with CR LF", BARE_NEWLINE) \
	ROW(BAD_BYTE, "500 5.5.2 A control byte or blank where none may be", BAD_COMMAND) \
	ROW(LINE_LONG, "500 5.5.2 Line too long", LINE_TOO_LONG) \
	ROW(AUTH_LONG, "500 5.5.6 Authentication exchange line is too long", LINE_TOO_LONG) \
	ROW(PIPELINING, "503 5.5.0 Input came before the reply it must wait for", PIPELINING) \
	ROW(EARLY_TALKER, "554 5.5.1 You talked before the greeting", EARLY_TALKER) \
	ROW(HTTP, "", HTTP) \
	ROW(TLS_ON_PLAIN, "", TLS_ON_PLAIN) \
	ROW(IN_MAIL, "503 5.5.1 A mail transaction is open already", NONE) \
	ROW(NO_MAIL, "503 5.5.1 Send MAIL first", NONE) \
	ROW(MIXED, "503 5.5.1 DATA and BDAT do not mix in one message", NONE) \
	ROW(PARAMETER, "555 5.5.4 A parameter that was not offered", NONE) \
	ROW(RECIPIENTS, "452 4.5.3 Too many recipients", NONE) \
	ROW(SIZE, "552 5.3.4 The message is over the size limit", NONE) \
	ROW(MESSAGES, "421 4.7.0 Too many messages in one session", TOO_MANY_MESSAGES) \
	ROW(ERRORS, "421 4.7.0 Too many errors", TOO_MANY_ERRORS) \
	ROW(AUTH_FIRST, "530 5.7.0 Authentication required", NONE) \
	ROW(AUTH_TLS, "530 5.7.0 Must issue a STARTTLS command first", NONE) \
	ROW(AUTH_MECHANISM, "504 5.5.4 Mechanism not available here", NONE) \
	ROW(BDAT_SYNTAX, "501 5.5.4 BDAT takes a size and at most LAST", BAD_BDAT) \
	ROW(BDAT_OFF, "502 5.5.1 BDAT was not offered", BAD_BDAT) \
	ROW(CHUNK_HUGE, "", MESSAGE_SIZE) \
	ROW(TEXT_NEWLINE, "550 5.5.2 A bare CR or LF in the message", BARE_NEWLINE) \
	ROW(TEXT_NUL, "550 5.5.2 A NUL in the message", NUL) \
	ROW(TEXT_SIZE, "552 5.3.4 The message is over the size limit", MESSAGE_SIZE) \
	ROW(EARLY_VERDICT, "421 4.3.0 The server closed after refusing the message", \
	    EARLY_VERDICT) \
	ROW(EARLY_CLOSING, "", BACKEND_CLOSING) \
	ROW(DATA_REFUSED, "", DATA_REFUSED) \
	ROW(DOWN, "421 4.3.2 The mail server is not available, try again later", BACKEND_LOST) \
	ROW(LOST_TEXT, \
	    "451 4.3.0 The mail server went away, try again later\r\n" \
	    "421 4.3.2 The mail server is not available, try again later", \
	    BACKEND_LOST) \
	ROW(GREETING_LATE, "421 4.3.2 The mail server is not available, try again later", \
	    BACKEND_TIMEOUT) \
	ROW(REPLY_LATE, "421 4.4.1 The mail server does not answer", BACKEND_TIMEOUT) \
	ROW(VERDICT_LATE, \
	    "451 4.3.0 The mail server did not say what became of the message\r\n" \
	    "421 4.4.1 The mail server does not answer", \
	    BACKEND_TIMEOUT) \
	ROW(PROTOCOL, "421 4.3.0 The mail server said what was not understood", BACKEND_PROTOCOL) \
	ROW(CLOSING, "", BACKEND_CLOSING) \
	ROW(REFUSED_GREETING, "", BACKEND_REFUSED) \
	ROW(SERVER_BYE, "", QUIT) \
	ROW(IDLE, "421 4.4.2 Nothing came in time", CLIENT_TIMEOUT) \
	ROW(EXPIRED, "421 4.4.2 The session has lasted its time", SESSION_TIMEOUT) \
	ROW(DRAIN, "421 4.3.2 Service is stopping, try again later", DRAIN) \
	ROW(CLIENT_REFUSED_GREETING, "554 5.7.0 %r", CLIENT_REFUSED) \
	ROW(CLIENT_REFUSED, "550 5.7.0 %r", CLIENT_REFUSED) \
	ROW(NETWORK_REFUSED, "554 5.7.1 Not from your address", NETWORK_REFUSED) \
	ROW(OVERLOAD, "421 4.3.2 Too many sessions, try again later", OVERLOAD) \
	ROW(ADDRESS_SESSIONS, "421 4.7.0 Too many sessions from your address, try again later", \
	    ADDRESS_SESSIONS) \
	ROW(ADDRESS_RATE, "421 4.7.0 Too many connections from your address, try again later", \
	    ADDRESS_RATE) \
	ROW(BANNED, "421 4.7.0 Not from your address for now, try again later", BANNED)

enum say {
#define ROW(name, text, ending) SAY_##name,
	SAYS(ROW)
#undef ROW
		SAY_COUNT,
};

/* The end that follows it, or END_NONE. */
enum ending say_ending(uint8_t say);

/* It counts as an error of the client: a refusal of 5yz that does not end the session. */
bool say_is_error(uint8_t say);

/* The text, with its line end, made in `room`; empty for a row without text. */
struct slice say_text(const struct smtp *smtp, uint8_t say, char *room, size_t room_size);

#endif
