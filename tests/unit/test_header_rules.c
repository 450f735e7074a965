/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header rules on received lines and on the text of a message: each kind of rule, patterns, variables that want to break out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "call/header_rules.h"

#include <stdio.h>
#include <string.h>

static struct conf_header rule[8];
static struct conf_trunk trunk;
static const struct header_vars vars = {
    .called = SPAN("+1202"),
    .caller = SPAN("ev\r\nX-Evil: 1\0il"),
    .billing = SPAN("acct"),
    .node = SPAN("nyc1"),
    .trunk = SPAN("acme"),
    .call = SPAN("uuid"),
    .ruri = SPAN("sip:+1202@h"),
};

static void rules(uint32_t n)
{
    trunk = (struct conf_trunk){.name = "acme", .header = {.v = rule, .n = n}};
}

/* The lines behind Content-Length-less text, after `out` rules. */
static const char *out(const char *lines)
{
    static char buf[2048];
    struct build b;

    build_init(&b, buf, sizeof buf - 1);
    build_span(&b, SPAN("INVITE sip:X-A@h SIP/2.0\r\nVia: v\r\nAllow: INVITE\r\n"));
    build_str(&b, lines);
    header_rules_out(&b, &trunk, &vars);
    assert_false(b.overflow);
    buf[b.len] = '\0';
    assert_memory_equal(buf, "INVITE sip:X-A@h SIP/2.0\r\n", 26);
    return buf + 26;
}

static void set_replaces_all_and_add_adds(void **state)
{
    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_SET, true, "X-A", "{called}/{node}/{trunk}", {0}};
    rule[1] = (struct conf_header){CONF_HEADER_ADD, true, "X-B", "{billing} {call} {ruri}", {0}};
    rules(2);
    assert_string_equal(out("x-a: 1\r\nX-B: 1\r\nX-A: 2\r\n"),
                        "Via: v\r\nAllow: INVITE\r\nX-B: 1\r\nX-A: +1202/nyc1/acme\r\n"
                        "X-B: acct uuid sip:+1202@h\r\n");
}

static void drop_takes_patterns_and_leaves_ours(void **state)
{
    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_DROP, true, "*", NULL, {0}};
    rules(1);
    assert_string_equal(out("X-A: 1\r\nPriority: 2\r\n"), "Via: v\r\nAllow: INVITE\r\n");
    rule[0].name = "X-*";
    assert_string_equal(out("X-A: 1\r\nPriority: 2\r\nx-b: 3\r\n"),
                        "Via: v\r\nAllow: INVITE\r\nPriority: 2\r\n");
    rule[0].name = "Allow";
    assert_string_equal(out(""), "Via: v\r\n");
}

static void rename_keeps_the_value(void **state)
{
    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_RENAME, true, "X-A", "X-Longer-Name", {0}};
    rules(1);
    assert_string_equal(
        out("X-A:  as  is\r\nX-AB: 1\r\nX-A: 2\r\n"),
        "Via: v\r\nAllow: INVITE\r\nX-Longer-Name:  as  is\r\nX-AB: 1\r\nX-Longer-Name: 2\r\n");
    rule[0].name = "Referred-By";
    rule[0].value = "X";
    assert_string_equal(out("b: <sip:a@b>\r\n"), "Via: v\r\nAllow: INVITE\r\nX: <sip:a@b>\r\n");
}

static void a_variable_cannot_end_the_line(void **state)
{
    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_ADD, true, "X-C", "<{caller}> {x}", {0}};
    rules(1);
    assert_string_equal(out(""), "Via: v\r\nAllow: INVITE\r\nX-C: <ev  X-Evil: 1 il> {x}\r\n");
}

static void rules_of_the_other_direction_do_nothing(void **state)
{
    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_DROP, false, "X-A", NULL, {0}};
    rules(1);
    assert_string_equal(out("X-A: 1\r\n"), "Via: v\r\nAllow: INVITE\r\nX-A: 1\r\n");
}

static void a_message_that_grows_too_long_is_marked(void **state)
{
    char buf[48];
    struct build b;

    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_RENAME, true, "X-A", "X-A-Much-Longer-Name", {0}};
    rules(1);
    build_init(&b, buf, sizeof buf);
    build_span(&b, SPAN("BYE sip:h SIP/2.0\r\nX-A: 1\r\nX-A: 2\r\n"));
    assert_false(b.overflow);
    header_rules_out(&b, &trunk, &vars);
    assert_true(b.overflow);
}

/* ---- in ---- */

static void received_lines_are_changed_in_a_copy(void **state)
{
    static const char text[] = "INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
                               "Max-Forwards: 70\r\nFrom: <sip:2@h>;tag=a\r\nTo: <sip:1@h>\r\n"
                               "Call-ID: c\r\nCSeq: 1 INVITE\r\nX-A: 1\r\nX-PAI: <sip:3@h>\r\n"
                               "Supported: timer\r\nContent-Length: 0\r\n\r\n";
    const struct msg *n;
    struct arena a;
    struct msg m;
    struct msg_error err;

    (void)state;
    arena_init(&a, 65536, 0);
    assert_int_equal(msg_parse(&m, &a, text, sizeof text - 1, &err), 0);
    rules(0);
    assert_ptr_equal(header_rules_in(&a, &trunk, &m, &vars), &m);
    rule[0] = (struct conf_header){CONF_HEADER_DROP, false, "*", NULL, {0}};
    rule[1] = (struct conf_header){
        CONF_HEADER_SET, false, "P-Asserted-Identity", "<sip:{called}@x>", {0}};
    rule[2] = (struct conf_header){CONF_HEADER_PASS, false, "X-A", NULL, {0}};
    rules(3);
    n = header_rules_in(&a, &trunk, &m, &vars);
    assert_ptr_not_equal(n, &m);
    assert_null(msg_hdr_named(n, SPAN("X-A"), 0));
    assert_true(span_eq(msg_value(n, HDR_P_ASSERTED_IDENTITY), SPAN("<sip:+1202@x>")));
    assert_true(span_eq(msg_value(n, HDR_CALL_ID), SPAN("c")));
    assert_true(msg_has_option(n, HDR_SUPPORTED, SPAN("timer")));
    assert_non_null(msg_hdr_named(&m, SPAN("X-A"), 0));
    rule[0] = (struct conf_header){CONF_HEADER_RENAME, false, "X-PAI", "P-Asserted-Identity", {0}};
    rules(1);
    n = header_rules_in(&a, &trunk, &m, &vars);
    assert_true(span_eq(msg_value(n, HDR_P_ASSERTED_IDENTITY), SPAN("<sip:3@h>")));
    arena_fini(&a);
}

static void pass_asks_both_trunks_and_never_for_ours(void **state)
{
    struct hdr h = {.id = HDR_OTHER, .name = SPAN("X-A")};
    struct hdr ours = {.id = HDR_VIA, .name = SPAN("Via")};
    struct conf_trunk none = {0};

    (void)state;
    rule[0] = (struct conf_header){CONF_HEADER_PASS, true, "*", NULL, {0}};
    rules(1);
    assert_true(header_rules_pass(&none, &trunk, &h));
    assert_false(header_rules_pass(&trunk, &none, &h));
    assert_false(header_rules_pass(&none, &none, &h));
    assert_false(header_rules_pass(&none, &trunk, &ours));
    rule[0].out = false;
    assert_true(header_rules_pass(&trunk, &none, &h));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_replaces_all_and_add_adds),
        cmocka_unit_test(drop_takes_patterns_and_leaves_ours),
        cmocka_unit_test(rename_keeps_the_value),
        cmocka_unit_test(a_variable_cannot_end_the_line),
        cmocka_unit_test(rules_of_the_other_direction_do_nothing),
        cmocka_unit_test(a_message_that_grows_too_long_is_marked),
        cmocka_unit_test(received_lines_are_changed_in_a_copy),
        cmocka_unit_test(pass_asks_both_trunks_and_never_for_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
