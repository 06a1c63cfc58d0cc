#include "proxy/smtp/dial.h"

enum at {
	AT_HEADER,
	AT_SECURE,
	AT_GREETING,
	AT_EHLO,
	AT_EHLO_REPLY,
	AT_STARTTLS,
	AT_STARTTLS_REPLY,
	AT_IDENTIFY,
	AT_XCLIENT,
	AT_XCLIENT_REPLY,
	AT_READY,
	AT_FAILED,
};

/* All that may wait while more is to be said: it must fit the caller's buffer with the rest. */
enum { WAIT_BYTES = 64 * 1024 };

static bool tells_by_header(const struct dial *dial)
{
	return dial->plan->way == DIAL_PROXY_V1 || dial->plan->way == DIAL_PROXY_V2;
}

void dial_init(struct dial *dial, const struct dial_plan *plan, const struct identity *identity)
{
	*dial = (struct dial){ .plan = plan, .identity = identity };
	if (tells_by_header(dial))
		dial->at = AT_HEADER;
	else
		dial->at = plan->tls == DIAL_IMPLICIT ? AT_SECURE : AT_GREETING;
}

void dial_said(struct dial *dial, size_t len)
{
	dial->said += len;
}

void dial_secured(struct dial *dial)
{
	dial->secured = true;
	dial->at = dial->plan->tls == DIAL_IMPLICIT ? AT_GREETING : AT_EHLO;
}

void dial_identify(struct dial *dial, const struct identity *identity)
{
	dial->identity = identity;
}

enum dial_way dial_told(const struct dial *dial)
{
	if (dial->plan->way == DIAL_XCLIENT && !(dial->announced & TELL_ADDR))
		return DIAL_SILENT;
	return dial->plan->way;
}

const char *dial_complaint(enum dial_failure failure)
{
	static const char *const sentences[] = {
		[DIAL_FINE] = NULL,
		[DIAL_PROTOCOL] = "the server said what is not SMTP",
		[DIAL_NO_STARTTLS] = "the server offers no STARTTLS",
		[DIAL_INJECTED] = "bytes came behind the server's answer to STARTTLS",
		[DIAL_EHLO_REFUSED] = "the server refused Postern's EHLO",
		[DIAL_IDENTITY_REFUSED] = "the server refused XCLIENT",
	};

	return sentences[failure];
}

static void fail(struct dial *dial, enum dial_failure failure)
{
	dial->failure = failure;
	dial->at = AT_FAILED;
}

/*
 * A refusal in Postern's words becomes the greeting: after XCLIENT was refused the client is not
 * sent on under Postern's own address.
 */
static void refuse(struct dial *dial, enum dial_failure failure, const char *text, size_t waiting,
		   struct dial_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };

	write_str(&w, "421 4.3.0 ");
	write_str(&w, text);
	if (dial->identity && dial->identity->session.len > 0) {
		write_str(&w, " [");
		write_slice(&w, dial->identity->session);
		write_str(&w, "]");
	}
	write_str(&w, "\r\n");
	step->keep = 0;
	step->drop = waiting;
	step->text = slice_of(w.to, w.len);
	step->act = DIAL_READY;
	dial->failure = failure;
	dial->at = AT_READY;
}

/* The text is made anew on every call, and what went of it already left out. */
static void say(struct dial *dial, const struct writer *w, struct dial_step *step, enum at next)
{
	step->text = slice_skip(slice_of(w->to, w->len), dial->said);
	if (step->text.len > 0) {
		step->act = DIAL_SAY;
		return;
	}
	dial->said = 0;
	dial->reply = (struct reply){ 0 };
	dial->at = (uint8_t)next;
}

static void header(struct dial *dial, struct dial_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };

	if (!dial->identity) {
		step->act = DIAL_HOLD;
		return;
	}
	if (dial->plan->way == DIAL_PROXY_V1)
		tell_proxy_v1(&w, dial->identity);
	else
		tell_proxy_v2(&w, dial->identity, dial->plan->header_most);
	say(dial, &w, step, dial->plan->tls == DIAL_IMPLICIT ? AT_SECURE : AT_GREETING);
}

static void say_ehlo(struct dial *dial, struct dial_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };

	write_str(&w, "EHLO ");
	write_slice(&w, dial->plan->hostname);
	write_str(&w, "\r\n");
	say(dial, &w, step, AT_EHLO_REPLY);
}

static void say_starttls(struct dial *dial, struct dial_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };

	write_str(&w, "STARTTLS\r\n");
	say(dial, &w, step, AT_STARTTLS_REPLY);
}

static void say_xclient(struct dial *dial, struct dial_step *step)
{
	struct writer w = { .to = step->room, .size = step->room_size };

	if (!tell_xclient(&w, dial->identity, dial->untold)) {
		dial->at = AT_READY;
		return;
	}
	say(dial, &w, step, AT_XCLIENT_REPLY);
	if (dial->at == AT_XCLIENT_REPLY)
		dial->untold = 0;
}

static void identify(struct dial *dial, struct dial_step *step)
{
	/* Without the address there is nothing to be gained. */
	if (dial->plan->way != DIAL_XCLIENT || !(dial->announced & TELL_ADDR)) {
		dial->at = AT_READY;
	} else if (!dial->identity) {
		step->act = DIAL_HOLD;
	} else {
		dial->untold = dial->identity->is_own ? 0 : dial->announced;
		dial->at = AT_XCLIENT;
	}
}

static void secure(struct dial *dial, struct dial_step *step)
{
	(void)dial;
	step->act = DIAL_SECURE;
}

static void ready(struct dial *dial, struct dial_step *step)
{
	(void)dial;
	step->act = DIAL_READY;
}

static void failed(struct dial *dial, struct dial_step *step)
{
	(void)dial;
	step->act = DIAL_FAILED;
}

/* ------------------------------------------------------------------------------------- replies */

/* What was read behind the greeting goes. */
static void take_reply(struct dial *dial, struct dial_step *step)
{
	step->keep = dial->kept;
	step->drop = dial->reply.scanned;
	dial->reply = (struct reply){ 0 };
}

static bool needs_ehlo(const struct dial *dial)
{
	const struct dial_plan *plan = dial->plan;

	return plan->way == DIAL_XCLIENT || plan->tls == DIAL_STARTTLS;
}

static void greeted(struct dial *dial, struct slice reply, struct dial_step *step)
{
	(void)reply;
	(void)step;
	/* A refusal is the inspector's to pass on. */
	if (dial->code >= 400 || !needs_ehlo(dial)) {
		dial->at = AT_READY;
		return;
	}
	dial->kept = dial->reply.scanned;
	dial->reply = (struct reply){ 0 };
	dial->at = AT_EHLO;
}

static void read_keywords(struct dial *dial, struct slice reply)
{
	dial->starttls = false;
	dial->announced = 0;
	reply_line(&reply);
	while (reply.len > 0) {
		struct slice rest = slice_skip(reply_line(&reply), 4);
		struct slice keyword = slice_word(&rest);
		if (slice_eq_nocase(keyword, SLICE("STARTTLS")))
			dial->starttls = true;
		else if (slice_eq_nocase(keyword, SLICE("XCLIENT")))
			dial->announced = tell_announced(rest);
	}
}

static void hello_answered(struct dial *dial, struct slice reply, struct dial_step *step)
{
	bool unknown = dial->code == 500 || dial->code == 502;
	bool starttls = dial->plan->tls == DIAL_STARTTLS && !dial->secured;

	if (dial->code < 300)
		read_keywords(dial, reply);
	take_reply(dial, step);
	if (dial->code >= 400 && !unknown)
		fail(dial, DIAL_EHLO_REFUSED);
	else if (starttls && !dial->starttls)
		fail(dial, DIAL_NO_STARTTLS);
	else
		dial->at = starttls ? AT_STARTTLS : AT_IDENTIFY;
}

/* What is there already was sent in plain, whoever sent it, and must not be read as TLS' content.
 */
static void starttls_answered(struct dial *dial, struct slice reply, struct dial_step *step)
{
	(void)reply;
	take_reply(dial, step);
	if (dial->code != 220)
		fail(dial, DIAL_NO_STARTTLS);
	else
		dial->at = AT_SECURE;
}

static void xclient_answered(struct dial *dial, struct slice reply, struct dial_step *step)
{
	(void)reply;
	/* The new greeting takes the old one's place. */
	step->keep = 0;
	step->drop = dial->kept;
	dial->kept = dial->reply.scanned;
	dial->reply = (struct reply){ 0 };
	dial->at = AT_XCLIENT;
}

static void dial_read(struct dial *dial, struct slice waiting, struct dial_step *step)
{
	static void (*const answered[])(struct dial *, struct slice, struct dial_step *) = {
		[AT_GREETING] = greeted,
		[AT_EHLO_REPLY] = hello_answered,
		[AT_STARTTLS_REPLY] = starttls_answered,
		[AT_XCLIENT_REPLY] = xclient_answered,
	};
	struct slice rest = slice_skip(waiting, dial->kept);
	enum reply_found found = reply_read(&dial->reply, rest);

	dial->code = dial->reply.code;
	if (found == REPLY_MORE && (!needs_ehlo(dial) || waiting.len <= WAIT_BYTES))
		step->act = DIAL_WAIT;
	else if (found != REPLY_WHOLE || (dial->code >= 300 && dial->code < 400))
		refuse(dial, DIAL_PROTOCOL, "The mail server said what was not understood",
		       waiting.len, step);
	else if (dial->at == AT_XCLIENT_REPLY && dial->code != 220)
		refuse(dial, DIAL_IDENTITY_REFUSED,
		       "The mail server does not take what it is told of you", waiting.len, step);
	else if (dial->at == AT_STARTTLS_REPLY && dial->reply.scanned < rest.len)
		fail(dial, DIAL_INJECTED);
	else
		answered[dial->at](dial, slice_head(rest, dial->reply.scanned), step);
}

void dial_step(struct dial *dial, struct slice waiting, struct dial_step *step)
{
	static void (*const steps[])(struct dial *, struct dial_step *) = {
		[AT_HEADER] = header,         [AT_SECURE] = secure,     [AT_EHLO] = say_ehlo,
		[AT_STARTTLS] = say_starttls, [AT_IDENTIFY] = identify, [AT_XCLIENT] = say_xclient,
		[AT_READY] = ready,           [AT_FAILED] = failed,
	};

	step->act = DIAL_MOVE;
	step->keep = step->drop = 0;
	step->text = SLICE("");
	if (dial->at < sizeof steps / sizeof *steps && steps[dial->at])
		steps[dial->at](dial, step);
	else
		dial_read(dial, waiting, step);
}
