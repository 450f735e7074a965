/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two worlds of connections on loopback in one loop, time by hand: what the tests of conn.c, tls.c and net.c stand on.
 * Each end keeps what came, what was unsent, and answers the questions a worker would.
 */
#ifndef TESTS_UNIT_CONN_RIG_H
#define TESTS_UNIT_CONN_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sip/conn.h"
#include "sip/stream.h"

#define RIG_MSG "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\nl: 0\r\n\r\n"

struct end {
    struct stats stats;
    struct conns *conns;
    unsigned got, broken, unsent, failed;
    unsigned status; /* of the last broken one */
    struct flow flow;
    char last[MSG_BYTES_MAX + 1], back[MSG_BYTES_MAX + 1];
    enum conn_source source;
    const char *name[4]; /* of every owner's peer */
    struct addr local;
    bool answer; /* each message is sent back on its connection */
};

struct rig {
    struct event_base *base;
    struct clock clock;
    struct timers *timers;
    struct end a, b;
};

static void rig_keep(char *to, const char *buf, size_t len)
{
    assert_true(len <= MSG_BYTES_MAX);
    memcpy(to, buf, len);
    to[len] = '\0';
}

static void rig_recv(void *arg, char *buf, size_t len, const struct flow *flow)
{
    struct end *e = arg;

    e->got++;
    e->flow = *flow;
    rig_keep(e->last, buf, len);
    if (e->answer)
        assert_int_equal(conns_send(e->conns, flow, buf, len), 0);
}

static void rig_broken(void *arg, const char *buf, size_t len, const struct flow *flow,
                       unsigned status)
{
    struct end *e = arg;

    e->broken++;
    e->status = status;
    rig_keep(e->last, buf, len);
    assert_int_equal(conns_send(e->conns, flow, "SIP/2.0 400 No\r\nl: 0\r\n\r\n", 24), 0);
}

static inline void rig_unsent(void *arg, const char *buf, size_t len, const struct flow *flow)
{
    struct end *e = arg;

    (void)flow;
    e->unsent++;
    rig_keep(e->back, buf, len);
}

static inline void rig_failed(void *arg, const struct flow *flow)
{
    (void)flow;
    ((struct end *)arg)->failed++;
}

static enum conn_source rig_source(void *arg, uint16_t listener, const struct addr *remote)
{
    (void)listener;
    (void)remote;
    return ((struct end *)arg)->source;
}

static const char *rig_name(void *arg, uint32_t owner, unsigned nth)
{
    (void)owner;
    return nth < 4 ? ((struct end *)arg)->name[nth] : NULL;
}

static void rig_end_init(struct rig *r, struct end *e, uint8_t worker)
{
    struct conns_param p = {.base = r->base,
                            .timers = r->timers,
                            .clock = &r->clock,
                            .stats = &e->stats,
                            .worker = worker,
                            .workers = 1,
                            .recv = rig_recv,
                            .broken = rig_broken,
                            .unsent = rig_unsent,
                            .failed = rig_failed,
                            .failed_arg = e,
                            .source = rig_source,
                            .name = rig_name,
                            .arg = e};

    memset(e, 0, sizeof(*e));
    e->conns = conns_new(&p);
    assert_non_null(e->conns);
}

/* An end that listens as number 3. */
static inline void rig_listen(struct end *e, uint8_t proto, uint32_t connections,
                              uint32_t per_source)
{
    struct conn_listener l = {.id = 3,
                              .proto = proto,
                              .idle_ms = 600000,
                              .connections = connections,
                              .per_source = per_source};

    assert_int_equal(addr_parse(span_of("127.0.0.1:0"), 0, &l.bind), 0);
    assert_int_equal(conns_open(e->conns, &l), 0);
    assert_int_equal(conns_local(e->conns, 3, &e->local), 0);
}

static void rig_init(struct rig *r)
{
    signal(SIGPIPE, SIG_IGN);
    clock_init_fake(&r->clock, 1000000, 1700000000000);
    r->base = event_base_new();
    assert_non_null(r->base);
    r->timers = timers_new_fake(&r->clock);
    assert_non_null(r->timers);
    rig_end_init(r, &r->a, 1);
    rig_end_init(r, &r->b, 2);
}

static void rig_fini(struct rig *r)
{
    conns_free(r->a.conns);
    conns_free(r->b.conns);
    timers_free(r->timers);
    event_base_free(r->base);
}

/* Some turns of the loop: loopback needs a few, and a little time of the kernel. */
static inline void rig_turns(struct rig *r, unsigned n)
{
    while (n-- > 0) {
        event_base_loop(r->base, EVLOOP_NONBLOCK);
        conns_turn(r->a.conns);
        conns_turn(r->b.conns);
    }
}

/* Turns until it is so: 5 s of real time at the most. */
#define RIG_UNTIL(r, what)                                              \
    do {                                                                \
        struct timespec rig_nap_ = {0, 1000000};                        \
        for (unsigned rig_i_ = 0; rig_i_ < 5000 && !(what); rig_i_++) { \
            rig_turns(r, 1);                                            \
            if (!(what))                                                \
                nanosleep(&rig_nap_, NULL);                             \
        }                                                               \
        assert_true(what);                                              \
    } while (0)

static inline void rig_wait(struct rig *r, uint64_t ms)
{
    (void)timers_run_until(r->timers, r->clock.mono_ms + ms);
    rig_turns(r, 3);
}

static inline struct flow rig_flow(const struct end *from, const struct end *to, uint8_t proto)
{
    return (struct flow){
        .listener = 3, .local = from->local, .remote = to->local, .proto = proto, .owner = 1};
}

static inline int rig_send(struct end *e, const struct flow *f)
{
    return conns_send(e->conns, f, RIG_MSG, sizeof(RIG_MSG) - 1);
}

/* A peer by hand. */
static inline int rig_connect(const struct addr *to)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(to, &ss);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&ss, len), 0);
    return fd;
}

static inline bool rig_is_closed(int fd)
{
    char buf[256];
    ssize_t n;

    while ((n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
        ;
    return n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

#endif
