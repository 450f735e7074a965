/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay's side of the maps, in plain memory: ranges of ports and their lines, hops, sockets, counters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "relay/kernel.h"

#define N_LINES 4096U

static struct kernel *k;

static int setup(void **state)
{
    (void)state;
    k = kernel_new_memory(N_LINES);
    return k ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    kernel_free(k);
    return 0;
}

static struct addr ip(const char *s, uint16_t port)
{
    struct addr a;

    assert_int_equal(addr_parse_ip((struct span){s, strlen(s)}, &a), 0);
    a.port = port;
    return a;
}

static struct line *line(const char *s, uint16_t port)
{
    struct addr a = ip(s, port);

    return kernel_line(k, &a);
}

static int range(const char *s, uint16_t lo, uint16_t hi)
{
    struct addr a = ip(s, 0);

    return kernel_range_set(k, &a, lo, hi, false);
}

static void each_port_of_each_address_has_a_line_of_its_own(void **state)
{
    static const char *const addrs[] = {"127.0.0.1", "127.0.0.2", "2001:db8::1", "2001:db8::2"};

    (void)state;
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(range(addrs[i], 20000, 20999), 0);
    assert_int_equal(kernel_lines_used(k), 4000);
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned port = 20000; port < 21000; port++) {
            struct line *l = line(addrs[i], (uint16_t)port);

            assert_non_null(l);
            assert_true(l >= k->lines && l < k->lines + N_LINES);
            assert_int_equal(l->packets, 0);
            l->packets = 1;
        }
        assert_null(line(addrs[i], 19999));
        assert_null(line(addrs[i], 21000));
    }
    assert_null(line("127.0.0.3", 20000));
}

static void a_range_that_grows_leaves_the_lines_it_had(void **state)
{
    struct line *at;

    (void)state;
    assert_int_equal(range("192.0.2.1", 30000, 30099), 0);
    assert_int_equal(range("192.0.2.2", 30000, 30099), 0);
    at = line("192.0.2.1", 30050);
    at->packets = 7;
    assert_int_equal(range("192.0.2.1", 29900, 30199), 0);
    assert_ptr_equal(line("192.0.2.1", 30050), at);
    assert_int_equal(at->packets, 7);
    assert_non_null(line("192.0.2.1", 29900));
    assert_non_null(line("192.0.2.1", 30199));
    assert_int_equal(kernel_lines_used(k), 400);
    assert_int_equal(range("192.0.2.1", 29900, 30199), 0);
    assert_int_equal(kernel_lines_used(k), 400);
}

static void lines_of_a_forgotten_address_are_given_again_and_empty(void **state)
{
    struct addr a = ip("192.0.2.1", 0);

    (void)state;
    assert_int_equal(range("192.0.2.1", 10000, 13999), 0);
    line("192.0.2.1", 10000)->packets = 3;
    assert_int_equal(range("192.0.2.2", 10000, 13999), -ENOSPC);
    assert_null(line("192.0.2.2", 10000));
    kernel_range_clear(k, &a);
    assert_null(line("192.0.2.1", 10000));
    assert_int_equal(range("192.0.2.2", 10000, 13999), 0);
    assert_int_equal(line("192.0.2.2", 10000)->packets, 0);
}

static void the_table_takes_half_its_places_or_says_that_it_cannot(void **state)
{
    unsigned refused = 0;

    (void)state;
    for (unsigned i = 0; i < RANGES_MAX; i++) {
        struct addr a = ip("198.51.100.0", 0);

        a.ip[3] = (uint8_t)i;
        if (kernel_range_set(k, &a, 40000, 40001, true) == 0) {
            a.port = 40001;
            assert_non_null(kernel_line(k, &a));
            assert_true(i >= 16 || refused == 0);
        } else {
            refused++;
        }
    }
    assert_int_equal(kernel_lines_used(k), 2 * (RANGES_MAX - refused));
    assert_int_equal(range("192.0.2.9", 5, 4), -EINVAL);
}

static void a_hop_is_even_when_it_is_written(void **state)
{
    struct hop h = {.ifindex = 3, .mtu = 1500, .vlan = 7, .dmac = {1, 2, 3, 4, 5, 6}};

    (void)state;
    for (unsigned i = 1; i < 5; i++) {
        h.mtu = (uint16_t)(1500 + i);
        kernel_hop_write(k, 9, &h);
        assert_int_equal(k->hops[9].serial, 2 * i);
        assert_int_equal(k->hops[9].mtu, 1500 + i);
        assert_memory_equal(k->hops[9].dmac, h.dmac, 6);
    }
}

static void sockets_are_by_thread_and_family(void **state)
{
    (void)state;
    assert_int_equal(kernel_socket(k, 2, 4, 11), 0);
    assert_int_equal(kernel_socket(k, 2, 6, 12), 0);
    assert_int_equal(k->sock_fds[2], 11);
    assert_int_equal(k->sock_fds[THREADS_MAX_BPF + 2], 12);
    assert_int_equal(kernel_socket(k, THREADS_MAX_BPF, 4, 1), -EINVAL);
    assert_int_equal(kernel_socket(k, 0, 5, 1), -EINVAL);
}

static void counters_of_all_processors_are_summed(void **state)
{
    struct why_counts *w = (struct why_counts *)(uintptr_t)k->why;
    uint64_t n[WHY_N];

    (void)state;
    w[0].n[WHY_STRANGER] = 5;
    w[CPUS_MAX - 1].n[WHY_STRANGER] = 6;
    kernel_why(k, n);
    assert_int_equal(n[WHY_STRANGER], 11);
    assert_int_equal(n[WHY_FAST], 0);
    assert_string_equal(kernel_why_name(WHY_STRANGER), "stranger");
    assert_int_equal(kernel_tx_errors(k, 1), 0);
}

static void without_pins_it_says_why(void **state)
{
    char reason[KERNEL_REASON_LEN];
    struct kernel *none = NULL;

    (void)state;
    assert_true(kernel_open("/nonexistent/tandem", &none, reason) < 0);
    assert_null(none);
    assert_true(reason[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_port_of_each_address_has_a_line_of_its_own, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_range_that_grows_leaves_the_lines_it_had, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(lines_of_a_forgotten_address_are_given_again_and_empty,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(the_table_takes_half_its_places_or_says_that_it_cannot,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_hop_is_even_when_it_is_written, setup, teardown),
        cmocka_unit_test_setup_teardown(sockets_are_by_thread_and_family, setup, teardown),
        cmocka_unit_test_setup_teardown(counters_of_all_processors_are_summed, setup, teardown),
        cmocka_unit_test(without_pins_it_says_why),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
