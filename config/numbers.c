#include "config/numbers.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

struct unit {
	const char *word;
	uint64_t factor;
};

/* From the greatest down, as a number is printed with the greatest that divides it. */
static const struct unit time_units[] = {
	{ "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }
};
static const struct unit size_units[] = {
	{ "T", (uint64_t)1 << 40 }, { "G", 1 << 30 }, { "M", 1 << 20 }, { "K", 1 << 10 }, { "", 1 },
};
static const struct unit no_units[] = { { "", 1 } };

struct scale {
	const struct unit *units;
	size_t count;
	const char *zero;
	const char *expected; /* followed by the bounds */
};

static struct scale scale_of(enum option_type type)
{
	if (type == OPTION_TIME || type == OPTION_WAIT)
		return (struct scale){ time_units, 4, "0s",
				       "a time, such as 500ms, 30s, 5m or 1h," };
	if (type == OPTION_SIZE)
		return (struct scale){ size_units, 5, "0",
				       "a size in bytes, such as 100, 64K or 50M," };
	return (struct scale){ no_units, 1, "0", "a number" };
}

void number_format(enum option_type type, uint64_t number, char *text, size_t size)
{
	struct scale scale = scale_of(type);

	if (number == 0) {
		snprintf(text, size, "%s", type == OPTION_WAIT ? "refuse" : scale.zero);
		return;
	}
	for (size_t i = 0; i < scale.count; i++) {
		const struct unit *unit = &scale.units[i];
		if (number % unit->factor == 0) {
			snprintf(text, size, "%s%" PRIu64 "%s", type == OPTION_WAIT ? "wait " : "",
				 number / unit->factor, unit->word);
			return;
		}
	}
}

void rate_format(const struct rate *rate, char *text, size_t size)
{
	char time[32] = "";

	number_format(OPTION_TIME, rate->per_ms, time, sizeof time);
	if (rate->count == 0)
		snprintf(text, size, "0");
	else
		snprintf(text, size, "%" PRIu64 "/%s", rate->count,
			 time[0] == '1' && time[1] > '9' ? time + 1 : time);
}

/* Digits, then a unit; 0 needs none, as it is the same in all. */
static bool parse_scaled(struct slice text, struct scale scale, uint64_t *number)
{
	size_t digits = 0;

	while (digits < text.len && text.ptr[digits] >= '0' && text.ptr[digits] <= '9')
		digits++;
	if (!slice_number(slice_head(text, digits), number))
		return false;
	struct slice word = slice_skip(text, digits);
	if (*number == 0 && word.len == 0)
		return true;
	for (size_t i = 0; i < scale.count; i++) {
		if (!slice_eq_nocase(word, slice_str(scale.units[i].word)))
			continue;
		if (*number > UINT64_MAX / scale.units[i].factor)
			return false;
		*number *= scale.units[i].factor;
		return true;
	}
	return false;
}

bool rate_parse(struct slice text, struct rate *rate)
{
	const struct scale times = { time_units, 4, "0s", "" };
	size_t slash = slice_find(text, '/', 0);
	struct slice per = slice_skip(text, slash + 1);

	*rate = (struct rate){ 0 };
	if (!slice_number(slice_head(text, slash), &rate->count) || rate->count > UINT32_MAX)
		return false;
	if (slash == text.len)
		return rate->count == 0;
	for (size_t i = 0; i < times.count; i++)
		if (slice_eq_nocase(per, slice_str(times.units[i].word)))
			rate->per_ms = times.units[i].factor;
	return (rate->per_ms > 0 || parse_scaled(per, times, &rate->per_ms)) && rate->per_ms > 0 &&
	       rate->per_ms <= time_units[0].factor * 24;
}

bool number_parse(const struct option *option, struct slice text, uint64_t *number, char *why,
		  size_t why_size)
{
	struct scale scale = scale_of(option->type);
	enum option_type bounds = option->type == OPTION_WAIT ? OPTION_TIME : option->type;
	char min[32], max[32];

	if (parse_scaled(text, scale, number) && *number >= option->min && *number <= option->max)
		return true;
	number_format(bounds, option->min, min, sizeof min);
	number_format(bounds, option->max, max, sizeof max);
	snprintf(why, why_size, "expected %s%s from %s to %s",
		 option->type == OPTION_WORKERS ? "auto, or " : "", scale.expected, min, max);
	return false;
}

uint64_t number_of_cores(void)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof cores, &cores) != 0)
		return 1;
	return (uint64_t)CPU_COUNT(&cores);
}
