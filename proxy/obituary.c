#include "proxy/obituary.h"
#include "proxy/announce.h"
#include "proxy/sandbox.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static void tell_crash(struct log_line *line, const struct crash_note *note)
{
	char text[CRASH_TEXT_BYTES];
	if (note->signal == 0)
		return;
	if (note->signal == SIGSYS && note->syscall >= 0) {
		log_num(line, "call", (uint64_t)note->syscall);
		sandbox_call_name(note->syscall, text, sizeof(text));
		log_str(line, "call_name", text);
	}
	crash_describe(note, text, sizeof(text));
	log_str(line, "stack", text);
}

void obituary(const struct log *log, const struct obituary *dead)
{
	bool good = dead->asked && WIFEXITED(dead->status) && WEXITSTATUS(dead->status) == 0;
	struct log_line line;
	if (!log_begin(&line, log, good ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, "worker-ended"))
		return;
	log_num(&line, "worker", dead->worker);
	log_num(&line, "generation", dead->generation);
	log_num(&line, "pid", (uint64_t)dead->pid);
	announce_status(&line, dead->status);
	log_num(&line, "sessions", dead->sessions);
	log_ms(&line, "lived", dead->lived_ms);
	if (WIFSIGNALED(dead->status))
		tell_crash(&line, dead->note);
	log_end(&line);
}
