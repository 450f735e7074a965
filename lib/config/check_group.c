/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, groups, customers and limits: sums that cannot be reached, breakers that cannot trip.
 * check.c calls it; all of it is arithmetic over what is linked.
 */
#include <string.h>

#include "config/parse.h"

static bool is_written(const struct conf_limit *l)
{
    return l->loc.line > 0;
}

/* ---- sums ---- */

/* What several limits carry together; `open` ones make a sum endless. */
struct sum {
    uint64_t calls, cps;
    bool calls_open, cps_open;
    uint32_t n;
};

static void add_limit(struct sum *s, const struct conf_limit *l)
{
    s->calls += l->calls;
    s->cps += l->cps;
    s->calls_open = s->calls_open || l->calls == 0;
    s->cps_open = s->cps_open || l->cps == 0;
    s->n++;
}

static void check_node(struct parser *p, const struct conf_limit *l)
{
    const struct conf_limit *node = &p->conf->global.limit;

    if (!is_written(l))
        return;
    if (node->cps && l->cps > node->cps)
        parse_warn(p, l->loc, 0, "%ucps are never reached: the node's limit is %ucps", l->cps,
                   node->cps);
    if (is_written(node) && l->calls > node->calls)
        parse_warn(p, l->loc, 0, "%ucalls are never reached: the node's limit is %ucalls", l->calls,
                   node->calls);
}

/* A limit over several others, whose sum it should not be above. */
static void check_shared(struct parser *p, const struct conf_limit *l, const struct sum *s,
                         const char *whose)
{
    bool calls = s->n > 0 && l->calls && !s->calls_open && s->calls < l->calls;
    bool cps = s->n > 0 && l->cps && !s->cps_open && s->cps < l->cps;

    if (calls)
        parse_warn(p, l->loc, 0, "%ucalls are never reached: %s together allow %ucalls", l->calls,
                   whose, (unsigned)s->calls);
    if (cps)
        parse_warn(p, l->loc, 0, "%ucps are never reached: %s together allow %ucps", l->cps, whose,
                   (unsigned)s->cps);
    if (!calls && !cps)
        check_node(p, l);
}

/* ---- groups ---- */

static bool has_limit(const struct conf_group *g)
{
    return g->limit_in.calls || g->limit_in.cps || g->limit_out.calls || g->limit_out.cps;
}

/* Each limited group of a trunk counts each of its calls: a call has room for so many. */
static void check_trunk_groups(struct parser *p)
{
    const struct conf *c = p->conf;
    uint8_t *n = parse_zalloc(p, &p->scratch, c->trunk.n + 1);

    for (uint32_t i = 0; i < c->group.n; i++) {
        const struct conf_group *g = &c->group.v[i];

        for (uint32_t j = 0; has_limit(g) && j < g->member.n; j++) {
            const struct conf_ref *ref = &g->member.v[j].ref;

            if (ref->id != CONF_NONE && ++n[ref->id] == CONF_TRUNK_GROUPS_MAX + 1)
                parse_error(p, ref->loc, 0, "trunk '%s' is in more than %u groups with a limit",
                            ref->name, CONF_TRUNK_GROUPS_MAX);
        }
    }
}

static void check_weights(struct parser *p, const struct conf_group *g)
{
    uint32_t i;

    if (g->order == CONF_GROUP_WEIGHTED || g->order == CONF_GROUP_LEAST_USED)
        return;
    for (i = 0; i < g->member.n; i++) {
        if (!g->member.v[i].shared)
            continue;
        parse_warn(p, g->member.v[i].ref.loc, 0,
                   "a weight has no effect with order %s: write 'order weighted' or 'order "
                   "least-used'",
                   g->order == CONF_GROUP_FAILOVER ? "failover" : "round-robin");
        return;
    }
}

static void check_group(struct parser *p, const struct conf_group *g)
{
    struct sum in = {.n = 0}, out = {.n = 0};
    uint32_t i, j;

    for (i = 0; i < g->member.n; i++) {
        const struct conf_ref *m = &g->member.v[i].ref;

        check_callable(p, m, m->id);
        for (j = 0; j < i && strcmp(g->member.v[j].ref.name, m->name) != 0; j++)
            ;
        if (j < i)
            parse_error(p, m->loc, 0, "'%s' is in this group already", m->name);
        if (m->id == CONF_NONE || j < i)
            continue;
        add_limit(&in, &p->conf->trunk.v[m->id].limit_in);
        add_limit(&out, &p->conf->trunk.v[m->id].limit_out);
    }
    check_shared(p, &g->limit_in, &in, "its members");
    check_shared(p, &g->limit_out, &out, "its members");
    check_weights(p, g);
}

/* ---- customers ---- */

static void check_customers(struct parser *p)
{
    const struct conf *c = p->conf;
    struct sum *in = parse_zalloc(p, &p->scratch, (c->customer.n + 1) * sizeof(*in));
    struct sum *out = parse_zalloc(p, &p->scratch, (c->customer.n + 1) * sizeof(*out));
    uint32_t i;

    for (i = 0; i < c->trunk.n; i++) {
        const struct conf_trunk *t = &c->trunk.v[i];

        if (t->customer.id == CONF_NONE)
            continue;
        add_limit(&in[t->customer.id], &t->limit_in);
        add_limit(&out[t->customer.id], &t->limit_out);
    }
    for (i = 0; i < c->customer.n; i++) {
        const struct conf_customer *k = &c->customer.v[i];

        check_shared(p, &k->limit_in, &in[i], "its trunks");
        check_shared(p, &k->limit_out, &out[i], "its trunks");
    }
}

/* ---- trunks ---- */

/* More attempts than the rate lets through within the window never come. */
static void check_breaker(struct parser *p, const struct conf_trunk *t)
{
    const struct conf_breaker *b = &t->breaker;
    uint64_t most = (uint64_t)t->limit_out.cps * b->window_ms / 1000 + t->limit_out.burst;

    if (b->trip_pct && t->limit_out.cps && b->of > most)
        parse_warn(p, b->loc, 0,
                   "never trips: %u attempts in %us are more than limit out %ucps burst %u of "
                   "trunk '%s' lets through (%u)",
                   b->of, b->window_ms / 1000, t->limit_out.cps, t->limit_out.burst, t->name,
                   (unsigned)most);
}

static void check_trunk_limits(struct parser *p, const struct conf_trunk *t)
{
    check_node(p, &t->limit_in);
    check_node(p, &t->limit_out);
    check_breaker(p, t);
    if (t->caller.fallback && !t->caller.allow_file)
        parse_warn(p, t->caller.loc, 0,
                   "default-caller has no effect: without 'caller-allow' trunk '%s' may show any "
                   "number",
                   t->name);
}

void check_groups(struct parser *p)
{
    const struct conf *c = p->conf;
    uint32_t i;

    for (i = 0; i < c->group.n; i++)
        check_group(p, &c->group.v[i]);
    check_trunk_groups(p);
    check_customers(p);
    for (i = 0; i < c->trunk.n; i++)
        check_trunk_limits(p, &c->trunk.v[i]);
}
