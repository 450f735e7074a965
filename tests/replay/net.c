/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake transport: what the switch sends is kept in a queue until the script expects it.
 * It loses nothing and delays nothing; scripts do that by not answering.
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>

static int net_send(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    struct net *n = (struct net *)(void *)t; /* transport is its first member */
    struct sent *m = calloc(1, sizeof *m + len + 1);

    if (!m)
        abort();
    m->flow = *f;
    m->len = len;
    memcpy(m->text, buf, len);
    if (n->last)
        n->last->next = m;
    else
        n->first = m;
    n->last = m;
    if (n->watch)
        n->watch(n->arg, m);
    return 0;
}

static struct span net_via(struct transport *t, const struct flow *f)
{
    struct net *n = (struct net *)(void *)t;
    char addr[ADDR_STRLEN];
    const struct addr *local = f->listener < n->n_local ? &n->local[f->listener] : &f->local;

    snprintf(n->via, sizeof n->via, "SIP/2.0/UDP %s", addr_str(local, addr));
    return span_of(n->via);
}

void net_init(struct net *n)
{
    *n = (struct net){.transport = {.send = net_send, .via = net_via}};
}

void net_remove(struct net *n, struct sent *m)
{
    struct sent **pp = &n->first, *prev = NULL;

    while (*pp && *pp != m) {
        prev = *pp;
        pp = &(*pp)->next;
    }
    if (*pp)
        *pp = m->next;
    if (n->last == m)
        n->last = prev;
    free(m);
}

void net_clear(struct net *n)
{
    while (n->first)
        net_remove(n, n->first);
}
