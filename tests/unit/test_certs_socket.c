/* The BIO under TLS: what is read dry is not read again before somebody says that there may be
 * more. */
#include "certs/socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct wire {
	BIO_METHOD *method;
	SSL_CTX *context;
	SSL *ssl;
	BIO *bio;
	int fds[2];
};

static int open_wire(void **state)
{
	static struct wire wire;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, wire.fds), 0);
	wire.method = socket_method_new();
	wire.context = SSL_CTX_new(TLS_method());
	wire.ssl = SSL_new(wire.context);
	assert_true(socket_give(wire.ssl, wire.method, wire.fds[0], &wire));
	wire.bio = SSL_get_rbio(wire.ssl);
	*state = &wire;
	return 0;
}

static int close_wire(void **state)
{
	struct wire *wire = *state;

	SSL_free(wire->ssl);
	SSL_CTX_free(wire->context);
	BIO_meth_free(wire->method);
	close(wire->fds[0]);
	close(wire->fds[1]);
	return 0;
}

static void comes(struct wire *wire, const char *text)
{
	assert_int_equal(write(wire->fds[1], text, strlen(text)), strlen(text));
}

static void would_block(struct wire *wire)
{
	char got[8];

	assert_int_equal(BIO_read(wire->bio, got, sizeof got), -1);
	assert_true(BIO_should_read(wire->bio));
}

static void a_short_read_is_the_last(void **state)
{
	struct wire *wire = *state;
	char got[8];

	comes(wire, "abc");
	assert_false(socket_is_dry(wire->ssl));
	assert_int_equal(BIO_read(wire->bio, got, sizeof got), 3);
	assert_true(socket_is_dry(wire->ssl));
	comes(wire, "de");
	would_block(wire);
	socket_refill(wire->ssl);
	assert_int_equal(BIO_read(wire->bio, got, sizeof got), 2);
	assert_memory_equal(got, "de", 2);
}

static void a_full_read_is_not(void **state)
{
	struct wire *wire = *state;
	char got[4];

	comes(wire, "abcdef");
	assert_int_equal(BIO_read(wire->bio, got, sizeof got), 4);
	assert_false(socket_is_dry(wire->ssl));
	assert_int_equal(BIO_read(wire->bio, got, sizeof got), 2);
	assert_true(socket_is_dry(wire->ssl));
}

static void nothing_there_is_dry_too(void **state)
{
	struct wire *wire = *state;

	would_block(wire);
	assert_true(socket_is_dry(wire->ssl));
	comes(wire, "a");
	would_block(wire);
}

static void an_end_is_an_end(void **state)
{
	struct wire *wire = *state;
	char got[4];

	shutdown(wire->fds[1], SHUT_WR);
	assert_false(BIO_eof(wire->bio));
	assert_int_equal(BIO_read(wire->bio, got, sizeof got), 0);
	assert_false(BIO_should_retry(wire->bio));
	assert_true(BIO_eof(wire->bio));
}

static void writes_do_not_care(void **state)
{
	struct wire *wire = *state;
	static char much[1 << 20];
	char got[4];

	would_block(wire);
	assert_int_equal(BIO_write(wire->bio, "ok", 2), 2);
	assert_int_equal(read(wire->fds[1], got, sizeof got), 2);
	while (BIO_write(wire->bio, much, sizeof much) > 0)
		;
	assert_true(BIO_should_write(wire->bio));
	/* Nobody there: no SIGPIPE, and nothing to wait for. */
	close(wire->fds[1]);
	assert_int_equal(BIO_write(wire->bio, much, sizeof much), -1);
	assert_false(BIO_should_retry(wire->bio));
	wire->fds[1] = dup(wire->fds[0]);
}

static void it_knows_whose_it_is(void **state)
{
	struct wire *wire = *state;

	assert_ptr_equal(socket_owner(wire->ssl), wire);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_short_read_is_the_last, open_wire, close_wire),
		cmocka_unit_test_setup_teardown(a_full_read_is_not, open_wire, close_wire),
		cmocka_unit_test_setup_teardown(nothing_there_is_dry_too, open_wire, close_wire),
		cmocka_unit_test_setup_teardown(an_end_is_an_end, open_wire, close_wire),
		cmocka_unit_test_setup_teardown(writes_do_not_care, open_wire, close_wire),
		cmocka_unit_test_setup_teardown(it_knows_whose_it_is, open_wire, close_wire),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
