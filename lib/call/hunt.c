/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of candidates of a call, walked once: admission at the out trunk, a peer, a leg, its media.
 * Nothing advances after an 18x with SDP was relayed: the caller has heard that carrier.
 */
#include "call/hunt.h"

#include "call/headers.h"
#include "call/offer.h"

#include <stdio.h>

static void hunt_note(struct call *c, const struct cause *cause)
{
    if (cause_is_better(cause, &c->best))
        c->best = *cause;
}

static void hunt_give_up(struct call *c)
{
    struct cause cause = c->best;

    if (cause.where == CAUSE_NOWHERE)
        cause = CAUSE_HERE_(503, 34, "no candidate left");
    leg_event(c->in, LEV_REJECT, &(struct leg_arg){.cause = &cause});
}

/* Counted at the trunk, its media and its customer; emergency is never refused. */
static int hunt_admit(struct call *c, struct leg *out, const struct conf_trunk *t)
{
    struct calls *cs = c->calls;
    const struct conf *conf = cs->view->conf;
    uint64_t now_us = cs->clock->mono_ms * 1000;
    bool exempt = priority_is_exempt(c->klass);

    if (cac_take(&out->hold, &out->trunk.state->out, &t->limit_out, now_us, cs->worker, exempt) !=
        CAC_OK)
        return TD_EFULL;
    if (out->trunk.media && out->trunk.media != c->in->trunk.media) {
        const struct conf_limit media = {.calls = conf->media.v[t->media.id].calls};

        if (cac_take(&out->hold, &out->trunk.media->calls, &media, now_us, cs->worker, exempt) !=
            CAC_OK) {
            cac_release(&out->hold, cs->worker);
            return TD_EFULL;
        }
    }
    if (out->trunk.customer && t->customer.id != CONF_NONE &&
        cac_take(&out->hold, &out->trunk.customer->out, &conf->customer.v[t->customer.id].limit_out,
                 now_us, cs->worker, exempt) != CAC_OK) {
        cac_release(&out->hold, cs->worker);
        return TD_EFULL;
    }
    return 0;
}

/* Our From, the carrier's To and Request-URI. */
static int hunt_dialog(struct call *c, struct leg *out, const struct route_candidate *cand)
{
    struct calls *cs = c->calls;
    char from[512], to[256], contact[128], call_id[IDENT_LEN], target[256];
    struct build bf, bt, bu;
    struct dialog_uac_param p = {.flow = out->flow, .cseq = 1};
    struct dialog *d;
    int rc;

    build_init(&bu, target, sizeof target);
    build_span(&bu, SPAN("sip:"));
    build_span(&bu, span_of(cand->called));
    build_char(&bu, '@');
    build_host_port(&bu, &out->flow.remote);
    headers_transport(&bu, &out->flow);
    build_init(&bt, to, sizeof to);
    build_span(&bt, SPAN("<sip:"));
    build_span(&bt, span_of(cand->called));
    build_char(&bt, '@');
    build_host(&bt, &out->flow.remote);
    build_char(&bt, '>');
    build_init(&bf, from, sizeof from);
    headers_from(&bf, c->setup->from_display, c->setup->from_user,
                 c->setup->anonymous ? SPAN("anonymous.invalid") : headers_host(cs, &out->flow));
    if (bu.overflow || bt.overflow || bf.overflow)
        return -ENOSPC;
    ident_seal(cs->ident, IDENT_CALLID, ident_next_serial(cs->ident), call_id);
    p.call_id = (struct span){call_id, IDENT_LEN};
    p.local = build_text(&bf);
    p.remote = build_text(&bt);
    p.target = build_text(&bu);
    p.contact = headers_our_contact(cs, &out->flow, contact);
    rc = dialog_new_uac(cs->dialogs, &p, &d);
    if (rc < 0)
        return rc;
    out->main = ldlg_new(out, d);
    if (!out->main) {
        dialog_free(d);
        return -ENOMEM;
    }
    return 0;
}

static int hunt_start(struct call *c, const struct route_candidate *cand)
{
    struct calls *cs = c->calls;
    const struct conf *conf = cs->view->conf;
    struct route_hop hop;
    struct flow flow;
    struct leg *out;
    uint32_t trunk, rnd;
    int rc;

    /* A reload may have come between two attempts: the slot is the trunk's name for good. */
    if (route_trunk_of_slot(cs->view->route, cand->slot, &trunk) < 0)
        return -ENOENT;
    rnd = (uint32_t)(hash_u64(c->id + c->attempts));
    rc = route_pick_peer(cs->view->route, trunk, rnd, &hop);
    if (rc < 0)
        return rc;
    out = leg_new(c, false);
    if (!out)
        return -ENOMEM;
    rc = leg_take_trunk(out, cs->view, trunk);
    if (rc < 0) {
        out->reported = true;
        out->state = LEG_DEAD; /* it knows no trunk yet */
        return rc;
    }
    flow = flow_to(&hop);
    leg_set_flow(out, &flow);
    snprintf(out->sent, sizeof out->sent, "%s", cand->called);
    rc = hunt_admit(c, out, &conf->trunk.v[trunk]);
    if (rc == 0)
        rc = hunt_dialog(c, out, cand);
    if (rc < 0) {
        leg_set_state(out, LEG_DEAD);
        out->reported = true; /* nothing was sent: no attempt */
        return rc;
    }
    out->attempt = ++c->attempts;
    c->out = c->last_out = out;
    atomic_fetch_add_explicit(&out->trunk.state->attempts_out, 1, memory_order_relaxed);
    stat_inc(cs->stats, STAT_hunt_attempts);
    return 0;
}

void hunt_next(struct call *c)
{
    struct setup *s = c->setup;

    for (struct ldlg *ld = c->in->dialogs; ld; ld = ld->next)
        ldlg_join(ld, NULL); /* nothing of the caller goes to the carrier that failed */
    c->out = NULL;
    while (s && s->next < s->n && (s->max_attempts == 0 || c->attempts < s->max_attempts)) {
        const struct route_candidate *cand = &s->candidate[s->next++];
        int rc = hunt_start(c, cand);

        if (rc == 0) {
            offer_prepare(c, c->out);
            return;
        }
        stat_inc(c->calls->stats, STAT_hunt_skipped);
        hunt_note(c, rc == TD_EFULL ? &CAUSE_HERE_(503, 34, "trunk full")
                                    : &CAUSE_HERE_(503, 38, "trunk unusable"));
    }
    hunt_give_up(c);
}

static bool hunt_may_advance(const struct leg *out)
{
    const struct conf_trunk t = {.advance = out->trunk.advance, .stop = out->trunk.stop};

    if (out->call->committed || out->call->state != CALL_SETUP)
        return false;
    if (out->timed_out)
        return out->trunk.advance.timeout;
    if (out->cause.where == CAUSE_HERE)
        return true; /* it could not be sent at all */
    return conf_advances(&t, out->cause.sip_code, out->cause.q850);
}

void hunt_failed(struct leg *out, const struct leg_arg *arg)
{
    struct call *c = out->call;

    (void)arg;
    hunt_note(c, &out->cause);
    atomic_fetch_add_explicit(&out->trunk.state->failed_out, 1, memory_order_relaxed);
    record_attempt(c, out);
    if (hunt_may_advance(out)) {
        stat_inc(c->calls->stats, STAT_hunt_advanced);
        hunt_next(c);
        return;
    }
    if (out->cause.where == CAUSE_OUT || !c->setup || c->setup->next < c->setup->n)
        c->best = out->cause; /* it stopped the hunt: this is what the caller is told */
    hunt_give_up(c);
}
