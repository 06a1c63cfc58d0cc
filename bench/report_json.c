#include "bench/report.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Printable ASCII, as a JSON string. It may stand in a page: no < opens a tag. */
static void put_string(FILE *to, const char *text)
{
	putc('"', to);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;
		if (c == '"' || c == '\\')
			fprintf(to, "\\%c", c);
		else if (c == '<')
			fputs("\\u003c", to);
		else
			putc(c < ' ' || c > '~' ? '?' : c, to);
	}
	putc('"', to);
}

static void put_text(FILE *to, const char *name, const char *text)
{
	fprintf(to, "  \"%s\": ", name);
	put_string(to, text);
	fputs(",\n", to);
}

static void put_count(FILE *to, const char *name, uint64_t count)
{
	fprintf(to, "  \"%s\": %" PRIu64 ",\n", name, count);
}

static void put_number(FILE *to, const char *name, double number)
{
	fprintf(to, "  \"%s\": %.6f,\n", name, number);
}

static void cpu_model(char *name, size_t size)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(name, size, "unknown");
	while (file && fgets(line, sizeof line, file)) {
		char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	if (file)
		fclose(file);
}

static void put_environment(const struct run *run, FILE *to)
{
	struct utsname system;
	char text[128];
	struct tm date;

	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", localtime_r(&run->date, &date));
	put_text(to, "date", text);
	put_text(to, "version", POSTERN_VERSION);
	cpu_model(text, sizeof text);
	put_text(to, "cpu", text);
	put_count(to, "cores", (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
	if (uname(&system) == 0)
		put_text(to, "kernel", system.release);
	put_text(to, "openssl", OpenSSL_version(OPENSSL_VERSION));
}

static void put_options(const struct run *run, FILE *to)
{
	const struct load_options *options = &run->load.options;
	char seed[32];

	put_text(to, "target", options->target);
	put_text(to, "tls", report_tls(run));
	put_text(to, "session", run->total->tls_note);
	put_text(to, "scenario", scenario_name(options->scenario));
	put_text(to, "unit", scenario_unit(options->scenario));
	put_count(to, "at_a_time", options->connections);
	put_count(to, "due_per_second", options->rate);
	put_count(to, "loops", options->loops);
	put_number(to, "warmup_seconds", (double)options->warmup_us / 1e6);
	put_number(to, "ramp_seconds", (double)options->ramp_us / 1e6);
	put_count(to, "size_bytes", run->load.plan_count == 1 ? run->load.plans[0].size : 0);
	fprintf(to, "  \"pipelined\": %s,\n  \"bdat\": %s,\n", options->pipeline ? "true" : "false",
		options->bdat ? "true" : "false");
	/* As texts: they have more bits than a number of JavaScript's. */
	snprintf(seed, sizeof seed, "%" PRIu64, options->seed);
	put_text(to, "seed", seed);
	snprintf(seed, sizeof seed, "%016" PRIx64, run->load.run);
	put_text(to, "run", seed);
}

static void put_results(const struct run *run, FILE *to)
{
	const struct stats *total = run->total;
	uint64_t wanted = load_wanted(&run->load.options);

	put_count(to, "wanted", wanted == UINT64_MAX ? 0 : wanted);
	put_count(to, "accepted", total->accepted);
	put_count(to, "failed", total->failed);
	put_count(to, "survived", total->survived);
	put_count(to, "connections", total->connections);
	put_count(to, "resumed", total->resumed);
	put_count(to, "loops_lost", run->loads_lost);
	put_number(to, "seconds", (double)run_measured_us(run) / 1e6);
	put_number(to, "units_per_second", run_rate(run));
	put_number(to, "megabytes_per_second", report_octet_rate(run) / 1e6);
	put_number(to, "own_cpu_seconds", (double)run->own_cpu_us / 1e6);
	put_count(to, "errors", total->failures.count);
	fprintf(to, "  \"good\": %s,\n", run_is_good(run) ? "true" : "false");
}

static void put_failures(const struct run *run, FILE *to)
{
	const struct failures *failures = &run->total->failures;

	fputs("  \"failures\": [", to);
	for (size_t i = 0; i < failures->sorts; i++) {
		const struct failure *failure = &failures->sort[i];
		fprintf(to,
			"%s\n    {\"kind\": \"%s\", \"step\": \"%s\", \"code\": %u, "
			"\"count\": %" PRIu64 ", \"example\": ",
			i ? "," : "", failure_name(failure->kind), step_name(failure->step),
			failure->code, failure->count);
		put_string(to, failure->example);
		putc('}', to);
	}
	fputs("],\n", to);
}

static void put_verdict(const struct run *run, FILE *to)
{
	const struct verify *verify = &run->verify;

	fprintf(to, "  \"verdict\": {\"asked\": %s, \"answered\": %s, \"told\": %" PRIu64,
		verify->is_asked ? "true" : "false", verify->is_answered ? "true" : "false",
		verify->told);
	fprintf(to,
		", \"lost\": %" PRIu64 ", \"doubled\": %" PRIu64 ", \"damaged\": %" PRIu64
		", \"unconfirmed\": %" PRIu64 "},\n",
		verify->lost, verify->doubled, verify->damaged, verify->unconfirmed);
}

/* The durations at ever rarer fractions: 0, .5, .75, .875 and so on, four steps to each half. */
static void put_curve(const struct hist *hist, FILE *to)
{
	double left = 1.;

	fputs(", \"curve\": [", to);
	for (int half = 0; half < 40 && left * (double)hist->count >= .5; half++, left /= 2)
		for (int step = 0; step < 4; step++) {
			double fraction = 1. - left + left / 2 * step / 4;
			fprintf(to, "%s[%.9g, %" PRIu64 "]", half || step ? ", " : "", fraction,
				hist_quantile(hist, fraction));
		}
	fprintf(to, "%s[1, %" PRIu64 "]]", hist->count ? ", " : "", hist->max);
}

static void put_latencies(const struct run *run, FILE *to)
{
	fputs("  \"latency_us\": {", to);
	for (size_t i = 0; i < REPORT_LATENCIES; i++) {
		const struct hist *hist = report_hist(run, i);
		fprintf(to, "%s\n    \"%s\": {\"count\": %" PRIu64, i ? "," : "",
			report_latencies[i].name, hist->count);
		for (size_t q = 0; q < REPORT_QUANTILES; q++)
			fprintf(to, ", \"%s\": %" PRIu64, report_quantiles[q].name,
				hist_quantile(hist, report_quantiles[q].fraction));
		put_curve(hist, to);
		putc('}', to);
	}
	fputs("\n  },\n", to);
}

static void put_seconds(const struct run *run, FILE *to)
{
	uint64_t passed = (run->ended_us - run->begun_us) / 1000000;
	size_t last = passed < STATS_SECONDS ? (size_t)passed : STATS_SECONDS - 1;

	fputs("  \"seconds_done\": [", to);
	for (size_t i = 0; i <= last; i++)
		fprintf(to, "%s[%" PRIu64 ", %" PRIu64 "]", i ? ", " : "",
			run->total->seconds[i].done, run->total->seconds[i].errors);
	fprintf(to, "],\n  \"lasted_seconds\": %.6f,\n",
		(double)(run->ended_us - run->begun_us) / 1e6);
}

static void put_observed(const struct run *run, FILE *to)
{
	const struct observe *observe = &run->observe;
	bool has = observe->count > 0 && run->cpu_units > 0;

	put_number(to, "observed_cpu_seconds", (double)run->cpu_us / 1e6);
	put_number(to, "observed_cpu_us_per_unit",
		   has ? (double)run->cpu_us / (double)run->cpu_units : 0.);
	fputs("  \"observed\": [", to);
	for (size_t i = 0; i < observe->count; i++)
		fprintf(to, "%s[%.3f, %" PRIu64 ", %" PRIu64 "]", i ? ", " : "",
			(double)observe->samples[i].at_us / 1e6, observe->samples[i].cpu_us,
			observe->samples[i].pss_bytes);
	fputs("]\n", to);
}

void report_json(const struct run *run, FILE *to)
{
	fputs("{\n", to);
	put_environment(run, to);
	put_options(run, to);
	put_results(run, to);
	put_failures(run, to);
	put_verdict(run, to);
	put_latencies(run, to);
	put_seconds(run, to);
	put_observed(run, to);
	fputs("}\n", to);
}
