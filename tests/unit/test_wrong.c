/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Wrong configurations as operators write them (in tests/data/wrong) and all that is said of each, in a file beside it.
 * "test_wrong FILE" prints what is said of a file. The same texts stand at the end of docs/tandem.conf.md.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glob.h>
#include <unistd.h>

#include "config_load.h"
#include "route/book.h"
#include "route/route.h"

#define NOW INT64_C(1796083200) /* 2026-12-01 00:00 UTC */

/* All that an operator sees; to be freed. */
static char *said_of(const char *path)
{
    struct route_param p = {.wall_s = NOW, .threads = 1};
    struct conf_errors errs;
    struct conf *conf = conf_load_more(path, &config_env, route_check_files, &p, &errs);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    conf_print_errors(out, &errs);
    fprintf(out, "%u error%s, %u warning%s\n", errs.errors, errs.errors == 1 ? "" : "s",
            errs.warnings, errs.warnings == 1 ? "" : "s");
    fclose(out);
    book_free(p.book);
    conf_errors_fini(&errs);
    conf_free(conf);
    return text;
}

static char *read_all(const char *path)
{
    char *text = calloc(1, 400000);
    FILE *f = fopen(path, "r");

    if (!f)
        fail_msg("no file %s", path);
    assert_true(fread(text, 1, 399999, f) > 0);
    fclose(f);
    return text;
}

static void check_file(const char *conf, const char *reference)
{
    char says[256], *want, *said = said_of(conf);
    int stem = (int)(strlen(conf) - strlen(".conf"));

    snprintf(says, sizeof(says), "%.*s.says", stem, conf);
    want = read_all(says);
    if (strcmp(said, want) != 0)
        fail_msg("of %s is said:\n%s\nnot:\n%s", conf, said, want);
    if (!strstr(reference, want))
        fail_msg("docs/tandem.conf.md lacks what is said of %s:\n%s", conf, want);
    free(want);
    free(said);
}

static void go_there(void)
{
    char dir[512];

    snprintf(dir, sizeof(dir), "%s/tests/data/wrong", getenv("TD_SRCDIR"));
    assert_int_equal(chdir(dir), 0);
}

static void every_wrong_file_is_told_all_of_its_faults(void **state)
{
    glob_t g = {.gl_pathc = 0};
    char *reference;
    size_t i;

    (void)state;
    if (!getenv("TD_SRCDIR")) {
        print_message("skipped: TD_SRCDIR does not say where the source is\n");
        skip();
    }
    go_there();
    reference = read_all("../../../docs/tandem.conf.md");
    assert_int_equal(glob("*.conf", 0, NULL, &g), 0);
    assert_true(g.gl_pathc >= 20);
    for (i = 0; i < g.gl_pathc; i++)
        check_file(g.gl_pathv[i], reference);
    globfree(&g);
    free(reference);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wrong_file_is_told_all_of_its_faults),
    };

    if (argc == 2) {
        char *said = said_of(argv[1]);

        fputs(said, stdout);
        free(said);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
