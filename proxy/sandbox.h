/*
 * The sandbox: what a process that reads what strangers send gives up before it reads the first
 * byte. It keeps the system calls of its work (seccomp(2)) and nothing to open or to execute, no
 * port to connect to but its servers' (Landlock), no other kind of socket. It goes by the
 * configuration alone, for good, and needs no privilege.
 *
 * A system call that the work does not need ends the process with SIGSYS; looking for a file, which
 * libraries do of their own accord, only fails.
 */
#ifndef PROXY_SANDBOX_H
#define PROXY_SANDBOX_H

#include "config/config.h"

enum sandbox_kind { SANDBOX_WORKER = 1, SANDBOX_MONITOR = 2 };

/*
 * Closes it. Everything that comes from files is to be loaded before. NULL where it is closed, as
 * far as the kernel can, or is not to be; otherwise a sentence, with errno: then it is half closed,
 * and the process had better end. With a sanitizer it is never closed.
 */
const char *sandbox_enter(enum sandbox_kind kind, const struct config *config);

/* What this kernel lacks for it, in words; NULL where it has everything. */
const char *sandbox_lacks(void);

/* The name of a system call of this machine, "unknown" where it has none. */
void sandbox_call_name(int number, char *name, size_t size);

#endif
