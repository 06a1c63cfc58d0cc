#include "proxy/sandbox.h"
#include "base/compat.h"
#include "proxy/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------------------------- seccomp */

enum { BOTH = SANDBOX_WORKER | SANDBOX_MONITOR };

#define CALL(name) SCMP_SYS(name)

/* Allowed where all comparisons of arguments hold; 0 on success. */
#define ALLOW(name, ...) \
	seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, CALL(name), \
			       sizeof((struct scmp_arg_cmp[]){ __VA_ARGS__ }) / \
				       sizeof(struct scmp_arg_cmp), \
			       (struct scmp_arg_cmp[]){ __VA_ARGS__ })

/* The library's macros for these leave out a field, of which some compilers warn. */
static struct scmp_arg_cmp is(unsigned argument, scmp_datum_t value)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_EQ, .datum_a = value };
}

static struct scmp_arg_cmp has_none(unsigned argument, scmp_datum_t bits)
{
	return (struct scmp_arg_cmp){ .arg = argument, .op = SCMP_CMP_MASKED_EQ, .datum_a = bits };
}

/* What the work needs, whatever the arguments. Those that mail goes by come first. */
static const struct {
	int call;
	unsigned kinds;
} allowed[] = {
	{ CALL(read), BOTH },
	{ CALL(write), BOTH },
	{ CALL(recvfrom), BOTH },
	{ CALL(epoll_wait), BOTH },
	{ CALL(epoll_pwait), BOTH },
	{ CALL(epoll_ctl), BOTH },
	/* libev makes its set anew when it hears of what it had closed */
	{ CALL(epoll_create1), BOTH },
	{ CALL(recvmsg), BOTH },
	{ CALL(writev), BOTH },
	{ CALL(accept4), BOTH },
	{ CALL(close), BOTH },
	{ CALL(connect), BOTH },
	{ CALL(shutdown), BOTH },
	{ CALL(getsockopt), BOTH },
	{ CALL(getsockname), BOTH },
	{ CALL(getpeername), BOTH },
	{ CALL(getrandom), BOTH },
	/* memory; what would make it executable is below */
	{ CALL(brk), BOTH },
	{ CALL(munmap), BOTH },
	{ CALL(mremap), BOTH },
	{ CALL(madvise), BOTH },
	{ CALL(futex), BOTH },
	/* clocks, where the vDSO has none */
	{ CALL(clock_gettime), BOTH },
	{ CALL(gettimeofday), BOTH },
	{ CALL(time), BOTH },
	/* the end, in order or not */
	{ CALL(rt_sigreturn), BOTH },
	{ CALL(rt_sigprocmask), BOTH },
	{ CALL(restart_syscall), BOTH },
	{ CALL(exit), BOTH },
	{ CALL(exit_group), BOTH },
	/* what the C library asks in passing */
	{ CALL(getpid), BOTH },
	{ CALL(gettid), BOTH },
	{ CALL(getppid), BOTH },
	{ CALL(getuid), BOTH },
	{ CALL(geteuid), BOTH },
	{ CALL(fstat), BOTH },
	{ CALL(lseek), BOTH },
	{ CALL(sysinfo), BOTH },
	{ CALL(uname), BOTH },
	{ CALL(getrusage), BOTH },
	{ CALL(sched_yield), BOTH },
	/* would a line of the log block? */
	{ CALL(poll), BOTH },
	{ CALL(ppoll), BOTH },
	/* the HTTP server */
	{ CALL(setsockopt), SANDBOX_MONITOR },
	{ CALL(select), SANDBOX_MONITOR },
	{ CALL(pselect6), SANDBOX_MONITOR },
	{ CALL(sendfile), SANDBOX_MONITOR },
	{ CALL(eventfd2), SANDBOX_MONITOR },
	{ CALL(pipe2), SANDBOX_MONITOR },
};

/* What only fails: libraries look for files, and ask what a descriptor is. */
static const struct {
	int call;
	int error;
} refused[] = {
	{ CALL(open), EACCES },       { CALL(openat), EACCES },   { CALL(openat2), EACCES },
	{ CALL(stat), EACCES },       { CALL(lstat), EACCES },    { CALL(newfstatat), EACCES },
	{ CALL(statx), EACCES },      { CALL(access), EACCES },   { CALL(faccessat), EACCES },
	{ CALL(faccessat2), EACCES }, { CALL(readlink), EACCES }, { CALL(readlinkat), EACCES },
	{ CALL(getcwd), EACCES },     { CALL(ioctl), ENOTTY },    { CALL(prctl), EINVAL },
};

/* What of a socket a worker sets. */
static const struct {
	int level;
	int option;
} options[] = {
	{ IPPROTO_TCP, TCP_NODELAY },   { IPPROTO_TCP, TCP_CORK },
	{ SOL_SOCKET, SO_LINGER },      { IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT },
	{ IPPROTO_IP, IP_TRANSPARENT }, { IPPROTO_IPV6, IPV6_TRANSPARENT },
};

static const int descriptor_commands[] = { F_GETFD, F_SETFD, F_GETFL, F_SETFL };

static bool allow_lists(scmp_filter_ctx filter, enum sandbox_kind kind)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		if ((allowed[i].kinds & kind) != 0 &&
		    seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i].call, 0) != 0)
			return false;
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)refused[i].error),
				     refused[i].call, 0) != 0)
			return false;
	}
	return true;
}

/* What depends on an argument, whoever we are. */
static bool allow_restricted(scmp_filter_ctx filter)
{
	/* A connection that is opened by its first bytes would pass Landlock by. */
	if (ALLOW(sendto, has_none(3, MSG_FASTOPEN), is(4, 0)) != 0 ||
	    ALLOW(sendmsg, has_none(2, MSG_FASTOPEN)) != 0 ||
	    ALLOW(mmap, has_none(2, PROT_EXEC)) != 0 ||
	    ALLOW(mprotect, has_none(2, PROT_EXEC)) != 0 ||
	    ALLOW(tgkill, is(0, (scmp_datum_t)getpid())) != 0)
		return false;
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (ALLOW(setsockopt, is(1, (scmp_datum_t)options[i].level),
			  is(2, (scmp_datum_t)options[i].option)) != 0)
			return false;
	}
	for (size_t i = 0; i < sizeof(descriptor_commands) / sizeof(descriptor_commands[0]); i++) {
		scmp_datum_t command = (scmp_datum_t)descriptor_commands[i];
		if (ALLOW(fcntl, is(1, command)) != 0)
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------- what the servers need */

struct needs {
	bool family[AF_MAX];
	bool bind;       /* an own address to connect from */
	bool any_port;   /* and with a port that is not the system's choice */
	uint16_t *ports; /* owned */
	size_t port_count;
};

/* A server by its address, or by a name, which may be found anew at an address of either kind. */
static void need_server(struct needs *needs, const struct server_config *server)
{
	struct slice written = slice_str(server->written);
	struct addr addr;
	const char *why;
	uint64_t port = 0;
	if (addr_parse(written, &addr, &why)) {
		needs->family[addr.any.sa_family] = true;
		port = addr_port(&addr);
	} else {
		needs->family[AF_INET] = needs->family[AF_INET6] = true;
		slice_number(slice_skip(written, slice_find(written, ':', 0) + 1), &port);
	}
	needs->ports[needs->port_count++] = (uint16_t)port;
}

static bool find_needs(struct needs *needs, const struct config *config)
{
	size_t count = 0;
	for (size_t i = 0; i < config->backend_count; i++)
		count += config->backends[i].server.count;
	*needs = (struct needs){
		.ports = calloc(count + 1, sizeof(uint16_t)),
	};
	for (size_t i = 0; i < config->backend_count && needs->ports != NULL; i++) {
		const struct backend_config *backend = &config->backends[i];
		for (size_t n = 0; n < backend->server.count; n++)
			need_server(needs, &backend->server.item[n]);
		needs->any_port = needs->any_port || backend->identity == IDENTITY_TRANSPARENT;
		needs->bind = needs->bind || needs->any_port || backend->source.count > 0;
	}
	return needs->ports != NULL;
}

static bool allow_socket(scmp_filter_ctx filter, int family)
{
	const scmp_datum_t flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	const struct scmp_arg_cmp stream = { .arg = 1,
					     .op = SCMP_CMP_MASKED_EQ,
					     .datum_a = UINT32_MAX & ~flags,
					     .datum_b = SOCK_STREAM };
	return ALLOW(socket, is(0, (scmp_datum_t)family), stream, is(2, 0)) == 0;
}

static bool allow_needs(scmp_filter_ctx filter, const struct needs *needs)
{
	static const int families[] = { AF_UNIX, AF_INET, AF_INET6 };
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		if (needs->family[families[i]] && !allow_socket(filter, families[i]))
			return false;
	}
	return !needs->bind || seccomp_rule_add(filter, SCMP_ACT_ALLOW, CALL(bind), 0) == 0;
}

/* ----------------------------------------------------------------------------------- closing */

static bool has_seccomp(void)
{
	uint32_t action = SECCOMP_RET_KILL_PROCESS;
	return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* A system call that is not on the lists is told by SIGSYS, whose handler notes which (crash.h). */
static bool close_calls(enum sandbox_kind kind, const struct needs *needs)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	if (filter == NULL)
		return false;
	/* A tree rather than a list; and, as we run nobody else's code, no slower processor. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	bool good = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) == 0 &&
		    allow_lists(filter, kind) && allow_restricted(filter) &&
		    allow_needs(filter, needs) && seccomp_load(filter) == 0;
	seccomp_release(filter);
	return good;
}

const char *sandbox_enter(enum sandbox_kind kind, const struct config *config)
{
	if (!config->sandbox || COMPAT_SANITIZED)
		return NULL;
	struct needs needs;
	if (!find_needs(&needs, config))
		return "out of memory";
	tzset();
	const char *why = NULL;
	if (!landlock_enter(needs.ports, needs.port_count, needs.any_port))
		why = "Landlock refuses the sandbox";
	else if (has_seccomp() && !close_calls(kind, &needs))
		why = "seccomp refuses the sandbox";
	free(needs.ports);
	return why;
}

const char *sandbox_lacks(void)
{
	if (COMPAT_SANITIZED)
		return "a sanitizer needs what it refuses: there is none";
	int version = landlock_version();
	if (!has_seccomp())
		return version == 0 ? "this kernel has neither seccomp nor Landlock: there is none"
				    : "this kernel has no seccomp filter";
	if (version == 0)
		return "this kernel has no Landlock: seccomp alone keeps files closed";
	if (version < LANDLOCK_PORTS)
		return "this kernel's Landlock knows no ports: workers may connect to any";
	return NULL;
}

void sandbox_call_name(int number, char *name, size_t size)
{
	char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number);
	snprintf(name, size, "%s", found != NULL ? found : "unknown");
	free(found);
}
