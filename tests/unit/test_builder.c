/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/builder.c: the order of jobs, on which threads they run, and at which priority.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <unistd.h>
#include "core/err.h"
#include "core/htab.h"
#include "core/parallel.h"
#include "daemon/builder.h"

struct piece {
    struct build_job job;
    unsigned number;
    pthread_t ran, ended;
    bool was_idle;
    unsigned at; /* order of done */
};

static unsigned done_so_far;
static atomic_uint ran_so_far;
static atomic_bool gate;

static bool is_idle(void)
{
    struct sched_param p;
    int policy = -1;

    (void)pthread_getschedparam(pthread_self(), &policy, &p);
    return policy == SCHED_IDLE || getpriority(PRIO_PROCESS, (id_t)gettid()) == 19;
}

static void run(struct build_job *job)
{
    struct piece *p = container_of(job, struct piece, job);

    p->ran = pthread_self();
    p->was_idle = is_idle();
    atomic_fetch_add(&ran_so_far, 1);
}

static void run_when_open(struct build_job *job)
{
    while (!atomic_load(&gate))
        sched_yield();
    run(job);
}

static void done(struct build_job *job)
{
    struct piece *p = container_of(job, struct piece, job);

    p->ended = pthread_self();
    p->at = ++done_so_far;
}

/* Until that many are through. */
static void take(struct builder *b, struct bell *bell, unsigned n)
{
    while (done_so_far < n) {
        struct pollfd fd = {.fd = bell->fd, .events = POLLIN};

        bell_arm(bell);
        builder_turn(b);
        if (done_so_far < n)
            assert_true(poll(&fd, 1, 60000) > 0);
        bell_clear(bell);
    }
}

static void jobs_run_in_order_elsewhere_and_idle(void **state)
{
    struct bell bell;
    struct piece p[5];
    struct builder *b;

    (void)state;
    done_so_far = 0;
    assert_int_equal(bell_init(&bell), 0);
    b = builder_new(&bell);
    assert_non_null(b);
    for (unsigned i = 0; i < 5; i++) {
        p[i] = (struct piece){.job = {run, done}, .number = i};
        assert_int_equal(builder_post(b, &p[i].job), 0);
    }
    take(b, &bell, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(p[i].at, i + 1);
        assert_false(pthread_equal(p[i].ran, pthread_self()));
        assert_true(pthread_equal(p[i].ended, pthread_self()));
        assert_true(p[i].was_idle);
    }
    builder_free(b);
    bell_fini(&bell);
}

static atomic_uint idle_parts;

static void part(void *arg, unsigned n)
{
    (void)arg;
    (void)n;
    if (is_idle())
        atomic_fetch_add(&idle_parts, 1);
}

static void run_in_parts(struct build_job *job)
{
    (void)job;
    parallel_run(part, NULL, 64, 4);
}

static void threads_of_a_job_are_idle_too(void **state)
{
    struct bell bell;
    struct piece p = {.job = {run_in_parts, done}};
    struct builder *b;

    (void)state;
    done_so_far = 0;
    assert_int_equal(bell_init(&bell), 0);
    b = builder_new(&bell);
    assert_int_equal(builder_post(b, &p.job), 0);
    take(b, &bell, 1);
    assert_int_equal(atomic_load(&idle_parts), 64);
    builder_free(b);
    bell_fini(&bell);
}

static void a_full_builder_says_so_and_the_end_waits_for_what_it_has(void **state)
{
    static struct piece p[BUILDER_JOBS + 1];
    struct bell bell;
    struct builder *b;

    (void)state;
    done_so_far = 0;
    atomic_store(&ran_so_far, 0);
    assert_int_equal(bell_init(&bell), 0);
    b = builder_new(&bell);
    for (unsigned i = 0; i < BUILDER_JOBS; i++) {
        p[i] = (struct piece){.job = {run_when_open, done}, .number = i};
        assert_int_equal(builder_room(b), BUILDER_JOBS - i);
        assert_int_equal(builder_post(b, &p[i].job), 0);
    }
    p[BUILDER_JOBS] = (struct piece){.job = {run, done}};
    assert_int_equal(builder_post(b, &p[BUILDER_JOBS].job), TD_EFULL);
    atomic_store(&gate, true);
    builder_free(b);
    assert_int_equal(atomic_load(&ran_so_far), BUILDER_JOBS);
    assert_int_equal(done_so_far, BUILDER_JOBS);
    bell_fini(&bell);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_run_in_order_elsewhere_and_idle),
        cmocka_unit_test(threads_of_a_job_are_idle_too),
        cmocka_unit_test(a_full_builder_says_so_and_the_end_waits_for_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
