/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offers and answers between two sides of different manners (RFC 3262 §5, RFC 3264, RFC 6337).
 * Called by leg_in.c, leg_out.c, rel100.c and pass.c. It must not know states of legs.
 *
 *   caller offers, carrier does    the answer crosses; reliably on each side or not
 *   neither does                   the carrier's offer crosses, the answer comes by PRACK or ACK
 *   only we offer (`early`)        the carrier's answer is the caller's offer; if the caller's answer says less, the carrier is told
 *   only the caller (`delayed`)    the carrier's offer and the caller's are matched: an answer of ours to each
 */
#include "call/interwork.h"

#include "call/methods.h"
#include "call/offer.h"
#include "call/own.h"
#include "call/pass.h"
#include "call/refresh.h"
#include "call/rel100.h"
#include "sip/sdp_answer.h"

/* 8 KiB: an answer says less than its offer, and offers with more are of browsers, which call no carrier. */
#define INTERWORK_TEXT_MAX 8192

int interwork_invite(struct leg *out, struct span *body)
{
    struct call *c = out->call;
    struct ldlg *in = c->in->main;
    const struct conf_trunk *t = out->trunk.conf;
    char text[INTERWORK_TEXT_MAX];
    struct build b;
    int rc;

    *body = SPAN_NONE;
    if (!span_is_empty(c->setup->body)) {
        if (t->offer == CONF_OFFER_DELAYED)
            return 0;
        out->offered = true;
        return offer_cross(in, out->main, OFFER_OFFER, c->setup->body, body);
    }
    if (t->offer != CONF_OFFER_EARLY || !offer_has_relay(c))
        return 0; /* without a relay there is no address of ours to offer */
    build_init(&b, text, sizeof text);
    rc = sdp_offer(t->codec.v, t->codec.n, &b);
    if (rc == 0)
        rc = offer_tell(out->main, OFFER_OFFER, build_text(&b), body);
    if (rc < 0)
        return rc;
    out->offered = true;
    out->main->oa.state = OA_OFFER_OUT;
    return 0;
}

/* ---- answers of our own ------------------------------------------------------------------------------------------ */

/* To the offer of `to`'s party from what was said on the other side; said empty: a refusal. @return lines accepted */
static int compose(struct ldlg *to, struct span offer, struct span said, struct span *body)
{
    struct sdp so, ss;
    char text[INTERWORK_TEXT_MAX];
    struct build b;
    int n, rc;

    if (sdp_parse(&so, offer, NULL) < 0)
        return -EINVAL;
    build_init(&b, text, sizeof text);
    n = sdp_answer(&so, sdp_parse(&ss, said, NULL) == 0 ? &ss : NULL, &b);
    if (n < 0)
        return n;
    rc = offer_tell(to, OFFER_ANSWER, build_text(&b), body);
    return rc < 0 ? rc : n;
}

/* What the carrier may be told of a caller that has said nothing yet. */
static int compose_own(struct ldlg *to, struct span offer, struct span *body)
{
    const struct conf_trunk *t = to->leg->trunk.conf;
    char text[INTERWORK_TEXT_MAX];
    struct build b;

    if (!offer_has_relay(to->leg->call))
        return compose(to, offer, SPAN_NONE, body);
    build_init(&b, text, sizeof text);
    if (sdp_offer(t->codec.v, t->codec.n, &b) < 0)
        return -EINVAL;
    return compose(to, offer, build_text(&b), body);
}

/* ---- telling the carrier what the caller's answer says ----------------------------------------------------------- */

static int again_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    struct ldlg *in = o->ld->peer;

    if (!in || span_is_empty(offer_heard(in)))
        return -ENOENT;
    methods_allow(b, o->ld->leg);
    if (o->ld->leg->state == LEG_UP)
        refresh_offer(b, o->ld->leg);
    *type = OFFER_TYPE;
    return offer_tell(o->ld, OFFER_OFFER, offer_heard(in), body);
}

static void again_done(struct own *o, const struct msg *m, unsigned status)
{
    struct ldlg *in = o->ld->peer;

    if (m && status < 300 && o->ld->leg->state == LEG_UP)
        refresh_answered(o->ld->leg, m);
    if (in && m && status < 300 && msg_body_is(m, OFFER_TYPE))
        (void)offer_hear(o->ld, in, m->body);
    if (in && in->leg->state >= LEG_UP)
        offer_unkeep(in);
}

/* By UPDATE while it rings or where it is known to be taken, else by re-INVITE as soon as there is a call. */
static void tell_again(struct ldlg *out)
{
    const struct own_param p = {
        .method = out->leg->update == LEG_UPDATE_YES ? SIP_UPDATE : SIP_INVITE,
        .offers = true,
        .compose = again_compose,
        .done = again_done,
    };

    if (own_start(out, &p, NULL) == 0)
        stat_inc(out->leg->call->calls->stats, STAT_interwork_again);
}

/* The caller's answer; told: what the carrier believes it may send. */
static void settle(struct ldlg *in, struct ldlg *out, struct span body)
{
    struct span told = offer_heard(out);
    struct sdp answer, before;

    if (offer_hear(in, out, body) < 0 || sdp_parse(&answer, body, NULL) < 0)
        return;
    if (sdp_parse(&before, told, NULL) == 0 && sdp_covers(&answer, &before))
        return;
    offer_keep(in, body);
    tell_again(out);
}

/* ---- 18x --------------------------------------------------------------------------------------------------------- */

/* The offer of neither INVITE: the carrier's, in its reliable 18x. */
static void offer_18x(struct ldlg *in, const struct msg *m, bool reliable, struct span *body)
{
    struct ldlg *out = in->peer;
    struct span answer = SPAN_NONE;

    if (out->oa.state != OA_NONE)
        return; /* it has offered before */
    out->firm = true;
    if (reliable) {
        if (offer_cross(out, in, OFFER_OFFER, m->body, body) == 0) {
            out->prack_owed = m->rseq;
            return;
        }
        *body = SPAN_NONE;
    } else {
        /* The caller can answer in its ACK only: until then the carrier has an answer of ours. */
        offer_keep(out, m->body);
        (void)offer_hear(out, in, m->body);
        if (compose_own(out, m->body, &answer) < 0)
            answer = SPAN_NONE;
    }
    out->oa.state = OA_STABLE;
    rel100_prack(out, m->rseq, answer);
}

/* The caller's offer and the carrier's, which came in its reliable 18x. */
static void match_18x(struct ldlg *in, const struct msg *m, bool reliable, struct span *body)
{
    struct ldlg *out = in->peer;
    struct span answer = SPAN_NONE;

    if (out->oa.state == OA_NONE) {
        out->firm = true;
        out->oa.state = OA_STABLE;
        offer_keep(out, m->body);
        (void)offer_hear(out, in, m->body);
        if (compose(out, m->body, offer_heard(in), &answer) < 0)
            answer = SPAN_NONE;
        rel100_prack(out, m->rseq, answer);
    }
    if (in->firm || compose(in, offer_heard(in), offer_heard(out), body) <= 0)
        *body = SPAN_NONE;
    else
        in->oa.state = reliable ? OA_STABLE : OA_OFFER_IN;
}

static void answer_18x(struct ldlg *in, const struct msg *m, bool reliable, bool firm,
                       struct span *body)
{
    struct ldlg *out = in->peer;
    enum oa_state before = (enum oa_state)out->oa.state;

    if (in->firm) {
        (void)offer_hear(out, in, m->body);
        return; /* RFC 3261 §13.2.1: the first one counted; RFC 6337: another would be an offer */
    }
    if (offer_cross(out, in, OFFER_ANSWER, m->body, body) < 0) {
        *body =
            SPAN_NONE; /* an early answer we cannot read is not told; the 2xx will say it again */
        return;
    }
    in->oa.state = reliable ? OA_STABLE : OA_OFFER_IN;
    if (!firm && !out->firm)
        out->oa.state = (uint8_t)before;
    out->firm = out->firm || firm;
}

/* The carrier answers our offer: that is the caller's offer, told where it can be answered. */
static void early_18x(struct ldlg *in, const struct msg *m, bool reliable, bool firm,
                      struct span *body)
{
    struct ldlg *out = in->peer;

    offer_keep(out, m->body);
    (void)offer_hear(out, in, m->body);
    if (firm) {
        out->firm = true;
        out->oa.state = OA_STABLE;
    }
    if (!reliable || in->oa.state != OA_NONE || offer_tell(in, OFFER_OFFER, m->body, body) < 0)
        *body = SPAN_NONE;
    else
        in->oa.state = OA_OFFER_OUT;
}

void interwork_18x(struct ldlg *in, const struct msg *m, bool reliable, struct span *body)
{
    struct ldlg *out = in->peer;
    bool firm = rel100_has_rseq(out->leg, m);
    bool has_sdp = msg_body_is(m, OFFER_TYPE) && !span_is_empty(m->body);

    *body = SPAN_NONE;
    if (!has_sdp)
        return;
    if (in->leg->offered && out->leg->offered)
        answer_18x(in, m, reliable, firm, body);
    else if (out->leg->offered)
        early_18x(in, m, reliable, firm, body);
    else if (!firm)
        return; /* an offer in an unreliable 18x is none (RFC 3261 §13.2.1) */
    else if (in->leg->offered)
        match_18x(in, m, reliable, body);
    else
        offer_18x(in, m, reliable, body);
}

/* ---- 2xx --------------------------------------------------------------------------------------------------------- */

static int answer_2xx(struct ldlg *in, struct ldlg *out, const struct msg *m, struct span *body)
{
    struct span said = span_is_empty(m->body) ? offer_heard(out) : m->body;

    if (in->firm) {
        if (!span_is_empty(m->body))
            (void)offer_hear(out, in, m->body);
        return 0; /* it has its answer */
    }
    if (span_is_empty(said)) {
        offer_refused(in, out); /* a 200 that answers nothing must not block later offers */
        return 0;
    }
    return offer_cross(out, in, OFFER_ANSWER, said, body);
}

static int match_2xx(struct ldlg *in, struct ldlg *out, const struct msg *m, struct span *body)
{
    if (out->oa.state == OA_NONE) {
        if (span_is_empty(m->body) || offer_hear(out, in, m->body) < 0)
            return -EINVAL;
        offer_keep(out, m->body);
        out->oa.state = OA_OFFER_IN;
    }
    if (in->firm)
        return 0;
    if (compose(in, offer_heard(in), offer_heard(out), body) <= 0)
        return -EINVAL;
    in->oa.state = OA_STABLE;
    return 0;
}

/* An offer to the caller, from an answer that the carrier has given, or from an offer that was answered for the caller. */
static int early_2xx(struct ldlg *in, struct ldlg *out, const struct msg *m, struct span *body)
{
    if (!span_is_empty(m->body)) {
        if (offer_hear(out, in, m->body) < 0)
            return -EINVAL;
        offer_keep(out, m->body);
    }
    out->oa.state = OA_STABLE;
    if (in->oa.state != OA_NONE)
        return 0;
    if (offer_tell(in, OFFER_OFFER, offer_heard(out), body) < 0)
        return -EINVAL;
    in->oa.state = OA_OFFER_OUT;
    return 0;
}

int interwork_2xx(struct ldlg *in, const struct msg *m, struct span *body)
{
    struct ldlg *out = in->peer;

    *body = SPAN_NONE;
    if (in->leg->offered)
        return out->leg->offered ? answer_2xx(in, out, m, body) : match_2xx(in, out, m, body);
    if (out->leg->offered || out->oa.state == OA_STABLE)
        return early_2xx(in, out, m, body);
    if (span_is_empty(m->body))
        return 0; /* neither has anything to say: a call without media */
    return offer_cross(out, in, OFFER_OFFER, m->body, body);
}

void interwork_ack_body(struct leg *out, struct span *body)
{
    struct ldlg *ld = out->main;
    struct call *c = out->call;
    bool match = c->in->offered && !out->offered && ld->peer && c->state < CALL_ENDING;

    if (compose(ld, offer_heard(ld), match ? offer_heard(ld->peer) : SPAN_NONE, body) < 0)
        *body = SPAN_NONE;
    ld->oa.state = OA_STABLE;
}

void interwork_refuse(struct ldlg *ld, struct span offer, struct span *body)
{
    if (compose(ld, offer, SPAN_NONE, body) < 0)
        *body = SPAN_NONE;
    ld->oa.state = OA_STABLE;
}

/* ---- the caller's part ------------------------------------------------------------------------------------------- */

void interwork_answered(struct ldlg *in, struct span body)
{
    struct ldlg *out = in->peer;
    struct span answer = SPAN_NONE;

    in->oa.state = OA_STABLE;
    if (!out)
        return;
    if (out->prack_owed) {
        if (span_is_empty(body) || offer_cross(in, out, OFFER_ANSWER, body, &answer) < 0)
            offer_refused(out, in);
        rel100_pay_prack(out, answer);
        return;
    }
    if (!span_is_empty(body))
        settle(in, out, body);
}

void interwork_acked(struct ldlg *in, struct span body)
{
    struct ldlg *out = in->peer;

    if (!out)
        return;
    if (in->oa.state == OA_OFFER_OUT && !out->leg->ack_owed)
        interwork_answered(in, body);
    /* From now on each offer has its own answer; the caller's is kept while the carrier is still to be told. */
    offer_unkeep(out);
    if (!own_has(out, SIP_INVITE) && !own_has(out, SIP_UPDATE))
        offer_unkeep(in);
}

int interwork_answer_here(struct ldlg *ld, struct span offer, struct span *body)
{
    struct ldlg *peer = ld->peer;
    int rc = peer ? compose(ld, offer, offer_heard(peer), body) : -ENOENT;

    if (rc < 0)
        return rc;
    ld->oa.state = OA_STABLE;
    offer_keep(ld, offer);
    (void)offer_hear(ld, peer, offer);
    return 0;
}

void interwork_reply_here(struct ldlg *ld, struct txn_server *st, struct span offer)
{
    struct span body = SPAN_NONE;
    struct build *b;

    if (interwork_answer_here(ld, offer, &body) < 0)
        body = SPAN_NONE;
    b = txn_server_begin(st, 200, SPAN_NONE, SPAN_NONE);
    if (b && build_end(b, OFFER_TYPE, body) == 0)
        (void)txn_server_send(st);
    stat_inc(ld->leg->call->calls->stats, STAT_interwork_here);
}

bool interwork_prack_offer(struct ldlg *in, struct txn_server *st, const struct msg *m)
{
    struct ldlg *out = in->peer;
    struct leg_arg arg = {.msg = m, .dlg = in, .st = st};

    if (out && out->firm && out->leg->update == LEG_UPDATE_YES && !offer_is_open(out) &&
        !offer_is_open(in)) {
        pass_request(in->leg, out->leg, &arg);
        return true;
    }
    interwork_reply_here(in, st, m->body);
    return true;
}
