#include "bench/compare.h"
#include "bench/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX = 64 << 20, NUMBER_BYTES = 64, TEXT_BYTES = 34 };

static const struct row {
	const char *name;
	const char *path; /* NULL: an empty line */
	double scale;     /* of the value, to the unit */
	int digits;
} rows[] = {
	{ "accepted", "accepted", 1, 0 },
	{ "not accepted", "failed", 1, 0 },
	{ "errors", "errors", 1, 0 },
	{ "lost", "verdict/lost", 1, 0 },
	{ "doubled", "verdict/doubled", 1, 0 },
	{ "damaged", "verdict/damaged", 1, 0 },
	{ "", NULL, 0, 0 },
	{ "a second", "units_per_second", 1, 1 },
	{ "MB a second", "megabytes_per_second", 1, 2 },
	{ "observed CPU for each, us", "observed_cpu_us_per_unit", 1, 1 },
	{ "own CPU, s", "own_cpu_seconds", 1, 3 },
	{ "", NULL, 0, 0 },
	{ "connect p50, ms", "latency_us/connect/p50", 1e-3, 3 },
	{ "connect p99, ms", "latency_us/connect/p99", 1e-3, 3 },
	{ "command p50, ms", "latency_us/command/p50", 1e-3, 3 },
	{ "command p99, ms", "latency_us/command/p99", 1e-3, 3 },
	{ "message p50, ms", "latency_us/message/p50", 1e-3, 3 },
	{ "message p99, ms", "latency_us/message/p99", 1e-3, 3 },
	{ "message p99.9, ms", "latency_us/message/p99.9", 1e-3, 3 },
	{ "message max, ms", "latency_us/message/max", 1e-3, 3 },
};

/* What must be the same for a ratio to mean something. */
static const char *const facts[] = { "target",         "tls",        "session",   "scenario",
				     "at_a_time",      "size_bytes", "pipelined", "bdat",
				     "due_per_second", "loops",      "cpu",       "kernel",
				     "openssl" };

static bool complain(const char *path, const char *why)
{
	fprintf(stderr, "postern-bench: %s: %s\n", path, why);
	return false;
}

/* The caller frees text->ptr. */
static bool read_file(const char *path, struct slice *text)
{
	FILE *file = fopen(path, "r");
	char *room = malloc(FILE_MAX);
	bool good = file && room;

	*text = slice_of(room, 0);
	if (good)
		text->len = fread(room, 1, FILE_MAX, file);
	if (!good || ferror(file) || text->len == FILE_MAX)
		good = complain(path, errno ? strerror(errno) : "it is too long");
	else if (!json_is_valid(*text))
		good = complain(path, "it is no report of postern-bench");
	if (file)
		fclose(file);
	return good;
}

static bool number_at(struct slice text, const char *path, double *number)
{
	char digits[NUMBER_BYTES];
	struct slice value;

	if (!json_find(text, path, &value) || value.len == 0 || value.len >= sizeof digits)
		return false;
	memcpy(digits, value.ptr, value.len);
	digits[value.len] = '\0';
	*number = strtod(digits, NULL);
	return true;
}

static void print_row(const struct row *row, struct slice a, struct slice b)
{
	double x, y;

	if (!row->path) {
		putchar('\n');
		return;
	}
	if (!number_at(a, row->path, &x) || !number_at(b, row->path, &y) || (x == 0 && y == 0))
		return;
	printf("%-26s %14.*f %14.*f", row->name, row->digits, x * row->scale, row->digits,
	       y * row->scale);
	if (x > 0)
		printf(" %9.3f\n", y / x);
	else
		printf(" %9s\n", "-");
}

static void print_text(struct slice text, const char *path)
{
	struct slice value = SLICE("-");

	json_find(text, path, &value);
	if (value.len >= 2 && value.ptr[0] == '"')
		value = slice_of(value.ptr + 1, value.len - 2);
	value = slice_head(value, TEXT_BYTES);
	printf(" %-*.*s", TEXT_BYTES, (int)value.len, value.ptr);
}

static void print_differences(struct slice a, struct slice b)
{
	for (size_t i = 0; i < sizeof facts / sizeof *facts; i++) {
		struct slice x, y;
		if (!json_find(a, facts[i], &x) || !json_find(b, facts[i], &y) || slice_eq(x, y))
			continue;
		printf("differs: %-15s", facts[i]);
		print_text(a, facts[i]);
		print_text(b, facts[i]);
		putchar('\n');
	}
}

int compare_main(int argc, char **argv)
{
	struct slice a = slice_of(NULL, 0), b = slice_of(NULL, 0);

	if (argc != 3) {
		fprintf(stderr, "postern-bench: expected compare A.json B.json\n"
				"Try 'postern-bench --help'.\n");
		return 2;
	}
	bool good = read_file(argv[1], &a) && read_file(argv[2], &b);
	if (good) {
		printf("%-26s %14s %14s %9s\n", "", "A", "B", "B/A");
		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			print_row(&rows[i], a, b);
		print_differences(a, b);
	}
	free((char *)a.ptr);
	free((char *)b.ptr);
	return good ? EXIT_SUCCESS : 2;
}
