/*
 * A main for a fuzz target that does no fuzzing: it feeds the target each file that is named, and
 * each file below each folder that is named. So what the fuzzers found is tested by any compiler.
 */
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t passed;

/* The input lives in a block of exactly its size, so that a sanitizer sees a read beyond it. */
static void feed(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(size ? size : 1);

	if (!file || !data || fread(data, 1, size, file) != size) {
		perror(path);
		exit(1);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	passed++;
}

static int visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)where;
	if (type == FTW_F)
		feed(path, (size_t)status->st_size);
	return type == FTW_DNR || type == FTW_NS;
}

int main(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++) {
		if (nftw(argv[i], visit, 16, FTW_PHYS)) {
			perror(argv[i]);
			return 1;
		}
	}
	printf("%s: %zu inputs passed\n", slash ? slash + 1 : argv[0], passed);
	return 0;
}
