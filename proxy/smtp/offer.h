/*
 * What a server announces, in a form that can be kept and compared; and what some server of several
 * does not, so that clients are shown only what all of them can do: a client may be sent to any.
 */
#ifndef PROXY_SMTP_OFFER_H
#define PROXY_SMTP_OFFER_H

#include "proxy/smtp/writer.h"

/* What LIMITS tells (RFC 9422), as far as its values are numbers. */
enum limit { LIMIT_RCPTMAX, LIMIT_MAILMAX, LIMIT_RCPTDOMAINMAX, LIMIT_COUNT };

struct offer {
	uint32_t keywords;   /* KEYWORD_BIT() */
	uint32_t mechanisms; /* of AUTH, a bit each; those that are not known here share one */
	uint64_t size;       /* of SIZE, in bytes; 0: no limit (RFC 1870 section 4) */
	uint32_t limits[LIMIT_COUNT]; /* of LIMITS; 0: none */
};

/* Zero at first: nothing lacks. */
struct lack {
	uint32_t keywords;            /* that some server has not announced, */
	uint32_t mechanisms;          /* the same; one that is not known here always lacks */
	uint64_t size;                /* the smallest limit of all; 0: none has any */
	uint32_t limits[LIMIT_COUNT]; /* the same */
};

/* From a whole EHLO reply of 250. */
void offer_read(struct offer *offer, struct slice reply);

bool offer_eq(const struct offer *a, const struct offer *b);

/* In words, as in `PIPELINING SIZE=1000 AUTH=PLAIN,LOGIN`. */
void offer_write(const struct offer *offer, struct writer *w);

/*
 * A server more. AUTH without a mechanism, which Dovecot announces to who comes without TLS, as a
 * probe does, says nothing of what it announces for a client with TLS.
 */
void lack_add(struct lack *lack, const struct offer *offer);

/* Some server does not have the mechanism. `lack` may be NULL, here and below: nothing lacks. */
bool lack_has_mechanism(const struct lack *lack, struct slice mechanism);

/* Of two limits the smaller; 0 is none. */
uint64_t lack_size(const struct lack *lack, uint64_t size);
uint64_t lack_limit(const struct lack *lack, enum limit limit, uint64_t value);

/* One word of LIMITS, as in `RCPTMAX=20`. LIMIT_COUNT: another, or one that is not understood. */
enum limit limit_read(struct slice word, uint64_t *value);
struct slice limit_name(enum limit limit);

#endif
