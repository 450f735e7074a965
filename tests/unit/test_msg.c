/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parsing: fields, refusals with their status, and all messages of RFC 4475 and RFC 5118.
 * Run by make check; it sees lib/sip and below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "core/arena.h"
#include "sip/msg.h"
#include "sip_data.h"

#define assert_span(s, lit)                               \
    do {                                                  \
        assert_int_equal((s).len, sizeof(lit) - 1);       \
        assert_memory_equal((s).p, lit, sizeof(lit) - 1); \
    } while (0)

static struct arena arena;
static struct msg msg;
static struct msg_error err;

static int parse(const char *text)
{
    arena_reset(&arena);
    return msg_parse(&msg, &arena, text, strlen(text), &err);
}

static void ordinary_invite_gives_all_its_fields(void **state)
{
    struct span value;

    (void)state;
    assert_int_equal(parse(DATA_INVITE), 0);
    assert_true(msg.is_request);
    assert_int_equal(msg.method, SIP_INVITE);
    assert_span(msg.ruri, "sip:+4930123@192.0.2.10:5060;user=phone");
    assert_span(msg.uri.user, "+4930123");
    assert_span(msg.uri.host, "192.0.2.10");
    assert_int_equal(msg.uri.port, 5060);
    assert_true(uri_param(&msg.uri, SPAN("USER"), &value));
    assert_span(value, "phone");
    assert_int_equal(msg.via_count, 3);
    assert_span(msg.via.transport, "UDP");
    assert_span(msg.via.host, "198.51.100.7");
    assert_int_equal(msg.via.port, 5062);
    assert_span(msg.via.branch, "z9hG4bK-1");
    assert_true(msg.via.has_rport);
    assert_span(msg.from.display, "\"A, B\"");
    assert_span(msg.from.uri, "sip:+44207@198.51.100.7");
    assert_span(msg.from.tag, "ft");
    assert_int_equal(msg.to.tag.len, 0);
    assert_span(msg.call_id, "abc@198.51.100.7");
    assert_int_equal(msg.cseq, 102);
    assert_int_equal(msg.max_forwards, 69);
    assert_int_equal(msg.n_contacts, 1);
    assert_int_equal(msg.contact[0].parsed.port, 5062);
    assert_true(msg_body_is(&msg, SPAN("Application/SDP")));
    assert_int_equal(msg.body.len, sizeof(DATA_SDP) - 1);
}

static void headers_keep_order_case_and_bytes(void **state)
{
    (void)state;
    assert_int_equal(parse(DATA_INVITE), 0);
    assert_int_equal(msg.n_hdrs, 15);
    assert_span(msg.hdrs[11].raw, "X-Odd-Case: one");
    assert_span(msg.hdrs[12].name, "x-odd-case");
    assert_span(msg_hdr_named(&msg, SPAN("X-ODD-CASE"), 1)->value, "two");
    assert_null(msg_hdr_named(&msg, SPAN("X-ODD-CASE"), 2));
    assert_ptr_equal(msg_hdr(&msg, HDR_CSEQ, 0), msg_hdr_named(&msg, SPAN("cseq"), 0));
    assert_null(msg_hdr(&msg, HDR_REQUIRE, 0));
    assert_int_equal(msg_value(&msg, HDR_REQUIRE).len, 0);
}

static void route_set_runs_over_lines_in_both_orders(void **state)
{
    struct span r[4];

    (void)state;
    assert_int_equal(parse(DATA_INVITE), 0);
    assert_int_equal(msg_route_set(&msg, false, r, 4), 3);
    assert_span(r[0], "<sip:p1.example;lr>");
    assert_span(r[2], "<sip:p3.example;lr>");
    assert_int_equal(msg_route_set(&msg, true, r, 4), 3);
    assert_span(r[0], "<sip:p3.example;lr>");
    assert_span(r[1], "<sip:p2.example;lr>");
    assert_int_equal(msg_route_set(&msg, true, r, 2), -E2BIG);
}

static void option_tags_are_found_in_any_case_and_line(void **state)
{
    (void)state;
    assert_int_equal(parse(DATA_INVITE), 0);
    assert_true(msg_has_option(&msg, HDR_SUPPORTED, SPAN("100REL")));
    assert_true(msg_has_option(&msg, HDR_SUPPORTED, SPAN("timer")));
    assert_false(msg_has_option(&msg, HDR_SUPPORTED, SPAN("100")));
    assert_false(msg_has_option(&msg, HDR_REQUIRE, SPAN("100rel")));
}

static void folded_values_come_out_on_one_line(void **state)
{
    (void)state;
    assert_int_equal(parse("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
                           "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: i\r\n"
                           "CSeq: 1\r\n  BYE\r\nX-Long: a\r\n\t b \n c\r\n\r\n"),
                     0);
    assert_span(msg_hdr_named(&msg, SPAN("X-Long"), 0)->value, "a b  c");
    assert_span(msg_hdr_named(&msg, SPAN("X-Long"), 0)->raw, "X-Long: a\r\n\t b \n c");
    assert_int_equal(msg.cseq_method, SIP_BYE);
}

static void rack_and_rseq_are_read(void **state)
{
    (void)state;
    assert_int_equal(parse("PRACK sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
                           "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: i\r\n"
                           "CSeq: 2 PRACK\r\nRAck: 776656 1 INVITE\r\n\r\n"),
                     0);
    assert_true(msg.has_rack);
    assert_int_equal(msg.rack.rseq, 776656);
    assert_int_equal(msg.rack.cseq, 1);
    assert_int_equal(msg.rack.method, SIP_INVITE);
    assert_int_equal(parse("SIP/2.0 183 x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
                           "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: i\r\n"
                           "CSeq: 2 INVITE\r\nRSeq: 5\r\nContact: <sip:x@y>\r\n\r\n"),
                     0);
    assert_int_equal(msg.rseq, 5);
    assert_span(msg.reason, "x");
}

/* ---- what RFC 4475 and RFC 5118 expect of a parser; 0: valid, 1: no answer is possible ---- */

struct torture {
    const char *file;
    int status;
};

static const struct torture torture[] = {
    {"rfc4475/wsinv.dat", 0},
    {"rfc4475/intmeth.dat", 0},
    {"rfc4475/esc01.dat", 0},
    {"rfc4475/escnull.dat", 0},
    {"rfc4475/esc02.dat", 0},
    {"rfc4475/lwsdisp.dat", 0},
    {"rfc4475/longreq.dat", 0},
    {"rfc4475/dblreq.dat", 0},
    {"rfc4475/semiuri.dat", 0},
    {"rfc4475/transports.dat", 0},
    {"rfc4475/mpart01.dat", 0},
    {"rfc4475/unreason.dat", 0},
    {"rfc4475/noreason.dat", 0},
    {"rfc4475/badinv01.dat", 400},
    {"rfc4475/clerr.dat", 400},
    {"rfc4475/ncl.dat", 400},
    {"rfc4475/scalar02.dat", 400},
    {"rfc4475/scalarlg.dat", 1},
    {"rfc4475/quotbal.dat", 400},
    {"rfc4475/ltgtruri.dat", 400},
    {"rfc4475/lwsruri.dat", 400},
    {"rfc4475/lwsstart.dat", 400},
    {"rfc4475/trws.dat", 400},
    {"rfc4475/escruri.dat", 400},
    {"rfc4475/baddate.dat", 0}, /* Date is not ours to judge */
    {"rfc4475/regbadct.dat", 400},
    {"rfc4475/badaspec.dat", 400},
    {"rfc4475/baddn.dat", 400},
    {"rfc4475/badvers.dat", 505},
    {"rfc4475/mismatch01.dat", 400},
    {"rfc4475/mismatch02.dat", 400},
    {"rfc4475/bigcode.dat", 1},
    {"rfc4475/badbranch.dat", 0},
    {"rfc4475/insuf.dat", 400},
    {"rfc4475/unkscm.dat", 416},
    {"rfc4475/novelsc.dat", 416},
    {"rfc4475/unksm2.dat", 0},
    {"rfc4475/bext01.dat", 0},
    {"rfc4475/invut.dat", 0},
    {"rfc4475/regaut01.dat", 0},
    {"rfc4475/multi01.dat", 400},
    {"rfc4475/mcl01.dat", 400},
    {"rfc4475/bcast.dat", 0},
    {"rfc4475/zeromf.dat", 0},
    {"rfc4475/cparam01.dat", 0},
    {"rfc4475/cparam02.dat", 0},
    {"rfc4475/regescrt.dat", 0},
    {"rfc4475/sdp01.dat", 0},
    {"rfc4475/inv2543.dat", 0},
    {"rfc5118/ipv6-good", 0},
    {"rfc5118/ipv6-bad", 400},
    {"rfc5118/port-ambiguous", 0},
    {"rfc5118/port-unambiguous", 0},
    {"rfc5118/via-received-param-with-delim", 0},
    {"rfc5118/via-received-param-no-delim", 0},
    {"rfc5118/ipv6-in-sdp", 0},
    {"rfc5118/mult-ip-in-header", 0},
    {"rfc5118/mult-ip-in-sdp", 0},
    {"rfc5118/ipv4-mapped-ipv6", 0},
    {"rfc5118/ipv6-bug-abnf-3-colons", 400}, /* not an address since RFC 5954 */
    {"rfc5118/ipv6-correct-abnf-2-colons", 0},
};

static int parse_file(const char *file, char *buf, size_t size)
{
    char name[128];
    size_t n;

    snprintf(name, sizeof(name), "torture/%s", file);
    n = data_file(name, buf, size);
    assert_int_not_equal(n, 0);
    arena_reset(&arena);
    return msg_parse(&msg, &arena, buf, n, &err);
}

static void torture_messages_end_as_their_rfc_says(void **state)
{
    char buf[8192];

    (void)state;
    for (size_t i = 0; i < sizeof(torture) / sizeof(torture[0]); i++) {
        const struct torture *t = &torture[i];
        int rc = parse_file(t->file, buf, sizeof(buf));
        int status = rc == 0 ? 0 : err.status ? err.status : 1;

        if (status != t->status) {
            fail_msg("%s: %d instead of %d (%s)", t->file, status, t->status,
                     err.text ? err.text : "no error");
        }
    }
}

static void torture_fields_are_the_right_ones(void **state)
{
    char buf[8192];
    struct span value;

    (void)state;
    assert_int_equal(parse_file("rfc4475/wsinv.dat", buf, sizeof(buf)), 0);
    assert_int_equal(msg.via_count, 3);
    assert_span(msg.via.branch, "390skdjuw");
    assert_int_equal(msg.max_forwards, 68);
    assert_span(msg.to.tag, "1918181833n");
    assert_span(msg.from.display, "\"J Rosenberg \\\\\\\"\"");
    assert_span(msg.contact[0].uri, "sip:jdrosen@example.com");
    assert_true(hdr_param(msg.contact[0].params, SPAN("newparam"), &value));
    assert_span(value, "newvalue");
    assert_true(hdr_param(msg.contact[0].params, SPAN("Q"), &value));
    assert_span(value, "0.33");
    assert_int_equal(parse_file("rfc4475/semiuri.dat", buf, sizeof(buf)), 0);
    assert_span(msg.uri.user, "user;par=u%40example.net");
    assert_span(msg.uri.host, "example.com");
    assert_int_equal(parse_file("rfc4475/intmeth.dat", buf, sizeof(buf)), 0);
    assert_span(msg.to.parsed.host, "example.com");
    assert_span(msg.uri.password, "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)");
    assert_span(msg.from.tag, "_token~1'+`*%!-.");
    assert_int_equal(parse_file("rfc4475/dblreq.dat", buf, sizeof(buf)), 0);
    assert_int_equal(msg.body.len, 0);
    assert_int_equal(parse_file("rfc4475/longreq.dat", buf, sizeof(buf)), 0);
    assert_int_equal(msg.via_count, 34);
    assert_int_equal(parse_file("rfc5118/port-ambiguous", buf, sizeof(buf)), 0);
    assert_span(msg.uri.host, "[2001:db8::10:5070]");
    assert_int_equal(msg.uri.port, 0);
    assert_int_equal(parse_file("rfc5118/port-unambiguous", buf, sizeof(buf)), 0);
    assert_int_equal(msg.uri.port, 5070);
    assert_int_equal(parse_file("rfc5118/via-received-param-no-delim", buf, sizeof(buf)), 0);
    assert_span(msg.via.received, "2001:db8::9:255");
}

/* ---- refusals ---- */

/* An OPTIONS request with one line replaced or added; the status it is refused with, 0 if accepted. */
static int refusal(const char *start, const char *via, const char *line)
{
    char buf[4096];
    int rc;

    snprintf(buf, sizeof(buf), "%s\r\n%sFrom: <sip:a@b>;tag=1\r\nCSeq: 1 %.*s\r\n%s\r\n", start,
             via, (int)strcspn(start, " "), start, line);
    rc = parse(buf);
    return rc == 0 ? 0 : err.status ? err.status : 1;
}

#define VIA  "Via: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
#define REST "To: <sip:c@d>\r\nCall-ID: i\r\n"
#define OPT  "OPTIONS sip:a@b SIP/2.0"

static void every_refusal_has_its_status(void **state)
{
    static const struct {
        const char *start, *via, *line;
        int status;
    } cases[] = {
        {OPT, VIA, REST, 0},
        {OPT, VIA, "Call-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c@d>\r\n", 400},
        {OPT, VIA, REST "Call-ID: j\r\n", 400},
        {OPT, VIA, REST "From: <sip:a@b>;tag=1\r\n", 400},
        {OPT, VIA, REST "Max-Forwards: 256\r\n", 400},
        {OPT, VIA, REST "Max-Forwards: -1\r\n", 400},
        {OPT, VIA, REST "Max-Forwards: 255\r\n", 0},
        {OPT, VIA, REST "No colon here\r\n", 400},
        {OPT, VIA, REST ": empty name\r\n", 400},
        {OPT, VIA, REST "X: a\rb\r\n", 400},
        {OPT, VIA, REST "Content-Length: 1\r\n", 400},
        {OPT, VIA, REST "Content-Length: +0\r\n", 400},
        {OPT, VIA, REST "Content-Length: 99999999999999999999\r\n", 400},
        {OPT, VIA, REST "Content-Type: text\r\n", 400},
        {OPT, VIA, REST "Contact: <sip:a@b\r\n", 400},
        {OPT, VIA, REST "Contact: *\r\n", 400},
        {"REGISTER sip:b SIP/2.0", VIA, REST "Contact: *\r\n", 0},
        {OPT, VIA, REST "RSeq: 0\r\n", 400},
        {OPT, VIA, REST "RAck: 1 2\r\n", 400},
        {OPT, VIA, "To: <sip:c@d>\r\nCall-ID: a b\r\n", 400},
        {OPT, VIA, "To: <sip:c@d>\r\nCall-ID:\r\n", 400},
        {OPT, VIA, "To: *\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c@d>;tag=a b\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c d@e>\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c@d:99999>\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c@d:05060>\r\nCall-ID: i\r\n", 0},
        {OPT, VIA, "To: <sip:c@d:005060>\r\nCall-ID: i\r\n", 0},
        {OPT, VIA, "To: <sip:c@d:0000000000005060>\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c@d:0000000000005060;a=b>\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <sip:c%4@d>\r\nCall-ID: i\r\n", 400},
        {OPT, VIA, "To: <tel:+49-30-123;phone-context=x>\r\nCall-ID: i\r\n", 0},
        {OPT, VIA, "To: <tel:hello>\r\nCall-ID: i\r\n", 400},
        {"OPTIONS sip:a@b SIP/1.0", VIA, REST, 505},
        {"OPTIONS sip:a@b HTTP/1.1", VIA, REST, 400},
        {"OPTIONS mailto:a@b SIP/2.0", VIA, REST, 416},
        {"OPTIONS urn:service:sos SIP/2.0", VIA, REST, 0},
        {"OPTIONS sip: SIP/2.0", VIA, REST, 400},
        {"OPTIONS sip:[::1 SIP/2.0", VIA, REST, 400},
        {"OPTIONS sip:@b SIP/2.0", VIA, REST, 400},
        {"OPTIONS", VIA, REST, 400},
        {"OPTIONS sip:a@b", VIA, REST, 400},
        {"FOO sip:a@b SIP/2.0", VIA, REST, 0},
        {"ACK sip:a@b SIP/2.0", VIA, "Call-ID: i\r\n", 1},
        {OPT, "", REST, 1},
        {OPT, "Via: SIP/2.0/UDP h:0x;branch=z9hG4bKq\r\n", REST, 400},
        {OPT, "Via: SIP/2.0/UDP h;branch=z9hG4bKq;branch=two\r\n", REST, 400},
        {OPT, "Via: SIP/2.0/UDP h;branch=\"q\"\r\n", REST, 400},
        {OPT, "Via: , SIP/2.0/UDP h;branch=z9hG4bKq\r\n", REST, 400},
        {OPT, "Via:\r\n" VIA, REST, 400},
        {OPT, "v:,\r\n" VIA, REST, 400},
        {"SIP/2.0 200 OK", VIA, "Call-ID: i\r\n", 1},
        {"SIP/2.0 700 OK", VIA, REST, 1},
        {"SIP/2.0 2000", VIA, REST, 1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int status = refusal(cases[i].start, cases[i].via, cases[i].line);

        if (status != cases[i].status) {
            fail_msg("case %zu: %d instead of %d (%s)", i, status, cases[i].status,
                     err.text ? err.text : "no error");
        }
    }
}

static void nul_stands_only_in_a_body_or_an_escaped_pair(void **state)
{
    static const char bad[] =
        OPT "\r\n" VIA "From: <sip:a@b>;tag=1\r\n" REST "CSeq: 1 OPTIONS\r\nX: a\0b\r\n\r\n";
    static const char quoted[] =
        OPT "\r\n" VIA "From: \"a\0b\" <sip:a@b>;tag=1\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n";
    static const char escaped[] =
        OPT "\r\n" VIA "From: \"a\\\0b\" <sip:a@b>;tag=1\r\n" REST "CSeq: 1 OPTIONS\r\n\r\n";
    static const char body[] = OPT "\r\n" VIA "From: <sip:a@b>;tag=1\r\n" REST
                                   "CSeq: 1 OPTIONS\r\nContent-Type: a/b\r\n\r\nx\0y";

    (void)state;
    arena_reset(&arena);
    assert_int_equal(msg_parse(&msg, &arena, bad, sizeof(bad) - 1, &err), -EBADMSG);
    assert_int_equal(err.status, 400);
    assert_int_equal(msg_parse(&msg, &arena, quoted, sizeof(quoted) - 1, &err), -EBADMSG);
    assert_int_equal(msg_parse(&msg, &arena, escaped, sizeof(escaped) - 1, &err), 0);
    assert_int_equal(msg_parse(&msg, &arena, body, sizeof(body) - 1, &err), 0);
    assert_int_equal(msg.body.len, 3);
}

static void limits_refuse_and_never_cut(void **state)
{
    static char buf[70000];
    size_t n;

    (void)state;
    n = (size_t)snprintf(buf, sizeof(buf),
                         OPT "\r\nFrom: <sip:a@b>;tag=1\r\nCSeq: 1 OPTIONS\r\n" REST);
    for (int i = 0; i <= MSG_VIAS_MAX; i++) {
        n += (size_t)snprintf(buf + n, sizeof(buf) - n, VIA);
    }
    snprintf(buf + n, sizeof(buf) - n, "\r\n");
    assert_int_equal(parse(buf), -EBADMSG);
    assert_string_equal(err.text, "Too Many Vias");

    n = (size_t)snprintf(buf, sizeof(buf),
                         OPT "\r\n" VIA "From: <sip:a@b>;tag=1\r\nCSeq: 1 OPTIONS\r\n" REST);
    for (int i = 0; i < MSG_HDRS_MAX; i++) {
        n += (size_t)snprintf(buf + n, sizeof(buf) - n, "X: %d\r\n", i);
    }
    snprintf(buf + n, sizeof(buf) - n, "\r\n");
    assert_int_equal(parse(buf), -EBADMSG);
    assert_string_equal(err.text, "Too Many Headers");
    assert_int_equal(err.status, 400);

    memset(buf, 'a', sizeof(buf));
    assert_int_equal(msg_parse(&msg, &arena, buf, sizeof(buf), &err), -EBADMSG);
    assert_int_equal(err.status, 0);
}

static void full_arena_is_out_of_memory_not_a_bad_message(void **state)
{
    /* the second one has a URI that osip is asked about, too */
    static const char *const text[] = {
        DATA_INVITE, OPT "\r\n" VIA "From: <sip:%61@b>;tag=1\r\nCSeq: 1 OPTIONS\r\n" REST "\r\n"};
    struct arena small;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int rc = 0, starved = 0;

        for (size_t limit = 128; limit < 16384; limit += 32) {
            arena_init(&small, 512, limit);
            rc = msg_parse(&msg, &small, text[i], strlen(text[i]), &err);
            assert_true(rc == -ENOMEM || rc == 0);
            starved += rc != 0;
            arena_fini(&small);
        }
        assert_int_equal(rc, 0);
        assert_true(starved > 30);
    }
}

static void no_prefix_of_a_message_is_read_beyond_its_end(void **state)
{
    size_t len = strlen(DATA_INVITE);

    (void)state;
    for (size_t n = 0; n < len; n++) {
        char *exact = malloc(n ? n : 1); /* the sanitizer guards its end */

        assert_non_null(exact);
        memcpy(exact, DATA_INVITE, n);
        arena_reset(&arena);
        assert_int_equal(msg_parse(&msg, &arena, exact, n, &err), -EBADMSG);
        free(exact);
    }
}

static void user_part_is_decoded_without_control_characters(void **state)
{
    char buf[16];

    (void)state;
    assert_int_equal(uri_user_plain(SPAN("%2B49%3230"), buf, sizeof(buf)), 6);
    assert_string_equal(buf, "+49230");
    assert_int_equal(uri_user_plain(SPAN("a%00"), buf, sizeof(buf)), -EINVAL);
    assert_int_equal(uri_user_plain(SPAN("a%0"), buf, sizeof(buf)), -EINVAL);
    assert_int_equal(uri_user_plain(SPAN("1234567890123456"), buf, sizeof(buf)), -ENOSPC);
    assert_int_equal(uri_user_plain(SPAN_NONE, buf, sizeof(buf)), 0);
}

static void list_commas_in_quotes_and_brackets_do_not_split(void **state)
{
    struct span list = SPAN("\"a,b\" <sip:x,y@z>;q=\"1,2\" ,, (c, (d,e)) f , <g"), item;

    (void)state;
    assert_true(hdr_list_next(&list, &item));
    assert_span(item, "\"a,b\" <sip:x,y@z>;q=\"1,2\"");
    assert_true(hdr_list_next(&list, &item));
    assert_span(item, "(c, (d,e)) f");
    assert_true(hdr_list_next(&list, &item));
    assert_span(item, "<g");
    assert_false(hdr_list_next(&list, &item));
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

static void q_of_a_contact_is_read_in_thousandths(void **state)
{
    static const struct {
        const char *params;
        uint16_t q;
    } row[] = {
        {"", 1000},        {";q=1", 1000},    {";q=1.000", 1000}, {";q=0", 0},
        {";q=0.", 0},      {";q=.5", 500},    {";q=0.7", 700},    {";Q=0.07", 70},
        {";q=0.123", 123}, {";q=", 1000},     {";q=0.9999", 999}, {";x=1;q=0.25;y=2", 250},
        {";q=high", 1000}, {";q=0.5x", 1000}, {";q=2", 1000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++)
        assert_int_equal(hdr_q(span_of(row[i].params)), row[i].q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q_of_a_contact_is_read_in_thousandths),
        cmocka_unit_test(ordinary_invite_gives_all_its_fields),
        cmocka_unit_test(headers_keep_order_case_and_bytes),
        cmocka_unit_test(route_set_runs_over_lines_in_both_orders),
        cmocka_unit_test(option_tags_are_found_in_any_case_and_line),
        cmocka_unit_test(folded_values_come_out_on_one_line),
        cmocka_unit_test(rack_and_rseq_are_read),
        cmocka_unit_test(torture_messages_end_as_their_rfc_says),
        cmocka_unit_test(torture_fields_are_the_right_ones),
        cmocka_unit_test(every_refusal_has_its_status),
        cmocka_unit_test(nul_stands_only_in_a_body_or_an_escaped_pair),
        cmocka_unit_test(limits_refuse_and_never_cut),
        cmocka_unit_test(full_arena_is_out_of_memory_not_a_bad_message),
        cmocka_unit_test(no_prefix_of_a_message_is_read_beyond_its_end),
        cmocka_unit_test(user_part_is_decoded_without_control_characters),
        cmocka_unit_test(list_commas_in_quotes_and_brackets_do_not_split),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
