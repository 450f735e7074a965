/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multipart bodies: where parts begin and end, nesting, bounds, broken ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/mime.h"

static int parse(struct mime *m, const char *type, const char *body)
{
    return mime_parse(m, span_of(type), span_of(body));
}

static void check(struct span s, const char *want)
{
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.p, want, s.len);
}

static void parts_are_found_with_their_heads(void **state)
{
    struct mime m;

    (void)state;
    assert_int_equal(
        parse(&m, "multipart/mixed;boundary=b1",
              "preamble\r\n--b1\r\nContent-Type: application/sdp;x=y\r\n\r\nv=0\r\n\r\n"
              "--b1 \t\r\nContent-Type: application/ISUP\r\n"
              "Content-Disposition: signal ; handling=required\r\nContent-ID: <a@b>\r\n"
              "Content-Transfer-Encoding: binary\r\n\r\n\x01\x02\r\n--b1--\r\nepilogue"),
        0);
    assert_int_equal(m.n, 2);
    check(m.part[0].type, "application/sdp");
    check(m.part[0].body, "v=0\r\n");
    check(m.part[0].head, "Content-Type: application/sdp;x=y\r\n");
    assert_false(m.part[0].required);
    check(m.part[1].type, "application/ISUP");
    check(m.part[1].disposition, "signal");
    check(m.part[1].id, "a@b");
    check(m.part[1].encoding, "binary");
    check(m.part[1].body, "\x01\x02");
    assert_true(m.part[1].required);
    assert_ptr_equal(mime_find(&m, SPAN("APPLICATION/isup")), &m.part[1]);
    assert_null(mime_find(&m, SPAN("text/plain")));
}

static void a_quoted_boundary_may_hold_blanks(void **state)
{
    struct mime m;

    (void)state;
    assert_int_equal(parse(&m, "Multipart/Mixed; boundary=\"a b\"", "--a b\n\nx\n--a b--"), 0);
    assert_int_equal(m.n, 1);
    check(m.part[0].body, "x");
    assert_int_equal(m.part[0].type.len, 0);
    assert_int_equal(m.part[0].head.len, 0);
}

static void a_boundary_that_begins_like_ours_is_text(void **state)
{
    struct mime m;

    (void)state;
    assert_int_equal(parse(&m, "multipart/mixed;boundary=b", "--b\r\n\r\n--bx\r\n-- b\r\n--b--"),
                     0);
    assert_int_equal(m.n, 1);
    check(m.part[0].body, "--bx\r\n-- b");
}

static void an_empty_part_is_a_part(void **state)
{
    struct mime m;

    (void)state;
    assert_int_equal(
        parse(&m, "multipart/mixed;boundary=b", "--b\r\nContent-Type: text/plain\r\n\r\n--b--"), 0);
    assert_int_equal(m.n, 1);
    assert_int_equal(m.part[0].body.len, 0);
}

static void inner_multiparts_are_opened_to_a_depth(void **state)
{
    char body[4096] = "", tail[1024] = "", *p = body;
    struct mime m;

    (void)state;
    for (unsigned depth = 1; depth <= MIME_DEPTH_MAX + 1; depth++) {
        char last[32];

        snprintf(last, sizeof last, "\r\n--b%u--", depth);
        memmove(tail + strlen(last), tail, strlen(tail) + 1);
        memcpy(tail, last, strlen(last));
        if (depth <= MIME_DEPTH_MAX) {
            char whole[8192];

            snprintf(whole, sizeof whole, "%s--b%u\r\nContent-Type: application/sdp\r\n\r\nv=0%s",
                     body, depth, tail);
            assert_int_equal(parse(&m, "multipart/mixed;boundary=b1", whole), 0);
            assert_int_equal(m.n, 1);
            assert_int_equal(m.part[0].depth, depth);
        }
        p += snprintf(p, sizeof body - (size_t)(p - body),
                      "--b%u\r\nContent-Type: multipart/mixed;boundary=b%u\r\n\r\n", depth,
                      depth + 1);
    }
    snprintf(p, sizeof body - (size_t)(p - body), "--b%d\r\n\r\nx\r\n--b%d--%s", MIME_DEPTH_MAX + 2,
             MIME_DEPTH_MAX + 2, tail);
    assert_int_equal(parse(&m, "multipart/mixed;boundary=b1", body), -E2BIG);
}

static void too_many_parts_are_refused(void **state)
{
    char body[8 * MIME_PARTS_MAX + 64];
    struct mime m;

    (void)state;
    for (size_t n = MIME_PARTS_MAX; n <= MIME_PARTS_MAX + 1; n++) {
        for (size_t i = 0; i < n; i++)
            memcpy(body + 7 * i, "--b\n\nx\n", 8);
        memcpy(body + 7 * n, "--b--", 6);
        assert_int_equal(parse(&m, "multipart/mixed;boundary=b", body),
                         n == MIME_PARTS_MAX ? 0 : -E2BIG);
    }
}

static void broken_ones_are_refused(void **state)
{
    static const struct {
        const char *type, *body;
    } bad[] = {
        {"multipart/mixed", "--b\r\n\r\nx\r\n--b--"},
        {"multipart/mixed;boundary=", "--\r\n\r\nx\r\n----"},
        {"multipart/mixed;boundary=\"\"", "--\r\n\r\nx\r\n----"},
        {"multipart/mixed;boundary=c", "--b\r\n\r\nx\r\n--b--"},
        {"multipart/mixed;boundary=b", ""},
        {"multipart/mixed;boundary=b", "--b"},
        {"multipart/mixed;boundary=b", "--b--"},
        {"multipart/mixed;boundary=b", "--b\r\n\r\nx"},
        {"multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n--b"},
        {"multipart/mixed;boundary=b", "--b\r\nno header\r\n--b--"},
        {"multipart/mixed;boundary=b",
         "--b\r\nContent-Type: multipart/mixed\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--"},
        {"multipart/mixed;boundary=" /* 71 */
         "12345678901234567890123456789012345678901234567890123456789012345678901",
         "--12345678901234567890123456789012345678901234567890123456789012345678901\n\nx\n"
         "--12345678901234567890123456789012345678901234567890123456789012345678901--"},
    };
    struct mime m;

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(parse(&m, bad[i].type, bad[i].body), -EBADMSG);
}

static void a_head_beyond_its_bound_is_refused(void **state)
{
    char *body = malloc(2 * MIME_HEAD_MAX);
    struct mime m;

    (void)state;
    assert_non_null(body);
    memset(body, 'x', 2 * MIME_HEAD_MAX);
    memcpy(body, "--b\r\nX: ", 8);
    memcpy(body + MIME_HEAD_MAX + 100, "\r\n\r\ny\r\n--b--", 13);
    assert_int_equal(parse(&m, "multipart/mixed;boundary=b", body), -E2BIG);
    free(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_are_found_with_their_heads),
        cmocka_unit_test(a_quoted_boundary_may_hold_blanks),
        cmocka_unit_test(a_boundary_that_begins_like_ours_is_text),
        cmocka_unit_test(an_empty_part_is_a_part),
        cmocka_unit_test(inner_multiparts_are_opened_to_a_depth),
        cmocka_unit_test(too_many_parts_are_refused),
        cmocka_unit_test(broken_ones_are_refused),
        cmocka_unit_test(a_head_beyond_its_bound_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
