/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A relay with its client on one event base, and parties that send RTP to it over loopback.
 * The end-to-end tests of the relay and of the client include it; it asserts by cmocka.
 */
#ifndef TESTS_UNIT_RELAY_RIG_H
#define TESTS_UNIT_RELAY_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "core/timer.h"
#include "media/media.h"
#include "relay/relay.h"
#include "relay/state.h"

#define RIG_WAIT_MS 5000U /* nothing here takes longer, also under a sanitizer */
#define RIG_EVENTS  64

struct rig_answer {
    int calls;
    int status;
    struct media_ref ref;
    unsigned n;
    struct media_ep_state ep[MEDIA_ENDPOINTS_MAX];
};

struct rig {
    char path[64];
    struct event_base *base;
    struct clock clock;
    struct timers *timers;
    struct relay *relay;
    struct media *media;
    struct media_event event[RIG_EVENTS];
    int n_events;
    int ups, downs, fresh;
};

static inline void rig_done(void *arg, const struct media_result *res)
{
    struct rig_answer *a = arg;

    a->calls++;
    a->status = res->status;
    a->ref = res->ref;
    a->n = res->n_eps;
    if (res->n_eps)
        memcpy(a->ep, res->ep, res->n_eps * sizeof(a->ep[0]));
}

static inline void rig_on_event(void *arg, const struct media_event *ev)
{
    struct rig *g = arg;

    assert_true(g->n_events < RIG_EVENTS);
    g->event[g->n_events++] = *ev;
}

static inline void rig_on_state(void *arg, bool up, bool fresh)
{
    struct rig *g = arg;

    g->ups += up;
    g->downs += !up;
    g->fresh += up && fresh;
}

static inline void rig_turn(struct rig *g)
{
    clock_update(&g->clock);
    event_base_loop(g->base, EVLOOP_ONCE);
}

/* Run the loop until the condition holds; a test that waits in vain fails. */
#define rig_until(g, cond)                                           \
    do {                                                             \
        uint64_t rig_end_ = clock_now_ns() / 1000000U + RIG_WAIT_MS; \
        while (!(cond)) {                                            \
            if (clock_now_ns() / 1000000U > rig_end_)                \
                fail_msg("waited in vain for %s", #cond);            \
            rig_turn(g);                                             \
        }                                                            \
    } while (0)

static inline void rig_relay(struct rig *g, uint32_t sockets_limit)
{
    struct relay_param p = {
        .base = g->base, .socket_path = g->path, .threads = 2, .sockets_limit = sockets_limit};

    g->relay = relay_new(&p);
    assert_non_null(g->relay);
}

static inline struct media *rig_client(struct rig *g, uint32_t epoch, uint32_t worker)
{
    struct media_param p = {.base = g->base,
                            .timers = g->timers,
                            .socket_path = g->path,
                            .node = "rig",
                            .epoch = epoch,
                            .worker = worker,
                            .orphan_idle_ms = 1000,
                            .orphan_cap_ms = 3000};
    struct media_handler h = {rig_on_event, rig_on_state, g};
    struct media *m = media_new(&p);

    assert_non_null(m);
    media_set_handler(m, &h);
    return m;
}

/* 100 pairs per address and test program. */
static inline void rig_pools(struct media *m, uint16_t port, unsigned pairs, uint64_t generation)
{
    struct addr a[2];
    struct media_pool_conf c = {
        .name = "main", .addr = a, .n_addrs = 2, .port_lo = port, .quarantine_ms = 500};

    assert_int_equal(addr_parse_ip(SPAN("127.0.0.1"), &a[0]), 0);
    assert_int_equal(addr_parse_ip(SPAN("::1"), &a[1]), 0);
    c.port_hi = (uint16_t)(port + 2 * pairs - 1);
    assert_int_equal(media_set_pools(m, &c, 1, generation), 0);
}

static inline void rig_init(struct rig *g, uint16_t port, unsigned pairs)
{
    memset(g, 0, sizeof(*g));
    snprintf(g->path, sizeof(g->path), "/tmp/td-rig-%d-%u.sock", (int)getpid(), port);
    log_set_level(LOG_ERROR);
    g->base = event_base_new();
    clock_init(&g->clock);
    g->timers = timers_new(g->base, &g->clock);
    assert_non_null(g->timers);
    rig_relay(g, 0);
    g->media = rig_client(g, 1000, 1);
    rig_pools(g->media, port, pairs, 1);
    rig_until(g, g->ups == 1);
}

static inline void rig_fini(struct rig *g)
{
    media_free(g->media);
    relay_free(g->relay);
    timers_free(g->timers);
    event_base_free(g->base);
}

static inline struct media_op rig_add(uint8_t endpoint, uint8_t family, enum media_latch latch)
{
    struct media_op op = {.kind = MEDIA_OP_ADD};

    op.ep.pool = media_pool_id("main");
    op.ep.endpoint = endpoint;
    op.ep.family = family;
    op.ep.latch = (uint8_t)latch;
    op.ep.direction = MEDIA_DIR_BOTH;
    return op;
}

static inline struct media_op rig_connect(uint8_t a, uint8_t b)
{
    return (struct media_op){.kind = MEDIA_OP_CONNECT, .peer = b, .ep.endpoint = a};
}

static inline struct rig_answer rig_ask(struct rig *g, enum media_type type, struct media_ref ref,
                                        const struct media_op *op, unsigned n)
{
    struct media_open o = {.ref = ref, .op = op, .n_ops = n};
    struct rig_answer a = {0};

    if (type == MEDIA_OPEN)
        media_open(g->media, &o, rig_done, &a);
    else if (type == MEDIA_MODIFY)
        media_modify(g->media, ref, op, n, rig_done, &a);
    else if (type == MEDIA_CLOSE)
        media_close(g->media, ref, rig_done, &a);
    else
        media_query(g->media, ref, rig_done, &a);
    assert_int_equal(a.calls, 0);
    rig_until(g, a.calls == 1);
    return a;
}

static inline struct media_ref rig_ref(struct rig *g)
{
    return (struct media_ref){media_session_new(g->media), MEDIA_INDEX_NONE};
}

/* Two endpoints, connected. */
static inline struct rig_answer rig_call(struct rig *g, uint8_t family0, uint8_t family1,
                                         enum media_latch latch)
{
    struct media_op op[3] = {rig_add(0, family0, latch), rig_add(1, family1, latch),
                             rig_connect(0, 1)};
    struct rig_answer a = rig_ask(g, MEDIA_OPEN, rig_ref(g), op, 3);

    assert_int_equal(a.status, 0);
    assert_int_equal(a.n, 2);
    return a;
}

/*
 * 100 ports from here are this program's own: programs and checkouts that run their tests beside it find the last of them
 * taken, which it holds until it ends. (A port that another holds rests for 30 s: two programs in one range run out of them.)
 */
static inline uint16_t rig_port(void)
{
    static uint16_t port;

    for (unsigned i = 0; !port && i < 20; i++) {
        uint16_t base = (uint16_t)(24000 + ((unsigned)getpid() + i) % 20 * 100);
        struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(base + 99))};
        int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
            port = base;
        else
            close(fd);
    }
    assert_true(port);
    return port;
}

/* A party: one socket, RTP out and in. */
struct party {
    int fd;
    struct addr addr;
    uint16_t seq;
    uint32_t timestamp, ssrc;
};

static inline void party_init(struct party *p, uint8_t family, uint32_t ssrc)
{
    struct sockaddr_storage ss;
    socklen_t len;

    memset(p, 0, sizeof(*p));
    assert_int_equal(addr_parse_ip(family == 6 ? SPAN("::1") : SPAN("127.0.0.1"), &p->addr), 0);
    len = addr_to_sockaddr(&p->addr, &ss);
    p->fd = socket(family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(p->fd >= 0);
    assert_int_equal(bind(p->fd, (struct sockaddr *)&ss, len), 0);
    len = sizeof(ss);
    assert_int_equal(getsockname(p->fd, (struct sockaddr *)&ss, &len), 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &p->addr), 0);
    p->ssrc = ssrc;
    p->seq = 65530;
}

static inline void party_send_raw(struct party *p, const struct addr *to, const void *data,
                                  size_t len)
{
    struct sockaddr_storage ss;
    socklen_t n = addr_to_sockaddr(to, &ss);

    assert_int_equal(sendto(p->fd, data, len, 0, (struct sockaddr *)&ss, n), len);
}

static inline void party_send(struct party *p, const struct addr *to)
{
    uint8_t b[172] = {0x80, 0};

    b[2] = (uint8_t)(p->seq >> 8);
    b[3] = (uint8_t)p->seq;
    b[6] = (uint8_t)(p->timestamp >> 8);
    b[7] = (uint8_t)p->timestamp;
    b[11] = (uint8_t)p->ssrc;
    b[20] = 0x5a;
    p->seq++;
    p->timestamp += 160;
    party_send_raw(p, to, b, sizeof(b));
}

/* Length of the next packet, or -1 after wait_ms; *from is who sent it. */
static inline int party_recv(struct party *p, int wait_ms, uint8_t *buf, struct addr *from)
{
    struct pollfd pf = {.fd = p->fd, .events = POLLIN};
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    ssize_t n;

    if (poll(&pf, 1, wait_ms) <= 0)
        return -1;
    n = recvfrom(p->fd, buf, 2048, 0, (struct sockaddr *)&ss, &len);
    assert_true(n >= 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, from), 0);
    return (int)n;
}

/* The party gets the next packet, from this address, as it was sent. */
static inline void party_expect(struct party *p, const struct addr *from)
{
    uint8_t buf[2048];
    struct addr who;

    assert_int_equal(party_recv(p, (int)RIG_WAIT_MS, buf, &who), 172);
    assert_int_equal(buf[20], 0x5a);
    assert_true(addr_eq(&who, from));
}

static inline void party_expect_none(struct party *p)
{
    uint8_t buf[2048];
    struct addr who;

    assert_int_equal(party_recv(p, 50, buf, &who), -1);
}

#endif
