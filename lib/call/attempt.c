/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Breaker and quality of the trunk at hand: one entry and one end for each attempt.
 * Called by hunt.c and call.c. It chooses nothing and sends nothing.
 */
#include "call/admit.h"
#include "call/attempt.h"

static const struct conf_breaker *breaker_conf(const struct call *c, const struct trunk_state *ts)
{
    const struct call_view *view = c->calls->view;
    uint32_t trunk;

    if (route_trunk_of_slot(view->route, ts->slot, &trunk) < 0)
        return &conf_trunk_default()->breaker; /* off: a reload took the trunk away */
    return &view->conf->trunk.v[trunk].breaker;
}

static void breaker_left(const struct call *c, enum breaker_end end)
{
    const struct calls *cs = c->calls;
    const struct attempt *a = &c->setup->attempt;
    const struct conf_breaker *conf = breaker_conf(c, a->trunk);

    switch (breaker_leave(&a->trunk->breaker, conf, end, a->trial, cs->clock->mono_ms,
                          cs->clock->wall_ms)) {
    case BREAKER_SAME: return;
    case BREAKER_TRIPPED:
        stat_inc(cs->stats, STAT_breaker_tripped);
        log_ev(LOG_WARN, "breaker", "trunk=%s state=open percent=%u of=%u retry_s=%u",
               a->trunk->name, conf->trip_pct, conf->of, conf->retry_ms / 1000);
        return;
    case BREAKER_TRIPPED_AGAIN:
        stat_inc(cs->stats, STAT_breaker_retried);
        log_limited(LOG_WARN, "breaker", "trunk=%s state=open again=1 retry_s=%u", a->trunk->name,
                    conf->retry_ms / 1000);
        return;
    case BREAKER_MENDED:
        stat_inc(cs->stats, STAT_breaker_closed);
        log_ev(LOG_WARN, "breaker", "trunk=%s state=closed", a->trunk->name);
        return;
    }
}

int attempt_begin(struct call *c, const struct route_candidate *cand)
{
    const struct calls *cs = c->calls;
    struct trunk_state *ts = trunk_by_slot(cs->trunks, cand->slot);
    bool exempt = priority_is_exempt(c->klass);
    struct attempt *a = &c->setup->attempt;

    attempt_over(c);
    if (!ts)
        return -ENOENT;
    if (admit_is_barred(ts, exempt))
        return -EACCES;
    *a = (struct attempt){.trunk = ts, .key = cand->key, .started_ms = cs->clock->mono_ms};
    if (breaker_enter(&ts->breaker, breaker_conf(c, ts), a->started_ms, &a->trial) || exempt)
        return 0;
    a->trunk = NULL;
    stat_inc(cs->stats, STAT_breaker_refused);
    admit_retry(c, (breaker_wait_ms(&ts->breaker, breaker_conf(c, ts), cs->clock->mono_ms) + 999) /
                       1000);
    return -EBUSY;
}

void attempt_drop(struct call *c)
{
    if (!c->setup || !c->setup->attempt.trunk)
        return;
    breaker_left(c, BREAKER_NEITHER);
    c->setup->attempt.trunk = NULL;
}

/* The callee, not the network (ITU-T E.425): busy, no answer, absent, rejected. */
static bool is_user_side(const struct cause *cause)
{
    switch (cause->q850) {
    case 0: break;
    case 17:
    case 18:
    case 19:
    case 20:
    case 21:
    case 27: return true;
    default: break;
    }
    switch (cause->sip_code) {
    case 480: return cause->q850 == 0 || cause->q850 == 16 || cause->q850 == 31;
    case 486:
    case 488:
    case 600:
    case 603:
    case 606:
    case 607:
    case 608: return true;
    default: return false;
    }
}

/* Timeouts before it rings, no transport, and what `advance` names but 4xx, which is about the number that was called. */
static bool is_failure(const struct leg *out)
{
    const struct conf_trunk *t = out->trunk.conf;
    const struct cause *cause = &out->cause;

    if (out->timed_out)
        return !out->progress_ms;
    if (cause->where == CAUSE_HERE)
        return cause->sip_code == 503; /* it could not be sent */
    if (cause->q850 && t->advance.q850[cause->q850 / 64] >> cause->q850 % 64 & 1)
        return true;
    return cause->sip_code >= 500 && conf_advances(t, cause->sip_code, cause->q850);
}

/* 0: nothing was heard; within the same millisecond is 1. */
static uint32_t pdd_ms(const struct attempt *a, uint64_t heard_ms)
{
    uint64_t ms = heard_ms > a->started_ms ? heard_ms - a->started_ms : 1;

    if (!heard_ms)
        return 0;
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static void seized(const struct call *c, bool answered, bool user_side, uint64_t heard_ms)
{
    const struct attempt *a = &c->setup->attempt;

    quality_seized(trunk_registry_quality(c->calls->trunks), a->trunk->slot, a->key, answered,
                   user_side, pdd_ms(a, heard_ms), c->calls->clock->mono_ms);
}

/* One of its INVITEs has left: to an address before this one, or on this leg. */
static bool was_sent(const struct call *c)
{
    return c->setup->failover.next > 1 || (c->out && c->out->state != LEG_NEW);
}

void attempt_failed(struct leg *out)
{
    struct call *c = out->call;
    bool is_ours = out->cause.sip_code == 500 && out->cause.where == CAUSE_HERE;

    if (!c->setup || !c->setup->attempt.trunk)
        return;
    breaker_left(c, is_ours ? BREAKER_NEITHER : is_failure(out) ? BREAKER_FAILED : BREAKER_FINE);
    if (!is_ours || c->setup->failover.next > 1)
        seized(c, false, out->timed_out ? out->progress_ms != 0 : is_user_side(&out->cause),
               out->progress_ms);
    c->setup->attempt.trunk = NULL;
}

void attempt_answered(struct call *c)
{
    const struct leg *out = c->out;

    if (!c->setup || !c->setup->attempt.trunk)
        return;
    breaker_left(c, BREAKER_FINE);
    seized(c, true, false, out->progress_ms ? out->progress_ms : out->answered_ms);
    c->setup->attempt.trunk = NULL;
}

void attempt_over(struct call *c)
{
    if (!c->setup || !c->setup->attempt.trunk)
        return;
    breaker_left(c, BREAKER_NEITHER);
    if (c->out && was_sent(c)) /* who gives up while it rings has reached the callee */
        seized(c, false, c->out->progress_ms != 0, c->out->progress_ms);
    c->setup->attempt.trunk = NULL;
}

void attempt_ended(const struct call *c)
{
    uint64_t ms = c->ended_ms - c->answered_ms;

    if (c->out)
        quality_ended(trunk_registry_quality(c->calls->trunks), c->out->trunk.state->slot,
                      c->out->key, ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX,
                      c->calls->clock->mono_ms);
}
