/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SRTP and RTCP-mux through the relay for real: parties with keys of their own, over loopback.
 */
#include "relay_rig.h"
#include <signal.h>
#include <sys/wait.h>
#include "relay/secure.h"

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

/* A party that speaks SRTP: its end of what the relay was told of the endpoint. */
struct sparty {
    struct party p;
    struct secure *s;
};

static struct media_op keys(uint8_t endpoint, uint8_t suite, uint8_t seed)
{
    struct media_op op = {.kind = MEDIA_OP_CRYPTO};

    op.crypto.endpoint = endpoint;
    op.crypto.rx_suite = op.crypto.tx_suite = suite;
    for (unsigned i = 0; i < secure_key_len(suite); i++) {
        op.crypto.rx_key[i] = (uint8_t)(seed + i);
        op.crypto.tx_key[i] = (uint8_t)(seed + 5 * i + 1);
    }
    return op;
}

static void sparty_keys(struct sparty *p, const struct media_crypto *c)
{
    struct media_crypto m = {.rx_suite = c->tx_suite, .tx_suite = c->rx_suite};
    struct secure *old = p->s;

    memcpy(m.rx_key, c->tx_key, MEDIA_KEY_MAX);
    memcpy(m.tx_key, c->rx_key, MEDIA_KEY_MAX);
    assert_int_equal(secure_new(&m, &p->s), 0);
    if (old)
        secure_follow(p->s, old, 0);
    secure_free(old);
}

static void sparty_init(struct sparty *p, uint32_t ssrc, const struct media_crypto *c)
{
    memset(p, 0, sizeof(*p));
    party_init(&p->p, 4, ssrc);
    if (c)
        sparty_keys(p, c);
}

static void sparty_fini(struct sparty *p)
{
    close(p->p.fd);
    secure_free(p->s);
}

static void sparty_send(struct sparty *p, const struct addr *to)
{
    uint8_t b[256] = {0x80, 0};
    uint32_t len = 172;

    b[2] = (uint8_t)(p->p.seq >> 8);
    b[3] = (uint8_t)p->p.seq;
    b[11] = (uint8_t)p->p.ssrc;
    b[20] = 0x5a;
    p->p.seq++;
    if (p->s)
        assert_int_equal(secure_seal(p->s, false, b, &len), 0);
    party_send_raw(&p->p, to, b, len);
}

static void sparty_expect(struct sparty *p, const struct addr *from, uint16_t seq)
{
    uint8_t b[2048];
    struct addr who;
    uint32_t len;
    int n = party_recv(&p->p, (int)RIG_WAIT_MS, b, &who);

    assert_true(n >= 172);
    len = (uint32_t)n;
    if (p->s)
        assert_int_equal(secure_open(p->s, false, b, &len, 0), 0);
    assert_int_equal(len, 172);
    assert_int_equal(b[20], 0x5a);
    assert_int_equal(b[2] << 8 | b[3], seq);
    assert_true(addr_eq(&who, from));
}

static struct rig_answer open_call(const struct media_op *a, const struct media_op *b)
{
    struct media_op op[5] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE), rig_connect(0, 1)};
    unsigned n = 3;
    struct rig_answer r;

    if (a)
        op[n++] = *a;
    if (b)
        op[n++] = *b;
    r = rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), op, n);
    assert_int_equal(r.status, 0);
    return r;
}

/* Both are known to the relay, and the first packets are through. */
static void meet(const struct rig_answer *r, struct sparty *in, struct sparty *out)
{
    int events = rig.n_events;
    uint8_t b[2048];
    struct addr who;

    sparty_send(in, &r->ep[0].local);
    rig_until(&rig, rig.n_events == events + 1);
    sparty_send(out, &r->ep[1].local);
    rig_until(&rig, rig.n_events == events + 2);
    while (party_recv(&in->p, 50, b, &who) >= 0) {
    }
    while (party_recv(&out->p, 0, b, &who) >= 0) {
    }
}

static void talk(const struct rig_answer *r, struct sparty *in, struct sparty *out, int n)
{
    for (int i = 0; i < n; i++) {
        sparty_send(in, &r->ep[0].local);
        sparty_expect(out, &r->ep[1].local, (uint16_t)(in->p.seq - 1));
        sparty_send(out, &r->ep[1].local);
        sparty_expect(in, &r->ep[0].local, (uint16_t)(out->p.seq - 1));
    }
}

static void between(const struct media_op *a, const struct media_op *b)
{
    struct rig_answer r = open_call(a, b), q;
    struct sparty in, out;

    sparty_init(&in, 1, a ? &a->crypto : NULL);
    sparty_init(&out, 2, b ? &b->crypto : NULL);
    meet(&r, &in, &out);
    talk(&r, &in, &out, 20);
    q = rig_ask(&rig, MEDIA_CLOSE, r.ref, NULL, 0);
    assert_int_equal(q.ep[0].n.packets, 21);
    assert_int_equal(q.ep[0].n.auth_failed + q.ep[1].n.auth_failed, 0);
    assert_int_equal(q.ep[0].n.lost, 0);
    sparty_fini(&in);
    sparty_fini(&out);
}

static void srtp_and_rtp_of_every_suite_are_joined(void **state)
{
    (void)state;
    for (uint8_t a = 0; a < MEDIA_SUITE_END; a++) {
        for (uint8_t b = 0; b < MEDIA_SUITE_END; b++) {
            struct media_op ka = keys(0, a, 10), kb = keys(1, b, 90);

            between(a ? &ka : NULL, b ? &kb : NULL);
        }
    }
}

static void what_is_not_sealed_right_is_counted_and_reaches_nobody(void **state)
{
    struct media_op k = keys(0, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 10);
    struct media_op wrong = keys(0, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 11);
    struct rig_answer r = open_call(&k, NULL), q;
    struct sparty in, out, plain;

    (void)state;
    sparty_init(&in, 1, &k.crypto);
    sparty_init(&out, 2, NULL);
    /* nothing is learned from it either */
    sparty_init(&plain, 3, NULL);
    for (int i = 0; i < 3; i++)
        sparty_send(&plain, &r.ep[0].local);
    rig_until(&rig, (q = rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0), q.ep[0].n.auth_failed == 3));
    assert_int_equal(rig.n_events, 0);
    meet(&r, &in, &out);
    sparty_keys(&in, &wrong.crypto);
    sparty_send(&in, &r.ep[0].local);
    rig_until(&rig, (q = rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0), q.ep[0].n.auth_failed == 4));
    party_expect_none(&out.p);
    assert_int_equal(q.ep[0].n.packets, 1);
    sparty_send(&plain, &r.ep[0].local); /* now it is a stranger */
    rig_until(&rig, (q = rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0), q.ep[0].n.strangers == 1));
    assert_int_equal(q.ep[0].n.auth_failed, 4);
    sparty_fini(&in);
    sparty_fini(&out);
    sparty_fini(&plain);
}

static void modify(const struct rig_answer *r, const struct media_op *op)
{
    assert_int_equal(rig_ask(&rig, MEDIA_MODIFY, r->ref, op, 1).status, 0);
    /* the answer comes before the packet thread has it: a question to that thread does not */
    rig_ask(&rig, MEDIA_QUERY, r->ref, NULL, 0);
}

static void keys_change_in_the_middle_of_a_call(void **state)
{
    struct media_op a = keys(0, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 10);
    struct media_op b = keys(0, MEDIA_SUITE_AEAD_AES_128_GCM, 77);
    struct media_op none = keys(0, MEDIA_SUITE_NONE, 0);
    struct rig_answer r = open_call(&a, NULL), q;
    struct sparty in, out;

    (void)state;
    sparty_init(&in, 1, &a.crypto);
    sparty_init(&out, 2, NULL);
    meet(&r, &in, &out);
    talk(&r, &in, &out, 3);
    modify(&r, &a); /* the same: its counters go on, a replay stays one */
    talk(&r, &in, &out, 3);
    sparty_send(&in, &r.ep[0].local);
    sparty_expect(&out, &r.ep[1].local, (uint16_t)(in.p.seq - 1));
    modify(&r, &b);
    sparty_send(&in, &r.ep[0].local); /* on its way under the old key */
    sparty_expect(&out, &r.ep[1].local, (uint16_t)(in.p.seq - 1));
    sparty_keys(&in, &b.crypto);
    talk(&r, &in, &out, 3);
    modify(&r, &none);
    secure_free(in.s);
    in.s = NULL;
    talk(&r, &in, &out, 3);
    modify(&r, &a);
    sparty_keys(&in, &a.crypto);
    talk(&r, &in, &out, 3);
    q = rig_ask(&rig, MEDIA_CLOSE, r.ref, NULL, 0);
    assert_int_equal(q.ep[0].n.auth_failed, 0);
    sparty_fini(&in);
    sparty_fini(&out);
}

/* Two packets under one index of one key would give both away (RFC 3711 §9.1): who begins again in its own stream is not heard. */
static void a_stream_that_begins_again_is_not_sealed_twice(void **state)
{
    struct media_op k = keys(0, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 10);
    struct rig_answer r = open_call(&k, NULL), q;
    struct sparty in, out;
    uint16_t newest;

    (void)state;
    sparty_init(&in, 1, &k.crypto);
    sparty_init(&out, 2, NULL);
    meet(&r, &in, &out);
    talk(&r, &in, &out, 20);
    newest = out.p.seq;
    out.p.seq = (uint16_t)(newest - 15); /* a phone that restarts with its old SSRC */
    for (int i = 0; i < 15; i++)
        sparty_send(&out, &r.ep[1].local);
    out.p.seq = (uint16_t)(newest - 20000); /* far behind the window */
    for (int i = 0; i < 3; i++)
        sparty_send(&out, &r.ep[1].local);
    rig_until(&rig, (q = rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0), q.ep[1].n.unsent >= 18));
    party_expect_none(&in.p);
    assert_int_equal(q.ep[1].n.unsent, 18);
    out.p.seq = newest; /* where the old stream was, it goes on */
    talk(&r, &in, &out, 3);
    /* the same key again, as each re-INVITE has it, forgets nothing */
    modify(&r, &k);
    out.p.seq = newest;
    sparty_send(&out, &r.ep[1].local);
    party_expect_none(&in.p);
    /* another source has a key stream of its own, wherever it begins; it is taken once the old one is silent */
    party_expect_none(&in.p);
    out.p.seq = newest;
    out.p.ssrc = 77;
    talk(&r, &in, &out, 3);
    sparty_fini(&in);
    sparty_fini(&out);
}

static void a_session_taken_over_keeps_its_streams(void **state)
{
    struct media_op k = keys(0, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 10);
    struct rig_answer r = open_call(&k, NULL), q = {0};
    struct media_op op[4] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE), k, rig_connect(0, 1)};
    struct media_open o = {.ref = r.ref, .flags = MEDIA_OPEN_ADOPT, .op = op, .n_ops = 4};
    struct sparty in, out;

    (void)state;
    sparty_init(&in, 1, &k.crypto);
    sparty_init(&out, 2, NULL);
    meet(&r, &in, &out);
    talk(&r, &in, &out, 10); /* over the roll-over of 65535 */
    media_open(rig.media, &o, rig_done, &q);
    rig_until(&rig, q.calls == 1);
    assert_int_equal(q.status, 0);
    rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0);
    talk(&r, &in, &out, 10);
    /* taken over without keys: it is plain */
    op[2] = op[3];
    o.n_ops = 3;
    q.calls = 0;
    media_open(rig.media, &o, rig_done, &q);
    rig_until(&rig, q.calls == 1);
    assert_int_equal(q.status, 0);
    rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0);
    secure_free(in.s);
    in.s = NULL;
    talk(&r, &in, &out, 3);
    sparty_fini(&in);
    sparty_fini(&out);
}

static void rtcp_shares_the_port_of_a_party_that_wants_it(void **state)
{
    static const uint8_t sr[28] = {0x80, 200, 0, 6, 0, 0, 0, 1};
    struct media_op op[4] = {rig_add(0, 4, MEDIA_LATCH_LEARN_ONCE),
                             rig_add(1, 4, MEDIA_LATCH_LEARN_ONCE), rig_connect(0, 1),
                             keys(0, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_32, 1)};
    struct sparty in, out;
    struct party rtcp;
    struct rig_answer r, q;
    struct addr to, from;
    uint8_t b[2048];
    uint32_t len = sizeof(sr);

    (void)state;
    op[0].ep.flags = MEDIA_EP_MUX;
    r = rig_ask(&rig, MEDIA_OPEN, rig_ref(&rig), op, 4);
    assert_int_equal(r.status, 0);
    sparty_init(&in, 1, &op[3].crypto);
    sparty_init(&out, 2, NULL);
    meet(&r, &in, &out);
    party_init(&rtcp, 4, 0);
    to = r.ep[1].local;
    to.port++;
    party_send_raw(&rtcp, &to, sr, sizeof(sr)); /* out's RTCP is on a port of its own */
    assert_int_equal(party_recv(&in.p, (int)RIG_WAIT_MS, b, &from), sizeof(sr) + 14);
    assert_true(addr_eq(&from, &r.ep[0].local));
    len = sizeof(sr) + 14;
    assert_int_equal(secure_open(in.s, true, b, &len, 0), 0);
    assert_memory_equal(b, sr, sizeof(sr));
    len = sizeof(sr);
    memcpy(b, sr, len);
    assert_int_equal(secure_seal(in.s, true, b, &len), 0);
    party_send_raw(&in.p, &r.ep[0].local, b, len);
    assert_int_equal(party_recv(&rtcp, (int)RIG_WAIT_MS, b, &from), sizeof(sr));
    assert_true(addr_eq(&from, &to));
    assert_memory_equal(b, sr, sizeof(sr));
    talk(&r, &in, &out, 2);
    q = rig_ask(&rig, MEDIA_CLOSE, r.ref, NULL, 0);
    assert_int_equal(q.ep[0].n.rtcp_packets, 1);
    assert_int_equal(q.ep[0].n.rtcp_sent, 1);
    assert_int_equal(q.ep[0].n.packets, 3);
    close(rtcp.fd);
    sparty_fini(&in);
    sparty_fini(&out);
}

/* ---- a successor ----------------------------------------------------------------------------------------------- */

static void end_at_once(void *arg, pid_t heir)
{
    (void)arg;
    _exit(heir == getppid() ? 0 : 3);
}

static const char *journal(void)
{
    static char path[80];

    snprintf(path, sizeof(path), "%s.j", rig.path);
    return path;
}

static struct relay *relay_of(struct event_base *base, bool is_takeover)
{
    struct relay_param p = {.base = base,
                            .socket_path = rig.path,
                            .threads = 2,
                            .journal = journal(),
                            .is_takeover = is_takeover,
                            .supervisor = "7 /nowhere",
                            .on_given = end_at_once};

    return relay_new(&p);
}

/* The relay in a process of its own. */
static pid_t relay_fork(void)
{
    pid_t pid = fork();
    struct event_base *base;

    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    base = event_base_new();
    if (relay_of(base, false))
        event_base_dispatch(base);
    _exit(2);
}

static int setup_apart(void **state)
{
    static pid_t pid;

    memset(&rig, 0, sizeof(rig));
    snprintf(rig.path, sizeof(rig.path), "/tmp/td-heir-%d.sock", (int)getpid());
    log_set_level(LOG_ERROR);
    pid = relay_fork();
    *state = &pid;
    rig.base = event_base_new();
    clock_init(&rig.clock);
    rig.timers = timers_new(rig.base, &rig.clock);
    rig.media = rig_client(&rig, 1000, 1);
    rig_pools(rig.media, rig_port(), 40, 1);
    rig_until(&rig, rig.ups == 1);
    return 0;
}

/* Sealed under roll-over counters that no packet tells, and before the controller has come back. */
static void keys_and_roll_over_go_to_a_successor(void **state)
{
    struct media_op k = keys(1, MEDIA_SUITE_AES_CM_128_HMAC_SHA1_80, 7);
    struct rig_answer r = open_call(NULL, &k);
    const pid_t *pid = *state;
    struct sparty in, out;
    int status;

    sparty_init(&in, 1, NULL);
    sparty_init(&out, 2, &k.crypto);
    meet(&r, &in, &out);
    talk(&r, &in, &out, 20); /* 65,530 and on */
    sparty_send(&in, &r.ep[0].local);
    sparty_expect(&out, &r.ep[1].local, (uint16_t)(in.p.seq - 1));
    rig.relay = relay_of(rig.base, true);
    assert_non_null(rig.relay);
    assert_int_equal(waitpid(*pid, &status, 0), *pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(relay_supervisor(rig.relay), "7 /nowhere");
    talk(&r, &in, &out, 20);
    rig_until(&rig, rig.ups == 2);
    assert_int_equal(rig.fresh, 1);
    talk(&r, &in, &out, 5);
    r = rig_ask(&rig, MEDIA_QUERY, r.ref, NULL, 0);
    assert_int_equal(r.status, 0);
    assert_int_equal(r.ep[1].n.packets, 46);
    assert_int_equal(r.ep[1].n.auth_failed, 0);
    assert_int_equal(r.ep[1].n.lost, 0);
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, r.ref, NULL, 0).status, 0);
    sparty_fini(&in);
    sparty_fini(&out);
}

static void what_cannot_be_taken_leaves_the_relay_as_it_was(void **state)
{
    struct rig_answer r = open_call(NULL, NULL);
    struct relay_param p = {.base = rig.base, .socket_path = rig.path, .is_takeover = true};
    const pid_t *pid = *state;
    struct sparty in, out;

    sparty_init(&in, 1, NULL);
    sparty_init(&out, 2, NULL);
    meet(&r, &in, &out);
    assert_null(relay_new(&p)); /* without a journal */
    talk(&r, &in, &out, 3);
    p.journal = "/dev/null";
    assert_null(relay_new(&p)); /* another one */
    talk(&r, &in, &out, 3);
    p.socket_path = "/tmp/td-heir-nobody.sock";
    assert_null(relay_new(&p));
    assert_int_equal(rig_ask(&rig, MEDIA_CLOSE, r.ref, NULL, 0).status, 0);
    assert_int_equal(rig.downs, 0);
    assert_int_equal(kill(*pid, SIGKILL), 0);
    assert_int_equal(waitpid(*pid, NULL, 0), *pid);
    unlink(rig.path);
    unlink(journal());
    sparty_fini(&in);
    sparty_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(srtp_and_rtp_of_every_suite_are_joined, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_sealed_right_is_counted_and_reaches_nobody,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(keys_change_in_the_middle_of_a_call, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stream_that_begins_again_is_not_sealed_twice, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_session_taken_over_keeps_its_streams, setup, teardown),
        cmocka_unit_test_setup_teardown(rtcp_shares_the_port_of_a_party_that_wants_it, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(keys_and_roll_over_go_to_a_successor, setup_apart,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_taken_leaves_the_relay_as_it_was,
                                        setup_apart, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
