/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters: one flat array of 64-bit numbers per thread, written by its thread alone, summed by the control thread.
 * Every name here is incremented somewhere (checked by scripts/check-style); the prefix says by whom.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

/* X(name, help). Add a counter here, increment it with stat_inc(stats, STAT_name). */
#define STATS_LIST(X)                                                                 \
    X(sip_rx, "datagrams received")                                                   \
    X(sip_tx, "datagrams sent")                                                       \
    X(handover_out, "datagrams that belonged to another worker")                      \
    X(handover_in, "datagrams taken over from another worker")                        \
    X(handover_refused,                                                               \
      "datagrams lost because the ring to their worker was too full for their class") \
    X(handover_wait_us, "time that handed-over datagrams spent in the ring, in all")

enum stat_id {
#define STATS_ENUM_(name, help) STAT_##name,
    STATS_LIST(STATS_ENUM_)
#undef STATS_ENUM_
        STAT_COUNT
};

struct stats {
    _Atomic uint64_t v[STAT_COUNT];
};

static inline void stat_add(struct stats *s, enum stat_id id, uint64_t n)
{
    /* one writer per array: a plain read and a relaxed write, no locked instruction */
    atomic_store_explicit(&s->v[id], atomic_load_explicit(&s->v[id], memory_order_relaxed) + n,
                          memory_order_relaxed);
}

static inline void stat_inc(struct stats *s, enum stat_id id)
{
    stat_add(s, id, 1);
}

static inline uint64_t stat_get(const struct stats *s, enum stat_id id)
{
    return atomic_load_explicit(&s->v[id], memory_order_relaxed);
}

/** Name and help text of a counter. */
const char *stat_name(enum stat_id id);
const char *stat_help(enum stat_id id);

#endif
