/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The list of candidates of a call, walked once: admission at the out trunk, its targets, a leg, its media.
 * Nothing advances after an 18x with SDP was relayed: the caller has heard that carrier.
 */
#include "call/hunt.h"

#include "call/admit.h"
#include "call/announce.h"
#include "call/attempt.h"
#include "call/bypass.h"
#include "call/codecs.h"
#include "call/crypto.h"
#include "call/failover.h"
#include "call/headers.h"
#include "call/identity.h"
#include "call/offer.h"
#include "call/party.h"
#include "call/rating.h"
#include "call/redirect.h"
#include "call/shown.h"
#include "sip/dns.h"

#include <stdio.h>

static void hunt_note(struct call *c, const struct cause *cause)
{
    if (cause_is_better(cause, &c->best))
        c->best = *cause;
}

static void hunt_give_up(struct call *c)
{
    struct cause cause = c->best;
    struct leg_arg arg = {0};

    if (cause.where == CAUSE_NOWHERE)
        cause = CAUSE_HERE_(503, 34, "no candidate left");
    arg.cause = &cause;
    if (!announce_reject(c, &arg))
        leg_event(c->in, LEV_REJECT, &arg);
}

/* 256: a display name is shown on a telephone; of a longer one nothing is told, the call goes on. */
#define DISPLAY_MAX 256

/* Texts of a dialog that is being made. */
struct hunt_texts {
    char from[512], to[512], contact[256], target[512], params[256];
};

/* ";tgrp=…;trunk-context=…" of the trunk (RFC 4904 §4), empty without one. */
static struct span hunt_tgrp(const struct conf_trunk *t, char *buf, size_t size)
{
    struct build b;

    build_init(&b, buf, size);
    if (t->tgrp) {
        build_span(&b, SPAN(";tgrp="));
        build_str(&b, t->tgrp);
    }
    if (t->tgrp && t->tgrp_context) {
        build_span(&b, SPAN(";trunk-context="));
        build_str(&b, t->tgrp_context);
    }
    return b.overflow ? SPAN_NONE : build_text(&b);
}

/* The called number as Request-URI (or To, without params): the carrier's host, its form of numbers. */
static void hunt_called(struct build *b, const struct leg *out, struct party_form f,
                        struct span params)
{
    struct party p;

    f.to = out->trunk.conf;
    party_of_number(&p, span_of(out->sent), params);
    party_write(b, &p, &f);
}

/* Who calls: nobody's name where Privacy asks for that (RFC 3323 §4.1.1.3). */
static int hunt_from(struct build *b, const struct leg *out, struct party *p)
{
    struct crossing x;
    struct name_addr na;

    headers_of_setup(&x, out->call->setup, out);
    x.host = headers_host(out->call->calls, &out->flow);
    if (name_addr_parse(x.from_raw, &na) < 0)
        return -EBADMSG;
    party_read(p, &na.parsed);
    if ((x.screened & SHOWN_FROM) && shown_instead(&x, p))
        na.display = SPAN_NONE;
    else
        shown_caller(&x, p);
    if (identity_hides_from(&x)) {
        *p = (struct party){.user = SPAN("anonymous"), .is_anonymous = true};
        na.display = SPAN("\"Anonymous\"");
    }
    if (!span_is_empty(na.display) && na.display.len <= DISPLAY_MAX) {
        build_safe(b, na.display);
        build_char(b, ' ');
    }
    build_char(b, '<');
    party_write(b, p, &(struct party_form){.to = out->trunk.conf, .host = x.host});
    build_char(b, '>');
    return 0;
}

/* Our address; with a trunk group it needs the caller's number to stand beside (RFC 4904 §5). */
static struct span hunt_contact(const struct leg *out, const struct party *caller,
                                struct span extra, char *buf, size_t size)
{
    const struct calls *cs = out->call->calls;
    struct span via = cs->transport->via(cs->transport, &out->flow), proto, host;
    struct build b;

    if (span_is_empty(extra) || !caller->number[0])
        return headers_our_contact(cs, &out->flow, buf);
    span_cut(via, ' ', &proto, &host);
    build_init(&b, buf, size);
    build_span(&b, SPAN("<sip:"));
    build_str(&b, caller->number);
    build_span(&b, extra);
    build_char(&b, '@');
    build_span(&b, host);
    headers_transport(&b, &out->flow);
    build_span(&b, SPAN(";user=phone>"));
    return b.overflow ? headers_our_contact(cs, &out->flow, buf) : build_text(&b);
}

/* Our From, the carrier's To and Request-URI. */
static int hunt_dialog(struct call *c, struct leg *out)
{
    struct calls *cs = c->calls;
    struct hunt_texts t;
    char call_id[IDENT_LEN], group[256], host[DNS_NAME_MAX], host_port[DNS_NAME_MAX + 24];
    struct span extra = hunt_tgrp(out->trunk.conf, group, sizeof group);
    struct build bf, bt, bu, bh, bp;
    struct dialog_uac_param p = {.flow = out->flow, .cseq = 1};
    struct party caller;
    struct dialog *d;
    int rc;

    build_init(&bh, host, sizeof host);
    failover_write_host(out, &bh, false);
    build_init(&bp, host_port, sizeof host_port);
    failover_write_host(out, &bp, true);
    headers_transport(&bp, &out->flow);
    build_init(&bu, t.target, sizeof t.target);
    hunt_called(&bu, out, (struct party_form){.host = build_text(&bp), .extra = extra},
                dip_params(c, c->setup->number_params, t.params, sizeof t.params));
    build_init(&bt, t.to, sizeof t.to);
    build_char(&bt, '<');
    hunt_called(&bt, out, (struct party_form){.host = build_text(&bh)}, SPAN_NONE);
    build_char(&bt, '>');
    build_init(&bf, t.from, sizeof t.from);
    rc = hunt_from(&bf, out, &caller);
    if (rc < 0 || bu.overflow || bt.overflow || bf.overflow)
        return rc < 0 ? rc : -ENOSPC;
    ident_seal(cs->ident, IDENT_CALLID, ident_next_serial(cs->ident), call_id);
    p.call_id = (struct span){call_id, IDENT_LEN};
    p.local = build_text(&bf);
    p.remote = build_text(&bt);
    p.target = build_text(&bu);
    p.contact = hunt_contact(out, &caller, extra, t.contact, sizeof t.contact);
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

/* `session;critical` wants the addresses of the media hidden: without a relay they are not (RFC 3323 §5.2). */
static bool hunt_keeps_privacy(const struct call *c, const struct leg *out)
{
    return !(c->in->trunk.media_none && out->trunk.media_none &&
             identity_needs_relay(c->setup->hdr, c->setup->n_hdrs));
}

/* An offer that its trunk's `srtp` does not let in was let in for a way around the relay: this carrier must be at its end. */
static bool hunt_keeps_srtp(const struct call *c, const struct leg *out)
{
    const struct conf_trunk *in = c->in->trunk.conf;

    return !in->bypass.n || crypto_fits(in, c->setup->body) ||
           bypass_is(bypass_of(c->in, out, c->setup->body));
}

/* The INVITE of the candidate at hand to the next of its targets. prev: the leg to another target of it, NULL: it is the first. */
static int hunt_leg(struct call *c, struct leg *prev)
{
    struct calls *cs = c->calls;
    struct failover *fo = &c->setup->failover;
    const struct route_candidate *cand = fo->candidate;
    struct flow flow;
    struct leg *out;
    uint32_t trunk;
    int rc;

    /* A reload may have come between two attempts: the slot is the trunk's name for good. */
    if (route_trunk_of_slot(cs->view->route, cand->slot, &trunk) < 0)
        return -ENOENT;
    out = leg_new(c, false);
    if (!out)
        return -ENOMEM;
    rc = leg_take_trunk(out, cs->view, trunk);
    if (rc < 0) {
        out->reported = true;
        out->state = LEG_DEAD; /* it knows no trunk yet */
        return rc;
    }
    flow = flow_to(&fo->hop[fo->next++]);
    leg_set_flow(out, &flow);
    snprintf(out->sent, sizeof out->sent, "%s", cand->called);
    out->key = cand->key;
    if (c->setup->gen)
        out->rating = rating_of_candidate(cs->blocks, c->setup->gen->conf, cand);
    if (prev)
        failover_limits_move(fo, prev, out);
    else
        rc = admit_out(out, trunk);
    if (!prev && rc == 0)
        fo->limits = out->hold;
    if (rc == 0 && !hunt_keeps_privacy(c, out))
        rc = -EPERM;
    if (rc == 0 && !hunt_keeps_srtp(c, out))
        rc = -ENOKEY;
    if (rc == 0)
        rc = codecs_check(c->in->trunk.conf, out->trunk.conf, c->setup->body);
    if (rc == 0)
        rc = hunt_dialog(c, out);
    if (rc < 0) {
        leg_set_state(out, LEG_DEAD);
        out->reported = true; /* nothing was sent: no attempt */
        return rc;
    }
    out->attempt = ++c->attempts;
    c->out = c->last_out = out;
    stat_inc(cs->stats, STAT_hunt_attempts);
    return 0;
}

static int hunt_start(struct call *c, const struct route_candidate *cand, const struct addr *only)
{
    int rc = attempt_begin(c, cand);

    if (rc == 0)
        rc = failover_begin(c, cand, only);
    if (rc == 0)
        rc = hunt_leg(c, NULL);
    if (rc < 0) {
        attempt_drop(c);
        return rc;
    }
    if (!only) /* contacts of a 3xx have a bound of their own */
        c->setup->tried++;
    atomic_fetch_add_explicit(&c->out->trunk.state->attempts_out, 1, memory_order_relaxed);
    return 0;
}

/* Nothing of the caller goes to the carrier that failed; the dialogs that were shown of it end (RFC 6228). */
static void hunt_leave(struct call *c)
{
    for (struct ldlg *ld = c->in->dialogs, *next; ld; ld = next) {
        next = ld->next;
        ldlg_join(ld, NULL);
        leg_in_199(ld, c->best.sip_code ? c->best.sip_code : 503);
        if (ld->over && ld != c->in->main)
            leg_drop_dialog(c->in, ld);
    }
    c->out = NULL;
}

/* `within D` of the route line: whoever still waits is told now. A call for help is tried to the last. */
static bool hunt_is_late(const struct call *c)
{
    const struct setup *s = c->setup;

    return s->deadline_ms && c->calls->clock->mono_ms >= s->deadline_ms &&
           !priority_is_exempt(c->klass);
}

/* Why a candidate was passed over: what the caller is told if nobody is left. */
static void hunt_skip(struct call *c, int rc)
{
    stat_inc(c->calls->stats, STAT_hunt_skipped);
    switch (rc) {
    case TD_EFULL: hunt_note(c, &CAUSE_HERE_(503, 34, "trunk full")); return;
    case -EPERM: hunt_note(c, &CAUSE_HERE_(500, 63, "privacy cannot be kept")); return;
    case -ENOKEY:
        stat_inc(c->calls->stats, STAT_calls_no_srtp);
        hunt_note(c, &CAUSE_HERE_(488, 65, crypto_reason));
        return;
    case -ENOTSUP:
        stat_inc(c->calls->stats, STAT_hunt_no_codec);
        hunt_note(c, &CAUSE_HERE_(488, 65, codecs_reason));
        return;
    case -EACCES: hunt_note(c, &CAUSE_HERE_(503, 38, "trunk drained or down")); return;
    case -EBUSY: hunt_note(c, &CAUSE_HERE_(503, 41, "breaker open")); return;
    default: hunt_note(c, &CAUSE_HERE_(503, 38, "trunk unusable")); return;
    }
}

/* Who is next: where a 3xx leads, then the candidates of the route. */
static bool hunt_pick(struct setup *s, const struct route_candidate **cand,
                      const struct addr **only)
{
    *only = NULL;
    if (s->next_redirect < s->n_redirects) {
        const struct redirect *rd = &s->redirect[s->next_redirect++];

        *cand = &rd->candidate;
        *only = &rd->only;
        return true;
    }
    if (s->next >= s->n || (s->max_attempts && s->tried >= s->max_attempts))
        return false;
    *cand = &s->candidate[s->next++];
    return true;
}

void hunt_next(struct call *c)
{
    struct setup *s = c->setup;
    const struct route_candidate *cand;
    const struct addr *only;

    hunt_leave(c);
    while (s && !hunt_is_late(c) && hunt_pick(s, &cand, &only)) {
        int rc = hunt_start(c, cand, only);

        if (rc == 0) {
            offer_prepare(c, c->out);
            return;
        }
        hunt_skip(c, rc);
    }
    if (s && s->next < s->n && hunt_is_late(c))
        stat_inc(c->calls->stats, STAT_hunt_late);
    hunt_give_up(c);
}

static bool hunt_may_advance(const struct leg *out)
{
    const struct conf_trunk *t = out->trunk.conf;

    if (out->call->committed || out->call->state != CALL_SETUP)
        return false;
    if (out->timed_out)
        return t->advance.timeout;
    if (out->cause.where == CAUSE_HERE)
        return true; /* it could not be sent at all */
    return conf_advances(t, out->cause.sip_code, out->cause.q850);
}

/* Another address of the same carrier (RFC 3263 §4.3). @return false: there is none, or it is not to be tried */
static bool hunt_next_target(struct call *c, struct leg *failed)
{
    if (!failover_may(failed) || hunt_is_late(c))
        return false;
    hunt_leave(c);
    while (c->setup->failover.next < c->setup->failover.n)
        if (hunt_leg(c, failed) == 0) {
            stat_inc(c->calls->stats, STAT_hunt_targets);
            offer_prepare(c, c->out);
            return true;
        }
    c->out = failed;
    return false;
}

/* A 3xx, by the trunk's `redirect`. @return false: it is a failure like others */
static bool hunt_redirected(struct call *c, struct leg *out, const struct msg *m)
{
    char contacts[2048];
    struct leg_arg told = {.cause = &out->cause};

    if (!m || !redirect_is_one(out, m))
        return false;
    if (out->trunk.conf->redirect == CONF_REDIRECT_PASS) {
        told.contacts = redirect_contacts(out, m, contacts, sizeof contacts);
        if (span_is_empty(told.contacts))
            return false;
        leg_event(c->in, LEV_REJECT, &told);
        return true;
    }
    if (!redirect_follow(out, m))
        return false;
    hunt_next(c);
    return true;
}

void hunt_failed(struct leg *out, const struct leg_arg *arg)
{
    struct call *c = out->call;

    failover_note(out, arg ? arg->msg : NULL);
    hunt_note(c, &out->cause);
    record_attempt(c, out);
    if (hunt_next_target(c, out))
        return;
    attempt_failed(out);
    atomic_fetch_add_explicit(&out->trunk.state->failed_out, 1, memory_order_relaxed);
    if (hunt_redirected(c, out, arg ? arg->msg : NULL))
        return;
    if (hunt_may_advance(out)) {
        stat_inc(c->calls->stats, STAT_hunt_advanced);
        hunt_next(c);
        return;
    }
    if (out->cause.where == CAUSE_OUT || !c->setup || c->setup->next < c->setup->n)
        c->best = out->cause; /* it stopped the hunt: this is what the caller is told */
    hunt_give_up(c);
}
