#include "bench/report.h"

#include <errno.h>
#include <inttypes.h>

/* In the order of a session. */
const struct report_latency report_latencies[REPORT_LATENCIES] = {
	{ "connect", offsetof(struct stats, connect_us) },
	{ "command", offsetof(struct stats, command_us) },
	{ "message", offsetof(struct stats, message_us) },
};

const struct report_quantile report_quantiles[REPORT_QUANTILES] = {
	{ "p50", .5 }, { "p90", .9 }, { "p99", .99 }, { "p99.9", .999 }, { "max", 1. },
};

const struct hist *report_hist(const struct run *run, size_t latency)
{
	return (const struct hist *)((const char *)run->total + report_latencies[latency].offset);
}

static bool is_idle(const struct run *run)
{
	return run->load.options.scenario == SCENARIO_IDLE;
}

bool report_has_messages(const struct run *run)
{
	return !is_idle(run) && run->load.options.scenario != SCENARIO_HANDSHAKE;
}

double report_octet_rate(const struct run *run)
{
	return (double)run->total->octets * 1e6 / (double)run_measured_us(run);
}

const char *report_tls(const struct run *run)
{
	static const char *const words[] = {
		[LOAD_TLS_NONE] = "no TLS",
		[LOAD_TLS_IMPLICIT] = "implicit TLS",
		[LOAD_TLS_STARTTLS] = "STARTTLS",
	};

	return words[run->load.options.tls];
}

static double ms(uint64_t us)
{
	return (double)us / 1e3;
}

static void print_head(const struct run *run, FILE *to)
{
	const struct load_options *options = &run->load.options;
	const struct stats *total = run->total;
	uint64_t wanted = load_wanted(options);
	char of[32] = "";

	if (wanted != UINT64_MAX)
		snprintf(of, sizeof of, " of %" PRIu64, wanted);
	fprintf(to, "target        %s, %s", options->target, report_tls(run));
	if (*total->tls_note)
		fprintf(to, ", %s", total->tls_note);
	if (run->load.tls)
		fprintf(to, ", certificate %schecked",
			run->load.options.certificate.check ? "" : "not ");
	fprintf(to, "\n%-13s %" PRIu64 "%s %s, %" PRIu64 " not\n", scenario_unit(options->scenario),
		total->accepted, of, is_idle(run) ? "survived" : "accepted", total->failed);
	fprintf(to, "connections   %" PRIu64 "\n", total->connections);
	if (options->certificate.resume && run->load.tls)
		fprintf(to, "resumed       %" PRIu64 "\n", total->resumed);
	fprintf(to, "time          %.3f s\n", ms(run_measured_us(run)) / 1e3);
}

static void print_rate(const struct run *run, FILE *to)
{
	const char *unit = scenario_unit(run->load.options.scenario);

	if (is_idle(run))
		return;
	fprintf(to, "rate          %.1f %s/s", run_rate(run), unit);
	if (run->load.options.rate)
		fprintf(to, " where %" PRIu64 " were due", run->load.options.rate);
	if (report_has_messages(run))
		fprintf(to, ", %.2f MB/s", report_octet_rate(run) / 1e6);
	putc('\n', to);
}

static void print_observed(const struct run *run, FILE *to)
{
	const struct observe *observe = &run->observe;
	const char *unit = scenario_unit(run->load.options.scenario);
	int one_len = (int)strlen(unit) - 1; /* "messages": of one */

	if (observe->count > 0)
		fprintf(to, "observed      %.3f s of CPU, %.1f us for each %.*s, PSS %.1f MB\n",
			ms(run->cpu_us) / 1e3,
			run->cpu_units ? (double)run->cpu_us / (double)run->cpu_units : 0., one_len,
			unit, (double)observe->samples[observe->count - 1].pss_bytes / 1e6);
}

static void print_failures(const struct run *run, FILE *to)
{
	const struct failures *failures = &run->total->failures;

	if (run->loads_lost > 0)
		fprintf(to, "loops         %" PRIu64 " died\n", run->loads_lost);
	if (failures->count == 0) {
		fprintf(to, "errors        none\n");
		return;
	}
	fprintf(to, "errors        %" PRIu64 "\n", failures->count);
	for (size_t i = 0; i < failures->sorts; i++) {
		const struct failure *failure = &failures->sort[i];
		fprintf(to, "%10" PRIu64 "    %s at %s: %s\n", failure->count,
			failure_name(failure->kind), step_name(failure->step), failure->example);
	}
}

static void print_verdict(const struct run *run, FILE *to)
{
	const struct verify *verify = &run->verify;

	if (!report_has_messages(run))
		return;
	fputs("verdict       ", to);
	if (!verify->is_asked)
		fputs("not checked: no sink was asked (--sink)\n", to);
	else if (!verify->is_answered)
		fprintf(to, "not to be had: %s\n", verify->why);
	else
		fprintf(to,
			"%s: of %" PRIu64 " told 250, %" PRIu64 " lost, %" PRIu64
			" doubled, %" PRIu64 " damaged; %" PRIu64 " came without a 250\n",
			verify_is_good(verify) ? "good" : "BAD", verify->told, verify->lost,
			verify->doubled, verify->damaged, verify->unconfirmed);
}

static void print_latencies(const struct run *run, FILE *to)
{
	fprintf(to, "\nlatency, ms ");
	for (size_t q = 0; q < REPORT_QUANTILES; q++)
		fprintf(to, "%11s", report_quantiles[q].name);
	fprintf(to, "%11s\n", "count");
	for (size_t i = 0; i < REPORT_LATENCIES; i++) {
		const struct hist *hist = report_hist(run, i);
		if (hist->count == 0)
			continue;
		fprintf(to, "  %-10s", report_latencies[i].name);
		for (size_t q = 0; q < REPORT_QUANTILES; q++)
			fprintf(to, "%11.3f",
				ms(hist_quantile(hist, report_quantiles[q].fraction)));
		fprintf(to, "%11" PRIu64 "\n", hist->count);
	}
}

void report_table(const struct run *run, FILE *to)
{
	print_head(run, to);
	print_rate(run, to);
	print_observed(run, to);
	print_failures(run, to);
	print_verdict(run, to);
	print_latencies(run, to);
	fflush(to);
}

typedef void writer(const struct run *run, FILE *to);

static bool write_file(const struct run *run, const char *path, writer *write)
{
	FILE *file = path ? fopen(path, "w") : NULL;

	if (!path)
		return true;
	if (file) {
		write(run, file);
		if (fclose(file) == 0)
			return true;
	}
	fprintf(stderr, "postern-bench: cannot write %s: %s\n", path, strerror(errno));
	return false;
}

bool report_files(const struct run *run)
{
	return write_file(run, run->load.options.json, report_json) &&
	       write_file(run, run->load.options.html, report_html);
}
