/* `postern-bench compare A.json B.json`: two reports side by side, with ratios. */
#ifndef BENCH_COMPARE_H
#define BENCH_COMPARE_H

/* The exit status: 0, or 2 after a sentence on stderr. */
int compare_main(int argc, char **argv);

#endif
