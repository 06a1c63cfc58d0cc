#include "proxy/smtp/command.h"

#include "proxy/smtp/lane.h"
#include "proxy/smtp/say.h"
#include "proxy/smtp/verbs.h"

/* What is wrong with the byte at `at`, or SAY_NONE. A CR is judged when the byte behind it is
 * there. */
static uint8_t bad_byte(struct slice s, size_t at, bool mend_lf)
{
	unsigned char c = (unsigned char)s.ptr[at];
	bool behind_cr = at > 0 && s.ptr[at - 1] == '\r';

	if (behind_cr != (c == '\n') && !(c == '\n' && mend_lf))
		return SAY_BAD_LINE_END;
	if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
		return SAY_BAD_BYTE;
	if (at == 0 && (c == ' ' || c == '\t'))
		return SAY_BAD_BYTE;
	return SAY_NONE;
}

static size_t line_limit(struct slice waiting, bool sasl)
{
	bool auth = waiting.len > 4 && slice_starts_nocase(waiting, SLICE("AUTH")) &&
		    (waiting.ptr[4] == ' ' || waiting.ptr[4] == '\t');

	return sasl || auth ? COMMAND_AUTH_BYTES : COMMAND_LINE_BYTES;
}

static inline bool is_plain(lane bytes)
{
	return !lane_any((lane)(bytes < ' ') | (lane)(bytes == 0x7f));
}

/* From `at` on, behind all that can be wrong for its place alone: neither a control byte nor a DEL.
 */
static size_t skip_plain(struct slice s, size_t at)
{
	while (at + LANE <= s.len && is_plain(lane_at(s.ptr + at)))
		at += LANE;
	while (at < s.len && (unsigned char)s.ptr[at] >= ' ' && s.ptr[at] != 0x7f)
		at++;
	return at;
}

enum line_found line_read(struct slice waiting, bool sasl, bool mend_lf, size_t *scanned,
			  size_t *len, uint8_t *say)
{
	size_t limit = line_limit(waiting, sasl);

	for (size_t at = *scanned; at < waiting.len; at++) {
		if (at > 0 && waiting.ptr[at - 1] != '\r')
			at = skip_plain(slice_head(waiting, limit), at);
		if (at == waiting.len)
			break;
		*say = bad_byte(waiting, at, mend_lf);
		if (*say == SAY_NONE && at >= limit)
			*say = limit == COMMAND_AUTH_BYTES ? SAY_AUTH_LONG : SAY_LINE_LONG;
		/* A blank may well begin what is no command. */
		if (*say == SAY_BAD_BYTE && sasl && at == 0 && waiting.ptr[0] == ' ')
			*say = SAY_NONE;
		if (*say != SAY_NONE)
			return LINE_BAD;
		if (waiting.ptr[at] == '\n') {
			*len = at + 1;
			*scanned = 0;
			return LINE_WHOLE;
		}
	}
	*scanned = waiting.len;
	return LINE_MORE;
}

/* RFC 3030 section 2: `BDAT SP 1*DIGIT [SP LAST]`, and not a blank more. */
static void read_chunk(struct command *command, const struct smtp_policy *policy)
{
	struct slice s = slice_skip(command->line, command->word.len + 1);
	size_t blank = slice_find(s, ' ', 0);
	struct slice tail = slice_skip(s, blank);

	/* What is put in counts, too. */
	uint64_t most = policy->trace ? UINT64_MAX - 2 * TRACE_MOST_BYTES : UINT64_MAX;

	command->last = slice_eq_nocase(tail, SLICE(" LAST"));
	command->bad_chunk = !slice_number(slice_head(s, blank), &command->chunk) ||
			     command->chunk > most || (tail.len > 0 && !command->last) ||
			     command->line.ptr[command->word.len] != ' ';
}

void command_read(struct command *command, const struct smtp_policy *policy, struct slice waiting,
		  size_t len)
{
	struct slice line = slice_head(waiting, len - 1);
	bool crlf = line.len > 0 && line.ptr[line.len - 1] == '\r';

	if (crlf)
		line.len--;
	*command =
		(struct command){ .line = line, .waiting = waiting, .len = len, .bare_lf = !crlf };
	command->args = line;
	command->word = slice_word(&command->args);
	command->args = slice_trim(command->args);
	command->verb = verb_find(command->word);
	if (command->verb == VERB_UNKNOWN && smtp_list_has(&policy->verbs_pass, command->word))
		command->verb = VERB_PASSED;
	if (command->verb == VERB_BDAT) {
		if (line.len > command->word.len)
			read_chunk(command, policy);
		else
			command->bad_chunk = true;
	}
}

/* Behind the closing bracket, outside quoted strings (RFC 5321 section 4.1.2); 0: there is none. */
static size_t path_end(struct slice s)
{
	bool quoted = false;
	size_t close = slice_find(s, '>', 0);

	/* Most have nothing quoted. */
	if (slice_find(slice_head(s, close), '"', 0) == close)
		return close < s.len ? close + 1 : 0;
	for (size_t i = 0; i < s.len; i++) {
		if (quoted && s.ptr[i] == '\\')
			i++;
		else if (s.ptr[i] == '"')
			quoted = !quoted;
		else if (s.ptr[i] == '>' && !quoted)
			return i + 1;
	}
	return 0;
}

struct slice command_parameters(const struct command *command)
{
	struct slice s = command->args;

	s = slice_trim(slice_skip(s, slice_find(s, ':', 0) + 1));
	size_t end = s.len > 0 && s.ptr[0] == '<' ? path_end(s) : 0;
	if (end > 0)
		return slice_skip(s, end);
	slice_word(&s);
	return s;
}

enum http_found http_match(struct slice waiting)
{
	static const struct slice words[] = {
		{ "GET ", 4 },    { "POST ", 5 },    { "PUT ", 4 },     { "HEAD ", 5 },
		{ "DELETE ", 7 }, { "PATCH ", 6 },   { "OPTIONS ", 8 }, { "CONNECT ", 8 },
		{ "TRACE ", 6 },  { "Host:", 5 },    { "PRI * ", 6 },   { "User-Agent:", 11 },
		{ "Accept:", 7 }, { "Referer:", 8 }, { "Content-", 8 }, { "PROPFIND ", 9 },
	};
	enum http_found found = HTTP_NO;

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		size_t most = words[i].len < waiting.len ? words[i].len : waiting.len;
		if (!slice_eq_nocase(slice_head(waiting, most), slice_head(words[i], most)))
			continue;
		if (most == words[i].len)
			return HTTP_YES;
		found = HTTP_MAYBE;
	}
	return found;
}
