/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/cac.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include "route/cac.h"

static void concurrent_calls_stop_at_the_limit_and_return(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    struct conf_limit l = {.calls = 2};
    struct cac_hold a = {0}, b = {0}, c = {0};
    assert_int_equal(cac_take(&a, &g, &l, 0, 0, false), CAC_OK);
    assert_int_equal(cac_take(&b, &g, &l, 0, 1, false), CAC_OK);
    assert_int_equal(cac_take(&c, &g, &l, 0, 0, false), CAC_FULL_CALLS);
    assert_int_equal(c.n, 0);
    assert_int_equal(g.calls, 2);
    cac_release(&a, 0);
    assert_int_equal(g.held[0], 0);
    assert_int_equal(g.held[1], 1);
    assert_int_equal(cac_take(&c, &g, &l, 0, 0, false), CAC_OK);
    cac_release(&b, 1);
    cac_release(&c, 0);
    cac_release(&c, 0);
    assert_int_equal(g.calls, 0);
    assert_int_equal(g.refused_calls, 1);
    assert_int_equal(g.admitted, 3);
}

static void emergency_is_counted_but_never_refused(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    struct conf_limit l = {.calls = 1, .cps = 1, .burst = 1};
    struct cac_hold h[3] = {0};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(cac_take(&h[i], &g, &l, 0, 0, true), CAC_OK);
    assert_int_equal(g.calls, 3);
    for (unsigned i = 0; i < 3; i++)
        cac_release(&h[i], 0);
    assert_int_equal(g.calls, 0);
}

static unsigned admitted_at(struct cac_gauge *g, const struct conf_limit *l, uint64_t now_us,
                            unsigned tries)
{
    unsigned ok = 0;
    for (unsigned i = 0; i < tries; i++) {
        struct cac_hold h = {0};
        ok += cac_take(&h, g, l, now_us, 0, false) == CAC_OK;
        cac_release(&h, 0);
    }
    return ok;
}

static void a_burst_passes_then_the_rate(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    struct conf_limit l = {.cps = 50, .burst = 10};
    uint64_t start = 1000000000, total = 0;
    assert_int_equal(admitted_at(&g, &l, start, 100), 10);
    assert_int_equal(cac_retry_after_s(&g, &l, start), 1);
    assert_int_equal(admitted_at(&g, &l, start + 18999, 100), 0); /* a clock of 1 ms */
    assert_int_equal(admitted_at(&g, &l, start + 20000, 100), 1);
    for (uint64_t ms = 21; ms <= 10020; ms++)
        total += admitted_at(&g, &l, start + ms * 1000, 5);
    assert_in_range(total, 499, 501);
    assert_int_equal(admitted_at(&g, &l, start + 60000000, 100), 10);
}

/* Offered 110 % for a minute, by a clock of milliseconds. */
static unsigned admitted_of_110_percent(uint32_t cps, uint32_t burst)
{
    struct cac_gauge g = {0};
    struct conf_limit l = {.cps = cps, .burst = burst};
    unsigned ok = 0, n = cps * 66;
    for (unsigned i = 0; i < n; i++)
        ok += admitted_at(&g, &l, (1000000 + i * UINT64_C(60000) / n) * 1000, 1);
    return ok;
}

static void of_110_percent_exactly_the_rate_and_one_burst_pass(void **state)
{
    (void)state;
    static const uint32_t cps[] = {1, 7, 30, 50, 400, 700, 1500, 3000};
    for (size_t i = 0; i < sizeof cps / sizeof cps[0]; i++) {
        unsigned ok = admitted_of_110_percent(cps[i], 2);
        assert_in_range(ok, cps[i] * 60 + 1, cps[i] * 60 + 3 + cps[i] / 100);
        ok = admitted_of_110_percent(cps[i], 20);
        if (cps[i] * 6 > 20) /* else the burst is more than what is offered above the rate */
            assert_in_range(ok, cps[i] * 60 + 19, cps[i] * 60 + 21 + cps[i] / 100);
    }
}

static void what_comes_at_the_rate_passes_whole_without_a_burst(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    struct conf_limit l = {.cps = 700, .burst = 1};
    for (uint64_t i = 0; i < 7000; i++) /* 1.43 ms apart, seen by a clock of milliseconds */
        assert_int_equal(admitted_at(&g, &l, (5000 + i * 10 / 7) * 1000, 1), 1);
}

static void after_the_rate_was_exceeded_it_is_there_again_at_once(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    struct conf_limit l = {.cps = 10, .burst = 1};
    for (uint64_t ms = 0; ms < 5000; ms++)
        (void)admitted_at(&g, &l, ms * 1000, 1);
    assert_int_equal(admitted_at(&g, &l, 5100 * 1000, 1), 1); /* refusals cost nothing */
}

static void all_or_nothing_at_several_gauges(void **state)
{
    (void)state;
    struct cac_gauge g[3] = {0};
    struct cac_ask ask[3] = {
        {&g[0], {.cps = 10, .burst = 1}}, {&g[1], {.calls = 5}}, {&g[2], {.calls = 1}}};
    struct cac_hold a = {0}, b = {0};
    unsigned refused;
    assert_int_equal(cac_take_all(&a, ask, 3, 1000000, 2, false, &refused), CAC_OK);
    assert_int_equal(a.n, 3);
    for (unsigned i = 0; i < 50;
         i++) { /* the rate of the first is not spent by what the third refuses */
        assert_int_equal(cac_take_all(&b, ask, 3, 1100000, 2, false, &refused), CAC_FULL_CALLS);
        assert_int_equal(refused, 2);
        assert_int_equal(b.n, 0);
    }
    assert_int_equal(g[0].calls, 1);
    assert_int_equal(g[0].admitted, 1);
    assert_int_equal(g[0].held[2], 1);
    assert_int_equal(g[1].calls, 1);
    assert_int_equal(g[2].refused_calls, 50);
    cac_release(&a, 2);
    assert_int_equal(cac_take_all(&b, ask, 3, 1100000, 2, false, &refused), CAC_OK);
    assert_int_equal(cac_take_all(&a, ask, 3, 1100000, 2, false, &refused), CAC_FULL_CPS);
    assert_int_equal(refused, 0);
    assert_int_equal(cac_take_all(&a, ask, 3, 1100000, 2, true, &refused), CAC_OK);
}

static void retry_after_tells_when_a_slow_bucket_has_a_token(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    struct conf_limit l = {.cps = 1, .burst = 1};
    struct cac_hold h = {0};
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(cac_take(&h, &g, &l, 5000000, 0, true), CAC_OK);
        cac_release(&h, 0);
    }
    assert_int_equal(cac_retry_after_s(&g, &l, 5000000), 5);
}

static void one_gauge_of_a_hold_can_be_dropped(void **state)
{
    (void)state;
    struct cac_gauge g[3] = {0};
    struct conf_limit l = {0};
    struct cac_hold h = {0};
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(cac_take(&h, &g[i], &l, 0, 3, false), CAC_OK);
    cac_drop(&h, &g[1], 3);
    cac_drop(&h, &g[1], 3);
    assert_int_equal(g[0].calls, 1);
    assert_int_equal(g[1].calls, 0);
    assert_int_equal(g[1].held[3], 0);
    cac_retake(&h, &g[1], 3);
    assert_int_equal(g[1].calls, 1);
    cac_release(&h, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(g[i].calls, 0);
}

struct racer {
    struct cac_gauge *g;
    unsigned worker, over;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct conf_limit l = {.calls = 3};
    for (unsigned i = 0; i < 20000; i++) {
        struct cac_hold h[4] = {0};
        for (unsigned j = 0; j < 4; j++)
            r->over += cac_take(&h[j], r->g, &l, i, r->worker, false) != CAC_OK;
        for (unsigned j = 0; j < 4; j++)
            cac_release(&h[j], r->worker);
    }
    return NULL;
}

static void workers_race_without_losing_a_call(void **state)
{
    (void)state;
    struct cac_gauge g = {0};
    pthread_t th[2];
    struct racer r[2] = {{&g, 0, 0}, {&g, 1, 0}};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&th[i], NULL, race, &r[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(th[i], NULL);
    assert_int_equal(g.calls, 0);
    assert_int_equal(g.held[0] + g.held[1], 0);
    assert_true(r[0].over >= 20000 && r[1].over >= 20000); /* 4 wanted, 3 allowed */
    assert_int_equal(g.refused_calls, r[0].over + r[1].over);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(concurrent_calls_stop_at_the_limit_and_return),
        cmocka_unit_test(emergency_is_counted_but_never_refused),
        cmocka_unit_test(a_burst_passes_then_the_rate),
        cmocka_unit_test(of_110_percent_exactly_the_rate_and_one_burst_pass),
        cmocka_unit_test(what_comes_at_the_rate_passes_whole_without_a_burst),
        cmocka_unit_test(after_the_rate_was_exceeded_it_is_there_again_at_once),
        cmocka_unit_test(all_or_nothing_at_several_gauges),
        cmocka_unit_test(retry_after_tells_when_a_slow_bucket_has_a_token),
        cmocka_unit_test(one_gauge_of_a_hold_can_be_dropped),
        cmocka_unit_test(workers_race_without_losing_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
