/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A histogram of delays that one thread fills and another reads: how long messages waited, how long a loop's turn took.
 * Two stores and no lock for each value. It knows nothing of what is measured.
 */
#ifndef CORE_DELAY_H
#define CORE_DELAY_H

#include <stdatomic.h>
#include <stdint.h>

/* 8 steps an octave (12 % wide), 25 octaves: 1 us to 33 s, what is longer counts there. */
#define DELAY_STEPS   8U
#define DELAY_BUCKETS (DELAY_STEPS * 25U)

struct delay {
    _Atomic uint64_t bucket[DELAY_BUCKETS];
    _Atomic uint64_t max_us;
};

/** Its one writer. */
void delay_add(struct delay *d, uint64_t us);

/** What has come together so far; any thread. */
struct delay_view {
    uint64_t n, max_us;
    uint64_t bucket[DELAY_BUCKETS];
};
void delay_read(const struct delay *d, struct delay_view *out);
/** The delay that a share (per mille) of all do not exceed, by the upper end of its step [us]; 0 when there is none. */
uint64_t delay_quantile_us(const struct delay_view *v, unsigned per_mille);
/** Upper end of a step [us]. */
uint64_t delay_bucket_us(unsigned bucket);

#endif
