/*
 * THE option table: one row an option says all there is to say of it. The reader, the checks, the
 * printed configuration and the sample are made from it.
 */
#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include "config/config.h"

enum section_kind {
	SECTION_POSTERN,
	SECTION_LISTENER,
	SECTION_CERTIFICATE,
	SECTION_CLIENTS,
	SECTION_BACKEND,
	SECTION_POLICY,
	SECTION_LIMITS,
	SECTION_TIMEOUTS,
	SECTION_KINDS,
};

struct section_row {
	const char *word;
	const char *sample; /* the name in the sample; NULL: a section without a name, there once */
	size_t size;        /* of the struct that its options are put into */
	size_t items;       /* for named ones: where struct config has their array, */
	size_t count;       /* and its length */
	const char *help;
};

extern const struct section_row section_rows[SECTION_KINDS];

/* What the structs of named sections begin with. */
struct section_head {
	const char *name;
	const char *place;
};

enum option_type {
	OPTION_INCLUDE, /* done when it is read; has no place in a struct */
	OPTION_HOSTNAME,
	OPTION_USER,
	OPTION_WORD_OR_PATH, /* one of `words`, or a path, made absolute */
	OPTION_PATH,         /* made absolute */
	OPTION_DOMAIN,       /* a host name */
	OPTION_MAILBOX,      /* local@domain */
	OPTION_REFERENCE,
	OPTION_ALGORITHMS, /* names with colons between them */
	OPTION_WORD,       /* one of `words` */
	OPTION_WORKERS,    /* a number; "auto" becomes the number of cores */
	OPTION_NUMBER,
	OPTION_SIZE, /* bytes */
	OPTION_TIME, /* milliseconds */
	OPTION_WAIT, /* milliseconds: `wait TIME`; 0: `refuse` */
	OPTION_RATE, /* so many in a time, as in 120/m; 0: any number */
	OPTION_REFERENCES,
	OPTION_PATHS,     /* made absolute */
	OPTION_ALLOW,     /* rules of allow.h; a subject runs to the end of its line */
	OPTION_DOMAINS,   /* with `*.` in front, perhaps */
	OPTION_TOKENS,    /* letters, digits, hyphens */
	OPTION_PATTERNS,  /* tokens with `*` and `_` */
	OPTION_PINS,      /* spki: and the digest of a public key */
	OPTION_NETWORKS,  /* where there are `words`, the one means none */
	OPTION_HOSTS,     /* addresses without a port */
	OPTION_ADDRESSES, /* to listen on; where there are `words`, the one means none */
	OPTION_SERVERS,   /* to connect to; names are resolved */
};

/* How a type lies in its struct. */
enum option_shape {
	SHAPE_NONE,
	SHAPE_STRING, /* const char * */
	SHAPE_WORD,   /* an enum, int or bool */
	SHAPE_NUMBER, /* uint64_t */
	SHAPE_RATE,   /* struct rate */
	SHAPE_STRINGS,
	SHAPE_NETWORKS,
	SHAPE_ADDRS,
	SHAPE_SERVERS,
};

struct option_word {
	const char *word; /* NULL ends the list */
	int value;
};

struct option {
	enum section_kind section;
	const char *name;
	enum option_type type;
	size_t offset;
	size_t size;        /* of the field */
	const char *preset; /* the default, as in the file; NULL: the option must be given */
	const char *sample; /* where it must be given: what the sample has */
	const char *note;   /* the default in words, where it is found out at run time */
	const struct option_word *words;
	uint64_t min, max; /* of numbers, sizes (bytes) and times (milliseconds) */
	const char *help;
};

enum { OPTIONS_MAX = 192 };

extern const struct option options[];
extern const size_t option_count; /* at most OPTIONS_MAX */

/* SECTION_KINDS when there is no such kind. */
enum section_kind section_kind_find(struct slice word);

/* NULL when a section of that kind has no such option. */
const struct option *option_find(enum section_kind section, struct slice name);

enum option_shape option_shape(const struct option *option);

/* Items by comma, or by giving the option more than once. */
bool option_is_list(const struct option *option);

#endif
