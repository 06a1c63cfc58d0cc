#include "base/buf.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Mapped, not allocated: what is given back leaves the process for certain. NULL: no memory. */
static void *piece_new(void)
{
	void *mem =
		mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/*
 * All that is kept is had from the start, and costs nothing until it is written to: where sessions
 * have taken all other memory, they can still read, and end.
 */
bool pool_init(struct pool *pool, size_t keep)
{
	*pool = (struct pool){ .keep = keep };
	pool->idle = calloc(keep ? keep : 1, sizeof *pool->idle);
	while (pool->idle && pool->idle_count < keep) {
		void *mem = piece_new();
		if (!mem) {
			pool_release(pool);
			return false;
		}
		pool->idle[pool->idle_count++] = mem;
	}
	return pool->idle != NULL;
}

void pool_release(struct pool *pool)
{
	while (pool->idle_count > 0)
		munmap(pool->idle[--pool->idle_count], BUF_SIZE);
	free(pool->idle);
	*pool = (struct pool){ 0 };
}

bool buf_borrow(struct buf *buf, struct pool *pool)
{
	if (buf->mem)
		return true;
	buf->mem = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : piece_new();
	if (!buf->mem)
		return false;
	pool->lent++;
	buf->head = buf->clear = buf->tail = 0;
	return true;
}

void buf_return(struct buf *buf, struct pool *pool)
{
	if (!buf->mem || !buf_empty(buf))
		return;
	if (pool->idle_count < pool->keep)
		pool->idle[pool->idle_count++] = buf->mem;
	else
		munmap(buf->mem, BUF_SIZE);
	pool->lent--;
	*buf = (struct buf){ 0 };
}

void buf_drop(struct buf *buf)
{
	buf->head = buf->clear = buf->tail = 0;
}

static void to_front(struct buf *buf)
{
	if (buf->head == 0)
		return;
	memmove(buf->mem, buf->mem + buf->head, buf->tail - buf->head);
	buf->clear -= buf->head;
	buf->tail -= buf->head;
	buf->head = 0;
}

char *buf_room(struct buf *buf, size_t *room)
{
	size_t held = buf->tail - buf->head;
	size_t most = buf->head == buf->clear ? BUF_WAIT_BYTES : BUF_READ_BYTES;

	assert(buf->mem);
	if (held == 0)
		buf_drop(buf);
	*room = held < most ? most - held : 0;
	if (*room > BUF_READ_BYTES)
		*room = BUF_READ_BYTES;
	/* Only where the free end is short: a partial line moves once a buffer, not once a read. */
	if (*room > 0 && buf->tail + *room > BUF_SIZE - BUF_SPARE_BYTES)
		to_front(buf);
	return buf->mem + buf->tail;
}

void buf_fill(struct buf *buf, size_t n)
{
	assert(n <= BUF_SIZE - buf->tail);
	buf->tail += (uint32_t)n;
}

void buf_pass(struct buf *buf, size_t n)
{
	assert(n <= buf->tail - buf->clear);
	buf->clear += (uint32_t)n;
}

void buf_take(struct buf *buf, size_t n)
{
	assert(n <= buf->clear - buf->head);
	buf->head += (uint32_t)n;
	if (buf_empty(buf))
		buf_drop(buf);
}

void buf_cut(struct buf *buf, size_t keep, size_t n)
{
	size_t waiting = buf->tail - buf->clear;

	assert(keep <= waiting && n <= waiting - keep);
	if (n == 0)
		return;
	char *at = buf->mem + buf->clear + keep;
	memmove(at, at + n, waiting - keep - n);
	buf->tail -= (uint32_t)n;
	if (buf_empty(buf))
		buf_drop(buf);
}

bool buf_swap(struct buf *buf, size_t n, struct slice text)
{
	size_t behind = buf->tail - buf->clear;

	assert(buf->mem && n <= behind);
	behind -= n;
	if (buf->clear + text.len + behind > BUF_SIZE)
		to_front(buf);
	if (buf->clear + text.len + behind > BUF_SIZE)
		return false;
	char *at = buf->mem + buf->clear;
	if (n != text.len && behind > 0)
		memmove(at + text.len, at + n, behind);
	if (text.len > 0)
		memcpy(at, text.ptr, text.len);
	buf->clear += (uint32_t)text.len;
	buf->tail = buf->clear + (uint32_t)behind;
	if (buf_empty(buf))
		buf_drop(buf);
	return true;
}
