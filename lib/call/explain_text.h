/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The answer of explain for people: the same layout offline and from the running switch.
 * tandemctl and the command of the control socket call it; it sees JSON only.
 */
#ifndef CALL_EXPLAIN_TEXT_H
#define CALL_EXPLAIN_TEXT_H

#include <jansson.h>
#include <stdio.h>

/** An answer of explain_run. */
void explain_print(FILE *out, const json_t *answer);

#endif
