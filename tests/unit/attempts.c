#include "tests/unit/attempts.h"
#include "base/net.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int result_of(long result)
{
	return result < 0 ? errno : 0;
}

int opens_a_file(struct scene *scene)
{
	(void)scene;
	return result_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
}

int opens_a_file_by_the_old_call(struct scene *scene)
{
	(void)scene;
	return result_of(syscall(SYS_open, "/etc/passwd", O_RDONLY));
}

int makes_a_file(struct scene *scene)
{
	(void)scene;
	return result_of(
		open("/var/lib/postern-must-not-be", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
}

int looks_at_a_file(struct scene *scene)
{
	(void)scene;
	return result_of(access("/etc/passwd", R_OK));
}

int removes_a_file(struct scene *scene)
{
	(void)scene;
	return result_of(unlink("/var/lib/postern-must-not-be"));
}

int executes(struct scene *scene)
{
	char *words[] = { "true", NULL };
	(void)scene;
	return result_of(execv("/bin/true", words));
}

int forks(struct scene *scene)
{
	(void)scene;
	return result_of(fork());
}

int forks_by_the_old_call(struct scene *scene)
{
	(void)scene;
	return result_of(syscall(SYS_vfork));
}

int makes_memory_executable(struct scene *scene)
{
	(void)scene;
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return memory == MAP_FAILED ? errno : 0;
}

int traces(struct scene *scene)
{
	(void)scene;
	return result_of(ptrace(PTRACE_ATTACH, getppid(), NULL, NULL));
}

int signals_its_parent(struct scene *scene)
{
	(void)scene;
	return result_of(kill(getppid(), 0));
}

int changes_how_it_dies(struct scene *scene)
{
	(void)scene;
	return signal(SIGSYS, SIG_IGN) == SIG_ERR ? errno : 0;
}

static int makes_a_socket(int family, int type, int protocol)
{
	return result_of(socket(family, type, protocol));
}

int makes_an_ipv4_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int makes_an_ipv6_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int makes_a_unix_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

int makes_a_datagram_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_INET, SOCK_DGRAM, 0);
}

int makes_a_log_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

int makes_a_raw_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
}

int makes_a_netlink_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_NETLINK, SOCK_RAW, 0);
}

int makes_a_multipath_socket(struct scene *scene)
{
	(void)scene;
	return makes_a_socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
}

static int connects(const struct addr *addr)
{
	int fd = net_connect(addr);
	return fd < 0 ? errno : 0;
}

int connects_to_its_server(struct scene *scene)
{
	return connects(&scene->at);
}

int connects_elsewhere(struct scene *scene)
{
	return connects(&scene->other_at);
}

int connects_by_its_first_bytes(struct scene *scene)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	return result_of(
		sendto(fd, "x", 1, MSG_FASTOPEN, &scene->other_at.any, scene->other_at.len));
}

int binds(struct scene *scene)
{
	(void)scene;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	return result_of(bind(fd, (struct sockaddr *)&any, sizeof(any)));
}

int binds_a_port(struct scene *scene)
{
	(void)scene;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in one = { .sin_family = AF_INET,
				   .sin_port = htons(4),
				   .sin_addr = { htonl(INADDR_LOOPBACK) } };
	return result_of(bind(fd, (struct sockaddr *)&one, sizeof(one)));
}

/* What it needs at work. */
int works(struct scene *scene)
{
	struct addr peer;
	int fd = net_connect(&scene->at);
	int got = net_accept(scene->listener, &peer);
	char byte;
	if (fd < 0 || got < 0 || net_write(fd, SLICE("x")) != 1 || net_read(got, &byte, 1) != 1)
		return errno;
	void *memory = malloc((size_t)16 << 20);
	free(memory);
	time_t now = time(NULL);
	struct tm tm;
	if (memory == NULL || localtime_r(&now, &tm) == NULL)
		return ENOMEM;
	net_finish(fd);
	net_reset(got);
	return 0;
}
