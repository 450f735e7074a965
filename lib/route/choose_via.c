/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `via` of a line: tiers, shares by weight, groups in their order.
 * Called by choose.c on every worker; the only thing it changes is whose turn it is in a round-robin group.
 */
#include "core/htab.h"
#include "route/choose.h"

uint64_t choose_rnd(struct choose *ch)
{
    ch->rnd = mix_u64(ch->rnd + 1);
    return ch->rnd;
}

/* The heaviest first, of equals as written. */
static void by_weight(const uint32_t *weight, unsigned n, uint8_t *order)
{
    for (unsigned i = 0; i < n; i++) {
        unsigned at = i;
        for (; at > 0 && weight[i] > weight[order[at - 1]]; at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
}

void choose_draw(struct choose *ch, const uint32_t *weight, unsigned n, uint8_t *order)
{
    uint64_t sum = 0;
    if (choose_on_paper(ch)) {
        by_weight(weight, n, order);
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        order[i] = (uint8_t)i;
        sum += weight[i];
    }
    for (unsigned at = 0; at + 1 < n; at++) {
        uint64_t r = sum ? choose_rnd(ch) % sum : 0;
        unsigned i = at;
        while (i + 1 < n && r >= weight[order[i]])
            r -= weight[order[i++]];
        uint8_t drawn = order[i];
        for (; i > at; i--) /* those before it keep their order */
            order[i] = order[i - 1];
        order[at] = drawn;
        sum -= weight[drawn];
    }
}

static void draw_targets(struct choose *ch, const struct conf_target *v, unsigned n, uint8_t *order)
{
    uint32_t weight[CONF_CANDIDATES_MAX];
    for (unsigned i = 0; i < n; i++)
        weight[i] = v[i].weight;
    choose_draw(ch, weight, n, order);
}

/* Who has the first turn. 32 bits turn over once in four thousand million calls: a group of three then starts again at one. */
static unsigned group_turn(struct choose *ch, uint32_t group, unsigned n)
{
    _Atomic uint32_t *turn = &ch->rt->group[group]->next;
    return (ch->q->look_only ? atomic_load_explicit(turn, memory_order_relaxed)
                             : atomic_fetch_add_explicit(turn, 1, memory_order_relaxed)) %
           n;
}

/* Calls there now, as a share of what it may have: calls of a are fewer than those of b. */
static bool is_less_used(const struct choose *ch, const struct conf_target *a,
                         const struct conf_target *b)
{
    uint64_t calls[2], room[2];
    const struct conf_target *v[2] = {a, b};
    for (unsigned i = 0; i < 2; i++) {
        uint32_t limit = ch->conf->trunk.v[v[i]->ref.id].limit_out.calls;
        calls[i] = atomic_load_explicit(&ch->rt->trunk[v[i]->ref.id].state->out.calls,
                                        memory_order_relaxed);
        room[i] = limit ? limit : v[i]->weight;
    }
    return calls[0] * room[1] < calls[1] * room[0];
}

static void group_least_used(const struct choose *ch, const struct conf_group *g, uint8_t *order)
{
    for (unsigned i = 0; i < g->member.n; i++) {
        unsigned at = i;
        for (; at > 0 && is_less_used(ch, &g->member.v[i], &g->member.v[order[at - 1]]); at--)
            order[at] = order[at - 1];
        order[at] = (uint8_t)i;
    }
}

static void add_group(struct choose *ch, uint32_t id)
{
    const struct conf_group *g = &ch->conf->group.v[id];
    uint8_t order[CONF_CANDIDATES_MAX];
    unsigned n = g->member.n, first = 0;
    switch (choose_on_paper(ch) && g->order != CONF_GROUP_WEIGHTED ? CONF_GROUP_FAILOVER
                                                                   : g->order) {
    case CONF_GROUP_ROUND_ROBIN: first = group_turn(ch, id, n); /* fall through */
    case CONF_GROUP_FAILOVER:
        for (unsigned i = 0; i < n; i++)
            order[i] = (uint8_t)((first + i) % n);
        break;
    case CONF_GROUP_WEIGHTED: draw_targets(ch, g->member.v, n, order); break;
    case CONF_GROUP_LEAST_USED: group_least_used(ch, g, order); break;
    }
    for (unsigned i = 0; i < n; i++)
        choose_add(ch, g->member.v[order[i]].ref.id, NULL);
}

static void add_tier(struct choose *ch, const struct conf_target *v, unsigned n)
{
    uint8_t order[CONF_CANDIDATES_MAX];
    bool shared = false;
    for (unsigned i = 0; i < n; i++) {
        order[i] = (uint8_t)i;
        shared |= v[i].shared;
    }
    if (shared)
        draw_targets(ch, v, n, order);
    for (unsigned i = 0; i < n; i++) {
        const struct conf_target *t = &v[order[i]];
        if (t->is_group)
            add_group(ch, t->ref.id);
        else
            choose_add(ch, t->ref.id, NULL);
    }
}

void choose_via(struct choose *ch)
{
    const struct conf_route_line *l = ch->line;
    for (uint32_t from = 0, to; from < l->via.n; from = to) {
        to = from + 1;
        while (to < l->via.n && l->via.v[to].tier == l->via.v[from].tier)
            to++;
        add_tier(ch, &l->via.v[from], to - from);
    }
}
