/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offer and answer across the bridge: states of both dialogs, o= lines counted by us, what a refusal leaves behind.
 * No relay: the call is one with media by-passed, or with endpoints written into it by hand.
 */
#include "call_rig.h"

#include "call/offer.h"

#define SDP(port, dir)                                                                            \
    "v=0\r\no=them 111 222 IN IP4 192.0.2.77\r\ns=their name\r\nc=IN IP4 192.0.2.77\r\nt=0 0\r\n" \
    "m=audio " port " RTP/AVP 0\r\n" dir

static char body[4096]; /* what crossed last */

static void cross(struct ldlg *from, struct ldlg *to, enum offer_kind kind, const char *sdp)
{
    struct span out = SPAN_NONE;

    assert_int_equal(offer_cross(from, to, kind, span_of(sdp), &out), 0);
    snprintf(body, sizeof body, "%.*s", SPAN_ARG(out));
}

/* id and version of the o= line that crossed. */
static void read_o(unsigned long long *id, unsigned *version)
{
    char user[32];

    assert_int_equal(sscanf(strstr(body, "o="), "o=%31s %llu %u", user, id, version), 3);
    assert_string_equal(user, "-");
}

static void an_offer_and_its_answer_make_both_dialogs_stable(void **state)
{
    struct rig r;
    struct call *c;
    struct ldlg *in, *out;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    in = c->in->main;
    out = c->out->main;
    assert_int_equal(in->oa.state, OA_NONE);
    assert_false(offer_is_open(in));
    cross(in, out, OFFER_OFFER, SDP("4000", ""));
    assert_int_equal(in->oa.state, OA_OFFER_IN);
    assert_int_equal(out->oa.state, OA_OFFER_OUT);
    assert_true(offer_is_open(in) && offer_is_open(out));
    cross(out, in, OFFER_ANSWER, SDP("5000", ""));
    assert_int_equal(in->oa.state, OA_STABLE);
    assert_int_equal(out->oa.state, OA_STABLE);
    cross(out, in, OFFER_OFFER, SDP("5000", "a=sendonly\r\n"));
    assert_int_equal(out->oa.state, OA_OFFER_IN);
    assert_int_equal(in->oa.state, OA_OFFER_OUT);
    offer_refused(out, in);
    assert_int_equal(in->oa.state, OA_STABLE);
    assert_int_equal(out->oa.state, OA_STABLE);
    rig_down(&r);
}

static void the_o_line_is_ours_and_counted_only_when_the_body_differs(void **state)
{
    unsigned long long id1, id2, id3;
    unsigned v1, v2, v3;
    struct rig r;
    struct call *c;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    cross(c->in->main, c->out->main, OFFER_OFFER, SDP("4000", ""));
    read_o(&id1, &v1);
    assert_int_not_equal(id1, 111);
    cross(c->in->main, c->out->main, OFFER_OFFER, SDP("4000", ""));
    read_o(&id2, &v2);
    assert_true(id1 == id2);
    assert_int_equal(v2, v1); /* the same again: a repeated 18x, the 200 behind it */
    cross(c->in->main, c->out->main, OFFER_OFFER, SDP("4000", "a=sendonly\r\n"));
    read_o(&id3, &v3);
    assert_true(id1 == id3);
    assert_int_equal(v3, v1 + 1);
    cross(c->out->main, c->in->main, OFFER_ANSWER, SDP("4000", "a=sendonly\r\n"));
    read_o(&id3, &v3);
    assert_false(id1 == id3); /* another dialog, another id */
    rig_down(&r);
}

static void nothing_of_the_sender_is_left_in_origin_and_name(void **state)
{
    struct rig r;
    struct call *c;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    c->media.state = CALL_MEDIA_OPEN;
    c->media.n = 1;
    assert_int_equal(addr_parse(SPAN("203.0.113.9:10000"), 0, &c->media.local[0]), 0);
    assert_int_equal(addr_parse(SPAN("203.0.113.9:10002"), 0, &c->media.local[1]), 0);
    cross(c->in->main, c->out->main, OFFER_OFFER, SDP("4000", ""));
    assert_null(strstr(body, "192.0.2.77"));
    assert_null(strstr(body, "their name"));
    assert_null(strstr(body, "them"));
    assert_non_null(strstr(body, "IN IP4 203.0.113.9"));
    assert_non_null(strstr(body, "m=audio 10002 RTP/AVP 0"));
    rig_down(&r);
}

static void a_refused_offer_leaves_the_addresses_that_were_agreed(void **state)
{
    struct rig r;
    struct call *c;
    char text[ADDR_STRLEN];

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    c->media.n = 1;
    cross(c->in->main, c->out->main, OFFER_OFFER, SDP("4000", ""));
    assert_string_equal(addr_str(&c->media.new_remote[0], text), "192.0.2.77:4000");
    c->media.remote[0] = c->media.new_remote[0];
    cross(c->in->main, c->out->main, OFFER_OFFER, SDP("6000", ""));
    assert_string_equal(addr_str(&c->media.new_remote[0], text), "192.0.2.77:6000");
    offer_refused(c->in->main, c->out->main);
    assert_string_equal(addr_str(&c->media.new_remote[0], text), "192.0.2.77:4000");
    rig_down(&r);
}

static void a_body_that_is_no_sdp_does_not_cross_and_changes_nothing(void **state)
{
    struct span out = SPAN("untouched");
    struct rig r;
    struct call *c;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    assert_int_equal(
        offer_cross(c->in->main, c->out->main, OFFER_OFFER, SPAN("v=0\r\nnonsense\r\n"), &out),
        -EINVAL);
    assert_true(span_eq(out, SPAN("untouched")));
    assert_int_equal(c->in->main->oa.state, OA_NONE);
    assert_int_equal(c->out->main->oa.state, OA_NONE);
    rig_down(&r);
}

static void an_offer_must_have_a_line_that_is_on(void **state)
{
    const char *why = NULL;

    (void)state;
    assert_int_equal(offer_check(SPAN(SDP("4000", "")), &why), 0);
    assert_int_equal(offer_check(SPAN(SDP("0", "")), &why), -EINVAL);
    assert_non_null(why);
    why = NULL;
    assert_int_equal(offer_check(SPAN("v=0\r\no=a 1 1 IN IP4 192.0.2.7\r\ns=-\r\nt=0 0\r\n"), &why),
                     -EINVAL);
    assert_non_null(why);
    assert_int_equal(offer_check(SPAN("hello"), &why), -EINVAL);
}

/* ---- a relay that cannot be asked: no memory for the request ---- */

static uint32_t no_open(struct media *m, const struct media_open *o, media_done_fn done, void *arg)
{
    (void)m;
    (void)o;
    (void)done;
    (void)arg;
    return 0;
}

static uint32_t no_modify(struct media *m, struct media_ref ref, const struct media_op *op,
                          unsigned n, media_done_fn done, void *arg)
{
    (void)m;
    (void)ref;
    (void)op;
    (void)n;
    (void)done;
    (void)arg;
    return 0;
}

static uint32_t no_close(struct media *m, struct media_ref ref, media_done_fn done, void *arg)
{
    (void)m;
    (void)ref;
    (void)done;
    (void)arg;
    return 0;
}

static bool always_up(const struct media *m)
{
    (void)m;
    return true;
}

static const struct media_vt no_room_vt = {
    .open = no_open, .modify = no_modify, .close = no_close, .is_up = always_up};

static void a_request_that_cannot_be_made_ends_the_call_at_once(void **state)
{
    struct media m = {.vt = &no_room_vt};

    (void)state;
    for (int relay = CALL_MEDIA_NONE; relay <= CALL_MEDIA_OPEN; relay += CALL_MEDIA_OPEN) {
        struct rig r;
        struct call *c;

        rig_up(&r);
        c = make_call(&r);
        r.cs->media = &m;
        c->media.state = (uint8_t)relay; /* the first attempt, the second one */
        c->media.n = 1;
        offer_prepare(c, c->out);
        assert_int_equal(c->state, CALL_DONE);
        assert_int_equal(c->cause.sip_code, 503);
        assert_true(c->end_reported);
        r.cs->media = NULL;
        rig_down(&r);
    }
}

static void a_close_that_cannot_be_asked_for_still_gives_a_record(void **state)
{
    struct media m = {.vt = &no_room_vt};
    struct rig r;
    struct call *c;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    r.cs->media = &m;
    c->media.state = CALL_MEDIA_OPEN;
    offer_close(c);
    assert_true(c->end_reported);
    assert_int_equal(c->media.state, CALL_MEDIA_CLOSED);
    r.cs->media = NULL;
    rig_down(&r);
}

static void a_call_whose_session_cannot_be_put_back_ends(void **state)
{
    struct media m = {.vt = &no_room_vt};
    struct rig r;
    struct call *c;

    (void)state;
    rig_up(&r);
    c = make_call(&r);
    r.cs->media = &m;
    c->media.state = CALL_MEDIA_OPEN;
    c->media.n = 1;
    offer_reinstall(c);
    assert_true(c->state >= CALL_ENDING);
    assert_int_equal(c->cause.sip_code, 503);
    r.cs->media = NULL;
    rig_down(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_and_its_answer_make_both_dialogs_stable),
        cmocka_unit_test(the_o_line_is_ours_and_counted_only_when_the_body_differs),
        cmocka_unit_test(nothing_of_the_sender_is_left_in_origin_and_name),
        cmocka_unit_test(a_refused_offer_leaves_the_addresses_that_were_agreed),
        cmocka_unit_test(a_body_that_is_no_sdp_does_not_cross_and_changes_nothing),
        cmocka_unit_test(an_offer_must_have_a_line_that_is_on),
        cmocka_unit_test(a_request_that_cannot_be_made_ends_the_call_at_once),
        cmocka_unit_test(a_close_that_cannot_be_asked_for_still_gives_a_record),
        cmocka_unit_test(a_call_whose_session_cannot_be_put_back_ends),
    };

    log_set_sink(quiet, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
