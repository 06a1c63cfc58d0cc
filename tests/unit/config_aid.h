/* What the tests of the configuration share: files in a directory of their own, read and judged. */
#ifndef TESTS_UNIT_CONFIG_AID_H
#define TESTS_UNIT_CONFIG_AID_H

#include "config/config.h"

/* What a configuration cannot do without: seven lines. */
#define REST \
	"[listener a]\n" \
	"address = 127.0.0.1:465\n" \
	"[certificate c]\n" \
	"chain = c.pem\n" \
	"key = k.pem\n" \
	"[backend b]\n" \
	"server = 127.0.0.1:25\n"

/* A group's fixture: makes the directory, removes it with all that is in it. */
int config_aid_set_up(void **state);
int config_aid_tear_down(void **state);

/* A test's end: forgets what was complained of. */
int config_aid_forget(void **state);

/* The complaints of what was read last. They live until the next is read. */
struct complaints *complaints(void);

/* The path of a file in the directory; two of them live at a time. */
const char *in_directory(const char *name);
const char *directory(void);

void write_file(const char *name, struct slice text);

/* Reads the text as main.ini, with overrides or none. NULL when it is refused. */
struct config *read_with(struct slice text, const struct strings *overrides);

/* Fails the test when the text is refused. */
struct config *good(const char *text);

/* Fails the test when the text is taken; the complaints, without the directory in front of files.
 */
const char *bad(const char *text);
const char *bad_bytes(struct slice text);

/* There is exactly this complaint. */
void assert_one(const char *text, const char *complaint);

/* What config_print() prints; to be freed. */
char *printed(const struct config *config, enum config_print what);

/* The effective configuration, without the line that names the file. */
char *effective(const struct config *config);

/* They are the same, and the second is freed. */
void assert_same(const struct config *a, struct config *b);

#endif
