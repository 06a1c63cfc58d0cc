/*
 * The event loop of both programs: the only file here that knows libev. A watch is one descriptor
 * and one timer of one owner; what is watched is said whole each time, never toggled.
 */
#ifndef BENCH_LOOP_H
#define BENCH_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_watch;

enum loop_event { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_TIMER = 4 };

/* `events` is a set of enum loop_event. It may free its own watch, and no other's. */
typedef void loop_call(void *of, unsigned events);

/* NULL when there is no loop to be had. */
struct loop *loop_new(void);
/* All watches must be freed before. */
void loop_free(struct loop *loop);

/* Returns after loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Microseconds of the monotonic clock, as it is now. */
uint64_t loop_clock_us(void);

/* Calls `call` with `of` and no events when the signal comes. False when there are too many. */
bool loop_signal(struct loop *loop, int signal, loop_call *call, void *of);

/* NULL when out of memory. Watches nothing yet. */
struct loop_watch *loop_watch_new(struct loop *loop, loop_call *call, void *of);
/* NULL is fine. To be called before the descriptor is closed. */
void loop_watch_free(struct loop_watch *watch);

/* Watches `fd` for LOOP_READ and LOOP_WRITE as set in `events`; nothing when it is 0. */
void loop_watch_fd(struct loop_watch *watch, int fd, unsigned events);

enum { LOOP_NEVER = 0 };

/* LOOP_TIMER comes once, at `due_us` of loop_clock_us(), or soon when that is over. */
void loop_watch_until(struct loop_watch *watch, uint64_t due_us);

/* As many descriptors as the hard limit allows. Returns the limit. */
uint64_t loop_raise_files(void);

#endif
