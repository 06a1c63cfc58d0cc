#include "proxy/relay/stamp.h"

#include "proxy/relay/identity.h"
#include "proxy/smtp/received.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { DATE_BYTES = 80 };

/*
 * RFC 5322 section 3.3, in local time, whatever the locale. The time zone was read when the worker
 * began: no file is opened.
 */
static struct slice write_date(char date[static DATE_BYTES], time_t now)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;

	if (!localtime_r(&now, &tm))
		gmtime_r(&(time_t){ 0 }, &tm);
	long minutes = tm.tm_gmtoff / 60;
	int n = snprintf(date, DATE_BYTES, "%s, %02d %s %d %02d:%02d:%02d %c%02ld%02ld",
			 days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
			 tm.tm_hour, tm.tm_min, tm.tm_sec, minutes < 0 ? '-' : '+',
			 labs(minutes) / 60, labs(minutes) % 60);
	return slice_of(date, (size_t)n);
}

bool stamp_message(struct session *s)
{
	/* Behind the inspector's own room. */
	struct writer w = { .to = s->relay->room + SMTP_ROOM_BYTES, .size = TRACE_MOST_BYTES + 1 };
	struct identity identity;
	char date[DATE_BYTES];

	if (!trace_wanted(&s->smtp))
		return false;
	identity_fill(&identity, s);
	received_write(&w, &(struct received){
				   .identity = &identity,
				   .helo = slice_of(s->smtp.helo, s->smtp.helo_len),
				   .hostname = slice_str(s->relay->config->hostname),
				   .protocol = trace_protocol(&s->smtp),
				   .date = write_date(date, time(NULL)),
			   });
	trace_give(&s->smtp, slice_of(w.to, w.len));
	return true;
}
