#include "proxy/loops.h"

#include <ifaddrs.h>

static bool is_any(const struct addr *addr)
{
	if (addr->any.sa_family == AF_INET)
		return addr->v4.sin_addr.s_addr == htonl(INADDR_ANY);
	return addr->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr);
}

/* Whom one reaches there: an IPv4 address mapped into IPv6 is one, and 0.0.0.0 is oneself. */
static struct addr reached(const struct addr *at)
{
	struct addr addr = *at;
	char text[ADDR_TEXT_BYTES];
	const char *why;

	addr_format(at, text, sizeof text);
	if (!addr_parse(slice_str(text), &addr, &why) || !is_any(&addr))
		return addr;
	if (addr.any.sa_family == AF_INET)
		addr.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		addr.v6.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	return addr;
}

static bool is_host_of(const struct addr *addr, const struct sockaddr *interface)
{
	struct addr own = *addr;

	if (interface == NULL || interface->sa_family != addr->any.sa_family)
		return false;
	if (interface->sa_family == AF_INET)
		own.v4.sin_addr = ((const struct sockaddr_in *)interface)->sin_addr;
	else
		own.v6.sin6_addr = ((const struct sockaddr_in6 *)interface)->sin6_addr;
	return addr_eq(addr, &own);
}

static bool is_this_machine(const struct addr *addr)
{
	struct ifaddrs *all = NULL;
	bool found = addr_is_loopback(addr);

	if (found || getifaddrs(&all) != 0)
		return found;
	for (const struct ifaddrs *one = all; one != NULL && !found; one = one->ifa_next)
		found = is_host_of(addr, one->ifa_addr);
	freeifaddrs(all);
	return found;
}

static bool is_heard(const struct addr *addr, const struct addr *listening)
{
	if (!is_any(listening))
		return addr_eq(addr, listening);
	return addr->any.sa_family == listening->any.sa_family &&
	       addr_port(addr) == addr_port(listening) && is_this_machine(addr);
}

static const struct listener_config *find_listener(const struct config *config,
						   const struct addr *addr)
{
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct listener_config *listener = &config->listeners[i];
		for (size_t n = 0; n < listener->address.count; n++)
			if (is_heard(addr, &listener->address.item[n]))
				return listener;
	}
	return NULL;
}

void loops_check_server(const struct config *config, const struct backend_config *backend,
			const struct server_config *server, const struct addr *at,
			struct complaints *complaints)
{
	const struct addr addr = reached(at);
	const struct listener_config *listener = find_listener(config, &addr);

	if (listener != NULL)
		complain(complaints, backend->place,
			 "[backend %s] server = %s: there listens Postern itself (%s: [listener "
			 "%s]), and sessions would go round for ever; name the address of the mail "
			 "server, and let that listen at another one than Postern",
			 backend->name, server->written, listener->place, listener->name);
}

void loops_check(const struct config *config, struct complaints *complaints)
{
	for (size_t i = 0; i < config->backend_count; i++) {
		const struct backend_config *backend = &config->backends[i];
		for (size_t n = 0; n < backend->server.count; n++) {
			const struct server_config *server = &backend->server.item[n];
			if (server->addr.len > 0)
				loops_check_server(config, backend, server, &server->addr,
						   complaints);
		}
	}
}
