/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Circuit breaker of a trunk: opens when a share of its last attempts failed, lets one call try again after a while.
 * Shared by all workers, lock-free. Knows neither trunks nor calls.
 *
 *             share of failures reached
 *   CLOSED ─────────────────────────────▶ OPEN ◀─────────── trial failed ──────────┐
 *     ▲                                     │ retry time over                      │
 *     └────────── trial went well ───────── HALF_OPEN: one call is the trial ──────┘
 *
 * A trial that was neither (the caller gave up) leaves it half-open. One that has no end after another retry time does not block the next.
 */
#ifndef ROUTE_BREAKER_H
#define ROUTE_BREAKER_H

#include <stdatomic.h>
#include "config/config.h"

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

/** All zero: closed, nothing counted. Lives as long as the process. */
struct breaker {
    _Atomic uint64_t
        window; /* start [ms] << 32 | attempts << 16 | failures: one word, so that a window turns at once */
    _Atomic uint64_t before;        /* likewise, the window before */
    _Atomic uint64_t open_until_ms; /* 0: closed */
    _Atomic uint64_t
        trying_since_ms; /* half-open: when the trial call was let through; 0: none is under way */
    _Atomic uint64_t trips, changed_wall_ms;
};

/** How an attempt ended. */
enum breaker_end {
    BREAKER_FINE,    /* answered, or refused by the callee */
    BREAKER_FAILED,  /* timeout, network error: conf_breaker says which */
    BREAKER_NEITHER, /* the caller gave up, or it was never sent: says nothing about the carrier */
};

/** What the end of an attempt has changed: one line of the log each. */
enum breaker_change { BREAKER_SAME, BREAKER_TRIPPED, BREAKER_TRIPPED_AGAIN, BREAKER_MENDED };

/** May a call be sent? Changes nothing: for choosing and explaining. conf.trip_pct 0: always. HALF_OPEN: yes, as the trial. */
enum breaker_state breaker_look(const struct breaker *b, const struct conf_breaker *conf,
                                uint64_t now_ms);
/** In how many milliseconds a call may be sent, at the earliest: for Retry-After. 0: now. */
uint32_t breaker_wait_ms(const struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms);
/**
 * An attempt is about to be sent.
 * @param trial  out: not 0 when it is the trial of a half-open breaker; to be handed to breaker_leave
 * @return false: open, or another trial call is under way
 */
bool breaker_enter(struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms,
                   uint64_t *trial);
/** An attempt that entered ended; each once. */
enum breaker_change breaker_leave(struct breaker *b, const struct conf_breaker *conf,
                                  enum breaker_end end, uint64_t trial, uint64_t now_ms,
                                  uint64_t wall_ms);
/** Failures and attempts of the last window: its running half and the one before. */
void breaker_count(const struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms,
                   uint32_t *failures, uint32_t *attempts);

#endif
