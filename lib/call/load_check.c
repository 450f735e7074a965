/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is checked of a configuration beside lib/config's own passes: files that it names, words of its tests.
 * Called while a configuration is loaded, on whatever thread does that.
 */
#include "call/load_check.h"

#include "call/testrun.h"
#include "route/book.h"

void load_check(void *arg, const struct conf *conf, struct conf_errors *errs)
{
    route_check_files(arg, conf, errs);
    testrun_check(conf, errs);
}

void load_check_end(struct route_param *p)
{
    book_free(p->book);
    p->book = NULL;
}
