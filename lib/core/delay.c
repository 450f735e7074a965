/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Delays by logarithmic steps: cheap to count, exact enough for a percentile.
 * Workers fill them, the control thread reads them; they know nothing of what is measured.
 */
#include "core/delay.h"

/* Below 8 us each microsecond is a step of its own; above, the octave and its eighth. */
static unsigned bucket_of(uint64_t us)
{
    unsigned octave, b;

    if (us < DELAY_STEPS)
        return (unsigned)us;
    octave = 63U - (unsigned)__builtin_clzll(us); /* 3 or more */
    b = (octave - 2U) * DELAY_STEPS + (unsigned)(us >> (octave - 3U) & (DELAY_STEPS - 1U));
    return b < DELAY_BUCKETS ? b : DELAY_BUCKETS - 1U;
}

uint64_t delay_bucket_us(unsigned bucket)
{
    unsigned octave = bucket / DELAY_STEPS + 2U, step = bucket % DELAY_STEPS;

    if (bucket < DELAY_STEPS)
        return bucket;
    return ((uint64_t)(DELAY_STEPS + step + 1U) << (octave - 3U)) - 1U;
}

void delay_add(struct delay *d, uint64_t us)
{
    _Atomic uint64_t *b = &d->bucket[bucket_of(us)];

    atomic_store_explicit(b, atomic_load_explicit(b, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    if (us > atomic_load_explicit(&d->max_us, memory_order_relaxed))
        atomic_store_explicit(&d->max_us, us, memory_order_relaxed);
}

void delay_read(const struct delay *d, struct delay_view *out)
{
    out->n = 0;
    out->max_us = atomic_load_explicit(&d->max_us, memory_order_relaxed);
    for (unsigned i = 0; i < DELAY_BUCKETS; i++) {
        out->bucket[i] = atomic_load_explicit(&d->bucket[i], memory_order_relaxed);
        out->n += out->bucket[i];
    }
}

uint64_t delay_quantile_us(const struct delay_view *v, unsigned per_mille)
{
    uint64_t want = (v->n * per_mille + 999U) / 1000U, sum = 0;

    for (unsigned i = 0; v->n && i < DELAY_BUCKETS; i++) {
        sum += v->bucket[i];
        if (sum >= want && sum)
            return delay_bucket_us(i);
    }
    return 0;
}
