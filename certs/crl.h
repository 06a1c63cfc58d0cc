/* Certificate revocation lists (RFC 5280 section 5). */
#ifndef CERTS_CRL_H
#define CERTS_CRL_H

#include "certs/cert.h"
#include "certs/clients.h"

/* Reads all lists of the section into the policy; what is wrong goes to the complaints. */
void crl_load(struct client_policy *policy, const struct clients_config *config,
	      struct cert_load *load);

/* Seconds since 1970; INT64_MAX for none. */
int64_t crl_time(const ASN1_TIME *time);

/* The earliest nextUpdate of all lists that is still to come, or INT64_MAX. */
int64_t crl_next_update(const struct client_policy *policy, int64_t now);

#endif
