/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Each limit of a message: what is at the limit is read, one more is refused, with its answer (lib/sip/msg.h says why each number).
 * Run by make check; it sees lib/sip and below.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include "core/arena.h"
#include "sip/msg.h"
#include "sip/sdp.h"

#define HEAD "OPTIONS sip:a@b SIP/2.0\r\n"
#define VIA  "Via: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
#define REST "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\nCSeq: 1 OPTIONS\r\n"

static struct arena arena;
static struct msg msg;
static struct msg_error err;
static const char *why;
static char text[80000];
static size_t len;

static void begin(const char *with)
{
    len = (size_t)snprintf(text, sizeof(text), "%s", with);
}

static void add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    len += (size_t)vsnprintf(text + len, sizeof(text) - len, fmt, ap);
    va_end(ap);
    assert_true(len < sizeof(text));
}

/* With its empty line; 0, or the status that it is refused with. */
static unsigned parsed(void)
{
    int rc;

    add("\r\n");
    arena_reset(&arena);
    rc = msg_parse(&msg, &arena, text, len, &err);
    assert_true(rc == 0 || rc == -EBADMSG);
    return rc == 0 ? 0 : err.status;
}

static unsigned with_lines(const char *line, unsigned n)
{
    begin(HEAD VIA REST);
    for (unsigned i = 0; i < n; i++)
        add("%s\r\n", line);
    return parsed();
}

static void seventy_vias_are_read_and_not_one_more(void **state)
{
    (void)state;
    for (unsigned n = MSG_VIAS_MAX; n <= MSG_VIAS_MAX + 1; n++) {
        begin(HEAD REST);
        for (unsigned i = 0; i < n; i++)
            add(VIA);
        assert_int_equal(parsed(), n > MSG_VIAS_MAX ? 400 : 0);
    }
    assert_string_equal(err.text, "Too Many Vias");
    begin(HEAD REST "Via: SIP/2.0/UDP h;branch=z9hG4bKq"); /* on one line all the same */
    for (unsigned i = 0; i < MSG_VIAS_MAX; i++)
        add(",SIP/2.0/UDP h;branch=z9hG4bKq%u", i);
    add("\r\n");
    assert_int_equal(parsed(), 400);
}

static void two_hundred_fifty_six_headers_are_read_and_not_one_more(void **state)
{
    (void)state;
    assert_int_equal(with_lines("X-A: y", MSG_HDRS_MAX - 5), 0);
    assert_int_equal(msg.n_hdrs, MSG_HDRS_MAX);
    assert_int_equal(with_lines("X-A: y", MSG_HDRS_MAX - 4), 400);
    assert_string_equal(err.text, "Too Many Headers");
}

static void sixteen_contacts_are_read_and_not_one_more(void **state)
{
    (void)state;
    assert_int_equal(with_lines("Contact: <sip:a@b>", MSG_CONTACTS_MAX), 0);
    assert_int_equal(msg.n_contacts, MSG_CONTACTS_MAX);
    assert_int_equal(with_lines("Contact: <sip:a@b>", MSG_CONTACTS_MAX + 1), 400);
}

static void seventy_routes_make_a_route_set_and_not_one_more(void **state)
{
    struct span routes[MSG_ROUTES_MAX];

    (void)state;
    assert_int_equal(with_lines("Record-Route: <sip:p;lr>", MSG_ROUTES_MAX), 0);
    assert_int_equal(msg_route_set(&msg, true, routes, MSG_ROUTES_MAX), MSG_ROUTES_MAX);
    assert_int_equal(with_lines("Record-Route: <sip:p;lr>", MSG_ROUTES_MAX + 1), 0);
    assert_int_equal(msg_route_set(&msg, true, routes, MSG_ROUTES_MAX), -E2BIG);
}

static unsigned of_length(size_t whole)
{
    size_t body;

    begin(HEAD VIA REST "Content-Type: a/b\r\nContent-Length: ");
    body = whole - len - strlen("65000\r\n\r\n");
    add("%05zu\r\n\r\n", body);
    memset(text + len, 'x', body);
    len += body;
    assert_int_equal(len, whole);
    arena_reset(&arena);
    return msg_parse(&msg, &arena, text, len, &err) == 0 ? 0 : 1;
}

static void a_message_of_a_whole_datagram_is_read_and_not_one_byte_more(void **state)
{
    (void)state;
    assert_int_equal(of_length(MSG_BYTES_MAX), 0);
    assert_int_equal(of_length(MSG_BYTES_MAX + 1), 1);
    assert_int_equal(err.status, 0); /* dropped: what is that long has been cut on its way */
}

static void numbers_end_where_the_rfc_says(void **state)
{
    static const struct {
        const char *name, *at, *over;
    } field[] = {
        {"Max-Forwards", "255", "256"},
        {"Content-Length", "0", "65536"},
        {"RSeq", "4294967295", "4294967296"},
        {"RAck", "4294967295 2147483647 INVITE", "4294967295 2147483648 INVITE"},
    };
    char line[128];

    (void)state;
    for (size_t i = 0; i < sizeof(field) / sizeof(field[0]); i++) {
        snprintf(line, sizeof(line), "%s: %s", field[i].name, field[i].at);
        assert_int_equal(with_lines(line, 1), 0);
        snprintf(line, sizeof(line), "%s: %s", field[i].name, field[i].over);
        assert_int_equal(with_lines(line, 1), 400);
    }
    for (unsigned over = 0; over < 2; over++) {
        begin(HEAD VIA "From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\nCall-ID: i\r\n");
        add("CSeq: %u OPTIONS\r\n", MSG_CSEQ_MAX + over);
        assert_int_equal(parsed(), over ? 400 : 0);
    }
    for (unsigned port = 65535; port <= 65536; port++) {
        begin(HEAD VIA "From: <sip:a@b>;tag=1\r\nCall-ID: i\r\nCSeq: 1 OPTIONS\r\n");
        add("To: <sip:c@d:%u>\r\n", port);
        assert_int_equal(parsed(), port > 65535 ? 400 : 0);
    }
}

static void what_may_be_there_once_is_refused_twice(void **state)
{
    static const char *const twice[] = {
        "From: <sip:x@y>;tag=2",
        "f: <sip:x@y>;tag=2",
        "To: <sip:x@y>",
        "t: <sip:x@y>",
        "Call-ID: other",
        "i: other",
        "CSeq: 2 OPTIONS",
        "Max-Forwards: 70\r\nMax-Forwards: 70",
        "Content-Length: 0\r\nContent-Length: 0",
        "Content-Length: 0\r\nl: 0",
        "Content-Type: a/b\r\nc: a/b",
        "Content-Disposition: session\r\nContent-Disposition: session",
        "RSeq: 1\r\nRSeq: 2",
        "RAck: 1 1 INVITE\r\nRAck: 1 1 INVITE",
        "Expires: 1\r\nExpires: 1",
        "Session-Expires: 90\r\nx: 90",
        "Min-SE: 90\r\nMin-SE: 90",
        "Event: a\r\no: a",
        "Refer-To: <sip:a@b>\r\nr: <sip:a@b>",
        "Referred-By: <sip:a@b>\r\nb: <sip:a@b>",
        "Replaces: a;to-tag=1;from-tag=2\r\nReplaces: a;to-tag=1;from-tag=2",
        "Subscription-State: active\r\nSubscription-State: active",
        "Retry-After: 1\r\nRetry-After: 1",
        "Timestamp: 1\r\nTimestamp: 1",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
        if (with_lines(twice[i], 1) != 400)
            fail_msg("%s is read", twice[i]);
        assert_string_equal(err.text, "Duplicate Header");
    }
}

static void a_response_that_does_not_parse_has_no_status(void **state)
{
    (void)state;
    begin("SIP/2.0 200 OK\r\n" VIA REST "CSeq: 2 OPTIONS\r\n");
    assert_int_equal(parsed(), 0);
    assert_non_null(err.text);
    begin("SIP/2.0 200 OK\r\n" VIA REST);
    for (unsigned i = 0; i < MSG_HDRS_MAX; i++)
        add("X-A: y\r\n");
    assert_int_equal(parsed(), 0);
    assert_string_equal(err.text, "Too Many Headers");
}

/* ---- SDP ---- */

static int sdp_of(unsigned lines)
{
    struct sdp *sdp = arena_zalloc(&arena, sizeof(*sdp));

    begin("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n");
    for (unsigned i = 0; i < lines; i++)
        add("m=audio %u RTP/AVP 0\r\n", 10000 + 2 * i);
    return sdp_parse(sdp, (struct span){text, len}, &why);
}

static void eight_media_lines_are_read_and_not_one_more(void **state)
{
    (void)state;
    assert_int_equal(sdp_of(SDP_MEDIA_MAX), 0);
    assert_int_equal(sdp_of(SDP_MEDIA_MAX + 1), -E2BIG);
}

static void sdp_of_32_kib_is_read_and_not_one_byte_more(void **state)
{
    struct sdp *sdp = arena_zalloc(&arena, sizeof(*sdp));

    (void)state;
    (void)sdp_of(1);
    memset(text + len, 'x', SDP_BYTES_MAX + 1 - len); /* one long line */
    memcpy(text + len, "a=", 2);
    len = SDP_BYTES_MAX;
    memcpy(text + len - 2, "\r\n", 2);
    assert_int_equal(sdp_parse(sdp, (struct span){text, len}, &why), 0);
    memcpy(text + len - 2, "x\r\n", 3);
    len++;
    assert_int_equal(sdp_parse(sdp, (struct span){text, len}, &why), -E2BIG);
}

static int setup(void **state)
{
    (void)state;
    arena_init(&arena, 65536, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_fini(&arena);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(seventy_vias_are_read_and_not_one_more),
        T(two_hundred_fifty_six_headers_are_read_and_not_one_more),
        T(sixteen_contacts_are_read_and_not_one_more),
        T(seventy_routes_make_a_route_set_and_not_one_more),
        T(a_message_of_a_whole_datagram_is_read_and_not_one_byte_more),
        T(numbers_end_where_the_rfc_says),
        T(what_may_be_there_once_is_refused_twice),
        T(a_response_that_does_not_parse_has_no_status),
        T(eight_media_lines_are_read_and_not_one_more),
        T(sdp_of_32_kib_is_read_and_not_one_byte_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
