/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, routes: carriers that cannot be called, lines and list entries that no call can reach.
 * check.c calls it; route/ relies on what it refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

/* ---- targets ---- */

void check_callable(struct parser *p, const struct conf_ref *ref, uint32_t trunk)
{
    const struct conf_trunk *t;

    if (trunk == CONF_NONE)
        return;
    t = &p->conf->trunk.v[trunk];
    if (t->peer.n == 0 && !(t->set & TRUNK_SET_UNCLEAN))
        parse_error(p, ref->loc, 0, "trunk '%s' has no peer: nothing can be sent to it", t->name);
}

static void check_targets(struct parser *p, const struct conf_route_line *l)
{
    uint32_t i, j;

    for (i = 0; i < l->via.n; i++) {
        const struct conf_target *t = &l->via.v[i];

        if (!t->is_group)
            check_callable(p, &t->ref, t->ref.id);
        for (j = 0; j < i && strcmp(l->via.v[j].ref.name, t->ref.name) != 0; j++)
            ;
        if (j < i)
            parse_error(p, t->ref.loc, 0, "'%s' is in this line already", t->ref.name);
    }
}

/* ---- conditions ---- */

bool prefix_is_within(const char *prefix, const char *of)
{
    return strncmp(prefix, of, strlen(of)) == 0;
}

static bool has_condition(const struct conf_conditions *c)
{
    return c->when.name || c->from.n > 0 || c->caller.n > 0;
}

/* Whoever `b` is about, `a` is about him too. */
static bool from_covers(const struct conf *conf, const struct conf_from *a,
                        const struct conf_from *b)
{
    if (a->is_customer == b->is_customer)
        return a->ref.id == b->ref.id;
    return a->is_customer && b->ref.id != CONF_NONE && a->ref.id != CONF_NONE &&
           conf->trunk.v[b->ref.id].customer.id == a->ref.id;
}

static bool froms_cover(const struct conf *conf, const struct conf_conditions *a,
                        const struct conf_conditions *b)
{
    uint32_t i, j;

    if (a->from.n == 0)
        return true;
    for (j = 0; j < b->from.n; j++) {
        for (i = 0; i < a->from.n && !from_covers(conf, &a->from.v[i], &b->from.v[j]); i++)
            ;
        if (i == a->from.n)
            return false;
    }
    return b->from.n > 0;
}

static bool callers_cover(const struct conf_conditions *a, const struct conf_conditions *b)
{
    uint32_t i, j;

    if (a->caller.n == 0)
        return true;
    for (j = 0; j < b->caller.n; j++) {
        for (i = 0; i < a->caller.n && !prefix_is_within(b->caller.v[j], a->caller.v[i]); i++)
            ;
        if (i == a->caller.n)
            return false;
    }
    return b->caller.n > 0;
}

/* Who and whom of `a` hold wherever those of `b` do; when is left open. */
static bool parties_cover(const struct conf *conf, const struct conf_conditions *a,
                          const struct conf_conditions *b)
{
    return froms_cover(conf, a, b) && callers_cover(a, b);
}

static bool covers(const struct conf *conf, const struct conf_conditions *a,
                   const struct conf_conditions *b)
{
    if (!parties_cover(conf, a, b))
        return false;
    return !a->when.name ||
           (b->when.name && a->when.id == b->when.id && a->when_closed == b->when_closed);
}

/* Open or not: two lines of one calendar are always. */
static bool are_always(const struct conf_conditions *a, const struct conf_conditions *b)
{
    return a->when.name && b->when.name && a->when.id == b->when.id &&
           a->when_closed != b->when_closed;
}

/* ---- lines of one prefix ---- */

struct prefix_at {
    const char *prefix;
    uint32_t line; /* place in the route: the order in which they are asked */
};

static int by_prefix(const void *va, const void *vb)
{
    const struct prefix_at *a = va, *b = vb;
    int d = strcmp(a->prefix, b->prefix);

    if (d == 0 && a->line != b->line)
        d = a->line < b->line ? -1 : 1;
    return d;
}

static void taken_by(struct parser *p, const struct prefix_at *at, const struct conf_route_line *l,
                     const struct conf_route_line *first)
{
    const char *file = conf_loc_file(p->conf, &first->loc);

    if (has_condition(&first->cond))
        parse_error(p, l->loc, 6,
                    "never reached: the condition of prefix '%s' at %s:%u holds whenever this "
                    "one's does",
                    at->prefix, file, first->loc.line);
    else if (has_condition(&l->cond))
        parse_error(p, l->loc, 6,
                    "never reached: prefix '%s' at %s:%u has no condition, and must be the last "
                    "of its lines",
                    at->prefix, file, first->loc.line);
    else
        parse_error(p, l->loc, 6, "prefix '%s' is in line %u already", at->prefix, first->loc.line);
}

/* Is the last of n lines of one prefix ever reached? */
static void check_reached(struct parser *p, const struct conf_route *r, const struct prefix_at *v,
                          uint32_t n)
{
    const struct conf_route_line *l = &r->line.v[v[n - 1].line], *a, *b;
    uint32_t i, j;

    for (i = 0; i + 1 < n; i++) {
        a = &r->line.v[v[i].line];
        if (covers(p->conf, &a->cond, &l->cond)) {
            taken_by(p, &v[n - 1], l, a);
            return;
        }
    }
    for (i = 0; i + 1 < n; i++) {
        for (j = 0; j < i; j++) {
            a = &r->line.v[v[j].line];
            b = &r->line.v[v[i].line];
            if (!are_always(&a->cond, &b->cond) || !parties_cover(p->conf, &a->cond, &l->cond) ||
                !parties_cover(p->conf, &b->cond, &l->cond))
                continue;
            parse_error(p, l->loc, 6,
                        "never reached: for prefix '%s' lines %u and %u are 'when %s' and 'when "
                        "not %s', and one of them always holds",
                        v->prefix, a->loc.line, b->loc.line, a->cond.when.name, a->cond.when.name);
            return;
        }
    }
}

static void check_prefixes(struct parser *p, const struct conf_route *r)
{
    CONF_LIST(struct prefix_at) all = {NULL, 0};
    uint32_t i, j, n;

    for (i = 0; i < r->line.n; i++) {
        for (j = 0; j < r->line.v[i].prefix.n; j++) {
            struct prefix_at *at = parse_append(p, &p->scratch, &all, sizeof(*at));

            *at = (struct prefix_at){r->line.v[i].prefix.v[j], i};
        }
    }
    if (all.n > 1)
        qsort(all.v, all.n, sizeof(*all.v), by_prefix);
    for (i = 0; i < all.n; i += n) {
        for (n = 1; i + n < all.n && strcmp(all.v[i].prefix, all.v[i + n].prefix) == 0; n++) {
            if (n == CONF_LINES_MAX)
                parse_error(p, r->line.v[all.v[i + n].line].loc, 6,
                            "more than %u lines of prefix '%s'", CONF_LINES_MAX, all.v[i].prefix);
            else if (n < CONF_LINES_MAX)
                check_reached(p, r, all.v + i, n + 1);
        }
    }
}

/* ---- conditions that no call fits ---- */

static bool has_routes(const struct conf *c, const struct conf_from *f, uint32_t route)
{
    uint32_t i;

    if (!f->is_customer)
        return c->trunk.v[f->ref.id].routes.id == route;
    for (i = 0; i < c->trunk.n; i++) {
        if (c->trunk.v[i].customer.id == f->ref.id && c->trunk.v[i].routes.id == route)
            return true;
    }
    return false;
}

static void check_from(struct parser *p, const struct conf_route_line *l, uint32_t route)
{
    const struct conf_route *r = &p->conf->route.v[route];
    uint32_t i;

    for (i = 0; i < l->cond.from.n; i++) {
        const struct conf_from *f = &l->cond.from.v[i];

        if (f->ref.id != CONF_NONE && !has_routes(p->conf, f, route))
            parse_warn(p, f->ref.loc, 0, "no call is from %s '%s' here: %s routes '%s'",
                       f->is_customer ? "customer" : "trunk", f->ref.name,
                       f->is_customer ? "none of its trunks has" : "it does not have", r->name);
    }
}

/* ---- block and allow ---- */

/* The earlier line, of the same kind of number, that has this prefix or a shorter one. */
static const struct conf_block *listed_before(const struct conf_route *r, uint32_t line,
                                              const char *prefix)
{
    uint32_t i, j;

    for (i = 0; i < line; i++) {
        const struct conf_block *b = &r->block.v[i];

        if (b->caller != r->block.v[line].caller)
            continue;
        for (j = 0; j < b->prefix.n; j++) {
            if (prefix_is_within(prefix, b->prefix.v[j]))
                return b;
        }
    }
    return NULL;
}

static void check_blocks(struct parser *p, const struct conf_route *r)
{
    const struct conf_block *first = NULL, *b;
    uint32_t i, j;

    for (i = 1; i < r->block.n; i++) {
        b = &r->block.v[i];
        for (j = 0; j < b->prefix.n && (first = listed_before(r, i, b->prefix.v[j])); j++)
            ;
        if (b->prefix.n > 0 && j == b->prefix.n)
            parse_warn(p, b->loc, 0,
                       "never reached: '%s' in line %u decides first on all of its numbers; the "
                       "narrower line stands before it",
                       first->allow ? "allow" : "block", first->loc.line);
    }
}

/* ---- emergency ---- */

static bool has_emergency_rule(const struct conf_numbers *n)
{
    uint32_t i;

    for (i = 0; i < n->rule.n; i++) {
        if (n->rule.v[i].klass == CONF_CLASS_EMERGENCY)
            return true;
    }
    return false;
}

static bool has_line(const struct conf_route *r, enum conf_route_kind kind)
{
    uint32_t i;

    for (i = 0; i < r->line.n && r->line.v[i].kind != kind; i++)
        ;
    return i < r->line.n;
}

/* A call for help that the rules know and the route does not. Once for a route: it is one line that it lacks. */
static void check_emergency(struct parser *p, const struct conf_trunk *t, bool *told)
{
    const struct conf *c = p->conf;

    if (t->numbers.id == CONF_NONE || t->routes.id == CONF_NONE || told[t->routes.id] ||
        c->route.v[t->routes.id].incomplete || !has_emergency_rule(&c->numbers.v[t->numbers.id]) ||
        has_line(&c->route.v[t->routes.id], CONF_ROUTE_EMERGENCY))
        return;
    told[t->routes.id] = true;
    parse_warn(p, t->routes.loc, 0,
               "route '%s' has no line 'emergency': what numbers '%s' makes class emergency goes "
               "by prefix, like any call from trunk '%s'",
               t->routes.name, t->numbers.name, t->name);
}

static void check_emergency_line(struct parser *p, const struct conf_route_line *l)
{
    if (l->kind == CONF_ROUTE_EMERGENCY && has_condition(&l->cond))
        parse_warn(p, l->loc, 0,
                   "calls for help that this condition does not fit go by prefix, like any call");
}

void check_routes(struct parser *p)
{
    const struct conf *c = p->conf;
    bool *told = parse_zalloc(p, &p->scratch, c->route.n + 1);
    uint32_t i, j;

    for (i = 0; i < c->route.n; i++) {
        const struct conf_route *r = &c->route.v[i];

        for (j = 0; j < r->line.n; j++) {
            check_targets(p, &r->line.v[j]);
            check_from(p, &r->line.v[j], i);
            check_emergency_line(p, &r->line.v[j]);
            check_line_decks(p, &r->line.v[j]);
            check_line_bounds(p, &r->line.v[j]);
        }
        check_route_decks(p, i);
        check_prefixes(p, r);
        check_blocks(p, r);
    }
    for (i = 0; i < c->trunk.n; i++)
        check_emergency(p, &c->trunk.v[i], told);
}
