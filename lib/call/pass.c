/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each request that crosses is a server transaction on one leg and a client transaction on the other, joined here.
 * Called by bridge.c and by transaction callbacks.
 */
#include "call/pass.h"

#include "call/bodies.h"
#include "call/header_rules.h"
#include "call/crossing.h"
#include "call/codecs.h"
#include "call/headers.h"
#include "call/interwork.h"
#include "call/methods.h"
#include "call/offer.h"
#include "call/session.h"
#include "call/own.h"
#include "call/refresh.h"
#include "call/rel100.h"
#include "call/replaces.h"

/* 185 s: Timer C of a proxy is more than three minutes (RFC 3261 §16.6), its 408 comes first. */
#define PASS_INVITE_MS 185000U
/* 25 s: an UPDATE waits 32 s for its answer (Timer F); a re-INVITE in its place must have been cancelled and have ended by then. */
#define PASS_UPDATE_MS 25000U

static void pass_on_response(void *user, struct txn_client *ct, const struct msg *m,
                             const struct flow *f);
static void pass_on_end(void *user, struct txn_client *ct, enum txn_end why);
static void pass_on_server_end(void *user, struct txn_server *st, enum txn_end why);
static void pass_on_again(void *user, struct txn_client *ct, struct txn_client *again,
                          uint32_t cseq);

static const struct txn_client_cb client_cb = {
    .on_response = pass_on_response, .on_end = pass_on_end, .on_again = pass_on_again};
static const struct txn_server_cb server_cb = {pass_on_server_end};

static void refuse_with(struct call *c, struct txn_server *st, unsigned status, struct span warning)
{
    struct build *b = txn_server_begin(st, status, SPAN_NONE, SPAN_NONE);

    stat_inc(c->calls->stats, STAT_pass_refused);
    if (!b)
        return;
    if (status == 500)
        build_hdr_u32(b, SPAN("Retry-After"),
                      (uint32_t)(hash_u64(c->id ^ c->calls->clock->mono_ms) % 11));
    if (status == 405)
        build_hdr(b, SPAN("Allow"), headers_allow);
    if (!span_is_empty(warning))
        build_hdr(b, SPAN("Warning"), warning);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

void pass_refuse(struct call *c, struct txn_server *st, unsigned status)
{
    refuse_with(c, st, status, SPAN_NONE);
}

static void pass_unpark(struct pass *p);
static void pass_drop(struct pass *p);

static void pass_free(struct pass *p)
{
    struct call *c = p->call;
    struct ldlg *replaces = p->replaces ? p->from : NULL;

    for (struct pass **pp = &c->passes; *pp; pp = &(*pp)->next)
        if (*pp == p) {
            *pp = p->next;
            break;
        }
    if (p->st)
        txn_server_detach(p->st);
    if (p->ct)
        txn_client_detach(p->ct);
    if (p->timer.fn)
        timer_del(&p->timer);
    pass_unpark(p);
    c->n_passes--;
    pool_put(&c->calls->pass_pool, p);
    if (replaces)
        replaces_over(replaces);
    call_check(c);
}

static void pass_on_server_end(void *user, struct txn_server *st, enum txn_end why)
{
    struct pass *p = user;

    (void)why;
    if (p->st == st)
        p->st = NULL;
}

/* A side that rings for ever would let no other INVITE of the call through. */
static void pass_on_timer(struct timer *t, void *arg)
{
    struct pass *p = arg;

    (void)t;
    if (!p->ct)
        return;
    p->expired = true;
    (void)txn_client_cancel(p->ct, SPAN_NONE);
}

static void pass_start_timer(struct pass *p)
{
    if (p->to_method != SIP_INVITE)
        return; /* Timer F ends the others */
    timer_init(&p->timer, p->call->calls->timers, pass_on_timer, p);
    timer_set(&p->timer, p->method == SIP_INVITE ? PASS_INVITE_MS : PASS_UPDATE_MS);
}

/* ---- may it cross? ---------------------------------------------------------------------------------------------- */

/* An INVITE on its way in this direction (as seen from ld), or towards it. */
static bool invite_from(const struct call *c, const struct ldlg *ld)
{
    for (const struct pass *p = c->passes; p; p = p->next)
        if (p->method == SIP_INVITE && p->from == ld && (p->st || p->wait_ack))
            return true;
    return false;
}

static bool invite_to(const struct call *c, const struct ldlg *ld)
{
    for (const struct pass *p = c->passes; p; p = p->next)
        if (p->to_method == SIP_INVITE && p->to == ld && (p->ct || p->ack_owed || p->park))
            return true;
    return false;
}

bool pass_invite_pending(const struct ldlg *ld)
{
    return invite_from(ld->leg->call, ld) || invite_to(ld->leg->call, ld);
}

/* RFC 3261 §14.2 and RFC 3311 §5.2. @return 0, or the status to refuse with */
static unsigned pass_glare(const struct call *c, const struct ldlg *from, const struct ldlg *to,
                           const struct msg *m)
{
    bool offers = m->method == SIP_INVITE || !span_is_empty(m->body);

    if (m->method != SIP_INVITE && m->method != SIP_UPDATE)
        return 0;
    if (m->method == SIP_INVITE) {
        if (invite_from(c, from))
            return 500;
        if (invite_to(c, from) || invite_from(c, to) || own_invite_pending(from) ||
            own_invite_pending(to))
            return 491;
    }
    if (!offers)
        return 0;
    if (from->oa.state == OA_OFFER_IN)
        return 500; /* its own earlier offer waits for our answer: it must not ask again */
    if (from->oa.state == OA_OFFER_OUT || offer_is_open(to))
        return 491;
    if (rel100_owes_sdp(to))
        return 491; /* RFC 3311 §5.1: not before the PRACK of our answer */
    return 0;
}

/* ---- across ------------------------------------------------------------------------------------------------------ */

bool pass_body_is_plain(const struct msg *m)
{
    return !msg_body_is(m, OFFER_TYPE) &&
           !(m->content_type.len >= 10 &&
             span_case_eq((struct span){m->content_type.p, 10}, SPAN("multipart/")));
}

static int pass_body(struct pass *p, const struct msg *m, struct span *type, struct span *body)
{
    methods_body(m, type, body);
    if (span_is_empty(m->body) || !msg_body_is(m, OFFER_TYPE))
        return 0;
    p->has_offer = true;
    *type = OFFER_TYPE;
    return offer_cross(p->from, p->to, OFFER_OFFER, m->body, body);
}

/* What refreshes targets refreshes sessions too (RFC 4028 §3). */
static bool pass_is_target(const struct pass *p)
{
    return p->method == SIP_INVITE || p->method == SIP_UPDATE;
}

static int pass_compose(struct pass *p, const struct msg *m)
{
    struct span type, body;
    struct build *b;
    int rc;

    rc = pass_body(p, m, &type, &body);
    if (rc < 0)
        return rc == -ENOTSUP ? rc : -EINVAL;
    b = dialog_request(p->to->d, p->ct, m->max_forwards - 1);
    if (!b)
        return -ENOMEM;
    p->to_cseq = p->to->d->local_cseq;
    if (p->to_method == SIP_INVITE || p->to_method == SIP_UPDATE) {
        methods_allow(b, p->to->leg);
        if (p->to->leg->state == LEG_UP) /* RFC 4028 §7.1: not before the INVITE's own answer */
            refresh_offer(b, p->to->leg);
    }
    rc = methods_cross(b, m, p->from->leg, p->to->leg);
    if (rc < 0)
        return rc;
    headers_cross(b, m, p->to->leg);
    header_rules_leg_out(b, p->to->leg);
    bodies_close(p->to->leg, m->wrap, &type, &body);
    return build_end(b, type, body);
}

static struct pass *pass_new(struct call *c, struct ldlg *from, struct ldlg *to,
                             const struct msg *m)
{
    struct pass *p = c->n_passes < CALL_PASSES_MAX ? pool_get(&c->calls->pass_pool) : NULL;

    if (!p)
        return NULL;
    p->call = c;
    p->from = from;
    p->to = to;
    p->method = p->to_method = (uint8_t)m->method;
    p->from_cseq = m->cseq;
    p->replaces = from->place != NULL;
    p->next = c->passes;
    c->passes = p;
    c->n_passes++;
    return p;
}

/*
 * How the other side is asked. An UPDATE for a peer that takes none (RFC 3311 §4) goes on as re-INVITE once there is a call; before that
 * its session cannot be changed (504, §5.2). @return 0, or the status to answer with
 */
static unsigned pass_method(const struct ldlg *to, const struct msg *m, enum sip_method *method)
{
    *method = m->method == SIP_PRACK ? SIP_UPDATE : m->method;
    if (m->method != SIP_UPDATE || to->leg->update != LEG_UPDATE_NO)
        return 0;
    if (span_is_empty(m->body))
        return 200; /* it asks nothing of the other side */
    if (to->leg->state != LEG_UP)
        return 504;
    *method = SIP_INVITE;
    return pass_invite_pending(to) || own_invite_pending(to) ? 491 : 0;
}

static void pass_answer_update(struct ldlg *from, struct txn_server *st)
{
    struct build *b = txn_server_begin(st, 200, SPAN_NONE, SPAN_NONE);

    if (!b)
        return;
    headers_contact(b, from->d);
    methods_allow(b, from->leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0 && txn_server_send(st) == 0)
        dialog_answered(from->d, from->d->remote_cseq);
}

static void pass_go(struct pass *p, const struct msg *m, struct txn_server *st)
{
    struct call *c = p->call;
    struct span warning = SPAN_NONE;
    unsigned status = 500;

    p->ct = txn_client_new(c->calls->txns, (enum sip_method)p->to_method, &p->to->d->flow,
                           &client_cb, p);
    if (p->ct) {
        int rc = pass_compose(p, m);

        if (rc == 0 && txn_client_start(p->ct) == 0) {
            p->st = st;
            txn_server_set_user(st, &server_cb, p);
            pass_start_timer(p);
            stat_inc(c->calls->stats, STAT_pass_requests);
            return;
        }
        if (rc < 0)
            txn_client_abort(p->ct);
        p->ct = NULL;
        status = rc != -EINVAL ? 500 : p->has_offer ? 488 : 400;
        if (rc == -ENOTSUP) {
            status = 488;
            warning = CODECS_WARNING;
        }
    }
    if (p->has_offer)
        offer_refused(p->from, p->to);
    refuse_with(c, st, status, warning);
    pass_free(p);
}

/* ---- waiting for m-lines ----------------------------------------------------------------------------------------- */

/* The request's bytes: its message is gone when the relay answers. */
struct park {
    size_t cap, len;
    char p[];
};

static void pass_unpark(struct pass *p)
{
    if (p->park)
        blocks_put(p->call->calls->blocks, p->park, p->park->cap);
    p->park = NULL;
}

/* The relay has answered: what waits goes on, with or without its lines. */
static void pass_on_grown(struct call *c)
{
    struct calls *cs = c->calls;
    struct pass *p;
    struct msg m;
    struct msg_error err;
    struct txn_server *st;

    for (p = c->passes; p && !p->park; p = p->next)
        ;
    if (!p)
        return;
    st = p->st;
    p->st = NULL;
    if (st)
        txn_server_set_user(st, NULL, NULL);
    if (!st || p->dropped || p->to->leg->state != LEG_UP) {
        if (st)
            pass_refuse(c, st, 487);
        offer_refused(p->from, p->to);
        pass_free(p);
    } else if (msg_parse(&m, cs->arena, p->park->p, p->park->len, &err) < 0) {
        pass_refuse(c, st, 500);
        offer_refused(p->from, p->to);
        pass_free(p);
    } else {
        struct park *park = p->park;

        p->park = NULL; /* the message lies in it until it is composed */
        pass_go(p, crossing_in(p->from->leg, &m), st);
        blocks_put(cs->blocks, park, park->cap);
    }
    arena_reset(cs->arena);
}

/* @return true: it waits */
static bool pass_park(struct pass *p, const struct msg *m, struct txn_server *st)
{
    struct call *c = p->call;
    size_t cap;

    if (!pass_is_target(p) || !msg_body_is(m, OFFER_TYPE) || c->state != CALL_UP ||
        !offer_must_grow(c, m->body))
        return false;
    p->park = blocks_get(c->calls->blocks, sizeof *p->park + m->buf.len, &cap);
    if (!p->park)
        return false;
    p->park->cap = cap;
    p->park->len = m->buf.len;
    memcpy(p->park->p, m->buf.p, m->buf.len);
    if (offer_grow(c, m->body, pass_on_grown) < 0) {
        pass_unpark(p);
        return false;
    }
    /* It is under way for both sides: no other offer goes either way meanwhile (RFC 3264 §4, RFC 3311 §5.2). */
    p->from->oa.state = OA_OFFER_IN;
    p->to->oa.state = OA_OFFER_OUT;
    p->st = st;
    txn_server_set_user(st, &server_cb, p);
    return true;
}

void pass_request(struct leg *from, struct leg *to, const struct leg_arg *arg)
{
    struct call *c = from->call;
    const struct msg *m = arg->msg;
    struct ldlg *peer = arg->dlg->peer ? arg->dlg->peer : to->main;
    unsigned status = pass_glare(c, arg->dlg, peer, m);
    enum sip_method method;
    struct pass *p;

    if (refresh_take(from, to, arg))
        return;
    if (status == 0 && m->max_forwards == 0)
        status = 483;
    if (status == 0 && (m->method == SIP_INVITE || m->method == SIP_UPDATE)) {
        if (from->state >= LEG_ANSWERED && refresh_asked(from, m)) {
            refresh_refuse(c->calls, arg->st, from->trunk.conf);
            return;
        }
    }
    if (status == 0)
        status = pass_method(peer, m, &method);
    if (status == 200) {
        pass_answer_update(arg->dlg, arg->st);
        return;
    }
    if (status) {
        pass_refuse(c, arg->st, status);
        return;
    }
    p = pass_new(c, arg->dlg, peer, m);
    if (!p) {
        pass_refuse(c, arg->st, 500);
        return;
    }
    p->to_method = (uint8_t)method;
    if (!pass_park(p, m, arg->st))
        pass_go(p, m, arg->st);
}

void pass_request_early(struct leg *from, struct leg *to, const struct leg_arg *arg)
{
    if (to->main->d->state == DIALOG_INIT) {
        pass_refuse(from->call, arg->st, 491); /* the callee rings without a tag: no dialog yet */
        return;
    }
    if (arg->msg->method == SIP_INVITE)
        pass_refuse(from->call, arg->st, 491);
    else
        pass_request(from, to, arg);
}

/* ---- back -------------------------------------------------------------------------------------------------------- */

/* The body of a 2xx that may be told: SDP rewritten; else only what answers an INFO, and no multipart, which may hide an SDP. */
static void pass_reply_body(struct pass *p, const struct msg *m, struct span *type,
                            struct span *body)
{
    *type = msg_value(m, HDR_CONTENT_TYPE);
    *body = m->body;
    if (span_is_empty(m->body))
        return;
    if (msg_body_is(m, OFFER_TYPE) && p->method != SIP_INFO) {
        *type = OFFER_TYPE;
        if (offer_cross(p->to, p->from, p->has_offer ? OFFER_ANSWER : OFFER_OFFER, m->body, body) <
            0)
            *body = SPAN_NONE;
    } else if ((p->method != SIP_INFO && p->method != SIP_MESSAGE) || !pass_body_is_plain(m)) {
        *body = SPAN_NONE;
    }
}

static void pass_reply_2xx(struct pass *p, const struct msg *m)
{
    struct txn_server *st = p->st;
    struct span body, type;
    bool target = pass_is_target(p);
    struct build *b;

    pass_reply_body(p, m, &type, &body);
    if (p->has_offer && p->from->oa.state == OA_OFFER_IN)
        offer_refused(p->from, p->to); /* no answer came, or none that can be read */
    b = txn_server_begin(st, m->status, SPAN_NONE, SPAN_NONE);
    if (!b)
        return;
    if (target) {
        headers_contact(b, p->from->d);
        methods_allow(b, p->from->leg);
        if (p->from->leg->state >= LEG_ANSWERED)
            refresh_answer(b, p->from->leg);
    }
    if (p->method == SIP_SUBSCRIBE || p->method == SIP_REFER || p->method == SIP_NOTIFY)
        headers_contact(b, p->from->d);
    if (p->method == SIP_OPTIONS)
        methods_allow(b, p->from->leg);
    methods_answer(b, m, (enum sip_method)p->method);
    headers_response(b, m, p->from->leg);
    header_rules_leg_out(b, p->from->leg);
    bodies_close(p->from->leg, m->wrap, &type, &body);
    if (build_end(b, type, body) < 0 || txn_server_send(st) < 0)
        return;
    dialog_answered(p->from->d, p->from_cseq);
    if (p->method == SIP_INVITE) {
        p->wait_ack = true;
        (void)dialog_2xx_start(p->from->d, st, p->from_cseq);
    }
    if (p->replaces) {
        p->replaces = false;
        replaces_done(p->from);
    }
}

static void pass_2xx(struct pass *p, const struct msg *m)
{
    bool first = p->st != NULL;

    if (p->timer.fn)
        timer_del(&p->timer);
    (void)dialog_on_response(p->to->d, m);
    leg_learn(p->to->leg, m);
    if (first && pass_is_target(p) && p->to->leg->state == LEG_UP)
        refresh_answered(p->to->leg, m);
    if (p->to_method == SIP_INVITE) {
        if (!first) {
            /* A repetition, or the asking side has hung up: either way it is acknowledged. */
            if (dialog_ack_again(p->to->d, p->to_cseq) == -ENOENT && !p->ack_owed)
                (void)dialog_ack(p->to->d, p->to_cseq, SPAN_NONE, SPAN_NONE);
            return;
        }
        p->ack_owed = !p->has_offer && !span_is_empty(m->body);
        if (!p->ack_owed)
            (void)dialog_ack(p->to->d, p->to_cseq, SPAN_NONE, SPAN_NONE);
    }
    if (!first)
        return;
    pass_reply_2xx(p, m);
    if (p->st)
        txn_server_set_user(p->st, NULL, NULL);
    p->st = NULL;
    /* Who asks again has our first 2xx; that one is repeated no more, and its ACK is not waited for (RFC 5407 §3.1.5). */
    if (p->method == SIP_INVITE && p->from->leg->is_in && p->from->leg->state == LEG_ANSWERED)
        leg_event(p->from->leg, LEV_ACK, &(struct leg_arg){0});
}

/* RFC 3261 §12.2.1.2: these say that the dialog is gone. */
static bool is_dialog_gone(enum sip_method method, unsigned status)
{
    /* RFC 5057 §5: a subscription or a message of its own ends alone. */
    if (method != SIP_INVITE && method != SIP_UPDATE && method != SIP_INFO && method != SIP_PRACK)
        return false;
    return status == 408 || status == 481;
}

static unsigned pass_status(const struct pass *p, unsigned status)
{
    if (p->expired && status == 487)
        return p->method == SIP_UPDATE ? 504 : 500; /* who asked did not cancel */
    if (p->method == SIP_UPDATE && (status == 405 || status == 501))
        return 504; /* the other side takes no UPDATE: its session cannot be changed this way */
    if (status < 400 || status == 401 || status == 407 || status == 422)
        return 500; /* not for the asking side: targets and credentials of ours */
    return status;
}

/* RFC 3261 §14.2: who gets 500 may try again then; a 422 of the other side has just been learnt from. */
static void pass_reply_final(struct pass *p, struct txn_server *st, unsigned status,
                             struct span after)
{
    struct build *b = txn_server_begin(st, pass_status(p, status), SPAN_NONE, SPAN_NONE);
    uint32_t s;

    if (!b)
        return;
    if (status == 405)
        methods_allow(b, p->from->leg);
    if (status == 422)
        build_hdr_u32(b, SPAN("Retry-After"), 1);
    else if (span_u32(after, UINT32_MAX, &s) == 0)
        build_hdr_u32(b, SPAN("Retry-After"), s);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

static void pass_final(struct pass *p, unsigned status, struct span after)
{
    struct txn_server *st = p->st;

    if (p->has_offer || p->method == SIP_INVITE)
        offer_refused(p->from, p->to);
    p->st = NULL;
    if (!st)
        return;
    txn_server_set_user(st, NULL, NULL);
    if (p->method ==
        SIP_PRACK) /* it acknowledges an 18x: refused, the caller would have to go on repeating it */
        interwork_reply_here(p->from, st, offer_heard(p->from));
    else
        pass_reply_final(p, st, status, after);
}

/* Behind the pass's own end: the leg's death drops whatever crosses it. */
static void pass_lost(struct leg *to, enum sip_method method, unsigned status)
{
    struct cause gone = {(uint16_t)status, cause_q850_of(status), to->is_in ? CAUSE_IN : CAUSE_OUT,
                         "dialog gone"};

    if (is_dialog_gone(method, status))
        leg_event(to, LEV_LOST, &(struct leg_arg){.cause = &gone});
}

/* It has ended by its answer: a 2xx to the caller's INVITE may have waited for that. */
static void pass_over(struct pass *p)
{
    struct ldlg *from = p->replaces ? NULL : p->from;

    pass_free(p);
    if (from && from->leg->is_in)
        rel100_go_on(from);
}

static void pass_on_response(void *user, struct txn_client *ct, const struct msg *m,
                             const struct flow *f)
{
    struct pass *p = user;
    struct leg *to = p->to->leg;
    enum sip_method method = (enum sip_method)p->method;

    (void)ct;
    (void)f;
    m = crossing_in(to, m);
    session_answer(p->from->leg, p->st);
    if (m->status < 200)
        return;
    call_changed(p->call);
    if (m->status < 300) {
        pass_2xx(p, m);
        if (p->to_method != SIP_INVITE)
            pass_over(p);
        return;
    }
    if (p->to_method == SIP_UPDATE && (m->status == 405 || m->status == 501))
        to->update = LEG_UPDATE_NO;
    if (m->status == 422)
        (void)refresh_raise(to, m);
    pass_final(p, m->status, msg_value(m, HDR_RETRY_AFTER));
    pass_over(p);
    pass_lost(to, method, m->status);
}

static void pass_on_end(void *user, struct txn_client *ct, enum txn_end why)
{
    struct pass *p = user;
    struct leg *to = p->to->leg;
    enum sip_method method = (enum sip_method)p->method;
    unsigned status = 0;

    (void)ct;
    p->ct = NULL;
    if (why != TXN_END_OK && !p->dropped) {
        /* RFC 4320: a non-INVITE gets no late 408; its own transaction has given up by now, st is NULL. */
        status = why == TXN_END_TIMEOUT ? 408 : 503;
        pass_final(p, status, SPAN_NONE);
    }
    if (!p->wait_ack && !p->ack_owed)
        pass_over(p);
    if (status)
        pass_lost(to, method, status);
}

static void pass_on_again(void *user, struct txn_client *ct, struct txn_client *again,
                          uint32_t cseq)
{
    struct pass *p = user;

    (void)ct;
    p->ct = again;
    p->to_cseq = cseq;
}

bool pass_ack(struct ldlg *ld, const struct msg *ack)
{
    for (struct pass *p = ld->leg->call->passes; p; p = p->next) {
        struct span type = OFFER_TYPE, body = SPAN_NONE;

        if (!p->wait_ack || p->from != ld || p->from_cseq != ack->cseq)
            continue;
        p->wait_ack = false;
        if (p->ack_owed) {
            p->ack_owed = false;
            if (span_is_empty(ack->body) ||
                offer_cross(p->from, p->to, OFFER_ANSWER, ack->body, &body) < 0)
                offer_refused(p->from, p->to);
            bodies_close(p->to->leg, ack->wrap, &type, &body);
            (void)dialog_ack(p->to->d, p->to_cseq, type, body);
        }
        /* A 2xx that is repeated from now on is a stray one, and gets the same ACK from the dialog. */
        pass_free(p);
        return true;
    }
    return false;
}

void pass_cancel(struct pass *p)
{
    if (p->ct)
        (void)txn_client_cancel(p->ct, SPAN_NONE);
    else if (p->park)
        pass_drop(p); /* it has not gone yet */
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void pass_drop(struct pass *p)
{
    struct txn_server *st = p->st;

    if (p->dropped)
        return;
    p->dropped = true;
    p->st = NULL;
    if (st) {
        txn_server_set_user(st, NULL, NULL);
        (void)txn_server_reply(st, 487, SPAN_NONE, SPAN_NONE);
    }
    if (p->park)
        offer_refused(p->from, p->to);
    if (p->ack_owed)
        (void)dialog_ack(p->to->d, p->to_cseq, SPAN_NONE, SPAN_NONE);
    p->ack_owed = p->wait_ack = false;
    if (p->ct && p->to_method == SIP_INVITE && txn_client_cancel(p->ct, SPAN_NONE) == 0)
        return; /* its final answer is still owed an ACK */
    pass_free(p);
}

void pass_drop_leg(struct leg *leg)
{
    for (struct pass *p = leg->call->passes, *next; p; p = next) {
        next = p->next;
        if (p->from->leg == leg || p->to->leg == leg)
            pass_drop(p);
    }
}

/* Who asked may ask again: the call goes on, with another party. */
static void pass_move(struct pass *p)
{
    struct txn_client *ct = p->ct;

    if (p->ack_owed)
        (void)dialog_ack(p->to->d, p->to_cseq, SPAN_NONE, SPAN_NONE);
    if (p->st || p->ack_owed)
        pass_final(p, 491, SPAN_NONE);
    p->ct = NULL;
    if (ct) {
        if (p->to_method == SIP_INVITE)
            (void)txn_client_cancel(ct, SPAN_NONE);
        txn_client_detach(ct);
    }
    pass_free(p);
}

void pass_move_leg(struct leg *leg)
{
    for (struct pass *p = leg->call->passes, *next; p; p = next) {
        next = p->next;
        if (p->from->leg == leg || p->to->leg == leg)
            pass_move(p);
    }
}

void pass_drop_dialog(const struct ldlg *ld)
{
    for (struct pass *p = ld->leg->call->passes, *next; p; p = next) {
        struct txn_server *st = p->st;

        next = p->next;
        if (p->from != ld && p->to != ld)
            continue;
        p->st = NULL;
        if (st) {
            txn_server_set_user(st, NULL, NULL);
            (void)txn_server_reply(st, 487, SPAN_NONE, SPAN_NONE);
        }
        pass_free(p);
    }
}

void pass_free_all(struct call *c)
{
    while (c->passes)
        pass_free(c->passes);
}
