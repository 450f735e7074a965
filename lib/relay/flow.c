/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packet path: from one socket through check, latch and counters out of the peer's socket, in batches, the payload in place.
 * Packet threads call it; it takes no lock, allocates nothing and knows neither ports nor the controller.
 */
#include "relay/flow.h"

#include <string.h>
#include "core/clock.h"

static bool is_valid(const struct flow *f, const uint8_t *data, uint32_t len, struct rtp_header *h)
{
    if (len > IO_BUFFER)
        return false;
    if (f->ep->is_opaque)
        return true;
    return f->is_rtcp ? rtcp_check(data, len) == 0 : rtp_parse(data, len, h) == 0;
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

/* May the packet pass? All that is counted of what comes in is counted here. */
static bool take(struct flow_ctx *c, struct flow *f, unsigned i, uint64_t now_ns)
{
    struct endpoint *e = f->ep;
    uint32_t len = c->batch->len[i];
    struct rtp_header h;
    enum latch_verdict v;

    if (!is_valid(f, c->batch->data[i], len, &h)) {
        e->n.invalid++;
        total_add(&c->totals->invalid, 1);
        return false;
    }
    v = latch_check(&f->latch, &c->batch->from[i], c->now_ms);
    if (v == LATCH_STRANGER) {
        e->n.strangers++;
        total_add(&c->totals->strangers, 1);
        return false;
    }
    if (v == LATCH_LEARNED)
        c->on_latched(c, f);
    if (f->is_rtcp) {
        e->n.rtcp_packets++;
        return true;
    }
    e->n.packets++;
    e->n.bytes += len;
    if (!e->is_opaque)
        rtp_stats_packet(&e->stats, &h, now_ns);
    seen(c, e);
    return true;
}

/* Keep the newest packet; those before it are lost for good. */
static void hold(struct flow_ctx *c, struct flow *f, const uint8_t *pick, unsigned n)
{
    struct endpoint *e = f->ep;
    unsigned last = pick[n - 1];
    uint32_t len = c->batch->len[last];
    unsigned kept = !f->is_rtcp && len <= FLOW_HOLD_BYTES && (e->direction & MEDIA_DIR_RECV);
    unsigned lost = n - kept + (kept && e->held_ms ? 1 : 0);

    if (kept) {
        memcpy(e->held, c->batch->data[last], len);
        e->held_len = len;
        e->held_ms = c->now_ms ? c->now_ms : 1;
    }
    e->n.unsent += lost;
    total_add(&c->totals->unsent, lost);
}

static void send_on(struct flow_ctx *c, struct flow *f, const uint8_t *pick, unsigned n)
{
    struct endpoint *e = f->ep;
    struct endpoint *p = e->peer;
    struct flow *out = !p ? NULL : f->is_rtcp ? &p->rtcp : &p->rtp;
    uint64_t bytes = 0;
    unsigned sent;

    if (!out || !(e->direction & MEDIA_DIR_RECV) || !(p->direction & MEDIA_DIR_SEND) ||
        !addr_is_set(&out->latch.to)) {
        hold(c, f, pick, n);
        return;
    }
    sent = c->io->send(c->batch, out->fd, pick, n, &out->latch.to);
    for (unsigned i = 0; i < sent; i++)
        bytes += c->batch->len[pick[i]];
    if (sent < n) {
        e->n.unsent += n - sent;
        total_add(&c->totals->send_errors, n - sent);
    }
    if (f->is_rtcp) {
        p->n.rtcp_sent += sent;
    } else {
        p->n.sent_packets += sent;
        p->n.sent_bytes += bytes;
    }
    total_add(&c->totals->packets_out, sent);
    total_add(&c->totals->bytes_out, bytes);
}

static void release_one(struct flow_ctx *c, struct endpoint *e)
{
    static const uint8_t first = 0;
    struct endpoint *p = e->peer;

    if (!e->held_ms)
        return;
    if (c->now_ms > e->held_ms + FLOW_HOLD_MS) {
        e->held_ms = 0;
        e->n.unsent++;
        total_add(&c->totals->unsent, 1);
        return;
    }
    if (!p || !(e->direction & MEDIA_DIR_RECV) || !(p->direction & MEDIA_DIR_SEND) ||
        !addr_is_set(&p->rtp.latch.to))
        return;
    e->held_ms = 0;
    memcpy(c->batch->data[0], e->held, e->held_len);
    c->batch->len[0] = e->held_len;
    send_on(c, &e->rtp, &first, 1);
}

void flow_release(struct flow_ctx *c, struct endpoint *e)
{
    release_one(c, e);
    if (e->peer)
        release_one(c, e->peer);
}

bool flow_readable(struct flow_ctx *c, struct flow *f)
{
    uint8_t pick[IO_BATCH];
    unsigned n = c->io->recv(c->batch, f->fd);
    unsigned n_pick = 0;
    uint64_t bytes = 0;
    uint64_t now_ns;

    if (n == 0)
        return false;
    now_ns = clock_now_ns();
    for (unsigned i = 0; i < n; i++) {
        bytes += c->batch->len[i];
        if (take(c, f, i, now_ns))
            pick[n_pick++] = (uint8_t)i;
    }
    total_add(&c->totals->packets_in, n);
    total_add(&c->totals->bytes_in, bytes);
    if (n_pick > 0)
        send_on(c, f, pick, n_pick);
    return n == IO_BATCH;
}

struct addr flow_rtcp_remote(const struct media_ep *want)
{
    struct addr a = want->rtcp;

    if (addr_is_set(&a) || !addr_is_set(&want->remote))
        return a;
    a = want->remote;
    a.port++;
    return a;
}

void flow_set_remote(struct endpoint *e, const struct media_ep *want, uint64_t now_ms)
{
    struct addr rtcp = flow_rtcp_remote(want);

    latch_set_remote(&e->rtp.latch, &want->remote, now_ms);
    latch_set_remote(&e->rtcp.latch, &rtcp, now_ms);
}

void flow_set_options(struct endpoint *e, const struct media_ep *want, uint64_t now_ms)
{
    /* silence counts from when there is somebody to listen */
    if (!(e->direction & MEDIA_DIR_RECV) || e->inactivity_ms == 0)
        e->seen_ms = now_ms;
    e->direction = want->direction;
    e->inactivity_ms = want->inactivity_ms;
    e->is_opaque = (want->flags & MEDIA_EP_OPAQUE) != 0;
    e->stats.clock_rate = want->clock_rate;
    latch_set_policy(&e->rtp.latch, want->latch);
    latch_set_policy(&e->rtcp.latch, want->latch);
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

void flow_state(const struct endpoint *e, uint64_t now_ms, struct media_ep_state *out)
{
    memset(out, 0, sizeof(*out));
    out->endpoint = e->number;
    out->peer = e->peer ? e->peer->number : MEDIA_NO_PEER;
    out->state = (uint8_t)((e->rtp.latch.is_learned ? MEDIA_EP_LATCHED : 0) |
                           (e->rtcp.latch.is_learned ? MEDIA_EP_RTCP_LATCHED : 0) |
                           (e->is_inactive ? MEDIA_EP_INACTIVE : 0));
    out->payload_type = e->stats.payload_type;
    out->local = ports_local(&e->lease);
    out->remote = e->rtp.latch.to;
    out->rtcp = e->rtcp.latch.to;
    out->n = e->n;
    out->n.unsent += e->held_ms != 0;
    out->n.lost = rtp_stats_lost(&e->stats);
    out->n.reordered = e->stats.reordered;
    out->n.duplicates = e->stats.duplicates;
    out->n.ssrc = e->stats.ssrc;
    out->n.ssrc_changes = e->stats.ssrc_changes;
    out->n.jitter_us = rtp_stats_jitter_us(&e->stats);
    out->n.jitter_max_us = rtp_stats_jitter_max_us(&e->stats);
    /* the control thread's clock, which made it, may be a moment ahead */
    out->n.silent_ms = now_ms > e->seen_ms ? (uint32_t)(now_ms - e->seen_ms) : 0;
}
