/*
 * A linear buffer with three marks: `head <= clear <= tail`.
 *
 *   [head, clear)  has been inspected and may leave
 *   [clear, tail)  waits for the inspector
 *   [tail, size)   is free
 *
 * Passing bytes moves a mark and no byte. The memory is lent by a pool and held only while the
 * buffer has bytes, so an idle connection costs none.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/slice.h"

enum {
	BUF_READ_BYTES = 64 * 1024,  /* as much as is read ahead of the peer that takes it */
	BUF_WAIT_BYTES = 132 * 1024, /* as much as may wait: the longest reply and a line more */
	BUF_SPARE_BYTES = 20 * 1024, /* kept free by readers, for texts put in by buf_swap() */
	BUF_SIZE = BUF_WAIT_BYTES + BUF_SPARE_BYTES,
};

/* Lends memory of BUF_SIZE bytes; one a worker. Has `keep` pieces from the start, keeps up to that
 * many idle ones, unmaps the rest. */
struct pool {
	void **idle; /* stack of idle pieces */
	size_t idle_count;
	size_t keep;
	size_t lent; /* pieces now with buffers */
};

/* False when out of memory. */
bool pool_init(struct pool *pool, size_t keep);
void pool_release(struct pool *pool);

struct buf {
	char *mem; /* NULL while the buffer is empty */
	uint32_t head;
	uint32_t clear;
	uint32_t tail;
};

/* Makes sure that there is memory; false when there is none to be had. */
bool buf_borrow(struct buf *buf, struct pool *pool);

/* Gives the memory back if the buffer is empty; forgets all bytes first with buf_drop(). */
void buf_return(struct buf *buf, struct pool *pool);

/* Forgets all bytes. */
void buf_drop(struct buf *buf);

static inline struct slice buf_leaving(const struct buf *buf)
{
	return slice_skip(slice_of(buf->mem, buf->clear), buf->head);
}

static inline struct slice buf_waiting(const struct buf *buf)
{
	return slice_skip(slice_of(buf->mem, buf->tail), buf->clear);
}

static inline bool buf_empty(const struct buf *buf)
{
	return buf->head == buf->tail;
}

/*
 * Where to read to and how much: *room bytes at the result. Moves the bytes held to the front
 * first where that is what makes room. *room is 0 when enough is held already: BUF_READ_BYTES, or
 * up to BUF_WAIT_BYTES when none of it may leave. The memory must be borrowed.
 */
char *buf_room(struct buf *buf, size_t *room);

/* buf_swap() of a text up to BUF_SPARE_BYTES, in place of any bytes, is sure to find room. */
static inline bool buf_has_spare(const struct buf *buf)
{
	return buf->tail - buf->head + BUF_SPARE_BYTES <= BUF_SIZE;
}

/* `n` bytes were read to buf_room(). */
void buf_fill(struct buf *buf, size_t n);

/* The first `n` waiting bytes may leave. */
void buf_pass(struct buf *buf, size_t n);

/* Of the waiting bytes `n` go, those behind the first `keep`. */
void buf_cut(struct buf *buf, size_t keep, size_t n);

/* The first `n` leaving bytes have left. */
void buf_take(struct buf *buf, size_t n);

/*
 * The first `n` waiting bytes become `text`, which may leave. False, with nothing done, when there
 * is no room before some bytes have left. The memory must be borrowed. `text` is copied.
 */
bool buf_swap(struct buf *buf, size_t n, struct slice text);

#endif
