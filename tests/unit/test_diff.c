/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/diff.c: prefixes whose first choice changes, what that costs, who wins and loses.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "route/diff.h"

static char dir[] = "/tmp/test-diff-XXXXXX";

static void put(const char *name, const char *text)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int make_dir(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    put("a.csv", "prefix,rate\n44,0.0100\n4420,0.0200\n33,0.0500\n");
    put("b.csv", "prefix,rate\n44,0.0150\n33,0.0400\n1,0.0030\n");
    put("b2.csv", "prefix,rate\n44,0.0150\n4420,0.0180\n1,0.0050\n");
    put("later.csv", "prefix,rate,effective\n44,0.0100,\n44,0.0300,2027-02-01\n");
    put("retail.csv", "prefix,rate\n44,0.0190\n33,0.0600\n1,0.0040\n");
    return 0;
}

static int drop_dir(void **state)
{
    char command[64];

    (void)state;
    for (const char *const *n = (const char *const[]){"a.csv", "b.csv", "b2.csv", "later.csv",
                                                      "retail.csv", "t.conf", NULL};
         *n; n++) {
        snprintf(command, sizeof(command), "%s/%s", dir, *n);
        (void)unlink(command);
    }
    return rmdir(dir);
}

struct side {
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *route;
};

static struct side load(const char *text)
{
    struct side s = {.reg = trunk_registry_new()};
    struct conf_errors errs;
    const char *why = "";
    char path[128];

    put("t.conf", text);
    snprintf(path, sizeof(path), "%s/t.conf", dir);
    s.conf = conf_load(path, NULL, &errs);
    if (errs.errors)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(s.conf);
    s.route = route_new(
        &(struct route_param){.conf = s.conf, .reg = s.reg, .wall_s = 1800000000, .threads = 2},
        &why);
    if (!s.route)
        fprintf(stderr, "%s\n", why);
    assert_non_null(s.route);
    return s;
}

static void unload(struct side *s)
{
    route_free(s->route);
    trunk_registry_free(s->reg);
    conf_free(s->conf);
}

#define HEAD                                                                              \
    "global\n  limit 100calls\nrealm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp " \
    "192.0.2.1:5060\ntrunk in\n  listen l\n  media none\n  peer 192.0.2.9:5060 udp\n  routes x\n"
#define OUT(name, ip) "trunk " name "\n  listen l\n  media none\n  peer " ip ":5060 udp\n"
#define DECK(name, trunk, file) \
    "ratedeck " name " trunk " trunk "\n  file " file "\n  columns prefix rate\n"

static struct diff *differ(struct side *a, struct side *b)
{
    struct diff_param p = {.old = a->route,
                           .now = b->route,
                           .wall_s = 1800000000,
                           .rates = {DECK_INTER, CONF_ZONES_MAX},
                           .threads = 2};
    struct diff *d = NULL;

    assert_int_equal(route_diff(&p, &d), 0);
    return d;
}

static const struct diff_prefix *top(const struct diff_route *r, const char *prefix)
{
    char key[KEY_DIGITS + 1];

    for (unsigned i = 0; i < r->n_top; i++)
        if (strcmp(key_text(r->top[i].key, key), prefix) == 0)
            return &r->top[i];
    return NULL;
}

static const struct diff_trunk *trunk(const struct diff_route *r, const char *name)
{
    for (uint32_t i = 0; i < r->n_trunks; i++)
        if (strcmp(r->trunk[i].name, name) == 0)
            return &r->trunk[i];
    return NULL;
}

static void the_same_configuration_changes_nothing(void **state)
{
    static const char text[] = HEAD OUT("a", "192.0.2.2") OUT("b", "192.0.2.3")
        DECK("da", "a", "a.csv") DECK("db", "b", "b.csv") "route x\n  prefix + lcr da db\n";
    struct side a = load(text), b = load(text);
    struct diff *d = differ(&a, &b);

    (void)state;
    assert_int_equal(d->n, 1);
    assert_int_equal(d->route[0].prefixes, 5); /* + +1 +33 +44 +4420 */
    assert_int_equal(d->route[0].moved + d->route[0].gained + d->route[0].lost, 0);
    assert_int_equal(d->route[0].dearer + d->route[0].cheaper, 0);
    assert_int_equal(d->route[0].n_top, 0);
    assert_int_equal(d->route[0].n_trunks, 0);
    assert_true(d->next_change == INT64_MAX);
    diff_free(d);
    unload(&a);
    unload(&b);
}

static void rows_that_begin_later_are_no_difference_but_told(void **state)
{
    struct side a = load(HEAD OUT("a", "192.0.2.2") DECK("da", "a", "a.csv") "route x\n  prefix "
                                                                             "+44 lcr da\n");
    struct side b = load(HEAD OUT("a", "192.0.2.2") "ratedeck da trunk a\n  file later.csv\n  "
                                                    "columns prefix rate effective\n"
                                                    "route x\n  prefix +44 lcr da\n");
    struct diff *d = differ(&a, &b);

    (void)state;
    assert_int_equal(d->route[0].moved, 0);
    assert_int_equal(d->next_change, 1801440000); /* 2027-02-01 */
    diff_free(d);
    unload(&a);
    unload(&b);
}

static void a_new_deck_moves_prefixes_and_costs(void **state)
{
    struct side a = load(HEAD OUT("a", "192.0.2.2") OUT("b", "192.0.2.3") DECK("da", "a", "a.csv")
                             DECK("db", "b", "b.csv") "route x\n  prefix + lcr da db\n");
    struct side b = load(HEAD OUT("b", "192.0.2.3") OUT("a", "192.0.2.2") DECK("da", "a", "a.csv")
                             DECK("db", "b", "b2.csv") "route x\n  prefix + lcr da db\n");
    struct diff *d = differ(&a, &b);
    const struct diff_route *r = &d->route[0];
    const struct diff_prefix *p;

    (void)state;
    /* +33: b 0.04 -> a 0.05; +4420: b 0.015 -> b 0.018; +1: b 0.003 -> b 0.005; +44: a stays */
    assert_int_equal(r->prefixes, 5);
    assert_int_equal(r->moved, 1);
    assert_int_equal(r->dearer, 3);
    assert_int_equal(r->cheaper, 0);
    assert_int_equal(r->priced, 4);
    assert_int_equal(r->cost_old, (10000000 + 15000000 + 40000000 + 3000000) / 4);
    assert_int_equal(r->cost_now, (10000000 + 18000000 + 50000000 + 5000000) / 4);
    p = top(r, "+33");
    assert_ptr_equal(p, &r->top[0]); /* the largest change */
    assert_string_equal(a.conf->trunk.v[p->old.trunk].name, "b");
    assert_string_equal(b.conf->trunk.v[p->now.trunk].name, "a");
    assert_int_equal(p->old.rate, 40000000);
    assert_int_equal(p->now.rate, 50000000);
    assert_int_equal(r->n_trunks, 2);
    assert_int_equal(trunk(r, "a")->won, 1);
    assert_int_equal(trunk(r, "b")->lost, 1);
    diff_free(d);
    unload(&a);
    unload(&b);
}

static void lines_trunks_and_routes_that_come_and_go(void **state)
{
    struct side a = load(HEAD OUT("a", "192.0.2.2") "route x\n  prefix +1 +44 via a\n");
    struct side b =
        load(HEAD OUT("b", "192.0.2.3") "route x\n  prefix +44 +49 via b\n  prefix +7 cause 403\n"
                                        "route y\n  default via b\n");
    struct diff *d = differ(&a, &b);
    const struct diff_route *r = &d->route[0];

    (void)state;
    assert_int_equal(d->n, 2);
    assert_int_equal(r->prefixes, 4);
    assert_int_equal(r->moved, 1);
    assert_int_equal(r->gained, 1);
    assert_int_equal(r->lost, 1);
    assert_int_equal(trunk(r, "a")->lost, 2); /* gone from the configuration, and told by name */
    assert_int_equal(trunk(r, "b")->won, 2);
    assert_int_equal(top(r, "+1")->now.trunk, CONF_NONE);
    assert_true(d->route[1].is_new);
    diff_free(d);
    d = differ(&b, &a);
    assert_true(d->route[1].is_gone);
    assert_string_equal(d->route[1].name, "y");
    diff_free(d);
    unload(&a);
    unload(&b);
}

static void what_is_sold_below_cost_is_counted(void **state)
{
    struct side a = load(
        HEAD
        "  sell-deck retail\n" OUT("a", "192.0.2.2") OUT("b", "192.0.2.3") DECK("da", "a", "a.csv")
            DECK("db", "b", "b.csv") "ratedeck retail\n  file retail.csv\n  columns prefix rate\n"
                                     "route x\n  prefix + lcr da db\n");
    struct side b = load(
        HEAD
        "  sell-deck retail\n" OUT("a", "192.0.2.2") OUT("b", "192.0.2.3") DECK("da", "a", "a.csv")
            DECK("db", "b", "b2.csv") "ratedeck retail\n  file retail.csv\n  columns prefix rate\n"
                                      "route x\n  prefix + lcr da db\n");
    struct diff *d = differ(&a, &b);

    (void)state;
    assert_int_equal(d->route[0].below_old, 0);
    assert_int_equal(d->route[0].below_now, 1); /* +1 costs 0.005 and is sold at 0.004 */
    diff_free(d);
    unload(&a);
    unload(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_configuration_changes_nothing),
        cmocka_unit_test(rows_that_begin_later_are_no_difference_but_told),
        cmocka_unit_test(a_new_deck_moves_prefixes_and_costs),
        cmocka_unit_test(lines_trunks_and_routes_that_come_and_go),
        cmocka_unit_test(what_is_sold_below_cost_is_counted),
    };
    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
