#include "bench/target.h"

#include <netdb.h>
#include <stdio.h>

static bool look_up(struct target *target, const char *text, size_t colon, const char **why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	struct addrinfo *found = NULL;

	if (colon >= sizeof target->name) {
		*why = "the name is too long";
		return false;
	}
	memcpy(target->name, text, colon);
	target->name[colon] = '\0';
	int error = getaddrinfo(target->name, text + colon + 1, &hints, &found);
	if (error != 0) {
		*why = gai_strerror(error);
		return false;
	}
	memcpy(&target->addr.any, found->ai_addr, found->ai_addrlen);
	target->addr.len = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

/* Port 0 is one that the system chooses. */
static bool add_source(struct target *target, struct slice host, const char **why)
{
	char text[ADDR_TEXT_BYTES];
	bool is_v6 = slice_find(host, ':', 0) < host.len;

	*why = "expected at most 64 numeric addresses of 127.0.0.0/8 or of this machine";
	if (target->source_count == TARGET_SOURCES)
		return false;
	/* A port must be there to be read, and 0 may not be allowed: it is taken away again. */
	snprintf(text, sizeof text, is_v6 ? "[%.*s]:1" : "%.*s:1", (int)host.len, host.ptr);
	struct addr *addr = &target->sources[target->source_count];
	const char *ignored;
	if (!addr_parse(slice_str(text), addr, &ignored) ||
	    addr->any.sa_family != target->addr.any.sa_family)
		return false;
	if (addr->any.sa_family == AF_INET)
		addr->v4.sin_port = 0;
	else
		addr->v6.sin6_port = 0;
	target->source_count++;
	return true;
}

static bool add_sources(struct target *target, struct slice list, const char **why)
{
	while (list.len > 0) {
		size_t comma = slice_find(list, ',', 0);
		if (!add_source(target, slice_trim(slice_head(list, comma)), why))
			return false;
		list = slice_skip(list, comma + 1);
	}
	return true;
}

bool target_init(struct target *target, const char *text, const char *sources, const char **why)
{
	const char *colon = strrchr(text, ':');

	*target = (struct target){ 0 };
	if (!addr_parse(slice_str(text), &target->addr, why)) {
		if (!colon || text[0] == '[' || strncmp(text, "unix:", 5) == 0)
			return false;
		if (!look_up(target, text, (size_t)(colon - text), why))
			return false;
	}
	return !sources || add_sources(target, slice_str(sources), why);
}

const struct addr *target_source(const struct target *target, uint64_t connection)
{
	return target->source_count ? &target->sources[connection % target->source_count] : NULL;
}
