/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 3262 on both sides: our reliable 18x to a caller, one at a time, and our PRACKs to a carrier.
 * Called by the legs, tu.c and bridge.c. It must not know what an 18x or its SDP means.
 */
#include "call/rel100.h"

#include "call/crossing.h"
#include "call/headers.h"
#include "call/interwork.h"
#include "call/offer.h"
#include "call/own.h"
#include "sip/reliable.h"

/* A response of the carrier as it came, until it may be told. */
struct stored {
    char *p;
    size_t len, cap;
};

struct rel100 {
    struct ldlg *ld;
    size_t cap;
    struct reliable sent;
    uint32_t rseq; /* in: the last one used */
    bool with_sdp; /* the one that waits bears SDP */
    unsigned n;
    struct stored queue[REL100_QUEUE_MAX];
    struct stored answer; /* in: the 2xx. out: the answer in the PRACK for rseq */
};

/* ---- kept responses ---------------------------------------------------------------------------------------------- */

static void stored_drop(struct calls *cs, struct stored *k)
{
    if (k->p)
        blocks_put(cs->blocks, k->p, k->cap);
    *k = (struct stored){0};
}

static int stored_set(struct calls *cs, struct stored *k, struct span text)
{
    stored_drop(cs, k);
    k->p = blocks_get(cs->blocks, text.len, &k->cap);
    if (!k->p)
        return -ENOMEM;
    memcpy(k->p, text.p, text.len);
    k->len = text.len;
    return 0;
}

/* Read again, into the arena of the message at hand, as it came in on the carrier's leg. NULL: there is no room; k must live as long. */
static const struct msg *stored_read(const struct ldlg *ld, const struct stored *k, struct msg *m)
{
    struct msg_error err = {0};

    if (!k->p || !ld->peer || msg_parse(m, ld->leg->call->calls->arena, k->p, k->len, &err) < 0)
        return NULL;
    return crossing_in(ld->peer->leg, m);
}

/* ---- towards callers --------------------------------------------------------------------------------------------- */

static void on_no_prack(void *arg)
{
    struct rel100 *r = arg;
    struct leg *in = r->ld->leg;

    /* §3: the INVITE is refused with a 5xx. After its final answer nobody minds. */
    if (in->invite_st)
        call_kill(in->call, &(struct cause){504, 102, CAUSE_IN, "no PRACK"});
}

static struct rel100 *rel100_of(struct ldlg *ld)
{
    struct rel100 *r = ld->rel;
    size_t cap;

    if (r)
        return r;
    r = blocks_get(ld->leg->call->calls->blocks, sizeof *r, &cap);
    if (!r)
        return NULL;
    *r = (struct rel100){.ld = ld, .cap = cap};
    reliable_init(&r->sent, on_no_prack, r);
    /* §3: the first one is chosen from 1 to 2^31 - 1; small ones leave the room to count in. */
    ident_random(&r->rseq, sizeof r->rseq);
    r->rseq &= 0xffff;
    ld->rel = r;
    return r;
}

void rel100_free(struct ldlg *ld)
{
    struct calls *cs = ld->leg->call->calls;
    struct rel100 *r = ld->rel;

    if (!r)
        return;
    ld->rel = NULL;
    reliable_fini(&r->sent);
    while (r->n)
        stored_drop(cs, &r->queue[--r->n]);
    stored_drop(cs, &r->answer);
    blocks_put(cs->blocks, r, r->cap);
}

void rel100_learn(struct leg *in, const struct msg *invite)
{
    bool on = in->trunk.conf->rel100 != CONF_100REL_OFF;

    in->rel100_must = on && msg_has_option(invite, HDR_REQUIRE, SPAN("100rel"));
    in->rel100 = in->rel100_must || (on && msg_has_option(invite, HDR_SUPPORTED, SPAN("100rel")));
    in->precondition = msg_has_option(invite, HDR_REQUIRE, SPAN("precondition"))     ? 2
                       : msg_has_option(invite, HDR_SUPPORTED, SPAN("precondition")) ? 1
                                                                                     : 0;
    in->hears_199 = msg_has_option(invite, HDR_SUPPORTED, SPAN("199"));
    leg_learn(in, invite);
}

bool rel100_is_reliable(const struct ldlg *ld, const struct msg *m)
{
    const struct leg *in = ld->leg;

    if (!in->rel100)
        return false;
    /* Once begun it stays so: an unreliable one could overtake another that waits. */
    return in->rel100_must || in->trunk.conf->rel100 == CONF_100REL_REQUIRED || ld->rel ||
           (ld->peer && rel100_has_rseq(ld->peer->leg, m));
}

bool rel100_defer(struct ldlg *ld, const struct msg *m)
{
    struct calls *cs = ld->leg->call->calls;
    struct rel100 *r = ld->rel;

    if (!r || !r->sent.rseq)
        return false;
    if (r->n == REL100_QUEUE_MAX) { /* the newest state counts: it takes the place of the last */
        stat_inc(cs->stats, STAT_rel100_dropped);
        r->n--;
        stored_drop(cs, &r->queue[r->n]);
    }
    if (stored_set(cs, &r->queue[r->n], m->buf) == 0)
        r->n++;
    else
        stat_inc(cs->stats, STAT_rel100_dropped);
    return true;
}

bool rel100_is_busy(const struct ldlg *ld)
{
    return ld->rel && ld->rel->sent.rseq;
}

bool rel100_owes_sdp(const struct ldlg *ld)
{
    return rel100_is_busy(ld) && ld->rel->with_sdp;
}

void rel100_over(struct ldlg *ld)
{
    struct rel100 *r = ld->rel;

    if (!r)
        return;
    reliable_stop(&r->sent);
    while (r->n)
        stored_drop(ld->leg->call->calls, &r->queue[--r->n]);
}

uint32_t rel100_headers(struct ldlg *ld, struct build *b)
{
    struct rel100 *r = rel100_of(ld);

    if (!r)
        return 0;
    build_hdr(b, SPAN("Require"), SPAN("100rel"));
    build_hdr_u32(b, SPAN("RSeq"), r->rseq + 1);
    return r->rseq + 1;
}

void rel100_sent(struct ldlg *ld, uint32_t rseq, bool has_sdp)
{
    struct leg *in = ld->leg;
    struct rel100 *r = ld->rel;

    r->rseq = rseq;
    r->with_sdp = has_sdp;
    stat_inc(in->call->calls->stats, STAT_rel100_sent);
    /* Without the memory to repeat it, it is sent once: a lost one ends in the caller's own timeout. */
    (void)reliable_start(&r->sent, in->invite_st, rseq);
}

bool rel100_defer_answer(struct leg *in, const struct leg_arg *arg)
{
    struct ldlg *ld = arg->dlg->peer;
    struct rel100 *r = ld ? ld->rel : NULL;
    bool asked;

    if (!in->invite_st || !r)
        return false;
    asked = ld->firm && ld->oa.state == OA_OFFER_IN; /* by a PRACK or UPDATE */
    if (!asked && !(r->sent.rseq && r->with_sdp))
        return false;
    return stored_set(in->call->calls, &r->answer, arg->msg->buf) == 0;
}

static void go_on_18x(struct ldlg *ld)
{
    struct calls *cs = ld->leg->call->calls;
    struct rel100 *r = ld->rel;
    struct stored first = r->queue[0];
    const struct msg *m;
    struct msg space;

    r->n--;
    memmove(r->queue, r->queue + 1, r->n * sizeof r->queue[0]);
    r->queue[r->n] = (struct stored){0};
    /* Of a carrier that has failed meanwhile nothing more is told. */
    m = stored_read(ld, &first, &space);
    if (m)
        leg_in_progress(ld, m);
    stored_drop(cs, &first);
}

/* @return true: the 2xx was told, or cannot be any more */
static bool go_on_answer(struct ldlg *ld)
{
    struct call *c = ld->leg->call;
    struct rel100 *r = ld->rel;
    struct stored answer = r->answer;
    const struct msg *m;
    struct msg space;

    if (!answer.p || (r->sent.rseq && r->with_sdp) || (ld->firm && ld->oa.state == OA_OFFER_IN))
        return answer.p != NULL;
    r->answer = (struct stored){0};
    m = c->out && ld->peer == c->out->main ? stored_read(ld, &answer, &space) : NULL;
    if (m)
        leg_event(ld->leg, LEV_ANSWER,
                  &(struct leg_arg){.msg = m, .dlg = ld->peer, .status = m->status});
    stored_drop(c->calls, &answer);
    return true;
}

void rel100_go_on(struct ldlg *ld)
{
    if (!ld->rel || !ld->leg->invite_st || go_on_answer(ld))
        return;
    while (ld->rel && ld->leg->invite_st && ld->rel->n && !ld->rel->sent.rseq)
        go_on_18x(ld);
}

/* The answer to our offer, or an offer of the caller's own (§5). @return true: the PRACK is answered elsewhere, later */
static bool prack_body(struct ldlg *ld, struct txn_server *st, const struct msg *m)
{
    if (ld->oa.state == OA_OFFER_OUT) {
        interwork_answered(ld, m->body);
        return false;
    }
    return !span_is_empty(m->body) && interwork_prack_offer(ld, st, m);
}

void rel100_on_prack(struct ldlg *ld, struct txn_server *st, const struct msg *m)
{
    struct calls *cs = ld->leg->call->calls;
    struct rel100 *r = ld->rel;

    if (!m->has_rack) {
        (void)txn_server_reply(st, 400, SPAN("No RAck"), SPAN_NONE);
        return;
    }
    if (!r || m->rack.method != SIP_INVITE || m->rack.cseq != ld->leg->invite_cseq ||
        !reliable_acked(&r->sent, m->rack.rseq)) {
        stat_inc(cs->stats, STAT_rel100_481);
        (void)txn_server_reply(st, 481, SPAN_NONE, SPAN_NONE);
        return;
    }
    if (r->with_sdp)
        ld->firm = true;
    if (!prack_body(ld, st, m))
        (void)txn_server_reply(st, 200, SPAN_NONE, SPAN_NONE);
    rel100_go_on(ld);
}

void rel100_final(struct leg *in)
{
    for (struct ldlg *ld = in->dialogs; ld; ld = ld->next)
        if (ld->rel)
            reliable_stop(&ld->rel->sent);
}

/* ---- towards carriers -------------------------------------------------------------------------------------------- */

bool rel100_has_rseq(const struct leg *out, const struct msg *m)
{
    return out->trunk.conf->rel100 != CONF_100REL_OFF && m->rseq &&
           msg_has_option(m, HDR_REQUIRE, SPAN("100rel"));
}

bool rel100_take(struct ldlg *ld, const struct msg *m)
{
    if (ld->rseq && m->rseq != ld->rseq + 1) {
        stat_inc(ld->leg->call->calls->stats, STAT_rel100_ignored);
        return false;
    }
    ld->rseq = m->rseq;
    return true;
}

static int prack_compose(struct own *o, struct build *b, struct span *type, struct span *body)
{
    struct ldlg *ld = o->ld;
    uint32_t rseq = (uint32_t)(uintptr_t)o->p.arg;

    build_span(b, SPAN("RAck: "));
    build_u32(b, rseq);
    build_char(b, ' ');
    build_u32(b, ld->leg->invite_cseq);
    build_span(b, SPAN(" INVITE\r\n"));
    if (ld->rel && ld->rel->answer.p && ld->rel->rseq == rseq) {
        *type = OFFER_TYPE;
        *body = (struct span){ld->rel->answer.p, ld->rel->answer.len};
    }
    return 0;
}

/* Refused or lost, the INVITE decides: the carrier repeats its 18x, and gives up by itself (§3). */
static void prack_done(struct own *o, const struct msg *m, unsigned status)
{
    (void)m;
    if (status >= 300)
        log_limited(LOG_WARN, "prack_refused", "call=%s status=%u", o->ld->leg->call->uuid, status);
}

/* An out dialog has no 18x of ours: the answer in its PRACK takes the place of the 2xx. */
static void prack_keep(struct ldlg *ld, uint32_t rseq, struct span body)
{
    struct rel100 *r = span_is_empty(body) ? NULL : rel100_of(ld);

    if (!r || stored_set(ld->leg->call->calls, &r->answer, body) < 0)
        return;
    r->rseq = rseq;
}

void rel100_prack(struct ldlg *ld, uint32_t rseq, struct span body)
{
    const struct own_param p = {
        .method = SIP_PRACK,
        .compose = prack_compose,
        .done = prack_done,
        .arg = (void *)(uintptr_t)rseq, /* a number, not an address */
    };

    prack_keep(ld, rseq, body);
    if (own_start(ld, &p, NULL) == 0)
        stat_inc(ld->leg->call->calls->stats, STAT_rel100_pracks);
}

void rel100_pay_prack(struct ldlg *ld, struct span body)
{
    uint32_t rseq = ld->prack_owed;

    if (!rseq)
        return;
    ld->prack_owed = 0;
    rel100_prack(ld, rseq, body);
}
