/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets of the trunk at hand: their order for this attempt, whether the next one is tried, marks of Retry-After.
 * Called by hunt.c. It holds no pointer into a target set: targets are known by address and transport.
 */
#include "call/failover.h"

/* The targets at that host, all its ports and transports unless one port is given. */
static unsigned hops_at(const struct route *rt, const struct route_hops_param *p,
                        const struct addr *only, struct route_hop hop[ROUTE_HOPS_MAX])
{
    const struct target_set *set = targets_of(route_trunk_state(rt, p->trunk));
    unsigned n = 0;

    for (uint32_t i = 0; set && i < set->n && n < ROUTE_HOPS_MAX; i++) {
        const struct target *t = &set->v[i];

        if (addr_ip_eq(&t->addr, only) && (only->port == 0 || only->port == t->addr.port) &&
            (p->last_resort || target_is_usable(t, p->now_ms)) &&
            route_target_hop(rt, p->trunk, t, &hop[n]) == 0)
            n++;
    }
    return n;
}

int failover_begin(struct call *c, const struct route_candidate *cand, const struct addr *only)
{
    const struct calls *cs = c->calls;
    struct failover *fo = &c->setup->failover;
    struct route_hops_param p = {
        .rnd = (uint32_t)hash_u64(c->id + c->attempts),
        .now_ms = cs->clock->mono_ms,
        .last_resort = priority_is_exempt(c->klass),
    };

    if (route_trunk_of_slot(cs->view->route, cand->slot, &p.trunk) < 0)
        return -ENOENT;
    fo->candidate = cand;
    fo->next = 0;
    fo->n = (uint8_t)(only && addr_is_set(only)
                          ? hops_at(cs->view->route, &p, only, fo->hop)
                          : route_hops(cs->view->route, &p, fo->hop, ROUTE_HOPS_MAX));
    return fo->n ? 0 : -EHOSTUNREACH;
}

bool failover_may(const struct leg *out)
{
    const struct call *c = out->call;

    if (c->committed || c->state != CALL_SETUP || !c->setup || out->progress_ms)
        return false;
    if (out->timed_out)
        return !out->progress_seen; /* a 100 shows that it is there */
    return out->cause.sip_code == 503;
}

uint32_t failover_retry_after(struct span value)
{
    uint32_t s = 0;
    size_t n = 0;

    value = span_trim(value);
    while (n < value.len && value.p[n] >= '0' && value.p[n] <= '9')
        n++;
    if (n < value.len && !strchr(" \t(;", value.p[n]))
        return 0;
    value.len = n;
    if (n > 9)
        return TARGET_BUSY_MAX_MS / 1000; /* however long: it is cut there */
    return span_u32(value, UINT32_MAX, &s) < 0 ? 0 : s;
}

void failover_note(struct leg *out, const struct msg *m)
{
    struct calls *cs = out->call->calls;
    const struct target *t;
    uint32_t s;

    if (!m && failover_may(out)) { /* nothing came from there, or nothing went */
        t = target_find(targets_of(out->trunk.state), &out->flow.remote, out->flow.proto);
        if (t)
            target_silent(t, cs->clock->mono_ms);
    }
    if (!m || m->status != 503)
        return;
    s = failover_retry_after(msg_value(m, HDR_RETRY_AFTER));
    t = s ? target_find(targets_of(out->trunk.state), &out->flow.remote, out->flow.proto) : NULL;
    if (!t)
        return;
    target_busy(t, cs->clock->mono_ms, s);
    stat_inc(cs->stats, STAT_targets_busy);
    log_limited(LOG_WARN, "retry_after", "trunk=%s transport=%s seconds=%u", out->trunk.state->name,
                proto_name(out->flow.proto), s);
}

void failover_write_host(const struct leg *out, struct build *b, bool port)
{
    const struct target *t =
        target_find(targets_of(out->trunk.state), &out->flow.remote, out->flow.proto);

    if (!t || !t->host) {
        if (port)
            build_host_port(b, &out->flow.remote);
        else
            build_host(b, &out->flow.remote);
        return;
    }
    build_str(b, t->host);
    if (port && t->uri_port) {
        build_char(b, ':');
        build_u64(b, t->uri_port);
    }
}

void failover_limits_move(const struct failover *fo, struct leg *failed, struct leg *next)
{
    if (failed->hold.n) { /* it is being cancelled */
        next->hold = failed->hold;
        failed->hold.n = 0;
        return;
    }
    for (unsigned i = 0; i < fo->limits.n; i++)
        cac_retake(&next->hold, fo->limits.gauge[i], next->call->calls->worker);
}
