/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of the relay's quality: the E-model against published values, RTCP at every length, silence, one-way audio, RFC 8083.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include "relay/emodel.h"
#include "relay/quality.h"
#include "relay/rtcp.h"

static unsigned mos(uint8_t codec, unsigned lost, unsigned gaps, unsigned delay_ms)
{
    struct emodel_input in = {codec, 1000, lost, gaps, delay_ms * 1000};

    return emodel_mos_100(&in);
}

static void scores_are_those_of_the_e_model(void **state)
{
    (void)state;
    /* G.107 annex B: R of 93.2 is 4.41; G.113: G.729A is 11 worse, 82.2 is 4.1 */
    assert_int_equal(mos(MEDIA_CODEC_PCMU, 0, 0, 20), 441);
    assert_int_equal(mos(MEDIA_CODEC_PCMA, 0, 0, 100), 441);
    assert_in_range(mos(MEDIA_CODEC_G729, 0, 0, 20), 408, 412);
    /* 93.2 - 95 * 5 / (5 + 25.1) = 77.4: 3.93 */
    assert_in_range(mos(MEDIA_CODEC_PCMU, 50, 50, 20), 391, 395);
    /* G.107 figure: 300 ms cost about 15 of R, 400 ms about 25 */
    assert_in_range(mos(MEDIA_CODEC_PCMU, 0, 0, 300), 385, 405);
    assert_in_range(mos(MEDIA_CODEC_PCMU, 0, 0, 400), 335, 365);
    assert_int_equal(mos(MEDIA_CODEC_PCMU, 1000, 1, 500), 100);
    /* G.107.1: 129 - 13 on a scale of 129 */
    assert_int_equal(mos(MEDIA_CODEC_G722, 0, 0, 20), 434);
}

static void losses_in_bursts_hurt_more(void **state)
{
    (void)state;
    assert_true(mos(MEDIA_CODEC_PCMU, 50, 5, 20) < mos(MEDIA_CODEC_PCMU, 50, 50, 20));
    assert_true(mos(MEDIA_CODEC_G729, 20, 20, 20) < mos(MEDIA_CODEC_G729, 10, 10, 20));
}

static void a_score_is_only_given_where_there_are_values(void **state)
{
    (void)state;
    assert_int_equal(mos(MEDIA_CODEC_OPUS, 0, 0, 20), 0);
    assert_int_equal(mos(MEDIA_CODEC_VIDEO, 0, 0, 20), 0);
    assert_int_equal(mos(255, 0, 0, 20), 0);
    assert_int_equal(emodel_mos_100(&(struct emodel_input){.codec = MEDIA_CODEC_PCMU}), 0);
}

/* SR of 0x11223344 with one block on 0xaabbccdd, then an SDES of 8 bytes. */
static const uint8_t compound[] = {
    0x81, 200,  0,    12, 0x11, 0x22, 0x33, 0x44, 0,   1, 0xab, 0xcd, 0xef, 0x01, 0,
    0,    0,    0,    0,  0,    0,    0,    0,    0,   0, 0,    0,    0,    0xaa, 0xbb,
    0xcc, 0xdd, 64,   0,  0,    7,    0,    1,    0,   9, 0,    0,    0,    80,   0x12,
    0x34, 0x56, 0x78, 0,  1,    0,    0,    0x81, 202, 0, 1,    0x11, 0x22, 0x33, 0x44,
};

static void a_compound_packet_is_read(void **state)
{
    struct rtcp_info i;

    (void)state;
    assert_int_equal(rtcp_read(compound, sizeof(compound), &i), 0);
    assert_int_equal(i.sender, 0x11223344);
    assert_true(i.has_sr);
    assert_int_equal(i.sr_ntp, 0xabcdef01);
    assert_int_equal(i.n_blocks, 1);
    assert_int_equal(i.block[0].ssrc, 0xaabbccdd);
    assert_int_equal(i.block[0].fraction_lost, 64);
    assert_int_equal(i.block[0].lost, 7);
    assert_int_equal(i.block[0].max_ext, 0x10009);
    assert_int_equal(i.block[0].jitter, 80);
    assert_int_equal(i.block[0].lsr, 0x12345678);
    assert_int_equal(i.block[0].dlsr, 65536);
}

static void no_length_of_it_is_read_beyond_its_end(void **state)
{
    struct rtcp_info i;
    uint8_t p[sizeof(compound)];

    (void)state;
    for (size_t n = 0; n < sizeof(compound); n++) {
        /* at its own end, for the address sanitizer */
        uint8_t *end = p + sizeof(p) - n;
        int want = n == 52 ? 0 : -EBADMSG;

        memcpy(end, compound, n);
        assert_int_equal(rtcp_read(end, n, &i), want);
    }
    for (unsigned at = 0; at < sizeof(compound); at++) {
        for (unsigned v = 0; v < 256; v++) {
            memcpy(p, compound, sizeof(p));
            p[at] = (uint8_t)v;
            (void)rtcp_read(p, sizeof(p), &i);
            assert_true(i.n_blocks <= RTCP_BLOCKS_MAX);
        }
    }
}

static void too_many_blocks_or_padding_are_refused(void **state)
{
    uint8_t p[sizeof(compound)];
    struct rtcp_info i;

    (void)state;
    memcpy(p, compound, sizeof(p));
    p[0] = 0x82;
    assert_int_equal(rtcp_read(p, sizeof(p), &i), -EBADMSG);
    memcpy(p, compound, sizeof(p));
    p[0] |= 0x20; /* padding in the first packet */
    assert_int_equal(rtcp_read(p, sizeof(p), &i), -EBADMSG);
}

struct stream {
    struct quality q;
    struct quality_now now;
    struct quality_event ev[QUALITY_EVENTS_MAX];
    unsigned n;
};

/* A second of it: pps packets each way, lost of them in as many gaps. */
static unsigned second(struct stream *s, unsigned came, unsigned lost, unsigned sent)
{
    s->now.now_ms += 1000;
    s->now.packets += came;
    s->now.lost += lost;
    s->now.gaps += lost;
    s->now.sent += sent;
    s->now.peer_speaks = sent > 0;
    s->n = quality_look(&s->q, &s->now, s->ev);
    return s->n;
}

static struct stream stream(void)
{
    struct stream s = {.now = {.now_ms = 1000,
                               .codec = MEDIA_CODEC_PCMU,
                               .ptime_ms = 20,
                               .may_speak = true,
                               .watch = true}};

    return s;
}

static void each_ten_seconds_have_a_score_and_the_lowest_is_kept(void **state)
{
    struct media_counters n = {0};
    struct stream s = stream();

    (void)state;
    for (unsigned i = 0; i < 11; i++)
        second(&s, 50, 0, 50);
    quality_counters(&s.q, &n);
    assert_int_equal(n.mos_100, 441);
    for (unsigned i = 0; i < 10; i++)
        second(&s, 45, 5, 50);
    for (unsigned i = 0; i < 10; i++)
        second(&s, 50, 0, 50);
    quality_counters(&s.q, &n);
    assert_in_range(n.mos_min_100, 330, 360);
    assert_in_range(n.mos_100, 400, 430);
}

static void one_way_audio_is_told_once_and_its_end_too(void **state)
{
    struct stream s = stream();
    unsigned told = 0;

    (void)state;
    second(&s, 50, 0, 50);
    for (unsigned i = 0; i < 20; i++) {
        if (second(&s, 0, 0, 50)) {
            told++;
            assert_int_equal(s.ev[0].kind, MEDIA_Q_ONE_WAY);
            assert_in_range(s.ev[0].value, QUALITY_ONE_WAY_MS, QUALITY_ONE_WAY_MS + 1000);
        }
    }
    assert_int_equal(told, 1);
    assert_int_equal(second(&s, 50, 0, 50), 1);
    assert_int_equal(s.ev[0].kind, MEDIA_Q_BOTH_WAYS);
    assert_int_equal(s.q.one_way_ms, 20000);
}

static void a_held_party_or_a_silent_peer_is_no_one_way_audio(void **state)
{
    struct stream s = stream();

    (void)state;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(second(&s, 0, 0, 0), 0);
    s.now.may_speak = false;
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(second(&s, 0, 0, 50), 0);
    assert_int_equal(s.q.one_way_ms, 0);
}

static void silence_is_told_once_and_sound_behind_it(void **state)
{
    struct stream s = stream();
    unsigned told = 0;

    (void)state;
    s.now.is_silent = true;
    for (unsigned i = 0; i < 30; i++)
        told += second(&s, 50, 0, 50);
    assert_int_equal(told, 1);
    s.now.is_silent = false;
    assert_int_equal(second(&s, 50, 0, 50), 1);
    assert_int_equal(s.ev[0].kind, MEDIA_Q_SOUND);
    assert_in_range(s.q.quiet_ms, 28000, 30000);
}

static void nobody_is_told_who_did_not_ask(void **state)
{
    struct stream s = stream();

    (void)state;
    s.now.watch = false;
    s.now.is_silent = true;
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(second(&s, 50, 0, 50), 0);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(second(&s, 0, 0, 50), 0);
}

static unsigned report(struct stream *s, const struct rtcp_block *b)
{
    struct rtcp_info info = {.n_blocks = 1, .block = {*b}};
    struct quality_report r = {&info, 7, 8000, s->now.sent, s->now.now_ms * 1000000};

    s->n = quality_reported(&s->q, &r, s->ev);
    return s->n;
}

static void a_report_tells_the_round_trip(void **state)
{
    struct rtcp_info sr = {.has_sr = true, .sr_ntp = 0x1234};
    struct rtcp_block b = {.ssrc = 7, .lsr = 0x1234, .dlsr = 65536 / 2, .lost = 3, .jitter = 80};
    struct stream s = stream();
    struct media_counters n = {0};

    (void)state;
    quality_sr_sent(&s.q, &sr, (s.now.now_ms - 580) * 1000000);
    report(&s, &b);
    quality_counters(&s.q, &n);
    assert_int_equal(n.rtt_us, 80000);
    assert_int_equal(n.remote_lost, 3);
    assert_int_equal(n.remote_jitter_us, 10000);
    /* of a stream that is not ours, of an SR that was not sent, of one that waited longer than it has been away */
    b.ssrc = 8;
    b.lost = 9;
    report(&s, &b);
    b.ssrc = 7;
    b.lsr = 0x9999;
    report(&s, &b);
    b.lsr = 0x1234;
    b.dlsr = UINT32_MAX;
    report(&s, &b);
    quality_counters(&s.q, &n);
    assert_int_equal(n.rtt_us, 80000);
    assert_int_equal(n.remote_lost, 9);
}

static void reports_that_stop_open_the_breaker(void **state)
{
    struct rtcp_block b = {.ssrc = 7};
    struct stream s = stream();
    unsigned told = 0;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 5; k++)
            assert_int_equal(second(&s, 50, 0, 50), 0);
        b.max_ext += 250;
        assert_int_equal(report(&s, &b), 0);
    }
    for (unsigned i = 0; i < 40; i++)
        told += second(&s, 50, 0, 50) && s.ev[0].kind == MEDIA_Q_BREAKER && s.ev[0].value == 1;
    assert_int_equal(told, 1);
    assert_int_equal(s.q.breaker, 1);
}

static void reports_without_progress_open_it_and_progress_closes_it(void **state)
{
    struct rtcp_block b = {.ssrc = 7, .max_ext = 100};
    struct stream s = stream();
    unsigned told = 0;

    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        second(&s, 50, 0, 50);
        told += report(&s, &b) && s.ev[0].kind == MEDIA_Q_BREAKER && s.ev[0].value == 2;
    }
    assert_int_equal(told, 1);
    b.max_ext++;
    second(&s, 50, 0, 50);
    report(&s, &b);
    assert_false(s.q.is_tripped);
}

/* Music on hold: the party reports on that, or says again and again how far the peer's stream came, or nothing. */
static void what_the_relay_plays_opens_no_breaker(void **state)
{
    struct rtcp_block b = {.ssrc = 7, .max_ext = 100};
    struct stream s = stream();

    (void)state;
    for (unsigned i = 0; i < 40; i++) {
        s.now.is_own = i >= 10 && i < 35;
        assert_int_equal(second(&s, 50, 0, 50), 0);
        b.ssrc = i < 20 ? 7 : 8;
        if (s.now.is_own ? i % 2 : i % 5 == 0)
            assert_int_equal(report(&s, &b), 0);
        if (!s.now.is_own)
            b.max_ext += 50;
    }
    assert_int_equal(s.q.breaker, 0);
    /* behind it they count again */
    b.ssrc = 7;
    for (unsigned i = 0; i < 8; i++) {
        second(&s, 50, 0, 50);
        report(&s, &b);
    }
    assert_int_equal(s.q.breaker, 1);
}

static void heavy_loss_over_a_long_way_is_congestion(void **state)
{
    struct rtcp_info sr = {.has_sr = true, .sr_ntp = 1};
    struct rtcp_block b = {.ssrc = 7, .lsr = 1, .fraction_lost = 200, .max_ext = 1};
    struct stream s = stream();
    unsigned told = 0;

    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        second(&s, 50, 0, 500); /* ten times what G.711 sends */
        quality_sr_sent(&s.q, &sr, (s.now.now_ms - 900) * 1000000);
        b.max_ext++;
        told += report(&s, &b) && s.ev[0].kind == MEDIA_Q_BREAKER && s.ev[0].value == 3;
    }
    assert_int_equal(told, 1);
}

static void silence_is_known_by_its_payload(void **state)
{
    uint8_t quiet[160], loud[160];

    (void)state;
    memset(quiet, 0xff, sizeof(quiet));
    for (unsigned i = 0; i < sizeof(loud); i++)
        loud[i] = (uint8_t)(i * 7);
    assert_true(quality_is_silence(quiet, sizeof(quiet), MEDIA_CODEC_PCMU));
    assert_false(quality_is_silence(loud, sizeof(loud), MEDIA_CODEC_PCMU));
    assert_false(quality_is_silence(quiet, sizeof(quiet), MEDIA_CODEC_G729));
    assert_false(quality_is_silence(quiet, 7, MEDIA_CODEC_PCMA));
    assert_true(quality_is_silence(quiet, 1, MEDIA_CODEC_CN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_the_e_model),
        cmocka_unit_test(losses_in_bursts_hurt_more),
        cmocka_unit_test(a_score_is_only_given_where_there_are_values),
        cmocka_unit_test(a_compound_packet_is_read),
        cmocka_unit_test(no_length_of_it_is_read_beyond_its_end),
        cmocka_unit_test(too_many_blocks_or_padding_are_refused),
        cmocka_unit_test(each_ten_seconds_have_a_score_and_the_lowest_is_kept),
        cmocka_unit_test(one_way_audio_is_told_once_and_its_end_too),
        cmocka_unit_test(a_held_party_or_a_silent_peer_is_no_one_way_audio),
        cmocka_unit_test(silence_is_told_once_and_sound_behind_it),
        cmocka_unit_test(nobody_is_told_who_did_not_ask),
        cmocka_unit_test(a_report_tells_the_round_trip),
        cmocka_unit_test(reports_that_stop_open_the_breaker),
        cmocka_unit_test(reports_without_progress_open_it_and_progress_closes_it),
        cmocka_unit_test(what_the_relay_plays_opens_no_breaker),
        cmocka_unit_test(heavy_loss_over_a_long_way_is_congestion),
        cmocka_unit_test(silence_is_known_by_its_payload),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
