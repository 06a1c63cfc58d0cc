#include "proxy/announce.h"
#include "base/clock.h"
#include "proxy/sandbox.h"
#include "proxy/systemd.h"

#include <inttypes.h>
#include <signal.h>
#include <sys/wait.h>

static const char *listener_name(const struct crew *crew, const struct entrance *entrance)
{
	return crew->generation->config->listeners[entrance->listener].name;
}

void announce_listening(const struct crew *crew)
{
	for (size_t i = 0; i < crew->entrances.count; i++) {
		const struct entrance *entrance = &crew->entrances.item[i];
		struct log_line line;
		if (!entrance->door->fresh ||
		    !log_begin(&line, &crew->generation->log, LOG_LEVEL_INFO, "listening"))
			continue;
		char address[ADDR_TEXT_BYTES];
		addr_format(&entrance->door->bound, address, sizeof(address));
		log_str(&line, "listener", listener_name(crew, entrance));
		log_str(&line, "address", address);
		log_num(&line, "sockets", entrance->door->count);
		log_end(&line);
		entrance->door->fresh = false;
	}
}

void announce_serving(const struct crew *crew, bool first)
{
	struct log_line line;
	systemd_notify("READY=1\nSTATUS=Serving, %zu workers, configuration %" PRIu32, crew->count,
		       crew->number);
	if (!log_begin(&line, &crew->generation->log, LOG_LEVEL_INFO, first ? "ready" : "reloaded"))
		return;
	log_num(&line, "generation", crew->number);
	log_num(&line, "workers", crew->count);
	for (size_t i = 0; i < crew->entrances.count; i++) {
		const struct entrance *entrance = &crew->entrances.item[i];
		char address[ADDR_TEXT_BYTES];
		addr_format(&entrance->door->bound, address, sizeof(address));
		log_str(&line, listener_name(crew, entrance), address);
	}
	log_end(&line);
}

void announce_sandbox(const struct crew *crew)
{
	const char *lacks = sandbox_lacks();
	if (crew->generation->config->sandbox && lacks != NULL)
		log_say(&crew->generation->log, LOG_LEVEL_WARNING, "sandbox", "%s", lacks);
}

void announce_reloading(const struct log *log, bool asked)
{
	systemd_notify("RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_ms() * 1000);
	log_say(log, LOG_LEVEL_INFO, "reloading", "%s",
		asked ? "everything is read anew"
		      : "files of certificates or lists have changed and are read anew");
}

void announce_complaints(const struct log *log, const struct complaints *complaints)
{
	struct slice rest = slice_of(complaints->text, complaints->len);
	while (rest.len > 0) {
		struct slice complaint = slice_head(rest, slice_find(rest, '\n', 0));
		rest = slice_skip(rest, complaint.len + 1);
		struct log_line line;
		enum log_level level = complaints->count > 0 ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING;
		if (!log_begin(&line, log, level, "configuration"))
			continue;
		log_slice(&line, "message", complaint);
		log_end(&line);
	}
}

void announce_reload_failed(const struct log *log, const struct complaints *complaints,
			    const char *why)
{
	announce_complaints(log, complaints);
	log_say(log, LOG_LEVEL_ERROR, "reload-failed", "%s: the old configuration goes on", why);
	systemd_notify("READY=1\nSTATUS=Reload failed (%s), the old configuration goes on", why);
}

void announce_few_files(const struct crew *crew, size_t slots_each, uint64_t files)
{
	uint64_t wanted = crew->generation->config->sessions;
	uint64_t possible = (uint64_t)slots_each * crew->count;
	if (wanted <= possible)
		return;
	log_say(&crew->generation->log, LOG_LEVEL_WARNING, "limit",
		"[limits] sessions = %" PRIu64 ", but with %" PRIu64 " open files a process only "
		"%" PRIu64
		" are possible: raise LimitNOFILE= in the unit, or ulimit -n, to %" PRIu64,
		wanted, files, possible, 2 * wanted / crew->count + 100);
}

void announce_status(struct log_line *line, int status)
{
	if (WIFSIGNALED(status)) {
		log_num(line, "signal", (uint64_t)WTERMSIG(status));
		log_str(line, "name", sigabbrev_np(WTERMSIG(status)));
	} else {
		log_num(line, "status", (uint64_t)WEXITSTATUS(status));
	}
}

void announce_stopping(const struct log *log, bool now)
{
	systemd_notify("STOPPING=1\nSTATUS=%s", now ? "Stopping" : "Draining");
	log_say(log, LOG_LEVEL_INFO, now ? "stopping" : "draining",
		now ? "sessions are ended at once" : "sessions end between two transactions");
}
