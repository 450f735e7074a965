/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scores, reports, silence and the circuit breaker of a stream. One look a second; its cost does not depend on packets.
 * The packet thread calls it; whether the packets were counted here or in the kernel it does not know.
 */
#include "relay/quality.h"

#include <math.h>
#include <string.h>
#include "relay/emodel.h"

#define NS_PER_MS         1000000U
#define REPORT_MIN_MS     5000U     /* RFC 3550 §6.2: no party needs to report more often */
#define RTT_SANE_US       10000000U /* a round trip of 10 s is a clock that jumped */
#define PACKETS_FOR_SCORE 50U       /* one second: of fewer, a single loss would be a bad score */

static unsigned tell(struct quality_event *out, unsigned n, uint8_t kind, uint64_t value)
{
    out[n] = (struct quality_event){kind, value > UINT32_MAX ? UINT32_MAX : (uint32_t)value};
    return n + 1;
}

/* ---- score ----------------------------------------------------------------------------------------------------- */

/* Half the round trip, the packet's own length, and a jitter buffer of twice the jitter: what a listener waits. */
static uint32_t delay_us(const struct quality *q, const struct quality_now *now)
{
    uint32_t ptime_ms = now->ptime_ms ? now->ptime_ms : 20;

    return q->rtt_us / 2 + ptime_ms * 1000 + 2 * now->jitter_us;
}

static void score(struct quality *q, const struct quality_now *now)
{
    struct emodel_input in = {.codec = now->codec,
                              .lost = now->lost > q->lost ? now->lost - q->lost : 0,
                              .gaps = now->gaps - q->gaps,
                              .delay_us = delay_us(q, now)};
    uint64_t came = now->packets - q->packets;
    unsigned mos;

    q->scored_ms = now->now_ms;
    q->packets = now->packets;
    q->lost = now->lost;
    q->gaps = now->gaps;
    in.expected = came + in.lost;
    mos = in.expected < PACKETS_FOR_SCORE ? 0 : emodel_mos_100(&in);
    if (mos == 0)
        return;
    q->mos_sum += mos;
    q->mos_n++;
    q->mos_100 = (uint16_t)(q->mos_sum / q->mos_n);
    if (q->mos_min_100 == 0 || mos < q->mos_min_100)
        q->mos_min_100 = (uint16_t)mos;
}

/* ---- silence, one way ------------------------------------------------------------------------------------------ */

static unsigned look_silence(struct quality *q, const struct quality_now *now, bool came,
                             struct quality_event *out, unsigned n)
{
    uint64_t since = q->silent_since_ms;

    if (came && now->is_silent && now->may_speak) {
        if (!since)
            q->silent_since_ms = now->now_ms;
        else
            q->quiet_ms += (uint32_t)(now->now_ms - q->looked_ms);
        if (since && !q->is_silent_told && now->now_ms - since >= QUALITY_SILENT_MS && now->watch) {
            q->is_silent_told = true;
            n = tell(out, n, MEDIA_Q_SILENCE, now->now_ms - since);
        }
    } else if (came || !now->may_speak) {
        if (q->is_silent_told)
            n = tell(out, n, MEDIA_Q_SOUND, now->now_ms - since);
        q->is_silent_told = false;
        q->silent_since_ms = 0;
    }
    return n;
}

static unsigned look_one_way(struct quality *q, const struct quality_now *now, bool came,
                             struct quality_event *out, unsigned n)
{
    uint64_t since = q->one_way_since_ms;

    if (!came && now->may_speak && now->peer_speaks) {
        if (!since)
            q->one_way_since_ms = q->looked_ms ? q->looked_ms : now->now_ms;
        q->one_way_ms += (uint32_t)(q->looked_ms ? now->now_ms - q->looked_ms : 0);
        if (since && !q->is_one_way_told && now->now_ms - since >= QUALITY_ONE_WAY_MS &&
            now->watch) {
            q->is_one_way_told = true;
            n = tell(out, n, MEDIA_Q_ONE_WAY, now->now_ms - since);
        }
    } else {
        if (q->is_one_way_told)
            n = tell(out, n, MEDIA_Q_BOTH_WAYS, now->now_ms - since);
        q->is_one_way_told = false;
        q->one_way_since_ms = 0;
    }
    return n;
}

/* ---- RFC 8083 -------------------------------------------------------------------------------------------------- */

static unsigned trip(struct quality *q, uint32_t why, struct quality_event *out, unsigned n)
{
    if (q->is_tripped)
        return n;
    q->is_tripped = true;
    q->breaker++;
    return tell(out, n, MEDIA_Q_BREAKER, why);
}

/* §4.1: who has reported regularly and stops while it is sent to. Carriers that never report are none of its business. */
static unsigned look_reports(struct quality *q, const struct quality_now *now,
                             struct quality_event *out, unsigned n)
{
    uint64_t gap = q->report_gap_ms > REPORT_MIN_MS ? q->report_gap_ms : REPORT_MIN_MS;

    /* music on hold is sent to it, but of the peer's stream, which waits, it has nothing to say; it begins anew behind it */
    if (now->is_own) {
        q->report_ms = q->report_gap_ms = 0;
        q->stuck = q->congested = 0;
    }
    if (!q->report_gap_ms || now->sent == q->sent)
        return n;
    if (now->now_ms - q->report_ms > QUALITY_REPORTS * gap)
        n = trip(q, 1, out, n);
    return n;
}

unsigned quality_look(struct quality *q, const struct quality_now *now,
                      struct quality_event out[QUALITY_EVENTS_MAX])
{
    bool came = now->packets != q->heard_packets;
    unsigned n = 0;

    if (!q->scored_ms)
        q->scored_ms = now->now_ms;
    if (now->now_ms - q->scored_ms >= QUALITY_INTERVAL_MS)
        score(q, now);
    n = look_silence(q, now, came, out, n);
    n = look_one_way(q, now, came, out, n);
    n = look_reports(q, now, out, n);
    q->heard_packets = now->packets;
    q->sent = now->sent;
    q->looked_ms = now->now_ms;
    return n;
}

void quality_sr_sent(struct quality *q, const struct rtcp_info *sr, uint64_t now_ns)
{
    if (!sr->has_sr)
        return;
    q->sr_ntp = sr->sr_ntp;
    q->sr_ns = now_ns;
}

/* RFC 3550 §6.4.1, with the moment at which the SR passed here instead of the one at which it was made. */
static void round_trip(struct quality *q, const struct rtcp_block *b, uint64_t now_ns)
{
    uint64_t waited_us = (uint64_t)b->dlsr * 1000000 / 65536;
    uint64_t all_us = (now_ns - q->sr_ns) / 1000;

    if (!b->lsr || !q->sr_ns || b->lsr != q->sr_ntp || waited_us > all_us ||
        all_us - waited_us > RTT_SANE_US)
        return;
    q->rtt_us = (uint32_t)(all_us - waited_us);
    if (q->rtt_us > q->rtt_max_us)
        q->rtt_max_us = q->rtt_us;
}

/* §4.3: p = 2/3 of the losses' share in the simple equation, in packets a second. */
static bool is_too_fast(const struct quality *q, const struct rtcp_block *b, uint64_t sent,
                        uint64_t gap_ms)
{
    double p = b->fraction_lost / 256.0;
    double rtt_s = q->rtt_us / 1e6;
    double tcp, ours;

    if (p <= 0 || rtt_s <= 0 || gap_ms == 0)
        return false;
    tcp = 1 / (rtt_s * sqrt(2 * p / 3));
    ours = (double)(sent - q->report_sent) * 1000 / (double)gap_ms;
    return ours > QUALITY_LOSS_FACTOR * tcp;
}

/* A report on the stream that we send. */
static unsigned take_block(struct quality *q, const struct rtcp_block *b,
                           const struct quality_report *r, struct quality_event *out)
{
    uint64_t now_ms = r->now_ns / NS_PER_MS;
    uint64_t gap_ms = q->report_ms ? now_ms - q->report_ms : 0;
    uint32_t rate = r->clock_rate ? r->clock_rate : 8000;
    uint32_t jitter_us = (uint32_t)((uint64_t)b->jitter * 1000000 / rate);
    unsigned n = 0;

    round_trip(q, b, r->now_ns);
    q->remote_lost = b->lost;
    if (jitter_us > q->remote_jitter_us)
        q->remote_jitter_us = jitter_us;
    if (gap_ms) {
        bool is_stuck = b->max_ext == q->report_ext && r->sent != q->report_sent;

        q->stuck = is_stuck ? (uint8_t)(q->stuck + 1) : 0;
        q->congested = is_too_fast(q, b, r->sent, gap_ms) ? (uint8_t)(q->congested + 1) : 0;
        q->report_gap_ms = gap_ms;
    }
    if (q->stuck >= QUALITY_REPORTS)
        n = trip(q, 2, out, n);
    else if (q->congested >= QUALITY_REPORTS)
        n = trip(q, 3, out, n);
    else if (!q->stuck && !q->congested)
        q->is_tripped = false;
    if (q->stuck >= QUALITY_REPORTS || q->congested >= QUALITY_REPORTS)
        q->stuck = q->congested = QUALITY_REPORTS; /* no wrap */
    q->report_ms = now_ms;
    q->report_ext = b->max_ext;
    q->report_sent = r->sent;
    return n;
}

unsigned quality_reported(struct quality *q, const struct quality_report *r,
                          struct quality_event out[QUALITY_EVENTS_MAX])
{
    for (unsigned i = 0; i < r->info->n_blocks; i++) {
        if (r->info->block[i].ssrc == r->ssrc)
            return take_block(q, &r->info->block[i], r, out);
    }
    return 0;
}

void quality_counters(const struct quality *q, struct media_counters *out)
{
    out->rtt_us = q->rtt_us;
    out->rtt_max_us = q->rtt_max_us;
    out->remote_lost = q->remote_lost;
    out->remote_jitter_us = q->remote_jitter_us;
    out->quiet_ms = q->quiet_ms;
    out->one_way_ms = q->one_way_ms;
    out->mos_100 = q->mos_100;
    out->mos_min_100 = q->mos_min_100;
    out->breaker = q->breaker;
}

bool quality_is_quiet(bool is_even, uint8_t codec)
{
    if (codec == MEDIA_CODEC_CN)
        return true;
    return is_even && (codec == MEDIA_CODEC_PCMU || codec == MEDIA_CODEC_PCMA);
}

bool quality_is_silence(const uint8_t *payload, uint32_t len, uint8_t codec)
{
    return quality_is_quiet(len >= 8 && memcmp(payload, payload + 1, 7) == 0, codec);
}
