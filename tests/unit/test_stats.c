/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counters: counting, names.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "core/stats.h"

static void counters_count_apart(void **state)
{
    struct stats s = {0};

    (void)state;
    stat_inc(&s, STAT_sip_rx);
    stat_add(&s, STAT_sip_rx, 4);
    stat_inc(&s, STAT_sip_tx);
    assert_int_equal(stat_get(&s, STAT_sip_rx), 5);
    assert_int_equal(stat_get(&s, STAT_sip_tx), 1);
}

static void every_counter_has_its_own_name_and_a_help(void **state)
{
    (void)state;
    assert_string_equal(stat_name(STAT_sip_rx), "sip_rx");
    for (int i = 0; i < STAT_COUNT; i++) {
        assert_true(strlen(stat_help((enum stat_id)i)) > 0);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(stat_name((enum stat_id)i), stat_name((enum stat_id)k));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_count_apart),
        cmocka_unit_test(every_counter_has_its_own_name_and_a_help),
    };

    return cmocka_run_group_tests_name("stats", tests, NULL, NULL);
}
