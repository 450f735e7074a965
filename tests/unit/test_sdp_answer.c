/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offers and answers of our own: codecs in common, their order and numbers, directions, refusals.
 * Run by make check; it sees lib/sip and below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "sip/sdp_answer.h"

#define HEAD        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define AUDIO(fmts) HEAD "m=audio 4000 RTP/AVP " fmts "\r\n"
#define EVENT(pt)   "a=rtpmap:" pt " telephone-event/8000\r\na=fmtp:" pt " 0-15\r\n"

static char out[4096];
static struct sdp so, ss;

static const char *answer(const char *offer, const char *said, int accepted)
{
    struct build b;

    memset(out, 0, sizeof out);
    build_init(&b, out, sizeof out - 1);
    assert_int_equal(sdp_parse(&so, span_of(offer), NULL), 0);
    if (said)
        assert_int_equal(sdp_parse(&ss, span_of(said), NULL), 0);
    assert_int_equal(sdp_answer(&so, said ? &ss : NULL, &b), accepted);
    assert_int_equal(sdp_parse(&ss, build_text(&b), NULL), 0);
    assert_int_equal(ss.n_media, so.n_media);
    return out;
}

static bool covers(const char *reply, const char *said)
{
    assert_int_equal(sdp_parse(&so, span_of(reply), NULL), 0);
    assert_int_equal(sdp_parse(&ss, span_of(said), NULL), 0);
    return sdp_covers(&so, &ss);
}

static void the_answer_has_the_codecs_of_both_in_the_order_of_the_offer(void **state)
{
    (void)state;
    assert_non_null(
        strstr(answer(AUDIO("8 0 18"), AUDIO("18 3 0"), 1), "m=audio 4000 RTP/AVP 0 18\r\n"));
}

static void payload_types_are_those_of_who_will_receive(void **state)
{
    const char *a;

    (void)state;
    a = answer(AUDIO("0 101") EVENT("101"), AUDIO("0 96") EVENT("96"), 1);
    assert_non_null(strstr(a, "RTP/AVP 0 96\r\n"));
    assert_non_null(strstr(a, "a=rtpmap:96 telephone-event/8000\r\na=fmtp:96 0-15\r\n"));
    assert_null(strstr(a, "101"));
}

static void lines_of_formats_that_were_not_chosen_are_left_out(void **state)
{
    const char *a;

    (void)state;
    a = answer(AUDIO("0"),
               AUDIO("0 18 101") "a=fmtp:18 annexb=no\r\n" EVENT("101") "a=ptime:20\r\n", 1);
    assert_null(strstr(a, "fmtp"));
    assert_null(strstr(a, "rtpmap"));
    assert_non_null(strstr(a, "a=ptime:20\r\n"));
}

static void a_name_is_its_codec_whatever_its_number_and_case(void **state)
{
    (void)state;
    assert_non_null(
        strstr(answer(AUDIO("97") "a=rtpmap:97 pcma/8000/1\r\n", AUDIO("8"), 1), "RTP/AVP 8\r\n"));
    assert_non_null(strstr(answer(AUDIO("97") "a=rtpmap:97 CLEARMODE/8000\r\n",
                                  AUDIO("98") "a=rtpmap:98 clearmode/8000\r\n", 1),
                           "RTP/AVP 98\r\n"));
}

static void events_alone_are_no_call(void **state)
{
    (void)state;
    assert_non_null(strstr(answer(AUDIO("8 101") EVENT("101"), AUDIO("0 101") EVENT("101"), 0),
                           "m=audio 0 RTP/AVP 8 101\r\n"));
}

static void without_a_counterpart_a_line_is_refused(void **state)
{
    const char *a;

    (void)state;
    a = answer(AUDIO("0") "m=video 5000 RTP/AVP 31\r\n", AUDIO("0"), 1);
    assert_non_null(strstr(a, "m=video 0 RTP/AVP 31\r\n"));
    a = answer(AUDIO("0"), NULL, 0);
    assert_non_null(strstr(a, "m=audio 0 RTP/AVP 0\r\n"));
    a = answer(AUDIO("0"), HEAD "m=audio 0 RTP/AVP 0\r\n", 0);
    assert_non_null(strstr(a, "m=audio 0 "));
    a = answer(AUDIO("0"), HEAD "m=audio 4000 RTP/SAVP 0\r\n", 0);
    assert_non_null(strstr(a, "m=audio 0 "));
}

static void directions_are_narrowed_to_what_both_allow(void **state)
{
    static const struct {
        const char *offer, *said, *want;
    } tab[] = {
        {"", "", "a=sendrecv\r\n"},
        {"", "a=sendonly\r\n", "a=sendonly\r\n"},
        {"a=sendonly\r\n", "", "a=recvonly\r\n"},
        {"a=sendonly\r\n", "a=sendonly\r\n", "a=inactive\r\n"},
        {"a=recvonly\r\n", "", "a=sendonly\r\n"},
        {"a=recvonly\r\n", "a=recvonly\r\n", "a=inactive\r\n"},
        {"a=inactive\r\n", "", "a=inactive\r\n"},
        {"", "a=recvonly\r\n", "a=recvonly\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof tab / sizeof tab[0]; i++) {
        char offer[256], said[256];

        snprintf(offer, sizeof offer, "%s%s", AUDIO("0"), tab[i].offer);
        snprintf(said, sizeof said, "%s%s", AUDIO("0"), tab[i].said);
        assert_non_null(strstr(answer(offer, said, 1), tab[i].want));
    }
}

static void an_offer_has_the_codecs_of_the_list_in_its_order(void **state)
{
    static const char *const list[] = {"g729", "pcma", "pcmu", "telephone-event"};
    struct build b;

    (void)state;
    memset(out, 0, sizeof out);
    build_init(&b, out, sizeof out - 1);
    assert_int_equal(sdp_offer(list, 4, &b), 0);
    assert_non_null(strstr(out, "RTP/AVP 18 8 0 101\r\n"));
    assert_non_null(strstr(out, "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"));
    assert_non_null(strstr(out, "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"));
    assert_int_equal(sdp_parse(&so, build_text(&b), NULL), 0);
}

static void a_list_of_unknown_codecs_makes_no_offer(void **state)
{
    static const char *const list[] = {"speex"};
    struct build b;
    char small[40];

    (void)state;
    build_init(&b, out, sizeof out);
    assert_int_equal(sdp_offer(list, 1, &b), -EINVAL);
    build_init(&b, small, sizeof small);
    assert_int_equal(sdp_offer((const char *const[]){"pcma"}, 1, &b), -ENOSPC);
}

static void an_answer_covers_what_was_said_if_nothing_is_missing(void **state)
{
    (void)state;
    assert_true(covers(AUDIO("0 8"), AUDIO("8 0")));
    assert_true(covers(AUDIO("0 8 18"), AUDIO("8")));
    assert_false(covers(AUDIO("0"), AUDIO("8 0")));
    assert_false(covers(AUDIO("0") "a=sendonly\r\n", AUDIO("0")));
    assert_true(covers(AUDIO("0") "a=recvonly\r\n", AUDIO("0") "a=sendonly\r\n"));
    assert_false(covers(HEAD "m=audio 0 RTP/AVP 0\r\n", AUDIO("0")));
    assert_false(covers(AUDIO("0"), AUDIO("0") "m=video 5000 RTP/AVP 31\r\n"));
    assert_true(covers(HEAD "m=audio 0 RTP/AVP 0\r\n", HEAD "m=audio 0 RTP/AVP 8\r\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_has_the_codecs_of_both_in_the_order_of_the_offer),
        cmocka_unit_test(payload_types_are_those_of_who_will_receive),
        cmocka_unit_test(lines_of_formats_that_were_not_chosen_are_left_out),
        cmocka_unit_test(a_name_is_its_codec_whatever_its_number_and_case),
        cmocka_unit_test(events_alone_are_no_call),
        cmocka_unit_test(without_a_counterpart_a_line_is_refused),
        cmocka_unit_test(directions_are_narrowed_to_what_both_allow),
        cmocka_unit_test(an_offer_has_the_codecs_of_the_list_in_its_order),
        cmocka_unit_test(a_list_of_unknown_codecs_makes_no_offer),
        cmocka_unit_test(an_answer_covers_what_was_said_if_nothing_is_missing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
