/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One-shot timers: libevent with common-timeout queues, or a heap that replay tests move.
 * Transactions, dialogs and calls embed them; they know neither the loop nor who asked.
 */
#include "core/timer.h"

#include <assert.h>
#include <stdlib.h>
#include "core/log.h"

/* SIP and the configuration have about 20 fixed durations; each queue costs one entry of libevent's heap. */
#define COMMON_MAX   64u
#define COMMON_SLOTS 128u /* at most half full: short probes */
/*
 * A duration gets a queue when it was asked for 4 times: what remains of a restored call's timers is
 * asked for once, and must not take the queues that SIP's own durations need.
 */
#define COMMON_AFTER    4u
#define CANDIDATE_SLOTS 256u

struct common {
    uint64_t ms;
    const struct timeval *tv; /* NULL: free slot */
};

struct candidate {
    uint64_t ms;
    unsigned asked;
};

/* An entry of the fake heap: earlier due first, then the one set first. */
struct entry {
    uint64_t due_ms;
    uint64_t seq;
    struct timer *t;
};

struct timers {
    struct event_base *ev_base; /* NULL: fake */
    struct clock *clock;
    uint64_t pending;
    unsigned common_used;
    struct common common[COMMON_SLOTS];
    struct candidate candidate[CANDIDATE_SLOTS];
    struct entry *heap;
    size_t heap_cap;
    uint64_t seq;
};

struct timers *timers_new(struct event_base *base, struct clock *clock)
{
    struct timers *ts = calloc(1, sizeof(*ts));

    if (ts) {
        ts->ev_base = base;
        ts->clock = clock;
    }
    return ts;
}

struct timers *timers_new_fake(struct clock *clock)
{
    return timers_new(NULL, clock);
}

void timers_free(struct timers *ts)
{
    if (ts)
        free(ts->heap);
    free(ts);
}

/* --- fake: a binary heap, each timer knowing its place --- */

static bool is_before(const struct entry *a, const struct entry *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->seq < b->seq;
}

static void heap_place(struct timers *ts, size_t i, struct entry e)
{
    ts->heap[i] = e;
    e.t->fake_index = i;
}

static void heap_up(struct timers *ts, size_t i)
{
    struct entry e = ts->heap[i];

    while (i > 0 && is_before(&e, &ts->heap[(i - 1) / 2])) {
        heap_place(ts, i, ts->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    heap_place(ts, i, e);
}

static void heap_down(struct timers *ts, size_t i)
{
    struct entry e = ts->heap[i];

    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= ts->pending)
            break;
        if (child + 1 < ts->pending && is_before(&ts->heap[child + 1], &ts->heap[child]))
            child++;
        if (!is_before(&ts->heap[child], &e))
            break;
        heap_place(ts, i, ts->heap[child]);
        i = child;
    }
    heap_place(ts, i, e);
}

static int heap_add(struct timers *ts, struct timer *t)
{
    if (ts->pending == ts->heap_cap) {
        size_t cap = ts->heap_cap ? ts->heap_cap * 2 : 64;
        struct entry *bigger = realloc(ts->heap, cap * sizeof(*bigger));
        if (!bigger)
            return -1;
        ts->heap = bigger;
        ts->heap_cap = cap;
    }
    heap_place(ts, ts->pending, (struct entry){t->due_ms, ts->seq++, t});
    ts->pending++;
    heap_up(ts, ts->pending - 1);
    return 0;
}

static void heap_del(struct timers *ts, struct timer *t)
{
    size_t i = t->fake_index;
    struct entry last = ts->heap[--ts->pending];

    if (last.t == t)
        return;
    heap_place(ts, i, last);
    heap_up(ts, i);
    heap_down(ts, last.t->fake_index);
}

/* --- real: libevent --- */

static struct common *common_slot(struct timers *ts, uint64_t ms)
{
    size_t i = (size_t)((ms * 0x9e3779b97f4a7c15u) >> 57); /* top 7 bits: COMMON_SLOTS */

    while (ts->common[i].tv && ts->common[i].ms != ms)
        i = (i + 1) % COMMON_SLOTS;
    return &ts->common[i];
}

static bool is_worth_a_queue(struct timers *ts, uint64_t ms)
{
    struct candidate *c = &ts->candidate[(ms * 0x9e3779b97f4a7c15u) >> 56];

    if (c->ms != ms)
        *c = (struct candidate){.ms = ms};
    return ++c->asked >= COMMON_AFTER && ts->common_used < COMMON_MAX;
}

/* The timeval to add with: the shared one of this duration, or plain for rare durations. */
static const struct timeval *timeout_of(struct timers *ts, uint64_t ms, struct timeval *plain)
{
    struct common *c = common_slot(ts, ms);

    *plain = (struct timeval){(time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000)};
    if (c->tv)
        return c->tv;
    if (ms == 0 || !is_worth_a_queue(ts, ms))
        return plain;
    c->tv = event_base_init_common_timeout(ts->ev_base, plain);
    if (!c->tv)
        return plain;
    c->ms = ms;
    ts->common_used++;
    return c->tv;
}

static void on_event(evutil_socket_t fd, short what, void *arg)
{
    struct timer *t = arg;

    (void)fd;
    (void)what;
    t->due_ms = 0;
    t->base->pending--;
    clock_update(t->base->clock); /* the loop may have slept since it was last read */
    t->fn(t, t->arg);
}

void timers_tick(struct timers *ts)
{
    clock_update(ts->clock);
}

/* --- both --- */

void timer_init(struct timer *t, struct timers *base, timer_fn fn, void *arg)
{
    t->base = base;
    t->fn = fn;
    t->arg = arg;
    t->due_ms = 0;
    if (base->ev_base)
        event_assign(&t->ev, base->ev_base, -1, 0, on_event, t);
    else
        t->fake_index = 0;
}

void timer_set(struct timer *t, uint64_t ms)
{
    struct timers *ts = t->base;
    uint64_t due_ms = ts->clock->mono_ms + ms;
    int err;

    if (due_ms == 0) /* only a fake clock stands at 0 */
        due_ms = 1;
    if (ts->ev_base) {
        struct timeval plain;
        err = event_add(&t->ev, timeout_of(ts, ms, &plain));
        if (t->due_ms == 0)
            ts->pending++;
        t->due_ms = due_ms;
    } else {
        timer_del(t);
        t->due_ms = due_ms;
        err = heap_add(ts, t);
    }
    if (err < 0) {
        /* a lost timer is a call that never ends; starting again from the journal is the smaller harm */
        log_ev(LOG_ERROR, "timer_no_memory", "pending=%llu", (unsigned long long)ts->pending);
        abort();
    }
}

void timer_del(struct timer *t)
{
    if (t->due_ms == 0)
        return;
    if (t->base->ev_base) {
        event_del(&t->ev);
        t->base->pending--;
    } else {
        heap_del(t->base, t);
    }
    t->due_ms = 0;
}

bool timer_is_pending(const struct timer *t)
{
    return t->due_ms != 0;
}

uint64_t timers_next_due(struct timers *ts)
{
    assert(!ts->ev_base);
    return ts->pending > 0 ? ts->heap[0].due_ms : UINT64_MAX;
}

unsigned timers_run_until(struct timers *ts, uint64_t until_ms)
{
    unsigned ran = 0;

    assert(!ts->ev_base);
    while (ts->pending > 0 && ts->heap[0].due_ms <= until_ms) {
        struct timer *t = ts->heap[0].t;
        if (t->due_ms > ts->clock->mono_ms)
            clock_advance(ts->clock, t->due_ms - ts->clock->mono_ms);
        timer_del(t);
        t->fn(t, t->arg);
        ran++;
    }
    if (until_ms > ts->clock->mono_ms)
        clock_advance(ts->clock, until_ms - ts->clock->mono_ms);
    return ran;
}

uint64_t timers_pending(const struct timers *ts)
{
    return ts->pending;
}
