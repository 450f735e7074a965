/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/relay/player.c, pace.c and sounds.c, on a clock of their own.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "core/g711.h"
#include "core/sound.h"
#include "relay/player.h"

static struct sounds ss;
static struct paces paces;
static int16_t ramp[400];

static struct media_sound message(const char *name, uint64_t generation, uint32_t samples)
{
    return (struct media_sound){
        .id = media_pool_id(name), .generation = generation, .samples = samples};
}

static int give(const char *name, uint64_t generation, uint32_t samples)
{
    struct media_sound m = message(name, generation, samples);

    return sounds_take(&ss, &m, sound_seal(ramp, samples));
}

static int setup(void **state)
{
    (void)state;
    g711_init();
    for (int i = 0; i < 400; i++)
        ramp[i] = (int16_t)(i * 60 - 12000);
    memset(&ss, 0, sizeof(ss));
    paces_init(&paces, 1000);
    return sounds_init(&ss);
}

static int teardown(void **state)
{
    (void)state;
    sounds_fini(&ss);
    return 0;
}

static struct media_ep ep_of(uint8_t codec, uint8_t ptime_ms)
{
    return (struct media_ep){
        .ptime_ms = ptime_ms,
        .clock_rate = 8000,
        .n_pts = 2,
        .pt = {{101, MEDIA_CODEC_EVENT}, {codec == MEDIA_CODEC_PCMU ? 0 : 8, codec}}};
}

static struct player *player_of(uint8_t codec, uint8_t ptime_ms, uint8_t flags, uint32_t limit_ms)
{
    struct media_ep ep = ep_of(codec, ptime_ms);
    struct media_play what = {.flags = flags, .limit_ms = limit_ms};
    struct player *p;

    assert_int_equal(give("x", 1, 400), 0);
    assert_int_equal(player_new(&what, &ep, sounds_get(&ss, media_pool_id("x")), &p), 0);
    player_start(p, 1000);
    return p;
}

static unsigned seq_of(const uint8_t *b)
{
    return (unsigned)(b[2] << 8 | b[3]);
}

static uint32_t ts_of(const uint8_t *b)
{
    return (uint32_t)b[4] << 24 | (uint32_t)b[5] << 16 | (uint32_t)b[6] << 8 | b[7];
}

static void a_sound_is_played_sample_by_sample(void **state)
{
    struct player *p = player_of(MEDIA_CODEC_PCMU, 0, 0, 0);
    uint8_t b[PLAYER_BYTES];
    unsigned seq = 0;
    uint32_t ts = 0;

    (void)state;
    for (unsigned n = 0; n < 3; n++) {
        assert_int_equal(player_packet(p, 1000 + n * 20, b), 172);
        assert_int_equal(b[0], 0x80);
        assert_int_equal(b[1], n == 0 ? 0x80 : 0);
        if (n > 0) {
            assert_int_equal(seq_of(b), (seq + 1) & 0xffff);
            assert_int_equal(ts_of(b), ts + 160);
        }
        seq = seq_of(b);
        ts = ts_of(b);
        for (unsigned i = 0; i < 160; i++)
            assert_int_equal(b[12 + i], n * 160 + i < 400 ? g711_to_ulaw(ramp[n * 160 + i]) : 0xff);
        assert_int_equal(p->due_ms, 1000 + (n + 1) * 20);
    }
    assert_int_equal(player_packet(p, 1060, b), 0);
    assert_false(p->is_on);
    assert_int_equal(player_ms(p), 50);
    player_free(p);
}

static void alaw_and_ptime_are_those_agreed(void **state)
{
    struct player *p = player_of(MEDIA_CODEC_PCMA, 30, 0, 0);
    uint8_t b[PLAYER_BYTES];

    (void)state;
    assert_int_equal(player_packet(p, 1000, b), 12 + 240);
    assert_int_equal(b[1] & 0x7f, 8);
    for (unsigned i = 0; i < 240; i++)
        assert_int_equal(b[12 + i], g711_to_alaw(ramp[i]));
    assert_int_equal(p->due_ms, 1030);
    player_free(p);
}

static void l16_goes_out_in_network_order(void **state)
{
    struct player *p = player_of(MEDIA_CODEC_L16, 20, 0, 0);
    uint8_t b[PLAYER_BYTES];

    (void)state;
    assert_int_equal(player_packet(p, 1000, b), 12 + 320);
    assert_int_equal((int16_t)(b[12] << 8 | b[13]), ramp[0]);
    player_free(p);
}

static void a_loop_begins_again_without_a_gap(void **state)
{
    struct player *p = player_of(MEDIA_CODEC_PCMU, 20, MEDIA_PLAY_LOOP, 100);
    uint8_t b[PLAYER_BYTES];

    (void)state;
    for (unsigned n = 0; n < 5; n++) {
        assert_int_equal(player_packet(p, 1000 + n * 20, b), 172);
        for (unsigned i = 0; i < 160; i++)
            assert_int_equal(b[12 + i], g711_to_ulaw(ramp[(n * 160 + i) % 400]));
    }
    assert_int_equal(player_packet(p, 1100, b), 0);
    assert_int_equal(player_ms(p), 100);
    player_free(p);
}

static void after_a_stall_no_burst_is_sent(void **state)
{
    struct player *p = player_of(MEDIA_CODEC_PCMU, 20, MEDIA_PLAY_LOOP, 0);
    uint8_t b[PLAYER_BYTES];
    uint32_t ts;

    (void)state;
    assert_true(player_packet(p, 1000, b) > 0);
    ts = ts_of(b);
    assert_true(player_packet(p, 2000, b) > 0);
    /* 44 packets were left out, and their time has gone by */
    assert_int_equal(ts_of(b), ts + 45 * 160);
    assert_true(b[1] & 0x80);
    assert_true(p->due_ms + 200 > 2000);
    player_free(p);
}

static void the_next_sound_goes_on_in_the_same_stream(void **state)
{
    struct player *p = player_of(MEDIA_CODEC_PCMU, 20, 0, 0), *q;
    uint8_t b[PLAYER_BYTES];
    unsigned seq;
    uint32_t ts;

    (void)state;
    player_packet(p, 1000, b);
    seq = seq_of(b);
    ts = ts_of(b);
    q = player_of(MEDIA_CODEC_PCMU, 20, 0, 0);
    player_follow(q, p, 1120);
    player_free(p);
    player_start(q, 1120);
    player_packet(q, 1120, b);
    assert_int_equal(seq_of(b), (seq + 1) & 0xffff);
    assert_int_equal(ts_of(b), ts + 120 * 8);
    assert_true(b[1] & 0x80);
    player_free(q);
}

static void a_codec_that_cannot_be_played_is_refused(void **state)
{
    struct media_ep ep = ep_of(MEDIA_CODEC_G729, 20);
    struct media_play what = {0};
    struct player *p = NULL;

    (void)state;
    assert_int_equal(give("x", 1, 400), 0);
    assert_int_equal(player_new(&what, &ep, sounds_get(&ss, media_pool_id("x")), &p), -EOPNOTSUPP);
    assert_null(p);
    sounds_end(&ss, 2);
    assert_int_equal(ss.n, 0);
}

/* ---- sounds ---- */

static void a_sound_is_kept_while_it_is_heard(void **state)
{
    struct sound *s;

    (void)state;
    assert_int_equal(give("x", 1, 100), 0);
    s = sounds_get(&ss, media_pool_id("x"));
    assert_non_null(s);
    sounds_end(&ss, 2);
    assert_null(sounds_get(&ss, media_pool_id("x")));
    assert_int_equal(ss.n, 1);
    assert_int_equal(s->pcm[99], ramp[99]);
    sound_put(s);
    sounds_sweep(&ss);
    assert_int_equal(ss.n, 0);
    assert_int_equal(ss.bytes, 0);
}

static void the_newest_generation_counts(void **state)
{
    struct sound *s;

    (void)state;
    assert_int_equal(give("x", 2, 100), 0);
    assert_int_equal(give("x", 1, 200), 0);
    assert_int_equal(give("x", 2, 200), 0);
    s = sounds_get(&ss, media_pool_id("x"));
    assert_int_equal(s->samples, 100);
    sound_put(s);
    assert_int_equal(give("x", 3, 200), 0);
    s = sounds_get(&ss, media_pool_id("x"));
    assert_int_equal(s->samples, 200);
    sound_put(s);
    sounds_end(&ss, 3);
    assert_int_equal(ss.n, 1);
}

static void what_is_not_sealed_is_not_mapped(void **state)
{
    struct media_sound m = message("x", 1, 4);
    int fd[2];

    (void)state;
    assert_int_equal(pipe(fd), 0);
    assert_int_equal(sounds_take(&ss, &m, fd[0]), -EINVAL);
    assert_int_equal(close(fd[0]), -1); /* taken in any case */
    close(fd[1]);
    assert_int_equal(sounds_take(&ss, &m, -1), -EINVAL);
    assert_int_equal(sounds_take(&ss, &m, sound_seal(ramp, 5)), -EINVAL);
    assert_int_equal(ss.n, 0);
}

static void there_are_no_more_sounds_than_allowed(void **state)
{
    char name[16];

    (void)state;
    for (unsigned i = 0; i < MEDIA_SOUNDS_MAX; i++) {
        snprintf(name, sizeof(name), "s%u", i);
        assert_int_equal(give(name, 1, 1), 0);
    }
    assert_int_equal(give("more", 1, 1), -ENOSPC);
    assert_int_equal(give("s1", 2, 1), 0);
}

/* ---- pace ---- */

static uint64_t ran_ms[8];
static unsigned n_ran;

static void on_due(void *ctx, struct pace *p)
{
    struct paces *ps = ctx;

    ran_ms[n_ran++] = ps->now_ms;
    if (n_ran < 4)
        pace_set(ps, p, p->due_ms + 20);
}

static void what_is_due_runs_at_its_millisecond(void **state)
{
    struct pace p = {.fn = on_due};

    (void)state;
    n_ran = 0;
    pace_set(&paces, &p, 1005);
    assert_int_equal(paces_wait(&paces, 1000, 100), 5);
    assert_int_equal(paces_wait(&paces, 1000, 3), 3);
    for (uint64_t t = 1001; t < 1200; t++)
        paces_run(&paces, t, &paces);
    assert_int_equal(n_ran, 4);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(ran_ms[i], 1005 + 20 * i);
    assert_int_equal(paces_wait(&paces, 1200, 100), 100);
}

static void what_is_deleted_does_not_run(void **state)
{
    struct pace p = {.fn = on_due}, q = {.fn = on_due};

    (void)state;
    n_ran = 7;
    pace_set(&paces, &p, 1003);
    pace_set(&paces, &q, 1003);
    pace_del(&paces, &p);
    pace_del(&paces, &p);
    paces_run(&paces, 9000, &paces);
    assert_int_equal(n_ran, 8);
    assert_int_equal(paces.n, 0);
}

/* A thousand players of one phase each are as many packets each millisecond as any other. */
static void many_players_cost_the_same_each(void **state)
{
    static struct pace many[2000];

    (void)state;
    n_ran = 0;
    for (unsigned i = 0; i < 2000; i++) {
        many[i].fn = on_due;
        pace_set(&paces, &many[i], 1001 + i % 20);
    }
    assert_int_equal(paces.n, 2000);
    for (unsigned i = 0; i < 2000; i++)
        pace_del(&paces, &many[i]);
    assert_int_equal(paces.n, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_sound_is_played_sample_by_sample),
        T(alaw_and_ptime_are_those_agreed),
        T(l16_goes_out_in_network_order),
        T(a_loop_begins_again_without_a_gap),
        T(after_a_stall_no_burst_is_sent),
        T(the_next_sound_goes_on_in_the_same_stream),
        T(a_codec_that_cannot_be_played_is_refused),
        T(a_sound_is_kept_while_it_is_heard),
        T(the_newest_generation_counts),
        T(what_is_not_sealed_is_not_mapped),
        T(there_are_no_more_sounds_than_allowed),
        T(what_is_due_runs_at_its_millisecond),
        T(what_is_deleted_does_not_run),
        T(many_players_cost_the_same_each),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
