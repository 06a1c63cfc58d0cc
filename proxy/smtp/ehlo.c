#include "proxy/smtp/ehlo.h"

#include "proxy/smtp/reply.h"
#include "proxy/smtp/verbs.h"
#include "proxy/smtp/writer.h"

/*
 * What the client is shown of each: an allow-list. Keywords with a verb that policy switches off go
 * with it. `parameters`: those of MAIL and RCPT that belong to it, by comma.
 */
static const struct {
	struct slice name;
	struct slice parameters;
} keywords[KEYWORD_COUNT] = {
#define ROW(id, name, parameters) \
	[KEYWORD_##id] = { { name, sizeof(name) - 1 }, { parameters, sizeof(parameters) - 1 } }
	ROW(SIZE, "SIZE", "SIZE"),
	ROW(PIPELINING, "PIPELINING", ""),
	ROW(8BITMIME, "8BITMIME", "BODY"),
	ROW(BINARYMIME, "BINARYMIME", ""),
	ROW(CHUNKING, "CHUNKING", ""),
	ROW(SMTPUTF8, "SMTPUTF8", "SMTPUTF8"),
	ROW(DSN, "DSN", "RET ENVID NOTIFY ORCPT"),
	ROW(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES", ""),
	ROW(AUTH, "AUTH", "AUTH"),
	ROW(DELIVERBY, "DELIVERBY", "BY"),
	ROW(MT_PRIORITY, "MT-PRIORITY", "MT-PRIORITY"),
	ROW(FUTURERELEASE, "FUTURERELEASE", "HOLDFOR HOLDUNTIL"),
	ROW(LIMITS, "LIMITS", ""),
	ROW(NO_SOLICITING, "NO-SOLICITING", "SOLICIT"),
	ROW(RRVS, "RRVS", "RRVS"),
	ROW(CONPERM, "CONPERM", "CONPERM"),
	ROW(HELP, "HELP", ""),
	ROW(VRFY, "VRFY", ""),
	ROW(EXPN, "EXPN", ""),
	ROW(ETRN, "ETRN", ""),
	ROW(REQUIRETLS, "REQUIRETLS", "REQUIRETLS"),
	ROW(STARTTLS, "STARTTLS", ""),
#undef ROW
};

/* Never shown, not even where `keywords_pass` has them: they are not for clients, or not parsed. */
static const struct slice never[] = {
	{ "XCLIENT", 7 },
	{ "XFORWARD", 8 },
	{ "X-EXPS", 6 },
	{ "X-ANONYMOUSTLS", 14 },
	{ "XEXCH50", 7 },
	{ "X-LINK2STATE", 12 },
	{ "XSHADOW", 7 },
	{ "TURN", 4 },
	{ "ATRN", 4 },
	{ "BURL", 4 },
	{ "XSHADOWREQUEST", 14 },
};

/* One line of the reply. */
struct line {
	struct slice name; /* the keyword as received */
	struct slice args; /* behind it, with the blank or `=` between */
	enum keyword keyword;
};

static enum keyword keyword_find(struct slice name)
{
	size_t i = 0;

	while (i < KEYWORD_COUNT && !slice_eq_nocase(name, keywords[i].name))
		i++;
	return (enum keyword)i;
}

/* RFC 1870 section 3: a number, or nothing. */
static bool size_is_read(struct slice args)
{
	uint64_t size;

	args = slice_trim(args);
	return args.len == 0 || slice_number(args, &size);
}

static struct line line_parse(struct slice text)
{
	struct slice rest = slice_skip(text, 4);
	struct line line = { .name = slice_word(&rest) };
	size_t equals = slice_find(line.name, '=', 0);

	/* "AUTH=LOGIN PLAIN", the spelling of before RFC 2554, that old clients look for. */
	if (slice_eq_nocase(slice_head(line.name, equals), SLICE("AUTH")))
		line.name = slice_head(line.name, equals);
	line.args =
		line.name.ptr
			? slice_of(line.name.ptr + line.name.len,
				   text.len - (size_t)(line.name.ptr - text.ptr) - line.name.len)
			: slice_of("", 0);
	line.keyword = keyword_find(line.name);
	if (line.keyword == KEYWORD_SIZE && !size_is_read(line.args))
		line = (struct line){ .name = SLICE(""), .keyword = KEYWORD_COUNT };
	return line;
}

enum keyword ehlo_line(struct slice text, struct slice *args)
{
	struct line line = line_parse(text);

	*args = line.args;
	return line.keyword;
}

void ehlo_set_lack(struct smtp *smtp, const struct lack *lack)
{
	smtp->lack = lack;
}

bool mechanism_hidden(const struct smtp *smtp, struct slice mechanism)
{
	return smtp_list_matches(&smtp->policy->auth_hide, mechanism) ||
	       lack_has_mechanism(smtp->lack, mechanism);
}

static bool auth_allowed(const struct smtp *smtp)
{
	return smtp->policy->auth == SMTP_AUTH_ALWAYS ||
	       (smtp->policy->auth == SMTP_AUTH_TLS && smtp->secured);
}

struct slice ehlo_mechanism(struct slice *rest)
{
	if (rest->len > 0 && rest->ptr[0] == '=')
		*rest = slice_skip(*rest, 1);
	return slice_word(rest);
}

static bool any_mechanism(const struct smtp *smtp, struct slice args)
{
	for (struct slice m = ehlo_mechanism(&args); m.len > 0; m = ehlo_mechanism(&args))
		if (!mechanism_hidden(smtp, m))
			return true;
	return false;
}

/* A keyword goes with its verb: what would be refused is not announced. */
static bool verb_is_off(const struct smtp_policy *policy, enum keyword keyword)
{
	for (size_t i = 0; i < VERB_COUNT; i++)
		if ((verbs[i].keyword & KEYWORD_BIT(keyword)) &&
		    smtp_list_has(&policy->verbs_off, verbs[i].name))
			return true;
	return false;
}

/* Some server of the pool has not announced it. */
static uint32_t lacking(const struct smtp *smtp)
{
	return smtp->lack ? smtp->lack->keywords : 0;
}

bool keyword_hidden(const struct smtp *smtp, enum keyword keyword)
{
	return smtp_list_has(&smtp->policy->keywords_hide, keywords[keyword].name) ||
	       verb_is_off(smtp->policy, keyword);
}

static bool is_never(struct slice name)
{
	for (size_t i = 0; i < sizeof never / sizeof *never; i++)
		if (slice_eq_nocase(name, never[i]))
			return true;
	return false;
}

static bool shown(const struct smtp *smtp, const struct line *line)
{
	switch (line->keyword) {
	case KEYWORD_COUNT:
		return line->name.len > 0 && !is_never(line->name) &&
		       smtp_list_has(&smtp->policy->keywords_pass, line->name);
	case KEYWORD_STARTTLS:
		return false;
	case KEYWORD_REQUIRETLS: /* RFC 8689 section 2: only where it can be kept */
		if (!smtp->secured || !smtp->policy->way_is_safe)
			return false;
		break;
	case KEYWORD_AUTH:
		if (!auth_allowed(smtp) || !any_mechanism(smtp, line->args))
			return false;
		break;
	default:
		break;
	}
	if (lacking(smtp) & KEYWORD_BIT(line->keyword))
		return false;
	return !keyword_hidden(smtp, line->keyword);
}

/* Postern's own, where the server has not announced them itself. */
static uint32_t own_keywords(const struct smtp *smtp)
{
	uint32_t own = KEYWORD_BIT(KEYWORD_PIPELINING);

	if (smtp->policy->kind != SMTP_IMPLICIT && !smtp->secured)
		own |= KEYWORD_BIT(KEYWORD_STARTTLS);
	if (smtp->policy->message_size > 0)
		own |= KEYWORD_BIT(KEYWORD_SIZE);
	for (enum keyword k = 0; k < KEYWORD_COUNT; k++)
		if (keyword_hidden(smtp, k))
			own &= ~KEYWORD_BIT(k);
	return own & ~(smtp->server_keywords & ~lacking(smtp) & ~KEYWORD_BIT(KEYWORD_STARTTLS));
}

void ehlo_read(struct smtp *smtp, struct slice reply)
{
	smtp->server_keywords = smtp->client_keywords = 0;
	reply_line(&reply);
	while (reply.len > 0) {
		struct line line = line_parse(reply_line(&reply));
		if (line.keyword == KEYWORD_COUNT)
			continue;
		smtp->server_keywords |= KEYWORD_BIT(line.keyword);
		if (shown(smtp, &line))
			smtp->client_keywords |= KEYWORD_BIT(line.keyword);
	}
	smtp->client_keywords |= own_keywords(smtp);
}

void ehlo_from_helo(struct smtp *smtp)
{
	smtp->server_keywords = 0;
	smtp->client_keywords = own_keywords(smtp);
}

static bool more_shown(const struct smtp *smtp, struct slice left)
{
	while (left.len > 0) {
		struct line line = line_parse(reply_line(&left));
		if (shown(smtp, &line))
			return true;
	}
	return own_keywords(smtp) != 0;
}

/* The smaller of both, as RFC 1870 section 4 has it that 0 is no limit. */
static void write_size(struct writer *w, const struct smtp *smtp, const struct line *line)
{
	uint64_t ours = smtp->policy->message_size, theirs = 0, told;

	slice_number(slice_trim(line->args), &theirs);
	told = lack_size(smtp->lack, theirs);
	/* The field that is put in takes its part. */
	if (smtp->policy->trace && told > 0)
		told = told > TRACE_MOST_BYTES ? told - TRACE_MOST_BYTES : 1;
	if (ours > 0 && (told == 0 || told > ours))
		told = ours;
	if (told == theirs)
		write_slice(w, line->args);
	else
		write_str(w, " "), write_number(w, told);
}

static void write_auth(struct writer *w, const struct smtp *smtp, const struct line *line)
{
	struct slice rest = line->args;
	const char *sep = rest.len > 0 && rest.ptr[0] == '=' ? "=" : " ";

	for (struct slice m = ehlo_mechanism(&rest); m.len > 0; m = ehlo_mechanism(&rest)) {
		if (mechanism_hidden(smtp, m))
			continue;
		write_str(w, sep);
		write_slice(w, m);
		sep = " ";
	}
}

/* Of what the server says, what other servers say, and what policy allows. */
static uint64_t least_limit(const struct smtp *smtp, enum limit limit, uint64_t theirs)
{
	uint64_t ours = limit == LIMIT_RCPTMAX   ? smtp->policy->recipients
			: limit == LIMIT_MAILMAX ? smtp->policy->messages
						 : 0;
	uint64_t least = lack_limit(smtp->lack, limit, theirs);

	return ours > 0 && least > ours ? ours : least;
}

static void write_limit(struct writer *w, enum limit limit, uint64_t value)
{
	write_str(w, " ");
	write_slice(w, limit_name(limit));
	write_str(w, "="), write_number(w, value);
}

/* RFC 9422: each lowered; what is not known is passed as it is. */
static void write_limits(struct writer *w, const struct smtp *smtp, const struct line *line)
{
	struct slice rest = line->args;
	unsigned told = 0;

	for (struct slice m = slice_word(&rest); m.len > 0; m = slice_word(&rest)) {
		uint64_t theirs = 0;
		enum limit limit = limit_read(m, &theirs);
		told |= 1u << limit;
		if (limit != LIMIT_COUNT && least_limit(smtp, limit, theirs) < theirs)
			write_limit(w, limit, least_limit(smtp, limit, theirs));
		else
			write_str(w, " "), write_slice(w, m);
	}
	for (enum limit i = 0; i < LIMIT_COUNT; i++)
		if (!(told & 1u << i) && lack_limit(smtp->lack, i, 0) > 0)
			write_limit(w, i, least_limit(smtp, i, 0));
}

static void write_keyword(struct writer *w, const struct smtp *smtp, const struct line *line)
{
	write_slice(w, line->name);
	if (line->keyword == KEYWORD_SIZE)
		write_size(w, smtp, line);
	else if (line->keyword == KEYWORD_AUTH)
		write_auth(w, smtp, line);
	else if (line->keyword == KEYWORD_LIMITS)
		write_limits(w, smtp, line);
	else
		write_slice(w, line->args);
}

static void write_own(struct writer *w, const struct smtp *smtp)
{
	static const enum keyword order[] = { KEYWORD_STARTTLS, KEYWORD_PIPELINING, KEYWORD_SIZE };
	uint32_t own = own_keywords(smtp);

	for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
		if (!(own & KEYWORD_BIT(order[i])))
			continue;
		own &= ~KEYWORD_BIT(order[i]);
		write_str(w, own ? "250-" : "250 ");
		write_slice(w, keywords[order[i]].name);
		if (order[i] == KEYWORD_SIZE)
			write_str(w, " "),
				write_number(w, lack_size(smtp->lack, smtp->policy->message_size));
		write_str(w, "\r\n");
	}
}

static void write_line(struct writer *w, const struct smtp *smtp, struct slice text, bool greeting,
		       struct slice left)
{
	struct line line = line_parse(text);

	if (!greeting && !shown(smtp, &line))
		return;
	write_str(w, more_shown(smtp, left) ? "250-" : "250 ");
	if (greeting)
		write_slice(w, slice_skip(text, 4));
	else
		write_keyword(w, smtp, &line);
	write_str(w, "\r\n");
}

size_t ehlo_write(const struct smtp *smtp, struct slice left, bool whole, char *room,
		  size_t room_size, size_t *made)
{
	struct writer w = { .to = room, .size = room_size };
	size_t all = left.len;

	/* A line grows by a few digits at most. */
	while (left.len > 0 && w.len + REPLY_LINE_BYTES + 256 < room_size) {
		struct slice text = reply_line(&left);
		write_line(&w, smtp, text, whole, left);
		whole = false;
	}
	if (left.len == 0)
		write_own(&w, smtp);
	*made = w.len;
	return all - left.len;
}

struct slice keyword_name(enum keyword keyword)
{
	return keywords[keyword].name;
}

enum keyword keyword_of_parameter(struct slice name)
{
	for (size_t i = 0; name.len > 0 && i < KEYWORD_COUNT; i++) {
		struct slice rest = keywords[i].parameters;
		for (struct slice p = slice_word(&rest); p.len > 0; p = slice_word(&rest))
			if (slice_eq_nocase(p, name))
				return (enum keyword)i;
	}
	return KEYWORD_COUNT;
}
