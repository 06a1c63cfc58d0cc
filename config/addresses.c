/* Values that are addresses, networks and servers. */
#include "config/parse.h"

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

static bool add_server(const struct parse *parse, const struct server_config *server)
{
	struct servers *list = parse->at;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->item[i].written, server->written) == 0)
			return parse_refuse(parse, "it is in the list already");
	list->item = arena_grow(parse->source->arena, list->item, list->count, sizeof *list->item);
	list->item[list->count++] = *server;
	return true;
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
	struct arena *arena = parse->source->arena;
	struct server_config server = { .written = arena_string(arena, parse->text) };
	size_t colon = slice_find(parse->text, ':', 0);
	struct slice host = slice_head(parse->text, colon);
	uint64_t port;
	const char *why;

	if (addr_parse(parse->text, &server.addr, &why)) {
		/* To listen on port 0 is to have the kernel choose; there is no such server. */
		if (server.addr.any.sa_family != AF_UNIX && addr_port(&server.addr) == 0)
			return parse_refuse(parse, "expected a port from 1 to 65535");
		return add_server(parse, &server);
	}
	server.addr = (struct addr){ 0 };
	if (!is_host_name(host) || slice_eq(host, SLICE("unix")))
		return parse_refuse(parse, "%s", why);
	if (!slice_number(slice_skip(parse->text, colon + 1), &port) || port == 0 ||
	    port > UINT16_MAX)
		return parse_refuse(parse, "expected a port from 1 to 65535 after the colon");
	server.host = arena_string(arena, host);
	return add_server(parse, &server);
}
