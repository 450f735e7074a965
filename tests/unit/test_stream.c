/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Framing: pipelined, cut at every byte, keep-alives, limits, and what ends a stream.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "sip/stream.h"

#define HEAD "INVITE sip:1@x SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"

struct told {
    char text[256]; /* a letter an event: M P p B, messages with their length */
    unsigned stop_after;
    unsigned n;
};

static bool on(void *arg, enum stream_event ev, struct span msg)
{
    struct told *t = arg;
    size_t at = strlen(t->text);

    if (ev == STREAM_MSG)
        snprintf(t->text + at, sizeof(t->text) - at, "M%zu ", msg.len);
    else
        snprintf(t->text + at, sizeof(t->text) - at, "%s ",
                 ev == STREAM_PING   ? "ping"
                 : ev == STREAM_PONG ? "pong"
                 : msg.len           ? "bad+head"
                                     : "bad");
    return ++t->n != t->stop_after;
}

/* Feed in parts of that many bytes. @return why */
static enum stream_why feed(const char *bytes, size_t len, size_t part, bool pong_due,
                            struct told *t)
{
    struct stream s;
    enum stream_why why;

    memset(t, 0, sizeof(*t));
    stream_init(&s);
    s.pong_due = pong_due;
    for (size_t at = 0; at < len; at += part) {
        size_t n = len - at < part ? len - at : part;
        char *copy = malloc(n);

        assert_non_null(copy);
        memcpy(copy, bytes + at, n);
        (void)stream_feed(&s, copy, n, on, t);
        free(copy);
    }
    why = s.why;
    stream_fini(&s);
    return why;
}

/* The same whatever the cuts. */
static void expect(const char *bytes, size_t len, const char *want, enum stream_why why)
{
    struct told t;

    for (size_t part = 1; part <= len; part = part < 80 ? part + 1 : part * 2) {
        assert_int_equal(feed(bytes, len, part, false, &t), why);
        assert_string_equal(t.text, want);
    }
    assert_int_equal(feed(bytes, len, len, false, &t), why);
    assert_string_equal(t.text, want);
}
#define EXPECT(bytes, want, why) expect(bytes, sizeof(bytes) - 1, want, why)

static void messages_come_out_however_they_are_cut(void **state)
{
    (void)state;
    EXPECT(HEAD "Content-Length: 3\r\n\r\nabc", "M84 ", STREAM_OK);
    EXPECT(HEAD "Content-Length: 3\r\n\r\nabc" HEAD "Content-Length: 0\r\n\r\n", "M84 M81 ",
           STREAM_OK);
    EXPECT(HEAD "l:3\r\n\r\nabc" HEAD "CONTENT-LENGTH:\r\n  1\r\n\r\nx", "M70 M85 ", STREAM_OK);
    EXPECT("SIP/2.0 200 OK\r\nl: 0\r\n\r\n", "M24 ", STREAM_OK);
    EXPECT("sip/2.0 200 OK\nl: 2\n\n\r\n", "M23 ", STREAM_OK); /* bare LF, and a body of CRLF */
    EXPECT(HEAD "l: 4\r\n\r\n\0\r\n\0", "M72 ", STREAM_OK);    /* NUL bytes in a body are bytes */
}

static void a_part_of_a_message_is_kept_and_told_as_partial(void **state)
{
    char part[] = HEAD "l: 3\r\n\r\nab", rest[] = "c" HEAD;
    struct told t = {0};
    struct stream s;

    (void)state;
    stream_init(&s);
    assert_false(stream_is_partial(&s));
    assert_int_equal(stream_feed(&s, part, sizeof(part) - 1, on, &t), 0);
    assert_true(stream_is_partial(&s));
    assert_int_equal(stream_feed(&s, rest, 1, on, &t), 0);
    assert_string_equal(t.text, "M71 ");
    assert_false(stream_is_partial(&s));
    assert_null(s.buf); /* an idle connection holds nothing */
    stream_fini(&s);
}

static void crlf_in_front_is_skipped_and_two_are_a_ping(void **state)
{
    struct told t;

    (void)state;
    EXPECT("\r\n" HEAD "l: 0\r\n\r\n", "M68 ", STREAM_OK);
    EXPECT("\r\n\r\n", "ping ", STREAM_OK);
    EXPECT("\r\n\r\n\r\n\r\n" HEAD "l: 0\r\n\r\n\r\n\r\n", "ping ping M68 ping ", STREAM_OK);
    EXPECT("\n\n\n" HEAD "l: 0\r\n\r\n", "M68 ", STREAM_OK);
    assert_int_equal(feed("\r\n\r\n\r\n", 6, 1, true, &t), STREAM_OK);
    assert_string_equal(t.text,
                        "pong ping "); /* the first answers ours, the others are the peer's own */
}

static void what_is_no_sip_ends_the_stream(void **state)
{
    (void)state;
    EXPECT("\x16\x03\x01\x02\x00", "bad ", STREAM_NOT_SIP); /* a TLS hello */
    EXPECT("\0\0\0\0", "bad ", STREAM_NOT_SIP);
    EXPECT("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "bad ", STREAM_NOT_SIP);
    EXPECT("INV\0ITE sip:1@x SIP/2.0\r\n", "bad ", STREAM_NOT_SIP);
    EXPECT("SSH-2.0-x\r\n", "bad ", STREAM_NOT_SIP);
    EXPECT("A B\r\n", "bad ", STREAM_NOT_SIP);
    EXPECT(HEAD "l: 0\r\n\r\n garbage", "M68 bad ", STREAM_NOT_SIP);
}

static void a_length_that_cannot_be_followed_ends_the_stream(void **state)
{
    (void)state;
    EXPECT(HEAD "\r\n" HEAD, "bad+head ", STREAM_NO_LENGTH);
    EXPECT(HEAD "l: -1\r\n\r\nabc", "bad+head ", STREAM_BAD_LENGTH);
    EXPECT(HEAD "l: 3x\r\n\r\nabc", "bad+head ", STREAM_BAD_LENGTH);
    EXPECT(HEAD "l: \r\n\r\nabc", "bad+head ", STREAM_BAD_LENGTH);
    EXPECT(HEAD "l: 3\r\nContent-Length: 3\r\n\r\nabc", "bad+head ", STREAM_BAD_LENGTH);
    EXPECT(HEAD "l: 65535\r\n\r\n", "bad+head ", STREAM_LONG_MSG);
    EXPECT(HEAD "l: 99999999999999999999999\r\n\r\n", "bad+head ", STREAM_LONG_MSG);
    assert_int_equal(stream_status(STREAM_NO_LENGTH), 400);
    assert_int_equal(stream_status(STREAM_BAD_LENGTH), 400);
    assert_int_equal(stream_status(STREAM_LONG_MSG), 513);
    assert_int_equal(stream_status(STREAM_NOT_SIP), 0);
}

static void a_broken_header_line_is_left_to_the_parser(void **state)
{
    (void)state;
    EXPECT(HEAD "no header at all\r\nl: 2\r\n\r\nab", "M88 ", STREAM_OK);
}

static void head_line_and_message_have_bounds(void **state)
{
    static char big[MSG_BYTES_MAX + 4096];
    size_t n;

    (void)state;
    memset(big, 'a', sizeof(big));
    expect(big, STREAM_LINE_MAX + 1, "bad ", STREAM_NOT_SIP);
    n = (size_t)snprintf(big, sizeof(big), HEAD "X: ");
    memset(big + n, 'a', sizeof(big) - n);
    expect(big, STREAM_HEAD_MAX + 1, "bad ", STREAM_LONG_HEAD);
    n = (size_t)snprintf(big, sizeof(big), HEAD "l: %05u\r\n\r\n", MSG_BYTES_MAX - 72);
    assert_int_equal(n, 72);
    memset(big + n, 'a', sizeof(big) - n);
    expect(big, MSG_BYTES_MAX, "M65535 ", STREAM_OK);
}

static void the_owner_can_stop_and_a_bad_stream_takes_nothing(void **state)
{
    char two[] = HEAD "l: 0\r\n\r\n" HEAD "l: 0\r\n\r\n", garbage[] = "\1",
         ok[] = HEAD "l: 0\r\n\r\n";
    struct told t = {.stop_after = 1};
    struct stream s;

    (void)state;
    stream_init(&s);
    assert_int_equal(stream_feed(&s, two, sizeof(two) - 1, on, &t), -ECANCELED);
    assert_int_equal(t.n, 1);
    assert_int_equal(stream_feed(&s, garbage, 1, on, &t), -EBADMSG);
    assert_int_equal(stream_feed(&s, ok, sizeof(ok) - 1, on, &t), -EBADMSG);
    assert_string_equal(t.text, "M68 bad ");
    assert_string_equal(stream_why_text(s.why), "no SIP");
    stream_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come_out_however_they_are_cut),
        cmocka_unit_test(a_part_of_a_message_is_kept_and_told_as_partial),
        cmocka_unit_test(crlf_in_front_is_skipped_and_two_are_a_ping),
        cmocka_unit_test(what_is_no_sip_ends_the_stream),
        cmocka_unit_test(a_length_that_cannot_be_followed_ends_the_stream),
        cmocka_unit_test(a_broken_header_line_is_left_to_the_parser),
        cmocka_unit_test(head_line_and_message_have_bounds),
        cmocka_unit_test(the_owner_can_stop_and_a_bad_stream_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
