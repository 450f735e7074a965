/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/breaker.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include "route/breaker.h"

/* 50 % of 10 in 30 s, retry after 20 s */
static const struct conf_breaker half_of_ten = {
    .trip_pct = 50, .of = 10, .window_ms = 30000, .retry_ms = 20000};

static enum breaker_change end_one(struct breaker *b, enum breaker_end end, uint64_t now)
{
    uint64_t trial;
    assert_true(breaker_enter(b, &half_of_ten, now, &trial));
    assert_int_equal(trial, 0);
    return breaker_leave(b, &half_of_ten, end, trial, now, now);
}

static void trip(struct breaker *b, uint64_t now)
{
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(end_one(b, BREAKER_FAILED, now), BREAKER_SAME);
    assert_int_equal(end_one(b, BREAKER_FAILED, now), BREAKER_TRIPPED);
}

static void trips_at_the_share_and_not_before_the_number(void **state)
{
    (void)state;
    struct breaker b = {0};
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(end_one(&b, BREAKER_FINE, 1000), BREAKER_SAME);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(end_one(&b, BREAKER_FAILED, 2000), BREAKER_SAME);
    assert_int_equal(breaker_look(&b, &half_of_ten, 2000), BREAKER_CLOSED);
    assert_int_equal(end_one(&b, BREAKER_FAILED, 2000), BREAKER_TRIPPED); /* 5 of 10 */
    assert_int_equal(breaker_look(&b, &half_of_ten, 2001), BREAKER_OPEN);
    assert_int_equal(b.trips, 1);
    assert_int_equal(b.changed_wall_ms, 2000);
    uint64_t trial;
    assert_false(breaker_enter(&b, &half_of_ten, 21999, &trial));
}

static void below_the_share_it_stays_closed(void **state)
{
    (void)state;
    struct breaker b = {0};
    for (unsigned i = 0; i < 10000; i++)
        assert_int_equal(
            end_one(&b, i % 100 < 49 && i > 200 ? BREAKER_FAILED : BREAKER_FINE, 1000 + i),
            BREAKER_SAME);
}

static void who_gave_up_is_neither(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint32_t failures, attempts;
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(end_one(&b, BREAKER_NEITHER, 1000), BREAKER_SAME);
    breaker_count(&b, &half_of_ten, 1000, &failures, &attempts);
    assert_int_equal(attempts, 0);
}

static void without_a_share_nothing_is_counted(void **state)
{
    (void)state;
    const struct conf_breaker off = {0};
    struct breaker b = {0};
    uint64_t trial;
    for (unsigned i = 0; i < 100; i++) {
        assert_true(breaker_enter(&b, &off, 1000, &trial));
        assert_int_equal(breaker_leave(&b, &off, BREAKER_FAILED, trial, 1000, 1000), BREAKER_SAME);
    }
    assert_int_equal(b.window, 0);
    b.open_until_ms = 5000; /* a reload took the line away while it was open */
    assert_int_equal(breaker_look(&b, &off, 1000), BREAKER_CLOSED);
}

static void a_window_that_is_over_is_forgotten(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint32_t failures, attempts;
    for (unsigned i = 0; i < 9; i++)
        (void)end_one(&b, BREAKER_FAILED, 1000);
    (void)end_one(&b, BREAKER_FINE, 17000); /* the next half: both count */
    breaker_count(&b, &half_of_ten, 17000, &failures, &attempts);
    assert_int_equal(failures, 9);
    assert_int_equal(attempts, 10);
    (void)end_one(&b, BREAKER_FINE, 33000);
    breaker_count(&b, &half_of_ten, 33000, &failures, &attempts);
    assert_int_equal(failures, 0);
    assert_int_equal(attempts, 2);
    breaker_count(&b, &half_of_ten, 70000, &failures, &attempts);
    assert_int_equal(attempts, 0);
    /* 49.7 days later the same 32 bits come again; 60 s before them nothing is known, either */
    breaker_count(&b, &half_of_ten, 33000 + (UINT64_C(1) << 32) - 60000, &failures, &attempts);
    assert_int_equal(attempts, 0);
}

static void half_open_lets_one_through_and_closes(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint64_t trial, other;
    uint32_t failures, attempts;
    trip(&b, 1000);
    assert_int_equal(breaker_look(&b, &half_of_ten, 21000), BREAKER_HALF_OPEN);
    assert_true(breaker_enter(&b, &half_of_ten, 21000, &trial));
    assert_int_not_equal(trial, 0);
    assert_int_equal(breaker_look(&b, &half_of_ten, 21001), BREAKER_OPEN);
    assert_false(breaker_enter(&b, &half_of_ten, 21001, &other));
    assert_int_equal(breaker_leave(&b, &half_of_ten, BREAKER_FINE, trial, 22000, 7),
                     BREAKER_MENDED);
    assert_int_equal(breaker_look(&b, &half_of_ten, 22000), BREAKER_CLOSED);
    assert_int_equal(b.changed_wall_ms, 7);
    breaker_count(&b, &half_of_ten, 22000, &failures, &attempts);
    assert_int_equal(attempts, 0); /* what tripped it counts no more */
    assert_true(breaker_enter(&b, &half_of_ten, 22000, &other));
    assert_int_equal(other, 0);
}

static void a_trial_that_fails_opens_it_again(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint64_t trial;
    trip(&b, 1000);
    assert_true(breaker_enter(&b, &half_of_ten, 21000, &trial));
    assert_int_equal(breaker_leave(&b, &half_of_ten, BREAKER_FAILED, trial, 24000, 24000),
                     BREAKER_TRIPPED_AGAIN);
    assert_false(breaker_enter(&b, &half_of_ten, 43999, &trial));
    assert_true(breaker_enter(&b, &half_of_ten, 44000, &trial));
    assert_int_equal(b.trips, 1);
}

static void a_trial_that_was_given_up_makes_room_for_the_next(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint64_t trial;
    trip(&b, 1000);
    assert_true(breaker_enter(&b, &half_of_ten, 21000, &trial));
    assert_int_equal(breaker_leave(&b, &half_of_ten, BREAKER_NEITHER, trial, 21500, 0),
                     BREAKER_SAME);
    assert_int_equal(breaker_look(&b, &half_of_ten, 21500), BREAKER_HALF_OPEN);
}

static void a_trial_without_end_does_not_block_the_next(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint64_t slow, trial, other;
    trip(&b, 1000);
    assert_true(breaker_enter(&b, &half_of_ten, 21000, &slow));
    assert_true(breaker_enter(&b, &half_of_ten, 41001, &trial));
    assert_int_not_equal(trial, slow);
    assert_int_equal(breaker_leave(&b, &half_of_ten, BREAKER_NEITHER, slow, 41002, 0),
                     BREAKER_SAME);
    assert_false(breaker_enter(&b, &half_of_ten, 41003, &other)); /* the second one's trial */
}

static void late_ends_of_calls_from_before_change_nothing(void **state)
{
    (void)state;
    struct breaker b = {0};
    uint64_t old, trial;
    assert_true(breaker_enter(&b, &half_of_ten, 500, &old));
    trip(&b, 1000);
    assert_int_equal(breaker_leave(&b, &half_of_ten, BREAKER_FAILED, old, 20000, 0), BREAKER_SAME);
    assert_int_equal(breaker_leave(&b, &half_of_ten, BREAKER_FINE, old, 20000, 0), BREAKER_SAME);
    assert_true(breaker_enter(&b, &half_of_ten, 21000, &trial));
}

static void many_attempts_keep_their_share(void **state)
{
    (void)state;
    const struct conf_breaker wide = {
        .trip_pct = 90, .of = 65535, .window_ms = 600000, .retry_ms = 1};
    struct breaker b = {0};
    uint32_t failures, attempts;
    for (unsigned i = 0; i < 200000; i++)
        (void)breaker_leave(&b, &wide, i & 1 ? BREAKER_FAILED : BREAKER_FINE, 0, 5, 5);
    breaker_count(&b, &wide, 5, &failures, &attempts);
    assert_in_range(attempts, 32768, 65535);
    assert_in_range(failures * 1000ULL / attempts, 495, 505);
}

#define THREADS 4
#define ROUNDS  20000

static struct breaker shared;
static _Atomic uint32_t trials, changes;
static const struct conf_breaker never = {
    .trip_pct = 100, .of = 65535, .window_ms = 3600000, .retry_ms = 1000};

static void *count_some(void *arg)
{
    uint64_t trial;
    (void)arg;
    for (unsigned i = 0; i < ROUNDS / 2; i++)
        if (breaker_enter(&shared, &never, 1000, &trial))
            (void)breaker_leave(&shared, &never, i & 1 ? BREAKER_FAILED : BREAKER_FINE, trial, 1000,
                                1000);
    return NULL;
}

static void *try_all(void *arg)
{
    uint64_t trial;
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (!breaker_enter(&shared, &half_of_ten, 21000, &trial))
            continue;
        if (trial)
            atomic_fetch_add(&trials, 1);
    }
    return NULL;
}

static void *fail_all(void *arg)
{
    (void)arg;
    for (unsigned i = 0; i < ROUNDS; i++)
        if (breaker_leave(&shared, &half_of_ten, BREAKER_FAILED, 0, 1000, 1000) == BREAKER_TRIPPED)
            atomic_fetch_add(&changes, 1);
    return NULL;
}

static void run(void *(*fn)(void *))
{
    pthread_t t[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, fn, NULL), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
}

static void threads_lose_no_count_trip_once_and_share_one_trial(void **state)
{
    (void)state;
    uint32_t failures, attempts;
    run(count_some);
    breaker_count(&shared, &never, 1000, &failures, &attempts);
    assert_int_equal(attempts, THREADS * ROUNDS / 2);
    assert_int_equal(failures, THREADS * ROUNDS / 4);
    shared = (struct breaker){0};
    run(fail_all);
    assert_int_equal(changes, 1);
    assert_int_equal(shared.trips, 1);
    run(try_all);
    assert_int_equal(trials, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trips_at_the_share_and_not_before_the_number),
        cmocka_unit_test(below_the_share_it_stays_closed),
        cmocka_unit_test(who_gave_up_is_neither),
        cmocka_unit_test(without_a_share_nothing_is_counted),
        cmocka_unit_test(a_window_that_is_over_is_forgotten),
        cmocka_unit_test(half_open_lets_one_through_and_closes),
        cmocka_unit_test(a_trial_that_fails_opens_it_again),
        cmocka_unit_test(a_trial_that_was_given_up_makes_room_for_the_next),
        cmocka_unit_test(a_trial_without_end_does_not_block_the_next),
        cmocka_unit_test(late_ends_of_calls_from_before_change_nothing),
        cmocka_unit_test(many_attempts_keep_their_share),
        cmocka_unit_test(threads_lose_no_count_trip_once_and_share_one_trial),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
