/* postern-bench: sends mail over many connections and says how that went. */
#include "bench/compare.h"
#include "bench/report.h"

#include <signal.h>
#include <stdlib.h>

/* True when all went well. */
static bool bench(const struct load_options *options)
{
	struct run run;
	bool good = run_init(&run, options);

	if (good) {
		run_go(&run);
		report_table(&run, stdout);
		good = report_files(&run) && run_is_good(&run);
	}
	run_release(&run);
	return good;
}

int main(int argc, char **argv)
{
	struct load_options options;

	if (argc > 1 && strcmp(argv[1], "compare") == 0)
		return compare_main(argc - 1, argv + 1);
	switch (options_read(&options, argc, argv)) {
	case ARGS_HELP:
		return EXIT_SUCCESS;
	case ARGS_BAD:
		return 2;
	case ARGS_RUN:
		break;
	}
	loop_raise_files();
	/* OpenSSL writes with write(2). */
	signal(SIGPIPE, SIG_IGN);
	return bench(&options) ? EXIT_SUCCESS : EXIT_FAILURE;
}
