/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decks, zones, calendars, portability, groups, customers, route lines, tests: what they become, and what is said of wrong ones.
 * The other sections are in test_config.c and test_config_errors.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_load.h"

#define TWO    "trunk two\n listen sip\n peer 203.0.113.2 udp\n"
#define DECK   "ratedeck az trunk out\n file az.csv\n columns prefix rate\n"
#define DECK2  "ratedeck bz trunk two\n file bz.csv\n columns prefix rate\n"
#define SELL   "ratedeck retail\n file retail.csv\n columns prefix rate\n"
#define ROUTE  "route all\n default via out\n"
#define OFFICE "calendar office\n open mon-fri 08:00-18:00\n"
#define BASE   CONFIG_NET CONFIG_IN CONFIG_OUT

static struct conf *good(const char *text)
{
    char *messages;
    struct conf *conf = config_load(text, &messages);

    assert_string_equal(messages, "");
    assert_non_null(conf);
    free(messages);
    return conf;
}

static void a_calendar_is_no_longer_than_a_call_may_read(void **state)
{
    static const struct {
        const char *line, *says;
        unsigned max;
    } k[] = {{" open mon 08:00-09:00\n", "more than 64 spans of hours in calendar 'c'", 64},
             {" holiday 12-25\n", "more than 512 holidays in calendar 'c'", 512}};
    (void)state;
    for (size_t i = 0; i < sizeof(k) / sizeof(k[0]); i++)
        for (unsigned more = 0; more < 2; more++) {
            static char text[32768];
            char *messages;
            struct conf *conf;
            size_t n = (size_t)snprintf(text, sizeof(text),
                                        BASE "route all\n default when c via out\ncalendar c\n%s",
                                        i ? " open daily 08:00-09:00\n" : "");
            for (unsigned l = 0; l < k[i].max + more; l++)
                n += (size_t)snprintf(text + n, sizeof(text) - n, "%s", k[i].line);
            conf = config_load(text, &messages);
            assert_int_equal(strstr(messages, k[i].says) != NULL, more);
            assert_int_equal(conf != NULL, !more);
            conf_free(conf);
            free(messages);
        }
}

/* ---- what right ones become ---- */

static void global_has_country_money_and_states(void **state)
{
    struct conf *c =
        good("global\n country +1\n currency EUR\n exchange USD 0.9225\n"
             " exchange GBP 1.17\n watch on\n states states.csv\n" BASE TWO
             "ratedeck az trunk out\n file az.csv\n currency USD\n"
             " columns prefix rate inter intra\n" DECK2 "route all\n default lcr az bz\n");

    (void)state;
    assert_string_equal(c->global.country, "+1");
    assert_string_equal(c->global.currency, "EUR");
    assert_int_equal(c->global.exchange.n, 2);
    assert_string_equal(c->global.exchange.v[0].code, "USD");
    assert_int_equal(c->global.exchange.v[0].rate, 922500000);
    assert_true(c->global.watch);
    assert_string_equal(c->global.states, "states.csv");
    assert_int_equal(c->deck.v[0].exchange, 922500000);
    assert_string_equal(c->deck.v[1].currency, "EUR");
    assert_int_equal(c->deck.v[1].exchange, CONF_NANO);
    conf_free(c);
    c = good("");
    assert_string_equal(c->global.currency, "USD");
    assert_null(c->global.country);
    assert_false(c->global.watch);
    conf_free(c);
}

static void a_deck_has_its_columns_and_defaults(void **state)
{
    struct conf *c = good(
        BASE "zone eea\n caller +43 +32\n caller +45\n"
             "ratedeck az trunk out\n file /etc/x/az.csv\n"
             " columns prefix rate zone:eea minimum increment effective expires quality code -\n"
             " header yes\n separator tab\n strict off\n only +1 +44\n priority 10\n weight 7\n"
             "ratedeck own trunk out\n file own.csv\n columns prefix rate\n plan private\n"
             "route all\n prefix +1 lcr az order quality cost\n default lcr own\n");
    const struct conf_deck *d = &c->deck.v[0];

    (void)state;
    assert_string_equal(d->file, "/etc/x/az.csv");
    assert_int_equal(d->trunk.id, 1);
    assert_int_equal(d->column.n, 10);
    assert_int_equal(d->column.v[0].what, CONF_COL_PREFIX);
    assert_int_equal(d->column.v[2].what, CONF_COL_ZONE);
    assert_int_equal(d->column.v[2].zone.id, 0);
    assert_int_equal(d->column.v[8].what, CONF_COL_CODE);
    assert_int_equal(d->column.v[9].what, CONF_COL_SKIP);
    assert_int_equal(d->header, CONF_HEADER_YES);
    assert_int_equal(d->separator, '\t');
    assert_true(d->lax);
    assert_int_equal(d->only.n, 2);
    assert_string_equal(d->only.v[1], "+44");
    assert_int_equal(d->priority, 10);
    assert_int_equal(d->weight, 7);
    assert_false(d->is_private);
    d = &c->deck.v[1];
    assert_true(d->is_private);
    assert_false(d->lax);
    assert_int_equal(d->separator, ',');
    assert_int_equal(d->header, CONF_HEADER_AUTO);
    assert_int_equal(d->priority, 100);
    assert_int_equal(c->zone.v[0].caller.n, 3);
    conf_free(c);
}

static void an_international_deck_reads_only_with_or_without_its_plus(void **state)
{
    struct conf *c = good(BASE "ratedeck az trunk out\n file a\n columns prefix rate\n only 1 +44\n"
                               "route all\n prefix +1212 +44 lcr az\n");

    (void)state;
    assert_string_equal(c->deck.v[0].only.v[0], "+1");
    conf_free(c);
}

static void a_calendar_has_hours_over_midnight_and_holidays(void **state)
{
    struct conf *c = good(
        BASE "calendar c\n timezone America/New_York\n open mon-fri sun 08:00-12:00 13:00-18:30\n"
             " open fri-sat 22:00-06:00\n open holidays 10:00-24:00\n holiday 12-25 2026-11-26\n"
             "route all\n default when c via out\n");
    const struct conf_calendar *cal = &c->calendar.v[0];

    (void)state;
    assert_string_equal(cal->timezone, "America/New_York");
    assert_int_equal(cal->open.n, 4);
    assert_int_equal(cal->open.v[0].days, 0x5f);
    assert_int_equal(cal->open.v[0].from, 480);
    assert_int_equal(cal->open.v[1].to, 1110);
    assert_int_equal(cal->open.v[2].days, 0x30);
    assert_int_equal(cal->open.v[2].from, 1320);
    assert_int_equal(cal->open.v[2].to, 360);
    assert_int_equal(cal->open.v[3].days, 0x80);
    assert_int_equal(cal->open.v[3].to, 1440);
    assert_int_equal(cal->holiday.n, 2);
    assert_int_equal(cal->holiday.v[0].year, 0);
    assert_int_equal(cal->holiday.v[0].month, 12);
    assert_int_equal(cal->holiday.v[1].year, 2026);
    assert_int_equal(cal->holiday.v[1].day, 26);
    conf_free(c);
}

static void portability_has_its_source_and_a_route_its_dip(void **state)
{
    struct conf *c = good(
        BASE "lnp us\n lmdb /var/lib/lrn\n only +1\nlnp csv\n csv ported.csv\n"
             "lnp dns\n enum e164.arpa\n server 192.0.2.53 192.0.2.54:5353\n cache off\n"
             "route all\n lnp dip us timeout 150ms on-fail reject\n default via out\n"
             "route b\n lnp dip csv\n default via out\nroute d\n lnp dip dns\n default via out\n"
             "trunk x\n listen sip\n accept 198.18.0.1\n routes b\n"
             "trunk y\n listen sip\n accept 198.18.0.2\n routes d\n");

    (void)state;
    assert_int_equal(c->lnp.v[0].kind, CONF_LNP_LMDB);
    assert_string_equal(c->lnp.v[0].path, "/var/lib/lrn");
    assert_string_equal(c->lnp.v[0].only.v[0], "+1");
    assert_int_equal(c->lnp.v[0].cache_ms, 3600000);
    assert_int_equal(c->lnp.v[1].kind, CONF_LNP_CSV);
    assert_int_equal(c->lnp.v[2].kind, CONF_LNP_ENUM);
    assert_string_equal(c->lnp.v[2].suffix, "e164.arpa");
    assert_int_equal(c->lnp.v[2].server.n, 2);
    assert_int_equal(c->lnp.v[2].server.v[0].addr.port, 53);
    assert_int_equal(c->lnp.v[2].cache_ms, 0);
    assert_int_equal(c->route.v[0].dip.lnp.id, 0);
    assert_int_equal(c->route.v[0].dip.timeout_ms, 150);
    assert_true(c->route.v[0].dip.reject);
    assert_int_equal(c->route.v[1].dip.timeout_ms, 80);
    assert_false(c->route.v[1].dip.reject);
    conf_free(c);
}

static void an_lcr_line_has_all_of_its_clauses(void **state)
{
    struct conf *c = good(
        CONFIG_NET CONFIG_OUT TWO OFFICE SELL
        "ratedeck az trunk out\n file a\n columns prefix rate quality\n priority 1\n" DECK2
        "customer acme\n sell-deck retail\n routes all\n"
        "trunk c\n listen sip\n accept 198.18.0.1\n customer acme\n"
        "trunk d\n listen sip\n accept 198.18.0.3\n sell-deck retail\n routes all\n"
        "route all\n"
        " prefix +1 0044 when not office from acme d caller +1 +49 lcr az bz order cost quality "
        "priority asr acd pdd max-cost 0.02 margin 5% min-asr 30% min-acd 1m max-pdd 6s sample "
        "20 max 2 attempts within 15s then out\n"
        " prefix +1 lcr az margin 0.0005\n"
        " default via out\n");
    const struct conf_route_line *l = &c->route.v[0].line.v[0];

    (void)state;
    assert_int_equal(l->prefix.n, 2);
    assert_int_equal(l->cond.when.id, 0);
    assert_true(l->cond.when_closed);
    assert_int_equal(l->cond.from.n, 2);
    assert_true(l->cond.from.v[0].is_customer);
    assert_int_equal(l->cond.from.v[0].ref.id, 0);
    assert_false(l->cond.from.v[1].is_customer);
    assert_int_equal(l->cond.caller.n, 2);
    assert_int_equal(l->lcr.n, 2);
    assert_int_equal(l->lcr.v[0].id, 1);
    assert_int_equal(l->lcr.v[1].id, 2);
    assert_int_equal(l->order.n, 6);
    assert_int_equal(l->order.v[3], CONF_ORDER_ASR);
    assert_int_equal(l->max_cost, 20000000);
    assert_true(l->margin_given);
    assert_int_equal(l->margin_ppm, 50000);
    assert_int_equal(l->quality.min_asr, 30);
    assert_int_equal(l->quality.min_acd_ms, 60000);
    assert_int_equal(l->quality.max_pdd_ms, 6000);
    assert_int_equal(l->quality.sample, 20);
    assert_int_equal(l->max_attempts, 2);
    assert_int_equal(l->deadline_ms, 15000);
    assert_int_equal(l->via.n, 1);
    l++;
    assert_int_equal(l->margin, 500000);
    assert_int_equal(l->margin_ppm, 0);
    assert_int_equal(l->order.n, 1);
    assert_int_equal(l->order.v[0], CONF_ORDER_COST);
    assert_int_equal(l->max_cost, -1);
    assert_int_equal(l->quality.sample, 50);
    assert_int_equal(l->cond.when.id, CONF_NONE);
    conf_free(c);
}

static void a_tier_is_shared_by_percentages_or_weights_or_stands_as_written(void **state)
{
    struct conf *c =
        good(BASE TWO "trunk via\n listen sip\n peer 203.0.113.3 udp\n"
                      "group g\n member out weight 3 two\n order weighted\n limit in 4calls\n"
                      " limit out 7calls 3cps\n"
                      "route all\n prefix +1 via out 70% two 30% then g \"via\"\n"
                      " default via out weight 2 two weight 5 within 9s\n");
    const struct conf_route_line *l = c->route.v[0].line.v;

    (void)state;
    assert_int_equal(l->via.n, 4);
    assert_int_equal(l->via.v[0].weight, 70);
    assert_true(l->via.v[1].shared);
    assert_int_equal(l->via.v[1].tier, 0);
    assert_int_equal(l->via.v[2].tier, 1);
    assert_true(l->via.v[2].is_group);
    assert_false(l->via.v[2].shared);
    assert_int_equal(l->via.v[3].tier, 1);
    assert_int_equal(l->via.v[3].ref.id, 3);
    assert_int_equal(l[1].via.v[1].weight, 5);
    assert_int_equal(l[1].deadline_ms, 9000);
    assert_int_equal(c->group.v[0].order, CONF_GROUP_WEIGHTED);
    assert_int_equal(c->group.v[0].member.v[0].weight, 3);
    assert_int_equal(c->group.v[0].member.v[1].weight, 100);
    assert_int_equal(c->group.v[0].limit_in.calls, 4);
    assert_int_equal(c->group.v[0].limit_out.cps, 3);
    conf_free(c);
}

static void block_and_allow_lines_keep_their_order(void **state)
{
    struct conf *c = good(BASE "route all\n allow prefix +4420 +4421\n block prefix +44\n"
                               " block caller prefix +1900 cause 603 \"Go away\"\n"
                               " block prefix-file fraud/irsf.txt cause 480\n default via out\n");
    const struct conf_block *b = c->route.v[0].block.v;

    (void)state;
    assert_int_equal(c->route.v[0].block.n, 4);
    assert_true(b[0].allow);
    assert_int_equal(b[0].prefix.n, 2);
    assert_int_equal(b[1].cause, 403);
    assert_null(b[1].reason);
    assert_true(b[2].caller);
    assert_int_equal(b[2].cause, 603);
    assert_string_equal(b[2].reason, "Go away");
    assert_string_equal(b[3].file, "fraud/irsf.txt");
    assert_int_equal(b[3].cause, 480);
    conf_free(c);
}

static void a_trunk_has_its_breaker_callers_and_what_its_customer_says(void **state)
{
    struct conf *c = good(
        CONFIG_NET SELL ROUTE
        "profile p\n breaker trip 50% of 40 in 30s retry 20s\n caller-allow dids.txt\n"
        "trunk out\n from p\n listen sip\n peer 203.0.113.1 udp\n send caller e q\n"
        " send redirecting e\n"
        "trunk in\n from p\n listen sip\n accept 198.51.100.0/24\n default-caller +12125550000\n"
        " breaker off\n numbers caller n\n numbers redirecting n\n customer acme\n"
        "numbers n\n X. -> +1{*}\nnumbers e direction out\n +. -> keep\n"
        "numbers q direction out\n +. -> {1-}\n"
        "customer acme\n routes all\n sell-deck retail\n");
    const struct conf_trunk *out = conf_find_trunk(c, "out"), *in = conf_find_trunk(c, "in");

    (void)state;
    assert_int_equal(out->breaker.trip_pct, 50);
    assert_int_equal(out->breaker.of, 40);
    assert_int_equal(out->breaker.window_ms, 30000);
    assert_int_equal(out->breaker.retry_ms, 20000);
    assert_int_equal(in->breaker.trip_pct, 0);
    assert_string_equal(in->caller.allow_file, "dids.txt");
    assert_string_equal(in->caller.fallback, "+12125550000");
    assert_null(out->caller.fallback);
    assert_int_equal(out->send_caller.n, 2);
    assert_int_equal(out->send_caller.v[1].id, 2);
    assert_int_equal(out->send_redirecting.n, 1);
    assert_int_equal(in->numbers_caller.id, 0);
    assert_int_equal(in->numbers_redirecting.id, 0);
    assert_int_equal(in->numbers.id, CONF_NONE);
    assert_int_equal(in->routes.id, 0);
    assert_int_equal(in->sell_deck.id, 0);
    assert_int_equal(out->routes.id, CONF_NONE);
    conf_free(c);
}

static void a_test_is_kept_as_words_with_their_places(void **state)
{
    struct conf *c = good(BASE ROUTE "test \"US: 911, cheapest (α)\"\n assume down out\n"
                                     " call from in called 911\n expect reason \"a b\" x\n");
    const struct conf_test *t = &c->test.v[0];

    (void)state;
    assert_string_equal(t->name, "US: 911, cheapest (α)");
    assert_int_equal(t->line.n, 3);
    assert_int_equal(t->line.v[0].kind, CONF_TEST_ASSUME);
    assert_int_equal(t->line.v[1].kind, CONF_TEST_CALL);
    assert_int_equal(t->line.v[2].kind, CONF_TEST_EXPECT);
    assert_int_equal(t->line.v[1].words.word.n, 4);
    assert_string_equal(t->line.v[1].words.word.v[3].text, "911");
    assert_string_equal(t->line.v[2].words.word.v[1].text, "a b");
    assert_int_equal(t->line.v[2].words.word.v[1].loc.col, 16);
    assert_int_equal(t->line.v[2].words.word.v[1].width, 5);
    conf_free(c);
}

static void lines_of_one_prefix_stand_from_the_narrow_to_the_wide(void **state)
{
    struct conf *c = good(BASE TWO OFFICE
                          "customer k\n"
                          "trunk in2\n listen sip\n accept 198.18.0.1\n routes all\n customer k\n"
                          "route all\n prefix +1 when office from in2 via out\n"
                          " prefix +1 when office from k via two\n"
                          " prefix +1 when not office caller +44 via out\n"
                          " prefix +1 caller +4420 via two\n prefix +1 caller +44 via out\n"
                          " prefix +1 cause 403\n");

    (void)state;
    conf_free(c);
}

/* ---- what is said of wrong ones ---- */

struct fault {
    const char *text, *says;
};

static void check(const struct fault *v, size_t n, const char *severity)
{
    bool wrong = strcmp(severity, "error: ") == 0;
    char *messages;
    int wrongly = 0;
    size_t i;

    for (i = 0; i < n; i++) {
        struct conf *conf = config_load(v[i].text, &messages);

        if ((conf == NULL) != wrong || !strstr(messages, severity) ||
            !strstr(messages, v[i].says) || !strchr(messages, '^')) {
            print_error("\"%s\" gives:\n%s\nnot \"%s%s\"\n", v[i].text, messages, severity,
                        v[i].says);
            wrongly++;
        }
        free(messages);
        conf_free(conf);
    }
    assert_int_equal(wrongly, 0);
}

static const struct fault errors[] = {
    /* global */
    {"global\n country 1\n", "'1' is not a country code, as +1"},
    {"global\n country +1234\n", "'+1234' is not a country code"},
    {"global\n currency usd\n", "'usd' is not a currency: three capital letters"},
    {"global\n exchange EUR\n", "value missing: exchange CODE RATE"},
    {"global\n exchange EUR 1,08\n", "'1,08' is not an amount: digits with a point"},
    {"global\n exchange EUR 0\n", "an exchange rate is above 0"},
    {"global\n exchange USD 1\n", "USD is the base currency"},
    {"global\n exchange EUR 1\n exchange EUR 2\n", "the exchange of EUR is in line 2 already"},
    {"global\n watch yes\n", "'yes' is not one of: off, on"},
    /* zone */
    {"zone z\n", "zone 'z' has no caller prefix"},
    {"zone z\n caller 4x\n", "'4x' is not a prefix"},
    {"zone y\n caller +1\nzone z\n caller +44 +1\n", "prefix '+1' is in zone 'y' already"},
    /* ratedeck */
    {"ratedeck d\n", "ratedeck 'd' has no file"},
    {"ratedeck d\n file x\n", "ratedeck 'd' declares no columns"},
    {"ratedeck d\n file x\n columns prefix\n", "ratedeck 'd' has no column with a rate"},
    {"ratedeck d\n file x\n columns rate\n", "ratedeck 'd' has no column 'prefix'"},
    {"ratedeck d\n columns prefx rate\n", "did you mean 'prefix'?"},
    {"ratedeck d\n columns prefix rate rate\n", "column 'rate' is declared already"},
    {"ratedeck d\n columns prefix zone:\n", "'' is not a name"},
    {"ratedeck d\n file x\n columns prefix zone:eea\n", "no zone 'eea'"},
    {"ratedeck d trunk\n", "trunk missing: ratedeck NAME [trunk TRUNK]"},
    {"ratedeck d trunc x\n", "nothing may follow here, found 'trunc'"},
    {"ratedeck d trunk nobody\n", "no trunk 'nobody'"},
    {"ratedeck d\n separator ;\n", "';' is not one of: comma, semicolon, tab"},
    {"ratedeck d\n strict no\n", "'no' is not one of: on, off"},
    {"ratedeck d\n plan E164\n", "'E164' is not one of: e164, private"},
    {"ratedeck d\n header maybe\n", "'maybe' is not one of: auto, yes, no"},
    {"ratedeck d\n only +12345678901234567\n", "a prefix has at most 16 characters"},
    {"ratedeck d\n priority 0\n", "'0' is not a number from 1 to 65535"},
    {"ratedeck d\n file x\n columns prefix rate\n currency EUR\n",
     "ratedeck 'd' is in EUR: section global needs a line 'exchange EUR RATE'"},
    {"ratedeck d\n file x\n columns prefix rate inter\n",
     "who calls from which state is not known"},
    /* calendar */
    {"calendar c\n", "calendar 'c' is never open"},
    {"calendar c\n open mon-fri\n", "value missing: open DAY"},
    {"calendar c\n open monday 08:00-18:00\n", "'monday' is not a day"},
    {"calendar c\n open 08:00-18:00 mon\n", "'08:00-18:00' is not a day"},
    {"calendar c\n open mon 8-18\n", "'8-18' is not a time, as 08:00-18:00"},
    {"calendar c\n open mon 08:00-25:00\n", "'08:00-25:00' is not a time"},
    {"calendar c\n open mon 24:00-08:00\n", "'24:00-08:00' is not a time"},
    {"calendar c\n holiday 25.12.\n", "'25.12.' is not a date"},
    {"calendar c\n holiday 02-30\n", "'02-30' is not a date"},
    {"calendar c\n holiday 2026-02-29\n", "'2026-02-29' is not a date"},
    {"calendar c\n timezone ../x\n", "'../x' is not a time zone"},
    {"calendar c\n open holidays 08:00-12:00\n", "calendar 'c' is never open: it has hours of"},
    /* lnp */
    {"lnp l\n", "lnp 'l' has no source: csv, lmdb or enum"},
    {"lnp l\n csv x\n lmdb y\n", "lnp 'l' has its source already"},
    {"lnp l\n enum 1.2.3.4\n", "'1.2.3.4' is not a domain"},
    {"lnp l\n csv x\n server 192.0.2.1\n", "'server' is of 'enum' only"},
    {"lnp l\n enum a.b\n cache 1ms\n", "'1ms' is outside 1s to 1d"},
    {"route r\n lnp dip nobody\n", "no lnp 'nobody'"},
    {"route r\n lnp dipp x\n", "after 'lnp' comes one of: dip"},
    {"route r\n lnp dip x timeout 10s\n", "'10s' is outside 1ms to 5s"},
    {"route r\n lnp dip x on-fail drop\n", "'drop' is not one of: route-on-dialled, reject"},
    {"route r\n lnp dip x after 3\n", "nothing may follow here, found 'after'"},
    /* route lines */
    {"route r\n prefix +12345678901234567 cause 404\n", "a prefix has at most 16 characters"},
    {"route r\n prefix +1\n", "value missing: prefix P..."},
    {"route r\n prefix +1 lrc az\n", "did you mean 'lcr'?"},
    {"route r\n prefix +1 lcr\n", "ratedeck missing"},
    {"route r\n prefix +1 lcr order cost\n", "ratedeck missing before 'order'"},
    {"route r\n prefix +1 via a lcr b via c\n", "'via' is in this line already"},
    {"route r\n prefix +1 via a cause 404\n", "a line refuses a call with 'cause' or sends it on"},
    {"route r\n prefix +1 via a margin 5%\n", "'margin' needs 'lcr'"},
    {"route r\n prefix +1 cause 404 within 3s\n", "'within' needs 'lcr' or 'via'"},
    {"route r\n prefix +1 when office\n", "what becomes of the call is missing"},
    {"route r\n prefix +1 when via a\n", "calendar missing before 'via'"},
    {"route r\n prefix +1 when office via a\n", "no calendar 'office'"},
    {"route r\n prefix +1 from x via a\n", "no trunk or customer 'x'"},
    {"route r\n prefix +1 caller bob via a\n", "'bob' is not a prefix"},
    {"route r\n prefix +1 caller +44 lrc az\n", "did you mean 'lcr'?"},
    {"route r\n prefix +1 lcr a order price\n", "'price' is not one of: cost, quality"},
    {"route r\n prefix +1 lcr a order cost cost\n", "'cost' is in this order already"},
    {"route r\n prefix +1 lcr a max-cost 0.02USD\n", "'0.02USD' is not an amount"},
    {"route r\n prefix +1 lcr a max-cost 0.0123456789\n", "has more than 9 decimals"},
    {"route r\n prefix +1 lcr a margin 100%\n", "'100%' is not a percentage from 0% to below"},
    {"route r\n prefix +1 lcr a min-asr 30\n", "'30' is not a percentage from 1% to 100%"},
    {"route r\n prefix +1 lcr a min-acd 0s\n", "'0s' is outside 1s to 1h"},
    {"route r\n prefix +1 lcr a max-pdd 2m\n", "'2m' is outside 100ms to 1m"},
    {"route r\n prefix +1 lcr a sample 0\n", "'0' is not a number from 1 to 1000000"},
    {"route r\n prefix +1 via a within 1ms\n", "'1ms' is outside 1s to 10m"},
    {"route r\n prefix +1 via a max-pdd 5s\n", "'max-pdd' needs 'lcr'"},
    {"route r\n prefix +1 then a via b\n", "'then' stands behind the targets of 'via'"},
    {"route r\n prefix +1 via a 70% b 20%\n", "percentages of a tier must add up to 100"},
    {"route r\n prefix +1 via a 70% b\n", "either all targets of a tier have a share, or none"},
    {"route r\n prefix +1 via a 70% b weight 3\n", "by percentages or by weights, not by both"},
    {"route r\n prefix +1 via a 0%\n", "'0%' is not a percentage from 1% to 100%"},
    {"route r\n prefix +1 via a weight x\n", "'x' is not a number from 1 to 65535"},
    {"route r\n emergency lcr a max-cost 1\n", "an emergency line has no max-cost"},
    {"route r\n emergency via a then b max 1 attempts\n", "an emergency line has no max or within"},
    {"route r\n emergency via a then b within 5s\n", "an emergency line has no max or within"},
    {"route r\n emergency use psap\n", "'use' is not served by this version"},
    {"route r\n default via a\n default via b\n", "'default' is already set"},
    {BASE TWO "route all\n prefix +1 via out maxx 3 attempts\n", "did you mean 'max'?"},
    {BASE TWO OFFICE "route all\n prefix +1 via out\n prefix +1 when office via two\n",
     "never reached: prefix '+1' at t:22 has no condition"},
    {BASE TWO OFFICE "route all\n prefix +1 when office via out\n prefix +1 when office caller +1 "
                     "via two\n",
     "never reached: the condition of prefix '+1' at t:22 holds whenever this one's"},
    {BASE TWO "route all\n prefix +1 caller +44 via out\n prefix +1 caller +4420 via two\n",
     "never reached: the condition of prefix '+1' at t:20"},
    {BASE TWO OFFICE "route all\n prefix +1 when office via out\n prefix +1 when not office via "
                     "two\n prefix +1 cause 403\n",
     "never reached: for prefix '+1' lines 22 and 23 are 'when office' and 'when not office'"},
    {BASE "customer in\nroute all\n prefix +1 from in via out\n",
     "'in' is both a trunk and a customer: rename one"},
    /* decks in lines */
    {BASE SELL "route all\n default lcr retail\n", "ratedeck 'retail' has no trunk"},
    {BASE DECK "route all\n default lcr az az\n", "'az' is in this line already"},
    {BASE "ratedeck us trunk out\n file x\n columns prefix rate\n only +1\n"
          "route all\n prefix + lcr us\n",
     "ratedeck 'us' covers only +1 but is used under 'prefix +'; name it in a line 'prefix +1 lcr"},
    {BASE "ratedeck us trunk out\n file x\n columns prefix rate\n only +1\n"
          "route all\n default lcr us\n",
     "ratedeck 'us' covers only +1 but is used under 'default'"},
    {BASE "ratedeck us trunk out\n file x\n columns prefix rate\n only +1\n"
          "route all\n prefix +1 +44 lcr us\n",
     "ratedeck 'us' covers only +1 but is used under 'prefix +44'; name it in a line 'prefix +1 "},
    {BASE DECK "route all\n default lcr az margin 0.01\n",
     "'margin' has no price to compare with: no trunk whose calls come here has a 'sell-deck'"},
    {BASE " sell-deck az\n" DECK "route all\n default lcr az\n",
     "ratedeck 'az' is what trunk 'out' takes: a sell deck has no trunk"},
    {CONFIG_NET CONFIG_IN "ratedeck d trunk in\n file x\n columns prefix rate\n"
                          "route all\n default lcr d\n",
     "trunk 'in' has no peer: nothing can be sent to it"},
    /* block */
    {"route r\n block +44\n", "value missing: block"},
    {"route r\n block prefixes +44\n", "did you mean 'prefix'?"},
    {"route r\n block prefix 4x\n", "'4x' is not a prefix"},
    {"route r\n block prefix cause 403\n", "prefix missing"},
    {"route r\n block prefix +1 cause 200\n", "'200' is not a number from 400 to 699"},
    {"route r\n block prefix +1 cause 403 Blocked\n", "a reason phrase is written in quotes"},
    {"route r\n allow prefix +1 cause 403\n", "an allowed number gets no cause"},
    /* group, customer */
    {BASE "group g\n member out\ngroup h\n member g\n", "'g' is a group: members of a group are"},
    {BASE "group g\n member out out\n", "'out' is in this group already"},
    {"group g\n member a weight\n", "weight missing: member TRUNK [weight N]..."},
    {"group g\n order least-busy\n", "'least-busy' is not one of: failover, round-robin"},
    {"customer c\n routes nobody\n", "no route 'nobody'"},
    {"customer c\n sell-deck nobody\n", "no ratedeck 'nobody'"},
    /* trunk */
    {"trunk t\n breaker trip 50%\n", "'of' missing: breaker off | trip N% of N in DURATION"},
    {"trunk t\n breaker trip 50 of 40 in 30s\n", "'50' is not a percentage from 1% to 100%"},
    {"trunk t\n breaker trip 50% of 40 within 30s\n", "expected 'in', found 'within'"},
    {"trunk t\n breaker 50% of 40 in 30s\n", "expected 'trip', found '50%'"},
    {"trunk t\n breaker trip 50% of 40 in 30s retry 2h\n", "'2h' is outside 1s to 1h"},
    {"trunk t\n default-caller anonymous\n", "'anonymous' is not a number"},
    {"trunk t\n numbers caller\n", "value missing: numbers caller NAME"},
    {"trunk t\n send caller nobody\n", "no numbers 'nobody'"},
    {BASE " numbers caller n\nnumbers n direction out\n +. -> keep\n" ROUTE,
     "numbers 'n' has direction out: it belongs behind 'send'"},
    {BASE " send caller n\nnumbers n\n +. -> keep\n" ROUTE, "numbers 'n' is inbound: 'send' needs"},
    /* test */
    {"test\n call x\n", "'test' needs a name"},
    {"test \"\"\n call x\n", "the name of a test is a text of 1 to 200 bytes"},
    {"test \"a\"\n expect x\n", "test has no call"},
    {"test \"a\"\n call x\ntest \"a\"\n call x\n", "second name 'a': test 'a' is at t:1"},
    {"test a b\n call x\n", "nothing may follow here, found 'b'"},
};

static void every_fault_is_an_error_and_says_so(void **state)
{
    (void)state;
    check(errors, sizeof(errors) / sizeof(errors[0]), "error: ");
}

static const struct fault warnings[] = {
    {BASE ROUTE DECK, "ratedeck 'az' is not used"},
    {BASE ROUTE OFFICE, "calendar 'office' is not used"},
    {BASE ROUTE "zone z\n caller +1\n", "zone 'z' is not used"},
    {BASE ROUTE "lnp l\n csv x\n", "lnp 'l' is not used"},
    {BASE ROUTE TWO DECK2, "trunk 'two' is not used"},
    {"global\n states x.csv\n" BASE ROUTE, "states are not used: no ratedeck has a column"},
    {"global\n states x\n" BASE "ratedeck d trunk out\n file x\n columns prefix inter intra\n"
     "route all\n default lcr d\n",
     "ratedeck 'd' has no rate for calls of class 'indeterminate'"},
    {BASE "zone z\n caller +1\nratedeck d trunk out\n file x\n columns prefix zone:z\n"
          "route all\n default lcr d\n",
     "ratedeck 'd' has no rate for callers of no zone"},
    {BASE DECK "route all\n default lcr az order quality\n", "order by quality sorts nothing"},
    {BASE TWO DECK DECK2 "route all\n default lcr az bz order priority\n",
     "order by priority sorts nothing: all decks of this line have priority 100"},
    {BASE " sell-deck retail\n" SELL DECK
          "trunk in2\n listen sip\n accept 198.18.0.1\n routes all\n"
          "trunk in3\n listen sip\n accept 198.18.0.2\n routes all\n sell-deck retail\n"
          "route all\n default lcr az margin 1%\n",
     "calls from trunk 'in2' find no carrier here: 'margin' needs a price"},
    {BASE "route all\n default via out max 2 attempts\n", "max 2 attempts: the line leads to 1"},
    {BASE TWO "route all\n default via out then two within 2s\n",
     "within 2s is over before trunk 'out' has been silent for its trying-timeout of 3s"},
    {BASE "route all\n prefix +1 caller +44 +4420 via out\n default via out\n",
     "'+4420' is within '+44' already"},
    {BASE "route all\n block prefix +4420 +44\n default via out\n", "'+44' holds '+4420' already"},
    {BASE "route all\n block prefix +44\n allow prefix +4420\n default via out\n",
     "never reached: 'block' in line 17 decides first on all of its numbers"},
    {BASE "route b\n default via out\n"
          "trunk x\n listen sip\n accept 198.18.0.1\n routes b\n"
          "route all\n prefix +1 from x via out\n default via out\n",
     "no call is from trunk 'x' here: it does not have routes 'all'"},
    {BASE "trunk x\n listen sip\n accept 198.18.0.1\n routes all\n numbers n\n"
          "numbers n\n 911 -> keep class emergency\n +. -> keep\n" ROUTE,
     "route 'all' has no line 'emergency'"},
    {BASE "route all\n emergency caller +1 via out\n default via out\n",
     "calls for help that this condition does not fit go by prefix"},
    {BASE "group g\n member out weight 3\nroute all\n default via g\n",
     "a weight has no effect with order failover"},
    {CONFIG_NET CONFIG_IN CONFIG_OUT
     " limit out 10calls 2cps\n"
     "group g\n member out\n limit out 20calls\nroute all\n default via g\n",
     "20calls are never reached: its members together allow 10calls"},
    {BASE ROUTE
     "customer k\n limit in 9cps\n"
     "trunk x\n listen sip\n accept 198.18.0.1\n routes all\n customer k\n limit in 3cps\n",
     "9cps are never reached: its trunks together allow 3cps"},
    {"global\n limit 100calls 5cps\n" BASE " limit out 9cps\n" ROUTE,
     "9cps are never reached: the node's limit is 5cps"},
    {BASE " limit out 1cps burst 1\n breaker trip 50% of 40 in 30s\n" ROUTE,
     "never trips: 40 attempts in 30s are more than limit out 1cps burst 1 of trunk 'out'"},
    {BASE " default-caller +1212\n" ROUTE, "default-caller has no effect"},
    {BASE "calendar c\n open mon-fri 08:00-18:00\n open fri 17:00-20:00\n"
          "route all\n default when c via out\n",
     "hours overlap those of line 17"},
    {BASE "calendar c\n open sun 22:00-08:00\n open mon 07:00-09:00\n"
          "route all\n default when c via out\n",
     "hours overlap those of line 17"},
    {BASE "calendar c\n open daily 08:00-18:00\n holiday 12-25 2026-12-25\n"
          "route all\n default when c via out\n",
     "this holiday is in line 18 already"},
};

static void what_cannot_be_meant_is_a_warning(void **state)
{
    (void)state;
    check(warnings, sizeof(warnings) / sizeof(warnings[0]), "warning: ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(global_has_country_money_and_states),
        cmocka_unit_test(a_deck_has_its_columns_and_defaults),
        cmocka_unit_test(an_international_deck_reads_only_with_or_without_its_plus),
        cmocka_unit_test(a_calendar_is_no_longer_than_a_call_may_read),
        cmocka_unit_test(a_calendar_has_hours_over_midnight_and_holidays),
        cmocka_unit_test(portability_has_its_source_and_a_route_its_dip),
        cmocka_unit_test(an_lcr_line_has_all_of_its_clauses),
        cmocka_unit_test(a_tier_is_shared_by_percentages_or_weights_or_stands_as_written),
        cmocka_unit_test(block_and_allow_lines_keep_their_order),
        cmocka_unit_test(a_trunk_has_its_breaker_callers_and_what_its_customer_says),
        cmocka_unit_test(a_test_is_kept_as_words_with_their_places),
        cmocka_unit_test(lines_of_one_prefix_stand_from_the_narrow_to_the_wide),
        cmocka_unit_test(every_fault_is_an_error_and_says_so),
        cmocka_unit_test(what_cannot_be_meant_is_a_warning),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
