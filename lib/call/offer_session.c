/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay's session of a call: endpoints for each attempt, more of them for new m-lines, what was agreed, its end.
 * Endpoint of m-line i: 2 i for the in leg, 2 i + 1 for the out leg. Legs and offer.c call it; it writes no SDP.
 */
#include "call/offer.h"

#include "call/digits.h"
#include "call/offer_play.h"
#include "call/offer_priv.h"
#include "call/bypass.h"
#include "call/codecs.h"
#include "call/crypto.h"
#include "call/lite.h"
#include "call/priority.h"
#include "call/terms.h"

bool offer_has_relay(const struct call *c)
{
    return c->media.state != CALL_MEDIA_NONE && c->media.state != CALL_MEDIA_CLOSED;
}

bool offer_is_any(const struct addr *a)
{
    static const uint8_t zero[16];

    return memcmp(a->ip, zero, sizeof zero) == 0;
}

/* The pool of a leg: its trunk's, or the other's when its own trunk has none. */
static const struct leg_trunk *leg_pool(const struct leg *leg, const struct leg *other)
{
    return leg->trunk.media_none && other ? &other->trunk : &leg->trunk;
}

struct media_ep offer_ep(const struct call *c, const struct leg *leg, const struct leg *other,
                         unsigned m)
{
    const struct leg_trunk *t = leg_pool(leg, other);
    unsigned e = offer_ep_of(leg, m);
    const struct addr *remote = &c->media.remote[e];
    uint8_t family = addr_is_set(remote) ? remote->family : leg->flow.remote.family;
    struct media_ep ep = {
        .pool = t->pool,
        .endpoint = (uint8_t)e,
        /* Before a party has said where it is, nobody is taken for it: not the first who sends there either. */
        .latch = c->media.heard & (1U << e) ? leg->trunk.latch : MEDIA_LATCH_SDP_ONLY,
        .direction = MEDIA_DIR_BOTH,
        .dscp = leg->trunk.dscp_media,
        .inactivity_ms = leg->trunk.inactivity_ms,
        .local = c->media.local[e],
        .remote = *remote,
        .rtcp = c->media.rtcp[e],
    };

    if (!(t->family_mask & (family == 6 ? 2 : 1)))
        family = t->family_mask & 1 ? 4 : 6;
    ep.family = family;
    if (addr_is_set(&ep.local))
        ep.family = ep.local.family;
    ep.flags |= digits_flags(leg, other);
    if (priority_has_ports(c->klass))
        ep.flags |= MEDIA_EP_PRIORITY;
    if (c->media.opaque & (1U << m))
        ep.flags |= MEDIA_EP_OPAQUE;
    if (c->media.silent & (1U << e))
        ep.inactivity_ms = 0;
    else
        ep.flags |= MEDIA_EP_WATCH;
    if (crypto_mux(c, e))
        ep.flags |= MEDIA_EP_MUX;
    terms_fill(c, leg, m, &ep);
    return ep;
}

/* Read the caller's offer: how many m-lines, whether they are RTP, where its party is. */
static void offer_plan(struct call *c)
{
    struct span body = c->setup ? c->setup->body : SPAN_NONE;
    struct sdp sdp;

    c->media.n = 1;
    c->media.off = c->media.opaque = 0;
    c->media.silent = UINT8_MAX; /* nobody needs to send while it rings */
    if (span_is_empty(body) || sdp_parse(&sdp, body, NULL) < 0)
        return;
    c->media.n = (uint8_t)(sdp.n_media < OFFER_MEDIA_MAX ? sdp.n_media : OFFER_MEDIA_MAX);
    for (unsigned i = 0; i < c->media.n; i++) {
        struct addr a;

        c->media.heard |= (uint8_t)(1U << 2 * i);
        if (sdp.media[i].port == 0 || codecs_refuse(c->in->trunk.conf, NULL, &sdp.media[i]))
            c->media.off |= (uint8_t)(1U << i);
        if (!span_has_prefix(sdp.media[i].proto, SPAN("RTP/")))
            c->media.opaque |= (uint8_t)(1U << i);
        if (!c->in->is_unheard && sdp_rtp_addr(&sdp, i, &a) == 0 && !offer_is_any(&a)) {
            c->media.remote[2 * i] = a;
            if (sdp_rtcp_addr(&sdp, i, &a) == 0)
                c->media.rtcp[2 * i] = a;
        }
    }
}

static void offer_failed(struct call *c, int status)
{
    stat_inc(c->calls->stats, STAT_calls_no_media);
    log_limited(LOG_WARN, "media_failed", "call=%s error=\"%s\"", c->uuid, err_str(status));
    call_kill(c, &CAUSE_HERE_(503, 47, "no media"));
}

static void offer_take_locals(struct call *c, const struct media_result *res)
{
    c->media.ref = res->ref;
    for (unsigned i = 0; i < res->n_eps; i++)
        if (res->ep[i].endpoint < 2 * OFFER_MEDIA_MAX)
            c->media.local[res->ep[i].endpoint] = res->ep[i].local;
}

/* It was ended while the relay was asked. */
static bool offer_ended_meanwhile(struct call *c, const struct media_result *res)
{
    if (c->state < CALL_ENDING)
        return false;
    c->media.state =
        res->status < 0 && c->media.state == CALL_MEDIA_OPENING ? CALL_MEDIA_NONE : CALL_MEDIA_OPEN;
    offer_close(c);
    call_check(c);
    return true;
}

static void offer_on_ready(void *arg, const struct media_result *res)
{
    struct call *c = arg;

    c->media.request = 0;
    if (offer_ended_meanwhile(c, res))
        return;
    if (res->status < 0) {
        if (c->media.state == CALL_MEDIA_OPENING)
            c->media.state = CALL_MEDIA_NONE;
        else
            c->media.state = CALL_MEDIA_OPEN;
        offer_failed(c, res->status);
        return;
    }
    c->media.state = CALL_MEDIA_OPEN;
    offer_take_locals(c, res);
    if (c->out && c->out->state == LEG_NEW)
        leg_out_media_ready(c->out);
}

/* Operations that add the endpoints of one leg. */
static unsigned offer_add_ops(struct call *c, const struct leg *leg, const struct leg *other,
                              struct media_op *op)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->media.n; i++) {
        if (c->media.off & (1U << i))
            continue;
        op[n++] = (struct media_op){.kind = MEDIA_OP_ADD, .ep = offer_ep(c, leg, other, i)};
    }
    return n;
}

static void offer_on_alone(void *arg, const struct media_result *res)
{
    struct call *c = arg;
    void (*done)(struct call *, bool) = c->media.alone;

    c->media.request = 0;
    if (offer_ended_meanwhile(c, res))
        return;
    c->media.state = res->status < 0 ? CALL_MEDIA_NONE : CALL_MEDIA_OPEN;
    if (res->status == 0)
        offer_take_locals(c, res);
    done(c, res->status == 0);
}

bool offer_open_alone(struct call *c, void (*done)(struct call *c, bool ok))
{
    struct media_op op[OFFER_MEDIA_MAX];
    unsigned n;

    offer_plan(c);
    n = offer_add_ops(c, c->in, NULL, op);
    if (n == 0)
        return false;
    c->media.ref = (struct media_ref){c->id, MEDIA_INDEX_NONE};
    c->media.alone = done;
    c->media.request =
        media_open(c->calls->media, &(struct media_open){.ref = c->media.ref, .op = op, .n_ops = n},
                   offer_on_alone, c);
    if (!c->media.request)
        return false;
    c->media.state = CALL_MEDIA_OPENING;
    return true;
}

static unsigned offer_connect_ops(struct call *c, struct media_op *op)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->media.n; i++)
        if (!(c->media.off & (1U << i)))
            op[n++] = (struct media_op){.kind = MEDIA_OP_CONNECT,
                                        .peer = (uint8_t)(2 * i + 1),
                                        .ep = {.endpoint = (uint8_t)(2 * i)}};
    return n;
}

/* The out endpoints of an attempt that failed: another carrier gets ports of its own, late packets of the first one meet none. */
static unsigned offer_remove_ops(struct call *c, struct media_op *op)
{
    unsigned n = 0;

    for (unsigned i = 0; i < c->media.n; i++) {
        unsigned e = 2 * i + 1;

        if (c->media.off & (1U << i))
            continue;
        op[n++] = (struct media_op){.kind = MEDIA_OP_REMOVE, .ep = {.endpoint = (uint8_t)e}};
        c->media.local[e] = c->media.remote[e] = c->media.rtcp[e] = (struct addr){0};
        c->media.new_remote[e] = c->media.new_rtcp[e] = (struct addr){0};
        c->media.dir[e] = c->media.new_dir[e] = SDP_DIR_NONE;
        c->media.heard &= (uint8_t) ~(1U << e);
        terms_drop(c, e);
        crypto_drop(c, e);
        lite_drop(c, e);
    }
    return n;
}

/* The attempt before had a relay, this one needs none: no pool would have ports for it. Nobody has been told of the old ones. */
static void offer_give_back(struct call *c)
{
    struct call_media *cm = &c->media;

    media_forget(c->calls->media, cm->change);
    (void)media_close(c->calls->media, cm->ref, NULL, NULL);
    terms_free(c);
    crypto_free(c);
    lite_free(c);
    *cm = (struct call_media){.state = CALL_MEDIA_NONE};
}

void offer_prepare(struct call *c, struct leg *out)
{
    struct calls *cs = c->calls;
    struct media_op op[8 * OFFER_MEDIA_MAX];
    enum bypass way;
    unsigned n = 0;

    way = bypass_of(c->in, out, c->setup ? c->setup->body : SPAN_NONE);
    if (bypass_is(way)) {
        if (offer_has_relay(c))
            offer_give_back(c);
        c->media.bypass = (uint8_t)way;
        if (way == BYPASS_YES)
            stat_inc(cs->stats, STAT_calls_bypassed);
        leg_out_media_ready(out);
        return;
    }
    c->media.bypass = (uint8_t)way;
    if (!cs->media || !media_is_up(cs->media)) {
        offer_failed(c, -ENOTCONN);
        return;
    }
    if (offer_has_relay(c)) {
        n = offer_remove_ops(c, op);
        n += offer_add_ops(c, out, c->in, op + n);
        n += offer_connect_ops(c, op + n);
        c->media.state = CALL_MEDIA_CHANGING;
        c->media.request = media_modify(cs->media, c->media.ref, op, n, offer_on_ready, c);
        if (!c->media.request) {
            c->media.state = CALL_MEDIA_OPEN;
            offer_failed(c, -ENOMEM);
        }
        return;
    }
    offer_plan(c);
    n = offer_add_ops(c, c->in, out, op);
    n += offer_add_ops(c, out, c->in, op + n);
    n += offer_connect_ops(c, op + n);
    if (n == 0) { /* every m-line is off */
        leg_out_media_ready(out);
        return;
    }
    c->media.ref = (struct media_ref){c->id, MEDIA_INDEX_NONE};
    c->media.state = CALL_MEDIA_OPENING;
    c->media.request =
        media_open(cs->media, &(struct media_open){.ref = c->media.ref, .op = op, .n_ops = n},
                   offer_on_ready, c);
    if (!c->media.request) {
        c->media.state = CALL_MEDIA_NONE;
        offer_failed(c, -ENOMEM);
    }
}

/* ---- more m-lines in a standing call ----------------------------------------------------------------------------- */

static bool offer_line_is_new(const struct call *c, const struct sdp *sdp, unsigned i)
{
    return sdp->media[i].port != 0 && (i >= c->media.n || (c->media.off & (1U << i))) &&
           !codecs_refuse(c->in->trunk.conf, c->out->trunk.conf, &sdp->media[i]);
}

bool offer_must_grow(const struct call *c, struct span body)
{
    struct sdp sdp;

    if (c->media.state != CALL_MEDIA_OPEN || !c->in || !c->out || sdp_parse(&sdp, body, NULL) < 0)
        return false;
    for (unsigned i = 0; i < sdp.n_media && i < OFFER_MEDIA_MAX; i++)
        if (offer_line_is_new(c, &sdp, i))
            return true;
    return false;
}

static void offer_on_grown(void *arg, const struct media_result *res)
{
    struct call *c = arg;

    c->media.request = 0;
    if (offer_ended_meanwhile(c, res))
        return;
    c->media.state = CALL_MEDIA_OPEN;
    call_changed(c);
    if (res->status == 0) {
        offer_take_locals(c, res);
    } else {
        log_limited(LOG_WARN, "media_line_refused", "call=%s error=\"%s\"", c->uuid,
                    err_str(res->status));
        for (unsigned i = 0; i < c->media.n; i++)
            if (!addr_is_set(&c->media.local[2 * i]))
                c->media.off |= (uint8_t)(1U << i);
    }
    c->media.grown(c);
}

/* Both endpoints of line i and what joins them. */
static unsigned offer_line_ops(struct call *c, unsigned i, struct media_op *op)
{
    op[0] = (struct media_op){.kind = MEDIA_OP_ADD, .ep = offer_ep(c, c->in, c->out, i)};
    op[1] = (struct media_op){.kind = MEDIA_OP_ADD, .ep = offer_ep(c, c->out, c->in, i)};
    op[2] = (struct media_op){.kind = MEDIA_OP_CONNECT,
                              .peer = (uint8_t)(2 * i + 1),
                              .ep = {.endpoint = (uint8_t)(2 * i)}};
    return 3;
}

int offer_grow(struct call *c, struct span body, void (*done)(struct call *c))
{
    struct call_media *cm = &c->media;
    struct media_op op[3 * OFFER_MEDIA_MAX];
    unsigned n = 0, lines;
    struct sdp sdp;

    if (cm->request || cm->state != CALL_MEDIA_OPEN)
        return -EBUSY;
    if (sdp_parse(&sdp, body, NULL) < 0)
        return -EINVAL;
    lines = sdp.n_media < OFFER_MEDIA_MAX ? sdp.n_media : OFFER_MEDIA_MAX;
    for (unsigned i = 0; i < lines; i++) {
        uint8_t bit = (uint8_t)(1U << i);

        if (offer_line_is_new(c, &sdp, i)) {
            cm->off &= (uint8_t)~bit;
            cm->opaque &= (uint8_t)~bit;
            if (!span_has_prefix(sdp.media[i].proto, SPAN("RTP/")))
                cm->opaque |= bit;
            cm->new_opaque = (uint8_t)((cm->new_opaque & ~bit) | (cm->opaque & bit));
            cm->silent |= (uint8_t)(3U << 2 * i); /* until it is agreed */
            n += offer_line_ops(c, i, op + n);
        } else if (i >= cm->n) {
            cm->off |= bit;
        }
    }
    if (lines > cm->n)
        cm->n = (uint8_t)lines;
    cm->grown = done;
    cm->request = media_modify(c->calls->media, cm->ref, op, n, offer_on_grown, c);
    if (!cm->request)
        return -ENOMEM;
    cm->state = CALL_MEDIA_CHANGING;
    return 0;
}

/* ---- its end ----------------------------------------------------------------------------------------------------- */

static void offer_on_closed(void *arg, const struct media_result *res)
{
    struct call *c = arg;

    c->media.request = 0;
    c->media.state = CALL_MEDIA_CLOSED;
    record_end(c, res->status == 0 ? res->ep : NULL, res->status == 0 ? res->n_eps : 0);
    call_check(c);
}

void offer_close(struct call *c)
{
    struct calls *cs = c->calls;

    if (!offer_has_relay(c)) {
        record_end(c, NULL, 0);
        return;
    }
    if (c->media.request)
        return; /* the answer that is awaited closes it */
    c->media.request = media_close(cs->media, c->media.ref, offer_on_closed, c);
    if (c->media.request)
        return;
    c->media.state = CALL_MEDIA_CLOSED; /* no memory to ask with: the record has no counters */
    record_end(c, NULL, 0);
}

static void offer_lost(struct call *c, int status)
{
    stat_inc(c->calls->stats, STAT_calls_media_lost);
    log_limited(LOG_WARN, "media_lost", "call=%s error=\"%s\"", c->uuid, err_str(status));
    call_kill(c, &CAUSE_HERE_(503, 41, "media session lost"));
}

/* The relay is away again: the next on_state asks once more. Any other refusal means that the media is gone for good. */
static void offer_on_adopted(void *arg, const struct media_result *res)
{
    struct call *c = arg;

    c->media.request = 0;
    if (c->state >= CALL_ENDING) {
        offer_close(c);
        call_check(c);
        return;
    }
    if (res->status == 0) {
        offer_take_locals(c, res);
        c->media.music = 0; /* what played has stopped with it */
        music_follow(c);
        call_changed(c);
    } else if (res->status != -ENOTCONN && res->status != -ETIMEDOUT) {
        offer_lost(c, res->status);
    }
}

void offer_reinstall(struct call *c)
{
    struct calls *cs = c->calls;
    struct media_op op[8 * OFFER_MEDIA_MAX];
    unsigned n;

    if (c->media.state != CALL_MEDIA_OPEN || c->media.request || !c->in || !c->out)
        return;
    n = offer_add_ops(c, c->in, c->out, op);
    n += offer_add_ops(c, c->out, c->in, op + n);
    for (unsigned e = 0; e < 2U * c->media.n; e++) {
        if (c->media.off & (1U << e / 2))
            continue;
        n += crypto_op(c, e, &op[n]);
        n += lite_op(c, e, &op[n]);
    }
    n += offer_connect_ops(c, op + n);
    c->media.request = media_open(
        cs->media,
        &(struct media_open){.ref = c->media.ref, .flags = MEDIA_OPEN_ADOPT, .op = op, .n_ops = n},
        offer_on_adopted, c);
    if (!c->media.request)
        offer_lost(c, -ENOMEM);
}

/* ---- what was agreed ------------------------------------------------------------------------------------------- */

static bool dir_sends(uint8_t d)
{
    return d == SDP_DIR_NONE || d == SDP_SENDRECV || d == SDP_SENDONLY;
}

static bool dir_takes(uint8_t d)
{
    return d == SDP_DIR_NONE || d == SDP_SENDRECV || d == SDP_RECVONLY;
}

/*
 * A change that both parties have agreed on and the relay refuses would leave one of them deaf: the call ends. A relay that is away
 * gets all of it with the session when it is back; one that did not answer is asked for the whole.
 */
static void offer_on_changed(void *arg, const struct media_result *res)
{
    struct call *c = arg;

    c->media.change = 0;
    if (res->status == 0 || res->status == -ENOTCONN || c->state >= CALL_ENDING)
        return;
    if (res->status == -ETIMEDOUT)
        offer_reinstall(c);
    else
        offer_lost(c, res->status);
}

static void offer_change(struct call *c, const struct media_op *op, unsigned n)
{
    struct media *media = c->calls->media;

    media_forget(media,
                 c->media.change); /* the relay refuses the later one too if it refused that */
    c->media.change = media_modify(media, c->media.ref, op, n, offer_on_changed, c);
}

void offer_apply(struct call *c)
{
    struct media_op op[8 * OFFER_MEDIA_MAX];
    struct call_media *cm = &c->media;
    uint8_t turned = cm->new_opaque ^ cm->opaque; /* T.38 in the place of audio, or back */
    unsigned changed = terms_settle(c), n = 0, keys, checks;

    changed |= crypto_settle(c, &keys);
    checks = lite_settle(c);
    call_changed(c);
    cm->opaque = cm->new_opaque;
    for (unsigned e = 0; e < 2U * cm->n; e++) {
        const struct leg *leg = e & 1 ? c->out : c->in;
        const struct leg *other = e & 1 ? c->in : c->out;
        uint8_t bit = (uint8_t)(1U << e);
        bool silent, first = !(cm->heard & bit) && cm->new_dir[e] != SDP_DIR_NONE;

        if (!addr_is_set(&cm->local[e]) || !leg)
            continue;
        if (first)
            cm->heard |= bit;
        if (addr_is_set(&cm->new_remote[e]) && (!addr_eq(&cm->new_remote[e], &cm->remote[e]) ||
                                                !addr_eq(&cm->new_rtcp[e], &cm->rtcp[e]))) {
            cm->remote[e] = cm->new_remote[e];
            cm->rtcp[e] = cm->new_rtcp[e];
            op[n] =
                (struct media_op){.kind = MEDIA_OP_REMOTE, .ep = offer_ep(c, leg, other, e / 2)};
            n++;
        }
        if (keys & bit && crypto_op(c, e, &op[n]))
            n++;
        if (checks & bit && lite_op(c, e, &op[n]))
            n++;
        cm->dir[e] = cm->new_dir[e];
        /* T.38 is silent between its pages and while the other machine speaks. */
        silent = !cm->armed || !dir_sends(cm->new_dir[e]) || !dir_takes(cm->new_dir[e ^ 1]) ||
                 (cm->opaque & (1U << e / 2));
        if (silent != ((cm->silent & bit) != 0) || (turned & (1U << e / 2)) || first ||
            (changed & bit)) {
            cm->silent = (uint8_t)(silent ? cm->silent | bit : cm->silent & ~bit);
            op[n] = (struct media_op){.kind = MEDIA_OP_SET, .ep = offer_ep(c, leg, other, e / 2)};
            n++;
        }
    }
    if (n && offer_has_relay(c))
        offer_change(c, op, n);
    if (offer_has_relay(c))
        music_follow(c);
}

void offer_show(const struct call *c, const struct leg *leg, struct addr *a)
{
    const struct leg_trunk *t = leg_pool(leg, leg->is_in ? c->out : c->in);
    const struct addr *shown = &t->advertise[a->family == 6];

    if (addr_is_set(shown) && addr_is_set(a))
        memcpy(a->ip, shown->ip, sizeof a->ip);
}
