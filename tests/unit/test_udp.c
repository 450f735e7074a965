/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets on loopback: batches, flows, Via, IPv6, keep-alives, a dead peer, a full queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/socket.h>
#include "sip/udp.h"

static struct stats stats;
static struct udp *udp;

struct got {
    unsigned n;
    struct flow flow;
    uint64_t rx_wall_ns;
    size_t bytes;
    char first[64];
};

static void take(void *arg, const struct udp_dgram *d)
{
    struct got *g = arg;

    if (g->n++ == 0)
        span_copy((struct span){d->data, d->len < 60 ? d->len : 60}, g->first, sizeof(g->first));
    g->flow = d->flow;
    g->rx_wall_ns = d->rx_wall_ns;
    g->bytes += d->len;
}

/* ---- the kernel, where loopback is too kind ---- */

static unsigned send_budget = UINT32_MAX; /* datagrams until the socket is full */
static int send_error = EAGAIN;           /* what it says then */
static bool truncate_next;
static int recv_error; /* once */

int __real_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags);
int __wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags);
int __real_recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags, struct timespec *timeout);
int __wrap_recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags, struct timespec *timeout);

int __wrap_sendmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags)
{
    if (send_budget == 0) {
        errno = send_error;
        return -1;
    }
    if (n > send_budget)
        n = send_budget;
    if (send_budget != UINT32_MAX)
        send_budget -= n;
    return __real_sendmmsg(fd, msg, n, flags);
}

int __wrap_recvmmsg(int fd, struct mmsghdr *msg, unsigned n, int flags, struct timespec *timeout)
{
    int got;

    if (recv_error) {
        errno = recv_error;
        recv_error = 0;
        return -1;
    }
    got = __real_recvmmsg(fd, msg, n, flags, timeout);
    if (got > 0 && truncate_next)
        msg[0].msg_hdr.msg_flags |= MSG_TRUNC;
    truncate_next = truncate_next && got <= 0;
    return got;
}

static int setup(void **state)
{
    (void)state;
    send_budget = UINT32_MAX;
    send_error = EAGAIN;
    for (unsigned i = 0; i < STAT_COUNT; i++)
        atomic_store(&stats.v[i], 0);
    udp = udp_new(&stats);
    return udp ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    udp_free(udp);
    return 0;
}

static struct addr ip(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
    return a;
}

static struct addr open_on(uint16_t id, const char *bind)
{
    const struct udp_listener l = {.id = id, .bind = ip(bind), .dscp = 24};
    struct addr a;

    assert_int_equal(udp_open(udp, &l), 0);
    assert_int_equal(udp_local(udp, id, &a), 0);
    assert_int_not_equal(a.port, 0);
    return a;
}

/* Wait until the socket is readable (loopback: at once), then read all. */
static void read_all(uint16_t id, unsigned want, struct got *g)
{
    struct pollfd p = {.fd = udp_fd(udp, id), .events = POLLIN};

    for (unsigned i = 0; i < 100 && g->n < want; i++) {
        if (poll(&p, 1, 1000) <= 0)
            break;
        assert_true(udp_recv(udp, id, 100000, take, g) >= 0);
    }
}

static int send_to(uint16_t from, const struct addr *to, const char *text)
{
    struct transport *t = udp_transport(udp);
    struct flow f = {.listener = from, .remote = *to};

    return t->send(t, &f, text, strlen(text));
}

#define MESSAGE "OPTIONS sip:x SIP/2.0\r\n\r\n"

static void nothing_leaves_before_the_flush(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    assert_int_equal(send_to(1, &b, MESSAGE), 0);
    assert_int_equal(udp_recv(udp, 2, 100, take, &g), 0);
    assert_int_equal(udp_flush(udp), 0);
    read_all(2, 1, &g);
    assert_int_equal(g.n, 1);
    assert_string_equal(g.first, MESSAGE);
    assert_int_equal(stat_get(&stats, STAT_sip_tx), 1);
    assert_int_equal(stat_get(&stats, STAT_sip_rx), 1);
}

static void flow_and_kernel_time_come_with_each_datagram(void **state)
{
    struct addr a, b;
    struct got g = {0};
    struct timespec now;

    (void)state;
    a = open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    send_to(1, &b, MESSAGE);
    udp_flush(udp);
    read_all(2, 1, &g);
    assert_int_equal(g.flow.listener, 2);
    assert_true(addr_eq(&g.flow.remote, &a));
    assert_true(addr_eq(&g.flow.local, &b));
    clock_gettime(CLOCK_REALTIME, &now);
    assert_in_range(g.rx_wall_ns / 1000000000u, (uint64_t)now.tv_sec - 5, (uint64_t)now.tv_sec);
}

static void hundreds_go_through_in_order_of_batches(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(send_to(1, &b, MESSAGE), 0);
    assert_int_equal(udp_flush(udp), 0);
    read_all(2, 300, &g);
    assert_int_equal(g.n, 300);
    assert_int_equal(g.bytes, 300 * strlen(MESSAGE));
}

static void receive_is_bounded(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    for (unsigned i = 0; i < 100; i++)
        send_to(1, &b, MESSAGE);
    udp_flush(udp);
    assert_int_equal(udp_recv(udp, 2, 70, take, &g), 70);
    assert_int_equal(g.n, 70);
    read_all(2, 100, &g);
    assert_int_equal(g.n, 100);
}

static void ipv6_works_and_families_do_not_mix(void **state)
{
    struct addr b, v4;
    struct got g = {0};
    const struct udp_listener l = {.id = 5, .bind = ip("::1")};

    (void)state;
    if (udp_open(udp, &l) < 0) {
        print_message("skipped: no IPv6 on this machine\n");
        skip();
    }
    b = open_on(6, "::1");
    v4 = open_on(1, "127.0.0.1");
    assert_int_equal(send_to(5, &b, MESSAGE), 0);
    udp_flush(udp);
    read_all(6, 1, &g);
    assert_int_equal(g.n, 1);
    assert_int_equal(g.flow.remote.family, 6);
    assert_int_equal(send_to(5, &v4, MESSAGE), -EAFNOSUPPORT);
    assert_int_equal(send_to(9, &v4, MESSAGE), -ENOTCONN);
}

static void wildcard_socket_learns_and_uses_the_local_address(void **state)
{
    struct transport *t = udp_transport(udp);
    struct addr a, w;
    struct got g = {0}, back = {0};
    struct span via;
    char want[64];

    (void)state;
    a = open_on(1, "127.0.0.1");
    w = open_on(2, "0.0.0.0");
    memcpy(w.ip, "\x7f\0\0\x02", 4); /* 127.0.0.2, any of ours */
    send_to(1, &w, MESSAGE);
    udp_flush(udp);
    read_all(2, 1, &g);
    assert_true(addr_eq(&g.flow.local, &w));
    via = t->via(t, &g.flow);
    snprintf(want, sizeof(want), "SIP/2.0/UDP 127.0.0.2:%u", w.port);
    assert_int_equal(via.len, strlen(want));
    assert_memory_equal(via.p, want, via.len);
    assert_int_equal(t->send(t, &g.flow, MESSAGE, strlen(MESSAGE)), 0);
    udp_flush(udp);
    read_all(1, 1, &back);
    assert_true(addr_eq(&back.flow.remote, &w)); /* answered from where it was asked */
    assert_true(addr_eq(&back.flow.local, &a));
}

static void via_says_the_advertised_address(void **state)
{
    static const struct {
        const char *advertise, *want;
    } rows[] = {
        {"203.0.113.5", "SIP/2.0/UDP 203.0.113.5:%u"},
        {"sip.example.net:5099", "SIP/2.0/UDP sip.example.net:5099"},
        {"[2001:db8::5]", "SIP/2.0/UDP [2001:db8::5]:%u"},
        {"[2001:db8::5]:5061", "SIP/2.0/UDP [2001:db8::5]:5061"},
        {"", "SIP/2.0/UDP 127.0.0.1:%u"},
    };
    struct transport *t = udp_transport(udp);

    (void)state;
    for (uint16_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct udp_listener l = {
            .id = i, .bind = ip("127.0.0.1"), .advertise = span_of(rows[i].advertise)};
        struct flow f = {.listener = i};
        struct addr a;
        char want[128];
        struct span via;
        assert_int_equal(udp_open(udp, &l), 0);
        udp_local(udp, i, &a);
        const char *mark = strstr(rows[i].want, "%u");
        int n = mark ? snprintf(want, sizeof(want), "%.*s%u", (int)(mark - rows[i].want),
                                rows[i].want, a.port)
                     : snprintf(want, sizeof(want), "%s", rows[i].want);
        via = t->via(t, &f);
        assert_int_equal(via.len, n);
        assert_memory_equal(via.p, want, via.len);
    }
}

static void keepalives_and_noise_cost_nothing(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    send_to(1, &b, "\r\n\r\n");
    send_to(1, &b, "junk");
    send_to(1, &b, "");
    send_to(1, &b, MESSAGE);
    udp_flush(udp);
    read_all(2, 1, &g);
    assert_int_equal(g.n, 1);
    assert_int_equal(stat_get(&stats, STAT_udp_keepalive), 3);
    assert_int_equal(stat_get(&stats, STAT_sip_rx), 4);
}

static void dead_peer_disturbs_nobody(void **state)
{
    struct addr b, dead;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    dead = open_on(3, "127.0.0.1");
    udp_close(udp, 3);
    for (unsigned i = 0; i < 3; i++) {
        send_to(1, &dead, MESSAGE);
        send_to(1, &b, MESSAGE);
        assert_int_equal(udp_flush(udp), 0);
    }
    read_all(2, 3, &g);
    assert_int_equal(g.n, 3);
    assert_true(udp_recv(udp, 1, 10, take, &g) == 0);
}

static void datagram_the_kernel_refuses_is_given_up_alone(void **state)
{
    struct addr b, net;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    net = ip("255.255.255.255:5060"); /* broadcast without SO_BROADCAST: EACCES */
    send_to(1, &b, MESSAGE);
    send_to(1, &net, MESSAGE);
    send_to(1, &b, MESSAGE);
    assert_int_equal(udp_flush(udp), 0);
    read_all(2, 2, &g);
    assert_int_equal(g.n, 2);
    assert_int_equal(stat_get(&stats, STAT_udp_send_failed), 1);
}

static void large_datagrams_pass_and_too_large_ones_are_refused(void **state)
{
    struct transport *t = udp_transport(udp);
    struct flow f = {.listener = 1};
    struct got g = {0};
    char *big = malloc(70000);

    (void)state;
    memset(big, 'x', 70000);
    open_on(1, "127.0.0.1");
    f.remote = open_on(2, "127.0.0.1");
    assert_int_equal(t->send(t, &f, big, 60000), 0);
    assert_int_equal(t->send(t, &f, big, 70000), -EMSGSIZE);
    udp_flush(udp);
    read_all(2, 1, &g);
    assert_int_equal(g.bytes, 60000);
    free(big);
}

static void queue_is_flushed_when_full_and_keeps_its_bounds(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(send_to(1, &b, MESSAGE), 0);
    assert_true(stat_get(&stats, STAT_sip_tx) >= 4096); /* gone before the flush */
    assert_int_equal(udp_flush(udp), 0);
    assert_int_equal(stat_get(&stats, STAT_sip_tx), 5000);
    read_all(2, 4000, &g);
    assert_int_equal(g.n + stat_get(&stats, STAT_udp_overflow) > 0, 1);
}

struct order {
    unsigned next;
    bool broken;
};

static void check_order(void *arg, const struct udp_dgram *d)
{
    struct order *o = arg;
    unsigned n = (unsigned)strtoul(d->data + 16, NULL, 10);

    o->broken = o->broken || n != o->next;
    o->next = n + 1;
}

static void full_socket_keeps_the_rest_in_order(void **state)
{
    struct addr b;
    struct order o = {0};
    char text[64];

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    send_budget = 10;
    for (unsigned i = 0; i < 100; i++) {
        if (i == 50)
            assert_int_equal(udp_flush(udp), 40);
        snprintf(text, sizeof(text), "0123456789abcdef%03u", i);
        assert_int_equal(send_to(1, &b, text), 0);
    }
    assert_int_equal(udp_flush(udp), 90);
    assert_int_equal(stat_get(&stats, STAT_udp_blocked), 2);
    send_budget = UINT32_MAX;
    assert_int_equal(udp_flush(udp), 0);
    assert_int_equal(udp_recv(udp, 2, 1000, check_order, &o), 100);
    assert_int_equal(o.next, 100);
    assert_false(o.broken);
}

static void queue_of_a_full_socket_is_bounded(void **state)
{
    struct addr b;

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    send_budget = 0;
    send_error = ENOBUFS;
    for (unsigned i = 0; i < 5000; i++)
        assert_int_equal(send_to(1, &b, MESSAGE), 0);
    assert_int_equal(stat_get(&stats, STAT_udp_dropped), 5000 - 4096);
    assert_int_equal(udp_flush(udp), 4096);
}

static void truncated_datagram_is_counted_and_left_out(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    send_to(1, &b, MESSAGE);
    send_to(1, &b, MESSAGE);
    udp_flush(udp);
    truncate_next = true;
    read_all(2, 1, &g);
    assert_int_equal(g.n, 1);
    assert_int_equal(stat_get(&stats, STAT_udp_truncated), 1);
}

static void icmp_error_is_counted_and_reading_goes_on(void **state)
{
    struct addr b;
    struct got g = {0};

    (void)state;
    open_on(1, "127.0.0.1");
    b = open_on(2, "127.0.0.1");
    send_to(1, &b, MESSAGE);
    udp_flush(udp);
    recv_error = ECONNREFUSED;
    read_all(2, 1, &g);
    assert_int_equal(g.n, 1);
    assert_int_equal(stat_get(&stats, STAT_udp_refused), 1);
    recv_error = EBADF;
    assert_int_equal(udp_recv(udp, 2, 1, take, &g), -EBADF);
}

static void sockets_of_two_workers_share_a_listener(void **state)
{
    struct udp *other = udp_new(&stats);
    struct addr a = open_on(1, "127.0.0.1");
    const struct udp_listener same = {.id = 1, .bind = a};

    (void)state;
    assert_int_equal(udp_open(other, &same), 0);
    assert_int_equal(udp_open(other, &same), -EEXIST);
    udp_close(other, 1);
    assert_int_equal(udp_fd(other, 1), -1);
    udp_free(other);
}

static void a_listener_that_another_process_has_is_not_free(void **state)
{
    struct udp_listener l = {.id = 1};

    (void)state;
    l.bind = open_on(1, "127.0.0.1");
    assert_int_equal(udp_is_free(&l), -EADDRINUSE);
    udp_close(udp, 1);
    assert_int_equal(udp_is_free(&l), 0);
}

static void bad_listeners_are_errors(void **state)
{
    struct udp_listener l = {.id = 1, .bind = ip("192.0.2.99:5060")};

    (void)state;
    assert_int_equal(udp_open(udp, &l), -EADDRNOTAVAIL);
    l = (struct udp_listener){.id = 1};
    assert_int_equal(udp_open(udp, &l), -EINVAL);
    l = (struct udp_listener){.id = 1000, .bind = ip("127.0.0.1")};
    assert_int_equal(udp_open(udp, &l), -EINVAL);
    l = (struct udp_listener){.id = 1, .bind = ip("127.0.0.1"), .device = "none0"};
    assert_true(udp_open(udp, &l) < 0);
    assert_int_equal(udp_fd(udp, 1), -1);
    assert_int_equal(udp_recv(udp, 1, 1, take, NULL), -ENOENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* Loopback keeps the order of what one processor sends: the queue of each is its own. */
static void stay_on_one_processor(void)
{
    int cpu = sched_getcpu();
    cpu_set_t one;

    CPU_ZERO(&one);
    if (cpu >= 0 && cpu < CPU_SETSIZE)
        CPU_SET((size_t)cpu, &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nothing_leaves_before_the_flush),
        T(flow_and_kernel_time_come_with_each_datagram),
        T(hundreds_go_through_in_order_of_batches),
        T(receive_is_bounded),
        T(ipv6_works_and_families_do_not_mix),
        T(wildcard_socket_learns_and_uses_the_local_address),
        T(via_says_the_advertised_address),
        T(keepalives_and_noise_cost_nothing),
        T(dead_peer_disturbs_nobody),
        T(datagram_the_kernel_refuses_is_given_up_alone),
        T(large_datagrams_pass_and_too_large_ones_are_refused),
        T(queue_is_flushed_when_full_and_keeps_its_bounds),
        T(full_socket_keeps_the_rest_in_order),
        T(queue_of_a_full_socket_is_bounded),
        T(truncated_datagram_is_counted_and_left_out),
        T(icmp_error_is_counted_and_reading_goes_on),
        T(sockets_of_two_workers_share_a_listener),
        T(a_listener_that_another_process_has_is_not_free),
        T(bad_listeners_are_errors),
    };

    stay_on_one_processor();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
