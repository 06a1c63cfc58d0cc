#include "proxy/room.h"

#include <errno.h>
#include <sys/resource.h>

enum { RECORDS_MIN = 64 };

/* Each session takes two descriptors: as many as may be had. */
uint64_t room_for_files(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return 0;
	struct rlimit raised = { limit.rlim_max, limit.rlim_max };
	return setrlimit(RLIMIT_NOFILE, &raised) == 0 ? limit.rlim_max : limit.rlim_cur;
}

bool room_make(struct shared *shared, const struct config *config, size_t generations,
	       uint64_t files, struct complaints *complaints)
{
	size_t records = 2 * generations * config->workers;
	size_t addresses = 0, ahead = 0;
	for (size_t i = 0; i < config->listener_count; i++)
		addresses += config->listeners[i].address.count;
	for (size_t i = 0; i < config->backend_count; i++)
		ahead += config->backends[i].warm * config->backends[i].server.count;
	size_t slots = shared_slots_for(files, addresses * config->workers + ahead);
	if (shared_new(shared, records > RECORDS_MIN ? records : RECORDS_MIN, slots,
		       slots * config->workers))
		return true;
	complain(complaints, config->path, "shared memory cannot be had: %s", strerror(errno));
	return false;
}
