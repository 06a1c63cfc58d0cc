#include "proxy/privilege.h"
#include "base/compat.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Both halves of the sets, capget(2); what we ask for is in the lower. */
struct capabilities {
	struct __user_cap_data_struct half[2];
};

enum { CAPABILITY_RAW = 1 << CAP_NET_RAW };

static bool capabilities_get(struct capabilities *all)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	return syscall(SYS_capget, &header, all->half) == 0;
}

/* Gives up all but `kept`. */
static bool capabilities_keep(uint32_t kept)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct capabilities all = { .half[0] = { .effective = kept, .permitted = kept } };
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	       syscall(SYS_capset, &header, all.half) == 0;
}

static bool is_transparent(const struct config *config)
{
	for (size_t i = 0; i < config->backend_count; i++) {
		if (config->backends[i].identity == IDENTITY_TRANSPARENT)
			return true;
	}
	return false;
}

/* What `transparent` needs, we must have. */
static bool find_capability(const struct privilege *privilege, const struct config *config,
			    struct complaints *complaints)
{
	struct capabilities own;
	if (!privilege->transparent ||
	    (capabilities_get(&own) && (own.half[0].permitted & CAPABILITY_RAW) != 0))
		return true;
	complain(complaints, config->path,
		 "identity = transparent needs CAP_NET_RAW: add it to AmbientCapabilities= and "
		 "CapabilityBoundingSet= of the unit, or start as root");
	return false;
}

static bool find_groups(struct privilege *privilege, const struct passwd *user)
{
	int count = 0;
	getgrouplist(user->pw_name, user->pw_gid, NULL, &count);
	privilege->groups = calloc((size_t)count + 1, sizeof(gid_t));
	if (privilege->groups == NULL ||
	    getgrouplist(user->pw_name, user->pw_gid, privilege->groups, &count) < 0)
		return false;
	privilege->group_count = count;
	return true;
}

bool privilege_find(struct privilege *privilege, const struct config *config,
		    struct complaints *complaints)
{
	*privilege = (struct privilege){
		.drop = geteuid() == 0,
		.transparent = is_transparent(config),
	};
	if (!find_capability(privilege, config, complaints))
		return false;
	if (!privilege->drop)
		return true;
	errno = 0;
	const struct passwd *user = getpwnam(config->user);
	if (user == NULL) {
		complain(complaints, config->path,
			 "user `%s` does not exist: make it with `adduser --system --group %s`, or "
			 "set another `user` in [postern]",
			 config->user, config->user);
		return false;
	}
	if (user->pw_uid == 0) {
		complain(complaints, config->path,
			 "user `%s` is root, as which no worker may run: set another `user` in "
			 "[postern]",
			 config->user);
		return false;
	}
	privilege->uid = user->pw_uid;
	privilege->gid = user->pw_gid;
	if (find_groups(privilege, user))
		return true;
	complain(complaints, config->path, "the groups of user `%s` cannot be read", config->user);
	return false;
}

void privilege_release(struct privilege *privilege)
{
	free(privilege->groups);
	*privilege = (struct privilege){ 0 };
}

static bool become(const struct privilege *privilege)
{
	uid_t uid = privilege->uid;
	gid_t gid = privilege->gid;
	if (setgroups((size_t)privilege->group_count, privilege->groups) != 0 ||
	    setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
		return false;
	/* There is no way back, or it was no drop. */
	return setuid(0) != 0 && seteuid(0) != 0 && setgid(0) != 0 && geteuid() == uid;
}

bool privilege_drop(const struct privilege *privilege)
{
	uint32_t kept = privilege->transparent ? CAPABILITY_RAW : 0;
	return prctl(PR_SET_KEEPCAPS, privilege->transparent, 0, 0, 0) == 0 &&
	       (!privilege->drop || become(privilege)) && capabilities_keep(kept) &&
	       prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && privilege_hide();
}

/*
 * What is not dumpable is dumped for root's eyes where fs.suid_dumpable is 2 (proc(5)), as
 * systemd-coredump has it; that heeds the limit.
 */
bool privilege_hide(void)
{
	static const struct rlimit none;
	return setrlimit(RLIMIT_CORE, &none) == 0 &&
	       prctl(PR_SET_DUMPABLE, COMPAT_SANITIZED, 0, 0, 0) == 0;
}
