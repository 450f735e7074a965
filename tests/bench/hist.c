/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Histogram of durations: log-linear, so that a percentile is right to 1.6 % at any size.
 * Used by sipload and rtpprobe.
 * Must not know what is measured.
 */
#include "hist.h"

void hist_add(struct hist *h, uint64_t us)
{
    unsigned at = (unsigned)us, e;

    if (us >= 64) {
        e = 63u - (unsigned)__builtin_clzll(us);
        at = (e - 5) * 64 + (unsigned)((us >> (e - 6)) & 63);
    }
    h->bucket[at < HIST_BUCKETS ? at : HIST_BUCKETS - 1]++;
    h->n++;
    if (us > h->max)
        h->max = us;
}

double hist_ms(const struct hist *h, double quantile)
{
    uint64_t want = (uint64_t)((double)h->n * quantile), seen = 0;

    if (want >= h->n)
        return (double)h->max / 1000.0;
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += h->bucket[i];
        if (seen > want) {
            uint64_t us = i < 64 ? i : (uint64_t)(64 + i % 64) << (i / 64 - 1);

            return (double)us / 1000.0;
        }
    }
    return (double)h->max / 1000.0;
}
