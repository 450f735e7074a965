/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/table.c; the property test compares with a linear scan.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "core/err.h"
#include "route/table.h"

static void the_longest_prefix_wins(void **state)
{
    (void)state;
    struct table *t = table_new(8);
    uint32_t v;
    size_t len;
    assert_int_equal(table_add(t, SPAN("+1"), 1), 0);
    assert_int_equal(table_add(t, SPAN("+1202"), 2), 0);
    assert_int_equal(table_add(t, SPAN("+44"), 3), 0);
    assert_int_equal(table_add(t, SPAN("0"), 4), 0);
    assert_int_equal(table_add(t, SPAN("00"), 5), 0);
    assert_int_equal(table_find(t, SPAN("+12025550187"), &v, &len), 0);
    assert_int_equal(v, 2);
    assert_int_equal(len, 5);
    assert_int_equal(table_find(t, SPAN("+12125550187"), &v, NULL), 0);
    assert_int_equal(v, 1);
    assert_int_equal(table_find(t, SPAN("0123"), &v, NULL), 0);
    assert_int_equal(v, 4);
    assert_int_equal(table_find(t, SPAN("00123"), &v, NULL), 0);
    assert_int_equal(v, 5);
    assert_int_equal(table_find(t, SPAN("44"), &v, NULL), -ENOENT);
    assert_int_equal(table_find(t, SPAN(""), &v, NULL), -ENOENT);
    assert_int_equal(table_find(t, SPAN("alice"), &v, NULL), -ENOENT);
    assert_int_equal(table_count(t), 5);
    table_free(t);
}

static void the_empty_prefix_is_the_default_even_for_names(void **state)
{
    (void)state;
    struct table *t = table_new(1);
    uint32_t v = 0;
    size_t len = 9;
    assert_int_equal(table_add(t, SPAN_NONE, 7), 0);
    assert_int_equal(table_find(t, SPAN("alice"), &v, &len), 0);
    assert_int_equal(v, 7);
    assert_int_equal(len, 0);
    table_free(t);
}

static void what_is_no_prefix_is_refused(void **state)
{
    (void)state;
    struct table *t = table_new(2);
    assert_int_equal(table_add(t, SPAN("12a"), 1), -EINVAL);
    assert_int_equal(table_add(t, SPAN("1+2"), 1), -EINVAL);
    assert_int_equal(table_add(t, SPAN("12345678901234567890123456789012"), 1), -EINVAL);
    assert_int_equal(table_add(t, SPAN("1234567890123456789012345678901"), 1), 0);
    assert_int_equal(table_add(t, SPAN("1234567890123456789012345678901"), 1), -EEXIST);
    assert_int_equal(table_add(t, SPAN("2"), 1), 0);
    assert_int_equal(table_add(t, SPAN("3"), 1), TD_EFULL);
    table_free(t);
}

#define ROWS    3000
#define LOOKUPS 20000

static void lookups_agree_with_a_linear_scan(void **state)
{
    (void)state;
    static char prefix[ROWS][16];
    struct table *t = table_new(ROWS);
    unsigned seed = 12345, rows = 0;
    for (unsigned i = 0; i < ROWS; i++) {
        size_t len = 1 + (unsigned)rand_r(&seed) % 7;
        for (size_t j = 0; j < len; j++)
            prefix[rows][j] = (char)('0' + (unsigned)rand_r(&seed) % 4);
        prefix[rows][len] = '\0';
        if (table_add(t, span_of(prefix[rows]), rows) == 0)
            rows++;
    }
    assert_true(rows > 1000);
    for (unsigned i = 0; i < LOOKUPS; i++) {
        char number[12];
        size_t best = 0;
        uint32_t want = UINT32_MAX, got = UINT32_MAX;
        for (size_t j = 0; j < 11; j++)
            number[j] = (char)('0' + (unsigned)rand_r(&seed) % 4);
        number[11] = '\0';
        for (unsigned r = 0; r < rows; r++)
            if (strlen(prefix[r]) > best && strncmp(number, prefix[r], strlen(prefix[r])) == 0) {
                best = strlen(prefix[r]);
                want = r;
            }
        int ret = table_find(t, span_of(number), &got, NULL);
        assert_int_equal(ret, best ? 0 : -ENOENT);
        assert_int_equal(got, want);
    }
    table_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_prefix_wins),
        cmocka_unit_test(the_empty_prefix_is_the_default_even_for_names),
        cmocka_unit_test(what_is_no_prefix_is_refused),
        cmocka_unit_test(lookups_agree_with_a_linear_scan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
