/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call admission: gauges of concurrent calls and calls per second, and the holds that calls own.
 * A call takes a hold at each gauge it passes and its destructor gives all of them back, so counts are derived, never kept by hand.
 * Thread-safe: gauges are shared by all workers, lock-free. Knows limits, not trunks or calls.
 */
#ifndef ROUTE_CAC_H
#define ROUTE_CAC_H

#include <stdatomic.h>
#include "config/config.h"

#define CAC_WORKERS_MAX CONF_WORKERS_MAX /* one 4-byte count each */

/** One direction of one trunk or customer, or the node. Lives as long as the process; never moved. */
struct cac_gauge {
    _Atomic uint32_t calls;   /* held now, all workers */
    _Atomic uint64_t next_ns; /* GCRA: when the bucket is full again, monotonic [ns] */
    _Atomic uint64_t admitted, refused_calls, refused_cps;
    _Atomic uint32_t held[CAC_WORKERS_MAX];    /* by worker; written by it alone */
    _Atomic uint32_t recount[CAC_WORKERS_MAX]; /* the auditor's scratch, by worker */
};

#define CAC_HOLDS_MAX \
    (3 + CONF_TRUNK_GROUPS_MAX) /* of a leg: trunk, media, customer, and the trunk's groups */

struct cac_hold {
    struct cac_gauge *gauge[CAC_HOLDS_MAX];
    uint8_t n;
};

enum cac_verdict { CAC_OK, CAC_FULL_CALLS, CAC_FULL_CPS };

/**
 * Take one call at a gauge. On a refusal nothing is taken.
 *
 * Calls per second are a token bucket: `Ncps burst B` lets B calls pass at once and N a second in the long run: of any window of t seconds
 * at most B + N t, and exactly N t of a long one that offers more. The clock is one of milliseconds, so a call may come 1 ms early.
 * (With `burst 1` nothing is saved up: calls a little closer than 1/N apart lose every second one. 2 is enough for steady traffic.)
 *
 * @param hold    gets the gauge on CAC_OK; given back by cac_release or cac_drop
 * @param exempt  emergency: counted, never refused
 * @param now_us  monotonic [us]
 */
enum cac_verdict cac_take(struct cac_hold *hold, struct cac_gauge *g,
                          const struct conf_limit *limit, uint64_t now_us, unsigned worker,
                          bool exempt);
/** One gauge on a call's way in or out, and what may be held there. */
struct cac_ask {
    struct cac_gauge *g;
    struct conf_limit limit;
};

/**
 * Take one call at each of n gauges, in order. On a refusal nothing is taken, and no rate is spent at those before the one that refused.
 * @param hold     has room for n
 * @param refused  out: which one refused
 */
enum cac_verdict cac_take_all(struct cac_hold *hold, const struct cac_ask *ask, unsigned n,
                              uint64_t now_us, unsigned worker, bool exempt, unsigned *refused);
/** Undo one of them, rate included, as if the call had not come. */
void cac_undo(struct cac_hold *hold, const struct cac_ask *ask, unsigned worker);
/** Take without asking, without spending cps: a call that is taken up again after a restart. */
void cac_retake(struct cac_hold *hold, struct cac_gauge *g, unsigned worker);
/** Give back one gauge of the hold (an attempt that ended); harmless if it is not held. */
void cac_drop(struct cac_hold *hold, struct cac_gauge *g, unsigned worker);
/** Give everything back. */
void cac_release(struct cac_hold *hold, unsigned worker);
/** Seconds, rounded up, until this gauge's bucket has a token again: for Retry-After. At least 1. */
unsigned cac_retry_after_s(const struct cac_gauge *g, const struct conf_limit *limit,
                           uint64_t now_us);

#endif
