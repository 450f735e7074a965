/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/sip/enum.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include "sip/enum.h"

static void a_number_is_a_name_of_its_digits_backwards(void **state)
{
    char name[DNS_NAME_MAX];

    (void)state;
    assert_int_equal(enum_domain(SPAN("+12155550123"), "e164.arpa", name), 0);
    assert_string_equal(name, "3.2.1.0.5.5.5.5.1.2.1.e164.arpa");
    assert_int_equal(enum_domain(SPAN("12155550123"), "e164.arpa", name), -EINVAL);
    assert_int_equal(enum_domain(SPAN("+1215555x"), "e164.arpa", name), -EINVAL);
    assert_int_equal(enum_domain(SPAN("+"), "e164.arpa", name), -EINVAL);
    assert_int_equal(enum_domain(SPAN(""), "e164.arpa", name), -EINVAL);
}

static struct dns_answer answer;

static void rr(unsigned order, unsigned preference, const char *services, const char *regexp)
{
    struct dns_rr *r = &answer.rr[answer.n++];

    *r = (struct dns_rr){.order = (uint16_t)order,
                         .preference = (uint16_t)preference,
                         .flags = "u",
                         .has_regexp = true};
    snprintf(r->services, sizeof r->services, "%s", services);
    snprintf(r->name, sizeof r->name, "%s", regexp);
}

static void records_say_ported_not_ported_or_nothing(void **state)
{
    static const struct {
        const char *services, *regexp;
        enum enum_said said;
        const char *rn;
    } row[] = {
        /* RFC 4769 §4.1 and §4.2 */
        {"E2U+pstn:tel", "!^.*$!tel:+1-215-555-0123;npdi;rn=+1-215-555-0199!", ENUM_PORTED,
         "+12155550199"},
        {"E2U+pstn:tel", "!^.*$!tel:+1-215-555-0123;npdi!", ENUM_HOME, ""},
        {"e2u+PSTN:TEL", "!^.*$!TEL:+12155550123;RN=+12155550199;npdi!i", ENUM_PORTED,
         "+12155550199"},
        {"E2U+sip+pstn:tel", "/^(.*)$/tel:+12155550123;rn=2155550199;rn-context=+1/", ENUM_PORTED,
         "+12155550199"},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123!", ENUM_HOME, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550124;npdi;rn=+12155550199!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123;rn=2155550199!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123;rn=2155550199;rn-context=example.com!",
         ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123;rn=abc!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123;rn=+!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^\\+1(.*)$!tel:+1\\1;npdi!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:\\0;npdi!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123;npdi", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!^.*$!tel:+12155550123;npdi!x", ENUM_NOTHING, ""},
        {"E2U+pstn:sip", "!^.*$!sip:+12155550123;npdi@x.example!", ENUM_NOTHING, ""},
        {"E2U+sip", "!^.*$!tel:+12155550123;npdi!", ENUM_NOTHING, ""},
        {"pstn:tel+E2U", "!^.*$!tel:+12155550123;npdi!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "!!", ENUM_NOTHING, ""},
        {"E2U+pstn:tel", "", ENUM_NOTHING, ""},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        char rn[64] = "";

        answer.status = DNS_OK;
        answer.n = 0;
        rr(10, 100, row[i].services, row[i].regexp);
        if (enum_read(&answer, SPAN("+12155550123"), rn, sizeof rn) != row[i].said)
            fail_msg("%s", row[i].regexp);
        if (row[i].said == ENUM_PORTED)
            assert_string_equal(rn, row[i].rn);
    }
}

static void the_first_usable_record_by_order_counts(void **state)
{
    char rn[64];

    (void)state;
    answer.status = DNS_OK;
    answer.n = 0;
    rr(20, 1, "E2U+pstn:tel", "!^.*$!tel:+12155550123;npdi;rn=+12155550001!");
    rr(10, 9, "E2U+pstn:tel", "!^.*$!tel:+12155550123;npdi;rn=+12155550002!");
    rr(10, 5, "E2U+sip", "!^.*$!sip:a@b!");
    rr(10, 8, "E2U+pstn:tel", "!^.*$!tel:+12155550123;npdi;rn=+12155550003!");
    assert_int_equal(enum_read(&answer, SPAN("+12155550123"), rn, sizeof rn), ENUM_PORTED);
    assert_string_equal(rn, "+12155550003");
    answer.status = DNS_NONE;
    answer.n = 0;
    assert_int_equal(enum_read(&answer, SPAN("+12155550123"), rn, sizeof rn), ENUM_HOME);
}

static void a_routing_number_that_does_not_fit_is_none(void **state)
{
    char rn[8];

    (void)state;
    answer.status = DNS_OK;
    answer.n = 0;
    rr(10, 1, "E2U+pstn:tel", "!^.*$!tel:+12155550123;npdi;rn=+12155550001!");
    assert_int_equal(enum_read(&answer, SPAN("+12155550123"), rn, sizeof rn), ENUM_NOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_is_a_name_of_its_digits_backwards),
        cmocka_unit_test(records_say_ported_not_ported_or_nothing),
        cmocka_unit_test(the_first_usable_record_by_order_counts),
        cmocka_unit_test(a_routing_number_that_does_not_fit_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
