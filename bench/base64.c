#include "bench/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encode(char *to, size_t size, struct slice octets)
{
	size_t len = 0;

	if ((octets.len + 2) / 3 * 4 >= size)
		return BASE64_BAD;
	for (size_t i = 0; i < octets.len; i += 3) {
		uint32_t bits = 0;
		for (size_t j = i; j < i + 3; j++)
			bits = bits << 8 | (j < octets.len ? (unsigned char)octets.ptr[j] : 0);
		for (size_t j = 0; j < 4; j++) {
			bool is_pad = i + j > octets.len;
			to[len++] = is_pad ? '=' : letters[bits >> (18 - 6 * j) & 63];
		}
	}
	to[len] = '\0';
	return len;
}

static int digit_of(char c)
{
	const char *at = c ? strchr(letters, c) : NULL;
	return at ? (int)(at - letters) : -1;
}

size_t base64_decode(char *to, size_t size, struct slice text)
{
	uint32_t bits = 0;
	size_t len = 0, pads = 0;

	if (text.len % 4 != 0 || text.len / 4 * 3 >= size)
		return BASE64_BAD;
	while (pads < 2 && text.len > 0 && text.ptr[text.len - 1] == '=') {
		text.len--;
		pads++;
	}
	for (size_t i = 0; i < text.len; i++) {
		int digit = digit_of(text.ptr[i]);
		if (digit < 0)
			return BASE64_BAD;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4 != 0)
			to[len++] = (char)(bits >> (6 - 2 * (i % 4)) & 255);
	}
	to[len] = '\0';
	return len;
}
