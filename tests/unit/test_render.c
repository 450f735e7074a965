/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/render.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include "daemon/render.h"

static void assert_printed(struct evbuffer *out, const char *want)
{
    evbuffer_add(out, "", 1);
    assert_string_equal((const char *)evbuffer_pullup(out, -1), want);
    evbuffer_free(out);
}

static void a_table_has_columns_as_wide_as_their_content(void **state)
{
    (void)state;
    static const struct render_column col[] = {
        {"name", "NAME", 6}, {"calls", "CALLS", 0}, {"up", "UP", 0}, {NULL, NULL, 0}};
    struct evbuffer *out = evbuffer_new();
    json_t *rows = json_pack("[{s:s,s:i,s:b},{s:s,s:i,s:b}]", "name", "alphabet-telecom", "calls",
                             7, "up", 1, "name", "b", "calls", 1234567, "up", 0);
    render_table(out, rows, col);
    json_decref(rows);
    assert_printed(out, "NAME    CALLS    UP\nalpha~        7  yes\nb       1234567  no\n");
}

static void an_empty_table_is_its_heading(void **state)
{
    (void)state;
    static const struct render_column col[] = {{"a", "A", 0}, {"b", "B", 0}, {NULL, NULL, 0}};
    struct evbuffer *out = evbuffer_new();
    json_t *rows = json_array();
    render_table(out, rows, col);
    json_decref(rows);
    assert_printed(out, "A  B\n");
}

static void an_object_is_lines_with_inner_ones_indented(void **state)
{
    (void)state;
    struct evbuffer *out = evbuffer_new();
    json_t *body = json_pack("{s:s,s:i,s:{s:s}}", "node", "nyc1", "calls", 3, "cdr", "lost", "");
    render_object(out, body);
    json_decref(body);
    assert_printed(out, "node   nyc1\ncalls  3\ncdr\n  lost  -\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_has_columns_as_wide_as_their_content),
        cmocka_unit_test(an_empty_table_is_its_heading),
        cmocka_unit_test(an_object_is_lines_with_inner_ones_indented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
