/* What servers announce, and what some of several lack. */
#include "proxy/smtp/ehlo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct offer read_offer(const char *reply)
{
	struct offer offer;

	offer_read(&offer, slice_str(reply));
	return offer;
}

static void an_offer_is_read(void **state)
{
	struct offer offer = read_offer("250-mx.test SIZE DSN\r\n250-size 1000\r\n250-XFOO\r\n"
					"250-AUTH LOGIN\r\n250 8BITMIME\r\n");

	(void)state;
	assert_int_equal(offer.keywords, KEYWORD_BIT(KEYWORD_SIZE) | KEYWORD_BIT(KEYWORD_AUTH) |
						 KEYWORD_BIT(KEYWORD_8BITMIME));
	assert_int_equal(offer.size, 1000);
	assert_true(offer.mechanisms == read_offer("250-x\r\n250 AUTH=LOGIN\r\n").mechanisms);
	assert_int_equal(read_offer("250 mx.test\r\n").keywords, 0);
	assert_int_equal(read_offer("250-mx\r\n250 SIZE 0\r\n").size, 0);
}

static void what_one_lacks_all_lack(void **state)
{
	struct offer first = read_offer("250-a\r\n250-SIZE 1000\r\n250-DSN\r\n250 AUTH PLAIN\r\n");
	struct offer second = read_offer("250-b\r\n250-SIZE\r\n250 AUTH LOGIN PLAIN XNEW\r\n");
	struct lack lack = { .keywords = 0 };

	(void)state;
	assert_int_equal(lack_size(&lack, 500), 500);
	lack_add(&lack, &second);
	assert_int_equal(lack_size(&lack, 500), 500);
	assert_false(lack_has_mechanism(&lack, SLICE("login")));
	assert_true(lack.keywords & KEYWORD_BIT(KEYWORD_DSN));
	lack_add(&lack, &first);
	assert_int_equal(lack_size(&lack, 0), 1000);
	assert_int_equal(lack_size(&lack, 2000), 1000);
	assert_int_equal(lack_size(&lack, 500), 500);
	assert_true(lack_has_mechanism(&lack, SLICE("LOGIN")));
	assert_false(lack_has_mechanism(&lack, SLICE("PLAIN")));
	/* Not known, so not comparable. */
	assert_true(lack_has_mechanism(&lack, SLICE("XNEW")));
	assert_false(lack.keywords & KEYWORD_BIT(KEYWORD_SIZE));
	assert_false(lack_has_mechanism(NULL, SLICE("XNEW")));
	assert_int_equal(lack_size(NULL, 7), 7);
}

static void auth_without_mechanisms_tells_nothing(void **state)
{
	struct offer unsaid = read_offer("250-a\r\n250 AUTH \r\n");
	struct offer first = read_offer("250-b\r\n250 AUTH PLAIN\r\n");
	struct offer none = read_offer("250-c\r\n250 DSN\r\n");
	struct lack lack = { .keywords = 0 };

	(void)state;
	lack_add(&lack, &unsaid);
	assert_false(lack.keywords & KEYWORD_BIT(KEYWORD_AUTH));
	assert_false(lack_has_mechanism(&lack, SLICE("PLAIN")));
	assert_true(lack_has_mechanism(&lack, SLICE("XNEW")));
	lack_add(&lack, &first);
	assert_false(lack_has_mechanism(&lack, SLICE("PLAIN")));
	assert_true(lack_has_mechanism(&lack, SLICE("LOGIN")));
	lack_add(&lack, &none);
	assert_true(lack.keywords & KEYWORD_BIT(KEYWORD_AUTH));
	assert_true(lack_has_mechanism(&lack, SLICE("PLAIN")));
}

static void of_limits_the_lowest_holds(void **state)
{
	struct offer first = read_offer("250-a\r\n250 LIMITS RCPTMAX=50 MAILMAX=5 XMAX=1\r\n");
	struct offer second = read_offer("250-b\r\n250 limits RCPTMAX=20 RcptDomainMax=3\r\n");
	struct offer none = read_offer("250-c\r\n250 DSN\r\n");
	struct lack lack = { .keywords = 0 };
	char text[256];
	struct writer w = { .to = text, .size = sizeof text };

	(void)state;
	assert_int_equal(first.limits[LIMIT_RCPTMAX], 50);
	assert_int_equal(first.limits[LIMIT_RCPTDOMAINMAX], 0);
	assert_false(offer_eq(&first, &second));
	assert_true(offer_eq(&first, &first));
	lack_add(&lack, &first);
	lack_add(&lack, &none);
	lack_add(&lack, &second);
	assert_int_equal(lack.limits[LIMIT_RCPTMAX], 20);
	assert_int_equal(lack.limits[LIMIT_MAILMAX], 5);
	assert_int_equal(lack.limits[LIMIT_RCPTDOMAINMAX], 3);
	assert_int_equal(lack_limit(&lack, LIMIT_RCPTMAX, 7), 7);
	assert_int_equal(lack_limit(&lack, LIMIT_RCPTMAX, 0), 20);
	assert_int_equal(lack_limit(NULL, LIMIT_RCPTMAX, 7), 7);
	assert_false(lack.keywords & KEYWORD_BIT(KEYWORD_LIMITS));
	offer_write(&first, &w);
	assert_true(slice_eq(slice_of(w.to, w.len), SLICE("LIMITS=RCPTMAX:50,MAILMAX:5")));
	/* RFC 9422 section 4: from 1 to 999999. */
	assert_int_equal(read_offer("250-a\r\n250 LIMITS RCPTMAX=0 MAILMAX=1000000\r\n")
				 .limits[LIMIT_MAILMAX],
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_offer_is_read),
		cmocka_unit_test(what_one_lacks_all_lack),
		cmocka_unit_test(auth_without_mechanisms_tells_nothing),
		cmocka_unit_test(of_limits_the_lowest_holds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
