/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses: text, sockaddr, prefixes.
 * Run by make check; it sees lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include "core/addr.h"

static void printed_form_parses_back(void **state)
{
    static const struct {
        struct span text;
        const char *printed;
    } row[] = {
        {SPAN("192.0.2.1:5080"), "192.0.2.1:5080"},
        {SPAN("192.0.2.1"), "192.0.2.1:5060"},
        {SPAN("[2001:DB8::1]:5080"), "[2001:db8::1]:5080"},
        {SPAN("[2001:db8::1]"), "[2001:db8::1]:5060"},
        {SPAN("2001:db8::1"), "[2001:db8::1]:5060"},
        {SPAN("::ffff:192.0.2.1"), "192.0.2.1:5060"},
        {SPAN("0.0.0.0:0"), "0.0.0.0:0"},
    };
    char buf[ADDR_STRLEN];
    struct addr a;
    struct addr b;

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(addr_parse(row[i].text, 5060, &a), 0);
        assert_string_equal(addr_str(&a, buf), row[i].printed);
        assert_int_equal(addr_parse(span_of(buf), 1, &b), 0);
        assert_true(addr_eq(&a, &b));
        assert_int_equal(addr_hash(&a), addr_hash(&b));
    }
}

static void wrong_addresses_are_refused(void **state)
{
    static const struct span row[] = {
        SPAN(""),
        SPAN("192.0.2"),
        SPAN("192.0.2.1:"),
        SPAN("192.0.2.1:65536"),
        SPAN("[::1]5060"),
        SPAN("[::1]:"),
        SPAN("[::1"),
        SPAN("[192.0.2.1]"),
        SPAN("host:5060"),
        SPAN("192.0.2.1\0x"),
        SPAN("fe80::1%eth0"),
        SPAN("1:2:3:4:5:6:7:8:9"),
        SPAN("192.0.2.256"),
        SPAN("192.0.02.1"),
        SPAN("192.0.2.00"),
        SPAN("192.0.2."),
        SPAN("192.0.2.1."),
        SPAN("192..2.1"),
        SPAN(".0.2.1"),
        SPAN("1921.0.2.1"),
        SPAN("192.0.2.1.1"),
        SPAN("[]"),
        SPAN("192.0.2.1:5060 "),
        SPAN("[::1]x5060"),
    };
    struct addr a = {.port = 9};

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        assert_int_equal(addr_parse(row[i], 5060, &a), -EINVAL);
        assert_int_equal(a.port, 9);
    }
}

static void ip_alone_has_no_brackets(void **state)
{
    char buf[ADDR_STRLEN];
    struct addr a;

    (void)state;
    assert_int_equal(addr_parse_ip(SPAN("[2001:db8::1]"), &a), 0);
    assert_string_equal(addr_ip_str(&a, buf), "2001:db8::1");
    assert_int_equal(addr_parse_ip(SPAN("192.0.2.1:5060"), &a), -EINVAL);
    a = (struct addr){0};
    assert_false(addr_is_set(&a));
    assert_string_equal(addr_ip_str(&a, buf), "-");
}

static void port_counts_for_equality_only_when_asked(void **state)
{
    struct addr a;
    struct addr b;

    (void)state;
    addr_parse(SPAN("192.0.2.1:1"), 0, &a);
    addr_parse(SPAN("192.0.2.1:2"), 0, &b);
    assert_false(addr_eq(&a, &b));
    assert_true(addr_ip_eq(&a, &b));
    assert_int_not_equal(addr_hash(&a), addr_hash(&b));
}

static void sockaddr_round_trip_keeps_all(void **state)
{
    static const struct span row[] = {SPAN("192.0.2.1:5080"), SPAN("[2001:db8::7]:1")};
    struct sockaddr_storage ss;
    struct addr a;
    struct addr b;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(addr_parse(row[i], 0, &a), 0);
        assert_int_not_equal(addr_to_sockaddr(&a, &ss), 0);
        assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &b), 0);
        assert_memory_equal(&a, &b, sizeof(a));
    }
    a = (struct addr){0};
    assert_int_equal(addr_to_sockaddr(&a, &ss), 0);
    ss.ss_family = AF_UNIX;
    assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &b), -EAFNOSUPPORT);
}

static void prefix_holds_its_hosts_and_no_others(void **state)
{
    static const struct {
        struct span prefix;
        struct span addr;
        bool in;
    } row[] = {
        {SPAN("203.0.113.16/28"), SPAN("203.0.113.16:1"), true},
        {SPAN("203.0.113.16/28"), SPAN("203.0.113.31:9"), true},
        {SPAN("203.0.113.16/28"), SPAN("203.0.113.32:9"), false},
        {SPAN("203.0.113.16/28"), SPAN("203.0.113.15:9"), false},
        {SPAN("203.0.113.16/28:5060"), SPAN("203.0.113.17:5060"), true},
        {SPAN("203.0.113.16/28:5060"), SPAN("203.0.113.17:5061"), false},
        {SPAN("0.0.0.0/0"), SPAN("8.8.8.8:1"), true},
        {SPAN("0.0.0.0/0"), SPAN("[::1]:1"), false},
        {SPAN("192.0.2.1"), SPAN("192.0.2.1:7"), true},
        {SPAN("192.0.2.1:7"), SPAN("192.0.2.1:8"), false},
        {SPAN("192.0.2.1"), SPAN("192.0.2.2:7"), false},
        {SPAN("2001:db8::/32"), SPAN("[2001:db8:ffff::1]:1"), true},
        {SPAN("2001:db8::/32"), SPAN("[2001:db9::1]:1"), false},
        {SPAN("[2001:db8::]/33:5060"), SPAN("[2001:db8:7fff::1]:5060"), true},
        {SPAN("[2001:db8::]/33:5060"), SPAN("[2001:db8:8000::1]:5060"), false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct addr_prefix p;
        struct addr a;
        assert_int_equal(addr_parse_prefix(row[i].prefix, &p), 0);
        assert_int_equal(addr_parse(row[i].addr, 0, &a), 0);
        assert_int_equal(addr_in_prefix(&a, &p), row[i].in);
    }
}

static void prefix_with_host_bits_is_refused(void **state)
{
    static const struct span row[] = {
        SPAN("203.0.113.17/28"), SPAN("192.0.2.0/33"), SPAN("192.0.2.0/"),    SPAN("192.0.2.0/x"),
        SPAN("2001:db8::1/64"),  SPAN("::/129"),       SPAN("192.0.2.0/24:"), SPAN("/24")};
    struct addr_prefix p;

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_int_equal(addr_parse_prefix(row[i], &p), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed_form_parses_back),
        cmocka_unit_test(wrong_addresses_are_refused),
        cmocka_unit_test(ip_alone_has_no_brackets),
        cmocka_unit_test(port_counts_for_equality_only_when_asked),
        cmocka_unit_test(sockaddr_round_trip_keeps_all),
        cmocka_unit_test(prefix_holds_its_hosts_and_no_others),
        cmocka_unit_test(prefix_with_host_bits_is_refused),
    };

    return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
