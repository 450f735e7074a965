/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/sip/dns.c and lib/sip/dns_cache.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sip/dns_cache.h"

/* ---- a response, written field by field ---- */

static uint8_t wire[65536];
static size_t wire_len;
static struct dns_answer answer;

static void w8(unsigned v)
{
    wire[wire_len++] = (uint8_t)v;
}

static void w16(unsigned v)
{
    w8(v >> 8);
    w8(v & 255);
}

static void w32(uint32_t v)
{
    w16(v >> 16);
    w16(v & 0xffff);
}

static void wname(const char *name)
{
    while (*name) {
        size_t n = strcspn(name, ".");

        w8((unsigned)n);
        memcpy(&wire[wire_len], name, n);
        wire_len += n;
        name += n + (name[n] == '.');
    }
    w8(0);
}

static void whead(unsigned flags, const char *name, enum dns_type type, unsigned answers,
                  unsigned authority)
{
    wire_len = 0;
    w16(1);
    w16(flags);
    w16(1);
    w16(answers);
    w16(authority);
    w16(0);
    wname(name);
    w16(type);
    w16(1);
}

/* Owner, type, TTL; data follows, wend closes it. */
static size_t wrr(const char *owner, unsigned type, uint32_t ttl)
{
    wname(owner);
    w16(type);
    w16(1);
    w32(ttl);
    w16(0);
    return wire_len;
}

static void wend(size_t data)
{
    wire[data - 2] = (uint8_t)((wire_len - data) >> 8);
    wire[data - 1] = (uint8_t)(wire_len - data);
}

static void wa(const char *owner, uint32_t ttl, unsigned last)
{
    size_t at = wrr(owner, DNS_A, ttl);

    w32(0xc0000200u | last);
    wend(at);
}

static void wsrv(const char *owner, uint32_t ttl, unsigned priority, const char *target)
{
    size_t at = wrr(owner, DNS_SRV, ttl);

    w16(priority);
    w16(7);
    w16(5060);
    wname(target);
    wend(at);
}

static void wcname(const char *owner, uint32_t ttl, const char *target)
{
    size_t at = wrr(owner, 5, ttl);

    wname(target);
    wend(at);
}

static int parse(const char *name, enum dns_type type)
{
    uint8_t *copy =
        malloc(wire_len + 1); /* exactly as long: a sanitizer sees any byte read behind it */
    int rc;

    memcpy(copy, wire, wire_len);
    rc = dns_parse(copy, wire_len, name, type, &answer);
    free(copy);
    return rc;
}

static void sixty_four_srv_records_are_read_and_no_more(void **state)
{
    (void)state;
    for (unsigned n = 63; n <= 66; n++) {
        whead(0x8180, "_sip._udp.x.example", DNS_SRV, n, 0);
        for (unsigned i = 0; i < n; i++)
            wsrv("_sip._udp.X.example", 100 + i, i, "h.x.example");
        assert_int_equal(parse("_sip._udp.x.example", DNS_SRV), 0);
        assert_int_equal(answer.status, DNS_OK);
        assert_int_equal(answer.n, n < 64 ? n : 64);
        assert_int_equal(answer.skipped, n < 64 ? 0 : n - 64);
        assert_int_equal(answer.ttl_s, 100);
        assert_string_equal(answer.rr[5].name, "h.x.example");
        assert_int_equal(answer.rr[5].priority, 5);
        assert_int_equal(answer.rr[5].port, 5060);
    }
}

static void aliases_are_followed_in_any_order_with_their_ttl(void **state)
{
    (void)state;
    whead(0x8180, "a.example", DNS_A, 4, 0);
    wa("c.example", 300, 1);
    wcname("b.example", 20, "c.example");
    wcname("a.example", 100, "b.example");
    wa("stranger.example", 1, 9);
    assert_int_equal(parse("a.example", DNS_A), 0);
    assert_int_equal(answer.n, 1);
    assert_int_equal(answer.rr[0].addr.ip[3], 1);
    assert_int_equal(answer.ttl_s, 20);
}

static void a_loop_of_aliases_ends_with_nothing(void **state)
{
    (void)state;
    whead(0x8180, "a.example", DNS_A, 2, 0);
    wcname("a.example", 100, "b.example");
    wcname("b.example", 100, "a.example");
    assert_int_equal(parse("a.example", DNS_A), 0);
    assert_int_equal(answer.status, DNS_NONE);
    assert_int_equal(answer.n, 0);
}

static void negative_answers_have_the_time_of_the_soa(void **state)
{
    (void)state;
    whead(0x8183, "a.example", DNS_A, 0, 1);
    size_t at = wrr("example", 6, 3600);
    wname("ns.example");
    wname("root.example");
    w32(1);
    w32(2);
    w32(3);
    w32(4);
    w32(120);
    wend(at);
    assert_int_equal(parse("a.example", DNS_A), 0);
    assert_int_equal(answer.status, DNS_NONE);
    assert_int_equal(answer.ttl_s, 120);
    whead(0x8180, "a.example", DNS_A, 0, 0);
    assert_int_equal(parse("a.example", DNS_A), 0);
    assert_int_equal(answer.status, DNS_NONE);
    assert_int_equal(answer.ttl_s, 60);
}

static void server_failures_and_other_questions_are_no_answer(void **state)
{
    (void)state;
    static const unsigned rcode[] = {1, 2, 4, 5};
    for (size_t i = 0; i < 4; i++) {
        whead(0x8180 | rcode[i], "a.example", DNS_A, 0, 0);
        assert_int_equal(parse("a.example", DNS_A), 0);
        assert_int_equal(answer.status, DNS_FAILED);
    }
    whead(0x8180, "b.example", DNS_A, 0, 0);
    assert_int_equal(parse("a.example", DNS_A), -EBADMSG);
    whead(0x8180, "a.example", DNS_SRV, 0, 0);
    assert_int_equal(parse("a.example", DNS_A), -EBADMSG);
    whead(0x0100, "a.example", DNS_A, 0, 0); /* a question */
    assert_int_equal(parse("a.example", DNS_A), -EBADMSG);
    whead(0x8380, "a.example", DNS_A, 0, 0); /* truncated */
    assert_int_equal(parse("a.example", DNS_A), -EBADMSG);
    assert_int_equal(answer.status, DNS_FAILED);
}

static void names_with_odd_bytes_are_left_out(void **state)
{
    (void)state;
    static const char *const bad[] = {"h\r\n.example", "h;x.example", "h@x.example", "h x.example",
                                      "h\x80.example"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        whead(0x8180, "s.example", DNS_SRV, 2, 0);
        wsrv("s.example", 60, 1, bad[i]);
        wsrv("s.example", 60, 2, "good.example");
        assert_int_equal(parse("s.example", DNS_SRV), 0);
        assert_int_equal(answer.n, 1);
        assert_int_equal(answer.skipped, 1);
        assert_string_equal(answer.rr[0].name, "good.example");
    }
    assert_false(dns_name_is_sane(""));
    assert_false(dns_name_is_sane("a..b"));
    assert_true(dns_name_is_sane("_sip._udp.a-1.example"));
}

static void naptr_records_are_read(void **state)
{
    (void)state;
    whead(0x8180, "x.example", DNS_NAPTR, 1, 0);
    size_t at = wrr("x.example", DNS_NAPTR, 60);
    w16(10);
    w16(20);
    w8(1);
    w8('s');
    w8(7);
    memcpy(&wire[wire_len], "SIP+D2U", 7);
    wire_len += 7;
    w8(0);
    wname("_sip._udp.x.example");
    wend(at);
    assert_int_equal(parse("x.example", DNS_NAPTR), 0);
    assert_int_equal(answer.n, 1);
    assert_int_equal(answer.rr[0].order, 10);
    assert_int_equal(answer.rr[0].preference, 20);
    assert_string_equal(answer.rr[0].flags, "s");
    assert_string_equal(answer.rr[0].services, "SIP+D2U");
    assert_false(answer.rr[0].has_regexp);
    assert_string_equal(answer.rr[0].name, "_sip._udp.x.example");
}

static void wnaptr(const char *regexp, const char *replacement)
{
    size_t at;

    whead(0x8180, "4.3.2.1.e164.arpa", DNS_NAPTR, 1, 0);
    at = wrr("4.3.2.1.e164.arpa", DNS_NAPTR, 60);
    w16(10);
    w16(100);
    w8(1);
    w8('u');
    w8(12);
    memcpy(&wire[wire_len], "E2U+pstn:tel", 12);
    wire_len += 12;
    w8((unsigned)strlen(regexp));
    memcpy(&wire[wire_len], regexp, strlen(regexp));
    wire_len += strlen(regexp);
    wname(replacement);
    wend(at);
}

static void the_regexp_of_a_naptr_record_stands_for_its_replacement(void **state)
{
    (void)state;
    wnaptr("!^.*$!tel:+1234;npdi;rn=+1235!", "");
    assert_int_equal(parse("4.3.2.1.e164.arpa", DNS_NAPTR), 0);
    assert_int_equal(answer.n, 1);
    assert_true(answer.rr[0].has_regexp);
    assert_string_equal(answer.rr[0].name, "!^.*$!tel:+1234;npdi;rn=+1235!");
    wnaptr("!^.*$!tel:+1234!", "x.example"); /* never both */
    assert_int_equal(parse("4.3.2.1.e164.arpa", DNS_NAPTR), 0);
    assert_int_equal(answer.n, 0);
    assert_int_equal(answer.skipped, 1);
}

static void pointers_that_loop_or_point_ahead_are_refused(void **state)
{
    (void)state;
    whead(0x8180, "a.example", DNS_A, 1, 0);
    size_t at = wire_len;
    w16(0xc000u | (unsigned)at); /* to itself */
    w16(DNS_A);
    w16(1);
    w32(60);
    w16(4);
    w32(0);
    assert_int_equal(parse("a.example", DNS_A), -EBADMSG);
    wire[at + 1]++; /* ahead */
    assert_int_equal(parse("a.example", DNS_A), -EBADMSG);
    wire[at] = 0xc0; /* back to the question: fine */
    wire[at + 1] = 12;
    assert_int_equal(parse("a.example", DNS_A), 0);
    assert_int_equal(answer.n, 1);
}

static void every_cut_and_a_huge_count_end_well(void **state)
{
    (void)state;
    whead(0x8180, "s.example", DNS_SRV, 3, 0);
    wsrv("s.example", 60, 1, "a.example");
    wcname("q.example", 60, "r.example");
    wsrv("s.example", 60, 2, "b.example");
    size_t whole = wire_len;
    for (wire_len = 0; wire_len < whole; wire_len++) {
        assert_int_equal(parse("s.example", DNS_SRV), -EBADMSG);
        assert_int_equal(answer.n, 0);
        assert_int_equal(answer.status, DNS_FAILED);
    }
    whead(0x8180, "s.example", DNS_SRV, 65535, 65535);
    assert_int_equal(parse("s.example", DNS_SRV), -EBADMSG);
}

/* ---- the cache ---- */

struct server {
    struct dns_ops ops;
    struct dns_answer a;
    unsigned asked;
};

static int server_query(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn,
                        void *arg)
{
    struct server *s = (struct server *)d;

    (void)name;
    (void)type;
    s->asked++;
    fn(arg, &s->a);
    return 0;
}

static void server_cancel(struct dns_ops *d, void *arg)
{
    (void)d;
    (void)arg;
}

static struct dns_answer got;
static unsigned n_got;

static void on_got(void *arg, const struct dns_answer *a)
{
    (void)arg;
    got = *a;
    n_got++;
}

struct cache_rig {
    struct server server;
    struct clock clock;
    struct dns_cache *cache;
    struct dns_ops *ops;
};

static void cache_up(struct cache_rig *r)
{
    memset(r, 0, sizeof *r);
    r->server.ops = (struct dns_ops){server_query, server_cancel};
    clock_init_fake(&r->clock, 1000, 1000);
    r->cache = dns_cache_new(&r->server.ops, &r->clock, NULL);
    r->ops = dns_cache_ops(r->cache);
}

static void ask(struct cache_rig *r, const char *name)
{
    n_got = 0;
    assert_int_equal(r->ops->query(r->ops, name, DNS_A, on_got, NULL), 0);
    assert_int_equal(n_got, 1);
}

static void an_answer_holds_as_long_as_it_says_within_bounds(void **state)
{
    (void)state;
    static const struct {
        enum dns_status status;
        uint32_t ttl, held;
    } row[] = {{DNS_OK, 60, 60},
               {DNS_OK, 0, 5},
               {DNS_OK, 86400, 3600},
               {DNS_NONE, 86400, 300},
               {DNS_NONE, 0, 5}};
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct cache_rig r;

        cache_up(&r);
        r.server.a = (struct dns_answer){
            .status = row[i].status, .ttl_s = row[i].ttl, .n = row[i].status == DNS_OK};
        ask(&r, "A.example");
        assert_int_equal(got.ttl_s, row[i].held);
        clock_advance(&r.clock, row[i].held * 1000U - 1);
        ask(&r, "a.EXAMPLE");
        assert_int_equal(r.server.asked, 1);
        assert_int_equal(got.ttl_s, 1);
        clock_advance(&r.clock, 1);
        ask(&r, "a.example");
        assert_int_equal(r.server.asked, 2);
        dns_cache_free(r.cache);
    }
}

static void what_is_out_of_date_is_served_while_the_servers_fail(void **state)
{
    (void)state;
    struct cache_rig r;

    cache_up(&r);
    r.server.a = (struct dns_answer){.status = DNS_OK, .ttl_s = 60, .n = 1};
    r.server.a.rr[0].addr = (struct addr){.ip = {192, 0, 2, 1}, .family = 4};
    ask(&r, "a.example");
    r.server.a.status = DNS_FAILED;
    r.server.a.n = 0;
    clock_advance(&r.clock, 1000000);
    ask(&r, "a.example");
    assert_int_equal(got.status, DNS_OK);
    assert_true(got.stale);
    assert_int_equal(got.n, 1);
    assert_int_equal(got.rr[0].addr.ip[3], 1);
    ask(&r, "b.example");
    assert_int_equal(got.status, DNS_FAILED);
    dns_cache_expire(r.cache);
    ask(&r, "a.example");
    assert_true(got.stale);
    dns_cache_free(r.cache);
}

static void the_oldest_answer_makes_room(void **state)
{
    (void)state;
    struct cache_rig r;
    char name[64];

    cache_up(&r);
    r.server.a = (struct dns_answer){.status = DNS_OK, .ttl_s = 600};
    for (unsigned i = 0; i <= DNS_CACHE_MAX; i++) {
        snprintf(name, sizeof name, "h%u.example", i);
        ask(&r, name);
    }
    r.server.asked = 0;
    ask(&r, "h1.example");
    assert_int_equal(r.server.asked, 0);
    ask(&r, "h0.example");
    assert_int_equal(r.server.asked, 1);
    dns_cache_free(r.cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sixty_four_srv_records_are_read_and_no_more),
        cmocka_unit_test(aliases_are_followed_in_any_order_with_their_ttl),
        cmocka_unit_test(a_loop_of_aliases_ends_with_nothing),
        cmocka_unit_test(negative_answers_have_the_time_of_the_soa),
        cmocka_unit_test(server_failures_and_other_questions_are_no_answer),
        cmocka_unit_test(names_with_odd_bytes_are_left_out),
        cmocka_unit_test(naptr_records_are_read),
        cmocka_unit_test(the_regexp_of_a_naptr_record_stands_for_its_replacement),
        cmocka_unit_test(pointers_that_loop_or_point_ahead_are_refused),
        cmocka_unit_test(every_cut_and_a_huge_count_end_well),
        cmocka_unit_test(an_answer_holds_as_long_as_it_says_within_bounds),
        cmocka_unit_test(what_is_out_of_date_is_served_while_the_servers_fail),
        cmocka_unit_test(the_oldest_answer_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
