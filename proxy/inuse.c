#include "proxy/inuse.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LINE_BYTES = 512, PATH_BYTES = 320 };

/* A line of /proc/net/tcp: `sl local:port remote:port state ... inode`; listening is state 0A. */
static uint64_t tcp_inode(const char *line, const struct addr *addr)
{
	unsigned port;
	unsigned state;
	uint64_t inode;
	int matched = sscanf(line, "%*s %*[0-9A-F]:%4x %*s %2x %*s %*s %*s %*s %*s %" SCNu64, &port,
			     &state, &inode);
	return matched == 3 && port == addr_port(addr) && state == 0x0A ? inode : 0;
}

/*
 * A line of /proc/net/unix: `num refs protocol flags type state inode path`. Connections have the
 * path too; the flag is that of a listening socket.
 */
static uint64_t local_inode(const char *line, const struct addr *addr)
{
	enum { ACCEPTS_CONNECTIONS = 0x10000 };
	unsigned flags;
	uint64_t inode;
	int path = 0;
	int matched = sscanf(line, "%*s %*s %*s %x %*s %*s %" SCNu64 " %n", &flags, &inode, &path);
	if (matched != 2 || path == 0 || (flags & ACCEPTS_CONNECTIONS) == 0)
		return 0;
	struct slice found = slice_of(line + path, strcspn(line + path, "\n"));
	return slice_eq(found, slice_str(addr->local.sun_path)) ? inode : 0;
}

static uint64_t inode_in(const char *path, const struct addr *addr)
{
	FILE *file = fopen(path, "re");
	char line[LINE_BYTES];
	uint64_t inode = 0;
	while (file != NULL && inode == 0 && fgets(line, sizeof(line), file) != NULL) {
		inode = addr->any.sa_family == AF_UNIX ? local_inode(line, addr)
						       : tcp_inode(line, addr);
	}
	if (file != NULL)
		fclose(file);
	return inode;
}

static uint64_t inode_of(const struct addr *addr)
{
	if (addr->any.sa_family == AF_UNIX)
		return inode_in("/proc/net/unix", addr);
	uint64_t inode = inode_in("/proc/net/tcp", addr);
	return inode != 0 ? inode : inode_in("/proc/net/tcp6", addr);
}

/* The process has the socket among its descriptors. */
static bool process_holds(const char *process, const char *socket)
{
	char path[PATH_BYTES];
	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	DIR *dir = opendir(path);
	bool found = false;
	for (struct dirent *entry; dir != NULL && !found && (entry = readdir(dir)) != NULL;) {
		char target[64];
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));
		found = len > 0 && slice_eq(slice_of(target, (size_t)len), slice_str(socket));
	}
	if (dir != NULL)
		closedir(dir);
	return found;
}

static void process_describe(const char *process, char *text, size_t size)
{
	char path[PATH_BYTES];
	char name[64] = "a program";
	snprintf(path, sizeof(path), "/proc/%s/comm", process);
	FILE *file = fopen(path, "re");
	if (file != NULL) {
		if (fgets(name, sizeof(name), file) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(file);
	}
	snprintf(text, size, "%s (process %s)", name, process);
}

void inuse_by(const struct addr *addr, char *text, size_t size)
{
	snprintf(text, size, "another program");
	uint64_t inode = inode_of(addr);
	if (inode == 0)
		return;
	char socket[64];
	snprintf(socket, sizeof(socket), "socket:[%" PRIu64 "]", inode);
	DIR *proc = opendir("/proc");
	for (struct dirent *entry; proc != NULL && (entry = readdir(proc)) != NULL;) {
		uint64_t pid;
		if (!slice_number(slice_str(entry->d_name), &pid) ||
		    !process_holds(entry->d_name, socket))
			continue;
		process_describe(entry->d_name, text, size);
		break;
	}
	if (proc != NULL)
		closedir(proc);
}
