#include "config/reader.h"

#include "config/lines.h"
#include "config/suggest.h"

#include <errno.h>
#include <glob.h>
#include <ini.h>
#include <stdlib.h>
#include <sys/stat.h>

/*
 * inih 55 cuts lines at 199 bytes and goes on with the rest as a line of its own, takes an indented
 * line for more of the one before, cuts section names at 49 bytes and numbers no line, all without
 * a word. So lines.c sees each line first. Sections and values stay here; what inih is handed is
 * `option=` of a line that is known to be good and short.
 */

enum where {
	BEFORE_SECTIONS,
	IN_SECTION,
	IN_UNKNOWN, /* its head was wrong, and so nobody knows what its options mean */
};

/* A file being read; `outer` is the one that includes it. */
struct reader {
	struct draft *draft;
	const struct reader *outer;
	const char *path;
	struct stat status;
	enum where where;
	struct section *section;
	struct slice value; /* of the option that inih is to hand back */
	bool nul_told;
	struct lines lines;
};

enum { NESTING_MAX = 8 };

static const char *here(const struct reader *reader)
{
	unsigned number = reader->lines.number;

	return arena_format(reader->draft->source.arena, "%s:%u", reader->path,
			    number ? number : 1);
}

#define COMPLAIN(reader, ...) complain((reader)->draft->complaints, here(reader), __VA_ARGS__)

static int shown(struct slice word)
{
	return (int)slice_head(word, 80).len;
}

/* ----------------------------------------------------------------------------------- sections */

static void complain_kind(const struct reader *reader, struct slice word)
{
	struct suggest suggest = { .word = word };
	char hint[SUGGEST_BYTES], kinds[128] = "; expected ";
	size_t len = strlen(kinds);

	for (size_t kind = 0; kind < SECTION_KINDS && len < sizeof kinds; kind++) {
		const char *join = kind == 0 ? "" : kind + 1 < SECTION_KINDS ? ", " : " or ";
		suggest_offer(&suggest, section_rows[kind].word);
		len += (size_t)snprintf(kinds + len, sizeof kinds - len, "%s%s", join,
					section_rows[kind].word);
	}
	suggest_text(&suggest, hint);
	COMPLAIN(reader, "there is no section `%.*s`%s", shown(word), word.ptr,
		 *hint ? hint : kinds);
}

/* Opens the section of a line that begins with `[`; false after a complaint. */
static bool open_section(struct reader *reader, struct slice line)
{
	struct slice name = slice_skip(slice_head(line, line.len - 1), 1);

	if (line.ptr[line.len - 1] != ']') {
		COMPLAIN(reader, "`%.*s` does not end with `]`", shown(line), line.ptr);
		return false;
	}
	struct slice word = slice_word(&name);
	enum section_kind kind = section_kind_find(word);
	name = slice_trim(name);
	if (kind == SECTION_KINDS) {
		complain_kind(reader, word);
		return false;
	}
	const struct section_row *row = &section_rows[kind];
	if (!row->sample && name.len > 0) {
		COMPLAIN(reader, "[%s] is there once and has no name; write [%s]", row->word,
			 row->word);
		return false;
	}
	if (row->sample && !value_is_name(name)) {
		COMPLAIN(reader,
			 "expected a name of letters, digits, `.`, `_` and `-` (64 at most), as in "
			 "[%s %s]",
			 row->word, row->sample);
		return false;
	}
	reader->section = draft_open(reader->draft, kind, name, here(reader));
	return true;
}

/* ----------------------------------------------------------------------------------- includes */

static void read_lines(struct reader *reader);

static const char *why_not_included(const struct reader *outer, const struct stat *status)
{
	int depth = 0;

	for (; outer; outer = outer->outer, depth++)
		if (status->st_dev == outer->status.st_dev &&
		    status->st_ino == outer->status.st_ino)
			return "it is being read already, and would include itself";
	return depth > NESTING_MAX ? "files are nested more than 8 deep" : NULL;
}

/* A file, or a pipe as from a shell's `<(...)`; nothing else ends, or can be read at all. */
static const char *why_not_readable(const char *path, struct stat *status)
{
	if (stat(path, status) != 0)
		return strerror(errno);
	if (S_ISDIR(status->st_mode))
		return "it is a directory";
	return S_ISREG(status->st_mode) || S_ISFIFO(status->st_mode) ? NULL : "it is not a file";
}

static bool read_file(struct draft *draft, const struct reader *outer, const char *path,
		      const char *place)
{
	struct reader reader = { .draft = draft, .outer = outer, .path = path };
	const char *directory = draft->source.directory;
	const char *why = why_not_readable(path, &reader.status);

	if (!why)
		why = why_not_included(outer, &reader.status);
	if (!why && !(reader.lines.stream = fopen(path, "re")))
		why = strerror(errno);
	if (why) {
		complain(draft->complaints, place, "cannot read %s: %s", path, why);
		return false;
	}
	draft->source.directory = draft_directory(draft->source.arena, path);
	read_lines(&reader);
	draft->source.directory = directory;
	fclose(reader.lines.stream);
	return true;
}

/* The directory is no pattern, whatever is in its name. */
static const char *absolute_pattern(const struct draft *draft, struct slice pattern)
{
	struct arena *arena = draft->source.arena;
	const char *directory = draft->source.directory;
	char *escaped = arena_alloc(arena, 2 * strlen(directory) + 1);

	if (pattern.ptr[0] == '/')
		return arena_string(arena, pattern);
	for (char *to = escaped; *directory; *to++ = *directory++)
		if (strchr("*?[\\", *directory))
			*to++ = '\\';
	return arena_format(arena, "%s/%.*s", escaped, (int)pattern.len, pattern.ptr);
}

static void include(struct reader *reader, struct slice pattern)
{
	const char *path = absolute_pattern(reader->draft, pattern);
	glob_t found = { 0 };
	int error = glob(path, 0, NULL, &found);

	if (error == GLOB_NOMATCH &&
	    !strpbrk(arena_string(reader->draft->source.arena, pattern), "*?["))
		COMPLAIN(reader, "cannot read %s: there is no such file", path);
	else if (error != 0 && error != GLOB_NOMATCH)
		COMPLAIN(reader, "cannot look for %s: %s", path, strerror(errno));
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_file(reader->draft, reader,
			  arena_string(reader->draft->source.arena, slice_str(found.gl_pathv[i])),
			  here(reader));
	globfree(&found);
}

static void include_all(struct reader *reader, struct slice value)
{
	if (value.len > 0 && reader->draft->source.sealed) {
		COMPLAIN(reader, "nothing is included here");
		return;
	}
	while (value.len > 0) {
		struct slice pattern = value_item(&value);
		if (pattern.len > 0)
			include(reader, pattern);
		else
			COMPLAIN(reader, "`include`: expected a file between commas");
	}
}

/* -------------------------------------------------------------------------------------- lines */

static void read_section(struct reader *reader, struct slice line)
{
	reader->where = open_section(reader, line) ? IN_SECTION : IN_UNKNOWN;
}

/* Takes the line apart; false after a complaint, or where nobody knows what it means. */
static bool read_option(struct reader *reader, struct slice line, size_t room, struct slice *name)
{
	size_t equals = slice_find(line, '=', 0);

	*name = slice_trim(slice_head(line, equals));
	reader->value = slice_trim(slice_skip(line, equals + 1));
	if (equals == line.len)
		COMPLAIN(reader, "expected `option = value` or `[section]`, not `%.*s`",
			 shown(line), line.ptr);
	else if (name->len == 0)
		COMPLAIN(reader, "expected an option's name before `=`");
	else if (reader->where == BEFORE_SECTIONS)
		COMPLAIN(reader, "`%.*s` stands before the first [section]", shown(*name),
			 name->ptr);
	else if (reader->where == IN_SECTION && value_is_name(*name) && name->len < room)
		return true;
	else if (reader->where == IN_SECTION)
		draft_option(reader->draft, reader->section, *name, here(reader));
	return false;
}

static void complain_line(struct reader *reader)
{
	bool nul = strncmp(reader->lines.wrong, "a NUL", 5) == 0;

	/* What is no text at all has them everywhere. */
	if (!nul || !reader->nul_told)
		COMPLAIN(reader, "%s", reader->lines.wrong);
	reader->nul_told |= nul;
}

/* inih's fgets(3): the next line with an option, or NULL at the end. */
static char *next_option(char *to, int size, void *stream)
{
	struct reader *reader = stream;
	struct slice line, name;

	while (lines_next(&reader->lines, &line)) {
		if (reader->lines.wrong) {
			complain_line(reader);
		} else if (line.ptr[0] == '[') {
			read_section(reader, line);
		} else if (read_option(reader, line, (size_t)size - sizeof "=", &name)) {
			snprintf(to, (size_t)size, "%.*s=", (int)name.len, name.ptr);
			return to;
		}
	}
	if (reader->lines.wrong)
		COMPLAIN(reader, "%s: %s", reader->lines.wrong, strerror(errno));
	return NULL;
}

static int take_option(void *user, const char *section, const char *name, const char *value)
{
	struct reader *reader = user;
	const struct option *option =
		draft_option(reader->draft, reader->section, slice_str(name), here(reader));

	(void)section;
	(void)value;
	if (option && option->type == OPTION_INCLUDE)
		include_all(reader, reader->value);
	else if (option)
		draft_set(reader->draft, reader->section, option, reader->value, here(reader),
			  false);
	return 1;
}

static void read_lines(struct reader *reader)
{
	/* Its result says nothing that was not complained of with more words. */
	ini_parse_stream(next_option, reader, take_option, reader);
}

bool reader_file(struct draft *draft, const char *path)
{
	path = arena_string(draft->source.arena, slice_str(path));
	return read_file(draft, NULL, path, arena_format(draft->source.arena, "%s:1", path));
}

void reader_stream(struct draft *draft, const char *path, FILE *stream)
{
	struct reader reader = { .draft = draft, .path = path, .lines.stream = stream };

	read_lines(&reader);
}
