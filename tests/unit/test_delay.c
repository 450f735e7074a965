/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/core/delay.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "core/delay.h"

static struct delay d;
static struct delay_view v;

static void every_delay_is_in_a_step_not_much_wider(void **state)
{
    (void)state;
    for (uint64_t us = 0; us < 20000000; us = us + 1 + us / 50) {
        memset(&d, 0, sizeof(d));
        delay_add(&d, us);
        delay_read(&d, &v);
        assert_int_equal(v.n, 1);
        assert_int_equal(v.max_us, us);
        uint64_t q = delay_quantile_us(&v, 990);
        assert_true(q >= us);
        assert_true(q <= us + us / 7);
    }
}

static void steps_ascend(void **state)
{
    (void)state;
    for (unsigned i = 1; i < DELAY_BUCKETS; i++)
        assert_true(delay_bucket_us(i) > delay_bucket_us(i - 1));
}

static void quantiles_are_those_of_the_values(void **state)
{
    (void)state;
    memset(&d, 0, sizeof(d));
    delay_read(&d, &v);
    assert_int_equal(delay_quantile_us(&v, 990), 0);
    for (unsigned i = 0; i < 990; i++)
        delay_add(&d, 5);
    for (unsigned i = 0; i < 10; i++)
        delay_add(&d, UINT64_MAX);
    delay_read(&d, &v);
    assert_int_equal(v.n, 1000);
    assert_int_equal(delay_quantile_us(&v, 500), 5);
    assert_int_equal(delay_quantile_us(&v, 990), 5);
    assert_true(delay_quantile_us(&v, 991) > 30000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_delay_is_in_a_step_not_much_wider),
        cmocka_unit_test(steps_ascend),
        cmocka_unit_test(quantiles_are_those_of_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
