/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transaction user: new requests go to a dialog's leg, to a new call, or are refused; CANCEL, ACK and strays find their leg.
 * Called by the transaction layer of the worker only.
 */
#include "call/digits.h"
#include "call/auth.h"
#include "call/headers.h"
#include "call/invite.h"
#include "call/methods.h"
#include "call/model.h"
#include "call/options.h"
#include "call/pass.h"
#include "call/registrar.h"
#include "call/session.h"
#include "call/transfer.h"
#include "call/rel100.h"

static void refuse(struct txn_server *st, unsigned status)
{
    if (status == 405 || status == 501)
        headers_refuse(st, status, SPAN("Allow"), headers_allow);
    else
        headers_refuse(st, status, SPAN_NONE, SPAN_NONE);
}

/* ---- inside a dialog ---------------------------------------------------------------------------------------------- */

static void on_ack(struct calls *cs, const struct msg *m)
{
    struct dialog *d;
    struct ldlg *ld;

    if (dialog_find(cs->dialogs, m, &d) < 0)
        return;
    ld = d->leg;
    if (!dialog_2xx_acked(d, m->cseq))
        return;
    call_changed(ld->leg->call);
    m = crossing_in(ld->leg, m);
    if (!pass_ack(ld, m))
        leg_event(ld->leg, LEV_ACK, &(struct leg_arg){.msg = m, .dlg = ld});
}

static void on_bye(struct leg *leg, const struct leg_arg *arg)
{
    /* At once, whatever the other side does (RFC 3261 §15.1.2). */
    (void)txn_server_reply(arg->st, 200, SPAN_NONE, SPAN_NONE);
    if (arg->dlg != leg->main) {
        pass_drop_dialog(arg->dlg); /* a fork gives up: the leg goes on with the others */
        return;
    }
    if (leg->state != LEG_DEAD && leg->state != LEG_CLOSING)
        pass_drop_leg(leg);
    leg_event(leg, LEV_BYE, arg);
}

/* Bodies that may cross, options we do not know. @return 0 or the status it was refused with */
static unsigned check_crossing(const struct ldlg *ld, struct txn_server *st, const struct msg *m)
{
    if ((m->method == SIP_INVITE || m->method == SIP_UPDATE) && !span_is_empty(m->body) &&
        !msg_body_is(m, SPAN("application/sdp"))) {
        invite_refuse_body(st);
        return 415;
    }
    if (m->method == SIP_PRACK ? !span_is_empty(m->body) && !msg_body_is(m, SPAN("application/sdp"))
                               : m->method != SIP_INVITE && m->method != SIP_UPDATE &&
                                     !span_is_empty(m->body) && !pass_body_is_plain(m)) {
        invite_refuse_body(st);
        return 415;
    }
    return invite_refuse_options(st, m, ld->leg->trunk.conf);
}

/* A fork behind another's 2xx has had its ACK and BYE: it has no part in the call (RFC 3261 §13.2.2.4). */
static bool is_spare(const struct ldlg *ld)
{
    return ld != ld->leg->main && ld->leg->state >= LEG_ANSWERED;
}

/* A PRACK is for us: each leg has its own reliable responses (RFC 3262). */
static void crossing(const struct leg_arg *arg)
{
    struct leg *leg = arg->dlg->leg;

    leg_learn(leg, arg->msg);
    if (arg->msg->method == SIP_PRACK)
        rel100_on_prack(arg->dlg, arg->st, arg->msg);
    else
        bridge_event(leg, BR_REQUEST, arg);
}

static void in_dialog_by_method(const struct leg_arg *arg)
{
    struct leg *leg = arg->dlg->leg;
    unsigned status = 500;

    switch (methods_of(leg, arg->msg, &status)) {
    case METHODS_CARRY:
        if (digits_take_info(leg, arg->msg, arg->st))
            break;
        if (check_crossing(arg->dlg, arg->st, arg->msg) == 0)
            crossing(arg);
        break;
    case METHODS_HERE:
        if (invite_refuse_options(arg->st, arg->msg, leg->trunk.conf) == 0)
            options_answer(leg->call->calls, arg->st, false);
        break;
    case METHODS_TAKE: transfer_start(arg); break;
    case METHODS_REFUSE: /* RFC 5407 §3.3.3: what comes behind the end finds no dialog */
        methods_refuse(leg, arg->st, leg->state >= LEG_CLOSING ? 481 : status);
        break;
    }
}

static void in_dialog(struct calls *cs, struct txn_server *st, const struct msg *m)
{
    struct leg_arg arg = {.msg = m, .st = st};
    struct dialog *d;
    int status;

    if (dialog_find(cs->dialogs, m, &d) < 0) {
        refuse(st, 481);
        return;
    }
    arg.dlg = d->leg;
    txn_server_set_owner(st, d->flow.owner);
    status = dialog_on_request(d, m);
    if (status) {
        refuse(st, (unsigned)status);
        return;
    }
    call_changed(arg.dlg->leg->call);
    arg.msg = m = crossing_in(arg.dlg->leg, m);
    session_answer(arg.dlg->leg, st);
    if (m->method == SIP_BYE)
        on_bye(arg.dlg->leg, &arg);
    else if (m->method != SIP_OPTIONS && is_spare(arg.dlg))
        refuse(st, 481);
    else
        in_dialog_by_method(&arg);
}

/* ---- callbacks ---------------------------------------------------------------------------------------------------- */

static void tu_on_request(void *tu, struct txn_server *st, const struct msg *m,
                          const struct flow *f)
{
    struct calls *cs = tu;

    if (!st) {
        on_ack(cs, m);
        return;
    }
    if (!span_is_empty(m->to.tag)) {
        in_dialog(cs, st, m);
        return;
    }
    switch (m->method) {
    case SIP_INVITE: invite_new(cs, st, m, f); break;
    case SIP_OPTIONS:
        if (invite_refuse_options(st, m, conf_trunk_default()) == 0)
            options_answer(cs, st, invite_is_barred(cs, m, f));
        break;
    case SIP_REGISTER: registrar_request(cs, st, m, f); break;
    case SIP_BYE:
    case SIP_PRACK:
    case SIP_UPDATE:
    case SIP_INFO:
    case SIP_NOTIFY: refuse(st, 481); break;
    case SIP_UNKNOWN: refuse(st, 501); break;
    default: refuse(st, 405);
    }
}

static void tu_on_cancel(void *tu, struct txn_server *invite, const struct msg *cancel)
{
    (void)tu;
    if (!txn_server_user(invite))
        return;
    /* The INVITE's own To tells what its user is; the CANCEL's should be the same (RFC 3261 §9.1), but who knows. */
    if (txn_server_in_dialog(invite)) {
        pass_cancel(txn_server_user(invite));
        return;
    }
    leg_event(txn_server_user(invite), LEV_CANCEL, &(struct leg_arg){.msg = cancel});
}

/* A 2xx whose transaction has ended: the ACK was lost, it is sent again (RFC 3261 §13.2.2.4). */
static void tu_on_stray_response(void *tu, const struct msg *m, const struct flow *f)
{
    struct calls *cs = tu;
    struct dialog *d;
    const struct ldlg *ld;

    (void)f;
    if (dialog_find_response(cs->dialogs, m, &d) < 0)
        return;
    ld = d->leg;
    /* A re-INVITE of ours that crossed the end of its dialog: its 2xx is owed an ACK all the same. */
    if (dialog_ack_again(d, m->cseq) == -ENOENT && ld->leg->state >= LEG_CLOSING)
        (void)dialog_ack(d, m->cseq, SPAN_NONE, SPAN_NONE);
}

const struct tu_ops calls_tu_ops = {.on_request = tu_on_request,
                                    .on_cancel = tu_on_cancel,
                                    .on_stray_response = tu_on_stray_response,
                                    .on_send = auth_on_send,
                                    .on_challenge = auth_on_challenge};

void calls_on_no_ack(void *tu, struct dialog *d)
{
    struct ldlg *ld = d->leg;

    (void)tu;
    pass_drop_leg(ld->leg);
    leg_event(ld->leg, LEV_TXN_FAIL, &(struct leg_arg){0});
}
