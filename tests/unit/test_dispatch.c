/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/dispatch.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include "core/err.h"
#include "daemon/dispatch.h"

struct seen {
    unsigned n, next;
    uint16_t listener;
};

static void take(void *arg, const struct dispatch_item *it, uint64_t wait_us)
{
    struct seen *s = arg;
    char want[16];
    size_t n = (size_t)snprintf(want, sizeof(want), "m%u", s->next++);
    assert_int_equal(it->len, n);
    assert_int_equal(it->kind, DISPATCH_SEND);
    assert_true(wait_us < 60000000);
    assert_memory_equal(it->buf, want, n);
    s->listener = it->flow->listener;
    s->n++;
}

static int give(struct dispatch *d, unsigned from, unsigned to, unsigned number, enum sip_class cls,
                bool in_dialog)
{
    char buf[16];
    struct flow f = {.listener = 7};
    size_t n = (size_t)snprintf(buf, sizeof(buf), "m%u", number);
    return dispatch_give(d, from, to,
                         &(struct dispatch_item){DISPATCH_SEND, cls, in_dialog, &f, buf, n});
}

static void datagrams_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct dispatch *d = dispatch_new(3);
    static struct stats st;
    struct seen s = {0};
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(give(d, 0, 2, i, SIP_CLASS_ORDINARY, false), 0);
    assert_true(dispatch_waiting(d, 2));
    assert_false(dispatch_waiting(d, 1));
    assert_int_equal(dispatch_take(d, 2, 60, &st, take, &s), 60);
    assert_int_equal(dispatch_take(d, 2, 60, &st, take, &s), 40);
    assert_int_equal(dispatch_take(d, 2, 60, &st, take, &s), 0);
    assert_int_equal(s.n, 100);
    assert_int_equal(s.listener, 7);
    assert_int_equal(stat_get(&st, STAT_handover_in), 100);
    dispatch_free(d);
}

static unsigned fill(struct dispatch *d, enum sip_class cls, bool in_dialog)
{
    unsigned n = 0;
    while (give(d, 0, 1, n, cls, in_dialog) == 0)
        n++;
    return n;
}

static void a_filling_ring_refuses_ordinary_calls_first_and_standing_ones_last(void **state)
{
    (void)state;
    struct dispatch *d = dispatch_new(2);
    unsigned ordinary = fill(d, SIP_CLASS_ORDINARY, false);
    assert_in_range(ordinary, DISPATCH_SLOTS * 79 / 100, DISPATCH_SLOTS * 81 / 100);
    unsigned priority = fill(d, SIP_CLASS_PRIORITY, false);
    assert_in_range(ordinary + priority, DISPATCH_SLOTS * 89 / 100, DISPATCH_SLOTS * 91 / 100);
    assert_int_equal(give(d, 0, 1, 0, SIP_CLASS_ORDINARY, true), 0);
    unsigned emergency = fill(d, SIP_CLASS_EMERGENCY, false);
    assert_in_range(emergency, 100, DISPATCH_SLOTS);
    assert_int_equal(give(d, 0, 1, 0, SIP_CLASS_ORDINARY, true), TD_EFULL);
    assert_int_equal(give(d, 1, 0, 0, SIP_CLASS_ORDINARY, false), 0); /* the other way is empty */
    dispatch_free(d);                                                 /* frees what still waits */
}

static void a_sleeping_worker_is_woken(void **state)
{
    (void)state;
    struct dispatch *d = dispatch_new(2);
    struct pollfd p = {.fd = dispatch_bell(d, 1)->fd, .events = POLLIN};
    bell_arm(dispatch_bell(d, 1));
    assert_int_equal(poll(&p, 1, 0), 0);
    assert_int_equal(give(d, 0, 1, 0, SIP_CLASS_ORDINARY, false), 0);
    assert_int_equal(poll(&p, 1, 0), 1);
    bell_clear(dispatch_bell(d, 1));
    assert_int_equal(poll(&p, 1, 0), 0);
    dispatch_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_arrive_whole_and_in_order),
        cmocka_unit_test(a_filling_ring_refuses_ordinary_calls_first_and_standing_ones_last),
        cmocka_unit_test(a_sleeping_worker_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
