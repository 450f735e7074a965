/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records as text: every field in JSON and CSV, quoting, durations.
 * Run by make check; it sees lib/cdr, lib/config and lib/core only.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>
#include <string.h>
#include "cdr/record.h"

static const struct record_origin origin = {.node = "nyc1", .worker = 3};

static struct cdr_event full_event(void)
{
    struct cdr_event ev = {
        .type = CDR_CALL,
        .seq = 4,
        .call = 0x1234abcd,
        .generation = 412,
        .uuid = SPAN("6e0c3a5e-0000-4000-8000-000000000001"),
        .callid_in = SPAN("in@192.0.2.1"),
        .callid_out = SPAN("out-token"),
        .trunk_in = SPAN("acme"),
        .trunk_out = SPAN("globex"),
        .customer_in = SPAN("acme-acct"),
        .customer_out = SPAN("globex-acct"),
        .caller_received = SPAN("12125550123"),
        .caller_normalised = SPAN("+12125550123"),
        .caller_sent = SPAN("0012125550123"),
        .called_received = SPAN("0033155501234"),
        .called_normalised = SPAN("+33155501234"),
        .called_sent = SPAN("99133155501234"),
        .route = SPAN("routes.conf:14"),
        .prefix_out = SPAN("+331555"),
        .cost_out = SPAN("0.0066124"),
        .currency = SPAN("USD"),
        .class_name = SPAN("ordinary"),
        .transport_in = SPAN("TLS"),
        .transport_out = SPAN("UDP"),
        .lrn = SPAN("+13105550000"),
        .dip = SPAN("ported"),
        .dip_ms = 7,
        .session_id =
            SPAN("ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2"),
        .reason = SPAN("Normal call clearing"),
        .where = SPAN("peer"),
        .start = {1700000000123, 5000},
        .progress = {1700000001623, 6500},
        .answer = {1700000004123, 9000},
        .end = {1699999999000, 19250}, /* the wall clock was set back: durations do not follow it */
        .code = 200,
        .q850 = 16,
        .release = CDR_RELEASE_IN,
        .attempt = 2,
        .attempts = 2,
        .media_in = {.packets = 501,
                     .bytes = 86172,
                     .lost = 3,
                     .reordered = 2,
                     .strangers = 7,
                     .jitter_us = 1250,
                     .gaps = 2,
                     .kernel_packets = 480,
                     .rtt_us = 80000,
                     .mos_100 = 441,
                     .mos_min_100 = 305},
        .media_out = {.packets = UINT64_MAX,
                      .bytes = 2,
                      .lost = 3,
                      .reordered = 4,
                      .strangers = 5,
                      .jitter_us = 6},
    };

    addr_parse(SPAN("192.0.2.1:5060"), 0, &ev.peer_in);
    addr_parse(SPAN("[2001:db8::1]:5080"), 0, &ev.peer_out);
    return ev;
}

static json_t *parse(const struct cdr_event *ev)
{
    struct record_buf b = {0};
    json_error_t error;
    json_t *root;

    assert_int_equal(record_json(&b, &origin, ev), 0);
    assert_int_equal(b.p[b.len - 1], '\n');
    assert_ptr_equal(memchr(b.p, '\n', b.len), b.p + b.len - 1);
    root = json_loadb(b.p, b.len, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(root);
    record_buf_fini(&b);
    return root;
}

static void check_text(json_t *root, const char *key, const char *want)
{
    assert_string_equal(json_string_value(json_object_get(root, key)), want);
}

static void check_number(json_t *root, const char *key, json_int_t want)
{
    assert_true(json_is_integer(json_object_get(root, key)));
    assert_int_equal(json_integer_value(json_object_get(root, key)), want);
}

static void json_shows_every_value_of_the_event(void **state)
{
    struct cdr_event ev = full_event();
    json_t *root;

    (void)state;
    ev.media_out.packets = 499;
    root = parse(&ev);
    check_text(root, "type", "call");
    check_number(root, "seq", 4);
    check_text(root, "call", "000000001234abcd");
    check_text(root, "uuid", "6e0c3a5e-0000-4000-8000-000000000001");
    check_text(root, "node", "nyc1");
    check_number(root, "worker", 3);
    check_number(root, "generation", 412);
    check_text(root, "class", "ordinary");
    check_text(root, "priority", "");
    check_text(root, "callid_in", "in@192.0.2.1");
    check_text(root, "callid_out", "out-token");
    check_text(root, "trunk_in", "acme");
    check_text(root, "trunk_out", "globex");
    check_text(root, "peer_in", "192.0.2.1:5060");
    check_text(root, "peer_out", "[2001:db8::1]:5080");
    check_text(root, "customer_in", "acme-acct");
    check_text(root, "customer_out", "globex-acct");
    check_text(root, "caller_received", "12125550123");
    check_text(root, "caller_normalised", "+12125550123");
    check_text(root, "caller_sent", "0012125550123");
    check_text(root, "called_received", "0033155501234");
    check_text(root, "called_normalised", "+33155501234");
    check_text(root, "called_sent", "99133155501234");
    check_text(root, "start", "2023-11-14T22:13:20.123Z");
    check_number(root, "start_ms", 1700000000123);
    check_text(root, "progress", "2023-11-14T22:13:21.623Z");
    check_text(root, "answer", "2023-11-14T22:13:24.123Z");
    check_number(root, "end_ms", 1699999999000);
    check_number(root, "setup_ms", 4000);
    check_number(root, "pdd_ms", 1500);
    check_number(root, "ring_ms", 2500);
    check_number(root, "billable_ms", 10250);
    check_number(root, "code", 200);
    check_number(root, "q850", 16);
    check_text(root, "reason", "Normal call clearing");
    check_text(root, "where", "peer");
    check_text(root, "release", "in");
    check_number(root, "attempt", 2);
    check_number(root, "attempts", 2);
    check_number(root, "in_packets", 501);
    check_number(root, "in_bytes", 86172);
    check_number(root, "in_lost", 3);
    check_number(root, "in_reordered", 2);
    check_number(root, "in_strangers", 7);
    check_number(root, "in_jitter_us", 1250);
    check_number(root, "in_gaps", 2);
    check_number(root, "in_kernel_packets", 480);
    check_number(root, "in_rtt_us", 80000);
    check_text(root, "in_mos", "4.41");
    check_text(root, "in_mos_min", "3.05");
    check_text(root, "out_mos", "");
    check_number(root, "out_packets", 499);
    check_number(root, "out_jitter_us", 6);
    check_text(root, "rate_in", "");
    check_text(root, "route", "routes.conf:14");
    check_text(root, "prefix_out", "+331555");
    check_text(root, "cost_out", "0.0066124");
    check_text(root, "currency", "USD");
    check_text(root, "deck_out", "");
    check_text(root, "transport_in", "TLS");
    check_text(root, "transport_out", "UDP");
    check_text(root, "lrn", "+13105550000");
    check_text(root, "dip", "ported");
    check_text(root, "session_id",
               "ab30317f1a784dc48ff824d0d3715d86;remote=47755a9de7794ba387653f2099600ef2");
    assert_true(json_is_false(json_object_get(root, "estimated")));
    json_decref(root);
}

static void what_did_not_happen_is_null(void **state)
{
    struct cdr_event ev = full_event();
    json_t *root;

    (void)state;
    ev.progress = (struct cdr_time){0};
    ev.answer = (struct cdr_time){0};
    ev.peer_out = (struct addr){0};
    ev.media_out.packets = 0;
    ev.estimated = true;
    ev.type = CDR_ATTEMPT;
    ev.release = CDR_RELEASE_NONE;
    root = parse(&ev);
    check_text(root, "type", "attempt");
    assert_true(json_is_null(json_object_get(root, "answer")));
    assert_true(json_is_null(json_object_get(root, "answer_ms")));
    assert_true(json_is_null(json_object_get(root, "pdd_ms")));
    assert_true(json_is_null(json_object_get(root, "ring_ms")));
    check_number(root, "setup_ms", 14250);
    check_number(root, "billable_ms", 0);
    check_text(root, "peer_out", "");
    check_text(root, "release", "");
    assert_true(json_is_true(json_object_get(root, "estimated")));
    json_decref(root);
}

static void pdd_of_a_call_answered_at_once_is_to_the_answer(void **state)
{
    struct cdr_event ev = full_event();
    json_t *root;

    (void)state;
    ev.progress = (struct cdr_time){0};
    ev.media_out.packets = 0;
    root = parse(&ev);
    check_number(root, "pdd_ms", 4000);
    json_decref(root);
}

static void json_text_survives_any_bytes(void **state)
{
    static const struct {
        struct span in;
        const char *out;
    } row[] = {
        {SPAN("say \"hi\" \\ there"), "say \"hi\" \\ there"},
        {SPAN("a\nb\r\t\x01\x7f"), "a\nb\r\t\x01\x7f"},
        {SPAN("z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"),
         "z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80"},
        {SPAN("z\xfcrich"), "z\xc3\xbcrich"},   /* not UTF-8: the code point of the same number */
        {SPAN("\xc0\xaf"), "\xc3\x80\xc2\xaf"}, /* overlong */
        {SPAN("\xed\xa0\x80"), "\xc3\xad\xc2\xa0\xc2\x80"}, /* surrogate */
        {SPAN("\xf4\x90\x80\x80"), "\xc3\xb4\xc2\x90\xc2\x80\xc2\x80"},
        {SPAN("\xe2\x82"), "\xc3\xa2\xc2\x82"}, /* cut short */
        {SPAN("\xf0\x9f"), "\xc3\xb0\xc2\x9f"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct cdr_event ev = {.type = CDR_CALL, .reason = row[i].in};
        json_t *root = parse(&ev);
        check_text(root, "reason", row[i].out);
        json_decref(root);
    }
}

/* Split one CSV line as RFC 4180 says. @return fields */
static size_t split(const char *line, char field[128][1200])
{
    size_t n = 0;

    for (const char *p = line;; p++) {
        char *out = field[n++];
        if (*p == '"') {
            for (p++; *p && (*p != '"' || p[1] == '"'); p++) {
                if (*p == '"')
                    p++;
                *out++ = *p;
            }
            p++;
        } else {
            while (*p && *p != ',' && *p != '\n')
                *out++ = *p++;
        }
        *out = '\0';
        if (*p != ',')
            return n;
    }
}

static void csv_line_has_the_columns_of_its_header(void **state)
{
    static char names[128][1200];
    static char values[128][1200];
    struct cdr_event ev = full_event();
    struct record_buf head = {0};
    struct record_buf line = {0};
    size_t n;
    unsigned seen = 0;

    (void)state;
    ev.progress = (struct cdr_time){0};
    ev.reason = SPAN("a, \"quoted\" text\nin two lines");
    assert_int_equal(record_csv_header(&head), 0);
    assert_int_equal(record_csv(&line, &origin, &ev), 0);
    head.p[head.len - 1] = '\0';
    assert_int_equal(line.p[line.len - 1], '\n');
    line.p[line.len - 1] = '\0';
    assert_null(strchr(line.p, '\n'));
    n = split(head.p, names);
    assert_int_equal(split(line.p, values), n);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], "reason") == 0)
            seen += strcmp(values[i], "a, \"quoted\" text\\x0ain two lines") == 0;
        if (strcmp(names[i], "trunk_out") == 0)
            seen += strcmp(values[i], "globex") == 0;
        if (strcmp(names[i], "progress") == 0 || strcmp(names[i], "rate_in") == 0)
            seen += values[i][0] == '\0';
        if (strcmp(names[i], "billable_ms") == 0)
            seen += strcmp(values[i], "10250") == 0;
        if (strcmp(names[i], "out_packets") == 0)
            seen += strcmp(values[i], "18446744073709551615") == 0;
    }
    assert_int_equal(seen, 6);
    record_buf_fini(&head);
    record_buf_fini(&line);
}

static void every_text_of_an_event_is_reachable_once(void **state)
{
    struct cdr_event ev = full_event();
    struct span *seen[64], *s;
    size_t n = 0, at = 0;

    (void)state;
    while ((s = record_span(&ev, &at))) {
        for (size_t k = 0; k < n; k++)
            assert_ptr_not_equal(s, seen[k]);
        assert_true(n < 64);
        seen[n++] = s;
    }
    assert_int_equal(n, 43);
    assert_null(record_span(&ev, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_shows_every_value_of_the_event),
        cmocka_unit_test(what_did_not_happen_is_null),
        cmocka_unit_test(pdd_of_a_call_answered_at_once_is_to_the_answer),
        cmocka_unit_test(json_text_survives_any_bytes),
        cmocka_unit_test(csv_line_has_the_columns_of_its_header),
        cmocka_unit_test(every_text_of_an_event_is_reachable_once),
    };

    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
