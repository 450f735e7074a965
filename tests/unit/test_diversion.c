/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diversion and History-Info into one list (RFC 5806, 7044), and the table of RFC 7544.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sip/diversion.h"

static struct diversions d;

static void read_lines(enum hdr_id id, const char *a, const char *b)
{
    const struct hdr h[] = {{.id = HDR_SUBJECT, .value = SPAN("x")},
                            {.id = id, .value = span_of(a)},
                            {.id = id, .value = span_of(b ? b : "")}};

    if (id == HDR_DIVERSION)
        diversion_read(&d, h, 3);
    else
        diversion_read_history(&d, h, 3);
}

static void check(unsigned i, const char *user, enum diversion_reason reason,
                  enum diversion_privacy privacy)
{
    assert_true(i < d.n);
    assert_true(span_eq(d.v[i].uri.user, span_of(user)));
    assert_int_equal(d.v[i].reason, reason);
    assert_int_equal(d.v[i].privacy, privacy);
}

static void the_top_diversion_is_the_last(void **state)
{
    (void)state;
    read_lines(HDR_DIVERSION,
               "\"B\" <sip:2@b>;reason=\"user-busy\";counter=3;privacy=\"off\", "
               "<tel:+1>;reason=deflection;privacy=name",
               "<sip:0@a>;reason=follow-me;privacy=strange");
    assert_int_equal(d.n, 3);
    assert_int_equal(d.total, 5);
    check(0, "0", DIVERSION_FOLLOW_ME, DIVERSION_PRIVACY_FULL);
    check(1, "+1", DIVERSION_DEFLECTION, DIVERSION_PRIVACY_NAME);
    check(2, "2", DIVERSION_BUSY, DIVERSION_PRIVACY_OFF);
    assert_int_equal(d.v[2].counter, 3);
}

static void broken_counters_count_one(void **state)
{
    (void)state;
    read_lines(HDR_DIVERSION,
               "<sip:1@a>;counter=0, <sip:2@a>;counter=x, <sip:3@a>;counter=4294967296",
               "<sip:4@a, nonsense");
    assert_int_equal(d.total, d.n);
    check(0, "3", DIVERSION_UNKNOWN, DIVERSION_PRIVACY_UNSAID);
}

static void more_than_the_bound_are_counted(void **state)
{
    static char many[2048];

    (void)state;
    for (unsigned i = 0; i < DIVERSIONS_MAX + 3; i++)
        memcpy(many + 10 * i, "<sip:1@a>,", 11);
    read_lines(HDR_DIVERSION, many, NULL);
    assert_int_equal(d.n, DIVERSIONS_MAX);
    assert_int_equal(d.total, DIVERSIONS_MAX + 3);
}

static void history_tells_who_diverted_and_why(void **state)
{
    (void)state;
    read_lines(HDR_HISTORY_INFO,
               "<sip:1@a?Privacy=history>;index=1, <sip:2@a;cause=302?privacy=none>;index=1.1;mp=1",
               "<sip:3@a;cause=408>;index=1.1.1.1, <sip:gw@a>;index=1.1.1.1.1;rc=1.1.1.1");
    assert_int_equal(d.n, 2);
    assert_int_equal(d.total, 3); /* one level is missing: somebody who is not named */
    check(0, "1", DIVERSION_UNCONDITIONAL, DIVERSION_PRIVACY_FULL);
    check(1, "2", DIVERSION_NO_ANSWER, DIVERSION_PRIVACY_OFF);
    assert_int_equal(d.v[1].counter, 2);
}

static void an_escaped_reason_is_a_diversion_too(void **state)
{
    (void)state;
    read_lines(
        HDR_HISTORY_INFO,
        "<sip:1@a?Reason=SIP%3Bcause%3D486%3Btext%3D%22Busy%22>;index=1, <sip:2@a>;index=1.1",
        NULL);
    assert_int_equal(d.n, 1);
    check(0, "1", DIVERSION_BUSY, DIVERSION_PRIVACY_UNSAID);
    read_lines(HDR_HISTORY_INFO,
               "<sip:1@a?Reason=Q.850%3Bcause%3D17>;index=1, <sip:2@a;cause=200>;index=1.1", NULL);
    assert_int_equal(d.n, 0);
}

static void plain_routing_is_no_diversion(void **state)
{
    (void)state;
    read_lines(HDR_HISTORY_INFO, "<sip:1@a>;index=1, <sip:1@b>;index=1.1;np=1", "not an address");
    assert_int_equal(d.n, 0);
    assert_int_equal(d.total, 0);
}

static void the_table_goes_both_ways(void **state)
{
    static const struct {
        enum diversion_reason reason;
        unsigned cause;
    } pair[] = {
        {DIVERSION_UNKNOWN, 404},       {DIVERSION_BUSY, 486},       {DIVERSION_NO_ANSWER, 408},
        {DIVERSION_UNCONDITIONAL, 302}, {DIVERSION_DEFLECTION, 480}, {DIVERSION_UNAVAILABLE, 503},
    };

    (void)state;
    for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++) {
        assert_int_equal(diversion_cause(pair[i].reason), pair[i].cause);
        assert_int_equal(diversion_of_cause(pair[i].cause), pair[i].reason);
        assert_true(diversion_is_cause(pair[i].cause));
    }
    assert_int_equal(diversion_of_cause(487), DIVERSION_DEFLECTION);
    assert_int_equal(diversion_cause(DIVERSION_DND), 404);
    assert_int_equal(diversion_cause(DIVERSION_TIME_OF_DAY), 404);
    assert_false(diversion_is_cause(200));
    for (unsigned r = 0; r < DIVERSION_REASONS; r++)
        assert_true(diversion_reason_name(r).len > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_top_diversion_is_the_last),
        cmocka_unit_test(broken_counters_count_one),
        cmocka_unit_test(more_than_the_bound_are_counted),
        cmocka_unit_test(history_tells_who_diverted_and_why),
        cmocka_unit_test(an_escaped_reason_is_a_diversion_too),
        cmocka_unit_test(plain_routing_is_no_diversion),
        cmocka_unit_test(the_table_goes_both_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
