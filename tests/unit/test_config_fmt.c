/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Canonical layout of configuration files: what moves, what stays, and that a second pass changes nothing.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/errors.h"
#include "config/fmt.h"
#include "config/lexer.h"

/* @return owned text, or NULL with its messages in errs */
static char *formatted(struct span text, struct conf_errors *errs)
{
    char *buf = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&buf, &len);

    errors_init(errs);
    int err = fmt_text("x.conf", text, out, errs);
    fclose(out);
    if (err == 0)
        return buf;
    free(buf);
    return NULL;
}

static void becomes(const char *in, const char *want)
{
    struct conf_errors errs;
    char *got = formatted(span_of(in), &errs);

    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
    conf_errors_fini(&errs);
}

static void values_begin_in_column_nineteen(void **state)
{
    (void)state;
    becomes("global\n node   nyc1\n\tlimit 5calls\t 2cps\n",
            "global\n  node            nyc1\n  limit           5calls 2cps\n");
    becomes("trunk a\n  limit  in   5calls\n  progress-timeout 20s\n",
            "trunk a\n  limit in        5calls\n  progress-timeout 20s\n");
}

static void prefixes_of_a_route_are_its_head(void **state)
{
    (void)state;
    becomes("route r\n prefix +1 via a\n prefix +1800  +1888 via a then b\n default cause 404\n",
            "route r\n  prefix +1       via a\n  prefix +1800 +1888 via a then b\n"
            "  default         cause 404\n");
}

static void comments_behind_a_statement_stand_in_column_forty_five(void **state)
{
    (void)state;
    becomes("global # the node\n  node x   # its name\n",
            "global                                      # the node\n"
            "  node            x                         # its name\n");
    becomes("global\n  file aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa # far\n",
            "global\n  file            aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  # far\n");
}

static void comments_of_their_own_line_keep_their_depth(void **state)
{
    (void)state;
    becomes("# one\n\n\n# two\nglobal\n      # three\n  node x\n# four\n  limit 5calls\n",
            "# one\n\n# two\nglobal\n  # three\n  node            x\n\n# four\n"
            "  limit           5calls\n");
}

static void a_section_has_an_empty_line_before_it_and_its_comment(void **state)
{
    (void)state;
    becomes("realm a\n  address 192.0.2.1\nrealm b\n  address 192.0.2.2\n# of c\nrealm c\n\n",
            "realm a\n  address         192.0.2.1\n\nrealm b\n  address         192.0.2.2\n\n"
            "# of c\nrealm c\n");
}

static void quotes_and_line_ends(void **state)
{
    (void)state;
    becomes("trunk a\r\n  about   \"two  blanks # no comment\"  # one\r\n  about \"x\"",
            "trunk a\n  about           \"two  blanks # no comment\"  # one\n"
            "  about           \"x\"\n");
    becomes("", "");
    becomes("\n\n  \n", "");
}

static void what_no_lexer_understands_is_named(void **state)
{
    struct conf_errors errs;

    (void)state;
    assert_null(formatted(span_of("global\n  node \"x\n  about \"y\n"), &errs));
    assert_int_equal(errs.errors, 2);
    assert_int_equal(errs.v[0].line, 2);
    assert_int_equal(errs.v[0].col, 8);
    assert_string_equal(errs.v[0].file, "x.conf");
    conf_errors_fini(&errs);
}

/* The same statements with the same words in the same order. */
static void same_words(struct span a, struct span b)
{
    static struct lex_line la, lb;
    struct lex_fault fault;
    struct lexer xa, xb;
    enum lex_result r;

    lex_init(&xa, a);
    lex_init(&xb, b);
    do {
        r = lex_next(&xa, &la, &fault);
        assert_int_equal(lex_next(&xb, &lb, &fault), r);
        if (r != LEX_LINE)
            break;
        assert_int_equal(la.n, lb.n);
        assert_int_equal(la.indented, lb.indented);
        for (uint32_t i = 0; i < la.n; i++) {
            assert_int_equal(la.tok[i].quoted, lb.tok[i].quoted);
            assert_true(span_eq(la.tok[i].s, lb.tok[i].s));
        }
    } while (true);
    assert_int_equal(r, LEX_END);
}

static struct span file_text(const char *path)
{
    static char buf[1 << 20];
    FILE *f = fopen(path, "re");

    assert_non_null(f);
    size_t n = fread(buf, 1, sizeof(buf), f);
    fclose(f);
    return (struct span){buf, n};
}

static void each_shipped_file(void (*fn)(const char *path))
{
    static const char *const patterns[] = {"/conf/*.conf", "/conf/*/*.conf", "/conf/*/*/*.conf",
                                           "/conf/*/*/*/*.conf", "/conf/*/*/*/*/*.conf"};
    unsigned files = 0;

    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        char pattern[512];
        glob_t g;

        snprintf(pattern, sizeof(pattern), "%s%s", getenv("TD_SRCDIR"), patterns[i]);
        if (glob(pattern, 0, NULL, &g) != 0)
            continue;
        for (size_t j = 0; j < g.gl_pathc; j++, files++)
            if (!strstr(g.gl_pathv[j], "/tmpfiles.d/") && !strstr(g.gl_pathv[j], "/sys"))
                fn(g.gl_pathv[j]);
        globfree(&g);
    }
    assert_true(files >= 8);
}

static void keeps_its_words(const char *path)
{
    struct span text = file_text(path);
    struct conf_errors errs;
    char *once = formatted(text, &errs);

    conf_errors_fini(&errs);
    assert_non_null(once);
    same_words(text, span_of(once));
    if (text.len != strlen(once) || memcmp(text.p, once, text.len) != 0)
        fail_msg("%s is not in canonical layout: tandemctl fmt", path);
    char *twice = formatted(span_of(once), &errs);
    conf_errors_fini(&errs);
    assert_string_equal(twice, once);
    free(once);
    free(twice);
}

static void every_shipped_file_is_in_canonical_layout(void **state)
{
    (void)state;
    if (!getenv("TD_SRCDIR")) {
        print_message("skipped: TD_SRCDIR does not say where the source is\n");
        skip();
    }
    each_shipped_file(keeps_its_words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_begin_in_column_nineteen),
        cmocka_unit_test(prefixes_of_a_route_are_its_head),
        cmocka_unit_test(comments_behind_a_statement_stand_in_column_forty_five),
        cmocka_unit_test(comments_of_their_own_line_keep_their_depth),
        cmocka_unit_test(a_section_has_an_empty_line_before_it_and_its_comment),
        cmocka_unit_test(quotes_and_line_ends),
        cmocka_unit_test(what_no_lexer_understands_is_named),
        cmocka_unit_test(every_shipped_file_is_in_canonical_layout),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
