#include "bench/stats.h"

static void merge_failures(struct failures *into, const struct failures *from)
{
	for (size_t i = 0; i < from->sorts; i++) {
		const struct failure *failure = &from->sort[i];
		failure_add_many(into, failure->kind, failure->step, failure->code,
				 slice_str(failure->example), failure->count);
	}
}

void stats_merge(struct stats *into, const struct stats *from)
{
	into->accepted += from->accepted;
	into->measured += from->measured;
	into->octets += from->octets;
	into->failed += from->failed;
	into->connections += from->connections;
	into->resumed += from->resumed;
	into->active += from->active;
	into->survived += from->survived;
	merge_failures(&into->failures, &from->failures);
	hist_merge(&into->connect_us, &from->connect_us);
	hist_merge(&into->command_us, &from->command_us);
	hist_merge(&into->message_us, &from->message_us);
	for (size_t i = 0; i < STATS_SECONDS; i++) {
		into->seconds[i].done += from->seconds[i].done;
		into->seconds[i].errors += from->seconds[i].errors;
	}
	if (!*into->tls_note)
		memcpy(into->tls_note, from->tls_note, STATS_NOTE_BYTES);
}
