#include "proxy/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define VERSION "postern/1"

enum { ANSWER_MAX = 256 * 1024 * 1024 };

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = 10 };
	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	int error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* A tab or a newline in a word would be read as another. */
static bool put_word(char *line, size_t size, const char *word)
{
	size_t len = strlen(line);
	if (strpbrk(word, "\t\n\r") != NULL || len + strlen(word) + 3 > size)
		return false;
	snprintf(line + len, size - len, "\t%s", word);
	return true;
}

static bool make_line(char *line, size_t size, bool json, const char *command,
		      const char *const *words, size_t count)
{
	snprintf(line, size, VERSION "\t%s\t%s", json ? "json" : "text", command);
	for (size_t i = 0; i < count; i++) {
		if (!put_word(line, size, words[i]))
			return false;
	}
	strcat(line, "\n");
	return true;
}

/* All there is to the end. */
static char *read_all(int fd)
{
	size_t len = 0, size = 64 * 1024;
	char *text = malloc(size);
	while (text != NULL) {
		ssize_t got = recv(fd, text + len, size - len - 1, 0);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		len += (size_t)got;
		if (size - len > 1)
			continue;
		char *more = size < ANSWER_MAX ? realloc(text, size * 2) : NULL;
		if (more == NULL)
			break;
		text = more;
		size *= 2;
	}
	if (text != NULL)
		text[len] = '\0';
	return text;
}

static void read_answer(struct call *call)
{
	static const struct {
		const char *word;
		enum call_status status;
	} words[] = {
		{ "ok", CALL_OK },
		{ "failed", CALL_FAILED },
		{ "pending\t", CALL_PENDING },
	};
	const char *head = call->answer;
	const char *end = strchr(head, '\n');
	size_t version = strlen(VERSION "\t");
	call->status = CALL_FOREIGN;
	if (end == NULL || strncmp(head, VERSION "\t", version) != 0)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);
		if (strncmp(head + version, words[i].word, len) != 0)
			continue;
		call->status = words[i].status;
		snprintf(call->serial, sizeof(call->serial), "%.*s",
			 (int)(end - head - (ptrdiff_t)(version + len)), head + version + len);
	}
	call->body = end + 1;
}

void call_make(struct call *call, const char *path, bool json, const char *command,
	       const char *const *words, size_t count)
{
	char line[1024];
	*call = (struct call){ .status = CALL_NOBODY, .body = "" };
	if (!make_line(line, sizeof(line), json, command, words, count)) {
		call->status = CALL_FAILED;
		call->body = "what was written is too long, or has a tab or a newline in it\n";
		return;
	}
	int fd = dial(path);
	if (fd < 0)
		return;
	if (send(fd, line, strlen(line), MSG_NOSIGNAL) == (ssize_t)strlen(line))
		call->answer = read_all(fd);
	close(fd);
	errno = 0;
	if (call->answer != NULL && call->answer[0] != '\0')
		read_answer(call);
}

void call_release(struct call *call)
{
	free(call->answer);
	*call = (struct call){ .status = CALL_NOBODY, .body = "" };
}
