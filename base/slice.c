#include "base/slice.h"

struct slice slice_str(const char *text)
{
	return slice_of(text, strlen(text));
}

bool slice_eq(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

char slice_upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

bool slice_starts_nocase(struct slice s, struct slice prefix)
{
	if (s.len < prefix.len)
		return false;
	for (size_t i = 0; i < prefix.len; i++)
		if (s.ptr[i] != prefix.ptr[i] &&
		    slice_upper(s.ptr[i]) != slice_upper(prefix.ptr[i]))
			return false;
	return true;
}

size_t slice_find(struct slice s, char byte, size_t from)
{
	if (from >= s.len)
		return s.len;
	const char *hit = memchr(s.ptr + from, byte, s.len - from);
	return hit ? (size_t)(hit - s.ptr) : s.len;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
	while (s.len > 0 && is_blank(s.ptr[0]))
		s = slice_skip(s, 1);
	while (s.len > 0 && is_blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct slice slice_word(struct slice *rest)
{
	struct slice s = slice_trim(*rest);
	size_t n = 0;

	while (n < s.len && !is_blank(s.ptr[n]))
		n++;
	*rest = slice_skip(s, n);
	return slice_head(s, n);
}

bool slice_number(struct slice s, uint64_t *value)
{
	uint64_t n = 0;

	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		uint64_t digit = (uint64_t)(s.ptr[i] - '0');
		if (n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*value = n;
	return true;
}

bool slice_match_nocase(struct slice s, struct slice pattern)
{
	size_t at = 0, p = 0;
	size_t star = SIZE_MAX, resume = 0;

	/* The last star alone is ever retried: enough, since an earlier one can only match less. */
	while (at < s.len) {
		if (p < pattern.len && pattern.ptr[p] == '*') {
			star = p++;
			resume = at;
		} else if (p < pattern.len &&
			   slice_upper(pattern.ptr[p]) == slice_upper(s.ptr[at])) {
			p++;
			at++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			at = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.ptr[p] == '*')
		p++;
	return p == pattern.len;
}
