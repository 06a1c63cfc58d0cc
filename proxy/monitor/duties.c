#include "proxy/monitor/watching.h"

const struct duty *const duties[] = { &history_duty, &http_duty, &control_duty, NULL };
