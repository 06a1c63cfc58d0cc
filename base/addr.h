/* Addresses of sockets, and networks in CIDR notation (RFC 4632, RFC 4291 section 2.3). */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include "base/slice.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

struct addr {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
		struct sockaddr_un local;
	};
	socklen_t len;
};

enum { ADDR_TEXT_BYTES = 128 };

/*
 * Numeric `v4:port`, `[v6]:port` or `unix:/path`. No name is resolved here. On false *why says in
 * words what was expected (a literal).
 */
bool addr_parse(struct slice text, struct addr *addr, const char **why);

/* As addr_parse() reads it, cut to `size` and NUL-terminated; an IPv4-mapped IPv6 address as IPv4.
 */
void addr_format(const struct addr *addr, char *text, size_t size);

/* The host alone, without port and brackets; "local" for a unix socket. */
void addr_format_host(const struct addr *addr, char *text, size_t size);

/* Host and port; an IPv4-mapped IPv6 address is the IPv4 one. Unnamed unix sockets are all equal.
 */
bool addr_eq(const struct addr *a, const struct addr *b);

/* The port in host order; 0 for a unix socket. */
uint16_t addr_port(const struct addr *addr);

/* 127.0.0.0/8, ::1 or a unix socket. */
bool addr_is_loopback(const struct addr *addr);

/*
 * An address in a fifth of the room, for what there are many of. The path of a unix socket is left
 * out: a client has hardly ever one.
 */
struct endpoint {
	uint8_t bytes[16]; /* of IPv4 the first four */
	uint32_t scope;    /* of IPv6 */
	in_port_t port;    /* in network order */
	sa_family_t family;
};

struct endpoint endpoint_of(const struct addr *addr);
struct addr endpoint_addr(const struct endpoint *endpoint);

enum { NETWORK_UNIX = 255 };

struct network {
	uint8_t bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
	uint8_t bits;      /* of 128; NETWORK_UNIX: all unix sockets, and nothing else */
};

/*
 * `a.b.c.d/n`, `v6/n`, an address alone, or `unix`. Host bits that are set are an error.
 */
bool network_parse(struct slice text, struct network *network, const char **why);

/* As network_parse() reads it, cut to `size` and NUL-terminated; without bits where it is one host.
 */
void network_format(const struct network *network, char *text, size_t size);

/* The address of a network that is one host, with port 0. */
void network_host(const struct network *network, struct addr *addr);

/*
 * Only `unix` has the peers of unix sockets. An IPv4 client of a dual-stack socket matches IPv4
 * networks, and no network of IPv6, ::/0 included.
 */
bool network_contains(const struct network *network, const struct addr *addr);

#endif
