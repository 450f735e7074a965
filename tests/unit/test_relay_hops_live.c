/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops from a real kernel, in a network namespace of the test's own: routes, neighbours and links are changed by ip(8), and each
 * change must be in the array within a second. As root; elsewhere it is skipped and says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "core/clock.h"
#include "relay/hops.h"

static struct kernel *k;
static struct hops *h;
static struct event_base *base;

/* ip(8) with the words of a line. */
static int ip(const char *line)
{
    char words[256], *at = words;
    char *argv[32] = {(char[]){"ip"}};
    unsigned n = 1;
    int status = 0;
    pid_t pid;

    snprintf(words, sizeof(words), "%s", line);
    while (n < 31 && (argv[n] = strsep(&at, " ")))
        n++;
    pid = fork();
    if (pid == 0) {
        execvp("ip", argv);
        _exit(127);
    }
    return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

static struct hop hop_at(uint16_t index)
{
    return k->hops[index];
}

/* Turn the loop until the hop goes there by that MAC, for a second at most; mac 0: until it goes nowhere. */
static void expect(uint16_t index, uint32_t ifindex, uint8_t mac)
{
    uint64_t until = clock_now_ns() + 1000000000;
    struct timeval turn = {.tv_usec = 20000};
    struct hop hop;

    do {
        event_base_loopexit(base, &turn);
        event_base_dispatch(base);
        hop = hop_at(index);
        if (mac ? hop.ifindex == ifindex && hop.dmac[5] == mac : hop.ifindex == 0)
            return;
    } while (clock_now_ns() < until);
    fail_msg("hop %u: interface %u, MAC …:%02x; not %u, …:%02x", index, hop.ifindex, hop.dmac[5],
             ifindex, mac);
}

static uint16_t get(const char *src, const char *dst)
{
    struct addr s, d;
    uint16_t index = 0;

    assert_int_equal(addr_parse_ip(span_of(src), &s), 0);
    assert_int_equal(addr_parse_ip(span_of(dst), &d), 0);
    assert_int_equal(hops_get(h, &s, &d, NULL, &index), 0);
    return index;
}

static int setup(void **state)
{
    (void)state;
    base = event_base_new();
    k = kernel_new_memory(2);
    return !base || !k || hops_new(base, k, NULL, &h) < 0 ||
           ip("link add va type veth peer name vb") || ip("link set va up") ||
           ip("link set vb up") || ip("addr add 10.9.0.1/24 dev va") ||
           ip("addr add 2001:db8:9::1/64 dev va nodad") ||
           ip("neigh replace 10.9.0.254 lladdr 02:00:00:00:00:fe dev va nud permanent") ||
           ip("neigh replace 10.9.0.253 lladdr 02:00:00:00:00:fd dev va nud permanent") ||
           ip("neigh replace 2001:db8:9::fe lladdr 02:00:00:00:06:fe dev va nud permanent");
}

static int teardown(void **state)
{
    (void)state;
    hops_free(h);
    kernel_free(k);
    event_base_free(base);
    return ip("link del va");
}

static void a_gateways_change_is_seen_within_a_second(void **state)
{
    uint32_t va = if_nametoindex("va");
    uint16_t i = get("10.9.0.1", "203.0.113.5");

    (void)state;
    expect(i, 0, 0);
    assert_int_equal(ip("route add default via 10.9.0.254"), 0);
    expect(i, va, 0xfe);
    assert_int_equal(ip("route replace default via 10.9.0.253"), 0);
    expect(i, va, 0xfd);
    assert_int_equal(ip("neigh replace 10.9.0.253 lladdr 02:00:00:00:00:17 dev va nud reachable"),
                     0);
    expect(i, va, 0x17);
    assert_int_equal(ip("neigh del 10.9.0.253 dev va"), 0);
    expect(i, 0, 0);
    assert_int_equal(ip("route add 203.0.113.0/24 via 10.9.0.254"), 0);
    expect(i, va, 0xfe);
    assert_int_equal(ip("route add blackhole 203.0.113.5/32"), 0);
    expect(i, 0, 0);
    assert_int_equal(ip("route del blackhole 203.0.113.5/32"), 0);
    expect(i, va, 0xfe);
    assert_int_equal(ip("link set va mtu 1300"), 0);
    expect(i, va, 0xfe);
    assert_int_equal(hop_at(i).mtu, 1300);
}

static void a_link_that_goes_down_takes_its_hops_with_it(void **state)
{
    uint32_t va = if_nametoindex("va");
    uint16_t i = get("10.9.0.1", "10.9.0.254"), i6 = get("2001:db8:9::1", "2001:db8:9::fe");

    (void)state;
    expect(i, va, 0xfe);
    expect(i6, va, 0xfe);
    assert_int_equal(ip("link set vb down"), 0);
    expect(i, 0, 0);
    expect(i6, 0, 0);
    assert_int_equal(ip("link set vb up"), 0);
    expect(i, va, 0xfe);
}

static void a_vlan_device_is_left_by_its_parent(void **state)
{
    uint32_t va = if_nametoindex("va");
    uint16_t i;

    (void)state;
    if (ip("link add link va name va.7 type vlan id 7") != 0) {
        puts("SKIP: no VLAN devices in this kernel");
        skip();
    }
    assert_int_equal(ip("link set va.7 up"), 0);
    assert_int_equal(ip("addr add 10.7.0.1/24 dev va.7"), 0);
    assert_int_equal(ip("neigh replace 10.7.0.2 lladdr 02:00:00:00:07:22 dev va.7 nud permanent"),
                     0);
    i = get("10.7.0.1", "10.7.0.2");
    expect(i, va, 0x22);
    assert_int_equal(hop_at(i).vlan, htons(7));
}

static void our_own_addresses_have_no_next_hop(void **state)
{
    (void)state;
    expect(get("10.9.0.1", "10.9.0.1"), 0, 0);
    expect(get("10.9.0.1", "127.0.0.1"), 0, 0);
}

static void a_neighbour_nobody_knows_is_asked_for(void **state)
{
    struct timeval turn = {.tv_usec = 50000};
    FILE *f;
    bool is_asked = false;

    (void)state;
    get("10.9.0.1", "10.9.0.77");
    for (unsigned n = 0; n < 40 && !is_asked; n++) {
        char line[256];

        event_base_loopexit(base, &turn);
        event_base_dispatch(base);
        f = fopen("/proc/net/arp", "r");
        assert_non_null(f);
        while (fgets(line, sizeof(line), f))
            is_asked |= strncmp(line, "10.9.0.77 ", 10) == 0;
        fclose(f);
    }
    assert_true(is_asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_gateways_change_is_seen_within_a_second, setup, teardown),
        cmocka_unit_test_setup_teardown(a_link_that_goes_down_takes_its_hops_with_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_vlan_device_is_left_by_its_parent, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_addresses_have_no_next_hop, setup, teardown),
        cmocka_unit_test_setup_teardown(a_neighbour_nobody_knows_is_asked_for, setup, teardown),
    };

    if (geteuid() != 0 || unshare(CLONE_NEWNET) < 0 || ip("link set lo up") != 0) {
        printf("SKIP: no network namespace of its own, or no ip: %s\n", strerror(errno));
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
