#include "tests/unit/config_aid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void defaults_are_those_of_the_interface(void **state)
{
	struct config *config = good(REST);
	const struct listener_config *listener = &config->listeners[0];
	const struct policy_config *policy = listener->policy;
	const struct timeouts_config *times = &config->timeouts;
	cpu_set_t cores;

	(void)state;
	sched_getaffinity(0, sizeof cores, &cores);
	assert_int_equal(config->workers, CPU_COUNT(&cores));
	assert_true(config->hostname && *config->hostname);
	assert_string_equal(config->user, "postern");
	assert_string_equal(config->log, "stderr");
	assert_int_equal(config->log_level, LOG_LEVEL_INFO);
	assert_int_equal(config->log_format, LOG_FORMAT_TEXT);
	assert_int_equal(config->sessions, 0);
	assert_string_equal(config->path, in_directory("main.ini"));

	assert_int_equal(config->listener_count, 1);
	assert_string_equal(listener->name, "a");
	assert_string_equal(strrchr(listener->place, '/'), "/main.ini:1");
	assert_int_equal(listener->address.count, 1);
	assert_int_equal(listener->tls, LISTENER_IMPLICIT);
	assert_int_equal(listener->certificate_count, 1);
	assert_ptr_equal(listener->certificates[0], &config->certificates[0]);
	assert_ptr_equal(listener->backend, &config->backends[0]);
	assert_string_equal(listener->policy_name, "default");
	assert_int_equal(listener->networks.count, 0);
	assert_int_equal(listener->tls_policy, TLS_INTERMEDIATE);
	assert_int_equal(listener->tickets, TICKETS_AUTO);
	assert_int_equal(listener->greet_delay_ms, 0);
	assert_int_equal(config->backends[0].connect_timeout_ms, 5000);

	assert_int_equal(config->policy_count, 1);
	assert_ptr_equal(policy, &config->policies[0]);
	assert_string_equal(policy->name, "default");
	assert_int_equal(policy->message_size_bytes, 0);
	assert_int_equal(policy->recipients, 1000);
	assert_int_equal(policy->errors, 20);
	assert_int_equal(policy->messages, 0);
	assert_false(policy->require_auth || policy->normalize || policy->tolerate_pipelining ||
		     policy->tolerate_early_talker);
	assert_int_equal(policy->auth, AUTH_TLS);
	assert_int_equal(policy->auth_hide.count, 4);
	assert_string_equal(policy->auth_hide.item[0], "*-PLUS");
	assert_string_equal(policy->auth_hide.item[3], "DIGEST-MD5");
	assert_int_equal(policy->verbs_off.count, 3);
	assert_string_equal(policy->verbs_off.item[2], "ETRN");
	assert_int_equal(policy->verbs_pass.count + policy->keywords_hide.count +
				 policy->keywords_pass.count + policy->normalize_networks.count,
			 0);

	assert_int_equal(times->handshake_ms, 30000);
	assert_int_equal(times->greeting_ms, 120000);
	assert_int_equal(times->command_ms, 300000);
	assert_int_equal(times->reply_ms, 300000);
	assert_int_equal(times->data_start_ms, 120000);
	assert_int_equal(times->data_block_ms, 180000);
	assert_int_equal(times->data_rate, 100);
	assert_int_equal(times->data_end_ms, 600000);
	assert_int_equal(times->session_ms, 3600000);
	assert_int_equal(times->drain_ms, 60000);
	assert_null(complaints()->text);
	config_free(config);
	config_free(NULL);
}

static void every_option_reaches_its_place(void **state)
{
	struct config *config = good(
		"[postern]\nhostname = mx.example.org\nworkers = 3\nuser = mail\n"
		"log = /var/log/postern.log\nlog_level = debug\nlog_format = json\n"
		"[limits]\nsessions = 77\n"
		"[timeouts]\nhandshake = 1s\ngreeting = 2s\ncommand = 3s\nreply = 4s\n"
		"data_start = 5s\ndata_block = 6s\ndata_rate = 7K\ndata_end = 8m\nsession = 9h\n"
		"drain = 10ms\n"
		"[certificate one]\nchain = /c\nkey = /k\nnames = *.example.org, a.example.org\n"
		"[certificate two]\nchain = c2\nkey = ../k2\n"
		"[backend x]\nserver = [::1]:2525\nconnect_timeout = 1500ms\n"
		"[backend y]\nserver = unix:/run/lmtp\n"
		"[policy p]\nmessage_size = 50M\nrecipients = 11\nerrors = 12\nmessages = 13\n"
		"require_auth = yes\nbare_newline = normalize\n"
		"normalize_networks = 192.0.2.0/24\nauth = always\nauth_hide = NTLM\n"
		"verbs_off = HELP\nverbs_pass = XA, XB\nkeywords_hide = DSN\n"
		"keywords_pass = XA\npipelining = tolerant\nearly_talker = tolerate\n"
		"[listener l]\naddress = 0.0.0.0:587, [::]:587\ntls = required\n"
		"certificate = two, one\npolicy = p\nbackend = y\nnetworks = 10.0.0.0/8\n"
		"networks = ::1\ntls_policy = modern\ntickets = 2\ngreet_delay = 300ms\n"
		"[listener m]\naddress = unix:/run/m\ntls = optional\nbackend = x\ntickets = 0\n");
	const struct listener_config *l = &config->listeners[0], *m = &config->listeners[1];
	const struct policy_config *p = l->policy;
	const struct timeouts_config *times = &config->timeouts;
	char text[ADDR_TEXT_BYTES], path[200];

	(void)state;
	assert_string_equal(config->hostname, "mx.example.org");
	assert_int_equal(config->workers, 3);
	assert_string_equal(config->user, "mail");
	assert_string_equal(config->log, "/var/log/postern.log");
	assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(config->log_format, LOG_FORMAT_JSON);
	assert_int_equal(config->sessions, 77);
	const uint64_t got[] = { times->handshake_ms, times->greeting_ms,   times->command_ms,
				 times->reply_ms,     times->data_start_ms, times->data_block_ms,
				 times->data_rate,    times->data_end_ms,   times->session_ms,
				 times->drain_ms };
	const uint64_t want[] = { 1000, 2000, 3000, 4000, 5000, 6000, 7168, 480000, 32400000, 10 };
	assert_memory_equal(got, want, sizeof want);

	assert_string_equal(config->certificates[0].chain, "/c");
	assert_int_equal(config->certificates[0].names.count, 2);
	assert_string_equal(config->certificates[0].names.item[0], "*.example.org");
	snprintf(path, sizeof path, "%s/c2", directory());
	assert_string_equal(config->certificates[1].chain, path);
	snprintf(path, sizeof path, "%s/../k2", directory());
	assert_string_equal(config->certificates[1].key, path);
	addr_format(&config->backends[0].server.item[0].addr, text, sizeof text);
	assert_string_equal(text, "[::1]:2525");
	assert_int_equal(config->backends[0].connect_timeout_ms, 1500);

	assert_int_equal(l->address.count, 2);
	addr_format(&l->address.item[1], text, sizeof text);
	assert_string_equal(text, "[::]:587");
	assert_int_equal(l->tls, LISTENER_REQUIRED);
	assert_int_equal(l->certificate_count, 2);
	assert_string_equal(l->certificates[0]->name, "two");
	assert_string_equal(l->certificates[1]->name, "one");
	assert_string_equal(l->backend->name, "y");
	assert_int_equal(l->networks.count, 2);
	assert_int_equal(l->tls_policy, TLS_MODERN);
	assert_int_equal(l->tickets, 2);
	assert_int_equal(l->greet_delay_ms, 300);
	assert_int_equal(m->tls, LISTENER_OPTIONAL);
	assert_int_equal(m->tickets, 0);
	assert_int_equal(m->certificate_count, 2);
	assert_string_equal(m->certificates[0]->name, "one");
	assert_string_equal(m->backend->name, "x");
	assert_string_equal(m->policy->name, "default");

	assert_string_equal(p->name, "p");
	assert_int_equal(p->message_size_bytes, 50 << 20);
	assert_int_equal(p->recipients, 11);
	assert_int_equal(p->errors, 12);
	assert_int_equal(p->messages, 13);
	assert_true(p->require_auth && p->normalize && p->tolerate_pipelining &&
		    p->tolerate_early_talker);
	assert_int_equal(p->normalize_networks.count, 1);
	assert_int_equal(p->auth, AUTH_ALWAYS);
	assert_int_equal(p->auth_hide.count, 1);
	assert_string_equal(p->auth_hide.item[0], "NTLM");
	assert_string_equal(p->verbs_off.item[0], "HELP");
	assert_int_equal(p->verbs_pass.count, 2);
	assert_string_equal(p->verbs_pass.item[1], "XB");
	assert_string_equal(p->keywords_hide.item[0], "DSN");
	assert_string_equal(p->keywords_pass.item[0], "XA");
	config_free(config);
}

static void lists_go_by_comma_and_by_repeating(void **state)
{
	struct config *config = good(REST "[policy default]\nverbs_off = A,B ,  C\n"
					  "verbs_off=D\nauth_hide =\n");
	const struct strings *list = &config->policies[0].verbs_off;

	(void)state;
	assert_int_equal(list->count, 4);
	assert_string_equal(list->item[0], "A");
	assert_string_equal(list->item[2], "C");
	assert_string_equal(list->item[3], "D");
	assert_int_equal(config->policies[0].auth_hide.count, 0);
	config_free(config);
}

static void long_lists_keep_all_their_items(void **state)
{
	static char text[60000];
	int len = sprintf(text, REST "[listener z]\naddress = 127.0.0.1:1\n");
	char address[ADDR_TEXT_BYTES];

	(void)state;
	for (int i = 0; i < 2000; i++)
		len += sprintf(text + len, "networks = 10.%d.%d.0/24\n", i / 256, i % 256);
	struct config *config = good(text);
	assert_int_equal(config->listeners[1].networks.count, 2000);
	network_format(&config->listeners[1].networks.item[1999], address, sizeof address);
	assert_string_equal(address, "10.7.207.0/24");
	char *again = effective(config);
	struct config *second = good(again);
	assert_same(config, second);
	free(again);
	config_free(config);
}

static void layout_is_free(void **state)
{
	struct config *plain = good(REST "[limits]\nsessions = 5\n");
	struct config *config;

	(void)state;
	config = good("; a comment\n# another\n\n" REST "[limits] ; the last\n"
		      "\t  sessions\t=5\t# a comment\n");
	assert_same(plain, config);
	config = good("\xef\xbb\xbf" REST "  [ limits\t]\r\nsessions = 5\r\n\r\n");
	assert_same(plain, config);
	config = good(REST "[limits]\nsessions = 5");
	assert_same(plain, config);
	config_free(plain);
}

static void comments_start_after_blanks_only(void **state)
{
	struct config *config = good("[certificate c]\nchain = a;b#c ;d\nkey = x#y\n"
				     "[listener a]\naddress = 127.0.0.1:465\n"
				     "[backend b]\nserver = 127.0.0.1:25\n");

	(void)state;
	assert_string_equal(strrchr(config->certificates[0].chain, '/'), "/a;b#c");
	assert_string_equal(strrchr(config->certificates[0].key, '/'), "/x#y");
	config_free(config);
}

/* What inih does wrong: 199 bytes, indented keys, 49 bytes of a section's name. */
static void lines_are_whole_however_long(void **state)
{
	char text[12000], name[65], item[20];
	int len;

	(void)state;
	memset(name, 'n', 64);
	name[64] = '\0';
	len = sprintf(text, REST "[policy %s]\n  recipients = 7\n    verbs_off = V0", name);
	for (int i = 1; i < 900; i++)
		len += sprintf(text + len, ", V%d", i);
	sprintf(text + len, "\n  errors = 9\n[listener z]\naddress = 127.0.0.1:1\npolicy = %s\n",
		name);
	struct config *config = good(text);
	const struct policy_config *policy = config->listeners[1].policy;
	assert_string_equal(policy->name, name);
	assert_int_equal(policy->recipients, 7);
	assert_int_equal(policy->errors, 9);
	assert_int_equal(policy->verbs_off.count, 900);
	for (int i = 0; i < 900; i++) {
		sprintf(item, "V%d", i);
		assert_string_equal(policy->verbs_off.item[i], item);
	}
	config_free(config);
}

static void units_are_understood(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{ "0", 0 },
		{ "1000", 1000 },
		{ "64K", 65536 },
		{ "64k", 65536 },
		{ "50M", 52428800 },
		{ "1G", 1073741824 },
		{ "1024T", (uint64_t)1 << 50 },
	};
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		snprintf(text, sizeof text, REST "[policy default]\nmessage_size = %s\n",
			 sizes[i].text);
		struct config *config = good(text);
		assert_true(config->policies[0].message_size_bytes == sizes[i].bytes);
		config_free(config);
	}
}

static void a_server_can_be_a_name(void **state)
{
	struct config *config = good("[listener a]\naddress = 127.0.0.1:465\n[certificate c]\n"
				     "chain = c\nkey = k\n[backend b]\nserver = localhost:26\n");

	(void)state;
	assert_int_equal(config->backends[0].server.count, 1);
	assert_string_equal(config->backends[0].server.item[0].written, "localhost:26");
	assert_string_equal(config->backends[0].server.item[0].host, "localhost");
	assert_int_equal(config->backends[0].server.item[0].addr.len, 0);
	config_free(config);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, config_aid_forget)
	const struct CMUnitTest tests[] = {
		TEST(defaults_are_those_of_the_interface),
		TEST(every_option_reaches_its_place),
		TEST(lists_go_by_comma_and_by_repeating),
		TEST(long_lists_keep_all_their_items),
		TEST(layout_is_free),
		TEST(comments_start_after_blanks_only),
		TEST(lines_are_whole_however_long),
		TEST(units_are_understood),
		TEST(a_server_can_be_a_name),
	};

	return cmocka_run_group_tests(tests, config_aid_set_up, config_aid_tear_down);
}
