/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The `test` sections of a configuration: calls that are explained, and what is expected of them.
 * Called by tandemctl check and by each load, which looks at the words only. Nothing here knows how a call is routed.
 */
#include "call/testrun.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "call/explain_words.h"
#include "call/testrun_priv.h"
#include "config/errors.h"

/* ---- messages ---------------------------------------------------------------------------------------------------- */

void testrun_wrong(struct testrun *t, const struct conf_word *w, const char *meant,
                   const char *what)
{
    if (t->errs)
        conf_error_meant(t->errs, t->conf, w->loc, meant, "%s '%s'", what, w->text);
    t->is_bad = true;
}

/* Words of the line as they were written, for "expected". */
static json_t *line_text(const struct conf_test_line *l)
{
    json_t *o;
    char *text = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    for (uint32_t i = 0; f && i < l->words.word.n; i++)
        fprintf(f, "%s%s", i ? " " : "", l->words.word.v[i].text);
    if (f)
        fclose(f);
    o = explain_text(span_of(text));
    free(text);
    return o;
}

void testrun_fail(struct testrun *t, const char *fmt, ...)
{
    const struct conf_word *w = &t->line->words.word.v[0];
    char text[512];
    json_t *o;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    o = json_pack("{s:o,s:o}", "expected", line_text(t->line), "got", explain_text(span_of(text)));
    explain_put_loc(o, t->conf, &w->loc);
    json_array_append_new(t->failures, o);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

const struct conf_word *testrun_next(struct testrun *t, const char *what)
{
    const struct conf_words *ws = &t->line->words;

    if (t->at < ws->word.n)
        return &ws->word.v[t->at++];
    if (what)
        testrun_wrong(t, &ws->word.v[ws->word.n - 1], NULL, what);
    return NULL;
}

bool testrun_trunk(struct testrun *t, const struct conf_word *w, uint32_t *id)
{
    const char *meant;

    if (w && explain_trunk(t->conf, w->text, id, &meant) == 0)
        return true;
    if (w)
        testrun_wrong(t, w, meant, "no trunk");
    return false;
}

/* ---- assume ------------------------------------------------------------------------------------------------------ */

static bool has_limit(const struct conf_trunk *t)
{
    return t->limit_in.calls || t->limit_in.cps || t->limit_out.calls || t->limit_out.cps;
}

static void assume_trunks(struct testrun *t, bool **list, bool is_full)
{
    const struct conf_word *w = testrun_next(t, "a trunk is missing behind");
    uint32_t id;

    for (; w; w = testrun_next(t, NULL)) {
        if (!testrun_trunk(t, w, &id))
            continue;
        if (is_full && !has_limit(&t->conf->trunk.v[id]))
            testrun_wrong(t, w, NULL, "it has no limit and is never full: trunk");
        else if (explain_assume(t->conf, list, w->text) < 0)
            testrun_wrong(t, w, NULL, "out of memory at");
    }
}

static void assume_down(struct testrun *t)
{
    assume_trunks(t, &t->ask.down, false);
}

static void assume_full(struct testrun *t)
{
    assume_trunks(t, &t->ask.full, true);
}

static void assume_drain(struct testrun *t)
{
    assume_trunks(t, &t->ask.drained, false);
}

static void assume_time(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a time is missing behind");

    if (w && explain_time(w->text, &t->ask.wall_s) < 0)
        testrun_wrong(t, w, NULL, "no time as 2026-12-01T08:30Z:");
}

static void assume_rn(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a routing number, or none, is missing behind");

    if (w)
        t->ask.rn = strcmp(w->text, "none") == 0 ? "" : w->text;
}

static void assume_seed(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a number is missing behind");

    if (w && span_u32(span_of(w->text), UINT32_MAX, &t->ask.seed) < 0)
        testrun_wrong(t, w, NULL, "no number:");
}

const struct testrun_word testrun_assume[] = {
    {"down", assume_down}, {"full", assume_full}, {"drain", assume_drain}, {"time", assume_time},
    {"rn", assume_rn},     {"ported", assume_rn}, {"seed", assume_seed},   {NULL, NULL}};

/* ---- call -------------------------------------------------------------------------------------------------------- */

static const char *value(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a value is missing behind");

    return w ? w->text : NULL;
}

static void call_from(struct testrun *t)
{
    (void)testrun_trunk(t, testrun_next(t, "a trunk is missing behind"), &t->ask.trunk);
}

static void call_called(struct testrun *t)
{
    t->ask.called = value(t);
}

static void call_caller(struct testrun *t)
{
    t->ask.caller = value(t);
}

static void call_pai(struct testrun *t)
{
    t->ask.pai = value(t);
}

static void call_privacy(struct testrun *t)
{
    t->ask.privacy = value(t);
}

static void call_source(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "an address is missing behind");

    if (w && addr_parse(span_of(w->text), 0, &t->ask.source) < 0)
        testrun_wrong(t, w, NULL, "no address:");
}

static void call_diversion(struct testrun *t)
{
    const struct conf_word *w = testrun_next(t, "a number is missing behind");

    if (w && t->ask.n_diversions == EXPLAIN_DIVERSIONS_MAX)
        testrun_wrong(t, w, NULL, "more than five diversions:");
    else if (w)
        t->ask.diversion[t->ask.n_diversions++] = w->text;
}

const struct testrun_word testrun_call[] = {{"from", call_from},           {"called", call_called},
                                            {"caller", call_caller},       {"pai", call_pai},
                                            {"privacy", call_privacy},     {"source", call_source},
                                            {"diversion", call_diversion}, {NULL, NULL}};

static bool word_run(struct testrun *t, const struct testrun_word *table, const struct conf_word *w,
                     const char *what)
{
    struct nearest near;

    nearest_init(&near, span_of(w->text));
    for (; table->word; table++) {
        if (strcmp(table->word, w->text) == 0) {
            table->run(t);
            return true;
        }
        nearest_try(&near, table->word);
    }
    testrun_wrong(t, w, near.best, what);
    return false;
}

static void read_call(struct testrun *t)
{
    const struct conf_word *w, *first = &t->line->words.word.v[0];
    struct explain_ask *a = &t->ask;

    a->trunk = CONF_NONE;
    a->source = (struct addr){0};
    a->called = a->caller = a->pai = a->privacy = NULL;
    a->n_diversions = 0;
    while ((w = testrun_next(t, NULL)))
        if (!word_run(t, testrun_call, w, "a call has no"))
            break;
    if (!t->is_bad && !a->called)
        testrun_wrong(t, first, NULL, "`called NUMBER` is missing in the call");
    if (!t->is_bad && a->trunk == CONF_NONE && !addr_is_set(&a->source))
        testrun_wrong(t, first, NULL, "`from TRUNK` is missing in the call");
}

/* ---- a test ------------------------------------------------------------------------------------------------------ */

static void run_call(struct testrun *t)
{
    char why[200];

    json_decref(t->answer);
    t->answer = NULL;
    if (!t->p || t->is_bad)
        return;
    t->answer = explain_run(t->p, &t->ask, why, sizeof why);
    if (!t->answer)
        testrun_fail(t, "%s", why);
}

static void one_line(struct testrun *t)
{
    const struct conf_word *w;

    t->at = 0;
    switch (t->line->kind) {
    case CONF_TEST_ASSUME:
        w = testrun_next(t, NULL);
        if (w && word_run(t, testrun_assume, w, "nothing to assume is"))
            while ((w = testrun_next(t, NULL)) && !t->is_bad)
                testrun_wrong(t, w, NULL, "superfluous");
        break;
    case CONF_TEST_CALL:
        read_call(t);
        run_call(t);
        t->has_call = true;
        break;
    case CONF_TEST_EXPECT:
        if (!t->has_call)
            testrun_wrong(t, &t->line->words.word.v[0], NULL, "a call must stand before expect");
        else if (t->answer || !t->p)
            testrun_expect(t);
        break;
    }
}

static void one_test(struct testrun *t, const struct conf_test *test)
{
    explain_ask_init(&t->ask, t->p ? (int64_t)(t->p->wall_ms / 1000) : 0);
    t->has_call = t->is_bad = false;
    for (uint32_t i = 0; i < test->line.n; i++) {
        bool was_bad = t->is_bad;

        t->is_bad = false;
        t->line = &test->line.v[i];
        if (t->line->words.word.n)
            one_line(t);
        t->is_bad = t->is_bad || was_bad;
    }
    json_decref(t->answer);
    t->answer = NULL;
    explain_ask_fini(&t->ask);
}

void testrun_check(const struct conf *conf, struct conf_errors *errs)
{
    struct testrun t = {.conf = conf, .errs = errs};

    for (uint32_t i = 0; i < conf->test.n; i++)
        one_test(&t, &conf->test.v[i]);
}

json_t *testrun_run(const struct explain_param *p, const char *only)
{
    struct testrun t = {.conf = route_conf(p->route), .p = p};
    json_t *all = json_array(), *o;

    for (uint32_t i = 0; all && i < t.conf->test.n; i++) {
        const struct conf_test *test = &t.conf->test.v[i];

        if (only && strcmp(only, test->name) != 0)
            continue;
        t.failures = json_array();
        one_test(&t, test);
        o = json_pack("{s:o,s:i,s:b,s:O}", "name", explain_text(span_of(test->name)), "seed",
                      (int)EXPLAIN_SEED, "ok", json_array_size(t.failures) == 0 && !t.is_bad,
                      "failures", t.failures);
        explain_put_loc(o, t.conf, &test->loc);
        json_array_append_new(all, o);
        json_decref(t.failures);
    }
    return all;
}

/* ---- for people -------------------------------------------------------------------------------------------------- */

static const char *text_of(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

unsigned testrun_print(FILE *out, const json_t *results)
{
    const json_t *r, *f;
    unsigned failed = 0;
    size_t i, k;

    json_array_foreach(results, i, r)
    {
        bool ok = json_is_true(json_object_get(r, "ok"));

        failed += !ok;
        fprintf(out, "%s %zu - %s (%s:%lld)\n", ok ? "ok" : "not ok", i + 1, text_of(r, "name"),
                text_of(r, "file"), (long long)json_integer_value(json_object_get(r, "line")));
        json_array_foreach(json_object_get(r, "failures"), k, f) fprintf(
            out, "    %s:%lld: expected %s\n    %*s  got %s\n", text_of(f, "file"),
            (long long)json_integer_value(json_object_get(f, "line")), text_of(f, "expected"),
            (int)strlen(text_of(f, "file")) + 4, "", text_of(f, "got"));
    }
    return failed;
}
