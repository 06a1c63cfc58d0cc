/*
 * Non-blocking sockets: thin wrappers that return a count or a named negative, retry EINTR, and set
 * the flags everybody wants (close-on-exec, non-blocking, TCP_NODELAY).
 */
#ifndef BASE_NET_H
#define BASE_NET_H

#include "base/addr.h"

#include <sys/types.h>

enum io {
	IO_EOF = 0,
	IO_AGAIN = -1, /* would block */
	IO_ERROR = -2, /* errno says why */
};

/*
 * A listening socket, bound with SO_REUSEADDR, IPV6_V6ONLY for IPv6, and SO_REUSEPORT where
 * `reuse_port`. A file descriptor, or -1 with errno. A stale unix socket is replaced.
 */
int net_listen(const struct addr *addr, int backlog, bool reuse_port);

/*
 * Whether connections come to the listening socket only with their first bytes, where it is the
 * client that speaks first: one that is silent comes after a second (TCP_DEFER_ACCEPT, tcp(7)).
 * Nothing where the socket is no TCP.
 */
void net_defer_accept(int listener, bool defer);

/* The next connection, with its peer's address; IO_AGAIN or IO_ERROR. */
int net_accept(int listener, struct addr *peer);

/*
 * Starts to connect: a file descriptor (writable, or in error, when done; net_connected() tells),
 * or IO_ERROR. A unix socket whose queue is full gives IO_AGAIN.
 */
int net_connect(const struct addr *addr);

/* The same from a local address, whose port is best 0: it is chosen only when the other is known,
 * so that one port serves many. */
int net_connect_from(const struct addr *addr, const struct addr *source);

/*
 * The same from an address that need not be this machine's (IP_TRANSPARENT, ip(7)), of the same
 * family as `addr` or mapped into it; its port is not used. IO_ERROR with EAFNOSUPPORT: it is of
 * another, EPERM: without CAP_NET_RAW.
 */
int net_connect_as(const struct addr *addr, const struct addr *source);

/* How the connection went: 0, or the errno; EINPROGRESS: it is not there yet. */
int net_connected(int fd);

/* Bytes read (at least 1), IO_EOF, IO_AGAIN or IO_ERROR. */
ssize_t net_read(int fd, char *to, size_t room);

/* The same, and the bytes stay to be read. */
ssize_t net_peek(int fd, char *to, size_t room);

/* Bytes written (at least 1), IO_AGAIN or IO_ERROR. Never raises SIGPIPE. */
ssize_t net_write(int fd, struct slice bytes);

/* Bytes wait to be read, not merely their end: what MSG_PEEK says. */
bool net_has_input(int fd);

/*
 * What is written from now on leaves together, with the FIN of net_finish() (TCP_CORK, tcp(7)).
 * Nothing where the socket is no TCP.
 */
void net_cork(int fd);

/* Ends the sending side: FIN, once everything written is gone. */
void net_finish(int fd);

/* Closes with RST, so that the peer cannot take what it got for a whole. */
void net_reset(int fd);

#endif
