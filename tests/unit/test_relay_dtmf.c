/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/relay/dtmf.c: RFC 4733 as it arrives over a network, and as it is written.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "relay/dtmf.h"

static struct dtmf *ev;
static char told[64]; /* "5@80 #@100" */

static int setup(void **state)
{
    (void)state;
    ev = dtmf_new(101, 8000);
    told[0] = '\0';
    return ev ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    dtmf_free(ev);
    return 0;
}

static void note(const struct dtmf_digit *d)
{
    static const char names[] = "0123456789*#ABCDF";
    size_t n = strlen(told);

    snprintf(told + n, sizeof(told) - n, "%s%c@%u", n ? " " : "", names[d->digit], d->duration_ms);
}

static void in(uint32_t ts, unsigned digit, bool end, unsigned duration)
{
    static uint16_t seq;
    struct rtp_header h = {.timestamp = ts, .ssrc = 7, .seq = seq++, .payload_type = 101};
    uint8_t b[4] = {(uint8_t)digit, (uint8_t)((end ? 0x80 : 0) | 10), (uint8_t)(duration >> 8),
                    (uint8_t)duration};
    struct dtmf_digit d;

    if (dtmf_in(ev, &h, b, sizeof(b), &d))
        note(&d);
}

static void a_digit_is_told_once_at_its_end(void **state)
{
    (void)state;
    in(1000, 5, false, 160);
    in(1000, 5, false, 320);
    in(1000, 5, false, 480);
    assert_string_equal(told, "");
    in(1000, 5, true, 640);
    in(1000, 5, true, 640);
    in(1000, 5, true, 640);
    assert_string_equal(told, "5@80");
}

static void two_equal_digits_are_two(void **state)
{
    (void)state;
    in(1000, 5, false, 160);
    in(1000, 5, true, 320);
    in(2000, 5, false, 160);
    in(2000, 5, true, 320);
    assert_string_equal(told, "5@40 5@40");
}

static void lost_end_packets_are_made_up_for(void **state)
{
    struct dtmf_digit d;

    (void)state;
    in(1000, 1, false, 400);
    in(3000, 2, true, 800); /* the first is told here, this one with its next end packet */
    in(3000, 2, true, 800);
    assert_string_equal(told, "1@50 2@100");
    in(5000, 3, false, 160);
    assert_true(dtmf_in_silent(ev, &d));
    note(&d);
    assert_false(dtmf_in_silent(ev, &d));
    assert_string_equal(told, "1@50 2@100 3@20");
    in(5000, 3, true, 640); /* late: it has been told */
    assert_string_equal(told, "1@50 2@100 3@20");
}

static void late_and_doubled_packets_make_no_digit(void **state)
{
    (void)state;
    in(1000, 1, true, 400);
    in(3000, 2, false, 160);
    in(1000, 1, true, 400);
    in(3000, 2, true, 640);
    in(3000, 2, false, 320);
    in(1000, 1, true, 400);
    in(3000, 2, true, 640);
    assert_string_equal(told, "1@50 2@80");
}

/* A gateway that begins its clock anew in the same stream (a transfer behind it). */
static void a_clock_that_begins_anew_loses_no_digit(void **state)
{
    (void)state;
    in(900000, 1, false, 160);
    in(900000, 1, true, 400);
    in(1000, 2, false, 160);
    in(1000, 2, true, 640);
    in(900000, 1, true, 400); /* of the old one, doubled */
    in(5000, 3, true, 640);
    assert_string_equal(told, "1@50 2@80 3@80");
}

static void a_late_packet_of_any_event_makes_no_digit(void **state)
{
    struct rtp_header h = {.timestamp = 1000, .ssrc = 7, .seq = 65530, .payload_type = 101};
    const uint8_t end[] = {1, 0x8a, 1, 0x90};
    struct dtmf_digit d;

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        h.seq = (uint16_t)(65530 + 10 * i);
        h.timestamp = 1000 + 2000 * i;
        assert_true(dtmf_in(ev, &h, end, sizeof(end), &d));
    }
    h.seq = 65531; /* of the first of four, and around the end of the numbers */
    h.timestamp = 1000;
    assert_false(dtmf_in(ev, &h, end, sizeof(end), &d));
}

static void only_the_end_arrives(void **state)
{
    (void)state;
    in(1000, 16, true, 800);
    assert_string_equal(told, "F@100");
}

/* §2.5.1.3: 65,535 units and on in a new segment. */
static void a_very_long_digit_is_one(void **state)
{
    (void)state;
    in(1000, 9, false, 65000);
    in(1000, 9, false, 65535);
    in(1000 + 65535, 9, false, 160);
    in(1000 + 65535, 9, true, 320);
    assert_string_equal(told, "9@8231");
}

static void other_events_and_short_packets_are_not_told(void **state)
{
    struct rtp_header h = {.timestamp = 1, .ssrc = 7, .payload_type = 101};
    struct dtmf_digit d;

    (void)state;
    in(1000, 32, true, 400);
    assert_false(dtmf_in(ev, &h, (const uint8_t *)"\x01\x8a\x01", 3, &d));
    assert_string_equal(told, "");
}

/* ---- taken out ---- */

static uint16_t seq_after(uint16_t seq)
{
    struct rtp_header h = {.ssrc = 7, .seq = seq};

    return dtmf_seq(ev, &h);
}

static void cut(uint16_t seq)
{
    struct rtp_header h = {.ssrc = 7, .seq = seq};

    dtmf_cut(ev, &h);
}

static void the_peer_sees_no_gap_where_events_were(void **state)
{
    struct rtp_header other = {.ssrc = 8, .seq = 50};

    (void)state;
    assert_int_equal(seq_after(65533), 65533);
    for (unsigned s = 65534; s <= 65539; s++)
        cut((uint16_t)s);
    assert_int_equal(seq_after(4), 65534);
    assert_int_equal(seq_after(5), 65535);
    assert_int_equal(seq_after(6), 0);
    cut(7);
    cut(8);
    assert_int_equal(seq_after(9), 1);
    assert_int_equal(seq_after(6), 0); /* late */
    assert_int_equal(dtmf_seq(ev, &other), 50);
    assert_true(dtmf_is_cutting(ev));
}

/* ---- sent ---- */

struct out {
    uint8_t b[172];
    uint32_t len;
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct out audio(unsigned n)
{
    struct out o = {.len = 172};
    uint32_t ts = 5000 + n * 160;

    o.b[0] = 0x80;
    o.b[3] = (uint8_t)n;
    o.b[6] = (uint8_t)(ts >> 8);
    o.b[7] = (uint8_t)ts;
    o.b[11] = 9;
    return o;
}

/* Ten audio packets pass from packet 3 on a digit of 100 ms is sent. */
static void a_digit_takes_the_place_of_audio(void **state)
{
    static const unsigned duration[] = {160, 320, 480, 640, 800, 800, 800};

    (void)state;
    assert_true(dtmf_push(ev, &(struct dtmf_digit){.digit = 11, .volume = 10, .duration_ms = 100}));
    dtmf_begin(ev, true, 1000);
    for (unsigned n = 0; n < 10; n++) {
        struct out o = audio(n);
        uint32_t len = dtmf_out(ev, o.b, 20, 1000 + 20 * n);

        if (n > 6) {
            assert_int_equal(len, 0);
            continue;
        }
        assert_int_equal(len, 16);
        assert_int_equal(o.b[3], n);                         /* the stream's numbers */
        assert_int_equal(be32(o.b + 8), 9);                  /* and SSRC */
        assert_int_equal(o.b[1], n == 0 ? 0x80 | 101 : 101); /* marker on the first */
        assert_int_equal(be32(o.b + 4), 5000);               /* one timestamp */
        assert_int_equal(o.b[12], 11);
        assert_int_equal(o.b[13], n >= 4 ? 0x80 | 10 : 10); /* three ends */
        assert_int_equal((unsigned)(o.b[14] << 8 | o.b[15]), duration[n]);
    }
    assert_int_equal(ev->mode, DTMF_IDLE);
    assert_int_equal(ev->n_queue, 0);
}

/* Beside opus/48000 the party said telephone-event/8000 alone: the stream's clock, the event's units. */
static void a_digit_counts_in_its_own_clock(void **state)
{
    static const unsigned duration[] = {160, 320, 480, 640, 800, 800, 800};

    (void)state;
    ev->ride_clock = 48000;
    assert_true(dtmf_push(ev, &(struct dtmf_digit){.digit = 11, .volume = 10, .duration_ms = 100}));
    dtmf_begin(ev, true, 1000);
    for (unsigned n = 0; n < 7; n++) {
        struct out o = audio(6 * n);

        assert_int_equal(dtmf_out(ev, o.b, 20, 1000 + 20 * n), 16);
        assert_int_equal(be32(o.b + 4), 5000);
        assert_int_equal((unsigned)(o.b[14] << 8 | o.b[15]), duration[n]);
    }
    assert_int_equal(ev->mode, DTMF_IDLE);
}

static void a_digit_is_told_in_the_clock_of_its_type(void **state)
{
    (void)state;
    dtmf_in_clock(ev, 48000);
    in(1000, 1, false, 4800); /* its end is lost */
    dtmf_in_clock(ev, 8000);
    in(9000, 2, false, 400);
    in(9000, 2, true, 800);
    assert_string_equal(told, "1@100 2@100");
}

static void what_is_sent_reads_as_what_was_asked(void **state)
{
    struct dtmf_digit d;
    uint8_t b[DTMF_BYTES];
    unsigned n = 0;

    (void)state;
    for (unsigned i = 0; i <= 16; i++)
        assert_true(dtmf_push(ev, &(struct dtmf_digit){.digit = (uint8_t)i, .duration_ms = 60}));
    for (uint64_t t = 1000; ev->n_queue > 0 && t < 10000; t += 20) {
        struct rtp_header h;

        dtmf_begin(ev, false, t);
        if (ev->mode == DTMF_IDLE)
            continue;
        assert_int_equal(dtmf_own(ev, b, 20, t), 16);
        assert_int_equal(rtp_parse(b, 16, &h), 0);
        if (dtmf_in(ev, &h, b + 12, 4, &d)) {
            assert_int_equal(d.digit, n++);
            assert_int_equal(d.duration_ms, 60);
        }
    }
    assert_int_equal(n, 17);
}

static void a_long_digit_at_a_fast_clock_does_not_wrap(void **state)
{
    const struct dtmf_digit d = {.digit = 5, .volume = 10, .duration_ms = 5000};
    struct dtmf *fast = dtmf_new(101, 48000);
    uint8_t b[DTMF_BYTES];
    unsigned last = 0;
    uint64_t now = 1000;

    (void)state;
    assert_non_null(fast);
    assert_true(dtmf_push(fast, &d));
    dtmf_begin(fast, false, now);
    while (fast->mode != DTMF_IDLE) {
        unsigned duration;

        assert_int_equal(dtmf_own(fast, b, 20, now += 20), DTMF_BYTES);
        duration = (unsigned)(b[14] << 8 | b[15]);
        assert_true(duration >= last);
        last = duration;
    }
    assert_int_equal(last, 65535);
    assert_int_equal(b[13] & 0x80, 0x80);
    dtmf_free(fast);
}

/* 20 ms are 220.5 units. */
static void a_clock_of_no_whole_khz_keeps_its_time(void **state)
{
    const struct dtmf_digit d = {.digit = 5, .volume = 10, .duration_ms = 100};
    struct dtmf *odd = dtmf_new(101, 11025);
    uint8_t b[DTMF_BYTES];
    uint32_t begun;
    unsigned n = 0;

    (void)state;
    assert_non_null(odd);
    begun = odd->own_timestamp;
    assert_true(dtmf_push(odd, &d));
    dtmf_begin(odd, false, 1000);
    for (; odd->mode != DTMF_IDLE; n++)
        assert_int_equal(dtmf_own(odd, b, 20, 1000 + 20 * n), DTMF_BYTES);
    assert_int_equal(n, 5 + 2); /* five packets, the last of them three times */
    assert_int_equal(b[14] << 8 | b[15], 1103);
    assert_int_equal(odd->own_timestamp - begun, 7 * 441 / 2);
    dtmf_free(odd);
}

static void digits_keep_their_distance(void **state)
{
    (void)state;
    dtmf_push(ev, &(struct dtmf_digit){.digit = 1, .duration_ms = 40});
    dtmf_push(ev, &(struct dtmf_digit){.digit = 2, .duration_ms = 40});
    dtmf_begin(ev, true, 1000);
    for (unsigned n = 0; n < 4; n++) {
        struct out o = audio(n);

        assert_int_equal(dtmf_out(ev, o.b, 20, 1000 + 20 * n), 16);
    }
    dtmf_begin(ev, true, 1080);
    assert_int_equal(ev->mode, DTMF_IDLE);
    dtmf_begin(ev, true, 1060 + DTMF_GAP_MS);
    assert_int_equal(ev->mode, DTMF_RIDE);
}

static void a_stream_that_stops_ends_the_event(void **state)
{
    struct out o = audio(0);

    (void)state;
    dtmf_push(ev, &(struct dtmf_digit){.digit = 1, .duration_ms = 4000});
    dtmf_begin(ev, true, 1000);
    dtmf_out(ev, o.b, 20, 1000);
    dtmf_out_silent(ev, 1100);
    assert_int_equal(ev->mode, DTMF_IDLE);
    assert_int_equal(ev->n_queue, 0);
}

static void more_digits_than_fit_are_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DTMF_QUEUE; i++)
        assert_true(dtmf_push(ev, &(struct dtmf_digit){.duration_ms = 40}));
    assert_false(dtmf_push(ev, &(struct dtmf_digit){.duration_ms = 40}));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_digit_is_told_once_at_its_end),
        T(two_equal_digits_are_two),
        T(lost_end_packets_are_made_up_for),
        T(late_and_doubled_packets_make_no_digit),
        T(a_clock_that_begins_anew_loses_no_digit),
        T(a_late_packet_of_any_event_makes_no_digit),
        T(only_the_end_arrives),
        T(a_very_long_digit_is_one),
        T(other_events_and_short_packets_are_not_told),
        T(the_peer_sees_no_gap_where_events_were),
        T(a_digit_takes_the_place_of_audio),
        T(a_digit_counts_in_its_own_clock),
        T(a_digit_is_told_in_the_clock_of_its_type),
        T(what_is_sent_reads_as_what_was_asked),
        T(a_long_digit_at_a_fast_clock_does_not_wrap),
        T(a_clock_of_no_whole_khz_keeps_its_time),
        T(digits_keep_their_distance),
        T(a_stream_that_stops_ends_the_event),
        T(more_digits_than_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
