/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Circuit breaker of a trunk: opens when a share of its last attempts failed, lets one call try again after a while.
 * Shared by all workers, lock-free. Knows neither trunks nor calls.
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

/** May a call be sent? Changes nothing: for choosing and explaining. conf.trip_pct 0: always. */
enum breaker_state breaker_look(const struct breaker *b, const struct conf_breaker *conf,
                                uint64_t now_ms);
/** An attempt is about to be sent. @return false: open, or another trial call is under way. Half-open: this one is the trial. */
bool breaker_enter(struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms);
/** How an attempt ended (answered, refused by the callee: not failed). @return true: it has just tripped */
bool breaker_leave(struct breaker *b, const struct conf_breaker *conf, bool failed, uint64_t now_ms,
                   uint64_t wall_ms);
/** Failures and attempts of both windows. */
void breaker_count(const struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms,
                   uint32_t *failures, uint32_t *attempts);

#endif
