/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/call/locate.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "call/locate.h"

/* ---- name servers of a test: what they say, and what they were asked ---- */

static struct dns_ops ops;
static enum dns_status status;
static uint32_t ttl_s;
static unsigned addresses, asked, changed;
static bool keeps; /* questions wait for an answer that does not come */
static struct {
    dns_fn fn;
    void *arg;
} waiting[256];
static unsigned n_waiting;

static int query(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    static struct dns_answer a;
    (void)d;
    (void)name;
    asked++;
    if (keeps) {
        assert_true(n_waiting < 256);
        waiting[n_waiting].fn = fn;
        waiting[n_waiting++].arg = arg;
        return 0;
    }
    memset(&a, 0, sizeof(a));
    a.status = status;
    a.ttl_s = ttl_s;
    if (status == DNS_OK && type == DNS_A)
        for (a.n = 0; a.n < addresses; a.n++)
            a.rr[a.n].addr = (struct addr){.ip = {192, 0, 2, (uint8_t)(10 + a.n)}, .family = 4};
    if (status == DNS_OK && type != DNS_A)
        a.status = DNS_NONE;
    fn(arg, &a);
    return 0;
}

static void cancel(struct dns_ops *d, void *arg)
{
    (void)d;
    for (unsigned i = 0; i < n_waiting; i++)
        if (waiting[i].arg == arg)
            waiting[i].fn = NULL;
}

static void on_change(void *arg)
{
    (void)arg;
    changed++;
}

/* ---- a control thread ---- */

struct rig {
    struct clock clock;
    struct timers *timers;
    struct stats stats;
    struct trunk_registry *reg;
    struct locate *l;
    struct conf *conf;
};

static void configure(struct rig *r, const char *trunks)
{
    static char text[65536];
    struct conf_errors errs;
    snprintf(text, sizeof(text),
             "realm r\n  address 192.0.2.1\nlisten main\n  realm r\n  udp 192.0.2.1:5060\n%s",
             trunks);
    conf_free(r->conf);
    r->conf = conf_load_text("test", text, strlen(text), NULL, &errs);
    if (!r->conf)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(r->conf);
    locate_configure(r->l, r->conf);
}

#define NAMED \
    "trunk a\n  listen main\n  media none\n  options off\n  peer h.example:5070 udp priority 3 weight 7\n"

static int setup(void **state)
{
    static struct rig r;
    memset(&r, 0, sizeof(r));
    ops = (struct dns_ops){query, cancel};
    status = DNS_OK;
    ttl_s = 60;
    addresses = 2;
    keeps = false;
    asked = changed = n_waiting = 0;
    clock_init_fake(&r.clock, 1000000, 1700000000000);
    r.timers = timers_new_fake(&r.clock);
    r.reg = trunk_registry_new();
    r.l = locate_new(&(struct locate_param){.reg = r.reg,
                                            .timers = r.timers,
                                            .clock = &r.clock,
                                            .stats = &r.stats,
                                            .dns = &ops,
                                            .on_change = on_change});
    assert_non_null(r.l);
    *state = &r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    locate_free(r->l);
    assert_int_equal(timers_pending(r->timers), 0);
    conf_free(r->conf);
    trunk_registry_free(r->reg);
    timers_free(r->timers);
    return 0;
}

static unsigned targets(struct rig *r, const char *trunk)
{
    const struct target_set *set = targets_of(trunk_registry_find(r->reg, trunk));
    return set ? set->n : 0;
}

static void pass(struct rig *r, uint64_t ms)
{
    (void)timers_run_until(r->timers, r->clock.mono_ms + ms);
    locate_turn(r->l);
}

static void see(void *arg, const struct locate_name *n)
{
    snprintf(arg, 64, "%s %u in %u", n->state, n->targets, n->next_s);
}

static const char *state_of(struct rig *r, const char *trunk)
{
    static char text[64];
    text[0] = '\0';
    locate_each_name(r->l, trunk_registry_find(r->reg, trunk)->slot, see, text);
    return text;
}

static void addresses_are_published_at_once(void **state)
{
    struct rig *r = *state;
    configure(r, "trunk a\n  listen main\n  media none\n  peer 198.51.100.1 udp\n"
                 "  peer 198.51.100.2 udp priority 2 weight 5\n");
    const struct target_set *set = targets_of(trunk_registry_find(r->reg, "a"));
    assert_int_equal(set->n, 2);
    assert_int_equal(set->v[1].priority >> 32, 2);
    assert_null(set->v[0].host);
    assert_int_equal(asked, 0);
    assert_int_equal(changed, 1);
}

static void a_name_is_asked_for_again_when_its_time_is_over(void **state)
{
    struct rig *r = *state;
    configure(r, NAMED);
    assert_int_equal(targets(r, "a"), 2);
    assert_string_equal(state_of(r, "a"), "ok 2 in 60");
    const struct target *t = &targets_of(trunk_registry_find(r->reg, "a"))->v[0];
    assert_int_equal(t->priority >> 32, 3);
    assert_string_equal(t->host, "h.example");
    assert_int_equal(t->uri_port, 5070);
    unsigned before = asked;
    pass(r, 59999);
    assert_int_equal(asked, before);
    addresses = 3;
    pass(r, 1);
    assert_true(asked > before);
    assert_int_equal(targets(r, "a"), 3);
    assert_int_equal(changed, 2);
    pass(r, 600000);
    assert_int_equal(changed, 2); /* the same answers publish nothing */
}

static void times_to_live_are_bounded(void **state)
{
    struct rig *r = *state;
    ttl_s = 0;
    configure(r, NAMED);
    assert_string_equal(state_of(r, "a"), "ok 2 in 5");
    unsigned before = asked;
    pass(r, 60000);
    assert_true(asked - before <= 13);
    ttl_s = 1000000;
    pass(r, 5000);
    assert_string_equal(state_of(r, "a"), "ok 2 in 3600");
}

static void an_answer_stays_while_the_servers_fail_and_they_are_asked_with_patience(void **state)
{
    struct rig *r = *state;
    configure(r, NAMED);
    status = DNS_FAILED;
    pass(r, 60000);
    assert_string_equal(state_of(r, "a"), "stale 2 in 5");
    pass(r, 5000);
    assert_string_equal(state_of(r, "a"), "stale 2 in 10");
    pass(r, 10000);
    assert_string_equal(state_of(r, "a"), "stale 2 in 20");
    pass(r, 20000);
    pass(r, 40000);
    assert_string_equal(state_of(r, "a"), "stale 2 in 60");
    pass(r, 86400000);
    assert_int_equal(targets(r, "a"), 2);
    assert_int_equal(changed, 1);
    status = DNS_OK;
    pass(r, 60000);
    assert_string_equal(state_of(r, "a"), "ok 2 in 60");
}

static void three_negative_answers_in_a_row_are_believed(void **state)
{
    struct rig *r = *state;
    configure(r, NAMED);
    status = DNS_NONE;
    ttl_s = 0;
    pass(r, 60000);
    assert_int_equal(targets(r, "a"), 2);
    pass(r, 5000);
    assert_int_equal(targets(r, "a"), 2);
    status = DNS_OK;
    ttl_s = 60;
    pass(r, 5000);
    status = DNS_NONE;
    ttl_s = 0;
    pass(r, 60000);
    pass(r, 5000);
    assert_int_equal(targets(r, "a"), 2);
    pass(r, 5000);
    assert_int_equal(targets(r, "a"), 0);
    assert_int_equal(strncmp(state_of(r, "a"), "none", 4), 0);
    status = DNS_OK;
    pass(r, 300000);
    assert_int_equal(targets(r, "a"), 2);
}

static void a_name_that_never_had_an_answer_has_no_targets(void **state)
{
    struct rig *r = *state;
    status = DNS_FAILED;
    configure(r, NAMED);
    assert_string_equal(state_of(r, "a"), "failed 0 in 5");
    assert_int_equal(targets(r, "a"), 0);
    status = DNS_OK;
    assert_int_equal(locate_refresh(r->l), 1);
    assert_int_equal(targets(r, "a"), 2);
}

static void a_reload_keeps_what_is_known_and_drops_what_is_gone(void **state)
{
    struct rig *r = *state;
    configure(r, NAMED);
    pass(r, 20000);
    unsigned before = asked;
    status = DNS_FAILED;
    configure(r, NAMED
              "  peer 198.51.100.9 udp priority 4\n"
              "trunk b\n  listen main\n  media none\n  options off\n  peer h.example:5070 udp\n");
    assert_int_equal(targets(r, "a"), 3);
    assert_int_equal(targets(r, "b"), 2); /* out of the cache */
    assert_int_equal(asked, before);
    assert_string_equal(state_of(r, "a"), "ok 2 in 40");
    configure(r, "trunk b\n  listen main\n  media none\n  options off\n  peer 198.51.100.9 udp\n");
    assert_int_equal(targets(r, "a"), 0);
    assert_int_equal(targets(r, "b"), 1);
    assert_int_equal(timers_pending(r->timers), 0);
}

static void a_thousand_names_are_asked_for_by_64(void **state)
{
    struct rig *r = *state;
    static char text[65536];
    size_t n = 0;
    keeps = true;
    for (unsigned i = 0; i < 200; i++)
        n += (size_t)snprintf(
            text + n, sizeof(text) - n,
            "trunk t%u\n  listen main\n  media none\n  options off\n  peer h%u.example:5060 udp\n",
            i, i);
    configure(r, text);
    assert_int_equal(n_waiting, LOCATE_RUNNING_MAX);
    for (unsigned i = 0; i < n_waiting; i++) {
        static struct dns_answer a = {.status = DNS_NONE, .ttl_s = 60};
        if (waiting[i].fn)
            waiting[i].fn(waiting[i].arg, &a);
    }
    assert_int_equal(n_waiting, 200);
}

static void a_registered_contact_is_a_target_until_it_expires(void **state)
{
    struct rig *r = *state;
    configure(
        r,
        "trunk a\n  listen main\n  media none\n  options off\n  registrar\n  peer registered\n  accept 198.51.100.7/32\n");
    uint32_t slot = trunk_registry_find(r->reg, "a")->slot;
    struct target_contact c = {
        .addr = {.ip = {198, 51, 100, 7}, .port = 5066, .family = 4}, .listener = 0, .q = 1000};
    assert_int_equal(targets(r, "a"), 0);
    assert_int_equal(targets_register(r->reg, slot, &c, 60000), 0);
    c.addr.port++;
    c.q = 500;
    assert_int_equal(targets_register(r->reg, slot, &c, 30000), 0);
    locate_turn(r->l);
    const struct target_set *set = targets_of(trunk_registry_find(r->reg, "a"));
    assert_int_equal(set->n, 2);
    assert_int_equal(set->v[0].addr.port, 5066);
    assert_int_equal(set->v[0].listener, 0);
    pass(r, 30000);
    assert_int_equal(targets(r, "a"), 1);
    c.addr.port--;
    assert_int_equal(targets_register(r->reg, slot, &c, 60000), 0);
    locate_turn(r->l);
    pass(r, 59999);
    assert_int_equal(targets(r, "a"), 1);
    pass(r, 1);
    assert_int_equal(targets(r, "a"), 0);
    for (unsigned i = 0; i < TARGET_BINDINGS_MAX + 3; i++) {
        c.addr.port = (uint16_t)(6000 + i);
        assert_int_equal(targets_register(r->reg, slot, &c, 60000), 0);
    }
    locate_turn(r->l);
    assert_int_equal(targets(r, "a"), TARGET_BINDINGS_MAX);
    assert_int_equal(targets_register(r->reg, slot, &c, 0), 0);
    locate_turn(r->l);
    assert_int_equal(targets(r, "a"), TARGET_BINDINGS_MAX - 1);
    assert_int_equal(targets_unregister(r->reg, slot), 0);
    assert_int_equal(targets_register(r->reg, 77, &c, 60000), 0); /* nobody's */
    locate_turn(r->l);
    assert_int_equal(targets(r, "a"), 0);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(addresses_are_published_at_once),
        CASE(a_name_is_asked_for_again_when_its_time_is_over),
        CASE(times_to_live_are_bounded),
        CASE(an_answer_stays_while_the_servers_fail_and_they_are_asked_with_patience),
        CASE(three_negative_answers_in_a_row_are_believed),
        CASE(a_name_that_never_had_an_answer_has_no_targets),
        CASE(a_reload_keeps_what_is_known_and_drops_what_is_gone),
        CASE(a_thousand_names_are_asked_for_by_64),
        CASE(a_registered_contact_is_a_target_until_it_expires),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
