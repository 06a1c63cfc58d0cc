/*
 * A slice is a pointer and a length: how all bytes from the network are named.
 * It owns nothing and is never NUL-terminated; it lives as long as what it points into.
 */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
	const char *ptr;
	size_t len;
};

/* A slice of a string literal. */
#define SLICE(literal) ((struct slice){ "" literal, sizeof(literal) - 1 })

static inline struct slice slice_of(const char *ptr, size_t len)
{
	return (struct slice){ ptr, len };
}

/* The first n bytes, or all when there are fewer. */
static inline struct slice slice_head(struct slice s, size_t n)
{
	return slice_of(s.ptr, n < s.len ? n : s.len);
}

/* What follows the first n bytes; empty when there are fewer. */
static inline struct slice slice_skip(struct slice s, size_t n)
{
	n = n < s.len ? n : s.len;
	/* An empty slice may point to NULL, to which not even 0 can be added. */
	return n > 0 ? slice_of(s.ptr + n, s.len - n) : s;
}

/* The slice of a NUL-terminated string, without the NUL. */
struct slice slice_str(const char *text);

bool slice_eq(struct slice a, struct slice b);

bool slice_starts_nocase(struct slice s, struct slice prefix);

/* Equal but for the case of ASCII letters: the comparison of RFC 5321 section 2.4. Most that are
 * looked for in a table differ in length, or in more than a letter's case at the start. */
static inline bool slice_eq_nocase(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || ((a.ptr[0] ^ b.ptr[0]) & ~0x20) == 0) &&
	       slice_starts_nocase(a, b);
}

/* The offset of the first `byte` at or after `from`; s.len when there is none. */
size_t slice_find(struct slice s, char byte, size_t from);

/* Without blanks and HT at both ends. */
struct slice slice_trim(struct slice s);

/*
 * Cuts the first blank-separated word (SP and HT separate) off *rest and returns it; empty when
 * nothing is left.
 */
struct slice slice_word(struct slice *rest);

/* Decimal digits alone, at least one, that fit 64 bits; otherwise false and *value is untouched. */
bool slice_number(struct slice s, uint64_t *value);

/* ASCII only, whatever the locale. */
char slice_upper(char c);

/* Matches a pattern in which each `*` stands for any bytes, without regard to ASCII case. */
bool slice_match_nocase(struct slice s, struct slice pattern);

#endif
