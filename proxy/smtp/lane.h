/* Sixteen bytes at a time: the compiler makes vector code of it for any processor. */
#ifndef PROXY_SMTP_LANE_H
#define PROXY_SMTP_LANE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef unsigned char lane __attribute__((vector_size(16)));

enum { LANE = sizeof(lane) };

/* The LANE bytes at `p`, wherever they lie. */
static inline lane lane_at(const char *p)
{
	lane bytes;

	memcpy(&bytes, p, sizeof bytes);
	return bytes;
}

/* Whether any bit of `bits` is set; comparisons of lanes set all bits of a byte, or none. */
static inline bool lane_any(lane bits)
{
	uint64_t halves[2];

	memcpy(halves, &bits, sizeof halves);
	return (halves[0] | halves[1]) != 0;
}

#endif
