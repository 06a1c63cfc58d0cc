#include "bench/failure.h"

const char *step_name(enum step step)
{
	static const char *const names[] = {
		[STEP_CONNECT] = "connect",   [STEP_HANDSHAKE] = "handshake",
		[STEP_GREETING] = "greeting", [STEP_EHLO] = "EHLO",
		[STEP_STARTTLS] = "STARTTLS", [STEP_AUTH] = "AUTH",
		[STEP_MAIL] = "MAIL",         [STEP_RCPT] = "RCPT",
		[STEP_DATA] = "DATA",         [STEP_DOT] = "end of data",
		[STEP_BDAT] = "BDAT",         [STEP_RSET] = "RSET",
		[STEP_HOLD] = "hold",         [STEP_NOOP] = "NOOP",
		[STEP_QUIT] = "QUIT",
	};

	return names[step];
}

const char *failure_name(enum failure_kind kind)
{
	static const char *const names[] = {
		[FAILURE_SYSTEM] = "system",     [FAILURE_CONNECT] = "connect",
		[FAILURE_TLS] = "tls",           [FAILURE_REFUSED] = "refused",
		[FAILURE_OFFER] = "not offered", [FAILURE_PROTOCOL] = "protocol",
		[FAILURE_CLOSED] = "closed",     [FAILURE_RESET] = "reset",
		[FAILURE_TIMEOUT] = "timeout",
	};

	return names[kind];
}

static void set_example(struct failure *failure, struct slice example)
{
	/* One line tells it. */
	example = slice_head(example, slice_find(example, '\r', 0));
	example = slice_head(example, FAILURE_TEXT_BYTES - 1);
	for (size_t i = 0; i < example.len; i++) {
		char c = example.ptr[i];
		failure->example[i] = c >= ' ' && c <= '~' ? c : '?';
	}
	failure->example[example.len] = '\0';
}

void failure_add(struct failures *failures, enum failure_kind kind, enum step step, unsigned code,
		 struct slice example)
{
	failure_add_many(failures, kind, step, code, example, 1);
}

void failure_add_many(struct failures *failures, enum failure_kind kind, enum step step,
		      unsigned code, struct slice example, uint64_t count)
{
	size_t i = 0;

	failures->count += count;
	while (i < failures->sorts &&
	       !(failures->sort[i].kind == kind && failures->sort[i].step == step &&
		 failures->sort[i].code == code))
		i++;
	if (i == FAILURE_SORTS)
		i--;
	if (i == failures->sorts) {
		failures->sorts++;
		failures->sort[i] = (struct failure){ .kind = kind, .step = step, .code = code };
		set_example(&failures->sort[i], example);
	}
	failures->sort[i].count += count;
}
