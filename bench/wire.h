/* What the load tool reads from and writes to: a socket, with TLS over it or without. */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include "bench/tls.h"

struct wire {
	int fd; /* -1: none */
	struct tls *tls;
};

/* From here on all is TLS, with a session of before where `resume` and there is one. False when
 * out of memory. */
bool wire_secure(struct wire *wire, struct tls_plan *plan, bool resume);

/* As net_read(). */
ssize_t wire_read(struct wire *wire, char *to, size_t room);

/*
 * Writes the pieces one behind the other, as one where they are small, and cuts what has gone off
 * them. Returns the bytes written, IO_AGAIN or IO_ERROR. After IO_AGAIN the pieces must be as they
 * are now.
 */
ssize_t wire_write(struct wire *wire, struct slice *pieces, size_t count);

/* The reason of the last IO_ERROR. */
void wire_why(const struct wire *wire, char *why, size_t size);

/* Nothing more will be sent. */
void wire_finish(struct wire *wire);
void wire_close(struct wire *wire);

#endif
