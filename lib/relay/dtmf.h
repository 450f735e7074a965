/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Telephone-events (RFC 4733) of one endpoint: those that its party sends, told once each, and those that are put into what it hears.
 * Pure: the packet thread calls it for each packet of them; digits never appear in logs.
 */
#ifndef RELAY_DTMF_H
#define RELAY_DTMF_H

#include "relay/pace.h"
#include "relay/rtp.h"

#define DTMF_DIGITS_MAX 16U /* flash is the last that is told */
#define DTMF_QUEUE \
    32U /* digits that wait to be sent: a calling card and its PIN in one burst of INFOs */
/* The end packets of an event are lost: it is over when nothing more came for so long (RFC 4733 §2.5.1.3: three packet times and more). */
#define DTMF_SILENT_MS 200U
#define DTMF_RIDE_MS \
    100U /* the stream that an event replaces has stopped: the event is as good as sent */
#define DTMF_GAP_MS 60U /* between two digits: 40 ms is the least that receivers must tell */
#define DTMF_BYTES  16U

struct dtmf_digit {
    uint8_t digit, volume;
    uint32_t duration_ms;
};

enum dtmf_mode {
    DTMF_IDLE,
    DTMF_RIDE, /* in the place of packets that pass */
    DTMF_OWN,  /* in a stream of our own: nothing passes */
};

struct dtmf {
    struct pace rx_pace, tx_pace; /* rx first */
    struct endpoint *ep;
    uint8_t pt; /* of the telephone-events to this party */
    uint32_t clock_rate;
    uint32_t in_clock;   /* of the packet that dtmf_in() gets */
    uint32_t ride_clock; /* of the packets that events replace; 0: clock_rate */

    /* what the party sends */
    bool rx_on;  /* under way, not told yet */
    bool rx_any; /* rx_timestamp is one */
    uint8_t rx_digit, rx_volume;
    uint32_t rx_clock;
    uint32_t rx_ssrc, rx_timestamp;
    uint32_t rx_last_timestamp; /* timestamp of the event before */
    uint16_t rx_seq;            /* the newest */
    uint32_t rx_before;         /* of the segments before it, when it is longer than 65,535 */
    uint16_t rx_duration;
    /* the packets that were taken out of its stream */
    bool cut_any;
    uint16_t cut, cut_before, cut_seq; /* how many, without the last row of them; the last one */
    uint32_t cut_ssrc;

    /* what is sent to the party */
    struct dtmf_digit queue[DTMF_QUEUE];
    uint8_t n_queue;
    uint8_t mode; /* enum dtmf_mode */
    uint8_t tx_ends;
    bool tx_begun;
    uint32_t tx_timestamp, tx_duration;
    uint64_t tx_gap_ms;           /* not before */
    uint32_t ssrc, own_timestamp; /* of our own stream */
    uint16_t seq;
    uint16_t own_rest; /* thousandths of a unit: 20 ms at 11,025 Hz are 220.5 */
};

/** @return NULL out of memory */
struct dtmf *dtmf_new(uint8_t pt, uint32_t clock_rate);
void dtmf_free(struct dtmf *ev);
/** Another type was agreed: durations count in its clock. @param clock_rate  Hz; 0: 8,000 */
void dtmf_set_clock(struct dtmf *ev, uint32_t clock_rate);
/** The party sends events of several types: the clock of the next packet's. */
static inline void dtmf_in_clock(struct dtmf *ev, uint32_t clock_rate)
{
    ev->in_clock = clock_rate;
}

/**
 * A telephone-event packet of the party.
 * @param payload  behind the RTP header
 * @return true: one event is over and in *told; the last digit, when its end was lost, and the one at hand begins
 */
bool dtmf_in(struct dtmf *ev, const struct rtp_header *h, const uint8_t *payload, uint32_t len,
             struct dtmf_digit *told);
/** Nothing came for DTMF_SILENT_MS. @return true: the event that was under way is told */
bool dtmf_in_silent(struct dtmf *ev, struct dtmf_digit *told);
/** A packet was taken out of the party's stream. */
void dtmf_cut(struct dtmf *ev, const struct rtp_header *h);
/** The sequence number that a packet of the party has for its peer, when others before it were taken out. */
uint16_t dtmf_seq(const struct dtmf *ev, const struct rtp_header *h);
/** Its sequence numbers are ours: the stream must pass through here. */
static inline bool dtmf_is_cutting(const struct dtmf *ev)
{
    return ev && ev->cut_any;
}

/** Send a digit to the party. @return false: too many wait */
bool dtmf_push(struct dtmf *ev, const struct dtmf_digit *d);
/** Begin with the next one if it is time and none is under way. ride: packets pass to the party. */
void dtmf_begin(struct dtmf *ev, bool ride, uint64_t now_ms);
/**
 * A packet passes to the party: it becomes one of the event that is under way.
 * @param data  RTP; DTMF_BYTES of it are written
 * @param ptime_ms  of one packet
 * @return new length; 0: untouched
 */
uint32_t dtmf_out(struct dtmf *ev, uint8_t *data, uint32_t ptime_ms, uint64_t now_ms);
/** Next packet of our own stream. */
uint32_t dtmf_own(struct dtmf *ev, uint8_t *data, uint32_t ptime_ms, uint64_t now_ms);
/** Nothing passed for DTMF_RIDE_MS. */
void dtmf_out_silent(struct dtmf *ev, uint64_t now_ms);

#endif
