/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/quality.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include "route/quality.h"

static uint64_t key(const char *s)
{
    uint64_t k = 0;
    assert_int_equal(key_of_prefix(span_of(s), &k), 0);
    return k;
}

static struct quality_figures get(const struct quality *q, uint32_t slot, const char *prefix,
                                  uint64_t now)
{
    struct quality_figures f;
    quality_get(q, slot, key(prefix), now, &f);
    return f;
}

static void figures_are_those_of_e411_and_e425(void **state)
{
    (void)state;
    struct quality *q = quality_new();
    for (unsigned i = 0; i < 4; i++)
        quality_seized(q, 3, key("+4420"), true, false, 1000 + 1000 * i, 10);
    for (unsigned i = 0; i < 3; i++)
        quality_seized(q, 3, key("+4420"), false, true, 4000, 10); /* busy */
    for (unsigned i = 0; i < 3; i++)
        quality_seized(q, 3, key("+4420"), false, false, 0, 10); /* 503 */
    quality_ended(q, 3, key("+4420"), 60000, 70000);
    quality_ended(q, 3, key("+4420"), 30000, 70000);
    struct quality_figures f = get(q, 3, "+4420", 70000);
    assert_int_equal(f.seizures, 10);
    assert_int_equal(f.answers, 4);
    assert_int_equal(f.asr_ppm, 400000);
    assert_int_equal(f.ner_ppm, 700000);
    assert_int_equal(f.ended, 2);
    assert_int_equal(f.acd_ms, 45000);
    assert_int_equal(f.pdd_ms, (1000 + 2000 + 3000 + 4000 + 3 * 4000) / 7);
    assert_int_equal(get(q, 3, "", 70000).seizures, 10); /* the whole trunk */
    assert_int_equal(get(q, 2, "+4420", 70000).seizures, 0);
    assert_int_equal(get(q, 3, "+4421", 70000).seizures, 0);
    quality_free(q);
}

static void destinations_are_six_characters(void **state)
{
    (void)state;
    struct quality *q = quality_new();
    quality_seized(q, 0, key("+12025550187"), true, false, 0, 0);
    quality_seized(q, 0, key("+12025"), true, false, 0, 0);
    quality_seized(q, 0, key("+1"), true, false, 0, 0);
    assert_int_equal(get(q, 0, "+120255501", 0).seizures, 2);
    assert_int_equal(get(q, 0, "+1", 0).seizures, 1);
    assert_int_equal(get(q, 0, "", 0).seizures, 3);
    quality_free(q);
}

static void figures_are_of_the_last_two_windows(void **state)
{
    (void)state;
    struct quality *q = quality_new();
    const uint64_t w = QUALITY_WINDOW_MS;
    quality_seized(q, 0, key("+1"), true, false, 0, 10 * w + 5);
    quality_seized(q, 0, key("+1"), true, false, 0, 11 * w + 5);
    assert_int_equal(get(q, 0, "+1", 11 * w + 5).seizures, 2);
    assert_int_equal(get(q, 0, "+1", 12 * w).seizures, 1);
    quality_seized(q, 0, key("+1"), true, false, 0, 12 * w);
    assert_int_equal(get(q, 0, "+1", 12 * w).seizures, 2);
    quality_seized(q, 0, key("+1"), true, false, 0, 12 * w - 1); /* another worker's clock */
    assert_int_equal(get(q, 0, "+1", 12 * w).seizures, 3);
    assert_int_equal(get(q, 0, "+1", 13 * w).seizures, 1);
    assert_int_equal(get(q, 0, "+1", 14 * w).seizures, 0);
    quality_free(q);
}

struct seen {
    uint32_t pairs, seizures;
};

static bool see(void *arg, uint32_t slot, uint64_t k, const struct quality_figures *f)
{
    struct seen *s = arg;
    char text[KEY_DIGITS + 1];
    (void)slot;
    assert_true(key_text(k, text)[0] == '+');
    s->pairs++;
    s->seizures += f->seizures;
    return true;
}

static void a_full_table_counts_at_the_trunk_and_old_pairs_make_room(void **state)
{
    (void)state;
    struct quality *q = quality_new();
    struct seen s = {0};
    char number[16];
    for (uint32_t i = 0; i < 90000; i++) {
        snprintf(number, sizeof number, "+%05u", i % 30000);
        quality_seized(q, i / 30000, key(number), false, false, 0, 5);
    }
    quality_each(q, 5, see, &s);
    assert_in_range(s.pairs, QUALITY_PAIRS * 9 / 10, QUALITY_PAIRS);
    assert_int_equal(s.pairs, s.seizures);
    assert_int_equal(get(q, 1, "", 5).seizures, 30000);
    s = (struct seen){0};
    for (uint32_t i = 0; i < 30000; i++) {
        snprintf(number, sizeof number, "+%05u", i);
        quality_seized(q, 7, key(number), false, false, 0, 5 * QUALITY_WINDOW_MS);
    }
    quality_each(q, 5 * QUALITY_WINDOW_MS, see, &s);
    assert_int_equal(s.pairs, 30000);
    assert_int_equal(get(q, 7, "+29999", 5 * QUALITY_WINDOW_MS).seizures, 1);
    quality_free(q);
}

#define THREADS 4
#define ROUNDS  20000

static void *count_some(void *arg)
{
    char number[16];
    for (unsigned i = 0; i < ROUNDS; i++) {
        snprintf(number, sizeof number, "+%02u", i % 50);
        quality_seized(arg, i % 3, key(number), i & 1, false, 2, i % 100 * 1000);
        quality_ended(arg, i % 3, key(number), 3, 1);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct quality *q = quality_new();
    struct quality_figures f;
    struct seen s = {0};
    uint32_t seizures = 0, ended = 0;
    pthread_t t[THREADS];
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&t[i], NULL, count_some, q), 0);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    for (uint32_t slot = 0; slot < 3; slot++) {
        quality_get(q, slot, 0, 1, &f);
        seizures += f.seizures;
        ended += f.ended;
        assert_int_equal(f.acd_ms, 3);
        assert_int_equal(f.pdd_ms, 2);
    }
    quality_each(q, 1, see, &s);
    assert_int_equal(seizures, THREADS * ROUNDS);
    assert_int_equal(ended, THREADS * ROUNDS);
    assert_int_equal(s.seizures, THREADS * ROUNDS);
    assert_int_equal(s.pairs, 150);
    quality_free(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_of_e411_and_e425),
        cmocka_unit_test(destinations_are_six_characters),
        cmocka_unit_test(figures_are_of_the_last_two_windows),
        cmocka_unit_test(a_full_table_counts_at_the_trunk_and_old_pairs_make_room),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
