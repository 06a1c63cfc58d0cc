#include "bench/wire.h"
#include "base/net.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { GATHER_BYTES = 16 * 1024 }; /* one TLS record */

bool wire_secure(struct wire *wire, struct tls_plan *plan, bool resume)
{
	wire->tls = bench_tls_new(plan, wire->fd, resume);
	return wire->tls != NULL;
}

ssize_t wire_read(struct wire *wire, char *to, size_t room)
{
	return wire->tls ? bench_tls_read(wire->tls, to, room) : net_read(wire->fd, to, room);
}

/* As many bytes of the pieces as `to` of GATHER_BYTES takes. */
static struct slice gather(const struct slice *pieces, size_t count, char *to)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		struct slice part = slice_head(pieces[i], GATHER_BYTES - len);
		if (part.len > 0)
			memcpy(to + len, part.ptr, part.len);
		len += part.len;
	}
	return slice_of(to, len);
}

static void cut(struct slice *pieces, size_t count, size_t n)
{
	for (size_t i = 0; i < count && n > 0; i++) {
		size_t part = n < pieces[i].len ? n : pieces[i].len;
		pieces[i] = slice_skip(pieces[i], part);
		n -= part;
	}
}

ssize_t wire_write(struct wire *wire, struct slice *pieces, size_t count)
{
	char room[GATHER_BYTES];
	struct slice bytes;

	while (count > 1 && pieces->len == 0) {
		pieces++;
		count--;
	}
	/* A long piece goes as it is: copying would only cost. */
	bytes = pieces->len >= GATHER_BYTES ? *pieces : gather(pieces, count, room);
	if (wire->tls)
		bytes = slice_head(bytes, GATHER_BYTES);
	ssize_t n = wire->tls ? bench_tls_write(wire->tls, bytes) : net_write(wire->fd, bytes);
	if (n > 0)
		cut(pieces, count, (size_t)n);
	return n;
}

void wire_why(const struct wire *wire, char *why, size_t size)
{
	if (wire->tls)
		bench_tls_why(wire->tls, why, size);
	else
		snprintf(why, size, "%s", strerror(errno));
}

void wire_finish(struct wire *wire)
{
	if (wire->tls)
		bench_tls_finish(wire->tls);
	net_finish(wire->fd);
}

void wire_close(struct wire *wire)
{
	bench_tls_free(wire->tls);
	if (wire->fd >= 0)
		close(wire->fd);
	*wire = (struct wire){ .fd = -1 };
}
