/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tandemctl check: a configuration with all that it names, every message at once, then its tests.
 * Called by tandemctl.c. It needs no daemon and changes nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <time.h>
#include "call/explain_text.h"
#include "call/testrun.h"
#include "daemon/ctl.h"

struct check {
    const char *file, *test;
    bool no_tests, json;
};

static int usage(FILE *out)
{
    fputs("usage: tandemctl check [--no-tests] [--test NAME] [--json] [FILE]\n"
          "  FILE         configuration (default " CTL_CONF ")\n"
          "  --no-tests   its test sections are read, not run\n"
          "  --test NAME  run this one\n",
          out);
    return out == stdout ? CTL_OK : CTL_WRONG;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *text(const char *s)
{
    json_t *j = s ? json_string(s) : json_null();

    return j ? j : json_string("?"); /* not UTF-8 */
}

static json_t *error_json(const struct conf_error *e)
{
    return json_pack("{s:o,s:I,s:I,s:I,s:s,s:o,s:o,s:o}", "file", text(e->file), "line",
                     (json_int_t)e->line, "col", (json_int_t)e->col, "width", (json_int_t)e->width,
                     "severity", e->severity == CONF_ERROR ? "error" : "warning", "text",
                     text(e->text), "meant", text(e->meant), "source", text(e->source));
}

static void add_test(json_t *list, const json_t *r)
{
    const json_t *f;
    size_t i;

    json_array_foreach(json_object_get(r, "failures"), i, f) json_array_append_new(
        list,
        json_pack("{s:O,s:O,s:i,s:i,s:s,s:o,s:n,s:O}", "file", json_object_get(f, "file"), "line",
                  json_object_get(f, "line"), "col", 1, "width", 1, "severity", "error", "text",
                  json_sprintf("test '%s': expected %s, got %s",
                               json_string_value(json_object_get(r, "name")),
                               json_string_value(json_object_get(f, "expected")),
                               json_string_value(json_object_get(f, "got"))),
                  "meant", "source", json_object_get(f, "expected")));
}

/* @return failed tests */
static unsigned print_json(const struct ctl_conf *c, const json_t *tests)
{
    json_t *list = json_array();
    const json_t *r;
    unsigned failed = 0;
    size_t i;

    for (uint32_t k = 0; k < c->errs.n; k++)
        json_array_append_new(list, error_json(&c->errs.v[k]));
    json_array_foreach(tests, i, r)
    {
        failed += !json_is_true(json_object_get(r, "ok"));
        add_test(list, r);
    }
    (void)json_dumpf(list, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
    fputc('\n', stdout);
    json_decref(list);
    return failed;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static unsigned print_text(const struct ctl_conf *c, const json_t *tests)
{
    unsigned failed = 0;

    conf_print_errors(stdout, &c->errs);
    if (tests)
        failed = testrun_print(stdout, tests);
    printf("%u error%s, %u warning%s\n", c->errs.errors, c->errs.errors == 1 ? "" : "s",
           c->errs.warnings, c->errs.warnings == 1 ? "" : "s");
    if (json_array_size(tests))
        printf("%zu test%s, %u failed; seed %u where none is given\n", json_array_size(tests),
               json_array_size(tests) == 1 ? "" : "s", failed, EXPLAIN_SEED);
    return failed;
}

/* ---- */

static json_t *run_tests(const struct ctl_conf *c, const struct check *k)
{
    struct timespec now;
    struct explain_param p = {.route = c->route, .reg = c->reg};

    if (k->no_tests || !c->route)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    p.wall_ms = (uint64_t)now.tv_sec * 1000U;
    p.now_ms = 3600000; /* any: nothing has happened yet */
    return testrun_run(&p, k->test);
}

static int check(const struct check *k)
{
    struct ctl_conf c;
    int rc = ctl_load(k->file, &c) < 0 ? CTL_NOT : CTL_OK;
    json_t *tests = run_tests(&c, k);
    unsigned failed = k->json ? print_json(&c, tests) : print_text(&c, tests);

    if (rc == CTL_OK && k->test && json_array_size(tests) == 0) {
        fprintf(stderr, "tandemctl: no test '%s'\n", k->test);
        rc = CTL_WRONG;
    }
    json_decref(tests);
    ctl_unload(&c);
    return rc == CTL_OK && failed ? CTL_NOT : rc;
}

int ctl_check(const struct ctl *c, int argc, char **argv)
{
    static const struct option opts[] = {{"no-tests", no_argument, NULL, 'n'},
                                         {"test", required_argument, NULL, 't'},
                                         {"help", no_argument, NULL, 'h'},
                                         {NULL, 0, NULL, 0}};
    struct check k = {.file = CTL_CONF, .json = c->json};
    int o;

    optind = 0; /* begin again: main has used it */
    while ((o = getopt_long(argc, argv, "h", opts, NULL)) != -1) {
        if (o == 'n')
            k.no_tests = true;
        else if (o == 't')
            k.test = optarg;
        else
            return usage(o == 'h' ? stdout : stderr);
    }
    if (optind < argc)
        k.file = argv[optind++];
    return optind < argc ? usage(stderr) : check(&k);
}
