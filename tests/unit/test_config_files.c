#include "tests/unit/config_aid.h"

#include "config/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void files_are_included_in_order(void **state)
{
	struct config *config;

	(void)state;
	mkdir(in_directory("conf.d"), 0700);
	write_file("conf.d/20.ini", SLICE("[listener second]\naddress = [::1]:2\n"));
	write_file("conf.d/10.ini", SLICE("[listener first]\naddress = [::1]:1\n"));
	write_file("conf.d/30.txt", SLICE("[nonsense]\n"));
	write_file("more.ini", SLICE("[certificate c]\nchain = c.pem\nkey = k.pem\n[backend b]\n"
				     "server = [::1]:3\n[postern2]\n"));
	assert_null(read_with(SLICE("[postern]\ninclude = conf.d/*.ini, more.ini\nworkers = x\n"),
			      NULL));
	/* The section goes on behind the include. */
	assert_int_equal(complaints()->count, 2);
	assert_non_null(strstr(complaints()->text, "/more.ini:6: there is no section `postern2`"));
	assert_non_null(strstr(complaints()->text, "/main.ini:3: `workers` cannot be `x`"));

	write_file("conf.d/c.ini", SLICE("[certificate c]\nchain = c.pem\nkey = k.pem\n"));
	config = good("[postern]\ninclude = conf.d/*.ini\ninclude = none/*.ini\nworkers = 2\n"
		      "[backend b]\nserver = [::1]:3\n");
	assert_string_equal(config->listeners[0].name, "first");
	assert_string_equal(config->listeners[1].name, "second");
	assert_int_equal(config->workers, 2);
	/* Relative to the file that says so. */
	assert_string_equal(config->certificates[0].chain, in_directory("conf.d/c.pem"));
	config_free(config);
	assert_one("[postern]\ninclude = conf.d/*.ini\n[listener first]\naddress = [::1]:9\n"
		   "[backend b]\nserver = [::1]:3\n",
		   "main.ini:3: [listener first] is there already, at conf.d/10.ini:1; put all its "
		   "options into one section\n");
}

static void includes_end(void **state)
{
	char name[20], text[100];

	(void)state;
	assert_non_null(
		strstr(bad(REST "[postern]\ninclude = main.ini\n"),
		       "main.ini:9: cannot read main.ini: it is being read already, and would "
		       "include itself\n"));
	write_file("loop.ini", SLICE("[postern]\ninclude = main.ini\n"));
	assert_non_null(strstr(bad("[postern]\ninclude = loop.ini\n"),
			       "loop.ini:2: cannot read main.ini: it is being read already"));
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof name, "deep%d.ini", i);
		snprintf(text, sizeof text, "[postern]\ninclude = deep%d.ini\n", i + 1);
		write_file(name, slice_str(text));
	}
	assert_non_null(strstr(bad("[postern]\ninclude = deep0.ini\n"),
			       "deep7.ini:2: cannot read deep8.ini: files are nested more than 8 "
			       "deep\n"));
	assert_non_null(strstr(bad(REST "[postern]\ninclude = .\n"), ": it is a directory\n"));
}

static void a_directory_is_no_pattern(void **state)
{
	struct config *config;

	(void)state;
	mkdir(in_directory("a[b]*"), 0700);
	write_file("a[b]*/x.ini", SLICE(REST));
	write_file("a[b]*/y.ini", SLICE("[postern]\ninclude = x.*\n"));
	config_aid_forget(NULL);
	config = config_read(in_directory("a[b]*/y.ini"), NULL, complaints());
	assert_non_null(config);
	config_free(config);
}

static void overrides_come_last(void **state)
{
	const char *items[] = {
		"postern.workers=7",           "listener a.tls = required",
		"policy default.verbs_off=X1", "policy default.verbs_off=X2",
		"limits.sessions=9",           "backend my.back.end.server=1.2.3.4:5"
	};
	struct strings overrides = { items, 6 };
	struct config *config;

	(void)state;
	config = read_with(SLICE("[postern]\nworkers = 2\n[policy default]\nverbs_off = A, B\n"
				 "[listener a]\naddress = [::1]:1\n[certificate c]\nchain = c\n"
				 "key = k\n[backend my.back.end]\nserver = [::1]:2\n"),
			   &overrides);
	assert_non_null(config);
	assert_int_equal(config->workers, 7);
	assert_int_equal(config->listeners[0].tls, LISTENER_REQUIRED);
	assert_int_equal(config->policies[0].verbs_off.count, 2);
	assert_string_equal(config->policies[0].verbs_off.item[1], "X2");
	assert_int_equal(config->sessions, 9);
	assert_int_equal(config->backends[0].server.count, 1);
	assert_int_equal(addr_port(&config->backends[0].server.item[0].addr), 5);
	config_free(config);
}

static void overrides_are_checked_like_lines(void **state)
{
	static const char *const rows[][2] = {
		{ "workers=7",
		  "-D: `workers=7` cannot be read; expected `section name.option=value`\n" },
		{ "postern.workers",
		  "-D: `postern.workers` cannot be read; expected `section name.option=value`\n" },
		{ "", "-D: `` cannot be read; expected `section name.option=value`\n" },
		{ "listener x.tls=required", "-D: there is no section [listener x] in main.ini\n" },
		{ "lister a.tls=required", "-D: there is no section [lister a] in main.ini\n" },
		{ "postern.wrkers=7",
		  "-D: `wrkers` is no option of [postern]; did you mean `workers`?\n" },
		{ "postern.workers=0",
		  "-D: `workers` cannot be `0`: expected auto, or a number from 1 to 256\n" },
		{ "postern.include=x.ini", "-D: `include` works in a file only\n" },
		{ "certificate c.chain=a ;b", "-D: `chain` cannot be `a ;b`: expected no `;` or "
					      "`#` in front or after a blank, as "
					      "a comment starts there\n" },
		{ "listener a.policy=none", "-D: there is no section [policy none]\n" },
	};

	(void)state;
	assert_int_equal(chdir(directory()), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *item = rows[i][0];
		struct strings overrides = { &item, 1 };
		config_aid_forget(NULL);
		write_file("main.ini", SLICE(REST));
		assert_null(config_read("main.ini", &overrides, complaints()));
		assert_string_equal(complaints()->text, rows[i][1]);
	}
	assert_int_equal(chdir("/"), 0);
}

/* A path of the configuration is absolute whatever way the file was named. */
static void paths_do_not_hang_on_where_the_process_is(void **state)
{
	static const char *const names[] = { "main.ini", "./main.ini", "conf.d/../main.ini" };

	(void)state;
	assert_int_equal(chdir(directory()), 0);
	mkdir("conf.d", 0700);
	write_file("main.ini", SLICE(REST));
	for (size_t i = 0; i < 3; i++) {
		struct config *config = config_read(names[i], NULL, complaints());
		assert_non_null(config);
		assert_int_equal(config->certificates[0].chain[0], '/');
		assert_string_equal(strrchr(config->certificates[0].chain, '/'), "/c.pem");
		assert_string_equal(config->path, names[i]);
		config_free(config);
	}
	assert_int_equal(chdir("/"), 0);
	struct config *config = good(REST);
	assert_string_equal(config->certificates[0].chain, in_directory("c.pem"));
	config_free(config);
}

static void a_stream_looks_at_nothing_else(void **state)
{
	static char text[] = "[postern]\ninclude = /etc/passwd\n[listener a]\naddress = [::1]:1\n"
			     "[certificate c]\nchain = c\nkey = k\n[backend b]\n"
			     "server = localhost:25\n";
	FILE *stream = fmemopen(text, strlen(text), "r");

	(void)state;
	config_aid_forget(NULL);
	assert_null(config_read_stream(stream, "x.ini", NULL, complaints()));
	fclose(stream);
	assert_string_equal(complaints()->text, "x.ini:2: nothing is included here\n");
}

static void lists_of_networks_are_asked(void **state)
{
	struct config *config = good(REST "[listener x]\naddress = [::1]:1\n"
					  "networks = 10.0.0.0/8, 2001:db8::/32\n");
	const struct networks *none = &config->listeners[0].networks;
	const struct networks *some = &config->listeners[1].networks;
	struct addr inside, outside;
	const char *why;

	(void)state;
	addr_parse(SLICE("[2001:db8::5]:1"), &inside, &why);
	addr_parse(SLICE("11.0.0.1:1"), &outside, &why);
	assert_true(networks_contain(some, &inside));
	assert_false(networks_contain(some, &outside));
	assert_false(networks_contain(none, &inside));
	config_free(config);
}

static void complaints_count(void **state)
{
	(void)state;
	complain(complaints(), "f:1", "no %s", "x");
	complain_warn(complaints(), "f:2", "perhaps\n%d", 2);
	assert_string_equal(complaints()->text, "f:1: no x\nf:2: warning: perhaps?2\n");
	assert_int_equal(complaints()->len, strlen(complaints()->text));
	assert_int_equal(complaints()->count, 1);
	assert_int_equal(complaints()->warnings, 1);
	complaints_release(complaints());
	assert_null(complaints()->text);
	assert_int_equal(complaints()->count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, config_aid_forget)
	const struct CMUnitTest tests[] = {
		TEST(files_are_included_in_order),
		TEST(includes_end),
		TEST(a_directory_is_no_pattern),
		TEST(overrides_come_last),
		TEST(overrides_are_checked_like_lines),
		TEST(paths_do_not_hang_on_where_the_process_is),
		TEST(a_stream_looks_at_nothing_else),
		TEST(lists_of_networks_are_asked),
		TEST(complaints_count),
	};

	return cmocka_run_group_tests(tests, config_aid_set_up, config_aid_tear_down);
}
