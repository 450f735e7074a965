/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `test` sections of a configuration: calls that are explained, and what is expected of them.
 * tandemctl check runs them, the load checks their words. The meaning of each word is in one table here and in tandem.conf.md.
 */
#ifndef CALL_TESTRUN_H
#define CALL_TESTRUN_H

#include <stdio.h>
#include "call/explain.h"

/** Are all words of all tests known, in their place? For conf_load_more, beside route_check_files; references may be CONF_NONE. */
void testrun_check(const struct conf *conf, struct conf_errors *errs);

/**
 * Run them.
 * @param p     a route of its own: explain_locate has been called
 * @param only  the test of that name; NULL: all
 * @return owned: [{name, file, line, ok, failures: [{file, line, expected, got}]}]; NULL: out of memory
 */
json_t *testrun_run(const struct explain_param *p, const char *only);

/** As people read it: "ok 1 - NAME (file:line)", below a "not ok" what was expected and what came. @return how many failed */
unsigned testrun_print(FILE *out, const json_t *results);

#endif
