/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The in leg's machine: what we answer to the INVITE that made it, and its end.
 * leg.c runs the table; actions answer by the INVITE's server transaction and tell the bridge.
 */
#include "call/announce.h"
#include "call/bodies.h"
#include "call/codecs.h"
#include "call/crypto.h"
#include "call/header_rules.h"
#include "call/headers.h"
#include "call/interwork.h"
#include "call/leg_table.h"
#include "call/methods.h"
#include "call/model.h"
#include "call/offer.h"
#include "call/reason.h"
#include "call/refresh.h"
#include "call/rel100.h"

/* Give the INVITE a final answer >= 300. contacts: of a redirection that the caller is told; else empty. */
static void in_final_to(struct leg *leg, const struct cause *cause, struct span phrase,
                        struct span contacts)
{
    struct calls *cs = leg->call->calls;
    struct txn_server *st = leg->invite_st;
    uint16_t status = span_is_empty(contacts) ? cause_told(cause) : cause->sip_code;
    struct span tag = leg->main ? dialog_str(leg->main->d, DIALOG_LOCAL_TAG) : SPAN_NONE;
    struct build *b;
    char reason[32];

    if (!st)
        return;
    leg->invite_st = NULL;
    rel100_final(leg);
    txn_server_set_user(st, NULL, NULL);
    b = txn_server_begin(st, status, phrase, tag);
    if (!b)
        return;
    if (status == 503)
        build_hdr_u32(b, SPAN("Retry-After"), call_retry_after(leg->call));
    if (!span_is_empty(contacts))
        build_hdr(b, SPAN("Contact"), contacts);
    if (status == 405)
        build_hdr(b, SPAN("Allow"), headers_allow);
    if (cause->q850)
        build_hdr(b, SPAN("Reason"), cause_reason(cause, reason));
    if (cause->reason == codecs_reason)
        build_hdr(b, SPAN("Warning"), CODECS_WARNING);
    else if (cause->reason == crypto_reason)
        build_hdr(b, SPAN("Warning"), CRYPTO_WARNING);
    header_rules_leg_out(b, leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
    stat_inc(cs->stats, STAT_calls_rejected);
}

static void in_final(struct leg *leg, const struct cause *cause, struct span phrase)
{
    in_final_to(leg, cause, phrase, SPAN_NONE);
}

/*
 * The dialog that a dialog of the out leg has on this side. Each has its own (RFC 3261 §12.1.1): two forks may send two
 * answers, and one dialog can hold only one (RFC 6337 §2). Beyond the bound it is
 * the main one, which is joined to another.
 */
static struct ldlg *in_dialog_of(struct leg *leg, struct ldlg *out)
{
    struct ldlg *ld, *old = leg->main;
    struct dialog *d;
    unsigned n = 0;

    if (out->peer)
        return out->peer;
    if (!old->peer && !old->over && !old->told) {
        ldlg_join(old, out);
        return old;
    }
    for (ld = leg->dialogs; ld; ld = ld->next)
        n++;
    if (n >= LEG_DIALOGS_MAX || dialog_fork_uas(old->d, &d) < 0)
        return old;
    ld = ldlg_new(leg, d);
    if (!ld) {
        dialog_free(d);
        return old;
    }
    leg->branched = true;
    ld->oa.state = leg->offered ? OA_OFFER_IN : OA_NONE;
    ldlg_join(ld, out);
    if (old->over) { /* it was kept as the pattern of this one */
        leg->main = ld;
        leg_drop_dialog(leg, old);
    }
    return ld;
}

/* One minute after the last 18x the caller hears that it still rings (RFC 3261 §13.3.1.1). */
static void in_wait_again(struct leg *leg)
{
    if (leg->timer.fn)
        timer_set(&leg->timer, LEG_RING_AGAIN_MS);
}

void leg_in_progress(struct ldlg *ld, const struct msg *m)
{
    struct leg *leg = ld->leg;
    struct call *c = leg->call;
    bool reliable = rel100_is_reliable(ld, m);
    uint32_t rseq = 0;
    struct span type = OFFER_TYPE, body;
    struct build *b;

    interwork_18x(ld, m, reliable, &body);
    b = txn_server_begin(leg->invite_st, m->status, SPAN_NONE, dialog_str(ld->d, DIALOG_LOCAL_TAG));
    if (!b)
        return;
    headers_contact(b, ld->d);
    methods_allow(b, leg);
    headers_response(b, m, leg);
    if (leg->precondition && msg_has_option(m, HDR_REQUIRE, SPAN("precondition")))
        build_hdr(b, SPAN("Require"), SPAN("precondition"));
    if (reliable)
        rseq = rel100_headers(ld, b);
    if (!span_is_empty(body))
        c->committed = ld->told = true;
    if (!c->progress_ms)
        c->progress_ms = c->calls->clock->mono_ms;
    if (leg->rung) /* the first one came with the state, which has set the timer */
        in_wait_again(leg);
    leg->rung = m->status;
    ld->shown = true;
    header_rules_leg_out(b, leg);
    bodies_close(leg, m->wrap, &type, &body);
    if (build_end(b, type, body) < 0 || txn_server_send(leg->invite_st) < 0)
        return;
    if (rseq && leg->invite_st)
        rel100_sent(ld, rseq, !span_is_empty(body));
}

int leg_in_early(struct ldlg *ld, unsigned status, struct span body)
{
    struct leg *leg = ld->leg;
    bool reliable = leg->rel100 && (leg->rel100_must || ld->rel ||
                                    leg->trunk.conf->rel100 == CONF_100REL_REQUIRED);
    uint32_t rseq = 0;
    struct build *b;

    b = txn_server_begin(leg->invite_st, status, SPAN_NONE, dialog_str(ld->d, DIALOG_LOCAL_TAG));
    if (!b)
        return -ENOMEM;
    headers_contact(b, ld->d);
    methods_allow(b, leg);
    if (reliable)
        rseq = rel100_headers(ld, b);
    if (!leg->call->progress_ms)
        leg->call->progress_ms = leg->call->calls->clock->mono_ms;
    if (leg->rung)
        in_wait_again(leg);
    leg->rung = (uint16_t)status;
    ld->told = ld->shown = true;
    header_rules_leg_out(b, leg);
    if (build_end(b, OFFER_TYPE, body) < 0 || txn_server_send(leg->invite_st) < 0)
        return -EIO;
    if (rseq && leg->invite_st)
        rel100_sent(ld, rseq, true);
    return 0;
}

static void in_progress(struct leg *leg, const struct leg_arg *arg)
{
    struct ldlg *ld;

    if (!leg->invite_st || announce_ring(leg, arg->msg))
        return;
    ld = in_dialog_of(leg, arg->dlg);
    if (ld->peer != arg->dlg)
        return; /* in the dialog of another it would be a second answer */
    if (!rel100_defer(ld, arg->msg))
        leg_in_progress(ld, arg->msg);
}

/* Nothing new: the status alone, reliably where that was promised; else the very bytes that were sent last. */
static void in_ring_again(struct leg *leg, const struct leg_arg *arg)
{
    struct ldlg *ld = leg->main;
    struct build *b;
    uint32_t rseq;

    (void)arg;
    in_wait_again(leg);
    if (!leg->invite_st || rel100_is_busy(ld))
        return; /* it is being repeated already */
    stat_inc(leg->call->calls->stats, STAT_rung_again);
    if (!ld->rel) {
        (void)txn_server_repeat(leg->invite_st);
        return;
    }
    b = txn_server_begin(leg->invite_st, leg->rung, SPAN_NONE, dialog_str(ld->d, DIALOG_LOCAL_TAG));
    if (!b)
        return;
    headers_contact(b, ld->d);
    rseq = rel100_headers(ld, b);
    header_rules_leg_out(b, leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) < 0 || txn_server_send(leg->invite_st) < 0)
        return;
    if (rseq && leg->invite_st)
        rel100_sent(ld, rseq, false);
}

void leg_in_199(struct ldlg *ld, unsigned status)
{
    struct leg *leg = ld->leg;
    struct build *b;

    /* RFC 6228 §4: a caller that requires reliable ones would have to be sent it so, in a dialog that is over. */
    if (!leg->invite_st || !ld->shown || ld->over || !leg->hears_199 || leg->rel100_must)
        return;
    b = txn_server_begin(leg->invite_st, 199, SPAN_NONE, dialog_str(ld->d, DIALOG_LOCAL_TAG));
    if (!b)
        return;
    headers_contact(b, ld->d);
    build_span(b, SPAN("Reason: SIP;cause="));
    build_u32(b, status);
    build_span(b, SPAN("\r\n"));
    ld->over = true;
    stat_inc(leg->call->calls->stats, STAT_early_199);
    rel100_over(ld);
    header_rules_leg_out(b, leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(leg->invite_st);
}

/* The 2xx cannot be told: its SDP is broken, or there is no room. Both sides end. */
static void in_answer_failed(struct leg *leg, struct leg *out, const struct cause *cause)
{
    leg->cause = *cause;
    in_final(leg, cause, SPAN_NONE);
    leg_set_state(leg, LEG_DEAD);
    call_release(leg->call, cause);
    leg_event(out, LEV_HANGUP, &(struct leg_arg){0});
}

static void in_answer(struct leg *leg, const struct leg_arg *arg)
{
    struct call *c = leg->call;
    struct leg *out = c->out;
    struct txn_server *st = leg->invite_st;
    const struct msg *m = arg->msg;
    struct span type = OFFER_TYPE, body = SPAN_NONE;
    struct build *b;
    int rc;

    announce_ring_end(c);
    leg->main = in_dialog_of(leg, arg->dlg);
    ldlg_join(leg->main, arg->dlg);
    offer_carry(leg->main);
    offer_carry(arg->dlg);
    offer_arm(c, span_is_empty(m->body));
    rc = interwork_2xx(leg->main, m, &body);
    if (rc < 0) {
        in_answer_failed(leg, out,
                         rc == -ENOTSUP ? &CAUSE_HERE_(488, 65, codecs_reason)
                                        : &CAUSE_HERE_(488, 65, "answer not understood"));
        return;
    }
    b = st ? txn_server_begin(st, 200, SPAN_NONE, dialog_str(leg->main->d, DIALOG_LOCAL_TAG))
           : NULL;
    if (!b) {
        in_answer_failed(leg, out, &CAUSE_HERE_(500, 41, "no transaction to answer"));
        return;
    }
    headers_contact(b, leg->main->d);
    methods_allow(b, leg);
    headers_response(b, m, leg);
    refresh_answer(b, leg);
    header_rules_leg_out(b, leg);
    bodies_close(leg, m->wrap, &type, &body);
    if (build_end(b, type, body) < 0 || txn_server_send(st) < 0) {
        in_answer_failed(leg, out, &CAUSE_HERE_(500, 47, "200 could not be sent"));
        return;
    }
    leg->invite_st = NULL;
    rel100_final(leg);
    leg_drop_dialogs(leg, leg->main);
    dialog_set_state(leg->main->d, DIALOG_CONFIRMED);
    (void)dialog_2xx_start(leg->main->d, st, leg->invite_cseq);
    txn_server_set_user(st, NULL, NULL);
    leg->answered_ms = c->calls->clock->mono_ms;
    if (leg->offered && out->ack_owed) /* both offers are matched: the carrier need not wait */
        leg_event(out, LEV_ACK, &(struct leg_arg){.dlg = leg->main});
    call_answered(c);
}

static void in_reject(struct leg *leg, const struct leg_arg *arg)
{
    leg->cause = *arg->cause;
    in_final_to(leg, arg->cause, arg->phrase, arg->contacts);
    call_release(leg->call, arg->cause);
}

/* The call was released by somebody else before the answer. */
static void in_hangup_setup(struct leg *leg, const struct leg_arg *arg)
{
    struct cause told = leg->call->cause;

    (void)arg;
    /* The callee hung up before it answered, by a BYE in its early dialog. */
    if (told.sip_code < 300)
        told.sip_code = 480;
    in_final(leg, &told, SPAN_NONE);
}

static void in_cancel(struct leg *leg, const struct leg_arg *arg)
{
    struct cause cause = {487, 16, CAUSE_IN, "cancelled"};
    struct reason r = reason_of(arg->msg);

    if (r.q850)
        cause.q850 = r.q850;
    leg->cause = cause;
    cause.q850 = 0; /* our 487 answers a CANCEL: there is no news in it */
    in_final(leg, &cause, SPAN_NONE);
    bridge_event(leg, BR_CANCEL, arg);
}

static void in_ack(struct leg *leg, const struct leg_arg *arg)
{
    interwork_acked(leg->main, arg->msg ? arg->msg->body : SPAN_NONE);
    bridge_event(leg, BR_ACK, arg);
    if (leg->bye_wanted && leg->state == LEG_UP)
        leg_event(leg, LEV_HANGUP, arg);
}

static void in_bye(struct leg *leg, const struct leg_arg *arg)
{
    struct reason r = reason_of(arg->msg);

    dialog_2xx_stop(leg->main->d);
    leg->cause = (struct cause){200, r.q850 ? r.q850 : 16, CAUSE_IN, "bye"};
    leg->call->sip_reason = r.sip >= 300 ? r.sip : 0; /* 200 is what a BYE is anyway */
    bridge_event(leg, BR_BYE, arg);
}

/* BYE in the early dialog (RFC 3261 §15): the INVITE gets its 487. */
static void in_bye_early(struct leg *leg, const struct leg_arg *arg)
{
    leg->cause = (struct cause){487, 16, CAUSE_IN, "bye before answer"};
    in_final(leg, &leg->cause, SPAN_NONE);
    bridge_event(leg, BR_BYE, arg);
}

/* RFC 3261 §15: no BYE before the ACK has come or Timer H has run out. */
static void in_hangup_unacked(struct leg *leg, const struct leg_arg *arg)
{
    (void)arg;
    leg->bye_wanted = true;
}

static void in_hangup(struct leg *leg, const struct leg_arg *arg)
{
    (void)arg;
    dialog_2xx_stop(leg->main->d);
    leg_send_bye(leg, leg->main);
}

static void in_no_ack(struct leg *leg, const struct leg_arg *arg)
{
    if (leg->cause.where == CAUSE_NOWHERE)
        leg->cause = CAUSE_HERE_(408, 102, "no ACK");
    bridge_event(leg, BR_LOST, arg);
    in_hangup(leg, arg);
}

static void in_lost(struct leg *leg, const struct leg_arg *arg)
{
    leg->cause = arg->cause ? *arg->cause : CAUSE_HERE_(408, 102, "peer is gone");
    bridge_event(leg, BR_LOST, arg);
    in_hangup(leg, arg);
}

static void in_lost_unacked(struct leg *leg, const struct leg_arg *arg)
{
    leg->cause = arg->cause ? *arg->cause : CAUSE_HERE_(408, 102, "peer is gone");
    bridge_event(leg, BR_LOST, arg);
    leg->bye_wanted = true;
}

/* What only an out leg has. */
#define OUT_ONLY                                                                                 \
    [LEV_ABANDON] = IMP, [LEV_100] = IMP, [LEV_18X] = IMP, [LEV_18X_SDP] = IMP, [LEV_2XX] = IMP, \
    [LEV_FINAL] = IMP

const struct leg_cell leg_in_table[LEG_STATES][LEG_EVENTS] = {
    [LEG_NEW] =
        {
            OUT_ONLY,
            [LEV_INVITE] = GO(LEG_TRYING, NULL), /* the transaction has sent 100 */
            [LEV_PROGRESS] = IMP,
            [LEV_PROGRESS_SDP] = IMP,
            [LEV_ANSWER] = IMP,
            [LEV_REJECT] = GO(LEG_DEAD, in_reject),
            [LEV_HANGUP] = GO(LEG_DEAD, in_hangup_setup),
            [LEV_CANCEL] = IMP,
            [LEV_ACK] = IMP,
            [LEV_BYE] = IMP,
            [LEV_BYE_DONE] = IMP,
            [LEV_TIMEOUT] = IMP,
            [LEV_TXN_FAIL] = IMP,
            [LEV_LOST] = IMP,
        },
    [LEG_TRYING] =
        {
            OUT_ONLY,
            [LEV_INVITE] = IMP,
            [LEV_PROGRESS] = GO(LEG_RINGING, in_progress),
            [LEV_PROGRESS_SDP] = GO(LEG_EARLY, in_progress),
            [LEV_ANSWER] = GO(LEG_ANSWERED, in_answer),
            [LEV_REJECT] = GO(LEG_DEAD, in_reject),
            [LEV_HANGUP] = GO(LEG_DEAD, in_hangup_setup),
            [LEV_CANCEL] = GO(LEG_DEAD, in_cancel),
            [LEV_ACK] = IMP,
            [LEV_BYE] = IMP, /* the caller has no tag of ours yet */
            [LEV_BYE_DONE] = IMP,
            [LEV_TIMEOUT] = IMP,
            [LEV_TXN_FAIL] = GO(LEG_DEAD, in_cancel), /* no transport back to the caller */
            [LEV_LOST] = IMP,
        },
    [LEG_RINGING] =
        {
            OUT_ONLY, [LEV_INVITE] = IMP, [LEV_PROGRESS] = STAY(in_progress),
            [LEV_PROGRESS_SDP] = GO(LEG_EARLY, in_progress),
            [LEV_ANSWER] = GO(LEG_ANSWERED, in_answer), [LEV_REJECT] = GO(LEG_DEAD, in_reject),
            [LEV_HANGUP] = GO(LEG_DEAD, in_hangup_setup), [LEV_CANCEL] = GO(LEG_DEAD, in_cancel),
            [LEV_ACK] = IMP, [LEV_BYE] = GO(LEG_DEAD, in_bye_early), [LEV_BYE_DONE] = IMP,
            [LEV_TIMEOUT] = STAY(in_ring_again), [LEV_TXN_FAIL] = GO(LEG_DEAD, in_cancel),
            [LEV_LOST] = IGN, /* the INVITE decides */
        },
    [LEG_EARLY] =
        {
            OUT_ONLY,
            [LEV_INVITE] = IMP,
            [LEV_PROGRESS] = STAY(in_progress), /* 180 behind 183 */
            [LEV_PROGRESS_SDP] = STAY(in_progress),
            [LEV_ANSWER] = GO(LEG_ANSWERED, in_answer),
            [LEV_REJECT] = GO(LEG_DEAD, in_reject),
            [LEV_HANGUP] = GO(LEG_DEAD, in_hangup_setup),
            [LEV_CANCEL] = GO(LEG_DEAD, in_cancel),
            [LEV_ACK] = IMP,
            [LEV_BYE] = GO(LEG_DEAD, in_bye_early),
            [LEV_BYE_DONE] = IMP,
            [LEV_TIMEOUT] = STAY(in_ring_again),
            [LEV_TXN_FAIL] = GO(LEG_DEAD, in_cancel),
            [LEV_LOST] = IGN,
        },
    [LEG_ANSWERED] =
        {
            OUT_ONLY,
            [LEV_INVITE] = IMP,
            [LEV_PROGRESS] = IGN,
            [LEV_PROGRESS_SDP] = IGN,
            [LEV_ANSWER] = IMP,
            [LEV_REJECT] = IMP,
            [LEV_HANGUP] = STAY(in_hangup_unacked),
            [LEV_CANCEL] = IGN, /* crossed our 200: RFC 3261 §9.2 */
            [LEV_ACK] = GO(LEG_UP, in_ack),
            [LEV_BYE] = GO(LEG_DEAD, in_bye), /* RFC 5407 §3.1.4: the ACK is lost or late */
            [LEV_BYE_DONE] = IMP,
            [LEV_TIMEOUT] = IMP,
            [LEV_TXN_FAIL] = GO(LEG_CLOSING, in_no_ack),
            [LEV_LOST] = STAY(in_lost_unacked),
        },
    [LEG_UP] =
        {
            OUT_ONLY,
            [LEV_INVITE] = IMP,
            [LEV_PROGRESS] = IGN,
            [LEV_PROGRESS_SDP] = IGN,
            [LEV_ANSWER] = IMP,
            [LEV_REJECT] = IMP,
            [LEV_HANGUP] = GO(LEG_CLOSING, in_hangup),
            [LEV_CANCEL] = IGN,
            [LEV_ACK] = IGN, /* a duplicate */
            [LEV_BYE] = GO(LEG_DEAD, in_bye),
            [LEV_BYE_DONE] = IMP,
            [LEV_TIMEOUT] = IMP,
            [LEV_TXN_FAIL] = GO(LEG_CLOSING, in_no_ack), /* no ACK to the 2xx of a re-INVITE */
            [LEV_LOST] = GO(LEG_CLOSING, in_lost),
        },
    [LEG_CANCELLING] = /* never entered: a CANCEL is answered at once */
    {
        OUT_ONLY,
        [LEV_INVITE] = IMP,
        [LEV_PROGRESS] = IMP,
        [LEV_PROGRESS_SDP] = IMP,
        [LEV_ANSWER] = IMP,
        [LEV_REJECT] = IMP,
        [LEV_HANGUP] = IMP,
        [LEV_CANCEL] = IMP,
        [LEV_ACK] = IMP,
        [LEV_BYE] = IMP,
        [LEV_BYE_DONE] = IMP,
        [LEV_TIMEOUT] = IMP,
        [LEV_TXN_FAIL] = IMP,
        [LEV_LOST] = IMP,
    },
    [LEG_CLOSING] =
        {
            OUT_ONLY,
            [LEV_INVITE] = IMP,
            [LEV_PROGRESS] = IGN,
            [LEV_PROGRESS_SDP] = IGN,
            [LEV_ANSWER] = IMP,
            [LEV_REJECT] = IMP,
            [LEV_HANGUP] = IGN,
            [LEV_CANCEL] = IGN,
            [LEV_ACK] = IGN,
            [LEV_BYE] = IGN, /* both hung up at once; ours is still answered or times out */
            [LEV_BYE_DONE] = GO(LEG_DEAD, NULL),
            [LEV_TIMEOUT] = IMP,
            [LEV_TXN_FAIL] = IGN,
            [LEV_LOST] = IGN,
        },
    [LEG_DEAD] =
        {
            OUT_ONLY,
            [LEV_INVITE] = IMP,
            [LEV_PROGRESS] = IGN,
            [LEV_PROGRESS_SDP] = IGN,
            [LEV_ANSWER] = IMP,
            [LEV_REJECT] = IGN,
            [LEV_HANGUP] = IGN,
            [LEV_CANCEL] = IGN,
            [LEV_ACK] = IGN,
            [LEV_BYE] = IGN,
            [LEV_BYE_DONE] = IGN,
            [LEV_TIMEOUT] = IMP,
            [LEV_TXN_FAIL] = IGN,
            [LEV_LOST] = IGN,
        },
};

/* ---- its server transaction ------------------------------------------------------------------------------------- */

static void in_on_end(void *user, struct txn_server *st, enum txn_end why)
{
    struct leg *leg = user;

    (void)why;
    if (leg->invite_st != st)
        return;
    leg->invite_st = NULL;
    leg_event(leg, LEV_TXN_FAIL, &(struct leg_arg){0});
}

const struct txn_server_cb calls_invite_cb = {in_on_end};
