/* What options of a backend, and of its clients, say together. */
#include "config/backends.h"

/* By values, not by what was written: a printed configuration has all defaults, too. */
static void check_tls(struct draft *draft, const struct section *section)
{
	const struct backend_config *backend = section->values;
	const struct {
		const char *name;
		bool matters; /* it is not the default */
		bool pinned;  /* a pin stands in its place */
	} rows[] = {
		{ "tls_ca", strcmp(backend->tls_ca, "system") != 0, true },
		{ "tls_name", backend->tls_name != NULL, true },
		{ "tls_pin", backend->tls_pin.count > 0, false },
		{ "tls_policy", backend->tls_policy != TLS_INTERMEDIATE, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (rows[i].matters && backend->tls == BACKEND_TLS_OFF)
			complain(draft->complaints, draft_place(section, rows[i].name),
				 "`%s` means nothing without `tls = starttls` or `tls = implicit`",
				 rows[i].name);
		else if (rows[i].matters && rows[i].pinned && backend->tls_pin.count > 0)
			complain(draft->complaints, draft_place(section, rows[i].name),
				 "`%s` means nothing where `tls_pin` says which key it must be",
				 rows[i].name);
	}
}

/* A session opened ahead is nobody's yet: its client can only be told of later. */
static void check_warm(struct draft *draft, const struct section *section)
{
	const struct backend_config *backend = section->values;

	if (backend->warm > 0 && backend->identity != IDENTITY_NONE &&
	    backend->identity != IDENTITY_XCLIENT)
		complain(draft->complaints, draft_place(section, "warm"),
			 "`warm` needs `identity = xclient` or `identity = none`: what else there "
			 "is tells the client's address when it connects");
}

static void check_source(struct draft *draft, const struct section *section)
{
	const struct backend_config *backend = section->values;

	if (backend->source.count > 0 && backend->identity == IDENTITY_TRANSPARENT)
		complain(
			draft->complaints, draft_place(section, "source"),
			"`source` means nothing with `identity = transparent`, which connects from "
			"the client's address");
}

void backend_check(struct draft *draft, const struct section *section)
{
	check_tls(draft, section);
	check_warm(draft, section);
	check_source(draft, section);
}

void clients_check(struct draft *draft, const struct section *section)
{
	const struct clients_config *clients = section->values;

	if (clients->login == LOGIN_MAP && !clients->allow_file)
		complain(draft->complaints, draft_place(section, "login"),
			 "`login = map` needs `allow_file`, which has the logins");
}
