/*
 * What the inspector costs for each byte of message text, beside memchr() over the same text in the
 * same run. The status is 1 where it costs more than its bounds. With a work's word and a number it
 * only does that work so many times over 16 KiB: for bench/check, which counts instructions.
 *
 * memchr() is measured twice: once over the whole text, looking for a byte that is not there, and
 * line by line, looking for each LF. The second is what the bounds are for: like the scanner, it
 * has to find every line's end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/smtp/message.h"
#include "proxy/smtp/plain.h"

enum {
	COLUMNS = 76,
	ROUNDS = 25,
	BYTES_A_ROUND = 8 * 1024 * 1024,
	/* The relay's buffer, and a text that no first-level cache holds. */
	SMALL_BYTES = 16 * 1024,
	LARGE_BYTES = 1024 * 1024,
};

/* One pass over a text, with room for what it becomes. Returns what shows that it was done. */
typedef size_t pass_over(struct slice text, char *room);

static size_t memchr_whole(struct slice text, char *room)
{
	(void)room;
	return slice_find(text, 1, 0);
}

static size_t memchr_lines(struct slice text, char *room)
{
	const char *at = text.ptr, *end = text.ptr + text.len, *lf;
	size_t lines = 0;

	(void)room;
	for (; at < end && (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1)
		lines++;
	return lines;
}

static size_t run(struct slice text, char *room)
{
	(void)room;
	return plain_run(text).len;
}

static size_t run_narrow(struct slice text, char *room)
{
	(void)room;
	return plain_run_narrow(text).len;
}

static size_t scan(struct slice text, char *room)
{
	enum text_found found;
	struct text state;

	(void)room;
	text_begin(&state);
	return text_scan(&state, text, UINT64_MAX, &found);
}

static size_t mend(struct slice text, char *room)
{
	size_t made = 0, total = 0, n;
	enum text_found found;
	struct text state;

	text_begin(&state);
	while ((n = text_mend(&state, text, UINT64_MAX, room, SMTP_ROOM_BYTES, &made, &found))) {
		total += made < n ? n : made;
		text = slice_skip(text, n);
	}
	return total;
}

/* Octets behind BDAT are counted, and nothing in them is looked for. */
static size_t chunk(struct slice text, char *room)
{
	static const struct smtp_policy policy = { 0 };
	struct smtp_step step = { .room = room, .room_size = SMTP_ROOM_BYTES };
	struct smtp smtp;
	size_t total = 0;

	smtp_init(&smtp, &policy, true, SLICE("bench"), SLICE(""));
	smtp.mode = SMTP_MODE_CHUNK;
	smtp.chunk_left = text.len;
	while (text.len > 0) {
		smtp_to_server(&smtp, slice_head(text, SMALL_BYTES), &step);
		if (step.act != SMTP_PASS || step.len == 0)
			abort();
		total += step.len;
		text = slice_skip(text, step.len);
	}
	return total;
}

enum work { WHOLE, LINES, RUN, NARROW, SCAN, DOTS, CHUNK, LINES_BARE, MEND, WORKS };

static const struct {
	const char *name;
	const char *word; /* for counting; NULL: only measured */
	pass_over *pass;
	const char *line_end;
	enum work beside; /* whose cost bounds this one's */
	double most;      /* times that; 0: no bound */
} works[WORKS] = {
	[WHOLE] = { "memchr, whole text", NULL, memchr_whole, "\r\n", WHOLE, 0 },
	[LINES] = { "memchr, line by line", NULL, memchr_lines, "\r\n", LINES, 0 },
	[RUN] = { "plain_run", NULL, run, "\r\n", LINES, 3 },
	[NARROW] = { "plain_run_narrow", NULL, run_narrow, "\r\n", LINES, 3 },
	[SCAN] = { "text_scan", "text", scan, "\r\n", LINES, 3 },
	[DOTS] = { "text_scan, dots at lines' starts", "dots", scan, "\r\n..", LINES, 3 },
	[CHUNK] = { "octets of BDAT", "chunk", chunk, "\r\n", LINES, 1 },
	[LINES_BARE] = { "memchr, bare LF, line by line", NULL, memchr_lines, "\n", LINES_BARE, 0 },
	[MEND] = { "text_mend, bare LF", "mend", mend, "\n", LINES_BARE, 30 },
};

/* Twice the text may cost so much more. */
static const double TWICE_MOST = 2.2;

/* Costs of one pass in each round, in ns: over the text, and over one twice as long. */
struct costs {
	double once[ROUNDS], twice[ROUNDS];
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double time_pass(pass_over *pass, struct slice text, char *room)
{
	size_t passes = BYTES_A_ROUND / text.len, done = pass(text, room);
	double begun_ns = now_ns();

	for (size_t i = 0; i < passes; i++) {
		/* The compiler must believe that the text may be another one each time. */
		__asm__ volatile("" : "+r"(text.ptr) : : "memory");
		if (pass(text, room) != done)
			abort();
	}
	return (now_ns() - begun_ns) / (double)passes;
}

/* A chain of additions, each of which takes one cycle: so a cycle's length is known anywhere. */
static double time_cycle(void)
{
	double best_ns = 1e9;
	size_t count = 2000000;

	for (int round = 0; round < 9; round++) {
		double begun_ns = now_ns();
		for (size_t i = 0, x = 0; i < count; i++) {
			x += i;
			__asm__ volatile("" : "+r"(x));
		}
		double ns = (now_ns() - begun_ns) / (double)count;
		best_ns = ns < best_ns ? ns : best_ns;
	}
	return best_ns;
}

static char *text_make(const char *line_end, size_t len)
{
	size_t end_len = strlen(line_end), period = COLUMNS + end_len;
	char *text = malloc(len);

	for (size_t i = 0; text && i < len; i++) {
		size_t at = i % period;
		text[i] = at < COLUMNS ? (char)('a' + at % 26) : line_end[at - COLUMNS];
	}
	return text;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median of a[i] / b[i], or of a alone. */
static double median(const double a[ROUNDS], const double b[ROUNDS])
{
	double sorted[ROUNDS];

	for (size_t i = 0; i < ROUNDS; i++)
		sorted[i] = b ? a[i] / b[i] : a[i];
	qsort(sorted, ROUNDS, sizeof *sorted, by_size);
	return sorted[ROUNDS / 2];
}

/* All works take turns, so that what disturbs one round disturbs it for all. */
static bool measure(struct costs costs[WORKS], size_t len)
{
	char *room = malloc(SMTP_ROOM_BYTES), *texts[WORKS] = { NULL };
	bool good = room != NULL;

	for (size_t w = 0; w < WORKS; w++)
		good &= (texts[w] = text_make(works[w].line_end, 2 * len)) != NULL;
	for (size_t round = 0; good && round < ROUNDS; round++) {
		for (size_t w = 0; w < WORKS; w++) {
			pass_over *pass = works[w].pass;
			costs[w].once[round] = time_pass(pass, slice_of(texts[w], len), room);
			costs[w].twice[round] = time_pass(pass, slice_of(texts[w], 2 * len), room);
		}
	}
	for (size_t w = 0; w < WORKS; w++)
		free(texts[w]);
	free(room);
	return good;
}

/* A row of the table; false where a bound is not kept. */
static bool report(const struct costs costs[WORKS], enum work w, size_t len, double cycle_ns)
{
	double ns = median(costs[w].once, NULL) / (double)len;
	double beside = median(costs[w].once, costs[works[w].beside].once);
	double whole = median(costs[w].once, costs[WHOLE].once);
	double twice = median(costs[w].twice, costs[w].once);
	bool good = works[w].most == 0 || (beside <= works[w].most && twice <= TWICE_MOST);

	printf("  %-34s %8.3f %8.2f %10.2f %10.2f %8.2f  %s\n", works[w].name, ns / cycle_ns,
	       1 / ns, whole, beside, twice, good ? "" : "over its bound");
	return good;
}

/* The work of that word, `times` over; false where there is none, or no memory. */
static bool repeat(const char *word, unsigned long times)
{
	char room[SMTP_ROOM_BYTES];
	enum work w = 0;

	while (w < WORKS && (!works[w].word || strcmp(works[w].word, word) != 0))
		w++;
	char *text = w < WORKS ? text_make(works[w].line_end, SMALL_BYTES) : NULL;
	for (unsigned long i = 0; text && i < times; i++)
		if (works[w].pass(slice_of(text, SMALL_BYTES), room) == 0)
			abort();
	free(text);
	return text != NULL;
}

int main(int count, char **args)
{
	static const size_t sizes[] = { SMALL_BYTES, LARGE_BYTES };
	double cycle_ns;
	struct costs costs[WORKS];
	bool good = true;

	if (count == 3)
		return repeat(args[1], strtoul(args[2], NULL, 10)) ? 0 : 2;
	cycle_ns = time_cycle();
	printf("Lines of %d columns; medians of %d rounds; a cycle is %.3f ns.\n"
	       "Bounds, against memchr line by line: text_scan 3, text_mend 30; twice the text: "
	       "%.1f.\n",
	       COLUMNS, ROUNDS, cycle_ns, TWICE_MOST);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		if (!measure(costs, sizes[i])) {
			fputs("out of memory\n", stderr);
			return 2;
		}
		printf("\n%5zu KiB                            cycles/B     GB/s   of memchr  of "
		       "memchr "
		       "   twice\n"
		       "                                                          whole   by lines "
		       "the "
		       "text\n",
		       sizes[i] / 1024);
		for (enum work w = 0; w < WORKS; w++)
			good &= report(costs, w, sizes[i], cycle_ns);
	}
	return good ? 0 : 1;
}
