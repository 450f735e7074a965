/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls: making, joining, ending and freeing; what they hold of the shared state is given back here and nowhere else.
 * stack.c owns the table; legs, hunt and offer come here for life and death. It reads no message.
 */
#include "call/digits.h"
#include "call/announce.h"
#include "call/admit.h"
#include "call/attempt.h"
#include "call/bypass.h"
#include "call/header_rules.h"
#include "call/headers.h"
#include "call/journal.h"
#include "call/model.h"
#include "call/offer.h"
#include "call/own.h"
#include "call/pass.h"
#include "call/rating.h"
#include "call/register.h"
#include "call/refresh.h"
#include "call/crypto.h"
#include "call/lite.h"
#include "call/terms.h"
#include "call/transfer.h"
#include "call/session.h"
#include "call/rel100.h"

#include <stdio.h>

/* ---- making ------------------------------------------------------------------------------------------------------ */

struct call *call_alloc(struct calls *cs, uint64_t id)
{
    struct call *c = pool_get(&cs->call_pool);

    if (!c)
        return NULL;
    c->calls = cs;
    c->id = id;
    htab_add(&cs->by_id, &c->node, hash_u64(c->id));
    return c;
}

struct call *call_new(struct calls *cs)
{
    uint64_t id = cs->media ? media_session_new(cs->media) : ident_next_serial(cs->ident);
    struct call *c = call_alloc(cs, id);

    if (!c)
        return NULL;
    c->born = cs->worker;
    ident_uuid(c->uuid);
    c->generation = cs->view->generation;
    c->started_ms = cs->clock->mono_ms;
    c->started_wall_ms = cs->clock->wall_ms;
    return c;
}

struct leg *leg_new(struct call *c, bool is_in)
{
    struct calls *cs = c->calls;
    struct leg *leg = pool_get(&cs->leg_pool);

    if (!leg)
        return NULL;
    leg->call = c;
    leg->is_in = is_in;
    leg->trunk.conf = conf_trunk_default();
    leg->started_ms = cs->clock->mono_ms;
    if (!is_in) {
        leg->next = c->outs;
        c->outs = leg;
    }
    stat_inc(cs->stats, STAT_legs_started);
    return leg;
}

struct ldlg *ldlg_new(struct leg *leg, struct dialog *d)
{
    struct ldlg *ld = pool_get(&leg->call->calls->ldlg_pool);

    if (!ld)
        return NULL;
    ld->leg = leg;
    ld->d = d;
    d->leg = ld;
    ident_random(&ld->oa.o_id, sizeof ld->oa.o_id);
    ld->oa.o_id >>=
        2; /* 62 bits: some parsers read it as a signed number (RFC 8866 §5.2 asks for decimal only) */
    ld->next = leg->dialogs;
    leg->dialogs = ld;
    return ld;
}

void ldlg_join(struct ldlg *a, struct ldlg *b)
{
    if (a->peer)
        a->peer->peer = NULL;
    if (b && b->peer)
        b->peer->peer = NULL;
    a->peer = b;
    if (b)
        b->peer = a;
    call_changed(a->leg->call);
}

void ldlg_free(struct calls *cs, struct ldlg *ld)
{
    ldlg_join(ld, NULL);
    offer_forget(ld);
    rel100_free(ld);
    dialog_free(ld->d);
    pool_put(&cs->ldlg_pool, ld);
}

void leg_drop_dialog(struct leg *leg, struct ldlg *ld)
{
    for (struct ldlg **pp = &leg->dialogs; *pp; pp = &(*pp)->next)
        if (*pp == ld) {
            pass_drop_dialog(ld);
            own_drop_dialog(ld);
            *pp = ld->next;
            ldlg_free(leg->call->calls, ld);
            return;
        }
}

void leg_learn(struct leg *leg, const struct msg *m)
{
    if (!m->first[HDR_ALLOW])
        return;
    leg->update = msg_has_option(m, HDR_ALLOW, SPAN("UPDATE")) ? LEG_UPDATE_YES : LEG_UPDATE_NO;
}

void leg_drop_dialogs(struct leg *leg, const struct ldlg *keep)
{
    for (struct ldlg *ld = leg->dialogs, *next; ld; ld = next) {
        next = ld->next;
        if (ld != keep)
            leg_drop_dialog(leg, ld);
    }
}

struct leg *leg_other(const struct leg *leg)
{
    struct call *c = leg->call;

    if (leg->is_in)
        return c->out;
    return c->out == leg ? c->in : NULL;
}

static void take_pool(struct leg_trunk *lt, const struct conf *conf, const struct conf_trunk *t)
{
    const struct conf_media *m;
    const struct conf_realm *realm;

    if (t->media_none || t->media.id == CONF_NONE)
        return;
    m = &conf->media.v[t->media.id];
    lt->pool = media_pool_id(m->name);
    for (uint32_t i = 0; i < m->address.n; i++)
        lt->family_mask |= m->address.v[i].addr.family == 6 ? 2 : 1;
    realm = &conf->realm.v[m->realm.id];
    for (uint32_t i = 0; i < realm->advertise.n; i++)
        lt->advertise[realm->advertise.v[i].addr.family == 6] = realm->advertise.v[i].addr;
}

static uint8_t latch_of(enum conf_latch l)
{
    switch (l) {
    case CONF_LATCH_SDP_ONLY: return MEDIA_LATCH_SDP_ONLY;
    case CONF_LATCH_FOLLOW: return MEDIA_LATCH_FOLLOW;
    default: return MEDIA_LATCH_LEARN_ONCE;
    }
}

void leg_set_flow(struct leg *leg, const struct flow *f)
{
    uint32_t above = leg->trunk.conf->tcp_above;

    leg->flow = *f;
    leg->flow.owner = leg->trunk.state->slot + 1;
    leg->flow.tcp_above = (uint16_t)(above < UINT16_MAX ? above : UINT16_MAX);
}

int leg_take_trunk(struct leg *leg, const struct call_view *view, uint32_t trunk)
{
    const struct conf_trunk *t = &view->conf->trunk.v[trunk];
    struct gen *gen = gen_take(leg->call->calls);

    if (!gen)
        return -ENOMEM;
    leg->trunk = (struct leg_trunk){
        .conf = t,
        .gen = gen,
        .state = route_trunk_state(view->route, trunk),
        .customer = route_customer_state(view->route, trunk),
        .media = route_media_state(view->route, trunk),
        .duration_ms = t->max_duration_ms,
        .inactivity_ms = t->media_inactivity_ms,
        .latch = latch_of(t->latch),
        .dscp_media = t->dscp_media,
        .media_none = t->media_none,
    };
    admit_groups(leg, view, trunk);
    take_pool(&leg->trunk, view->conf, t);
    if (leg->trunk.customer && t->customer.id != CONF_NONE)
        snprintf(leg->trunk.account, sizeof leg->trunk.account, "%s",
                 view->conf->customer.v[t->customer.id].account);
    return 0;
}

/* ---- BYE --------------------------------------------------------------------------------------------------------- */

static void bye_on_response(void *user, struct txn_client *ct, const struct msg *m,
                            const struct flow *f)
{
    struct leg *leg = user;

    (void)f;
    if (m->status < 200 || leg->bye_ct != ct)
        return;
    txn_client_detach(ct);
    leg->bye_ct = NULL;
    leg_event(leg, LEV_BYE_DONE, &(struct leg_arg){.msg = m, .status = m->status});
}

static void bye_on_end(void *user, struct txn_client *ct, enum txn_end why)
{
    struct leg *leg = user;

    (void)why;
    if (leg->bye_ct != ct)
        return;
    leg->bye_ct = NULL;
    leg_event(leg, LEV_BYE_DONE, &(struct leg_arg){0});
}

static void bye_on_again(void *user, struct txn_client *ct, struct txn_client *again, uint32_t cseq)
{
    struct leg *leg = user;

    (void)ct;
    (void)cseq;
    leg->bye_ct = again;
}

static const struct txn_client_cb bye_cb = {
    .on_response = bye_on_response, .on_end = bye_on_end, .on_again = bye_on_again};

static int bye_start(struct leg *leg, struct ldlg *ld, struct txn_client *ct)
{
    struct build *b = dialog_request(ld->d, ct, -1);
    const struct cause *cause = &leg->call->cause;
    char buf[96];

    if (!b)
        return -ENOMEM;
    if (cause->where != CAUSE_NOWHERE)
        build_hdr(b, SPAN("Reason"), cause_reason_sip(cause, leg->call->sip_reason, buf));
    header_rules_leg_out(b, leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) < 0)
        return -ENOSPC;
    return 0;
}

void leg_send_bye(struct leg *leg, struct ldlg *ld)
{
    bool watched = ld == leg->main;
    struct txn_client *ct =
        txn_client_new(leg->call->calls->txns, SIP_BYE, &ld->d->flow, &bye_cb, leg);
    int rc = -ENOMEM;

    if (ct) {
        rc = bye_start(leg, ld, ct);
        if (rc < 0)
            txn_client_abort(ct);
        else
            rc = txn_client_start(ct);
    }
    if (rc == 0 && watched)
        leg->bye_ct = ct;
    else if (rc == 0)
        txn_client_detach(ct);
    else if (watched)
        leg_event(leg, LEV_BYE_DONE, &(struct leg_arg){0});
}

/* ---- joined ------------------------------------------------------------------------------------------------------ */

static void call_on_timer(struct timer *t, void *arg)
{
    struct call *c = arg;

    (void)t;
    if (c->state == CALL_SETUP) {
        stat_inc(c->calls->stats, STAT_calls_setup_timeout);
        call_kill(c, &CAUSE_HERE_(480, 19, "setup timeout"));
        return;
    }
    stat_inc(c->calls->stats, STAT_calls_duration);
    call_kill(c, &CAUSE_HERE_(200, 102, "maximum duration"));
}

static void call_on_expires(struct timer *t, void *arg)
{
    struct call *c = arg;

    if (c->state == CALL_SETUP) {
        stat_inc(c->calls->stats, STAT_calls_setup_timeout);
        call_kill(c, &CAUSE_HERE_(487, 19, "invitation expired"));
    } else {
        call_on_timer(t, arg);
    }
}

void call_setup_timer(struct call *c, const struct msg *m)
{
    uint64_t ms = c->in->trunk.conf->setup_timeout_ms;
    uint32_t s;
    bool expires = span_u32(msg_value(m, HDR_EXPIRES), UINT32_MAX, &s) == 0 &&
                   (ms == 0 || s * UINT64_C(1000) < ms);

    if (expires)
        ms = s ? s * UINT64_C(1000) : 1;
    timer_init(&c->timer, c->calls->timers, expires ? call_on_expires : call_on_timer, c);
    if (ms)
        timer_set(&c->timer, ms);
}

struct timer *call_timer_new(struct calls *cs, timer_fn fn, void *arg)
{
    struct timer *t = pool_get(&cs->timer_pool);

    if (t)
        timer_init(t, cs->timers, fn, arg);
    return t;
}

void call_timer_free(struct calls *cs, struct timer *t)
{
    if (!t)
        return;
    timer_del(t);
    pool_put(&cs->timer_pool, t);
}

static void call_on_interim(struct timer *t, void *arg)
{
    struct call *c = arg;

    record_interim(c);
    call_changed(c);
    timer_set(t, c->interim_ms);
}

/* The shortest of the configured periods; each file takes what it wants. */
static uint32_t interim_of(const struct conf *conf)
{
    uint32_t ms = 0;

    for (uint32_t i = 0; i < conf->cdr.n; i++)
        if (conf->cdr.v[i].interim_ms && (!ms || conf->cdr.v[i].interim_ms < ms))
            ms = conf->cdr.v[i].interim_ms;
    return ms;
}

uint64_t call_duration_limit(const struct call *c)
{
    uint32_t a = c->in->trunk.duration_ms, b = c->out->trunk.duration_ms;

    return !a ? b : !b ? a : a < b ? a : b;
}

static void setup_free(struct call *c)
{
    struct setup *s = c->setup;

    dip_free(c);
    attempt_over(c);
    if (s) {
        gen_give(c->calls, s->gen);
        blocks_put(c->calls->blocks, s, s->cap);
    }
    c->setup = NULL;
}

void call_up_timers(struct call *c, uint64_t duration_left_ms)
{
    if (!c->timer.fn)
        timer_init(&c->timer, c->calls->timers, call_on_timer, c);
    timer_del(&c->timer);
    if (duration_left_ms)
        timer_set(&c->timer, duration_left_ms);
    c->interim_ms = interim_of(c->calls->view->conf);
    if (c->interim_ms && !c->interim)
        c->interim = call_timer_new(c->calls, call_on_interim, c);
    if (c->interim_ms && c->interim) /* without memory its last record says it all */
        timer_set(c->interim, c->interim_ms);
}

void call_answered(struct call *c)
{
    struct calls *cs = c->calls;

    c->state = CALL_UP;
    c->answered_ms = cs->clock->mono_ms;
    c->answered_wall_ms = cs->clock->wall_ms;
    cs->up++;
    stat_inc(cs->stats, STAT_calls_answered);
    atomic_fetch_add_explicit(&c->in->trunk.state->answered_in, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->out->trunk.state->answered_out, 1, memory_order_relaxed);
    attempt_answered(c);
    setup_free(c);
    call_up_timers(c, call_duration_limit(c));
    record_answer(c);
    call_changed(c);
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

uint32_t call_retry_after(const struct call *c)
{
    return c->retry_after_s ? c->retry_after_s
                            : 5; /* 5 s: two health probes of a carrier that comes back */
}

void call_release(struct call *c, const struct cause *cause)
{
    struct calls *cs = c->calls;

    if (c->state >= CALL_ENDING)
        return;
    if (!c->ended_ms) /* else a former process had begun to end it */
        c->ended_ms = cs->clock->mono_ms;
    if (c->state == CALL_UP) {
        cs->up--;
        attempt_ended(c);
    } else {
        atomic_fetch_add_explicit(&c->in->trunk.state->failed_in, 1, memory_order_relaxed);
        attempt_over(c);
    }
    c->state = CALL_ENDING;
    c->cause = *cause;
    if (c->timer.fn)
        timer_del(&c->timer);
    if (c->interim)
        timer_del(c->interim);
    stat_inc(cs->stats, STAT_calls_ended);
    journal_mark(c);
    dip_abandon(c);
    announce_free(c);
    offer_close(c);
    call_check(c);
}

void call_kill(struct call *c, const struct cause *cause)
{
    const struct leg_arg none = {0};

    call_release(c, cause);
    if (c->in)
        leg_event(c->in, LEV_HANGUP, &none);
    if (c->out)
        leg_event(c->out, LEV_HANGUP, &none);
}

void call_leg_dead(struct leg *leg)
{
    cac_release(&leg->hold, leg->call->calls->worker);
    pass_drop_leg(leg);
    call_check(leg->call);
}

void call_check(struct call *c)
{
    if (c->reap_queued || c->state < CALL_ENDING || c->media.request || c->passes)
        return;
    if (c->in && c->in->state != LEG_DEAD)
        return;
    for (const struct leg *leg = c->outs; leg; leg = leg->next)
        if (leg->state != LEG_DEAD)
            return;
    cac_release(&c->hold, c->calls->worker);
    /* Until Timer M a fork may still answer and must get its ACK and BYE (RFC 3261 §13.2.2.4). */
    for (const struct leg *leg = c->outs; leg; leg = leg->next)
        if (leg->forked && leg->invite_ct)
            return;
    c->state = CALL_DONE;
    c->reap_queued = true;
    c->reap_next = c->calls->reap;
    c->calls->reap = c;
}

void call_abort(struct call *c)
{
    c->end_reported = true;
    c->state = CALL_ENDING;
    if (c->in)
        leg_set_state(c->in, LEG_DEAD);
    call_check(c);
}

static void leg_free(struct leg *leg)
{
    struct calls *cs = leg->call->calls;

    if (leg->timer.fn)
        timer_del(&leg->timer);
    if (leg->invite_st)
        txn_server_detach(leg->invite_st);
    if (leg->invite_ct)
        txn_client_detach(leg->invite_ct);
    if (leg->bye_ct)
        txn_client_detach(leg->bye_ct);
    cac_release(&leg->hold, cs->worker);
    call_timer_free(cs, leg->refresh.timer);
    if (leg->transfer)
        transfer_forget(leg);
    own_free_leg(leg);
    leg_drop_dialogs(leg, NULL);
    gen_give(cs, leg->trunk.gen);
    rating_free(cs->blocks, leg->rating);
    pool_put(&cs->leg_pool, leg);
}

/* The one place where a call ends its existence. */
void call_free(struct call *c)
{
    struct calls *cs = c->calls;

    c->reap_queued = true; /* nothing below may queue it again */
    pass_free_all(c);
    if (c->timer.fn)
        timer_del(&c->timer);
    call_timer_free(cs, c->interim);
    digits_free(c);
    if (c->media.request)
        media_forget(cs->media, c->media.request);
    if (c->media.change)
        media_forget(cs->media, c->media.change);
    setup_free(c); /* before its legs: an attempt that is broken off looks at its own */
    if (c->in)
        leg_free(c->in);
    while (c->outs) {
        struct leg *leg = c->outs;

        c->outs = leg->next;
        leg_free(leg);
    }
    rating_free(cs->blocks, c->rating);
    terms_free(c);
    crypto_free(c);
    lite_free(c);
    announce_free(c);
    cac_release(&c->hold, cs->worker);
    journal_forget(c);
    htab_del(&cs->by_id, &c->node);
    pool_put(&cs->call_pool, c);
}

void calls_reap(struct calls *cs)
{
    while (cs->reap) {
        struct call *c = cs->reap;

        cs->reap = c->reap_next;
        call_free(c);
    }
}

/* ---- the table, for operators ------------------------------------------------------------------------------------- */

size_t calls_count(const struct calls *cs)
{
    return cs->by_id.count;
}

size_t calls_leaving(const struct calls *cs)
{
    return register_leaving(cs);
}

size_t calls_up(const struct calls *cs)
{
    return cs->up;
}

void calls_drain(struct calls *cs, bool on)
{
    cs->draining = on;
    register_drain(cs);
}

struct each {
    bool (*fn)(const struct call_info *info, void *arg);
    void *arg;
};

static const char *state_text(const struct call *c)
{
    switch (c->state) {
    case CALL_SETUP: return c->committed ? "early" : "setup";
    case CALL_UP: return "up";
    default: return "ending";
    }
}

static struct call_media_info media_info(const struct call *c, const struct leg *leg)
{
    struct call_media_info m = {.codec = terms_codec(c, leg), .event_pt = -1};
    struct terms_line l;

    for (unsigned i = 0; i < OFFER_MEDIA_MAX; i++)
        if (terms_line(c, leg, i, &l) && l.flags & TERMS_AUDIO) {
            m.ptime_ms = l.ptime_ms;
            m.event_pt = l.event_pt == TERMS_NO_PT ? -1 : l.event_pt;
            m.srtp = crypto_suite(c, 2 * i + (leg->is_in ? 0 : 1));
            break;
        }
    return m;
}

/* c has its in leg */
static struct call_info info_of(const struct call *c)
{
    const struct leg *out = c->out;

    struct call_info info = {
        .id = c->id,
        .uuid = c->uuid,
        .state = state_text(c),
        .in_trunk = c->in->trunk.state->name,
        .out_trunk = out ? out->trunk.state->name : "",
        .caller = span_of(c->caller),
        .called = span_of(c->called),
        .sent = out ? span_of(out->sent) : SPAN_NONE,
        .klass = priority_name(c->klass),
        .start_wall_ms = c->started_wall_ms,
        .answer_wall_ms = c->answered_wall_ms,
        .age_ms = c->calls->clock->mono_ms - c->started_ms,
        .attempts = c->attempts,
        .generation = c->generation,
        .settled = c->state == CALL_UP && !c->passes && !c->in->owns && !c->in->transfer && out &&
                   !out->owns && c->in->state == LEG_UP && out && out->state == LEG_UP &&
                   !c->media.request,
        .in_call_id = c->in->main ? dialog_str(c->in->main->d, DIALOG_CALL_ID) : SPAN_NONE,
        .out_call_id = out && out->main ? dialog_str(out->main->d, DIALOG_CALL_ID) : SPAN_NONE,
    };

    info.path = bypass_word((enum bypass)c->media.bypass);
    info.has_session = c->media.state == CALL_MEDIA_OPEN;
    info.session = c->media.ref;
    info.in_media = media_info(c, c->in);
    info.out_media = media_info(c, out);
    (void)session_text(c, info.session_id);
    return info;
}

static bool each_one(struct htab_node *n, void *arg)
{
    const struct each *e = arg;
    struct call *c = container_of(n, struct call, node);
    struct call_info info;

    if (c->state == CALL_DONE || !c->in)
        return true;
    info = info_of(c);
    return e->fn(&info, e->arg);
}

void calls_each(struct calls *cs, bool (*fn)(const struct call_info *info, void *arg), void *arg)
{
    struct each e = {fn, arg};

    htab_each(&cs->by_id, each_one, &e);
}

struct hangup {
    struct span uuid; /* empty: all */
    uint32_t slot;    /* of calls_end_trunk */
    unsigned n;
};

static bool end_one(struct htab_node *n, void *arg)
{
    struct hangup *h = arg;
    struct call *c = container_of(n, struct call, node);

    if (c->state >= CALL_ENDING || !c->in ||
        (c->in->trunk.state->slot != h->slot && !(c->out && c->out->trunk.state->slot == h->slot)))
        return true;
    h->n++;
    call_kill(c, &CAUSE_HERE_(c->state == CALL_UP ? 200 : 503, 41, "administrative"));
    return true;
}

unsigned calls_end_trunk(struct calls *cs, uint32_t slot)
{
    struct hangup h = {.slot = slot};

    htab_each(&cs->by_id, end_one, &h);
    return h.n;
}

static bool hangup_one(struct htab_node *n, void *arg)
{
    struct hangup *h = arg;
    struct call *c = container_of(n, struct call, node);

    if (c->state < CALL_ENDING && (span_is_empty(h->uuid) || span_eq(h->uuid, span_of(c->uuid)))) {
        h->n++;
        call_kill(c, &CAUSE_HERE_(c->state == CALL_UP ? 200 : 503, 41, "ended by operator"));
    }
    return true;
}

int calls_hangup(struct calls *cs, struct span uuid)
{
    struct hangup h = {.uuid = uuid};

    if (!span_is_empty(uuid))
        htab_each(&cs->by_id, hangup_one, &h);
    return h.n ? 0 : -ENOENT;
}

void calls_hangup_all(struct calls *cs)
{
    struct hangup h = {.uuid = SPAN_NONE};

    htab_each(&cs->by_id, hangup_one, &h);
}

struct audit {
    void (*add)(void *arg, struct cac_gauge *g);
    void *arg;
};

static void audit_hold(const struct audit *a, const struct cac_hold *h)
{
    for (unsigned i = 0; i < h->n; i++)
        a->add(a->arg, h->gauge[i]);
}

static bool audit_one(struct htab_node *n, void *arg)
{
    const struct audit *a = arg;
    struct call *c = container_of(n, struct call, node);

    audit_hold(a, &c->hold);
    if (c->in)
        audit_hold(a, &c->in->hold);
    for (const struct leg *leg = c->outs; leg; leg = leg->next)
        audit_hold(a, &leg->hold);
    return true;
}

void calls_audit(struct calls *cs, void (*add)(void *arg, struct cac_gauge *g), void *arg)
{
    struct audit a = {add, arg};

    htab_each(&cs->by_id, audit_one, &a);
}
