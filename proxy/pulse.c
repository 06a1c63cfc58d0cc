#include "proxy/pulse.h"

static enum pulse_news beaten(struct pulse *pulse, uint32_t beats, uint64_t now_ms)
{
	bool recovered = pulse->stalled && beats != pulse->beats;
	pulse->beats = beats;
	pulse->since_ms = now_ms;
	pulse->stalled = pulse->stalled && !recovered;
	return recovered ? PULSE_RECOVERED : PULSE_NOTHING;
}

enum pulse_news pulse_look(struct pulse *pulse, uint32_t beats, uint64_t now_ms, bool late)
{
	if (pulse->kill_ms != 0)
		return now_ms >= pulse->kill_ms ? PULSE_KILL : PULSE_NOTHING;
	if (beats != pulse->beats || beats == 0 || late)
		return beaten(pulse, beats, now_ms);
	uint64_t silent_ms = now_ms - pulse->since_ms;
	if (silent_ms >= PULSE_DEAD_MS) {
		pulse->kill_ms = now_ms + PULSE_STACK_MS;
		return PULSE_DEAD;
	}
	if (pulse->stalled || silent_ms < PULSE_STALL_MS)
		return PULSE_NOTHING;
	pulse->stalled = true;
	return PULSE_STALLED;
}
