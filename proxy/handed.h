/*
 * The descriptors that the master hands to the program postern-monitor, each at a number of its
 * own. What is not there is not open: a log that goes nowhere, a socket that is off.
 */
#ifndef PROXY_HANDED_H
#define PROXY_HANDED_H

enum handed {
	HANDED_SHARED = 3, /* the memory of shared.h */
	HANDED_CONFIG,     /* the configuration as `postern config` prints it, sealed */
	HANDED_CHANNEL,    /* to the master (channel.h); when that closes it, it is time to go */
	HANDED_LOG,
	HANDED_CONTROL, /* listening, as all that follow */
	HANDED_METRICS,
	HANDED_END = HANDED_METRICS + 8,
};

enum { HANDED_FIRST = HANDED_SHARED, HANDED_METRICS_MAX = HANDED_END - HANDED_METRICS };

#endif
