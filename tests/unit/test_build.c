/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing messages: answers as RFC 3261 and RFC 3581 want them, bounds, no foreign line ends.
 * Run by make check; it sees lib/sip and below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "sip/build.h"
#include "sip_data.h"

static struct arena arena;
static struct msg msg;
static char out[4096];
static struct build b;

static const struct addr source = {.ip = {203, 0, 113, 9}, .port = 40000, .family = 4};
static const struct addr sent_by = {.ip = {198, 51, 100, 7}, .port = 5062, .family = 4};

static void parse(const char *text)
{
    struct msg_error err;

    arena_reset(&arena);
    assert_int_equal(msg_parse(&msg, &arena, text, strlen(text), &err), 0);
    memset(out, 0, sizeof(out));
    build_init(&b, out, sizeof(out) - 1);
}

static void response_carries_what_the_request_had(void **state)
{
    struct build_response r = {
        .status = 200, .to_tag = SPAN("mine"), .source = &source, .record_route = true};

    (void)state;
    parse(DATA_INVITE);
    build_response(&b, &msg, &r);
    assert_int_equal(build_end(&b, SPAN_NONE, SPAN_NONE), 0);
    assert_string_equal(
        out, "SIP/2.0 200 OK\r\n"
             "Via: SIP/2.0/UDP "
             "198.51.100.7:5062;branch=z9hG4bK-1;received=203.0.113.9;rport=40000\r\n"
             "Via: SIP/2.0/TCP 10.1.2.3;branch=z9hG4bK-2, SIP/2.0/UDP 10.1.2.4;branch=z9hG4bK-3\r\n"
             "Record-Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n"
             "Record-Route: <sip:p3.example;lr>\r\n"
             "From: \"A, B\" <sip:+44207@198.51.100.7>;tag=ft\r\n"
             "To: <sip:+4930123@192.0.2.10>;tag=mine\r\n"
             "Call-ID: abc@198.51.100.7\r\n"
             "CSeq: 102 INVITE\r\n"
             "Content-Length: 0\r\n\r\n");
    assert_int_equal(b.len, strlen(out));
}

static void rport_asks_for_received_even_if_sent_by_is_the_source(void **state)
{
    (void)state;
    parse(DATA_INVITE);
    build_vias(&b, &msg, &sent_by);
    assert_non_null(strstr(out, ";branch=z9hG4bK-1;received=198.51.100.7;rport=5062\r\n"));
}

#define BYE(via, to)                                             \
    "BYE sip:a@b SIP/2.0\r\n" via "From: <sip:a@b>;tag=1\r\n" to \
    "Call-ID: i\r\nCSeq: 1 BYE\r\nTimestamp: 54\r\n\r\n"

static void received_is_added_only_where_sent_by_differs(void **state)
{
    (void)state;
    parse(BYE("Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKq\r\n", "To: <sip:c@d>\r\n"));
    build_vias(&b, &msg, &sent_by);
    assert_string_equal(out, "Via: SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKq\r\n");
    parse(BYE("v: SIP/2.0/UDP host.example;branch=z9hG4bKq\r\n", "To: <sip:c@d>\r\n"));
    build_vias(&b, &msg, &sent_by);
    assert_string_equal(out,
                        "Via: SIP/2.0/UDP host.example;branch=z9hG4bKq;received=198.51.100.7\r\n");
}

static void forged_received_and_rport_are_replaced(void **state)
{
    (void)state;
    parse(BYE("Via: SIP / 2.0/UDP h:1 ;received=192.0.2.66 ;rport=66; branch = z9hG4bKq;x, "
              "SIP/2.0/UDP i;rport\r\n",
              "To: <sip:c@d>\r\n"));
    build_vias(&b, &msg, &source);
    assert_string_equal(out, "Via: SIP / 2.0/UDP h:1;branch=z9hG4bKq;x;received=203.0.113.9;rport="
                             "40000, SIP/2.0/UDP i;rport\r\n");
}

static void to_keeps_its_own_tag(void **state)
{
    (void)state;
    parse(BYE("Via: SIP/2.0/UDP h;branch=z9hG4bKq\r\n", "To: <sip:c@d>;tag=theirs\r\n"));
    build_to(&b, &msg, SPAN("mine"));
    assert_string_equal(out, "To: <sip:c@d>;tag=theirs\r\n");
}

static void timestamp_is_copied_to_a_100_only(void **state)
{
    struct build_response r = {.status = 100};

    (void)state;
    parse(BYE("Via: SIP/2.0/UDP h;branch=z9hG4bKq\r\n", "To: <sip:c@d>\r\n"));
    build_response(&b, &msg, &r);
    assert_non_null(strstr(out, "\r\nTimestamp: 54\r\n"));
    assert_non_null(strstr(out, "SIP/2.0 100 Trying\r\n"));
    memset(out, 0, sizeof(out));
    build_init(&b, out, sizeof(out));
    r.status = 200;
    r.reason = "Fine\r\nX: y";
    build_response(&b, &msg, &r);
    assert_null(strstr(out, "Timestamp"));
    assert_non_null(strstr(out, "SIP/2.0 200 Fine  X: y\r\n"));
}

static void refused_message_can_still_be_answered(void **state)
{
    static const char bad[] =
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\r\n"
        "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n\r\n";
    struct build_response r = {.source = &source, .to_tag = SPAN("t")};
    struct msg_error err;

    (void)state;
    arena_reset(&arena);
    memset(out, 0, sizeof(out));
    build_init(&b, out, sizeof(out) - 1);
    assert_int_equal(msg_parse(&msg, &arena, bad, sizeof(bad) - 1, &err), -EBADMSG);
    r.status = err.status;
    r.reason = err.text;
    build_response(&b, &msg, &r);
    assert_int_equal(build_end(&b, SPAN_NONE, SPAN_NONE), 0);
    assert_non_null(strstr(out, "SIP/2.0 400 Bad Via\r\nVia: SIP/2.0/UDP 192.0.2.15;;"));
    assert_non_null(strstr(out, "\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\n"));
}

static void folded_header_is_copied_on_one_line(void **state)
{
    (void)state;
    parse("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h\r\n ;branch=z9hG4bKq\r\n"
          "From: <sip:a@b>\r\n\t;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: i\r\nCSeq: 1 BYE\r\n"
          "X-a: 1\r\n X-Injected: 2\r\n\r\n");
    build_hdr_copy(&b, msg_hdr_named(&msg, SPAN("x-A"), 0));
    build_vias(&b, &msg, NULL);
    assert_string_equal(out, "X-a: 1 X-Injected: 2\r\nVia: SIP/2.0/UDP h ;branch=z9hG4bKq\r\n");
}

static void foreign_line_ends_become_blanks(void **state)
{
    (void)state;
    memset(out, 0, sizeof(out));
    build_init(&b, out, sizeof(out));
    build_hdr(&b, SPAN("X"), SPAN("a\r\nVia: b\0c"));
    assert_string_equal(out, "X: a  Via: b c\r\n");
}

static void what_does_not_fit_is_never_written_beyond_nor_sent(void **state)
{
    struct build_response r = {.status = 200, .to_tag = SPAN("mine"), .source = &source};
    size_t whole;

    (void)state;
    parse(DATA_INVITE);
    build_response(&b, &msg, &r);
    assert_int_equal(build_end(&b, SPAN("a/b"), SPAN("body")), 0);
    whole = b.len;
    for (size_t cap = 0; cap <= whole; cap++) {
        char *exact = malloc(cap ? cap : 1); /* the sanitizer guards its end */

        assert_non_null(exact);
        build_init(&b, exact, cap);
        build_response(&b, &msg, &r);
        assert_int_equal(build_end(&b, SPAN("a/b"), SPAN("body")), cap < whole ? -ENOSPC : 0);
        assert_true(b.len <= cap);
        free(exact);
    }
}

static void numbers_and_addresses_are_printed_whole(void **state)
{
    const struct addr six = {.ip = {0x20, 1, 0xd, 0xb8, [15] = 1}, .port = 5061, .family = 6};

    (void)state;
    memset(out, 0, sizeof(out));
    build_init(&b, out, sizeof(out));
    build_u64(&b, 0);
    build_char(&b, ' ');
    build_u64(&b, UINT64_MAX);
    build_char(&b, ' ');
    build_host_port(&b, &six);
    build_char(&b, ' ');
    build_host(&b, &source);
    assert_string_equal(out, "0 18446744073709551615 [2001:db8::1]:5061 203.0.113.9");
}

static void every_status_has_a_phrase(void **state)
{
    (void)state;
    for (unsigned s = 100; s < 700; s++) {
        assert_true(strlen(reason_phrase((uint16_t)s)) > 0);
    }
    assert_string_equal(reason_phrase(486), "Busy Here");
    assert_string_equal(reason_phrase(499), "Request Failure");
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(response_carries_what_the_request_had),
        cmocka_unit_test(rport_asks_for_received_even_if_sent_by_is_the_source),
        cmocka_unit_test(received_is_added_only_where_sent_by_differs),
        cmocka_unit_test(forged_received_and_rport_are_replaced),
        cmocka_unit_test(to_keeps_its_own_tag),
        cmocka_unit_test(timestamp_is_copied_to_a_100_only),
        cmocka_unit_test(refused_message_can_still_be_answered),
        cmocka_unit_test(folded_header_is_copied_on_one_line),
        cmocka_unit_test(foreign_line_ends_become_blanks),
        cmocka_unit_test(what_does_not_fit_is_never_written_beyond_nor_sent),
        cmocka_unit_test(numbers_and_addresses_are_printed_whole),
        cmocka_unit_test(every_status_has_a_phrase),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
