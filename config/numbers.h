/* Values that are numbers: counts, sizes and times, with their units and bounds. */
#ifndef CONFIG_NUMBERS_H
#define CONFIG_NUMBERS_H

#include "config/options.h"

/* False with what was expected, the option's bounds included, in `why`. */
bool number_parse(const struct option *option, struct slice text, uint64_t *number, char *why,
		  size_t why_size);

/* As number_parse() reads it, with the greatest unit that divides it. */
void number_format(enum option_type type, uint64_t number, char *text, size_t size);

/* `COUNT/TIME`, the time's number left out where it is 1; or 0. */
bool rate_parse(struct slice text, struct rate *rate);
void rate_format(const struct rate *rate, char *text, size_t size);

/* Cores that this process may use. */
uint64_t number_of_cores(void);

#endif
