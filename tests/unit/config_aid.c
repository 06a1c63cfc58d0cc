#include "tests/unit/config_aid.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static char made[] = "/tmp/test_config.XXXXXX";
static struct complaints told;

struct complaints *complaints(void)
{
	return &told;
}

const char *directory(void)
{
	return made;
}

const char *in_directory(const char *name)
{
	static char path[2][200];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[turn], "%s/%s", made, name);
	return path[turn];
}

int config_aid_set_up(void **state)
{
	(void)state;
	return mkdtemp(made) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

int config_aid_tear_down(void **state)
{
	(void)state;
	return nftw(made, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int config_aid_forget(void **state)
{
	(void)state;
	complaints_release(&told);
	return 0;
}

void write_file(const char *name, struct slice text)
{
	FILE *file = fopen(in_directory(name), "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
	fclose(file);
}

struct config *read_with(struct slice text, const struct strings *overrides)
{
	config_aid_forget(NULL);
	write_file("main.ini", text);
	return config_read(in_directory("main.ini"), overrides, &told);
}

struct config *good(const char *text)
{
	struct config *config = read_with(slice_str(text), NULL);

	if (!config)
		fail_msg("%s", told.text);
	return config;
}

static void leave_out(char *text, const char *word)
{
	size_t len = strlen(word);

	for (char *at = text; (at = strstr(at, word));)
		memmove(at, at + len, strlen(at + len) + 1);
}

const char *bad_bytes(struct slice text)
{
	struct config *config = read_with(text, NULL);

	if (config)
		fail_msg("taken: %s", text.ptr);
	assert_true(told.count > 0);
	leave_out(told.text, in_directory(""));
	return told.text;
}

const char *bad(const char *text)
{
	return bad_bytes(slice_str(text));
}

void assert_one(const char *text, const char *complaint)
{
	assert_string_equal(bad(text), complaint);
	assert_int_equal(told.count, 1);
}

char *printed(const struct config *config, enum config_print what)
{
	char *text;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	config_print(config, what, to);
	fclose(to);
	return text;
}

char *effective(const struct config *config)
{
	char *text = printed(config, CONFIG_EFFECTIVE);
	size_t first = strcspn(text, "\n");

	memmove(text, text + first, strlen(text + first) + 1);
	return text;
}

void assert_same(const struct config *a, struct config *b)
{
	char *a_text = effective(a), *b_text = effective(b);

	assert_string_equal(a_text, b_text);
	free(a_text);
	free(b_text);
	config_free(b);
}
