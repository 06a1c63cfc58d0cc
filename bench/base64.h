/* Base 64 (RFC 4648 section 4), for AUTH. */
#ifndef BENCH_BASE64_H
#define BENCH_BASE64_H

#include "base/slice.h"

/*
 * Both write to `to` of `size` bytes, NUL-terminated. They return the length without the NUL, or
 * BASE64_BAD when it does not fit or is not base 64.
 */
size_t base64_encode(char *to, size_t size, struct slice octets);
size_t base64_decode(char *to, size_t size, struct slice text);

#define BASE64_BAD SIZE_MAX

#endif
