#include "proxy/privilege.h"
#include "base/compat.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

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
	*privilege = (struct privilege){ .drop = geteuid() == 0 };
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
	if (privilege->drop && !become(privilege))
		return false;
	/* A leak checker attaches to the process that it checks. */
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_DUMPABLE, COMPAT_SANITIZED ? 1 : 0, 0, 0, 0) == 0;
}
