/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of daemon/snapshot.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include "daemon/snapshot.h"

#define BASE                                                                              \
    "realm r\n  address 192.0.2.1 192.0.2.2\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n" \
    "media m\n  realm r\n  ports 10000-10999\n  ports priority 11000-11099\n  limit 100calls\n"

static struct conf *load(const char *text)
{
    struct conf_errors errs;
    struct conf *c = conf_load_text("test", text, strlen(text), NULL, &errs);
    if (!c)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(c);
    return c;
}

static void what_needs_a_restart_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *next, *why;
    } row[] = {
        {"global\n  limit 100calls\n" BASE, NULL},
        {BASE "trunk t\n  listen l\n  peer 192.0.2.9 udp\n", NULL},
        {"global\n  limit 100calls\n  node other\n" BASE, "node"},
        {"global\n  limit 100calls\n  workers 3\n" BASE, "workers"},
        {"global\n  limit 100calls\n  state-dir /tmp/x\n" BASE, "state-dir"},
        {"global\n  limit 100calls\n  run-dir /tmp/x\n" BASE, "run-dir"},
        {"global\n  limit 100calls\n  media-socket /tmp/x\n" BASE, "media-socket"},
        {"global\n  limit 100calls\n" BASE "listen k\n  realm r\n  udp 192.0.2.2:5060\n",
         "listen sections"},
        {"realm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp 192.0.2.1:5061\n", "listen 'l'"},
        {"realm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n  dscp ef\n",
         "listen 'l'"},
        {"realm r\n  address 192.0.2.1\n  advertise 203.0.113.1\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n",
         "listen 'l'"},
    };
    struct conf *now = load("global\n  limit 100calls\n" BASE);
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char why[256] = "";
        struct conf *next = load(row[i].next);
        bool ok = snapshot_can_replace(now, next, why, sizeof(why));
        assert_int_equal(ok, row[i].why == NULL);
        if (row[i].why)
            assert_non_null(strstr(why, row[i].why));
        conf_free(next);
    }
    conf_free(now);
}

#define STREAMS "realm r\n  address 192.0.2.1\nlisten l\n  realm r\n  udp 192.0.2.1:5060\n"

static void tcp_and_tls_sockets_need_a_restart_but_certificates_do_not(void **state)
{
    (void)state;
    static const struct {
        const char *next;
        bool ok;
    } row[] = {
        {STREAMS "  tcp 192.0.2.1:5060\n  tls 192.0.2.1:5061 cert /new.pem key /k.pem\n"
                 "  idle-timeout 1m\n",
         true},
        {STREAMS "  tls 192.0.2.1:5061 cert /c.pem\n", false},
        {STREAMS "  tcp 192.0.2.1:5060\n", false},
        {STREAMS "  tcp 192.0.2.1:5070\n  tls 192.0.2.1:5061 cert /c.pem\n", false},
        {STREAMS "  tcp 192.0.2.1:5060\n  tls 192.0.2.1:5071 cert /c.pem\n", false},
    };
    struct conf *now = load(STREAMS "  tcp 192.0.2.1:5060\n  tls 192.0.2.1:5061 cert /c.pem\n");
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        char why[256] = "";
        struct conf *next = load(row[i].next);
        assert_int_equal(snapshot_can_replace(now, next, why, sizeof(why)), row[i].ok);
        if (!row[i].ok)
            assert_non_null(strstr(why, "listen 'l'"));
        conf_free(next);
    }
    conf_free(now);
}

static void the_first_media_section_needs_a_restart(void **state)
{
    (void)state;
    static const char without[] = "realm r\n  address 192.0.2.1\n"
                                  "listen l\n  realm r\n  udp 192.0.2.1:5060\n";
    struct conf *now = load(without), *next = load(BASE);
    char why[256] = "";
    assert_false(snapshot_can_replace(now, next, why, sizeof(why)));
    assert_non_null(strstr(why, "media section"));
    conf_free(now);
    now = load(BASE);
    conf_free(next);
    next = load(without);
    assert_true(snapshot_can_replace(now, next, why, sizeof(why)));
    conf_free(next);
    conf_free(now);
}

static struct snapshot *snapshot_of(struct trunk_registry *reg, const char *text)
{
    char why[256] = "";
    struct snapshot *s =
        snapshot_new(&(struct snapshot_param){.conf = load(text), .reg = reg}, why, sizeof(why));
    if (!s)
        fprintf(stderr, "%s\n", why);
    assert_non_null(s);
    return s;
}

static void pools_are_those_of_the_media_sections(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct snapshots ss = {.retired = NULL};
    struct snapshot *s = snapshot_of(reg, "global\n  limit 100calls\n" BASE);
    assert_int_equal(s->n_pools, 1);
    assert_string_equal(s->pool[0].name, "m");
    assert_int_equal(s->pool[0].n_addrs, 2);
    assert_int_equal(s->pool[0].port_lo, 10000);
    assert_int_equal(s->pool[0].priority_hi, 11099);
    snapshots_publish(&ss, s, 7);
    assert_int_equal(s->view.generation, 7);
    assert_int_equal(s->conf->generation, 7);
    snapshots_fini(&ss);
    trunk_registry_free(reg);
}

/* @return how many there were */
static unsigned collect(struct snapshots *ss, uint64_t oldest_seen)
{
    struct snapshot *s;
    unsigned n = 0;
    for (; (s = snapshots_collect(ss, oldest_seen)); n++)
        snapshot_free(s);
    return n;
}

static void a_snapshot_is_freed_only_when_all_have_moved_on(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct snapshots ss = {.retired = NULL}; /* clang takes no 0 for an atomic pointer */
    for (uint64_t g = 1; g <= 3; g++)
        snapshots_publish(&ss, snapshot_of(reg, "global\n  limit 100calls\n" BASE), g);
    assert_int_equal(snapshots_current(&ss)->view.generation, 3);
    assert_int_equal(collect(&ss, 1), 0);
    assert_int_equal(ss.retired->view.generation, 2);
    assert_non_null(ss.retired->next);
    assert_int_equal(collect(&ss, 2), 2); /* all of it, then its configuration */
    assert_int_equal(ss.retired->view.generation, 2);
    assert_null(ss.retired->next);
    assert_int_equal(collect(&ss, 3), 2);
    assert_null(ss.retired);
    snapshots_fini(&ss);
    trunk_registry_free(reg);
}

static void a_leg_keeps_a_configuration_and_nothing_else_of_its_snapshot(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct snapshots ss = {.retired = NULL};
    snapshots_publish(&ss, snapshot_of(reg, "global\n  limit 100calls\n" BASE), 1);
    const struct conf *held = conf_get(snapshots_current(&ss)->conf);
    snapshots_publish(&ss, snapshot_of(reg, "global\n  limit 200calls\n" BASE), 2);
    assert_int_equal(collect(&ss, 2), 1);
    assert_null(ss.retired);
    assert_int_equal(held->global.limit.calls, 100);
    conf_free(held); /* the worker's: it frees nothing */
    assert_ptr_equal(ss.rests->conf, held);
    assert_int_equal(collect(&ss, 2), 1);
    assert_null(ss.rests);
    snapshots_fini(&ss);
    trunk_registry_free(reg);
}

static void a_leg_may_hold_the_configuration_to_the_very_end(void **state)
{
    (void)state;
    struct trunk_registry *reg = trunk_registry_new();
    struct snapshots ss = {.retired = NULL};
    for (uint64_t g = 1; g <= 2; g++)
        snapshots_publish(&ss, snapshot_of(reg, "global\n  limit 100calls\n" BASE), g);
    const struct conf *held = conf_get(ss.retired->conf);
    snapshots_fini(&ss);
    assert_int_equal(held->global.limit.calls, 100);
    conf_free(held);
    trunk_registry_free(reg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_needs_a_restart_is_named),
        cmocka_unit_test(tcp_and_tls_sockets_need_a_restart_but_certificates_do_not),
        cmocka_unit_test(the_first_media_section_needs_a_restart),
        cmocka_unit_test(pools_are_those_of_the_media_sections),
        cmocka_unit_test(a_snapshot_is_freed_only_when_all_have_moved_on),
        cmocka_unit_test(a_leg_keeps_a_configuration_and_nothing_else_of_its_snapshot),
        cmocka_unit_test(a_leg_may_hold_the_configuration_to_the_very_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
