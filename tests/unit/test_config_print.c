#include "tests/unit/config_aid.h"

#include "config/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static const char everything[] =
	"[postern]\nhostname = mx.example.org\nworkers = 3\nuser = mail\nlog = syslog\n"
	"log_level = debug\nlog_format = json\ncontrol = c.d/s\nmetrics = off\nsandbox = no\n"
	"[limits]\nsessions = 77\nsessions_per_ip = 3\nrate_per_ip = 7/90s\n"
	"auth_failures_per_ip = 0\nban = 1h\nexempt =\n"
	"[timeouts]\nhandshake = 1500ms\ngreeting = 61s\ndata_rate = 1025\nsession = 24h\n"
	"[certificate one]\nchain = c c.pem\nkey = ./k\nnames = *.example.org, a.example.org\n"
	"[certificate two]\nchain = c2\nkey = k2\n[certificate three]\ndir = live\n[backend "
	"x]\nserver = [::1]:2525\n"
	"[backend y]\nserver = unix:/run/l m, localhost:25\nconnect_timeout = 90s\n"
	"balance = source\ntls = starttls\ntls_ca = d/ca\ntls_name = b.example\n"
	"tls_policy = legacy\nidentity = xclient\ntrace_header = yes\nprobe = 0s\n"
	"max_sessions = 9\nfull = refuse\nsource = 127.0.0.9, ::1\nopen_relay = accept\n"
	"relay_from = a+b@c.example\nrelay_to = d@e.example\n"
	"warm = 2\nresolve = 1m\n[policy p]\n"
	"message_size = 52428801\nrequire_auth = yes\nbare_newline = normalize\n"
	"normalize_networks = 192.0.2.0/24, ::/0, 0.0.0.0/0\nauth_hide =\nverbs_off =\n"
	"verbs_pass = XA\npipelining = tolerant\n[clients d]\nverify = request\nca = ca\n"
	"crl = one.crl, two.crl\ndepth = 2\nallow = dns:*.a.example, subject:CN=a\\, b,O=c\n"
	"allow = email:b@c\nallow_file = l\nrefuse = tls\ncrl_missing = accept\nlogin = map\n"
	"[listener l]\nclients = d\naddress = 0.0.0.0:587, [::]:587\n"
	"certificate = two, one\npolicy = p\nbackend = y\nnetworks = 10.0.0.0/8, ::1\ntickets = 2\n"
	"[listener m]\naddress = unix:/run/m\ntls = optional\nbackend = x\nproxy_protocol = unix, "
	"10.0.0.0/8\n";

static void what_is_printed_reads_back(void **state)
{
	struct config *config = good(everything), *again;
	char *text = printed(config, CONFIG_EFFECTIVE);

	(void)state;
	again = good(text);
	assert_same(config, again);
	free(text);
	text = printed(config, CONFIG_CHANGED);
	again = good(text);
	assert_same(config, again);
	free(text);
	config_free(config);
}

/* As when certificates are renewed, and the file is another one by then. */
static void a_copy_is_the_same(void **state)
{
	struct config *config = good(everything), *copy;

	(void)state;
	write_file("main.ini", SLICE("[nonsense]\n"));
	copy = config_copy(config, complaints());
	assert_non_null(copy);
	assert_string_equal(copy->path, config->path);
	assert_same(config, copy);
	config_free(config);
}

static void changed_has_no_defaults(void **state)
{
	char path[200], want[1000];
	struct config *config = good(REST "[limits]\nsessions = 0\n[timeouts]\nreply = 5m\n"
					  "command = 301s\n[policy default]\n"
					  "verbs_off = VRFY, EXPN, ETRN\n[postern]\n"
					  "workers = auto\n");

	(void)state;
	strcpy(path, in_directory(""));
	snprintf(want, sizeof want,
		 "; %smain.ini: what differs from the defaults\n"
		 "\n[listener a]\naddress = 127.0.0.1:465\n"
		 "\n[certificate c]\nchain = %sc.pem\nkey = %sk.pem\n"
		 "\n[backend b]\nserver = 127.0.0.1:25\n"
		 "\n[timeouts]\ncommand = 301s\n",
		 path, path, path);
	char *text = printed(config, CONFIG_CHANGED);
	assert_string_equal(text, want);
	free(text);
	config_free(config);
	/* An empty list in place of one that is not is a change, and a section can be all there is.
	 */
	config = good(REST "[policy p]\n[listener x]\naddress = [::1]:1\npolicy = p\n"
			   "[policy default]\nauth_hide =\n");
	text = printed(config, CONFIG_CHANGED);
	assert_non_null(strstr(text, "\n[policy default]\nauth_hide =\n"));
	assert_non_null(strstr(text, "\n[policy p]\n"));
	struct config *again = good(text);
	assert_same(config, again);
	free(text);
	config_free(config);
}

static void effective_has_all_options(void **state)
{
	struct config *config = good(REST "[clients x]\n");
	char *text = printed(config, CONFIG_EFFECTIVE), line[100];

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		snprintf(line, sizeof line, "\n%s =", options[i].name);
		assert_int_equal(strstr(text, line) != NULL, options[i].type != OPTION_INCLUDE);
	}
	free(text);
	config_free(config);
}

/* The sample works as it is, and with every default taken out of its comment says the same. */
static void the_sample_is_true(void **state)
{
	char *sample = printed(NULL, CONFIG_DEFAULTS), line[100];
	struct config *as_it_is = good(sample), *opened;

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		snprintf(line, sizeof line, "\n%s%s =", options[i].preset ? ";" : "",
			 options[i].name);
		char *at = strstr(sample, line);
		if (!at)
			fail_msg("the sample lacks %s", options[i].name);
		if (options[i].preset)
			at[1] = ' ';
	}
	opened = good(sample);
	assert_same(as_it_is, opened);
	config_free(as_it_is);
	free(sample);
}

static void the_table_is_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option *option = &options[i];
		assert_true(option->help && *option->help);
		assert_true(option->preset || option->sample);
		assert_true(option->type != OPTION_WORD || option->words);
		assert_ptr_equal(option_find(option->section, slice_str(option->name)), option);
		if (option_shape(option) == SHAPE_NUMBER)
			assert_true(option->max > option->min && option->size == sizeof(uint64_t));
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, config_aid_forget)
	const struct CMUnitTest tests[] = {
		TEST(what_is_printed_reads_back), TEST(a_copy_is_the_same),
		TEST(changed_has_no_defaults),    TEST(effective_has_all_options),
		TEST(the_sample_is_true),         TEST(the_table_is_whole),
	};

	return cmocka_run_group_tests(tests, config_aid_set_up, config_aid_tear_down);
}
