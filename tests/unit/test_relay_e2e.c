/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The relay for real: client, control socket, packet threads and RTP over loopback, IPv4 and IPv6.
 */
#include "relay_rig.h"

static struct rig rig;

static int setup(void **state)
{
    (void)state;
    rig_init(&rig, rig_port(), 40);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&rig);
    return 0;
}

static struct media_relay_reply report;

static void on_report(void *arg, int status, const struct media_relay_reply *r)
{
    assert_int_equal(status, 0);
    report = *r;
    *(int *)arg = 1;
}

static void get_report(void)
{
    int done = 0;

    media_query_relay(rig.media, on_report, &done);
    rig_until(&rig, done);
}

static void rtp_goes_both_ways_between_learned_parties(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct rig_answer q;
    struct party in, out;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    assert_int_equal(a.ep[0].local.port % 2, 0);
    party_send(&in, &a.ep[0].local); /* nobody knows where the other is */
    rig_until(&rig, rig.n_events == 1);
    party_send(&out, &a.ep[1].local);
    party_expect(&in, &a.ep[0].local);
    for (int i = 0; i < 20; i++) {
        party_send(&in, &a.ep[0].local);
        party_expect(&out, &a.ep[1].local);
        party_send(&out, &a.ep[1].local);
        party_expect(&in, &a.ep[0].local);
    }
    rig_until(&rig, rig.n_events == 2);
    assert_int_equal(rig.event[0].type, MEDIA_EV_LATCHED);
    assert_true(addr_eq(&rig.event[0].addr, &in.addr));
    q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(q.ep[0].n.packets, 21);
    assert_int_equal(q.ep[0].n.unsent, 1);
    assert_int_equal(q.ep[1].n.sent_packets, 20);
    assert_int_equal(q.ep[1].n.packets, 21);
    assert_int_equal(q.ep[0].n.bytes, 21 * 172);
    assert_int_equal(q.ep[0].n.lost, 0);
    assert_int_equal(q.ep[0].n.ssrc, 1);
    assert_true(addr_eq(&q.ep[0].remote, &in.addr));
    q = rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0);
    assert_int_equal(q.status, 0);
    assert_int_equal(q.ep[1].n.packets, 21);
    q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(q.status, -ENOENT);
    close(in.fd);
    close(out.fd);
}

static void a_v4_party_talks_to_a_v6_party(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 6, MEDIA_LATCH_LEARN_ONCE);
    struct party in, out;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 6, 2);
    party_send(&out, &a.ep[1].local);
    rig_until(&rig, rig.n_events == 1);
    party_send(&in, &a.ep[0].local);
    party_expect(&out, &a.ep[1].local);
    party_send(&out, &a.ep[1].local);
    party_expect(&in, &a.ep[0].local);
    close(in.fd);
    close(out.fd);
}

static void rtcp_follows_on_the_next_port(void **state)
{
    static const uint8_t rr[8] = {0x80, 201, 0, 1, 0, 0, 0, 1};
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct addr rtcp0 = a.ep[0].local, rtcp1 = a.ep[1].local, from;
    struct party in, out;
    struct rig_answer q;
    uint8_t buf[2048];

    (void)state;
    rtcp0.port++;
    rtcp1.port++;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    party_send_raw(&out, &rtcp1, rr, sizeof(rr));
    rig_until(&rig, rig.n_events == 1);
    assert_true(rig.event[0].is_rtcp);
    party_send_raw(&in, &rtcp0, rr, sizeof(rr));
    assert_int_equal(party_recv(&out, 5000, buf, &from), 8);
    assert_true(addr_eq(&from, &rtcp1));
    q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(q.ep[0].n.rtcp_packets, 1);
    assert_int_equal(q.ep[1].n.rtcp_sent, 1);
    assert_int_equal(q.ep[0].n.packets, 0);
    close(in.fd);
    close(out.fd);
}

static void a_stranger_is_dropped_and_counted(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct party in, out, stranger;
    struct rig_answer q;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    party_init(&stranger, 4, 3);
    party_send(&in, &a.ep[0].local);
    party_send(&out, &a.ep[1].local);
    rig_until(&rig, rig.n_events == 2);
    while (q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0),
           q.ep[0].n.sent_packets + q.ep[1].n.sent_packets == 0) {
        party_send(&in, &a.ep[0].local);
    }
    for (int i = 0; i < 5; i++)
        party_send(&stranger, &a.ep[0].local);
    rig_until(&rig, (q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0), q.ep[0].n.strangers == 5));
    assert_true(addr_eq(&q.ep[0].remote, &in.addr));
    close(in.fd);
    close(out.fd);
    close(stranger.fd);
}

static void noise_is_dropped_and_does_not_latch(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct party in;
    struct rig_answer q;

    (void)state;
    party_init(&in, 4, 1);
    party_send_raw(&in, &a.ep[0].local, "noise noise noise", 17);
    rig_until(&rig, (q = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0), q.ep[0].n.invalid == 1));
    assert_int_equal(q.ep[0].state, 0);
    close(in.fd);
}

static void opaque_media_passes_unchecked(void **state)
{
    struct media_op op[3] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE), rig_connect(0, 1)};
    struct party in, out;
    struct rig_answer a;
    struct addr from;
    uint8_t buf[2048];

    (void)state;
    op[0].ep.flags = op[1].ep.flags = MEDIA_EP_OPAQUE;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    op[1].ep.remote = out.addr;
    a = rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), op, 3);
    assert_int_equal(a.status, 0);
    party_send_raw(&in, &a.ep[0].local, "udptl", 5);
    assert_int_equal(party_recv(&out, 5000, buf, &from), 5);
    close(in.fd);
    close(out.fd);
}

static void a_changed_peer_keeps_the_local_port(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_op op[4] = {
        {.kind = MEDIA_OP_REMOVE, .ep.endpoint = 1},
        rig_add(2, 6, MEDIA_LATCH_SDP_ONLY),
        rig_connect(0, 2),
        {.kind = MEDIA_OP_SET, .ep.endpoint = 0, .ep.direction = MEDIA_DIR_BOTH}};
    struct party in, out;
    struct rig_answer m;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 6, 2);
    op[1].ep.remote = out.addr;
    m = rig_ask(&rig, MEDIA_MODIFY, a.ref, op, 4);
    assert_int_equal(m.status, 0);
    assert_int_equal(m.n, 2);
    assert_true(addr_eq(&m.ep[0].local, &a.ep[0].local));
    assert_int_equal(m.ep[0].peer, 2);
    rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0); /* the packet thread has it */
    party_send(&in, &a.ep[0].local);
    party_expect(&out, &m.ep[1].local);
    /* all or none: the second operation names nobody */
    op[0] = (struct media_op){.kind = MEDIA_OP_REMOVE, .ep.endpoint = 0};
    op[1] = (struct media_op){.kind = MEDIA_OP_REMOVE, .ep.endpoint = 9};
    m = rig_ask(&rig, MEDIA_MODIFY, a.ref, op, 2);
    assert_int_equal(m.status, -ENOENT);
    m = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(m.n, 2);
    close(in.fd);
    close(out.fd);
}

static void the_next_carrier_gets_the_number_of_the_last_one(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_op op[3] = {{.kind = MEDIA_OP_REMOVE, .ep.endpoint = 1},
                             rig_add(1, 4, MEDIA_LATCH_SDP_ONLY),
                             rig_connect(0, 1)};
    struct party in, out;
    struct rig_answer m;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    op[1].ep.remote = out.addr;
    m = rig_ask(&rig, MEDIA_MODIFY, a.ref, op, 3);
    assert_int_equal(m.status, 0);
    assert_int_equal(m.n, 2);
    assert_false(addr_eq(&m.ep[1].local, &a.ep[1].local));
    party_send(&in, &a.ep[0].local);
    party_expect(&out, &m.ep[1].local);
    close(in.fd);
    close(out.fd);
}

static void a_packet_that_comes_with_the_answer_is_not_lost(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE), m;
    struct party in, out;
    struct media_op op = {.kind = MEDIA_OP_REMOTE, .ep.endpoint = 1};

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    op.ep.remote = out.addr;
    party_send(&in,
               &a.ep[0].local); /* the caller has the 200, the relay not yet the callee's address */
    rig_until(&rig, rig.n_events == 1);
    m = rig_ask(&rig, MEDIA_MODIFY, a.ref, &op, 1);
    assert_int_equal(m.status, 0);
    party_expect(&out, &a.ep[1].local);
    m = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(m.ep[0].n.unsent, 0);
    assert_int_equal(m.ep[1].n.sent_packets, 1);
    close(in.fd);
    close(out.fd);
}

static void an_old_packet_is_not_sent_when_somebody_answers(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE), m;
    struct party in, out;
    struct media_op op = {.kind = MEDIA_OP_REMOTE, .ep.endpoint = 1};
    struct timespec early_media = {.tv_nsec = 60000000};

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    op.ep.remote = out.addr;
    party_send(&in, &a.ep[0].local);
    rig_until(&rig, rig.n_events == 1);
    nanosleep(&early_media, NULL);
    m = rig_ask(&rig, MEDIA_MODIFY, a.ref, &op, 1);
    assert_int_equal(m.status, 0);
    m = rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0);
    assert_int_equal(m.ep[0].n.unsent, 1);
    assert_int_equal(m.ep[1].n.sent_packets, 0);
    close(in.fd);
    close(out.fd);
}

static void a_held_party_is_neither_heard_nor_spoken_to(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_op hold = {.kind = MEDIA_OP_SET, .ep.endpoint = 0, .ep.direction = 0};
    struct party in, out;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    party_send(&in, &a.ep[0].local);
    rig_until(&rig, rig.n_events == 1);
    party_send(&out, &a.ep[1].local);
    party_expect(&in, &a.ep[0].local);
    assert_int_equal(rig_ask(&rig, MEDIA_MODIFY, a.ref, &hold, 1).status, 0);
    rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0); /* the packet thread has it */
    party_send(&in, &a.ep[0].local);
    party_send(&out, &a.ep[1].local);
    party_expect_none(&in);
    party_expect_none(&out);
    close(in.fd);
    close(out.fd);
}

static void silence_is_told_once_and_so_is_its_end(void **state)
{
    struct media_op op[3] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE), rig_connect(0, 1)};
    struct rig_answer a;
    struct party in;

    (void)state;
    op[0].ep.inactivity_ms = 300;
    party_init(&in, 4, 1);
    a = rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), op, 3);
    rig_until(&rig, rig.n_events == 1);
    assert_int_equal(rig.event[0].type, MEDIA_EV_INACTIVE);
    assert_int_equal(rig.event[0].endpoint, 0);
    assert_true(rig.event[0].ref.session == a.ref.session);
    party_send(&in, &a.ep[0].local);
    rig_until(&rig, rig.n_events == 3);
    assert_int_equal(rig.event[1].type, MEDIA_EV_LATCHED);
    assert_int_equal(rig.event[2].type, MEDIA_EV_ACTIVE);
    rig_until(&rig, rig.n_events == 4);
    assert_int_equal(rig.event[3].type, MEDIA_EV_INACTIVE);
    close(in.fd);
}

static void pairs_rest_and_none_is_lost(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct rig_answer a[40];

    (void)state;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 40; i++) {
            /* in the second round as soon as the first ones have rested */
            rig_until(&rig, (a[i] = rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1),
                             a[i].status != -EADDRNOTAVAIL));
            assert_int_equal(a[i].status, 0);
        }
        assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status, -EADDRNOTAVAIL);
        for (int i = 0; i < 40; i++)
            assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a[i].ref, NULL, 0).status, 0);
        assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status, -EADDRNOTAVAIL);
        get_report();
        assert_int_equal(report.sessions, 0);
        assert_int_equal(report.endpoints, 0);
        assert_int_equal(report.pairs_used, 0);
        assert_int_equal(report.pairs_drift, 0);
        assert_int_equal(report.descriptors, 0);
    }
}

static void a_pair_held_by_another_program_is_passed_over(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct sockaddr_storage ss;
    struct addr a;
    socklen_t len;
    int fd;
    int ok = 0;

    (void)state;
    assert_int_equal(addr_parse_ip(SPAN("127.0.0.1"), &a), 0);
    a.port = (uint16_t)(rig_port() + 11); /* the RTCP port of a pair */
    len = addr_to_sockaddr(&a, &ss);
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, len), 0);
    for (int i = 0; i < 40; i++)
        ok += rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status == 0;
    assert_int_equal(ok, 39);
    get_report();
    assert_true(report.ports_stolen >= 1);
    assert_int_equal(report.pairs_drift, 0);
    assert_int_equal(report.pairs_used, 39);
    close(fd);
}

static void descriptors_run_out_cleanly(void **state)
{
    struct rig_answer a;

    (void)state;
    rig.relay->sockets_limit = 6;
    a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    {
        struct media_op op[2] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                                 rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE)};

        assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), op, 2).status, -EMFILE);
    }
    get_report();
    assert_int_equal(report.descriptors, 4);
    assert_int_equal(report.refused_descriptors, 1);
    assert_int_equal(report.pairs_used, 2);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).status, 0);
}

static void a_session_outlives_its_controllers_connection(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct party in, out;

    (void)state;
    party_init(&in, 4, 1);
    party_init(&out, 4, 2);
    party_send(&in, &a.ep[0].local);
    party_send(&out, &a.ep[1].local);
    rig_until(&rig, rig.n_events == 2);
    media_free(rig.media);
    rig_until(&rig, rig.relay->n_conns == 0);
    while (party_recv(&in, 10, (uint8_t[2048]){0}, &(struct addr){0}) > 0) {
    }
    while (party_recv(&out, 10, (uint8_t[2048]){0}, &(struct addr){0}) > 0) {
    }
    party_send(&in, &a.ep[0].local);
    party_expect(&out, &a.ep[1].local);
    /* the same process comes back */
    rig.media = rig_client(&rig, 1000, 1);
    rig_until(&rig, rig.ups == 2);
    party_send(&in, &a.ep[0].local);
    party_expect(&out, &a.ep[1].local);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).status, 0);
    close(in.fd);
    close(out.fd);
}

static void what_a_former_process_left_may_be_closed_without_adopting_it(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 6, MEDIA_LATCH_LEARN_ONCE);

    (void)state;
    media_free(rig.media);
    rig.media = rig_client(&rig, 2000, 2);
    rig_until(&rig, rig.ups == 2);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).status, 0);
    assert_int_equal(relay_sessions(rig.relay), 0);
}

static void a_new_controller_adopts_with_the_same_ports(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 6, MEDIA_LATCH_LEARN_ONCE);
    struct media_op op[3] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 6, MEDIA_LATCH_LEARN_ONCE), rig_connect(0, 1)};
    struct media_open o = {
        .ref = {a.ref.session, MEDIA_INDEX_NONE}, .flags = MEDIA_OPEN_ADOPT, .op = op, .n_ops = 3};
    struct rig_answer b = {0};
    struct party in;

    (void)state;
    party_init(&in, 4, 1);
    op[0].ep.local = a.ep[0].local;
    op[1].ep.local = a.ep[1].local;
    media_free(rig.media);
    rig.media = rig_client(&rig, 2000, 2);
    rig_until(&rig, rig.ups == 2);
    assert_int_equal(rig_ask(&rig, MEDIA_QUERY, a.ref, NULL, 0).status, -EPERM);
    media_open(rig.media, &o, rig_done, &b);
    rig_until(&rig, b.calls == 1);
    assert_int_equal(b.status, 0);
    assert_true(addr_eq(&b.ep[0].local, &a.ep[0].local));
    assert_int_equal(b.ep[0].peer, 1);
    party_send(&in, &a.ep[0].local);
    rig_until(&rig, rig.n_events == 1);
    /* and a fresh relay is given the session with those ports */
    relay_free(rig.relay);
    rig_until(&rig, rig.downs == 1);
    rig_relay(&rig, 0);
    rig_pools(rig.media, rig_port(), 40, 2);
    rig_until(&rig, rig.ups == 3);
    assert_true(rig.fresh >= 2);
    b.calls = 0;
    media_open(rig.media, &o, rig_done, &b);
    rig_until(&rig, b.calls == 1);
    assert_int_equal(b.status, 0);
    assert_true(addr_eq(&b.ep[1].local, &a.ep[1].local));
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, b.ref, NULL, 0).status, 0);
    close(in.fd);
}

/* A controller counts its configurations from 1 again when it starts: that is newer than what its former self said. */
static void the_first_pools_of_a_new_controller_count(void **state)
{
    uint16_t first = rig_port();
    struct rig_answer a;

    (void)state;
    rig_pools(rig.media, first, 20, 7);
    a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    assert_true(a.ep[0].local.port < first + 40);
    rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0);
    media_free(rig.media);
    rig.media = rig_client(&rig, 2000, 1);
    rig_pools(rig.media, (uint16_t)(first + 40), 20, 1);
    rig_until(&rig, rig.ups == 2);
    a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    assert_int_equal(a.status, 0);
    assert_true(a.ep[0].local.port >= first + 40);
    rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0);
}

static void an_orphan_without_media_gives_its_ports_back(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++)
        rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    media_free(rig.media);
    rig.media = rig_client(&rig, 3000, 1);
    rig_until(&rig, rig.ups == 2);
    assert_int_equal(relay_sessions(rig.relay), 10);
    /* orphan_idle_ms of the rig is one second */
    rig_until(&rig, relay_sessions(rig.relay) == 0);
    assert_int_equal(ports_used(rig.relay->ports), 0);
    assert_int_equal(rig.relay->n_sockets, 0);
    assert_int_equal(relay_audit(rig.relay), 0);
    assert_int_equal(rig.relay->lost, 10);
}

static void an_orphan_with_media_lives_to_its_cap(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    uint64_t start = clock_now_ns() / 1000000U;
    struct party in;

    (void)state;
    party_init(&in, 4, 1);
    media_free(rig.media);
    rig.media = rig_client(&rig, 3000, 1);
    rig_until(&rig, (party_send(&in, &a.ep[0].local), relay_sessions(rig.relay) == 0));
    /* orphan_cap_ms of the rig is three seconds */
    assert_true(clock_now_ns() / 1000000U - start >= 2900);
    close(in.fd);
}

static void drain_refuses_new_sessions_and_ends_when_empty(void **state)
{
    struct rig_answer a = rig_call(&rig, 4, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);

    (void)state;
    relay_drain(rig.relay);
    assert_int_equal(rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), &op, 1).status, -ESHUTDOWN);
    assert_false(rig.relay->has_told_empty);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, a.ref, NULL, 0).status, 0);
    rig_until(&rig, rig.relay->has_told_empty);
}

static void stats_events_come_as_asked(void **state)
{
    struct media_op op = rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE);
    struct media_open o = {.ref = rig_ref(&rig), .stats_every_s = 1, .op = &op, .n_ops = 1};
    struct rig_answer a = {0};

    (void)state;
    media_open(rig.media, &o, rig_done, &a);
    rig_until(&rig, rig.n_events == 2);
    assert_int_equal(rig.event[0].type, MEDIA_EV_STATS);
    assert_int_equal(rig.event[1].n_eps, 1);
}

/* A party may speak as soon as it is told where to: in the kernel a port without its thread is closed. */
static void a_port_is_named_when_its_packet_thread_has_it(void **state)
{
    struct media_op op[3] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE), rig_connect(0, 1)};
    struct media_open o = {.ref = rig_ref(&rig), .op = op, .n_ops = 2};
    struct rig_answer opened = {0}, changed = {0};

    (void)state;
    for (unsigned i = 0; i < rig.relay->n_threads; i++)
        thread_stop(rig.relay->thread[i]);
    media_open(rig.media, &o, rig_done, &opened);
    media_modify(rig.media, o.ref, &op[2], 1, rig_done, &changed);
    get_report(); /* asked for after them, on the same connection */
    assert_int_equal(report.endpoints, 2);
    assert_int_equal(opened.calls + changed.calls, 0);
    for (unsigned i = 0; i < rig.relay->n_threads; i++)
        assert_int_equal(thread_start(rig.relay->thread[i]), 0);
    rig_until(&rig, changed.calls == 1);
    assert_int_equal(opened.calls, 1);
    assert_int_equal(opened.status, 0);
    assert_int_equal(opened.n, 2);
    assert_int_equal(changed.status, 0);
    assert_int_equal(changed.ep[0].peer, 1);
    assert_true(changed.ep[0].local.port);
}

#define t(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        t(rtp_goes_both_ways_between_learned_parties),
        t(a_v4_party_talks_to_a_v6_party),
        t(rtcp_follows_on_the_next_port),
        t(a_stranger_is_dropped_and_counted),
        t(noise_is_dropped_and_does_not_latch),
        t(opaque_media_passes_unchecked),
        t(a_changed_peer_keeps_the_local_port),
        t(the_next_carrier_gets_the_number_of_the_last_one),
        t(a_packet_that_comes_with_the_answer_is_not_lost),
        t(an_old_packet_is_not_sent_when_somebody_answers),
        t(a_held_party_is_neither_heard_nor_spoken_to),
        t(silence_is_told_once_and_so_is_its_end),
        t(pairs_rest_and_none_is_lost),
        t(a_pair_held_by_another_program_is_passed_over),
        t(descriptors_run_out_cleanly),
        t(a_session_outlives_its_controllers_connection),
        t(what_a_former_process_left_may_be_closed_without_adopting_it),
        t(a_new_controller_adopts_with_the_same_ports),
        t(the_first_pools_of_a_new_controller_count),
        t(an_orphan_without_media_gives_its_ports_back),
        t(an_orphan_with_media_lives_to_its_cap),
        t(drain_refuses_new_sessions_and_ends_when_empty),
        t(stats_events_come_as_asked),
        t(a_port_is_named_when_its_packet_thread_has_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
