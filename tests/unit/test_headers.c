/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers that cross: the allow-list, hosts replaced, nothing that names a side.
 * Messages are parsed by the real parser; no call is needed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call/headers.h"

#include <stdio.h>
#include <string.h>

static struct conf_trunk from, to;

/* The lines that cross of an INVITE with these headers, hosts filled in. */
static const char *cross(const char *headers)
{
    static char out[4096];
    char text[8192];
    struct crossing x = {.from = &from, .to = &to, .host = SPAN("OUR")};
    struct arena a;
    struct msg m;
    struct msg_error err = {0};
    struct build b;
    int n = snprintf(
        text, sizeof text,
        "INVITE sip:1@198.51.100.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:2@192.0.2.1>;tag=a\r\nTo: <sip:1@198.51.100.10>\r\n"
        "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:2@192.0.2.1>\r\n%sContent-Length: 0\r\n\r\n",
        headers);

    arena_init(&a, 16384, 0);
    assert_int_equal(msg_parse(&m, &a, text, (size_t)n, &err), 0);
    build_init(&b, out, sizeof out - 1);
    x.hdrs = m.hdrs;
    x.n = m.n_hdrs;
    headers_write(&b, &x);
    assert_false(b.overflow);
    arena_fini(&a);
    out[b.len] = '\0';
    return out;
}

static void tokens_cross_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(cross("Privacy: id;header\r\nResource-Priority: ets.0\r\n"),
                        "Resource-Priority: ets.0\r\nPrivacy: id;header\r\n");
}

static void hosts_of_identities_are_ours(void **state)
{
    (void)state;
    assert_string_equal(
        cross(
            "P-Asserted-Identity: \"Al\" <sip:+1202@pbx.example:5070;user=phone;x=y>, <tel:+1203>\r\n"),
        "P-Asserted-Identity: \"Al\" <sip:+1202@OUR;user=phone>\r\nP-Asserted-Identity: <tel:+1203>\r\n");
    assert_string_equal(
        cross("Diversion: <sip:5@192.0.2.1>;reason=no-answer;counter=2;x=192.0.2.1\r\n"),
        "Diversion: <sip:5@OUR>;reason=no-answer;counter=2\r\n");
}

static void anonymous_stays_anonymous(void **state)
{
    (void)state;
    assert_string_equal(
        cross("P-Asserted-Identity: \"Anonymous\" <sip:anonymous@anonymous.invalid>\r\n"),
        "P-Asserted-Identity: \"Anonymous\" <sip:anonymous@anonymous.invalid>\r\n");
}

static void what_is_not_named_stays_on_its_side(void **state)
{
    (void)state;
    assert_string_equal(
        cross(
            "User-Agent: x\r\nServer: y\r\nWarning: 399 host.example \"z\"\r\nX-Any: 192.0.2.1\r\n"
            "Record-Route: <sip:192.0.2.9;lr>\r\nCall-Info: <http://host.example/>\r\n"
            "Alert-Info: <http://host.example/>\r\nDate: Sat, 13 Nov 2026 23:29:00 GMT\r\n"
            "P-Charging-Vector: icid-value=1\r\nP-Access-Network-Info: 3GPP\r\n"
            "P-Visited-Network-ID: \"a\"\r\n"
            "Organization: o\r\nSubject: s\r\nSession-ID: 0123\r\n"),
        "");
}

static void an_address_of_an_unknown_scheme_does_not_cross(void **state)
{
    (void)state;
    assert_string_equal(cross("Diversion: <mailto:a@host.example>\r\n"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_cross_as_they_are),
        cmocka_unit_test(hosts_of_identities_are_ours),
        cmocka_unit_test(anonymous_stays_anonymous),
        cmocka_unit_test(what_is_not_named_stays_on_its_side),
        cmocka_unit_test(an_address_of_an_unknown_scheme_does_not_cross),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
