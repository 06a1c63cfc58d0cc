/* The two halves of config_print(). */
#ifndef CONFIG_PRINT_H
#define CONFIG_PRINT_H

#include <stdio.h>

/* All options, their defaults and what they mean; config/postern.ini.sample is its output. */
void print_sample(FILE *to);

#endif
