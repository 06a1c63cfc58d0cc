#include "tests/unit/config_aid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

/* `lines` stand behind REST: the first is line 8. */
struct fault {
	const char *lines;
	const char *complaint;
};

static void assert_faults(const struct fault *faults, size_t count)
{
	char text[1000];

	for (size_t i = 0; i < count; i++) {
		snprintf(text, sizeof text, REST "%s", faults[i].lines);
		assert_one(text, faults[i].complaint);
	}
}

#define ASSERT_FAULTS(faults) assert_faults(faults, sizeof(faults) / sizeof *(faults))

static const struct fault value_faults[] = {
	{ "[postern]\nworkers = many\n", "main.ini:9: `workers` cannot be `many`: expected "
					 "auto, or a number from 1 to 256\n" },
	{ "[postern]\nworkers = 0\n", "main.ini:9: `workers` cannot be `0`: expected auto, "
				      "or a number from 1 to 256\n" },
	{ "[postern]\nhostname = a_b..c\n",
	  "main.ini:9: `hostname` cannot be `a_b..c`: expected a host name such as "
	  "mail.example.org\n" },
	{ "[postern]\nuser = a b\n",
	  "main.ini:9: `user` cannot be `a b`: expected the name of a user\n" },
	{ "[postern]\nlog = stdrr\n",
	  "main.ini:9: `log` cannot be `stdrr`: expected stderr, syslog or a path with a "
	  "slash; did you mean `stderr`?\n" },
	{ "[postern]\nlog_level = warn\n",
	  "main.ini:9: `log_level` cannot be `warn`: expected error, warning, info or "
	  "debug\n" },
	{ "[postern]\nlog_format = JSON\n", "main.ini:9: `log_format` cannot be `JSON`: "
					    "expected text or json; did you mean `json`?\n" },
	{ "[timeouts]\nreply = 0\n",
	  "main.ini:9: `reply` cannot be `0`: expected a time, such as 500ms, 30s, 5m or "
	  "1h, from 1ms to 24h\n" },
	{ "[timeouts]\ndrain = 25h\n",
	  "main.ini:9: `drain` cannot be `25h`: expected a time, such as 500ms, 30s, 5m or "
	  "1h, from 1ms to 24h\n" },
	{ "[policy default]\nmessage_size = 1025T\n",
	  "main.ini:9: `message_size` cannot be `1025T`: expected a size in bytes, such as "
	  "100, 64K or 50M, from 0 to 1024T\n" },
	{ "[policy default]\nrequire_auth = true\n",
	  "main.ini:9: `require_auth` cannot be `true`: expected no or yes\n" },
	{ "[policy default]\nverbs_off = VRFY EXPN\n",
	  "main.ini:9: `verbs_off` cannot be `VRFY EXPN`: expected words of letters, digits "
	  "and hyphens\n" },
	{ "[policy default]\nverbs_off = VR*\n",
	  "main.ini:9: `verbs_off` cannot be `VR*`: expected words of letters, digits and "
	  "hyphens\n" },
	{ "[policy default]\nverbs_off = VRFY,,EXPN\n",
	  "main.ini:9: `verbs_off` cannot be ``: expected a value between commas\n" },
	{ "[policy default]\nverbs_off = VRFY,\n",
	  "main.ini:9: `verbs_off` cannot be ``: expected a value between commas\n" },
	{ "[policy default]\nverbs_pass = XA, xb\nverbs_off = XB\n",
	  "main.ini:9: `xb` is in `verbs_pass` and in `verbs_off`; take it out of one\n" },
	{ "[policy default]\nverbs_off = EXPN, mail\n",
	  "main.ini:9: `mail` in `verbs_off`: no mail can be sent without it; take it out\n" },
	{ "[policy default]\nverbs_pass = DATA\n",
	  "main.ini:9: `DATA` in `verbs_pass`: it is known anyway; take it out\n" },
	{ "[policy default]\nverbs_pass = XCLIENT\n",
	  "main.ini:9: `XCLIENT` in `verbs_pass`: it is never passed; take it out\n" },
	{ "[policy default]\nkeywords_pass = STARTTLS\n",
	  "main.ini:9: `STARTTLS` in `keywords_pass`: it is never shown; take it out\n" },
	{ "[listener x]\naddress = 127.0.0.1:5\ntls = required\n[policy default]\nverbs_off = "
	  "STARTTLS\n",
	  "main.ini:10: `tls = required` needs STARTTLS, which [policy default] switches off; take "
	  "it out there\n" },
	{ "[policy default]\nkeywords_pass = XA\nkeywords_hide = XA\n",
	  "main.ini:9: `XA` is in `keywords_pass` and in `keywords_hide`; take it out of "
	  "one\n" },
	{ "[policy default]\nnormalize_networks = 10.0.0.1/8\n",
	  "main.ini:9: `normalize_networks` cannot be `10.0.0.1/8`: bits behind the "
	  "network's own are set; clear them or give more bits\n" },
	{ "[limits]\nrate_per_ip = 120\n",
	  "main.ini:9: `rate_per_ip` cannot be `120`: expected a number and a time, as in 10/s, "
	  "120/m or 60/h, or 0\n" },
	{ "[limits]\nrate_per_ip = 1/25h\n",
	  "main.ini:9: `rate_per_ip` cannot be `1/25h`: expected a number and a time, as in 10/s, "
	  "120/m or 60/h, or 0\n" },
	{ "full = 30s\n",
	  "main.ini:8: `full` cannot be `30s`: expected `wait` and a time, as in wait 30s, or "
	  "refuse\n" },
	{ "full = wait 1h\n",
	  "main.ini:8: `full` cannot be `1h`: expected a time, such as 500ms, 30s, 5m or 1h, "
	  "from 0s to 5m\n" },
	{ "source = 10.0.0.0/8\n",
	  "main.ini:8: `source` cannot be `10.0.0.0/8`: expected an address, not a network\n" },
	{ "tls = implicit\ntls_pin = sha256:00\n",
	  "main.ini:9: `tls_pin` cannot be `sha256:00`: expected spki: and the 64 hexadecimal "
	  "digits of a SHA-256\n" },
	{ "tls_name = mx.example.org\n",
	  "main.ini:8: `tls_name` means nothing without `tls = starttls` or `tls = implicit`\n" },
	{ "relay_to = nobody\n",
	  "main.ini:8: `relay_to` cannot be `nobody`: expected a mailbox such as "
	  "postmaster@example.org\n" },
	{ "relay_from = a b@c.d\n",
	  "main.ini:8: `relay_from` cannot be `a b@c.d`: expected a mailbox such as "
	  "postmaster@example.org\n" },
	{ "warm = 2\n",
	  "main.ini:8: `warm` needs `identity = xclient` or `identity = none`: what else there is "
	  "tells the client's address when it connects\n" },
	{ "identity = transparent\nsource = ::1\n",
	  "main.ini:9: `source` means nothing with `identity = transparent`, which connects from "
	  "the client's address\n" },
	{ "[clients x]\nca = c\nlogin = map\n",
	  "main.ini:10: `login = map` needs `allow_file`, which has the logins\n" },
	{ "[postern]\ncontrol = of\n",
	  "main.ini:9: `control` cannot be `of`: expected off or a path with a slash; did you "
	  "mean `off`?\n" },
	{ "[policy default]\nauth = never\nrequire_auth = yes\n",
	  "main.ini:10: `require_auth = yes` with `auth = never` takes no mail at all; "
	  "change one of them\n" },
};

static void values_that_cannot_be_are_told(void **state)
{
	(void)state;
	ASSERT_FAULTS(value_faults);
}

static void servers_are_checked(void **state)
{
	static const struct {
		const char *server, *why;
	} rows[] = {
		{ "1.2.3.4", "expected `address:port`, `[IPv6 address]:port` or `unix:/path`" },
		{ "1.2.3.4:0", "expected a port from 1 to 65535" },
		{ "1.2.3:25", "expected a numeric IPv4 address before the port" },
		{ "localhost:0", "expected a port from 1 to 65535 after the colon" },
		{ "localhost:99999", "expected a port from 1 to 65535 after the colon" },
		{ "localhost:smtp", "expected a port from 1 to 65535 after the colon" },
		{ "mail_:x:25", "expected `address:port`, `[IPv6 address]:port` or `unix:/path`" },
		{ "unix:relative", "expected an absolute path after `unix:`" },
	};
	char text[400], want[400];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		snprintf(text, sizeof text,
			 "[listener a]\naddress = [::1]:1\n[certificate c]\nchain = c\nkey = k\n"
			 "[backend b]\nserver = %s\n",
			 rows[i].server);
		snprintf(want, sizeof want, "main.ini:7: `server` cannot be `%s`: %s\n",
			 rows[i].server, rows[i].why);
		if (i == 6) /* a colon too many: the host is one, the port is not */
			assert_non_null(strstr(bad(text), "main.ini:7: `server` cannot be"));
		else
			assert_one(text, want);
	}
	assert_one("[listener a]\naddress = [::1]:1\n[certificate c]\nchain = c\nkey = k\n"
		   "[backend b]\nserver = 1.2.3.4:25, 1.2.3.5:25, 1.2.3.4:25\n",
		   "main.ini:7: `server` cannot be `1.2.3.4:25`: it is in the list already\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, config_aid_forget)
	const struct CMUnitTest tests[] = {
		TEST(values_that_cannot_be_are_told),
		TEST(servers_are_checked),
	};

	return cmocka_run_group_tests(tests, config_aid_set_up, config_aid_tear_down);
}
