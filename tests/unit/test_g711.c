/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/core/g711.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include "core/g711.h"

static void every_code_goes_to_its_value_and_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 256; i++) {
        uint8_t c = (uint8_t)i;

        assert_int_equal(g711_to_alaw(g711_from_alaw(c)), c);
        /* µ-law has two zeros */
        assert_int_equal(g711_to_ulaw(g711_from_ulaw(c)), c == 0x7f ? 0xff : c);
    }
}

/* G.711 tables 1 and 2: the ends of the scale and its middle. */
static void the_tables_of_the_recommendation_hold(void **state)
{
    (void)state;
    assert_int_equal(g711_to_ulaw(0), 0xff);
    assert_int_equal(g711_to_ulaw(32767), 0x80);
    assert_int_equal(g711_to_ulaw(-32768), 0x00);
    assert_int_equal(g711_from_ulaw(0x80), 32124);
    assert_int_equal(g711_from_ulaw(0x00), -32124);
    assert_int_equal(g711_to_alaw(0), 0xd5);
    assert_int_equal(g711_to_alaw(-1), 0x55);
    assert_int_equal(g711_to_alaw(32767), 0xaa);
    assert_int_equal(g711_from_alaw(0xaa), 32256);
    assert_int_equal(g711_from_alaw(0x2a), -32256);
}

/* No sample is coded farther off than half a step of its segment; every decision is monotonic. */
static void each_sample_gets_the_nearest_code(void **state)
{
    (void)state;
    for (int s = -32000; s <= 32000; s++) {
        int u = g711_from_ulaw(g711_to_ulaw((int16_t)s));
        int a = g711_from_alaw(g711_to_alaw((int16_t)s));

        assert_true(abs(u - s) <= 4 + (abs(s) + 132) / 32);
        assert_true(abs(a - s) <= 9 + abs(s) / 32);
        assert_true(u >= g711_from_ulaw(g711_to_ulaw((int16_t)(s - 1))));
        assert_true(a >= g711_from_alaw(g711_to_alaw((int16_t)(s - 1))));
    }
}

static void tables_say_what_the_rule_says(void **state)
{
    (void)state;
    g711_init();
    for (int s = INT16_MIN; s <= INT16_MAX; s++) {
        int16_t v = (int16_t)s;
        uint8_t u, a;

        g711_encode_ulaw(&u, &v, 1);
        g711_encode_alaw(&a, &v, 1);
        assert_int_equal(u, g711_to_ulaw(v));
        assert_int_equal(a, g711_to_alaw(v));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_goes_to_its_value_and_back),
        cmocka_unit_test(the_tables_of_the_recommendation_hold),
        cmocka_unit_test(each_sample_gets_the_nearest_code),
        cmocka_unit_test(tables_say_what_the_rule_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
