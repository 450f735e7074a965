/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Command line of sipload.
 * Included by sipload.c and load_opt.c.
 * Must not know how the load is made.
 */
#ifndef TESTS_BENCH_LOAD_OPT_H
#define TESTS_BENCH_LOAD_OPT_H

#include "load.h"

/* Fills *o; -EINVAL after the error was printed to stderr. Texts are borrowed from argv. */
int load_options(int argc, char **argv, struct load_opt *o);
void load_usage(FILE *f);

#endif
