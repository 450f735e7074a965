/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routing: an immutable index over one configuration, and the decision for one call.
 * Built by the control thread, asked by the call layer on every worker; no locks, no allocation after the build.
 * Must not know SIP messages: it is handed plain values.
 */
#include "route/route.h"

#include <stdio.h>
#include <stdlib.h>
#include "core/err.h"
#include "core/htab.h"
#include "route/host.h"
#include "route/index.h"

void route_free(struct route *rt)
{
    if (!rt)
        return;
    if (rt->is_shadow) {
        free(rt->trunk);
        free(rt->group);
        free(rt->trunk_of_slot);
        free(rt);
        return;
    }
    plan_free(rt);
    book_free(rt->book);
    source_index_free(rt->sources);
    host_index_free(rt->hosts);
    free(rt->trunk);
    free(rt->group);
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

/* The trunk's first listen that has a socket of that transport and family. */
static void route_build_egress(const struct route *rt, const struct conf_trunk *t,
                               struct route_trunk *rtk)
{
    for (unsigned p = 0; p < PROTO_N; p++)
        rtk->egress[p][0].listener = rtk->egress[p][1].listener = UINT16_MAX;
    for (uint32_t l = 0; l < t->listen.n; l++)
        for (uint32_t s = 0; s < rt->n_sockets; s++) {
            const struct conf_socket *k = &rt->socket[s];
            struct egress *e = &rtk->egress[k->proto][k->addr.family == 6];
            if (k->listen == t->listen.v[l].id && e->listener == UINT16_MAX)
                *e = (struct egress){(uint16_t)s, k->addr};
        }
}

static const struct egress *route_egress(const struct route_trunk *rtk, uint8_t proto,
                                         uint8_t family)
{
    const struct egress *e = proto < PROTO_N ? &rtk->egress[proto][family == 6] : NULL;
    return e && e->listener != UINT16_MAX ? e : NULL;
}

static int route_build_trunk(struct route *rt, uint32_t id, struct trunk_registry *reg,
                             const char **why)
{
    const struct conf_trunk *t = &rt->conf->trunk.v[id];
    struct route_trunk *rtk = &rt->trunk[id];
    rtk->state = trunk_registry_get(reg, t->name);
    route_build_egress(rt, t, rtk);
    if (t->customer.id != CONF_NONE)
        rtk->customer = trunk_registry_customer(reg, t->customer.name);
    if (t->media.id != CONF_NONE)
        rtk->media = trunk_registry_media(reg, rt->conf->media.v[t->media.id].name);
    if (!rtk->state || (t->media.id != CONF_NONE && !rtk->media) ||
        (t->customer.id != CONF_NONE && !rtk->customer))
        return -ENOMEM;
    if (rtk->customer && trunk_registry_account(reg, rtk->customer,
                                                rt->conf->customer.v[t->customer.id].account) < 0)
        return -ENOMEM;
    for (uint32_t p = 0; p < t->peer.n; p++) {
        const struct conf_peer *peer = &t->peer.v[p];
        if (peer->lookup == CONF_LOOKUP_NONE &&
            !route_egress(rtk, peer->transport, peer->addr.family)) {
            *why =
                "a peer has a transport or an address family that none of its trunk's listens has";
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

static bool limit_is_set(const struct conf_limit *l)
{
    return l->calls || l->cps;
}

/* After the trunks. */
static int route_build_groups(struct route *rt, struct trunk_registry *reg)
{
    rt->group = calloc(rt->conf->group.n + 1, sizeof(struct group_state *));
    if (!rt->group)
        return -ENOMEM;
    for (uint32_t i = 0; i < rt->conf->group.n; i++) {
        const struct conf_group *g = &rt->conf->group.v[i];
        bool limited = limit_is_set(&g->limit_in) || limit_is_set(&g->limit_out);
        rt->group[i] = trunk_registry_group(reg, g->name);
        if (!rt->group[i])
            return -ENOMEM;
        for (uint32_t m = 0; limited && m < g->member.n; m++) {
            struct route_trunk *rtk = &rt->trunk[g->member.v[m].ref.id];
            bool has = rtk->n_groups && rtk->group[rtk->n_groups - 1] == i;
            if (!has && rtk->n_groups < CONF_TRUNK_GROUPS_MAX) /* checked by config */
                rtk->group[rtk->n_groups++] = i;
        }
    }
    return 0;
}

/* From the check, or read now. */
static int route_take_book(struct route *rt, struct route_param *p, const char **why)
{
    static _Thread_local char text[256];
    struct conf_errors none = {0}, *errs = p->errs ? p->errs : &none;
    rt->book = p->book && p->book->conf == p->conf ? p->book : NULL;
    if (rt->book)
        p->book = NULL;
    else
        rt->book = book_load(p->conf, p->wall_s, p->threads, errs);
    if (rt->book && !rt->book->is_good) {
        if (errs->n > 0)
            snprintf(text, sizeof(text), "%s:%u: %s", errs->v[0].file, errs->v[0].line,
                     errs->v[0].text);
        *why = errs->n > 0 ? text : "a file that the configuration names is wrong";
    }
    if (errs == &none)
        conf_errors_fini(&none);
    return !rt->book ? -ENOMEM : rt->book->is_good ? 0 : -EINVAL;
}

struct route *route_new(struct route_param *p, const char **why)
{
    const struct conf *conf = p->conf;
    struct route *rt = calloc(1, sizeof(*rt));
    *why = "out of memory";
    if (!rt)
        return NULL;
    rt->conf = conf;
    rt->from_s = p->past ? INT64_MIN : p->wall_s;
    rt->sources = source_index_new(conf);
    rt->hosts = host_index_new(conf);
    rt->quality = trunk_registry_quality(p->reg);
    if (rt->sources && rt->hosts && route_build_sockets(rt) == 0 &&
        route_build_trunks(rt, p->reg, why) == 0 && route_build_groups(rt, p->reg) == 0 &&
        route_take_book(rt, p, why) == 0 &&
        plan_build(rt, rt->from_s, p->threads ? p->threads : 1) == 0)
        return rt;
    route_free(rt);
    return NULL;
}

void route_check_files(void *arg, const struct conf *conf, struct conf_errors *errs)
{
    struct route_param *p = arg;
    book_free(p->book);
    p->book = book_load(conf, p->wall_s, p->threads, errs);
}

struct route *route_shadow(const struct route *rt, struct trunk_registry *reg)
{
    struct route *s = malloc(sizeof(*s));
    const char *why;
    if (!s)
        return NULL;
    *s = *rt;
    s->is_shadow = true;
    s->trunk = NULL;
    s->group = NULL;
    s->trunk_of_slot = NULL;
    if (route_build_trunks(s, reg, &why) == 0 && route_build_groups(s, reg) == 0)
        return s;
    route_free(s);
    return NULL;
}

int route_port_find(const struct route *rt, uint32_t lnp, struct span number,
                    struct port_answer *out)
{
    return portability_find(rt->book->ports, lnp, number, out);
}

uint32_t route_port_rows(const struct route *rt, uint32_t lnp)
{
    return portability_rows(rt->book->ports, lnp);
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

unsigned route_limited_groups(const struct route *rt, uint32_t trunk, const uint32_t **group)
{
    *group = rt->trunk[trunk].group;
    return rt->trunk[trunk].n_groups;
}

struct group_state *route_group_state(const struct route *rt, uint32_t group)
{
    return rt->group[group];
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

uint32_t route_slots(const struct route *rt)
{
    return rt->n_slots;
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

static struct trunk_state *state_of(const void *arg, uint32_t trunk)
{
    return route_trunk_state(arg, trunk);
}

int route_find_host(const struct route *rt, struct span host, uint32_t prefer, uint32_t *trunk,
                    struct addr *only)
{
    return host_find(rt->hosts, host, prefer, state_of, rt, trunk, only);
}

int route_target_hop(const struct route *rt, uint32_t trunk, const struct target *t,
                     struct route_hop *hop)
{
    const struct route_trunk *rtk = &rt->trunk[trunk];
    const struct egress *e = route_egress(rtk, t->proto, t->addr.family);
    struct egress own;
    if (t->listener != UINT16_MAX) { /* a registered contact: NAT and firewall know that socket */
        if (t->listener >= rt->n_sockets || rt->socket[t->listener].proto != t->proto)
            return -EAFNOSUPPORT;
        own = (struct egress){t->listener, rt->socket[t->listener].addr};
        e = &own;
    }
    if (!e)
        return -EAFNOSUPPORT;
    *hop = (struct route_hop){.remote = t->addr,
                              .local = e->local,
                              .listener = e->listener,
                              .proto = t->proto,
                              .slot = rtk->state->slot,
                              .conn = t->conn};
    return 0;
}

/* How willing a target is: 0 usable, 1 silent of late, 2 asked to be left alone, 3 down. */
static unsigned target_class(const struct target *t, uint64_t now_ms)
{
    if (target_is_usable(t, now_ms))
        return target_is_silent(t, now_ms) ? 1 : 0;
    return target_is_usable(t, 0) ? 2 : 3;
}

/* The targets [from, to) are of one priority; those in mask take part. One is drawn, its bit cleared (RFC 2782). */
static uint32_t hops_draw(const struct target_set *set, uint64_t *mask, uint32_t from, uint32_t to,
                          uint64_t rnd)
{
    uint64_t sum = 0;
    uint32_t last = from;
    for (uint32_t i = from; i < to; i++)
        sum += *mask >> i & 1 ? set->v[i].weight : 0U;
    rnd = sum ? rnd % sum : 0;
    for (uint32_t i = from; i < to; i++) {
        if (!(*mask >> i & 1))
            continue;
        last = i;
        if (rnd < set->v[i].weight)
            break;
        rnd -= set->v[i].weight;
    }
    *mask &= ~(1ULL << last);
    return last;
}

unsigned route_hops(const struct route *rt, const struct route_hops_param *p, struct route_hop *hop,
                    unsigned max)
{
    const struct target_set *set = targets_of(rt->trunk[p->trunk].state);
    uint64_t mask[4] = {0}, rnd = p->rnd;
    unsigned n = 0;
    _Static_assert(TARGETS_MAX <= 64, "a bit each");
    for (uint32_t i = 0; set && i < set->n; i++)
        mask[target_class(&set->v[i], p->now_ms)] |= 1ULL << i;
    for (unsigned k = 0; set && k < (p->last_resort ? 4 : 2); k++)
        for (uint32_t from = 0, to; from < set->n; from = to) {
            to = from + 1;
            while (to < set->n && set->v[to].priority == set->v[from].priority)
                to++;
            while (n < max && mask[k] << (64 - to) >> (64 - to) >> from) {
                const struct target *t = &set->v[hops_draw(set, &mask[k], from, to, rnd)];
                if (route_target_hop(rt, p->trunk, t, &hop[n]) == 0)
                    n++;
                rnd = mix_u64(rnd + n);
            }
        }
    return n;
}
