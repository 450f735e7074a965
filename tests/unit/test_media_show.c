/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The path through the kernel in an operator's words.
 * Run by make check; it asks no relay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include "daemon/media_show.h"

static json_int_t number(const json_t *j, const char *key)
{
    assert_non_null(json_object_get(j, key));
    return json_integer_value(json_object_get(j, key));
}

static void share_and_reasons_are_told_by_name(void **state)
{
    struct media_fast f = {.promoted = 150,
                           .promotions = 200,
                           .path = MEDIA_PATH_STEERED,
                           .lines = 131072,
                           .n_ifs = 1};
    json_t *j;

    (void)state;
    f.demotions[MEDIA_DEMOTE_SSRC] = 7;
    f.demotions[MEDIA_DEMOTE_RESTART] = 43;
    f.why[0] = 1000;
    snprintf(f.interface[0].name, sizeof(f.interface[0].name), "eth0");
    f.interface[0].path = MEDIA_PATH_XDP_NATIVE;
    j = media_show_fast(&f, 200);
    assert_string_equal(json_string_value(json_object_get(j, "path")), "steered");
    assert_int_equal(number(j, "share_pct"), 75);
    assert_int_equal(number(j, "demotions"), 50);
    assert_int_equal(number(json_object_get(j, "demoted_for"), "ssrc"), 7);
    assert_int_equal(number(json_object_get(j, "packets"), "fast"), 1000);
    assert_string_equal(json_string_value(json_object_get(
                            json_array_get(json_object_get(j, "interfaces"), 0), "path")),
                        "xdp_native");
    json_decref(j);
}

static void nothing_at_all_is_no_division_by_zero(void **state)
{
    struct media_fast f = {.reason = "not set up"};
    json_t *j = media_show_fast(&f, 0);

    (void)state;
    assert_int_equal(number(j, "share_pct"), 0);
    assert_string_equal(json_string_value(json_object_get(j, "reason")), "not set up");
    assert_string_equal(json_string_value(json_object_get(j, "path")), "sockets");
    json_decref(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(share_and_reasons_are_told_by_name),
        cmocka_unit_test(nothing_at_all_is_no_division_by_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
