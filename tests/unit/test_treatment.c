/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Causes: the two tables, Reason headers, what a caller is told and which of two causes is told.
 * Pure functions; nothing is set up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call/treatment.h"

/* RFC 3398 §8.2.6.1 in full; 487 and the codes it leaves to Warning by Q.1912.5. */
static void statuses_map_to_the_causes_of_rfc_3398(void **state)
{
    static const struct {
        unsigned status;
        uint8_t q850;
    } want[] = {{200, 16},  {400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63},
                {406, 79},  {407, 21},  {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79},
                {416, 127}, {420, 127}, {421, 127}, {422, 127}, {423, 127}, {433, 24},  {480, 18},
                {481, 41},  {482, 25},  {483, 25},  {484, 28},  {485, 1},   {486, 17},  {487, 16},
                {488, 65},  {500, 41},  {501, 79},  {502, 38},  {503, 41},  {504, 102}, {505, 127},
                {513, 127}, {580, 47},  {600, 17},  {603, 21},  {604, 1},   {491, 127}, {606, 65},
                {607, 21},  {608, 21},  {599, 41},  {499, 127}, {302, 127}};

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (cause_q850_of(want[i].status) != want[i].q850)
            fail_msg("%u gives %u, not %u", want[i].status, cause_q850_of(want[i].status),
                     want[i].q850);
}

/* RFC 3398 §7.2.4.1. */
static void causes_map_to_the_statuses_of_rfc_3398(void **state)
{
    static const struct {
        unsigned q850;
        uint16_t status;
    } want[] = {{1, 404},   {2, 404},  {3, 404},  {17, 486},  {18, 408},  {19, 480}, {20, 480},
                {21, 403},  {22, 410}, {23, 410}, {26, 404},  {27, 502},  {28, 484}, {29, 501},
                {31, 480},  {34, 503}, {38, 503}, {41, 503},  {42, 503},  {47, 503}, {55, 403},
                {57, 403},  {58, 503}, {65, 488}, {70, 488},  {79, 501},  {87, 403}, {88, 503},
                {99, 500},  {0, 480},  {5, 404},  {24, 433},  {25, 483},  {43, 502}, {44, 503},
                {63, 500},  {91, 404}, {95, 500}, {96, 500},  {97, 500},  {98, 500}, {110, 500},
                {8, 480},   {33, 503}, {50, 500}, {101, 500}, {126, 500}, {16, 480}, {102, 504},
                {111, 500}, {127, 500}};

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        if (cause_status_of(want[i].q850) != want[i].status)
            fail_msg("%u gives %u, not %u", want[i].q850, cause_status_of(want[i].q850),
                     want[i].status);
}

static void the_q850_cause_is_found_among_several_reasons(void **state)
{
    (void)state;
    assert_int_equal(cause_from_reason(SPAN("Q.850;cause=16;text=\"bye\"")), 16);
    assert_int_equal(cause_from_reason(SPAN("SIP;cause=503, q.850 ;text=x; cause=34")), 34);
    assert_int_equal(cause_from_reason(SPAN("SIP;cause=200")), 0);
    assert_int_equal(cause_from_reason(SPAN("Q.850;cause=128")), 0);
    assert_int_equal(cause_from_reason(SPAN("Q.850;cause=")), 0);
    assert_int_equal(cause_from_reason(SPAN("")), 0);
}

static void what_speaks_of_our_hop_is_not_told(void **state)
{
    static const struct {
        struct cause c;
        uint16_t told;
    } want[] = {
        {{302, 0, CAUSE_OUT, ""}, 480}, {{401, 0, CAUSE_OUT, ""}, 480},
        {{407, 0, CAUSE_OUT, ""}, 480}, {{420, 0, CAUSE_OUT, ""}, 500},
        {{481, 0, CAUSE_OUT, ""}, 500}, {{484, 0, CAUSE_OUT, ""}, 484},
        {{486, 0, CAUSE_OUT, ""}, 486}, {{503, 0, CAUSE_OUT, ""}, 503},
        {{603, 0, CAUSE_OUT, ""}, 603}, {{513, 0, CAUSE_HERE, ""}, 513},
    };

    (void)state;
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(cause_told(&want[i].c), want[i].told);
}

static void news_of_the_called_user_beat_news_of_a_carrier(void **state)
{
    const struct cause none = {0}, busy = {486, 17, CAUSE_OUT, ""}, full = {503, 34, CAUSE_OUT, ""},
                       down = {503, 38, CAUSE_HERE, ""}, error = {500, 41, CAUSE_OUT, ""},
                       declined = {603, 21, CAUSE_OUT, ""};

    (void)state;
    assert_true(cause_is_better(&full, &none));
    assert_true(cause_is_better(&busy, &full));
    assert_false(cause_is_better(&full, &busy));
    assert_true(cause_is_better(&full, &down));
    assert_true(cause_is_better(&error, &full));
    assert_true(cause_is_better(&declined, &busy));
    assert_false(cause_is_better(&busy, &busy));
}

static void a_reason_has_protocol_and_number_only(void **state)
{
    const struct cause c = {486, 0, CAUSE_OUT, "secret of a carrier"};
    char buf[32];
    struct span s = cause_reason(&c, buf);

    (void)state;
    assert_true(span_eq(s, SPAN("Q.850;cause=17")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_map_to_the_causes_of_rfc_3398),
        cmocka_unit_test(causes_map_to_the_statuses_of_rfc_3398),
        cmocka_unit_test(the_q850_cause_is_found_among_several_reasons),
        cmocka_unit_test(what_speaks_of_our_hop_is_not_told),
        cmocka_unit_test(news_of_the_called_user_beat_news_of_a_carrier),
        cmocka_unit_test(a_reason_has_protocol_and_number_only),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
