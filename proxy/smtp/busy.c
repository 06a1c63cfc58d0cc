#include "proxy/smtp/busy.h"

/*
 * What servers say when a limit of theirs is reached, in their own words, as far as these tell it.
 * The first row that is found wins.
 */
static const struct {
	struct slice words;
	const char *cause;
} rows[] = {
#define ROW(words, cause) \
	{ \
		{ words, sizeof(words) - 1 }, cause \
	}
	ROW("too many connections from",
	    "Postfix: smtpd_client_connection_count_limit (50) for one address; list Postern's in "
	    "smtpd_client_event_limit_exceptions"),
	ROW("connection rate limit", "the server's limit of new connections from one address"),
	ROW("concurrent SMTP connections from this IP",
	    "Exim: smtp_accept_max_per_host for one address"),
	ROW("concurrent SMTP connections", "Exim: smtp_accept_max for all together"),
	ROW("maximum number of concurrent connections",
	    "Exchange: MaxInboundConnectionPerSource (20) for one address, or "
	    "MaxInboundConnection for all, of the receive connector"),
	ROW("too many open connections", "Sendmail: ClientConn for one address"),
	ROW("too many", "the server's limit of connections, of all or from one address"),
#undef ROW
};

static bool contains_nocase(struct slice text, struct slice words)
{
	for (size_t i = 0; i + words.len <= text.len; i++)
		if (slice_eq_nocase(slice_head(slice_skip(text, i), words.len), words))
			return true;
	return false;
}

const char *busy_cause(struct slice greeting)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (contains_nocase(greeting, rows[i].words))
			return rows[i].cause;
	return "the server is overloaded, stopping, or has reached a limit of its own, perhaps of "
	       "sessions from one address, as it may see all of them come from Postern's";
}
