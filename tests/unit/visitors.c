#include "tests/unit/visitors.h"

#include <assert.h>

enum { DEEP = 8 };

struct pki_cert visitors_root, visitors_inter;
static struct pki_cert other_root, deep[DEEP];

enum { VISITORS = 40 };
static struct visitor visitors[VISITORS];
static size_t visitor_count;

static void add(const char *name, struct pki_wish wish, const struct pki_cert *through)
{
	struct visitor *visitor = &visitors[visitor_count++];

	wish.title = name;
	*visitor = (struct visitor){ .name = name, .cert = pki_make(wish), .count = 1 };
	visitor->chain[0] = &visitor->cert;
	if (through)
		visitor->chain[visitor->count++] = through;
}

struct visitor *visitor_find(const char *name)
{
	for (size_t i = 0; i < visitor_count; i++)
		if (strcmp(visitors[i].name, name) == 0)
			return &visitors[i];
	assert(false && "a visitor of that name");
	return NULL;
}

static void add_deep(void)
{
	const struct pki_cert *above = &visitors_root;

	for (int i = 0; i < DEEP - 1; i++) {
		deep[i] =
			pki_make((struct pki_wish){ .title = "Deep", .ca = true, .issuer = above });
		above = &deep[i];
	}
	add("deep", (struct pki_wish){ .issuer = above }, NULL);
	struct visitor *visitor = &visitors[visitor_count - 1];
	for (int i = DEEP - 2; i >= 0; i--)
		visitor->chain[visitor->count++] = &deep[i];
}

static void add_all(void)
{
	static const char names[] = "DNS:a.example,email:Box@a.example,URI:spiffe://a.example/x";

	add("good",
	    (struct pki_wish){ .issuer = &visitors_inter, .names = names, .usage = "clientAuth" },
	    &visitors_inter);
	add("none", (struct pki_wish){ .issuer = &visitors_root }, NULL);
	visitors[visitor_count - 1].count = 0;
	add("plain", (struct pki_wish){ .issuer = &visitors_root }, NULL);
	add("expired",
	    (struct pki_wish){ .issuer = &visitors_root, .from_days = -9, .to_days = -1 }, NULL);
	add("early", (struct pki_wish){ .issuer = &visitors_root, .from_days = 2 }, NULL);
	add("stranger", (struct pki_wish){ .issuer = &other_root }, &other_root);
	add("server", (struct pki_wish){ .issuer = &visitors_root, .usage = "serverAuth" }, NULL);
	add("revoked", (struct pki_wish){ .issuer = &visitors_inter }, &visitors_inter);
	add("headless", (struct pki_wish){ .issuer = &visitors_inter }, NULL);
	add("self", (struct pki_wish){ .names = names }, NULL);
	add("self-key", (struct pki_wish){ .names = names }, NULL);
	add("self-expired", (struct pki_wish){ .from_days = -9, .to_days = -1 }, NULL);
	add("self-weak", (struct pki_wish){ .key = EVP_RSA_gen(1024) }, NULL);
	add("weak", (struct pki_wish){ .issuer = &visitors_root, .key = EVP_RSA_gen(1024) }, NULL);
	add("sha1", (struct pki_wish){ .issuer = &visitors_root, .digest = EVP_sha1() }, NULL);
	add_deep();
	add("rsa2048", (struct pki_wish){ .issuer = &visitors_root, .key = EVP_RSA_gen(2048) },
	    NULL);
	add("rsa4096", (struct pki_wish){ .issuer = &visitors_root, .key = EVP_RSA_gen(4096) },
	    NULL);
	add("p384", (struct pki_wish){ .issuer = &visitors_root, .key = EVP_EC_gen("P-384") },
	    NULL);
	add("ed25519",
	    (struct pki_wish){ .issuer = &visitors_root,
			       .key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519") },
	    NULL);
	add("dns",
	    (struct pki_wish){ .issuer = &visitors_root, .names = "DNS:b.example,DNS:A.Example" },
	    NULL);
	add("wild", (struct pki_wish){ .issuer = &visitors_root, .names = "DNS:*.example" }, NULL);
	add("partial", (struct pki_wish){ .issuer = &visitors_root, .names = "DNS:a*.example" },
	    NULL);
	add("parent", (struct pki_wish){ .issuer = &visitors_root, .names = "DNS:example" }, NULL);
	add("nul",
	    (struct pki_wish){ .issuer = &visitors_root, .raw_dns = SLICE("a.example\0.evil") },
	    NULL);
	add("odd", (struct pki_wish){ .issuer = &visitors_root, .raw_dns = SLICE("\xff\r\n a=b") },
	    NULL);
	add("email", (struct pki_wish){ .issuer = &visitors_root, .names = "email:Box@A.EXAMPLE" },
	    NULL);
	add("email-case",
	    (struct pki_wish){ .issuer = &visitors_root, .names = "email:box@a.example" }, NULL);
	add("uri",
	    (struct pki_wish){ .issuer = &visitors_root, .names = "URI:SPIFFE://A.example/x" },
	    NULL);
	add("uri-case",
	    (struct pki_wish){ .issuer = &visitors_root, .names = "URI:spiffe://a.example/X" },
	    NULL);
	/* What the subject says is not what the subjectAltName says. */
	add("a.example", (struct pki_wish){ .issuer = &visitors_root }, NULL);
	add("by  Subject", (struct pki_wish){ .issuer = &visitors_root }, NULL);
	add("fingerprint", (struct pki_wish){ .issuer = &visitors_root }, NULL);
	add("key", (struct pki_wish){ .issuer = &visitors_root }, NULL);
}

void visitors_make(void)
{
	visitors_root = pki_make((struct pki_wish){ .title = "Root", .ca = true });
	visitors_inter = pki_make(
		(struct pki_wish){ .title = "Inter", .ca = true, .issuer = &visitors_root });
	other_root = pki_make((struct pki_wish){ .title = "Other", .ca = true });
	add_all();
}

void visitors_drop(void)
{
	pki_drop(&visitors_root);
	pki_drop(&visitors_inter);
	pki_drop(&other_root);
	for (size_t i = 0; i < DEEP - 1; i++)
		pki_drop(&deep[i]);
	for (size_t i = 0; i < visitor_count; i++)
		pki_drop(&visitors[i].cert);
}
