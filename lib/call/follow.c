/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Following trunks in portions: a walk over their slots, begun by a new view or by new targets.
 * Called by stack.c. Old target sets are held until the walk is through, and only then does the worker say that it has seen the new ones.
 */
#include "call/follow.h"

#include "call/options.h"
#include "call/register.h"

/* 256 trunks with two probed targets each take a tenth of the millisecond that a turn may spend on a reload. */
#define PORTION 256U

static void begin(struct calls *cs, bool all)
{
    struct follow *f = &cs->follow;

    f->all = all || (f->on && f->all);
    f->on = true;
    f->at = 0;
    f->generation = targets_generation(cs->trunks); /* before what is read of it */
    (void)options_grow(cs);
    (void)register_grow(cs);
}

static void portion(struct calls *cs)
{
    struct follow *f = &cs->follow;
    uint32_t left = PORTION;

    /* Slots of trunks that are gone count: their probes end here. */
    for (; left > 0 && trunk_by_slot(cs->trunks, f->at); f->at++, left--) {
        options_sync(cs, f->at, f->all);
        if (f->all)
            register_sync(cs, f->at);
    }
    if (left == 0)
        return;
    f->on = f->all = false;
    targets_turn_end(cs->trunks, cs->worker, f->generation);
}

void follow_view(struct calls *cs)
{
    begin(cs, true);
}

void follow_turn(struct calls *cs)
{
    if (!cs->follow.on && cs->view && targets_changed(cs->trunks, cs->worker))
        begin(cs, false);
    if (cs->follow.on)
        portion(cs);
}

bool follow_is_on(const struct calls *cs)
{
    return cs->follow.on;
}
