/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers of sipload: a hashed wheel of 1 ms slots; longer ones wait for more turns.
 * Called by load_uac.c and load_uas.c; run by sipload.c once per loop turn.
 * Must not know what a timer is for.
 */
#include "load.h"

static void timer_insert(struct load *l, struct load_timer *t)
{
    struct load_timer **head = &l->wheel.slot[t->due % LOAD_WHEEL];

    t->next = *head;
    if (t->next)
        t->next->pprev = &t->next;
    *head = t;
    t->pprev = head;
}

void load_timer_del(struct load_timer *t)
{
    if (!t->pprev)
        return;
    *t->pprev = t->next;
    if (t->next)
        t->next->pprev = t->pprev;
    t->pprev = NULL;
}

void load_timer_set(struct load *l, struct load_timer *t, uint64_t in_ms)
{
    load_timer_del(t);
    t->due = l->now + in_ms;
    if (t->due <= l->wheel.tick)
        t->due = l->wheel.tick + 1;
    timer_insert(l, t);
}

static void timer_fire(struct load *l, struct load_timer *t)
{
    if (t->is_uas)
        uas_timeout(l, (struct uas_call *)(void *)t);
    else
        uac_timeout(l, (struct uac_call *)(void *)t);
}

void load_timers_run(struct load *l)
{
    while (l->wheel.tick < l->now) {
        uint64_t tick = ++l->wheel.tick;
        struct load_timer **slot = &l->wheel.slot[tick % LOAD_WHEEL];
        struct load_timer *list = *slot;

        *slot = NULL;
        if (list)
            list->pprev = &list;
        while (list) {
            struct load_timer *t = list;

            load_timer_del(t);
            if (t->due <= tick)
                timer_fire(l, t);
            else
                timer_insert(l, t);
        }
    }
}
