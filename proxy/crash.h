/*
 * What a process that dies by a signal leaves behind: which signal, why, and its stack, as numbers
 * in memory that the master has too. The handler stores, and does nothing else: it allocates,
 * formats and writes nothing, so it works in whatever state the process is, and in the sandbox.
 */
#ifndef PROXY_CRASH_H
#define PROXY_CRASH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CRASH_FRAMES = 32, CRASH_TEXT_BYTES = 2048 };

struct crash_note {
	_Atomic int32_t signal; /* 0: nothing is noted */
	int32_t syscall;        /* that was refused (SIGSYS); -1: none */
	uint64_t address;       /* that was touched (SIGSEGV, SIGBUS) */
	uint32_t depth;
	uint64_t frames[CRASH_FRAMES]; /* return addresses, the innermost first */
};

/*
 * From now on a signal that says that the process is broken is noted before it ends the process as
 * it would have without us. To be called before the sandbox closes. False when there is no memory.
 */
bool crash_watch(struct crash_note *note);

/*
 * The stack in words, `postern+0x1f2a libc.so.6+0x3c050`: what addr2line(1) is told of each file.
 * For a process that was forked from this one: the same programs lie at the same places. Numbers
 * that are no addresses do no harm. Empty when nothing is noted.
 */
void crash_describe(const struct crash_note *note, char *text, size_t size);

#endif
