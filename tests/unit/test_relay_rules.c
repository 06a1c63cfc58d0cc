/* What the rules make of the way to the backend: it decides whether REQUIRETLS can be kept. */
#include "proxy/relay/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

static bool is_safe(const char *server, enum backend_tls tls)
{
	struct config config = { .hostname = "mail.test" };
	struct policy_config policy = { .name = "default" };
	struct server_config item = { .written = server };
	struct backend_config backend = { .server = { &item, 1 }, .tls = tls };
	struct listener_config listener = { .policy = &policy, .backend = &backend };
	const char *why;

	assert_true(addr_parse(slice_str(server), &item.addr, &why));
	struct rules *rules = rules_new(&config, &listener);
	assert_non_null(rules);
	bool safe = rules->strict.way_is_safe;
	rules_free(rules);
	return safe;
}

static void the_way_is_safe_by_tls_or_within_the_machine(void **state)
{
	(void)state;
	assert_true(is_safe("127.0.0.1:25", BACKEND_TLS_OFF));
	assert_true(is_safe("[::1]:25", BACKEND_TLS_OFF));
	assert_true(is_safe("unix:/run/mta", BACKEND_TLS_OFF));
	assert_false(is_safe("192.0.2.1:25", BACKEND_TLS_OFF));
	assert_true(is_safe("192.0.2.1:25", BACKEND_TLS_STARTTLS));
	assert_true(is_safe("192.0.2.1:25", BACKEND_TLS_IMPLICIT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_way_is_safe_by_tls_or_within_the_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
