/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The gauges of a leg in their order, and who is exempt.
 * Called by invite.c, hunt.c and snapshot.c. It decides nothing about where a call goes.
 */
#include "call/admit.h"

enum owner { OF_NODE, OF_TRUNK, OF_MEDIA, OF_CUSTOMER, OF_GROUP };

struct asks {
    struct cac_ask v[CAC_HOLDS_MAX];
    uint8_t owner[CAC_HOLDS_MAX];
    unsigned n;
};

/* Which limit it was: in the record and the log, where somebody will ask. */
static const char *why_refused(enum owner owner, enum cac_verdict v)
{
    static const char *const calls[] = {
        [OF_NODE] = "limit reached: calls of the node",
        [OF_TRUNK] = "limit reached: calls of the trunk",
        [OF_MEDIA] = "limit reached: calls of its media section",
        [OF_CUSTOMER] = "limit reached: calls of the customer",
        [OF_GROUP] = "limit reached: calls of a group",
    };
    static const char *const cps[] = {
        [OF_NODE] = "limit reached: cps of the node",
        [OF_TRUNK] = "limit reached: cps of the trunk",
        [OF_MEDIA] = "limit reached: cps of its media section",
        [OF_CUSTOMER] = "limit reached: cps of the customer",
        [OF_GROUP] = "limit reached: cps of a group",
    };

    return (v == CAC_FULL_CPS ? cps : calls)[owner];
}

static void ask(struct asks *a, enum owner owner, struct cac_gauge *g, struct conf_limit limit)
{
    a->owner[a->n] = (uint8_t)owner;
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
    ask(a, OF_TRUNK, in ? &lt->state->in : &lt->state->out, in ? t->limit_in : t->limit_out);
    if (lt->media && (in || lt->media != leg->call->in->trunk.media))
        ask(a, OF_MEDIA, &lt->media->calls,
            (struct conf_limit){.calls = conf->media.v[t->media.id].calls});
    if (lt->customer && t->customer.id != CONF_NONE) {
        const struct conf_customer *k = &conf->customer.v[t->customer.id];

        ask(a, OF_CUSTOMER, in ? &lt->customer->in : &lt->customer->out,
            in ? k->limit_in : k->limit_out);
    }
    for (unsigned i = 0; i < n; i++) {
        const struct conf_group *g = &conf->group.v[group[i]];
        struct group_state *gs = route_group_state(cs->view->route, group[i]);

        ask(a, OF_GROUP, in ? &gs->in : &gs->out, in ? g->limit_in : g->limit_out);
    }
}

struct refused_by {
    enum cac_verdict verdict;
    const char *why;
};

/* @return 0; else seconds for Retry-After */
static unsigned leg_admit(struct leg *leg, uint32_t trunk, struct refused_by *by)
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
    if (v == CAC_OK)
        return 0;
    *by = (struct refused_by){v, why_refused((enum owner)a.owner[refused], v)};
    return cac_retry_after_s(a.v[refused].g, &a.v[refused].limit, now_us);
}

unsigned admit_in(struct call *c, uint32_t trunk, const char **why)
{
    const struct calls *cs = c->calls;
    struct cac_ask node = {trunk_registry_node(cs->trunks), cs->view->conf->global.limit};
    uint64_t now_us = cs->clock->mono_ms * 1000;
    unsigned retry, refused;
    struct refused_by by = {CAC_OK, NULL};

    by.verdict = cac_take_all(&c->hold, &node, 1, now_us, cs->worker, priority_is_exempt(c->klass),
                              &refused);
    if (by.verdict != CAC_OK) {
        *why = why_refused(OF_NODE, by.verdict);
        return cac_retry_after_s(node.g, &node.limit, now_us);
    }
    retry = leg_admit(c->in, trunk, &by);
    if (retry) {
        cac_undo(&c->hold, &node, cs->worker);
        *why = by.why;
    }
    return retry;
}

int admit_out(struct leg *out, uint32_t trunk)
{
    struct refused_by by;
    unsigned retry = leg_admit(out, trunk, &by);

    if (!retry)
        return 0;
    if (by.verdict == CAC_FULL_CPS) /* when a call of a full trunk ends, nobody knows */
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
