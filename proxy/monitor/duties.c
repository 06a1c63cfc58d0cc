#include "proxy/monitor/duty.h"

const struct duty duties[] = {
	{ 0 },
};
