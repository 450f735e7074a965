/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slots of requests in flight: a number has its slot and how often that was used, so that a late answer meets nobody else.
 * Called by media.c.
 */
#include "media/pending.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GEN_MASK 0x7ffU

void pending_init(struct pendings *ps)
{
    const struct pending_list none = {PENDING_NONE, PENDING_NONE};

    *ps = (struct pendings){.free = none, .waiting = none, .failed = none};
}

void pending_fini(struct pendings *ps)
{
    free(ps->slot);
    pending_init(ps);
}

void pending_add(struct pendings *ps, struct pending_list *l, uint32_t i)
{
    struct pending *p = &ps->slot[i];

    p->prev = l->last;
    p->next = PENDING_NONE;
    if (l->last == PENDING_NONE)
        l->first = i;
    else
        ps->slot[l->last].next = i;
    l->last = i;
}

void pending_del(struct pendings *ps, struct pending_list *l, uint32_t i)
{
    struct pending *p = &ps->slot[i];

    if (p->prev == PENDING_NONE)
        l->first = p->next;
    else
        ps->slot[p->prev].next = p->next;
    if (p->next == PENDING_NONE)
        l->last = p->prev;
    else
        ps->slot[p->next].prev = p->prev;
}

static int slots_grow(struct pendings *ps)
{
    uint32_t n = ps->n ? ps->n * 2 : 256;
    struct pending *s;

    if (n > PENDING_SLOT_MASK)
        return -ENOMEM;
    s = realloc(ps->slot, n * sizeof(*s));
    if (!s)
        return -ENOMEM;
    ps->slot = s;
    memset(s + ps->n, 0, (n - ps->n) * sizeof(*s));
    for (uint32_t i = ps->n; i < n; i++)
        pending_add(ps, &ps->free, i);
    ps->n = n;
    return 0;
}

struct pending *pending_new(struct pendings *ps, enum media_type type, uint32_t *request)
{
    struct pending *p;
    uint32_t i;

    if (ps->free.first == PENDING_NONE && slots_grow(ps) < 0)
        return NULL;
    i = ps->free.first;
    pending_del(ps, &ps->free, i);
    p = &ps->slot[i];
    /* 1..GEN_MASK: no request is 0 */
    p->gen = (uint16_t)(p->gen % GEN_MASK + 1);
    p->type = (uint16_t)type;
    p->done.session = NULL;
    p->is_adopt = false;
    p->sent_ms = 0;
    p->ref = (struct media_ref){0, MEDIA_INDEX_NONE};
    *request = (uint32_t)p->gen << PENDING_SLOT_BITS | i;
    return p;
}

uint32_t pending_find(const struct pendings *ps, uint32_t request)
{
    uint32_t i = request & PENDING_SLOT_MASK;

    if (i >= ps->n || !ps->slot[i].type)
        return PENDING_NONE;
    return ps->slot[i].gen == (request >> PENDING_SLOT_BITS & GEN_MASK) ? i : PENDING_NONE;
}

void pending_end(struct pendings *ps, struct pending_list *l, uint32_t i, int status)
{
    struct pending p = ps->slot[i];
    struct media_result res = {.status = status, .ref = p.ref};

    pending_del(ps, l, i);
    ps->slot[i].type = 0;
    pending_add(ps, &ps->free, i);
    if (!p.done.session)
        return;
    if (p.type == MEDIA_RELAY)
        p.done.relay(p.arg, status, NULL);
    else if (p.type == MEDIA_LIST)
        p.done.list(p.arg, status, NULL);
    else
        p.done.session(p.arg, &res);
}
