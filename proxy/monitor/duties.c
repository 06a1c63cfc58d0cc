#include "proxy/monitor/probes.h"
#include "proxy/monitor/watching.h"

const struct duty *const duties[] = {
	&probes_duty, &history_duty, &http_duty, &control_duty, NULL,
};
