/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RFC 4733: one event is all packets of one timestamp, its end comes three times, any of them may be lost, late or twice.
 * The packet path calls it; it sends nothing and knows neither sessions nor SIP.
 */
#include "relay/dtmf.h"

#include <stdlib.h>
#include <string.h>
#include "core/ident.h"

#define ENDS 3U /* §2.5.1.4 */
#define LATE_MAX \
    100U /* RFC 3550 A.1, MAX_MISORDER; what is further behind is a stream that began anew */

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v);
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

struct dtmf *dtmf_new(uint8_t pt, uint32_t clock_rate)
{
    struct dtmf *ev = calloc(1, sizeof(*ev));

    if (!ev)
        return NULL;
    ev->pt = pt;
    dtmf_set_clock(ev, clock_rate);
    ident_random(&ev->ssrc, sizeof(ev->ssrc));
    ident_random(&ev->seq, sizeof(ev->seq));
    ident_random(&ev->own_timestamp, sizeof(ev->own_timestamp));
    return ev;
}

void dtmf_set_clock(struct dtmf *ev, uint32_t clock_rate)
{
    ev->clock_rate = clock_rate ? clock_rate : 8000;
    ev->in_clock = ev->clock_rate;
}

void dtmf_free(struct dtmf *ev)
{
    free(ev);
}

/* ---- what the party sends ---------------------------------------------------------------------------------------- */

static bool tell(struct dtmf *ev, struct dtmf_digit *told)
{
    uint64_t units = (uint64_t)ev->rx_before + ev->rx_duration;

    if (!ev->rx_on)
        return false;
    ev->rx_on = false;
    told->digit = ev->rx_digit;
    told->volume = ev->rx_volume;
    told->duration_ms = (uint32_t)(units * 1000 / ev->rx_clock);
    return true;
}

/* §2.5.1.3: it is longer than 65,535 and goes on in a segment with a timestamp of its own. */
static bool is_next_segment(const struct dtmf *ev, const struct rtp_header *h, uint8_t digit)
{
    return ev->rx_on && digit == ev->rx_digit && ev->rx_duration > 0xf000 &&
           h->timestamp - ev->rx_timestamp <= 0xffff &&
           h->timestamp - ev->rx_timestamp >= ev->rx_duration;
}

/* Of an event before this one. The clock alone does not say so: it may begin anew, in a stream that keeps its SSRC. */
static bool is_late(const struct dtmf *ev, const struct rtp_header *h)
{
    return h->timestamp == ev->rx_last_timestamp ||
           ((int32_t)(h->timestamp - ev->rx_timestamp) < 0 &&
            (uint16_t)(ev->rx_seq - h->seq) <= LATE_MAX);
}

bool dtmf_in(struct dtmf *ev, const struct rtp_header *h, const uint8_t *payload, uint32_t len,
             struct dtmf_digit *told)
{
    bool has_told = false;
    uint16_t duration;

    if (len < 4 || payload[0] > DTMF_DIGITS_MAX)
        return false;
    duration = (uint16_t)(payload[2] << 8 | payload[3]);
    if (ev->rx_any && ev->rx_ssrc == h->ssrc && h->timestamp != ev->rx_timestamp) {
        if (is_late(ev, h))
            return false;
        if (is_next_segment(ev, h, payload[0])) {
            ev->rx_before += h->timestamp - ev->rx_timestamp;
            ev->rx_timestamp = h->timestamp;
            ev->rx_duration = 0;
        }
    }
    if (!ev->rx_any || ev->rx_ssrc != h->ssrc || h->timestamp != ev->rx_timestamp) {
        has_told = tell(ev, told);
        ev->rx_last_timestamp = ev->rx_any ? ev->rx_timestamp : h->timestamp;
        ev->rx_seq = h->seq;
        ev->rx_any = ev->rx_on = true;
        ev->rx_ssrc = h->ssrc;
        ev->rx_timestamp = h->timestamp;
        ev->rx_clock = ev->in_clock;
        ev->rx_before = 0;
        ev->rx_duration = 0;
        ev->rx_digit = payload[0];
        ev->rx_volume = payload[1] & 0x3f;
    }
    if ((int16_t)(h->seq - ev->rx_seq) > 0)
        ev->rx_seq = h->seq;
    if (duration > ev->rx_duration)
        ev->rx_duration = duration;
    /* the one that was lost its end is told now; this one, if it is at its end already, by the next end packet or silence */
    return has_told || (payload[1] & 0x80 && tell(ev, told));
}

bool dtmf_in_silent(struct dtmf *ev, struct dtmf_digit *told)
{
    return tell(ev, told);
}

void dtmf_cut(struct dtmf *ev, const struct rtp_header *h)
{
    if (!ev->cut_any || ev->cut_ssrc != h->ssrc) {
        ev->cut = ev->cut_before = 0;
        ev->cut_any = true;
        ev->cut_ssrc = h->ssrc;
        ev->cut_seq = (uint16_t)(h->seq - 1);
    }
    /* late: its number has been spent as a gap already */
    if ((int16_t)(h->seq - ev->cut_seq) <= 0)
        return;
    if (h->seq != (uint16_t)(ev->cut_seq + 1))
        ev->cut_before = ev->cut;
    ev->cut++;
    ev->cut_seq = h->seq;
}

uint16_t dtmf_seq(const struct dtmf *ev, const struct rtp_header *h)
{
    if (!ev->cut_any || ev->cut_ssrc != h->ssrc)
        return h->seq;
    return (uint16_t)(h->seq - ((int16_t)(h->seq - ev->cut_seq) > 0 ? ev->cut : ev->cut_before));
}

/* ---- what is sent to the party ------------------------------------------------------------------------------------- */

bool dtmf_push(struct dtmf *ev, const struct dtmf_digit *d)
{
    if (ev->n_queue == DTMF_QUEUE)
        return false;
    ev->queue[ev->n_queue++] = *d;
    return true;
}

void dtmf_begin(struct dtmf *ev, bool ride, uint64_t now_ms)
{
    if (ev->mode != DTMF_IDLE || ev->n_queue == 0 || now_ms < ev->tx_gap_ms)
        return;
    ev->mode = ride ? DTMF_RIDE : DTMF_OWN;
    ev->tx_begun = false;
    ev->tx_ends = 0;
    ev->tx_duration = 0;
}

static void over(struct dtmf *ev, uint64_t now_ms)
{
    ev->mode = DTMF_IDLE;
    ev->n_queue--;
    memmove(&ev->queue[0], &ev->queue[1], ev->n_queue * sizeof(ev->queue[0]));
    ev->tx_gap_ms = now_ms + DTMF_GAP_MS;
}

/* Rounded up: a duration that is a unit short of the whole would take another packet. */
static uint32_t units(const struct dtmf *ev, uint32_t ms)
{
    return (uint32_t)(((uint64_t)ms * ev->clock_rate + 999) / 1000);
}

/* Since the event began, in its units: packets of a voice may have another clock. */
static uint32_t elapsed(const struct dtmf *ev, uint32_t timestamp)
{
    uint32_t t = timestamp - ev->tx_timestamp;

    if (ev->mode != DTMF_RIDE || !ev->ride_clock || ev->ride_clock == ev->clock_rate)
        return t;
    return (uint32_t)((uint64_t)t * ev->clock_rate / ev->ride_clock);
}

uint32_t dtmf_out(struct dtmf *ev, uint8_t *data, uint32_t ptime_ms, uint64_t now_ms)
{
    const struct dtmf_digit *d = &ev->queue[0];
    uint32_t whole = units(ev, d->duration_ms);
    /* §2.5.1.3 would have a longer one in segments: at 48 kHz that is a key held for 1.3 s, heard as well as one held for 5 */
    uint32_t total = whole > UINT16_MAX ? UINT16_MAX : whole;
    uint32_t step = units(ev, ptime_ms);

    if (ev->mode == DTMF_IDLE)
        return 0;
    if (!ev->tx_begun)
        ev->tx_timestamp = be32(data + 4);
    if (ev->tx_ends == 0) {
        ev->tx_duration = elapsed(ev, be32(data + 4)) + step;
        if (ev->tx_duration >= total) {
            ev->tx_duration = total;
            ev->tx_ends = 1;
        }
    } else {
        ev->tx_ends++;
    }
    data[0] = 0x80;
    data[1] = (uint8_t)((ev->tx_begun ? 0 : 0x80) | ev->pt);
    put32(data + 4, ev->tx_timestamp);
    data[12] = d->digit;
    data[13] = (uint8_t)((ev->tx_ends ? 0x80 : 0) | d->volume);
    put16(data + 14, ev->tx_duration);
    ev->tx_begun = true;
    if (ev->tx_ends == ENDS)
        over(ev, now_ms);
    return DTMF_BYTES;
}

uint32_t dtmf_own(struct dtmf *ev, uint8_t *data, uint32_t ptime_ms, uint64_t now_ms)
{
    uint64_t step = (uint64_t)ptime_ms * ev->clock_rate + ev->own_rest;

    memset(data, 0, DTMF_BYTES);
    put16(data + 2, ev->seq++);
    put32(data + 4, ev->own_timestamp);
    put32(data + 8, ev->ssrc);
    ev->own_timestamp += (uint32_t)(step / 1000);
    ev->own_rest = (uint16_t)(step % 1000);
    return dtmf_out(ev, data, ptime_ms, now_ms);
}

void dtmf_out_silent(struct dtmf *ev, uint64_t now_ms)
{
    if (ev->mode == DTMF_RIDE)
        over(ev, now_ms);
}
