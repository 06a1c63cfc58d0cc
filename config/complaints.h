/* What is wrong with a configuration, and with what it names. */
#ifndef CONFIG_COMPLAINTS_H
#define CONFIG_COMPLAINTS_H

#include <stddef.h>

/* In the order found; every line is `file:line: sentence` with the remedy. */
struct complaints {
	char *text; /* NUL-terminated lines, NULL when there are none */
	size_t len;
	size_t count; /* errors */
	size_t warnings;
};

void complain(struct complaints *complaints, const char *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void complain_warn(struct complaints *complaints, const char *place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void complaints_release(struct complaints *complaints);

#endif
