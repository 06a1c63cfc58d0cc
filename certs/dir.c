/*
 * The certificates of a directory: as certbot and dehydrated keep them, a directory for each with
 * fullchain.pem and privkey.pem in it; or as lego does, NAME.crt (or NAME.pem) beside NAME.key.
 */
#include "certs/dir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static char *join(const char *dir, const char *name, size_t name_len, const char *rest)
{
	char *path;

	return asprintf(&path, "%s/%.*s%s", dir, (int)name_len, name, rest) < 0 ? NULL : path;
}

/* Takes the pair when both are there. False when out of memory. */
static bool take_pair(struct cert_dir *list, const char *chain, const char *key)
{
	struct certificate_config *sections;

	if (!chain || !key)
		return false;
	if (access(chain, F_OK) != 0 || access(key, F_OK) != 0)
		return true;
	sections = realloc(list->sections, (list->count + 1) * sizeof *sections);
	if (!sections)
		return false;
	list->sections = sections;
	sections[list->count] = (struct certificate_config){ .name = list->of->name,
							     .place = list->of->place,
							     .chain = strdup(chain),
							     .key = strdup(key) };
	return sections[list->count].chain && sections[list->count++].key;
}

static bool take_name(struct cert_dir *list, const char *name)
{
	static const struct {
		const char *suffix, *chain, *key;
	} layouts[] = {
		{ "", "/fullchain.pem", "/privkey.pem" },
		{ ".crt", ".crt", ".key" },
		{ ".pem", ".pem", ".key" },
	};
	bool good = true;

	for (size_t i = 0; good && i < sizeof layouts / sizeof *layouts; i++) {
		size_t len = strlen(name), cut = strlen(layouts[i].suffix);

		if (len <= cut || strcmp(name + len - cut, layouts[i].suffix) != 0)
			continue;
		char *chain = join(list->of->dir, name, len - cut, layouts[i].chain);
		char *key = join(list->of->dir, name, len - cut, layouts[i].key);
		good = take_pair(list, chain, key);
		free(chain);
		free(key);
	}
	return good;
}

static int is_seen(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

bool cert_dir_read(struct cert_dir *list, const struct certificate_config *of,
		   struct complaints *complaints)
{
	struct cert_load load = { .place = of->place, .complaints = complaints };
	struct dirent **entries = NULL;
	bool good = true;

	*list = (struct cert_dir){ .of = of };
	int count = scandir(of->dir, &entries, is_seen, alphasort);
	if (count < 0) {
		cert_error(&load, "dir: %s cannot be read: %s", of->dir, strerror(errno));
		return false;
	}
	for (int i = 0; i < count; i++) {
		good = good && take_name(list, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	if (!good)
		cert_error(&load, "dir: out of memory");
	else if (list->count == 0)
		cert_error(&load,
			   "dir: %s has no certificates: expected NAME/fullchain.pem with "
			   "NAME/privkey.pem, or NAME.crt with NAME.key",
			   of->dir);
	return !load.failed;
}

void cert_dir_release(struct cert_dir *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free((char *)list->sections[i].chain);
		free((char *)list->sections[i].key);
	}
	free(list->sections);
	*list = (struct cert_dir){ 0 };
}
