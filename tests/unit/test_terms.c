/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What two parties agree on: payload types of both directions, packet times, what a refusal and a restart leave of it.
 * No relay: bodies cross a call whose media goes around us.
 */
#include "call_rig.h"

#include "call/offer.h"
#include "call/terms.h"

#define HEAD      "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\n"
#define EVENT(pt) "a=rtpmap:" pt " telephone-event/8000\r\n"

static struct rig r;
static struct call *c;

static void cross(bool from_in, enum offer_kind kind, const char *sdp)
{
    struct span out;

    assert_int_equal(offer_cross(from_in ? c->in->main : c->out->main,
                                 from_in ? c->out->main : c->in->main, kind, span_of(sdp), &out),
                     0);
}

static void up(void)
{
    rig_up(&r);
    c = make_call(&r);
}

static void assert_pts(const struct leg *leg, unsigned i, const char *want)
{
    struct terms_line l;
    char text[128] = "";
    size_t n = 0;

    assert_true(terms_line(c, leg, i, &l));
    for (unsigned k = 0; k < l.n_pts; k++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%u %s", k ? ", " : "", l.pt[k].type,
                              terms_codec_name(l.pt[k].codec));
    assert_string_equal(text, want);
}

static void nothing_is_agreed_before_the_answer(void **state)
{
    struct terms_line l;

    (void)state;
    up();
    assert_false(terms_line(c, c->in, 0, &l));
    cross(true, OFFER_OFFER, HEAD "m=audio 4000 RTP/AVP 0 8\r\n");
    assert_false(terms_line(c, c->in, 0, &l));
    assert_null(terms_codec(c, c->in));
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 8\r\n");
    assert_pts(c->in, 0, "8 PCMA");
    assert_pts(c->out, 0, "8 PCMA");
    assert_string_equal(terms_codec(c, c->out), "PCMA");
    rig_down(&r);
}

static void each_party_is_sent_its_own_numbers(void **state)
{
    struct terms_line l;

    (void)state;
    up();
    cross(true, OFFER_OFFER, HEAD "m=audio 4000 RTP/AVP 0 8 101\r\n" EVENT("101") "a=ptime:30\r\n");
    cross(false, OFFER_ANSWER,
          HEAD "m=audio 5000 RTP/AVP 8 96\r\n" EVENT("96") "a=maxptime:40\r\n");
    assert_pts(c->in, 0, "8 PCMA, 101 telephone-event, 96 telephone-event");
    assert_pts(c->out, 0, "8 PCMA, 96 telephone-event, 101 telephone-event");
    assert_true(terms_line(c, c->in, 0, &l));
    assert_int_equal(l.event_pt, 101);
    assert_int_equal(l.ptime_ms, 30);
    assert_true(terms_line(c, c->out, 0, &l));
    assert_int_equal(l.event_pt, 96);
    assert_int_equal(l.ptime_ms, 30);
    assert_int_equal(l.maxptime_ms, 40);
    assert_int_equal(l.clock_rate, 0);
    rig_down(&r);
}

static void dynamic_codecs_are_known_by_name_and_clock(void **state)
{
    struct media_ep ep = {0};
    struct terms_line l;

    (void)state;
    up();
    cross(true, OFFER_OFFER,
          HEAD "m=audio 4000 RTP/AVP 96 97\r\na=rtpmap:96 AMR-WB/16000\r\n"
               "a=rtpmap:97 X-ours/8000\r\nm=video 4002 RTP/AVP 99\r\n"
               "a=rtpmap:99 H264/90000\r\n");
    cross(false, OFFER_ANSWER,
          HEAD "m=audio 5000 RTP/AVP 96 97\r\na=rtpmap:96 amr-wb/16000/1\r\n"
               "a=rtpmap:97 X-ours/8000\r\nm=video 5002 RTP/AVP 99\r\n"
               "a=rtpmap:99 H264/90000\r\n");
    assert_pts(c->in, 0, "96 AMR-WB, 97 ?");
    assert_pts(c->in, 1, "99 video");
    assert_true(terms_line(c, c->in, 0, &l));
    assert_int_equal(l.clock_rate, 16000);
    terms_fill(c, c->in, 1, &ep);
    assert_int_equal(ep.flags, MEDIA_EP_MANY);
    assert_int_equal(ep.clock_rate, 90000);
    rig_down(&r);
}

static uint32_t clock_of(const char *offer, const char *answer)
{
    struct terms_line l;

    up();
    cross(true, OFFER_OFFER, offer);
    cross(false, OFFER_ANSWER, answer);
    assert_true(terms_line(c, c->in, 0, &l));
    rig_down(&r);
    return l.clock_rate;
}

#define LINE(port, clock) HEAD "m=audio " port " RTP/AVP 96\r\na=rtpmap:96 AMR/" clock "\r\n"

/* The relay takes 1,000 to 1,000,000 Hz: a party that says something else must not lose the call by it. */
static void a_clock_is_exact_or_not_said(void **state)
{
    (void)state;
    assert_int_equal(clock_of(LINE("4000", "11025"), LINE("5000", "11025")), 11025);
    assert_int_equal(clock_of(LINE("4000", "192000"), LINE("5000", "192000")), 192000);
    assert_int_equal(clock_of(LINE("4000", "500"), LINE("5000", "500")), 0);
    assert_int_equal(clock_of(LINE("4000", "4294967290"), LINE("5000", "4294967290")), 0);
}

#define OPUS    "a=rtpmap:111 opus/48000/2\r\n"
#define FAST    "a=rtpmap:110 telephone-event/48000\r\n"
#define BROWSER HEAD "m=audio 4000 RTP/AVP 111 0 110 126\r\n" OPUS FAST EVENT("126")

static void assert_event(const struct leg *leg, uint8_t type, uint32_t hz)
{
    struct media_ep ep = {0};

    terms_fill(c, leg, 0, &ep);
    assert_int_equal(media_event_clock(ep.pt, ep.n_pts, ep.clock_rate, type), hz);
}

static void events_have_the_clock_of_their_rtpmap(void **state)
{
    struct terms_line l;

    (void)state;
    up();
    cross(true, OFFER_OFFER, BROWSER);
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 111 110 126\r\n" OPUS FAST EVENT("126"));
    assert_pts(c->out, 0, "111 opus, 110 telephone-event, 126 telephone-event");
    assert_event(c->in, 110, 48000);
    assert_event(c->in, 126, 8000);
    assert_event(c->out, 126, 8000);
    assert_true(terms_line(c, c->in, 0, &l));
    assert_int_equal(l.event_pt, 110);
    /* the voice is another, and events of both clocks stay */
    cross(true, OFFER_OFFER, BROWSER);
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 0 110 126\r\n" FAST EVENT("126"));
    assert_event(c->in, 110, 48000);
    assert_event(c->in, 126, 8000);
    assert_event(c->out, 110, 48000);
    assert_true(terms_line(c, c->in, 0, &l));
    assert_int_equal(l.clock_rate, 0);
    assert_int_equal(l.event_pt, 126);
    rig_down(&r);
}

/* Numbers mean nothing: what the answer calls 110 is what the offer calls 126. */
static void events_are_matched_by_clock(void **state)
{
    (void)state;
    up();
    cross(true, OFFER_OFFER, BROWSER);
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 111 96\r\n" OPUS EVENT("96"));
    assert_pts(c->in, 0, "111 opus, 126 telephone-event, 96 telephone-event");
    assert_event(c->in, 126, 8000);
    assert_event(c->in, 96, 8000);
    assert_event(c->out, 96, 8000);
    rig_down(&r);
}

#define FULL                                                                           \
    HEAD "m=audio 4000 RTP/AVP 96 97 98 0 8 18 101 99\r\na=rtpmap:96 opus/48000/2\r\n" \
         "a=rtpmap:97 speex/16000\r\na=rtpmap:98 speex/8000\r\n"                       \
         "a=rtpmap:101 telephone-event/48000\r\n" EVENT("99")

/* The party's own clocks have no room; they are not taken for those of the voice that it named first. */
static void events_of_a_full_list_have_the_clock_of_the_answer(void **state)
{
    struct terms_line l;

    (void)state;
    up();
    cross(true, OFFER_OFFER, FULL);
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 8 99\r\n" EVENT("99"));
    assert_pts(c->in, 0, "8 PCMA, 99 telephone-event");
    assert_event(c->in, 99, 8000);
    assert_event(c->out, 99, 8000);
    assert_int_equal(terms_event_said(c, c->in, 0, 8000), 101); /* as good as the other */
    assert_true(terms_line(c, c->in, 0, &l));
    assert_int_equal(l.event_pt, 99);
    cross(true, OFFER_OFFER, FULL);
    cross(false, OFFER_ANSWER,
          HEAD "m=audio 5000 RTP/AVP 96 99\r\na=rtpmap:96 opus/48000/2\r\n" EVENT("99"));
    assert_event(c->in, 99, 8000);
    assert_event(c->out, 99, 8000);
    rig_down(&r);
}

/* As a record of a version that noted no clocks is taken up. */
static void a_clock_that_was_not_noted_is_not_told(void **state)
{
    struct term kept[2 * OFFER_MEDIA_MAX];
    struct media_ep ep = {0};

    (void)state;
    up();
    cross(true, OFFER_OFFER, BROWSER);
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 0 126\r\n" EVENT("126"));
    terms_save(c, kept);
    for (unsigned e = 0; e < 2; e++)
        memset(&kept[e].pt[kept[e].n_pts], 0,
               (MEDIA_PTS_MAX - kept[e].n_pts) * sizeof(kept[e].pt[0]));
    terms_load(c, kept);
    terms_fill(c, c->in, 0, &ep);
    assert_int_equal(media_event_clock_said(ep.pt, ep.n_pts, 126), 0);
    assert_event(c->in, 126, 8000);
    rig_down(&r);
}

static void a_refused_offer_changes_nothing(void **state)
{
    (void)state;
    up();
    cross(true, OFFER_OFFER, HEAD "m=audio 4000 RTP/AVP 0 8\r\n");
    cross(false, OFFER_ANSWER, HEAD "m=audio 5000 RTP/AVP 0\r\n");
    cross(true, OFFER_OFFER, HEAD "m=audio 4000 RTP/AVP 18\r\n");
    offer_refused(c->in->main, c->out->main);
    assert_pts(c->in, 0, "0 PCMU");
    cross(false, OFFER_OFFER, HEAD "m=image 5000 udptl t38\r\n");
    cross(true, OFFER_ANSWER, HEAD "m=image 4000 udptl t38\r\n");
    assert_pts(c->in, 0, "");
    assert_string_equal(terms_codec(c, c->in), "T38");
    rig_down(&r);
}

static void a_record_carries_what_was_agreed(void **state)
{
    struct term saved[2 * OFFER_MEDIA_MAX];

    (void)state;
    up();
    cross(true, OFFER_OFFER,
          HEAD "m=audio 4000 RTP/AVP 0 8\r\nm=audio 0 RTP/AVP 0\r\n"
               "m=audio 4004 RTP/AVP 18\r\n");
    cross(false, OFFER_ANSWER,
          HEAD "m=audio 5000 RTP/AVP 8\r\nm=audio 0 RTP/AVP 0\r\n"
               "m=audio 5004 RTP/AVP 18\r\n");
    terms_save(c, saved);
    terms_free(c);
    saved[3].flags = TERMS_ON;
    saved[3].n_pts = MEDIA_PTS_MAX + 1; /* of another program */
    terms_load(c, saved);
    assert_pts(c->out, 0, "8 PCMA");
    assert_pts(c->out, 2, "18 G729");
    rig_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_agreed_before_the_answer),
        cmocka_unit_test(each_party_is_sent_its_own_numbers),
        cmocka_unit_test(dynamic_codecs_are_known_by_name_and_clock),
        cmocka_unit_test(a_clock_is_exact_or_not_said),
        cmocka_unit_test(events_have_the_clock_of_their_rtpmap),
        cmocka_unit_test(events_are_matched_by_clock),
        cmocka_unit_test(events_of_a_full_list_have_the_clock_of_the_answer),
        cmocka_unit_test(a_clock_that_was_not_noted_is_not_told),
        cmocka_unit_test(a_refused_offer_changes_nothing),
        cmocka_unit_test(a_record_carries_what_was_agreed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
