/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests of our own in a dialog of a leg: turn, sending, answer, repetition after glare (RFC 3261 §14.1), end of the dialog.
 * Owned by the leg in a short list; callbacks of client transactions come here.
 */
#include "call/own.h"

#include "call/offer.h"
#include "call/pass.h"

/* T1: what stands in the way is a round trip of somebody else's. */
#define OWN_TURN_MS 500U
/* 185 s as for requests that cross: the far end of a proxy's Timer C (RFC 3261 §16.6). */
#define OWN_INVITE_MS 185000U
/* 5 repetitions: at 491 both sides have missed each other by chance in each of 20 s; that is a peer that always says so. */
#define OWN_TRIES_MAX 6
/* 32 s: a peer that wants more time than a transaction takes does not want the request. */
#define OWN_RETRY_AFTER_MAX_S 32

static void own_on_response(void *user, struct txn_client *ct, const struct msg *m,
                            const struct flow *f);
static void own_on_end(void *user, struct txn_client *ct, enum txn_end why);
static void own_try(struct own *o);
static void given_up_done(struct own *o, const struct msg *m, unsigned status);

static void own_on_again(void *user, struct txn_client *ct, struct txn_client *again, uint32_t cseq)
{
    struct own *o = user;

    (void)ct;
    o->ct = again;
    o->cseq = cseq;
}

static const struct txn_client_cb own_cb = {
    .on_response = own_on_response, .on_end = own_on_end, .on_again = own_on_again};

static struct calls *calls_of(const struct own *o)
{
    return o->ld->leg->call->calls;
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static void own_unlink(struct own *o)
{
    struct leg *leg = o->ld->leg;

    for (struct own **oo = &leg->owns; *oo; oo = &(*oo)->next)
        if (*oo == o) {
            *oo = o->next;
            leg->n_owns--;
            return;
        }
}

static void own_free(struct own *o)
{
    struct calls *cs = calls_of(o);

    own_unlink(o);
    if (o->ct)
        txn_client_detach(o->ct);
    if (o->timer.fn)
        timer_del(&o->timer);
    pool_put(&cs->own_pool, o);
}

bool own_invite_pending(const struct ldlg *ld)
{
    for (const struct own *o = ld->leg->owns; o; o = o->next)
        if (o->ld == ld && o->p.method == SIP_INVITE && o->ct)
            return true;
    return false;
}

bool own_has(const struct ldlg *ld, enum sip_method method)
{
    for (const struct own *o = ld->leg->owns; o; o = o->next)
        if (o->ld == ld && o->p.method == method)
            return true;
    return false;
}

/* ---- its turn ---------------------------------------------------------------------------------------------------- */

/* RFC 3261 §14.1: no second INVITE in a dialog; RFC 3264 §4, RFC 3311 §5.1: no second offer. */
static bool own_must_wait(const struct own *o)
{
    const struct leg *leg = o->ld->leg;

    if (o->p.method == SIP_INVITE &&
        (leg->state != LEG_UP || own_invite_pending(o->ld) || pass_invite_pending(o->ld)))
        return true;
    return o->p.offers && offer_is_open(o->ld);
}

static void own_on_timer(struct timer *t, void *arg)
{
    struct own *o = arg;

    (void)t;
    if (!o->ct) {
        own_try(o);
        return;
    }
    o->expired = true;
    (void)txn_client_cancel(o->ct, SPAN_NONE);
}

static void own_wait(struct own *o, uint64_t ms)
{
    if (!o->timer.fn)
        timer_init(&o->timer, calls_of(o)->timers, own_on_timer, o);
    timer_set(&o->timer, ms ? ms : 1);
}

/* RFC 5057 §5: these say that the call itself is gone where the request belongs to it; a subscription's end is its own affair. */
static bool own_is_lost(const struct own *o, unsigned status)
{
    if (status != 408 && status != 481)
        return false;
    return o->p.method == SIP_INVITE || o->p.method == SIP_UPDATE || o->p.method == SIP_INFO;
}

static void own_done(struct own *o, const struct msg *m, unsigned status)
{
    struct leg *leg = o->ld->leg;
    bool lost = own_is_lost(o, status) && o->ld == leg->main && leg->state >= LEG_ANSWERED;
    struct cause gone = {(uint16_t)status, cause_q850_of(status), leg->is_in ? CAUSE_IN : CAUSE_OUT,
                         "dialog gone"};

    if (o->ct)
        txn_client_detach(o->ct);
    o->ct = NULL;
    if (o->p.offers && o->ld->oa.state == OA_OFFER_OUT)
        o->ld->oa.state = OA_STABLE;
    own_unlink(o);
    o->p.done(o, m, status);
    if (o->timer.fn)
        timer_del(&o->timer);
    pool_put(&leg->call->calls->own_pool, o);
    if (lost)
        leg_event(leg, LEV_LOST, &(struct leg_arg){.cause = &gone});
}

static int own_compose(struct own *o)
{
    struct span type = SPAN_NONE, body = SPAN_NONE;
    struct build *b = dialog_request(o->ld->d, o->ct, -1);
    size_t mark;
    int rc;

    if (!b)
        return -ENOMEM;
    o->cseq = o->ld->d->local_cseq;
    mark = b->len;
    rc = o->p.compose(o, b, &type, &body);
    if (rc < 0 || b->len < mark)
        return rc < 0 ? rc : -EINVAL;
    return build_end(b, type, body);
}

static void own_try(struct own *o)
{
    int rc;

    if (own_must_wait(o)) {
        own_wait(o, OWN_TURN_MS);
        return;
    }
    o->ct = txn_client_new(calls_of(o)->txns, (enum sip_method)o->p.method, &o->ld->d->flow,
                           &own_cb, o);
    if (!o->ct) {
        own_done(o, NULL, 503);
        return;
    }
    rc = own_compose(o);
    if (rc < 0) {
        txn_client_abort(o->ct);
        o->ct = NULL;
        own_done(o, NULL, 500);
        return;
    }
    if (txn_client_start(o->ct) < 0) {
        o->ct = NULL;
        own_done(o, NULL, 503);
        return;
    }
    o->tries++;
    if (o->p.offers)
        o->ld->oa.state = OA_OFFER_OUT;
    if (o->p.method == SIP_INVITE)
        own_wait(o, OWN_INVITE_MS);
    stat_inc(calls_of(o)->stats, STAT_own_requests);
}

int own_start(struct ldlg *ld, const struct own_param *p, struct own **out)
{
    struct leg *leg = ld->leg;
    struct own *o;

    if (leg->n_owns >= OWN_MAX)
        return -ENOSPC;
    o = pool_get(&leg->call->calls->own_pool);
    if (!o)
        return -ENOMEM;
    o->ld = ld;
    o->p = *p;
    o->next = leg->owns;
    leg->owns = o;
    leg->n_owns++;
    if (out)
        *out = o;
    own_try(o);
    return 0;
}

/* ---- its answer -------------------------------------------------------------------------------------------------- */

/* RFC 3261 §14.1: in units of 10 ms, so that the two sides do not meet again. @return ms; 0: it is not to be asked again */
static uint64_t own_retry_ms(const struct own *o, const struct msg *m)
{
    struct span value;
    uint32_t after, rnd;

    if (o->tries >= OWN_TRIES_MAX)
        return 0;
    ident_random(&rnd, sizeof rnd);
    if (m->status == 491)
        return o->ld->d->is_uac ? 2100 + 10 * (rnd % 191) : 10 + 10 * (rnd % 200);
    value = msg_value(m, HDR_RETRY_AFTER);
    if (m->status != 500 || span_is_empty(value))
        return 0;
    /* "5 (busy);duration=3": the number alone counts */
    for (size_t i = 0; i < value.len; i++)
        if (value.p[i] < '0' || value.p[i] > '9')
            value.len = i;
    if (span_u32(value, OWN_RETRY_AFTER_MAX_S, &after) < 0)
        return 0;
    return after ? after * 1000ULL : 10 + 10 * (rnd % 200);
}

static void own_again(struct own *o, uint64_t ms)
{
    txn_client_detach(o->ct);
    o->ct = NULL;
    if (o->p.offers && o->ld->oa.state == OA_OFFER_OUT)
        o->ld->oa.state = OA_STABLE;
    own_wait(o, ms);
}

static void own_on_response(void *user, struct txn_client *ct, const struct msg *m,
                            const struct flow *f)
{
    struct own *o = user;
    uint64_t ms;

    (void)ct;
    (void)f;
    if (m->status < 200)
        return;
    call_changed(o->ld->leg->call);
    if (m->status < 300) {
        (void)dialog_on_response(o->ld->d, m);
        if (o->p.method == SIP_INVITE)
            (void)dialog_ack(o->ld->d, o->cseq, SPAN_NONE, SPAN_NONE);
        own_done(o, m, m->status);
        return;
    }
    ms = o->p.done == given_up_done ? 0 : own_retry_ms(o, m);
    if (ms) {
        stat_inc(calls_of(o)->stats, STAT_own_again);
        own_again(o, ms);
        return;
    }
    own_done(o, m, o->expired && o->p.done != given_up_done && m->status == 487 ? 408 : m->status);
}

static void own_on_end(void *user, struct txn_client *ct, enum txn_end why)
{
    struct own *o = user;

    if (o->ct != ct)
        return;
    o->ct = NULL;
    own_done(o, NULL, why == TXN_END_TIMEOUT ? 408 : 503);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void own_dropped(struct own *o)
{
    if (o->p.dropped)
        o->p.dropped(o);
    o->p.dropped = NULL;
}

/* Its dialog ends. */
static void own_end(struct own *o)
{
    if (o->ct && o->p.method == SIP_INVITE)
        (void)txn_client_cancel(o->ct, SPAN_NONE);
    own_dropped(o);
    own_free(o);
}

static int restore_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    (void)b;
    *type = OFFER_TYPE;
    return offer_retell(o->ld, o->ld, body);
}

static void restore_done(struct own *o, const struct msg *m, unsigned status)
{
    bool ok = m && status < 300;

    offer_retold(o->ld, ok);
    if (ok && msg_body_is(m, OFFER_TYPE))
        (void)offer_settle(o->ld, m->body);
}

/* The answer to an INVITE that was given up: did it come before the CANCEL, the peer is told once more what holds. */
static void given_up_done(struct own *o, const struct msg *m, unsigned status)
{
    const struct own_param p = {
        .method = SIP_INVITE, .offers = true, .compose = restore_compose, .done = restore_done};

    if (m && status < 300 && o->p.offers)
        (void)own_start(o->ld, &p, NULL);
}

void own_drop(struct own *o)
{
    own_dropped(o);
    if (!o->ct || o->p.method != SIP_INVITE) {
        own_free(o);
        return;
    }
    (void)txn_client_cancel(o->ct, SPAN_NONE);
    o->expired = true;
    o->p.done = given_up_done;
}

void own_drop_dialog(const struct ldlg *ld)
{
    for (struct own *o = ld->leg->owns, *next; o; o = next) {
        next = o->next;
        if (o->ld == ld)
            own_end(o);
    }
}

void own_free_leg(struct leg *leg)
{
    while (leg->owns)
        own_free(leg->owns);
}

void own_drop_leg(struct leg *leg)
{
    while (leg->owns)
        own_end(leg->owns);
}
