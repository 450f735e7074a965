/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections over loopback: opened, reused, lost, watched, limited. Time by hand.
 */
#include "conn_rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig);
    rig_listen(&rig.a, PROTO_TCP, 100, 4);
    rig_listen(&rig.b, PROTO_TCP, 100, 4);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static uint64_t stat_b(enum stat_id id)
{
    return stat_get(&rig.b.stats, id);
}

static void a_message_crosses_and_its_answer_takes_the_same_connection(void **state)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TCP);

    (void)state;
    rig.b.answer = true;
    assert_int_equal(rig_send(&rig.a, &f), 0);
    assert_int_equal(rig_send(&rig.a, &f), 0); /* waits for the same connect */
    RIG_UNTIL(&rig, rig.a.got == 2);
    assert_string_equal(rig.b.last, RIG_MSG);
    assert_int_equal(conn_worker(rig.b.flow.conn), 2);
    assert_int_equal(conn_worker(rig.a.flow.conn), 1);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    RIG_UNTIL(&rig, rig.a.got == 3);
    assert_int_equal(stat_get(&rig.a.stats, STAT_conn_connects), 1);
    assert_int_equal(stat_b(STAT_conn_accepted), 1);
    assert_int_equal(conns_count(rig.b.conns, 3), 1);
    assert_int_equal(conns_total(rig.a.conns), 1);
    assert_int_equal(stat_b(STAT_sip_rx), 3);
    assert_int_equal(stat_b(STAT_sip_tx), 3);
}

static void a_refused_connection_gives_its_messages_back(void **state)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TCP);

    (void)state;
    conns_free(rig.b.conns);
    rig_end_init(&rig, &rig.b, 2);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    assert_int_equal(rig.a.unsent, 0); /* never from within */
    RIG_UNTIL(&rig, rig.a.unsent == 1);
    assert_string_equal(rig.a.back, RIG_MSG);
    assert_int_equal(rig.a.failed, 1);
    assert_int_equal(conns_total(rig.a.conns), 0);
    assert_int_equal(stat_get(&rig.a.stats, STAT_conn_connect_failed), 1);
}

static void a_connect_that_is_not_answered_ends_in_time(void **state)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TCP);
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(sin);
    int fd = socket(AF_INET, SOCK_STREAM, 0), one, two;

    (void)state;
    /* a backlog that is full: the kernel drops what else comes */
    assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
    assert_int_equal(listen(fd, 0), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
    f.remote.port = ntohs(sin.sin_port);
    one = rig_connect(&f.remote);
    two = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)connect(two, (struct sockaddr *)&sin, len);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    rig_turns(&rig, 5);
    assert_int_equal(rig.a.unsent, 0);
    rig_wait(&rig, CONN_CONNECT_MS - 1);
    assert_int_equal(rig.a.unsent, 0);
    rig_wait(&rig, 500);
    assert_int_equal(rig.a.unsent, 1);
    assert_int_equal(rig.a.failed, 1);
    close(one);
    close(two);
    close(fd);
}

static void a_flow_whose_connection_has_gone_gets_a_new_one(void **state)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TCP), back;

    (void)state;
    assert_int_equal(rig_send(&rig.a, &f), 0);
    RIG_UNTIL(&rig, rig.b.got == 1);
    back = rig.b.flow;
    rig_wait(&rig, 660000); /* both give it up */
    assert_int_equal(conns_total(rig.b.conns), 0);
    back.remote = rig.a.local; /* as flow_of_response has it */
    assert_int_equal(rig_send(&rig.b, &back), 0);
    RIG_UNTIL(&rig, rig.a.got == 1);
    assert_int_equal(stat_b(STAT_conn_closed_idle), 1);
    assert_int_equal(stat_b(STAT_conn_connects), 1);
}

static void nobody_makes_us_connect_but_those_we_know(void **state)
{
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TCP);

    (void)state;
    f.owner = 0;
    rig.a.source = CONN_REFUSE;
    assert_int_equal(rig_send(&rig.a, &f), -ENOTCONN);
    rig.a.source = CONN_KNOWN;
    assert_int_equal(rig_send(&rig.a, &f), 0);
    f.listener = 4;
    assert_int_equal(rig_send(&rig.a, &f), -ENOTCONN);
    f.listener = 3;
    f.proto = PROTO_TLS;
    assert_int_equal(rig_send(&rig.a, &f), -ENOTCONN);
    f.proto = PROTO_TCP;
    assert_int_equal(addr_parse(span_of("[::1]:5060"), 0, &f.remote), 0);
    assert_int_equal(rig_send(&rig.a, &f), -EAFNOSUPPORT);
}

static void a_slow_sender_is_closed_and_a_ping_between_does_not_help(void **state)
{
    int fd = rig_connect(&rig.b.local);

    (void)state;
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 1);
    assert_int_equal(send(fd, RIG_MSG "OPTIO", sizeof(RIG_MSG) + 4, 0), sizeof(RIG_MSG) + 4);
    RIG_UNTIL(&rig, rig.b.got == 1);
    rig_wait(&rig, CONN_SLOW_MS - 1000);
    assert_int_equal(send(fd, "NS", 2, 0), 2);
    rig_turns(&rig, 5);
    assert_int_equal(conns_total(rig.b.conns), 1);
    rig_wait(&rig, 2000);
    assert_int_equal(conns_total(rig.b.conns), 0);
    assert_int_equal(stat_b(STAT_conn_closed_slow), 1);
    RIG_UNTIL(&rig, rig_is_closed(fd));
    close(fd);
}

static void keep_alives_keep_a_connection(void **state)
{
    int fd = rig_connect(&rig.b.local);
    char buf[8];

    (void)state;
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 1);
    for (unsigned i = 0; i < 4; i++) {
        rig_wait(&rig, 300000);
        assert_int_equal(send(fd, "\r\n\r\n", 4, 0), 4);
        RIG_UNTIL(&rig, stat_b(STAT_conn_pinged) == i + 1);
        rig_turns(&rig, 3);
        assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
        assert_memory_equal(buf, "\r\n", 2);
    }
    rig_wait(&rig, 660000);
    assert_int_equal(conns_total(rig.b.conns), 0);
    close(fd);
}

static void a_peer_that_has_ponged_once_must_pong_again(void **state)
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct flow f = rig_flow(&rig.a, &rig.b, PROTO_TCP);
    int fd = socket(AF_INET, SOCK_STREAM, 0), peer;
    socklen_t len = sizeof(sin);
    char buf[256];

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&sin, len), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
    f.remote.port = ntohs(sin.sin_port);
    assert_int_equal(rig_send(&rig.a, &f), 0);
    rig_turns(&rig, 5);
    peer = accept(fd, NULL, NULL);
    assert_true(peer >= 0);
    rig_turns(&rig, 5);
    assert_int_equal(recv(peer, buf, sizeof(buf), 0), sizeof(RIG_MSG) - 1);

    rig_wait(&rig, CONN_PING_MS + 500); /* a ping; nobody says whether this peer knows them */
    assert_int_equal(recv(peer, buf, sizeof(buf), 0), 4);
    rig_wait(&rig, CONN_PONG_MS + 3000);
    assert_int_equal(conns_total(rig.a.conns), 1);
    assert_int_equal(send(peer, "\r\n", 2, 0), 2);
    RIG_UNTIL(&rig, stat_get(&rig.a.stats, STAT_conn_pongs) == 1);

    rig_wait(&rig, CONN_PING_MS + 500);
    assert_int_equal(recv(peer, buf, sizeof(buf), 0), 4);
    rig_wait(&rig, CONN_PONG_MS + 3000);
    assert_int_equal(conns_total(rig.a.conns), 0);
    assert_int_equal(stat_get(&rig.a.stats, STAT_conn_closed_no_pong), 1);
    close(peer);
    close(fd);
}

static void a_peer_that_does_not_read_is_closed_at_the_bound(void **state)
{
    static char big[60000];
    int fd = rig_connect(&rig.b.local), rc = 0;
    unsigned sent = 0;
    struct flow f;

    (void)state;
    assert_int_equal(send(fd, RIG_MSG, sizeof(RIG_MSG) - 1, 0), sizeof(RIG_MSG) - 1);
    RIG_UNTIL(&rig, rig.b.got == 1);
    f = rig.b.flow;
    f.owner = 0;
    memset(big, 'x', sizeof(big));
    rig.b.source = CONN_REFUSE; /* the flow alone may be used */
    for (; rc == 0 && sent < 1000; sent++) {
        rc = conns_send(rig.b.conns, &f, big, sizeof(big));
        event_base_loop(rig.base, EVLOOP_NONBLOCK);
    }
    assert_int_equal(rc, -ENOTCONN);
    assert_in_range(sent, CONN_OUT_MAX / sizeof(big), 400);
    assert_int_equal(stat_b(STAT_conn_closed_full), 1);
    rig_turns(&rig, 3);
    assert_in_range(rig.b.unsent, CONN_OUT_MAX / sizeof(big) - 2, sent);
    close(fd);
}

static void garbage_is_closed_and_a_request_without_length_is_answered_first(void **state)
{
    static const char no_length[] = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n\r\nabc";
    int fd = rig_connect(&rig.b.local), other = rig_connect(&rig.b.local);
    char buf[64];

    (void)state;
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 2);
    assert_int_equal(send(fd, "\x16\x03\x01", 3, 0), 3);
    RIG_UNTIL(&rig, rig_is_closed(fd));
    assert_int_equal(rig.b.broken, 0);
    assert_int_equal(send(other, no_length, sizeof(no_length) - 1, 0), sizeof(no_length) - 1);
    RIG_UNTIL(&rig, rig.b.broken == 1);
    assert_int_equal(rig.b.status, 400);
    RIG_UNTIL(&rig, recv(other, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK) > 0);
    assert_int_equal(recv(other, buf, sizeof(buf), 0), 24);
    RIG_UNTIL(&rig, recv(other, buf, sizeof(buf), MSG_DONTWAIT) == 0);
    close(other);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 0);
    assert_int_equal(stat_b(STAT_conn_closed_broken), 2);
    close(fd);
}

/* A peer that sends on behind what cannot be followed: closing with that unread would be a reset, and its answer lost. */
static int broken_peer(const char *behind, size_t len)
{
    static const char no_length[] = "OPTIONS sip:x SIP/2.0\r\nVia: SIP/2.0/TCP h\r\n\r\n";
    int fd = rig_connect(&rig.b.local);

    assert_int_equal(send(fd, no_length, sizeof(no_length) - 1, 0), sizeof(no_length) - 1);
    assert_int_equal(send(fd, behind, len, 0), len);
    RIG_UNTIL(&rig, rig.b.broken == 1);
    rig_turns(&rig, 20);
    return fd;
}

static void the_last_answer_reaches_a_peer_that_sends_on(void **state)
{
    static char behind[300000];
    char buf[64];
    int fd = broken_peer(behind, sizeof(behind));

    (void)state;
    assert_int_equal(send(fd, behind, sizeof(behind), 0), sizeof(behind));
    rig_turns(&rig, 20);
    assert_int_equal(recv(fd, buf, sizeof(buf), 0), 24);
    RIG_UNTIL(&rig, recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 0);
    close(fd);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 0);
    assert_int_equal(rig.b.got, 0);
}

static void requests_in_front_of_garbage_get_their_late_answers(void **state)
{
    int fd = rig_connect(&rig.b.local);
    struct flow f;
    char buf[64];

    (void)state;
    assert_int_equal(send(fd, RIG_MSG "\x01\x02", sizeof(RIG_MSG) + 1, 0), sizeof(RIG_MSG) + 1);
    RIG_UNTIL(&rig, rig.b.got == 1);
    rig_turns(&rig, 5);
    f = rig.b.flow;
    assert_int_equal(conns_send(rig.b.conns, &f, "late", 4), 0);
    RIG_UNTIL(&rig, recv(fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK) == 4);
    assert_int_equal(recv(fd, buf, sizeof(buf), 0), 4);
    assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
    rig_wait(&rig, CONN_OWED_MS + 500);
    RIG_UNTIL(&rig, recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 0);
    assert_int_equal(stat_b(STAT_conn_connects), 0);
    close(fd);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 0);
}

static void a_peer_that_never_ends_is_not_waited_for(void **state)
{
    int fd = broken_peer("x", 1);

    (void)state;
    assert_int_equal(conns_total(rig.b.conns), 1);
    rig_wait(&rig, CONN_DRAIN_MS + 500);
    assert_int_equal(conns_total(rig.b.conns), 0);
    close(fd);
}

static void a_peer_that_floods_after_the_end_is_reset(void **state)
{
    static char behind[200000];
    int fd = broken_peer("x", 1);
    size_t sent = 0;

    (void)state;
    while (conns_total(rig.b.conns) == 1 && sent < 8 * CONN_DRAIN_MAX) {
        ssize_t n = send(fd, behind, sizeof(behind), MSG_DONTWAIT);

        sent += n > 0 ? (size_t)n : 0;
        rig_turns(&rig, 1);
    }
    assert_int_equal(conns_total(rig.b.conns), 0);
    assert_in_range(sent, CONN_DRAIN_MAX, 8 * CONN_DRAIN_MAX);
    close(fd);
}

static void a_stranger_is_closed_at_once_or_answered_once(void **state)
{
    int fd, silent;

    (void)state;
    rig.b.source = CONN_REFUSE;
    fd = rig_connect(&rig.b.local);
    RIG_UNTIL(&rig, rig_is_closed(fd));
    close(fd);
    assert_int_equal(stat_b(STAT_conn_refused_source), 1);
    rig.b.source = CONN_STRANGER;
    fd = rig_connect(&rig.b.local);
    silent = rig_connect(&rig.b.local);
    rig.b.answer = true;
    assert_int_equal(send(fd, RIG_MSG RIG_MSG, 2 * sizeof(RIG_MSG) - 2, 0),
                     2 * sizeof(RIG_MSG) - 2);
    RIG_UNTIL(&rig, rig_is_closed(fd));
    assert_int_equal(rig.b.got, 1);
    close(fd);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 1);
    rig_wait(&rig, CONN_STRANGER_MS + 500);
    RIG_UNTIL(&rig, rig_is_closed(silent));
    close(silent);
}

static void limits_hold_and_strangers_never_take_the_room_of_the_known(void **state)
{
    int fd[101];

    (void)state;
    rig.b.source = CONN_STRANGER;
    for (unsigned i = 0; i < 10; i++)
        fd[i] = rig_connect(&rig.b.local);
    RIG_UNTIL(&rig, stat_b(STAT_conn_accepted) + stat_b(STAT_conn_refused_limit) == 10);
    assert_int_equal(conns_total(rig.b.conns), 4); /* per_source */
    for (unsigned i = 0; i < 10; i++)
        close(fd[i]);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 0);
    rig.b.source = CONN_KNOWN;
    for (unsigned i = 0; i < 101; i++)
        fd[i] = rig_connect(&rig.b.local);
    RIG_UNTIL(&rig, stat_b(STAT_conn_accepted) + stat_b(STAT_conn_refused_limit) == 111);
    assert_int_equal(conns_total(rig.b.conns), 100); /* connections */
    for (unsigned i = 0; i < 101; i++)
        close(fd[i]);
}

static bool count_one(void *arg, const struct conn_info *c)
{
    unsigned *n = arg;

    assert_string_equal(c->state, "open");
    return ++*n < 2;
}

static void the_walk_stops_when_told(void **state)
{
    int fd[3];
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        fd[i] = rig_connect(&rig.b.local);
    RIG_UNTIL(&rig, conns_total(rig.b.conns) == 3);
    conns_each(rig.b.conns, count_one, &n);
    assert_int_equal(n, 2);
    for (unsigned i = 0; i < 3; i++)
        close(fd[i]);
}

static void an_address_that_somebody_has_is_seen(void **state)
{
    struct conn_listener l = {.id = 5, .proto = PROTO_TCP, .bind = rig.b.local};

    (void)state;
    assert_int_equal(conns_is_free(&l), -EADDRINUSE);
    l.bind.port = 0;
    assert_int_equal(conns_is_free(&l), 0);
    l.id = 3;
    assert_int_equal(conns_open(rig.b.conns, &l), -EEXIST);
    l.proto = PROTO_UDP;
    assert_int_equal(conns_open(rig.b.conns, &l), -EINVAL);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_message_crosses_and_its_answer_takes_the_same_connection),
        T(a_refused_connection_gives_its_messages_back),
        T(a_connect_that_is_not_answered_ends_in_time),
        T(a_flow_whose_connection_has_gone_gets_a_new_one),
        T(nobody_makes_us_connect_but_those_we_know),
        T(a_slow_sender_is_closed_and_a_ping_between_does_not_help),
        T(keep_alives_keep_a_connection),
        T(a_peer_that_has_ponged_once_must_pong_again),
        T(a_peer_that_does_not_read_is_closed_at_the_bound),
        T(garbage_is_closed_and_a_request_without_length_is_answered_first),
        T(the_last_answer_reaches_a_peer_that_sends_on),
        T(requests_in_front_of_garbage_get_their_late_answers),
        T(a_peer_that_never_ends_is_not_waited_for),
        T(a_peer_that_floods_after_the_end_is_reset),
        T(a_stranger_is_closed_at_once_or_answered_once),
        T(limits_hold_and_strangers_never_take_the_room_of_the_known),
        T(the_walk_stops_when_told),
        T(an_address_that_somebody_has_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
