#include "bench/report.h"

#include <inttypes.h>

/* The latencies that are measured, in the order of a session. */
static const struct latency {
	const char *name;
	size_t offset;
} latencies[] = {
	{ "connect", offsetof(struct load, connect_us) },
	{ "command", offsetof(struct load, command_us) },
	{ "message", offsetof(struct load, message_us) },
};

enum { LATENCIES = sizeof latencies / sizeof *latencies };

static const struct quantile {
	const char *name;
	double fraction;
} quantiles[] = { { "p50", .5 }, { "p90", .9 }, { "p99", .99 }, { "max", 1. } };

enum { QUANTILES = sizeof quantiles / sizeof *quantiles };

static const struct hist *hist_of(const struct load *load, const struct latency *latency)
{
	return (const struct hist *)((const char *)load + latency->offset);
}

static uint64_t elapsed_us(const struct load *load)
{
	uint64_t end_us = load->ended_us ? load->ended_us : loop_clock_us();
	return end_us > load->started_us ? end_us - load->started_us : 1;
}

static double rate(const struct load *load)
{
	return (double)load->accepted * 1e6 / (double)elapsed_us(load);
}

/* Of message octets that were accepted, in units of a million. */
static double megabytes(const struct load *load)
{
	return rate(load) * (double)load->plan.size / 1e6;
}

static bool is_idle(const struct load *load)
{
	return load->options.scenario == SCENARIO_IDLE;
}

static bool has_messages(const struct load *load)
{
	return !is_idle(load) && load->options.scenario != SCENARIO_HANDSHAKE;
}

static uint64_t wanted(const struct load *load)
{
	return is_idle(load) ? load->options.connections : load->options.messages;
}

void report_progress(const struct load *load)
{
	fprintf(stderr,
		"\r%" PRIu64 "/%" PRIu64 " %s, %" PRIu64 " open, %.0f/s, %" PRIu64 " errors    ",
		is_idle(load) ? load->active : load->accepted, wanted(load), load_unit(load),
		load->active, rate(load), load->failures.count);
}

static const char *tls_words(const struct load *load)
{
	static const char *const words[] = {
		[LOAD_TLS_NONE] = "no TLS",
		[LOAD_TLS_IMPLICIT] = "implicit TLS",
		[LOAD_TLS_STARTTLS] = "STARTTLS",
	};

	return words[load->options.tls];
}

static void print_head(const struct load *load, FILE *to)
{
	fprintf(to, "target        %s, %s", load->options.target, tls_words(load));
	if (*load->tls_note)
		fprintf(to, ", %s", load->tls_note);
	if (load->tls)
		fprintf(to, ", certificate %schecked",
			load->options.certificate.check ? "" : "not ");
	fprintf(to, "\n%-13s %" PRIu64 " of %" PRIu64 " %s, %" PRIu64 " not\n", load_unit(load),
		load->accepted, wanted(load), is_idle(load) ? "survived" : "accepted",
		load->failed);
	fprintf(to, "connections   %" PRIu64 "\n", load->connections);
	fprintf(to, "time          %.3f s\n", (double)elapsed_us(load) / 1e6);
	if (load->options.certificate.resume)
		fprintf(to, "resumed       %" PRIu64 "\n", load->resumed);
	if (has_messages(load))
		fprintf(to, "rate          %.1f messages/s of %zu octets, %.2f MB/s\n", rate(load),
			load->plan.size, megabytes(load));
	else if (!is_idle(load))
		fprintf(to, "rate          %.1f %s/s\n", rate(load), load_unit(load));
}

static void print_latencies(const struct load *load, FILE *to)
{
	fprintf(to, "\nlatency, ms ");
	for (size_t q = 0; q < QUANTILES; q++)
		fprintf(to, "%11s", quantiles[q].name);
	fprintf(to, "%11s\n", "count");
	for (size_t i = 0; i < LATENCIES; i++) {
		const struct hist *hist = hist_of(load, &latencies[i]);
		if (hist->count == 0)
			continue;
		fprintf(to, "  %-10s", latencies[i].name);
		for (size_t q = 0; q < QUANTILES; q++)
			fprintf(to, "%11.3f",
				(double)hist_quantile(hist, quantiles[q].fraction) / 1e3);
		fprintf(to, "%11" PRIu64 "\n", hist->count);
	}
}

static void print_failures(const struct load *load, FILE *to)
{
	if (load->failures.count == 0) {
		fprintf(to, "errors        none\n");
		return;
	}
	fprintf(to, "errors        %" PRIu64 "\n", load->failures.count);
	for (size_t i = 0; i < load->failures.sorts; i++) {
		const struct failure *failure = &load->failures.sort[i];
		fprintf(to, "%10" PRIu64 "    %s at %s: %s\n", failure->count,
			failure_name(failure->kind), step_name(failure->step), failure->example);
	}
}

void report_table(const struct load *load, FILE *to)
{
	print_head(load, to);
	print_failures(load, to);
	print_latencies(load, to);
	fflush(to);
}

/* Printable ASCII, as a JSON string. */
static void json_string(FILE *to, const char *text)
{
	putc('"', to);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putc('\\', to);
		putc((unsigned char)*text < ' ' ? '?' : *text, to);
	}
	putc('"', to);
}

static void json_failures(const struct load *load, FILE *to)
{
	fputs("  \"failures\": [", to);
	for (size_t i = 0; i < load->failures.sorts; i++) {
		const struct failure *failure = &load->failures.sort[i];
		fprintf(to,
			"%s\n    {\"kind\": \"%s\", \"step\": \"%s\", \"code\": %u, "
			"\"count\": %" PRIu64 ", \"example\": ",
			i ? "," : "", failure_name(failure->kind), step_name(failure->step),
			failure->code, failure->count);
		json_string(to, failure->example);
		putc('}', to);
	}
	fputs("],\n", to);
}

static void json_latencies(const struct load *load, FILE *to)
{
	fputs("  \"latency_us\": {", to);
	for (size_t i = 0; i < LATENCIES; i++) {
		const struct hist *hist = hist_of(load, &latencies[i]);
		fprintf(to, "%s\n    \"%s\": {\"count\": %" PRIu64, i ? "," : "", latencies[i].name,
			hist->count);
		for (size_t q = 0; q < QUANTILES; q++)
			fprintf(to, ", \"%s\": %" PRIu64, quantiles[q].name,
				hist_quantile(hist, quantiles[q].fraction));
		putc('}', to);
	}
	fputs("\n  }\n", to);
}

void report_json(const struct load *load, FILE *to)
{
	fputs("{\n  \"target\": ", to);
	json_string(to, load->options.target);
	fprintf(to, ",\n  \"tls\": \"%s\",\n  \"session\": ", tls_words(load));
	json_string(to, load->tls_note);
	fprintf(to, ",\n  \"run\": \"%016" PRIx64 "\",\n", load->plan.run);
	fprintf(to, "  \"mode\": \"%s\",\n", is_idle(load) ? "idle" : "messages");
	fprintf(to, "  \"wanted\": %" PRIu64 ",\n  \"accepted\": %" PRIu64 ",\n", wanted(load),
		load->accepted);
	fprintf(to, "  \"failed\": %" PRIu64 ",\n  \"survived\": %" PRIu64 ",\n", load->failed,
		load->survived);
	fprintf(to,
		"  \"connections\": %" PRIu64 ",\n  \"resumed\": %" PRIu64
		",\n  \"size_bytes\": %zu,\n",
		load->connections, load->resumed, load->plan.size);
	fprintf(to, "  \"seconds\": %.6f,\n  \"messages_per_second\": %.3f,\n",
		(double)elapsed_us(load) / 1e6, is_idle(load) ? 0. : rate(load));
	fprintf(to, "  \"megabytes_per_second\": %.6f,\n  \"errors\": %" PRIu64 ",\n",
		is_idle(load) ? 0. : megabytes(load), load->failures.count);
	json_failures(load, to);
	json_latencies(load, to);
	fputs("}\n", to);
}
