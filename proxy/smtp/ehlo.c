#include "proxy/smtp/ehlo.h"

#include "proxy/smtp/reply.h"
#include "proxy/smtp/verbs.h"
#include "proxy/smtp/writer.h"

/* What the client is shown: an allow-list. A keyword whose verb policy switches off goes with it.
 */
static const struct slice keywords[KEYWORD_COUNT] = {
#define ROW(id, name) [KEYWORD_##id] = { name, sizeof(name) - 1 }
	ROW(SIZE, "SIZE"),
	ROW(PIPELINING, "PIPELINING"),
	ROW(8BITMIME, "8BITMIME"),
	ROW(BINARYMIME, "BINARYMIME"),
	ROW(CHUNKING, "CHUNKING"),
	ROW(SMTPUTF8, "SMTPUTF8"),
	ROW(DSN, "DSN"),
	ROW(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES"),
	ROW(AUTH, "AUTH"),
	ROW(DELIVERBY, "DELIVERBY"),
	ROW(MT_PRIORITY, "MT-PRIORITY"),
	ROW(FUTURERELEASE, "FUTURERELEASE"),
	ROW(LIMITS, "LIMITS"),
	ROW(NO_SOLICITING, "NO-SOLICITING"),
	ROW(RRVS, "RRVS"),
	ROW(CONPERM, "CONPERM"),
	ROW(HELP, "HELP"),
	ROW(VRFY, "VRFY"),
	ROW(EXPN, "EXPN"),
	ROW(ETRN, "ETRN"),
	ROW(REQUIRETLS, "REQUIRETLS"),
	ROW(STARTTLS, "STARTTLS"),
#undef ROW
};

/* Those of MAIL and RCPT, and the keyword that each belongs to. */
static const struct {
	struct slice name;
	enum keyword keyword;
} parameters[] = {
#define ROW(name, id) \
	{ \
		{ name, sizeof(name) - 1 }, KEYWORD_##id \
	}
	ROW("SIZE", SIZE),
	ROW("BODY", 8BITMIME),
	ROW("SMTPUTF8", SMTPUTF8),
	ROW("RET", DSN),
	ROW("ENVID", DSN),
	ROW("NOTIFY", DSN),
	ROW("ORCPT", DSN),
	ROW("AUTH", AUTH),
	ROW("BY", DELIVERBY),
	ROW("MT-PRIORITY", MT_PRIORITY),
	ROW("HOLDFOR", FUTURERELEASE),
	ROW("HOLDUNTIL", FUTURERELEASE),
	ROW("SOLICIT", NO_SOLICITING),
	ROW("RRVS", RRVS),
	ROW("CONPERM", CONPERM),
	ROW("REQUIRETLS", REQUIRETLS),
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

	while (i < KEYWORD_COUNT && !slice_eq_nocase(name, keywords[i]))
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

	/* "AUTH=LOGIN PLAIN", the spelling of before RFC 2554, that old clients look for. */
	if (slice_eq_nocase(slice_head(line.name, 5), SLICE("AUTH=")))
		line.name = slice_head(line.name, 4);
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

/* Some server of the pool has not announced it. */
static uint32_t lacking(const struct smtp *smtp)
{
	return smtp->lack ? smtp->lack->keywords : 0;
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
	return !((lacking(smtp) | smtp->policy->keywords_hidden) & KEYWORD_BIT(line->keyword));
}

/* Postern's own, where the server has not announced them itself. */
static uint32_t own_keywords(const struct smtp *smtp)
{
	uint32_t own = KEYWORD_BIT(KEYWORD_PIPELINING);

	if (smtp->policy->kind != SMTP_IMPLICIT && !smtp->secured)
		own |= KEYWORD_BIT(KEYWORD_STARTTLS);
	if (smtp->policy->message_size > 0)
		own |= KEYWORD_BIT(KEYWORD_SIZE);
	own &= ~smtp->policy->keywords_hidden;
	return own & ~(smtp->server_keywords & ~lacking(smtp) & ~KEYWORD_BIT(KEYWORD_STARTTLS));
}

static void learn(struct smtp *smtp, const struct line *line, bool is_shown)
{
	uint32_t bit = line->keyword == KEYWORD_COUNT ? 0 : KEYWORD_BIT(line->keyword);

	smtp->server_keywords |= bit;
	smtp->client_keywords |= is_shown ? bit : 0;
}

/* What is written later is known now: the client's next command hangs on it. */
static void learn_rest(struct smtp *smtp, struct slice left)
{
	while (left.len > 0) {
		struct line line = line_parse(reply_line(&left));
		learn(smtp, &line, shown(smtp, &line));
	}
	smtp->client_keywords |= own_keywords(smtp);
}

static bool more_shown(const struct smtp *smtp, struct slice left)
{
	bool more = own_keywords(smtp) != 0;

	while (left.len > 0 && !more) {
		struct line line = line_parse(reply_line(&left));
		more = shown(smtp, &line);
	}
	return more;
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
		write_slice(w, keywords[order[i]]);
		if (order[i] == KEYWORD_SIZE)
			write_str(w, " "),
				write_number(w, lack_size(smtp->lack, smtp->policy->message_size));
		write_str(w, "\r\n");
	}
}

/* The first line is no keyword. */
static void write_greeting(struct writer *w, struct slice text)
{
	write_str(w, "250-");
	write_slice(w, slice_skip(text, 4));
	write_str(w, "\r\n");
}

size_t ehlo_write(struct smtp *smtp, struct slice left, bool whole, char *room, size_t room_size,
		  size_t *made)
{
	struct writer w = { .to = room, .size = room_size };
	size_t all = left.len, last = 0;

	if (whole) {
		smtp->server_keywords = smtp->client_keywords = 0;
		write_greeting(&w, reply_line(&left));
	}
	/* Each as one of several; whether it is the last shows later. It grows by a few digits at
	 * most. */
	while (left.len > 0 && w.len + REPLY_LINE_BYTES + 256 < room_size) {
		struct line line = line_parse(reply_line(&left));
		bool is_shown = shown(smtp, &line);
		if (whole)
			learn(smtp, &line, is_shown);
		if (!is_shown)
			continue;
		last = w.len;
		write_str(&w, "250-");
		write_keyword(&w, smtp, &line);
		write_str(&w, "\r\n");
	}
	if (whole)
		learn_rest(smtp, left);
	if (w.len > 0 && !more_shown(smtp, left))
		room[last + 3] = ' ';
	if (left.len == 0)
		write_own(&w, smtp);
	*made = w.len;
	return all - left.len;
}

struct slice keyword_name(enum keyword keyword)
{
	return keywords[keyword];
}

enum keyword keyword_of_parameter(struct slice name)
{
	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
		if (slice_eq_nocase(name, parameters[i].name))
			return parameters[i].keyword;
	return KEYWORD_COUNT;
}
