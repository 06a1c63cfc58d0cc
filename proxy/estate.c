#include "proxy/estate.h"
#include "proxy/bans.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 *   at 127.0.0.1:465           the address of what follows, and
 *   name smtps                 its listener's name: to the end of the line, both
 *   door 0 7 8                 listening sockets; 1: systemd had handed them over
 *   hatch 9                    a socket for control or metrics
 *   channel 4                  to the master before
 *   keys 5, bans 6             memory: of the ticket keys; of who is banned
 */
static const char VARIABLE[] = "POSTERN_ESTATE";

enum { LINE_BYTES = 8192, FDS_MAX = 256 };

/* ------------------------------------------------------------------------------------ writing */

static void write_door(const struct door *door, FILE *to)
{
	char address[ADDR_TEXT_BYTES];
	addr_format(&door->wanted, address, sizeof(address));
	fprintf(to, "at %s\nname %s\ndoor %d", address, door->name, door->handed);
	for (size_t i = 0; i < door->count; i++)
		fprintf(to, " %d", door->fds[i]);
	fputc('\n', to);
}

static void write_hatch(const struct hatch *hatch, FILE *to)
{
	char address[ADDR_TEXT_BYTES];
	addr_format(&hatch->wanted, address, sizeof(address));
	fprintf(to, "at %s\nhatch %d\n", address, hatch->fd);
}

/* A stream that writes to a copy of the descriptor, from its present offset on. */
static FILE *stream(int fd, const char *mode)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy >= 0 ? fdopen(copy, mode) : NULL;
	if (file == NULL && copy >= 0)
		close(copy);
	return file;
}

static bool finish(FILE *to)
{
	bool failed = ferror(to) != 0;
	return fclose(to) == 0 && !failed;
}

int estate_write(const struct crews *crews, int channel, int keys, int bans)
{
	int fd = memfd_create("estate", MFD_CLOEXEC);
	FILE *to = fd >= 0 ? stream(fd, "w") : NULL;
	if (to != NULL) {
		fprintf(to, "channel %d\nkeys %d\nbans %d\n", channel, keys, bans);
		for (size_t i = 0; i < crews->sockets.count; i++)
			write_door(crews->sockets.doors[i], to);
		for (size_t i = 0; i < crews->keeper.hatches.count; i++)
			write_hatch(&crews->keeper.hatches.item[i], to);
		if (finish(to))
			return fd;
	}
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool pass(int fd)
{
	return fcntl(fd, F_SETFD, 0) == 0;
}

bool estate_pass(const struct crews *crews, const int *others, size_t count)
{
	char number[16];
	bool good = true;
	for (size_t i = 0; i < count; i++)
		good = good && pass(others[i]);
	for (size_t i = 0; i < crews->sockets.count; i++) {
		const struct door *door = crews->sockets.doors[i];
		for (size_t n = 0; n < door->count; n++)
			good = good && pass(door->fds[n]);
	}
	for (size_t i = 0; i < crews->keeper.hatches.count; i++)
		good = good && pass(crews->keeper.hatches.item[i].fd);
	snprintf(number, sizeof(number), "%d", others[0]);
	return good && setenv(VARIABLE, number, 1) == 0;
}

/* ------------------------------------------------------------------------------------ reading */

/* What the lines so far have said. */
struct reading {
	struct estate estate;
	struct sockets *sockets; /* NULL on the first reading, before there are any */
	struct hatches *hatches;
	struct addr at;
	char name[LINE_BYTES];
};

/* A descriptor by its number, which whoever we start is not to have. */
static int take_fd(struct slice *rest)
{
	uint64_t number;
	if (!slice_number(slice_word(rest), &number) || number > INT32_MAX ||
	    fcntl((int)number, F_SETFD, FD_CLOEXEC) != 0)
		return -1;
	return (int)number;
}

static bool read_at(struct reading *reading, struct slice rest)
{
	const char *why;
	return addr_parse(rest, &reading->at, &why);
}

static bool read_name(struct reading *reading, struct slice rest)
{
	snprintf(reading->name, sizeof(reading->name), "%.*s", (int)rest.len, rest.ptr);
	return true;
}

static bool read_door(struct reading *reading, struct slice rest)
{
	int fds[FDS_MAX];
	size_t count = 0;
	bool handed = slice_eq(slice_word(&rest), SLICE("1"));
	while (rest.len > 0 && count < FDS_MAX) {
		fds[count] = take_fd(&rest);
		if (fds[count++] < 0)
			return false;
	}
	return reading->sockets == NULL ||
	       sockets_adopt(reading->sockets, reading->name, &reading->at, handed, fds, count);
}

static bool read_hatch(struct reading *reading, struct slice rest)
{
	int fd = take_fd(&rest);
	return fd >= 0 &&
	       (reading->hatches == NULL || hatches_adopt(reading->hatches, &reading->at, fd));
}

/* On the second reading these are no news any more, and may be closed. */
static bool read_into(const struct reading *reading, int *fd, struct slice rest)
{
	if (reading->sockets == NULL)
		*fd = take_fd(&rest);
	return reading->sockets != NULL || *fd >= 0;
}

static bool read_channel(struct reading *reading, struct slice rest)
{
	return read_into(reading, &reading->estate.channel, rest);
}

static bool read_keys(struct reading *reading, struct slice rest)
{
	return read_into(reading, &reading->estate.keys, rest);
}

static bool read_bans(struct reading *reading, struct slice rest)
{
	return read_into(reading, &reading->estate.bans, rest);
}

static const struct {
	const char *word;
	bool (*read)(struct reading *reading, struct slice rest);
} lines[] = {
	{ "at", read_at },           { "name", read_name }, { "door", read_door },
	{ "hatch", read_hatch },     { "keys", read_keys }, { "bans", read_bans },
	{ "channel", read_channel },
};

/* A line that we do not know is a later version's, and not for us. */
static bool read_line(struct reading *reading, struct slice line)
{
	struct slice word = slice_word(&line);
	line = slice_trim(line);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (slice_eq(word, slice_str(lines[i].word)))
			return lines[i].read(reading, line);
	}
	return true;
}

static bool read_all(struct reading *reading, int fd)
{
	char text[LINE_BYTES];
	FILE *from = lseek(fd, 0, SEEK_SET) == 0 ? stream(fd, "r") : NULL;
	bool good = from != NULL;
	while (good && fgets(text, sizeof(text), from) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		good = read_line(reading, slice_str(text));
	}
	if (from != NULL)
		fclose(from);
	return good;
}

bool estate_open(struct estate *estate)
{
	struct reading reading = { .estate = { -1, -1, -1, -1 } };
	const char *number = getenv(VARIABLE);
	bool good = number == NULL;
	if (number != NULL) {
		struct slice rest = slice_str(number);
		reading.estate.text = take_fd(&rest);
		unsetenv(VARIABLE);
		good = reading.estate.text >= 0 && read_all(&reading, reading.estate.text) &&
		       reading.estate.channel >= 0 && reading.estate.keys >= 0 &&
		       reading.estate.bans >= 0;
	}
	*estate = reading.estate;
	return good;
}

bool estate_sockets(struct sockets *sockets, struct hatches *hatches, int text)
{
	struct reading reading = { .sockets = sockets, .hatches = hatches };
	return read_all(&reading, text);
}

/* --------------------------------------------------------------------------------------- bans */

bool estate_write_bans(const struct addresses *table, int fd)
{
	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
		return false;
	FILE *to = stream(fd, "w");
	if (to == NULL)
		return false;
	bans_write(table, to);
	return finish(to);
}

void estate_read_bans(const struct addresses *table, int fd)
{
	FILE *from = lseek(fd, 0, SEEK_SET) == 0 ? stream(fd, "r") : NULL;
	size_t count;
	if (from == NULL)
		return;
	bans_read(table, from, &count);
	fclose(from);
}
