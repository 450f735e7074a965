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

/* All that the address of the first pool, or of another, has now. */
static unsigned take_all(const char *name, uint64_t now, struct port_lease *out, unsigned max)
{
    unsigned n = 0;

    while (n < max && ports_take(ports, media_pool_id(name), 4, true, now, &out[n]) == 0)
        n++;
    return n;
}

static void no_port_twice(const struct port_lease *a, unsigned n, const struct port_lease *b,
                          unsigned m)
{
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < m; k++)
            assert_int_not_equal(ports_local(&a[i]).port, ports_local(&b[k]).port);
    }
}

static void a_wider_range_gives_no_port_that_a_call_has(void **state)
{
    struct media_pool m = pool_msg("a", "192.0.2.1", 2);
    struct port_lease old[3], l[16];
    unsigned n;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(take(false, 0, &old[i]), 0);
    m.port_hi = 20015;
    assert_int_equal(ports_set_pool(ports, &m), 0);
    n = take_all("a", 5000, l, 16);
    assert_int_equal(n, 5);
    no_port_twice(old, 3, l, n);
    assert_int_equal(ports_used(ports), 8);
    /* nor one that the session has for its own again */
    for (unsigned i = 0; i < 3; i++) {
        struct addr at = ports_local(&old[i]);

        assert_int_equal(ports_take_exact(ports, m.id, &at, false, &l[n]), -EADDRINUSE);
    }
    /* what comes back rests as if nothing had changed; the last of them takes the old entry with it */
    ports_give(ports, &old[1], 5000, 0);
    ports_give(ports, &old[0], 5100, 0);
    ports_give(ports, &old[2], 5200, 0);
    assert_int_equal(take(false, 5999, &l[n]), -EADDRNOTAVAIL);
    assert_int_equal(take_all("a", 6150, &l[n], 16 - n), 2);
    assert_int_equal(take_all("a", 6200, &l[n + 2], 16 - n - 2), 1);
    assert_int_equal(ports_used(ports), 8);
    for (unsigned i = 0; i < 8; i++) {
        no_port_twice(&l[i], 1, &l[i + 1], 7 - i);
        ports_give(ports, &l[i], 7000, 0);
    }
    assert_int_equal(ports_used(ports), 0);
}

static void a_port_that_the_pool_has_no_more_goes_on_with_its_session(void **state)
{
    struct media_pool m = pool_msg("a", "192.0.2.1", 2), b = pool_msg("b", "192.0.2.1", 2);
    struct port_lease left, l[16];
    struct addr at;
    unsigned n;

    (void)state;
    m.port_lo = 20004;
    assert_int_equal(ports_set_pool(ports, &m), 0);
    assert_int_equal(addr_parse(SPAN("192.0.2.1:20000"), 0, &at), 0);
    assert_int_equal(ports_take_exact(ports, m.id, &at, false, &left), -ENODEV);
    assert_int_equal(ports_take_left(ports, m.id, &at, &left), 0);
    assert_int_equal(ports_local(&left).port, 20000);
    assert_int_equal(ports_take_left(ports, m.id, &at, &l[0]), -EADDRINUSE);
    assert_int_equal(ports_used(ports), 1);
    /* whoever has it from now on waits for it */
    b.port_hi = 20003;
    assert_int_equal(ports_set_pool(ports, &b), 0);
    n = take_all("b", 0, l, 16);
    assert_int_equal(n, 1);
    assert_int_equal(ports_local(&l[0]).port, 20002);
    ports_give(ports, &left, 0, 0);
    assert_int_equal(take_all("b", 1000, &l[1], 15), 1);
    assert_int_equal(ports_local(&l[1]).port, 20000);
    /* not what another pool has given, nor what no pool could have */
    assert_int_equal(ports_take_left(ports, m.id, &at, &left), -EADDRINUSE);
    at.port = 1000;
    assert_int_equal(ports_take_left(ports, m.id, &at, &left), -ENODEV);
    at.port = 20001;
    assert_int_equal(ports_take_left(ports, m.id, &at, &left), -ENODEV);
    assert_int_equal(ports_take_left(ports, 12345, &at, &left), -ENODEV);
    assert_int_equal(ports_used(ports), 2);
}

static void what_rests_rests_also_in_a_wider_range(void **state)
{
    struct media_pool m = pool_msg("a", "192.0.2.1", 2);
    struct port_lease l[16];

    (void)state;
    assert_int_equal(take(false, 0, &l[0]), 0);
    assert_int_equal(take(false, 0, &l[1]), 0);
    ports_give(ports, &l[0], 100, 0);
    ports_give(ports, &l[1], 200, 0);
    m.port_hi = 20015;
    assert_int_equal(ports_set_pool(ports, &m), 0);
    assert_int_equal(take_all("a", 1099, l, 16), 6);
    assert_int_equal(take_all("a", 1100, &l[6], 10), 1);
    assert_int_equal(take_all("a", 1200, &l[7], 9), 1);
}

static void an_address_that_moves_to_another_pool_takes_its_calls_ports_along(void **state)
{
    struct media_pool b = pool_msg("b", "192.0.2.1", 2);
    struct port_lease old[4], l[16];
    unsigned n;

    (void)state;
    assert_int_equal(take(false, 0, &old[0]), 0);
    assert_int_equal(take(false, 0, &old[1]), 0);
    snprintf(b.device, sizeof(b.device), "vrf1"); /* another device is no other address */
    b.port_lo = 20004;
    b.port_hi = 20011;
    assert_int_equal(ports_set_pool(ports, &b), 0);
    ports_end_pools(ports, 2);
    n = take_all("b", 0, l, 16);
    no_port_twice(old, 2, l, n);
    for (unsigned i = 0; i < n; i++)
        ports_give(ports, &l[i], 0, 0);
    ports_give(ports, &old[0], 0, 0);
    ports_give(ports, &old[1], 0, 0);
    assert_int_equal(take_all("b", 1000, l, 16), 4);
}

static void ranges_that_change_again_and_again_never_give_a_port_twice(void **state)
{
    struct port_lease l[64];
    unsigned n = 0, pairs = 0;
    uint64_t now = 0;
    uint32_t seed = 1;

    (void)state;
    for (unsigned turn = 0; turn < 400; turn++) {
        struct media_pool m = pool_msg(turn % 3 ? "a" : "b", "192.0.2.1", turn + 2);

        seed = seed * 1664525U + 1013904223U;
        m.port_lo = (uint16_t)(20000 + 2 * (seed >> 29));
        m.port_hi = (uint16_t)(m.port_lo + 7 + 2 * (seed >> 27 & 7));
        pairs = (m.port_hi - m.port_lo + 1U) / 2;
        assert_int_equal(ports_set_pool(ports, &m), 0);
        ports_end_pools(ports, m.generation);
        for (unsigned i = 0; i < 6; i++) {
            seed = seed * 1664525U + 1013904223U;
            now += 200;
            if (seed >> 31 && n > 0) {
                ports_give(ports, &l[--n], now, 0);
            } else if (n < 64 && ports_take(ports, m.id, 4, false, now, &l[n]) == 0) {
                no_port_twice(l, n, &l[n], 1);
                n++;
            }
            if (n > 1) { /* not the last one always */
                struct port_lease first = l[0];

                l[0] = l[n - 1];
                l[n - 1] = first;
            }
        }
        assert_int_equal(ports_used(ports), n);
    }
    while (n > 0)
        ports_give(ports, &l[--n], now, 0);
    assert_int_equal(ports_used(ports), 0);
    /* nothing is lost for good: all of the last range can be had */
    assert_int_equal(take_all(399 % 3 ? "a" : "b", now + 2000, l, 64), pairs);
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
        t(a_wider_range_gives_no_port_that_a_call_has),
        t(a_port_that_the_pool_has_no_more_goes_on_with_its_session),
        t(what_rests_rests_also_in_a_wider_range),
        t(an_address_that_moves_to_another_pool_takes_its_calls_ports_along),
        t(ranges_that_change_again_and_again_never_give_a_port_twice),
        t(a_pool_taken_out_gives_no_more_and_vanishes),
        t(two_names_with_one_id_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
