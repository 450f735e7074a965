/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a compound RTCP packet says: its form (RFC 3550 A.2), the sender's clock of an SR, the report on one stream of ours.
 * Pure; quality.c calls it for every plain or decrypted RTCP packet.
 */
#ifndef RELAY_RTCP_H
#define RELAY_RTCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTCP_BLOCKS_MAX 31U /* five bits say how many a report has */

struct rtcp_block {
    uint32_t ssrc;         /* of the stream reported on */
    uint32_t lost;         /* cumulative; negative is 0 */
    uint32_t max_ext;      /* extended highest sequence number */
    uint32_t jitter;       /* RTP timestamp units */
    uint32_t lsr, dlsr;    /* middle of the last SR's NTP time; delay since then [1/65536 s] */
    uint8_t fraction_lost; /* of the last interval, 1/256 */
};

struct rtcp_info {
    uint32_t sender; /* SSRC of the first packet */
    bool has_sr;
    uint32_t sr_ntp; /* middle 32 bits of its NTP time */
    unsigned n_blocks;
    struct rtcp_block block[RTCP_BLOCKS_MAX]; /* of all SR and RR in it; more are not kept */
    bool has_bye;
};

/**
 * Walk a compound packet. A single packet that is no SR or RR is taken too (RFC 5506).
 * @return 0; -EBADMSG a length, version or count does not fit
 */
int rtcp_read(const uint8_t *p, size_t len, struct rtcp_info *out);

#endif
