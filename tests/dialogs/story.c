#include "tests/dialogs/story.h"

#include <ctype.h>
#include <stdlib.h>

static int complain(const struct story *story, int line, const char *what, const char *text)
{
	fprintf(stderr, "%s:%d: %s: %s\n", story->file, line, what, text);
	return -1;
}

static int hex(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : tolower((unsigned char)c) - 'a' + 10;
}

static const char *unescape_one(struct text_buf *to, const char *p);

/* \{1000*text} */
static const char *repeat(struct text_buf *to, const char *p)
{
	char *star;
	long times = strtol(p, &star, 10);
	const char *start = star + 1, *end = start;

	for (long i = 0; i < times; i++)
		for (end = start; *end && *end != '}';)
			end = unescape_one(to, end);
	return end + 1;
}

/* One character of `p`, escapes undone; returns what follows it. */
static const char *unescape_one(struct text_buf *to, const char *p)
{
	static const char names[] = "rn0t\\", values[] = "\r\n\0\t\\";
	const char *name;
	char byte;

	if (*p != '\\') {
		text_add(to, p, 1);
		return p + 1;
	}
	if (p[1] == '{')
		return repeat(to, p + 2);
	if (p[1] == 'x' && isxdigit((unsigned char)p[2]) && isxdigit((unsigned char)p[3])) {
		byte = (char)(hex(p[2]) * 16 + hex(p[3]));
		text_add(to, &byte, 1);
		return p + 4;
	}
	name = p[1] ? strchr(names, p[1]) : NULL;
	byte = name ? values[name - names] : '?';
	text_add(to, &byte, 1);
	return p + 2;
}

static void unescape(struct text_buf *to, const char *text, bool crlf, bool pattern)
{
	size_t len = strlen(text);
	bool any = pattern && len > 0 && text[len - 1] == '~';

	for (const char *p = text; *p && !(any && p == text + len - 1);)
		p = unescape_one(to, p);
	if (any)
		text_add(to, "\1", 1);
	if (crlf)
		text_add(to, "\r\n", 2);
}

static struct segment *segment_new(struct story *story, int kind, int line)
{
	struct segment *last = story->count > 0 ? &story->segments[story->count - 1] : NULL;

	if (kind != SEGMENT_EVENT && last && last->kind == (unsigned)kind &&
	    last->expect[0].len == 0 && last->expect[1].len == 0 && last->events.len == 0 &&
	    last->line >= 0)
		return last;
	if (story->count == STORY_SEGMENTS)
		abort();
	last = &story->segments[story->count++];
	*last = (struct segment){ .kind = (unsigned)kind, .line = line };
	return last;
}

static bool flag(const char *value, const char *yes)
{
	return strcmp(value, yes) == 0;
}

static void set_list(struct story *story, size_t index, struct smtp_list *list, char *value)
{
	char *save = NULL;

	for (size_t i = 0; i < STORY_LIST; i++) {
		free((void *)(uintptr_t)story->lists[index][i].ptr);
		story->lists[index][i] = SLICE("");
		story->lists[index][i].ptr = NULL;
	}
	*list = (struct smtp_list){ story->lists[index], 0 };
	for (char *w = strtok_r(value, ",", &save); w; w = strtok_r(NULL, ",", &save))
		if (list->count < STORY_LIST)
			story->lists[index][list->count++] = slice_str(strdup(w));
}

static bool set_policy(struct story *story, char *name, char *value)
{
	struct smtp_policy *p = &story->policy;
	struct {
		const char *name;
		struct smtp_list *list;
	} lists[] = { { "auth_hide", &p->auth_hide },
		      { "verbs_off", &p->verbs_off },
		      { "verbs_pass", &p->verbs_pass },
		      { "keywords_hide", &p->keywords_hide },
		      { "keywords_pass", &p->keywords_pass } };

	for (size_t i = 0; i < 5; i++)
		if (flag(name, lists[i].name)) {
			set_list(story, i, lists[i].list, value);
			smtp_policy_settle(p);
			return true;
		}
	if (flag(name, "message_size"))
		p->message_size = strtoull(value, NULL, 10);
	else if (flag(name, "recipients"))
		p->recipients = (uint32_t)atoi(value);
	else if (flag(name, "errors"))
		p->errors = (uint32_t)atoi(value);
	else if (flag(name, "messages"))
		p->messages = (uint32_t)atoi(value);
	else if (flag(name, "trace_header"))
		p->trace = flag(value, "yes");
	else if (flag(name, "require_auth"))
		p->require_auth = flag(value, "yes");
	else if (flag(name, "bare_newline"))
		p->normalize = flag(value, "normalize");
	else if (flag(name, "pipelining"))
		p->tolerate_pipelining = flag(value, "tolerant");
	else if (flag(name, "early_talker"))
		p->tolerate_early_talker = flag(value, "tolerate");
	else if (flag(name, "auth"))
		p->auth = flag(value, "always")  ? SMTP_AUTH_ALWAYS
			  : flag(value, "never") ? SMTP_AUTH_NEVER
						 : SMTP_AUTH_TLS;
	else
		return false;
	return true;
}

static int set_policies(struct story *story, int line, char *text)
{
	char *save = NULL;

	for (char *w = strtok_r(text, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(w, '=');
		if (!equals)
			return complain(story, line, "expected name=value", w);
		*equals = 0;
		if (!set_policy(story, w, equals + 1))
			return complain(story, line, "no such policy option", w);
	}
	return 0;
}

/* Another server's EHLO lines, by comma: what it lacks, clients are not told of. */
static int set_pool(struct story *story, char *text)
{
	char reply[1024] = "250 other\r\n", *save = NULL;
	struct offer offer;

	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save))
		snprintf(reply + strlen(reply), sizeof reply - strlen(reply), "250 %s\r\n", w);
	offer_read(&offer, slice_str(reply));
	lack_add(&story->lack, &offer);
	story->pool = true;
	return 0;
}

static int read_setting(struct story *story, int line, char *text)
{
	if (strncmp(text, "listener: ", 10) == 0)
		story->policy.kind = flag(text + 10, "required")   ? SMTP_REQUIRED
				     : flag(text + 10, "optional") ? SMTP_OPTIONAL
								   : SMTP_IMPLICIT;
	else if (strncmp(text, "policy: ", 8) == 0)
		return set_policies(story, line, text + 8);
	else if (strncmp(text, "way: ", 5) == 0)
		story->policy.way_is_safe = flag(text + 5, "tls");
	else if (strncmp(text, "pool: ", 6) == 0)
		return set_pool(story, text + 6);
	else if (strncmp(text, "refused: ", 9) == 0)
		snprintf(story->refused, sizeof story->refused, "%s", text + 9);
	else
		return complain(story, line, "not understood", text);
	return 0;
}

static int read_event(struct story *story, int line, const char *word)
{
	static const struct {
		const char *word;
		enum smtp_event event;
	} events[] = { { "lost", SMTP_SERVER_LOST },
		       { "deadline", SMTP_DEADLINE },
		       { "drain", SMTP_DRAIN },
		       { "banned", SMTP_BANNED },
		       { "expired", SMTP_EXPIRED } };

	for (size_t i = 0; i < sizeof events / sizeof *events; i++)
		if (flag(word, events[i].word)) {
			segment_new(story, SEGMENT_EVENT, line)->event = events[i].event;
			return 0;
		}
	return complain(story, line, "no such event", word);
}

/* "C: text", "C| text", and with `>` before it what is expected. */
static int read_said(struct story *story, int line, const char *text)
{
	bool expected = text[0] == '>';
	const char *p = expected ? text + 1 : text;
	enum side side = p[0] == 'S' ? SERVER : CLIENT;
	bool crlf = p[1] == ':';
	const char *rest = p[1] && p[2] == ' ' ? p + 3 : p + 2;

	if ((p[0] != 'S' && p[0] != 'C') || (p[1] != ':' && p[1] != '|'))
		return 1;
	if (!expected) {
		unescape(&segment_new(story, side == CLIENT ? SEGMENT_CLIENT : SEGMENT_SERVER, line)
				  ->bytes,
			 rest, crlf, false);
		return 0;
	}
	if (story->count == 0)
		segment_new(story, SEGMENT_NONE, line);
	unescape(&story->segments[story->count - 1].expect[side], rest, crlf, true);
	return 0;
}

static int read_line(struct story *story, int line, char *text)
{
	int said;

	if (flag(text, "--")) {
		if (story->count > 0)
			story->segments[story->count - 1].line *= -1;
		return 0;
	}
	if (text[0] == '!')
		return read_event(story, line, text + 2);
	if (text[0] == '=' && text[1] == ' ') {
		if (story->count == 0)
			segment_new(story, SEGMENT_NONE, line);
		struct text_buf *events = &story->segments[story->count - 1].events;
		text_add(events, text + 2, strlen(text + 2));
		text_add(events, "\n", 1);
		return 0;
	}
	said = read_said(story, line, text);
	return said == 1 ? read_setting(story, line, text) : said;
}

static void begin(struct story *story, const char *name, int line, const char *title)
{
	*story = (struct story){ .file = name, .line = line };
	snprintf(story->title, sizeof story->title, "%s", title);
	story->policy.hostname = SLICE("mail.test");
	story->policy.recipients = 1000;
	story->policy.errors = 20;
	char off[] = "VRFY,EXPN,ETRN", hide[] = "*-PLUS,GSSAPI,GSS-*,DIGEST-MD5";
	set_list(story, 1, &story->policy.verbs_off, off);
	smtp_policy_settle(&story->policy);
	set_list(story, 0, &story->policy.auth_hide, hide);
}

int story_read(struct story *story, FILE *file, const char *name, int *line, char *title)
{
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int result = 0;

	begin(story, name, *line, title);
	while (result >= 0 && (len = getline(&text, &size, file)) >= 0) {
		++*line;
		while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
			text[--len] = 0;
		if (strncmp(text, "==", 2) == 0) {
			snprintf(title, sizeof story->title, "%s", text + 2 + (text[2] == ' '));
			if (story->title[0])
				break;
			snprintf(story->title, sizeof story->title, "%s", title);
			story->line = *line;
		} else if (len > 0 && text[0] != '#') {
			result = read_line(story, *line, text);
		}
	}
	bool done = len < 0;
	free(text);
	if (result < 0)
		return -1;
	if (done)
		title[0] = 0;
	return story->title[0] != 0;
}

void story_release(struct story *story)
{
	for (size_t i = 0; i < 5; i++)
		for (size_t j = 0; j < STORY_LIST; j++)
			free((void *)(uintptr_t)story->lists[i][j].ptr);
	for (size_t i = 0; i < story->count; i++) {
		free(story->segments[i].bytes.ptr);
		free(story->segments[i].expect[0].ptr);
		free(story->segments[i].expect[1].ptr);
		free(story->segments[i].events.ptr);
	}
}
