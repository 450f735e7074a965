/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP header check, loss, order, duplicates and jitter of a stream (RFC 3550 appendix A).
 * Called for each packet by the packet threads; it sends and drops nothing.
 */
#include "relay/rtp.h"

#include <errno.h>
#include <string.h>

#define MAX_DROPOUT \
    3000U /* A.1: a minute of G.711 may be missing and it is still the same stream */
#define MAX_MISORDER 100U /* A.1 */
#define NO_BAD_SEQ   65537U
#define WINDOW       64U /* packets back in which a duplicate is recognised */

static uint16_t be16(const uint8_t *p)
{
    return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int rtp_parse(const uint8_t *p, size_t len, struct rtp_header *out)
{
    size_t need = 12;

    if (len < need || p[0] >> 6 != 2)
        return -EBADMSG;
    /* RTCP's types 192..223 look like marker + 64..95, which RTP leaves alone (RFC 5761 §4) */
    if (p[1] >= 192 && p[1] <= 223)
        return -EBADMSG;
    need += (size_t)(p[0] & 15) * 4;
    if (p[0] & 0x10) {
        if (len < need + 4)
            return -EBADMSG;
        need += 4 + (size_t)be16(p + need + 2) * 4;
    }
    /* padding is not looked at: with SRTP it is encrypted */
    if (len < need)
        return -EBADMSG;
    out->payload_at = (uint16_t)need;
    out->payload_type = p[1] & 0x7f;
    out->seq = be16(p + 2);
    out->timestamp = be32(p + 4);
    out->ssrc = be32(p + 8);
    return 0;
}

int rtcp_check(const uint8_t *p, size_t len)
{
    /* only the first packet of a compound: the rest is encrypted with SRTCP */
    if (len < 8 || p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223)
        return -EBADMSG;
    return 0;
}

uint32_t rtp_clock_rate(uint8_t pt)
{
    switch (pt) {
    case 6: return 16000;
    case 10:
    case 11: return 44100;
    case 14: return 90000;
    case 16: return 11025;
    case 17: return 22050;
    default: return pt >= 25 && pt <= 34 ? 90000 : 8000;
    }
}

void rtp_stats_init(struct rtp_stats *s, uint32_t clock_rate)
{
    memset(s, 0, sizeof(*s));
    s->clock_rate = clock_rate;
    s->payload_type = 0xff;
    s->bad_seq = NO_BAD_SEQ;
}

static uint64_t segment_lost(const struct rtp_stats *s)
{
    uint64_t expected = s->has_started ? (uint64_t)(s->max_ext - s->first_ext) + 1 : 0;

    return expected > s->unique ? expected - s->unique : 0;
}

static void segment_start(struct rtp_stats *s, uint16_t seq)
{
    s->lost_done += segment_lost(s);
    s->has_started = true;
    s->first_ext = s->max_ext = 65536U + seq; /* so that a late packet does not go below 0 */
    s->unique = 1;
    s->seen_bits = 1;
    s->bad_seq = NO_BAD_SEQ;
    s->has_transit = false;
}

static void came_late(struct rtp_stats *s, uint32_t back)
{
    uint64_t bit = back < WINDOW ? (uint64_t)1 << back : 0;

    if (s->seen_bits & bit || back == 0) {
        s->duplicates++;
        return;
    }
    s->seen_bits |= bit;
    s->reordered++;
    /* before the first one: that was not expected, nor is it now */
    if (s->max_ext - back >= s->first_ext)
        s->unique++;
}

static void count_seq(struct rtp_stats *s, uint16_t seq)
{
    uint32_t ahead = (uint16_t)(seq - (uint16_t)s->max_ext);

    if (ahead > 0 && ahead < MAX_DROPOUT) {
        s->seen_bits = ahead < WINDOW ? s->seen_bits << ahead : 0;
        s->seen_bits |= 1;
        s->gaps += ahead > 1;
        s->max_ext += ahead;
        s->unique++;
        s->bad_seq = NO_BAD_SEQ;
    } else if (ahead == 0 || ahead > 65536 - MAX_MISORDER) {
        came_late(s, (65536 - ahead) & 0xffff);
    } else if (seq == s->bad_seq) {
        /* two in a row after a jump: the sender has restarted */
        segment_start(s, seq);
        s->first_ext--;
        s->unique++;
    } else {
        s->bad_seq = (uint32_t)(uint16_t)(seq + 1);
    }
}

static void count_jitter(struct rtp_stats *s, const struct rtp_header *h, uint64_t now_ns)
{
    uint32_t rate = s->clock_rate ? s->clock_rate : rtp_clock_rate(h->payload_type);
    uint32_t transit = (uint32_t)(now_ns / 1000 * rate / 1000000) - h->timestamp;
    uint32_t d = transit - s->transit;
    bool is_same_type = s->payload_type == h->payload_type;

    /* an event (RFC 4733) or a frame of video in several packets repeats its timestamp */
    if (s->has_transit && is_same_type && h->timestamp == s->last_timestamp)
        return;
    if (d > UINT32_MAX / 2)
        d = 0U - d;
    s->last_timestamp = h->timestamp;
    s->transit = transit;
    /* over 10 s: the sender's timestamp has jumped */
    if (s->has_transit && is_same_type && d < rate * 10) {
        s->jitter_16 += d - ((s->jitter_16 + 8) >> 4);
        if (s->jitter_16 > s->jitter_max_16)
            s->jitter_max_16 = s->jitter_16;
    }
    s->has_transit = true;
}

void rtp_stats_packet(struct rtp_stats *s, const struct rtp_header *h, uint64_t now_ns)
{
    if (!s->has_started || s->ssrc != h->ssrc) {
        s->ssrc_changes += s->has_started;
        s->ssrc = h->ssrc;
        segment_start(s, h->seq);
    } else {
        count_seq(s, h->seq);
    }
    count_jitter(s, h, now_ns);
    s->payload_type = h->payload_type;
}

uint64_t rtp_stats_lost(const struct rtp_stats *s)
{
    return s->lost_done + segment_lost(s);
}

static uint32_t to_us(const struct rtp_stats *s, uint32_t jitter_16)
{
    uint32_t rate = s->clock_rate ? s->clock_rate : rtp_clock_rate(s->payload_type);

    return (uint32_t)((uint64_t)jitter_16 * 1000000 / 16 / rate);
}

uint32_t rtp_stats_jitter_us(const struct rtp_stats *s)
{
    return to_us(s, s->jitter_16);
}

uint32_t rtp_stats_jitter_max_us(const struct rtp_stats *s)
{
    return to_us(s, s->jitter_max_16);
}
