#include "base/log.h"

#include "base/log_target.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/syslog.h>
#include <time.h>

static const struct {
	const char *word;
	int priority; /* syslog(3) */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", LOG_ERR },
	[LOG_LEVEL_WARNING] = { "warning", LOG_WARNING },
	[LOG_LEVEL_INFO] = { "info", LOG_INFO },
	[LOG_LEVEL_DEBUG] = { "debug", LOG_DEBUG },
};

/* --------------------------------------------------------------------------------------- line */

/*
 * Kept free for what may have to end a line: the end of a value, the word that something is
 * missing, the end of the object, the newline.
 */
#define CUT_TEXT " cut=..."
#define CUT_JSON ",\"cut\":\"...\""
enum { TAIL_BYTES = sizeof "...\"" CUT_JSON "}\n" };

static bool is_json(const struct log_line *line)
{
	return line->log->format == LOG_FORMAT_JSON;
}

static void put(struct log_line *line, struct slice bytes)
{
	memcpy(line->text + line->len, bytes.ptr, bytes.len);
	line->len += bytes.len;
}

static bool fits(const struct log_line *line, size_t bytes)
{
	return line->len + bytes + TAIL_BYTES <= sizeof line->text;
}

/* Begins a field whose value takes at least `least` bytes; false when the line has no room for it.
 */
static bool put_key(struct log_line *line, const char *key, size_t least)
{
	struct slice name = slice_str(key);

	if (line->cut)
		return false;
	if (!fits(line, name.len + least + sizeof ",\"\":")) {
		put(line, is_json(line) ? SLICE(CUT_JSON) : SLICE(CUT_TEXT));
		line->cut = true;
		return false;
	}
	put(line, is_json(line) ? SLICE(",\"") : SLICE(" "));
	put(line, name);
	put(line, is_json(line) ? SLICE("\":") : SLICE("="));
	return true;
}

static bool is_graphic(char c)
{
	return c > ' ' && c < 0x7f;
}

/* Values of plain bytes stand bare; what could be taken for a field's end, or for nothing, does
 * not. */
static bool needs_quotes(struct slice value)
{
	for (size_t i = 0; i < value.len; i++)
		if (!is_graphic(value.ptr[i]) || strchr("\"\\=", value.ptr[i]))
			return true;
	return value.len == 0;
}

/* One byte or character as it is written, and how many bytes of the value that took. */
struct piece {
	char text[8];
	size_t len;
	size_t taken;
};

static struct piece piece_of(struct slice bytes)
{
	struct piece piece = { .len = bytes.len, .taken = bytes.len };

	memcpy(piece.text, bytes.ptr, bytes.len);
	return piece;
}

static struct piece piece_escaped(const char *format, unsigned byte)
{
	struct piece piece = { .taken = 1 };

	piece.len = (size_t)snprintf(piece.text, sizeof piece.text, "%s%0*x", format,
				     format[1] == 'u' ? 4 : 2, byte);
	return piece;
}

static struct piece piece_quoting(char c)
{
	return (struct piece){ .text = { '\\', c }, .len = 2, .taken = 1 };
}

static struct piece text_piece(struct slice value)
{
	char c = value.ptr[0];

	if (c == '"' || c == '\\')
		return piece_quoting(c);
	if (c == ' ' || is_graphic(c))
		return piece_of(slice_head(value, 1));
	return piece_escaped("\\x", (unsigned char)c);
}

/*
 * The length of the UTF-8 character (RFC 3629) that the bytes begin with, 0 when they begin with
 * none. The C1 controls are taken for none too, as terminals obey them.
 */
static size_t utf8_len(struct slice s)
{
	static const struct {
		uint8_t first, last;         /* of the first byte */
		uint8_t second, second_last; /* of the second: no overlong form, no surrogate */
		uint8_t len;
	} forms[] = {
		{ 0xc2, 0xc2, 0xa0, 0xbf, 2 }, { 0xc3, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	const uint8_t *bytes = (const uint8_t *)s.ptr;

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		if (bytes[0] < forms[i].first || bytes[0] > forms[i].last)
			continue;
		if (s.len < forms[i].len || bytes[1] < forms[i].second ||
		    bytes[1] > forms[i].second_last)
			return 0;
		for (size_t n = 2; n < forms[i].len; n++)
			if ((bytes[n] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

static struct piece json_piece(struct slice value)
{
	char c = value.ptr[0];

	if (c == '"' || c == '\\')
		return piece_quoting(c);
	if (c == ' ' || is_graphic(c))
		return piece_of(slice_head(value, 1));
	size_t len = utf8_len(value);
	return len > 0 ? piece_of(slice_head(value, len)) : piece_escaped("\\u", (unsigned char)c);
}

static void put_value(struct log_line *line, struct slice value, bool quotes)
{
	if (quotes)
		put(line, SLICE("\""));
	while (value.len > 0) {
		struct piece piece = is_json(line) ? json_piece(value) : text_piece(value);
		if (!fits(line, piece.len)) {
			put(line, SLICE("..."));
			line->cut = true;
			break;
		}
		put(line, slice_of(piece.text, piece.len));
		value = slice_skip(value, piece.taken);
	}
	if (quotes)
		put(line, SLICE("\""));
}

static void put_time(struct log_line *line)
{
	struct timespec now;
	struct tm tm;
	char text[40];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	size_t len = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, sizeof text - len, ".%03dZ", (int)(now.tv_nsec / 1000000));
	put(line, slice_str(text));
}

bool log_begin(struct log_line *line, const struct log *log, enum log_level level,
	       const char *event)
{
	if (level > log->level || log->fd < 0)
		return false;
	line->log = log;
	line->level = level;
	line->len = 0;
	line->cut = false;
	if (log->journal)
		line->len = (size_t)snprintf(line->text, sizeof line->text, "<%d>",
					     levels[level].priority);
	if (is_json(line))
		put(line, SLICE("{\"time\":\""));
	put_time(line);
	put(line, is_json(line) ? SLICE("\",\"level\":\"") : SLICE(" "));
	put(line, slice_str(levels[level].word));
	put(line, is_json(line) ? SLICE("\",\"event\":\"") : SLICE(" "));
	put(line, slice_str(event));
	if (is_json(line))
		put(line, SLICE("\""));
	return true;
}

void log_slice(struct log_line *line, const char *key, struct slice value)
{
	if (put_key(line, key, sizeof "\"\\u0000\""))
		put_value(line, value, is_json(line) || needs_quotes(value));
}

void log_str(struct log_line *line, const char *key, const char *value)
{
	if (value)
		log_slice(line, key, slice_str(value));
}

static void put_number(struct log_line *line, const char *key, const char *number)
{
	if (put_key(line, key, strlen(number)))
		put(line, slice_str(number));
}

void log_num(struct log_line *line, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRIu64, value);
	put_number(line, key, text);
}

void log_ms(struct log_line *line, const char *key, uint64_t ms)
{
	char text[28];

	snprintf(text, sizeof text, "%" PRIu64 ".%03u", ms / 1000, (unsigned)(ms % 1000));
	put_number(line, key, text);
}

static void count_dropped(const struct log *log, uint64_t lines, uint64_t told)
{
	struct log_drops *drops = log->drops;

	if (drops == NULL)
		return;
	drops->untold += lines + told;
	if (drops->total != NULL)
		*drops->total += lines;
}

void log_flush(const struct log *log)
{
	struct log_batch *batch = log->batch;

	if (batch == NULL || batch->len == 0)
		return;
	if (!log_write(log, LOG_INFO, slice_of(batch->text, batch->len)))
		count_dropped(log, batch->lines, batch->told);
	batch->len = batch->lines = batch->told = 0;
}

static void collect(const struct log *log, struct slice line)
{
	struct log_batch *batch = log->batch;

	if (batch->len + line.len > sizeof batch->text)
		log_flush(log);
	memcpy(batch->text + batch->len, line.ptr, line.len);
	batch->len += line.len;
	batch->lines++;
}

static bool deliver(struct log_line *line)
{
	if (is_json(line))
		put(line, SLICE("}"));
	put(line, SLICE("\n"));
	if (line->log->batch && !line->log->syslog) {
		collect(line->log, slice_of(line->text, line->len));
		return true;
	}
	return log_write(line->log, levels[line->level].priority, slice_of(line->text, line->len));
}

/* Before the first line that finds its way again: how many have not. */
static bool tell_dropped(const struct log *log)
{
	struct log_drops *drops = log->drops;
	struct log_line line;

	if (drops == NULL || drops->untold == 0)
		return true;
	if (!log_begin(&line, log, LOG_LEVEL_WARNING, "log-dropped"))
		return true;
	log_num(&line, "lines", drops->untold);
	if (!deliver(&line))
		return false;
	if (log->batch && log->batch->lines > 0) {
		log->batch->lines--;
		log->batch->told += drops->untold;
	}
	drops->untold = 0;
	return true;
}

void log_end(struct log_line *line)
{
	if (!tell_dropped(line->log) || !deliver(line))
		count_dropped(line->log, 1, 0);
	if (line->level <= LOG_LEVEL_WARNING)
		log_flush(line->log);
}

void log_say(const struct log *log, enum log_level level, const char *event, const char *format,
	     ...)
{
	char message[LOG_LINE_BYTES];
	struct log_line line;
	va_list args;

	if (!log_begin(&line, log, level, event))
		return;
	va_start(args, format);
	vsnprintf(message, sizeof message, format, args);
	va_end(args);
	log_str(&line, "message", message);
	log_end(&line);
}
