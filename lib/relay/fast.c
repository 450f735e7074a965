/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Promotion, demotion and the watchdog of streams in the kernel path. flow.c and thread.c call it.
 * Nothing here blocks, memory is taken for more streams than ever before, and no turn looks at more streams than its share.
 */
#include "relay/fast.h"

#include <stdlib.h>
#include <string.h>
#include "core/log.h"
#include "relay/audio.h"
#include "relay/flow.h"
#include "relay/kernel.h"
#include "relay/lines.h"
#include "relay/lane.h"

#define SEATS_FIRST 256U
#define AHEAD       4U
#define ERRORS_MS   100U /* interfaces are asked for refused frames */

static const char *const demote_names[] = {
#define NAME(id, name) name,
    MEDIA_DEMOTE(NAME)
#undef NAME
};

void fast_init(struct fast_thread *t, const struct kernel *kernel)
{
    t->kernel = kernel;
    /* a host has one form of it: what the first interface can, the set-up takes for all */
    t->path = kernel ? (uint8_t)kernel->ifs[0].path : 0;
    TAILQ_INIT(&t->queued);
}

void fast_fini(struct fast_thread *t)
{
    free(t->seat);
    t->seat = NULL;
    t->n_seats = t->n_in = 0;
}

static void set_gauge(struct fast_thread *t)
{
    atomic_store_explicit(&t->totals.promoted, t->n_in, memory_order_relaxed);
}

static uint32_t hop_ifindex(const struct fast_thread *t, uint16_t hop)
{
    return __atomic_load_n(&t->kernel->hops[hop].ifindex, __ATOMIC_RELAXED);
}

/* ---- who may ----------------------------------------------------------------------------------------------------- */

/* The party is known, and nobody else may take its place now. */
static bool is_settled(const struct latch *l, uint64_t now_ms)
{
    if (l->is_pinned)
        return true;
    if (!addr_is_set(&l->to) || l->is_open || !l->is_learned || l->policy == MEDIA_LATCH_FOLLOW)
        return false;
    return l->policy == MEDIA_LATCH_SDP_ONLY || !addr_is_set(&l->sdp) || addr_eq(&l->sdp, &l->to) ||
           now_ms >= l->opened_ms + FAST_NAT_MS;
}

/* RTP clock in kHz, as a line has it; 0: it cannot. */
static uint8_t khz_of(const struct endpoint *e)
{
    uint32_t rate =
        e->stats.clock_rate ? e->stats.clock_rate : rtp_clock_rate(e->stats.payload_type);

    return rate % 1000 == 0 && rate / 1000 <= 255 ? (uint8_t)(rate / 1000) : 0;
}

/* The payload type of e's telephone-events; 0xff: none, or they are nobody's business. */
static uint8_t event_pt(const struct endpoint *e, unsigned *n)
{
    uint8_t pt = 0xff;

    *n = 0;
    for (unsigned i = 0; i < e->n_pts; i++) {
        if (e->pt[i].codec != MEDIA_CODEC_EVENT)
            continue;
        pt = e->pt[i].type;
        ++*n;
    }
    return pt;
}

/* What is said of the endpoints themselves, by the controller: changes only with its operations. */
static bool is_plain(const struct endpoint *e)
{
    const struct endpoint *p = e->peer;
    unsigned n_events;

    if (!e->rtp.line || !p || e->is_opaque || p->is_opaque || e->secure || p->secure ||
        ((e->flags | p->flags) & MEDIA_EP_SLOW))
        return false;
    event_pt(e, &n_events);
    /* a line knows one */
    if (n_events > 1 && (e->flags & (MEDIA_EP_EVENTS | MEDIA_EP_ABSORB)))
        return false;
    return (e->direction & MEDIA_DIR_RECV) && (p->direction & MEDIA_DIR_SEND);
}

/* With ICE the party is where its nominated check came from, and before that anywhere. */
static bool is_nominated(const struct endpoint *e)
{
    return !e->ice || e->rtp.latch.is_pinned;
}

/* And of what has come. */
static bool is_ready(const struct endpoint *e, uint64_t now_ms)
{
    return is_plain(e) && is_nominated(e) && is_nominated(e->peer) &&
           is_settled(&e->rtp.latch, now_ms) && addr_is_set(&e->peer->rtp.latch.to) &&
           e->stats.has_started && e->stats.has_transit && !e->held_ms && khz_of(e) &&
           !audio_is_busy(e) && !audio_is_busy(e->peer);
}

/* ---- counters ------------------------------------------------------------------------------------------------------ */

static void fold_line(struct flow_ctx *c, struct endpoint *e, const struct fast_mark *now)
{
    struct fast_mark *m = &e->fast.mark;
    struct fast_mark d = {
        .packets = now->packets - m->packets,
        .bytes = now->bytes - m->bytes,
        .reordered = now->reordered - m->reordered,
        .duplicates = now->duplicates - m->duplicates,
        .apart = now->apart - m->apart,
        .gaps = now->gaps - m->gaps,
        .invalid = now->invalid - m->invalid,
        .ssrc_refused = now->ssrc_refused - m->ssrc_refused,
        .events = now->events - m->events,
        .unsent = now->unsent - m->unsent,
    };
    /* a look between a packet's counters sees some of them: what this one misses the next one has, so a difference may be below 0 */
    int32_t sent = (int32_t)(d.packets - d.events - d.unsent);
    int32_t unique = (int32_t)(d.packets - d.duplicates - d.apart);
    /* events came and went in user space, too, and are counted there */
    uint32_t seen = e->fast.event_bytes < d.bytes ? e->fast.event_bytes : d.bytes;
    uint32_t bytes = d.bytes - seen;

    e->fast.event_bytes -= seen;
    e->n.invalid += d.invalid;
    e->n.ssrc_refused += d.ssrc_refused;
    total_add(&c->totals->invalid, d.invalid);
    e->n.packets += d.packets;
    e->n.bytes += d.bytes;
    e->n.fast_packets += (uint64_t)sent;
    e->stats.gaps += d.gaps;
    e->n.unsent += d.unsent;
    e->stats.reordered += d.reordered;
    e->stats.duplicates += d.duplicates;
    if (e->fast.state == FAST_IN || d.packets || unique)
        lane_stats(e->rtp.line, e->fast.state == FAST_IN, unique, &e->stats);
    if (e->peer) {
        e->peer->n.sent_packets += (uint64_t)sent;
        e->peer->n.sent_bytes += bytes;
    }
    total_add(&c->totals->packets_in, (uint64_t)(int32_t)(d.packets - d.events));
    total_add(&c->totals->bytes_in, bytes);
    total_add(&c->totals->packets_out, (uint64_t)sent);
    total_add(&c->totals->bytes_out, bytes);
    total_add(&c->totals->unsent, d.unsent);
}

static void seen(struct flow_ctx *c, struct endpoint *e)
{
    uint32_t last = __atomic_load_n(&e->rtp.line->last_ms, __ATOMIC_RELAXED);
    uint32_t ago = (uint32_t)c->now_ms - last;
    uint64_t at;

    /* the turn's clock is older than a packet that came meanwhile */
    if (ago > UINT32_MAX / 2)
        ago = 0;
    at = c->now_ms - ago;
    if (at <= e->seen_ms)
        return;
    e->seen_ms = at;
    if (atomic_load_explicit(e->session_seen_ms, memory_order_relaxed) < at)
        atomic_store_explicit(e->session_seen_ms, at, memory_order_relaxed);
    if (e->is_inactive) {
        e->is_inactive = false;
        c->on_active(c, e);
    }
}

static void tell_cpu(struct fast_thread *t, const struct endpoint *e)
{
    if (t->has_told_cpu)
        return;
    t->has_told_cpu = true;
    log_ev(LOG_INFO, "media_cpu", "port=%u hint=\"a stream's packets come on several processors\"",
           e->rtp.local.port);
}

void fast_fold(struct flow_ctx *c, struct endpoint *e)
{
    struct fast_mark now;

    if (!e->rtp.line)
        return;
    e->fast.folded_ms = c->now_ms;
    lane_read(e->rtp.line, &now);
    fold_line(c, e, &now);
    if (now.other_cpu != e->fast.mark.other_cpu)
        tell_cpu(&c->fast, e);
    e->fast.mark = now;
    if (e->fast.state == FAST_IN) {
        seen(c, e);
        e->is_silent =
            quality_is_quiet(e->rtp.line->pt & LINE_QUIET, flow_codec(e, e->stats.payload_type));
    }
}

void fast_fold_due(struct flow_ctx *c, struct endpoint *e)
{
    if (e->fast.state != FAST_IN || c->now_ms >= e->fast.folded_ms + FAST_FRESH_MS)
        fast_fold(c, e);
}

/* ---- out ----------------------------------------------------------------------------------------------------------- */

static void count_interface(struct fast_thread *t, uint32_t ifindex, int by)
{
    for (unsigned i = 0; i < FAST_IFS && ifindex; i++) {
        if (!t->interface[i].ifindex) {
            t->interface[i].ifindex = ifindex;
            t->interface[i].errors = kernel_tx_errors(t->kernel, ifindex);
        }
        if (t->interface[i].ifindex != ifindex)
            continue;
        if (by > 0 || t->interface[i].n_in > 0)
            t->interface[i].n_in += (uint32_t)by;
        return;
    }
}

/* A route may lead elsewhere meanwhile, while the hop's index stays. ifindex 0: by none */
static void go_by(struct fast_thread *t, struct fast *f, uint32_t ifindex)
{
    if (f->ifindex == ifindex)
        return;
    count_interface(t, f->ifindex, -1);
    count_interface(t, ifindex, 1);
    f->ifindex = ifindex;
}

/* Doubled seldom, for as many streams as there ever were at a time. @return false: no memory; it stays in user space */
static bool has_seat(struct fast_thread *t)
{
    uint32_t n = t->n_seats ? 2 * t->n_seats : SEATS_FIRST;
    struct fast_seat *p;

    if (t->n_in < t->n_seats)
        return true;
    p = realloc(t->seat, n * sizeof(*p));
    if (!p)
        return false;
    t->seat = p;
    t->n_seats = n;
    return true;
}

static void sit(struct fast_thread *t, struct endpoint *e)
{
    e->fast.seat = t->n_in;
    t->seat[t->n_in++] = (struct fast_seat){.e = e, .hop = e->fast.hop, .ifindex = e->fast.ifindex};
}

/* The last one takes the place. */
static void stand_up(struct fast_thread *t, struct endpoint *e)
{
    struct fast_seat *s = &t->seat[e->fast.seat];

    *s = t->seat[--t->n_in];
    s->e->fast.seat = e->fast.seat;
}

static void unqueue(struct fast_thread *t, struct endpoint *e)
{
    TAILQ_REMOVE(&t->queued, e, fast.link);
    t->n_queued--;
    e->fast.state = FAST_OUT;
}

/* A thing of calls, none of the path. */
static bool is_ordinary(enum media_demote why)
{
    return why == MEDIA_DEMOTE_CHANGE || why == MEDIA_DEMOTE_SILENT || why == MEDIA_DEMOTE_SSRC ||
           why == MEDIA_DEMOTE_EVENT || why == MEDIA_DEMOTE_PLAY;
}

static void rest(struct flow_ctx *c, struct endpoint *e, enum media_demote why)
{
    struct fast *f = &e->fast;
    uint64_t stayed = c->now_ms - f->since_ms;

    f->not_before_ms = f->since_ms + FAST_REST_MS;
    if (is_ordinary(why))
        return;
    if (stayed >= FAST_BACK_MAX_MS || f->back_ms == 0)
        f->back_ms = FAST_REST_MS;
    else if (f->back_ms < FAST_BACK_MAX_MS)
        f->back_ms = f->back_ms * 2 < FAST_BACK_MAX_MS ? f->back_ms * 2 : FAST_BACK_MAX_MS;
    f->not_before_ms = c->now_ms + f->back_ms;
    log_limited(LOG_WARN, "media_demote", "reason=%s port=%u hop=%u after_ms=%llu again_ms=%u",
                demote_names[why], e->rtp.local.port, f->hop, (unsigned long long)stayed,
                f->back_ms);
}

void fast_demote(struct flow_ctx *c, struct endpoint *e, enum media_demote why)
{
    struct fast_thread *t = &c->fast;

    e->fast.clean = 0;
    if (e->fast.state == FAST_QUEUED)
        unqueue(t, e);
    if (e->fast.state != FAST_IN)
        return;
    lane_demote(e->rtp.line);
    lines_check(&e->rtp);
    fast_fold(c, e); /* the last time as IN: sequence and jitter go on in user space */
    stand_up(t, e);
    set_gauge(t);
    go_by(t, &e->fast, 0);
    e->fast.state = FAST_OUT;
    e->n.demotions++;
    total_add(&t->totals.demotions[why], 1);
    rest(c, e, why);
}

/* What the former process knew of its next hop is not known here: it goes through user space until it has been asked for. */
void fast_resume(struct flow_ctx *c, struct endpoint *e)
{
    if (!e->rtp.line || __atomic_load_n(&e->rtp.line->state, __ATOMIC_RELAXED) != LINE_FAST)
        return;
    e->fast.state = FAST_IN;
    lane_demote(e->rtp.line);
    lines_check(&e->rtp);
    fast_fold(c, e);
    e->fast.state = FAST_OUT;
    e->n.demotions++;
    total_add(&c->fast.totals.demotions[MEDIA_DEMOTE_RESTART], 1);
}

void fast_change(struct flow_ctx *c, struct endpoint *e, enum media_op_kind kind)
{
    enum media_demote why = kind == MEDIA_OP_PLAY || kind == MEDIA_OP_STOP ? MEDIA_DEMOTE_PLAY
                            : kind == MEDIA_OP_DTMF                        ? MEDIA_DEMOTE_EVENT
                                                                           : MEDIA_DEMOTE_CHANGE;

    fast_demote(c, e, why);
    if (e->peer)
        fast_demote(c, e->peer, why);
}

void fast_moved(struct flow_ctx *c, struct endpoint *e)
{
    if (e->peer)
        fast_demote(c, e->peer, MEDIA_DEMOTE_CHANGE);
}

/* ---- in ------------------------------------------------------------------------------------------------------------ */

void fast_hop_want(struct flow_ctx *c, struct flow *f)
{
    if (!f->line || addr_ip_eq(&f->hop_dst, &f->latch.to) || c->now_ms < f->hop_again_ms)
        return;
    f->hop = HOP_NONE;
    f->hop_again_ms = c->now_ms + FAST_HOP_MS;
    if (c->fast.ask_hop && c->fast.ask_hop(c, f))
        f->hop_dst = f->latch.to;
}

void fast_hop_is(struct flow_ctx *c, struct flow *f, const struct addr *dst, uint16_t hop)
{
    if (!addr_ip_eq(&f->hop_dst, dst))
        return; /* it is about another way by now */
    f->hop = hop;
    if (hop != HOP_NONE)
        return;
    memset(&f->hop_dst, 0, sizeof(f->hop_dst));
    f->hop_again_ms = c->now_ms + FAST_HOP_MS;
}

/* The way to the peer's party is known, and usable now. */
static bool has_hop(struct flow_ctx *c, const struct endpoint *e)
{
    const struct flow *out = &e->peer->rtp;

    if (out->hop == HOP_NONE || !addr_ip_eq(&out->hop_dst, &out->latch.to) ||
        hop_ifindex(&c->fast, out->hop) == 0)
        return false;
    return c->fast.path == MEDIA_PATH_TC || !(c->fast.kernel->hops[out->hop].flags & HOP_NO_XDP);
}

void fast_forwarded(struct flow_ctx *c, struct endpoint *e)
{
    struct fast_thread *t = &c->fast;

    /* steered alone: no interface has a program that would forward */
    if (t->path < MEDIA_PATH_TC || !e->rtp.line || e->fast.state != FAST_OUT ||
        c->now_ms < e->fast.not_before_ms)
        return;
    if (e->fast.clean < FAST_CLEAN) {
        e->fast.clean++;
        return;
    }
    if (!is_ready(e, c->now_ms) || !has_hop(c, e))
        return;
    e->fast.state = FAST_QUEUED;
    e->fast.since_ms = c->now_ms;
    TAILQ_INSERT_TAIL(&t->queued, e, fast.link);
    t->n_queued++;
}

static void promote(struct flow_ctx *c, struct endpoint *e)
{
    struct fast_thread *t = &c->fast;
    struct endpoint *p = e->peer;
    unsigned n_events;
    struct lane_stream s = {
        .from = &e->rtp.latch.to,
        .to = &p->rtp.latch.to,
        .by = &p->rtp.local,
        .hop = p->rtp.hop,
        .dscp = p->dscp,
        .event_pt = event_pt(e, &n_events),
        .flags = (uint8_t)((e->flags & MEDIA_EP_MUX ? LINE_MUX : 0) |
                           (e->flags & MEDIA_EP_MANY ? LINE_MANY : 0)),
    };

    fast_fold(c, e);
    e->fast.state = FAST_IN;
    e->fast.since_ms = c->now_ms;
    e->fast.hop = p->rtp.hop;
    e->fast.odd = 0;
    e->fast.line = e->rtp.line;
    lane_look(e->rtp.line, &e->fast.looked);
    e->n.promotions++;
    e->fast.ifindex = 0;
    go_by(t, &e->fast, hop_ifindex(t, e->fast.hop));
    sit(t, e);
    set_gauge(t);
    total_add(&t->totals.promotions, 1);
    e->rtp.is_line_narrow = true;
    lane_promote(e->rtp.line, &s, &e->stats, khz_of(e), (uint32_t)e->seen_ms);
}

/* Within the rate of the thread? */
static bool is_in_rate(struct fast_thread *t, uint64_t now_ms)
{
    if (now_ms >= t->rate_ms + 1000) {
        t->rate_ms = now_ms;
        t->n_rate = 0;
    }
    return t->n_rate++ < FAST_PER_SECOND;
}

void fast_promote(struct flow_ctx *c, bool is_empty)
{
    struct fast_thread *t = &c->fast;
    struct endpoint *e;

    while ((e = TAILQ_FIRST(&t->queued)) != NULL) {
        if (!is_empty && c->now_ms < e->fast.since_ms + FAST_WAIT_MS)
            return;
        unqueue(t, e);
        if (!is_ready(e, c->now_ms) || !has_hop(c, e))
            continue;
        if (is_in_rate(t, c->now_ms) && has_seat(t)) {
            promote(c, e);
            continue;
        }
        e->fast.not_before_ms = c->now_ms + FAST_REST_MS;
        total_add(&t->totals.put_off, 1);
    }
}

/* ---- packets in user space though it is in ------------------------------------------------------------------------- */

static bool is_far(const struct rtp_header *h, uint32_t max_ext)
{
    uint16_t ahead = (uint16_t)(h->seq - (uint16_t)max_ext);

    return ahead >= JUMP_AHEAD && ahead <= 65536 - JUMP_BACK;
}

bool fast_input(struct flow_ctx *c, struct endpoint *e, const struct io_packet *p,
                const struct rtp_header *h)
{
    struct fast *f = &e->fast;
    const struct line *l = e->rtp.line;

    if (h->payload_type == l->event_pt) {
        /* counted in the kernel, also as sent; the relay counts it when it has sent it */
        e->fast.event_bytes += p->len;
        /* taken out of the stream: the numbers of those behind it change */
        if (e->flags & MEDIA_EP_ABSORB)
            fast_demote(c, e, MEDIA_DEMOTE_EVENT);
        return true;
    }
    if (!(e->flags & MEDIA_EP_MANY) &&
        (h->ssrc != e->stats.ssrc || is_far(h, __atomic_load_n(&l->max_ext, __ATOMIC_RELAXED)))) {
        fast_demote(c, e, MEDIA_DEMOTE_SSRC);
        return false;
    }
    c->fast.seat[f->seat].is_odd = 1;
    if (c->now_ms >= f->since_ms + FAST_SETTLE_MS && ++f->odd >= FAST_PASSED_BY) {
        fast_demote(c, e,
                    hop_ifindex(&c->fast, f->hop) ? MEDIA_DEMOTE_PASSED_BY : MEDIA_DEMOTE_HOP);
        return false;
    }
    /* it was on its way, or the kernel could not send it: not counted there */
    e->n.packets++;
    e->n.bytes += p->len;
    e->stats.unique++;
    return true;
}

/* ---- watchdog ------------------------------------------------------------------------------------------------------ */

static bool is_bad_interface(const struct fast_thread *t, uint32_t ifindex)
{
    for (unsigned i = 0; i < FAST_IFS && t->interface[i].ifindex; i++) {
        if (t->interface[i].ifindex == ifindex)
            return t->interface[i].is_bad;
    }
    return false;
}

static bool speaks(const struct flow_ctx *c, const struct endpoint *e)
{
    return c->now_ms < e->seen_ms + FAST_SILENT_MS || c->now_ms < e->fast.since_ms + FAST_SILENT_MS;
}

void fast_tour(struct flow_ctx *c, struct endpoint *e)
{
    fast_fold_due(c, e);
    if (e->fast.state == FAST_IN && !speaks(c, e))
        fast_demote(c, e, MEDIA_DEMOTE_SILENT);
}

/* Has nothing gone out of what came since the last look? One in a hundred that is too long for the way is the relay's business. */
static bool is_stalled(struct fast *f)
{
    struct fast_look before = f->looked;
    uint32_t packets;

    lane_look(f->line, &f->looked);
    packets = f->looked.packets - before.packets;
    if (packets > 0)
        f->odd = 0;
    return packets > 0 && f->looked.unsent - before.unsent == packets;
}

static bool is_refused_lately(const struct fast_thread *t, uint64_t now_ms)
{
    return t->refused_ms && now_ms < t->refused_ms + FAST_REFUSED_MS;
}

/* @return false: it is out, and another may have its seat */
static bool look(struct flow_ctx *c, struct fast_seat *s, bool reads_line)
{
    uint32_t ifindex = hop_ifindex(&c->fast, s->hop);
    struct endpoint *e = s->e;

    if (ifindex != s->ifindex)
        go_by(&c->fast, &e->fast, ifindex);
    s->ifindex = ifindex;
    if (!ifindex)
        fast_demote(c, e, MEDIA_DEMOTE_HOP);
    else if (is_bad_interface(&c->fast, ifindex))
        fast_demote(c, e, MEDIA_DEMOTE_REDIRECT);
    else if (!reads_line && !s->is_odd)
        return true;
    else if (is_stalled(&e->fast))
        fast_demote(c, e, MEDIA_DEMOTE_STALLED);
    if (e->fast.state != FAST_IN)
        return false;
    s->is_odd = e->fast.odd > 0;
    return true;
}

/*
 * An interface that refuses what is redirected to it says so by its number alone, not by stream: as many errors as it has streams
 * here, in 100 ms in which each stream has sent five packets or so, and half of what was meant for it. Fewer are a full queue: in user
 * space the same packets would find it no emptier.
 */
static bool is_refusing(const struct fast_thread *t, unsigned i, uint64_t errors, uint64_t frames)
{
    uint64_t n_in = t->interface[i].n_in;
    uint64_t meant = t->n_in ? frames * n_in / t->n_in : 0;

    return errors > 0 && errors >= n_in && 2 * errors >= meant;
}

static void look_interfaces(struct fast_thread *t, uint64_t now_ms)
{
    uint64_t why[WHY_N], frames;

    if (now_ms < t->errors_ms + ERRORS_MS)
        return;
    t->errors_ms = now_ms;
    kernel_why(t->kernel, why);
    frames = why[WHY_FAST] - t->forwarded;
    t->forwarded = why[WHY_FAST];
    for (unsigned i = 0; i < FAST_IFS && t->interface[i].ifindex; i++) {
        uint64_t errors = kernel_tx_errors(t->kernel, t->interface[i].ifindex);

        t->interface[i].is_bad = is_refusing(t, i, errors - t->interface[i].errors, frames);
        t->interface[i].errors = errors;
    }
}

/* A frame that a stream's line counts as unsent is counted among these, too: while there is none, no line need be read. */
static bool look_refused(struct fast_thread *t, uint64_t now_ms)
{
    uint64_t refused = kernel_why_one(t->kernel, WHY_REDIRECT);

    if (refused != t->refused)
        t->refused_ms = now_ms ? now_ms : 1;
    t->refused = refused;
    return is_refused_lately(t, now_ms);
}

/* Each is a few lines that no cache has. */
static void look_ahead(const struct fast_thread *t)
{
    uint32_t far = t->at + 2 * AHEAD, near = t->at + AHEAD;

    if (far < t->n_in)
        __builtin_prefetch(&t->seat[far].e->fast.looked);
    if (near < t->n_in)
        lane_prefetch(t->seat[near].e->fast.line);
}

void fast_watch(struct flow_ctx *c)
{
    struct fast_thread *t = &c->fast;
    uint64_t elapsed = c->now_ms - t->look_ms;
    bool reads_line;
    uint64_t n;

    if (!t->n_in) {
        t->look_ms = c->now_ms;
        return;
    }
    if (elapsed == 0)
        return;
    t->look_ms = c->now_ms;
    look_interfaces(t, c->now_ms);
    reads_line = look_refused(t, c->now_ms);
    n = t->n_in * elapsed * (reads_line ? 2 : 1) / FAST_LOOK_MS + 1;
    for (uint64_t all = t->n_in; n > 0 && all > 0 && t->n_in > 0; n--, all--) {
        if (t->at >= t->n_in)
            t->at = 0;
        if (reads_line)
            look_ahead(t);
        if (look(c, &t->seat[t->at], reads_line))
            t->at++;
    }
}
