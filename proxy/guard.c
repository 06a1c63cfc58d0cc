#include "proxy/guard.h"
#include "base/clock.h"
#include "proxy/systemd.h"

void guard_begin(struct guard *guard)
{
	uint64_t now_ms = clock_ms();
	/* Twice in the time that it allows: sd_watchdog_enabled(3). */
	uint64_t each_ms = systemd_watchdog_ms() / 2;
	*guard = (struct guard){
		.look_ms = now_ms + PULSE_LOOK_MS,
		.notify_ms = each_ms != 0 ? now_ms : UINT64_MAX,
		.notify_each_ms = each_ms,
	};
}

uint64_t guard_due_ms(const struct guard *guard)
{
	return guard->look_ms < guard->notify_ms ? guard->look_ms : guard->notify_ms;
}

void guard_tend(struct guard *guard, struct crews *crews)
{
	uint64_t now_ms = clock_ms();
	if (now_ms >= guard->notify_ms) {
		guard->notify_ms = now_ms + guard->notify_each_ms;
		systemd_notify("WATCHDOG=1");
	}
	if (now_ms < guard->look_ms)
		return;
	bool late = now_ms >= guard->look_ms + PULSE_LATE_MS;
	guard->look_ms = now_ms + PULSE_LOOK_MS;
	for (struct crew *crew = crews->first; crew != NULL; crew = crew->next)
		crew_look(crews, crew, late);
}
