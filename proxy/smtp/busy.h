/* Why a server may have greeted with a refusal for now. */
#ifndef PROXY_SMTP_BUSY_H
#define PROXY_SMTP_BUSY_H

#include "base/slice.h"

/* The likely cause of such a greeting, in words for who runs the server; static. */
const char *busy_cause(struct slice greeting);

#endif
