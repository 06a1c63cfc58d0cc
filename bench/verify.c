#include "bench/verify.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 10, LINE_BYTES = 4096 };

static bool fail(struct verify *verify, const char *why)
{
	verify->why = why;
	return false;
}

/* One reply line without its end; false when there is none. */
static bool read_line(FILE *sink, char *line)
{
	if (!fgets(line, LINE_BYTES, sink))
		return false;
	line[strcspn(line, "\r\n")] = '\0';
	return true;
}

static unsigned hex_digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static unsigned bits_of(unsigned octet)
{
	return (unsigned)__builtin_popcount(octet);
}

/* `text`: the octets of DIALOG_TALLY_NUMBERS numbers from `from` on. */
static void weigh(struct verify *verify, const struct load *load, const char *text, uint64_t from)
{
	size_t at = (size_t)(from / 8);

	for (; text[0] && text[1]; text += 2, at++) {
		unsigned came = hex_digit(text[0]) << 4 | hex_digit(text[1]);
		unsigned told = at < load->shared->told_bytes ? load->shared->told[at] : 0;
		verify->told += bits_of(told);
		verify->lost += bits_of(told & ~came);
		verify->unconfirmed += bits_of(came & ~told);
	}
}

static bool ask_part(struct verify *verify, const struct load *load, FILE *sink, uint64_t from)
{
	char line[LINE_BYTES];
	uint64_t seen;
	int at = 0;

	fprintf(sink, "XTALLY %016" PRIx64 " %" PRIu64 "\r\n", load->run, from);
	if (fflush(sink) != 0 || !read_line(sink, line))
		return fail(verify, "the sink went away");
	if (sscanf(line, "250 %" SCNu64 " %" SCNu64 " %" SCNu64 " %n", &seen, &verify->doubled,
		   &verify->damaged, &at) < 3 ||
	    strlen(line + at) != DIALOG_TALLY_NUMBERS / 4 ||
	    strspn(line + at, "0123456789abcdef") != DIALOG_TALLY_NUMBERS / 4)
		return fail(verify, "what is there is no postern-sink");
	weigh(verify, load, line + at, from);
	return true;
}

static bool ask(struct verify *verify, const struct load *load, FILE *sink)
{
	uint64_t claimed = atomic_load(&load->shared->claimed);
	char line[LINE_BYTES];

	if (claimed >= TALLY_NUMBERS)
		return fail(verify, "more messages than are kept in mind");
	if (!read_line(sink, line) || strncmp(line, "220 ", 4) != 0)
		return fail(verify, "the sink does not greet");
	for (uint64_t from = 0; from <= claimed; from += DIALOG_TALLY_NUMBERS)
		if (!ask_part(verify, load, sink, from))
			return false;
	return true;
}

static int connect_sink(const struct addr *address)
{
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, &address->any, address->len) == 0)
		return fd;
	close(fd);
	return -1;
}

void verify_ask(struct verify *verify, const struct addr *address, const struct load *load)
{
	*verify = (struct verify){ .is_asked = true, .why = "the sink cannot be reached" };
	int fd = connect_sink(address);
	FILE *sink = fd < 0 ? NULL : fdopen(fd, "r+");

	if (sink)
		verify->is_answered = ask(verify, load, sink);
	if (sink)
		fclose(sink);
	else if (fd >= 0)
		close(fd);
}

bool verify_is_good(const struct verify *verify)
{
	if (!verify->is_asked)
		return true;
	return verify->is_answered && !verify->lost && !verify->doubled && !verify->damaged;
}
