/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/dips.c: its thread against workers that are this test.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include "core/err.h"
#include "core/work.h"
#include "daemon/dips.h"

#define WORKERS 2

static struct bell bell[WORKERS];
static struct dips *dips;
static struct conf *conf;
static unsigned got[WORKERS];
static uint32_t last[WORKERS];

static void wake(void *arg, unsigned worker)
{
    (void)arg;
    bell_ring(&bell[worker]);
}

static struct conf *conf_of(const char *text)
{
    struct conf_errors errs;
    struct conf *c = conf_load_text("t", text, strlen(text), NULL, &errs);

    conf_errors_fini(&errs);
    assert_non_null(c);
    return c;
}

/* A server that is not there: nobody listens at port 9 of the loopback. */
#define CONF                                                                       \
    "realm lan\n address 192.0.2.1\nlisten sip\n realm lan\n udp 192.0.2.1:5060\n" \
    "trunk in\n media none\n listen sip\n accept 198.51.100.0/24\n routes all\n"   \
    "trunk out\n media none\n listen sip\n peer 203.0.113.1 udp\n"                 \
    "lnp np\n enum e164.example\n server 127.0.0.1:9\n"                            \
    "route all\n lnp dip np\n default via out\n"

static int set_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++) {
        got[i] = last[i] = 0;
        if (bell_init(&bell[i]) < 0)
            return -1;
    }
    conf = conf_of(CONF);
    dips = dips_new(&(struct dips_param){WORKERS, wake, NULL});
    return dips ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    dips_free(dips);
    conf_free(conf);
    for (unsigned i = 0; i < WORKERS; i++)
        bell_fini(&bell[i]);
    return 0;
}

static int ask(unsigned worker, uint32_t serial, const char *section)
{
    struct dip_ops *o = dips_port(dips, worker);

    return o->ask(o, &(struct dip_question){7, serial, section, "+12125551234"});
}

static void on_answer(void *arg, const struct dip_answer *a)
{
    unsigned worker = *(unsigned *)arg;

    assert_int_equal(a->call, 7);
    assert_int_equal(a->port.status, PORT_FAILED);
    got[worker]++;
    last[worker] = a->serial;
}

/* As a worker does: arm, look, sleep. 60 s is for a machine that does other things. */
static void wait_for(unsigned worker, unsigned n)
{
    while (got[worker] < n) {
        bell_arm(&bell[worker]);
        if (!dips_waiting(dips, worker)) {
            struct pollfd p = {bell[worker].fd, POLLIN, 0};

            assert_int_equal(poll(&p, 1, 60000), 1);
        }
        bell_clear(&bell[worker]);
        dips_take(dips, worker, on_answer, &worker);
    }
}

static void each_worker_gets_its_own_answers(void **state)
{
    (void)state;
    for (uint32_t i = 1; i <= 100; i++) {
        assert_int_equal(ask(i % 2, i, "nobody"), 0);
        wait_for(i % 2, (i + 1) / 2);
        assert_int_equal(last[i % 2], i);
    }
}

static void no_more_questions_than_slots_are_taken(void **state)
{
    unsigned n = 0;

    (void)state;
    dips_configure(dips, conf);
    while (n < 100000 && ask(0, ++n, "np") == 0)
        ;
    assert_true(n > DIPS_MAX && n <= 2 * DIPS_MAX + 1); /* none is taken back here meanwhile */
    assert_int_equal(ask(0, 1, "np"), TD_EFULL);
    assert_int_equal(ask(1, 1, "nobody"), 0); /* another worker has slots of its own */
    wait_for(0, n - 1);
    wait_for(1, 1);
    assert_int_equal(ask(0, 1, "nobody"), 0);
    wait_for(0, n);
}

static void it_ends_and_is_configured_with_questions_under_way(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 200; i++) {
        assert_int_equal(ask(i % 2, i, "np"), 0);
        if (i % 10 == 0)
            dips_configure(dips, conf);
        json_decref(dips_state(dips));
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(each_worker_gets_its_own_answers),
        T(no_more_questions_than_slots_are_taken),
        T(it_ends_and_is_configured_with_questions_under_way),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
