/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ICE-lite end to end: a party's checks over loopback, their answers, and whose RTP is taken then.
 */
#include "relay_rig.h"
#include "stun_rig.h"

#define PWD "VOkJxbRl1RmTxUk/WvJxBt"

static struct rig g;

static int setup(void **state)
{
    (void)state;
    rig_init(&g, rig_port(), 40);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&g);
    return 0;
}

/* a has ICE and says one address, b has none. */
static struct rig_answer call_of(const struct party *a, const struct party *b)
{
    struct media_op op[4] = {
        rig_add(0, 4, MEDIA_LATCH_SDP_ONLY),
        rig_add(1, 4, MEDIA_LATCH_SDP_ONLY),
        rig_connect(0, 1),
        {.kind = MEDIA_OP_ICE,
         .ice = {
             .endpoint = 0, .is_on = 1, .ufrag = "ours", .pwd = PWD, .remote_ufrag = "theirs"}}};
    struct rig_answer r;

    op[0].ep.remote = a->addr;
    op[1].ep.remote = b->addr;
    r = rig_ask(&g, MEDIA_OPEN, rig_ref(&g), op, 4);
    assert_int_equal(r.status, 0);
    return r;
}

static void check(struct party *p, const struct addr *to, const char *pwd, uint16_t extra)
{
    struct build_ask ask = {.name = "ours:theirs", .pwd = pwd, .extra = extra};
    uint8_t buf[256];

    party_send_raw(p, to, buf, check_build(&ask, buf));
}

/* A success comes from the port that was asked. */
static void expect_success(struct party *p, const struct addr *from)
{
    uint8_t buf[2048];
    struct addr who;

    assert_true(party_recv(p, RIG_WAIT_MS, buf, &who) > 20);
    assert_int_equal(buf[0] << 8 | buf[1], 0x0101);
    assert_true(addr_eq(&who, from));
}

static void the_party_is_where_a_nominated_check_came_from(void **state)
{
    struct party a, b, nominated;
    struct rig_answer r, q;
    struct addr rtcp;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    party_init(&nominated, 4, 1);
    r = call_of(&a, &b);
    check(&nominated, &r.ep[0].local, PWD, 0);
    expect_success(&nominated, &r.ep[0].local);
    /* a check alone moves nothing */
    party_send(&b, &r.ep[1].local);
    party_expect(&a, &r.ep[0].local);
    check(&nominated, &r.ep[0].local, PWD, STUN_RIG_USE_CANDIDATE);
    expect_success(&nominated, &r.ep[0].local);
    party_send(&b, &r.ep[1].local);
    party_expect(&nominated, &r.ep[0].local);
    party_send(&nominated, &r.ep[0].local);
    party_expect(&b, &r.ep[1].local);
    /* who is not nominated any more is a stranger */
    party_send(&a, &r.ep[0].local);
    party_expect_none(&b);
    q = rig_ask(&g, MEDIA_QUERY, r.ref, NULL, 0);
    assert_true(addr_eq(&q.ep[0].remote, &nominated.addr));
    assert_int_equal(q.ep[0].n.strangers, 1);
    assert_int_equal(q.ep[0].n.packets, 1);
    /* RTCP has checks of its own */
    rtcp = r.ep[0].local;
    rtcp.port++;
    check(&nominated, &rtcp, PWD, STUN_RIG_USE_CANDIDATE);
    expect_success(&nominated, &rtcp);
    close(a.fd);
    close(b.fd);
    close(nominated.fd);
}

/* As tandemd does after a restart of either. */
static void a_session_taken_over_keeps_its_credentials_and_its_party(void **state)
{
    struct media_op op[4] = {
        rig_add(0, 4, MEDIA_LATCH_SDP_ONLY),
        rig_add(1, 4, MEDIA_LATCH_SDP_ONLY),
        {.kind = MEDIA_OP_ICE,
         .ice = {.endpoint = 0, .is_on = 1, .ufrag = "ours", .pwd = PWD, .remote_ufrag = "theirs"}},
        rig_connect(0, 1)};
    struct media_open o = {.flags = MEDIA_OPEN_ADOPT, .op = op, .n_ops = 4};
    struct rig_answer r, q = {0};
    struct party a, b, nominated;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    party_init(&nominated, 4, 1);
    r = call_of(&a, &b);
    check(&nominated, &r.ep[0].local, PWD, STUN_RIG_USE_CANDIDATE);
    expect_success(&nominated, &r.ep[0].local);
    op[0].ep.remote = a.addr; /* as the SDP had it */
    op[1].ep.remote = b.addr;
    o.ref = r.ref;
    media_open(g.media, &o, rig_done, &q);
    rig_until(&g, q.calls == 1);
    assert_int_equal(q.status, 0);
    assert_true(addr_eq(&q.ep[0].local, &r.ep[0].local));
    rig_ask(&g, MEDIA_QUERY, r.ref, NULL, 0);
    check(&nominated, &r.ep[0].local, PWD, 0);
    expect_success(&nominated, &r.ep[0].local);
    party_send(&b, &r.ep[1].local);
    party_expect(&nominated, &r.ep[0].local);
    party_expect_none(&a);
    close(a.fd);
    close(b.fd);
    close(nominated.fd);
}

static void a_check_under_another_password_changes_and_says_nothing(void **state)
{
    struct party a, b, thief;
    struct rig_answer r, q;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    party_init(&thief, 4, 3);
    r = call_of(&a, &b);
    check(&thief, &r.ep[0].local, "QUESSED/password/of/22", STUN_RIG_USE_CANDIDATE);
    party_expect_none(&thief);
    party_send(&b, &r.ep[1].local);
    party_expect(&a, &r.ep[0].local);
    q = rig_ask(&g, MEDIA_QUERY, r.ref, NULL, 0);
    assert_int_equal(q.ep[0].n.invalid, 1);
    /* an endpoint without ICE answers no check at all */
    check(&thief, &r.ep[1].local, PWD, STUN_RIG_USE_CANDIDATE);
    party_expect_none(&thief);
    close(a.fd);
    close(b.fd);
    close(thief.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_party_is_where_a_nominated_check_came_from, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_session_taken_over_keeps_its_credentials_and_its_party,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_check_under_another_password_changes_and_says_nothing,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
