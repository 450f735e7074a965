/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compiles `route` sections: a table of their prefixes, the rate tables that their lines ask, the lists of their conditions.
 * Called by route.c off the workers. Must not know calls.
 */
#include "route/index.h"

#include <stdlib.h>
#include "route/table.h"

/* ---- lines ---- */

/* A prefix of a line, for sorting. */
struct entry {
    const char *prefix;
    uint32_t line;
};

static int entry_cmp(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int cmp = strcmp(x->prefix, y->prefix);
    return cmp ? cmp : x->line < y->line ? -1 : x->line > y->line;
}

static uint32_t line_entries(const struct conf_route *r, struct entry *e)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < r->line.n; i++) {
        const struct conf_route_line *l = &r->line.v[i];
        if (l->kind == CONF_ROUTE_DEFAULT) {
            if (e)
                e[n] = (struct entry){"", i};
            n++;
        }
        for (uint32_t p = 0; l->kind == CONF_ROUTE_PREFIX && p < l->prefix.n; p++, n++)
            if (e)
                e[n] = (struct entry){l->prefix.v[p], i};
    }
    return n;
}

/* Lines of the same prefix stand together, as written. */
static int plan_table(struct plan *p)
{
    uint32_t n = line_entries(p->conf, NULL), slots = 0;
    struct entry *e = calloc(n + 1, sizeof(*e));
    int err = -ENOMEM;
    p->slot = calloc(n + 1, sizeof(*p->slot));
    p->order = calloc(n + 1, sizeof(*p->order));
    p->table = table_new(n);
    if (!e || !p->slot || !p->order || !p->table)
        goto out;
    line_entries(p->conf, e);
    qsort(e, n, sizeof(*e), entry_cmp);
    err = 0;
    for (uint32_t i = 0; i < n && !err; i++) {
        p->order[i] = e[i].line;
        if (i == 0 || strcmp(e[i].prefix, e[i - 1].prefix) != 0) {
            p->slot[slots] = (struct plan_slot){.first = i};
            err = table_add(p->table, span_of(e[i].prefix), slots++); /* config has checked it */
        }
        p->slot[slots - 1].n++;
    }
out:
    free(e);
    return err;
}

static uint32_t emergency_line(const struct conf_route *r)
{
    for (uint32_t i = 0; i < r->line.n; i++)
        if (r->line.v[i].kind == CONF_ROUTE_EMERGENCY)
            return i;
    return CONF_NONE;
}

static int plan_lines(struct plan *p)
{
    p->line = calloc(p->conf->line.n + 1, sizeof(*p->line));
    if (!p->line)
        return -ENOMEM;
    for (uint32_t i = 0; i < p->conf->line.n; i++) {
        const struct conf_conditions *c = &p->conf->line.v[i].cond;
        if (c->caller.n > 0 && !(p->line[i].caller = list_of(c->caller.v, c->caller.n)))
            return -ENOMEM;
    }
    return 0;
}

/* ---- rate tables ---- */

static int id_cmp(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool set_has(const struct rate_set *s, uint32_t deck)
{
    for (unsigned i = 0; i < s->n; i++)
        if (s->deck[i] == deck)
            return true;
    return false;
}

/* All decks of a route's lines, in one order for all routes. */
static void set_of(const struct conf_route *r, struct rate_set *s)
{
    *s = (struct rate_set){.n = 0};
    for (uint32_t i = 0; i < r->line.n; i++)
        for (uint32_t d = 0; d < r->line.v[i].lcr.n; d++)
            if (s->n < CONF_DECKS_MAX && !set_has(s, r->line.v[i].lcr.v[d].id))
                s->deck[s->n++] = r->line.v[i].lcr.v[d].id;
    qsort(s->deck, s->n, sizeof(s->deck[0]), id_cmp);
}

static struct rate_set *set_get(struct route *rt, const struct rate_set *want)
{
    for (unsigned i = 0; i < rt->n_sets; i++)
        if (rt->set[i].n == want->n &&
            memcmp(rt->set[i].deck, want->deck, want->n * sizeof(want->deck[0])) == 0)
            return &rt->set[i];
    rt->set[rt->n_sets] = *want;
    return &rt->set[rt->n_sets++];
}

static uint32_t mask_of(const struct rate_set *s, const struct conf_route_line *l)
{
    uint32_t mask = 0;
    for (uint32_t d = 0; d < l->lcr.n; d++)
        for (unsigned i = 0; i < s->n; i++)
            if (s->deck[i] == l->lcr.v[d].id)
                mask |= 1U << i;
    return mask;
}

static void plan_set(struct route *rt, struct plan *p)
{
    struct rate_set want;
    set_of(p->conf, &want);
    if (want.n == 0)
        return;
    p->set = set_get(rt, &want);
    for (uint32_t i = 0; i < p->conf->line.n; i++)
        p->line[i].mask = mask_of(p->set, &p->conf->line.v[i]);
}

static int merge_sets(struct route *rt, int64_t now_s, unsigned threads)
{
    for (unsigned i = 0; i < rt->n_sets; i++) {
        struct deck *deck[CONF_DECKS_MAX];
        struct rate_set *s = &rt->set[i];
        for (unsigned d = 0; d < s->n; d++)
            deck[d] = rt->book->deck[s->deck[d]];
        s->lcr = lcr_new(deck, s->n, now_s, threads);
        if (!s->lcr)
            return -ENOMEM;
    }
    for (uint32_t t = 0; t < rt->conf->trunk.n; t++) {
        uint32_t id = rt->conf->trunk.v[t].sell_deck.id;
        if (id == CONF_NONE || rt->sell[id])
            continue;
        rt->sell[id] = lcr_new(&rt->book->deck[id], 1, now_s, threads);
        if (!rt->sell[id])
            return -ENOMEM;
    }
    return 0;
}

/* The tables have all that they need: the rows' memory goes back now, not with the snapshot. */
static void drop_decks(struct route *rt)
{
    for (uint32_t i = 0; i < rt->conf->deck.n; i++) {
        deck_free(rt->book->deck[i]);
        rt->book->deck[i] = NULL;
    }
}

int plan_build(struct route *rt, int64_t now_s, unsigned threads)
{
    const struct conf *c = rt->conf;
    rt->plan = calloc(c->route.n + 1, sizeof(*rt->plan));
    rt->set = calloc(c->route.n + 1, sizeof(*rt->set));
    rt->sell = calloc(c->deck.n + 1, sizeof(*rt->sell));
    if (!rt->plan || !rt->set || !rt->sell)
        return -ENOMEM;
    for (uint32_t i = 0; i < c->route.n; i++) {
        struct plan *p = &rt->plan[i];
        *p = (struct plan){.conf = &c->route.v[i],
                           .emergency = emergency_line(&c->route.v[i]),
                           .block = &rt->book->block[rt->book->block_of[i]]};
        if (plan_table(p) < 0 || plan_lines(p) < 0)
            return -ENOMEM;
        plan_set(rt, p);
    }
    int err = merge_sets(rt, now_s, threads);
    drop_decks(rt);
    return err;
}

void plan_free(struct route *rt)
{
    for (uint32_t i = 0; rt->plan && i < rt->conf->route.n; i++) {
        struct plan *p = &rt->plan[i];
        for (uint32_t l = 0; p->line && l < p->conf->line.n; l++)
            list_free(p->line[l].caller);
        table_free(p->table);
        free(p->slot);
        free(p->order);
        free(p->line);
    }
    for (unsigned i = 0; i < rt->n_sets; i++)
        lcr_free(rt->set[i].lcr);
    for (uint32_t i = 0; rt->sell && i < rt->conf->deck.n; i++)
        lcr_free(rt->sell[i]);
    free(rt->plan);
    free(rt->set);
    free(rt->sell);
}
