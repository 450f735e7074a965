/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What --setup reads off a configuration: interfaces, modes, lines.
 * Run by make check; it attaches nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "daemon/media_plan.h"

/* Of no machine: addresses of the configuration are on none. */
static struct netif cards[] = {
    {.name = "eth0", .ifindex = 1000002, .is_up = true},
    {.name = "eth0.10", .kind = "vlan", .ifindex = 1000003, .parent = 1000002, .is_up = true},
    {.name = "veth7", .kind = "veth", .ifindex = 1000004, .is_up = true},
    {.name = "lo", .ifindex = 1000005, .is_up = true, .is_loopback = true},
    {.name = "lost", .kind = "vlan", .ifindex = 1000006, .parent = 4242},
};
static struct netifs ifs = {.n = sizeof(cards) / sizeof(cards[0]), .v = cards};

#define BIT(path) (1U << (path))

static void a_vlan_device_stands_for_the_one_below(void **state)
{
    struct media_plan p;

    (void)state;
    media_plan_init(&p);
    assert_int_equal(media_plan_interface(&p, "eth0.10:native", &ifs), 0);
    assert_int_equal(p.n_ifs, 1);
    assert_string_equal(p.ifs[0].name, "eth0");
    assert_int_equal(p.ifs[0].may, BIT(MEDIA_PATH_XDP_NATIVE));
    assert_int_equal(media_plan_interface(&p, "eth0:tc", &ifs), 0); /* the last word counts */
    assert_int_equal(p.n_ifs, 1);
    assert_int_equal(p.ifs[0].may, BIT(MEDIA_PATH_TC));
    assert_int_equal(media_plan_interface(&p, "lost", &ifs), 0);
    assert_int_equal(p.n_ifs, 1);
    assert_true(p.n_notes > 0 && p.note[0].is_warning);
}

static void auto_leaves_out_what_does_not_serve(void **state)
{
    struct media_plan p;

    (void)state;
    media_plan_init(&p);
    assert_int_equal(media_plan_interface(&p, "veth7", &ifs), 0);
    assert_int_equal(p.ifs[0].may, BIT(MEDIA_PATH_XDP_GENERIC) | BIT(MEDIA_PATH_TC));
    assert_int_equal(media_plan_interface(&p, "lo", &ifs), 0);
    assert_int_equal(p.n_ifs, 1);
    assert_int_equal(media_plan_interface(&p, "eth0:auto", &ifs), 0);
    assert_true(p.ifs[1].may & BIT(MEDIA_PATH_XDP_NATIVE));
}

static void wrong_words_are_refused(void **state)
{
    struct media_plan p;

    (void)state;
    media_plan_init(&p);
    assert_int_equal(media_plan_interface(&p, "eth0:fast", &ifs), -EINVAL);
    assert_int_equal(media_plan_interface(&p, "eth0:", &ifs), -EINVAL);
    assert_int_equal(media_plan_interface(&p, "eth9", &ifs), -ENODEV);
    assert_int_equal(p.n_ifs, 0);
}

static void lines_are_half_as_many_again_as_ports(void **state)
{
    static const char text[] =
        "realm lan\n address 192.0.2.1 192.0.2.2 2001:db8::1 2001:db8::2\n"
        "listen sip\n realm lan\n udp 192.0.2.1:5060\n"
        "media a\n realm lan\n ports 10000-49999\n ports priority 50000-50999\n"
        "media b\n realm lan\n ports 52000-52999\n path sockets\n"
        "trunk in\n listen sip\n media a\n accept 198.51.100.0/24\n routes all\n"
        "trunk out\n listen sip\n media a\n peer 203.0.113.1 udp\nroute all\n default via out\n";
    struct conf_env env = {.relay_nofile = 20000};
    struct conf_errors errs;
    struct conf *c = conf_load_text("t", text, strlen(text), &env, &errs);
    struct media_plan p;

    (void)state;
    assert_non_null(c);
    media_plan_init(&p);
    assert_int_equal(p.lines, 131072);
    assert_false(p.wants_kernel);
    media_plan_conf(&p, c, &ifs);
    assert_int_equal(p.lines, 4 * 41000 * 3 / 2);
    assert_true(p.wants_kernel);
    assert_int_equal(p.n_ifs, 0);
    assert_int_equal(p.n_notes, 4); /* an address each, that no interface has */
    conf_errors_fini(&errs);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_vlan_device_stands_for_the_one_below),
        cmocka_unit_test(auto_leaves_out_what_does_not_serve),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(lines_are_half_as_many_again_as_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
