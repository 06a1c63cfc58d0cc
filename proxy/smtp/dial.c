#include "proxy/smtp/dial.h"

void dial_init(struct dial *dial)
{
	*dial = (struct dial){ 0 };
}

enum dial_act dial_step(struct dial *dial, struct slice waiting)
{
	static const enum dial_act acts[] = {
		[REPLY_MORE] = DIAL_WAIT,
		[REPLY_WHOLE] = DIAL_READY,
		[REPLY_BAD] = DIAL_BAD,
	};

	return acts[reply_read(&dial->greeting, waiting)];
}
