/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * RTP header check and stream statistics: loss, order, duplicates, restarts, jitter (RFC 3550 appendix A).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include "relay/rtp.h"

#define MS 1000000ULL

static struct rtp_stats st;
static uint64_t now;

static int setup(void **state)
{
    (void)state;
    rtp_stats_init(&st, 0);
    now = 1000 * MS;
    return 0;
}

static void packet(uint16_t seq)
{
    struct rtp_header h = {.seq = seq, .timestamp = seq * 160U, .ssrc = 1};

    rtp_stats_packet(&st, &h, now);
    now += 20 * MS;
}

static void run(uint16_t from, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        packet((uint16_t)(from + i));
}

static void headers_that_are_not_rtp_are_refused(void **state)
{
    struct rtp_header h;
    uint8_t p[32] = {0x80, 0x88, 0x12, 0x34, 0, 0, 0, 5, 0, 0, 0, 9};

    (void)state;
    assert_int_equal(rtp_parse(p, 12, &h), 0);
    assert_int_equal(h.seq, 0x1234);
    assert_int_equal(h.timestamp, 5);
    assert_int_equal(h.ssrc, 9);
    assert_int_equal(h.payload_type, 8);
    assert_int_equal(rtp_parse(p, 11, &h), -EBADMSG);
    p[0] = 0x40;
    assert_int_equal(rtp_parse(p, 12, &h), -EBADMSG);
    p[0] = 0x82; /* two CSRCs */
    assert_int_equal(rtp_parse(p, 19, &h), -EBADMSG);
    assert_int_equal(rtp_parse(p, 20, &h), 0);
    p[0] = 0x90; /* extension of two words */
    p[15] = 2;
    assert_int_equal(rtp_parse(p, 15, &h), -EBADMSG);
    assert_int_equal(rtp_parse(p, 23, &h), -EBADMSG);
    assert_int_equal(rtp_parse(p, 24, &h), 0);
    p[0] = 0x80;
    p[1] = 200; /* a sender report on the RTP port */
    assert_int_equal(rtp_parse(p, 32, &h), -EBADMSG);
    assert_int_equal(rtcp_check(p, 8), 0);
    assert_int_equal(rtcp_check(p, 7), -EBADMSG);
    p[1] = 0;
    assert_int_equal(rtcp_check(p, 8), -EBADMSG);
}

static void nothing_is_lost_over_the_wrap(void **state)
{
    (void)state;
    run(65000, 2000);
    assert_int_equal(rtp_stats_lost(&st), 0);
    assert_int_equal(st.reordered, 0);
    assert_int_equal(st.duplicates, 0);
}

static void gaps_are_lost(void **state)
{
    (void)state;
    run(65530, 3);
    run(2, 3); /* 65533 .. 1: five */
    assert_int_equal(rtp_stats_lost(&st), 5);
    run(105, 1); /* one hundred */
    assert_int_equal(rtp_stats_lost(&st), 105);
}

static void a_late_packet_is_reordered_and_not_lost(void **state)
{
    (void)state;
    run(10, 3);
    packet(14);
    assert_int_equal(rtp_stats_lost(&st), 1);
    packet(13);
    assert_int_equal(rtp_stats_lost(&st), 0);
    assert_int_equal(st.reordered, 1);
}

static void a_packet_before_the_first_makes_no_negative_loss(void **state)
{
    (void)state;
    packet(10);
    packet(9);
    packet(13);
    assert_int_equal(st.reordered, 1);
    assert_int_equal(rtp_stats_lost(&st), 2);
}

static void duplicates_are_neither_lost_nor_reordered(void **state)
{
    (void)state;
    run(10, 5);
    packet(14);
    packet(11);
    assert_int_equal(st.duplicates, 2);
    assert_int_equal(st.reordered, 0);
    packet(16); /* 15 is missing: duplicates do not stand for it */
    assert_int_equal(rtp_stats_lost(&st), 1);
}

static void a_restart_begins_anew_and_keeps_what_was_lost(void **state)
{
    (void)state;
    run(10, 5);
    run(20, 5); /* five lost */
    run(40000, 10);
    assert_int_equal(rtp_stats_lost(&st), 5);
    packet(40012);
    assert_int_equal(rtp_stats_lost(&st), 7);
}

static void one_wild_number_is_no_restart(void **state)
{
    (void)state;
    run(10, 5);
    packet(40000);
    run(15, 5);
    assert_int_equal(rtp_stats_lost(&st), 0);
}

static void another_ssrc_is_counted_and_begins_anew(void **state)
{
    struct rtp_header h = {.seq = 9000, .timestamp = 1, .ssrc = 2};

    (void)state;
    run(10, 5);
    rtp_stats_packet(&st, &h, now);
    assert_int_equal(st.ssrc_changes, 1);
    assert_int_equal(st.ssrc, 2);
    assert_int_equal(rtp_stats_lost(&st), 0);
}

static void a_steady_stream_has_no_jitter(void **state)
{
    (void)state;
    run(0, 500);
    assert_in_range(rtp_stats_jitter_max_us(&st), 0, 125);
}

static void jitter_settles_at_the_mean_difference(void **state)
{
    (void)state;
    /* every second packet 8 ms late: |D| is 8 ms each time, and so is J */
    for (unsigned i = 0; i < 500; i++) {
        struct rtp_header h = {.seq = (uint16_t)i, .timestamp = i * 160, .ssrc = 1};

        rtp_stats_packet(&st, &h, now + (i % 2) * 8 * MS);
        now += 20 * MS;
    }
    assert_in_range(rtp_stats_jitter_us(&st), 7500, 8100);
}

static void an_event_that_repeats_its_timestamp_is_no_jitter(void **state)
{
    struct rtp_header h = {.ssrc = 1};

    (void)state;
    run(0, 50);
    for (unsigned i = 0; i < 10; i++) {
        h = (struct rtp_header){
            .seq = (uint16_t)(50 + i), .timestamp = 8000, .ssrc = 1, .payload_type = 101};
        rtp_stats_packet(&st, &h, now);
        now += 20 * MS;
    }
    run(60, 50);
    assert_in_range(rtp_stats_jitter_max_us(&st), 0, 125);
}

static void clocks_of_static_types_are_known(void **state)
{
    (void)state;
    assert_int_equal(rtp_clock_rate(0), 8000);
    assert_int_equal(rtp_clock_rate(9), 8000); /* G.722: RFC 3551 §4.5.2 */
    assert_int_equal(rtp_clock_rate(6), 16000);
    assert_int_equal(rtp_clock_rate(10), 44100);
    assert_int_equal(rtp_clock_rate(14), 90000);
    assert_int_equal(rtp_clock_rate(16), 11025);
    assert_int_equal(rtp_clock_rate(17), 22050);
    assert_int_equal(rtp_clock_rate(34), 90000);
    assert_int_equal(rtp_clock_rate(96), 8000);
}

#define t(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        t(headers_that_are_not_rtp_are_refused),
        t(nothing_is_lost_over_the_wrap),
        t(gaps_are_lost),
        t(a_late_packet_is_reordered_and_not_lost),
        t(a_packet_before_the_first_makes_no_negative_loss),
        t(duplicates_are_neither_lost_nor_reordered),
        t(a_restart_begins_anew_and_keeps_what_was_lost),
        t(one_wild_number_is_no_restart),
        t(another_ssrc_is_counted_and_begins_anew),
        t(a_steady_stream_has_no_jitter),
        t(jitter_settles_at_the_mean_difference),
        t(an_event_that_repeats_its_timestamp_is_no_jitter),
        t(clocks_of_static_types_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
