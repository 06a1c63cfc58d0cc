#include "proxy/certs.h"
#include "certs/authorities.h"
#include "certs/inform.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* A certificate's section, and what is printed of it. */
struct report {
	const struct config *config;
	const struct certificate_config *section;
	struct cert_facts facts;
	struct authorities system;
	int64_t now;
	bool json;
	size_t printed; /* certificates so far */
};

static int64_t days_left(const struct report *report)
{
	int64_t seconds = report->facts.ends - report->now;
	return seconds / (24 * 60 * 60);
}

static const char *date(int64_t when, char text[static 32])
{
	time_t seconds = (time_t)when;
	struct tm parts;
	if (gmtime_r(&seconds, &parts) == NULL ||
	    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
		return "?";
	return text;
}

/* ------------------------------------------------------------------------------- TLSA records */

/* The n-th port of listeners that show the certificate; 0 when there are no more. */
static uint16_t nth_port(const struct report *report, size_t n)
{
	for (size_t i = 0; i < report->config->listener_count; i++) {
		const struct listener_config *listener = &report->config->listeners[i];
		for (size_t j = 0; j < listener->certificate_count; j++) {
			for (size_t k = 0; listener->certificates[j] == report->section &&
					   k < listener->address.count;
			     k++) {
				uint16_t port = addr_port(&listener->address.item[k]);
				if (port != 0 && n-- == 0)
					return port;
			}
		}
	}
	return 0;
}

static bool port_is_new(const struct report *report, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (nth_port(report, i) == nth_port(report, n))
			return false;
	return true;
}

typedef void each_record(const struct report *report, const char *name, uint16_t port,
			 const char *usage, const char *digest, void *arg);

/* DANE-EE of the key, and DANE-TA of the issuer's, for each name and port; no wildcard has one. */
static void for_each_record(const struct report *report, each_record *each, void *arg)
{
	const struct cert_facts *facts = &report->facts;
	uint16_t port;
	for (size_t i = 0; i < facts->name_count; i++) {
		for (size_t n = 0; (port = nth_port(report, n)) != 0; n++) {
			if (facts->names[i][0] == '*' || !port_is_new(report, n))
				continue;
			each(report, facts->names[i], port, "3 1 1", facts->own_key, arg);
			if (facts->issuer_key[0] != '\0')
				each(report, facts->names[i], port, "2 1 1", facts->issuer_key,
				     arg);
		}
	}
}

/* --------------------------------------------------------------------------------------- text */

static void print_record(const struct report *report, const char *name, uint16_t port,
			 const char *usage, const char *digest, void *arg)
{
	(void)report;
	(void)arg;
	printf("  tlsa     _%u._tcp.%s. IN TLSA %s %s\n", port, name, usage, digest);
}

static void print_text(const struct report *report)
{
	const struct cert_facts *facts = &report->facts;
	char text[32];
	printf("%s[certificate %s] %s\n", report->printed > 0 ? "\n" : "", report->section->name,
	       facts->path);
	fputs("  names    ", stdout);
	for (size_t i = 0; i < facts->name_count; i++)
		printf("%s%s", i > 0 ? ", " : "", facts->names[i]);
	printf("%s\n  subject  %s\n  issuer   %s\n  key      %s, %d bits\n",
	       facts->name_count == 0 ? "none" : "", facts->subject, facts->issuer, facts->kind,
	       facts->bits);
	printf("  expires  %s, in %" PRId64 " days\n", date(facts->ends, text), days_left(report));
	printf("  chain    %s\n",
	       facts->complete ? "complete"
			       : "incomplete, or of a CA that this system does not know");
	if (!facts->has_staple)
		puts("  staple   none");
	else
		printf("  staple   %s %s\n",
		       facts->staple_until > report->now ? "until" : "stale since",
		       date(facts->staple_until, text));
	for_each_record(report, print_record, NULL);
}

/* --------------------------------------------------------------------------------------- JSON */

static void put_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	}
	putchar('"');
}

static void put_member(const char *name, const char *value)
{
	printf("\"%s\":", name);
	put_string(value);
	putchar(',');
}

static void put_record(const struct report *report, const char *name, uint16_t port,
		       const char *usage, const char *digest, void *arg)
{
	size_t *count = arg;
	(void)report;
	printf("%s\"_%u._tcp.%s. IN TLSA %s %s\"", (*count)++ > 0 ? "," : "", port, name, usage,
	       digest);
}

static void print_json(const struct report *report)
{
	const struct cert_facts *facts = &report->facts;
	size_t count = 0;
	char text[32];
	fputs(report->printed > 0 ? ",\n{" : "[{", stdout);
	put_member("certificate", report->section->name);
	put_member("path", facts->path);
	fputs("\"names\":[", stdout);
	for (size_t i = 0; i < facts->name_count; i++) {
		fputs(i > 0 ? "," : "", stdout);
		put_string(facts->names[i]);
	}
	fputs("],", stdout);
	put_member("subject", facts->subject);
	put_member("issuer", facts->issuer);
	put_member("key", facts->kind);
	printf("\"bits\":%d,", facts->bits);
	put_member("begins", date(facts->begins, text));
	put_member("ends", date(facts->ends, text));
	printf("\"days_left\":%" PRId64 ",\"chain_complete\":%s,", days_left(report),
	       facts->complete ? "true" : "false");
	if (facts->has_staple)
		put_member("staple_until", date(facts->staple_until, text));
	fputs("\"tlsa\":[", stdout);
	for_each_record(report, put_record, &count);
	fputs("]}", stdout);
}

/* ------------------------------------------------------------------------------------ command */

/* One section at a time, so that a bad one does not hide the others. */
static bool report_section(struct report *report, struct complaints *complaints)
{
	struct certificate_config *section = (struct certificate_config *)report->section;
	struct listener_config listener = { .name = "",
					    .place = section->place,
					    .certificates = &section,
					    .certificate_count = 1 };
	struct cert_store *store = cert_store_load(&listener, NULL, &report->system, complaints);
	for (size_t i = 0; store != NULL && i < cert_store_count(store); i++) {
		cert_store_facts(store, i, &report->facts);
		(report->json ? print_json : print_text)(report);
		report->printed++;
	}
	cert_store_free(store);
	return store != NULL;
}

enum exit_status certs_run(const struct args *args)
{
	struct complaints complaints = { 0 };
	struct config *config = config_read(args->path, &args->overrides, &complaints);
	struct report report = { .config = config, .now = (int64_t)time(NULL), .json = args->json };
	bool good = config != NULL;
	for (size_t i = 0; config != NULL && i < config->certificate_count; i++) {
		report.section = &config->certificates[i];
		good = report_section(&report, &complaints) && good;
	}
	if (report.json)
		fputs(report.printed > 0 ? "]\n" : "[]\n", stdout);
	if (complaints.text != NULL)
		fputs(complaints.text, stderr);
	complaints_release(&complaints);
	authorities_release(&report.system);
	config_free(config);
	return good ? EXIT_STOPPED : EXIT_CONFIGURATION;
}
