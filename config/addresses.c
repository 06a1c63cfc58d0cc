/* Values that are addresses, networks and servers. */
#include "config/parse.h"

#include <netdb.h>

bool parse_is_none(const struct parse *parse)
{
	return parse->option->words && slice_eq(parse->text, slice_str(parse->option->words->word));
}

static bool add_network(const struct parse *parse, bool host)
{
	struct networks *list = parse->at;
	struct network network;
	const char *why;

	if (!network_parse(parse->text, &network, &why))
		return parse_refuse(parse, "%s", why);
	if (host && network.bits != 128)
		return parse_refuse(parse, "expected an address, not a network");
	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = network;
	return true;
}

bool parse_network(const struct parse *parse)
{
	return parse_is_none(parse) || add_network(parse, false);
}

bool parse_host(const struct parse *parse)
{
	return add_network(parse, true);
}

static bool add_addr(const struct parse *parse, const struct addr *addr)
{
	struct addrs *list = parse->at;

	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = *addr;
	return true;
}

bool parse_address(const struct parse *parse)
{
	struct addr addr;
	const char *why;

	if (parse_is_none(parse))
		return true;
	if (!addr_parse(parse->text, &addr, &why))
		return parse_refuse(parse, "%s", why);
	/* A socket that is for IPv6 alone cannot be bound to one. */
	if (addr.any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&addr.v6.sin6_addr))
		return parse_refuse(parse,
				    "expected the IPv4 address itself in place of the mapped one");
	return add_addr(parse, &addr);
}

static bool add_server(const struct parse *parse, const struct addr *addr)
{
	struct servers *list = parse->at;
	const char *written = arena_string(parse->source->arena, parse->text);

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i].written, written) == 0)
			return parse_refuse(parse, "it is in the list already");
	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = (struct server_config){ written, *addr };
	return true;
}

/*
 * The first IPv4 address, where there is one: only one address is ever tried, and an old server
 * that `localhost` means is more often found there than on ::1.
 */
static bool look_up(const struct parse *parse, const char *host, in_port_t port)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found, *best;
	struct addr addr = { .len = 0 };
	int error = getaddrinfo(host, NULL, &hints, &found);

	if (error != 0)
		return parse_refuse(parse,
				    "the name is not found (%s); write an address in its place",
				    gai_strerror(error));
	for (best = found; best->ai_next && best->ai_family != AF_INET;)
		best = best->ai_next;
	if (best->ai_family != AF_INET)
		best = found;
	addr.len = best->ai_addrlen;
	memcpy(&addr.any, best->ai_addr, best->ai_addrlen);
	freeaddrinfo(found);
	if (addr.any.sa_family == AF_INET)
		addr.v4.sin_port = port;
	else
		addr.v6.sin6_port = port;
	return add_server(parse, &addr);
}

/* Digits and dots alone are an address with a mistake, not a name. */
static bool is_host_name(struct slice host)
{
	for (size_t i = 0; i < host.len; i++)
		if (slice_upper(host.ptr[i]) >= 'A' && slice_upper(host.ptr[i]) <= 'Z')
			return value_is_domain(host);
	return false;
}

bool parse_server(const struct parse *parse)
{
	size_t colon = slice_find(parse->text, ':', 0);
	struct slice host = slice_head(parse->text, colon);
	struct addr addr;
	uint64_t port;
	const char *why;

	if (addr_parse(parse->text, &addr, &why)) {
		/* To listen on port 0 is to have the kernel choose; there is no such server. */
		if (addr.any.sa_family != AF_UNIX && addr_port(&addr) == 0)
			return parse_refuse(parse, "expected a port from 1 to 65535");
		return add_server(parse, &addr);
	}
	if (!is_host_name(host) || slice_eq(host, SLICE("unix")))
		return parse_refuse(parse, "%s", why);
	if (!slice_number(slice_skip(parse->text, colon + 1), &port) || port == 0 ||
	    port > UINT16_MAX)
		return parse_refuse(parse, "expected a port from 1 to 65535 after the colon");
	if (parse->source->sealed)
		return parse_refuse(parse, "names are not looked up here");
	return look_up(parse, arena_string(parse->source->arena, host), htons((uint16_t)port));
}
