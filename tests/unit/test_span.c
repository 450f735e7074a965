/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spans: comparison, trimming, cutting, numbers, copies.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "core/span.h"

static void case_is_ignored_for_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(span_case_eq(SPAN("Call-ID"), SPAN("cALL-id")));
    assert_false(span_case_eq(SPAN("Via"), SPAN("Vi")));
    assert_false(span_case_eq(SPAN("["), SPAN("{"))); /* 0x5b and 0x7b differ by the case bit */
    assert_false(span_case_eq(SPAN("@"), SPAN("`")));
    assert_true(span_case_eq(SPAN_NONE, SPAN("")));
}

static void prefix_longer_than_the_text_is_no_prefix(void **state)
{
    (void)state;
    assert_true(span_has_prefix(SPAN("sip:a"), SPAN("sip:")));
    assert_true(span_has_prefix(SPAN("sip"), SPAN("")));
    assert_false(span_has_prefix(SPAN("sip"), SPAN("sip:")));
    assert_false(span_has_prefix(SPAN("Sip:a"), SPAN("sip:")));
}

static void trim_takes_blanks_of_both_ends_only(void **state)
{
    (void)state;
    assert_true(span_eq(span_trim(SPAN(" \t\r\na b\r\n ")), SPAN("a b")));
    assert_int_equal(span_trim(SPAN(" \t ")).len, 0);
    assert_int_equal(span_trim(SPAN_NONE).len, 0);
}

static void cut_splits_at_the_first_mark(void **state)
{
    struct span head;
    struct span tail;

    (void)state;
    assert_true(span_cut(SPAN("a=b=c"), '=', &head, &tail));
    assert_true(span_eq(head, SPAN("a")));
    assert_true(span_eq(tail, SPAN("b=c")));
    assert_false(span_cut(SPAN("abc"), '=', &head, &tail));
    assert_true(span_eq(head, SPAN("abc")));
    assert_true(span_is_empty(tail));
    assert_true(span_cut(SPAN("a="), '=', &head, &tail));
    assert_true(span_is_empty(tail));
    assert_int_equal(span_chr(SPAN("abc"), 'c'), 2);
    assert_int_equal(span_chr(SPAN_NONE, 'c'), -1);
}

static void numbers_are_digits_within_their_bound(void **state)
{
    static const struct {
        struct span text;
        uint64_t max;
        int err;
        uint64_t value;
    } row[] = {
        {SPAN("0"), 10, 0, 0},
        {SPAN("10"), 10, 0, 10},
        {SPAN("0000000000000000000000007"), 10, 0, 7},
        {SPAN("18446744073709551615"), UINT64_MAX, 0, UINT64_MAX},
        {SPAN("18446744073709551616"), UINT64_MAX, -ERANGE, 0},
        {SPAN("99999999999999999999999"), UINT64_MAX, -ERANGE, 0},
        {SPAN("11"), 10, -ERANGE, 0},
        {SPAN(""), 10, -EINVAL, 0},
        {SPAN("-1"), 10, -EINVAL, 0},
        {SPAN("+1"), 10, -EINVAL, 0},
        {SPAN(" 1"), 10, -EINVAL, 0},
        {SPAN("99999999999999999999999x"), 10, -EINVAL, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        uint64_t v = 0;
        assert_int_equal(span_u64(row[i].text, row[i].max, &v), row[i].err);
        assert_int_equal(v, row[i].value);
    }
}

static void number_of_32_bits_leaves_the_result_alone_on_error(void **state)
{
    uint32_t v = 77;

    (void)state;
    assert_int_equal(span_u32(SPAN("4294967296"), UINT32_MAX, &v), -ERANGE);
    assert_int_equal(v, 77);
    assert_int_equal(span_u32(SPAN("4294967295"), UINT32_MAX, &v), 0);
    assert_int_equal(v, UINT32_MAX);
}

static void copy_needs_room_for_the_terminator(void **state)
{
    char buf[4] = "xyz";

    (void)state;
    assert_int_equal(span_copy(SPAN("abc"), buf, sizeof(buf)), 3);
    assert_string_equal(buf, "abc");
    assert_int_equal(span_copy(SPAN("abcd"), buf, sizeof(buf)), -ENOSPC);
    assert_string_equal(buf, "");
    assert_int_equal(span_copy(SPAN_NONE, buf, sizeof(buf)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_is_ignored_for_ascii_letters_only),
        cmocka_unit_test(prefix_longer_than_the_text_is_no_prefix),
        cmocka_unit_test(trim_takes_blanks_of_both_ends_only),
        cmocka_unit_test(cut_splits_at_the_first_mark),
        cmocka_unit_test(numbers_are_digits_within_their_bound),
        cmocka_unit_test(number_of_32_bits_leaves_the_result_alone_on_error),
        cmocka_unit_test(copy_needs_room_for_the_terminator),
    };

    return cmocka_run_group_tests_name("span", tests, NULL, NULL);
}
