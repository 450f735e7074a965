/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers out of every spelling of a URI (RFC 3966), and the parameters that may cross (RFC 4694).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/tel.h"

static const char *number(const char *uri)
{
    static char buf[TEL_NUMBER_MAX];
    struct sip_uri u;

    assert_int_equal(uri_parse(span_of(uri), &u), 0);
    return tel_number(&u, buf, sizeof buf) > 0 ? buf : "-";
}

static void each_spelling_is_the_same_number(void **state)
{
    static const char *const same[] = {
        "tel:+12025550187",
        "tel:+1-202-555-0187",
        "tel:+1(202)555.0187;npdi;rn=+1",
        "sip:+12025550187@h",
        "sips:+12025550187@h",
        "sip:%2B12025550187@h",
        "sip:+1-202-555-0187@h",
        "sip:+12025550187;npdi@h;user=phone",
        "tel:5550187;phone-context=+1202",
        "tel:555-0187;phone-context=+1-202",
        "sip:5550187;phone-context=+1202@h;user=phone",
    };

    (void)state;
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++)
        assert_string_equal(number(same[i]), "+12025550187");
}

static void local_numbers_keep_to_themselves(void **state)
{
    (void)state;
    assert_string_equal(number("tel:911;phone-context=example.net"), "911");
    assert_string_equal(number("tel:+33;phone-context=+1"), "+33");
    assert_string_equal(number("tel:12;phone-context=+x"), "12");
    assert_string_equal(number("sip:*67%23@h"), "*67#");
}

static void names_are_no_numbers(void **state)
{
    (void)state;
    assert_string_equal(number("sip:bob@h"), "-");
    assert_string_equal(number("sip:a.b@h"), "-");
}

static void numbers_beyond_the_bound_are_refused(void **state)
{
    (void)state;
    assert_string_equal(
        number("tel:+1234567890123456789012345678901234567890123456789012345678901234"), "-");
    assert_string_equal(number("tel:1;phone-context="
                               "+12345678901234567890123456789012345678901234567890123456789012"),
                        "-");
}

static void global_means_a_plus_and_digits(void **state)
{
    (void)state;
    assert_true(tel_is_global(SPAN("+1")));
    assert_false(tel_is_global(SPAN("+")));
    assert_false(tel_is_global(SPAN("1")));
    assert_false(tel_is_global(SPAN("+1a")));
    assert_true(tel_is_number(SPAN("911")));
    assert_false(tel_is_number(SPAN("")));
    assert_false(tel_is_number(SPAN("*67")));
}

static void parameters_that_name_a_network_stay(void **state)
{
    (void)state;
    assert_true(tel_param_crosses(SPAN("npdi"), SPAN("")));
    assert_true(tel_param_crosses(SPAN("RN"), SPAN("+12025550000")));
    assert_true(tel_param_crosses(SPAN("cic"), SPAN("+10288")));
    assert_true(tel_param_crosses(SPAN("rn-context"), SPAN("+1")));
    assert_false(tel_param_crosses(SPAN("rn-context"), SPAN("alpha.example")));
    assert_false(tel_param_crosses(SPAN("cic-context"), SPAN("+")));
    assert_false(tel_param_crosses(SPAN("tgrp"), SPAN("a")));
    assert_false(tel_param_crosses(SPAN("trunk-context"), SPAN("+1")));
    assert_false(tel_param_crosses(SPAN("phone-context"), SPAN("+1")));
    assert_false(tel_param_crosses(SPAN("rn"), SPAN("1@host")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_spelling_is_the_same_number),
        cmocka_unit_test(local_numbers_keep_to_themselves),
        cmocka_unit_test(numbers_beyond_the_bound_are_refused),
        cmocka_unit_test(names_are_no_numbers),
        cmocka_unit_test(global_means_a_plus_and_digits),
        cmocka_unit_test(parameters_that_name_a_network_stay),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
