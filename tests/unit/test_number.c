/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/number.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include "route/number.h"

static void a_user_part_is_cleaned_of_parameters_and_separators(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
        int ret;
    } row[] = {
        {"+12025550187", "+12025550187", 12},
        {"+1-202-555-0187", "+12025550187", 12},
        {"(202)555.0187;npdi;rn=+1202", "2025550187", 10},
        {"alice.smith", "alice.smith", 11},
        {"123alice-x", "123alice-x", 10},
        {"+", "+", 1},
        {"+1-900-555-1212A", "+19005551212A", 13},
        {"1.900.555.1212*", "19005551212*", 12},
        {"12-a", "12-a", 4},
        {"j%20smith", "j%20smith", 9},
        {"+1%20900", NULL, -EINVAL},
        {"%2B1900x", NULL, -EINVAL},
        {"*21", "*21", 3},
        {"", NULL, -EINVAL},
        {";npdi", NULL, -EINVAL},
        {"1234567890123456789012345678901234567890123456789012345678901234", NULL, -E2BIG},
        {"123456789012345678901234567890123456789012345678901234567890123",
         "123456789012345678901234567890123456789012345678901234567890123", 63},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[NUMBER_MAX];
        int ret = number_clean(span_of(row[i].in), out);
        assert_int_equal(ret, row[i].ret);
        if (ret >= 0)
            assert_string_equal(out, row[i].out);
    }
}

static void digits_are_told_from_names(void **state)
{
    (void)state;
    assert_true(number_is_digits(SPAN("+1202")));
    assert_true(number_is_digits(SPAN("0")));
    assert_false(number_is_digits(SPAN("+")));
    assert_false(number_is_digits(SPAN("")));
    assert_false(number_is_digits(SPAN("12a")));
    assert_false(number_is_digits(SPAN("1+2")));
}

static void patterns_match_whole_numbers_only(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool match;
    } row[] = {
        {"911", "911", true},
        {"911", "9111", false},
        {"911", "91", false},
        {"N11", "411", true},
        {"N11", "111", false},
        {"NXXNXXXXXX", "2025550187", true},
        {"NXXNXXXXXX", "1025550187", false},
        {"NXXNXXXXXX", "20255501870", false},
        {"011.", "0114420", true},
        {"011.", "011", false},
        {"011*", "011", true},
        {"+.", "+44", true},
        {"+.", "44", false},
        {"+.", "+", false},
        {"Z[2-5]X", "129", true},
        {"Z[2-5]X", "029", false},
        {"Z[2-5]X", "169", false},
        {".", "alice", true},
        {"X.", "alice", false},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct conf_pattern p;
        assert_int_equal(conf_pattern_compile(row[i].pattern, &p, NULL, NULL), 0);
        assert_int_equal(number_matches(&p, span_of(row[i].text)), row[i].match);
    }
}

static struct conf *load(const char *rules)
{
    static char text[2048];
    struct conf_errors errs;
    int n = snprintf(text, sizeof(text),
                     "realm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n"
                     "trunk t\n  listen l\n  media none\n  peer 192.0.2.9 udp\n  numbers plan\n"
                     "numbers plan\n%s",
                     rules);
    struct conf *c = conf_load_text("test", text, (size_t)n, NULL, &errs);
    if (!c)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(c);
    return c;
}

static void the_first_rule_that_matches_translates(void **state)
{
    (void)state;
    struct conf *c = load("  911 -> keep class emergency\n  1NXXNXXXXXX -> +{*}\n"
                          "  NXXNXXXXXX -> +1{*}\n  011. -> +{3-}\n");
    const struct conf_numbers *nums = conf_find_numbers(c, "plan");
    static const struct {
        const char *in, *out;
        int ret;
    } row[] = {
        {"911", "911", 3},
        {"12025550187", "+12025550187", 12},
        {"2025550187", "+12025550187", 12},
        {"011442079460123", "+442079460123", 13},
        {"5", NULL, -ENOENT},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char out[NUMBER_MAX];
        const struct conf_rule *rule;
        int ret = number_translate(nums, span_of(row[i].in), out, &rule);
        assert_int_equal(ret, row[i].ret);
        if (ret < 0) {
            assert_null(rule);
            continue;
        }
        assert_string_equal(out, row[i].out);
        assert_non_null(rule);
    }
    conf_free(c);
}

static void without_rules_a_number_stays(void **state)
{
    (void)state;
    char out[NUMBER_MAX];
    const struct conf_rule *rule;
    assert_int_equal(number_translate(NULL, SPAN("00123"), out, &rule), 5);
    assert_string_equal(out, "00123");
    assert_null(rule);
}

static void a_result_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    struct conf *c = load("  . -> 1234567890{*}\n");
    char out[NUMBER_MAX];
    const struct conf_rule *rule;
    struct span in = SPAN("12345678901234567890123456789012345678901234567890123");
    assert_int_equal(number_translate(conf_find_numbers(c, "plan"), in, out, &rule), 63);
    in = SPAN("123456789012345678901234567890123456789012345678901234");
    assert_int_equal(number_translate(conf_find_numbers(c, "plan"), in, out, &rule), -E2BIG);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_user_part_is_cleaned_of_parameters_and_separators),
        cmocka_unit_test(digits_are_told_from_names),
        cmocka_unit_test(patterns_match_whole_numbers_only),
        cmocka_unit_test(the_first_rule_that_matches_translates),
        cmocka_unit_test(without_rules_a_number_stays),
        cmocka_unit_test(a_result_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
