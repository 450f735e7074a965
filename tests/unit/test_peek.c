/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first look at a datagram: what it finds, what it forgives, what it drops.
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
#include "sip/hdr.h"
#include "sip/peek.h"
#include "sip_data.h"

#define assert_span(s, lit)                               \
    do {                                                  \
        assert_int_equal((s).len, sizeof(lit) - 1);       \
        assert_memory_equal((s).p, lit, sizeof(lit) - 1); \
    } while (0)

static int peek(const char *text, struct peek *p)
{
    static const struct span users[] = {{"911", 3}, {"112", 3}};
    static const struct peek_table table = {users, 2};

    return peek_parse(text, strlen(text), &table, p);
}

static void ordinary_invite_gives_all_its_fields(void **state)
{
    struct peek p;

    (void)state;
    assert_int_equal(peek(DATA_INVITE, &p), 0);
    assert_true(p.is_request && p.complete && p.has_rport);
    assert_int_equal(p.method, SIP_INVITE);
    assert_span(p.ruri, "sip:+4930123@192.0.2.10:5060;user=phone");
    assert_span(p.ruri_user, "+4930123");
    assert_span(p.via_host, "198.51.100.7");
    assert_int_equal(p.via_port, 5062);
    assert_span(p.via_branch, "z9hG4bK-1");
    assert_span(p.call_id, "abc@198.51.100.7");
    assert_span(p.from_tag, "ft");
    assert_int_equal(p.to_tag.len, 0);
    assert_int_equal(p.cseq, 102);
    assert_int_equal(p.cls, SIP_CLASS_ORDINARY);
    assert_span(((struct span){&DATA_INVITE[p.head_len], 4}), "Via:");
}

static void response_takes_its_method_from_cseq(void **state)
{
    struct peek p;

    (void)state;
    assert_int_equal(peek("SIP/2.0 180 Ringing\r\n"
                          "v: SIP/2.0/UDP [2001:db8::1]:5070;branch=z9hG4bKx\r\n"
                          "f: <sip:a@b>;tag=1\r\nt: <sip:c@d>;tag=2\r\ni: x@y\r\n"
                          "CSeq: 7 UPDATE\r\n\r\n",
                          &p),
                     0);
    assert_false(p.is_request);
    assert_true(p.complete);
    assert_int_equal(p.status, 180);
    assert_int_equal(p.method, SIP_UPDATE);
    assert_span(p.via_host, "[2001:db8::1]");
    assert_int_equal(p.via_port, 5070);
    assert_span(p.from_tag, "1");
    assert_span(p.to_tag, "2");
    assert_span(p.call_id, "x@y");
}

/* SLASH is SWS "/" SWS (RFC 3261 25.1): msg_parse takes each of these too, so none may be dropped unheard. */
static void blanks_around_the_slashes_of_a_via_are_read(void **state)
{
    static const char *const protocols[] = {
        "SIP/2.0/ UDP", "SIP/2.0/\tUDP", "SIP/2.0/\r\n UDP",
        "SIP/2.0 /UDP", "SIP /2.0/UDP",  "SIP / 2.0 / UDP",
    };
    char buf[512];
    struct peek p;
    int n;

    (void)state;
    for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
        n = snprintf(buf, sizeof(buf),
                     "SIP/2.0 180 Ringing\r\nv: %s [2001:db8::1]:5070;branch=z9hG4bKx\r\n"
                     "f: <sip:a@b>;tag=1\r\nt: <sip:c@d>;tag=2\r\ni: x@y\r\nCSeq: 7 UPDATE\r\n\r\n",
                     protocols[i]);
        assert_true(n > 0 && (size_t)n < sizeof(buf));
        assert_int_equal(peek(buf, &p), 0);
        assert_true(p.complete);
        assert_span(p.via_host, "[2001:db8::1]");
        assert_int_equal(p.via_port, 5070);
        assert_span(p.via_branch, "z9hG4bKx");
    }
}

static void status_line_may_end_with_its_code(void **state)
{
    struct peek p;

    (void)state;
    assert_int_equal(peek("SIP/2.0 100\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n\r\n", &p), 0);
    assert_int_equal(p.status, 100);
}

static void folds_blanks_and_odd_case_are_read(void **state)
{
    char buf[2048];
    size_t n = data_file("torture/rfc4475/wsinv.dat", buf, sizeof(buf));
    struct peek p;

    (void)state;
    assert_int_not_equal(n, 0);
    assert_int_equal(peek_parse(buf, n, NULL, &p), 0);
    assert_true(p.complete);
    assert_span(p.via_host, "192.0.2.2");
    assert_span(p.via_branch, "390skdjuw");
    assert_span(p.to_tag, "1918181833n");
    assert_span(p.from_tag, "98asjd8");
    assert_int_equal(p.cseq, 9);
    assert_int_equal(p.cseq_method, SIP_INVITE);
}

static void tag_inside_quotes_or_uri_is_not_the_tag(void **state)
{
    struct peek p;

    (void)state;
    assert_int_equal(
        peek("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
             "From: \"x;tag=no <sip:a@b>;tag=no\" <sip:a@b;tag=no>;x=\";tag=no\";tag=yes\r\n"
             "To: sip:c@d;tag=also\r\nCall-ID: i\r\nCSeq: 1 BYE\r\n\r\n",
             &p),
        0);
    assert_span(p.from_tag, "yes");
    assert_span(p.to_tag, "also");
    assert_true(p.complete);
}

static void first_of_doubled_headers_counts(void **state)
{
    struct peek p;

    (void)state;
    assert_int_equal(peek("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n"
                          "From: <sip:a@b>;tag=1\r\nFrom: <sip:a@b>;tag=2\r\nTo: <sip:c@d>\r\n"
                          "Call-ID: one\r\nCall-ID: two\r\nCSeq: 1 BYE\r\n\r\n",
                          &p),
                     0);
    assert_span(p.from_tag, "1");
    assert_span(p.call_id, "one");
}

static enum sip_class class_of(const char *ruri, const char *more)
{
    char buf[1024];
    struct peek p;

    snprintf(buf, sizeof(buf),
             "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\nFrom: <sip:a@b>;tag=1\r\n"
             "To: <sip:c@d>\r\nCall-ID: one\r\nCSeq: 1 INVITE\r\n%s\r\n",
             ruri, more);
    assert_int_equal(peek(buf, &p), 0);
    return p.cls;
}

static void emergency_and_priority_are_told_from_ordinary(void **state)
{
    (void)state;
    assert_int_equal(class_of("sip:911@h", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:112;phone-context=+49@h;user=phone", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("tel:911;phone-context=+1", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:%39%31%31:pw@h", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("URN:service:SOS", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("urn:service:sos.fire", "Resource-Priority: ets.0\r\n"),
                     SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("urn:service:sosnot", ""), SIP_CLASS_ORDINARY);
    assert_int_equal(class_of("sip:9110@h", ""), SIP_CLASS_ORDINARY);
    assert_int_equal(class_of("sip:911.example", ""), SIP_CLASS_ORDINARY);
    assert_int_equal(class_of("sip:1@h", "resource-priority : wps.1\r\n"), SIP_CLASS_PRIORITY);
    assert_int_equal(class_of("sip:1@h", "Resource-Prioritx: wps.1\r\n"), SIP_CLASS_ORDINARY);
}

static void what_is_not_sip_is_dropped_with_a_reason(void **state)
{
    static const char *const texts[] = {
        "",
        "\r\n\r\n",
        "INVITE sip:a@b SIP/2.0",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "\x16\x03\x01\x02\r\n",
        "SIP/2.0 4294967301 x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n\r\n",
        "SIP/2.0 99 x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n\r\n",
        "SIP/3.0 200 x\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nFrom: <sip:a@b>;tag=1\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nVia: UDP h\r\n\r\n",
        "INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP ;branch=z\r\n\r\n",
        "INVITE SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKq\r\n\r\n",
    };
    struct peek p;

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        assert_int_equal(peek(texts[i], &p), -EBADMSG);
        assert_non_null(p.why);
    }
}

static void broken_fields_leave_it_incomplete_not_dropped(void **state)
{
    static const char *const files[] = {"rfc4475/insuf.dat", "rfc4475/badvers.dat",
                                        "rfc4475/scalar02.dat", "rfc4475/badinv01.dat",
                                        "rfc4475/mismatch01.dat"};
    char buf[2048], name[64];
    struct peek p;

    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(name, sizeof(name), "torture/%s", files[i]);
        assert_int_equal(peek_parse(buf, data_file(name, buf, sizeof(buf)), NULL, &p), 0);
        assert_false(p.complete);
    }
}

static void no_prefix_of_a_message_is_read_beyond_its_end(void **state)
{
    size_t len = strlen(DATA_INVITE);
    struct peek p;

    (void)state;
    for (size_t n = 0; n <= len; n++) {
        char *exact = malloc(n ? n : 1); /* the sanitizer guards its end */

        assert_non_null(exact);
        memcpy(exact, DATA_INVITE, n);
        (void)peek_parse(exact, n, NULL, &p);
        free(exact);
    }
}

static void every_header_name_leads_to_its_number(void **state)
{
    char lower[64];

    (void)state;
    for (int i = HDR_OTHER + 1; i < HDR_N; i++) {
        struct span name = hdr_name((enum hdr_id)i);

        assert_int_equal(hdr_id_of(name), i);
        for (size_t k = 0; k < name.len; k++) {
            lower[k] = (char)(name.p[k] | (name.p[k] >= 'A' && name.p[k] <= 'Z' ? 0x20 : 0));
        }
        assert_int_equal(hdr_id_of((struct span){lower, name.len}), i);
    }
#define HDR_X(id, name, compact)                                     \
    if (compact) {                                                   \
        const char c = compact;                                      \
        assert_int_equal(hdr_id_of((struct span){&c, 1}), HDR_##id); \
    }
    HDR_LIST(HDR_X)
#undef HDR_X
    assert_int_equal(hdr_id_of(SPAN("X-Unknown")), HDR_OTHER);
    assert_int_equal(hdr_id_of(SPAN("z")), HDR_OTHER);
    assert_int_equal(hdr_id_of(SPAN_NONE), HDR_OTHER);
}

static void every_method_name_leads_to_its_number(void **state)
{
    (void)state;
    for (int i = SIP_UNKNOWN + 1; i < SIP_METHOD_N; i++) {
        assert_int_equal(sip_method_of(sip_method_name((enum sip_method)i)), i);
    }
    assert_int_equal(sip_method_of(SPAN("invite")), SIP_UNKNOWN);
    assert_int_equal(sip_method_of(SPAN("UNKNOWN")), SIP_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_invite_gives_all_its_fields),
        cmocka_unit_test(response_takes_its_method_from_cseq),
        cmocka_unit_test(blanks_around_the_slashes_of_a_via_are_read),
        cmocka_unit_test(status_line_may_end_with_its_code),
        cmocka_unit_test(folds_blanks_and_odd_case_are_read),
        cmocka_unit_test(tag_inside_quotes_or_uri_is_not_the_tag),
        cmocka_unit_test(first_of_doubled_headers_counts),
        cmocka_unit_test(emergency_and_priority_are_told_from_ordinary),
        cmocka_unit_test(what_is_not_sip_is_dropped_with_a_reason),
        cmocka_unit_test(broken_fields_leave_it_incomplete_not_dropped),
        cmocka_unit_test(no_prefix_of_a_message_is_read_beyond_its_end),
        cmocka_unit_test(every_header_name_leads_to_its_number),
        cmocka_unit_test(every_method_name_leads_to_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
