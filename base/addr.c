#include "base/addr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>

enum { V4_IN_V6_BITS = 96 };

static const uint8_t v4_mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

/* For inet_pton(3), which wants a NUL at the end and stops at the first one. */
static bool to_text(struct slice s, char *text, size_t size)
{
	if (s.len >= size || slice_find(s, '\0', 0) < s.len)
		return false;
	if (s.len > 0)
		memcpy(text, s.ptr, s.len);
	text[s.len] = '\0';
	return true;
}

static bool parse_ip(struct slice host, int family, void *bytes)
{
	char text[INET6_ADDRSTRLEN];

	return to_text(host, text, sizeof text) && inet_pton(family, text, bytes) == 1;
}

static bool parse_port(struct slice s, in_port_t *port)
{
	uint64_t n;

	if (s.len > 5 || !slice_number(s, &n) || n > UINT16_MAX)
		return false;
	*port = htons((uint16_t)n);
	return true;
}

static bool parse_local(struct slice path, struct addr *addr, const char **why)
{
	*addr = (struct addr){ .local.sun_family = AF_UNIX };
	if (path.len == 0 || path.ptr[0] != '/') {
		*why = "expected an absolute path after `unix:`";
		return false;
	}
	if (!to_text(path, addr->local.sun_path, sizeof addr->local.sun_path)) {
		*why = "the path of a unix socket has at most 107 bytes";
		return false;
	}
	addr->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path.len + 1);
	return true;
}

static bool parse_v6(struct slice text, struct addr *addr, const char **why)
{
	size_t end = slice_find(text, ']', 0);
	struct slice behind = slice_skip(text, end);

	*addr = (struct addr){ .v6.sin6_family = AF_INET6, .len = sizeof addr->v6 };
	if (behind.len < 2 || behind.ptr[1] != ':') {
		*why = "expected `[address]:port`";
		return false;
	}
	if (!parse_ip(slice_skip(slice_head(text, end), 1), AF_INET6, &addr->v6.sin6_addr)) {
		*why = "expected an IPv6 address between the brackets";
		return false;
	}
	if (!parse_port(slice_skip(behind, 2), &addr->v6.sin6_port)) {
		*why = "expected a port from 0 to 65535 after `]:`";
		return false;
	}
	return true;
}

static bool parse_v4(struct slice text, struct addr *addr, const char **why)
{
	size_t colon = slice_find(text, ':', 0);

	*addr = (struct addr){ .v4.sin_family = AF_INET, .len = sizeof addr->v4 };
	if (colon == text.len || slice_find(text, ':', colon + 1) < text.len) {
		*why = "expected `address:port`, `[IPv6 address]:port` or `unix:/path`";
		return false;
	}
	if (!parse_ip(slice_head(text, colon), AF_INET, &addr->v4.sin_addr)) {
		*why = "expected a numeric IPv4 address before the port";
		return false;
	}
	if (!parse_port(slice_skip(text, colon + 1), &addr->v4.sin_port)) {
		*why = "expected a port from 0 to 65535 after the colon";
		return false;
	}
	return true;
}

bool addr_parse(struct slice text, struct addr *addr, const char **why)
{
	struct slice local = SLICE("unix:");

	if (text.len >= local.len && slice_eq(slice_head(text, local.len), local))
		return parse_local(slice_skip(text, local.len), addr, why);
	if (text.len > 0 && text.ptr[0] == '[')
		return parse_v6(text, addr, why);
	return parse_v4(text, addr, why);
}

/* The 16 bytes of an IPv6 address, IPv4 mapped into it; false for a unix socket. */
static bool to_bytes(const struct addr *addr, uint8_t bytes[16])
{
	if (addr->any.sa_family == AF_INET6) {
		memcpy(bytes, &addr->v6.sin6_addr, 16);
		return true;
	}
	if (addr->any.sa_family != AF_INET)
		return false;
	memcpy(bytes, v4_mapped, sizeof v4_mapped);
	memcpy(bytes + sizeof v4_mapped, &addr->v4.sin_addr, 4);
	return true;
}

static bool is_v4(const uint8_t bytes[16])
{
	return memcmp(bytes, v4_mapped, sizeof v4_mapped) == 0;
}

static void format_ip(const uint8_t bytes[16], char text[INET6_ADDRSTRLEN])
{
	if (is_v4(bytes))
		inet_ntop(AF_INET, bytes + sizeof v4_mapped, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, bytes, text, INET6_ADDRSTRLEN);
}

/* What accept(2) tells of a local peer has mostly no path, and may have one that is not ended. */
static struct slice local_path(const struct addr *addr)
{
	size_t before = offsetof(struct sockaddr_un, sun_path);
	size_t len = addr->len > before ? addr->len - before : 0;

	return slice_of(addr->local.sun_path, strnlen(addr->local.sun_path, len));
}

void addr_format(const struct addr *addr, char *text, size_t size)
{
	uint8_t bytes[16];
	char ip[INET6_ADDRSTRLEN];

	if (!to_bytes(addr, bytes)) {
		struct slice path = local_path(addr);
		snprintf(text, size, "unix:%.*s", (int)path.len, path.ptr);
		return;
	}
	format_ip(bytes, ip);
	snprintf(text, size, is_v4(bytes) ? "%s:%u" : "[%s]:%u", ip, addr_port(addr));
}

void addr_format_host(const struct addr *addr, char *text, size_t size)
{
	uint8_t bytes[16];
	char ip[INET6_ADDRSTRLEN] = "local";

	if (to_bytes(addr, bytes))
		format_ip(bytes, ip);
	snprintf(text, size, "%s", ip);
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	uint8_t a_bytes[16], b_bytes[16];
	bool a_is_ip = to_bytes(a, a_bytes), b_is_ip = to_bytes(b, b_bytes);

	if (a_is_ip != b_is_ip)
		return false;
	if (!a_is_ip)
		return slice_eq(local_path(a), local_path(b));
	return memcmp(a_bytes, b_bytes, 16) == 0 && addr_port(a) == addr_port(b);
}

uint16_t addr_port(const struct addr *addr)
{
	if (addr->any.sa_family == AF_INET)
		return ntohs(addr->v4.sin_port);
	return addr->any.sa_family == AF_INET6 ? ntohs(addr->v6.sin6_port) : 0;
}

bool addr_is_loopback(const struct addr *addr)
{
	uint8_t bytes[16];

	if (!to_bytes(addr, bytes))
		return true;
	if (is_v4(bytes))
		return bytes[sizeof v4_mapped] == 127;
	return memcmp(bytes, &in6addr_loopback, 16) == 0;
}

struct endpoint endpoint_of(const struct addr *addr)
{
	struct endpoint endpoint = { .family = addr->any.sa_family,
				     .port = htons(addr_port(addr)) };

	if (endpoint.family == AF_INET)
		memcpy(endpoint.bytes, &addr->v4.sin_addr, 4);
	if (endpoint.family == AF_INET6) {
		memcpy(endpoint.bytes, &addr->v6.sin6_addr, 16);
		endpoint.scope = addr->v6.sin6_scope_id;
	}
	return endpoint;
}

struct addr endpoint_addr(const struct endpoint *endpoint)
{
	struct addr addr = { .any.sa_family = endpoint->family,
			     .len = offsetof(struct sockaddr_un, sun_path) };

	if (endpoint->family == AF_INET) {
		addr.len = sizeof addr.v4;
		addr.v4.sin_port = endpoint->port;
		memcpy(&addr.v4.sin_addr, endpoint->bytes, 4);
	}
	if (endpoint->family == AF_INET6) {
		addr.len = sizeof addr.v6;
		addr.v6.sin6_port = endpoint->port;
		addr.v6.sin6_scope_id = endpoint->scope;
		memcpy(&addr.v6.sin6_addr, endpoint->bytes, 16);
	}
	return addr;
}

static bool bit_is_set(const uint8_t bytes[16], size_t bit)
{
	return (bytes[bit / 8] >> (7 - bit % 8)) & 1;
}

static bool has_host_bits(const struct network *network)
{
	for (size_t bit = network->bits; bit < 128; bit++)
		if (bit_is_set(network->bytes, bit))
			return true;
	return false;
}

bool network_parse(struct slice text, struct network *network, const char **why)
{
	size_t slash = slice_find(text, '/', 0);
	struct slice ip = slice_head(text, slash);
	bool v6 = slice_find(ip, ':', 0) < ip.len;
	uint64_t most = v6 ? 128 : 32, bits = most;

	if (slice_eq(text, SLICE("unix"))) {
		*network = (struct network){ .bits = NETWORK_UNIX };
		return true;
	}
	memcpy(network->bytes, v4_mapped, sizeof v4_mapped);
	if (!parse_ip(ip, v6 ? AF_INET6 : AF_INET, network->bytes + (v6 ? 0 : sizeof v4_mapped))) {
		*why = "expected an IPv4 or IPv6 address, alone or with `/bits`";
		return false;
	}
	if (slash < text.len &&
	    (!slice_number(slice_skip(text, slash + 1), &bits) || bits > most)) {
		*why = v6 ? "expected 0 to 128 bits after the slash"
			  : "expected 0 to 32 bits after the slash";
		return false;
	}
	network->bits = (uint8_t)(v6 ? bits : bits + V4_IN_V6_BITS);
	if (has_host_bits(network)) {
		*why = "bits behind the network's own are set; clear them or give more bits";
		return false;
	}
	return true;
}

/* ::/0 and its like hold the mapped range too, and are networks of IPv6 all the same. */
static bool is_v4_network(const struct network *network)
{
	return network->bits >= V4_IN_V6_BITS && is_v4(network->bytes);
}

void network_format(const struct network *network, char *text, size_t size)
{
	bool v4 = is_v4_network(network);
	char ip[INET6_ADDRSTRLEN];

	if (v4)
		format_ip(network->bytes, ip);
	else
		inet_ntop(AF_INET6, network->bytes, ip, sizeof ip);
	if (network->bits == NETWORK_UNIX)
		snprintf(text, size, "unix");
	else if (network->bits == 128)
		snprintf(text, size, "%s", ip);
	else
		snprintf(text, size, "%s/%d", ip, network->bits - (v4 ? V4_IN_V6_BITS : 0));
}

void network_host(const struct network *network, struct addr *addr)
{
	*addr = (struct addr){ 0 };
	if (is_v4_network(network)) {
		addr->len = sizeof addr->v4;
		addr->v4.sin_family = AF_INET;
		memcpy(&addr->v4.sin_addr, network->bytes + sizeof v4_mapped, 4);
	} else {
		addr->len = sizeof addr->v6;
		addr->v6.sin6_family = AF_INET6;
		memcpy(&addr->v6.sin6_addr, network->bytes, 16);
	}
}

bool network_contains(const struct network *network, const struct addr *addr)
{
	size_t whole = network->bits / 8, rest = network->bits % 8;
	uint8_t bytes[16];

	if (network->bits == NETWORK_UNIX)
		return addr->any.sa_family == AF_UNIX;
	if (!to_bytes(addr, bytes) || is_v4(bytes) != is_v4_network(network))
		return false;
	if (memcmp(bytes, network->bytes, whole) != 0)
		return false;
	return rest == 0 || (bytes[whole] ^ network->bytes[whole]) >> (8 - rest) == 0;
}
