/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/core/parallel.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include "core/parallel.h"

#define PARTS 1000

struct seen {
    unsigned times[PARTS];
    pthread_t by[PARTS];
    int policy[PARTS];
    atomic_uint all, unblocked;
};

static void note(void *arg, unsigned part)
{
    struct seen *s = arg;
    sigset_t mask;

    s->times[part]++;
    s->by[part] = pthread_self();
    s->policy[part] = sched_getscheduler(0);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    if (!sigismember(&mask, SIGHUP))
        atomic_fetch_add(&s->unblocked, 1);
    atomic_fetch_add(&s->all, 1);
}

static void every_part_runs_once_on_any_number_of_threads(void **state)
{
    (void)state;
    static const unsigned threads[] = {0, 1, 2, 3, 16, 1000};
    for (size_t i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
        struct seen s = {0};
        parallel_run(note, &s, PARTS, threads[i]);
        assert_int_equal(s.all, PARTS);
        for (unsigned p = 0; p < PARTS; p++)
            assert_int_equal(s.times[p], 1);
    }
}

static void nothing_to_do_is_done_at_once(void **state)
{
    (void)state;
    struct seen s = {0};
    parallel_run(note, &s, 0, 4);
    assert_int_equal(s.all, 0);
}

static void one_thread_is_the_caller(void **state)
{
    (void)state;
    struct seen s = {0};
    parallel_run(note, &s, PARTS, 1);
    for (unsigned p = 0; p < PARTS; p++)
        assert_true(pthread_equal(s.by[p], pthread_self()));
}

struct meeting {
    pthread_barrier_t all;
    struct seen seen;
};

static void meet(void *arg, unsigned part)
{
    struct meeting *m = arg;
    pthread_barrier_wait(&m->all); /* returns only if all four run at the same time */
    note(&m->seen, part);
}

static void *as_idle(void *arg)
{
    struct sched_param none = {0};
    if (sched_setscheduler(0, SCHED_IDLE, &none) == 0)
        parallel_run(meet, arg, 4, 4);
    return NULL;
}

static void threads_run_together_with_the_callers_policy_and_no_signals(void **state)
{
    (void)state;
    static struct meeting m;
    pthread_t t;
    assert_int_equal(pthread_barrier_init(&m.all, NULL, 4), 0);
    assert_int_equal(pthread_create(&t, NULL, as_idle, &m), 0);
    assert_int_equal(pthread_join(t, NULL), 0);
    assert_int_equal(m.seen.all, 4);
    assert_int_equal(m.seen.unblocked, 1); /* the caller's own */
    for (unsigned p = 0; p < 4; p++)
        assert_int_equal(m.seen.policy[p], SCHED_IDLE);
    pthread_barrier_destroy(&m.all);
}

static void there_is_at_least_one_processor(void **state)
{
    (void)state;
    assert_in_range(parallel_threads(), 1, PARALLEL_THREADS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_runs_once_on_any_number_of_threads),
        cmocka_unit_test(nothing_to_do_is_done_at_once),
        cmocka_unit_test(one_thread_is_the_caller),
        cmocka_unit_test(threads_run_together_with_the_callers_policy_and_no_signals),
        cmocka_unit_test(there_is_at_least_one_processor),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
