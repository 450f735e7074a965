/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The out leg's machine: our INVITE to a carrier, its answers, CANCEL, and the leg's end.
 * leg.c runs the table; hunt.c starts the leg; actions speak by its client transaction and tell the bridge.
 */
#include "call/bodies.h"
#include "call/header_rules.h"
#include "call/headers.h"
#include "call/hunt.h"
#include "call/identity.h"
#include "call/interwork.h"
#include "call/leg_table.h"
#include "call/model.h"
#include "call/offer.h"
#include "call/reason.h"
#include "call/refresh.h"
#include "call/session.h"
#include "call/rel100.h"

static void out_on_response(void *user, struct txn_client *ct, const struct msg *m,
                            const struct flow *f);
static void out_on_end(void *user, struct txn_client *ct, enum txn_end why);

static void out_on_trying(void *user, struct txn_client *ct);

static void out_on_again(void *user, struct txn_client *ct, struct txn_client *again,
                         uint32_t cseq);

static const struct txn_client_cb out_cb = {.on_response = out_on_response,
                                            .on_end = out_on_end,
                                            .on_trying = out_on_trying,
                                            .on_again = out_on_again};

static int out_compose(struct leg *leg, struct txn_client *ct)
{
    struct call *c = leg->call;
    struct setup *s = c->setup;
    struct span type = OFFER_TYPE, body;
    struct build *b;

    if (interwork_invite(leg, &body) < 0)
        return -EINVAL;
    b = dialog_request(leg->main->d, ct, s->max_forwards - 1);
    if (!b)
        return -ENOMEM;
    headers_request(b, s, leg);
    refresh_offer(b, leg);
    header_rules_leg_out(b, leg);
    bodies_close(leg, s->wrapped ? &s->wrap : NULL, &type, &body);
    return build_end(b, type, body);
}

static int out_start(struct leg *leg)
{
    struct calls *cs = leg->call->calls;
    struct txn_client *ct = txn_client_new(cs->txns, SIP_INVITE, &leg->flow, &out_cb, leg);
    int rc;

    if (!ct)
        return -ENOMEM;
    rc = out_compose(leg, ct);
    if (rc < 0) {
        txn_client_abort(ct);
        return rc;
    }
    leg->invite_cseq = leg->main->d->local_cseq;
    rc = txn_client_start(ct);
    if (rc < 0)
        return rc;
    leg->invite_ct = ct;
    stat_inc(cs->stats, STAT_legs_invites);
    return 0;
}

static void out_send_invite(struct leg *leg, const struct leg_arg *arg)
{
    (void)arg;
    int rc = out_start(leg);

    if (rc < 0)
        leg_event(leg, LEV_TXN_FAIL, &(struct leg_arg){.status = rc == -EINVAL ? 500 : 503});
}

bool leg_out_again(struct leg *leg)
{
    /* Nothing may have been told of this attempt: its early dialogs end with it. */
    if (!leg->call->setup || leg->call->out != leg || leg->state < LEG_TRYING ||
        leg->state > LEG_EARLY || leg->main->d->state != DIALOG_INIT)
        return false;
    if (leg->invite_ct)
        txn_client_detach(leg->invite_ct);
    leg->invite_ct = NULL;
    return out_start(leg) == 0;
}

static void out_100(struct leg *leg, const struct leg_arg *arg)
{
    (void)arg;
    if (leg->progress_seen)
        return;
    /* From now on the carrier is known to live; what is missing is ringing. */
    leg->progress_seen = true;
    leg_wait(leg, leg->trunk.conf->progress_timeout_ms);
}

static void out_18x(struct leg *leg, const struct leg_arg *arg)
{
    if (!leg->progress_ms)
        leg->progress_ms = leg->call->calls->clock->mono_ms;
    bridge_event(leg, BR_PROGRESS, arg);
}

static void out_18x_sdp(struct leg *leg, const struct leg_arg *arg)
{
    if (!leg->progress_ms)
        leg->progress_ms = leg->call->calls->clock->mono_ms;
    if (leg->main != arg->dlg && !leg->main->answered_sdp)
        leg->main = arg->dlg; /* the first dialog that has media is the one we listen to */
    arg->dlg->answered_sdp = true;
    bridge_event(leg, BR_PROGRESS_SDP, arg);
}

/* The ACK, at once unless the 2xx bears an offer: then the answer comes with the in leg's ACK (RFC 3261 §13.2.1). */
static void out_ack_2xx(struct leg *leg, const struct leg_arg *arg)
{
    if (!leg->offered && !span_is_empty(arg->msg->body) && arg->dlg->oa.state != OA_STABLE) {
        offer_keep(arg->dlg, arg->msg->body);
        leg->ack_owed = true;
        return;
    }
    (void)dialog_ack(arg->dlg->d, leg->invite_cseq, SPAN_NONE, SPAN_NONE);
    leg_event(leg, LEV_ACK, &(struct leg_arg){0});
}

static void out_2xx(struct leg *leg, const struct leg_arg *arg)
{
    leg->main = arg->dlg;
    leg->answered_ms = leg->call->calls->clock->mono_ms;
    leg->privacy = (uint8_t)identity_privacy(arg->msg->hdrs, arg->msg->n_hdrs);
    leg_drop_dialogs(leg, arg->dlg);
    refresh_answered(leg, arg->msg);
    out_ack_2xx(leg, arg);
    bridge_event(leg, BR_ANSWER, arg);
}

/* 2xx of another dialog (fork), or of an attempt that was given up: ACK, with a refusal of its offer, then BYE (RFC 3261 §13.2.2.4). */
static void out_ack_bye(struct leg *leg, const struct leg_arg *arg)
{
    struct span body = SPAN_NONE;

    if (!leg->offered && msg_body_is(arg->msg, OFFER_TYPE) && arg->dlg->oa.state != OA_STABLE)
        interwork_refuse(arg->dlg, arg->msg->body, &body);
    (void)dialog_ack(arg->dlg->d, leg->invite_cseq, OFFER_TYPE, body);
    leg_send_bye(leg, arg->dlg);
}

static void out_2xx_again(struct leg *leg, const struct leg_arg *arg)
{
    if (arg->dlg == leg->main) {
        (void)dialog_ack_again(leg->main->d,
                               leg->invite_cseq); /* -ENOENT: the in leg's ACK is awaited */
        return;
    }
    if (dialog_ack_again(arg->dlg->d, leg->invite_cseq) == 0)
        return;
    stat_inc(leg->call->calls->stats, STAT_legs_extra_2xx);
    out_ack_bye(leg, arg);
}

/* The 200 crossed our CANCEL (RFC 5407 §3.1.2): the callee believes in a call; end it. */
static void out_2xx_late(struct leg *leg, const struct leg_arg *arg)
{
    stat_inc(leg->call->calls->stats, STAT_legs_late_2xx);
    leg->main = arg->dlg;
    record_late_answer(leg->call, leg);
    out_ack_bye(leg, arg);
}

static void out_final(struct leg *leg, const struct leg_arg *arg)
{
    uint16_t status = arg->msg->status;
    uint8_t q850 = reason_of(arg->msg).q850;

    leg->cause = (struct cause){status, q850, CAUSE_OUT, "answer"};
    bridge_event(leg, BR_FAIL, arg);
}

static void out_timeout(struct leg *leg, const struct leg_arg *arg)
{
    leg->timed_out = true;
    if (leg->progress_ms)
        leg->cause = CAUSE_HERE_(480, 19, "ring timeout");
    else if (leg->progress_seen)
        leg->cause = CAUSE_HERE_(408, 102, "progress timeout");
    else
        leg->cause = CAUSE_HERE_(408, 102, "trying timeout");
    if (leg->invite_ct)
        (void)txn_client_cancel(leg->invite_ct, SPAN_NONE);
    bridge_event(leg, BR_FAIL, arg);
}

static void out_txn_fail(struct leg *leg, const struct leg_arg *arg)
{
    leg->timed_out = arg->status == 408;
    leg->cause = leg->timed_out       ? CAUSE_HERE_(408, 102, "no response")
                 : arg->status == 500 ? CAUSE_HERE_(500, 41, "could not write the offer")
                                      : CAUSE_HERE_(503, 38, "could not send");
    bridge_event(leg, BR_FAIL, arg);
}

/* What the caller's CANCEL says in SIP's own terms, on whichever of its Reason lines (RFC 3326 §2). 0: nothing */
static unsigned cancel_reason(const struct msg *m)
{
    return m && m->is_request && m->method == SIP_CANCEL ? reason_of(m).sip : 0;
}

static void out_cancel(struct leg *leg, const struct leg_arg *arg)
{
    char buf[96];
    const struct cause *cause = &leg->call->cause;

    if (leg->invite_ct)
        (void)txn_client_cancel(leg->invite_ct,
                                cause_reason_sip(cause, cancel_reason(arg->msg), buf));
    if (leg->cause.where == CAUSE_NOWHERE)
        leg->cause = (struct cause){487, cause->q850, cause->where, "cancelled"};
}

static void out_ack(struct leg *leg, const struct leg_arg *arg)
{
    struct span type = OFFER_TYPE, body = SPAN_NONE;

    if (!leg->ack_owed)
        return;
    leg->ack_owed = false;
    if (leg->call->in->offered)
        interwork_ack_body(leg, &body);
    else if (!arg->msg || span_is_empty(arg->msg->body) ||
             offer_cross(arg->dlg, leg->main, OFFER_ANSWER, arg->msg->body, &body) < 0)
        offer_refused(leg->main, leg->call->in->main);
    if (arg->msg)
        bodies_close(leg, arg->msg->wrap, &type, &body);
    (void)dialog_ack(leg->main->d, leg->invite_cseq, type, body);
}

/* RFC 3261 §13.2.2.4: an offer has its answer in the ACK, and be it a refusal. */
static void out_pay_ack(struct leg *leg)
{
    struct span body = SPAN_NONE;

    if (!leg->ack_owed)
        return;
    leg->ack_owed = false;
    interwork_ack_body(leg, &body);
    (void)dialog_ack(leg->main->d, leg->invite_cseq, OFFER_TYPE, body);
}

static void out_bye(struct leg *leg, const struct leg_arg *arg)
{
    struct reason r = reason_of(arg->msg);

    dialog_2xx_stop(leg->main->d); /* of a re-INVITE of theirs */
    out_pay_ack(leg);
    leg->cause = (struct cause){200, r.q850 ? r.q850 : 16, CAUSE_OUT, "bye"};
    leg->call->sip_reason = r.sip >= 300 ? r.sip : 0; /* 200 is what a BYE is anyway */
    bridge_event(leg, BR_BYE, arg);
}

/* A BYE ahead of its 200 (reordered), or from a callee that gave up: either way there is no call any more. */
static void out_bye_early(struct leg *leg, const struct leg_arg *arg)
{
    uint8_t q850 = reason_of(arg->msg).q850;

    if (!q850)
        q850 = 16;
    leg->cause = (struct cause){cause_status_of(q850), q850, CAUSE_OUT, "bye before answer"};
    if (leg->invite_ct)
        (void)txn_client_cancel(leg->invite_ct, SPAN_NONE);
    bridge_event(leg, BR_BYE, arg);
}

static void out_hangup(struct leg *leg, const struct leg_arg *arg)
{
    (void)arg;
    dialog_2xx_stop(leg->main->d);
    out_pay_ack(leg);
    if (leg->cause.where == CAUSE_NOWHERE)
        leg->cause = leg->call->cause;
    leg_send_bye(leg, leg->main);
}

static void out_lost(struct leg *leg, const struct leg_arg *arg)
{
    leg->cause = arg->cause ? *arg->cause : CAUSE_HERE_(408, 102, "peer is gone");
    bridge_event(leg, BR_LOST, arg);
    out_hangup(leg, arg);
}

/* No final answer ever came to a cancelled INVITE. */
static void out_give_up(struct leg *leg, const struct leg_arg *arg)
{
    (void)arg;
    if (leg->invite_ct)
        txn_client_detach(leg->invite_ct);
    leg->invite_ct = NULL;
    call_check(leg->call); /* it may have waited for that transaction */
}

/* What only an in leg has. */
#define IN_ONLY                                                                             \
    [LEV_PROGRESS] = IMP, [LEV_PROGRESS_SDP] = IMP, [LEV_ANSWER] = IMP, [LEV_REJECT] = IMP, \
    [LEV_CANCEL] = IMP

const struct leg_cell leg_out_table[LEG_STATES][LEG_EVENTS] =
    {
        [LEG_NEW] =
            {
                IN_ONLY,
                [LEV_INVITE] = GO(LEG_TRYING, out_send_invite),
                [LEV_HANGUP] = GO(LEG_DEAD, NULL), /* nothing was sent */
                [LEV_ABANDON] = GO(LEG_DEAD, NULL),
                [LEV_100] = IMP,
                [LEV_18X] = IMP,
                [LEV_18X_SDP] = IMP,
                [LEV_2XX] = IMP,
                [LEV_FINAL] = IMP,
                [LEV_ACK] = IMP,
                [LEV_BYE] = IMP,
                [LEV_BYE_DONE] = IMP,
                [LEV_TIMEOUT] = IMP,
                [LEV_TXN_FAIL] = GO(LEG_DEAD, out_txn_fail),
                [LEV_LOST] = IMP,
            },
        [LEG_TRYING] =
            {
                IN_ONLY,
                [LEV_INVITE] = IMP,
                [LEV_HANGUP] = GO(LEG_CANCELLING, out_cancel),
                [LEV_ABANDON] = GO(LEG_CANCELLING, out_cancel),
                [LEV_100] = STAY(out_100),
                [LEV_18X] = GO(LEG_RINGING, out_18x),
                [LEV_18X_SDP] = GO(LEG_EARLY, out_18x_sdp),
                [LEV_2XX] = GO(LEG_ANSWERED, out_2xx),
                [LEV_FINAL] = GO(LEG_DEAD, out_final),
                [LEV_ACK] = IMP,
                [LEV_BYE] = IMP, /* no dialog: answered 481 before it gets here */
                [LEV_BYE_DONE] = IMP,
                [LEV_TIMEOUT] = GO(LEG_CANCELLING, out_timeout),
                [LEV_TXN_FAIL] = GO(LEG_DEAD, out_txn_fail),
                [LEV_LOST] = IMP,
            },
        [LEG_RINGING] =
            {
                IN_ONLY, [LEV_INVITE] = IMP, [LEV_HANGUP] = GO(LEG_CANCELLING, out_cancel),
                [LEV_ABANDON] = GO(LEG_CANCELLING, out_cancel), [LEV_100] = IGN,
                [LEV_18X] = STAY(out_18x), [LEV_18X_SDP] = GO(LEG_EARLY, out_18x_sdp),
                [LEV_2XX] = GO(LEG_ANSWERED, out_2xx), [LEV_FINAL] = GO(LEG_DEAD, out_final),
                [LEV_ACK] = IMP, [LEV_BYE] = GO(LEG_CANCELLING, out_bye_early),
                [LEV_BYE_DONE] = IMP, [LEV_TIMEOUT] = GO(LEG_CANCELLING, out_timeout),
                [LEV_TXN_FAIL] = GO(LEG_DEAD, out_txn_fail),
                [LEV_LOST] = IGN, /* a PRACK that was answered 481: the INVITE decides */
            },
        [LEG_EARLY] =
            {
                IN_ONLY,
                [LEV_INVITE] = IMP,
                [LEV_HANGUP] = GO(LEG_CANCELLING, out_cancel),
                [LEV_ABANDON] = GO(LEG_CANCELLING, out_cancel),
                [LEV_100] = IGN,
                [LEV_18X] = STAY(out_18x),
                [LEV_18X_SDP] = STAY(out_18x_sdp),
                [LEV_2XX] = GO(LEG_ANSWERED, out_2xx),
                [LEV_FINAL] = GO(LEG_DEAD, out_final),
                [LEV_ACK] = IMP,
                [LEV_BYE] = GO(LEG_CANCELLING, out_bye_early),
                [LEV_BYE_DONE] = IMP,
                [LEV_TIMEOUT] = GO(LEG_CANCELLING, out_timeout),
                [LEV_TXN_FAIL] = GO(LEG_DEAD, out_txn_fail),
                [LEV_LOST] = IGN,
            },
        [LEG_ANSWERED] =
            {
                IN_ONLY,
                [LEV_INVITE] = IMP,
                [LEV_HANGUP] = GO(LEG_CLOSING, out_hangup),
                [LEV_ABANDON] = GO(LEG_CLOSING, out_hangup),
                [LEV_100] = IGN,
                [LEV_18X] = IGN,
                [LEV_18X_SDP] = IGN,
                [LEV_2XX] = STAY(out_2xx_again),
                [LEV_FINAL] = IGN, /* of a fork behind another's 2xx */
                [LEV_ACK] = GO(LEG_UP, out_ack),
                [LEV_BYE] = GO(LEG_DEAD, out_bye), /* before our ACK */
                [LEV_BYE_DONE] = IMP,
                [LEV_TIMEOUT] = IMP,
                [LEV_TXN_FAIL] = IGN,
                [LEV_LOST] = GO(LEG_CLOSING, out_lost),
            },
        [LEG_UP] =
            {
                IN_ONLY,
                [LEV_INVITE] = IMP,
                [LEV_HANGUP] = GO(LEG_CLOSING, out_hangup),
                [LEV_ABANDON] = IMP,
                [LEV_100] = IGN,
                [LEV_18X] = IGN,
                [LEV_18X_SDP] = IGN,
                [LEV_2XX] = STAY(out_2xx_again),
                [LEV_FINAL] = IGN,
                [LEV_ACK] = IGN,
                [LEV_BYE] = GO(LEG_DEAD, out_bye),
                [LEV_BYE_DONE] = IGN, /* of a fork's BYE */
                [LEV_TIMEOUT] = IMP,
                [LEV_TXN_FAIL] =
                    GO(LEG_CLOSING, out_lost), /* no ACK to the 2xx of a re-INVITE of theirs */
                [LEV_LOST] = GO(LEG_CLOSING, out_lost),
            },
        [LEG_CANCELLING] =
            {
                IN_ONLY,
                [LEV_INVITE] = IMP,
                [LEV_HANGUP] = IGN,
                [LEV_ABANDON] = IGN,
                [LEV_100] = IGN, /* the transaction sends the CANCEL that waited for it */
                [LEV_18X] = IGN,
                [LEV_18X_SDP] = IGN,
                [LEV_2XX] = GO(LEG_CLOSING, out_2xx_late),
                [LEV_FINAL] = GO(LEG_DEAD, NULL),
                [LEV_ACK] = IMP,
                [LEV_BYE] = IGN,
                [LEV_BYE_DONE] = IMP,
                [LEV_TIMEOUT] = GO(LEG_DEAD, out_give_up),
                [LEV_TXN_FAIL] = GO(LEG_DEAD, NULL),
                [LEV_LOST] = IGN,
            },
        [LEG_CLOSING] =
            {
                IN_ONLY,
                [LEV_INVITE] = IMP,
                [LEV_HANGUP] = IGN,
                [LEV_ABANDON] = IGN,
                [LEV_100] = IGN,
                [LEV_18X] = IGN,
                [LEV_18X_SDP] = IGN,
                [LEV_2XX] = STAY(out_2xx_again),
                [LEV_FINAL] = IGN,
                [LEV_ACK] = IGN,
                [LEV_BYE] = IGN,
                [LEV_BYE_DONE] = GO(LEG_DEAD, NULL),
                [LEV_TIMEOUT] = IMP,
                [LEV_TXN_FAIL] = IGN,
                [LEV_LOST] = IGN,
            },
        [LEG_DEAD] =
            {
                IN_ONLY,
                [LEV_INVITE] = IGN, /* media came when the call was over */
                [LEV_HANGUP] = IGN,
                [LEV_ABANDON] = IGN,
                [LEV_100] = IGN,
                [LEV_18X] = IGN,
                [LEV_18X_SDP] = IGN,
                [LEV_2XX] = STAY(out_2xx_again),
                [LEV_FINAL] = IGN,
                [LEV_ACK] = IGN,
                [LEV_BYE] = IGN,
                [LEV_BYE_DONE] = IGN,
                [LEV_TIMEOUT] = IGN,
                [LEV_TXN_FAIL] = IGN,
                [LEV_LOST] = IGN,
            },
};

/* ---- its client transaction ------------------------------------------------------------------------------------ */

/* The dialog of a response: the first one takes its tag from it, another tag makes another dialog (fork). NULL: none. */
static struct ldlg *out_dialog(struct leg *leg, const struct msg *m)
{
    struct ldlg *ld;
    struct dialog *d;
    unsigned n = 0;

    if (span_is_empty(m->to.tag))
        return leg->main;
    for (ld = leg->dialogs; ld; ld = ld->next, n++)
        if (dialog_on_response(ld->d, m) != -ENOENT)
            return ld;
    if (n >= (m->status < 200 ? LEG_DIALOGS_MAX : LEG_ANSWERS_MAX))
        return NULL;
    if (dialog_fork(leg->main->d, m, &d) < 0)
        return NULL;
    ld = ldlg_new(leg, d);
    if (!ld) {
        dialog_free(d);
        return NULL;
    }
    leg->forked = true;
    ld->oa.state = leg->offered ? OA_OFFER_OUT : OA_NONE;
    return ld;
}

/* The status that a 199 gives as its reason (RFC 6228 §4): "SIP;cause=404". */
static unsigned reason_status(const struct msg *m)
{
    unsigned status = reason_of(m).sip;

    return status >= 300 ? status : 480;
}

/* The fork that was listened to is over: another one that has media is, if there is one. */
static void out_listen_to_another(struct leg *leg)
{
    leg->main->answered_sdp = false;
    for (struct ldlg *ld = leg->dialogs; ld; ld = ld->next)
        if (ld->answered_sdp && ld->peer) {
            leg->main = ld;
            offer_carry(ld->peer);
            (void)offer_hear(ld, ld->peer, offer_heard(ld));
            return;
        }
}

/* RFC 6228: this early dialog is over. The leg goes on with its others; its first one stays as their pattern. */
static void out_199(struct leg *leg, const struct leg_arg *arg)
{
    struct ldlg *ld = arg->dlg, *in = ld->peer;

    if (in) {
        leg_in_199(in, reason_status(arg->msg));
        if (in->over)
            ldlg_join(in, NULL);
        if (in->over && in != in->leg->main)
            leg_drop_dialog(in->leg, in);
    }
    if (ld == leg->main)
        out_listen_to_another(leg);
    if (ld != leg->main)
        leg_drop_dialog(leg, ld);
}

static void out_provisional(struct leg *leg, const struct leg_arg *arg)
{
    const struct msg *m = arg->msg;
    struct ldlg *ld = arg->dlg;
    bool reliable = rel100_has_rseq(leg, m) && !span_is_empty(m->to.tag);

    out_100(leg, arg); /* 181, 182, 199 too show a live carrier */
    if (reliable && !rel100_take(ld, m))
        return;
    /* An offer has its answer in the PRACK: interwork_18x sends that one. All others are acknowledged at once. */
    if (reliable && (leg->offered || ld->oa.state != OA_NONE || span_is_empty(m->body) ||
                     leg->state >= LEG_ANSWERED || m->status == 199))
        rel100_prack(ld, m->rseq, SPAN_NONE);
    if (m->status == 199)
        out_199(leg, arg);
    else
        leg_event(leg, span_is_empty(m->body) ? LEV_18X : LEV_18X_SDP, arg);
}

static void out_on_response(void *user, struct txn_client *ct, const struct msg *m,
                            const struct flow *f)
{
    struct leg *leg = user;
    struct leg_arg arg = {.msg = crossing_in(leg, m), .status = m->status};

    (void)ct;
    (void)f;
    m = arg.msg;
    session_answer(leg->call->in, leg->call->in->invite_st);
    if (m->status >= 300) {
        if (m->status == 422 && refresh_raise(leg, m) && leg_out_again(leg))
            return; /* RFC 4028 §7.4: the same attempt with the interval it wants */
        leg_event(leg, LEV_FINAL, &arg);
        return;
    }
    arg.dlg = out_dialog(leg, m);
    if (!arg.dlg)
        return;
    leg_learn(leg, m);
    if (m->status < 200) {
        out_provisional(leg, &arg);
        return;
    }
    leg_event(leg, LEV_2XX, &arg);
}

static void out_on_trying(void *user, struct txn_client *ct)
{
    (void)ct;
    leg_event(user, LEV_100, &(struct leg_arg){.status = 100});
}

/* The INVITE goes on with credentials: the same attempt, another CSeq (RFC 3261 §22.2). */
static void out_on_again(void *user, struct txn_client *ct, struct txn_client *again, uint32_t cseq)
{
    struct leg *leg = user;

    (void)ct;
    leg->invite_ct = again;
    leg->invite_cseq = cseq;
}

static void out_on_end(void *user, struct txn_client *ct, enum txn_end why)
{
    struct leg *leg = user;

    if (leg->invite_ct == ct)
        leg->invite_ct = NULL;
    if (why != TXN_END_OK)
        leg_event(leg, LEV_TXN_FAIL,
                  &(struct leg_arg){.status = why == TXN_END_TIMEOUT ? 408 : 503});
    if (leg->forked && leg->state == LEG_DEAD)
        call_check(leg->call);
}

void leg_out_media_ready(struct leg *leg)
{
    leg_event(leg, LEV_INVITE, &(struct leg_arg){0});
}
