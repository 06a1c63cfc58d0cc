/* Choices out of bytes: what a fuzzer mutates, or a random generator makes. */
#ifndef TESTS_MODEL_CHOICE_H
#define TESTS_MODEL_CHOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct choice {
	const uint8_t *ptr;
	size_t left;
};

/* One of 0 to n - 1; always 0 when the bytes are used up: 0 is the way of good manners. */
static inline unsigned choose(struct choice *choice, unsigned n)
{
	if (choice->left == 0)
		return 0;
	choice->left--;
	return *choice->ptr++ % n;
}

/* Once in `n`, at most. */
static inline bool seldom(struct choice *choice, unsigned n)
{
	return choose(choice, n) == n - 1;
}

#endif
