#include "proxy/smtp/writer.h"

void write_slice(struct writer *w, struct slice text)
{
	text = slice_head(text, w->size - w->len);
	if (text.len > 0)
		memcpy(w->to + w->len, text.ptr, text.len);
	w->len += text.len;
}

void write_str(struct writer *w, const char *text)
{
	write_slice(w, slice_str(text));
}

void write_number(struct writer *w, uint64_t number)
{
	char digits[20];
	size_t n = sizeof digits;

	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	write_slice(w, slice_of(digits + n, sizeof digits - n));
}
