/* The duties of those who only look, and of those who are asked. */
#ifndef PROXY_MONITOR_WATCHING_H
#define PROXY_MONITOR_WATCHING_H

#include "proxy/monitor/duty.h"

extern const struct duty history_duty; /* samples for the plots */
extern const struct duty http_duty;    /* metrics and the status page */
extern const struct duty control_duty; /* the control socket */

#endif
