/* What the master says in its log, and to systemd. */
#ifndef PROXY_ANNOUNCE_H
#define PROXY_ANNOUNCE_H

#include "proxy/crew.h"

/* One line each, `listening`, for ways in that were not told of yet. */
void announce_listening(const struct crew *crew);

/* The crew serves: `ready` for the first of all, `reloaded` for others. */
void announce_serving(const struct crew *crew, bool first);

/* `sandbox`, where it is wanted and the kernel lacks something for it. */
void announce_sandbox(const struct crew *crew);

/* A reload begins. */
void announce_reloading(const struct log *log, bool asked);

/* A reload failed: each complaint (there may be none) is a line. */
void announce_reload_failed(const struct log *log, const struct complaints *complaints,
			    const char *why);

/* Each complaint as a line: warnings beside a good configuration. */
void announce_complaints(const struct log *log, const struct complaints *complaints);

/* The file limit is too low for the sessions that are configured. */
void announce_few_files(const struct crew *crew, size_t slots_each, uint64_t files);

/* How a process has ended, as waitpid(2) has it. */
void announce_status(struct log_line *line, int status);

void announce_stopping(const struct log *log, bool now);

#endif
