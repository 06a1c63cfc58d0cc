/* What the load tool is asked for. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include "bench/args.h"
#include "bench/tls.h"

enum load_tls { LOAD_TLS_NONE, LOAD_TLS_IMPLICIT, LOAD_TLS_STARTTLS };

/* What one unit of work is. */
enum scenario {
	SCENARIO_UNSET,
	SCENARIO_MIX,       /* messages of all sorts */
	SCENARIO_HANDSHAKE, /* TLS up to the greeting, or up to the reply to EHLO after STARTTLS */
	SCENARIO_SESSION,   /* from connecting to QUIT, with one message */
	SCENARIO_MESSAGES,  /* messages over kept connections */
	SCENARIO_BULK,      /* large messages */
	SCENARIO_IDLE,      /* sessions that are only held */
	SCENARIOS,
};

const char *scenario_name(enum scenario scenario);
const char *scenario_unit(enum scenario scenario); /* "messages" */

enum { OPTIONS_LOOPS_MAX = 64, OPTIONS_OBSERVED_MAX = 8 };

struct options_pids {
	uint64_t pid[OPTIONS_OBSERVED_MAX];
	size_t count;
};

struct load_options {
	const char *target;
	enum scenario scenario;
	enum load_tls tls;
	struct tls_options certificate;
	bool no_check;
	uint64_t messages; /* units; 0: as many as there is time for */
	uint64_t size_bytes;
	uint64_t connections;
	uint64_t per_connection; /* messages; 0: any number */
	bool pipeline;
	bool bdat;
	const char *helo;
	const char *from;
	const char *to;
	const char *auth;   /* "user:password" */
	const char *source; /* addresses with commas between; NULL: the system chooses */
	uint64_t rate;      /* units a second, whatever the answers; 0: as fast as they come */
	uint64_t duration_us;
	uint64_t warmup_us;
	uint64_t ramp_us;
	uint64_t loops;
	uint64_t seed;
	uint64_t timeout_us;
	uint64_t hold_us;
	const char *sink; /* the address of the sink that has got the messages */
	struct options_pids observe;
	const char *json;
	const char *html;
	bool verbose;
};

/* Reads the command line; ARGS_RUN when all is as it should be. */
enum args_end options_read(struct load_options *options, int argc, char **argv);

#endif
