/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/config/compare.c: what counts as a difference, and how it is told.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "config/compare.h"

#define BASE \
    "global\n  limit 100calls\nrealm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n"
#define TRUNK(name, more) \
    "trunk " name "\n  listen l\n  media none\n  peer 192.0.2.9:5060 udp\n" more
#define OTHER(name) "trunk " name "\n  listen l\n  media none\n  peer 192.0.2.10:5060 udp\n"

static struct conf *load(const char *text)
{
    struct conf_errors errs;
    struct conf *c = conf_load_text("t", text, strlen(text), NULL, &errs);

    if (!c)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(c);
    return c;
}

static char said[1024];

static void say(void *arg, const struct compare_section *s)
{
    static const char mark[] = "+-~";
    size_t n = strlen(said);

    (void)arg;
    n += (size_t)snprintf(said + n, sizeof(said) - n, "%c%.*s %.*s:%u%s\n", mark[s->what],
                          SPAN_ARG(s->kind), SPAN_ARG(s->name), s->loc.line,
                          s->reordered ? " reordered" : "");
    for (uint32_t i = 0; i < s->n; i++)
        n += (size_t)snprintf(said + n, sizeof(said) - n, " %c[%.*s] %.*s\n",
                              s->line[i].added ? '+' : '-', SPAN_ARG(s->line[i].keyword),
                              SPAN_ARG(s->line[i].text));
}

static void differ(const char *old, const char *now, const char *want)
{
    struct conf *a = load(old), *b = load(now);

    said[0] = '\0';
    assert_int_equal(conf_compare(a, b, say, NULL), 0);
    assert_string_equal(said, want);
    conf_free(a);
    conf_free(b);
}

static void layout_and_comments_are_no_difference(void **state)
{
    (void)state;
    differ(BASE TRUNK("a", "  about \"x\"\n"),
           "# new\n" TRUNK("a", "  about     x   # same\n") "\n" BASE, "");
}

static void sections_that_come_and_go_are_named(void **state)
{
    (void)state;
    differ(BASE TRUNK("a", "") OTHER("b"), BASE OTHER("b") TRUNK("c", ""),
           "-trunk a:8\n+trunk c:12\n");
}

static void lines_are_told_by_keyword(void **state)
{
    (void)state;
    differ(
        BASE TRUNK("a", "  limit out 10calls\n  limit in 5calls\n"),
        BASE TRUNK("a", "  limit in 5calls\n  limit out 20calls\n  about x\n"),
        "~trunk a:8\n +[about] about x\n -[limit] limit out 10calls\n +[limit] limit out 20calls\n");
}

static void an_order_is_a_difference(void **state)
{
    (void)state;
    differ(BASE "numbers n\n  911 -> keep\n  + -> keep\n" TRUNK("a", "  numbers n\n"),
           BASE "numbers n\n  + -> keep\n  911 -> keep\n" TRUNK("a", "  numbers n\n"),
           "~numbers n:8 reordered\n");
    differ(BASE "numbers n\n  911 -> keep\n", BASE "numbers n direction out\n  911 -> keep\n",
           "~numbers n:8\n +[numbers] numbers n direction out\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_and_comments_are_no_difference),
        cmocka_unit_test(sections_that_come_and_go_are_named),
        cmocka_unit_test(lines_are_told_by_keyword),
        cmocka_unit_test(an_order_is_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
