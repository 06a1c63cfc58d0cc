#include "proxy/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { DIR_DEPTH = 2 };

/* FNV-1a: nobody gains by two states that look the same. */
static void mix(uint64_t *mark, const void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*mark = (*mark ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3;
}

static bool mark_file(uint64_t *mark, const char *path)
{
	struct stat status = { 0 };
	bool is_directory = stat(path, &status) == 0 && S_ISDIR(status.st_mode);

	mix(mark, path, strlen(path));
	mix(mark, &status.st_dev, sizeof(status.st_dev));
	mix(mark, &status.st_ino, sizeof(status.st_ino));
	mix(mark, &status.st_mode, sizeof(status.st_mode));
	mix(mark, &status.st_size, sizeof(status.st_size));
	mix(mark, &status.st_mtim, sizeof(status.st_mtim));
	return is_directory;
}

static void mark_path(uint64_t *mark, const char *path, int depth)
{
	struct dirent **entries = NULL;
	if (path == NULL || !mark_file(mark, path) || depth == 0)
		return;
	int count = scandir(path, &entries, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		char *below;
		if (entries[i]->d_name[0] != '.' &&
		    asprintf(&below, "%s/%s", path, entries[i]->d_name) > 0) {
			mark_path(mark, below, depth - 1);
			free(below);
		}
		free(entries[i]);
	}
	free(entries);
}

uint64_t files_mark(const struct config *config)
{
	uint64_t mark = 0xcbf29ce484222325;
	for (size_t i = 0; i < config->certificate_count; i++) {
		const struct certificate_config *certificate = &config->certificates[i];
		mark_path(&mark, certificate->chain, 0);
		mark_path(&mark, certificate->key, 0);
		mark_path(&mark, certificate->staple, 0);
		mark_path(&mark, certificate->dir, DIR_DEPTH);
	}
	for (size_t i = 0; i < config->clients_count; i++) {
		const struct clients_config *clients = &config->clients[i];
		mark_path(&mark, clients->ca, 0);
		mark_path(&mark, clients->allow_file, 0);
		for (size_t j = 0; j < clients->crl.count; j++)
			mark_path(&mark, clients->crl.item[j], 0);
	}
	for (size_t i = 0; i < config->backend_count; i++)
		if (config->backends[i].tls != BACKEND_TLS_OFF)
			mark_path(&mark, config->backends[i].tls_ca, 0);
	return mark;
}
