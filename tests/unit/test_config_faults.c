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

static const struct fault line_faults[] = {
	{ "[listner x]\nfoo = 1\n",
	  "main.ini:8: there is no section `listner`; did you mean `listener`?\n" },
	{ "[frobnicate]\n",
	  "main.ini:8: there is no section `frobnicate`; expected postern, listener, "
	  "certificate, clients, backend, policy, limits or timeouts\n" },
	{ "[]\n", "main.ini:8: there is no section ``; expected postern, listener, "
		  "certificate, clients, backend, policy, limits or timeouts\n" },
	{ "[limits\n", "main.ini:8: `[limits` does not end with `]`\n" },
	{ "[limits] x\n", "main.ini:8: `[limits] x` does not end with `]`\n" },
	{ "[\n", "main.ini:8: `[` does not end with `]`\n" },
	{ "[limits all]\n",
	  "main.ini:8: [limits] is there once and has no name; write [limits]\n" },
	{ "[policy]\n", "main.ini:8: expected a name of letters, digits, `.`, `_` and `-` "
			"(64 at most), as in [policy default]\n" },
	{ "[policy a b]\n", "main.ini:8: expected a name of letters, digits, `.`, `_` and `-` "
			    "(64 at most), as in [policy default]\n" },
	{ "[limits]\nsesions = 1\n",
	  "main.ini:9: `sesions` is no option of [limits]; did you mean `sessions`?\n" },
	{ "[limits]\nhandshake = 1s\n",
	  "main.ini:9: `handshake` is no option of [limits]; it belongs into "
	  "[timeouts]\n" },
	{ "[limits]\nserver = x\n", "main.ini:9: `server` is no option of [limits]; it "
				    "belongs into [backend NAME]\n" },
	{ "[limits]\nxyzzy = x\n", "main.ini:9: `xyzzy` is no option of [limits]; `postern "
				   "config -d` prints all of them\n" },
	{ "[limits]\na:b = x\n", "main.ini:9: `a:b` is no option of [limits]; `postern "
				 "config -d` prints all of them\n" },
	{ "[limits]\nsessions: 5\n",
	  "main.ini:9: expected `option = value` or `[section]`, not `sessions: 5`\n" },
	{ "[limits]\nsessions\n",
	  "main.ini:9: expected `option = value` or `[section]`, not `sessions`\n" },
	{ "[limits]\n= 5\n", "main.ini:9: expected an option's name before `=`\n" },
	{ "[limits]\nsessions =\n", "main.ini:9: `sessions` cannot be ``: expected a value; "
				    "leave the line out for the default\n" },
	{ "[limits]\nsessions = 1\nsessions = 1\n",
	  "main.ini:10: `sessions` is set already, at main.ini:9; keep one of them\n" },
	{ "[limits]\n[limits]\n", "main.ini:9: [limits] is there already, at main.ini:8; "
				  "put all its options into one section\n" },
	{ "[backend b]\nserver = 1.2.3.4:5\n",
	  "main.ini:8: [backend b] is there already, at main.ini:6; put all its options "
	  "into one section\n" },
	{ "[limits]\nsessions = \"5\"\n",
	  "main.ini:9: `sessions` cannot be `\"5\"`: expected the value without quotes\n" },
	{ "[limits]\nsessions = 10000001\n",
	  "main.ini:9: `sessions` cannot be `10000001`: expected a number from 0 to "
	  "10000000\n" },
	{ "[limits]\nsessions = -1\n", "main.ini:9: `sessions` cannot be `-1`: expected a "
				       "number from 0 to 10000000\n" },
};

static void lines_that_cannot_be_read_are_told(void **state)
{
	(void)state;
	ASSERT_FAULTS(line_faults);
}

static const struct fault reference_faults[] = {
	{ "[certificate d]\nkey = k\n", "main.ini:8: [certificate d] needs `chain`, as in "
					"`chain = /etc/letsencrypt/live/mail.example.org/"
					"fullchain.pem`\n" },
	{ "[certificate d]\nchain =\nkey = k\n",
	  "main.ini:9: `chain` cannot be ``: expected a value; leave the line out for the "
	  "default\n" },
	{ "[certificate d]\nchain = c\nkey = k\nnames = *.*.org\n",
	  "main.ini:11: `names` cannot be `*.*.org`: expected a host name, or `*.` and a "
	  "domain\n" },
	{ "[listener x]\ntls = implicit\n", "main.ini:8: [listener x] needs `address`, as "
					    "in `address = 0.0.0.0:465, [::]:465`\n" },
	{ "[listener x]\naddress =\n", "main.ini:9: `address` cannot be ``: expected a "
				       "value\n" },
	{ "[listener x]\naddress = localhost:465\n",
	  "main.ini:9: `address` cannot be `localhost:465`: expected a numeric IPv4 address "
	  "before the port\n" },
	{ "[listener x]\naddress = [::ffff:1.2.3.4]:465\n",
	  "main.ini:9: `address` cannot be `[::ffff:1.2.3.4]:465`: expected the IPv4 "
	  "address itself in place of the mapped one\n" },
	{ "[listener x]\naddress = [::1]:1, 127.0.0.1:465\n",
	  "main.ini:9: `127.0.0.1:465` has a listener already, at main.ini:2; an address "
	  "can have one only\n" },
	{ "[listener x]\naddress = [::1]:1\naddress = [::1]:1\n",
	  "main.ini:10: `[::1]:1` has a listener already, at main.ini:10; an address can have "
	  "one only\n" },
	{ "[listener x]\naddress = [::1]:1\npolicy = defalt\n",
	  "main.ini:10: there is no section [policy defalt]; did you mean `default`?\n" },
	{ "[listener x]\naddress = [::1]:1\nbackend = zzz\n",
	  "main.ini:10: there is no section [backend zzz]\n" },
	{ "[listener x]\naddress = [::1]:1\ncertificate = c, d\n",
	  "main.ini:10: there is no section [certificate d]; did you mean `c`?\n" },
	{ "[listener x]\naddress = [::1]:1\ntickets = 3\n",
	  "main.ini:10: `tickets` cannot be `3`: expected auto, 0, 1 or 2; did you mean "
	  "`0`?\n" },
	{ "[listener x]\naddress = [::1]:1\ngreet_delay = 6m\n",
	  "main.ini:10: `greet_delay` cannot be `6m`: expected a time, such as 500ms, 30s, "
	  "5m or 1h, from 0s to 5m\n" },
	{ "[postern]\ninclude = none.ini\n",
	  "main.ini:9: cannot read none.ini: there is no such file\n" },
};

static void sections_must_fit_each_other(void **state)
{
	(void)state;
	ASSERT_FAULTS(reference_faults);
}

static void what_is_needed_is_missed(void **state)
{
	(void)state;
	assert_string_equal(
		bad("\n"),
		"main.ini:1: there is no section [listener NAME]; at least one is needed\n"
		"main.ini:1: there is no section [backend NAME]; at least one is needed\n");
	bad("");
	assert_int_equal(complaints()->count, 2);
	assert_one("[listener a]\naddress = [::1]:1\n[backend b]\nserver = [::1]:2\n",
		   "main.ini:1: [listener a] has no certificate; add a section "
		   "[certificate NAME]\n");
	assert_one(REST "[backend x]\nserver = [::1]:2\n",
		   "main.ini:1: [listener a] needs `backend`, as there are 2 of them\n");
}

static void all_faults_are_told_in_one_run(void **state)
{
	(void)state;
	assert_string_equal(
		bad("x = 1\n[postern]\nworkers = x\nfoo = 1\n[listener a]\naddress = 1\n"
		    "policy = q\n[listener b]\n"),
		"main.ini:1: `x` stands before the first [section]\n"
		"main.ini:3: `workers` cannot be `x`: expected auto, or a number from 1 to 256\n"
		"main.ini:4: `foo` is no option of [postern]; `postern config -d` prints all of "
		"them\n"
		"main.ini:6: `address` cannot be `1`: expected `address:port`, `[IPv6 "
		"address]:port` "
		"or `unix:/path`\n"
		"main.ini:1: there is no section [backend NAME]; at least one is needed\n"
		"main.ini:5: [listener a] has no certificate; add a section [certificate NAME]\n"
		"main.ini:7: there is no section [policy q]\n"
		"main.ini:8: [listener b] needs `address`, as in `address = 0.0.0.0:465, "
		"[::]:465`\n"
		"main.ini:8: [listener b] has no certificate; add a section [certificate NAME]\n");
	assert_int_equal(complaints()->count, 9);
}

static void lines_have_a_limit(void **state)
{
	static char text[20000];
	int len = sprintf(text, REST "; ");

	(void)state;
	memset(text + len, 'c', 8190);
	strcpy(text + len + 8190, "\n[limits]\nsessions = x\n");
	/* 8192 bytes are a line; it is one more line, and what follows is read. */
	assert_one(text, "main.ini:10: `sessions` cannot be `x`: expected a number from 0 to "
			 "10000000\n");
	memset(text + len, 'c', 8191);
	strcpy(text + len + 8191, "\n[limits]\nsessions = x\n");
	const char *got = bad(text);
	assert_int_equal(complaints()->count, 2);
	assert_memory_equal(got, "main.ini:8: a line has at most 8192 bytes", 41);
	assert_non_null(strstr(got, "\nmain.ini:10: "));
	/* The rest of it is no line of its own. */
	memset(text + len, 'c', 9000);
	strcpy(text + len + 9000, "[frobnicate]");
	bad(text);
	assert_int_equal(complaints()->count, 1);
	assert_null(strstr(complaints()->text, "frobnicate"));
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	(void)state;
	assert_string_equal(bad_bytes(SLICE(REST "[limits]\nsessions = 1\0\n\0\n\0\n[limts]\n")),
			    "main.ini:9: a NUL byte; expected a text file\n"
			    "main.ini:12: there is no section `limts`; did you mean `limits`?\n");
	assert_one(REST "[limits]\nsessions = 1\x1b[31m\n",
		   "main.ini:9: a control byte; expected text\n");
	assert_one(REST "a\rb\n", "main.ini:8: a control byte; expected text\n");
}

static void complaints_cannot_reach_the_terminal(void **state)
{
	struct strings overrides = { (const char *[]){ "limits.\x1b[31m=1" }, 1 };

	(void)state;
	assert_null(read_with(SLICE(REST), &overrides));
	assert_string_equal(complaints()->text,
			    "-D: `?[31m` is no option of [limits]; `postern config "
			    "-d` prints all of them\n");
}

static void files_that_cannot_be_read_are_told(void **state)
{
	(void)state;
	config_aid_forget(NULL);
	assert_null(config_read("/nonexistent/x.ini", NULL, complaints()));
	assert_string_equal(complaints()->text,
			    "/nonexistent/x.ini:1: cannot read /nonexistent/x.ini: "
			    "No such file or directory\n");
	config_aid_forget(NULL);
	assert_null(config_read(directory(), NULL, complaints()));
	assert_non_null(strstr(complaints()->text, ": it is a directory\n"));
	config_aid_forget(NULL);
	assert_null(config_read("/dev/zero", NULL, complaints()));
	assert_string_equal(complaints()->text,
			    "/dev/zero:1: cannot read /dev/zero: it is not a file\n");
	assert_int_equal(complaints()->count, 1);
}

static void what_nobody_uses_is_worth_a_warning(void **state)
{
	struct config *config =
		good("[policy p]\nerrors = 3\n[backend b]\nserver = [::1]:2\n[backend x]\n"
		     "server = [::1]:3\n[certificate c]\nchain = c\nkey = k\n"
		     "[certificate d]\nchain = c\nkey = k\n[listener a]\n"
		     "address = [::1]:1\nbackend = b\ncertificate = c\n");
	static const char *const words[] = {
		"main.ini:1: warning: no listener uses [policy p]\n",
		"main.ini:5: warning: no listener uses [backend x]\n",
		"main.ini:10: warning: no listener uses [certificate d]\n"
	};

	(void)state;
	assert_int_equal(complaints()->count, 0);
	assert_int_equal(complaints()->warnings, 3);
	for (size_t i = 0; i < 3; i++)
		assert_non_null(strstr(complaints()->text, words[i]));
	config_free(config);
}

static void somebody_can_come_by_every_address(void **state)
{
	(void)state;
	assert_one(REST "[listener b]\naddress = unix:/run/b\nproxy_protocol = ::1\n",
		   "main.ini:10: nobody could come in at `unix:/run/b`: add `unix` to "
		   "`proxy_protocol`\n");
	assert_one(REST "[listener b]\naddress = unix:/b, [::1]:1\nproxy_protocol = unix\n",
		   "main.ini:10: nobody could come in at `[::1]:1`: add the balancers' networks to "
		   "`proxy_protocol`\n");
}

static void legacy_is_for_some(void **state)
{
	(void)state;
	assert_one(
		REST "[listener b]\naddress = [::1]:1\ntls_policy = legacy\n",
		"main.ini:10: `tls_policy = legacy` needs `legacy_networks`: who has to use it\n");
	assert_one(REST "[listener b]\naddress = [::1]:1\nlegacy_networks = ::1\n",
		   "main.ini:10: `legacy_networks` means nothing without `tls_policy = legacy`\n");
	assert_one(REST "[listener b]\naddress = [::1]:1\nciphers = a;b\n",
		   "main.ini:10: `ciphers` cannot be `a;b`: expected names with colons between "
		   "them\n");
}

static void a_directory_goes_alone(void **state)
{
	(void)state;
	config_free(good("[certificate d]\ndir = live\n[listener a]\naddress = [::1]:1\n"
			 "[backend b]\nserver = [::1]:2\n"));
	assert_one("[certificate d]\ndir = live\nkey = k\n[listener a]\naddress = [::1]:1\n"
		   "[backend b]\nserver = [::1]:2\n",
		   "main.ini:3: [certificate d] has `dir`, which goes without `key`\n");
}

static void clients_must_not_be_got_around(void **state)
{
	static const char *const allowed[][2] = {
		{ "cn:a", "expected dns:, email:, uri:, subject:, sha256: or spki: and a value" },
		{ "dns:a b", "expected a host name, or `*.` and a domain" },
		{ "email:a", "expected an address such as a@example.org" },
		{ "uri:a", "expected a URI such as spiffe://example.org/a" },
		{ "subject:CN=a,b", "expected a name such as CN=a,O=b" },
		{ "sha256:abc",
		  "expected 64 hexadecimal digits behind it, with or without colons" },
	};
	char text[400], want[400];

	(void)state;
	assert_one("[clients d]\nca = x\n" REST "[listener o]\naddress = [::1]:25\n"
		   "tls = optional\nclients = d\n",
		   "main.ini:13: [clients d] has `verify = require`, which plain text would get "
		   "around; set `tls = required` here, or `verify = request` there\n");
	config_free(good("[clients d]\nverify = request\n" REST "[listener o]\n"
			 "address = [::1]:25\ntls = optional\nclients = d\n"));
	for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
		snprintf(text, sizeof text, "[clients d]\nallow = %s\n" REST, allowed[i][0]);
		snprintf(want, sizeof want, "main.ini:2: `allow` cannot be `%s`: %s\n",
			 allowed[i][0], allowed[i][1]);
		assert_one(text, want);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, config_aid_forget)
	const struct CMUnitTest tests[] = {
		TEST(lines_that_cannot_be_read_are_told),
		TEST(sections_must_fit_each_other),
		TEST(what_is_needed_is_missed),
		TEST(clients_must_not_be_got_around),
		TEST(legacy_is_for_some),
		TEST(somebody_can_come_by_every_address),
		TEST(a_directory_goes_alone),
		TEST(all_faults_are_told_in_one_run),
		TEST(lines_have_a_limit),
		TEST(bytes_that_are_no_text_are_refused),
		TEST(complaints_cannot_reach_the_terminal),
		TEST(files_that_cannot_be_read_are_told),
		TEST(what_nobody_uses_is_worth_a_warning),
	};

	return cmocka_run_group_tests(tests, config_aid_set_up, config_aid_tear_down);
}
