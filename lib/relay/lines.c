/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * LINE_STEER and LINE_CHECK. Written by the flow's packet thread alone, while programs on any processor read.
 * It knows no maps: the line is in memory shared with the kernel.
 */
#include "relay/lines.h"

#include <arpa/inet.h>
#include <linux/types.h>
#include <string.h>
#include "relay/bpf/relay_maps.h"

static void set_flags(struct line *l, uint8_t flags)
{
    __atomic_store_n(&l->flags, flags, __ATOMIC_RELEASE);
}

static void set_from(struct line *l, const struct addr *from)
{
    l->from_port = htons(from->port);
    if (from->family == 6)
        memcpy(l->from_ip6, from->ip, 16);
    else
        memcpy(&l->from_ip, from->ip, 4);
}

void lines_on(struct flow *f, unsigned thread)
{
    struct line *l = f->line;

    if (!l)
        return;
    if (f->ep->is_resumed && l->state != LINE_OFF) {
        l->thread = (uint8_t)thread;
        f->is_line_narrow = (l->flags & LINE_CHECK) != 0;
        if (l->state != LINE_FAST)
            lines_check(f);
        return;
    }
    memset(l, 0, sizeof(*l)); /* state last, and it is LINE_OFF already */
    if (!f->is_rtcp)
        memset(&f->ep->fast.mark, 0, sizeof(f->ep->fast.mark)); /* of a line before this one */
    l->thread = (uint8_t)thread;
    l->event_pt = 0xff;
    l->flags = (uint8_t)((f->local.family == 6 ? LINE_IN6 : 0) | (f->is_rtcp ? LINE_RTCP : 0));
    f->is_line_narrow = false;
    __atomic_store_n(&l->state, LINE_STEER, __ATOMIC_RELEASE);
    lines_ice(f);
}

void lines_off(struct flow *f)
{
    if (!f->line)
        return;
    __atomic_store_n(&f->line->state, LINE_OFF, __ATOMIC_RELEASE);
    f->ep->n.strangers += lines_strangers(f);
    f->line = NULL;
}

uint32_t lines_strangers(const struct flow *f)
{
    return f->line ? __atomic_load_n(&f->line->strangers, __ATOMIC_RELAXED) : 0;
}

void lines_check(struct flow *f)
{
    struct line *l = f->line;
    struct addr from;
    bool is_narrow;

    if (!l)
        return;
    is_narrow = latch_only(&f->latch, &from);
    /* first off: between the two the kernel must not compare with half an address */
    if (f->is_line_narrow)
        set_flags(l, l->flags & (uint8_t)~LINE_CHECK);
    if (is_narrow) {
        set_from(l, &from);
        set_flags(l, l->flags | LINE_CHECK);
    }
    f->is_line_narrow = is_narrow;
}

void lines_ice(struct flow *f)
{
    struct line *l = f->line;

    if (!l)
        return;
    set_flags(l, (uint8_t)((l->flags & ~LINE_ICE) | (f->ep->ice ? LINE_ICE : 0)));
    lines_check(f);
}
