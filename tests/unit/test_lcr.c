/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/lcr*.c; the property tests compare with lcr_rig.h's binary search and linear scan.
 * tests/bench/route --verify does the same with ten million lookups.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/lcr_rig.h"

#define HOUR 3600

static const struct rate_class plain = {DECK_INDETERMINATE, CONF_ZONES_MAX};

/* One row of a deck by hand; rates in nano, -1 none. */
struct line {
    const char *prefix;
    int64_t rate, inter, zone1;
    int64_t effective, expires; /* 0: always, never */
};

static struct deck *deck_of(uint32_t id, struct conf_deck *conf, int64_t exchange,
                            const struct line *line, uint32_t n)
{
    struct deck *d = calloc(1, sizeof(*d));
    assert_non_null(d);
    conf->exchange = exchange;
    d->id = id;
    d->conf = conf;
    d->n = d->n_terms = n;
    d->row = calloc(n, sizeof(*d->row));
    d->terms = calloc(n, sizeof(*d->terms));
    assert_non_null(d->row);
    assert_non_null(d->terms);
    for (uint32_t i = 0; i < n; i++) {
        struct deck_terms *t = &d->terms[i];
        for (unsigned c = 0; c < DECK_RATES; c++)
            t->rate[c] = -1;
        t->rate[DECK_RATE] = line[i].rate;
        t->rate[DECK_INTER] = line[i].inter;
        t->rate[DECK_ZONE + 1] = line[i].zone1;
        t->effective = line[i].effective ? line[i].effective : INT64_MIN;
        t->expires = line[i].expires ? line[i].expires : INT64_MAX;
        t->quality = (int16_t)i;
        d->row[i] = (struct deck_row){rig_key(line[i].prefix), i, 10 + i};
    }
    return d;
}

static void deck_drop(struct deck *d)
{
    free(d->row);
    free(d->terms);
    free(d);
}

static unsigned find(const struct lcr *t, const char *number, struct rate_class rc, int64_t wall_s,
                     struct lcr_row *out)
{
    return lcr_find(t, span_of(number), rc, wall_s, UINT32_MAX, out, CONF_DECKS_MAX);
}

#define ROW(p, r)          \
    {                      \
        p, r, -1, -1, 0, 0 \
    }

static void each_deck_answers_with_its_longest_prefix_cheapest_first(void **state)
{
    (void)state;
    static const struct line alpha[] = {ROW("+44", 5000000), ROW("+4420", 3000000)};
    static const struct line bravo[] = {ROW("+4", 9000000), ROW("+442079", 4000000)};
    struct conf_deck conf[2] = {{0}};
    struct deck *d[2] = {deck_of(7, &conf[0], CONF_NANO, alpha, 2),
                         deck_of(3, &conf[1], CONF_NANO / 2, bravo, 2)};
    struct lcr *t = lcr_new(d, 2, 0, 2);
    struct lcr_row r[CONF_DECKS_MAX];
    assert_non_null(t);
    assert_int_equal(find(t, "+442079460123", plain, 1, r), 2);
    assert_int_equal(r[0].deck, 3); /* 4 of half the worth */
    assert_int_equal(r[0].rate, 4000000);
    assert_int_equal(r[0].cost, 2000000);
    assert_int_equal(r[0].line, 11);
    assert_int_equal(r[0].key, rig_key("+442079"));
    assert_int_equal(r[0].terms->quality, 1);
    assert_int_equal(r[1].deck, 7);
    assert_int_equal(r[1].key, rig_key("+4420"));
    assert_int_equal(find(t, "+44161", plain, 1, r), 2);
    assert_int_equal(r[0].deck, 3);
    assert_int_equal(r[0].key, rig_key("+4"));
    assert_int_equal(find(t, "+49", plain, 1, r), 1);
    assert_int_equal(find(t, "+4", plain, 1, r), 1);
    assert_int_equal(find(t, "+", plain, 1, r), 0);
    assert_int_equal(find(t, "+1", plain, 1, r), 0);
    assert_int_equal(find(t, "442079460123", plain, 1, r), 0);
    assert_int_equal(find(t, "alice", plain, 1, r), 0);
    assert_int_equal(find(t, "", plain, 1, r), 0);
    assert_int_equal(lcr_deck(t, 0), 7);
    assert_int_equal(lcr_deck(t, 1), 3);
    assert_int_equal(lcr_deck(t, 2), CONF_NONE);
    assert_int_equal(lcr_find(t, SPAN("+442079"), plain, 1, 1, r, 9), 1);
    assert_int_equal(r[0].deck, 7);
    assert_int_equal(lcr_find(t, SPAN("+442079"), plain, 1, 3, r, 1), 1);
    assert_int_equal(lcr_find(t, SPAN("+442079"), plain, 1, 4, r, 9), 0);
    assert_int_equal(lcr_find(t, SPAN("+442079"), plain, 1, 3, r, 0), 0);
    lcr_free(t);
    deck_drop(d[0]);
    deck_drop(d[1]);
}

static void order_is_by_the_exact_product_and_equals_stay_as_listed(void **state)
{
    (void)state;
    /* 3 * 1.000000001 against 3: equal when rounded to a nano, and yet not the same */
    static const struct line one[] = {ROW("+1", 3)}, same[] = {ROW("+1", 3)},
                             third[] = {ROW("+1", 3)};
    struct conf_deck conf[3] = {{0}};
    struct deck *d[3] = {deck_of(0, &conf[0], CONF_NANO + 1, one, 1),
                         deck_of(1, &conf[1], CONF_NANO, same, 1),
                         deck_of(2, &conf[2], CONF_NANO, third, 1)};
    struct lcr *t = lcr_new(d, 3, 0, 1);
    struct lcr_row r[CONF_DECKS_MAX];
    assert_int_equal(find(t, "+15", plain, 1, r), 3);
    assert_int_equal(r[0].deck, 1);
    assert_int_equal(r[1].deck, 2);
    assert_int_equal(r[2].deck, 0);
    assert_int_equal(r[2].cost, 3);
    lcr_free(t);
    for (unsigned i = 0; i < 3; i++)
        deck_drop(d[i]);
}

static void the_largest_rates_keep_their_order(void **state)
{
    (void)state;
    static const struct line one[] = {ROW("+1", CONF_MONEY_MAX)},
                             two[] = {ROW("+1", CONF_MONEY_MAX - 1)};
    struct conf_deck conf[2] = {{0}};
    struct deck *d[2] = {deck_of(0, &conf[0], 1000 * CONF_NANO, one, 1),
                         deck_of(1, &conf[1], 1000 * CONF_NANO, two, 1)};
    struct lcr *t = lcr_new(d, 2, 0, 1);
    struct lcr_row r[CONF_DECKS_MAX];
    assert_int_equal(find(t, "+15", plain, 1, r), 2);
    assert_int_equal(r[0].deck, 1);
    assert_int_equal(r[1].cost, 1000 * CONF_MONEY_MAX);
    lcr_free(t);
    deck_drop(d[0]);
    deck_drop(d[1]);
}

static void a_class_counts_its_zone_then_its_jurisdiction_then_the_plain_rate(void **state)
{
    (void)state;
    static const struct line alpha[] = {{"+1", 100, 50, 70, 0, 0}, {"+1202", -1, 60, -1, 0, 0}};
    static const struct line bravo[] = {{"+1", 65, -1, -1, 0, 0}};
    static const struct rate_class inter = {DECK_INTER, CONF_ZONES_MAX}, zone = {DECK_INTER, 1},
                                   other = {DECK_INTRA, 2};
    struct conf_deck conf[2] = {{0}};
    struct deck *d[2] = {deck_of(0, &conf[0], CONF_NANO, alpha, 2),
                         deck_of(1, &conf[1], CONF_NANO, bravo, 1)};
    struct lcr *t = lcr_new(d, 2, 0, 1);
    struct lcr_row r[CONF_DECKS_MAX];
    assert_int_equal(find(t, "+1303", plain, 1, r), 2);
    assert_int_equal(r[0].deck, 1);
    assert_int_equal(r[1].rate, 100);
    assert_int_equal(find(t, "+1303", inter, 1, r), 2);
    assert_int_equal(r[0].deck, 0);
    assert_int_equal(r[0].rate, 50);
    assert_int_equal(find(t, "+1303", zone, 1, r), 2);
    assert_int_equal(r[0].deck, 1);
    assert_int_equal(r[1].rate, 70);
    assert_int_equal(find(t, "+1303", other, 1, r), 2);
    assert_int_equal(r[1].rate, 100);
    /* no rate for the class: no candidate, and +1 does not stand in for +1202 */
    assert_int_equal(find(t, "+12025", other, 1, r), 1);
    assert_int_equal(r[0].deck, 1);
    assert_int_equal(find(t, "+12025", inter, 1, r), 2);
    assert_int_equal(r[0].rate, 60);
    lcr_free(t);
    deck_drop(d[0]);
    deck_drop(d[1]);
}

static void rows_hold_from_effective_until_expires_else_the_shorter_prefix(void **state)
{
    (void)state;
    static const struct line alpha[] = {
        ROW("+4", 9),
        {"+44", 5, -1, -1, 0, 0},
        {"+44", 6, -1, -1, RIG_NOW + HOUR, 0},
        {"+44", 7, -1, -1, RIG_NOW + 3 * HOUR, RIG_NOW + 4 * HOUR},
        {"+4420", 8, -1, -1, 0, RIG_NOW + 2 * HOUR},
        {"+49", 4, -1, -1, RIG_NOW - 5 * HOUR, RIG_NOW - HOUR},
    };
    static const struct {
        int64_t at;
        const char *number;
        int64_t rate;
    } want[] = {
        {-HOUR, "+4412", 5},    {0, "+4412", 5},          {HOUR - 1, "+4412", 5},
        {HOUR, "+4412", 6},     {3 * HOUR, "+4412", 7},   {4 * HOUR - 1, "+4412", 7},
        {4 * HOUR, "+4412", 6}, {0, "+44201", 8},         {2 * HOUR - 1, "+4420", 8},
        {2 * HOUR, "+4420", 6}, {3 * HOUR, "+442012", 7}, {0, "+4930", 9},
    };
    struct conf_deck conf = {0};
    struct deck *d = deck_of(0, &conf, CONF_NANO, alpha, 6);
    struct lcr *t = lcr_new(&d, 1, RIG_NOW, 1), *all = lcr_new(&d, 1, INT64_MIN, 1);
    struct lcr_row r[CONF_DECKS_MAX];
    struct lcr_stats s;
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_int_equal(find(t, want[i].number, plain, RIG_NOW + want[i].at, r), 1);
        assert_int_equal(r[0].rate, want[i].rate);
        assert_int_equal(find(all, want[i].number, plain, RIG_NOW + want[i].at, r), 1);
        assert_int_equal(r[0].rate, want[i].rate);
    }
    assert_int_equal(find(all, "+4930", plain, RIG_NOW - 2 * HOUR, r), 1);
    assert_int_equal(r[0].rate, 4);
    assert_int_equal(find(t, "+4930", plain, RIG_NOW - 2 * HOUR, r), 1);
    assert_int_equal(r[0].rate, 9); /* of then nothing is kept */
    lcr_stats(t, &s);
    assert_int_equal(s.next_change, RIG_NOW + HOUR);
    assert_int_equal(s.rows, 6);
    assert_int_equal(s.keys, 3); /* +49 is over */
    lcr_free(t);
    lcr_free(all);
    deck_drop(d);
}

static void a_deck_without_any_row_in_force_gives_no_candidate(void **state)
{
    (void)state;
    static const struct line alpha[] = {{"+44", 5, -1, -1, RIG_NOW + HOUR, 0}};
    struct conf_deck conf = {0};
    struct deck *d = deck_of(0, &conf, CONF_NANO, alpha, 1);
    struct lcr *t = lcr_new(&d, 1, RIG_NOW, 1);
    struct lcr_row r[CONF_DECKS_MAX];
    assert_int_equal(find(t, "+4420", plain, RIG_NOW, r), 0);
    assert_int_equal(find(t, "+4420", plain, RIG_NOW + HOUR, r), 1);
    lcr_free(t);
    deck_drop(d);
}

static void the_empty_prefix_serves_what_has_no_other(void **state)
{
    (void)state;
    static const struct line alpha[] = {ROW("", 5), ROW("0", 6), ROW("110", 7), ROW("+", 8),
                                        ROW("+123456789012345", 9)};
    struct conf_deck conf = {0};
    struct deck *d = deck_of(0, &conf, CONF_NANO, alpha, 5);
    static const struct {
        const char *number;
        int64_t rate;
    } want[] = {
        {"alice", 5},
        {"", 5},
        {"9", 5},
        {"04711", 6},
        {"11", 5},
        {"110", 7},
        {"1101", 7},
        {"+", 8},
        {"+1", 8},
        {"+12345678901234", 8},
        {"+123456789012345", 9},
        {"+1234567890123456", 9},
    };
    struct lcr *t = lcr_new(&d, 1, 0, 1);
    struct lcr_row r[CONF_DECKS_MAX];
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        assert_int_equal(find(t, want[i].number, plain, 0, r), 1);
        assert_int_equal(r[0].rate, want[i].rate);
    }
    lcr_free(t);
    deck_drop(d);
}

static void only_the_leading_digits_of_a_number_are_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *number, *key;
    } want[] = {
        {"", ""},
        {"+", "+"},
        {"4711", "4711"},
        {"+12345678", "+12345678"},
        {"+123456789", "+123456789"},
        {"+1234567890", "+1234567890"},
        {"1234567890123456", "1234567890123456"},
        {"12345678901234567", "1234567890123456"},
        {"+123456789012345", "+123456789012345"},
        {"+1234567890123456", "+123456789012345"},
        {"+12345678901234567890", "+123456789012345"},
        {"+1234567a90", "+1234567"},
        {"+12345678/0", "+12345678"},
        {"+1234567890:", "+1234567890"},
        {"+12345678\x05"
         "0",
         "+12345678"},
        {"12+3456789012", "12"},
        {"++123456789012", "+"},
        {"+1234567890;ext", "+1234567890"},
    };
    for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
        uint64_t key;
        unsigned len = key_of_number(span_of(want[i].number), &key);
        assert_int_equal(len, strlen(want[i].key));
        assert_int_equal(key, rig_key(want[i].key));
    }
    /* each character in each place, a NUL too */
    for (unsigned at = 0; at < 14; at++)
        for (unsigned c = 0; c < 256; c++) {
            char text[] = "+4930123456789", head[sizeof(text)] = {0};
            uint64_t key;
            text[at] = (char)c;
            unsigned good = c >= '0' && c <= '9' ? 14 : at;
            if (c == '+' && at == 0)
                good = 14;
            memcpy(head, text, good);
            assert_int_equal(key_of_number((struct span){text, 14}, &key), good);
            assert_int_equal(key, rig_key(head));
        }
}

static void a_deck_without_rows_is_a_table_without_answers(void **state)
{
    (void)state;
    struct conf_deck conf = {0};
    struct deck d = {.conf = &conf}, *one = &d;
    struct lcr *t = lcr_new(&one, 1, 0, 4);
    struct lcr_row r[CONF_DECKS_MAX];
    assert_non_null(t);
    assert_int_equal(find(t, "+44", plain, 0, r), 0);
    lcr_free(t);
}

struct keys {
    uint64_t last;
    uint64_t n, stop;
};

static bool next_key(void *arg, uint64_t key)
{
    struct keys *k = arg;
    assert_true(k->n == 0 || key > k->last);
    k->last = key;
    return ++k->n != k->stop;
}

static void all_keys_come_once_and_in_order(void **state)
{
    (void)state;
    struct rig rig;
    struct rig_param p = {.shape = RIG_DENSE, .rows = 5000, .decks = 3, .seed = 5, .terms = 9};
    struct keys k = {0}, stopped = {.stop = 10};
    struct lcr_stats s;
    rig_make(&rig, &p);
    struct lcr *t = lcr_new(rig.deck, rig.n, 0, 1);
    lcr_stats(t, &s);
    assert_int_equal(lcr_each_key(t, next_key, &k), 0);
    assert_int_equal(k.n, s.keys);
    assert_int_equal(lcr_each_key(t, next_key, &stopped), 0);
    assert_int_equal(stopped.n, 10);
    lcr_free(t);
    rig_free(&rig);
}

/* ---- property tests ------------------------------------------------------------------------------------------ */

/* Sanitizers make it ten times as slow: a share of the lookups finds what they are for. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHARE 5
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHARE 5
#endif
#endif
#ifndef SHARE
#define SHARE 1
#endif

static void compare(const struct rig_param *p, unsigned threads, unsigned long lookups,
                    unsigned long scans)
{
    struct rig rig;
    rig_make(&rig, p);
    struct lcr *t = lcr_new(rig.deck, rig.n, INT64_MIN, threads);
    assert_non_null(t);
    assert_int_equal(rig_compare(&rig, t, rig_search, lookups / SHARE, p->seed + 1), 0);
    assert_int_equal(rig_compare(&rig, t, rig_scan, scans / SHARE, p->seed + 2), 0);
    lcr_free(t);
    rig_free(&rig);
}

static void lookups_agree_with_a_binary_search_and_a_linear_scan(void **state)
{
    (void)state;
    for (enum rig_shape shape = RIG_AZ; shape <= RIG_DENSE; shape++) {
        struct rig_param p = {.shape = shape, .rows = 30000, .decks = 1, .seed = 11, .terms = 300};
        compare(&p, 1, 50000, 100);
        p.rows = 3000; /* another number of digits in the stage */
        compare(&p, 2, 50000, 300);
    }
}

static void so_do_those_in_several_decks(void **state)
{
    (void)state;
    for (unsigned decks = 2; decks <= 8; decks++) {
        struct rig_param p = {.shape = decks % 3,
                              .rows = 8000,
                              .decks = decks,
                              .seed = decks,
                              .terms = 200,
                              .no_rate_percent = 2};
        compare(&p, decks % 4, 20000, 40);
    }
}

static void so_do_rate_classes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        struct rig_param p = {.shape = i % 3,
                              .rows = 5000,
                              .decks = 1 + i * 7 % 8,
                              .seed = 70 + i,
                              .terms = 150,
                              .jurisdiction = i % 4 != 1,
                              .zone = i % 2 != 0,
                              .no_rate_percent = 20};
        compare(&p, 2, 15000, 30);
    }
}

static void so_do_versions(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        struct rig_param p = {.shape = i % 3,
                              .rows = 5000,
                              .decks = 1 + i * 5 % 8,
                              .seed = 90 + i,
                              .terms = 150,
                              .timed_percent = 10 + i * 10,
                              .zone = i % 2 != 0,
                              .no_rate_percent = 5};
        compare(&p, 2, 15000, 30);
    }
}

static void so_does_a_route_of_all_the_decks_there_can_be(void **state)
{
    (void)state;
    struct rig_param p = {.shape = RIG_DENSE,
                          .rows = 1000,
                          .decks = CONF_DECKS_MAX,
                          .seed = 3,
                          .terms = 60,
                          .timed_percent = 20,
                          .jurisdiction = true,
                          .zone = true,
                          .no_rate_percent = 5};
    compare(&p, 3, 5000, 20);
}

static void one_thread_and_many_build_the_same(void **state)
{
    (void)state;
    struct rig_param p = {.shape = RIG_AZ, .rows = 60000, .decks = 3, .seed = 21, .terms = 200};
    struct rig rig;
    struct lcr_stats a, b;
    rig_make(&rig, &p);
    struct lcr *one = lcr_new(rig.deck, rig.n, 0, 1), *many = lcr_new(rig.deck, rig.n, 0, 5);
    lcr_stats(one, &a);
    lcr_stats(many, &b);
    assert_int_equal(a.keys, b.keys);
    assert_int_equal(a.lists, b.lists);
    assert_int_equal(a.bytes, b.bytes);
    assert_int_equal(rig_compare(&rig, many, rig_search, 20000, 1), 0);
    lcr_free(one);
    lcr_free(many);
    rig_free(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_deck_answers_with_its_longest_prefix_cheapest_first),
        cmocka_unit_test(order_is_by_the_exact_product_and_equals_stay_as_listed),
        cmocka_unit_test(the_largest_rates_keep_their_order),
        cmocka_unit_test(a_class_counts_its_zone_then_its_jurisdiction_then_the_plain_rate),
        cmocka_unit_test(rows_hold_from_effective_until_expires_else_the_shorter_prefix),
        cmocka_unit_test(a_deck_without_any_row_in_force_gives_no_candidate),
        cmocka_unit_test(the_empty_prefix_serves_what_has_no_other),
        cmocka_unit_test(only_the_leading_digits_of_a_number_are_its_key),
        cmocka_unit_test(a_deck_without_rows_is_a_table_without_answers),
        cmocka_unit_test(all_keys_come_once_and_in_order),
        cmocka_unit_test(lookups_agree_with_a_binary_search_and_a_linear_scan),
        cmocka_unit_test(so_do_those_in_several_decks),
        cmocka_unit_test(so_do_rate_classes),
        cmocka_unit_test(so_do_versions),
        cmocka_unit_test(so_does_a_route_of_all_the_decks_there_can_be),
        cmocka_unit_test(one_thread_and_many_build_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
