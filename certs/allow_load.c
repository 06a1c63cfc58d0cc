/* Reading the lists. */
#include "certs/allow.h"

#include "certs/dn.h"
#include "certs/login.h"
#include "config/lines.h"

#include <errno.h>
#include <stdlib.h>

struct loading {
	struct allow_list *list;
	struct complaints *complaints;
	bool good;
};

static struct allow_entry *add_entry(struct allow_list *list)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 16;
		struct allow_entry *entries = realloc(list->entries, room * sizeof *entries);
		if (!entries)
			return NULL;
		list->entries = entries;
		list->room = room;
	}
	return &list->entries[list->count];
}

/* `rule`, which may be followed by ` = login`. The last, since names have equals signs too. */
static struct slice cut_login(struct slice *line)
{
	for (size_t i = line->len; i >= 3; i--) {
		if (!slice_eq(slice_of(line->ptr + i - 3, 3), SLICE(" = ")))
			continue;
		struct slice login = slice_trim(slice_skip(*line, i));
		*line = slice_trim(slice_head(*line, i - 3));
		return login;
	}
	return SLICE("");
}

/* The subject takes the text's place, folded: it never becomes longer. */
static bool fold_subject(struct allow_entry *entry)
{
	char folded[DN_BYTES];
	size_t len = dn_fold(entry->rule.value, folded);

	if (len == 0)
		return false;
	memcpy((char *)entry->rule.value.ptr, folded, len);
	entry->rule.value.len = len;
	return true;
}

static void add_rule(struct loading *loading, struct slice text, struct slice login,
		     const char *place)
{
	struct allow_entry *entry = add_entry(loading->list);
	const char *why = "out of memory";

	if (entry)
		*entry = (struct allow_entry){ .text = malloc(text.len + login.len + 2) };
	if (entry && entry->text) {
		memcpy(entry->text, text.ptr, text.len);
		entry->text[text.len] = '\0';
		if (login.len > 0) {
			char *copy = entry->text + text.len + 1;
			memcpy(copy, login.ptr, login.len);
			copy[login.len] = '\0';
			entry->login = copy;
		}
		loading->list->count++;
		if (allow_parse(slice_of(entry->text, text.len), &entry->rule, &why) &&
		    (entry->rule.kind != ALLOW_SUBJECT || fold_subject(entry))) {
			loading->list->pins |=
				entry->rule.kind == ALLOW_SHA256 || entry->rule.kind == ALLOW_SPKI;
			return;
		}
	}
	loading->good = false;
	complain(loading->complaints, place, "`%.*s` cannot be allowed: %s",
		 (int)slice_head(text, 80).len, text.ptr, why);
}

static void read_lines(struct loading *loading, const char *path, struct lines *lines)
{
	char place[4200];
	struct slice line;

	while (lines_next(lines, &line)) {
		snprintf(place, sizeof place, "%s:%u", path, lines->number);
		if (lines->wrong) {
			loading->good = false;
			complain(loading->complaints, place, "%s", lines->wrong);
			continue;
		}
		struct slice login = cut_login(&line);
		if (login.len > 0 && !login_is_good(login)) {
			loading->good = false;
			complain(loading->complaints, place,
				 "a login has at most %d bytes and no control characters",
				 LOGIN_MAX_BYTES);
		}
		add_rule(loading, line, login, place);
	}
}

static void read_file(struct loading *loading, const struct clients_config *config)
{
	struct lines *lines = calloc(1, sizeof *lines);

	if (lines)
		lines->stream = fopen(config->allow_file, "re");
	if (!lines || !lines->stream) {
		complain(loading->complaints, config->place,
			 "[clients %s] allow_file: %s cannot be read: %s", config->name,
			 config->allow_file, strerror(errno));
		loading->good = false;
	} else {
		read_lines(loading, config->allow_file, lines);
		/* Half a list would refuse half of the clients. */
		if (ferror(lines->stream)) {
			complain(loading->complaints, config->place,
				 "[clients %s] allow_file: %s cannot be read", config->name,
				 config->allow_file);
			loading->good = false;
		}
		fclose(lines->stream);
	}
	free(lines);
}

bool allow_load(struct allow_list *list, const struct clients_config *config,
		struct complaints *complaints)
{
	struct loading loading = { .list = list, .complaints = complaints, .good = true };

	for (size_t i = 0; i < config->allow.count; i++)
		add_rule(&loading, slice_str(config->allow.item[i]), SLICE(""), config->place);
	if (config->allow_file)
		read_file(&loading, config);
	return loading.good;
}

void allow_release(struct allow_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].text);
	free(list->entries);
	*list = (struct allow_list){ 0 };
}
