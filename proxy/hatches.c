#include "proxy/hatches.h"
#include "base/net.h"
#include "proxy/opening.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 64, CONTROL_MODE = 0660, DIRECTORY_MODE = 0755 };

static const struct hatch *hatches_find(const struct hatches *hatches, const struct addr *wanted)
{
	for (size_t i = 0; hatches != NULL && i < hatches->count; i++) {
		if (addr_eq(&hatches->item[i].wanted, wanted))
			return &hatches->item[i];
	}
	return NULL;
}

static void hatch_close(const struct hatch *hatch)
{
	if (hatch->bound.any.sa_family == AF_UNIX && !hatch->lent)
		unlink(hatch->bound.local.sun_path);
	close(hatch->fd);
}

static void hatch_bound(struct hatch *hatch)
{
	hatch->bound.len = sizeof(hatch->bound.local);
	if (getsockname(hatch->fd, &hatch->bound.any, &hatch->bound.len) != 0)
		hatch->bound = hatch->wanted;
}

static bool hatch_open(struct hatch *hatch)
{
	hatch->fd = net_listen(&hatch->wanted, BACKLOG, false);
	if (hatch->fd < 0)
		return false;
	hatch_bound(hatch);
	return true;
}

static bool hatches_add(struct hatches *hatches, const struct hatches *old, const char *option,
			const struct addr *wanted, const struct generation *generation,
			struct complaints *complaints)
{
	struct hatch *hatch = &hatches->item[hatches->count];
	const struct hatch *open = hatches_find(old, wanted);
	*hatch = open != NULL ? *open : (struct hatch){ .wanted = *wanted };
	if (open == NULL && !hatch_open(hatch)) {
		opening_failed(generation->config->path, option, wanted, errno, complaints);
		return false;
	}
	hatches->count++;
	return true;
}

/* /run is empty after each start of the machine: who is root makes what is missing there. */
static void make_directory(const struct addr *path)
{
	struct addr copy = *path;
	char *slash = strrchr(copy.local.sun_path, '/');
	if (slash == NULL || slash == copy.local.sun_path || geteuid() != 0)
		return;
	*slash = '\0';
	mkdir(copy.local.sun_path, DIRECTORY_MODE);
}

/* For the configured user's group, and nobody else from the first moment on. */
static bool open_control(struct hatches *hatches, const struct hatches *old,
			 const struct generation *generation, struct complaints *complaints)
{
	const struct config *config = generation->config;
	const struct privilege *privilege = &generation->privilege;
	struct addr path = { .len = sizeof(path.local) };
	if (strcmp(config->control, "off") == 0)
		return true;
	if (strlen(config->control) >= sizeof(path.local.sun_path)) {
		complain(complaints, config->path,
			 "control %s: a socket's path has at most %zu bytes", config->control,
			 sizeof(path.local.sun_path) - 1);
		return false;
	}
	path.local.sun_family = AF_UNIX;
	strcpy(path.local.sun_path, config->control);
	make_directory(&path);
	mode_t mask = umask(0777 & ~CONTROL_MODE);
	hatches->control = hatches_add(hatches, old, "control", &path, generation, complaints);
	umask(mask);
	if (!hatches->control)
		return false;
	if (privilege->drop && chown(config->control, (uid_t)-1, privilege->gid) != 0)
		complain_warn(complaints, config->path, "control %s: its group cannot be set: %s",
			      config->control, strerror(errno));
	return true;
}

static bool open_metrics(struct hatches *hatches, const struct hatches *old,
			 const struct generation *generation, struct complaints *complaints)
{
	const struct config *config = generation->config;
	bool good = true;
	if (config->metrics.count > HANDED_METRICS_MAX) {
		complain(complaints, config->path, "metrics: at most %d addresses",
			 HANDED_METRICS_MAX);
		return false;
	}
	for (size_t i = 0; i < config->metrics.count; i++)
		good = hatches_add(hatches, old, "metrics", &config->metrics.item[i], generation,
				   complaints) &&
		       good;
	return good;
}

bool hatches_open(struct hatches *hatches, const struct hatches *old,
		  const struct generation *generation, struct complaints *complaints)
{
	*hatches = (struct hatches){ 0 };
	bool good = open_control(hatches, old, generation, complaints);
	good = open_metrics(hatches, old, generation, complaints) && good;
	if (!good)
		hatches_close(hatches, old);
	return good;
}

void hatches_close(struct hatches *hatches, const struct hatches *kept)
{
	for (size_t i = 0; i < hatches->count; i++) {
		if (hatches_find(kept, &hatches->item[i].wanted) == NULL)
			hatch_close(&hatches->item[i]);
	}
	hatches->count = 0;
	hatches->control = false;
}

bool hatches_adopt(struct hatches *hatches, const struct addr *wanted, int fd)
{
	if (hatches->count == sizeof(hatches->item) / sizeof(hatches->item[0]))
		return false;
	struct hatch *hatch = &hatches->item[hatches->count++];
	*hatch = (struct hatch){ .wanted = *wanted, .fd = fd, .lent = true };
	hatch_bound(hatch);
	return true;
}

static void set_lent(struct hatches *hatches, bool lent)
{
	for (size_t i = 0; i < hatches->count; i++)
		hatches->item[i].lent = lent;
}

void hatches_own(struct hatches *hatches)
{
	set_lent(hatches, false);
}

void hatches_lend(struct hatches *hatches)
{
	set_lent(hatches, true);
}

void hatches_leave(const struct hatches *hatches)
{
	for (size_t i = 0; i < hatches->count; i++)
		close(hatches->item[i].fd);
}
