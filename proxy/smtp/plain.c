#include "proxy/smtp/plain.h"

#include "base/compat.h"

enum {
	MANY = 896, /* bytes judged together; a fourth of them may be dots: a byte counts these */
	FEW = 128,  /* the same, where the many are not plain or not there */
	AHEAD = 3,  /* bytes looked at behind those that are judged */
};

/* All bits or none: how vector instructions answer. */
static inline unsigned char is(char c, char wanted)
{
	return c == wanted ? 0xff : 0;
}

/*
 * Each CR is followed by LF, each LF but the first byte follows a CR, no LF has a dot and a CR
 * behind it, no NUL. Then *dots grows by the LFs that a dot follows. Without a branch in the loop,
 * so that the compiler makes vector code of it. A byte that is amiss is taken for a NUL: the least
 * of all tells.
 */
static inline bool are_plain(const char *p, size_t count, size_t *dots)
{
	unsigned char least = 0xff, found = 0;

#pragma GCC unroll 14
	for (size_t i = 0; i < count; i++) {
		unsigned char cr = is(p[i], '\r'), lf = is(p[i + 1], '\n');
		unsigned char dot = lf & is(p[i + 2], '.'), end = dot & is(p[i + 3], '\r');
		unsigned char good = (unsigned char)(p[i] & ~((cr ^ lf) | end));
		least = good < least ? good : least;
		found = (unsigned char)(found - dot);
	}
	if (least == 0)
		return false;
	*dots += found;
	return true;
}

static bool begins_line(const char *p, size_t dot)
{
	return dot > 0 && p[dot] == '.' && p[dot - 1] == '\n';
}

static inline struct plain run(struct slice bytes)
{
	struct plain run = { 0 };
	const char *p = bytes.ptr;
	size_t judged = 0;

	if (bytes.len == 0 || p[0] == '\n')
		return run;
	while (judged + MANY + AHEAD <= bytes.len && are_plain(p + judged, MANY, &run.dots))
		judged += MANY;
	while (judged + FEW + AHEAD <= bytes.len && are_plain(p + judged, FEW, &run.dots))
		judged += FEW;
	if (judged == 0)
		return run;
	run.len = judged;
	if (p[judged - 1] == '\r' || begins_line(p, judged - 1))
		run.len--;
	/* With a byte is judged whether one begins a line two bytes on. */
	for (size_t dot = run.len; dot < judged + 2; dot++)
		run.dots -= begins_line(p, dot);
	return run;
}

COMPAT_WIDE
struct plain plain_run(struct slice bytes)
{
	return run(bytes);
}

struct plain plain_run_narrow(struct slice bytes)
{
	return run(bytes);
}
