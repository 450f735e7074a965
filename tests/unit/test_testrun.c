/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/call/testrun*.c: what each word of a `test` section means, and what is said of wrong ones; the tests of
 * conf/examples/wholesale.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call/load_check.h"
#include "call/testrun.h"
#include "config/errors.h"

static const char base[] =
    "realm r\n  address 192.0.2.1\nlisten main\n  realm r\n  udp 192.0.2.1:5060\n"
    "trunk in\n  listen main\n  media none\n  accept 198.51.100.0/28\n  numbers plan\n  routes retail\n"
    "  limit in 5calls\n"
    "trunk alpha\n  listen main\n  media none\n  peer 198.51.100.21 udp\n"
    "  header out set P-Charge-Info \"<sip:{billing}@unit.example>\"\n"
    "trunk bravo\n  listen main\n  media none\n  peer 198.51.100.31 udp\n  send tech99\n  limit out 2calls\n"
    "numbers plan\n  911 -> keep class emergency\n  00. -> +{2-}\n  NXXNXXXXXX -> +1{*}\n  +. -> keep\n"
    "numbers tech99 direction out\n  911 -> keep\n  +. -> 99{1-}\n"
    "calendar office\n  open mon-fri 08:00-18:00\n"
    "route retail\n  emergency via bravo\n  prefix +1 via bravo then alpha\n"
    "  prefix +44 when office via alpha then bravo\n  prefix +44 via bravo\n"
    "  prefix +49 via alpha 70% bravo 30%\n"
    "  prefix +1900 cause 403 \"Blocked destination\"\n  default via alpha\n";

struct world {
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *rt;
    char *messages; /* of the check of the tests' words */
    json_t *results;
};

static void world_end(struct world *w)
{
    json_decref(w->results);
    route_free(w->rt);
    trunk_registry_free(w->reg);
    conf_free(w->conf);
    free(w->messages);
}

static void world_route(struct world *w)
{
    struct explain_param p = {.now_ms = 1000000, .wall_ms = 1796083200000};
    struct route_param rp = {.conf = w->conf, .wall_s = 1796083200};
    const char *why = "";

    w->reg = rp.reg = trunk_registry_new();
    w->rt = route_new(&rp, &why);
    assert_non_null(w->rt);
    assert_int_equal(explain_locate(w->rt, w->reg), 0);
    p.route = w->rt;
    p.reg = w->reg;
    w->results = testrun_run(&p, NULL);
    assert_non_null(w->results);
}

/* A configuration with this test in it, checked and run. */
static void world_of(struct world *w, const char *lines)
{
    struct conf_errors errs;
    char text[8192];
    size_t size;
    FILE *f;

    memset(w, 0, sizeof *w);
    snprintf(text, sizeof text, "%stest \"t\"\n%s", base, lines);
    w->conf = conf_load_text("unit", text, strlen(text), NULL, &errs);
    if (!w->conf)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(w->conf);
    errors_init(&errs);
    testrun_check(w->conf, &errs);
    f = open_memstream(&w->messages, &size);
    conf_print_errors(f, &errs);
    fclose(f);
    conf_errors_fini(&errs);
    world_route(w);
}

static const char *got(const struct world *w)
{
    const json_t *r = json_array_get(w->results, 0);
    const char *s = json_string_value(
        json_object_get(json_array_get(json_object_get(r, "failures"), 0), "got"));

    return s ? s : "";
}

static bool is_ok(const struct world *w)
{
    return json_is_true(json_object_get(json_array_get(w->results, 0), "ok"));
}

#define CALL    "  call from in caller +12125550123 called 2025550187\n"
#define CALL_UK "  call from in caller +12125550123 called 00442079460123\n"

/* The lines of a test; what came instead, or NULL: it is as expected. */
static const struct {
    const char *lines, *got;
} word[] = {
    {CALL "  expect normalised +12025550187\n", NULL},
    {CALL "  expect normalised +12025550188\n", "+12025550187"},
    {CALL "  expect routed +12025550187\n", NULL},
    {CALL "  expect caller +12125550123\n", NULL},
    {CALL "  expect caller +1\n", "+12125550123"},
    {CALL "  expect order bravo alpha\n", NULL},
    {CALL "  expect order alpha bravo\n", "bravo alpha"},
    {CALL "  expect order bravo\n", "bravo alpha"},
    {CALL "  expect first bravo\n", NULL},
    {CALL "  expect first alpha\n", "bravo alpha"},
    {CALL "  expect first bravo ruri-user 9912025550187\n", NULL},
    {CALL "  expect first bravo ruri-user 12025550187\n", "9912025550187"},
    {CALL "  expect alpha ruri sip:+12025550187@198.51.100.21:5060\n", NULL},
    {CALL "  expect alpha ruri sip:+12025550187@198.51.100.22:5060\n",
     "sip:+12025550187@198.51.100.21:5060"},
    {CALL "  expect alpha ruri-user +12025550187\n", NULL},
    {CALL "  expect alpha header P-Charge-Info <sip:+12125550123@unit.example>\n", NULL},
    {CALL "  expect alpha header P-Charge-Info none\n",
     "P-Charge-Info: <sip:+12125550123@unit.example>"},
    {CALL "  expect alpha header Privacy none\n", NULL},
    {CALL "  expect alpha header Privacy id\n", "Privacy: not there"},
    {CALL "  expect not alpha\n", "bravo alpha"},
    {CALL "  expect rate alpha 0.0061\n", "no rate"},
    {"  assume down bravo\n" CALL "  expect not bravo\n  expect order alpha\n", NULL},
    {"  assume drain bravo\n" CALL "  expect order alpha\n", NULL},
    {"  assume full bravo\n" CALL "  expect order alpha\n", NULL},
    {"  assume full in\n" CALL "  expect refused 503\n", NULL},
    {"  assume full in\n" CALL "  expect admitted\n",
     "not admitted: limit reached: calls of the trunk"},
    {"  assume full in bravo\n  call from in called 911\n  expect admitted via bravo\n"
     "  expect class emergency\n  expect line emergency\n",
     NULL},
    {CALL "  expect admitted via bravo\n", NULL},
    {CALL "  expect admitted via alpha\n", "bravo alpha"},
    {CALL "  expect class emergency\n", "ordinary"},
    {CALL "  expect line prefix +1\n", NULL},
    {CALL "  expect line default\n", "prefix +1 (unit:36)"},
    {"  call from in called +333\n  expect line default\n", NULL},
    {"  call from in called +19005550123\n  expect refused 403\n", NULL},
    {"  call from in called +19005550123\n  expect refused 404\n",
     "403 Blocked destination (refused by route)"},
    {CALL "  expect refused 403\n", "bravo alpha"},
    {"  call from in called +19005550123\n  expect first alpha\n",
     "refused with 403 Blocked destination (refused by route)"},
    {"  assume time 2026-12-01T09:00Z\n" CALL_UK "  expect order alpha bravo\n", NULL},
    {"  assume time 2026-12-01T20:00+01:00\n" CALL_UK "  expect order bravo\n", NULL},
    {"  assume time 2026-12-05\n" CALL_UK "  expect order bravo\n", NULL},
    {"  assume rn +442\n  assume seed 7\n" CALL "  expect routed +442\n", NULL},
    {"  assume ported +442\n" CALL "  expect line prefix +44\n", NULL},
    {"  assume rn none\n" CALL "  expect routed +12025550187\n", NULL},
    {"  call from in source 198.51.100.9 called 2025550187 pai +12125550123 privacy id diversion +1646\n"
     "  expect alpha header P-Asserted-Identity <sip:+12125550123@192.0.2.1>\n"
     "  expect alpha header Privacy id\n"
     "  expect alpha header Diversion <sip:+1646@192.0.2.1>;reason=unconditional\n",
     NULL},
};

static void every_word_is_compared_with_what_comes(void **state)
{
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof word / sizeof word[0]; i++) {
        world_of(&w, word[i].lines);
        if (w.messages[0] || is_ok(&w) != !word[i].got ||
            strcmp(got(&w), word[i].got ? word[i].got : "") != 0)
            fail_msg("%s: got '%s' %s", word[i].lines, got(&w), w.messages);
        world_end(&w);
    }
}

/* The lines of a test that cannot be meant, and the message. */
static const struct {
    const char *lines, *says;
} wrong[] = {
    {CALL "  expect ordr alpha\n", "no expectation and no trunk 'ordr'; did you mean 'order'?"},
    {CALL "  expect alfa ruri x\n", "no expectation and no trunk 'alfa'; did you mean 'alpha'?"},
    {CALL "  expect alpha rury x\n", "of a carrier nobody can expect 'rury'; did you mean 'ruri'?"},
    {CALL "  expect alpha\n", "ruri, ruri-user, header or rate is missing behind 'alpha'"},
    {CALL "  expect order\n", "a trunk is missing behind 'order'"},
    {CALL "  expect order alpha delta\n", "no trunk 'delta'"},
    {CALL "  expect normalised +1 +2\n", "superfluous '+2'"},
    {CALL "  expect refused 200\n", "no status from 400 to 699: '200'"},
    {CALL "  expect class urgent\n", "no class (emergency, service, ordinary): 'urgent'"},
    {CALL "  expect rate alpha cheap\n", "no amount as 0.0061: 'cheap'"},
    {CALL "  expect line +1\n", "a line is prefix P, default or emergency, not '+1'"},
    {CALL "  expect admitted by alpha\n", "behind admitted stands via TRUNK, not 'by'"},
    {"  expect order alpha\n" CALL, "a call must stand before expect 'order'"},
    {"  assume dwon alpha\n" CALL, "nothing to assume is 'dwon'; did you mean 'down'?"},
    {"  assume down alfa\n" CALL, "no trunk 'alfa'; did you mean 'alpha'?"},
    {"  assume full alpha\n" CALL, "it has no limit and is never full: trunk 'alpha'"},
    {"  assume time noon\n" CALL, "no time as 2026-12-01T08:30Z: 'noon'"},
    {"  assume time 2026-02-30\n" CALL, "no time as 2026-12-01T08:30Z: '2026-02-30'"},
    {"  call from in calling 1\n", "a call has no 'calling'"},
    {"  call from in caller 1\n", "`called NUMBER` is missing in the call 'from'"},
    {"  call called 1\n", "`from TRUNK` is missing in the call 'called'"},
    {"  call from inn called 1\n", "no trunk 'inn'; did you mean 'in'?"},
    {"  call from in called\n", "a value is missing behind 'called'"},
    {"  call from in called 1 source nowhere\n", "no address: 'nowhere'"},
};

static void wrong_words_are_errors_at_their_place(void **state)
{
    struct world w;

    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        world_of(&w, wrong[i].lines);
        if (!strstr(w.messages, wrong[i].says) || strncmp(w.messages, "unit:", 5) != 0 || is_ok(&w))
            fail_msg("%s: %s", wrong[i].lines, w.messages);
        world_end(&w);
    }
}

/* A share is drawn by the seed alone: the same in every process, and 70 % of many seeds. */
static void chance_is_what_the_seed_says(void **state)
{
    static const char *const first[] = {"alpha", "alpha", "bravo", "alpha",
                                        "bravo", "bravo", "alpha", "alpha"};
    char lines[128];
    struct world w;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        snprintf(lines, sizeof lines,
                 "  assume seed %u\n  call from in called +4930\n  expect first %s\n", i + 1,
                 first[i]);
        world_of(&w, lines);
        if (!is_ok(&w))
            fail_msg("seed %u: %s", i + 1, got(&w));
        world_end(&w);
    }
}

static void results_are_printed_as_a_list_that_tools_read(void **state)
{
    struct world w;
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    (void)state;
    world_of(&w, CALL "  expect first alpha\n");
    assert_int_equal(testrun_print(f, w.results), 1);
    fclose(f);
    assert_non_null(strstr(text, "not ok 1 - t (unit:42)\n    unit:44: expected first alpha\n"));
    assert_non_null(strstr(text, "got bravo alpha\n"));
    free(text);
    world_end(&w);
}

static void the_wholesale_example_is_clean_and_does_what_it_says(void **state)
{
    const char *dir = getenv("TD_SRCDIR");
    struct route_param rp = {.wall_s = 1796083200};
    struct conf_errors errs;
    struct world w = {0};
    char path[1024];
    size_t i;
    json_t *r;

    (void)state;
    /* by a way round, as `make distcheck` has it: places are compared, not their spelling */
    snprintf(path, sizeof path, "%s/conf/../conf/examples/wholesale/tandem.conf", dir ? dir : ".");
    w.conf = conf_load_more(path, NULL, load_check, &rp, &errs);
    load_check_end(&rp);
    conf_print_errors(stderr, &errs);
    assert_int_equal(errs.errors + errs.warnings, 0);
    conf_errors_fini(&errs);
    assert_non_null(w.conf);
    world_route(&w);
    assert_true(json_array_size(w.results) >= 10);
    json_array_foreach(w.results, i, r) if (!json_is_true(json_object_get(r, "ok")))
    {
        (void)testrun_print(stderr, w.results);
        fail();
    }
    world_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_word_is_compared_with_what_comes),
        cmocka_unit_test(wrong_words_are_errors_at_their_place),
        cmocka_unit_test(chance_is_what_the_seed_says),
        cmocka_unit_test(results_are_printed_as_a_list_that_tools_read),
        cmocka_unit_test(the_wholesale_example_is_clean_and_does_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
