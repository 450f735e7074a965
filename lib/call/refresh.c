/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session timers of legs: headers, the refresh by UPDATE or re-INVITE, and the end of a leg that nobody refreshes.
 * Called by invite.c, leg_in.c, leg_out.c, pass.c and snapshot.c; the arithmetic is in sip/session_timer.h.
 */
#include "call/refresh.h"

#include "call/headers.h"
#include "call/methods.h"
#include "call/offer.h"
#include "call/own.h"

static struct session_policy policy_of(const struct conf_trunk *t)
{
    static const uint8_t who[] = {[CONF_REFRESHER_ANY] = SESSION_ANY,
                                  [CONF_REFRESHER_US] = SESSION_US,
                                  [CONF_REFRESHER_THEM] = SESSION_THEM};

    return (struct session_policy){
        .expires_s = t->timer.expires_ms / 1000,
        .min_s = t->timer.min_ms / 1000,
        .who = (enum session_who)who[t->timer.refresher],
    };
}

/* ---- the timer --------------------------------------------------------------------------------------------------- */

static void refresh_ask(struct leg *leg);

static void refresh_on_timer(struct timer *t, void *arg)
{
    struct leg *leg = arg;
    struct leg_refresh *r = &leg->refresh;

    if (r->s.us && !r->due) {
        r->due = true;
        timer_set(t, (session_expire_s(&r->s) - session_refresh_s(&r->s)) * 1000ULL);
        refresh_ask(leg);
        return;
    }
    stat_inc(leg->call->calls->stats, STAT_session_expired);
    leg_event(leg, LEV_LOST,
              &(struct leg_arg){.cause = &CAUSE_HERE_(408, 102, "session timer expired")});
}

void refresh_resume(struct leg *leg, uint64_t left_ms)
{
    struct leg_refresh *r = &leg->refresh;

    if (left_ms && !r->timer)
        r->timer = call_timer_new(leg->call->calls, refresh_on_timer, leg);
    if (!r->timer)
        return; /* without memory the session is as one without a timer */
    timer_del(r->timer);
    if (left_ms)
        timer_set(r->timer, left_ms);
}

static void refresh_start(struct leg *leg)
{
    struct leg_refresh *r = &leg->refresh;
    uint32_t s = r->s.us ? session_refresh_s(&r->s) : session_expire_s(&r->s);

    r->due = false;
    if (r->s.interval_s == 0)
        refresh_stop(leg);
    else
        refresh_resume(leg, s * 1000ULL);
}

void refresh_stop(struct leg *leg)
{
    if (leg->refresh.timer)
        timer_del(leg->refresh.timer);
}

uint64_t refresh_left_ms(const struct leg *leg)
{
    const struct timer *t = leg->refresh.timer;
    uint64_t now = leg->call->calls->clock->mono_ms;

    if (!t || !timer_is_pending(t))
        return 0;
    if (leg->refresh.due)
        return 1; /* it is asked again by who takes the call up */
    return t->due_ms > now ? t->due_ms - now : 1;
}

/* ---- headers ----------------------------------------------------------------------------------------------------- */

static void put_expires(struct build *b, uint32_t s, const char *refresher)
{
    build_span(b, SPAN("Session-Expires: "));
    build_u32(b, s);
    if (refresher) {
        build_span(b, SPAN(";refresher="));
        build_str(b, refresher);
    }
    build_span(b, SPAN("\r\n"));
}

void refresh_offer(struct build *b, struct leg *leg)
{
    struct session_policy p = policy_of(leg->trunk.conf);
    struct leg_refresh *r = &leg->refresh;
    const char *who = p.who == SESSION_US ? "uac" : p.who == SESSION_THEM ? "uas" : NULL;

    r->asked_s = session_ask(&p, &r->s);
    if (!r->asked_s)
        return;
    if (r->s.interval_s) { /* RFC 4028 §7.4: who refreshes stays, what was agreed is asked again */
        who = r->s.us || !r->s.peer ? "uac" : "uas";
        r->asked_s = r->s.interval_s > r->s.min_s ? r->s.interval_s : r->s.min_s;
    }
    build_hdr(b, SPAN("Supported"), SPAN("timer"));
    put_expires(b, r->asked_s, who);
    if (p.min_s > SESSION_MIN_S || r->s.min_s > SESSION_MIN_S)
        build_hdr_u32(b, SPAN("Min-SE"), p.min_s > r->s.min_s ? p.min_s : r->s.min_s);
}

unsigned refresh_check(const struct conf_trunk *t, const struct msg *m)
{
    struct session_policy p = policy_of(t);
    struct session_timer s = {0};
    struct session_words w;

    session_words(m, &w);
    return session_asked(&p, &w, &s);
}

unsigned refresh_asked(struct leg *leg, const struct msg *m)
{
    struct session_policy p = policy_of(leg->trunk.conf);
    struct session_timer s = leg->refresh.s;
    struct session_words w;
    unsigned status;

    session_words(m, &w);
    status = session_asked(&p, &w, &s);
    if (status == 0)
        leg->refresh.next = s;
    return status;
}

void refresh_refuse(struct calls *cs, struct txn_server *st, const struct conf_trunk *t)
{
    struct session_policy p = policy_of(t);
    struct build *b = txn_server_begin(st, 422, SPAN_NONE, SPAN_NONE);

    stat_inc(cs->stats, STAT_session_422);
    if (!b)
        return;
    build_hdr_u32(b, SPAN("Min-SE"), p.min_s > SESSION_MIN_S ? p.min_s : SESSION_MIN_S);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0)
        (void)txn_server_send(st);
}

void refresh_answer(struct build *b, struct leg *leg)
{
    struct leg_refresh *r = &leg->refresh;

    r->s = r->next;
    refresh_start(leg);
    if (!r->s.interval_s)
        return;
    /* RFC 4028 §9: who must refresh must have understood it. */
    if (r->s.peer)
        build_hdr(b, SPAN("Require"), SPAN("timer"));
    put_expires(b, r->s.interval_s, r->s.us ? "uas" : "uac");
}

void refresh_answered(struct leg *leg, const struct msg *m)
{
    struct session_policy p = policy_of(leg->trunk.conf);
    struct session_words w;

    session_words(m, &w);
    session_answered(&p, &w, leg->refresh.asked_s, &leg->refresh.s);
    leg->refresh.raised = 0;
    leg_learn(leg, m);
    refresh_start(leg);
}

bool refresh_raise(struct leg *leg, const struct msg *m)
{
    struct session_words w;

    session_words(m, &w);
    /* 3: a peer and two proxies on the way, each with a minimum of its own; more is a game. */
    if (leg->refresh.raised >= 3 || !session_too_small(&w, leg->refresh.asked_s, &leg->refresh.s))
        return false;
    leg->refresh.raised++;
    stat_inc(leg->call->calls->stats, STAT_session_raised);
    return true;
}

/* ---- the refresh of theirs --------------------------------------------------------------------------------------- */

/* Nothing in it is for the other side: no session, no connected identity (RFC 4916, RFC 5876). */
static bool is_plain_refresh(const struct msg *m, const struct leg *other)
{
    if (m->method != SIP_UPDATE || !span_is_empty(m->body))
        return false;
    if (other->update != LEG_UPDATE_YES)
        return true;
    return msg_hdr(m, HDR_SESSION_EXPIRES, 0) && !msg_hdr(m, HDR_P_ASSERTED_IDENTITY, 0) &&
           !msg_hdr(m, HDR_REMOTE_PARTY_ID, 0) && !msg_hdr(m, HDR_PRIVACY, 0);
}

bool refresh_take(struct leg *leg, const struct leg *other, const struct leg_arg *arg)
{
    struct build *b;

    if (leg->state < LEG_ANSWERED || !is_plain_refresh(arg->msg, other))
        return false;
    leg_learn(leg, arg->msg);
    if (refresh_asked(leg, arg->msg)) {
        refresh_refuse(leg->call->calls, arg->st, leg->trunk.conf);
        return true;
    }
    b = txn_server_begin(arg->st, 200, SPAN_NONE, SPAN_NONE);
    if (!b)
        return true;
    headers_contact(b, arg->dlg->d);
    methods_allow(b, leg);
    refresh_answer(b, leg);
    if (build_end(b, SPAN_NONE, SPAN_NONE) == 0 && txn_server_send(arg->st) == 0)
        dialog_answered(arg->dlg->d, arg->msg->cseq);
    return true;
}

/* ---- the refresh of ours ----------------------------------------------------------------------------------------- */

static int refresh_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    methods_allow(b, o->ld->leg);
    refresh_offer(b, o->ld->leg);
    if (o->p.method != SIP_INVITE)
        return 0;
    *type = OFFER_TYPE;
    *body = offer_said(o->ld); /* byte for byte, so that its version says that nothing changed */
    return span_is_empty(*body) ? -ENOENT : 0;
}

static void refresh_done(struct own *o, const struct msg *m, unsigned status)
{
    struct leg *leg = o->ld->leg;

    if (m && status < 300) {
        refresh_answered(leg, m);
        if (o->p.method == SIP_INVITE && msg_body_is(m, OFFER_TYPE))
            (void)offer_settle(o->ld, m->body);
        stat_inc(leg->call->calls->stats, STAT_session_refreshes);
        return;
    }
    if (m && status == 422 && refresh_raise(leg, m)) {
        refresh_ask(leg);
        return;
    }
    if (o->p.method == SIP_UPDATE && (status == 405 || status == 501)) {
        leg->update = LEG_UPDATE_NO;
        if (!span_is_empty(offer_said(leg->main))) { /* else there is nothing to re-INVITE with */
            refresh_ask(leg);
            return;
        }
    }
    /* It lives, and never promised to know session timers: next time again. Else the session runs out. */
    if (m && status != 408 && status != 481 && !leg->refresh.s.peer)
        refresh_start(leg);
}

/* RFC 4028 §7.4: UPDATE without SDP if the peer takes it, else a re-INVITE that changes nothing. */
static void refresh_ask(struct leg *leg)
{
    bool update = leg->update == LEG_UPDATE_YES || span_is_empty(offer_said(leg->main));
    struct own_param p = {
        .method = update ? SIP_UPDATE : SIP_INVITE,
        .offers = !update,
        .compose = refresh_compose,
        .done = refresh_done,
    };

    if (leg->state == LEG_UP && !own_has(leg->main, (enum sip_method)p.method))
        (void)own_start(leg->main, &p, NULL);
}
