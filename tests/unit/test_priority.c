/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The class of a call: emergency numbers and urn:service:sos, Resource-Priority, and what a numbers rule may do to it.
 * The parsed message and the raw bytes (peek) must give the same answer.
 */
#include "call_rig.h"

#include "call/priority.h"
#include "sip/peek.h"

static const char *numbers[] = {"911", "112"};

static enum sip_class class_of(const char *ruri, const char *header)
{
    char text[1024];
    struct conf conf = {0};
    struct span table[] = {SPAN("911"), SPAN("112")};
    struct peek_table emergency = {table, 2};
    struct msg_error err;
    struct arena a;
    struct peek pk;
    struct msg m;
    enum sip_class c;
    int n = snprintf(text, sizeof text,
                     "INVITE %s SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKp\r\n"
                     "Max-Forwards: 70\r\nFrom: <sip:2@192.0.2.1>;tag=a\r\nTo: <sip:1@h>\r\n"
                     "Call-ID: c\r\nCSeq: 1 INVITE\r\nContact: <sip:2@192.0.2.1>\r\n"
                     "%sContent-Length: 0\r\n\r\n",
                     ruri, header);

    conf.global.emergency.v = numbers;
    conf.global.emergency.n = 2;
    arena_init(&a, 16384, 0);
    assert_int_equal(msg_parse(&m, &a, text, (size_t)n, &err), 0);
    c = priority_of(&conf, &m);
    assert_int_equal(peek_parse(text, (size_t)n, &emergency, &pk), 0);
    assert_int_equal(pk.cls, c);
    arena_fini(&a);
    return c;
}

static void an_emergency_number_is_an_emergency(void **state)
{
    (void)state;
    assert_int_equal(class_of("sip:911@198.51.100.10", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:112@198.51.100.10;user=phone", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:112;phone-context=+44@198.51.100.10", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:9-1-1@198.51.100.10", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:9%311@198.51.100.10", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:9111@198.51.100.10", ""), SIP_CLASS_ORDINARY);
    assert_int_equal(class_of("sip:91@198.51.100.10", ""), SIP_CLASS_ORDINARY);
}

static void a_service_urn_for_help_is_an_emergency(void **state)
{
    (void)state;
    assert_int_equal(class_of("urn:service:sos", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("urn:service:sos.fire", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("URN:Service:SOS", ""), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("urn:service:sosial", ""), SIP_CLASS_ORDINARY);
}

static void resource_priority_makes_a_priority_call_and_never_hides_an_emergency(void **state)
{
    (void)state;
    assert_int_equal(class_of("sip:1@h", "Resource-Priority: ets.0\r\n"), SIP_CLASS_PRIORITY);
    assert_int_equal(class_of("sip:911@h", "Resource-Priority: ets.0\r\n"), SIP_CLASS_EMERGENCY);
    assert_int_equal(class_of("sip:1@h", "X-Resource-Priority: ets.0\r\n"), SIP_CLASS_ORDINARY);
}

static void a_numbers_rule_raises_and_never_lowers(void **state)
{
    (void)state;
    for (unsigned c = 0; c < SIP_CLASS_N; c++) {
        assert_int_equal(priority_raise(c, CONF_CLASS_EMERGENCY), SIP_CLASS_EMERGENCY);
        /* a name for what would be ordinary, nothing else */
        assert_int_equal(priority_raise(c, CONF_CLASS_SERVICE),
                         c == SIP_CLASS_ORDINARY ? SIP_CLASS_SERVICE : c);
        assert_int_equal(priority_is_exempt(c), c == SIP_CLASS_EMERGENCY);
        assert_string_not_equal(priority_name(c), "?");
    }
    assert_string_equal(priority_name(SIP_CLASS_N), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_emergency_number_is_an_emergency),
        cmocka_unit_test(a_service_urn_for_help_is_an_emergency),
        cmocka_unit_test(resource_priority_makes_a_priority_call_and_never_hides_an_emergency),
        cmocka_unit_test(a_numbers_rule_raises_and_never_lowers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
