/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The steered form in a network namespace of its own: sockets by hand instead of sk_lookup, frames seen by a packet socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/log.h"
#include "relay/flow.h"
#include "relay/kernel.h"
#include "relay/lines.h"

#define LO_MTU 1400
#define WAIT   2000 /* ms */

static struct kernel *kernel;
static struct io_thread *io;
static struct flow_totals totals;
static struct io_batch batch;
static struct endpoint ep;
static int epoll;

static struct addr addr(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
    return a;
}

static struct addr name_of(int fd)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct addr a;

    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &a), 0);
    return a;
}

static int udp(const char *text)
{
    struct addr a = addr(text);
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(&a, &ss);
    int fd = socket(a.family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
    return fd;
}

static void send_to(int fd, const struct addr *to, uint8_t value, size_t len)
{
    uint8_t b[4096];
    struct sockaddr_storage ss;
    socklen_t n = addr_to_sockaddr(to, &ss);

    memset(b, value, sizeof(b));
    assert_int_equal(sendto(fd, b, len, 0, (struct sockaddr *)&ss, n), len);
}

static void recv_is(int fd, const struct addr *from, uint8_t value, ssize_t len)
{
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    struct sockaddr_storage ss;
    socklen_t n = sizeof(ss);
    uint8_t b[4096];
    struct addr a;

    assert_int_equal(poll(&pf, 1, WAIT), 1);
    assert_int_equal(recvfrom(fd, b, sizeof(b), 0, (struct sockaddr *)&ss, &n), len);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &a), 0);
    assert_true(addr_eq(&a, from));
    assert_int_equal(b[0], value);
    assert_int_equal(b[len - 1], value);
}

/* All that is readable now. */
static void receive(void)
{
    struct epoll_event ev[4];
    int n = epoll_wait(epoll, ev, 4, WAIT);

    for (int i = 0; i < n; i++)
        io_steer.recv(io, ev[i].data.ptr, &batch);
}

static struct flow flow_at(const char *local)
{
    return (struct flow){.ep = &ep, .fd = -1, .local = addr(local)};
}

static bool send_one(struct flow *f, const struct addr *dst, uint8_t value, uint32_t len)
{
    static struct io_batch own;
    struct io_out out;
    struct io_packet *p;

    if (!own.rooms)
        assert_int_equal(io_batch_init(&own), 0);
    p = io_batch_next(&own);
    memset(p->data, value, len);
    p->len = len;
    out = (struct io_out){.packet = p, .to = f, .dst = dst};
    io_steer.send(io, &out, 1);
    return out.is_sent;
}

/* ---- in -------------------------------------------------------------------------------------------------------- */

static void comes_in(unsigned sock, const char *party_at)
{
    struct flow f = {.ep = &ep, .fd = -1, .local = name_of(kernel->sock_fds[sock])};
    int party = udp(party_at);
    struct addr from = name_of(party);

    io_steer.add(io, &f);
    for (uint8_t i = 0; i < 10; i++)
        send_to(party, &f.local, i, 172U + i);
    send_to(party, &f.local, 10, IO_BUFFER + 1);
    for (unsigned i = 0; i < 11 && batch.n < 11; i++)
        receive();
    assert_int_equal(batch.n, 11);
    for (unsigned i = 0; i < 10; i++) {
        assert_ptr_equal(batch.packet[i].flow, &f);
        assert_true(addr_eq(&batch.packet[i].from, &from));
        assert_int_equal(batch.packet[i].len, 172 + i);
        assert_int_equal(batch.packet[i].data[0], i);
    }
    assert_int_equal(batch.packet[10].len, IO_BUFFER + 1);
    batch.n = 0;
    io_steer.del(io, &f);
    send_to(party, &f.local, 1, 172);
    totals.strangers = 0;
    receive();
    assert_int_equal(batch.n, 0);
    assert_int_equal(totals.strangers, 1);
    close(party);
}

static void packets_find_their_flow_by_where_they_were_sent(void **state)
{
    (void)state;
    comes_in(0, "127.0.0.9:40000");
}

static void packets_find_their_flow_by_where_they_were_sent_ipv6(void **state)
{
    (void)state;
    comes_in(THREADS_MAX_BPF, "[::1]:40000");
}

static void buffers_are_not_shared_after_packets_of_nobody(void **state)
{
    struct flow f4 = {.ep = &ep, .fd = -1, .local = name_of(kernel->sock_fds[0])};
    struct addr nobody = name_of(kernel->sock_fds[THREADS_MAX_BPF]);
    int four = udp("127.0.0.9:40000"), six = udp("[::1]:40000");
    unsigned shared = 0;

    (void)state;
    io_steer.add(io, &f4);
    for (unsigned turn = 0; turn < 4; turn++) {
        for (uint8_t i = 0; i < 5; i++) {
            send_to(six, &nobody, 99, 100);
            send_to(four, &f4.local, i, 172);
        }
        receive();
    }
    assert_int_equal(batch.n, 20);
    for (unsigned i = 0; i < IO_BATCH; i++) {
        if (i < 20)
            assert_int_equal(batch.packet[i].data[0], i % 5);
        for (unsigned k = 0; k < i; k++)
            shared += batch.packet[i].room == batch.packet[k].room;
    }
    assert_int_equal(shared, 0);
    batch.n = 0;
    io_steer.del(io, &f4);
    close(four);
    close(six);
}

static void what_the_socket_loses_is_counted(void **state)
{
    struct flow f = {.ep = &ep, .fd = -1, .local = name_of(kernel->sock_fds[0])};
    int party = udp("127.0.0.9:40000");
    int size = 60000; /* room for some 150 */
    unsigned got = 0;

    (void)state;
    io_steer.add(io, &f);
    setsockopt(kernel->sock_fds[0], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    for (unsigned i = 0; i < 400; i++)
        send_to(party, &f.local, 1, 172);
    do {
        batch.n = 0;
        receive();
        got += batch.n;
    } while (batch.n > 0);
    assert_in_range(got, IO_BATCH + 1, 300);
    assert_int_equal(totals.overflows, 400 - got);
    io_steer.del(io, &f);
    close(party);
}

/* ---- out ------------------------------------------------------------------------------------------------------- */

static void without_a_hop_the_kernel_routes(void **state)
{
    static const char *const way[][2] = {{"127.0.0.7:20002", "127.0.0.9:40000"},
                                         {"[::1]:20002", "[::1]:40000"}};

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct flow f = flow_at(way[i][0]);
        struct addr to = addr(way[i][1]);
        int party = udp(way[i][1]);

        assert_true(send_one(&f, &to, 7, 172));
        recv_is(party, &f.local, 7, 172);
        close(party);
    }
}

static void what_is_too_long_goes_in_fragments(void **state)
{
    static const char *const way[][2] = {{"127.0.0.7:20002", "127.0.0.9:40000"},
                                         {"[::1]:20002", "[::1]:40000"}};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct hop hop = {.ifindex = 1, .mtu = LO_MTU};
        struct flow f = flow_at(way[i % 2][0]);
        struct addr to = addr(way[i % 2][1]);
        int party = udp(way[i % 2][1]);

        /* with and without a hop */
        kernel_hop_write(kernel, 1, &hop);
        f.hop = i < 2 ? 1 : HOP_NONE;
        f.hop_dst = to;
        assert_true(send_one(&f, &to, 7, 2000));
        recv_is(party, &f.local, 7, 2000);
        close(party);
    }
}

static void goes_as_a_frame(const char *local, const char *dst, const struct hop *hop)
{
    struct sockaddr_ll name = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
    struct pollfd pf = {.fd = fd, .events = POLLIN};
    struct flow f = flow_at(local);
    struct addr to = addr(dst);
    unsigned eth = hop->vlan ? 18 : 14;
    uint32_t len = eth + (to.family == 6 ? 48U : 28U) + 172U;
    uint8_t b[4096];

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof(name)), 0);
    kernel_hop_write(kernel, 1, hop);
    f.hop = 1;
    f.hop_dst = to;
    f.hop_dst.port = 1;
    assert_true(send_one(&f, &to, 7, 172));
    assert_int_equal(poll(&pf, 1, WAIT), 1);
    assert_int_equal(recv(fd, b, sizeof(b), 0), len);
    assert_memory_equal(b, hop->dmac, 6);
    assert_memory_equal(b + 6, hop->smac, 6);
    if (hop->vlan)
        assert_memory_equal(b + 14, &hop->vlan, 2);
    assert_int_equal(b[eth] >> 4, to.family);
    assert_int_equal(b[len - 1], 7);
    close(fd);
}

static void with_a_hop_the_frame_is_made_here(void **state)
{
    struct hop hop = {
        .ifindex = 1, .mtu = 1400, .dmac = {2, 0, 0, 0, 0, 1}, .smac = {2, 0, 0, 0, 0, 2}};

    (void)state;
    goes_as_a_frame("192.0.2.1:20000", "198.51.100.7:40000", &hop);
    goes_as_a_frame("[2001:db8::1]:20000", "[2001:db8::2]:40000", &hop);
    hop.vlan = htons(42);
    goes_as_a_frame("192.0.2.1:20000", "198.51.100.7:40000", &hop);
    goes_as_a_frame("[2001:db8::1]:20000", "[2001:db8::2]:40000", &hop);
}

static void a_hop_of_another_destination_or_none_now_is_not_used(void **state)
{
    struct hop hop = {.ifindex = 1, .mtu = 1400};
    struct flow f = flow_at("127.0.0.7:20002");
    struct addr to = addr("127.0.0.9:40000");
    int party = udp("127.0.0.9:40000");

    (void)state;
    kernel_hop_write(kernel, 1, &hop);
    f.hop = 1;
    f.hop_dst = addr("127.0.0.8:40000");
    assert_true(send_one(&f, &to, 7, 172));
    recv_is(party, &f.local, 7, 172);
    hop.ifindex = 0;
    kernel_hop_write(kernel, 1, &hop);
    f.hop_dst = to;
    assert_true(send_one(&f, &to, 8, 172));
    recv_is(party, &f.local, 8, 172);
    close(party);
}

static void an_interface_that_is_gone_leaves_it_to_the_kernel(void **state)
{
    struct hop hop = {.ifindex = 4711, .mtu = 1400};
    struct flow f = flow_at("127.0.0.7:20002");
    struct addr to = addr("127.0.0.9:40000");
    int party = udp("127.0.0.9:40000");

    (void)state;
    kernel_hop_write(kernel, 1, &hop);
    f.hop = 1;
    f.hop_dst = to;
    assert_true(send_one(&f, &to, 7, 172));
    recv_is(party, &f.local, 7, 172);
    close(party);
}

static void what_has_no_way_is_not_sent(void **state)
{
    struct flow f = flow_at("192.0.2.1:20002");
    struct addr to = addr("198.51.100.1:40000");

    (void)state;
    assert_false(send_one(&f, &to, 7, 172));
}

static void a_batch_keeps_its_order_and_tells_which_was_sent(void **state)
{
    struct flow f = flow_at("127.0.0.7:20002"), lost = flow_at("192.0.2.1:20002");
    struct addr to = addr("127.0.0.9:40000"), nowhere = addr("198.51.100.1:40000");
    struct io_out out[IO_BATCH];
    struct io_batch b;
    int party = udp("127.0.0.9:40000");

    (void)state;
    assert_int_equal(io_batch_init(&b), 0);
    for (unsigned i = 0; i < IO_BATCH; i++) {
        struct io_packet *p = io_batch_next(&b);

        b.n++;
        p->len = 172;
        memset(p->data, (int)i, 172);
        out[i] = i % 8 == 3 ? (struct io_out){.packet = p, .to = &lost, .dst = &nowhere}
                            : (struct io_out){.packet = p, .to = &f, .dst = &to};
    }
    io_steer.send(io, out, IO_BATCH);
    for (unsigned i = 0; i < IO_BATCH; i++) {
        assert_int_equal(out[i].is_sent, i % 8 != 3);
        if (out[i].is_sent)
            recv_is(party, &f.local, (uint8_t)i, 172);
    }
    io_batch_fini(&b);
    close(party);
}

/* ---- ports that have a socket ---------------------------------------------------------------------------------- */

static void a_port_without_a_line_has_a_socket(void **state)
{
    struct io_open p = {.local = addr("127.0.0.7:20010"), .device = ""};
    struct flow f = flow_at("127.0.0.7:20010");
    struct addr to = addr("127.0.0.9:40000");
    int party = udp("127.0.0.9:40000");
    int fd[2];

    (void)state;
    assert_int_equal(io_steer.open(&p, fd), 0);
    assert_true(fd[0] >= 0 && fd[1] >= 0);
    f.fd = fd[0];
    io_steer.add(io, &f);
    send_to(party, &f.local, 5, 172);
    receive();
    assert_int_equal(batch.n, 1);
    assert_ptr_equal(batch.packet[0].flow, &f);
    batch.n = 0;
    assert_true(send_one(&f, &to, 6, 172));
    recv_is(party, &f.local, 6, 172);
    io_steer.del(io, &f);
    io_steer.close(fd);
    p.is_steered = true;
    assert_int_equal(io_steer.open(&p, fd), 0);
    assert_int_equal(fd[0], -1);
    io_steer.close(fd);
    close(party);
}

/* ---- lines ----------------------------------------------------------------------------------------------------- */

static void a_line_is_on_while_its_flow_is(void **state)
{
    struct flow f = flow_at("127.0.0.7:20001");
    struct addr sdp = addr("127.0.0.9:40000"), other = addr("127.0.0.9:40001");
    struct line *l;

    (void)state;
    assert_int_equal(kernel_range_set(kernel, &f.local, 20000, 20009, true), 0);
    l = kernel_line(kernel, &f.local);
    assert_non_null(l);
    f.line = l;
    f.is_rtcp = true;
    latch_init(&f.latch, MEDIA_LATCH_LEARN_ONCE, &sdp, 1);
    io_steer.add(io, &f);
    assert_int_equal(l->state, LINE_STEER);
    assert_int_equal(l->thread, 0);
    assert_int_equal(l->flags, LINE_RTCP);
    assert_int_equal(latch_check(&f.latch, &sdp, 2), LATCH_LEARNED);
    lines_check(&f);
    assert_int_equal(l->flags, LINE_RTCP | LINE_CHECK);
    assert_int_equal(l->from_port, htons(40000));
    assert_memory_equal(&l->from_ip, sdp.ip, 4);
    latch_relearn(&f.latch, 3);
    lines_check(&f);
    assert_int_equal(l->flags, LINE_RTCP);
    /* from elsewhere: the SDP's own address may still take over */
    assert_int_equal(latch_check(&f.latch, &other, 4), LATCH_LEARNED);
    lines_check(&f);
    assert_int_equal(l->flags, LINE_RTCP);
    latch_set_policy(&f.latch, MEDIA_LATCH_SDP_ONLY);
    lines_check(&f);
    assert_int_equal(l->flags, LINE_RTCP | LINE_CHECK);
    assert_int_equal(l->from_port, htons(40000));
    latch_set_policy(&f.latch, MEDIA_LATCH_FOLLOW);
    lines_check(&f);
    assert_int_equal(l->flags, LINE_RTCP);
    l->strangers = 3;
    memset(&ep.n, 0, sizeof(ep.n));
    io_steer.del(io, &f);
    assert_int_equal(l->state, LINE_OFF);
    assert_int_equal(ep.n.strangers, 3);
    assert_null(f.line);
    lines_off(&f);
    assert_int_equal(ep.n.strangers, 3);
}

/* ---- own namespace --------------------------------------------------------------------------------------------- */

static bool has_namespace(void)
{
    struct ifreq r = {.ifr_name = "lo"};
    int fd;

    if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        return false;
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    r.ifr_mtu = LO_MTU;
    if (fd < 0 || ioctl(fd, SIOCSIFMTU, &r) < 0)
        return false;
    r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK;
    if (ioctl(fd, SIOCSIFFLAGS, &r) < 0)
        return false;
    close(fd);
    return true;
}

static int setup(void **state)
{
    struct io_thread_param p = {.totals = &totals};

    (void)state;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    kernel = kernel_new_memory(64);
    p.epoll = epoll;
    p.kernel = kernel;
    memset(&totals, 0, sizeof(totals));
    return kernel && io_batch_init(&batch) == 0 ? io_steer.thread_new(&p, &io) : -1;
}

static int teardown(void **state)
{
    (void)state;
    io_steer.thread_free(io);
    io_batch_fini(&batch);
    kernel_free(kernel);
    close(epoll);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(packets_find_their_flow_by_where_they_were_sent),
        TEST(packets_find_their_flow_by_where_they_were_sent_ipv6),
        TEST(buffers_are_not_shared_after_packets_of_nobody),
        TEST(what_the_socket_loses_is_counted),
        TEST(without_a_hop_the_kernel_routes),
        TEST(what_is_too_long_goes_in_fragments),
        TEST(with_a_hop_the_frame_is_made_here),
        TEST(a_hop_of_another_destination_or_none_now_is_not_used),
        TEST(an_interface_that_is_gone_leaves_it_to_the_kernel),
        TEST(what_has_no_way_is_not_sent),
        TEST(a_batch_keeps_its_order_and_tells_which_was_sent),
        TEST(a_port_without_a_line_has_a_socket),
        TEST(a_line_is_on_while_its_flow_is),
    };

    log_set_level(LOG_ERROR);
    if (!has_namespace()) {
        printf("1..0 # SKIP no network namespace of its own: unshare: %s\n", strerror(errno));
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
