/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/route.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "route/route.h"

static const char text[] =
    "realm r\n  address 192.0.2.1 2001:db8::1\n"
    "listen main\n  realm r\n  udp 192.0.2.1:5060\n  udp [2001:db8::1]:5060\n  unknown 403\n"
    "listen back\n  realm r\n  udp 192.0.2.1:5062\n"
    "customer acme\n  limit in 10calls\n"
    "trunk in\n  listen main\n  media none\n  peer 198.51.100.1 udp\n  numbers plan\n  routes retail\n"
    "  customer acme\n"
    "trunk bare\n  listen main\n  media none\n  peer 198.51.100.2 udp\n"
    "trunk alpha\n  listen main\n  media none\n  peer 198.51.100.11 udp priority 1 weight 70\n"
    "  peer 198.51.100.12 udp priority 1 weight 30\n  peer 198.51.100.13 udp priority 2\n  send e164-plus\n"
    "trunk bravo\n  listen back main\n  media none\n  peer [2001:db8::b]:5070 udp\n  send digits tech99\n"
    "trunk us\n  listen back\n  media none\n  peer 198.51.100.30 udp\n  send us-only\n"
    "trunk psap\n  listen main\n  media none\n  peer 198.51.100.40 udp\n"
    "group both\n  member bravo alpha\n"
    "group pool\n  member alpha psap\n  limit out 5calls\n"
    "numbers plan\n  911 -> keep class emergency\n  00. -> +{2-}\n  NXXNXXXXXX -> +1{*}\n  +. -> keep\n"
    "numbers e164-plus direction out\n  +. -> keep\n"
    "numbers digits direction out\n  +. -> {1-}\n"
    "numbers tech99 direction out\n  . -> 99{*}\n"
    "numbers us-only direction out\n  +1NXXNXXXXXX -> {2-}\n"
    "route retail\n  emergency via psap then alpha\n  prefix +1 via us then both\n"
    "  prefix +44 via alpha then both max 2 attempts\n  prefix +33 via us\n"
    "  prefix +1900 cause 403 \"Blocked destination\"\n  default cause 410 \"Gone away\"\n";

struct fixture {
    struct conf *conf;
    struct trunk_registry *reg;
    struct route *rt;
    struct route_decision d;
};

/* What call/locate.c makes of peers that are addresses. */
static void publish(struct fixture *f, const struct conf *c)
{
    struct target_record v[8];
    for (uint32_t i = 0; i < c->trunk.n; i++) {
        const struct conf_trunk *t = &c->trunk.v[i];
        for (uint32_t p = 0; p < t->peer.n; p++)
            v[p] = (struct target_record){.addr = t->peer.v[p].addr,
                                          .listener = UINT16_MAX,
                                          .priority = t->peer.v[p].priority,
                                          .weight = t->peer.v[p].weight};
        assert_true(targets_publish(f->reg, trunk_registry_get(f->reg, t->name), v, t->peer.n) >=
                    0);
    }
}

static int setup(void **state)
{
    static struct fixture f;
    struct conf_errors errs;
    const char *why;
    f.conf = conf_load_text("test", text, sizeof(text) - 1, NULL, &errs);
    if (!f.conf)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(f.conf);
    f.reg = trunk_registry_new();
    f.rt = route_new(&(struct route_param){.conf = f.conf, .reg = f.reg}, &why);
    assert_non_null(f.rt);
    publish(&f, f.conf);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    route_free(f->rt);
    trunk_registry_free(f->reg);
    conf_free(f->conf);
    return 0;
}

static uint32_t trunk_id(struct fixture *f, const char *name)
{
    return (uint32_t)(conf_find_trunk(f->conf, name) - f->conf->trunk.v);
}

/* Decide a call from a trunk; the candidates as "trunk:number ". */
static const char *decide(struct fixture *f, const char *trunk, const char *called, bool emergency)
{
    static char out[512];
    struct route_query q = {
        .trunk = trunk_id(f, trunk), .called = span_of(called), .emergency = emergency};
    route_decide(f->rt, &q, &f->d);
    out[0] = '\0';
    for (uint32_t i = 0, n = 0; i < f->d.n; i++)
        n += (uint32_t)snprintf(out + n, sizeof(out) - n, "%s:%s ",
                                f->conf->trunk.v[f->d.candidate[i].trunk].name,
                                f->d.candidate[i].called);
    return out;
}

static void set_down(struct fixture *f, const char *trunk, unsigned peer, bool down)
{
    targets_of(route_trunk_state(f->rt, trunk_id(f, trunk)))->v[peer].health->down = down;
}

static void candidates_come_in_order_each_with_its_own_number(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(decide(f, "in", "2025550187", false),
                        "us:2025550187 bravo:9912025550187 alpha:+12025550187 ");
    assert_int_equal(f->d.verdict, ROUTE_OK);
    assert_string_equal(f->d.called, "+12025550187");
    assert_int_equal(f->d.line_loc.line > 0, 1);
    assert_string_equal(decide(f, "in", "00442079460123", false),
                        "alpha:+442079460123 bravo:99442079460123 ");
    assert_int_equal(f->d.max_attempts, 2);
}

static void refusals_say_why(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *trunk, *called;
        enum route_verdict verdict;
        uint16_t code;
    } row[] = {
        {"in", "+19005550123", ROUTE_REFUSED, 403}, {"in", "+99123", ROUTE_REFUSED, 410},
        {"in", "12", ROUTE_BAD_NUMBER, 484},        {"in", "", ROUTE_BAD_NUMBER, 484},
        {"in", "+33123", ROUTE_BAD_NUMBER, 484},    {"bare", "+44123", ROUTE_NO_ROUTE, 404},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_string_equal(decide(f, row[i].trunk, row[i].called, false), "");
        assert_int_equal(f->d.verdict, row[i].verdict);
        assert_int_equal(f->d.code, row[i].code);
    }
    decide(f, "in", "+19005550123", false);
    assert_string_equal(f->d.reason, "Blocked destination");
}

static void emergency_goes_to_its_own_line_by_rule_or_by_the_gate(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(decide(f, "in", "911", false), "psap:911 ");
    assert_int_equal(f->d.klass, CONF_CLASS_EMERGENCY);
    assert_string_equal(decide(f, "in", "112", true), "psap:112 ");
    assert_int_equal(f->d.klass, CONF_CLASS_EMERGENCY);
    assert_string_equal(decide(f, "in", "112", false), "");
}

static void a_trunk_that_is_down_is_left_out(void **state)
{
    struct fixture *f = *state;
    set_down(f, "us", 0, true);
    assert_string_equal(decide(f, "in", "+12025550187", false),
                        "bravo:9912025550187 alpha:+12025550187 ");
    assert_int_equal(f->d.dropped_down, 1);
    set_down(f, "bravo", 0, true);
    for (unsigned p = 0; p < 3; p++)
        set_down(f, "alpha", p, true);
    assert_string_equal(decide(f, "in", "+12025550187", false), "");
    assert_int_equal(f->d.verdict, ROUTE_ALL_DOWN);
    assert_int_equal(f->d.code, 503);
    set_down(f, "us", 0, false);
    set_down(f, "bravo", 0, false);
    for (unsigned p = 0; p < 3; p++)
        set_down(f, "alpha", p, false);
}

/* The last number of each hop's address, in order. */
static const char *hops(struct fixture *f, const char *trunk, uint32_t rnd, bool last_resort)
{
    static char out[64];
    struct route_hop hop[ROUTE_HOPS_MAX];
    struct route_hops_param p = {
        .trunk = trunk_id(f, trunk), .rnd = rnd, .now_ms = 5000, .last_resort = last_resort};
    unsigned n = route_hops(f->rt, &p, hop, ROUTE_HOPS_MAX), len = 0;
    out[0] = '\0';
    for (unsigned i = 0; i < n; i++)
        len += (unsigned)snprintf(out + len, sizeof(out) - len, "%u ", hop[i].remote.ip[3]);
    return out;
}

static void peers_share_by_weight_and_priority(void **state)
{
    struct fixture *f = *state;
    unsigned n[20] = {0};
    for (uint32_t r = 0; r < 100; r++)
        n[strtoul(hops(f, "alpha", r, false), NULL, 10)]++;
    assert_int_equal(n[11], 70);
    assert_int_equal(n[12], 30);
    assert_string_equal(hops(f, "alpha", 5, false), "11 12 13 ");
    assert_string_equal(hops(f, "alpha", 75, false), "12 11 13 ");
    set_down(f, "alpha", 0, true);
    assert_string_equal(hops(f, "alpha", 5, false), "12 13 ");
    set_down(f, "alpha", 1, true);
    assert_string_equal(hops(f, "alpha", 5, false), "13 ");
    set_down(f, "alpha", 2, true);
    assert_string_equal(hops(f, "alpha", 5, false), "");
    for (unsigned p = 0; p < 3; p++)
        set_down(f, "alpha", p, false);
}

static void an_emergency_call_tries_busy_and_dead_targets_last(void **state)
{
    struct fixture *f = *state;
    const struct target_set *set = targets_of(route_trunk_state(f->rt, trunk_id(f, "alpha")));
    set_down(f, "alpha", 0, true);
    set->v[1].health->busy_until_ms = 5001;
    assert_string_equal(hops(f, "alpha", 5, false), "13 ");
    assert_string_equal(hops(f, "alpha", 5, true), "13 12 11 ");
    set->v[1].health->busy_until_ms = 5000;
    assert_string_equal(hops(f, "alpha", 5, false), "12 13 ");
    set->v[1].health->busy_until_ms = 0;
    set_down(f, "alpha", 0, false);
}

static unsigned pick(struct fixture *f, const struct route *rt, uint32_t trunk,
                     struct route_hop *hop)
{
    (void)f;
    return route_hops(rt, &(struct route_hops_param){.trunk = trunk}, hop, 1);
}

static void a_peer_is_reached_from_the_first_socket_of_its_family(void **state)
{
    struct fixture *f = *state;
    struct route_hop hop;
    char buf[ADDR_STRLEN];
    assert_int_equal(pick(f, f->rt, trunk_id(f, "bravo"), &hop), 1);
    assert_int_equal(hop.listener, 1);
    assert_string_equal(addr_str(&hop.local, buf), "[2001:db8::1]:5060");
    assert_int_equal(pick(f, f->rt, trunk_id(f, "us"), &hop), 1);
    assert_int_equal(hop.listener, 2);
    assert_int_equal(route_listen_of(f->rt, 2), 1);
    assert_int_equal(route_listen_of(f->rt, 3), CONF_NONE);
    assert_int_equal(route_unknown(f->rt, 0), CONF_UNKNOWN_403);
    assert_int_equal(route_unknown(f->rt, 2), CONF_UNKNOWN_DROP);
}

static void live_state_outlives_a_reload_that_drops_and_moves_trunks(void **state)
{
    struct fixture *f = *state;
    static const char after[] =
        "realm r\n  address 192.0.2.1\nlisten main\n  realm r\n  udp 192.0.2.1:5060\n"
        "trunk new\n  listen main\n  media none\n  peer 198.51.100.99 udp\n"
        "trunk alpha\n  listen main\n  media none\n  peer 198.51.100.12 udp\n";
    struct conf_errors errs;
    const char *why;
    uint32_t id = 99;
    struct trunk_state *alpha = route_trunk_state(f->rt, trunk_id(f, "alpha"));
    struct trunk_state *us = route_trunk_state(f->rt, trunk_id(f, "us"));
    struct conf *c = conf_load_text("after", after, sizeof(after) - 1, NULL, &errs);
    conf_errors_fini(&errs);
    assert_non_null(c);
    set_down(f, "alpha", 1, true);
    struct route *rt = route_new(&(struct route_param){.conf = c, .reg = f->reg}, &why);
    assert_non_null(rt);
    assert_ptr_equal(route_trunk_state(rt, 1), alpha);
    assert_int_equal(route_trunk_of_slot(rt, alpha->slot, &id), 0);
    assert_int_equal(id, 1);
    assert_int_equal(route_trunk_of_slot(rt, us->slot, &id), -ENOENT);
    assert_ptr_equal(trunk_by_slot(f->reg, us->slot), us);
    struct route_hop hop;
    publish(f, c);
    assert_int_equal(pick(f, rt, 1, &hop), 0); /* .12 was down before the reload */
    targets_of(alpha)->v[0].health->down = false;
    assert_int_equal(pick(f, rt, 1, &hop), 1);
    route_free(rt);
    conf_free(c);
}

static void a_trunk_knows_its_groups_that_have_a_limit(void **state)
{
    struct fixture *f = *state;
    const uint32_t *group;
    assert_int_equal(route_limited_groups(f->rt, trunk_id(f, "bravo"), &group), 0);
    assert_int_equal(route_limited_groups(f->rt, trunk_id(f, "alpha"), &group), 1);
    assert_string_equal(f->conf->group.v[group[0]].name, "pool");
    assert_ptr_equal(route_group_state(f->rt, group[0]), trunk_registry_find_group(f->reg, "pool"));
}

static void a_trunk_has_the_state_of_its_customer(void **state)
{
    struct fixture *f = *state;
    assert_string_equal(route_customer_state(f->rt, trunk_id(f, "in"))->name, "acme");
    assert_null(route_customer_state(f->rt, trunk_id(f, "alpha")));
}

static void a_shadow_has_the_same_tables_and_live_state_of_its_own(void **state)
{
    struct fixture *f = *state;
    struct trunk_registry *reg = trunk_registry_new();
    struct route *shadow = route_shadow(f->rt, reg);
    assert_non_null(shadow);
    uint32_t alpha = trunk_id(f, "alpha");
    assert_ptr_equal(route_conf(shadow), f->conf);
    assert_ptr_equal(route_trunk_state(shadow, alpha), trunk_registry_find(reg, "alpha"));
    assert_ptr_not_equal(route_trunk_state(shadow, alpha), route_trunk_state(f->rt, alpha));
    route_free(shadow);
    trunk_registry_free(reg);
    assert_non_null(decide(f, "in", "2025550187", false)); /* the first one is whole */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_come_in_order_each_with_its_own_number),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(emergency_goes_to_its_own_line_by_rule_or_by_the_gate),
        cmocka_unit_test(a_trunk_that_is_down_is_left_out),
        cmocka_unit_test(peers_share_by_weight_and_priority),
        cmocka_unit_test(an_emergency_call_tries_busy_and_dead_targets_last),
        cmocka_unit_test(a_peer_is_reached_from_the_first_socket_of_its_family),
        cmocka_unit_test(live_state_outlives_a_reload_that_drops_and_moves_trunks),
        cmocka_unit_test(a_trunk_has_the_state_of_its_customer),
        cmocka_unit_test(a_trunk_knows_its_groups_that_have_a_limit),
        cmocka_unit_test(a_shadow_has_the_same_tables_and_live_state_of_its_own),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
