/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Histogram of durations in microseconds.
 * Used by sipload and rtpprobe.
 * Must not know what is measured.
 */
#ifndef TESTS_BENCH_HIST_H
#define TESTS_BENCH_HIST_H

#include <stdint.h>

/* 64 steps an octave, 32 octaves: 1.6 % wide up to 38 hours */
#define HIST_BUCKETS 2048

struct hist {
    uint64_t n, max, bucket[HIST_BUCKETS];
};

/* Count one duration [us]. */
void hist_add(struct hist *h, uint64_t us);
/* The duration [ms] below which a share (0..1) of all lie; 1 is the maximum, an empty one is 0. */
double hist_ms(const struct hist *h, double quantile);

#endif
