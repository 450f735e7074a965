/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single values of the configuration, number patterns, and the guess at what was meant.
 * Whole configurations are in test_config.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "config/errors.h"
#include "config/lexer.h"
#include "config/value.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void durations_have_a_unit_and_fit_32_bits(void **state)
{
    static const struct {
        const char *text;
        int err;
        uint32_t ms;
    } table[] = {
        {"0s", 0, 0},
        {"1ms", 0, 1},
        {"30s", 0, 30000},
        {"5m", 0, 300000},
        {"4h", 0, 14400000},
        {"49d", 0, 4233600000U},
        {"50d", -ERANGE, 0},
        {"4294967295ms", 0, UINT32_MAX},
        {"4294967296ms", -ERANGE, 0},
        {"99999999999999999999s", -ERANGE, 0},
        {"30", -EINVAL, 0},
        {"s", -EINVAL, 0},
        {"", -EINVAL, 0},
        {"30sec", -EINVAL, 0},
        {"3 0s", -EINVAL, 0},
        {"-3s", -EINVAL, 0},
        {"1.5s", -EINVAL, 0},
    };
    uint32_t ms;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(table); i++) {
        ms = 0;
        assert_int_equal(value_duration(span_of(table[i].text), &ms), table[i].err);
        assert_int_equal(ms, table[i].ms);
    }
}

static void counts_have_their_unit_and_bounds(void **state)
{
    uint32_t n = 7;

    (void)state;
    assert_int_equal(value_count(SPAN("800calls"), "calls", 1000, &n), 0);
    assert_int_equal(n, 800);
    assert_int_equal(value_count(SPAN("1001calls"), "calls", 1000, &n), -ERANGE);
    assert_int_equal(value_count(SPAN("0calls"), "calls", 1000, &n), -ERANGE);
    assert_int_equal(value_count(SPAN("800cps"), "calls", 1000, &n), -EINVAL);
    assert_int_equal(value_count(SPAN("800"), "calls", 1000, &n), -EINVAL);
    assert_int_equal(value_count(SPAN("800call"), "calls", 1000, &n), -EINVAL);
    assert_int_equal(n, 800);
}

static void sizes_are_powers_of_a_thousand(void **state)
{
    uint64_t n;

    (void)state;
    assert_int_equal(value_size(SPAN("64MB"), &n), 0);
    assert_int_equal(n, 64000000);
    assert_int_equal(value_size(SPAN("1000GB"), &n), 0);
    assert_int_equal(value_size(SPAN("1001GB"), &n), -ERANGE);
    assert_int_equal(value_size(SPAN("64mb"), &n), -EINVAL);
    assert_int_equal(value_size(SPAN("64"), &n), -EINVAL);
}

static void ranges_grow(void **state)
{
    static const char *const bad[] = {"",    "1",    "1-",  "-1",      "2-1",
                                      "1-1", "0-10", "1-x", "1-65536", "1-2-3"};
    uint16_t lo, hi;
    size_t i;

    (void)state;
    assert_int_equal(value_range(SPAN("1-65535"), &lo, &hi), 0);
    assert_int_equal(lo, 1);
    assert_int_equal(hi, 65535);
    for (i = 0; i < COUNT(bad); i++)
        assert_int_equal(value_range(span_of(bad[i]), &lo, &hi), -EINVAL);
}

static void dscp_has_numbers_and_names(void **state)
{
    static const struct {
        const char *text;
        int dscp; /* -1 = refused */
    } table[] = {
        {"0", 0},     {"63", 63},   {"64", -1},   {"ef", 46},   {"be", 0},    {"cs0", 0},
        {"cs3", 24},  {"cs7", 56},  {"cs8", -1},  {"af11", 10}, {"af13", 14}, {"af31", 26},
        {"af43", 38}, {"af44", -1}, {"af51", -1}, {"EF", -1},   {"", -1},     {"af3", -1},
    };
    uint8_t dscp;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(table); i++) {
        int err = value_dscp(span_of(table[i].text), &dscp);

        assert_int_equal(err ? -1 : dscp, table[i].dscp);
    }
}

static void names_and_digits_have_their_alphabet(void **state)
{
    char longest[CONF_NAME_MAX + 1], digits[CONF_DIGITS_MAX + 1];

    (void)state;
    memset(longest, 'a', sizeof(longest));
    memset(digits, '1', sizeof(digits));
    assert_true(value_is_name(SPAN("a-1_b.c")));
    assert_true(value_is_name((struct span){longest, CONF_NAME_MAX}));
    assert_false(value_is_name((struct span){longest, CONF_NAME_MAX + 1}));
    assert_false(value_is_name(SPAN("-a")));
    assert_false(value_is_name(SPAN("a b")));
    assert_false(value_is_name(SPAN("")));
    assert_true(value_is_digits(SPAN("+"), true));
    assert_true(value_is_digits(SPAN("+1"), true));
    assert_false(value_is_digits(SPAN("+1"), false));
    assert_false(value_is_digits(SPAN("1+"), true));
    assert_false(value_is_digits(SPAN(""), true));
    assert_true(value_is_digits((struct span){digits, CONF_DIGITS_MAX}, false));
    assert_false(value_is_digits((struct span){digits, CONF_DIGITS_MAX + 1}, false));
    assert_true(value_is_dns_name(SPAN("sbc1.alpha.example:5060")));
    assert_false(value_is_dns_name(SPAN("192.0.2.999")));
}

static void results_are_digits_and_copies(void **state)
{
    static const struct {
        const char *text;
        int bad; /* offset of the first wrong byte, -1 = none */
    } table[] = {
        {"{*}", -1}, {"+1{*}", -1},  {"99{1-}", -1}, {"{12-}7", -1}, {"12", -1},   {"+", -1},
        {"1+", 1},   {"a", 0},       {"{", 0},       {"{}", 0},      {"{-}", 0},   {"{2}", 0},
        {"{2-", 0},  {"1{100-}", 1}, {"{*", 0},      {"{*}x", 3},    {"{2-5}", 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(table); i++) {
        struct span s = span_of(table[i].text);

        assert_int_equal(value_result_check(s), table[i].bad < 0 ? s.len : (size_t)table[i].bad);
    }
}

/* ---- patterns ---- */

static void each_position_of_a_pattern_is_a_set(void **state)
{
    struct conf_pattern p;

    (void)state;
    assert_int_equal(conf_pattern_compile("+0XZN[2-5][19-]", &p, NULL, NULL), -EINVAL);
    assert_int_equal(conf_pattern_compile("+0XZN[2-5][17-9].", &p, NULL, NULL), 0);
    assert_int_equal(p.len, 7);
    assert_int_equal(p.tail, CONF_TAIL_SOME);
    assert_int_equal(p.set[0], 1 << CONF_SET_PLUS);
    assert_int_equal(p.set[1], 1);
    assert_int_equal(p.set[2], 0x3ff);
    assert_int_equal(p.set[3], 0x3fe);
    assert_int_equal(p.set[4], 0x3fc);
    assert_int_equal(p.set[5], 0x03c);
    assert_int_equal(p.set[6], 0x382);
    assert_int_equal(conf_pattern_compile("*", &p, NULL, NULL), 0);
    assert_int_equal(p.len, 0);
    assert_int_equal(p.tail, CONF_TAIL_ANY);
    assert_int_equal(conf_pattern_compile("911", &p, NULL, NULL), 0);
    assert_int_equal(p.tail, CONF_TAIL_NONE);
}

static void a_bad_pattern_says_where(void **state)
{
    static const struct {
        const char *text;
        size_t bad;
        int err;
    } table[] = {
        {"", 0, -EINVAL},
        {"1.2", 1, -EINVAL},
        {"*1", 0, -EINVAL},
        {"1+", 1, -EINVAL},
        {"12Y", 2, -EINVAL},
        {"[", 0, -EINVAL},
        {"1[]", 1, -EINVAL},
        {"[2-", 0, -EINVAL},
        {"[2-5", 0, -EINVAL},
        {"[5-2]", 0, -EINVAL},
        {"[a]", 0, -EINVAL},
        {"x", 0, -EINVAL},
        {"11111111111111111111111111111111", 31, -E2BIG},
    };
    struct conf_pattern p = {.len = 77};
    size_t i, bad;
    const char *why;

    (void)state;
    for (i = 0; i < COUNT(table); i++) {
        why = NULL;
        assert_int_equal(conf_pattern_compile(table[i].text, &p, &bad, &why), table[i].err);
        assert_int_equal(bad, table[i].bad);
        assert_non_null(why);
        assert_int_equal(p.len, 77);
    }
    assert_int_equal(conf_pattern_compile("1111111111111111111111111111111.", &p, NULL, NULL), 0);
}

static void a_pattern_covers_another_only_if_it_takes_all_of_its_numbers(void **state)
{
    static const struct {
        const char *a, *b;
        bool covers;
    } table[] = {
        {"X", "5", true},      {"5", "X", false},    {".", "911", true},   {"*", ".", true},
        {".", "*", false},     {"9.", "9", false},   {"9*", "9", true},    {"N11", "911", true},
        {"N11", "N1.", false}, {"N1.", "N11", true}, {"+.", "1.", false},  {"NXX", "NXXX", false},
        {"X.", "12.", true},   {"12.", "1.", false}, {"[2-5]", "3", true}, {"[2-5]", "N", false},
    };
    struct conf_pattern a, b;
    size_t i;

    (void)state;
    for (i = 0; i < COUNT(table); i++) {
        assert_int_equal(conf_pattern_compile(table[i].a, &a, NULL, NULL), 0);
        assert_int_equal(conf_pattern_compile(table[i].b, &b, NULL, NULL), 0);
        assert_int_equal(pattern_covers(&a, &b), table[i].covers);
    }
}

/* ---- what was meant ---- */

static void edits_are_counted_and_bounded(void **state)
{
    (void)state;
    assert_int_equal(edit_distance(SPAN("trunk"), SPAN("trunk"), 2), 0);
    assert_int_equal(edit_distance(SPAN("trnk"), SPAN("trunk"), 2), 1);
    assert_int_equal(edit_distance(SPAN("turnk"), SPAN("trunk"), 2), 1);
    assert_int_equal(edit_distance(SPAN("trumq"), SPAN("trunk"), 2), 2);
    assert_int_equal(edit_distance(SPAN("route"), SPAN("trunk"), 2), 3);
    assert_int_equal(edit_distance(SPAN(""), SPAN("ab"), 2), 2);
}

static void the_nearest_word_is_meant_and_short_words_are_not_guessed_at(void **state)
{
    struct nearest n;

    (void)state;
    nearest_init(&n, SPAN("listne"));
    nearest_try(&n, "latch");
    nearest_try(&n, "list");
    nearest_try(&n, "listen");
    assert_string_equal(n.best, "listen");
    nearest_init(&n, SPAN("ab"));
    nearest_try(&n, "cd");
    nearest_try(&n, "abcd");
    assert_null(n.best);
    nearest_init(&n, SPAN("a"));
    nearest_try(&n, "b");
    assert_null(n.best);
}

/* ---- lexer ---- */

static void a_line_is_cut_into_values_with_columns(void **state)
{
    struct lexer lx;
    struct lex_line line;
    struct lex_fault fault;

    (void)state;
    lex_init(&lx, SPAN("\n# nothing\n a  \"b c\"\td#e #f\nx"));
    assert_int_equal(lex_next(&lx, &line, &fault), LEX_LINE);
    assert_int_equal(line.no, 3);
    assert_true(line.indented);
    assert_int_equal(line.n, 3);
    assert_int_equal(line.tok[0].col, 2);
    assert_int_equal(line.tok[1].col, 5);
    assert_int_equal(line.tok[1].width, 5);
    assert_true(line.tok[1].quoted);
    assert_true(span_eq(line.tok[1].s, SPAN("b c")));
    assert_true(span_eq(line.tok[2].s, SPAN("d#e")));
    assert_int_equal(lex_next(&lx, &line, &fault), LEX_LINE);
    assert_int_equal(line.no, 4);
    assert_false(line.indented);
    assert_int_equal(lex_next(&lx, &line, &fault), LEX_END);
}

static void a_fault_spoils_its_own_line_only(void **state)
{
    struct lexer lx;
    struct lex_line line;
    struct lex_fault fault;

    (void)state;
    lex_init(&lx, SPAN("a \"b\nc\n"));
    assert_int_equal(lex_next(&lx, &line, &fault), LEX_FAULT);
    assert_int_equal(fault.no, 1);
    assert_int_equal(fault.col, 3);
    assert_int_equal(fault.width, 2);
    assert_int_equal(lex_next(&lx, &line, &fault), LEX_LINE);
    assert_true(span_eq(line.tok[0].s, SPAN("c")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_a_unit_and_fit_32_bits),
        cmocka_unit_test(counts_have_their_unit_and_bounds),
        cmocka_unit_test(sizes_are_powers_of_a_thousand),
        cmocka_unit_test(ranges_grow),
        cmocka_unit_test(dscp_has_numbers_and_names),
        cmocka_unit_test(names_and_digits_have_their_alphabet),
        cmocka_unit_test(results_are_digits_and_copies),
        cmocka_unit_test(each_position_of_a_pattern_is_a_set),
        cmocka_unit_test(a_bad_pattern_says_where),
        cmocka_unit_test(a_pattern_covers_another_only_if_it_takes_all_of_its_numbers),
        cmocka_unit_test(edits_are_counted_and_bounded),
        cmocka_unit_test(the_nearest_word_is_meant_and_short_words_are_not_guessed_at),
        cmocka_unit_test(a_line_is_cut_into_values_with_columns),
        cmocka_unit_test(a_fault_spoils_its_own_line_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
