/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The arithmetic of session timers (RFC 4028), row by row.
 * Run by make check; knows nothing but sip/session_timer.
 */
#include "sip/session_timer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* RFC 4028 §9, table 2, with our policies: what a request says and what the 2xx will. */
static void answers_follow_the_table(void **state)
{
    static const struct row {
        struct session_policy p;
        struct session_words w;
        unsigned status;
        uint32_t interval;
        bool us;
    } rows[] = {
        {{1800, 90, SESSION_ANY}, {0}, 0, 0, false},
        {{1800, 90, SESSION_US}, {0}, 0, 1800, true},
        {{1800, 90, SESSION_THEM}, {0}, 0, 0, false},
        {{1800, 90, SESSION_ANY}, {.supported = true}, 0, 1800, false},
        {{1800, 90, SESSION_US}, {.supported = true}, 0, 1800, true},
        {{1800, 90, SESSION_ANY}, {600, 0, false, false, false}, 0, 600, true},
        {{1800, 90, SESSION_THEM}, {600, 0, true, false, false}, 0, 600, true},
        {{1800, 90, SESSION_ANY}, {600, 0, true, false, true}, 0, 600, false},
        {{1800, 90, SESSION_THEM}, {600, 0, false, true, true}, 0, 600, true},
        {{1800, 90, SESSION_US}, {600, 0, false, false, true}, 0, 600, true},
        {{1800, 90, SESSION_ANY}, {3600, 0, false, false, true}, 0, 1800, false},
        {{1800, 90, SESSION_ANY}, {3600, 2400, false, false, true}, 0, 2400, false},
        {{1800, 90, SESSION_ANY}, {89, 0, false, false, true}, 422, 0, false},
        {{1800, 90, SESSION_ANY}, {90, 0, false, false, true}, 0, 90, false},
        {{1800, 90, SESSION_ANY}, {30, 0, false, false, false}, 0, 90, true},
        {{1800, 600, SESSION_ANY}, {599, 0, false, false, true}, 422, 0, false},
        {{0, 90, SESSION_ANY}, {30, 0, false, false, true}, 0, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session_timer t = {0};

        assert_int_equal(session_asked(&rows[i].p, &rows[i].w, &t), rows[i].status);
        assert_int_equal(t.interval_s, rows[i].interval);
        assert_int_equal(t.us, rows[i].us);
    }
}

static void a_2xx_decides_who_refreshes(void **state)
{
    static const struct row {
        enum session_who who;
        struct session_words w;
        uint32_t asked, interval;
        bool us;
    } rows[] = {
        {SESSION_ANY, {600, 0, true, false, true}, 1800, 600, true},
        {SESSION_ANY, {600, 0, false, true, true}, 1800, 600, false},
        {SESSION_ANY, {600, 0, false, false, true}, 1800, 600, true},
        {SESSION_ANY, {0}, 1800, 0, false},
        {SESSION_US, {0}, 1800, 1800, true},
        {SESSION_ANY, {600, 0, true, false, true}, 0, 0, false},
        {SESSION_ANY, {10, 0, false, true, true}, 1800, 90, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session_policy p = {1800, 90, rows[i].who};
        struct session_timer t = {0};

        session_answered(&p, &rows[i].w, rows[i].asked, &t);
        assert_int_equal(t.interval_s, rows[i].interval);
        if (t.interval_s)
            assert_int_equal(t.us, rows[i].us);
    }
}

static void a_422_raises_what_is_asked(void **state)
{
    struct session_policy p = {1800, 90, SESSION_ANY};
    struct session_timer t = {0};
    struct session_words w = {.min_s = 3600};

    (void)state;
    assert_int_equal(session_ask(&p, &t), 1800);
    assert_true(session_too_small(&w, 1800, &t));
    assert_int_equal(session_ask(&p, &t), 3600);
    assert_false(session_too_small(&w, 3600, &t));
    w.min_s = 0;
    assert_false(session_too_small(&w, 3600, &t));
    assert_false(session_too_small(&w, 0, &t));
    p.expires_s = 0;
    assert_int_equal(session_ask(&p, &t), 0);
}

static void moments_are_those_of_section_10(void **state)
{
    struct session_timer t = {.interval_s = 1800};

    (void)state;
    assert_int_equal(session_refresh_s(&t), 900);
    assert_int_equal(session_expire_s(&t), 1768);
    t.interval_s = 90;
    assert_int_equal(session_refresh_s(&t), 45);
    assert_int_equal(session_expire_s(&t), 60);
    t.interval_s = 96;
    assert_int_equal(session_expire_s(&t), 64);
    t.interval_s = 99;
    assert_int_equal(session_expire_s(&t), 67);
}

static void read(const char *value, struct session_words *w)
{
    char text[1024];
    struct arena a;
    struct msg m;
    struct msg_error err;
    int n = snprintf(text, sizeof text,
                     "OPTIONS sip:a@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\n"
                     "From: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\nCall-ID: i\r\nCSeq: 1 OPTIONS\r\n"
                     "Max-Forwards: 70\r\n%sContent-Length: 0\r\n\r\n",
                     value);

    arena_init(&a, 4096, 65536);
    assert_int_equal(msg_parse(&m, &a, text, (size_t)n, &err), 0);
    session_words(&m, w);
    arena_fini(&a);
}

static void headers_are_read_as_written(void **state)
{
    struct session_words w;

    (void)state;
    read("Session-Expires: 1800;refresher=uac\r\nMin-SE: 120\r\nSupported: 100rel, timer\r\n", &w);
    assert_int_equal(w.expires_s, 1800);
    assert_true(w.is_uac && !w.is_uas && w.supported);
    assert_int_equal(w.min_s, 120);
    read("x: 600 ; a=b;Refresher = UAS\r\nRequire: timer\r\n", &w);
    assert_int_equal(w.expires_s, 600);
    assert_true(w.supported);
    read("Session-Expires: 99999999999\r\n", &w);
    assert_int_equal(w.expires_s, SESSION_MAX_S);
    read("Session-Expires: soon\r\n", &w);
    assert_int_equal(w.expires_s, 0);
    read("Session-Expires: -5\r\n", &w);
    assert_int_equal(w.expires_s, 0);
    read("", &w);
    assert_false(w.expires_s || w.min_s || w.supported);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_follow_the_table),
        cmocka_unit_test(a_2xx_decides_who_refreshes),
        cmocka_unit_test(a_422_raises_what_is_asked),
        cmocka_unit_test(moments_are_those_of_section_10),
        cmocka_unit_test(headers_are_read_as_written),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("sip/session_timer", tests, NULL, NULL);
}
