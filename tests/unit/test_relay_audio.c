/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sounds and telephone-events end to end: client, relay, and parties that hear them over loopback.
 */
#include "relay_rig.h"

#include "core/g711.h"
#include "core/sound.h"

#define SAMPLES 800 /* five packets of 20 ms */

static struct rig g;
static int16_t pcm[SAMPLES];
static int sound_fd;

static int setup(void **state)
{
    struct media_sound_conf c = {.name = "hello", .samples = SAMPLES};

    (void)state;
    for (int i = 0; i < SAMPLES; i++)
        pcm[i] = (int16_t)(i * 80 - 32000);
    rig_init(&g, rig_port(), 40);
    c.fd = sound_fd = sound_seal(pcm, SAMPLES);
    assert_true(sound_fd >= 0);
    assert_int_equal(media_set_sounds(g.media, &c, 1, 1), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    rig_fini(&g);
    close(sound_fd);
    return 0;
}

static struct media_op add_pts(uint8_t endpoint, const struct party *p, uint8_t codec,
                               uint8_t flags)
{
    struct media_op op = rig_add(endpoint, 4, MEDIA_LATCH_SDP_ONLY);

    op.ep.remote = p->addr;
    op.ep.flags = flags;
    op.ep.n_pts = 2;
    op.ep.pt[0].type = codec == MEDIA_CODEC_PCMA ? 8 : 0;
    op.ep.pt[0].codec = codec;
    op.ep.pt[1].type = 101;
    op.ep.pt[1].codec = MEDIA_CODEC_EVENT;
    return op;
}

static struct media_op play(uint8_t endpoint, uint8_t flags)
{
    return (struct media_op){
        .kind = MEDIA_OP_PLAY,
        .play = {.sound = media_pool_id("hello"), .endpoint = endpoint, .flags = flags}};
}

static const struct media_event *event_of(enum media_type type)
{
    for (int i = 0; i < g.n_events; i++)
        if (g.event[i].type == type)
            return &g.event[i];
    return NULL;
}

/* Two parties, a of PCMU and b of PCMA; what more is done in the same OPEN. */
static struct rig_answer call_of(struct party *a, struct party *b, uint8_t flags,
                                 const struct media_op *more)
{
    struct media_op op[4] = {add_pts(0, a, MEDIA_CODEC_PCMU, flags),
                             add_pts(1, b, MEDIA_CODEC_PCMA, 0), rig_connect(0, 1)};
    struct rig_answer r;

    if (more)
        op[3] = *more;
    r = rig_ask(&g, MEDIA_OPEN, rig_ref(&g), op, more ? 4 : 3);
    assert_int_equal(r.status, 0);
    return r;
}

static void a_sound_is_heard_sample_by_sample(void **state)
{
    struct party a, b;
    struct media_op op = play(0, MEDIA_PLAY_TELL);
    struct rig_answer r;
    uint64_t began;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, NULL);
    began = clock_now_ns();
    r = rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1);
    assert_int_equal(r.status, 0);
    for (unsigned n = 0; n < 5; n++) {
        uint8_t buf[2048];
        struct addr from;

        assert_int_equal(party_recv(&a, RIG_WAIT_MS, buf, &from), 172);
        assert_true(addr_eq(&from, &r.ep[0].local));
        assert_int_equal(buf[1], n == 0 ? 0x80 : 0);
        for (unsigned i = 0; i < 160; i++)
            assert_int_equal(buf[12 + i], g711_to_ulaw(pcm[n * 160 + i]));
    }
    /* not in a burst */
    assert_true(clock_now_ns() - began >= 75000000U);
    rig_until(&g, event_of(MEDIA_EV_PLAYED));
    assert_int_equal(event_of(MEDIA_EV_PLAYED)->value, 100);
    party_expect_none(&b);
    /* the peer is heard again */
    party_send(&b, &r.ep[1].local);
    party_expect(&a, &r.ep[0].local);
    r = rig_ask(&g, MEDIA_QUERY, r.ref, NULL, 0);
    assert_int_equal(r.ep[0].n.sent_packets, 6);
    close(a.fd);
    close(b.fd);
}

static void the_peer_is_not_heard_while_a_sound_plays(void **state)
{
    struct media_op op = play(1, MEDIA_PLAY_LOOP), stop = {.kind = MEDIA_OP_STOP};
    struct party a, b;
    struct rig_answer r;
    uint8_t buf[2048];
    struct addr from;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, &op);
    for (unsigned n = 0; n < 8; n++) {
        party_send(&a, &r.ep[0].local);
        assert_int_equal(party_recv(&b, RIG_WAIT_MS, buf, &from), 172);
        assert_int_equal(buf[1] & 0x7f, 8);
        assert_int_equal(buf[12], g711_to_alaw(pcm[n % 5 * 160]));
    }
    /* the other direction goes on */
    party_send(&b, &r.ep[1].local);
    party_expect(&a, &r.ep[0].local);
    stop.play.endpoint = 1;
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &stop, 1).status, 0);
    for (unsigned i = 0; party_recv(&b, 60, buf, &from) > 0; i++)
        assert_true(i < 5);
    party_send(&a, &r.ep[0].local);
    party_expect(&b, &r.ep[1].local);
    close(a.fd);
    close(b.fd);
}

static void what_cannot_be_played_is_refused(void **state)
{
    struct media_op op = play(0, 0);
    struct party a, b;
    struct rig_answer r;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, NULL);
    op.play.sound = media_pool_id("nothing");
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1).status, -ENODATA);
    op = play(5, 0);
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1).status, -ENOENT);
    op = play(0, 8);
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1).status, -EINVAL);
    {
        struct media_op both[2] = {add_pts(0, &a, MEDIA_CODEC_G729, 0), play(0, 0)};

        both[0].kind = MEDIA_OP_SET;
        assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, both, 2).status, -EOPNOTSUPP);
    }
    close(a.fd);
    close(b.fd);
}

/* A relay that has restarted is told again. */
/* It counts from 1 again: what it says is newer than what its former self said. */
static void a_new_controllers_sounds_take_the_place_of_the_old_ones(void **state)
{
    static const int16_t loud[160] = {[0 ... 159] = 30000};
    struct media_sound_conf c = {.name = "hello", .fd = sound_fd, .samples = SAMPLES};
    struct media_op op = play(0, 0);
    struct party a, b;
    struct rig_answer r;
    uint8_t buf[2048];
    struct addr from;

    (void)state;
    assert_int_equal(media_set_sounds(g.media, &c, 1, 7), 0);
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, NULL); /* behind the sounds */
    rig_ask(&g, MEDIA_CLOSE, r.ref, NULL, 0);
    media_free(g.media);
    c = (struct media_sound_conf){.name = "hello", .fd = sound_seal(loud, 160), .samples = 160};
    g.media = rig_client(&g, 2000, 1);
    rig_pools(g.media, rig_port(), 40, 1);
    assert_int_equal(media_set_sounds(g.media, &c, 1, 1), 0);
    rig_until(&g, g.ups == 2);
    r = call_of(&a, &b, 0, &op);
    assert_int_equal(party_recv(&a, RIG_WAIT_MS, buf, &from), 172);
    assert_int_equal(buf[12], g711_to_ulaw(30000));
    rig_ask(&g, MEDIA_CLOSE, r.ref, NULL, 0);
    close(c.fd);
    close(a.fd);
    close(b.fd);
}

static void sounds_come_back_with_the_relay(void **state)
{
    struct media_op op = play(0, 0);
    struct party a, b;
    struct rig_answer r;
    uint8_t buf[2048];
    struct addr from;

    (void)state;
    relay_free(g.relay);
    rig_until(&g, g.downs == 1);
    rig_relay(&g, 0);
    rig_until(&g, g.ups == 2);
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, &op);
    assert_int_equal(party_recv(&a, RIG_WAIT_MS, buf, &from), 172);
    rig_ask(&g, MEDIA_CLOSE, r.ref, NULL, 0);
    close(a.fd);
    close(b.fd);
}

static void send_event_as(struct party *p, const struct addr *to, uint8_t type, uint8_t digit,
                          bool end)
{
    uint8_t b[16] = {0x80, type, (uint8_t)(p->seq >> 8), (uint8_t)p->seq};

    b[6] = (uint8_t)(0x10 + digit); /* another event, another time */
    b[11] = (uint8_t)p->ssrc;
    b[12] = digit;
    b[13] = end ? 0x8a : 10;
    b[14] = 3; /* 800 units: 100 ms */
    b[15] = 0x20;
    p->seq++;
    party_send_raw(p, to, b, sizeof(b));
}

static void send_event(struct party *p, const struct addr *to, uint8_t digit, bool end)
{
    send_event_as(p, to, 101, digit, end);
}

static void a_digit_is_told_and_passes(void **state)
{
    struct party a, b;
    struct rig_answer r;
    uint8_t buf[2048];
    struct addr from;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, MEDIA_EP_EVENTS, NULL);
    for (unsigned i = 0; i < 3; i++)
        send_event(&a, &r.ep[0].local, 7, true);
    rig_until(&g, event_of(MEDIA_EV_DTMF));
    assert_int_equal(event_of(MEDIA_EV_DTMF)->digit, 7);
    assert_int_equal(event_of(MEDIA_EV_DTMF)->value, 100);
    assert_int_equal(event_of(MEDIA_EV_DTMF)->endpoint, 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(party_recv(&b, RIG_WAIT_MS, buf, &from), 16);
    r = rig_ask(&g, MEDIA_QUERY, r.ref, NULL, 0);
    assert_int_equal(r.ep[0].n.events, 1);
    close(a.fd);
    close(b.fd);
}

static void an_absorbed_digit_leaves_no_gap(void **state)
{
    struct party a, b;
    struct rig_answer r;
    uint8_t buf[2048];
    struct addr from;
    unsigned seq;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, MEDIA_EP_EVENTS | MEDIA_EP_ABSORB, NULL);
    party_send(&a, &r.ep[0].local);
    assert_int_equal(party_recv(&b, RIG_WAIT_MS, buf, &from), 172);
    seq = (unsigned)(buf[2] << 8 | buf[3]);
    for (unsigned i = 0; i < 3; i++)
        send_event(&a, &r.ep[0].local, 11, i == 2);
    party_send(&a, &r.ep[0].local);
    assert_int_equal(party_recv(&b, RIG_WAIT_MS, buf, &from), 172);
    assert_int_equal((buf[2] << 8 | buf[3]), (seq + 1) & 0xffff);
    rig_until(&g, event_of(MEDIA_EV_DTMF));
    r = rig_ask(&g, MEDIA_QUERY, r.ref, NULL, 0);
    assert_int_equal(r.ep[0].n.lost, 0);
    assert_int_equal(r.ep[0].n.unsent, 0);
    close(a.fd);
    close(b.fd);
}

static void a_digit_is_told_in_the_clock_of_the_codec_agreed_last(void **state)
{
    struct party a, b;
    struct media_op op;
    struct rig_answer r;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, MEDIA_EP_EVENTS, NULL);
    op = add_pts(0, &a, MEDIA_CODEC_AMR_WB, MEDIA_EP_EVENTS);
    op.kind = MEDIA_OP_SET;
    op.ep.clock_rate = 16000;
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1).status, 0);
    send_event(&a, &r.ep[0].local, 7, true);
    rig_until(&g, event_of(MEDIA_EV_DTMF));
    assert_int_equal(event_of(MEDIA_EV_DTMF)->value, 50);
    close(a.fd);
    close(b.fd);
}

/* opus/48000, telephone-event/8000 and /48000 (RFC 7587, RFC 4733 §2.1). */
static struct media_op opus_op(const struct party *p)
{
    struct media_op op = add_pts(0, p, MEDIA_CODEC_OPUS, MEDIA_EP_EVENTS);

    op.kind = MEDIA_OP_SET;
    op.ep.clock_rate = 48000;
    op.ep.pt[0].type = 111;
    op.ep.pt[1] = (struct media_pt){101, MEDIA_CODEC_EVENT};
    op.ep.pt[2] = (struct media_pt){110, MEDIA_CODEC_EVENT};
    op.ep.n_pts = 3;
    media_event_clock_set(op.ep.pt, op.ep.n_pts, 101, 8000);
    return op;
}

static void a_digit_has_the_clock_of_its_own_type(void **state)
{
    struct party a, b;
    struct media_op op;
    struct rig_answer r;
    uint8_t buf[2048];
    struct addr from;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, MEDIA_EP_EVENTS, NULL);
    op = opus_op(&a);
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1).status, 0);
    send_event_as(&a, &r.ep[0].local, 101, 7, true);
    rig_until(&g, event_of(MEDIA_EV_DTMF));
    assert_int_equal(event_of(MEDIA_EV_DTMF)->value, 100);
    g.n_events = 0;
    send_event_as(&a, &r.ep[0].local, 110, 8, true);
    rig_until(&g, event_of(MEDIA_EV_DTMF));
    assert_int_equal(event_of(MEDIA_EV_DTMF)->digit, 8);
    assert_int_equal(event_of(MEDIA_EV_DTMF)->value, 16);
    /* what is sent to it has the voice's */
    op = (struct media_op){.kind = MEDIA_OP_DTMF, .dtmf = {.duration_ms = 100, .digit = 5}};
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, &op, 1).status, 0);
    assert_int_equal(party_recv(&a, RIG_WAIT_MS, buf, &from), 16);
    assert_int_equal(buf[1], 0x80 | 110);
    assert_int_equal(buf[14] << 8 | buf[15], 960);
    close(a.fd);
    close(b.fd);
}

static struct media_op digit_op(uint8_t digit)
{
    return (struct media_op){
        .kind = MEDIA_OP_DTMF,
        .dtmf = {.duration_ms = 100, .endpoint = 0, .digit = digit, .volume = 10}};
}

static void a_digit_is_sent_to_a_party_whose_peer_is_silent(void **state)
{
    struct media_op op[2] = {digit_op(5), digit_op(6)};
    struct party a, b;
    struct rig_answer r;
    unsigned ends[2] = {0, 0}, n = 0;
    uint8_t buf[2048];
    struct addr from;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, NULL);
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, op, 2).status, 0);
    while (ends[1] < 3 && party_recv(&a, RIG_WAIT_MS, buf, &from) == 16) {
        assert_int_equal(buf[1], n % 7 == 0 ? 0x80 | 101 : 101);
        assert_true(buf[12] == 5 || buf[12] == 6);
        if (buf[13] & 0x80)
            ends[buf[12] - 5]++;
        n++;
    }
    assert_int_equal(ends[0], 3);
    assert_int_equal(ends[1], 3);
    assert_int_equal(n, 14);
    op[0] = digit_op(17);
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r.ref, op, 1).status, -EINVAL);
    close(a.fd);
    close(b.fd);
}

/*
 * b speaks while a digit goes to a. @return false: the machine was so slow that b counted as silent, and the digit came by itself; what
 * it is made of is another test's business
 */
static bool digit_rides(struct party *a, struct party *b, const struct rig_answer *r)
{
    struct media_op op = digit_op(9);
    unsigned n_digit = 0;
    uint8_t buf[2048];
    struct addr from;

    party_send(b, &r->ep[1].local);
    party_expect(a, &r->ep[0].local);
    assert_int_equal(rig_ask(&g, MEDIA_MODIFY, r->ref, &op, 1).status, 0);
    for (unsigned i = 0; i < 200; i++) {
        unsigned seq = b->seq;
        ssize_t n;

        party_send(b, &r->ep[1].local);
        n = party_recv(a, RIG_WAIT_MS, buf, &from);
        if (n == 16 && buf[11] != b->ssrc) {
            while (party_recv(a, 500, buf, &from) > 0) {
            }
            return false;
        }
        assert_int_equal(buf[11], b->ssrc);
        assert_int_equal((unsigned)(buf[2] << 8 | buf[3]), seq & 0xffff);
        assert_true(n == 16 || n == 172);
        if (n == 16)
            n_digit++;
        else if (n_digit)
            break;
    }
    assert_int_equal(n_digit, 7);
    return true;
}

static void a_digit_takes_the_place_of_the_peers_packets(void **state)
{
    struct party a, b;
    struct rig_answer r;
    unsigned tries = 1;

    (void)state;
    party_init(&a, 4, 1);
    party_init(&b, 4, 2);
    r = call_of(&a, &b, 0, NULL);
    while (!digit_rides(&a, &b, &r) && tries < 10)
        tries++;
    assert_true(tries < 10);
    close(a.fd);
    close(b.fd);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_sound_is_heard_sample_by_sample),
        T(the_peer_is_not_heard_while_a_sound_plays),
        T(what_cannot_be_played_is_refused),
        T(a_new_controllers_sounds_take_the_place_of_the_old_ones),
        T(sounds_come_back_with_the_relay),
        T(a_digit_is_told_and_passes),
        T(an_absorbed_digit_leaves_no_gap),
        T(a_digit_is_told_in_the_clock_of_the_codec_agreed_last),
        T(a_digit_has_the_clock_of_its_own_type),
        T(a_digit_is_sent_to_a_party_whose_peer_is_silent),
        T(a_digit_takes_the_place_of_the_peers_packets),
    };

    g711_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
