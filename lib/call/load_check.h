/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is checked of a configuration beside lib/config's own passes: files that it names, words of its tests.
 * Everybody who loads one gives it to conf_load_more: daemon, reload, tandemctl check.
 */
#ifndef CALL_LOAD_CHECK_H
#define CALL_LOAD_CHECK_H

#include "route/route.h"

/** For conf_load_more; arg is a struct route_param, whose book is set. */
void load_check(void *arg, const struct conf *conf, struct conf_errors *errs);
/** Ends what route_new has not taken. */
void load_check_end(struct route_param *p);

#endif
