/* Clients with a certificate of every kind, good and bad. */
#ifndef TESTS_UNIT_VISITORS_H
#define TESTS_UNIT_VISITORS_H

#include "tests/unit/pki.h"

enum { SHOWN_MAX = 9 };

/* A certificate with the chain that its holder shows. */
struct visitor {
	const char *name; /* the subject's CN, too */
	struct pki_cert cert;
	const struct pki_cert *chain[SHOWN_MAX];
	size_t count;
};

/* The authority, and one below it, by which most are. */
extern struct pki_cert visitors_root, visitors_inter;

void visitors_make(void);
void visitors_drop(void);

struct visitor *visitor_find(const char *name);

#endif
