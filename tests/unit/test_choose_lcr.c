/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/choose_lcr.c: which offers stand, and in which order.
 */
#include "choose_rig.h"

#define IN "trunk in\n  listen main\n  media none\n  peer 198.51.100.1 udp\n  routes retail\n"
#define DECK(name, trunk, more) \
    "ratedeck " name " trunk " trunk "\n  file " name ".csv\n  columns prefix rate\n" more

static const char three[] =
    IN DECK("a", "alpha", "") DECK("b", "bravo", "") DECK("c", "charlie", "  only +1\n");

static void three_decks(struct choose_rig *g, const char *route)
{
    static char text[2048];
    rig_begin(g);
    rig_write(g, "a.csv", "44,0.0068\n4479,0.0200\n1,0.0050\n33,0.0100\n49,0.01\n");
    rig_write(g, "b.csv", "44,0.0070\n4420,0.0061\n1,0.0050\n1212,0.0040\n33,0.0100\n49,0.012\n");
    rig_write(g, "c.csv", "1,0.0045\n44,0.0001\n");
    snprintf(text, sizeof(text), "%s%s", three, route);
    rig_route(g, text);
}

static void the_cheapest_row_of_each_decks_longest_prefix_comes_first(void **state)
{
    struct choose_rig g;
    (void)state;
    three_decks(&g, "route retail\n  prefix + lcr a b\n  prefix +1 lcr a b c\n");
    assert_string_equal(rig_decide(&g, "+442079460123"), "bravo alpha");
    assert_int_equal(g.d.candidate[0].rate, 6100000);
    assert_int_equal(g.d.candidate[0].cost, 6100000);
    assert_int_equal(g.d.candidate[0].deck_line, 2);
    assert_int_equal(key_len(g.d.candidate[0].key), 5);
    assert_string_equal(rig_decide(&g, "+447900123456"), "bravo alpha");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo");
    assert_string_equal(rig_decide(&g, "+12125550100"), "bravo charlie alpha");
    assert_string_equal(rig_decide(&g, "+819012345678"), "503");
    assert_int_equal(g.d.verdict, ROUTE_NO_OFFER);
    rig_end(&g);
}

static void max_cost_and_attempts_bound_the_list(void **state)
{
    struct choose_rig g;
    (void)state;
    three_decks(&g, "route retail\n  prefix + lcr a b max-cost 0.0068 max 2 attempts within 15s\n"
                    "  prefix +49 lcr a b max-cost 0.0099 then delta\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha"); /* at the bound is within it */
    assert_int_equal(g.d.max_attempts, 2);
    assert_int_equal(g.d.deadline_ms, 15000);
    assert_int_equal(g.d.dropped_offer, 1);
    assert_string_equal(rig_decide(&g, "+33123456789"), "503");
    assert_int_equal(g.d.verdict, ROUTE_NO_OFFER);
    assert_string_equal(rig_decide(&g, "+49301234567"), "delta");
    assert_int_equal(g.d.candidate[0].deck, CONF_NONE);
    assert_int_equal(g.d.candidate[0].rate, -1);
    rig_end(&g);
}

#define SELL "ratedeck retail-eur\n  file sell.csv\n  columns prefix rate\n  currency EUR\n"

static void keep_dropped(void *arg, const struct route_note *n)
{
    if (n->step == ROUTE_STEP_DROPPED)
        snprintf(arg, 160, "%s", n->text);
}

static void nothing_is_sold_below_cost_and_margin(void **state)
{
    struct choose_rig g;
    char text[2048], told[160] = "";
    const struct route_trace trace = {.note = keep_dropped, .arg = told};
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "44,0.01084\n49,0.0103\n33,0.001\n");
    rig_write(&g, "b.csv", "44,0.010840001\n49,0.0102\n33,0.001\n");
    rig_write(&g, "c.csv", "1,1\n");
    rig_write(&g, "sell.csv", "44,0.01\n49,0.01\n");
    snprintf(
        text, sizeof(text), "%s  sell-deck retail-eur\n%s%s%s%s", IN, SELL, DECK("a", "alpha", ""),
        DECK("b", "bravo", ""),
        "route retail\n  prefix +44 lcr a b margin 0\n  prefix +49 lcr a b margin 5% then delta\n"
        "  prefix +4930 lcr a b margin 0.0006\n  prefix +33 lcr a b margin 0 then delta\n");
    rig_route(&g, text);
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha"); /* exactly what is paid */
    assert_int_equal(g.d.sell_rate, 10000000);
    assert_int_equal(g.d.sell_cost, 10840000);
    g.q.trace = &trace;
    assert_string_equal(rig_decide(&g, "+49891234567"), "bravo delta"); /* 95 % is 0.010298 */
    g.q.trace = NULL;
    assert_int_equal(g.d.dropped_offer, 1);
    assert_string_equal(
        told, "dearer than the sell rate less the margin: costs 0.0103, sold at 0.01084 USD");
    assert_string_equal(rig_decide(&g, "+49301234567"), "bravo");
    assert_string_equal(rig_decide(&g, "+33123456789"), "503"); /* no sell rate: nothing at all */
    assert_int_equal(g.d.verdict, ROUTE_NO_OFFER);
    rig_end(&g);
}

static void equal_costs_share_by_the_weight_of_their_decks(void **state)
{
    struct choose_rig g;
    unsigned first = 0;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "44,0.01\n");
    rig_write(&g, "b.csv", "44,0.0100\n");
    rig_write(&g, "c.csv", "44,0.02\n");
    rig_route(&g, IN DECK("a", "alpha", "  weight 30\n") DECK("b", "bravo", "  weight 10\n")
                      DECK("c", "charlie", "") "route retail\n  prefix +44 lcr a b c\n");
    for (uint32_t r = 0; r < 4000; r++) {
        g.q.rnd = r;
        const char *got = rig_decide(&g, "+441234567890");
        first += strcmp(got, "alpha bravo charlie") == 0;
        assert_true(strcmp(got, "alpha bravo charlie") == 0 ||
                    strcmp(got, "bravo alpha charlie") == 0);
    }
    assert_in_range(first, 2900, 3100);
    rig_end(&g);
}

static void currencies_are_compared_exactly(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "44,0.010840001\n49,0.000000002\n"); /* USD */
    rig_write(&g, "b.csv", "44,0.01\n49,0.000000002\n");        /* EUR: 0.01084, 0.000000002168 */
    rig_route(&g, IN DECK("a", "alpha", "")
                      DECK("b", "bravo", "  currency EUR\n") "route retail\n  prefix + lcr b a\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo alpha");
    assert_int_equal(g.d.candidate[0].cost, 10840000);
    assert_int_equal(g.d.candidate[0].rate, 10000000);
    assert_string_equal(rig_decide(&g, "+49301234567"), "alpha bravo");
    assert_int_equal(g.d.candidate[0].cost, g.d.candidate[1].cost); /* rounded, they are equal */
    rig_end(&g);
}

static void of_several_decks_of_a_trunk_the_cheapest_counts(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "44,0.02\n4420,0.01\n");
    rig_write(&g, "a2.csv", "44,0.015\n4420,0.03\n");
    rig_write(&g, "b.csv", "44,0.012\n");
    rig_route(&g, IN DECK("a", "alpha", "") DECK("a2", "alpha", "")
                      DECK("b", "bravo", "") "route retail\n  prefix +44 lcr a a2 b then alpha\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo alpha");
    assert_int_equal(g.d.candidate[1].rate, 15000000);
    assert_string_equal(rig_decide(&g, "+442079460123"), "alpha bravo");
    assert_int_equal(g.d.candidate[0].rate, 10000000);
    rig_end(&g);
}

static void other_keys_come_before_cost_when_told_so(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "44,0.01,40\n33,0.01,\n");
    rig_write(&g, "b.csv", "44,0.02,90\n33,0.02,51\n");
    rig_write(&g, "c.csv", "44,0.03,90\n33,0.03,49\n");
#define DECK3(name, trunk, more) \
    "ratedeck " name " trunk " trunk "\n  file " name ".csv\n  columns prefix rate quality\n" more
    rig_route(
        &g,
        IN DECK3("a", "alpha", "") DECK3("b", "bravo", "  priority 2\n") DECK3(
            "c", "charlie",
            "  priority 1\n") "route retail\n  prefix +44 lcr a b c order quality cost\n"
                              "  prefix +4420 lcr a b c order priority\n  prefix +33 lcr a b c order quality\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo charlie alpha");
    assert_string_equal(rig_decide(&g, "+442079460123"), "charlie bravo alpha");
    assert_string_equal(rig_decide(&g, "+33123456789"), "bravo alpha charlie"); /* unsaid is 50 */
    rig_end(&g);
}

static void seize(struct choose_rig *g, const char *trunk, const char *prefix, unsigned answered,
                  unsigned of, uint32_t pdd_ms)
{
    uint64_t key = 0;
    assert_int_equal(key_of_prefix(span_of(prefix), &key), 0);
    for (unsigned i = 0; i < of; i++)
        quality_seized(trunk_registry_quality(g->reg), rig_state(g, trunk)->slot, key, i < answered,
                       false, pdd_ms, g->q.now_ms);
}

static void live_figures_drop_and_order_once_there_are_enough_of_them(void **state)
{
    struct choose_rig g;
    (void)state;
    three_decks(&g, "route retail\n  prefix +44 lcr a b min-asr 30% max-pdd 6s sample 20\n"
                    "  prefix +1 lcr a b c order asr cost sample 20\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo");
    seize(&g, "alpha", "+44", 3, 19, 1000);
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo"); /* 19 are too few */
    seize(&g, "alpha", "+44", 0, 1, 1000);
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo");
    seize(&g, "bravo", "+44", 20, 20, 7000);
    assert_string_equal(rig_decide(&g, "+441234567890"), "503");
    assert_int_equal(g.d.verdict, ROUTE_NO_OFFER);
    assert_string_equal(rig_decide(&g, "+442079460123"),
                        "bravo"); /* another destination of bravo */

    seize(&g, "bravo", "+1212", 10, 20, 1000);
    seize(&g, "charlie", "+1", 12, 20, 1000);
    /* alpha has figures of the trunk only: 15 %. bravo 50 %, charlie 60 % */
    assert_string_equal(rig_decide(&g, "+12125550100"), "charlie bravo alpha");
    rig_end(&g);
}

static void who_has_no_figures_stands_with_the_best(void **state)
{
    struct choose_rig g;
    (void)state;
    three_decks(&g, "route retail\n  prefix +1 lcr a b c order asr cost sample 20\n"
                    "  prefix + lcr a b\n");
    seize(&g, "bravo", "+1212", 10, 20, 1000);
    assert_string_equal(rig_decide(&g, "+12125550100"),
                        "bravo charlie alpha"); /* all equal: cost */
    seize(&g, "charlie", "+1", 19, 20, 1000);
    assert_string_equal(rig_decide(&g, "+12125550100"), "charlie alpha bravo");
    rig_end(&g);
}

static void rows_switch_by_the_clock(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "prefix,rate,effective\n44,0.01,\n44,0.03,2023-12-01\n");
    rig_write(&g, "b.csv", "44,0.02\n");
    rig_route(&g, IN "ratedeck a trunk alpha\n  file a.csv\n  columns prefix rate effective\n" DECK(
                      "b", "bravo", "") "route retail\n  prefix +44 lcr a b\n");
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo");
    g.q.wall_s = 1701388799;
    assert_string_equal(rig_decide(&g, "+441234567890"), "alpha bravo");
    g.q.wall_s = 1701388800; /* 2023-12-01 00:00:00 UTC */
    assert_string_equal(rig_decide(&g, "+441234567890"), "bravo alpha");
    assert_int_equal(g.d.candidate[1].rate, 30000000);
    rig_end(&g);
}

static void the_rate_is_that_of_the_callers_class(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    g.global = "  states states.csv\n";
    rig_write(&g, "states.csv", "+1212,NY\n+1518,NY\n+1202,DC\n");
    rig_write(&g, "a.csv", "1,0.02,0.01,0.05\n");
    rig_write(&g, "b.csv", "1,0.01,0.02,0.03\n");
    rig_route(&g, IN
              "ratedeck a trunk alpha\n  file a.csv\n  columns prefix inter intra indeterminate\n"
              "ratedeck b trunk bravo\n  file b.csv\n  columns prefix inter intra indeterminate\n"
              "route retail\n  prefix +1 lcr a b\n");
    g.q.caller = SPAN("+15185550100");
    assert_string_equal(rig_decide(&g, "+12125550100"), "alpha bravo");
    assert_int_equal(g.d.rates.jurisdiction, DECK_INTRA);
    g.q.caller = SPAN("+12025550100");
    assert_string_equal(rig_decide(&g, "+12125550100"), "bravo alpha");
    g.q.caller = SPAN("alice");
    assert_string_equal(rig_decide(&g, "+12125550100"), "bravo alpha");
    assert_int_equal(g.d.candidate[0].rate, 30000000);
    assert_string_equal(g.d.caller, "");
    rig_end(&g);
}

static unsigned past_told;

static void note_past(void *arg, const struct route_note *n)
{
    (void)arg;
    past_told += n->step == ROUTE_STEP_RATE && strstr(n->text, "not kept") != NULL;
}

/* RIG_NOW is 2023-11-14. */
static void the_past_is_answered_where_it_is_kept_and_told_where_not(void **state)
{
    const struct route_trace trace = {.note = note_past};
    (void)state;
    for (unsigned past = 0; past < 2; past++) {
        struct choose_rig g;
        rig_begin(&g);
        g.past = past;
        rig_write(&g, "a.csv", "1,0.01,,2023-11-01\n1,0.02,2023-11-01,\n");
        rig_route(&g, IN "ratedeck a trunk alpha\n  file a.csv\n"
                         "  columns prefix rate effective expires\n"
                         "route retail\n  prefix +1 lcr a\n");
        g.q.trace = &trace;
        past_told = 0;
        assert_string_equal(rig_decide(&g, "+12125550100"), "alpha");
        assert_int_equal(g.d.candidate[0].rate, 20000000);
        assert_int_equal(past_told, 0);
        g.q.wall_s = RIG_NOW - 30 * 86400;
        assert_string_equal(rig_decide(&g, "+12125550100"), "alpha");
        assert_int_equal(g.d.candidate[0].rate, past ? 10000000 : 20000000);
        assert_int_equal(past_told, !past);
        rig_end(&g);
    }
}

static void an_emergency_call_asks_no_price(void **state)
{
    struct choose_rig g;
    (void)state;
    three_decks(&g, "route retail\n  prefix + lcr a b max-cost 0.001\n");
    assert_string_equal(rig_decide(&g, "+442079460123"), "503");
    g.q.emergency = true;
    assert_string_equal(rig_decide(&g, "+442079460123"), "bravo alpha");
    rig_end(&g);
}

static void a_trunk_without_a_form_for_the_number_is_left_out(void **state)
{
    struct choose_rig g;
    (void)state;
    rig_begin(&g);
    rig_write(&g, "a.csv", "+,0.02\n1,0.01\n");
    rig_write(&g, "u.csv", "1,0.001\n44,0.001\n");
    rig_route(&g, IN DECK("a", "alpha", "") DECK("u", "us", "") "route retail\n  prefix + lcr a u\n"
                                                                "  prefix +49 via us\n");
    assert_string_equal(rig_decide(&g, "+12125550100"), "us alpha");
    assert_string_equal(g.d.candidate[0].called, "2125550100");
    assert_string_equal(rig_decide(&g, "+442079460123"), "alpha");
    assert_int_equal(g.d.no_form, 1);
    assert_string_equal(rig_decide(&g, "+49301234567"), "484");
    assert_int_equal(g.d.verdict, ROUTE_BAD_NUMBER);
    rig_end(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cheapest_row_of_each_decks_longest_prefix_comes_first),
        cmocka_unit_test(max_cost_and_attempts_bound_the_list),
        cmocka_unit_test(nothing_is_sold_below_cost_and_margin),
        cmocka_unit_test(equal_costs_share_by_the_weight_of_their_decks),
        cmocka_unit_test(currencies_are_compared_exactly),
        cmocka_unit_test(of_several_decks_of_a_trunk_the_cheapest_counts),
        cmocka_unit_test(other_keys_come_before_cost_when_told_so),
        cmocka_unit_test(live_figures_drop_and_order_once_there_are_enough_of_them),
        cmocka_unit_test(who_has_no_figures_stands_with_the_best),
        cmocka_unit_test(rows_switch_by_the_clock),
        cmocka_unit_test(the_rate_is_that_of_the_callers_class),
        cmocka_unit_test(the_past_is_answered_where_it_is_kept_and_told_where_not),
        cmocka_unit_test(an_emergency_call_asks_no_price),
        cmocka_unit_test(a_trunk_without_a_form_for_the_number_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
