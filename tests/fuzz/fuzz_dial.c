/*
 * The dial with a server that says anything: the first byte is the plan, the second how what
 * follows is cut. It must come to an end or wait, and never take more than there is.
 */
#include "proxy/smtp/dial.h"

#include <stdlib.h>

enum { STEPS_MOST = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct identity identity = {
	.family = FAMILY_V6,
	.client = { .text = "2001:db8::1", .port = 4711 },
	.local = { .text = "2001:db8::2", .port = 25 },
	.session = { "ID", 2 },
	.secured = true,
	.version = { "TLSv1.3", 7 },
	.cipher = { "TLS_AES_128_GCM_SHA256", 22 },
	.certificate = CERTIFICATE_VERIFIED,
	.common_name = { "a = b", 5 },
	.login = { "a = b", 5 },
};

/* Steps until it waits; false when it has come to its end. */
static bool move(struct dial *dial, char *waiting, size_t *waits, size_t piece)
{
	char room[DIAL_ROOM_BYTES];
	struct dial_step step = { .room = room, .room_size = sizeof room };

	for (size_t i = 0; i < STEPS_MOST; i++) {
		dial_step(dial, slice_of(waiting, *waits), &step);
		if (step.keep + step.drop > *waits || step.text.len > sizeof room)
			abort();
		memmove(waiting + step.keep, waiting + step.keep + step.drop,
			*waits - step.keep - step.drop);
		*waits -= step.drop;
		if (step.act == DIAL_SAY)
			dial_said(dial, step.text.len < piece ? step.text.len : piece);
		else if (step.act == DIAL_SECURE)
			dial_secured(dial);
		else if (step.act == DIAL_HOLD)
			dial_identify(dial, &identity);
		else if (step.act != DIAL_MOVE)
			return step.act == DIAL_WAIT;
	}
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	size_t piece = data[1] ? data[1] : 1, waits = 0;
	const struct dial_plan plan = {
		.way = (enum dial_way)(data[0] & 3),
		.tls = (enum dial_tls)((data[0] >> 2 & 3) % 3),
		.header_most = TELL_V2_LEAST + data[1],
		.hostname = { "mail.test", 9 },
	};
	struct dial dial;
	char *waiting = malloc(size);

	dial_init(&dial, &plan, data[0] >> 5 & 1 ? &identity : NULL);
	bool goes_on = waiting && move(&dial, waiting, &waits, piece);
	for (size_t at = 2; goes_on && at < size; at += piece) {
		size_t n = piece < size - at ? piece : size - at;
		memcpy(waiting + waits, data + at, n);
		waits += n;
		goes_on = move(&dial, waiting, &waits, piece);
	}
	free(waiting);
	return 0;
}
