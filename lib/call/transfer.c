/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Transfers. Three legs take part: the one that asked, the one that stays, and the ward, which keeps the place of the one that stays
 * in the other call: in a blind transfer the in leg of a new call, with Replaces the leg of the call that is taken over.
 * When the one that stays has taken the new session, its dialog moves to the ward; until then nothing of the old call has changed.
 *
 *   asker --REFER--> |            asker ~~NOTIFY~~ |                    asker --BYE--> |
 *          call 1    | stays             call 1    | stays  re-INVITE          call 1  |   ward has the dialog of stays
 *                                        call 2  ward | target                 call 2  ward | target
 */
#include "call/crypto.h"
#include "call/transfer.h"

#include "call/headers.h"
#include "call/identity.h"
#include "call/interwork.h"
#include "call/invite.h"
#include "call/offer.h"
#include "call/own.h"
#include "call/pass.h"
#include "call/refresh.h"
#include "call/replaces.h"

#include <stdio.h>

/* 5 s: who asked hangs up itself when it has heard of the success (RFC 5589 §6.1); then it is helped. */
#define TRANSFER_LEAVE_MS 5000U
/* An INVITE of ours to ourselves: lines of known length beside the body and three texts below 256 bytes each. */
#define TRANSFER_INVITE_MAX 2048U

struct transfer {
    size_t cap;
    struct leg *asker, *stays, *ward; /* NULL: gone */
    struct own *invite;               /* to the one that stays */
    struct timer timer;               /* the asker's time to leave */
    uint32_t cseq;                    /* of the REFER; 0: its id need not be said */
    bool quiet;                       /* no subscription (RFC 4488) */
    bool attended;                    /* the ward was a leg of its own */
    bool done;
};

static void transfer_free(struct transfer *t, struct calls *cs)
{
    if (t->asker)
        t->asker->transfer = NULL;
    if (t->stays)
        t->stays->transfer = NULL;
    if (t->ward)
        t->ward->transfer = NULL;
    if (t->timer.fn)
        timer_del(&t->timer);
    blocks_put(cs->blocks, t, t->cap);
}

/* ---- NOTIFY ------------------------------------------------------------------------------------------------------ */

/* What a NOTIFY says lives in its argument: it may be repeated when the transfer is long over. */
static void *notify_pack(uint32_t cseq, unsigned status)
{
    return (void *)(((uintptr_t)cseq << 10) | status); /* 10 bits for a status */
}

static int notify_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    struct calls *cs = o->ld->leg->call->calls;
    uintptr_t arg = (uintptr_t)o->p.arg;
    uint16_t status = arg & 0x3ff;
    struct build frag;

    build_span(b, SPAN("Event: refer"));
    if (arg >> 10) {
        build_span(b, SPAN(";id="));
        build_u64(b, arg >> 10);
    }
    build_span(b, SPAN("\r\n"));
    build_hdr(b, SPAN("Subscription-State"),
              status < 200 ? SPAN("active;expires=180") : SPAN("terminated;reason=noresource"));
    build_init(&frag, cs->scratch, 128);
    build_status_line(&frag, status, NULL);
    *type = SPAN("message/sipfrag;version=2.0");
    *body = build_text(&frag);
    return 0;
}

static void notify_done(struct own *o, const struct msg *m, unsigned status)
{
    (void)o;
    (void)m;
    (void)status; /* a subscriber that is gone is told no more, the transfer goes on */
}

static void transfer_notify(struct transfer *t, unsigned status)
{
    const struct own_param p = {
        .method = SIP_NOTIFY,
        .compose = notify_compose,
        .done = notify_done,
        .arg = notify_pack(t->cseq, status),
    };

    if (t->asker && t->asker->state == LEG_UP && !t->quiet)
        (void)own_start(t->asker->main, &p, NULL);
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

/* It came to nothing: the call is as it was, or ends if only its second half is left. */
static void transfer_failed(struct transfer *t, unsigned status)
{
    struct leg *stays = t->stays;
    struct calls *cs = stays      ? stays->call->calls
                       : t->asker ? t->asker->call->calls
                                  : t->ward->call->calls;
    bool alone = stays && !t->asker;

    stat_inc(cs->stats, STAT_transfers_failed);
    if (t->invite)
        own_drop(t->invite);
    transfer_notify(t, status < 300 ? 503 : status);
    transfer_free(t, cs);
    if (alone)
        call_kill(stays->call, &leg_other(stays)->cause);
}

static void transfer_on_leave(struct timer *timer, void *arg)
{
    struct transfer *t = arg;
    struct leg *asker = t->asker;

    (void)timer;
    transfer_free(t, asker->call->calls);
    leg_event(asker, LEV_HANGUP, &(struct leg_arg){0});
}

static void transfer_done(struct transfer *t, struct calls *cs)
{
    stat_inc(cs->stats, STAT_transfers_done);
    t->done = true;
    t->stays = t->ward = NULL;
    if (!t->asker) {
        transfer_free(t, cs);
        return;
    }
    transfer_notify(t, 200);
    timer_init(&t->timer, cs->timers, transfer_on_leave, t);
    timer_set(&t->timer, TRANSFER_LEAVE_MS);
}

/* ---- the dialog moves -------------------------------------------------------------------------------------------- */

static void dialog_unlink(struct ldlg *ld)
{
    for (struct ldlg **pp = &ld->leg->dialogs; *pp; pp = &(*pp)->next)
        if (*pp == ld) {
            *pp = ld->next;
            return;
        }
}

static void dialog_link(struct leg *leg, struct ldlg *ld)
{
    ld->leg = leg;
    ld->next = leg->dialogs;
    leg->dialogs = leg->main = ld;
}

/* What the ward must know of its new peer. Its trunk stays the one that asked, for limits and records; how it is spoken to does not. */
static void ward_takes(struct leg *ward, struct leg *stays)
{
    const struct conf_trunk *conf = ward->trunk.conf;
    struct gen *gen = ward->trunk.gen;
    uint64_t left_ms = refresh_left_ms(stays);

    ward->trunk.conf = stays->trunk.conf;
    ward->trunk.gen = stays->trunk.gen;
    stays->trunk.conf = conf;
    stays->trunk.gen = gen;
    ward->flow = stays->flow;
    ward->invite_cseq = stays->invite_cseq;
    ward->update = stays->update;
    ward->endpoint = stays->endpoint;
    ward->privacy = stays->privacy;
    ward->refresh.s = stays->refresh.s;
    ward->is_unheard = false;
    refresh_stop(stays);
    refresh_resume(ward, left_ms);
    if (stays->invite_ct)
        txn_client_detach(stays->invite_ct); /* its 2xx is acknowledged by the dialog */
    stays->invite_ct = NULL;
    if (ward->invite_ct)
        txn_client_detach(ward->invite_ct);
    ward->invite_ct = NULL;
}

/* The one that stays has taken the new session. */
static void transfer_join(struct transfer *t, const struct msg *answer)
{
    struct leg *stays = t->stays, *ward = t->ward, *asker = leg_other(stays);
    struct call *old = stays->call;
    struct cause cause = {200, 16, stays->is_in ? CAUSE_OUT : CAUSE_IN, "transferred"};
    struct ldlg *ld = stays->main, *place = ward->main, *target = place->peer;
    struct call *to = ward->call;
    int rc = 0;

    pass_move_leg(stays);
    own_drop_leg(stays);
    pass_move_leg(ward);
    own_drop_leg(ward);
    dialog_unlink(ld);
    dialog_unlink(place);
    dialog_link(ward, ld);
    dialog_link(stays,
                place); /* its Call-ID is that of the dialog: the old call's record keeps it */
    ward_takes(ward, stays);
    offer_retold(ld, true);
    ldlg_join(ld, target);
    ldlg_join(place, NULL);
    if (msg_body_is(answer, OFFER_TYPE))
        rc = offer_settle(ld, answer->body);
    log_ev(LOG_INFO, "transfer", "call=%s to=%s asker=%s", old->uuid, ward->call->uuid,
           asker->trunk.state->name);
    stays->transfer = ward->transfer = NULL;
    if (t->attended)
        leg_send_bye(ward, place); /* who asked leaves that call too */
    else
        leg_set_state(ward, LEG_UP);
    transfer_done(t, old->calls);
    stays->cause = cause;
    call_release(old, &cause);
    leg_set_state(stays, LEG_DEAD);
    if (rc < 0)
        call_kill(to, &CAUSE_HERE_(488, 65, crypto_reason));
}

static int join_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    const struct transfer *t = o->p.arg;

    refresh_offer(b, o->ld->leg);
    *type = OFFER_TYPE;
    return offer_retell(t->ward->main, o->ld, body);
}

static void join_done(struct own *o, const struct msg *m, unsigned status)
{
    struct transfer *t = o->p.arg;
    struct call *to = t->ward->call;
    struct cause refused = {(uint16_t)status, 65, CAUSE_HERE, "the party that stays refused"};

    t->invite = NULL;
    if (m && status < 300) {
        refresh_answered(o->ld->leg, m);
        transfer_join(t, m);
        return;
    }
    offer_retold(o->ld, false);
    if (t->attended)
        transfer_failed(t, status);
    else
        call_kill(to, &refused); /* the ward hears of it */
}

static void join_dropped(struct own *o)
{
    struct transfer *t = o->p.arg;

    offer_retold(o->ld, false);
    t->invite = NULL;
}

static void transfer_ask(struct transfer *t)
{
    const struct own_param p = {
        .method = SIP_INVITE,
        .offers = true,
        .compose = join_compose,
        .done = join_done,
        .dropped = join_dropped,
        .arg = t,
    };

    if (own_start(t->stays->main, &p, &t->invite) == 0)
        return;
    if (t->attended)
        transfer_failed(t, 503);
    else
        call_kill(t->ward->call, &CAUSE_HERE_(503, 47, "no room for a transfer"));
}

/* ---- the ward of a blind transfer, in the place of the leg that calls -------------------------------------------- */

static void ward_progress(struct transfer *t, const struct leg_arg *arg)
{
    struct ldlg *ld = t->ward->main;
    struct span body;

    if (!ld->peer)
        ldlg_join(ld, arg->dlg);
    if (ld->peer == arg->dlg)
        interwork_18x(ld, arg->msg, false, &body);
    if (!t->ward->call->progress_ms)
        t->ward->call->progress_ms = t->ward->call->calls->clock->mono_ms;
    transfer_notify(t, arg->msg->status);
}

static void ward_answer(struct transfer *t, const struct leg_arg *arg)
{
    struct leg *ward = t->ward;
    struct call *c = ward->call;
    struct span body;

    ldlg_join(ward->main, arg->dlg);
    offer_carry(arg->dlg);
    offer_arm(c, false);
    leg_set_state(ward, LEG_ANSWERED);
    if (interwork_2xx(ward->main, arg->msg, &body) < 0 || span_is_empty(offer_said(ward->main))) {
        call_kill(c, &CAUSE_HERE_(488, 65, "answer not understood"));
        return;
    }
    ward->answered_ms = c->calls->clock->mono_ms;
    if (c->out->ack_owed)
        leg_event(c->out, LEV_ACK, &(struct leg_arg){.dlg = ward->main});
    call_answered(c);
    transfer_ask(t);
}

/* It has no dialog to end: it is dead at once. */
static void ward_end(struct transfer *t, unsigned status)
{
    struct leg *ward = t->ward;

    transfer_failed(t, status);
    leg_set_state(ward, LEG_DEAD);
}

static void ward_reject(struct transfer *t, const struct cause *cause)
{
    struct leg *ward = t->ward;

    ward->cause = *cause;
    call_release(ward->call, cause);
    ward_end(t, cause_told(cause));
}

bool transfer_event(struct leg *leg, enum leg_event ev, const struct leg_arg *arg)
{
    struct transfer *t = leg->transfer;

    if (leg != t->ward || t->attended)
        return false;
    switch (ev) {
    case LEV_INVITE: leg_set_state(leg, LEG_TRYING); break;
    case LEV_PROGRESS:
    case LEV_PROGRESS_SDP: ward_progress(t, arg); break;
    case LEV_ANSWER: ward_answer(t, arg); break;
    case LEV_REJECT: ward_reject(t, arg->cause); break;
    case LEV_HANGUP: ward_end(t, cause_told(&leg->call->cause)); break;
    default: break;
    }
    return true;
}

bool transfer_keeps(const struct leg *leg)
{
    return leg->transfer && leg->transfer->stays == leg && leg->state == LEG_UP;
}

void transfer_leg_ends(struct leg *leg)
{
    struct transfer *t = leg->transfer;
    struct calls *cs = leg->call->calls;
    struct leg *ward = t->ward;
    bool ended_by_itself = leg == ward && !t->attended;

    leg->transfer = NULL;
    if (leg == t->asker) {
        t->asker = NULL;
        if (t->done)
            transfer_free(t, cs);
        return;
    }
    if (leg == t->stays)
        t->stays = NULL;
    if (leg == ward)
        t->ward = NULL;
    if (t->invite)
        own_drop(t->invite);
    transfer_notify(t, 487);
    stat_inc(cs->stats, STAT_transfers_failed);
    if (leg == ward || t->attended) {
        struct leg *stays = t->stays;
        bool alone = stays && !t->asker;

        transfer_free(t, cs);
        if (alone && !ended_by_itself)
            call_kill(stays->call, &leg_other(stays)->cause);
        return;
    }
    ward->transfer = NULL;
    t->ward = NULL;
    transfer_free(t, cs);
    leg_set_state(ward, LEG_DEAD);
    call_release(ward->call, &CAUSE_HERE_(487, 16, "the party that stays has gone"));
    if (ward->call->out)
        leg_event(ward->call->out, LEV_HANGUP, &(struct leg_arg){0});
}

void transfer_forget(struct leg *leg)
{
    struct transfer *t = leg->transfer;

    leg->transfer = NULL;
    if (leg == t->asker)
        t->asker = NULL;
    if (leg == t->stays)
        t->stays = NULL;
    if (leg == t->ward)
        t->ward = NULL;
    if (!t->asker && !t->stays && !t->ward)
        transfer_free(t, leg->call->calls);
}

/* ---- REFER ------------------------------------------------------------------------------------------------------- */

static void refer_accept(const struct leg_arg *arg, bool quiet)
{
    struct build *b = txn_server_begin(arg->st, 202, SPAN_NONE, SPAN_NONE);

    if (!b)
        return;
    headers_contact(b, arg->dlg->d);
    if (quiet)
        build_hdr(b, SPAN("Refer-Sub"), SPAN("false"));
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(arg->st);
}

/* Nobody of another trunk has come into its place by a transfer. */
static bool is_of_its_trunk(const struct leg *leg)
{
    return leg->flow.owner == leg->trunk.state->slot + 1;
}

/*
 * Another's call is not to be had: the trunk that asks has that one too, or it is its customer's and that trunk may transfer as well.
 * Whoever stays will speak there from the media section of that leg: his own must be the same.
 */
static bool may_take_over(const struct leg *asker, const struct leg *leg)
{
    const struct leg *stays = leg_other(asker);

    if (stays->trunk.pool != leg->trunk.pool || stays->trunk.media_none != leg->trunk.media_none)
        return false;
    if (leg->flow.owner == asker->flow.owner) /* who is there now: a transfer leaves trunk.state */
        return true;
    return leg->trunk.customer && leg->trunk.customer == asker->trunk.customer &&
           is_of_its_trunk(leg) && is_of_its_trunk(asker) &&
           leg->trunk.conf->refer == CONF_REFER_CONSUME;
}

/* The leg that the Replaces names: of this worker, and up. NULL: none */
static struct leg *replaced_leg(const struct leg *asker, struct span replaces)
{
    struct replaces r;
    struct dialog *d;
    struct leg *leg, *other;

    if (replaces_parse(replaces, &r) < 0 || r.early_only ||
        dialog_find_tags(asker->call->calls->dialogs, r.to_tag, r.from_tag, r.call_id, &d) < 0)
        return NULL;
    leg = ((struct ldlg *)d->leg)->leg;
    other = leg_other(leg);
    if (leg->call == asker->call || leg->main->d != d || leg->state != LEG_UP || !other ||
        other->state != LEG_UP || leg->transfer || other->transfer || !leg->main->peer ||
        !may_take_over(asker, leg))
        return NULL;
    return leg;
}

/* The INVITE that the party that stays would send, as text of our own: routing, limits and headers read it like any other. */
static int transfer_invite(const struct transfer *t, struct span user, struct msg *m)
{
    const struct leg *stays = t->stays;
    struct calls *cs = stays->call->calls;
    struct span body = offer_said(t->asker->main), host = headers_host(cs, &stays->flow);
    size_t cap = TRANSFER_INVITE_MAX + body.len;
    char *text = arena_alloc(cs->arena, cap);
    struct msg_error err;
    struct build b;

    if (!text || span_is_empty(body))
        return -ENOMEM;
    build_init(&b, text, cap);
    build_span(&b, SPAN("INVITE sip:"));
    build_span(&b, user);
    build_char(&b, '@');
    build_span(&b, host);
    build_span(&b, SPAN(" SIP/2.0\r\nVia: SIP/2.0/UDP "));
    build_span(&b, host);
    build_span(&b, SPAN(";branch=z9hG4bKtransfer\r\nMax-Forwards: 70\r\nFrom: <sip:"));
    build_str(&b, stays->is_in ? stays->call->caller : stays->sent);
    build_char(&b, '@');
    build_span(&b, host);
    build_span(&b, SPAN(">;tag=transfer\r\nTo: <sip:"));
    build_span(&b, user);
    build_char(&b, '@');
    build_span(&b, host);
    build_span(&b, SPAN(">\r\nContact: <sip:"));
    build_span(&b, host);
    build_span(&b, SPAN(">\r\nCSeq: 1 INVITE\r\n"));
    build_hdr(&b, SPAN("Call-ID"), dialog_str(stays->main->d, DIALOG_CALL_ID));
    identity_write_privacy(&b, stays->privacy);
    if (build_end(&b, OFFER_TYPE, body) < 0)
        return -ENOSPC;
    return msg_parse(m, cs->arena, b.p, b.len, &err);
}

static void transfer_blind(struct transfer *t, struct span user)
{
    struct calls *cs = t->asker->call->calls;
    struct invite_ward w = {.transfer = t, .stays = t->stays, .ward = &t->ward};
    struct msg m;

    if (route_trunk_of_slot(cs->view->route, t->asker->flow.owner - 1, &w.trunk) < 0 ||
        transfer_invite(t, user, &m) < 0 || invite_ward(cs, &m, &w) < 0)
        transfer_failed(t, 503);
}

static unsigned transfer_refused(const struct leg *asker)
{
    const struct leg *stays = leg_other(asker);

    if (asker->call->calls->draining)
        return 503;
    /* It was let in without a login, for help and nothing else. */
    if (asker->is_in && asker->call->klass == SIP_CLASS_EMERGENCY)
        return 403;
    if (!stays || stays->state != LEG_UP || asker->call->state != CALL_UP)
        return 491;
    if (asker->transfer || stays->transfer)
        return 491; /* one at a time */
    return 0;
}

/* @param target  out: the leg to take over; NULL: the target is to be called. @return 0 or a status */
static unsigned transfer_target(const struct leg *asker, const struct sip_uri *to,
                                struct leg **target)
{
    struct span replaces;
    char buf[512];
    int rc = replaces_of_uri(to, buf, sizeof buf, &replaces);

    *target = rc > 0 ? replaced_leg(asker, replaces) : NULL;
    return rc == -EINVAL || (rc > 0 && !*target) ? 603 : 0; /* nothing of ours, or not its own */
}

void transfer_start(const struct leg_arg *arg)
{
    struct leg *asker = arg->dlg->leg, *target = NULL;
    struct calls *cs = asker->call->calls;
    const struct hdr *sub = msg_hdr_named(arg->msg, SPAN("Refer-Sub"), 0);
    unsigned status = transfer_refused(asker);
    struct transfer *t;
    struct name_addr to;
    size_t cap;

    if (status == 0 && name_addr_parse(msg_value(arg->msg, HDR_REFER_TO), &to) < 0)
        status = 400;
    if (status == 0)
        status = transfer_target(asker, &to.parsed, &target);
    if (status) {
        pass_refuse(asker->call, arg->st, status);
        return;
    }
    t = blocks_get(cs->blocks, sizeof *t, &cap);
    if (!t) {
        pass_refuse(asker->call, arg->st, 503);
        return;
    }
    *t = (struct transfer){.cap = cap, .asker = asker, .stays = leg_other(asker)};
    t->quiet = sub && span_case_eq(sub->value, SPAN("false"));
    t->cseq = asker->refer_cseq ? arg->msg->cseq : 0; /* RFC 3515 §2.4.6: from the second on */
    asker->refer_cseq = arg->msg->cseq;
    t->attended = target != NULL;
    t->ward = target;
    asker->transfer = t->stays->transfer = t;
    stat_inc(cs->stats, STAT_transfers);
    refer_accept(arg, t->quiet);
    transfer_notify(t, 100);
    if (target) {
        target->transfer = t;
        transfer_ask(t);
    } else {
        transfer_blind(t, to.parsed.user);
    }
}
