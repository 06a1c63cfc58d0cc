/* What a process in the sandbox cannot do: each is tried in a process of its own. */
#include "base/compat.h"
#include "base/net.h"
#include "proxy/crash.h"
#include "proxy/landlock.h"
#include "proxy/sandbox.h"
#include "tests/unit/attempts.h"
#include "tests/unit/config_aid.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define FRONT \
	"[listener a]\n" \
	"address = 127.0.0.1:465\n" \
	"[certificate c]\n" \
	"chain = c.pem\n" \
	"key = k.pem\n"

enum { DONE, DIED = -1 };

/* The try in a process of its own: what it returned, or DIED, by SIGSYS. */
static int outcome(struct scene *scene, attempt *try, enum sandbox_kind kind)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		alarm(20);
		if (!crash_watch(scene->note) || sandbox_enter(kind, scene->config) != NULL)
			_exit(250);
		_exit(try(scene));
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	assert_int_equal(WTERMSIG(status), SIGSYS);
	return DIED;
}

static int listen_at(struct addr *at)
{
	const char *why;
	assert_true(addr_parse(slice_str("127.0.0.1:0"), at, &why));
	int fd = net_listen(at, 8, false);
	assert_true(fd >= 0);
	at->len = sizeof(at->local);
	assert_int_equal(getsockname(fd, &at->any, &at->len), 0);
	return fd;
}

/* A scene whose configuration ends with the server, its port, and the rest. */
static struct scene scene_of(const char *server, const char *rest)
{
	struct scene scene;
	char text[600];
	scene.listener = listen_at(&scene.at);
	scene.other = listen_at(&scene.other_at);
	snprintf(text, sizeof(text), FRONT "[backend b]\nserver = %s%u%s\n", server,
		 addr_port(&scene.at), rest);
	scene.config = good(text);
	scene.note = mmap(NULL, sizeof(*scene.note), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(scene.note != MAP_FAILED);
	return scene;
}

static void scene_end(struct scene *scene)
{
	close(scene->listener);
	close(scene->other);
	munmap(scene->note, sizeof(*scene->note));
	config_free(scene->config);
}

/* With a sanitizer there is no sandbox; a kernel without Landlock has no say on ports. */
static bool is_closed(void)
{
	return !COMPAT_SANITIZED;
}

static int if_ports(int result)
{
	return landlock_version() >= LANDLOCK_PORTS ? result : DONE;
}

static void a_worker_does_its_work_and_nothing_else(void **state)
{
	static const struct {
		attempt *attempt;
		int result;
	} tries[] = {
		{ works, DONE },
		{ connects_to_its_server, DONE },
		{ makes_an_ipv4_socket, DONE },
		{ opens_a_file, EACCES },
		{ opens_a_file_by_the_old_call, EACCES },
		{ makes_a_file, EACCES },
		{ looks_at_a_file, EACCES },
		{ removes_a_file, DIED },
		{ executes, DIED },
		{ forks, DIED },
		{ forks_by_the_old_call, DIED },
		{ makes_memory_executable, DIED },
		{ traces, DIED },
		{ signals_its_parent, DIED },
		{ changes_how_it_dies, DIED },
		{ makes_an_ipv6_socket, DIED },
		{ makes_a_unix_socket, DIED },
		{ makes_a_datagram_socket, DIED },
		{ makes_a_log_socket, DIED },
		{ makes_a_raw_socket, DIED },
		{ makes_a_netlink_socket, DIED },
		{ makes_a_multipath_socket, DIED },
		{ connects_by_its_first_bytes, DIED },
		{ binds, DIED },
	};
	(void)state;
	struct scene scene = scene_of("127.0.0.1:", "");
	for (size_t i = 0; is_closed() && i < sizeof(tries) / sizeof(tries[0]); i++) {
		print_message("try %zu\n", i);
		assert_int_equal(outcome(&scene, tries[i].attempt, SANDBOX_WORKER),
				 tries[i].result);
		assert_int_equal(outcome(&scene, tries[i].attempt, SANDBOX_MONITOR),
				 tries[i].result);
	}
	scene_end(&scene);
}

static void it_connects_to_its_servers_ports_alone(void **state)
{
	(void)state;
	struct scene scene = scene_of("127.0.0.1:", "");
	if (is_closed())
		assert_int_equal(outcome(&scene, connects_elsewhere, SANDBOX_WORKER),
				 if_ports(EACCES));
	scene_end(&scene);
}

static void its_servers_decide_which_sockets_it_may_make(void **state)
{
	static const struct {
		const char *server, *rest;
		int v4, v6, local;
	} kinds[] = {
		{ "127.0.0.1:", "", DONE, DIED, DIED },
		{ "[::1]:", "", DIED, DONE, DIED },
		{ "unix:/run/mta", "", DIED, DIED, DONE },
		{ "localhost:", "", DONE, DONE, DIED },
		{ "127.0.0.1:", ", unix:/run/mta", DONE, DIED, DONE },
	};
	(void)state;
	for (size_t i = 0; is_closed() && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct scene scene = scene_of(kinds[i].server, kinds[i].rest);
		print_message("%s\n", kinds[i].server);
		assert_int_equal(outcome(&scene, makes_an_ipv4_socket, SANDBOX_WORKER),
				 kinds[i].v4);
		assert_int_equal(outcome(&scene, makes_an_ipv6_socket, SANDBOX_WORKER),
				 kinds[i].v6);
		assert_int_equal(outcome(&scene, makes_a_unix_socket, SANDBOX_WORKER),
				 kinds[i].local);
		scene_end(&scene);
	}
}

static void a_name_has_its_port(void **state)
{
	(void)state;
	struct scene scene = scene_of("localhost:", "");
	if (is_closed()) {
		assert_int_equal(outcome(&scene, connects_to_its_server, SANDBOX_WORKER), DONE);
		assert_int_equal(outcome(&scene, connects_elsewhere, SANDBOX_WORKER),
				 if_ports(EACCES));
	}
	scene_end(&scene);
}

static void a_source_may_be_bound_without_a_port(void **state)
{
	(void)state;
	struct scene scene = scene_of("127.0.0.1:", "\nsource = 127.0.0.1");
	if (is_closed()) {
		assert_int_equal(outcome(&scene, binds, SANDBOX_WORKER), DONE);
		assert_int_equal(outcome(&scene, binds_a_port, SANDBOX_WORKER), if_ports(EACCES));
	}
	scene_end(&scene);
}

static void it_can_be_switched_off(void **state)
{
	(void)state;
	struct scene scene = scene_of("127.0.0.1:", "\n[postern]\nsandbox = no");
	assert_int_equal(outcome(&scene, opens_a_file, SANDBOX_WORKER), DONE);
	assert_int_equal(outcome(&scene, makes_a_datagram_socket, SANDBOX_WORKER), DONE);
	scene_end(&scene);
}

static void the_refused_call_and_the_stack_are_noted(void **state)
{
	char text[CRASH_TEXT_BYTES];
	char name[32];
	(void)state;
	struct scene scene = scene_of("127.0.0.1:", "");
	if (is_closed()) {
		assert_int_equal(outcome(&scene, makes_a_datagram_socket, SANDBOX_WORKER), DIED);
		assert_int_equal(scene.note->signal, SIGSYS);
		assert_int_equal(scene.note->syscall, SYS_socket);
		crash_describe(scene.note, text, sizeof(text));
		assert_non_null(strstr(text, "test_proxy_sandbox+0x"));
		assert_non_null(strstr(text, "libc.so.6+0x"));
	}
	sandbox_call_name(SYS_socket, name, sizeof(name));
	assert_string_equal(name, "socket");
	sandbox_call_name(999999, name, sizeof(name));
	assert_string_equal(name, "unknown");
	scene_end(&scene);
}

static int aborts(struct scene *scene)
{
	(void)scene;
	abort();
}

static int overflows_its_stack(struct scene *scene)
{
	volatile char bytes[64 * 1024];
	bytes[17] = (char)scene->config->workers;
	return bytes[17] != 0 ? overflows_its_stack(scene) + bytes[17] : 0;
}

static int how_it_dies(struct scene *scene, attempt *try)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		crash_watch(scene->note);
		_exit(sandbox_enter(SANDBOX_WORKER, scene->config) == NULL ? try(scene) : 250);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void a_crash_is_noted_in_the_sandbox(void **state)
{
	(void)state;
	struct scene scene = scene_of("127.0.0.1:", "");
	assert_int_equal(how_it_dies(&scene, aborts), SIGABRT);
	assert_int_equal(scene.note->signal, SIGABRT);
	assert_int_equal(scene.note->syscall, -1);
	assert_true(scene.note->depth > 2);
	scene_end(&scene);
	scene = scene_of("127.0.0.1:", "");
	if (is_closed()) {
		assert_int_equal(how_it_dies(&scene, overflows_its_stack), SIGSEGV);
		assert_int_equal(scene.note->signal, SIGSEGV);
		assert_true(scene.note->address != 0);
		assert_int_equal(scene.note->depth, CRASH_FRAMES);
	}
	scene_end(&scene);
}

static void numbers_that_are_no_addresses_do_no_harm(void **state)
{
	char text[40];
	struct crash_note note = { .signal = SIGSEGV, .depth = 4000000000u };
	(void)state;
	for (size_t i = 0; i < CRASH_FRAMES; i++)
		note.frames[i] = UINT64_MAX - i;
	crash_describe(&note, text, sizeof(text));
	assert_string_equal(text, "0xffffffffffffffff 0xfffffffffffffffe 0");
	note.signal = 0;
	crash_describe(&note, text, sizeof(text));
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_does_its_work_and_nothing_else),
		cmocka_unit_test(it_connects_to_its_servers_ports_alone),
		cmocka_unit_test(its_servers_decide_which_sockets_it_may_make),
		cmocka_unit_test(a_name_has_its_port),
		cmocka_unit_test(a_source_may_be_bound_without_a_port),
		cmocka_unit_test(it_can_be_switched_off),
		cmocka_unit_test(the_refused_call_and_the_stack_are_noted),
		cmocka_unit_test(a_crash_is_noted_in_the_sandbox),
		cmocka_unit_test(numbers_that_are_no_addresses_do_no_harm),
	};
	return cmocka_run_group_tests_name("sandbox", tests, config_aid_set_up,
					   config_aid_tear_down);
}
