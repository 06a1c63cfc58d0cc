/* Who watches which listening socket. Pure. */
#ifndef PROXY_WATCH_H
#define PROXY_WATCH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether `worker` of `workers` watches slot `slot` of an address that has `slots` sockets. `up`
 * says of each worker whether it runs; up[worker] is true.
 *
 * Worker j of M watches the slots j, j+M, ...; where there are more workers than slots, worker j
 * shares slot j mod slots. A slot all of whose own workers are down is watched by the next one that
 * is up. So each slot has a watcher as long as one worker is up, and when the workers have
 * different opinions of who is up, for the moment that the news travels, it may have two.
 */
bool watch_is_mine(size_t slot, size_t slots, size_t worker, size_t workers, const bool *up);

#endif
