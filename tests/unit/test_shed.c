/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Requests refused without state are known again for a while, and nothing else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "sip/shed.h"

static struct peek request(const char *branch, const char *call_id, uint32_t cseq,
                           enum sip_method method)
{
    return (struct peek){.is_request = true,
                         .complete = true,
                         .method = method,
                         .via_branch = span_of(branch),
                         .call_id = span_of(call_id),
                         .cseq = cseq};
}

static void what_was_refused_is_known_for_four_seconds(void **state)
{
    struct shed *s = shed_new();
    struct peek p = request("z9hG4bKa", "one", 1, SIP_INVITE);

    (void)state;
    assert_non_null(s);
    assert_false(shed_has(s, &p, 1000));
    shed_add(s, &p, 1000);
    assert_true(shed_has(s, &p, 1000));
    assert_true(shed_has(s, &p, 1000 + SHED_KEPT_MS));
    assert_false(shed_has(s, &p, 1001 + SHED_KEPT_MS));
    shed_free(s);
}

static void another_attempt_call_or_method_is_another_request(void **state)
{
    struct shed *s = shed_new();
    struct peek p = request("z9hG4bKa", "one", 1, SIP_INVITE);
    struct peek other[] = {
        request("z9hG4bKb", "one", 1, SIP_INVITE), request("z9hG4bKa", "two", 1, SIP_INVITE),
        request("z9hG4bKa", "one", 2, SIP_INVITE), request("z9hG4bKa", "one", 1, SIP_CANCEL),
        request("", "one", 1, SIP_INVITE),
    };

    (void)state;
    shed_add(s, &p, 1000);
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_false(shed_has(s, &other[i], 1000));
    shed_free(s);
}

static void an_old_mark_is_not_revived_by_a_new_one(void **state)
{
    struct shed *s = shed_new();
    struct peek old = request("z9hG4bKa", "one", 1, SIP_INVITE);
    struct peek fresh = request("z9hG4bKb", "two", 1, SIP_INVITE);

    (void)state;
    shed_add(s, &old, 1000);
    shed_add(s, &fresh, 9000);
    assert_false(shed_has(s, &old, 9000));
    assert_true(shed_has(s, &fresh, 9000));
    shed_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_refused_is_known_for_four_seconds),
        cmocka_unit_test(another_attempt_call_or_method_is_another_request),
        cmocka_unit_test(an_old_mark_is_not_revived_by_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
