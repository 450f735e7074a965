/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Rings and bells, alone and between two threads.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>
#include "core/err.h"
#include "core/work.h"

#define ITEM(n) ((void *)(uintptr_t)(n))

static void ring_keeps_order_and_refuses_when_full(void **state)
{
    struct ring *r = ring_new(5); /* becomes 8 */

    (void)state;
    for (uintptr_t round = 0; round < 3; round++) {
        assert_null(ring_get(r));
        for (uintptr_t i = 1; i <= 8; i++) {
            assert_int_equal(ring_put(r, ITEM(i)), 0);
            assert_int_equal(ring_len(r), i);
        }
        assert_int_equal(ring_put(r, ITEM(9)), TD_EFULL);
        assert_int_equal(ring_fill_percent(r), 100);
        for (uintptr_t i = 1; i <= 8; i++)
            assert_ptr_equal(ring_get(r), ITEM(i));
        assert_int_equal(ring_fill_percent(r), 0);
    }
    ring_free(r);
}

static bool is_ringing(const struct bell *b)
{
    struct pollfd p = {.fd = b->fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void bell_rings_only_when_armed(void **state)
{
    struct bell b;

    (void)state;
    assert_int_equal(bell_init(&b), 0);
    bell_ring(&b);
    assert_false(is_ringing(&b));
    bell_arm(&b);
    bell_ring(&b);
    bell_ring(&b);
    assert_true(is_ringing(&b));
    bell_clear(&b);
    assert_false(is_ringing(&b));
    bell_arm(&b);
    bell_clear(&b); /* awake again: no system call needed */
    bell_ring(&b);
    assert_false(is_ringing(&b));
    bell_fini(&b);
}

enum { ITEMS = 200000 };

struct line {
    struct ring *ring;
    struct bell bell;
};

static void *produce(void *arg)
{
    struct line *l = arg;

    for (uintptr_t i = 1; i <= ITEMS; i++) {
        while (ring_put(l->ring, ITEM(i)) < 0)
            sched_yield();
        bell_ring(&l->bell);
    }
    return NULL;
}

static void *take(struct line *l)
{
    void *item = ring_get(l->ring);

    while (!item) {
        struct pollfd p = {.fd = l->bell.fd, .events = POLLIN};
        bell_arm(&l->bell);
        item = ring_get(l->ring);
        if (!item && poll(&p, 1, 10000) != 1)
            return NULL; /* a lost wake-up */
        bell_clear(&l->bell);
        if (!item)
            item = ring_get(l->ring);
    }
    return item;
}

static void two_threads_pass_everything_in_order_without_a_lost_wake_up(void **state)
{
    struct line l = {.ring = ring_new(64)};
    pthread_t producer;

    (void)state;
    assert_int_equal(bell_init(&l.bell), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &l), 0);
    for (uintptr_t i = 1; i <= ITEMS; i++)
        assert_ptr_equal(take(&l), ITEM(i));
    pthread_join(producer, NULL);
    assert_int_equal(ring_len(l.ring), 0);
    bell_fini(&l.bell);
    ring_free(l.ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_keeps_order_and_refuses_when_full),
        cmocka_unit_test(bell_rings_only_when_armed),
        cmocka_unit_test(two_threads_pass_everything_in_order_without_a_lost_wake_up),
    };

    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
