/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gauges of a leg in their order, and who is exempt.
 * Called by invite.c, hunt.c and snapshot.c. It decides nothing about where a call goes.
 */
#include "call/admit.h"

struct asks {
    struct cac_ask v[CAC_HOLDS_MAX];
    unsigned n;
};

static void ask(struct asks *a, struct cac_gauge *g, struct conf_limit limit)
{
    a->v[a->n++] = (struct cac_ask){g, limit};
}

/* Trunk, media, customer, groups; in and out legs of one media section count once. */
static void asks_of(struct asks *a, const struct leg *leg, uint32_t trunk)
{
    const struct calls *cs = leg->call->calls;
    const struct conf *conf = cs->view->conf;
    const struct conf_trunk *t = &conf->trunk.v[trunk];
    const struct leg_trunk *lt = &leg->trunk;
    const uint32_t *group;
    unsigned n = route_limited_groups(cs->view->route, trunk, &group);
    bool in = leg->is_in;

    a->n = 0;
    ask(a, in ? &lt->state->in : &lt->state->out, in ? t->limit_in : t->limit_out);
    if (lt->media && (in || lt->media != leg->call->in->trunk.media))
        ask(a, &lt->media->calls, (struct conf_limit){.calls = conf->media.v[t->media.id].calls});
    if (lt->customer && t->customer.id != CONF_NONE) {
        const struct conf_customer *k = &conf->customer.v[t->customer.id];

        ask(a, in ? &lt->customer->in : &lt->customer->out, in ? k->limit_in : k->limit_out);
    }
    for (unsigned i = 0; i < n; i++) {
        const struct conf_group *g = &conf->group.v[group[i]];
        struct group_state *gs = route_group_state(cs->view->route, group[i]);

        ask(a, in ? &gs->in : &gs->out, in ? g->limit_in : g->limit_out);
    }
}

/* @return 0; else seconds for Retry-After */
static unsigned leg_admit(struct leg *leg, uint32_t trunk, bool *too_fast)
{
    enum cac_verdict v;
    struct call *c = leg->call;
    const struct calls *cs = c->calls;
    uint64_t now_us = cs->clock->mono_ms * 1000;
    struct asks a;
    unsigned refused;

    asks_of(&a, leg, trunk);
    v = cac_take_all(&leg->hold, a.v, a.n, now_us, cs->worker, priority_is_exempt(c->klass),
                     &refused);
    *too_fast = v == CAC_FULL_CPS;
    if (v == CAC_OK)
        return 0;
    return cac_retry_after_s(a.v[refused].g, &a.v[refused].limit, now_us);
}

unsigned admit_in(struct call *c, uint32_t trunk)
{
    const struct calls *cs = c->calls;
    struct cac_ask node = {trunk_registry_node(cs->trunks), cs->view->conf->global.limit};
    uint64_t now_us = cs->clock->mono_ms * 1000;
    unsigned retry, refused;
    bool too_fast;

    if (cac_take_all(&c->hold, &node, 1, now_us, cs->worker, priority_is_exempt(c->klass),
                     &refused) != CAC_OK)
        return cac_retry_after_s(node.g, &node.limit, now_us);
    retry = leg_admit(c->in, trunk, &too_fast);
    if (retry)
        cac_undo(&c->hold, &node, cs->worker);
    return retry;
}

int admit_out(struct leg *out, uint32_t trunk)
{
    bool too_fast;
    unsigned retry = leg_admit(out, trunk, &too_fast);

    if (!retry)
        return 0;
    if (too_fast) /* when a call of a full trunk ends, nobody knows */
        admit_retry(out->call, retry);
    return TD_EFULL;
}

bool admit_is_barred(const struct trunk_state *ts, bool emergency)
{
    switch (atomic_load_explicit(&ts->admin, memory_order_relaxed)) {
    case TRUNK_DOWN: return true;
    case TRUNK_DRAIN: return !emergency;
    default: return false;
    }
}

void admit_retry(struct call *c, unsigned seconds)
{
    if (!c->retry_after_s || seconds < c->retry_after_s)
        c->retry_after_s = seconds ? seconds : 1;
}

void admit_groups(struct leg *leg, const struct call_view *view, uint32_t trunk)
{
    const uint32_t *group;
    unsigned n = route_limited_groups(view->route, trunk, &group);

    for (unsigned i = 0; i < n; i++)
        leg->trunk.group[i] = route_group_state(view->route, group[i]);
}

void admit_again(struct leg *leg)
{
    unsigned w = leg->call->calls->worker;
    const struct leg_trunk *t = &leg->trunk;

    cac_retake(&leg->hold, leg->is_in ? &t->state->in : &t->state->out, w);
    if (t->media && (leg->is_in || t->media != leg->call->in->trunk.media))
        cac_retake(&leg->hold, &t->media->calls, w);
    if (t->customer)
        cac_retake(&leg->hold, leg->is_in ? &t->customer->in : &t->customer->out, w);
    for (unsigned i = 0; i < CONF_TRUNK_GROUPS_MAX && t->group[i]; i++)
        cac_retake(&leg->hold, leg->is_in ? &t->group[i]->in : &t->group[i]->out, w);
}
