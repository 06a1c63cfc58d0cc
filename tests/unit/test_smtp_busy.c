/* The likely cause of a refusal for now, from what servers say. */
#include "proxy/smtp/busy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_servers_say(void **state)
{
	static const struct {
		const char *greeting;
		const char *cause; /* has this */
	} rows[] = {
		{ "421 4.7.0 mx.test Error: too many connections from 192.0.2.1\r\n",
		  "smtpd_client_connection_count_limit" },
		{ "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, "
		  "closing transmission channel\r\n",
		  "MaxInboundConnectionPerSource" },
		{ "421 Too many concurrent SMTP connections from this IP address; please try again "
		  "later.\r\n",
		  "smtp_accept_max_per_host" },
		{ "421 Too many concurrent SMTP connections; please try again later.\r\n",
		  "smtp_accept_max for all" },
		{ "421 4.3.2 Too many open connections.\r\n", "ClientConn" },
		{ "421 4.3.2 Connection rate limit exceeded.\r\n", "new connections" },
		{ "421 4.7.0 TOO MANY sessions\r\n", "limit of connections" },
		{ "421 mx.test Service closing transmission channel\r\n", "overloaded" },
		{ "421\r\n", "overloaded" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_non_null(strstr(busy_cause(slice_str(rows[i].greeting)), rows[i].cause));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_servers_say) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
