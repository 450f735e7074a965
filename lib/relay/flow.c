/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path: a row of steps from the port where a packet came in to its peer's, in batches, the payload in place.
 * Packet threads call it; it takes no lock, allocates nothing and knows neither ports nor the controller.
 */
#include "relay/flow.h"

#include <linux/types.h>
#include <string.h>
#include "core/clock.h"
#include "core/log.h"
#include "relay/audio.h"
#include "relay/bpf/relay_maps.h"
#include "relay/ice.h"
#include "relay/lines.h"
#include "relay/secure.h"

#define WARM_AHEAD 3U /* packets: some 300 ns, more than memory takes */

/* ---- out ------------------------------------------------------------------------------------------------------- */

static void unsent(struct flow_ctx *c, struct endpoint *e)
{
    e->n.unsent++;
    total_add(&c->totals->unsent, 1);
}

static void count_out(struct flow_ctx *c, const struct io_out *o, uint64_t *packets,
                      uint64_t *bytes)
{
    struct endpoint *to = o->to->ep;

    if (!o->is_sent) {
        if (o->from)
            o->from->ep->n.unsent++;
        total_add(&c->totals->send_errors, 1);
        return;
    }
    ++*packets;
    *bytes += o->packet->len;
    fast_hop_want(c, o->to);
    if (o->packet->kind == IO_RTP) {
        to->n.sent_packets++;
        to->n.sent_bytes += o->packet->len;
        if (o->from)
            fast_forwarded(c, o->from->ep);
    } else if (o->packet->kind == IO_RTCP) {
        to->n.rtcp_sent++;
    }
}

void flow_flush(struct flow_ctx *c)
{
    uint64_t packets = 0, bytes = 0;

    /* those that were taken and not put are given back, too */
    if (c->n_out == 0) {
        c->own.n = 0;
        return;
    }
    c->io->send(c->io_thread, c->out, c->n_out);
    for (unsigned i = 0; i < c->n_out; i++)
        count_out(c, &c->out[i], &packets, &bytes);
    total_add(&c->totals->packets_out, packets);
    total_add(&c->totals->bytes_out, bytes);
    c->n_out = 0;
    c->own.n = 0;
}

struct io_packet *flow_packet(struct flow_ctx *c)
{
    struct io_packet *p;

    if (c->own.n == IO_BATCH)
        flow_flush(c);
    p = io_batch_next(&c->own);
    c->own.n++;
    return p;
}

void flow_put(struct flow_ctx *c, struct io_packet *p, struct flow *to, const struct addr *dst)
{
    if (to->ep->secure && p->kind != IO_OTHER &&
        secure_seal(to->ep->secure, p->kind == IO_RTCP, p->data, &p->len) < 0) {
        unsent(c, p->flow ? p->flow->ep : to->ep);
        return;
    }
    c->out[c->n_out++] =
        (struct io_out){.packet = p, .from = p->flow, .to = to, .dst = dst ? dst : &to->latch.to};
    if (c->n_out == IO_BATCH)
        flow_flush(c);
}

/* ---- to the peer ----------------------------------------------------------------------------------------------- */

/* Where packets of this kind from e go to; NULL: nowhere now. */
static struct flow *way_out(struct endpoint *e, uint8_t kind)
{
    struct endpoint *p = e->peer;
    struct flow *out;

    if (!p || !(e->direction & MEDIA_DIR_RECV) || !(p->direction & MEDIA_DIR_SEND))
        return NULL;
    out = kind == IO_RTCP && !(p->flags & MEDIA_EP_MUX) ? &p->rtcp : &p->rtp;
    return addr_is_set(&out->latch.to) ? out : NULL;
}

/* Keep the newest packet; those before it are lost for good. */
static void hold(struct flow_ctx *c, const struct io_packet *p)
{
    struct endpoint *e = p->flow->ep;

    if (p->kind != IO_RTP || p->len > FLOW_HOLD_BYTES || !(e->direction & MEDIA_DIR_RECV)) {
        unsent(c, e);
        return;
    }
    if (e->held_ms)
        unsent(c, e);
    memcpy(e->held, p->data, p->len);
    e->held_len = p->len;
    e->held_ms = c->now_ms ? c->now_ms : 1;
}

void flow_forward(struct flow_ctx *c, struct io_packet *p)
{
    struct flow *out = way_out(p->flow->ep, p->kind);

    if (!out) {
        hold(c, p);
        return;
    }
    if (p->kind == IO_RTP && (out->ep->player || out->ep->dtmf) && !audio_output(c, out->ep, p))
        return;
    flow_put(c, p, out, NULL);
}

static void release_one(struct flow_ctx *c, struct endpoint *e)
{
    struct io_packet *p;

    if (!e->held_ms)
        return;
    if (c->now_ms > e->held_ms + FLOW_HOLD_MS) {
        e->held_ms = 0;
        unsent(c, e);
        return;
    }
    if (!way_out(e, IO_RTP))
        return;
    e->held_ms = 0;
    p = flow_packet(c);
    memcpy(p->data, e->held, e->held_len);
    p->len = e->held_len;
    p->flow = &e->rtp;
    flow_forward(c, p);
}

void flow_release(struct flow_ctx *c, struct endpoint *e)
{
    release_one(c, e);
    if (e->peer)
        release_one(c, e->peer);
    flow_flush(c);
}

/* ---- in -------------------------------------------------------------------------------------------------------- */

static bool is_valid(const struct io_packet *p, struct rtp_header *h)
{
    if (p->len > IO_BUFFER)
        return false;
    if (p->flow->ep->is_opaque)
        return true;
    return p->kind == IO_RTCP ? rtcp_check(p->data, p->len) == 0
                              : rtp_parse(p->data, p->len, h) == 0;
}

static void seen(struct flow_ctx *c, struct endpoint *e)
{
    if (e->seen_ms != c->now_ms) {
        e->seen_ms = c->now_ms;
        atomic_store_explicit(e->session_seen_ms, c->now_ms, memory_order_relaxed);
    }
    if (e->is_inactive) {
        e->is_inactive = false;
        c->on_active(c, e);
    }
}

static void stranger(struct flow_ctx *c, struct endpoint *e)
{
    e->n.strangers++;
    total_add(&c->totals->strangers, 1);
}

/* Is it from whom it should be? */
static bool is_from_party(struct flow_ctx *c, struct flow *f, const struct addr *from, bool *is_new)
{
    bool was_open = f->latch.is_open;
    enum latch_verdict v = latch_check(&f->latch, from, c->now_ms);

    if (v == LATCH_STRANGER) {
        stranger(c, f->ep);
        return false;
    }
    if (v == LATCH_LEARNED || was_open != f->latch.is_open)
        lines_check(f);
    *is_new = v == LATCH_LEARNED;
    if (*is_new) {
        c->on_latched(c, f);
        fast_moved(c, f->ep);
    }
    return true;
}

/* Another SSRC while the stream speaks: a second sender, by mistake or malice. Afterwards it is a change. */
static bool is_refused(struct flow_ctx *c, struct endpoint *e, const struct rtp_header *h)
{
    if (e->is_opaque || !e->stats.has_started || h->ssrc == e->stats.ssrc ||
        (e->flags & MEDIA_EP_MANY))
        return false;
    if (e->fast.state == FAST_IN)
        fast_fold(c, e);
    if (c->now_ms >= e->seen_ms + SPEAKS_MS)
        return false;
    e->n.ssrc_refused++;
    return true;
}

uint8_t flow_codec(const struct endpoint *e, uint8_t payload_type)
{
    for (unsigned i = 0; i < e->n_pts; i++) {
        if (e->pt[i].type == payload_type)
            return e->pt[i].codec;
    }
    switch (payload_type) {
    case 0: return MEDIA_CODEC_PCMU;
    case 3: return MEDIA_CODEC_GSM;
    case 4: return MEDIA_CODEC_G723;
    case 8: return MEDIA_CODEC_PCMA;
    case 9: return MEDIA_CODEC_G722;
    case 13: return MEDIA_CODEC_CN;
    case 15: return MEDIA_CODEC_G728;
    case 18: return MEDIA_CODEC_G729;
    default: return MEDIA_CODEC_UNKNOWN;
    }
}

static void tell_quality(struct flow_ctx *c, struct endpoint *e, const struct quality_event *ev,
                         unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        c->on_quality(c, e, &ev[i]);
}

/* What the party reports of our stream, and when the peer's clock goes to it. @return false: no RTCP inside */
static bool rtcp_input(struct flow_ctx *c, const struct io_packet *p)
{
    struct endpoint *e = p->flow->ep;
    struct quality_event ev[QUALITY_EVENTS_MAX];
    struct rtcp_info info;
    struct quality_report r = {.info = &info, .now_ns = c->now_ns};

    if (e->is_opaque)
        return true;
    if (rtcp_read(p->data, p->len, &info) < 0) {
        e->n.rtcp_invalid++;
        total_add(&c->totals->invalid, 1);
        return false;
    }
    if (!e->peer)
        return true;
    r.ssrc = e->peer->stats.ssrc;
    r.clock_rate = e->peer->stats.clock_rate;
    r.sent = e->n.sent_packets;
    tell_quality(c, e, ev, quality_reported(&e->quality, &r, ev));
    if (info.has_sr)
        quality_sr_sent(&e->peer->quality, &info, c->now_ns);
    return true;
}

void flow_look(struct flow_ctx *c, struct endpoint *e)
{
    struct quality_event ev[QUALITY_EVENTS_MAX];
    struct quality_now now;

    fast_tour(c, e);
    if (e->peer)
        fast_fold_due(c, e->peer);
    now = (struct quality_now){
        .now_ms = c->now_ms,
        .packets = e->n.packets,
        .lost = rtp_stats_lost(&e->stats),
        .gaps = e->stats.gaps,
        .sent = e->n.sent_packets,
        .jitter_us = rtp_stats_jitter_us(&e->stats),
        .codec = flow_codec(e, e->stats.payload_type),
        .ptime_ms = e->ptime_ms,
        .is_silent = e->is_silent,
        .may_speak = e->peer && (e->direction & MEDIA_DIR_RECV) &&
                     (e->peer->direction & MEDIA_DIR_SEND) && (e->flags & MEDIA_EP_WATCH),
        .peer_speaks = e->n.sent_packets != e->quality.sent,
        .is_own = audio_needs_to_hear(e),
        .watch = (e->flags & MEDIA_EP_WATCH) != 0,
    };

    if (e->secure)
        secure_place_get(e->secure, &e->place);
    if (!e->is_opaque)
        tell_quality(c, e, ev, quality_look(&e->quality, &now, ev));
}

static void count_in(struct flow_ctx *c, const struct io_packet *p, const struct rtp_header *h)
{
    struct endpoint *e = p->flow->ep;

    if (p->kind == IO_RTCP) {
        e->n.rtcp_packets++;
        return;
    }
    e->n.packets++;
    e->n.bytes += p->len;
    if (!e->is_opaque) {
        rtp_stats_packet(&e->stats, h, c->now_ns);
        e->is_silent = quality_is_silence(p->data + h->payload_at, p->len - h->payload_at,
                                          flow_codec(e, h->payload_type));
    }
    seen(c, e);
}

/* RTP or RTCP: by the port, or on a port that has both by the payload types kept free for it (RFC 5761 §4). */
static uint8_t kind_of(const struct io_packet *p)
{
    const struct flow *f = p->flow;

    if (f->is_rtcp)
        return IO_RTCP;
    return f->ep->flags & MEDIA_EP_MUX && !f->ep->is_opaque && p->len >= 2 && p->data[1] >= 192 &&
                   p->data[1] <= 223
               ? IO_RTCP
               : IO_RTP;
}

static bool open_secure(struct flow_ctx *c, struct io_packet *p)
{
    struct endpoint *e = p->flow->ep;

    /* its packets must not cost us a hash */
    if (latch_is_stranger(&p->flow->latch, &p->from)) {
        stranger(c, e);
        return false;
    }
    if (p->len <= IO_BUFFER &&
        secure_open(e->secure, p->kind == IO_RTCP, p->data, &p->len, c->now_ms) == 0)
        return true;
    e->n.auth_failed++;
    total_add(&c->totals->invalid, 1);
    return false;
}

/* More than any party sends: a flood, or a packet that goes round. */
static bool is_too_many(struct flow_ctx *c, struct endpoint *e)
{
    if (c->now_ms - e->rate_ms >= 1000) {
        e->rate_ms = c->now_ms;
        e->rate_n = 0;
    }
    if (e->rate_n < FLOW_RATE) {
        e->rate_n++;
        return false;
    }
    unsent(c, e);
    log_limited(LOG_WARN, "media_rate", "port=%u limit=%u", e->rtp.local.port, FLOW_RATE);
    return true;
}

/* The party says where it is, and has proved that it is the party. */
static void nominate(struct flow_ctx *c, struct flow *f, const struct addr *from)
{
    if (f->latch.is_pinned && addr_eq(&f->latch.to, from))
        return;
    if (!f->is_rtcp)
        fast_demote(c, f->ep, MEDIA_DEMOTE_CHANGE);
    if (latch_pin(&f->latch, from)) {
        c->on_latched(c, f);
        if (!f->is_rtcp)
            fast_moved(c, f->ep);
    }
    lines_check(f);
}

/* A check, or what looks like one: it ends here. */
static void ice_step(struct flow_ctx *c, struct io_packet *p)
{
    struct flow *f = p->flow;
    const struct ice_packet check = {
        .data = p->data,
        .len = p->len,
        .from = &p->from,
        .is_party = f->latch.is_learned && addr_eq(&f->latch.to, &p->from),
    };
    struct io_packet *out;
    uint8_t answer[STUN_ANSWER_MAX];
    uint32_t len = 0;
    enum ice_verdict v = ice_input(f->ep->ice, &check, c->now_ms, answer, &len);

    if (v == ICE_BAD || v == ICE_REFUSED) {
        f->ep->n.invalid++;
        total_add(&c->totals->invalid, 1);
        total_add(&c->totals->ice_refused, 1);
    } else if (len) {
        total_add(&c->totals->ice_answered, 1);
    }
    if (len == 0)
        return;
    if (v == ICE_NOMINATED)
        nominate(c, f, &p->from);
    out = flow_packet(c);
    memcpy(out->data, answer, len);
    out->len = len;
    out->kind = IO_OTHER;
    flow_put(c, out, f, &p->from);
}

/* The steps of one packet, in their order. */
static void input(struct flow_ctx *c, struct io_packet *p)
{
    struct flow *f = p->flow;
    uint32_t wire = p->len;
    struct rtp_header h;
    bool is_new; /* the party is another than before */

    if (f->ep->ice && p->len <= IO_BUFFER && stun_is(p->data, p->len)) {
        ice_step(c, p);
        return;
    }
    p->kind = kind_of(p);
    if (f->ep->secure && !open_secure(c, p))
        return;
    if (!is_valid(p, &h)) {
        f->ep->n.invalid++;
        total_add(&c->totals->invalid, 1);
        return;
    }
    if (!is_from_party(c, f, &p->from, &is_new))
        return;
    if (p->kind == IO_RTCP && !rtcp_input(c, p))
        return;
    if (p->kind == IO_RTP && !is_new && is_refused(c, f->ep, &h))
        return;
    if (p->kind != IO_RTP || f->ep->fast.state != FAST_IN || !fast_input(c, f->ep, p, &h))
        count_in(c, p, &h);
    if (p->kind == IO_RTP)
        f->ep->n.bytes += wire - p->len;
    if (is_too_many(c, f->ep))
        return;
    if (p->kind == IO_RTP && f->ep->dtmf && !f->ep->is_opaque && !audio_input(c, f->ep, p, &h))
        return;
    flow_forward(c, p);
}

/*
 * With thousands of streams nearly every packet is of one whose lines are not in the processor's cache: what input() looks at of
 * an endpoint, and then of its peer, is asked for some packets ahead.
 */
static void warm(const struct io_batch *b, unsigned i)
{
    if (i + 2 * WARM_AHEAD < b->n) {
        const struct endpoint *e = b->packet[i + 2 * WARM_AHEAD].flow->ep;

        __builtin_prefetch(&e->peer);
        __builtin_prefetch(&e->seen_ms, 1);
        __builtin_prefetch(&e->stats, 1);
        __builtin_prefetch((const uint8_t *)&e->stats + 64, 1);
        __builtin_prefetch(&e->fast);
        __builtin_prefetch(&e->n, 1);
        __builtin_prefetch(&e->rate_ms, 1);
    }
    if (i + WARM_AHEAD < b->n) {
        const struct endpoint *peer = b->packet[i + WARM_AHEAD].flow->ep->peer;

        if (!peer)
            return;
        __builtin_prefetch(&peer->rtp);
        __builtin_prefetch(&peer->rtp.latch);
        __builtin_prefetch(&peer->direction);
        __builtin_prefetch(&peer->n, 1);
    }
}

void flow_input(struct flow_ctx *c, struct io_batch *b)
{
    uint64_t bytes = 0;

    c->now_ns = clock_now_ns();
    for (unsigned i = 0; i < b->n; i++) {
        warm(b, i);
        bytes += b->packet[i].len;
        input(c, &b->packet[i]);
    }
    total_add(&c->totals->packets_in, b->n);
    total_add(&c->totals->bytes_in, bytes);
    flow_flush(c);
    b->n = 0;
}

/* ---- what the control thread wants ----------------------------------------------------------------------------- */

struct addr flow_rtcp_remote(const struct media_ep *want)
{
    struct addr a = want->rtcp;

    if (addr_is_set(&a) || !addr_is_set(&want->remote))
        return a;
    a = want->remote;
    if (!(want->flags & MEDIA_EP_MUX))
        a.port++;
    return a;
}

void flow_set_remote(struct endpoint *e, const struct media_ep *want, uint64_t now_ms)
{
    struct addr rtcp = flow_rtcp_remote(want);

    latch_set_remote(&e->rtp.latch, &want->remote, now_ms);
    latch_set_remote(&e->rtcp.latch, &rtcp, now_ms);
    lines_check(&e->rtp);
    lines_check(&e->rtcp);
}

void flow_set_options(struct endpoint *e, const struct media_ep *want, uint64_t now_ms)
{
    /* silence counts from when there is somebody to listen */
    if (!(e->direction & MEDIA_DIR_RECV) || e->inactivity_ms == 0)
        e->seen_ms = now_ms;
    e->direction = want->direction;
    e->inactivity_ms = want->inactivity_ms;
    e->dscp = want->dscp;
    e->flags = want->flags;
    e->is_opaque = (want->flags & MEDIA_EP_OPAQUE) != 0;
    e->ptime_ms = want->ptime_ms;
    e->n_pts = want->n_pts;
    memcpy(e->pt, want->pt, sizeof(e->pt));
    e->stats.clock_rate = want->clock_rate;
    latch_set_policy(&e->rtp.latch, want->latch);
    latch_set_policy(&e->rtcp.latch, want->latch);
    lines_check(&e->rtp);
    lines_check(&e->rtcp);
}

void flow_relearn(struct endpoint *e, uint64_t now_ms)
{
    latch_relearn(&e->rtp.latch, now_ms);
    latch_relearn(&e->rtcp.latch, now_ms);
    lines_check(&e->rtp);
    lines_check(&e->rtcp);
}

void flow_disconnect(struct endpoint *a)
{
    if (a->peer)
        a->peer->peer = NULL;
    a->peer = NULL;
}

void flow_connect(struct endpoint *a, struct endpoint *b)
{
    flow_disconnect(a);
    flow_disconnect(b);
    a->peer = b;
    b->peer = a;
}

void flow_state(const struct flow_ctx *c, const struct endpoint *e, struct media_ep_state *out)
{
    memset(out, 0, sizeof(*out));
    out->endpoint = e->number;
    out->peer = e->peer ? e->peer->number : MEDIA_NO_PEER;
    out->state = (uint8_t)((e->rtp.latch.is_learned ? MEDIA_EP_LATCHED : 0) |
                           (e->rtcp.latch.is_learned ? MEDIA_EP_RTCP_LATCHED : 0) |
                           (e->is_inactive ? MEDIA_EP_INACTIVE : 0));
    out->payload_type = e->stats.payload_type;
    out->local = e->rtp.local;
    out->remote = e->rtp.latch.to;
    out->rtcp = e->rtcp.latch.to;
    out->n = e->n;
    out->n.unsent += e->held_ms != 0;
    out->n.strangers += lines_strangers(&e->rtp) + lines_strangers(&e->rtcp);
    out->n.lost = rtp_stats_lost(&e->stats);
    out->n.reordered = e->stats.reordered;
    out->n.duplicates = e->stats.duplicates;
    out->n.gaps = (uint32_t)e->stats.gaps;
    out->n.codec = flow_codec(e, e->stats.payload_type);
    out->n.ssrc = e->stats.ssrc;
    out->n.ssrc_changes = e->stats.ssrc_changes;
    out->n.jitter_us = rtp_stats_jitter_us(&e->stats);
    out->n.jitter_max_us = rtp_stats_jitter_max_us(&e->stats);
    quality_counters(&e->quality, &out->n);
    /* the control thread's clock, which made it, may be a moment ahead */
    out->n.silent_ms = c->now_ms > e->seen_ms ? (uint32_t)(c->now_ms - e->seen_ms) : 0;
    out->n.path = e->fast.state == FAST_IN ? c->fast.path
                  : e->rtp.line            ? MEDIA_PATH_STEERED
                                           : MEDIA_PATH_SOCKETS;
}
