#include "proxy/upgrade.h"
#include "base/clock.h"
#include "proxy/announce.h"
#include "proxy/systemd.h"

#include <inttypes.h>

static void failed(const struct log *log, const struct complaints *complaints)
{
	announce_complaints(log, complaints);
	log_say(log, LOG_LEVEL_ERROR, "upgrade-failed",
		"the new program does not serve: this one goes on");
	systemd_notify("READY=1\nSTATUS=Upgrade failed, the old program goes on");
}

void upgrade_begin(struct crews *crews, char *const *argv, const struct log *log)
{
	struct complaints complaints = { 0 };
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64 "\nSTATUS=Upgrading",
		       clock_ms() * 1000);
	log_say(log, LOG_LEVEL_INFO, "upgrading", "the program that is installed now is started");
	if (!succession_start(crews, argv, &complaints))
		failed(log, &complaints);
	complaints_release(&complaints);
}

static void let_go(struct crews *crews, const struct log *log)
{
	/* First: where it is said that the other one serves, nobody comes to us any more. */
	for (struct crew *crew = crews->first; crew != NULL; crew = crew->next)
		crew_order(crews, crew, ORDER_RETIRE, 0);
	log_say(log, LOG_LEVEL_INFO, "upgraded",
		"process %d serves; this one ends when its %" PRIu64 " sessions have ended",
		(int)crews->succession.heir_pid, shared_open(&crews->shared));
	sockets_close(&crews->sockets);
	keeper_dismiss(&crews->keeper);
}

bool upgrade_hear(struct crews *crews, const struct log *log)
{
	struct complaints complaints = { 0 };
	enum heir_news news = succession_hear(crews, &complaints);
	if (news == HEIR_FAILED)
		failed(log, &complaints);
	if (news == HEIR_READY)
		let_go(crews, log);
	complaints_release(&complaints);
	return news == HEIR_READY;
}
