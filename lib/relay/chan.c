/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ring plus overflow list, rung once a turn. The control thread and the packet threads talk by it.
 * What the items are it does not know.
 */
#include "relay/chan.h"

#include <errno.h>
#include <string.h>

int chan_init(struct chan *c, size_t slots, struct bell *bell)
{
    memset(c, 0, sizeof(*c));
    c->bell = bell;
    c->ring = ring_new(slots);
    return c->ring ? 0 : -ENOMEM;
}

void chan_fini(struct chan *c)
{
    ring_free(c->ring);
    c->ring = NULL;
}

void chan_put(struct chan *c, struct chan_item *item)
{
    item->next = NULL;
    c->is_dirty = true;
    if (!c->first && ring_put(c->ring, item) == 0)
        return;
    if (c->first)
        c->last->next = item;
    else
        c->first = item;
    c->last = item;
}

bool chan_flush(struct chan *c)
{
    if (!c->is_dirty && !c->first)
        return false;
    while (c->first) {
        /* the consumer owns it, and its next, from ring_put on */
        struct chan_item *next = c->first->next;

        if (ring_put(c->ring, c->first) < 0)
            break;
        c->first = next;
    }
    c->is_dirty = false;
    bell_ring(c->bell);
    return c->first != NULL;
}

struct chan_item *chan_get(struct chan *c)
{
    return ring_get(c->ring);
}
