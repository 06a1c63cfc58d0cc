/*
 * Reads what a client sends as an SMTP server does (RFC 5321, 3030, 4954): a byte at a time, with
 * nothing clever. The dialect says how much more than CR LF it takes for a line's end. The same
 * reader reads what Postern passed on, and what the client had sent: both must come to the same.
 */
#ifndef TESTS_MODEL_READER_H
#define TESTS_MODEL_READER_H

#include "tests/dialogs/play.h"

struct dialect {
	const char *name;
	bool lf_is_break;   /* a bare LF is as good as CR LF, in commands and in message text */
	bool cr_is_break;   /* a bare CR, too */
	bool crlf_then_any; /* behind CR LF and a dot any of the three ends the text */
	bool any_then_crlf; /* behind any of the three a dot and CR LF ends the text */
	bool drops_nul;     /* as if it had never come */
	bool lf_ends_command;
	bool mends; /* bare LF in text becomes CR LF and ends nothing, bare CR becomes a blank */
};

enum unit_kind { UNIT_GREETING, UNIT_LINE, UNIT_SASL, UNIT_TEXT };

/* What one reply answers: the connection, a command (BDAT with its octets), a message's text. */
struct unit {
	enum unit_kind kind;
	struct text_buf line;   /* without its end */
	struct text_buf octets; /* of BDAT; of text, with the dots taken out */
	uint64_t octets_due;    /* of BDAT */
	size_t end;             /* offset in all that was read, behind it */
	bool whole;
	bool bare, nul; /* there is a bare CR or LF, a NUL in the text */
	unsigned code;  /* the reply; 0: none yet */
};

enum { READER_UNITS = 600 };

struct reader {
	const struct dialect *dialect;
	/* The reply to a unit that is whole, 0 where there is none. */
	unsigned (*decide)(void *context, size_t index);
	void *context;
	struct unit units[READER_UNITS];
	size_t count;
	size_t offset;   /* bytes read */
	size_t upgraded; /* the unit STARTTLS that was answered 220; 0: none */
	enum { READ_LINE, READ_SASL, READ_TEXT, READ_OCTETS, READ_NOTHING } mode;
	enum { AT_START, AT_START_BARE, AT_DOT, AT_DOT_BARE, AT_MID } at;
	bool cr; /* the byte before was a CR: what it is shows now */
};

/* Unit 0 is the greeting. */
void reader_begin(struct reader *reader, const struct dialect *dialect,
		  unsigned (*decide)(void *, size_t), void *context);
void reader_end(struct reader *reader);
void reader_byte(struct reader *reader, char c);

/* The line's first word is this one, in any case. */
bool unit_is(const struct unit *unit, const char *verb);

/* `BDAT SP 1*DIGIT [SP LAST]`. */
bool unit_is_chunk(const struct unit *unit, uint64_t *octets, bool *last);

/* The word stands somewhere in it. */
bool text_has(const struct text_buf *buf, const char *word);

/* The reader stands between two units. */
bool reader_rests(const struct reader *reader);

#endif
