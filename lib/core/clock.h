/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: monotonic for durations, wall clock for records; a seam, so that replay tests own both.
 * Read once per loop turn; everybody takes loop time from it.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdint.h>

struct clock {
    uint64_t mono_ms; /* CLOCK_BOOTTIME at the start of this loop turn */
    uint64_t wall_ms; /* CLOCK_REALTIME, ms since 1970, at the same moment */
    int fake;         /* replay: moved only by clock_advance */
};

/** Real clock, read once. */
void clock_init(struct clock *c);
/** Fake clock at the given start. */
void clock_init_fake(struct clock *c, uint64_t mono_ms, uint64_t wall_ms);
/** Read the system clocks (no-op on a fake one). */
void clock_update(struct clock *c);
/** Move a fake clock. */
void clock_advance(struct clock *c, uint64_t ms);
/** Monotonic nanoseconds now, not cached: for measuring. */
uint64_t clock_now_ns(void);

#endif
