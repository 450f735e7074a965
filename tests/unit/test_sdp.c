/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Session descriptions: what is read, what is replaced, what survives byte for byte.
 * Run by make check; it sees lib/sip and below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "sip/sdp.h"
#include "sip_data.h"

static struct sdp sdp;
static char out[4096];

static int parse(const char *text)
{
    return sdp_parse(&sdp, span_of(text), NULL);
}

static struct addr addr_of(const char *text)
{
    struct addr a;

    assert_int_equal(addr_parse(span_of(text), 0, &a), 0);
    return a;
}

static void assert_addr(const struct addr *a, const char *text)
{
    char buf[ADDR_STRLEN];

    assert_string_equal(addr_str(a, buf), text);
}

/* Our side: 192.0.2.10, ports 30000, 30002, … */
static struct sdp_edit edit(unsigned n)
{
    struct sdp_edit e = {.id = 77, .version = 3, .n_media = n};

    e.origin = addr_of("192.0.2.10");
    for (unsigned i = 0; i < n; i++) {
        e.media[i].rtp = e.origin;
        e.media[i].rtp.port = (uint16_t)(30000 + 2 * i);
    }
    return e;
}

static const char *rewrite(const struct sdp_edit *e)
{
    struct build b;

    memset(out, 0, sizeof(out));
    build_init(&b, out, sizeof(out) - 1);
    assert_int_equal(sdp_rewrite(&sdp, e, &b), 0);
    return out;
}

#define HEAD "v=0\r\no=alice 2890844526 7 IN IP4 10.0.0.1\r\n"

static void ordinary_offer_becomes_ours_and_the_rest_survives(void **state)
{
    struct sdp_edit e = edit(2);

    (void)state;
    assert_int_equal(parse(HEAD "s=Secret\r\ni=about\r\nu=http://10.0.0.1/\r\ne=a@10.0.0.1\r\n"
                                "p=+1\r\nc=IN IP4 10.0.0.1\r\nb=AS:80\r\nt=0 0\r\na=X-odd: 1 \r\n"
                                "m=audio 49170/2 RTP/AVP 0 8\r\ni=mic\r\na=rtcp:53020\r\n"
                                "a=rtpmap:0 PCMU/8000\r\na=sendonly\r\ny=0\r\n"
                                "m=video 51372 RTP/AVP 31\r\nc=IN IP4 10.0.0.2\r\nb=AS:9\r\n"),
                     0);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                        "b=AS:80\r\nt=0 0\r\na=X-odd: 1 \r\n"
                        "m=audio 30000 RTP/AVP 0 8\r\na=rtpmap:0 PCMU/8000\r\na=sendonly\r\n"
                        "y=0\r\nm=video 30002 RTP/AVP 31\r\nc=IN IP4 192.0.2.10\r\nb=AS:9\r\n");
}

static void media_addresses_come_from_the_nearest_line(void **state)
{
    struct addr a;

    (void)state;
    assert_int_equal(parse(HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
                                "m=audio 4000 RTP/AVP 0\r\n"
                                "m=audio 4002 RTP/AVP 0\r\nc=IN IP6 2001:db8::5\r\na=rtcp:4100\r\n"
                                "m=audio 4004 RTP/AVP 0\r\na=rtcp:53020 IN IP4 10.0.0.9\r\n"
                                "m=audio 4006 RTP/AVP 0\r\na=rtcp-mux\r\n"
                                "m=audio 0 RTP/AVP 0\r\n"
                                "m=audio 4008 RTP/AVP 0\r\nc=IN IP4 media.example.com\r\n"),
                     0);
    assert_int_equal(sdp_rtp_addr(&sdp, 0, &a), 0);
    assert_addr(&a, "10.0.0.1:4000");
    assert_int_equal(sdp_rtcp_addr(&sdp, 0, &a), 0);
    assert_addr(&a, "10.0.0.1:4001");
    assert_int_equal(sdp_rtp_addr(&sdp, 1, &a), 0);
    assert_addr(&a, "[2001:db8::5]:4002");
    assert_int_equal(sdp_rtcp_addr(&sdp, 1, &a), 0);
    assert_addr(&a, "[2001:db8::5]:4100");
    assert_int_equal(sdp_rtcp_addr(&sdp, 2, &a), 0);
    assert_addr(&a, "10.0.0.9:53020");
    assert_int_equal(sdp_rtcp_addr(&sdp, 3, &a), 0);
    assert_addr(&a, "10.0.0.1:4006");
    assert_int_equal(sdp_rtp_addr(&sdp, 4, &a), -ENOENT);
    assert_int_equal(sdp_rtp_addr(&sdp, 5, &a), -EADDRNOTAVAIL);
    assert_int_equal(sdp_rtp_addr(&sdp, 6, &a), -ENOENT);
    assert_int_equal(sdp_rtcp_addr(&sdp, 6, &a), -ENOENT);
}

static void offer_crosses_from_ipv4_to_ipv6(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    e.origin = addr_of("2001:db8::10");
    e.media[0].rtp = e.origin;
    e.media[0].rtp.port = 30000;
    e.media[0].rtcp_port = 30007;
    assert_int_equal(parse(DATA_SDP), 0);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP6 2001:db8::10\r\ns=-\r\nc=IN IP6 2001:db8::10\r\n"
                        "t=0 0\r\nm=audio 30000 RTP/AVP 8 0 101\r\n"
                        "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
                        "a=rtcp:30007 IN IP6 2001:db8::10\r\n");
}

static void address_of_its_own_gets_a_line_of_its_own(void **state)
{
    struct sdp_edit e = edit(2);

    (void)state;
    e.media[1].rtp = addr_of("192.0.2.20:31000");
    assert_int_equal(parse(HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"
                                "m=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 31\r\nb=AS:1\r\n"),
                     0);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                        "t=0 0\r\nm=audio 30000 RTP/AVP 0\r\nm=video 31000 RTP/AVP 31\r\n"
                        "c=IN IP4 192.0.2.20\r\nb=AS:1\r\n");
}

static void refused_and_unedited_lines_have_port_zero(void **state)
{
    struct sdp_edit e = edit(3);

    (void)state;
    e.media[1].off = true;
    assert_int_equal(parse(HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n"
                                "m=image 4002 udptl t38\r\nm=audio 4004 RTP/AVP 0\r\n"
                                "m=video 4006 RTP/AVP 31\r\nc=IN IP4 10.9.9.9\r\n"),
                     0);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                        "t=0 0\r\nm=audio 0 RTP/AVP 0\r\nm=image 0 udptl t38\r\n"
                        "m=audio 30004 RTP/AVP 0\r\nm=video 0 RTP/AVP 31\r\n"
                        "c=IN IP4 192.0.2.10\r\n");
}

static void bare_line_ends_and_a_missing_last_one_are_accepted(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    assert_int_equal(parse("v=0\no=- 1 1 IN IP4 10.0.0.1\ns=-\nc=IN IP4 10.0.0.1\nt=0 0\n"
                           "m=audio 4000 RTP/AVP 0\na=ptime:20\na=sendrecv"),
                     0);
    assert_int_equal(sdp.media[0].ptime_ms, 20);
    assert_int_equal(sdp.media[0].dir, SDP_SENDRECV);
    assert_string_equal(rewrite(&e),
                        "v=0\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\n"
                        "m=audio 30000 RTP/AVP 0\r\na=ptime:20\na=sendrecv\r\n");
    assert_int_equal(parse(HEAD "s=-\r\nt=0 0\r\nm=audio 0 RTP/AVP 0\r\n\r\n"), 0);
}

static void ways_around_the_relay_are_taken_out(void **state)
{
    struct sdp_edit e = edit(2);

    (void)state;
    assert_int_equal(
        parse(HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=ice-lite\r\n"
                   "a=group:LS 0\r\na=iced:keep\r\nm=audio 4000 RTP/AVP 0\r\na=mid:0\r\n"
                   "a=rtcp-mux\r\na=ice-ufrag:x\r\na=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\r\n"
                   "a=end-of-candidates\r\na=source-filter: incl IN IP4 * 10.0.0.1\r\n"
                   "a=rtcp-fb:* nack\r\nm=video 0 RTP/AVP 31\r\na=bundle-only\r\na=mid:1\r\n"),
        0);
    assert_true(sdp.media[0].rtcp_mux);
    assert_true(sdp.media[1].bundle_only);
    assert_int_equal(sdp.media[1].mid.len, 1);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                        "t=0 0\r\na=group:LS 0\r\na=iced:keep\r\nm=audio 30000 RTP/AVP 0\r\n"
                        "a=mid:0\r\na=rtcp-fb:* nack\r\nm=video 0 RTP/AVP 31\r\na=mid:1\r\n");
}

static void attributes_that_name_hosts_are_taken_out(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    assert_int_equal(
        parse("v=0\r\no=- 1 1 IN IP6 2001:db8::7\r\ns=-\r\nc=IN IP4 sbc.inside.example\r\n"
              "t=0 0\r\na=sdp-from:sbc.inside.example\r\na=x-v:1.2.3 4.5\r\n"
              "m=audio 4000 RTP/AVP 0 9\r\na=alt:1 1 : foo bar 172.16.1.2 4000\r\n"
              "a=path:msrp://[2001:db8::7]:9/x;tcp\r\na=rtpmap:9 G722/8000\r\n"
              "a=fmtp:9 x=1.2.3.4\r\na=tool:1.2.3\r\n"),
        0);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                        "t=0 0\r\na=x-v:1.2.3 4.5\r\nm=audio 30000 RTP/AVP 0 9\r\n"
                        "a=rtpmap:9 G722/8000\r\na=fmtp:9 x=1.2.3.4\r\n");
}

static void hold_is_seen_in_all_its_forms(void **state)
{
    static const struct {
        const char *session, *media;
        enum sdp_dir dir;
        bool hold;
    } cases[] = {
        {"c=IN IP4 10.0.0.1\r\n", "", SDP_SENDRECV, false},
        {"c=IN IP4 10.0.0.1\r\n", "a=sendonly\r\n", SDP_SENDONLY, true},
        {"c=IN IP4 10.0.0.1\r\n", "a=inactive\r\n", SDP_INACTIVE, true},
        {"c=IN IP4 10.0.0.1\r\n", "a=recvonly\r\n", SDP_RECVONLY, false},
        {"c=IN IP4 10.0.0.1\r\na=sendonly\r\n", "", SDP_SENDONLY, true},
        {"c=IN IP4 10.0.0.1\r\na=sendonly\r\n", "a=sendrecv\r\n", SDP_SENDRECV, false},
        {"c=IN IP4 0.0.0.0\r\n", "", SDP_SENDONLY, true},
        {"c=IN IP4 0.0.0.0\r\n", "a=recvonly\r\n", SDP_INACTIVE, true},
        {"c=IN IP6 ::\r\n", "", SDP_SENDONLY, true},
        {"c=IN IP4 0.0.0.0\r\n", "c=IN IP4 10.0.0.1\r\n", SDP_SENDRECV, false},
    };
    char text[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), HEAD "s=-\r\n%st=0 0\r\nm=audio 4000 RTP/AVP 0\r\n%s",
                 cases[i].session, cases[i].media);
        assert_int_equal(parse(text), 0);
        assert_int_equal(sdp_dir(&sdp, 0), cases[i].dir);
        assert_int_equal(sdp_is_hold(&sdp, 0), cases[i].hold);
    }
}

static void hold_by_the_unspecified_address_stays_one(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    assert_int_equal(parse(HEAD "s=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"),
                     0);
    assert_non_null(strstr(rewrite(&e), "c=IN IP4 0.0.0.0\r\n"));
    assert_null(strstr(out, "c=IN IP4 192.0.2.10"));
}

static void direction_can_be_set_for_one_line(void **state)
{
    struct sdp_edit e = edit(2);

    (void)state;
    e.media[0].dir = SDP_INACTIVE;
    assert_int_equal(parse(HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=sendonly\r\n"
                                "m=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
                                "m=video 4002 RTP/AVP 31\r\n"),
                     0);
    assert_string_equal(rewrite(&e),
                        "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\n"
                        "t=0 0\r\nm=audio 30000 RTP/AVP 0\r\na=inactive\r\n"
                        "m=video 30002 RTP/AVP 31\r\na=sendonly\r\n");
}

static void versions_of_a_session_are_compared(void **state)
{
    struct sdp a, b, c;

    (void)state;
    assert_int_equal(sdp_parse(&a, SPAN("v=0\no=x 1 7 IN IP4 h\ns=-\nt=0 0\n"), NULL), 0);
    assert_int_equal(sdp_parse(&b, SPAN("v=0\no=x 1 8 IN IP4 h\ns=-\nt=0 0\n"), NULL), 0);
    assert_int_equal(sdp_parse(&c, SPAN("v=0\no=x 2 8 IN IP4 h\ns=-\nt=0 0\n"), NULL), 0);
    assert_true(sdp_is_next_version(&a, &b));
    assert_false(sdp_is_next_version(&b, &a));
    assert_false(sdp_is_next_version(&a, &c));
    assert_true(sdp_is_same(&a, &a));
    assert_false(sdp_is_same(&a, &b));
}

static void broken_bodies_are_refused_with_a_reason(void **state)
{
    static const char *const bad[] = {
        "",
        "hello",
        "v=1\r\no=- 1 1 IN IP4 h\r\n",
        "o=- 1 1 IN IP4 h\r\n",
        "v=0\r\ns=-\r\nt=0 0\r\n",
        "v=0\r\no=- x 1 IN IP4 h\r\n",
        "v=0\r\no=- 1\r\n",
        HEAD "s=-\r\nm=audio 4000 RTP/AVP 0\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\nm=audio 70000 RTP/AVP 0\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\nm=audio 4000/0 RTP/AVP 0\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\nm =audio 4000 RTP/AVP 0\r\n",
        HEAD "c=IN IP4 2001:db8::1\r\nm=audio 4000 RTP/AVP 0\r\n",
        HEAD "c=IN IP5 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n",
        HEAD "c=10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\na=rtcp:x\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\nm=audio 4000 RTP/AVP 0\r\no=- 1 1 IN IP4 h\r\n",
        HEAD "c=IN IP4 10.0.0.1\r\n\r\nm=audio 4000 RTP/AVP 0\r\n",
    };
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why = NULL;
        if (sdp_parse(&sdp, span_of(bad[i]), &why) != -EINVAL || why == NULL) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
    assert_int_equal(sdp_parse(&sdp, SPAN(HEAD "s=\0\r\n"), &why), -EINVAL);
}

static void limits_are_refusals(void **state)
{
    static char big[SDP_BYTES_MAX + 2];
    char text[2048];
    size_t n = (size_t)snprintf(text, sizeof(text), HEAD "s=-\r\nt=0 0\r\nc=IN IP4 10.0.0.1\r\n");

    (void)state;
    for (int i = 0; i < SDP_MEDIA_MAX; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "m=audio 4000 RTP/AVP 0\r\n");
    }
    assert_int_equal(parse(text), 0);
    snprintf(text + n, sizeof(text) - n, "m=audio 4000 RTP/AVP 0\r\n");
    assert_int_equal(parse(text), -E2BIG);
    memset(big, 'a', sizeof(big) - 1);
    assert_int_equal(parse(big), -E2BIG);
}

static void what_does_not_fit_is_never_written_beyond(void **state)
{
    struct sdp_edit e = edit(1);
    size_t whole;

    (void)state;
    assert_int_equal(parse(DATA_SDP), 0);
    whole = strlen(rewrite(&e));
    for (size_t cap = 0; cap <= whole; cap++) {
        char *exact = malloc(cap ? cap : 1); /* the sanitizer guards its end */
        struct build b;

        assert_non_null(exact);
        build_init(&b, exact, cap);
        assert_int_equal(sdp_rewrite(&sdp, &e, &b), cap < whole ? -ENOSPC : 0);
        free(exact);
    }
}

#define PAIR HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\n"

static void formats_can_be_chosen_and_ordered(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    e.media[0].fmt = SPAN("101 8");
    assert_int_equal(parse(PAIR "m=audio 4000 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\n"
                                "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n"
                                "a=rtcp-fb:18 ack\r\na=rtcp-fb:* nack\r\n"
                                "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"),
                     0);
    assert_string_equal(
        rewrite(&e), "v=0\r\no=- 77 3 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
                     "m=audio 30000 RTP/AVP 101 8\r\na=rtcp-fb:* nack\r\n"
                     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n");
}

static void packet_times_replace_those_received(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    assert_int_equal(parse(PAIR "m=audio 4000 RTP/AVP 0\r\na=ptime:30\r\na=maxptime:60.5\r\n"), 0);
    assert_int_equal(sdp.media[0].ptime_ms, 30);
    assert_int_equal(sdp.media[0].maxptime_ms, 60);
    assert_non_null(strstr(rewrite(&e), "a=ptime:30\r\na=maxptime:60.5\r\n"));
    e.media[0].ptime_ms = 20;
    assert_non_null(strstr(rewrite(&e), "0\r\na=maxptime:60.5\r\na=ptime:20\r\n"));
    e.media[0].maxptime_ms = 40;
    assert_non_null(strstr(rewrite(&e), "0\r\na=ptime:20\r\na=maxptime:40\r\n"));
}

static void profile_keys_and_lines_of_ours_replace_theirs(void **state)
{
    struct sdp_edit e = edit(1);

    (void)state;
    assert_int_equal(parse(HEAD "s=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\na=fingerprint:sha-1 AA\r\n"
                                "m=audio 4000 RTP/SAVP 0\r\na=crypto:1 X inline:abc\r\n"
                                "a=rtcp-mux\r\na=setup:actpass\r\n"
                                "a=tcap:1 RTP/AVP\r\na=acap:1 crypto:2 X inline:def\r\n"
                                "a=pcfg:1 t=1\r\n"),
                     0);
    assert_non_null(strstr(rewrite(&e), "a=fingerprint:sha-1 AA\r\nm=audio 30000 RTP/SAVP 0\r\n"
                                        "a=crypto:1 X inline:abc\r\na=setup:actpass\r\n"));
    e.media[0].no_keys = e.media[0].mux = true;
    e.media[0].proto = SPAN("RTP/AVP");
    e.media[0].attrs = SPAN("a=x:1\r\na=y:2\r\n");
    assert_non_null(strstr(rewrite(&e), "t=0 0\r\nm=audio 30000 RTP/AVP 0\r\na=rtcp-mux\r\n"
                                        "a=x:1\r\na=y:2\r\n"));
}

static void a_direct_line_keeps_what_leads_to_its_party(void **state)
{
    static const char body[] = PAIR "a=group:BUNDLE 1\r\nm=audio 4000/2 RTP/AVP 0\r\na=mid:1\r\n"
                                    "a=rtcp:4009 IN IP4 10.0.0.7\r\na=rtcp-mux\r\n"
                                    "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host\r\na=ice-lite\r\n"
                                    "a=ssrc:1 cname:x@10.0.0.1\r\n";
    struct sdp_edit e = edit(1);

    (void)state;
    assert_int_equal(parse(body), 0);
    e.media[0].rtp = e.origin = addr_of("10.0.0.1");
    e.media[0].rtp.port = 4000;
    e.media[0].direct = true;
    assert_non_null(strstr(rewrite(&e), strstr(body, "c=IN")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_offer_becomes_ours_and_the_rest_survives),
        cmocka_unit_test(media_addresses_come_from_the_nearest_line),
        cmocka_unit_test(offer_crosses_from_ipv4_to_ipv6),
        cmocka_unit_test(address_of_its_own_gets_a_line_of_its_own),
        cmocka_unit_test(refused_and_unedited_lines_have_port_zero),
        cmocka_unit_test(bare_line_ends_and_a_missing_last_one_are_accepted),
        cmocka_unit_test(ways_around_the_relay_are_taken_out),
        cmocka_unit_test(attributes_that_name_hosts_are_taken_out),
        cmocka_unit_test(hold_is_seen_in_all_its_forms),
        cmocka_unit_test(hold_by_the_unspecified_address_stays_one),
        cmocka_unit_test(direction_can_be_set_for_one_line),
        cmocka_unit_test(versions_of_a_session_are_compared),
        cmocka_unit_test(broken_bodies_are_refused_with_a_reason),
        cmocka_unit_test(limits_are_refusals),
        cmocka_unit_test(what_does_not_fit_is_never_written_beyond),
        cmocka_unit_test(formats_can_be_chosen_and_ordered),
        cmocka_unit_test(packet_times_replace_those_received),
        cmocka_unit_test(profile_keys_and_lines_of_ours_replace_theirs),
        cmocka_unit_test(a_direct_line_keeps_what_leads_to_its_party),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
