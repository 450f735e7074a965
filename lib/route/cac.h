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
    6 /* node in, customer in, trunk in, trunk out, customer out, and one to spare while hunting */

struct cac_hold {
    struct cac_gauge *gauge[CAC_HOLDS_MAX];
    uint8_t n;
};

enum cac_verdict { CAC_OK, CAC_FULL_CALLS, CAC_FULL_CPS };

/**
 * Take one call at a gauge. On a refusal nothing is taken.
 *
 * Calls per second are a token bucket: `Ncps burst B` lets B calls pass at once and N a second in the long run.
 *
 * @param hold    gets the gauge on CAC_OK; given back by cac_release or cac_drop
 * @param exempt  emergency: counted, never refused
 * @param now_us  monotonic [us]
 */
enum cac_verdict cac_take(struct cac_hold *hold, struct cac_gauge *g,
                          const struct conf_limit *limit, uint64_t now_us, unsigned worker,
                          bool exempt);
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
