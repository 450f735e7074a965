/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers by their fields, checksums by adding up every 16 bits once more; hops under change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include "relay/frame.h"

#define ROOM 96U

static uint8_t buf[ROOM + 2048 + 1];

static struct addr addr(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
    return a;
}

/* RFC 1071, as slow as it can be. */
static uint32_t sum16(const uint8_t *p, size_t len, uint32_t s)
{
    for (size_t i = 0; i < len; i++)
        s += i % 2 ? p[i] : (uint32_t)p[i] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return s;
}

static uint8_t *fill(uint32_t len, uint8_t seed)
{
    for (uint32_t i = 0; i < len; i++)
        buf[ROOM + i] = (uint8_t)(seed + i * 7);
    return buf + ROOM;
}

static void udp_is_right(const uint8_t *udp, uint32_t len, const struct addr *src,
                         const struct addr *dst)
{
    uint32_t n = src->family == 6 ? 16 : 4;
    uint8_t tail[4] = {0, 17, (uint8_t)((len + 8) >> 8), (uint8_t)(len + 8)};
    uint32_t s = sum16(tail, 4, sum16(dst->ip, n, sum16(src->ip, n, 0)));

    assert_int_equal(udp[0] << 8 | udp[1], src->port);
    assert_int_equal(udp[2] << 8 | udp[3], dst->port);
    assert_int_equal(udp[4] << 8 | udp[5], len + 8);
    assert_int_equal(sum16(udp, len + 8, s), 0xffff);
    assert_false(udp[6] == 0 && udp[7] == 0);
}

static void ipv4_headers_are_right_for_every_length(void **state)
{
    struct addr src = addr("192.0.2.1:20000"), dst = addr("203.0.113.255:65535");

    (void)state;
    for (uint32_t len = 0; len <= 2048; len += len < 64 ? 1 : 61) {
        uint8_t *p = frame_ip(fill(len, (uint8_t)len), len, &src, &dst, 46, 0x1234);
        bool is_atomic = len + 28 <= FRAME_ATOMIC;

        assert_ptr_equal(p, buf + ROOM - FRAME_IP4);
        assert_int_equal(p[0], 0x45);
        assert_int_equal(p[1], 46 << 2);
        assert_int_equal(p[2] << 8 | p[3], len + 28);
        assert_int_equal(p[4] << 8 | p[5], is_atomic ? 0 : 0x1234);
        assert_int_equal(p[6] << 8 | p[7], is_atomic ? 0x4000 : 0);
        assert_int_equal(p[8], 64);
        assert_int_equal(p[9], 17);
        assert_int_equal(sum16(p, 20, 0), 0xffff);
        assert_memory_equal(p + 12, src.ip, 4);
        assert_memory_equal(p + 16, dst.ip, 4);
        udp_is_right(p + 20, len, &src, &dst);
    }
}

static void ipv6_headers_are_right_for_every_length(void **state)
{
    struct addr src = addr("[2001:db8::1]:20000"), dst = addr("[2001:db8:ffff::fffe]:5004");

    (void)state;
    for (uint32_t len = 0; len <= 2048; len += len < 64 ? 1 : 61) {
        uint8_t *p = frame_ip(fill(len, (uint8_t)len), len, &src, &dst, 46, 1);

        assert_ptr_equal(p, buf + ROOM - FRAME_IP6);
        assert_int_equal(p[0] << 8 | p[1], 0x6000 | 46 << 6);
        assert_int_equal(p[4] << 8 | p[5], len + 8);
        assert_int_equal(p[6], 17);
        assert_int_equal(p[7], 64);
        assert_memory_equal(p + 8, src.ip, 16);
        assert_memory_equal(p + 24, dst.ip, 16);
        udp_is_right(p + 40, len, &src, &dst);
    }
}

static void a_checksum_of_zero_is_sent_as_ffff(void **state)
{
    struct addr src = addr("192.0.2.1:20000"), dst = addr("192.0.2.2:20002");
    bool has_seen = false;

    (void)state;
    for (uint32_t i = 0; i < 65536; i++) {
        uint8_t *p = buf + ROOM;

        p[0] = (uint8_t)(i >> 8);
        p[1] = (uint8_t)i;
        p = frame_ip(p, 2, &src, &dst, 0, 0);
        has_seen |= p[26] == 0xff && p[27] == 0xff;
        assert_false(p[26] == 0 && p[27] == 0);
    }
    assert_true(has_seen);
}

static void ethernet_has_a_tag_where_the_hop_has_one(void **state)
{
    struct hop hop = {
        .ifindex = 2, .mtu = 1500, .dmac = {2, 0, 0, 0, 0, 1}, .smac = {2, 0, 0, 0, 0, 2}};
    static const uint8_t plain[14] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00};
    static const uint8_t tagged[18] = {2, 0, 0, 0,    0, 1,    2,    0,    0,
                                       0, 0, 2, 0x81, 0, 0xa0, 0x2a, 0x86, 0xdd};
    uint8_t *ip = buf + ROOM;

    (void)state;
    assert_ptr_equal(frame_ethernet(ip, 4, &hop), ip - 14);
    assert_memory_equal(ip - 14, plain, 14);
    hop.vlan = htons(0xa02a);
    assert_ptr_equal(frame_ethernet(ip, 6, &hop), ip - 18);
    assert_memory_equal(ip - 18, tagged, 18);
}

static struct hop shared;
static _Atomic int is_over;

static void store(struct hop *h, const struct hop *v)
{
    const uint32_t *from = (const uint32_t *)(const void *)v;
    uint32_t *to = (uint32_t *)(void *)h;
    uint32_t serial = __atomic_load_n(&h->serial, __ATOMIC_RELAXED);

    __atomic_store_n(&h->serial, serial + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < sizeof(*h) / 4; i++) {
        if (&to[i] != &h->serial)
            __atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
    }
    __atomic_store_n(&h->serial, serial + 2, __ATOMIC_RELEASE);
}

static void *writer(void *arg)
{
    for (uint32_t i = 1; !atomic_load(&is_over); i++) {
        struct hop h = {.ifindex = i % 200 + 1};

        memset(h.dmac, (int)h.ifindex, 6);
        memset(h.smac, (int)h.ifindex, 6);
        store(&shared, &h);
    }
    return arg;
}

static void a_hop_is_read_whole_or_not_at_all(void **state)
{
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, writer, NULL), 0);
    for (unsigned i = 0; i < 200000; i++) {
        struct hop h;

        if (!frame_hop(&shared, &h))
            continue;
        assert_int_equal(h.dmac[0], h.ifindex);
        assert_int_equal(h.dmac[5], h.ifindex);
        assert_int_equal(h.smac[5], h.ifindex);
    }
    atomic_store(&is_over, 1);
    pthread_join(t, NULL);
    memset(&shared, 0, sizeof(shared));
    assert_false(frame_hop(&shared, &(struct hop){0}));
    shared.ifindex = 1;
    assert_true(frame_hop(&shared, &(struct hop){0}));
    shared.serial = 1;
    assert_false(frame_hop(&shared, &(struct hop){0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_headers_are_right_for_every_length),
        cmocka_unit_test(ipv6_headers_are_right_for_every_length),
        cmocka_unit_test(a_checksum_of_zero_is_sent_as_ffff),
        cmocka_unit_test(ethernet_has_a_tag_where_the_hop_has_one),
        cmocka_unit_test(a_hop_is_read_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
