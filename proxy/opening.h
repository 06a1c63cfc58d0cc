/* Why an address cannot be listened at, in words, and what to do about it. */
#ifndef PROXY_OPENING_H
#define PROXY_OPENING_H

#include "base/addr.h"
#include "config/complaints.h"

/* Complains, at `place`, of the option that names the address; `error` is the errno. */
void opening_failed(const char *place, const char *option, const struct addr *addr, int error,
		    struct complaints *complaints);

#endif
