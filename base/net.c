#include "base/net.h"

#include <assert.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <unistd.h>

static bool set_on(int fd, int level, int option)
{
	return setsockopt(fd, level, option, &(int){ 1 }, sizeof(int)) == 0;
}

static void close_quietly(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static int open_socket(const struct addr *addr)
{
	int family = addr->any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	/* Accepted sockets inherit TCP_NODELAY from the listening one. */
	if (fd >= 0 && family != AF_UNIX && !set_on(fd, IPPROTO_TCP, TCP_NODELAY)) {
		close_quietly(fd);
		return -1;
	}
	return fd;
}

static bool set_listen_options(int fd, const struct addr *addr, bool reuse_port)
{
	if (addr->any.sa_family == AF_UNIX)
		return true;
	if (!set_on(fd, SOL_SOCKET, SO_REUSEADDR))
		return false;
	if (addr->any.sa_family == AF_INET6 && !set_on(fd, IPPROTO_IPV6, IPV6_V6ONLY))
		return false;
	return !reuse_port || set_on(fd, SOL_SOCKET, SO_REUSEPORT);
}

/* A unix socket that nobody listens on any more; what is no socket is never removed. */
static bool is_stale(const struct addr *addr)
{
	struct stat status;

	if (addr->any.sa_family != AF_UNIX || lstat(addr->local.sun_path, &status) != 0 ||
	    !S_ISSOCK(status.st_mode))
		return false;
	int fd = open_socket(addr);
	if (fd < 0)
		return false;
	bool refused = connect(fd, &addr->any, addr->len) != 0 && errno == ECONNREFUSED;
	close(fd);
	return refused;
}

static bool bind_to(int fd, const struct addr *addr)
{
	if (bind(fd, &addr->any, addr->len) == 0)
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (is_stale(addr) && unlink(addr->local.sun_path) == 0)
		return bind(fd, &addr->any, addr->len) == 0;
	errno = EADDRINUSE;
	return false;
}

int net_listen(const struct addr *addr, int backlog, bool reuse_port)
{
	int fd = open_socket(addr);

	if (fd < 0)
		return -1;
	if (set_listen_options(fd, addr, reuse_port) && bind_to(fd, addr) &&
	    listen(fd, backlog) == 0)
		return fd;
	close_quietly(fd);
	return -1;
}

void net_defer_accept(int listener, bool defer)
{
	(void)setsockopt(listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &(int){ defer }, sizeof(int));
}

/*
 * Errors that belong to the connection that was next and not to the listener: accept(2) asks to go
 * on with the one behind it.
 */
static bool is_of_one_connection(int error)
{
	static const int errors[] = {
		EINTR,     ECONNABORTED, EPROTO,       ENETDOWN,    ENOPROTOOPT,
		EHOSTDOWN, ENONET,       EHOSTUNREACH, ENETUNREACH,
	};

	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i] == error)
			return true;
	return false;
}

int net_accept(int listener, struct addr *peer)
{
	for (;;) {
		*peer = (struct addr){ .len = sizeof peer->local };
		int fd = accept4(listener, &peer->any, &peer->len, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			return fd;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return IO_AGAIN;
		if (!is_of_one_connection(errno))
			return IO_ERROR;
	}
}

/* IP_BIND_ADDRESS_NO_PORT: ip(7). IPv6 has it by the same option. */
static bool bind_source(int fd, const struct addr *source)
{
	return !source || (set_on(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT) &&
			   bind(fd, &source->any, source->len) == 0);
}

int net_connect_from(const struct addr *addr, const struct addr *source)
{
	int fd = open_socket(addr);

	if (fd < 0)
		return IO_ERROR;
	/* After EINTR too the attempt goes on by itself: connect(2). */
	if (bind_source(fd, source) &&
	    (connect(fd, &addr->any, addr->len) == 0 || errno == EINPROGRESS || errno == EINTR))
		return fd;
	close_quietly(fd);
	return errno == EAGAIN ? IO_AGAIN : IO_ERROR;
}

/* An IPv4 address, however it is written, and IPv6: of the family of `like`, without a port. */
static bool as_family(const struct addr *addr, int family, struct addr *made)
{
	bool mapped = addr->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr->v6.sin6_addr);

	*made = *addr;
	if (mapped) {
		*made = (struct addr){ .v4.sin_family = AF_INET, .len = sizeof made->v4 };
		memcpy(&made->v4.sin_addr, addr->v6.sin6_addr.s6_addr + 12, 4);
	}
	if (made->any.sa_family == AF_INET)
		made->v4.sin_port = 0;
	else if (made->any.sa_family == AF_INET6)
		made->v6.sin6_port = 0;
	return made->any.sa_family == family && family != AF_UNIX;
}

int net_connect_as(const struct addr *addr, const struct addr *source)
{
	struct addr from;
	bool v4 = addr->any.sa_family == AF_INET;

	if (!as_family(source, addr->any.sa_family, &from)) {
		errno = EAFNOSUPPORT;
		return IO_ERROR;
	}
	int fd = open_socket(addr);
	if (fd < 0)
		return IO_ERROR;
	if (set_on(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT) &&
	    bind_source(fd, &from) &&
	    (connect(fd, &addr->any, addr->len) == 0 || errno == EINPROGRESS || errno == EINTR))
		return fd;
	close_quietly(fd);
	return IO_ERROR;
}

int net_connect(const struct addr *addr)
{
	return net_connect_from(addr, NULL);
}

int net_connected(int fd)
{
	struct sockaddr_storage peer;
	int error = 0;

	if (getpeername(fd, (struct sockaddr *)&peer, &(socklen_t){ sizeof peer }) == 0)
		return 0;
	if (errno != ENOTCONN ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){ sizeof error }) != 0)
		return errno;
	return error != 0 ? error : EINPROGRESS;
}

static ssize_t named_failure(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK ? IO_AGAIN : IO_ERROR;
}

static ssize_t receive(int fd, char *to, size_t room, int flags)
{
	ssize_t n;

	assert(room > 0);
	do
		n = recv(fd, to, room, flags);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : named_failure();
}

ssize_t net_read(int fd, char *to, size_t room)
{
	return receive(fd, to, room, 0);
}

ssize_t net_peek(int fd, char *to, size_t room)
{
	return receive(fd, to, room, MSG_PEEK);
}

ssize_t net_write(int fd, struct slice bytes)
{
	ssize_t n;

	assert(bytes.len > 0);
	do
		n = send(fd, bytes.ptr, bytes.len, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : named_failure();
}

bool net_has_input(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

void net_cork(int fd)
{
	set_on(fd, IPPROTO_TCP, TCP_CORK);
}

void net_finish(int fd)
{
	shutdown(fd, SHUT_WR);
}

void net_reset(int fd)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
	close(fd);
}
