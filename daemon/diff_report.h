/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two configurations compared, as JSON and as text: what was written differently, what needs a restart, what it changes in routing.
 * The command diff of the daemon and tandemctl's own make and print it. Knows neither sockets nor threads.
 */
#ifndef DAEMON_DIFF_REPORT_H
#define DAEMON_DIFF_REPORT_H

#include <jansson.h>
#include <stdio.h>
#include "route/diff.h"

/** What may be asked beside the configurations. */
struct diff_ask {
    int64_t wall_s;       /* as of when */
    uint8_t jurisdiction; /* DECK_INTER … */
};

/** Words `--at TIME`, `--class inter|intra|indeterminate`. @return 0; -EINVAL: why[] says it */
int diff_ask_parse(struct diff_ask *ask, int argc, char *const *argv, char *why, size_t size);
#define DIFF_ASK_ARGS "[--at TIME] [--class inter|intra|indeterminate]"

/** Off the workers; a second for a million prefixes. @return owned; NULL out of memory */
json_t *diff_report(const struct route *old, const struct route *now, const struct diff_ask *ask);
/** The same as text. */
void diff_print(FILE *out, const json_t *report);

#endif
