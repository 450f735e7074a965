/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routing: an immutable index over one configuration, and the decision for one call.
 * Built by the control thread, asked by the call layer on every worker; no locks, no allocation after the build.
 * Must not know SIP messages: it is handed plain values.
 */
#include "route/route.h"

#include <stdlib.h>
#include "core/err.h"
#include "route/table.h"

struct route_trunk {
    struct trunk_state *state;
    struct customer_state *customer;
    struct media_state *media;
    struct route_hop *hop; /* one per peer */
};

struct route {
    const struct conf *conf;
    struct source_index *sources;
    struct route_trunk *trunk;
    struct table **table;       /* one per route section; values index its lines */
    uint32_t *emergency;        /* line of class emergency by route section; CONF_NONE: none */
    struct conf_socket *socket; /* by number */
    uint32_t n_sockets;
    uint32_t *trunk_of_slot; /* CONF_NONE: not in this generation */
    uint32_t n_slots;
};

void route_free(struct route *rt)
{
    if (!rt)
        return;
    for (uint32_t i = 0; rt->trunk && i < rt->conf->trunk.n; i++)
        free(rt->trunk[i].hop);
    for (uint32_t i = 0; rt->table && i < rt->conf->route.n; i++)
        table_free(rt->table[i]);
    source_index_free(rt->sources);
    free(rt->trunk);
    free(rt->table);
    free(rt->emergency);
    free(rt->socket);
    free(rt->trunk_of_slot);
    free(rt);
}

static int route_build_sockets(struct route *rt)
{
    rt->n_sockets = conf_listeners(rt->conf);
    rt->socket = calloc(rt->n_sockets + 1, sizeof(*rt->socket));
    if (!rt->socket)
        return -ENOMEM;
    for (uint32_t s = 0; s < rt->n_sockets; s++)
        (void)conf_listener(rt->conf, s, &rt->socket[s]);
    return 0;
}

/* The trunk's first listen that has a socket of the peer's transport and family. */
static bool route_egress(const struct route *rt, const struct conf_trunk *t, struct route_hop *hop)
{
    for (uint32_t l = 0; l < t->listen.n; l++)
        for (uint32_t s = 0; s < rt->n_sockets; s++)
            if (rt->socket[s].listen == t->listen.v[l].id && rt->socket[s].proto == hop->proto &&
                rt->socket[s].addr.family == hop->remote.family) {
                hop->listener = (uint16_t)s;
                hop->local = rt->socket[s].addr;
                return true;
            }
    return false;
}

static int route_build_trunk(struct route *rt, uint32_t id, struct trunk_registry *reg,
                             const char **why)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[id];
    struct route_trunk *rtk = &rt->trunk[id];
    rtk->state = trunk_registry_get(reg, t->name);
    rtk->hop = calloc(t->peer.n ? t->peer.n : 1, sizeof(*rtk->hop));
    if (t->customer.id != CONF_NONE)
        rtk->customer = trunk_registry_customer(reg, t->customer.name);
    if (t->media.id != CONF_NONE)
        rtk->media = trunk_registry_media(reg, rt->conf->media.v[t->media.id].name);
    if (!rtk->state || !rtk->hop || (t->media.id != CONF_NONE && !rtk->media) ||
        (t->customer.id != CONF_NONE && !rtk->customer))
        return -ENOMEM;
    if (rtk->customer && trunk_registry_account(reg, rtk->customer,
                                                rt->conf->customer.v[t->customer.id].account) < 0)
        return -ENOMEM;
    for (uint32_t p = 0; p < t->peer.n; p++) {
        struct route_hop *hop = &rtk->hop[p];
        int state = trunk_peer_get(rtk->state, &t->peer.v[p].addr);
        if (state < 0) {
            *why = "a trunk has had more than 64 peer addresses since start: restart to clear them";
            return state;
        }
        hop->remote = t->peer.v[p].addr;
        hop->proto = t->peer.v[p].transport;
        hop->slot = rtk->state->slot;
        hop->peer = (uint8_t)p;
        hop->state = (uint8_t)state;
        if (!route_egress(rt, t, hop)) {
            *why = "a peer has an address family that none of its trunk's listens has";
            return -EAFNOSUPPORT;
        }
    }
    return 0;
}

static int route_build_trunks(struct route *rt, struct trunk_registry *reg, const char **why)
{
    uint32_t n = rt->conf->trunk.n, top = 0;
    rt->trunk = calloc(n + 1, sizeof(*rt->trunk));
    if (!rt->trunk)
        return -ENOMEM;
    for (uint32_t i = 0; i < n; i++) {
        int err = route_build_trunk(rt, i, reg, why);
        if (err < 0)
            return err;
        if (rt->trunk[i].state->slot >= top)
            top = rt->trunk[i].state->slot + 1;
    }
    rt->n_slots = top;
    rt->trunk_of_slot = malloc((top + 1) * sizeof(*rt->trunk_of_slot));
    if (!rt->trunk_of_slot)
        return -ENOMEM;
    for (uint32_t i = 0; i < top; i++)
        rt->trunk_of_slot[i] = CONF_NONE;
    for (uint32_t i = 0; i < n; i++)
        rt->trunk_of_slot[rt->trunk[i].state->slot] = i;
    return 0;
}

static struct table *route_build_table(const struct conf_route *r)
{
    size_t total = 0;
    for (uint32_t i = 0; i < r->line.n; i++)
        total += r->line.v[i].kind == CONF_ROUTE_PREFIX ? r->line.v[i].prefix.n : 1;
    struct table *t = table_new(total);
    for (uint32_t i = 0; t && i < r->line.n; i++) {
        const struct conf_route_line *l = &r->line.v[i];
        int err = l->kind == CONF_ROUTE_DEFAULT ? table_add(t, SPAN_NONE, i) : 0;
        for (uint32_t p = 0; l->kind == CONF_ROUTE_PREFIX && p < l->prefix.n && !err; p++)
            err = table_add(t, span_of(l->prefix.v[p]), i);
        if (err) { /* config has checked all of it: a fault of ours, and no half table */
            table_free(t);
            return NULL;
        }
    }
    return t;
}

static uint32_t emergency_line(const struct conf_route *r)
{
    for (uint32_t i = 0; i < r->line.n; i++)
        if (r->line.v[i].kind == CONF_ROUTE_EMERGENCY)
            return i;
    return CONF_NONE;
}

struct route *route_new(const struct conf *conf, struct trunk_registry *reg, const char **why)
{
    struct route *rt = calloc(1, sizeof(*rt));
    *why = "out of memory";
    if (!rt)
        return NULL;
    rt->conf = conf;
    rt->sources = source_index_new(conf);
    rt->table = calloc(conf->route.n + 1, sizeof(struct table *));
    rt->emergency = calloc(conf->route.n + 1, sizeof(*rt->emergency));
    if (!rt->sources || !rt->table || !rt->emergency || route_build_sockets(rt) < 0 ||
        route_build_trunks(rt, reg, why) < 0)
        goto fail;
    for (uint32_t i = 0; i < conf->route.n; i++) {
        rt->emergency[i] = emergency_line(&conf->route.v[i]);
        rt->table[i] = route_build_table(&conf->route.v[i]);
        if (!rt->table[i])
            goto fail;
    }
    return rt;
fail:
    route_free(rt);
    return NULL;
}

const struct conf *route_conf(const struct route *rt)
{
    return rt->conf;
}

struct trunk_state *route_trunk_state(const struct route *rt, uint32_t trunk)
{
    return rt->trunk[trunk].state;
}

struct media_state *route_media_state(const struct route *rt, uint32_t trunk)
{
    return rt->trunk[trunk].media;
}

struct customer_state *route_customer_state(const struct route *rt, uint32_t trunk)
{
    return rt->trunk[trunk].customer;
}

int route_trunk_of_slot(const struct route *rt, uint32_t slot, uint32_t *trunk)
{
    if (slot >= rt->n_slots || rt->trunk_of_slot[slot] == CONF_NONE)
        return -ENOENT;
    *trunk = rt->trunk_of_slot[slot];
    return 0;
}

uint32_t route_listen_of(const struct route *rt, uint16_t listener)
{
    return listener < rt->n_sockets ? rt->socket[listener].listen : CONF_NONE;
}

static struct source_at source_at(const struct route *rt, uint16_t listener)
{
    uint32_t listen = route_listen_of(rt, listener);
    return (struct source_at){listen,
                              listen != CONF_NONE && rt->socket[listener].proto != PROTO_UDP};
}

bool route_source_is_known(const struct route *rt, uint16_t listener, const struct addr *from)
{
    struct source_at at = source_at(rt, listener);
    return at.listen != CONF_NONE && source_is_known(rt->sources, at, from);
}

enum conf_unknown route_unknown(const struct route *rt, uint16_t listener)
{
    uint32_t listen = route_listen_of(rt, listener);
    return listen == CONF_NONE ? CONF_UNKNOWN_DROP : rt->conf->listen.v[listen].unknown;
}

int route_identify(const struct route *rt, uint16_t listener, const struct addr *from,
                   const struct source_facts *facts, uint32_t *trunk)
{
    struct source_at at = source_at(rt, listener);
    if (at.listen == CONF_NONE)
        return -ENOENT;
    return source_identify(rt->sources, at, from, facts, trunk);
}

static bool peer_is_up(const struct route_trunk *rtk, uint32_t p)
{
    return !atomic_load_explicit(&rtk->state->peer[rtk->hop[p].state].down, memory_order_relaxed);
}

int route_pick_peer(const struct route *rt, uint32_t trunk, uint32_t rnd, struct route_hop *hop)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[trunk];
    const struct route_trunk *rtk = &rt->trunk[trunk];
    uint32_t first = 0, sum = 0;
    if (t->peer.n == 0)
        return -ENOENT;
    while (first < t->peer.n && !peer_is_up(rtk, first))
        first++;
    if (first == t->peer.n)
        return -EHOSTUNREACH;
    uint16_t priority = t->peer.v[first].priority;
    for (uint32_t p = first; p < t->peer.n && t->peer.v[p].priority == priority; p++)
        sum += peer_is_up(rtk, p) ? t->peer.v[p].weight : 0U;
    uint32_t pick = sum ? rnd % sum : 0, chosen = first;
    for (uint32_t p = first; p < t->peer.n && t->peer.v[p].priority == priority; p++) {
        if (!peer_is_up(rtk, p))
            continue;
        chosen = p;
        if (pick < t->peer.v[p].weight)
            break;
        pick -= t->peer.v[p].weight;
    }
    *hop = rtk->hop[chosen];
    return 0;
}

int route_peer_hop(const struct route *rt, uint32_t trunk, uint32_t peer, struct route_hop *hop)
{
    if (trunk >= rt->conf->trunk.n || peer >= rt->conf->trunk.v[trunk].peer.n)
        return -ENOENT;
    *hop = rt->trunk[trunk].hop[peer];
    return 0;
}

static bool trunk_is_up(const struct route *rt, uint32_t trunk)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[trunk];
    for (uint32_t p = 0; p < t->peer.n; p++)
        if (peer_is_up(&rt->trunk[trunk], p))
            return true;
    return false;
}

static bool decision_has(const struct route_decision *d, uint32_t trunk)
{
    for (uint32_t i = 0; i < d->n; i++)
        if (d->candidate[i].trunk == trunk)
            return true;
    return false;
}

/* The number as a trunk wants it: its `send` translations one after the other. */
static int route_send_number(const struct conf *c, const struct conf_trunk *t, const char *called,
                             char out[NUMBER_MAX])
{
    char tmp[NUMBER_MAX];
    const struct conf_rule *rule;
    int n = span_copy(span_of(called), out, NUMBER_MAX);
    for (uint32_t i = 0; i < t->send.n && n >= 0; i++) {
        memcpy(tmp, out, NUMBER_MAX);
        n = number_translate(&c->numbers.v[t->send.v[i].id], span_of(tmp), out, &rule);
    }
    return n;
}

static void decision_add(const struct route *rt, struct route_decision *d, uint32_t trunk)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[trunk];
    struct route_candidate *cand = &d->candidate[d->n];
    if (d->n == ROUTE_CANDIDATES_MAX || decision_has(d, trunk) || t->peer.n == 0)
        return;
    if (!trunk_is_up(rt, trunk)) {
        d->dropped_down++;
        return;
    }
    if (route_send_number(rt->conf, t, d->called, cand->called) < 0)
        return; /* the carrier has no form for this number */
    cand->trunk = trunk;
    cand->slot = rt->trunk[trunk].state->slot;
    d->n++;
}

static void decision_refuse(struct route_decision *d, enum route_verdict verdict, uint16_t code,
                            const char *reason)
{
    d->verdict = verdict;
    d->code = code;
    d->reason = reason;
}

static void decision_take_line(const struct route *rt, struct route_decision *d,
                               const struct conf_route_line *l)
{
    d->line_loc = l->loc;
    d->max_attempts = l->max_attempts;
    if (l->via.n == 0) {
        decision_refuse(d, ROUTE_REFUSED, l->cause, l->reason);
        return;
    }
    for (uint32_t i = 0; i < l->via.n; i++) {
        const struct conf_target *tg = &l->via.v[i];
        if (!tg->is_group) {
            decision_add(rt, d, tg->ref.id);
            continue;
        }
        const struct conf_group *g = &rt->conf->group.v[tg->ref.id];
        for (uint32_t m = 0; m < g->member.n; m++)
            decision_add(rt, d, g->member.v[m].id);
    }
    if (d->n > 0)
        d->verdict = ROUTE_OK;
    else if (d->dropped_down > 0)
        decision_refuse(d, ROUTE_ALL_DOWN, 503, NULL);
    else
        decision_refuse(d, ROUTE_BAD_NUMBER, 484, NULL);
}

/* The called number as this switch writes it, and the class that its rule gives. */
static int route_normalise(const struct route *rt, const struct conf_trunk *t,
                           const struct route_query *q, struct route_decision *d)
{
    char clean[NUMBER_MAX];
    const struct conf_rule *rule = NULL;
    const struct conf_numbers *nums =
        t->numbers.id == CONF_NONE ? NULL : &rt->conf->numbers.v[t->numbers.id];
    int n = number_clean(q->called, clean);
    if (n < 0)
        return n;
    n = number_translate(nums, span_of(clean), d->called, &rule);
    if (n == -ENOENT && q->emergency) /* 112 is dialled everywhere, written in nobody's plan */
        n = span_copy(span_of(clean), d->called, NUMBER_MAX);
    if (rule) {
        d->number_loc = rule->loc;
        if (rule->klass != CONF_CLASS_NONE)
            d->klass = rule->klass;
    }
    return n;
}

void route_decide(const struct route *rt, const struct route_query *q, struct route_decision *d)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[q->trunk];
    const struct conf_route_line *line = NULL;
    uint32_t value;
    memset(d, 0, offsetof(struct route_decision, candidate));
    d->klass = q->emergency ? CONF_CLASS_EMERGENCY : CONF_CLASS_NONE;
    if (route_normalise(rt, t, q, d) < 0) {
        decision_refuse(d, ROUTE_BAD_NUMBER, 484, NULL);
        return;
    }
    if (t->routes.id == CONF_NONE) {
        decision_refuse(d, ROUTE_NO_ROUTE, 404, NULL);
        return;
    }
    const struct conf_route *r = &rt->conf->route.v[t->routes.id];
    if (d->klass == CONF_CLASS_EMERGENCY)
        line = rt->emergency[t->routes.id] == CONF_NONE ? NULL
                                                        : &r->line.v[rt->emergency[t->routes.id]];
    if (!line && table_find(rt->table[t->routes.id], span_of(d->called), &value, NULL) == 0)
        line = &r->line.v[value];
    if (!line) {
        decision_refuse(d, ROUTE_NO_ROUTE, 404, NULL);
        return;
    }
    decision_take_line(rt, d, line);
}
