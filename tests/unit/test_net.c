#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char directory[] = "/tmp/test_net.XXXXXX";

static struct addr addr_of(const char *text)
{
	struct addr addr;
	const char *why;

	if (!addr_parse(slice_str(text), &addr, &why))
		fail_msg("%s: %s", text, why);
	return addr;
}

static struct addr local_addr(const char *name)
{
	char text[100];

	snprintf(text, sizeof text, "unix:%s/%s", directory, name);
	return addr_of(text);
}

/* Where a socket that was bound to port 0 came to listen. */
static struct addr bound_to(int fd)
{
	struct addr addr = { .len = sizeof addr.local };

	assert_int_equal(getsockname(fd, &addr.any, &addr.len), 0);
	return addr;
}

static bool is_ready(int fd, short events)
{
	struct pollfd poll_fd = { .fd = fd, .events = events };

	return poll(&poll_fd, 1, 5000) == 1;
}

static int option(int fd, int level, int name)
{
	int value = -1;

	assert_int_equal(getsockopt(fd, level, name, &value, &(socklen_t){ sizeof value }), 0);
	return value;
}

static void assert_flags(int fd)
{
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

struct pair {
	int listener, client, server;
	struct addr peer;
};

static struct pair pair_on(const char *text)
{
	struct addr addr = addr_of(text), at;
	struct pair pair = { .listener = net_listen(&addr, 16, false) };

	assert_true(pair.listener >= 0);
	at = bound_to(pair.listener);
	pair.client = net_connect(&at);
	assert_true(pair.client >= 0);
	assert_true(is_ready(pair.client, POLLOUT));
	assert_int_equal(net_connected(pair.client), 0);
	assert_true(is_ready(pair.listener, POLLIN));
	pair.server = net_accept(pair.listener, &pair.peer);
	assert_true(pair.server >= 0);
	return pair;
}

static void close_pair(struct pair *pair)
{
	close(pair->listener);
	close(pair->client);
	close(pair->server);
}

static void sockets_have_the_flags_that_all_want(void **state)
{
	struct pair pair = pair_on("127.0.0.1:0");
	struct addr own = bound_to(pair.client);

	(void)state;
	assert_flags(pair.listener);
	assert_flags(pair.client);
	assert_flags(pair.server);
	assert_true(option(pair.client, IPPROTO_TCP, TCP_NODELAY));
	assert_true(option(pair.server, IPPROTO_TCP, TCP_NODELAY));
	assert_true(option(pair.listener, SOL_SOCKET, SO_REUSEADDR));
	assert_false(option(pair.listener, SOL_SOCKET, SO_REUSEPORT));
	assert_true(addr_eq(&pair.peer, &own));
	close_pair(&pair);
}

static void ipv6_sockets_are_for_ipv6_alone(void **state)
{
	struct addr addr = addr_of("[::1]:0");
	int fd = net_listen(&addr, 1, false);

	(void)state;
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		skip();
	assert_true(option(fd, IPPROTO_IPV6, IPV6_V6ONLY));
	assert_true(option(fd, IPPROTO_TCP, TCP_NODELAY));
	close(fd);
}

static void a_port_is_shared_only_where_asked(void **state)
{
	struct addr any = addr_of("127.0.0.1:0"), at;
	int first = net_listen(&any, 1, true), second, third;

	(void)state;
	at = bound_to(first);
	second = net_listen(&at, 1, true);
	assert_true(second >= 0);
	third = net_listen(&at, 1, false);
	assert_int_equal(third, -1);
	assert_int_equal(errno, EADDRINUSE);
	close(first);
	close(second);
}

static void an_empty_queue_says_again(void **state)
{
	struct addr addr = addr_of("127.0.0.1:0"), peer;
	int fd = net_listen(&addr, 1, false);

	(void)state;
	assert_int_equal(net_accept(fd, &peer), IO_AGAIN);
	close(fd);
	assert_int_equal(net_accept(fd, &peer), IO_ERROR);
	assert_int_equal(errno, EBADF);
}

/* Not before it has said something; and where that is not asked for any more, at once. */
static void a_deferred_connection_comes_with_its_first_byte(void **state)
{
	struct addr addr = addr_of("127.0.0.1:0"), at, peer;
	int listener = net_listen(&addr, 4, false);

	(void)state;
	net_defer_accept(listener, true);
	at = bound_to(listener);
	int client = net_connect(&at);
	assert_true(is_ready(client, POLLOUT));
	assert_int_equal(net_accept(listener, &peer), IO_AGAIN);
	assert_int_equal(net_write(client, SLICE("x")), 1);
	assert_true(is_ready(listener, POLLIN));
	int server = net_accept(listener, &peer);
	assert_true(server >= 0 && net_has_input(server));
	net_defer_accept(listener, false);
	int silent = net_connect(&at);
	assert_true(is_ready(silent, POLLOUT));
	assert_true(net_accept(listener, &peer) >= 0);
	close(silent);
	close(server);
	close(client);
	close(listener);
}

static void a_refused_connection_says_why(void **state)
{
	struct addr addr = addr_of("127.0.0.1:0"), at;
	int listener = net_listen(&addr, 1, false);

	(void)state;
	at = bound_to(listener);
	close(listener);
	int fd = net_connect(&at);
	if (fd == IO_ERROR) {
		assert_int_equal(errno, ECONNREFUSED);
		return;
	}
	assert_true(is_ready(fd, POLLOUT));
	assert_int_equal(net_connected(fd), ECONNREFUSED);
	close(fd);
}

/* There at once, on one machine, until the listener's queue is full. */
static void a_connection_is_there_or_in_progress(void **state)
{
	struct addr addr = addr_of("127.0.0.1:0"), at;
	int listener = net_listen(&addr, 1, false), fds[8], n = 0, outcome = 0;

	(void)state;
	for (at = bound_to(listener); n < 8 && outcome == 0; n++)
		outcome = net_connected(fds[n] = net_connect(&at));
	assert_true(n > 1 && outcome == EINPROGRESS);
	while (n > 0)
		close(fds[--n]);
	close(listener);
}

static void a_unix_socket_that_is_not_there_is_an_error(void **state)
{
	struct addr addr = local_addr("none");

	(void)state;
	assert_int_equal(net_connect(&addr), IO_ERROR);
	assert_int_equal(errno, ENOENT);
}

static void a_full_unix_queue_says_again(void **state)
{
	struct addr addr = local_addr("full");
	int listener = net_listen(&addr, 0, false), fds[8], count = 0, fd = 0;

	(void)state;
	assert_true(listener >= 0);
	while (count < 8 && (fd = net_connect(&addr)) >= 0)
		fds[count++] = fd;
	assert_true(count > 0);
	assert_int_equal(fd, IO_AGAIN);
	while (count > 0)
		close(fds[--count]);
	close(listener);
	unlink(addr.local.sun_path);
}

static void stale_unix_sockets_are_replaced_and_living_ones_not(void **state)
{
	struct addr addr = local_addr("stale"), peer;
	int first = net_listen(&addr, 4, false);

	(void)state;
	assert_true(first >= 0);
	assert_int_equal(net_listen(&addr, 4, false), -1);
	assert_int_equal(errno, EADDRINUSE);
	close(first);
	int second = net_listen(&addr, 4, false);
	assert_true(second >= 0);
	int client = net_connect(&addr);
	assert_true(client >= 0);
	int server = net_accept(second, &peer);
	assert_true(server >= 0);
	assert_int_equal(peer.any.sa_family, AF_UNIX);
	close(server);
	close(client);
	close(second);
	unlink(addr.local.sun_path);
}

static void a_file_is_never_taken_for_a_stale_socket(void **state)
{
	struct addr addr = local_addr("file");
	int file = open(addr.local.sun_path, O_CREAT | O_WRONLY, 0600);
	struct stat status;

	(void)state;
	close(file);
	assert_int_equal(net_listen(&addr, 1, false), -1);
	assert_int_equal(errno, EADDRINUSE);
	assert_int_equal(stat(addr.local.sun_path, &status), 0);
	assert_true(S_ISREG(status.st_mode));
	unlink(addr.local.sun_path);
}

static void bytes_go_through_and_end(void **state)
{
	struct pair pair = pair_on("127.0.0.1:0");
	char bytes[16];

	(void)state;
	assert_false(net_has_input(pair.server));
	assert_int_equal(net_read(pair.server, bytes, sizeof bytes), IO_AGAIN);
	assert_int_equal(net_write(pair.client, SLICE("QUIT\r\n")), 6);
	assert_true(is_ready(pair.server, POLLIN));
	assert_true(net_has_input(pair.server));
	assert_int_equal(net_read(pair.server, bytes, 2), 2);
	assert_memory_equal(bytes, "QU", 2);
	assert_int_equal(net_read(pair.server, bytes, sizeof bytes), 4);
	assert_memory_equal(bytes, "IT\r\n", 4);
	assert_false(net_has_input(pair.server));

	net_finish(pair.client);
	assert_true(is_ready(pair.server, POLLIN));
	assert_false(net_has_input(pair.server));
	assert_int_equal(net_read(pair.server, bytes, sizeof bytes), IO_EOF);
	/* The other direction is still open. */
	assert_int_equal(net_write(pair.server, SLICE("221\r\n")), 5);
	assert_true(is_ready(pair.client, POLLIN));
	assert_int_equal(net_read(pair.client, bytes, sizeof bytes), 5);
	close_pair(&pair);
}

static void a_full_socket_says_again(void **state)
{
	struct pair pair = pair_on("127.0.0.1:0");
	static char block[1 << 16];
	ssize_t n;

	(void)state;
	do
		n = net_write(pair.client, slice_of(block, sizeof block));
	while (n > 0);
	assert_int_equal(n, IO_AGAIN);
	close_pair(&pair);
}

static void reset_is_seen_as_an_error(void **state)
{
	struct pair pair = pair_on("127.0.0.1:0");
	char bytes[16];

	(void)state;
	net_reset(pair.client);
	assert_true(is_ready(pair.server, POLLIN));
	assert_false(net_has_input(pair.server));
	/* The look at it took the error away. */
	net_reset(pair.server);
	close(pair.listener);

	pair = pair_on("127.0.0.1:0");
	net_reset(pair.client);
	assert_true(is_ready(pair.server, POLLIN));
	assert_int_equal(net_read(pair.server, bytes, sizeof bytes), IO_ERROR);
	assert_int_equal(errno, ECONNRESET);
	/* No SIGPIPE: this program would not be there any more. */
	assert_int_equal(net_write(pair.server, SLICE("x")), IO_ERROR);
	assert_int_equal(errno, EPIPE);
	close(pair.server);
	close(pair.listener);
}

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
	(void)state;
	return rmdir(directory);
}

/* Only the local end is looked at: nothing answers an address that is nobody's. */
static void connects_as_an_address_that_is_not_ours(void **state)
{
	struct addr to, as, from = { .len = sizeof from.local };
	const char *why;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_true(addr_parse(SLICE("127.0.0.1:9"), &to, &why));
	assert_true(addr_parse(SLICE("[::ffff:192.0.2.7]:4711"), &as, &why));
	int fd = net_connect_as(&to, &as);
	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, &from.any, &from.len), 0);
	char text[ADDR_TEXT_BYTES];
	addr_format_host(&from, text, sizeof text);
	assert_string_equal(text, "192.0.2.7");
	assert_int_not_equal(addr_port(&from), 4711);
	close(fd);
	assert_true(addr_parse(SLICE("[2001:db8::7]:4711"), &as, &why));
	assert_int_equal(net_connect_as(&to, &as), IO_ERROR);
	assert_int_equal(errno, EAFNOSUPPORT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sockets_have_the_flags_that_all_want),
		cmocka_unit_test(ipv6_sockets_are_for_ipv6_alone),
		cmocka_unit_test(a_port_is_shared_only_where_asked),
		cmocka_unit_test(an_empty_queue_says_again),
		cmocka_unit_test(a_refused_connection_says_why),
		cmocka_unit_test(a_connection_is_there_or_in_progress),
		cmocka_unit_test(a_unix_socket_that_is_not_there_is_an_error),
		cmocka_unit_test(a_full_unix_queue_says_again),
		cmocka_unit_test(stale_unix_sockets_are_replaced_and_living_ones_not),
		cmocka_unit_test(a_file_is_never_taken_for_a_stale_socket),
		cmocka_unit_test(bytes_go_through_and_end),
		cmocka_unit_test(a_full_socket_says_again),
		cmocka_unit_test(a_deferred_connection_comes_with_its_first_byte),
		cmocka_unit_test(reset_is_seen_as_an_error),
		cmocka_unit_test(connects_as_an_address_that_is_not_ours),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
