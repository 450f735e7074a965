/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wheel of what is due to the millisecond.
 * A packet thread turns it; players and events set themselves.
 */
#include "relay/pace.h"

void paces_init(struct paces *ps, uint64_t now_ms)
{
    ps->now_ms = now_ms;
    ps->n = 0;
    for (unsigned i = 0; i < PACE_SLOTS; i++)
        LIST_INIT(&ps->slot[i]);
}

void pace_set(struct paces *ps, struct pace *p, uint64_t due_ms)
{
    pace_del(ps, p);
    if (due_ms <= ps->now_ms)
        due_ms = ps->now_ms + 1;
    if (due_ms >= ps->now_ms + PACE_SLOTS)
        due_ms = ps->now_ms + PACE_SLOTS - 1;
    p->due_ms = due_ms;
    p->is_set = true;
    ps->n++;
    LIST_INSERT_HEAD(&ps->slot[due_ms % PACE_SLOTS], p, link);
}

void pace_del(struct paces *ps, struct pace *p)
{
    if (!p->is_set)
        return;
    LIST_REMOVE(p, link);
    p->is_set = false;
    ps->n--;
}

void paces_run(struct paces *ps, uint64_t now_ms, void *ctx)
{
    /* after a long stop (debugger, suspended machine) each slot once is enough */
    if (now_ms > ps->now_ms + PACE_SLOTS)
        ps->now_ms = now_ms - PACE_SLOTS;
    while (ps->now_ms < now_ms) {
        struct pace_slot *slot;
        struct pace *p;

        if (ps->n == 0) {
            ps->now_ms = now_ms;
            break;
        }
        ps->now_ms++;
        slot = &ps->slot[ps->now_ms % PACE_SLOTS];
        /* what is set meanwhile goes into later slots, as its time is behind now_ms */
        while ((p = LIST_FIRST(slot)) != NULL) {
            pace_del(ps, p);
            p->fn(ctx, p);
        }
    }
}

int paces_wait(const struct paces *ps, uint64_t now_ms, int max)
{
    if (ps->n == 0)
        return max;
    for (uint64_t t = ps->now_ms + 1; t < ps->now_ms + PACE_SLOTS; t++) {
        if (LIST_EMPTY(&ps->slot[t % PACE_SLOTS]))
            continue;
        if (t <= now_ms)
            return 0;
        return t - now_ms < (uint64_t)max ? (int)(t - now_ms) : max;
    }
    return max;
}
