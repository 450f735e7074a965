/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Next hops: how routes, neighbours and links become what is written into the array of hops, and what a change of each changes.
 * The kernel is a fake that answers lookups from a small table of the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include "relay/hops.h"
#include "relay/hops_msg.h"

#define ETH0   2U
#define VLAN7  3U
#define BRIDGE 4U

struct msg {
    uint8_t buf[512] __attribute__((aligned(8)));
};

static struct kernel *k;
static struct hops *h;
static struct {
    uint32_t oif;
    const char *via; /* NULL: on the link */
    bool is_unreachable;
    uint32_t mtu;
} route;
static unsigned lookups, probes;
static struct msg queue[512];
static unsigned n_queue;

static struct addr ip(const char *s)
{
    struct addr a;

    assert_int_equal(addr_parse_ip(span_of(s), &a), 0);
    return a;
}

static void *begin(struct msg *m, uint16_t type, uint32_t seq, size_t body)
{
    struct nlmsghdr *n = (void *)m->buf;

    memset(m, 0, sizeof(*m));
    n->nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
    n->nlmsg_type = type;
    n->nlmsg_seq = seq;
    return NLMSG_DATA(n);
}

static void add(struct msg *m, uint16_t type, const void *value, size_t len)
{
    struct nlmsghdr *n = (void *)m->buf;
    struct rtattr *a = (void *)(m->buf + NLMSG_ALIGN(n->nlmsg_len));

    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(len);
    if (len)
        memcpy(RTA_DATA(a), value, len);
    n->nlmsg_len = (uint32_t)(NLMSG_ALIGN(n->nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static size_t msg_len(const struct msg *m)
{
    return ((const struct nlmsghdr *)(const void *)m->buf)->nlmsg_len;
}

static void feed(const struct msg *m)
{
    hops_input(h, m->buf, msg_len(m));
}

/* The kernel's answers wait until the test takes its turn, as they do in a socket. */
static void on_request(void *arg, const uint8_t *buf, size_t len)
{
    const struct nlmsghdr *n = (const void *)buf;
    const struct rtmsg *asked = NLMSG_DATA(n);
    struct msg *m = &queue[n_queue];
    struct rtmsg *r;

    (void)arg;
    (void)len;
    if (n->nlmsg_type != RTM_GETROUTE)
        return;
    lookups++;
    n_queue++;
    if (route.is_unreachable) {
        *(int *)begin(m, NLMSG_ERROR, n->nlmsg_seq, sizeof(struct nlmsgerr)) = -ENETUNREACH;
        return;
    }
    r = begin(m, RTM_NEWROUTE, n->nlmsg_seq, sizeof(*r));
    r->rtm_family = asked->rtm_family;
    r->rtm_type = RTN_UNICAST;
    add(m, RTA_OIF, &route.oif, sizeof(route.oif));
    if (route.via) {
        struct addr via = ip(route.via);

        add(m, RTA_GATEWAY, via.ip, via.family == 6 ? 16 : 4);
    }
    if (route.mtu) {
        struct {
            struct rtattr head;
            uint32_t mtu;
        } metric = {{8, RTAX_MTU}, route.mtu};

        add(m, RTA_METRICS, &metric, sizeof(metric));
    }
}

static void answer(void)
{
    for (unsigned i = 0; i < n_queue; i++)
        feed(&queue[i]);
    n_queue = 0;
}

static void on_probe(void *arg, const struct addr *neigh)
{
    (void)arg;
    (void)neigh;
    probes++;
}

static void link_is(uint32_t ifindex, const char *kind, bool is_up, uint8_t mac)
{
    uint8_t address[6] = {2, 0, 0, 0, 0, mac}, info[64];
    uint32_t mtu = 1500, parent = ETH0;
    struct msg m, nested;
    struct ifinfomsg *l = begin(&m, RTM_NEWLINK, 0, sizeof(*l));

    l->ifi_index = (int)ifindex;
    l->ifi_type = ARPHRD_ETHER;
    l->ifi_flags = is_up ? IFF_UP | IFF_RUNNING : IFF_UP;
    add(&m, IFLA_ADDRESS, address, 6);
    add(&m, IFLA_MTU, &mtu, sizeof(mtu));
    if (kind) {
        struct rtattr *data = (void *)(info + 0);
        uint16_t id = 7, protocol = htons(0x8100);
        size_t n = strlen(kind);

        begin(&nested, 0, 0, 0);
        add(&nested, IFLA_VLAN_ID, &id, 2);
        add(&nested, IFLA_VLAN_PROTOCOL, &protocol, 2);
        data->rta_type = IFLA_INFO_KIND;
        data->rta_len = (uint16_t)RTA_LENGTH(n);
        memcpy(RTA_DATA(data), kind, n);
        n = RTA_ALIGN(data->rta_len);
        data = (void *)(info + n);
        data->rta_type = IFLA_INFO_DATA;
        data->rta_len = (uint16_t)RTA_LENGTH(msg_len(&nested) - NLMSG_HDRLEN);
        memcpy(RTA_DATA(data), nested.buf + NLMSG_HDRLEN, msg_len(&nested) - NLMSG_HDRLEN);
        add(&m, IFLA_LINK, &parent, sizeof(parent));
        add(&m, IFLA_LINKINFO, info, n + data->rta_len);
    }
    feed(&m);
}

static void neigh_is(uint32_t ifindex, const char *s, uint16_t state, uint8_t mac)
{
    uint8_t address[6] = {4, 0, 0, 0, 0, mac};
    struct addr a = ip(s);
    struct msg m;
    struct ndmsg *n = begin(&m, RTM_NEWNEIGH, 0, sizeof(*n));

    n->ndm_family = a.family == 6 ? AF_INET6 : AF_INET;
    n->ndm_ifindex = (int)ifindex;
    n->ndm_state = state;
    add(&m, NDA_DST, a.ip, a.family == 6 ? 16 : 4);
    if (mac)
        add(&m, NDA_LLADDR, address, 6);
    feed(&m);
}

static void route_notice(const char *dst, uint8_t bits)
{
    struct addr a = ip(dst);
    struct msg m;
    struct rtmsg *r = begin(&m, RTM_NEWROUTE, 0, sizeof(*r));

    r->rtm_family = a.family == 6 ? AF_INET6 : AF_INET;
    r->rtm_dst_len = bits;
    r->rtm_type = RTN_UNICAST;
    if (bits)
        add(&m, RTA_DST, a.ip, a.family == 6 ? 16 : 4);
    feed(&m);
}

static uint16_t get(const char *dst)
{
    struct addr d = ip(dst), s = ip(d.family == 6 ? "2001:db8::1" : "192.0.2.1");
    uint16_t index = 0;

    assert_int_equal(hops_get(h, &s, &d, NULL, &index), 0);
    assert_int_not_equal(index, HOP_NONE);
    return index;
}

static int setup(void **state)
{
    static const struct hops_fake fake = {.request = on_request, .probe = on_probe};

    (void)state;
    memset(&route, 0, sizeof(route));
    route.oif = ETH0;
    lookups = probes = n_queue = 0;
    k = kernel_new_memory(2);
    if (!k || hops_new(NULL, k, &fake, &h) < 0)
        return -1;
    link_is(ETH0, NULL, true, 1);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hops_free(h);
    for (unsigned i = 0; i < HOPS_MAX; i++)
        assert_int_equal(k->hops[i].ifindex, 0);
    kernel_free(k);
    return 0;
}

static void a_hop_is_ready_when_route_neighbour_and_link_are_known(void **state)
{
    uint16_t i = get("198.51.100.9");
    struct hops_counts n;

    (void)state;
    route.via = "192.0.2.254";
    n_queue = 0;
    lookups = 0;
    route_notice("0.0.0.0", 0);
    answer();
    assert_int_equal(lookups, 1);
    assert_int_equal(k->hops[i].ifindex, 0);
    neigh_is(ETH0, "192.0.2.254", NUD_REACHABLE, 9);
    assert_int_equal(k->hops[i].ifindex, ETH0);
    assert_int_equal(k->hops[i].mtu, 1500);
    assert_int_equal(k->hops[i].dmac[5], 9);
    assert_int_equal(k->hops[i].smac[5], 1);
    assert_int_equal(k->hops[i].vlan, 0);
    assert_int_equal(get("198.51.100.9"), i);
    hops_count(h, &n);
    assert_int_equal(n.held, 1);
    assert_int_equal(n.dead, 0);
}

static void a_party_on_the_link_is_its_own_neighbour(void **state)
{
    uint16_t i = get("2001:db8::77");

    (void)state;
    answer();
    neigh_is(ETH0, "2001:db8::77", NUD_PERMANENT, 5);
    assert_int_equal(k->hops[i].ifindex, ETH0);
    assert_int_equal(k->hops[i].dmac[5], 5);
}

static void a_neighbours_new_mac_is_seen_by_all_that_it_leads_to(void **state)
{
    char dst[32];
    uint16_t index[100];

    (void)state;
    route.via = "192.0.2.254";
    for (unsigned i = 0; i < 100; i++) {
        snprintf(dst, sizeof(dst), "198.51.100.%u", i);
        index[i] = get(dst);
    }
    for (unsigned i = 0; i < 3; i++)
        answer();
    assert_int_equal(lookups, 100);
    neigh_is(ETH0, "192.0.2.254", NUD_REACHABLE, 9);
    neigh_is(ETH0, "192.0.2.254", NUD_STALE, 10);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(k->hops[index[i]].dmac[5], 10);
        assert_int_equal(k->hops[index[i]].serial % 2, 0);
    }
    neigh_is(ETH0, "192.0.2.254", NUD_FAILED, 0);
    for (unsigned i = 0; i < 100; i++)
        assert_int_equal(k->hops[index[i]].ifindex, 0);
    assert_int_equal(lookups, 100);
}

static void a_route_notice_asks_again_for_what_lies_in_it_alone(void **state)
{
    uint16_t a, b;

    (void)state;
    route.via = "192.0.2.254";
    a = get("198.51.100.9");
    b = get("203.0.113.9");
    answer();
    neigh_is(ETH0, "192.0.2.254", NUD_REACHABLE, 9);
    neigh_is(ETH0, "192.0.2.253", NUD_REACHABLE, 8); /* nobody's yet */
    lookups = 0;
    route.via = "192.0.2.253";
    route_notice("203.0.113.0", 25);
    answer();
    assert_int_equal(lookups, 1);
    assert_int_equal(k->hops[a].dmac[5], 9);
    assert_int_equal(k->hops[b].ifindex, 0);
    neigh_is(ETH0, "192.0.2.253", NUD_REACHABLE, 8);
    assert_int_equal(k->hops[b].dmac[5], 8);
    route_notice("203.0.113.128", 25);
    assert_int_equal(lookups, 1);
    route.is_unreachable = true;
    route_notice("0.0.0.0", 0);
    answer();
    assert_int_equal(lookups, 3);
    assert_int_equal(k->hops[a].ifindex, 0);
    assert_int_equal(k->hops[b].ifindex, 0);
}

static void a_storm_of_route_notices_is_few_lookups(void **state)
{
    uint64_t now = 1000000000;

    (void)state;
    get("198.51.100.9");
    answer();
    hops_tick(h, now);
    lookups = 0;
    for (unsigned i = 0; i < 10000; i++)
        route_notice("198.51.100.0", 24);
    answer();
    assert_true(lookups <= 40);
    hops_tick(h, now + 600);
    answer();
    assert_true(lookups <= 41);
}

static void a_vlan_device_is_its_parent_and_a_tag(void **state)
{
    uint16_t i;

    (void)state;
    link_is(VLAN7, "vlan", true, 3);
    route.oif = VLAN7;
    route.mtu = 1400;
    i = get("198.51.100.9");
    answer();
    neigh_is(VLAN7, "198.51.100.9", NUD_REACHABLE, 6);
    assert_int_equal(k->hops[i].ifindex, ETH0);
    assert_int_equal(k->hops[i].vlan, htons(7));
    assert_int_equal(k->hops[i].smac[5], 3);
    assert_int_equal(k->hops[i].mtu, 1400);
    link_is(ETH0, NULL, false, 1);
    assert_int_equal(k->hops[i].ifindex, 0);
    link_is(ETH0, NULL, true, 1);
    assert_int_equal(k->hops[i].ifindex, ETH0);
}

static void a_bridge_is_marked_as_not_for_xdp(void **state)
{
    uint16_t i;

    (void)state;
    link_is(BRIDGE, "bridge", true, 4);
    route.oif = BRIDGE;
    i = get("198.51.100.9");
    answer();
    neigh_is(BRIDGE, "198.51.100.9", NUD_REACHABLE, 6);
    assert_int_equal(k->hops[i].ifindex, BRIDGE);
    assert_int_equal(k->hops[i].flags, HOP_NO_XDP);
}

static void a_neighbour_that_is_stale_or_unknown_is_probed_seldom(void **state)
{
    uint64_t now = 2000000000;

    (void)state;
    hops_tick(h, now);
    get("198.51.100.9");
    answer();
    for (unsigned i = 0; i < 120; i++)
        hops_tick(h, now += 500);
    assert_in_range(probes, 4, 12);
    neigh_is(ETH0, "198.51.100.9", NUD_REACHABLE, 6);
    probes = 0;
    for (unsigned i = 0; i < 120; i++)
        hops_tick(h, now += 500);
    assert_int_equal(probes, 0);
    neigh_is(ETH0, "198.51.100.9", NUD_STALE, 6);
    for (unsigned i = 0; i < 120; i++)
        hops_tick(h, now += 500);
    assert_in_range(probes, 3, 5);
}

static void an_index_is_given_again_only_when_nobody_holds_it(void **state)
{
    uint16_t i = get("198.51.100.9"), first;
    struct hops_counts n;
    uint64_t now = 3000000000;
    struct addr s = ip("10.0.0.1"), d = ip("10.1.0.0");

    (void)state;
    answer();
    assert_int_equal(get("198.51.100.9"), i);
    hops_tick(h, now);
    hops_put(h, i);
    hops_tick(h, now += 100000);
    hops_count(h, &n);
    assert_int_equal(n.held, 1);
    hops_put(h, i);
    hops_put(h, i);
    hops_put(h, HOP_NONE);
    hops_tick(h, now += 1000);
    hops_count(h, &n);
    assert_int_equal(n.held, 1);
    hops_tick(h, now += 100000);
    hops_count(h, &n);
    assert_int_equal(n.held, 0);
    assert_int_equal(n.dead, 0);
    for (unsigned x = 0; x < HOPS_MAX - 1; x++) {
        d.ip[1] = (uint8_t)(1 + (x >> 16));
        d.ip[2] = (uint8_t)(x >> 8);
        d.ip[3] = (uint8_t)x;
        assert_int_equal(hops_get(h, &s, &d, NULL, &i), 0);
        if (x == 0)
            first = i;
    }
    d.ip[0] = 11;
    assert_int_equal(hops_get(h, &s, &d, NULL, &i), -ENOSPC);
    hops_put(h, first);
    assert_int_equal(hops_get(h, &s, &d, NULL, &i), 0);
    assert_int_equal(i, first);
    d.family = 6;
    assert_int_equal(hops_get(h, &s, &d, NULL, &i), -EINVAL);
}

static void hops_of_a_killed_relay_stay_until_they_are_given_up(void **state)
{
    static const struct hops_fake fake = {.request = on_request, .probe = on_probe};
    struct addr s = ip("192.0.2.1"), d = ip("198.51.100.10");
    struct hop left = {.ifindex = ETH0, .mtu = 1500, .dmac = {4, 0, 0, 0, 0, 9}};
    uint16_t i = 0;

    (void)state;
    for (unsigned at = 1; at < 4; at++) {
        kernel_hop_write(k, (uint16_t)at, &left);
        k->hops[at].owner = 77;
    }
    hops_free(h);
    assert_int_equal(hops_new(NULL, k, &fake, &h), 0);
    assert_int_equal(hops_get(h, &s, &d, NULL, &i), 0);
    assert_int_equal(i, 4);
    answer();
    for (unsigned at = 1; at < 4; at++)
        assert_int_equal(k->hops[at].ifindex, ETH0);
    hops_settle(h);
    for (unsigned at = 1; at < 4; at++)
        assert_int_equal(k->hops[at].ifindex, 0);
    assert_int_equal(hops_get(h, &s, &(struct addr){.family = 4, .ip = {192, 0, 2, 77}}, NULL, &i),
                     0);
    hops_put(h, i);
    hops_put(h, 4);
}

static void messages_cut_or_garbled_do_no_harm(void **state)
{
    struct msg m;
    unsigned seed = 12345;

    (void)state;
    get("198.51.100.9");
    for (unsigned round = 0; round < 20000; round++) {
        for (size_t i = 0; i < sizeof(m.buf); i++)
            m.buf[i] =
                (uint8_t)((seed = seed * 1103515245 + 12345) >> 16 & ((round & 1) ? 0xff : 7));
        struct nlmsghdr *n = (void *)m.buf;
        n->nlmsg_len = 16 + (seed >> 8) % 496;
        n->nlmsg_type = (uint16_t)(round % 8 ? RTM_BASE + (seed >> 4) % 96 : NLMSG_ERROR);
        uint8_t *exact = malloc(n->nlmsg_len);
        memcpy(exact, m.buf, n->nlmsg_len);
        hops_input(h, exact, n->nlmsg_len);
        hops_input(h, exact, n->nlmsg_len / 2);
        free(exact);
        n_queue = 0;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_hop_is_ready_when_route_neighbour_and_link_are_known,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_party_on_the_link_is_its_own_neighbour, setup, teardown),
        cmocka_unit_test_setup_teardown(a_neighbours_new_mac_is_seen_by_all_that_it_leads_to, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_route_notice_asks_again_for_what_lies_in_it_alone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_storm_of_route_notices_is_few_lookups, setup, teardown),
        cmocka_unit_test_setup_teardown(a_vlan_device_is_its_parent_and_a_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bridge_is_marked_as_not_for_xdp, setup, teardown),
        cmocka_unit_test_setup_teardown(a_neighbour_that_is_stale_or_unknown_is_probed_seldom,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(an_index_is_given_again_only_when_nobody_holds_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(hops_of_a_killed_relay_stay_until_they_are_given_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(messages_cut_or_garbled_do_no_harm, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
