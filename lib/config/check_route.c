/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, groups and routes: carriers that cannot be called, double prefixes.
 * check.c calls it; route/ relies on what it refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

/* A trunk that calls are to be sent to. */
static void check_callable(struct parser *p, const struct conf_ref *ref)
{
    const struct conf_trunk *t;

    if (ref->id == CONF_NONE)
        return;
    t = &p->conf->trunk.v[ref->id];
    if (t->peer.n == 0 && !(t->set & TRUNK_SET_UNCLEAN))
        parse_error(p, ref->loc, strlen(ref->name),
                    "trunk '%s' has no peer: nothing can be sent to it", t->name);
}

static void check_targets(struct parser *p, const struct conf_route_line *l)
{
    uint32_t i, j;

    for (i = 0; i < l->via.n; i++) {
        const struct conf_target *t = &l->via.v[i];

        if (!t->is_group)
            check_callable(p, &t->ref);
        for (j = 0; j < i && strcmp(l->via.v[j].ref.name, t->ref.name) != 0; j++)
            ;
        if (j < i)
            parse_error(p, t->ref.loc, strlen(t->ref.name), "'%s' is in this line already",
                        t->ref.name);
    }
}

struct prefix_at {
    const char *prefix;
    const struct conf_route_line *line;
};

static int by_prefix(const void *va, const void *vb)
{
    const struct prefix_at *a = va, *b = vb;
    int d = strcmp(a->prefix, b->prefix);

    if (d == 0 && a->line->loc.line != b->line->loc.line)
        d = a->line->loc.line < b->line->loc.line ? -1 : 1;
    return d;
}

static void check_prefixes(struct parser *p, const struct conf_route *r)
{
    CONF_LIST(struct prefix_at) all = {NULL, 0};
    uint32_t i, j;

    for (i = 0; i < r->line.n; i++) {
        for (j = 0; j < r->line.v[i].prefix.n; j++) {
            struct prefix_at *at = parse_append(p, &p->scratch, &all, sizeof(*at));

            *at = (struct prefix_at){r->line.v[i].prefix.v[j], &r->line.v[i]};
        }
    }
    if (all.n > 1)
        qsort(all.v, all.n, sizeof(*all.v), by_prefix);
    for (i = 1; i < all.n; i++) {
        const struct conf_conditions *first = &all.v[i - 1].line->cond;

        if (strcmp(all.v[i - 1].prefix, all.v[i].prefix) == 0 && !first->when.name &&
            first->from.n == 0 && first->caller.n == 0)
            parse_error(p, all.v[i].line->loc, 6, "prefix '%s' is in line %u already",
                        all.v[i].prefix, all.v[i - 1].line->loc.line);
    }
}

static bool has_limit(const struct conf_group *g)
{
    return g->limit_in.calls || g->limit_in.cps || g->limit_out.calls || g->limit_out.cps;
}

/* Each limited group of a trunk counts each of its calls: a call has room for so many. */
static void check_trunk_groups(struct parser *p)
{
    const struct conf *c = p->conf;
    uint8_t *n = arena_alloc(&p->scratch, c->trunk.n + 1);

    if (!n)
        return;
    memset(n, 0, c->trunk.n + 1);
    for (uint32_t i = 0; i < c->group.n; i++) {
        const struct conf_group *g = &c->group.v[i];

        for (uint32_t j = 0; has_limit(g) && j < g->member.n; j++) {
            const struct conf_ref *ref = &g->member.v[j].ref;

            if (ref->id != CONF_NONE && ++n[ref->id] == CONF_TRUNK_GROUPS_MAX + 1)
                parse_error(p, ref->loc, strlen(ref->name),
                            "trunk '%s' is in more than %u groups with a limit", ref->name,
                            CONF_TRUNK_GROUPS_MAX);
        }
    }
}

void check_routes(struct parser *p)
{
    const struct conf *c = p->conf;
    uint32_t i, j;

    for (i = 0; i < c->group.n; i++) {
        const struct conf_group *g = &c->group.v[i];

        for (j = 0; j < g->member.n; j++)
            check_callable(p, &g->member.v[j].ref);
    }
    check_trunk_groups(p);
    for (i = 0; i < c->route.n; i++) {
        for (j = 0; j < c->route.v[i].line.n; j++)
            check_targets(p, &c->route.v[i].line.v[j]);
        check_prefixes(p, &c->route.v[i]);
    }
}
