/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The decoder: framing of packets, and each field of each message just inside and just outside its bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "relay/control.h"

static union {
    struct media_hdr hdr;
    struct media_hello hello;
    struct media_pool pool;
    struct media_session_ops ops;
    uint8_t bytes[sizeof(struct media_session_ops) + 2 * sizeof(struct media_op)];
} u;

static void header(uint16_t type, size_t len)
{
    memset(&u, 0, sizeof(u));
    u.hdr.version = MEDIA_VERSION;
    u.hdr.type = type;
    u.hdr.length = (uint32_t)len;
    u.hdr.request = 1;
}

static void good_hello(void)
{
    header(MEDIA_HELLO, sizeof(u.hello));
    u.hello.node[0] = 'n';
}

static void good_pool(void)
{
    header(MEDIA_POOL, sizeof(u.pool));
    u.pool.name[0] = 'a';
    u.pool.id = media_pool_id("a");
    u.pool.port_lo = 10000;
    u.pool.port_hi = 10007;
    u.pool.n_addrs = 1;
    u.pool.addr[0] = (struct addr){.family = 4, .ip = {192, 0, 2, 1}};
}

static void good_open(void)
{
    struct media_ep *e;

    header(MEDIA_OPEN, sizeof(u.ops) + sizeof(struct media_op));
    u.hdr.session = 5;
    u.ops.n_ops = 1;
    u.ops.op[0].kind = MEDIA_OP_ADD;
    e = &u.ops.op[0].ep;
    e->family = 4;
    e->direction = MEDIA_DIR_BOTH;
    e->remote = (struct addr){.family = 4, .ip = {192, 0, 2, 1}, .port = 4000};
}

static int next(size_t len)
{
    const struct media_hdr *h;

    return control_next(&u, len, &h);
}

static void good_messages_pass(void **state)
{
    (void)state;
    good_hello();
    assert_int_equal(next(sizeof(u.hello)), 1);
    assert_int_equal(control_check(&u.hdr), 0);
    good_pool();
    assert_int_equal(next(sizeof(u.pool)), 1);
    assert_int_equal(control_check(&u.hdr), 0);
    good_open();
    assert_int_equal(next(u.hdr.length), 1);
    assert_int_equal(control_check(&u.hdr), 0);
    header(MEDIA_RELAY, sizeof(u.hdr));
    assert_int_equal(next(sizeof(u.hdr)), 1);
    assert_int_equal(control_check(&u.hdr), 0);
    assert_int_equal(next(0), 0);
}

static void broken_framing_ends_it(void **state)
{
    (void)state;
    good_hello();
    assert_int_equal(next(sizeof(u.hdr) - 1), -EBADMSG);
    assert_int_equal(next(sizeof(u.hello) - 8), -EBADMSG);
    u.hdr.length += 8;
    assert_int_equal(next(sizeof(u)), -EBADMSG);
    u.hdr.length = 24;
    assert_int_equal(next(sizeof(u)), -EBADMSG);
    good_hello();
    u.hdr.version++;
    assert_int_equal(next(sizeof(u.hello)), -EPROTO);
    good_open();
    u.hdr.version++;
    assert_int_equal(next(u.hdr.length), -EBADMSG);
    good_open();
    u.ops.n_ops = 2; /* and one follows */
    assert_int_equal(next(u.hdr.length), -EBADMSG);
    u.ops.n_ops = 0;
    assert_int_equal(next(u.hdr.length), -EBADMSG);
    u.ops.n_ops = 0x10000001; /* times its size it is right again, in 32 bits */
    assert_int_equal(next(u.hdr.length), -EBADMSG);
    header(MEDIA_TYPE_END, sizeof(u.hdr));
    assert_int_equal(next(sizeof(u.hdr)), -EBADMSG);
    header(0, sizeof(u.hdr));
    assert_int_equal(next(sizeof(u.hdr)), -EBADMSG);
    header(MEDIA_EV_LOST, sizeof(struct media_event_msg));
    assert_int_equal(next(sizeof(u)), -EBADMSG);
}

/* One wrong field at a time. */
#define wrong(good, change)                   \
    do {                                      \
        good();                               \
        change;                               \
        if (control_check(&u.hdr) != -EINVAL) \
            fail_msg("passed: %s", #change);  \
    } while (0)
#define right(good, change)                   \
    do {                                      \
        good();                               \
        change;                               \
        if (control_check(&u.hdr) != 0)       \
            fail_msg("refused: %s", #change); \
    } while (0)

static void fields_of_hello_have_bounds(void **state)
{
    (void)state;
    wrong(good_hello, u.hdr.request = 0);
    wrong(good_hello, u.hello.node[0] = 0);
    wrong(good_hello, memset(u.hello.node, 'n', sizeof(u.hello.node)));
    wrong(good_hello, u.hello.node[1] = '\n');
    wrong(good_hello, u.hello.worker = 4097);
    wrong(good_hello, u.hello.orphan_idle_ms = 999);
    right(good_hello, u.hello.orphan_idle_ms = 1000);
    wrong(good_hello, u.hello.orphan_idle_ms = 86400001);
    wrong(good_hello, u.hello.orphan_cap_ms = 7U * 86400000U + 1);
}

static void fields_of_a_pool_have_bounds(void **state)
{
    (void)state;
    wrong(good_pool, u.pool.name[0] = 0);
    wrong(good_pool, u.pool.id++);
    wrong(good_pool, u.pool.port_lo = 10001);
    wrong(good_pool, u.pool.port_hi = 10008);
    wrong(good_pool, u.pool.port_hi = 9999);
    wrong(good_pool, u.pool.port_lo = 1022);
    wrong(good_pool, u.pool.n_addrs = 0);
    wrong(good_pool, u.pool.n_addrs = MEDIA_POOL_ADDRS + 1);
    wrong(good_pool, u.pool.addr[0].family = 5);
    wrong(good_pool, u.pool.addr[0].port = 1);
    wrong(good_pool, u.pool.addr[0].ip[0] = 224);
    wrong(good_pool, u.pool.addr[0].ip[7] = 1);
    wrong(good_pool, memset(u.pool.addr[0].ip, 0, 16));
    wrong(good_pool, (u.pool.n_addrs = 2, u.pool.addr[1] = u.pool.addr[0]));
    wrong(good_pool, u.pool.quarantine_ms = 600001);
    right(good_pool, u.pool.flags = MEDIA_POOL_SOCKETS);
    wrong(good_pool, u.pool.flags = MEDIA_POOL_FLAGS + 1);
    wrong(good_pool, (u.pool.priority_lo = 10006, u.pool.priority_hi = 10009));
    right(good_pool, (u.pool.priority_lo = 10008, u.pool.priority_hi = 10011));
    wrong(good_pool, memset(u.pool.device, 'e', sizeof(u.pool.device)));
}

static void fields_of_a_session_have_bounds(void **state)
{
    struct media_ep *e = &u.ops.op[0].ep;

    (void)state;
    wrong(good_open, u.hdr.session = 0);
    wrong(good_open, u.ops.flags = 2);
    wrong(good_open, u.ops.stats_every_s = 86401);
    wrong(good_open, u.ops.op[0].kind = MEDIA_OP_REMOVE);
    wrong(good_open, u.ops.op[0].kind = MEDIA_OP_END);
    wrong(good_open, e->endpoint = MEDIA_ENDPOINTS_MAX);
    wrong(good_open, e->family = 0);
    wrong(good_open, e->family = 6); /* and the remote is IPv4 */
    wrong(good_open, e->latch = MEDIA_LATCH_END);
    wrong(good_open, e->direction = 4);
    wrong(good_open, e->dscp = 64);
    wrong(good_open, e->n_pts = MEDIA_PTS_MAX + 1);
    wrong(good_open, (e->n_pts = 1, e->pt[0].type = 128));
    wrong(good_open, (e->n_pts = 1, e->pt[0].codec = MEDIA_CODEC_END));
    wrong(good_open, e->inactivity_ms = 86400001);
    wrong(good_open, e->clock_rate = 999);
    wrong(good_open, e->clock_rate = 1000001);
    wrong(good_open, e->remote.port = 0);
    wrong(good_open, e->remote.pad = 1);
    wrong(good_open, e->remote.ip[0] = 239);
    wrong(good_open, (e->rtcp = e->remote, e->rtcp.family = 6));
    right(good_open, memset(&e->remote, 0, sizeof(e->remote)));
    wrong(good_open, (e->local = e->remote, e->local.port = 4001));
    right(good_open, e->local = e->remote);
    wrong(good_open, (u.ops.op[0].kind = MEDIA_OP_CONNECT, u.ops.op[0].peer = 0));
    wrong(good_open, (u.ops.op[0].kind = MEDIA_OP_CONNECT, u.ops.op[0].peer = 16));
    right(good_open, (u.ops.op[0].kind = MEDIA_OP_CONNECT, u.ops.op[0].peer = 1));
    wrong(good_open, (u.hdr.type = MEDIA_MODIFY, u.ops.flags = MEDIA_OPEN_ADOPT));
    right(good_open, (u.hdr.type = MEDIA_MODIFY, u.ops.op[0].kind = MEDIA_OP_REMOVE));
    wrong(good_open, (u.hdr.type = MEDIA_MODIFY, u.ops.op[0].kind = MEDIA_OP_SET, e->dscp = 64));
    wrong(good_open,
          (u.hdr.type = MEDIA_MODIFY, u.ops.op[0].kind = MEDIA_OP_REMOTE, e->remote.port = 0));
}

static void good_keys(void)
{
    header(MEDIA_MODIFY, sizeof(u.ops) + sizeof(struct media_op));
    u.hdr.session = 5;
    u.ops.n_ops = 1;
    u.ops.op[0].kind = MEDIA_OP_CRYPTO;
    u.ops.op[0].crypto.rx_suite = MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80;
    u.ops.op[0].crypto.tx_suite = MEDIA_SUITE_AEAD_AES_256_GCM;
    memset(u.ops.op[0].crypto.rx_key, 1, 30);
    memset(u.ops.op[0].crypto.tx_key, 1, 44);
}

static void keys_fit_their_suites(void **state)
{
    struct media_crypto *c = &u.ops.op[0].crypto;

    (void)state;
    right(good_keys, u.hdr.type = MEDIA_OPEN);
    right(good_keys, u.hdr.type = MEDIA_MODIFY);
    right(good_keys, (c->rx_suite = 0, memset(c->rx_key, 0, 30)));
    wrong(good_keys, c->rx_suite = 0);
    wrong(good_keys, c->rx_suite = MEDIA_SUITE_END);
    wrong(good_keys, c->tx_suite = 255);
    wrong(good_keys, c->tx_suite = MEDIA_SUITE_AEAD_AES_128_GCM);
    wrong(good_keys, c->rx_key[30] = 1);
    wrong(good_keys, c->tx_key[44] = 1);
    wrong(good_keys, c->endpoint = MEDIA_ENDPOINTS_MAX);
    wrong(good_keys, c->pad = 1);
    wrong(good_keys, c->pad2 = 1);
    wrong(good_keys, u.ops.op[0].pad[5] = 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_messages_pass),
        cmocka_unit_test(broken_framing_ends_it),
        cmocka_unit_test(fields_of_hello_have_bounds),
        cmocka_unit_test(fields_of_a_pool_have_bounds),
        cmocka_unit_test(fields_of_a_session_have_bounds),
        cmocka_unit_test(keys_fit_their_suites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
