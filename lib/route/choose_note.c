/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells who watches a decision what is being decided, in words.
 * Called by choose*.c for `explain`, check and tests; never for a call.
 */
#include <stdarg.h>
#include <stdio.h>
#include "route/choose.h"

void choose_note(const struct choose *ch, enum route_step step, const struct conf_loc *loc,
                 const char *fmt, ...)
{
    char text[CHOOSE_NOTE_MAX];
    struct route_note n = {.step = step, .text = text, .trunk = CONF_NONE};
    va_list ap;
    if (loc)
        n.loc = *loc;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    ch->q->trace->note(ch->q->trace->arg, &n);
}

void choose_note_candidate(const struct choose *ch, enum route_step step,
                           const struct route_candidate *c, const char *fmt, ...)
{
    char text[CHOOSE_NOTE_MAX];
    struct route_note n = {.step = step,
                           .loc = ch->line ? ch->line->loc : ch->in->loc,
                           .text = text,
                           .trunk = c->trunk,
                           .candidate = c};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    ch->q->trace->note(ch->q->trace->arg, &n);
}
