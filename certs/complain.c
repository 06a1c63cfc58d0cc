#include "certs/cert.h"

#include <stdarg.h>

enum { SENTENCE_BYTES = 1024 };

/* A certificate that several listeners use is read for each of them, but told of once. */
static bool said_before(const struct complaints *complaints, const char *place,
			const char *sentence)
{
	struct slice rest = slice_str(complaints->text ? complaints->text : "");
	size_t place_len = strlen(place);
	size_t len = strlen(sentence);

	while (rest.len > 0) {
		struct slice line = slice_head(rest, slice_find(rest, '\n', 0));

		if (line.len >= place_len + len && memcmp(line.ptr, place, place_len) == 0 &&
		    memcmp(line.ptr + line.len - len, sentence, len) == 0)
			return true;
		rest = slice_skip(rest, line.len + 1);
	}
	return false;
}

void cert_error(struct cert_load *load, const char *format, ...)
{
	char sentence[SENTENCE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	load->failed = true;
	if (!said_before(load->complaints, load->place, sentence))
		complain(load->complaints, load->place, "%s", sentence);
}

void cert_warn(struct cert_load *load, const char *format, ...)
{
	char sentence[SENTENCE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	if (!said_before(load->complaints, load->place, sentence))
		complain_warn(load->complaints, load->place, "%s", sentence);
}
