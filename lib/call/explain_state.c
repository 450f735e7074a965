/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The live state that a question is asked against: mirrored into the dry run, and written down for the operator.
 * explain.c calls it on the control thread; what it reads are atomics, what it writes is private.
 */
#include "call/explain_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- mirror ------------------------------------------------------------------------------------------------------ */

static void gauge_copy(struct cac_gauge *to, const struct cac_gauge *from)
{
    atomic_store(&to->calls, atomic_load(&from->calls));
    atomic_store(&to->next_ns, atomic_load(&from->next_ns));
}

/* Filled to the limit, as an assumption wants it. */
static void gauge_fill(struct cac_gauge *g, const struct conf_limit *l, uint64_t now_ms)
{
    if (l->calls)
        atomic_store(&g->calls, l->calls);
    else if (l->cps)
        atomic_store(&g->next_ns, (now_ms + 3600000U) * 1000000U); /* an hour from here */
}

static void gauge_clear(struct cac_gauge *g)
{
    atomic_store(&g->calls, 0);
    atomic_store(&g->next_ns, 0);
}

/* The targets of the live trunk, with their health. */
static void mirror_targets(struct explain *e, uint32_t trunk)
{
    struct trunk_state *ts = route_trunk_state(explain_dry_route(e->dry), trunk);
    const struct target_set *from = targets_of(route_trunk_state(e->p->route, trunk)), *to;
    struct target_record v[TARGETS_MAX];
    unsigned n = 0;

    for (uint32_t i = 0; from && i < from->n && n < TARGETS_MAX; i++)
        v[n++] = (struct target_record){.addr = from->v[i].addr,
                                        .proto = from->v[i].proto,
                                        .listener = from->v[i].listener,
                                        .priority = from->v[i].priority,
                                        .weight = from->v[i].weight,
                                        .host = from->v[i].host,
                                        .uri_port = from->v[i].uri_port};
    if (targets_publish(explain_dry_registry(e->dry), ts, v, n) < 0)
        return;
    to = targets_of(ts);
    for (uint32_t i = 0; from && to && i < from->n; i++) {
        const struct target *t = target_find(to, &from->v[i].addr, from->v[i].proto);
        const struct target_health *h = from->v[i].health;

        if (!t)
            continue;
        atomic_store(&t->health->down, atomic_load(&h->down));
        atomic_store(&t->health->busy_until_ms, atomic_load(&h->busy_until_ms));
        atomic_store(&t->health->silent_until_ms, atomic_load(&h->silent_until_ms));
    }
}

static void mirror_groups(struct explain *e)
{
    for (uint32_t i = 0; i < e->conf->group.n; i++) {
        const char *name = e->conf->group.v[i].name;
        struct group_state *to = trunk_registry_group(explain_dry_registry(e->dry), name);
        const struct group_state *from = trunk_registry_find_group(e->p->reg, name);

        if (!to)
            continue;
        gauge_clear(&to->in);
        gauge_clear(&to->out);
        if (from && !e->is_free) {
            gauge_copy(&to->in, &from->in);
            gauge_copy(&to->out, &from->out);
        }
    }
}

static bool is_assumed(const bool *list, uint32_t trunk)
{
    return list && list[trunk];
}

static uint8_t mirrored_admin(const struct explain *e, uint32_t trunk)
{
    if (is_assumed(e->ask->down, trunk))
        return TRUNK_DOWN;
    if (is_assumed(e->ask->drained, trunk))
        return TRUNK_DRAIN;
    return atomic_load(&route_trunk_state(e->p->route, trunk)->admin);
}

void explain_mirror(struct explain *e, uint32_t trunk, bool is_in)
{
    const struct route *live = e->p->route, *dry = explain_dry_route(e->dry);
    const struct conf_trunk *t = &e->conf->trunk.v[trunk];
    struct trunk_state *to = route_trunk_state(dry, trunk);
    const struct trunk_state *from = route_trunk_state(live, trunk);
    struct customer_state *ct = route_customer_state(dry, trunk),
                          *cf = route_customer_state(live, trunk);
    struct media_state *mt = route_media_state(dry, trunk), *mf = route_media_state(live, trunk);

    if (!is_in)
        mirror_targets(e, trunk);
    if (is_in)
        mirror_groups(e);
    memset(&to->breaker, 0, sizeof to->breaker); /* the runs before have failed it */
    atomic_store(&to->admin, e->is_free ? TRUNK_UP : mirrored_admin(e, trunk));
    if (e->is_free) {
        gauge_clear(is_in ? &to->in : &to->out);
        if (ct)
            gauge_clear(is_in ? &ct->in : &ct->out);
        if (mt)
            gauge_clear(&mt->calls);
        gauge_clear(trunk_registry_node(explain_dry_registry(e->dry)));
        return;
    }
    gauge_copy(trunk_registry_node(explain_dry_registry(e->dry)), trunk_registry_node(e->p->reg));
    gauge_copy(is_in ? &to->in : &to->out, is_in ? &from->in : &from->out);
    if (ct && cf)
        gauge_copy(is_in ? &ct->in : &ct->out, is_in ? &cf->in : &cf->out);
    if (mt && mf)
        gauge_copy(&mt->calls, &mf->calls);
    if (is_assumed(e->ask->full, trunk))
        gauge_fill(is_in ? &to->in : &to->out, is_in ? &t->limit_in : &t->limit_out, e->p->now_ms);
}

bool explain_mirror_word(struct explain *e)
{
    struct trunk_state *to = route_trunk_state(explain_dry_route(e->dry), e->trunk);
    uint8_t admin = e->is_free ? TRUNK_UP : mirrored_admin(e, e->trunk);

    atomic_store(&to->admin, admin);
    return admin != TRUNK_UP;
}

/* ---- for the operator -------------------------------------------------------------------------------------------- */

/* How many tokens of the bucket are spent: what `burst` is about. */
static uint64_t bucket_used(const struct cac_gauge *g, const struct conf_limit *l, uint64_t now_ms)
{
    uint64_t next = atomic_load(&g->next_ns), now = now_ms * 1000000U;

    if (!l->cps || next <= now)
        return 0;
    return ((next - now) * l->cps + 999999999U) / 1000000000U;
}

static void put_limit(const struct explain *e, json_t *list, const char *what, const char *name,
                      const struct cac_gauge *g, const struct conf_limit *l)
{
    uint64_t used = bucket_used(g, l, e->p->now_ms);
    uint32_t calls = atomic_load(&g->calls);
    json_t *o;

    if (!l->calls && !l->cps)
        return;
    o = json_pack("{s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:b}", "what", what, "name", name, "calls",
                  (json_int_t)calls, "limit", (json_int_t)l->calls, "cps", (json_int_t)l->cps,
                  "burst", (json_int_t)l->burst, "burst_used", (json_int_t)used, "full",
                  (l->calls && calls >= l->calls) || (l->cps && used >= (l->burst ? l->burst : 1)));
    if (!o)
        return;
    explain_put_loc(o, e->conf, &l->loc);
    json_array_append_new(list, o);
}

static bool group_has(const struct conf_group *g, uint32_t trunk)
{
    for (uint32_t i = 0; i < g->member.n; i++)
        if (g->member.v[i].ref.id == trunk)
            return true;
    return false;
}

/* Read from the dry run's gauges, which are the live ones and what is supposed. */
json_t *explain_limits(const struct explain *e, uint32_t trunk, bool is_in)
{
    const struct route *rt = explain_dry_route(e->dry);
    const struct conf *conf = e->conf;
    const struct conf_trunk *t = &conf->trunk.v[trunk];
    struct trunk_registry *reg = explain_dry_registry(e->dry);
    struct trunk_state *ts = route_trunk_state(rt, trunk);
    struct customer_state *cs = route_customer_state(rt, trunk);
    struct media_state *ms = route_media_state(rt, trunk);
    json_t *list = json_array();

    if (is_in)
        put_limit(e, list, "node", conf->global.node, trunk_registry_node(reg),
                  &conf->global.limit);
    put_limit(e, list, "trunk", t->name, is_in ? &ts->in : &ts->out,
              is_in ? &t->limit_in : &t->limit_out);
    if (ms && is_in) {
        const struct conf_media *m = &conf->media.v[t->media.id];
        const struct conf_limit l = {.calls = m->calls, .loc = m->calls_loc};

        put_limit(e, list, "media", m->name, &ms->calls, &l);
    }
    if (cs) {
        const struct conf_customer *c = &conf->customer.v[t->customer.id];

        put_limit(e, list, "customer", c->name, is_in ? &cs->in : &cs->out,
                  is_in ? &c->limit_in : &c->limit_out);
    }
    for (uint32_t i = 0; i < conf->group.n; i++) {
        const struct conf_group *g = &conf->group.v[i];
        struct group_state *gs =
            group_has(g, trunk) ? trunk_registry_find_group(reg, g->name) : NULL;

        if (gs)
            put_limit(e, list, "group", g->name, is_in ? &gs->in : &gs->out,
                      is_in ? &g->limit_in : &g->limit_out);
    }
    return list;
}

static const char *health_name(const struct target *t, uint64_t now_ms)
{
    if (!target_is_usable(t, 0))
        return "down";
    if (!target_is_usable(t, now_ms))
        return "busy";
    return target_is_silent(t, now_ms) ? "silent" : "up";
}

json_t *explain_targets(const struct explain *e, uint32_t trunk)
{
    const struct target_set *set = targets_of(route_trunk_state(e->p->route, trunk));
    json_t *list = json_array();

    for (uint32_t i = 0; set && i < set->n; i++) {
        const struct target *t = &set->v[i];
        char text[ADDR_STRLEN];
        uint64_t sum = 0;

        for (uint32_t k = 0; k < set->n; k++)
            sum += set->v[k].priority == t->priority ? set->v[k].weight : 0;
        json_array_append_new(
            list, json_pack("{s:s,s:s,s:s,s:I,s:I,s:s}", "address", addr_str(&t->addr, text),
                            "transport", proto_name(t->proto), "host", t->host ? t->host : "",
                            "priority", (json_int_t)(t->priority >> 32), "share",
                            (json_int_t)(sum ? (t->weight * 100ULL + sum / 2) / sum : 0), "state",
                            health_name(t, e->p->now_ms)));
    }
    return list;
}

/* ---- files only -------------------------------------------------------------------------------------------------- */

/* An address that stands for a name nobody has looked up: of the trunk's own family, of no network (RFC 1122 §3.2.1.3). */
static bool stand_in(const struct route *rt, uint32_t trunk, unsigned nth, struct target_record *r,
                     bool any_proto)
{
    for (uint8_t family = 4; family <= 6; family = (uint8_t)(family + 2))
        for (uint8_t proto = 0; proto < PROTO_N; proto++) {
            struct target t = {.addr = {.family = family}, .proto = proto, .listener = UINT16_MAX};
            struct route_hop hop;

            if (!any_proto && proto != r->proto)
                continue;
            t.addr.ip[family == 6 ? 15 : 3] = (uint8_t)(nth + 1);
            t.addr.port = r->uri_port ? r->uri_port : proto == PROTO_TLS ? 5061 : 5060;
            if (route_target_hop(rt, trunk, &t, &hop) < 0)
                continue;
            r->addr = t.addr;
            r->proto = proto;
            return true;
        }
    return false;
}

static const char *domain_of(const char *host)
{
    for (unsigned i = 0; i < 2 && host[0] == '_' && strchr(host, '.'); i++)
        host = strchr(host, '.') + 1;
    return host;
}

int explain_locate(const struct route *route, struct trunk_registry *reg)
{
    const struct conf *conf = route_conf(route);

    for (uint32_t i = 0; i < conf->trunk.n; i++) {
        const struct conf_trunk *t = &conf->trunk.v[i];
        struct target_record v[CONF_PEERS_MAX];
        unsigned n = 0;

        for (uint32_t k = 0; k < t->peer.n && n < CONF_PEERS_MAX; k++) {
            const struct conf_peer *p = &t->peer.v[k];
            struct target_record r = {.addr = p->addr,
                                      .proto = p->transport,
                                      .listener = UINT16_MAX,
                                      .priority = (uint64_t)p->priority << 32,
                                      .weight = p->weight};
            bool by_name = p->lookup != CONF_LOOKUP_NONE;

            if (p->lookup == CONF_LOOKUP_HOST)
                r.uri_port = p->addr.port;
            if (p->host)
                r.host = domain_of(p->host);
            else if (by_name)
                r.host = "registered.invalid";
            if (!by_name ||
                stand_in(route, i, n, &r,
                         p->lookup == CONF_LOOKUP_NAPTR || p->lookup == CONF_LOOKUP_REGISTERED))
                v[n++] = r;
        }
        if (targets_publish(reg, route_trunk_state(route, i), v, n) < 0)
            return -ENOMEM;
    }
    return 0;
}
