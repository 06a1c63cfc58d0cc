/* The programs that belong to this one: they are installed, and built, in the same directory. */
#ifndef PROXY_BESIDE_H
#define PROXY_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/* The path of the program `name` beside the one that runs; false when that is not known. */
bool beside(const char *name, char *path, size_t size);

#endif
