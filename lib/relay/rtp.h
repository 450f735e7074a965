/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an RTP packet says of its stream: validity (RFC 3550 A.1), loss and order (A.3), jitter (A.8).
 * Pure: the packet threads call it; it neither knows sockets nor who sent the packet.
 */
#ifndef RELAY_RTP_H
#define RELAY_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtp_header {
    uint32_t timestamp;
    uint32_t ssrc;
    uint16_t seq;
    uint8_t payload_type;
    uint16_t payload_at; /* bytes of header before it */
};

/** One stream's sequence; a new SSRC or a restart closes a segment of it. */
struct rtp_stats {
    uint64_t seen_bits; /* bit n: max_seq - n has come */
    uint64_t lost_done; /* of closed segments */
    uint64_t reordered, duplicates;
    uint64_t gaps;               /* losses in a row count once */
    uint64_t unique;             /* packets of this segment */
    uint32_t first_ext, max_ext; /* extended sequence numbers */
    uint32_t bad_seq;            /* next after a jump; 65536 + 1: none */
    uint32_t transit, last_timestamp;
    uint32_t jitter_16; /* 16 times the jitter, timestamp units (A.8) */
    uint32_t jitter_max_16;
    uint32_t clock_rate;
    uint32_t ssrc, ssrc_changes;
    uint8_t payload_type;
    bool has_started, has_transit;
};

/** Parse and check the header. @return 0; -EBADMSG not RTP: version, RTCP types (RFC 5761 §4), CSRCs or extension beyond the end */
int rtp_parse(const uint8_t *p, size_t len, struct rtp_header *out);
/** As much of RTCP as tells it from noise (A.2). @return 0 or -EBADMSG */
int rtcp_check(const uint8_t *p, size_t len);
/** RTP clock of a static payload type (RFC 3551 §6), else 8000. [Hz] */
uint32_t rtp_clock_rate(uint8_t payload_type);

/** clock_rate: 0 = by payload type. */
void rtp_stats_init(struct rtp_stats *s, uint32_t clock_rate);
/** A packet came at now_ns (monotonic). */
void rtp_stats_packet(struct rtp_stats *s, const struct rtp_header *h, uint64_t now_ns);
/** expected - received so far, never negative. */
uint64_t rtp_stats_lost(const struct rtp_stats *s);
uint32_t rtp_stats_jitter_us(const struct rtp_stats *s);
uint32_t rtp_stats_jitter_max_us(const struct rtp_stats *s);

#endif
