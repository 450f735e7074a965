/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/deck*.c: a million rows, the order of messages, decks held against the lines that name them.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "deck_rig.h"

/* ---- many rows ---- */

#define MILLION   1000000U
#define ROW_BYTES 40

/* Row i: a prefix of its own, six digits behind 1..9; not in order. */
static size_t many_rows(char *text, uint32_t n)
{
    size_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint32_t p = 1000000 + (uint32_t)((uint64_t)i * 7368787 % 8999993);

        at += (size_t)snprintf(text + at, ROW_BYTES, "%u,0.%04u,%u,1,2026-11-01\n", p, p % 700,
                               p % 3 * 30);
    }
    return at;
}

static void a_million_rows_are_read_and_sorted(void **state)
{
    (void)state;
    char *text = malloc((size_t)MILLION * ROW_BYTES);
    size_t len = many_rows(text, MILLION);
    struct rig g;
    struct deck *d[3];

    rig_init(&g, columns_of_five, 5);
    for (unsigned i = 0; i < 3; i++) {
        g.threads = i < 2 ? i + 1 : 7;
        d[i] = loaded(&g, text, len);
        assert_non_null(d[i]);
        free(g.messages);
        assert_int_equal(d[i]->n, MILLION);
        for (uint32_t k = 1; k < MILLION; k++) {
            if (d[i]->row[k - 1].key >= d[i]->row[k].key)
                fail_msg("row %u", k);
        }
        if (i > 0) {
            assert_int_equal(d[i]->n_terms, d[0]->n_terms);
            assert_memory_equal(d[i]->row, d[0]->row, MILLION * sizeof(*d[0]->row));
            assert_memory_equal(d[i]->terms, d[0]->terms, d[0]->n_terms * sizeof(*d[0]->terms));
        }
    }
    for (uint32_t k = 0; k < MILLION; k += 997) {
        const struct deck_row *r = &d[0]->row[k];
        uint32_t p = 1000000 + (uint32_t)((uint64_t)(r->line - 1) * 7368787 % 8999993);
        char want[16];

        snprintf(want, sizeof(want), "+%u", p);
        assert_string_equal(key_at(d[0], k), want);
        assert_int_equal(terms_at(d[0], k)->rate[DECK_RATE], p % 700 * 100000);
        assert_int_equal(terms_at(d[0], k)->minimum, p % 3 * 30);
    }
    for (unsigned i = 0; i < 3; i++)
        deck_free(d[i]);
    free(text);
}

/* The n-th line of text, from 1. */
static char *line_at(char *text, uint32_t n)
{
    while (--n)
        text = strchr(text, '\n') + 1;
    return text;
}

static void row_48213_of_a_million_is_named(void **state)
{
    (void)state;
    char *text = malloc((size_t)MILLION * ROW_BYTES), *row, want[200];
    size_t len = many_rows(text, MILLION);
    struct rig g;
    int cut;

    rig_init(&g, columns_of_five, 5);
    text[len] = '\0';
    row = line_at(text, 48213);
    row[8] = 'O';
    assert_null(loaded(&g, text, len));
    cut = (int)(strchr(row, '\n') - row);
    snprintf(want, sizeof(want),
             "alpha.csv:48213:9: error: rate '%.6s' is not a number (letter O?)\n"
             "48213 | %.*s\n      |         ^^^^^^\n",
             row + 8, cut, row);
    assert_string_equal(g.messages, want);
    free(g.messages);
    free(text);
}

static void the_first_errors_are_kept_in_order_of_lines(void **state)
{
    (void)state;
    uint32_t n = 200000, at = 0, last = 0;
    char *text = malloc((size_t)n * ROW_BYTES), *p;
    size_t len = many_rows(text, n);
    struct rig g;

    rig_init(&g, columns_of_five, 5);
    text[len] = '\0';
    p = text;
    for (uint32_t i = 1; i <= n; i++, p = strchr(p, '\n') + 1) {
        if (i % 10 == 0)
            p[8] = 'x'; /* 20,000 bad rates in all parts */
    }
    memcpy(line_at(text, 5), text, 7); /* and two rows of one prefix */
    memcpy(line_at(text, n - 1), text, 7);
    for (g.threads = 1; g.threads <= 4; g.threads++) {
        assert_null(loaded(&g, text, len));
        assert_int_equal(g.errors, n / 10 + 2);
        assert_non_null(strstr(g.messages, "and 19902 more\n"));
        p = g.messages;
        for (at = 0, last = 0; (p = strstr(p, "alpha.csv:")); at++) {
            uint32_t line = (uint32_t)strtoul(p + 10, NULL, 10);

            assert_int_equal(line, at == 0 ? 5 : at * 10);
            assert_true(line > last);
            last = line;
            p++;
        }
        assert_int_equal(at, 100);
        assert_non_null(
            strstr(g.messages, "alpha.csv:5:1: error: prefix '1000000' stands in line 1"));
        free(g.messages);
    }
    free(text);
}

static void double_rows_keep_the_first_lines(void **state)
{
    (void)state;
    uint32_t n = 100000;
    char *text = malloc((size_t)n * 2 * ROW_BYTES);
    size_t len = many_rows(text, n);
    struct rig g;

    rig_init(&g, columns_of_five, 5);
    memcpy(text + len, text, len);
    assert_null(loaded(&g, text, 2 * len));
    assert_int_equal(g.errors, n);
    assert_non_null(
        strstr(g.messages, "alpha.csv:100001:1: error: prefix '1000000' stands in line 1 "));
    assert_non_null(strstr(g.messages, "alpha.csv:100100:1: "));
    assert_null(strstr(g.messages, "alpha.csv:100101:1: "));
    free(g.messages);
    free(text);
}

static void rows_that_are_all_different_are_read_the_long_way(void **state)
{
    (void)state;
    uint32_t n = 30000;
    char *text = malloc((size_t)n * ROW_BYTES);
    size_t at = 0;
    struct rig g;
    struct deck *d;

    for (uint32_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, ROW_BYTES, "%u,0.%06u\n", 100000 + i, i);
    rig_init(&g, columns_of_five, 2);
    d = loaded(&g, text, at);
    free(g.messages);
    assert_int_equal(d->n_terms, n);
    for (uint32_t i = 0; i < n; i++)
        assert_int_equal(terms_at(d, i)->rate[DECK_RATE], i * 1000);
    deck_free(d);
    free(text);
}

static void more_rows_than_a_deck_may_have_are_refused(void **state)
{
    (void)state;
    char *text = malloc(CONF_ROWS_MAX + 8);
    struct rig g;
    struct deck *d;

    rig_init(&g, columns_of_five, 2);
    memset(text, '\n', CONF_ROWS_MAX + 8);
    memcpy(text, "44,1", 4);
    assert_null(loaded(&g, text, CONF_ROWS_MAX + 5));
    assert_string_equal(g.messages, "alpha.csv: error: has more than 16777216 rows\n");
    free(g.messages);
    d = loaded(&g, text, CONF_ROWS_MAX + 4);
    assert_int_equal(d->n, 1);
    deck_free(d);
    free(g.messages);
    free(text);
}

/* ---- decks and the lines that name them ---- */

static bool serves(const struct deck *d, const char *prefix, const char *const *taken, unsigned n)
{
    uint64_t key = 0, t[8];

    assert_int_equal(key_of_prefix(span_of(prefix), &key), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(key_of_prefix(span_of(taken[i]), &t[i]), 0);
    return deck_serves(d, key, t, n);
}

static void a_deck_serves_what_it_has_above_or_below(void **state)
{
    (void)state;
    const char *one[] = {"+1"}, *two[] = {"+1202", "+44"};
    struct rig g;
    struct deck *d;
    char text[64];

    rig_init(&g, columns_of_five, 2);
    d = good(&g, "1,0.1\n1202,0.1\n1212,0.1\n");
    assert_true(serves(d, "+", NULL, 0));
    assert_true(serves(d, "+1", NULL, 0));
    assert_true(serves(d, "+1202555", NULL, 0));
    assert_true(serves(d, "", NULL, 0));
    assert_false(serves(d, "+4", NULL, 0));
    assert_false(serves(d, "0", NULL, 0));
    assert_false(serves(d, "+", one, 1));
    assert_true(serves(d, "+", two, 2));
    assert_string_equal(deck_covers(d, text, sizeof(text)), "+1 only");
    deck_free(d);
    d = good(&g, "1202,0.1\n44,0.1\n");
    assert_false(serves(d, "+", two, 2));
    assert_true(serves(d, "+", two, 1));
    assert_string_equal(deck_covers(d, text, sizeof(text)), "+1 +4");
    deck_free(d);
    d = good(&g, "999999999999999,0.1\n");
    assert_true(serves(d, "+", NULL, 0));
    assert_true(serves(d, "+999999999999999", NULL, 0));
    assert_string_equal(deck_covers(d, text, sizeof(text)), "+999999999999999 only");
    deck_free(d);
    d = good(&g, "1,1\n20,1\n30,1\n40,1\n998,1\n");
    assert_string_equal(deck_covers(d, text, sizeof(text)), "5 rows from +1 to +998");
    deck_free(d);
}

static void a_deck_that_cannot_serve_its_line_is_an_error_at_its_name(void **state)
{
    (void)state;
    const char *one[] = {"+1"}, *plus[] = {"+"};
    struct conf_ref ref = {.name = "charlie-us", .id = 0, .loc = {.line = 14, .col = 36}};
    struct conf_route_line line[2] = {{.kind = CONF_ROUTE_PREFIX, .prefix = {one, 1}},
                                      {.kind = CONF_ROUTE_PREFIX, .prefix = {plus, 1}}};
    struct conf_route route = {.name = "r", .line = {line, 2}};
    struct conf_errors errs;
    struct rig g;
    struct deck *d;

    line[0].cond.when.id = line[1].cond.when.id = CONF_NONE;
    line[1].lcr.v = &ref;
    line[1].lcr.n = 1;
    rig_init(&g, columns_of_five, 5);
    d = good(&g, "1,0.1,,,\n1202,0.1,,,2026-12-09\n");
    errors_init(&errs);
    deck_check_route(&g.conf, &route, &d, &errs);
    assert_int_equal(errs.errors, 1);
    assert_int_equal(errs.v[0].line, 14);
    assert_string_equal(errs.v[0].text,
                        "ratedeck 'charlie-us' covers +1 only and can never serve 'prefix +'");
    conf_errors_fini(&errs);

    errors_init(&errs);
    line[0].cond.when.id = 0; /* at night only: by day +1 goes by the other line */
    deck_check_route(&g.conf, &route, &d, &errs);
    assert_int_equal(errs.errors + errs.warnings, 0);
    line[0].cond.when.id = CONF_NONE;
    line[1].kind = CONF_ROUTE_DEFAULT;
    deck_check_route(&g.conf, &route, &d, &errs);
    assert_string_equal(errs.v[0].text,
                        "ratedeck 'charlie-us' covers +1 only, all of it taken by prefix lines");
    conf_errors_fini(&errs);
    deck_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_million_rows_are_read_and_sorted),
        cmocka_unit_test(row_48213_of_a_million_is_named),
        cmocka_unit_test(the_first_errors_are_kept_in_order_of_lines),
        cmocka_unit_test(double_rows_keep_the_first_lines),
        cmocka_unit_test(rows_that_are_all_different_are_read_the_long_way),
        cmocka_unit_test(more_rows_than_a_deck_may_have_are_refused),
        cmocka_unit_test(a_deck_serves_what_it_has_above_or_below),
        cmocka_unit_test(a_deck_that_cannot_serve_its_line_is_an_error_at_its_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
