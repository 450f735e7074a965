/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/call/rating.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>
#include "call/rating.h"

static struct conf_deck deck[] = {{.name = "retail", .currency = "EUR"},
                                  {.name = "alpha-az", .currency = "USD"}};
static struct conf_zone zone[] = {{.name = "eea"}};
static const char *file[] = {"routes.conf"};

static struct conf conf_of(void)
{
    return (struct conf){.deck = {deck, 2},
                         .zone = {zone, 1},
                         .file = {file, 1},
                         .global = {.currency = "USD", .states = "states.csv"}};
}

static void check(const struct rating *r, unsigned which, const char *want)
{
    struct span s = rating_text(r, which);
    assert_int_equal(s.len, strlen(want));
    assert_memory_equal(s.p ? s.p : "", want, s.len);
}

static void a_call_tells_route_class_and_what_its_side_pays(void **state)
{
    const struct conf c = conf_of();
    const struct deck_terms terms = {.minimum = 60, .increment = 1, .code = "NYC"};
    struct route_decision d = {.sell_terms = &terms,
                               .line_loc = {.file = 0, .line = 14},
                               .rates = {DECK_INTRA, 0},
                               .sell_deck = 0,
                               .sell_rate = 12300000};
    struct blocks b;
    char place[RATING_PLACE];
    (void)state;
    blocks_init(&b);
    assert_int_equal(key_of_prefix(SPAN("+1212"), &d.sell_key), 0);
    struct rating *r = rating_of_call(&b, &c, &d);
    rating_place(&c, &d.line_loc, place);
    assert_string_equal(place, "routes.conf:14");
    check(r, RATING_CLASS, "intra eea");
    check(r, RATING_DECK, "retail");
    check(r, RATING_PREFIX, "+1212");
    check(r, RATING_RATE, "0.0123");
    check(r, RATING_CURRENCY, "EUR");
    check(r, RATING_MINIMUM, "60");
    check(r, RATING_INCREMENT, "1");
    check(r, RATING_CODE, "NYC");
    check(r, RATING_COST, "");
    rating_free(&b, r);
    d.sell_rate = -1;
    d.line_loc.line = 0;
    r = rating_of_call(&b, &c, &d);
    check(r, RATING_DECK, "");
    rating_free(&b, r);
    rating_place(&c, &d.line_loc, place);
    assert_string_equal(place, "");
    d.line_loc.line = 4000000000;
    file[0] = "/a/very/long/path/to/conf.d/of/some/carrier/routes.conf";
    rating_place(&c, &d.line_loc, place);
    assert_int_equal(strlen(place), RATING_PLACE - 1);
    assert_non_null(strstr(place, "/some/carrier/routes.conf:4000000000"));
    file[0] = "routes.conf";
    blocks_fini(&b, 0);
}

static void an_attempt_tells_its_row_and_is_the_same_when_taken_up_again(void **state)
{
    const struct conf c = conf_of();
    struct route_candidate k = {.deck = 1,
                                .rate = 6100000,
                                .cost = 6612400,
                                .minimum = 30,
                                .increment = 6,
                                .code = "UK-MOB"};
    struct blocks b;
    (void)state;
    blocks_init(&b);
    assert_int_equal(key_of_prefix(SPAN("+4479"), &k.key), 0);
    struct rating *r = rating_of_candidate(&b, &c, &k);
    struct rating *again = rating_load(&b, rating_bytes(r));
    static const char *const want[RATING_N] = {"",   "alpha-az", "+4479",  "0.0061",    "USD",
                                               "30", "6",        "UK-MOB", "0.0066124", "USD"};
    for (unsigned i = 0; i < RATING_N; i++) {
        check(r, i, want[i]);
        check(again, i, want[i]);
    }
    rating_free(&b, r);
    rating_free(&b, again);
    k.deck = CONF_NONE;
    assert_null(rating_of_candidate(&b, &c, &k));
    assert_null(rating_load(&b, rating_bytes(NULL)));
    assert_null(rating_load(&b, SPAN("no end")));
    check(NULL, RATING_DECK, "");
    blocks_fini(&b, 0);
}

static void money_is_written_without_loss_and_without_zeros(void **state)
{
    static const struct {
        int64_t nano;
        const char *text;
    } row[] = {
        {0, "0"},
        {1, "0.000000001"},
        {CONF_NANO, "1"},
        {12300000, "0.0123"},
        {-1, ""},
        {CONF_MONEY_MAX, "1000000"},
        {1999999999, "1.999999999"},
    };
    char text[24];
    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_string_equal(route_money(row[i].nano, text), row[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_tells_route_class_and_what_its_side_pays),
        cmocka_unit_test(an_attempt_tells_its_row_and_is_the_same_when_taken_up_again),
        cmocka_unit_test(money_is_written_without_loss_and_without_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
