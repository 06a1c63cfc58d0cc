/*
 * The two protocols of systemd that a daemon needs: sockets handed over at start (sd_listen_fds(3))
 * and telling how things stand (sd_notify(3)). Both are environment variables and a datagram.
 */
#ifndef PROXY_SYSTEMD_H
#define PROXY_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How many sockets were handed over to this process (from descriptor 3 on); 0 when none. */
size_t systemd_socket_count(void);

enum { SYSTEMD_FIRST_FD = 3, SYSTEMD_SOCKETS_MAX = 256 };

/* The name of the nth, from FileDescriptorName=; "unknown" when systemd gave none. */
void systemd_socket_name(size_t n, char *name, size_t size);

/* WatchdogSec= of the unit, where it is meant for this process; 0 when there is none. */
uint64_t systemd_watchdog_ms(void);

/* Sends assignments ("READY=1\nSTATUS=..."), made as by printf; nothing where nobody listens. */
void systemd_notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
