/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All sockets of a configuration behind one transport: Via of each, who sends what, TCP for large requests and when not.
 */
#include "conn_rig.h"
#include "sip/net.h"

static struct rig rig;
static struct net *net;
static struct stats stats;
static unsigned crossed, unsent;
static unsigned crossed_to;

static int on_cross(void *arg, unsigned worker, const struct flow *f, const char *buf, size_t len)
{
    (void)arg;
    (void)f;
    (void)buf;
    (void)len;
    crossed++;
    crossed_to = worker;
    return 0;
}

static void on_unsent(void *arg, const char *buf, size_t len, const struct flow *flow)
{
    (void)arg;
    (void)buf;
    (void)len;
    (void)flow;
    unsent++;
}

/* A port that nobody has: the kernel's choice, given back. */
static struct addr free_port(void)
{
    struct conn_listener l = {.proto = PROTO_TCP};
    struct addr a;
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sin, &a), 0);
    close(fd);
    l.bind = a;
    assert_int_equal(conns_is_free(&l), 0);
    return a;
}

/* Listen 0: UDP and TCP at one address, advertised as another; listen 1: UDP alone. */
static struct conf *configuration(void)
{
    static struct conf_addr udp[2], tcp[1], advertise[1];
    static struct conf_realm realm[2];
    static struct conf_listen listen_conf[2];
    static struct conf conf;

    memset(&conf, 0, sizeof(conf));
    memset(realm, 0, sizeof(realm));
    memset(listen_conf, 0, sizeof(listen_conf));
    udp[0].addr = tcp[0].addr = free_port();
    udp[1].addr = free_port();
    assert_int_equal(addr_parse_ip(span_of("192.0.2.9"), &advertise[0].addr), 0);
    realm[0].advertise.v = advertise;
    realm[0].advertise.n = 1;
    for (unsigned i = 0; i < 2; i++) {
        listen_conf[i].name = "x";
        listen_conf[i].realm.id = i;
        listen_conf[i].udp.v = &udp[i];
        listen_conf[i].udp.n = 1;
        listen_conf[i].connections = listen_conf[i].per_source = 8;
    }
    listen_conf[0].tcp.v = tcp;
    listen_conf[0].tcp.n = 1;
    conf.realm.v = realm;
    conf.realm.n = 2;
    conf.listen.v = listen_conf;
    conf.listen.n = 2;
    return &conf;
}

static int setup(void **state)
{
    struct net_param np = {.conns = {.timers = NULL,
                                     .clock = &rig.clock,
                                     .stats = &stats,
                                     .worker = 2,
                                     .workers = 4,
                                     .recv = rig_recv,
                                     .broken = rig_broken,
                                     .unsent = on_unsent,
                                     .source = rig_source,
                                     .name = rig_name,
                                     .arg = &rig.a},
                           .cross = on_cross};

    (void)state;
    rig_init(&rig);
    np.conns.base = rig.base;
    np.conns.timers = rig.timers;
    net = net_new(&np);
    assert_non_null(net);
    assert_int_equal(net_open(net, configuration(), true), 0);
    crossed = unsent = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    net_free(net);
    rig_fini(&rig);
    return 0;
}

static void vias_name_the_transport_and_the_advertised_address(void **state)
{
    struct transport *t = net_transport(net);
    struct flow f = {.listener = 0};
    struct addr local;
    char want[80];

    (void)state;
    assert_int_equal(udp_local(net_udp(net), 0, &local), 0);
    snprintf(want, sizeof(want), "SIP/2.0/UDP 192.0.2.9:%u", local.port);
    assert_true(span_eq(t->via(t, &f), span_of(want)));
    f = (struct flow){.listener = 1, .proto = PROTO_TCP};
    snprintf(want, sizeof(want), "SIP/2.0/TCP 192.0.2.9:%u", local.port);
    assert_true(span_eq(t->via(t, &f), span_of(want)));
}

static void large_requests_go_by_tcp_of_the_same_listen_until_it_fails(void **state)
{
    struct transport *t = net_transport(net);
    struct flow udp = {.listener = 0}, tcp, other = {.listener = 2};

    (void)state;
    udp.remote = free_port(); /* nobody listens there */
    udp.owner = 1;
    assert_int_equal(t->by_tcp(t, &other, &tcp), -ENOTCONN); /* no TCP in that listen */
    assert_int_equal(t->by_tcp(t, &udp, &tcp), 0);
    assert_int_equal(tcp.listener, 1);
    assert_int_equal(tcp.proto, PROTO_TCP);
    assert_true(addr_eq(&tcp.remote, &udp.remote));
    assert_int_equal(t->by_tcp(t, &tcp, &other), -ENOTCONN);
    assert_int_equal(t->send(t, &tcp, RIG_MSG, sizeof(RIG_MSG) - 1), 0);
    for (unsigned i = 0; i < 1000 && unsent == 0; i++) {
        event_base_loop(rig.base, EVLOOP_NONBLOCK);
        conns_turn(net_conns(net));
    }
    assert_int_equal(unsent, 1);
    assert_int_equal(t->by_tcp(t, &udp, &tcp), -ENOTCONN);
    clock_advance(&rig.clock, NET_NO_TCP_MS - 1);
    assert_int_equal(t->by_tcp(t, &udp, &tcp), -ENOTCONN);
    clock_advance(&rig.clock, 1);
    assert_int_equal(t->by_tcp(t, &udp, &tcp), 0);
}

static void a_flow_of_another_workers_connection_goes_there(void **state)
{
    struct transport *t = net_transport(net);
    struct flow f = {.listener = 1, .proto = PROTO_TCP, .conn = (uint64_t)3 << 56 | 17};

    (void)state;
    assert_int_equal(t->send(t, &f, RIG_MSG, sizeof(RIG_MSG) - 1), 0);
    assert_int_equal(crossed, 1);
    assert_int_equal(crossed_to, 3);
    f.remote = free_port();
    rig.a.source = CONN_REFUSE;
    net_send_here(net, &f, RIG_MSG, sizeof(RIG_MSG) - 1); /* come to us, gone, and nobody's */
    assert_int_equal(unsent, 1);
    assert_false(t->peer_is(t, &f, "a.example"));
}

static void the_first_worker_sees_that_an_address_is_taken(void **state)
{
    struct net_param np = {
        .conns = {.base = rig.base, .timers = rig.timers, .clock = &rig.clock, .stats = &stats},
        .cross = on_cross};
    struct net *second = net_new(&np), *third = net_new(&np);
    struct conf *conf = configuration();

    (void)state;
    assert_int_equal(net_open(second, conf, true), 0);
    assert_int_equal(net_open(third, conf, true), -EADDRINUSE);
    net_free(third);
    third = net_new(&np);
    assert_int_equal(net_open(third, conf, false), 0); /* another worker */
    net_configure(third, conf, NULL);
    net_free(third);
    net_free(second);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(vias_name_the_transport_and_the_advertised_address),
        T(large_requests_go_by_tcp_of_the_same_listen_until_it_fails),
        T(a_flow_of_another_workers_connection_goes_there),
        T(the_first_worker_sees_that_an_address_is_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
