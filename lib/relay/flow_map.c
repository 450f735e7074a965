/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses in a small hash table, their ports in pages of pointers. The steered form alone uses it.
 * Nothing is freed before the thread ends: addresses and ranges of ports hardly ever change.
 */
#include "relay/flow_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned slot_of(const struct addr *a)
{
    uint32_t w[4];

    memcpy(w, a->ip, sizeof(w));
    return (w[0] ^ w[1] * 3U ^ w[2] * 5U ^ w[3] * 7U) * 0x9E3779B1U >> 25;
}

_Static_assert(FLOW_MAP_SLOTS == 1U << 7, "shift of slot_of");

static struct flow_map_addr *addr_find(const struct flow_map *m, const struct addr *a)
{
    for (unsigned i = slot_of(a); m->slot[i]; i = (i + 1) % FLOW_MAP_SLOTS) {
        if (memcmp(m->slot[i]->ip, a->ip, sizeof(a->ip)) == 0 && m->slot[i]->family == a->family)
            return m->slot[i];
    }
    return NULL;
}

static int addr_add(struct flow_map *m, const struct addr *a, struct flow_map_addr **out)
{
    unsigned i = slot_of(a);
    struct flow_map_addr *p;

    if (m->n == RANGES_MAX)
        return -ENOSPC;
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    memcpy(p->ip, a->ip, sizeof(p->ip));
    p->family = a->family;
    while (m->slot[i])
        i = (i + 1) % FLOW_MAP_SLOTS;
    m->slot[i] = p;
    m->n++;
    *out = p;
    return 0;
}

int flow_map_add(struct flow_map *m, struct flow *f)
{
    struct flow_map_addr *a = addr_find(m, &f->local);
    struct flow ***page;
    int err;

    if (!a) {
        err = addr_add(m, &f->local, &a);
        if (err < 0)
            return err;
    }
    page = &a->page[f->local.port / FLOW_MAP_PAGE];
    if (!*page)
        *page = calloc(FLOW_MAP_PAGE, sizeof(**page));
    if (!*page)
        return -ENOMEM;
    (*page)[f->local.port % FLOW_MAP_PAGE] = f;
    return 0;
}

struct flow *flow_map_find(const struct flow_map *m, const struct addr *local)
{
    const struct flow_map_addr *a = addr_find(m, local);
    struct flow **page = a ? a->page[local->port / FLOW_MAP_PAGE] : NULL;

    return page ? page[local->port % FLOW_MAP_PAGE] : NULL;
}

void flow_map_del(struct flow_map *m, const struct flow *f)
{
    struct flow_map_addr *a = addr_find(m, &f->local);
    struct flow **page = a ? a->page[f->local.port / FLOW_MAP_PAGE] : NULL;

    /* the port may be another's by now */
    if (page && page[f->local.port % FLOW_MAP_PAGE] == f)
        page[f->local.port % FLOW_MAP_PAGE] = NULL;
}

void flow_map_fini(struct flow_map *m)
{
    for (unsigned i = 0; i < FLOW_MAP_SLOTS; i++) {
        for (unsigned k = 0; m->slot[i] && k < 65536U / FLOW_MAP_PAGE; k++)
            free(m->slot[i]->page[k]);
        free(m->slot[i]);
        m->slot[i] = NULL;
    }
    m->n = 0;
}
