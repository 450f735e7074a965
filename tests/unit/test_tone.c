/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/core/tone.c: what is rendered is looked at by Goertzel's algorithm.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "core/tone.h"

/* Power at one frequency [dBm0]. */
static double level_at(const int16_t *pcm, size_t n, unsigned hz)
{
    double w = 2 * 3.141592653589793 * hz / TONE_RATE;
    double a = 0, b = 0, power;

    for (size_t i = 0; i < n; i++) {
        double c = pcm[i] + 2 * cos(w) * a - b;

        b = a;
        a = c;
    }
    power = (a * a + b * b - 2 * cos(w) * a * b) / ((double)n * (double)n / 4);
    return 10 * log10(power / (22660.0 * 22660.0) + 1e-12);
}

static int16_t *render(const struct tone *t, int level)
{
    int16_t *pcm = calloc(tone_samples(t), sizeof(*pcm));

    assert_non_null(pcm);
    tone_render(t, level, pcm);
    return pcm;
}

static void part_is_what_it_says(const struct tone_part *p, const int16_t *pcm)
{
    size_t n = (size_t)p->ms * TONE_RATE / 1000;
    double want = TONE_LEVEL_DBM0 - (p->hz[1] ? 3.01 : 0);

    for (unsigned h = 0; h < 2; h++)
        if (p->hz[h])
            assert_true(fabs(level_at(pcm, n, p->hz[h]) - want) < 1.0);
    for (size_t i = 0; i < n && !p->hz[0]; i++)
        assert_int_equal(pcm[i], 0);
    /* nothing where nothing belongs */
    assert_true(level_at(pcm, n, 2600) < -40);
}

static void every_plan_has_its_frequencies_and_cadence(void **state)
{
    unsigned n = 0;

    (void)state;
    for (unsigned c = 0; tone_country(c); c++) {
        for (unsigned k = 0; tone_kind(k); k++) {
            const struct tone *t = tone_find(span_of(tone_country(c)), span_of(tone_kind(k)));
            const int16_t *at;
            int16_t *pcm;

            assert_non_null(t);
            at = pcm = render(t, TONE_LEVEL_DBM0);
            for (unsigned i = 0; i < t->n_parts; i++) {
                part_is_what_it_says(&t->part[i], at);
                at += (size_t)t->part[i].ms * TONE_RATE / 1000;
            }
            assert_ptr_equal(at, pcm + tone_samples(t));
            free(pcm);
            n++;
        }
    }
    assert_int_equal(n, 30);
}

static void values_of_e180_hold(void **state)
{
    const struct tone *t = tone_find(SPAN("us"), SPAN("ring-back"));

    (void)state;
    assert_int_equal(t->part[0].hz[0], 440);
    assert_int_equal(t->part[0].hz[1], 480);
    assert_int_equal(tone_samples(t), 6 * TONE_RATE);
    assert_int_equal(tone_samples(tone_find(SPAN("de"), SPAN("busy"))), 960 * 8);
    t = tone_find(SPAN("fr"), SPAN("information"));
    assert_int_equal(t->part[0].hz[0], 950);
    assert_int_equal(t->part[2].hz[0], 1800);
}

/* Played in a loop the end meets the beginning: no click. */
static void a_tone_without_end_has_no_seam(void **state)
{
    const struct tone *t = tone_find(SPAN("uk"), SPAN("dial"));
    size_t n = tone_samples(t);
    int16_t *pcm = render(t, TONE_LEVEL_DBM0);
    int16_t *two = calloc(2 * n, sizeof(*two));

    (void)state;
    memcpy(two, pcm, n * sizeof(*two));
    memcpy(two + n, pcm, n * sizeof(*two));
    assert_true(level_at(two + n / 2, n, 350) > -16.2);
    assert_true(level_at(two + n / 2, n, 1000) < -60);
    free(pcm);
    free(two);
}

static void nothing_is_louder_than_the_scale(void **state)
{
    struct tone t = {1, {{{400, 401}, 1000}}};
    int16_t *pcm = render(&t, 3);

    (void)state;
    assert_true(level_at(pcm, TONE_RATE, 400) < 3.2);
    free(pcm);
}

static void unknown_names_are_none(void **state)
{
    (void)state;
    assert_null(tone_find(SPAN("xx"), SPAN("busy")));
    assert_null(tone_find(SPAN("us"), SPAN("buzz")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_plan_has_its_frequencies_and_cadence),
        cmocka_unit_test(values_of_e180_hold),
        cmocka_unit_test(a_tone_without_end_has_no_seam),
        cmocka_unit_test(nothing_is_louder_than_the_scale),
        cmocka_unit_test(unknown_names_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
