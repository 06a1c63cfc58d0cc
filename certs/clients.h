/* A [clients] section as a listener uses it: authorities, revocation lists, allow lists. */
#ifndef CERTS_CLIENTS_H
#define CERTS_CLIENTS_H

#include "certs/allow.h"
#include "certs/certs.h"

enum { CLIENTS_DIGEST_BYTES = 32 };

struct client_policy {
	char *place; /* of the section */
	bool require;
	bool refuse_by_tls;
	bool lists;      /* only who is listed is allowed */
	bool checks_crl; /* there are revocation lists */
	bool crl_missing_accept;
	int depth;
	enum clients_login login;
	X509_STORE *store;         /* the authorities and their lists; NULL: no authority */
	STACK_OF(X509_NAME) * ask; /* the authorities that the request names */
	STACK_OF(X509_CRL) * crls;
	struct allow_list allow;
	/* Of all of the above: where it differs, no session may be resumed. */
	unsigned char digest[CLIENTS_DIGEST_BYTES];
};

/* Everything wrong goes to *complaints; NULL then. */
struct client_policy *client_policy_load(const struct clients_config *config,
					 struct complaints *complaints);
void client_policy_free(struct client_policy *policy);

/* Makes the context ask for certificates, and judge them. */
bool client_policy_install(const struct client_policy *policy, SSL_CTX *context);

/* The bytes of a store's tickets: what of the judgement a resumption needs. */
void client_install_tickets(SSL_CTX *context);

#endif
