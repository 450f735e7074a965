/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port ledger: pairs, ranges, quarantine, changes of the configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "relay/ports.h"

static struct ports *ports;

static struct media_pool pool_msg(const char *name, const char *ip, uint64_t generation)
{
    struct media_pool m = {.generation = generation,
                           .id = media_pool_id(name),
                           .port_lo = 20000,
                           .port_hi = 20007,
                           .n_addrs = 1,
                           .quarantine_ms = 1000};

    snprintf(m.name, sizeof(m.name), "%s", name);
    assert_int_equal(addr_parse_ip(span_of(ip), &m.addr[0]), 0);
    return m;
}

static int setup(void **state)
{
    struct media_pool m = pool_msg("a", "192.0.2.1", 1);

    (void)state;
    ports = ports_new();
    m.priority_lo = 21000;
    m.priority_hi = 21003;
    return ports_set_pool(ports, &m);
}

static int teardown(void **state)
{
    (void)state;
    ports_free(ports);
    return 0;
}

static int take(bool has_priority, uint64_t now, struct port_lease *out)
{
    return ports_take(ports, media_pool_id("a"), 4, has_priority, now, out);
}

static void a_pool_by_sockets_says_so_of_its_pairs(void **state)
{
    struct media_pool m = pool_msg("b", "192.0.2.2", 1);
    struct port_lease l;

    (void)state;
    assert_int_equal(take(false, 0, &l), 0);
    assert_false(ports_by_sockets(&l));
    ports_give(ports, &l, 0, 0);
    m.flags = MEDIA_POOL_SOCKETS;
    assert_int_equal(ports_set_pool(ports, &m), 0);
    assert_int_equal(ports_take(ports, m.id, 4, false, 0, &l), 0);
    assert_true(ports_by_sockets(&l));
    ports_give(ports, &l, 0, 0);
}

static void pairs_are_even_distinct_and_bounded(void **state)
{
    struct port_lease l[5];
    uint32_t seen = 0;

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct addr a;

        assert_int_equal(take(false, 0, &l[i]), 0);
        a = ports_local(&l[i]);
        assert_int_equal(a.port % 2, 0);
        assert_in_range(a.port, 20000, 20006);
        assert_false(seen & 1U << (a.port - 20000));
        seen |= 1U << (a.port - 20000);
    }
    assert_int_equal(take(false, 0, &l[4]), -EADDRNOTAVAIL);
    assert_int_equal(ports_used(ports), 4);
    for (int i = 0; i < 4; i++)
        ports_give(ports, &l[i], 0, 0);
    assert_int_equal(ports_used(ports), 0);
}

static void a_pair_given_back_rests_and_the_longest_rested_is_first(void **state)
{
    struct port_lease l[4], again;
    struct addr first;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(false, 0, &l[i]), 0);
    first = ports_local(&l[2]);
    ports_give(ports, &l[2], 100, 0);
    ports_give(ports, &l[0], 200, 0);
    assert_int_equal(take(false, 1099, &again), -EADDRNOTAVAIL);
    assert_int_equal(take(false, 1100, &again), 0);
    assert_int_equal(ports_local(&again).port, first.port);
    assert_int_equal(take(false, 1199, &again), -EADDRNOTAVAIL);
    assert_int_equal(take(false, 1200, &again), 0);
}

static void ordinary_never_takes_a_priority_pair(void **state)
{
    struct port_lease l[6], none;

    (void)state;
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(true, 0, &l[i]), 0);
    assert_in_range(ports_local(&l[3]).port, 20000, 20006);
    assert_int_equal(take(false, 0, &none), -EADDRNOTAVAIL);
    assert_int_equal(take(true, 0, &l[4]), 0);
    assert_in_range(ports_local(&l[4]).port, 21000, 21002);
    assert_int_equal(take(true, 0, &l[5]), 0);
    assert_int_equal(take(true, 0, &none), -EADDRNOTAVAIL);
}

static void an_exact_pair_is_given_once_even_from_quarantine(void **state)
{
    struct port_lease l, m;
    struct addr a;

    (void)state;
    assert_int_equal(addr_parse(SPAN("192.0.2.1:20004"), 0, &a), 0);
    assert_int_equal(ports_take_exact(ports, media_pool_id("a"), &a, false, &l), 0);
    assert_int_equal(ports_local(&l).port, 20004);
    assert_int_equal(ports_take_exact(ports, media_pool_id("a"), &a, false, &m), -EADDRINUSE);
    ports_give(ports, &l, 0, 0);
    assert_int_equal(ports_take_exact(ports, media_pool_id("a"), &a, false, &m), 0);
    a.port = 20008;
    assert_int_equal(ports_take_exact(ports, media_pool_id("a"), &a, false, &l), -ENODEV);
    a.port = 21000;
    assert_int_equal(ports_take_exact(ports, media_pool_id("a"), &a, false, &l), -ENODEV);
    assert_int_equal(ports_take_exact(ports, media_pool_id("a"), &a, true, &l), 0);
    /* the rest of the list is whole: three ordinary pairs are left */
    for (int i = 0; i < 3; i++)
        assert_int_equal(take(false, 0, &l), 0);
    assert_int_equal(take(false, 0, &l), -EADDRNOTAVAIL);
}

static void unknown_pool_or_family_is_told(void **state)
{
    struct port_lease l;

    (void)state;
    assert_int_equal(ports_take(ports, 7, 4, false, 0, &l), -ENODEV);
    assert_int_equal(ports_take(ports, media_pool_id("a"), 6, false, 0, &l), -ENODEV);
}

static void addresses_of_a_pool_take_turns(void **state)
{
    struct media_pool m = pool_msg("b", "192.0.2.1", 1);
    struct port_lease l[2];
    struct addr a[2];

    (void)state;
    m.n_addrs = 2;
    assert_int_equal(addr_parse_ip(SPAN("192.0.2.2"), &m.addr[1]), 0);
    assert_int_equal(ports_set_pool(ports, &m), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ports_take(ports, m.id, 4, false, 0, &l[i]), 0);
        a[i] = ports_local(&l[i]);
    }
    assert_false(addr_ip_eq(&a[0], &a[1]));
}

static void the_same_pool_again_changes_nothing(void **state)
{
    struct media_pool m = pool_msg("a", "192.0.2.1", 2);
    struct port_lease l[4], none;

    (void)state;
    m.priority_lo = 21000;
    m.priority_hi = 21003;
    for (int i = 0; i < 4; i++)
        assert_int_equal(take(false, 0, &l[i]), 0);
    assert_int_equal(ports_set_pool(ports, &m), 0);
    ports_end_pools(ports, 2);
    assert_int_equal(take(false, 0, &none), -EADDRNOTAVAIL);
    ports_give(ports, &l[0], 0, 0);
    assert_int_equal(take(false, 1000, &l[0]), 0);
}

static void an_address_taken_out_serves_its_leases_to_their_end(void **state)
{
    struct media_pool m = pool_msg("a", "192.0.2.9", 2);
    struct media_pool_state st[2];
    struct port_lease l, n;

    (void)state;
    assert_int_equal(take(false, 0, &l), 0);
    assert_int_equal(ports_set_pool(ports, &m), 0);
    assert_int_equal(take(false, 0, &n), 0);
    {
        struct addr old = ports_local(&l), new = ports_local(&n);

        assert_false(addr_ip_eq(&old, &new));
    }
    assert_int_equal(ports_used(ports), 2);
    ports_give(ports, &l, 0, 0);
    ports_give(ports, &n, 0, 0);
    assert_int_equal(ports_used(ports), 0);
    assert_int_equal(ports_report(ports, 0, st, 2), 1);
    assert_int_equal(st[0].pairs, 4);
    assert_int_equal(st[0].quarantine, 1);
}

static void a_pool_taken_out_gives_no_more_and_vanishes(void **state)
{
    struct media_pool m = pool_msg("b", "192.0.2.9", 2);
    struct media_pool_state st[2];
    struct port_lease l, n;

    (void)state;
    assert_int_equal(take(false, 0, &l), 0);
    assert_int_equal(ports_set_pool(ports, &m), 0);
    ports_end_pools(ports, 2);
    assert_int_equal(take(false, 0, &n), -ENODEV);
    assert_int_equal(ports_report(ports, 0, st, 2), 2);
    ports_give(ports, &l, 0, 0);
    ports_end_pools(ports, 2);
    assert_int_equal(ports_report(ports, 0, st, 2), 1);
    /* an older configuration of another worker does not bring it back */
    m = pool_msg("a", "192.0.2.1", 1);
    assert_int_equal(ports_set_pool(ports, &m), 0);
    assert_int_equal(ports_report(ports, 0, st, 2), 1);
}

static void two_names_with_one_id_are_refused(void **state)
{
    struct media_pool m = pool_msg("b", "192.0.2.9", 1);

    (void)state;
    m.id = media_pool_id("a");
    assert_int_equal(ports_set_pool(ports, &m), -EEXIST);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        t(a_pool_by_sockets_says_so_of_its_pairs),
        t(pairs_are_even_distinct_and_bounded),
        t(a_pair_given_back_rests_and_the_longest_rested_is_first),
        t(ordinary_never_takes_a_priority_pair),
        t(an_exact_pair_is_given_once_even_from_quarantine),
        t(unknown_pool_or_family_is_told),
        t(addresses_of_a_pool_take_turns),
        t(the_same_pool_again_changes_nothing),
        t(an_address_taken_out_serves_its_leases_to_their_end),
        t(a_pool_taken_out_gives_no_more_and_vanishes),
        t(two_names_with_one_id_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
