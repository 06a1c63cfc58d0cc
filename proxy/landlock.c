#include "proxy/landlock.h"

#include <sys/syscall.h>
#include <unistd.h>

/*
 * Of the kernel's linux/landlock.h, which may be older than the kernel that we run under, and has
 * nothing of ports and scopes in Debian 12. Its interface is stable; a struct may be longer than
 * the kernel knows as long as the rest is zero.
 */
struct ruleset {
	uint64_t files;
	uint64_t ports;
	uint64_t scopes;
};

struct port_rule {
	uint64_t allowed;
	uint64_t port;
};

enum { VERSION = 1, RULE_PORT = 2 };
enum { BIND_PORT = 1, CONNECT_PORT = 2 };
enum { SCOPE_ABSTRACT_SOCKETS = 1, SCOPE_SIGNALS = 2 };

/* How many kinds of access to files each version knows: they are the lowest bits. */
static const int file_bits[] = { 0, 13, 14, 15, 15, 16 };

int landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION);
	return version > 0 ? (int)version : 0;
}

static struct ruleset ruleset_of(int version, bool bind)
{
	int last = (int)(sizeof(file_bits) / sizeof(file_bits[0])) - 1;
	struct ruleset ruleset = {
		.files = (1ull << file_bits[version < last ? version : last]) - 1,
	};
	if (version >= LANDLOCK_PORTS)
		ruleset.ports = CONNECT_PORT | (bind ? 0 : BIND_PORT);
	if (version >= LANDLOCK_SCOPES)
		ruleset.scopes = SCOPE_ABSTRACT_SOCKETS | SCOPE_SIGNALS;
	return ruleset;
}

static bool allow_port(int fd, uint64_t port, uint64_t allowed)
{
	struct port_rule rule = { allowed, port };
	return syscall(SYS_landlock_add_rule, fd, RULE_PORT, &rule, 0) == 0;
}

static bool allow_ports(int fd, const struct ruleset *ruleset, const uint16_t *ports, size_t count)
{
	if (ruleset->ports == 0)
		return true;
	/* Port 0 asks the system for one. */
	if ((ruleset->ports & BIND_PORT) && !allow_port(fd, 0, BIND_PORT))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!allow_port(fd, ports[i], CONNECT_PORT))
			return false;
	}
	return true;
}

bool landlock_enter(const uint16_t *ports, size_t count, bool bind)
{
	int version = landlock_version();
	if (version == 0)
		return true;
	struct ruleset ruleset = ruleset_of(version, bind);
	size_t size = version >= LANDLOCK_SCOPES  ? sizeof(ruleset)
		      : version >= LANDLOCK_PORTS ? offsetof(struct ruleset, scopes)
						  : offsetof(struct ruleset, ports);
	int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, size, 0);
	if (fd < 0)
		return false;
	bool good = allow_ports(fd, &ruleset, ports, count) &&
		    syscall(SYS_landlock_restrict_self, fd, 0) == 0;
	close(fd);
	return good;
}
