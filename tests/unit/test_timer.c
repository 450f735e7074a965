/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: order and restart on the fake heap, common-timeout queues on libevent.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "core/timer.h"

static struct timer *ran[64];
static unsigned ran_count;

static void note(struct timer *t, void *arg)
{
    (void)arg;
    assert_false(timer_is_pending(t));
    if (ran_count < 64)
        ran[ran_count] = t;
    ran_count++;
}

static void again(struct timer *t, void *arg)
{
    note(t, arg);
    if (--*(int *)arg > 0)
        timer_set(t, 100);
}

static void fake_timers_run_by_due_time_then_by_order_of_setting(void **state)
{
    struct clock c;
    struct timers *ts;
    struct timer t[4];

    (void)state;
    ran_count = 0;
    clock_init_fake(&c, 0, 0);
    ts = timers_new_fake(&c);
    for (int i = 0; i < 4; i++)
        timer_init(&t[i], ts, note, NULL);
    timer_set(&t[0], 500);
    timer_set(&t[1], 200);
    timer_set(&t[2], 500);
    timer_set(&t[3], 200);
    timer_set(&t[1], 200); /* set again: now behind t[3] */
    assert_int_equal(timers_next_due(ts), 200);
    assert_int_equal(timers_pending(ts), 4);
    assert_int_equal(timers_run_until(ts, 199), 0);
    assert_int_equal(timers_run_until(ts, 1000), 4);
    assert_ptr_equal(ran[0], &t[3]);
    assert_ptr_equal(ran[1], &t[1]);
    assert_ptr_equal(ran[2], &t[0]);
    assert_ptr_equal(ran[3], &t[2]);
    assert_int_equal(c.mono_ms, 1000);
    assert_int_equal(timers_next_due(ts), UINT64_MAX);
    timers_free(ts);
}

static void fake_timer_sees_the_clock_at_its_own_time(void **state)
{
    struct clock c;
    struct timers *ts;
    struct timer t;
    int rounds = 5;

    (void)state;
    ran_count = 0;
    clock_init_fake(&c, 1000, 5000);
    ts = timers_new_fake(&c);
    timer_init(&t, ts, again, &rounds);
    timer_set(&t, 100);
    assert_int_equal(timers_run_until(ts, 1350), 3); /* 1100, 1200, 1300 */
    assert_true(timer_is_pending(&t));
    assert_int_equal(t.due_ms, 1400);
    assert_int_equal(timers_run_until(ts, 9999), 2);
    assert_int_equal(c.wall_ms, 13999);
    timers_free(ts);
}

static void fake_heap_survives_random_deletion(void **state)
{
    enum { N = 500 };
    static struct timer t[N];
    struct clock c;
    struct timers *ts;
    uint64_t last = 0;
    unsigned left = 0;

    (void)state;
    clock_init_fake(&c, 0, 0);
    ts = timers_new_fake(&c);
    for (unsigned i = 0; i < N; i++) {
        timer_init(&t[i], ts, note, NULL);
        timer_set(&t[i], (i * 7919u) % 1009u);
    }
    for (unsigned i = 0; i < N; i += 3)
        timer_del(&t[i]);
    for (unsigned i = 0; i < N; i++)
        left += timer_is_pending(&t[i]);
    assert_int_equal(timers_pending(ts), left);
    while (timers_next_due(ts) != UINT64_MAX) {
        uint64_t due = timers_next_due(ts);
        assert_true(due >= last);
        last = due;
        left -= timers_run_until(ts, due);
    }
    assert_int_equal(left, 0);
    for (unsigned i = 0; i < N; i++)
        timer_del(&t[i]); /* not pending: harmless */
    timers_free(ts);
}

static void real_timers_run_in_order_from_common_queues_and_heap(void **state)
{
    struct event_base *base = event_base_new();
    struct clock c;
    struct timers *ts;
    struct timer t[12];

    (void)state;
    ran_count = 0;
    clock_init(&c);
    ts = timers_new(base, &c);
    for (int i = 0; i < 12; i++)
        timer_init(&t[i], ts, note, NULL);
    for (int i = 0; i < 10; i++)
        timer_set(&t[i], 20); /* the first few from the heap, the others from their queue */
    timer_set(&t[10], 5);
    timer_set(&t[11], 60000);
    timer_del(&t[3]);
    timer_del(&t[9]);
    timer_del(&t[9]);
    assert_int_equal(timers_pending(ts), 10);
    while (timers_pending(ts) > 1)
        event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(ran_count, 9);
    assert_ptr_equal(ran[0], &t[10]);
    assert_false(timer_is_pending(&t[0]));
    assert_true(timer_is_pending(&t[11]));
    timer_del(&t[11]);
    assert_int_equal(timers_pending(ts), 0);
    timers_free(ts);
    event_base_free(base);
}

static void real_timer_moves_between_durations(void **state)
{
    struct event_base *base = event_base_new();
    struct clock c;
    struct timers *ts;
    struct timer t;
    uint64_t start_ns;

    (void)state;
    ran_count = 0;
    clock_init(&c);
    ts = timers_new(base, &c);
    timer_init(&t, ts, note, NULL);
    for (int i = 0; i < 20; i++) {
        timer_set(&t, 30000);
        timer_set(&t, 64 * 500);
    }
    start_ns = clock_now_ns();
    timer_set(&t, 30);
    event_base_loop(base, EVLOOP_ONCE);
    while (ran_count == 0)
        event_base_loop(base, EVLOOP_ONCE);
    assert_in_range((clock_now_ns() - start_ns) / 1000000, 28, 20000);
    assert_int_equal(ran_count, 1);
    assert_int_equal(timers_pending(ts), 0);
    timers_free(ts);
    event_base_free(base);
}

static void thousands_of_durations_do_not_exhaust_the_queues(void **state)
{
    enum { N = 3000 };
    struct event_base *base = event_base_new();
    struct timer *t = calloc(N, sizeof(*t));
    struct clock c;
    struct timers *ts;

    (void)state;
    ran_count = 0;
    clock_init(&c);
    ts = timers_new(base, &c);
    for (unsigned i = 0; i < N; i++) {
        timer_init(&t[i], ts, note, NULL);
        for (int k = 0; k < 6; k++) /* 300 durations, each often enough to want a queue */
            timer_set(&t[i], 1 + i % 300);
    }
    while (timers_pending(ts) > 0)
        event_base_loop(base, EVLOOP_ONCE);
    assert_int_equal(ran_count, N);
    timers_free(ts);
    event_base_free(base);
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fake_timers_run_by_due_time_then_by_order_of_setting),
        cmocka_unit_test(fake_timer_sees_the_clock_at_its_own_time),
        cmocka_unit_test(fake_heap_survives_random_deletion),
        cmocka_unit_test(real_timers_run_in_order_from_common_queues_and_heap),
        cmocka_unit_test(real_timer_moves_between_durations),
        cmocka_unit_test(thousands_of_durations_do_not_exhaust_the_queues),
    };

    return cmocka_run_group_tests_name("timer", tests, NULL, NULL);
}
