/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Comparing two compiled routings prefix by prefix, in parallel parts, by the code that calls go through.
 * Called off the workers; knows neither text nor files.
 */
#include "route/diff.h"

#include <stdlib.h>
#include <string.h>
#include "core/parallel.h"
#include "route/choose.h"

/* Parts are small enough to end together, and large enough to be worth a thread's turn. */
#define PARTS 64U

/* One side of a route. */
struct side {
    const struct route *rt;
    const struct plan *plan; /* NULL: it has no such route */
    uint32_t sell[DIFF_SELL];
    unsigned n_sell;
};

struct keys {
    uint64_t *v;
    size_t n, room;
    bool failed;
};

struct part {
    struct diff_route sum; /* its counts and top */
    __int128 cost_old, cost_now;
};

struct comparing {
    const struct diff_param *p;
    struct side old, now;
    struct keys keys;
    const uint32_t *now_of_old; /* trunks: id in the new configuration; CONF_NONE: gone */
    uint32_t n_now;             /* trunks there; those that are gone are counted behind them */
    _Atomic uint32_t *won, *lost;
    struct part part[PARTS];
};

/* ---- one prefix ---- */

static void find_sell(const struct side *s, struct choose *ch)
{
    struct lcr_row row;
    struct route_decision *d = ch->d;
    if (s->n_sell == 0)
        return;
    d->sell_deck = s->sell[0];
    if (lcr_find(s->rt->sell[d->sell_deck], span_of(d->routed), d->rates, ch->q->wall_s, UINT32_MAX,
                 &row, 1) == 1)
        d->sell_rate = row.rate;
}

static void choose_first(struct choose *ch, struct diff_choice *out)
{
    const struct conf_route_line *l;
    const struct route_decision *d = ch->d;
    if (!choose_line(ch))
        return;
    l = ch->line;
    out->code = l->via.n == 0 && l->lcr.n == 0 ? l->cause : 503;
    if (l->margin_given && d->sell_rate < 0)
        return;
    if (l->lcr.n > 0)
        choose_lcr(ch);
    if (d->n == 0)
        choose_via(ch);
    if (d->n == 0)
        return;
    out->code = 0;
    out->trunk = d->candidate[0].trunk;
    out->deck = d->candidate[0].deck;
    out->rate = d->candidate[0].rate;
    out->cost = d->candidate[0].cost;
}

static void first_choice(const struct diff_param *p, const struct side *s, uint64_t key,
                         struct diff_choice *out)
{
    static const struct route_assume paper = {.on_paper = true};
    struct route_decision d;
    struct route_query q = {
        .trunk = CONF_NONE, .wall_s = p->wall_s, .look_only = true, .assume = &paper};
    struct choose ch = {.rt = s->rt,
                        .conf = s->rt->conf,
                        .q = &q,
                        .d = &d,
                        .in = conf_trunk_default(),
                        .plan = s->plan};
    *out = (struct diff_choice){CONF_NONE, CONF_NONE, 0, -1, -1};
    if (!s->plan)
        return;
    memset(&d, 0, offsetof(struct route_decision, candidate));
    key_text(key, d.routed);
    memcpy(d.called, d.routed, KEY_DIGITS + 1);
    d.sell_deck = d.lnp = CONF_NONE;
    d.sell_rate = d.sell_cost = -1;
    d.rates = p->rates;
    find_sell(s, &ch);
    choose_first(&ch, out);
}

/* Is there a price list by which this first choice loses money? */
static bool is_below(const struct diff_param *p, const struct side *s, uint64_t key,
                     const struct diff_choice *c)
{
    char number[KEY_DIGITS + 1];
    struct lcr_row row;
    __int128 cost;
    if (c->trunk == CONF_NONE || c->deck == CONF_NONE)
        return false;
    cost = (__int128)c->rate * s->rt->conf->deck.v[c->deck].exchange;
    for (unsigned i = 0; i < s->n_sell; i++)
        if (lcr_find(s->rt->sell[s->sell[i]], span_of(key_text(key, number)), p->rates, p->wall_s,
                     UINT32_MAX, &row, 1) == 1 &&
            (__int128)row.rate * s->rt->conf->deck.v[s->sell[i]].exchange < cost)
            return true;
    return false;
}

/* ---- counting ---- */

static uint64_t weight_of(const struct diff_prefix *x)
{
    int64_t a = x->old.cost < 0 ? 0 : x->old.cost, b = x->now.cost < 0 ? 0 : x->now.cost;
    return a > b ? (uint64_t)(a - b) : (uint64_t)(b - a);
}

static bool is_before(const struct diff_prefix *x, const struct diff_prefix *y)
{
    uint64_t a = weight_of(x), b = weight_of(y);
    return a != b ? a > b : x->key < y->key;
}

static void top_add(struct diff_route *r, const struct diff_prefix *x)
{
    unsigned at = r->n_top;
    if (at == DIFF_TOP) {
        if (!is_before(x, &r->top[at - 1]))
            return;
        at--;
    } else {
        r->n_top++;
    }
    for (; at > 0 && is_before(x, &r->top[at - 1]); at--)
        r->top[at] = r->top[at - 1];
    r->top[at] = *x;
}

static void count_trunks(struct comparing *c, const struct diff_prefix *x, uint32_t old_as_now)
{
    if (x->now.trunk != CONF_NONE)
        atomic_fetch_add_explicit(&c->won[x->now.trunk], 1, memory_order_relaxed);
    if (x->old.trunk == CONF_NONE)
        return;
    atomic_fetch_add_explicit(
        &c->lost[old_as_now != CONF_NONE ? old_as_now : c->n_now + x->old.trunk], 1,
        memory_order_relaxed);
}

static void count(struct comparing *c, struct part *part, const struct diff_prefix *x)
{
    struct diff_route *r = &part->sum;
    bool had = x->old.trunk != CONF_NONE, has = x->now.trunk != CONF_NONE;
    uint32_t old_as_now = had ? c->now_of_old[x->old.trunk] : CONF_NONE;
    bool moved = had && has && old_as_now != x->now.trunk;
    bool priced = had && has && x->old.cost >= 0 && x->now.cost >= 0;
    if (!had && !has && x->old.code == 0 && x->now.code == 0)
        return;
    r->prefixes++;
    r->moved += moved;
    r->gained += !had && has;
    r->lost += had && !has;
    r->below_old += is_below(c->p, &c->old, x->key, &x->old);
    r->below_now += is_below(c->p, &c->now, x->key, &x->now);
    if (priced) {
        r->priced++;
        r->dearer += x->now.cost > x->old.cost;
        r->cheaper += x->now.cost < x->old.cost;
        part->cost_old += x->old.cost;
        part->cost_now += x->now.cost;
    }
    if (moved || had != has)
        count_trunks(c, x, old_as_now);
    if (moved || had != has || (priced && x->old.cost != x->now.cost))
        top_add(r, x);
}

static void compare_part(void *arg, unsigned n)
{
    struct comparing *c = arg;
    size_t from = c->keys.n * n / PARTS, to = c->keys.n * (n + 1) / PARTS;
    for (size_t i = from; i < to; i++) {
        struct diff_prefix x = {.key = c->keys.v[i]};
        first_choice(c->p, &c->old, x.key, &x.old);
        first_choice(c->p, &c->now, x.key, &x.now);
        count(c, &c->part[n], &x);
    }
}

/* ---- keys ---- */

static bool keys_add(void *arg, uint64_t key)
{
    struct keys *k = arg;
    if (k->n == k->room) {
        size_t room = k->room ? k->room * 2 : 4096;
        uint64_t *v = realloc(k->v, room * sizeof(*v));
        if (!v) {
            k->failed = true;
            return false;
        }
        k->v = v;
        k->room = room;
    }
    k->v[k->n++] = key;
    return true;
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* Those of its decks, which come sorted, and those of its lines. */
static void keys_of_side(struct keys *k, const struct side *s)
{
    const struct conf_route *r;
    if (!s->plan)
        return;
    r = s->plan->conf;
    if (s->plan->set && s->plan->set->lcr && lcr_each_key(s->plan->set->lcr, keys_add, k) < 0)
        k->failed = true;
    for (uint32_t i = 0; i < r->line.n; i++)
        for (uint32_t x = 0; x < r->line.v[i].prefix.n; x++) {
            uint64_t key;
            if (key_of_prefix(span_of(r->line.v[i].prefix.v[x]), &key) == 0)
                keys_add(k, key);
        }
}

static int keys_read(struct keys *k, const struct side *old, const struct side *now)
{
    size_t n = 0;
    k->n = 0;
    keys_of_side(k, old);
    keys_of_side(k, now);
    if (k->failed)
        return -ENOMEM;
    if (k->n > 0)
        qsort(k->v, k->n, sizeof(*k->v), by_key);
    for (size_t i = 0; i < k->n; i++)
        if (i == 0 || k->v[i] != k->v[n - 1])
            k->v[n++] = k->v[i];
    k->n = n;
    return 0;
}

/* ---- one route ---- */

static void side_set(struct side *s, const struct route *rt, uint32_t route)
{
    *s = (struct side){.rt = rt, .plan = route == CONF_NONE ? NULL : &rt->plan[route]};
    for (uint32_t i = 0; s->plan && i < rt->conf->trunk.n && s->n_sell < DIFF_SELL; i++) {
        const struct conf_trunk *t = &rt->conf->trunk.v[i];
        bool known = t->routes.id != route || !t->sell_deck.name || t->sell_deck.id == CONF_NONE;
        for (unsigned k = 0; !known && k < s->n_sell; k++)
            known = s->sell[k] == t->sell_deck.id;
        if (!known)
            s->sell[s->n_sell++] = t->sell_deck.id;
    }
}

static void join_parts(const struct comparing *c, struct diff_route *r)
{
    __int128 old = 0, now = 0;
    for (unsigned i = 0; i < PARTS; i++) {
        const struct diff_route *s = &c->part[i].sum;
        r->prefixes += s->prefixes;
        r->moved += s->moved;
        r->dearer += s->dearer;
        r->cheaper += s->cheaper;
        r->gained += s->gained;
        r->lost += s->lost;
        r->priced += s->priced;
        r->below_old += s->below_old;
        r->below_now += s->below_now;
        for (unsigned k = 0; k < s->n_top; k++)
            top_add(r, &s->top[k]);
        old += c->part[i].cost_old;
        now += c->part[i].cost_now;
    }
    if (r->priced) {
        r->cost_old = (int64_t)(old / (__int128)r->priced);
        r->cost_now = (int64_t)(now / (__int128)r->priced);
    }
}

static int by_changes(const void *a, const void *b)
{
    const struct diff_trunk *x = a, *y = b;
    uint64_t m = x->won + x->lost, n = y->won + y->lost;
    return m != n ? (m > n ? -1 : 1) : strcmp(x->name, y->name);
}

static int list_trunks(const struct comparing *c, struct diff_route *r)
{
    const struct conf *old = c->p->old->conf, *now = c->p->now->conf;
    uint32_t n = 0, all = c->n_now + old->trunk.n;
    for (uint32_t i = 0; i < all; i++)
        n += c->won[i] || c->lost[i];
    if (n == 0)
        return 0;
    r->trunk = calloc(n, sizeof(*r->trunk));
    if (!r->trunk)
        return -ENOMEM;
    for (uint32_t i = 0; i < all; i++)
        if (c->won[i] || c->lost[i])
            r->trunk[r->n_trunks++] = (struct diff_trunk){
                i < c->n_now ? now->trunk.v[i].name : old->trunk.v[i - c->n_now].name, c->won[i],
                c->lost[i]};
    qsort(r->trunk, r->n_trunks, sizeof(*r->trunk), by_changes);
    return 0;
}

static int compare_route(struct comparing *c, uint32_t old, uint32_t now, struct diff_route *r)
{
    side_set(&c->old, c->p->old, old);
    side_set(&c->now, c->p->now, now);
    memset(c->part, 0, sizeof(c->part));
    for (uint32_t i = 0; i < c->n_now + c->p->old->conf->trunk.n; i++)
        c->won[i] = c->lost[i] = 0;
    r->is_new = old == CONF_NONE;
    r->is_gone = now == CONF_NONE;
    r->name = (now == CONF_NONE ? c->old : c->now).plan->conf->name;
    if (keys_read(&c->keys, &c->old, &c->now) < 0)
        return -ENOMEM;
    parallel_run(compare_part, c, PARTS, c->p->threads);
    join_parts(c, r);
    return list_trunks(c, r);
}

/* ---- all ---- */

static uint32_t find_route(const struct conf *c, const char *name)
{
    const struct conf_route *r = conf_find_route(c, name);
    return r ? (uint32_t)(r - c->route.v) : CONF_NONE;
}

static int compare_routes(struct comparing *c, struct diff *d)
{
    const struct conf *old = c->p->old->conf, *now = c->p->now->conf;
    int err = 0;
    for (uint32_t i = 0; i < now->route.n && !err; i++)
        err = compare_route(c, find_route(old, now->route.v[i].name), i, &d->route[d->n++]);
    for (uint32_t i = 0; i < old->route.n && !err; i++)
        if (find_route(now, old->route.v[i].name) == CONF_NONE)
            err = compare_route(c, i, CONF_NONE, &d->route[d->n++]);
    for (uint32_t i = 0; i < d->n; i++)
        d->prefixes += d->route[i].prefixes;
    return err;
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(const struct conf_trunk *const *)a)->name,
                  (*(const struct conf_trunk *const *)b)->name);
}

/* Trunks of both sides by name. @return owned; NULL: out of memory */
static uint32_t *map_trunks(const struct conf *old, const struct conf *now)
{
    const struct conf_trunk **sorted = malloc((now->trunk.n + 1) * sizeof(struct conf_trunk *));
    uint32_t *map = malloc((old->trunk.n + 1) * sizeof(*map));
    for (uint32_t i = 0; sorted && i < now->trunk.n; i++)
        sorted[i] = &now->trunk.v[i];
    if (sorted && now->trunk.n > 0)
        qsort(sorted, now->trunk.n, sizeof(struct conf_trunk *), by_name);
    for (uint32_t i = 0; sorted && map && i < old->trunk.n; i++) {
        const struct conf_trunk *key = &old->trunk.v[i];
        const struct conf_trunk **at =
            now->trunk.n > 0
                ? bsearch(&key, sorted, now->trunk.n, sizeof(struct conf_trunk *), by_name)
                : NULL;
        map[i] = at ? (uint32_t)(*at - now->trunk.v) : CONF_NONE;
    }
    if (!sorted) {
        free(map);
        map = NULL;
    }
    free(sorted);
    return map;
}

static int64_t next_of(const struct lcr *t, int64_t after)
{
    struct lcr_stats s = {.next_change = INT64_MAX};

    if (t)
        lcr_stats(t, &s);
    return s.next_change > after ? s.next_change : INT64_MAX;
}

/* Tables know the first change after they were built: asked about a later moment than that, it is not known. */
static int64_t next_change(const struct route *rt, int64_t after)
{
    int64_t next = INT64_MAX, at;

    for (unsigned i = 0; i < rt->n_sets; i++) {
        at = next_of(rt->set[i].lcr, after);
        next = at < next ? at : next;
    }
    for (uint32_t i = 0; i < rt->conf->deck.n; i++) {
        at = next_of(rt->sell[i], after);
        next = at < next ? at : next;
    }
    return next;
}

int route_diff(const struct diff_param *p, struct diff **out)
{
    const struct conf *old = p->old->conf, *now = p->now->conf;
    size_t trunks = (size_t)old->trunk.n + now->trunk.n + 1;
    struct comparing *c = calloc(1, sizeof(*c));
    struct diff *d = calloc(1, sizeof(*d));
    uint32_t *map = map_trunks(old, now);
    int err = -ENOMEM;
    if (c && d && map) {
        c->p = p;
        c->now_of_old = map;
        c->n_now = now->trunk.n;
        c->won = calloc(trunks, sizeof(*c->won));
        c->lost = calloc(trunks, sizeof(*c->lost));
        d->route = calloc((size_t)old->route.n + now->route.n + 1, sizeof(*d->route));
        if (c->won && c->lost && d->route)
            err = compare_routes(c, d);
        d->next_change = next_change(p->now, p->wall_s);
        free(c->won);
        free(c->lost);
        free(c->keys.v);
    }
    free(c);
    free(map);
    if (err < 0)
        diff_free(d);
    else
        *out = d;
    return err;
}

void diff_free(struct diff *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < d->n && d->route; i++)
        free(d->route[i].trunk);
    free(d->route);
    free(d);
}
