/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Circuit breaker: two half windows of attempts and failures, each one atomic word; one word says until when it is open.
 * Called by the call layer on every worker and by route_decide; lock-free. Must not know trunks or calls.
 */
#include "route/breaker.h"

#define COUNT_MAX 0xffffU /* beyond, both counts are halved: their share is what matters */

struct half {
    uint32_t start, attempts, failures;
};

static uint64_t half_word(struct half h)
{
    return (uint64_t)h.start << 32 | (uint64_t)h.attempts << 16 | h.failures;
}

static struct half half_of(uint64_t w)
{
    return (struct half){(uint32_t)(w >> 32), (uint32_t)(w >> 16) & COUNT_MAX,
                         (uint32_t)w & COUNT_MAX};
}

static uint32_t half_ms(const struct conf_breaker *conf)
{
    return conf->window_ms / 2 ? conf->window_ms / 2 : 1;
}

/*
 * Since the start of a half. Clocks of two workers differ by a turn of their loops: a start that lies in front of now by less than 10 s is
 * now; any other has wrapped (a word keeps 49 days) and is old.
 */
static uint32_t half_age(struct half h, uint64_t now_ms)
{
    uint32_t age = (uint32_t)now_ms - h.start;
    return age > UINT32_MAX - 10000 ? 0 : age;
}

enum breaker_state breaker_look(const struct breaker *b, const struct conf_breaker *conf,
                                uint64_t now_ms)
{
    uint64_t until = atomic_load_explicit(&b->open_until_ms, memory_order_relaxed);
    uint64_t trying = atomic_load_explicit(&b->trying_since_ms, memory_order_relaxed);
    if (conf->trip_pct == 0 || until == 0)
        return BREAKER_CLOSED;
    if (now_ms < until || (trying && now_ms < trying + conf->retry_ms))
        return BREAKER_OPEN;
    return BREAKER_HALF_OPEN;
}

uint32_t breaker_wait_ms(const struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms)
{
    uint64_t until = atomic_load_explicit(&b->open_until_ms, memory_order_relaxed);
    uint64_t trying = atomic_load_explicit(&b->trying_since_ms, memory_order_relaxed);
    if (conf->trip_pct == 0 || until == 0)
        return 0;
    if (trying && until < trying + conf->retry_ms)
        until = trying + conf->retry_ms;
    return until > now_ms ? (uint32_t)(until - now_ms) : 0;
}

bool breaker_enter(struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms,
                   uint64_t *trial)
{
    uint64_t trying = atomic_load_explicit(&b->trying_since_ms, memory_order_relaxed);
    *trial = 0;
    switch (breaker_look(b, conf, now_ms)) {
    case BREAKER_CLOSED: return true;
    case BREAKER_OPEN: return false;
    default: break;
    }
    if (trying && now_ms < trying + conf->retry_ms)
        return false; /* begun between the two looks */
    if (!atomic_compare_exchange_strong_explicit(&b->trying_since_ms, &trying, now_ms | 1,
                                                 memory_order_relaxed, memory_order_relaxed))
        return false;
    *trial = now_ms | 1;
    return true;
}

/* Count one attempt, turning the half if it is over. */
static void count_one(struct breaker *b, const struct conf_breaker *conf, bool failed,
                      uint64_t now_ms)
{
    uint64_t old = atomic_load_explicit(&b->window, memory_order_relaxed);
    struct half h, was;
    bool turned;
    do {
        h = was = half_of(old);
        turned = old == 0 || half_age(h, now_ms) >= half_ms(conf);
        if (turned)
            h = (struct half){(uint32_t)now_ms, 0, 0};
        if (h.attempts == COUNT_MAX) {
            h.attempts /= 2;
            h.failures /= 2;
        }
        h.attempts++;
        h.failures += failed;
    } while (!atomic_compare_exchange_weak_explicit(&b->window, &old, half_word(h),
                                                    memory_order_relaxed, memory_order_relaxed));
    if (turned)
        atomic_store_explicit(&b->before,
                              half_age(was, now_ms) < 2 * half_ms(conf) ? half_word(was) : 0,
                              memory_order_relaxed);
}

void breaker_count(const struct breaker *b, const struct conf_breaker *conf, uint64_t now_ms,
                   uint32_t *failures, uint32_t *attempts)
{
    struct half h = half_of(atomic_load_explicit(&b->window, memory_order_relaxed));
    struct half p = half_of(atomic_load_explicit(&b->before, memory_order_relaxed));
    uint32_t age = half_age(h, now_ms), half = half_ms(conf);
    *failures = *attempts = 0;
    if (age >= 2 * half)
        return;
    *failures = h.failures;
    *attempts = h.attempts;
    if (age >= half)
        return;
    *failures += p.failures;
    *attempts += p.attempts;
}

static void forget(struct breaker *b)
{
    atomic_store_explicit(&b->before, 0, memory_order_relaxed);
    atomic_store_explicit(&b->window, 0, memory_order_relaxed);
}

static enum breaker_change trial_over(struct breaker *b, const struct conf_breaker *conf,
                                      enum breaker_end end, uint64_t trial, uint64_t now_ms,
                                      uint64_t wall_ms)
{
    enum breaker_change change = BREAKER_SAME;
    uint64_t until = atomic_load_explicit(&b->open_until_ms, memory_order_relaxed);
    if (end == BREAKER_FAILED && until) {
        atomic_store_explicit(&b->open_until_ms, now_ms + conf->retry_ms, memory_order_relaxed);
        change = BREAKER_TRIPPED_AGAIN;
    } else if (end == BREAKER_FINE && until) {
        forget(b);
        atomic_store_explicit(&b->changed_wall_ms, wall_ms, memory_order_relaxed);
        if (atomic_exchange_explicit(&b->open_until_ms, 0, memory_order_relaxed))
            change = BREAKER_MENDED;
    }
    /* Not the trial of somebody who came after this one had taken too long. */
    (void)atomic_compare_exchange_strong_explicit(&b->trying_since_ms, &trial, 0,
                                                  memory_order_relaxed, memory_order_relaxed);
    return change;
}

enum breaker_change breaker_leave(struct breaker *b, const struct conf_breaker *conf,
                                  enum breaker_end end, uint64_t trial, uint64_t now_ms,
                                  uint64_t wall_ms)
{
    uint64_t closed = 0;
    uint32_t failures, attempts;
    if (trial)
        return trial_over(b, conf, end, trial, now_ms, wall_ms);
    if (conf->trip_pct == 0 || end == BREAKER_NEITHER)
        return BREAKER_SAME;
    if (atomic_load_explicit(&b->open_until_ms, memory_order_relaxed))
        return BREAKER_SAME; /* begun before it opened: known by now */
    count_one(b, conf, end == BREAKER_FAILED, now_ms);
    breaker_count(b, conf, now_ms, &failures, &attempts);
    if (end != BREAKER_FAILED || attempts < conf->of ||
        failures * 100ULL < (uint64_t)conf->trip_pct * attempts)
        return BREAKER_SAME;
    if (!atomic_compare_exchange_strong_explicit(&b->open_until_ms, &closed,
                                                 now_ms + conf->retry_ms, memory_order_relaxed,
                                                 memory_order_relaxed))
        return BREAKER_SAME;
    atomic_fetch_add_explicit(&b->trips, 1, memory_order_relaxed);
    atomic_store_explicit(&b->changed_wall_ms, wall_ms, memory_order_relaxed);
    return BREAKER_TRIPPED;
}
