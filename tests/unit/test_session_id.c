/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session-ID: both forms read, broken ones refused, one written (RFC 7989 §5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "sip/session_id.h"

#define A "ab30317f1a784dc48ff824d0d3715d86"
#define B "47755a9de7794ba387653f2099600ef2"

static const char *text(const struct session_uuid *u)
{
    static char buf[SESSION_UUID_LEN + 1];

    assert_int_equal(span_copy(session_uuid_text(u), buf, sizeof buf), SESSION_UUID_LEN);
    return buf;
}

static void both_uuids_are_read(void **state)
{
    struct session_uuid l, r;

    (void)state;
    assert_int_equal(session_id_parse(SPAN(A ";remote=" B), &l, &r), 0);
    assert_string_equal(text(&l), A);
    assert_string_equal(text(&r), B);
    assert_int_equal(session_id_parse(SPAN(A " ; x=y ; remote=" B ";z"), &l, &r), 0);
    assert_string_equal(text(&r), B);
}

static void the_old_form_has_no_remote(void **state)
{
    struct session_uuid l, r;

    (void)state;
    assert_int_equal(session_id_parse(SPAN("AB30317F1A784DC48FF824D0D3715D86"), &l, &r), 0);
    assert_string_equal(text(&l), A);
    assert_true(session_uuid_is_null(&r));
    assert_int_equal(session_id_parse(SPAN(A), &l, NULL), 0);
}

static void what_is_no_uuid_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "x",
        "ab30317f-1a78-4dc4-8ff8-24d0d3715d86",
        "ab30317f1a784dc48ff824d0d3715d8",
        "ab30317f1a784dc48ff824d0d3715d866",
        "gb30317f1a784dc48ff824d0d3715d86",
        A ";remote=x",
    };
    struct session_uuid l = {"7"}, r;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(session_id_parse(span_of(bad[i]), &l, &r), -EBADMSG);
    assert_int_equal(l.text[0], '7');
}

static void the_line_is_written(void **state)
{
    static const struct session_uuid null;
    struct session_uuid l;
    char buf[128];
    struct build b;

    (void)state;
    assert_int_equal(session_id_parse(SPAN(A), &l, NULL), 0);
    build_init(&b, buf, sizeof buf);
    session_id_write(&b, &l, &null);
    assert_true(span_eq(build_text(&b),
                        SPAN("Session-ID: " A ";remote=00000000000000000000000000000000\r\n")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_uuids_are_read),
        cmocka_unit_test(the_old_form_has_no_remote),
        cmocka_unit_test(what_is_no_uuid_is_refused),
        cmocka_unit_test(the_line_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
