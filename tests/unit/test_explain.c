/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/call/explain*.c: what is said of a call, and that asking leaves no trace.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call/explain.h"
#include "call/explain_text.h"
#include "call/explain_words.h"

static const char text[] =
    "global\n  limit 100calls\n  country +1\n"
    "realm r\n  address 192.0.2.1\n"
    "listen main\n  realm r\n  udp 192.0.2.1:5060\n  unknown 403\n"
    "media rtp\n  realm r\n  ports 10000-29999\n"
    "customer acme\n  limit in 10calls\n"
    "trunk in\n  listen main\n  accept 198.51.100.0/28\n  numbers plan\n  routes retail\n"
    "  codecs deny g729\n"
    "  customer acme\n  limit in 20calls 3cps\n"
    "trunk alpha\n  listen main\n  peer 198.51.100.21 udp priority 1 weight 70\n"
    "  peer sbc2.alpha.example:5070 udp priority 1 weight 30\n  uri phone\n"
    "  header out set P-Charge-Info \"<sip:{billing}@unit.example>\"\n"
    "trunk bravo\n  listen main\n  peer 198.51.100.31 udp\n  send tech99\n  limit out 2calls\n"
    "  stop 503\n  trust no\n"
    "trunk narrow\n  listen main\n  peer 198.51.100.41 udp\n  codecs allow opus pcma g729\n"
    "  codecs order opus g729\n  ptime 20\n  bypass in\n"
    "trunk moving\n  listen main\n  peer 198.51.100.42 udp\n  latch follow\n  bypass in\n"
    "trunk old\n  listen main\n  peer 198.51.100.43 udp\n  codecs allow g729\n"
    "group carriers\n  member bravo\n  limit out 5calls\n"
    "numbers plan\n  911 -> keep class emergency\n  311 -> keep\n  00. -> +{2-}\n  NXXNXXXXXX -> +1{*}\n  +. -> keep\n"
    "numbers tech99 direction out\n  +. -> 99{1-}\n"
    "route retail\n  emergency via bravo\n  prefix +1 via bravo then alpha max 1 attempts\n"
    "  prefix +44 via alpha then bravo\n  prefix +7 via narrow then moving then old\n  prefix +1900 cause 403 \"Blocked destination\"\n";

struct fixture {
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *rt;
    json_t *answer;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct conf_errors errs;
    struct route_param p;
    const char *why = "";

    f->conf = conf_load_text("unit", text, sizeof text - 1, NULL, &errs);
    conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(f->conf);
    f->reg = trunk_registry_new();
    p = (struct route_param){.conf = f->conf, .reg = f->reg};
    f->rt = route_new(&p, &why);
    assert_non_null(f->rt);
    assert_int_equal(explain_locate(f->rt, f->reg), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    json_decref(f->answer);
    route_free(f->rt);
    trunk_registry_free(f->reg);
    conf_free(f->conf);
    free(f);
    return 0;
}

static struct explain_ask ask_from(struct fixture *f, const char *trunk, const char *called)
{
    struct explain_ask a;

    explain_ask_init(&a, 1700000000);
    a.trunk = (uint32_t)(conf_find_trunk(f->conf, trunk) - f->conf->trunk.v);
    a.called = called;
    a.caller = "+12125550123";
    return a;
}

static json_t *ask(struct fixture *f, const struct explain_ask *a)
{
    struct explain_param p = {
        .route = f->rt, .reg = f->reg, .now_ms = 1000000, .wall_ms = 1700000000000};
    char why[200];

    json_decref(f->answer);
    f->answer = explain_run(&p, a, why, sizeof why);
    if (!f->answer)
        fail_msg("%s", why);
    return f->answer;
}

static const char *member(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));

    return s ? s : "";
}

static const json_t *candidate(const json_t *o, size_t i)
{
    return json_array_get(json_object_get(o, "candidates"), i);
}

static const json_t *request(const json_t *c, size_t i)
{
    return json_array_get(json_object_get(c, "requests"), i);
}

static const char *header(const json_t *req, const char *name)
{
    const json_t *h;
    size_t i;

    json_array_foreach(json_object_get(req, "headers"), i,
                       h) if (strcmp(member(h, "name"), name) == 0) return member(h, "value");
    return "";
}

static void each_carrier_shows_the_request_that_it_would_get(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    const json_t *o, *c;

    a.pai = "+12125550123";
    o = ask(f, &a);
    assert_string_equal(member(o, "normalised"), "+12025550187");
    assert_string_equal(member(o, "verdict"), "routed");
    assert_string_equal(member(json_object_get(o, "in"), "by"), "accept 198.51.100.0/28");
    c = candidate(o, 0);
    assert_string_equal(member(c, "trunk"), "bravo");
    assert_true(json_is_true(json_object_get(c, "tried")));
    assert_string_equal(member(request(c, 0), "ruri"), "sip:9912025550187@198.51.100.31:5060");
    assert_string_equal(header(request(c, 0), "To"), "<sip:9912025550187@198.51.100.31>");
    assert_string_equal(header(request(c, 0), "From"), "<sip:+12125550123@192.0.2.1>");
    c = candidate(o, 1);
    assert_string_equal(member(c, "trunk"), "alpha");
    assert_true(json_is_false(json_object_get(c, "tried"))); /* max 1 attempts */
    assert_string_equal(member(request(c, 0), "ruri"),
                        "sip:+12025550187@198.51.100.21:5060;user=phone");
    assert_string_equal(member(request(c, 1), "ruri"),
                        "sip:+12025550187@sbc2.alpha.example:5070;user=phone");
    assert_string_equal(header(request(c, 0), "P-Asserted-Identity"),
                        "<sip:+12125550123@192.0.2.1;user=phone>");
    assert_string_equal(header(request(c, 0), "P-Charge-Info"), "<sip:acme@unit.example>");
}

static void privacy_holds_towards_who_is_not_trusted(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    const json_t *o;

    a.pai = "+12125550123";
    a.privacy = "id";
    o = ask(f, &a);
    assert_string_equal(header(request(candidate(o, 0), 0), "P-Asserted-Identity"), "");
    assert_string_equal(header(request(candidate(o, 1), 0), "Privacy"), "id");
}

static void a_refusal_is_told_as_the_caller_gets_it(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "+19005550123");
    const json_t *o = ask(f, &a);

    assert_string_equal(member(o, "verdict"), "refused");
    assert_string_equal(member(json_object_get(o, "refused"), "status"), "403 Blocked destination");
    assert_int_equal(json_array_size(json_object_get(o, "candidates")), 0);
}

static void a_national_number_without_a_line_is_told_with_its_country(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "311");
    char *said = json_dumps(ask(f, &a), 0);

    assert_non_null(strstr(said, "no line of route 'retail' serves 311: if it is national, a rule "
                                 "of `numbers` must put +1 before it"));
    free(said);
    a.called = "+819012345678";
    said = json_dumps(ask(f, &a), 0);
    assert_non_null(strstr(said, "no line of route 'retail' serves +819012345678\""));
    free(said);
}

static void full_limits_are_those_of_the_live_state_and_of_assumptions(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    struct trunk_state *bravo = trunk_registry_find(f->reg, "bravo");
    const json_t *o, *c;

    atomic_store(&bravo->out.calls, 2);
    o = ask(f, &a);
    c = candidate(o, 0);
    assert_true(json_is_true(json_object_get(c, "full")));
    assert_true(json_is_false(json_object_get(c, "tried")));
    assert_string_equal(member(c, "why"), "trunk full");
    assert_string_equal(member(request(c, 0), "ruri"), "sip:9912025550187@198.51.100.31:5060");
    assert_true(
        json_is_true(json_object_get(candidate(o, 1), "tried"))); /* skipping is no attempt */
    assert_int_equal(atomic_load(&bravo->out.calls), 2);
    assert_int_equal(atomic_load(&bravo->out.refused_calls), 0);
    atomic_store(&bravo->out.calls, 0);

    struct group_state *carriers = trunk_registry_find_group(f->reg, "carriers");
    atomic_store(&carriers->out.calls, 5);
    c = candidate(ask(f, &a), 0);
    assert_true(json_is_false(json_object_get(c, "tried")));
    assert_string_equal(member(c, "why"), "trunk full");
    assert_int_equal(atomic_load(&carriers->out.calls), 5);
    atomic_store(&carriers->out.calls, 0);
    assert_true(json_is_true(json_object_get(candidate(ask(f, &a), 0), "tried")));

    assert_int_equal(explain_assume(f->conf, &a.full, "in"), 0);
    assert_int_equal(explain_assume(f->conf, &a.full, "nobody"), -ENOENT);
    o = ask(f, &a);
    assert_true(json_is_false(json_object_get(o, "admitted")));
    assert_string_equal(member(json_object_get(o, "refused"), "why"),
                        "limit reached: calls of the trunk");
    a.called = "911";
    o = ask(f, &a);
    assert_string_equal(member(o, "class"), "emergency");
    assert_true(json_is_true(json_object_get(o, "admitted")));
    explain_ask_fini(&a);
}

static void who_is_drained_is_told_so_and_where_it_would_go(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    struct trunk_state *in = trunk_registry_find(f->reg, "in");
    const json_t *o;

    atomic_store(&in->admin, TRUNK_DRAIN);
    o = ask(f, &a);
    assert_true(json_is_false(json_object_get(o, "admitted")));
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "refused"), "code")),
                     503);
    assert_string_equal(member(json_object_get(o, "refused"), "why"),
                        "the trunk it comes from is drained or down");
    assert_true(json_is_false(json_object_get(candidate(o, 0), "tried")));
    assert_string_equal(member(request(candidate(o, 0), 0), "ruri"),
                        "sip:9912025550187@198.51.100.31:5060");
    a.called = "911"; /* taken from one that drains */
    assert_true(json_is_true(json_object_get(ask(f, &a), "admitted")));
    atomic_store(&in->admin, TRUNK_UP);

    a.called = "2025550187";
    assert_int_equal(explain_assume(f->conf, &a.drained, "in"), 0);
    assert_true(json_is_false(json_object_get(ask(f, &a), "admitted")));
    explain_ask_fini(&a);
}

static void a_source_finds_its_trunk_or_nobody(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    struct explain_param p = {.route = f->rt, .reg = f->reg, .now_ms = 1, .wall_ms = 1};
    char why[200];
    const json_t *o;

    a.trunk = CONF_NONE;
    assert_int_equal(addr_parse_ip(SPAN("198.51.100.7"), &a.source), 0);
    o = ask(f, &a);
    assert_string_equal(member(json_object_get(o, "in"), "trunk"), "in");
    assert_string_equal(member(json_object_get(o, "in"), "source"), "198.51.100.7");
    assert_int_equal(addr_parse_ip(SPAN("203.0.113.7"), &a.source), 0);
    assert_null(explain_run(&p, &a, why, sizeof why));
    assert_string_equal(why, "no trunk has that source");
}

static void strange_numbers_are_answered_not_obeyed(void **state)
{
    struct fixture *f = *state;
    struct explain_param p = {.route = f->rt, .reg = f->reg, .now_ms = 1, .wall_ms = 1};
    static const char *const number[] = {"\"quoted\"", "<sip:x@y>", "%00%0d%0a", "a b c",
                                         "\xff\xfe",   "12;rn=%zz", "*67#",      "+"};
    struct explain_ask a = ask_from(f, "in", "x");
    char longest[3000], why[200];

    for (size_t i = 0; i < sizeof number / sizeof number[0]; i++) {
        a.called = number[i];
        a.caller = number[i];
        (void)ask(f, &a);
    }
    memset(longest, '7', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    a.called = longest;
    assert_null(explain_run(&p, &a, why, sizeof why));
    assert_string_equal(why, "the question is too long");
    a.called = longest + sizeof longest - 300;
    assert_string_equal(member(ask(f, &a), "verdict"), "bad-number");
    a.called = "12\r\nX-Evil: 1";
    assert_null(explain_run(&p, &a, why, sizeof why));
    a.called = "";
    assert_null(explain_run(&p, &a, why, sizeof why));
}

static const struct {
    const char *word[8];
    const char *why; /* NULL: fine */
} words[] = {
    {{"--from", "in", "--called", "1"}, NULL},
    {{"--source", "198.51.100.7:5080", "--listen", "main", "--called", "1"}, NULL},
    {{"--called", "1", "--from", "in", "--assume", "down=alpha,bravo"}, NULL},
    {{"--called", "1", "--from", "in", "--at", "2026-12-01T08:30:15+01:00"}, NULL},
    {{"--called", "1"}, "--from TRUNK or --source ADDRESS is missing"},
    {{"--from", "in"}, "--called NUMBER is missing"},
    {{"--from", "inn", "--called", "1"}, "no trunk 'inn'; did you mean 'in'?"},
    {{"--form", "in", "--called", "1"}, "unknown word '--form'; did you mean '--from'?"},
    {{"--from", "in", "--called"}, "a value is missing behind '--called'"},
    {{"--from", "in", "--called", "1", "--at", "noon"}, "no time as 2026-12-01T08:30Z: 'noon'"},
    {{"--from", "in", "--called", "1", "--at", "2026-13-01"},
     "no time as 2026-12-01T08:30Z: '2026-13-01'"},
    {{"--from", "in", "--called", "1", "--assume", "up=in"},
     "what is assumed is down=, full= or drain=, not 'up=in'"},
    {{"--from", "in", "--called", "1", "--assume", "down=alfa"},
     "no trunk 'alfa'; did you mean 'alpha'?"},
    {{"--from", "in", "--called", "1", "--seed", "x"}, "no number: 'x'"},
    {{"--source", "nowhere", "--called", "1"}, "no address: 'nowhere'"},
    {{"--source", "::1", "--listen", "mian", "--called", "1"}, "no listen section 'mian'"},
};

static void words_are_taken_or_refused_by_name(void **state)
{
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct explain_ask a;
        char why[512] = "";
        unsigned n = 0;
        int rc;

        while (n < 8 && words[i].word[n])
            n++;
        explain_ask_init(&a, 0);
        rc = explain_words(f->conf, n, words[i].word, &a, why, sizeof why);
        assert_int_equal(rc, words[i].why ? -EINVAL : 0);
        assert_string_equal(why, words[i].why ? words[i].why : "");
        explain_ask_fini(&a);
    }
}

static void moments_are_read_with_their_zone(void **state)
{
    int64_t t = 0;

    (void)state;
    assert_int_equal(explain_time("2026-12-01", &t), 0);
    assert_int_equal(t, 1796083200);
    assert_int_equal(explain_time("2026-12-01T08:30Z", &t), 0);
    assert_int_equal(t, 1796083200 + 8 * 3600 + 1800);
    assert_int_equal(explain_time("2026-12-01T08:30:05+0100", &t), 0);
    assert_int_equal(t, 1796083200 + 7 * 3600 + 1805);
    assert_int_equal(explain_time("2026-11-30T19:00-05:00", &t), 0);
    assert_int_equal(t, 1796083200);
    assert_int_equal(explain_time("2026-02-29", &t), -EINVAL);
    assert_int_equal(explain_time("2026-12-01T", &t), -EINVAL);
    assert_int_equal(explain_time("2026-12-01T25:00", &t), -EINVAL);
    assert_int_equal(explain_time("2026-12-01T08:30Zulu", &t), -EINVAL);
    assert_int_equal(explain_time("", &t), -EINVAL);
}

static void the_text_has_every_decision_with_its_place(void **state)
{
    static const char *const line[] = {
        "in     in 198.51.100.1 (accept 198.51.100.0/28)",
        "  unit:14\n",
        "at     2023-11-14T22:13:20Z, seed 1, assumed: down alpha\n",
        "number 2025550187 -> +12025550187 (NXXNXXXXXX)",
        "  1 bravo     up  0/2 calls",
        "     -> INVITE sip:9912025550187@198.51.100.31:5060 SIP/2.0  (UDP 198.51.100.31:5060)\n",
        "        From: <sip:+12125550123@192.0.2.1>\n",
        "  - alpha     down, as assumed",
    };
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    char *said = NULL;
    size_t size;
    FILE *out = open_memstream(&said, &size);

    assert_int_equal(explain_assume(f->conf, &a.down, "alpha"), 0);
    explain_print(out, ask(f, &a));
    a.called = "+1900555\"\xc3\xa9";
    explain_print(out, ask(f, &a));
    fclose(out);
    for (size_t i = 0; i < sizeof line / sizeof line[0]; i++)
        if (!strstr(said, line[i]))
            fail_msg("no '%s' in\n%s", line[i], said);
    explain_ask_fini(&a);
    free(said);
}

static void codecs_and_the_way_of_the_media_are_told(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "+74951234567");
    const json_t *o = ask(f, &a), *c = candidate(o, 0);
    char *said = json_dumps(json_object_get(request(c, 0), "codecs"), 0), *text_said;
    size_t size;
    FILE *out;

    assert_string_equal(said, "[\"opus\", \"PCMA\", \"CN\", \"telephone-event\"]");
    free(said);
    assert_string_equal(member(request(c, 0), "media"), "around: bypass");
    c = candidate(o, 1);
    assert_string_equal(member(request(c, 0), "media"), "relay: latch follow");
    c = candidate(o, 2);
    assert_string_equal(member(c, "why"), "no codec that both trunks allow");
    out = open_memstream(&text_said, &size);
    explain_print(out, o);
    fclose(out);
    assert_non_null(strstr(text_said, "        media: around: bypass; offered opus, PCMA, CN, "
                                      "telephone-event; ptime 20\n"));
    assert_non_null(strstr(text_said, "NOT TRIED: no codec that both trunks allow"));
    free(text_said);
}

static void asking_leaves_no_trace(void **state)
{
    struct fixture *f = *state;
    struct explain_ask a = ask_from(f, "in", "2025550187");
    struct trunk_state *in = trunk_registry_find(f->reg, "in"),
                       *bravo = trunk_registry_find(f->reg, "bravo");

    for (unsigned i = 0; i < 10; i++)
        (void)ask(f, &a);
    assert_int_equal(atomic_load(&in->in.calls), 0);
    assert_int_equal(atomic_load(&in->in.admitted), 0);
    assert_int_equal(atomic_load(&in->in.next_ns), 0);
    assert_int_equal(atomic_load(&in->attempts_in), 0);
    assert_int_equal(atomic_load(&bravo->attempts_out), 0);
    assert_int_equal(atomic_load(&bravo->failed_out), 0);
    assert_int_equal(atomic_load(&bravo->breaker.window), 0);
    assert_int_equal(atomic_load(&f->conf->refs), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_carrier_shows_the_request_that_it_would_get, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(privacy_holds_towards_who_is_not_trusted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_refusal_is_told_as_the_caller_gets_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_national_number_without_a_line_is_told_with_its_country,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(full_limits_are_those_of_the_live_state_and_of_assumptions,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_drained_is_told_so_and_where_it_would_go, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_source_finds_its_trunk_or_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(strange_numbers_are_answered_not_obeyed, setup, teardown),
        cmocka_unit_test_setup_teardown(words_are_taken_or_refused_by_name, setup, teardown),
        cmocka_unit_test(moments_are_read_with_their_zone),
        cmocka_unit_test_setup_teardown(the_text_has_every_decision_with_its_place, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(codecs_and_the_way_of_the_media_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(asking_leaves_no_trace, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
