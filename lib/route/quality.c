/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Live quality of trunks and destinations: counts of two windows, each count one atomic word that knows its window.
 * Written by the call layer on every worker, read by route_decide and the operator; lock-free. Must not know calls.
 */
#include "route/quality.h"

#include <stdatomic.h>
#include <stdlib.h>
#include "core/htab.h"

#define SLOTS 65536U /* as trunk.h: slots of trunks */
#define PROBE 32U    /* places that a pair may stand in; 32 full ones in a row: the table is full */

/*
 * Words of a window. Each begins with the low 16 bits of the window's number: a word of another window counts as 0, so nobody has to clear
 * anything, and no count is lost at the turn. (The number comes again after 1.8 years.)
 */
enum {
    W_SEIZED, /* seizures, answers */
    W_HEARD,  /* user_side failures, attempts with a post-dial delay */
    W_PDD,    /* sum [ms] */
    W_ENDED,  /* calls that ended, - */
    W_DURATION,
    W_N,
};

struct cells {
    _Atomic uint64_t w[2][W_N];
};

struct pair {
    _Atomic uint64_t id; /* 0: free */
    struct cells c;
};

struct quality {
    struct cells *trunk; /* by slot; pages that nobody touches cost nothing */
    struct pair *pair;   /* QUALITY_PAIRS */
};

struct quality *quality_new(void)
{
    struct quality *q = calloc(1, sizeof(*q));
    if (!q)
        return NULL;
    q->trunk = calloc(SLOTS, sizeof(*q->trunk));
    q->pair = calloc(QUALITY_PAIRS, sizeof(*q->pair));
    if (!q->trunk || !q->pair) {
        quality_free(q);
        return NULL;
    }
    return q;
}

void quality_free(struct quality *q)
{
    if (!q)
        return;
    free(q->trunk);
    free(q->pair);
    free(q);
}

static uint64_t window_of(uint64_t now_ms)
{
    return now_ms / QUALITY_WINDOW_MS;
}

#define NUM(window) ((window) << 48)
#define SUM_MAX     ((UINT64_C(1) << 48) - 1)
#define COUNT_MAX   ((UINT64_C(1) << 24) - 1) /* 18,000 a second for a whole window */

/* The low 48 bits, or 0 if the word is of another window. */
static uint64_t word_value(uint64_t w, uint64_t window)
{
    return (w & ~SUM_MAX) == NUM(window) ? w & SUM_MAX : 0;
}

static void add_sum(_Atomic uint64_t *w, uint64_t window, uint64_t add)
{
    uint64_t old = atomic_load_explicit(w, memory_order_relaxed), v;
    do {
        v = word_value(old, window);
        v = v + add > SUM_MAX ? SUM_MAX : v + add;
    } while (!atomic_compare_exchange_weak_explicit(w, &old, NUM(window) | v, memory_order_relaxed,
                                                    memory_order_relaxed));
}

static void add_counts(_Atomic uint64_t *w, uint64_t window, bool one, bool two)
{
    uint64_t old = atomic_load_explicit(w, memory_order_relaxed), a, b;
    do {
        uint64_t v = word_value(old, window);
        a = (v >> 24) + one;
        b = (v & COUNT_MAX) + two;
        if (a > COUNT_MAX || b > COUNT_MAX)
            return; /* full: it goes on with the next window */
    } while (!atomic_compare_exchange_weak_explicit(w, &old, NUM(window) | a << 24 | b,
                                                    memory_order_relaxed, memory_order_relaxed));
}

/* A slot and six characters: never 0, since no key of a pair is. */
static uint64_t pair_id(uint32_t slot, uint64_t key)
{
    return (uint64_t)slot << 24 | key_cut(key, QUALITY_DIGITS) >> 40;
}

/* Nothing of it in either window. */
static bool is_stale(const struct cells *c, uint64_t window)
{
    for (unsigned i = 0; i < 2; i++)
        if (word_value(
                atomic_load_explicit(&c->w[(window - i) & 1][W_SEIZED], memory_order_relaxed),
                window - i) ||
            word_value(atomic_load_explicit(&c->w[(window - i) & 1][W_ENDED], memory_order_relaxed),
                       window - i))
            return false;
    return true;
}

static struct pair *pair_find(const struct quality *q, uint64_t id)
{
    uint64_t at = hash_u64(id);
    for (unsigned i = 0; i < PROBE; i++) {
        struct pair *p = &q->pair[(at + i) % QUALITY_PAIRS];
        uint64_t there = atomic_load_explicit(&p->id, memory_order_relaxed);
        if (there == id)
            return p;
        if (there == 0)
            return NULL;
    }
    return NULL;
}

/*
 * Likewise, taking a free place, or that of a pair of which nothing was heard for two windows. Who adds to that one in the same
 * microsecond adds to the new one: a count of one in a statistic.
 */
static struct pair *pair_get(struct quality *q, uint64_t id, uint64_t window)
{
    uint64_t at = hash_u64(id);
    for (unsigned tries = 0; tries < 8; tries++) {
        struct pair *p = pair_find(q, id);
        if (p)
            return p;
        for (unsigned i = 0; i < PROBE; i++) {
            struct pair *free_one = &q->pair[(at + i) % QUALITY_PAIRS];
            uint64_t old = atomic_load_explicit(&free_one->id, memory_order_relaxed);
            if (old && !is_stale(&free_one->c, window))
                continue;
            if (atomic_compare_exchange_strong_explicit(&free_one->id, &old, id,
                                                        memory_order_relaxed, memory_order_relaxed))
                return free_one;
            p = free_one; /* somebody was faster: perhaps for this pair */
            break;
        }
        if (!p)
            return NULL;
    }
    return NULL;
}

static struct cells *pair_cells(struct quality *q, uint32_t slot, uint64_t key, uint64_t window)
{
    struct pair *p = key ? pair_get(q, pair_id(slot, key), window) : NULL;
    return p ? &p->c : NULL;
}

static void cells_seized(struct cells *c, uint64_t window, bool answered, bool user_side,
                         uint32_t pdd_ms)
{
    _Atomic uint64_t *w = c->w[window & 1];
    add_counts(&w[W_SEIZED], window, true, answered);
    if (!pdd_ms && (answered || !user_side))
        return;
    add_counts(&w[W_HEARD], window, !answered && user_side, pdd_ms > 0);
    if (pdd_ms)
        add_sum(&w[W_PDD], window, pdd_ms);
}

void quality_seized(struct quality *q, uint32_t slot, uint64_t key, bool answered, bool user_side,
                    uint32_t pdd_ms, uint64_t now_ms)
{
    uint64_t window = window_of(now_ms);
    struct cells *c = pair_cells(q, slot, key, window);
    if (slot >= SLOTS)
        return;
    cells_seized(&q->trunk[slot], window, answered, user_side, pdd_ms);
    if (c)
        cells_seized(c, window, answered, user_side, pdd_ms);
}

static void cells_ended(struct cells *c, uint64_t window, uint32_t duration_ms)
{
    add_counts(&c->w[window & 1][W_ENDED], window, true, false);
    add_sum(&c->w[window & 1][W_DURATION], window, duration_ms);
}

void quality_ended(struct quality *q, uint32_t slot, uint64_t key, uint32_t duration_ms,
                   uint64_t now_ms)
{
    uint64_t window = window_of(now_ms);
    struct cells *c = pair_cells(q, slot, key, window);
    if (slot >= SLOTS)
        return;
    cells_ended(&q->trunk[slot], window, duration_ms);
    if (c)
        cells_ended(c, window, duration_ms);
}

/* Both windows' word. */
static uint64_t cells_sum(const struct cells *c, unsigned word, uint64_t window)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < 2; i++)
        sum += word_value(atomic_load_explicit(&c->w[(window - i) & 1][word], memory_order_relaxed),
                          window - i);
    return sum;
}

static void cells_counts(const struct cells *c, unsigned word, uint64_t window, uint32_t *one,
                         uint32_t *two)
{
    uint64_t a = 0, b = 0;
    for (unsigned i = 0; i < 2; i++) {
        uint64_t v = word_value(
            atomic_load_explicit(&c->w[(window - i) & 1][word], memory_order_relaxed), window - i);
        a += v >> 24;
        b += v & COUNT_MAX;
    }
    *one = (uint32_t)a;
    *two = (uint32_t)b;
}

static uint32_t ppm(uint64_t part, uint64_t of)
{
    uint64_t v = of ? part * 1000000 / of : 0;
    return v > 1000000 ? 1000000 : (uint32_t)v; /* words of one call are written one by one */
}

static uint32_t mean(uint64_t sum, uint64_t n)
{
    uint64_t v = n ? sum / n : 0;
    return v > UINT32_MAX ? UINT32_MAX : (uint32_t)v;
}

static void figures_of(const struct cells *c, uint64_t window, struct quality_figures *out)
{
    uint32_t user_side, heard, ended, unused;
    cells_counts(c, W_SEIZED, window, &out->seizures, &out->answers);
    cells_counts(c, W_HEARD, window, &user_side, &heard);
    cells_counts(c, W_ENDED, window, &ended, &unused);
    out->ended = ended;
    out->asr_ppm = ppm(out->answers, out->seizures);
    out->ner_ppm = ppm((uint64_t)out->answers + user_side, out->seizures);
    out->acd_ms = mean(cells_sum(c, W_DURATION, window), ended);
    out->pdd_ms = mean(cells_sum(c, W_PDD, window), heard);
}

void quality_get(const struct quality *q, uint32_t slot, uint64_t key, uint64_t now_ms,
                 struct quality_figures *out)
{
    const struct pair *p = key ? pair_find(q, pair_id(slot, key)) : NULL;
    *out = (struct quality_figures){0};
    if (slot >= SLOTS || (key && !p))
        return;
    figures_of(key ? &p->c : &q->trunk[slot], window_of(now_ms), out);
}

void quality_each(const struct quality *q, uint64_t now_ms,
                  bool (*fn)(void *arg, uint32_t slot, uint64_t key,
                             const struct quality_figures *f),
                  void *arg)
{
    uint64_t window = window_of(now_ms);
    for (uint32_t i = 0; i < QUALITY_PAIRS; i++) {
        uint64_t id = atomic_load_explicit(&q->pair[i].id, memory_order_relaxed);
        struct quality_figures f;
        if (!id || is_stale(&q->pair[i].c, window))
            continue;
        figures_of(&q->pair[i].c, window, &f);
        if (!fn(arg, (uint32_t)(id >> 24), id << 40, &f))
            return;
    }
}
