/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks compound RTCP packets (RFC 3550 §6, A.2; RFC 5506 for reduced-size ones) and reads SR and RR.
 * Called for each RTCP packet that is not encrypted any more; other kinds are only measured.
 */
#include "relay/rtcp.h"

#include <errno.h>
#include <string.h>

#define SR    200
#define RR    201
#define BYE   203
#define BLOCK 24U /* bytes of a report block */

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void read_block(const uint8_t *p, struct rtcp_block *out)
{
    uint32_t lost = be32(p + 4) & 0xffffff;

    out->ssrc = be32(p);
    out->fraction_lost = p[4];
    out->lost = lost & 0x800000 ? 0 : lost; /* more came than were sent: doubled on the way */
    out->max_ext = be32(p + 8);
    out->jitter = be32(p + 12);
    out->lsr = be32(p + 16);
    out->dlsr = be32(p + 20);
}

/* One SR or RR of len bytes. */
static int read_report(const uint8_t *p, size_t len, struct rtcp_info *out)
{
    size_t head = p[1] == SR ? 28 : 8;
    unsigned n = p[0] & 31;

    if (len < head + n * BLOCK)
        return -EBADMSG;
    if (p[1] == SR) {
        out->has_sr = true;
        out->sr_ntp = be32(p + 8) << 16 | be32(p + 12) >> 16;
    }
    for (unsigned i = 0; i < n && out->n_blocks < RTCP_BLOCKS_MAX; i++)
        read_block(p + head + i * BLOCK, &out->block[out->n_blocks++]);
    return 0;
}

int rtcp_read(const uint8_t *p, size_t len, struct rtcp_info *out)
{
    out->has_sr = out->has_bye = false;
    out->n_blocks = 0;
    out->sr_ntp = 0;
    if (len < 8)
        return -EBADMSG;
    out->sender = be32(p + 4);
    while (len > 0) {
        size_t n;

        if (len < 4 || p[0] >> 6 != 2 || p[1] < 192 || p[1] > 223)
            return -EBADMSG;
        n = ((size_t)(p[2] << 8 | p[3]) + 1) * 4;
        if (n > len)
            return -EBADMSG;
        /* only the last one may be padded, and never by more than it has */
        if (p[0] & 0x20 && (n != len || p[n - 1] == 0 || p[n - 1] % 4 || p[n - 1] > n - 4))
            return -EBADMSG;
        if ((p[1] == SR || p[1] == RR) && read_report(p, n, out) < 0)
            return -EBADMSG;
        out->has_bye |= p[1] == BYE;
        p += n;
        len -= n;
    }
    return 0;
}
