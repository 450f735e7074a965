/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-shot timers of one worker. Real: libevent events in common-timeout queues (SIP's few fixed durations make add and delete O(1)).
 * Fake: a heap moved by the replay harness. A struct timer is embedded in its object; its owner deletes it before the object ends.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include "core/clock.h"

struct timer;
typedef void (*timer_fn)(struct timer *t, void *arg);

struct timers;

struct timer {
    struct timers *base;
    timer_fn fn;
    void *arg;
    uint64_t due_ms; /* loop time; 0: not pending */
    union {
        struct event ev;
        uint64_t fake_index;
    };
};

/** Timers over a libevent base (borrowed) and its worker's clock (borrowed). @return NULL out of memory */
struct timers *timers_new(struct event_base *base, struct clock *clock);
/** Fake timers driven by timers_run_until on a fake clock. */
struct timers *timers_new_fake(struct clock *clock);
void timers_free(struct timers *ts);
/** Loop time is now: first thing in every callback of the loop that is not a timer's. */
void timers_tick(struct timers *ts);

/** Prepare an embedded timer; does not start it. */
void timer_init(struct timer *t, struct timers *base, timer_fn fn, void *arg);
/**
 * Start or restart: fn runs once, ms from loop time now.
 * Up to 64 distinct durations per worker share common-timeout queues (RFC 3261's and the configured ones are about 20),
 * each from its fourth use on; others go to the heap. fn may start, stop or free any timer, its own too.
 */
void timer_set(struct timer *t, uint64_t ms);
/** Stop; harmless if not pending. */
void timer_del(struct timer *t);
bool timer_is_pending(const struct timer *t);

/** Fake only: when the next timer is due, or UINT64_MAX. */
uint64_t timers_next_due(struct timers *ts);
/** Fake only: advance the clock to until_ms, running each due timer at its own time in order of due time, then of setting. @return how many ran */
unsigned timers_run_until(struct timers *ts, uint64_t until_ms);
/** Timers pending now (audit, tests). */
uint64_t timers_pending(const struct timers *ts);

#endif
