#include "proxy/opening.h"
#include "proxy/inuse.h"

#include <errno.h>

/* What may be wrong with an address, and what to do about it. */
static const char *open_remedy(int error)
{
	static const struct {
		int error;
		const char *remedy;
	} remedies[] = {
		{ EACCES, "a port below 1024 needs root or CAP_NET_BIND_SERVICE, a unix socket a "
			  "directory that may be written" },
		{ EADDRNOTAVAIL, "this machine does not have the address" },
		{ EAFNOSUPPORT, "this machine has no such kind of address: is IPv6 switched off?" },
		{ EMFILE, "raise the limit of open files (LimitNOFILE= of the unit, ulimit -n)" },
		{ ENOENT, "make the directory first" },
	};
	for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++) {
		if (remedies[i].error == error)
			return remedies[i].remedy;
	}
	return "choose another address";
}

void opening_failed(const char *place, const char *option, const struct addr *addr, int error,
		    struct complaints *complaints)
{
	char text[ADDR_TEXT_BYTES];
	addr_format(addr, text, sizeof(text));
	if (error == EADDRINUSE) {
		char owner[128];
		inuse_by(addr, owner, sizeof(owner));
		complain(complaints, place,
			 "%s %s is in use by %s: stop that, or choose another address", option,
			 text, owner);
		return;
	}
	complain(complaints, place, "%s %s cannot be opened: %s: %s", option, text, strerror(error),
		 open_remedy(error));
}
