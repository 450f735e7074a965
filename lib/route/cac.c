/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Call admission: gauges of concurrent calls and calls per second, and the holds that calls own.
 * Called by the call layer on every worker; lock-free. Must not know trunks, customers or calls.
 */
#include "route/cac.h"

#include <assert.h>

static void hold_add(struct cac_hold *hold, struct cac_gauge *g, unsigned worker)
{
    assert(hold->n < CAC_HOLDS_MAX && worker < CAC_WORKERS_MAX);
    hold->gauge[hold->n++] = g;
    atomic_fetch_add_explicit(&g->held[worker], 1, memory_order_relaxed);
}

/*
 * Generic cell rate algorithm: next_ns is the time at which a bucket filled at 1/cps would be full. A call moves it by
 * one interval; it may run ahead of now by at most burst intervals.
 */
#define CLOCK_NS 1000000U /* calls 1.4 ms apart are 1 and 2 ms apart by a clock of milliseconds */

static uint64_t interval_ns(const struct conf_limit *limit)
{
    return 1000000000U / limit->cps;
}

static bool bucket_take(struct cac_gauge *g, const struct conf_limit *limit, uint64_t now_us,
                        bool exempt)
{
    if (!limit->cps)
        return true;
    uint64_t interval = interval_ns(limit),
             depth = interval * (limit->burst ? limit->burst : 1) + CLOCK_NS;
    uint64_t now = now_us * 1000, old = atomic_load_explicit(&g->next_ns, memory_order_relaxed),
             next;
    do {
        next = (old > now ? old : now) + interval;
        if (next > now + depth && !exempt)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&g->next_ns, &old, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

enum cac_verdict cac_take(struct cac_hold *hold, struct cac_gauge *g,
                          const struct conf_limit *limit, uint64_t now_us, unsigned worker,
                          bool exempt)
{
    uint32_t before = atomic_fetch_add_explicit(&g->calls, 1, memory_order_relaxed);
    if (limit->calls && before >= limit->calls && !exempt) {
        atomic_fetch_sub_explicit(&g->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&g->refused_calls, 1, memory_order_relaxed);
        return CAC_FULL_CALLS;
    }
    if (!bucket_take(g, limit, now_us, exempt)) {
        atomic_fetch_sub_explicit(&g->calls, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&g->refused_cps, 1, memory_order_relaxed);
        return CAC_FULL_CPS;
    }
    atomic_fetch_add_explicit(&g->admitted, 1, memory_order_relaxed);
    hold_add(hold, g, worker);
    return CAC_OK;
}

void cac_undo(struct cac_hold *hold, const struct cac_ask *ask, unsigned worker)
{
    cac_drop(hold, ask->g, worker);
    atomic_fetch_sub_explicit(&ask->g->admitted, 1, memory_order_relaxed);
    /* Others may have come since: the bucket is a sum, so their share stays. */
    if (ask->limit.cps)
        atomic_fetch_sub_explicit(&ask->g->next_ns, interval_ns(&ask->limit), memory_order_relaxed);
}

enum cac_verdict cac_take_all(struct cac_hold *hold, const struct cac_ask *ask, unsigned n,
                              uint64_t now_us, unsigned worker, bool exempt, unsigned *refused)
{
    enum cac_verdict v = CAC_OK;
    unsigned i = 0;
    for (; i < n && v == CAC_OK; i++)
        v = cac_take(hold, ask[i].g, &ask[i].limit, now_us, worker, exempt);
    if (v == CAC_OK)
        return v;
    *refused = --i;
    while (i-- > 0)
        cac_undo(hold, &ask[i], worker);
    return v;
}

void cac_retake(struct cac_hold *hold, struct cac_gauge *g, unsigned worker)
{
    atomic_fetch_add_explicit(&g->calls, 1, memory_order_relaxed);
    hold_add(hold, g, worker);
}

static void gauge_give(struct cac_gauge *g, unsigned worker)
{
    atomic_fetch_sub_explicit(&g->held[worker], 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(&g->calls, 1, memory_order_relaxed);
}

void cac_drop(struct cac_hold *hold, struct cac_gauge *g, unsigned worker)
{
    for (unsigned i = 0; i < hold->n; i++) {
        if (hold->gauge[i] != g)
            continue;
        hold->gauge[i] = hold->gauge[--hold->n];
        gauge_give(g, worker);
        return;
    }
}

void cac_release(struct cac_hold *hold, unsigned worker)
{
    while (hold->n > 0)
        gauge_give(hold->gauge[--hold->n], worker);
}

unsigned cac_retry_after_s(const struct cac_gauge *g, const struct conf_limit *limit,
                           uint64_t now_us)
{
    if (!limit->cps)
        return 1;
    const uint64_t second = 1000000000U;
    uint64_t interval = interval_ns(limit), depth = interval * (limit->burst ? limit->burst : 1);
    uint64_t next = atomic_load_explicit(&g->next_ns, memory_order_relaxed) + interval;
    uint64_t until = now_us * 1000 + depth, wait = next > until ? next - until : 0;
    return wait < second ? 1 : (unsigned)((wait + second - 1) / second);
}
