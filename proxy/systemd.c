#include "proxy/systemd.h"
#include "base/slice.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static uint64_t environment_number(const char *name)
{
	const char *text = getenv(name);
	uint64_t number = 0;
	if (text != NULL)
		slice_number(slice_str(text), &number);
	return number;
}

size_t systemd_socket_count(void)
{
	/* What was meant for a parent of ours is not for us. */
	if (environment_number("LISTEN_PID") != (uint64_t)getpid())
		return 0;
	uint64_t count = environment_number("LISTEN_FDS");
	return count < SYSTEMD_SOCKETS_MAX ? (size_t)count : SYSTEMD_SOCKETS_MAX;
}

void systemd_socket_name(size_t n, char *name, size_t size)
{
	const char *names = getenv("LISTEN_FDNAMES");
	struct slice rest = slice_str(names != NULL ? names : "");
	for (size_t i = 0; i < n; i++)
		rest = slice_skip(rest, slice_find(rest, ':', 0) + 1);
	struct slice found = slice_head(rest, slice_find(rest, ':', 0));
	if (found.len == 0)
		found = SLICE("unknown");
	snprintf(name, size, "%.*s", (int)found.len, found.ptr);
}

uint64_t systemd_watchdog_ms(void)
{
	bool ours = getenv("WATCHDOG_PID") == NULL ||
		    environment_number("WATCHDOG_PID") == (uint64_t)getpid();
	return ours ? environment_number("WATCHDOG_USEC") / 1000 : 0;
}

/* Where NOTIFY_SOCKET points: a path, or a name in the abstract namespace after an `@`. */
static bool notify_address(struct sockaddr_un *to, socklen_t *len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (path == NULL || (path[0] != '/' && path[0] != '@'))
		return false;
	size_t path_len = strlen(path);
	if (path_len >= sizeof(to->sun_path))
		return false;
	*to = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(to->sun_path, path, path_len);
	if (path[0] == '@')
		to->sun_path[0] = '\0';
	*len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + path_len);
	return true;
}

void systemd_notify(const char *format, ...)
{
	struct sockaddr_un to;
	socklen_t to_len;
	if (!notify_address(&to, &to_len))
		return;
	char text[1024];
	va_list args;
	va_start(args, format);
	int len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(text))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	sendto(fd, text, (size_t)len, MSG_NOSIGNAL, (struct sockaddr *)&to, to_len);
	close(fd);
}
