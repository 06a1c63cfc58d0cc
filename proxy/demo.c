#include "proxy/demo.h"
#include "base/net.h"
#include "certs/certs.h"
#include "proxy/master.h"
#include "proxy/sink.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { IMPLICIT_PORT = 4650, STARTTLS_PORT = 5870, METRICS_PORT = 9465 };
enum { PORTS_TRIED = 100, DIRECTORY_BYTES = 128 };

struct demo {
	char directory[DIRECTORY_BYTES]; /* "": none is made yet */
	char chain[PATH_MAX];
	char key[PATH_MAX];
	char config[PATH_MAX];
	char control[PATH_MAX];
	struct sink_process sink;
	unsigned implicit_port;
	unsigned starttls_port;
	unsigned metrics_port;
};

static bool say_failed(const char *what)
{
	fprintf(stderr, "postern demo: %s: %s\n", what, strerror(errno));
	return false;
}

static bool demo_directory(struct demo *demo)
{
	const char *base = getenv("XDG_RUNTIME_DIR");
	char directory[DIRECTORY_BYTES];
	if (base == NULL || access(base, W_OK) != 0 || strlen(base) > DIRECTORY_BYTES / 2)
		base = P_tmpdir;
	snprintf(directory, sizeof(directory), "%s/postern-demo-XXXXXX", base);
	if (mkdtemp(directory) == NULL)
		return say_failed(directory);
	memcpy(demo->directory, directory, sizeof(directory));
	snprintf(demo->chain, sizeof(demo->chain), "%s/cert.pem", directory);
	snprintf(demo->key, sizeof(demo->key), "%s/key.pem", directory);
	snprintf(demo->config, sizeof(demo->config), "%s/demo.ini", directory);
	snprintf(demo->control, sizeof(demo->control), "%s/control.sock", directory);
	return true;
}

static void demo_clean(struct demo *demo)
{
	sink_stop(&demo->sink);
	if (demo->directory[0] == '\0')
		return;
	unlink(demo->control);
	unlink(demo->config);
	unlink(demo->key);
	unlink(demo->chain);
	rmdir(demo->directory);
}

static bool demo_certificate(const struct demo *demo)
{
	char why[256];
	if (cert_make_dev(demo->chain, demo->key, "localhost", why, sizeof(why)))
		return true;
	fprintf(stderr, "postern demo: %s\n", why);
	return false;
}

/* The first port from `port` on at which nobody listens; 0 when all are taken. */
static unsigned free_port(unsigned port)
{
	for (unsigned last = port + PORTS_TRIED; port < last; port++) {
		struct addr addr = { .len = sizeof(addr.v4) };
		addr.v4.sin_family = AF_INET;
		addr.v4.sin_port = htons((uint16_t)port);
		addr.v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		int fd = net_listen(&addr, 1, false);
		if (fd < 0)
			continue;
		close(fd);
		return port;
	}
	return 0;
}

static bool demo_ports(struct demo *demo)
{
	demo->implicit_port = free_port(IMPLICIT_PORT);
	demo->starttls_port = free_port(STARTTLS_PORT);
	demo->metrics_port = free_port(METRICS_PORT);
	if (demo->implicit_port != 0 && demo->starttls_port != 0 && demo->metrics_port != 0)
		return true;
	return say_failed("no port is free on 127.0.0.1");
}

static bool demo_config(const struct demo *demo)
{
	FILE *file = fopen(demo->config, "we");
	if (file == NULL)
		return say_failed(demo->config);
	fprintf(file,
		"[postern]\n"
		"hostname = localhost\n"
		"user = nobody\n"
		"log = stderr\n"
		"control = %s\n"
		"state = off\n"
		"metrics = 127.0.0.1:%u\n"
		"[listener smtps]\n"
		"address = 127.0.0.1:%u\n"
		"tls = implicit\n"
		"backend = sink\n"
		"[listener submission]\n"
		"address = 127.0.0.1:%u\n"
		"tls = required\n"
		"backend = sink\n"
		"[certificate demo]\n"
		"chain = %s\n"
		"key = %s\n"
		"[backend sink]\n"
		"server = %s\n"
		"identity = none\n"
		"open_relay = accept\n",
		demo->control, demo->metrics_port, demo->implicit_port, demo->starttls_port,
		demo->chain, demo->key, demo->sink.address);
	return fclose(file) == 0 || say_failed(demo->config);
}

static bool have_program(const char *name)
{
	const char *path = getenv("PATH");
	struct slice rest = slice_str(path != NULL ? path : "");
	while (rest.len > 0) {
		char file[PATH_MAX];
		struct slice dir = slice_head(rest, slice_find(rest, ':', 0));
		rest = slice_skip(rest, dir.len + 1);
		snprintf(file, sizeof(file), "%.*s/%s", (int)dir.len, dir.ptr, name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* How this program is called from where it was: `build/postern`, or by its whole path. */
static const char *own_name(char path[static PATH_MAX])
{
	char here[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
	if (len <= 0)
		return "postern";
	path[len] = '\0';
	if (getcwd(here, sizeof(here)) == NULL)
		return path;
	size_t above = strlen(here);
	bool below = strncmp(path, here, above) == 0 && path[above] == '/' &&
		     strchr(path + above + 1, '/') != NULL;
	return below ? path + above + 1 : path;
}

static void demo_ready(void *owner, const struct config *config)
{
	const struct demo *demo = owner;
	char path[PATH_MAX];
	(void)config;
	printf("\nSend a first mail:\n"
	       "  printf 'From: you@example.org\\r\\nTo: me@example.org\\r\\nSubject: Hello\\r\\n"
	       "\\r\\nThis came through Postern.\\r\\n' | curl -sS --cacert %s"
	       " --mail-from you@example.org --mail-rcpt me@example.org --upload-file -"
	       " smtps://localhost:%u\n",
	       demo->chain, demo->implicit_port);
	if (have_program("swaks"))
		printf("or, by STARTTLS:\n"
		       "  swaks --server localhost --port %u --tls --tls-verify --tls-ca-path %s"
		       " --from you@example.org --to me@example.org\n",
		       demo->starttls_port, demo->chain);
	printf("or by hand:\n"
	       "  openssl s_client -quiet -crlf -CAfile %s -connect localhost:%u\n"
	       "See what goes on, at http://127.0.0.1:%u/ or by:\n"
	       "  %s -c %s status\n"
	       "Each session is a line of log here. The mail server behind it keeps nothing. "
	       "Ctrl-C "
	       "ends it all.\n\n",
	       demo->chain, demo->implicit_port, demo->metrics_port, own_name(path), demo->config);
	fflush(stdout);
}

/* From here on they wait for the master, so that what was made is always cleaned up. */
static void hold_signals(void)
{
	sigset_t mask;
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGQUIT);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

enum exit_status demo_run(const struct args *args)
{
	struct demo demo = { .sink = { .pid = 0 } };
	enum exit_status status = EXIT_FAILED;
	hold_signals();
	if (demo_directory(&demo) && demo_certificate(&demo) && sink_start(&demo.sink) &&
	    demo_ports(&demo) && demo_config(&demo))
		status = master_run(&(struct master_options){
			.path = demo.config,
			.overrides = args->overrides,
			.ready = demo_ready,
			.owner = &demo,
		});
	demo_clean(&demo);
	return status;
}
