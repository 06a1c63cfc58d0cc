#include "proxy/monitor/metrics.h"
#include "proxy/monitor/gauges.h"

#include <inttypes.h>

void metrics_escape(const char *value, FILE *to)
{
	for (; *value != '\0'; value++) {
		if (*value == '\n')
			fputs("\\n", to);
		else if (*value == '"' || *value == '\\')
			fprintf(to, "\\%c", *value);
		else
			fputc(*value, to);
	}
}

static void head(const struct counter_row *row, FILE *to)
{
	static const char *const types[] = {
		[COUNTER_TOTAL] = "counter",
		[COUNTER_GAUGE] = "gauge",
		[COUNTER_TIMING] = "histogram",
	};
	if (row->help[0] != '\0')
		fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
			types[row->kind]);
}

/* `outer` are labels that stand before the row's own. */
static void labels(const char *outer, const struct counter_row *row, const char *word, FILE *to)
{
	const char *comma = "";
	if (outer[0] == '\0' && row->labels[0] == '\0' && word == NULL)
		return;
	fputc('{', to);
	if (outer[0] != '\0')
		comma = fputs(outer, to) >= 0 ? "," : "";
	if (row->labels[0] != '\0') {
		fprintf(to, "%s%s", comma, row->labels);
		comma = ",";
	}
	if (word != NULL) {
		fprintf(to, "%s%s=\"", comma, row->label);
		metrics_escape(word, to);
		fputc('"', to);
	}
	fputc('}', to);
}

void metrics_timing(const char *name, const char *labels, const struct timing *timing, FILE *to)
{
	const char *comma = labels[0] != '\0' ? "," : "", *open = "", *close = "";
	uint64_t below = 0;
	for (size_t i = 0; i < TIMING_BOUNDS; i++) {
		below += timing->buckets[i];
		fprintf(to, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", name, labels, comma,
			(double)timing_bound_us(i) / 1e6, below);
	}
	below += timing->buckets[TIMING_BOUNDS];
	fprintf(to, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma, below);
	if (labels[0] != '\0') {
		open = "{";
		close = "}";
	}
	fprintf(to, "%s_sum%s%s%s %.6f\n", name, open, labels, close, (double)timing->sum_us / 1e6);
	fprintf(to, "%s_count%s%s%s %" PRIu64 "\n", name, open, labels, close, below);
}

static void print_row(const struct counter_row *row, const char *outer, const void *counters,
		      FILE *to)
{
	const uint64_t *values = (const void *)((const char *)counters + row->at);
	if (row->kind == COUNTER_TIMING) {
		metrics_timing(row->name, outer, (const void *)values, to);
		return;
	}
	for (size_t i = 0; i < row->count; i++) {
		const char *word = row->label != NULL ? row->word(i) : NULL;
		if (word != NULL && word[0] == '\0')
			continue;
		fputs(row->name, to);
		labels(outer, row, word, to);
		fprintf(to, " %" PRIu64 "\n", values[i]);
	}
}

/* Of each listener that has a name: a metric's lines stand together. */
static void print_listeners(const struct view *view, const struct counter_row *row, FILE *to)
{
	char name[BOARD_NAME_BYTES], *outer;
	size_t size;
	for (size_t i = 0; i < LISTENERS_COUNTED; i++) {
		const struct listener_counters *counters = &view->listeners[i];
		if (view_listener(view, i, name)[0] == '\0' ||
		    (i == LISTENER_OTHER && counters->sessions == 0))
			continue;
		FILE *text = open_memstream(&outer, &size);
		if (text == NULL)
			return;
		fputs("listener=\"", text);
		metrics_escape(name, text);
		fputc('"', text);
		if (fclose(text) == 0)
			print_row(row, outer, counters, to);
		free(outer);
	}
}

/* Workers of the same number in several generations count as one. */
static void print_workers(const struct view *view, const struct counter_row *row, FILE *to)
{
	for (uint32_t index = 0; index < 256; index++) {
		struct relay_counters sum = { 0 };
		const struct worker_record *record;
		char outer[32];
		bool any = false;
		for (size_t at = 0; (record = view_worker(view, &at)) != NULL;) {
			if (record->index != index)
				continue;
			sum.sessions += record->counters.sessions;
			sum.open += record->counters.open;
			any = true;
		}
		snprintf(outer, sizeof(outer), "worker=\"%" PRIu32 "\"", index);
		if (any)
			print_row(row, outer, &sum, to);
	}
}

void metrics_print(const struct view *view, FILE *to)
{
	fprintf(to,
		"# HELP postern_build_info The version that runs.\n"
		"# TYPE postern_build_info gauge\npostern_build_info{version=\"%s\"} 1\n",
		POSTERN_VERSION);
	for (const struct counter_row *row = listener_rows; row->name != NULL; row++) {
		head(row, to);
		print_listeners(view, row, to);
	}
	for (const struct counter_row *row = relay_rows; row->name != NULL; row++) {
		head(row, to);
		if (row->by_worker)
			print_workers(view, row, to);
		else
			print_row(row, "", &view->relay, to);
	}
	gauges_print(view, to);
}
