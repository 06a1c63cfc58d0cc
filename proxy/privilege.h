/* Whom the workers run as: the configured user where the master is root, else who started it. */
#ifndef PROXY_PRIVILEGE_H
#define PROXY_PRIVILEGE_H

#include "config/config.h"

#include <sys/types.h>

struct privilege {
	bool drop; /* we are root; what follows is whom to become */
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* owned; the user's supplementary groups */
	int group_count;
	bool transparent; /* a backend is shown the clients' own addresses: CAP_NET_RAW is kept */
};

/*
 * Looks the user up, so that no worker has to read a file for it. False, with a complaint, when we
 * are root and the user is not there, or is root too; or when a capability is needed that we lack.
 */
bool privilege_find(struct privilege *privilege, const struct config *config,
		    struct complaints *complaints);
void privilege_release(struct privilege *privilege);

/*
 * Becomes that user for good, without any capability but CAP_NET_RAW where that is needed, without
 * new privileges (PR_SET_NO_NEW_PRIVS) and not dumpable, since keys are in memory. False when any
 * of it did not work: then the process has to go.
 */
bool privilege_drop(const struct privilege *privilege);

/*
 * No core file of this process, and of those forked from it, is ever written, and nobody without
 * privilege looks into its memory. A leak checker, which attaches to the process, is let in.
 */
bool privilege_hide(void);

#endif
