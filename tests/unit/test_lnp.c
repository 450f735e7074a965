/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/call/lnp.c against a resolver that answers when it is told to.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include "call/lnp.h"

/* ---- name servers ---- */

static struct {
    struct dns_ops ops;
    char name[DNS_NAME_MAX];
    dns_fn fn; /* of the question that waits; NULL: none */
    void *arg;
    unsigned asked, made, ended;
    bool refuse;
} dns;

static int dns_query(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    (void)d;
    assert_int_equal(type, DNS_NAPTR);
    if (dns.refuse)
        return -ENOMEM;
    dns.asked++;
    snprintf(dns.name, sizeof dns.name, "%s", name);
    dns.fn = fn;
    dns.arg = arg;
    return 0;
}

static void dns_cancel(struct dns_ops *d, void *arg)
{
    (void)d;
    if (dns.arg == arg)
        dns.fn = NULL;
}

static void reply(enum dns_status status, uint32_t ttl_s, const char *regexp)
{
    static struct dns_answer a;
    dns_fn fn = dns.fn;

    a = (struct dns_answer){.status = status, .ttl_s = ttl_s, .n = regexp ? 1 : 0};
    a.rr[0] = (struct dns_rr){.flags = "u", .services = "E2U+pstn:tel", .has_regexp = true};
    if (regexp)
        snprintf(a.rr[0].name, sizeof a.rr[0].name, "%s", regexp);
    assert_non_null(fn);
    dns.fn = NULL;
    fn(dns.arg, &a);
}

static struct dns_ops *make(void *arg, const struct addr *server, unsigned n)
{
    (void)arg;
    (void)server;
    (void)n;
    dns.made++;
    return &dns.ops;
}

static void end(void *arg, struct dns_ops *d)
{
    (void)arg;
    assert_ptr_equal(d, &dns.ops);
    dns.ended++;
}

/* ---- the service ---- */

static struct clock now;
static struct timers *timers;
static struct stats stats;
static struct lnp *lnp;
static struct conf_lnp section;
static struct conf conf;

static int set_up(void **state)
{
    (void)state;
    memset(&dns, 0, sizeof dns);
    memset(&stats, 0, sizeof stats);
    memset(&conf, 0, sizeof conf);
    dns.ops = (struct dns_ops){dns_query, dns_cancel};
    clock_init_fake(&now, 1000000, 1700000000000);
    timers = timers_new_fake(&now);
    lnp = lnp_new(&(struct lnp_param){
        .timers = timers, .clock = &now, .stats = &stats, .resolvers = {make, end, NULL}});
    section = (struct conf_lnp){
        .name = "npdb", .kind = CONF_LNP_ENUM, .suffix = "e164.example", .cache_ms = 3600000};
    conf.lnp.v = &section;
    conf.lnp.n = 1;
    assert_int_equal(lnp_configure(lnp, &conf), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    lnp_free(lnp);
    assert_int_equal(timers_pending(timers), 0);
    timers_free(timers);
    assert_int_equal(dns.made, dns.ended);
    return 0;
}

static struct {
    unsigned n;
    struct port_answer a;
} got;

static void on_answer(void *arg, const struct port_answer *a)
{
    (void)arg;
    got.n++;
    got.a = *a;
}

static void ask(const char *number)
{
    got.n = 0;
    lnp_ask(lnp, "npdb", span_of(number), on_answer, NULL);
}

#define PORTED "!^.*$!tel:+12125551234;npdi;rn=+13105550000!"
#define HOME   "!^.*$!tel:+12125551234;npdi!"

static void expect(enum port_status status, const char *rn)
{
    assert_int_equal(got.n, 1);
    assert_int_equal(got.a.status, status);
    assert_string_equal(got.a.rn, rn);
}

static void an_answer_is_kept_as_long_as_it_says(void **state)
{
    (void)state;
    ask("+12125551234");
    assert_int_equal(got.n, 0);
    assert_string_equal(dns.name, "4.3.2.1.5.5.5.2.1.2.1.e164.example");
    reply(DNS_OK, 60, PORTED);
    expect(PORT_PORTED, "+13105550000");
    timers_run_until(timers, now.mono_ms + 59000);
    ask("+12125551234");
    expect(PORT_PORTED, "+13105550000");
    assert_int_equal(dns.asked, 1);
    timers_run_until(timers, now.mono_ms + 1000);
    ask("+12125551234");
    assert_int_equal(dns.asked, 2);
    reply(DNS_OK, 60, HOME);
    expect(PORT_HOME, "");
}

static void that_there_are_no_records_is_an_answer_and_kept(void **state)
{
    (void)state;
    ask("+12125551234");
    reply(DNS_NONE, 60, NULL);
    expect(PORT_HOME, "");
    ask("+12125551234");
    expect(PORT_HOME, "");
    assert_int_equal(dns.asked, 1);
}

static void no_answer_is_kept_longer_than_the_section_says(void **state)
{
    (void)state;
    ask("+12125551234");
    reply(DNS_OK, 86400, PORTED);
    timers_run_until(timers, now.mono_ms + 3600000);
    ask("+12125551234");
    assert_int_equal(dns.asked, 2);
    reply(DNS_OK, 60, PORTED);
}

static void nothing_is_kept_when_the_section_says_so(void **state)
{
    (void)state;
    section.cache_ms = 0;
    assert_int_equal(lnp_configure(lnp, &conf), 0);
    for (unsigned i = 1; i <= 3; i++) {
        ask("+12125551234");
        assert_int_equal(dns.asked, i);
        reply(DNS_OK, 60, PORTED);
        expect(PORT_PORTED, "+13105550000");
    }
}

static void what_was_known_is_given_while_the_servers_are_silent(void **state)
{
    (void)state;
    ask("+12125551234");
    reply(DNS_OK, 60, PORTED);
    timers_run_until(timers, now.mono_ms + 61000);
    ask("+12125551234");
    assert_int_equal(got.n, 0);
    timers_run_until(timers, now.mono_ms + LNP_STALE_AFTER_MS);
    expect(PORT_PORTED, "+13105550000");
    reply(DNS_FAILED, 0, NULL); /* nobody is told twice */
    assert_int_equal(got.n, 1);
    for (unsigned i = 0; i < 2; i++) {
        ask("+12125551234");
        reply(DNS_FAILED, 0, NULL);
        expect(PORT_PORTED, "+13105550000");
    }
    ask("+12125551234"); /* three in a row: at once */
    expect(PORT_PORTED, "+13105550000");
    reply(DNS_OK, 60, HOME); /* they are back */
    assert_int_equal(got.n, 1);
    ask("+12125551234");
    expect(PORT_HOME, "");
    assert_int_equal(stat_get(&stats, STAT_lnp_stale), 4);
    assert_int_equal(stat_get(&stats, STAT_lnp_failed), 0);
}

static void after_a_day_it_is_not_known_any_more(void **state)
{
    (void)state;
    ask("+12125551234");
    reply(DNS_OK, 60, PORTED);
    timers_run_until(timers, now.mono_ms + (LNP_STALE_MAX_S + 61) * 1000ULL);
    ask("+12125551234");
    timers_run_until(timers, now.mono_ms + 1000);
    assert_int_equal(got.n, 0);
    reply(DNS_FAILED, 0, NULL);
    expect(PORT_FAILED, "");
}

static void records_that_cannot_be_used_are_no_answer(void **state)
{
    (void)state;
    ask("+12125551234");
    reply(DNS_OK, 60, "!^.*$!sip:x@y.example!");
    expect(PORT_FAILED, "");
    ask("+12125551234");
    assert_int_equal(dns.asked, 2);
    reply(DNS_OK, 60, "!^.*$!tel:+12125551234;npdi;rn=+1310555000012345!"); /* no E.164 */
    expect(PORT_FAILED, "");
}

static void who_cannot_be_asked_fails_at_once(void **state)
{
    (void)state;
    ask("12125551234");
    expect(PORT_FAILED, "");
    got.n = 0;
    lnp_ask(lnp, "nobody", SPAN("+12125551234"), on_answer, NULL);
    expect(PORT_FAILED, "");
    dns.refuse = true;
    ask("+12125551234");
    expect(PORT_FAILED, "");
    assert_int_equal(stat_get(&stats, STAT_lnp_failed), 3);
}

static void no_more_than_so_many_wait_at_once(void **state)
{
    (void)state;
    for (unsigned i = 0; i < LNP_ASKED_MAX; i++) {
        char number[24];

        snprintf(number, sizeof number, "+1212%07u", i);
        ask(number);
        assert_int_equal(got.n, 0);
    }
    ask("+13105551234");
    expect(PORT_FAILED, "");
    got.n = 0;
    lnp_free(lnp); /* each hears that it failed */
    assert_int_equal(got.n, LNP_ASKED_MAX);
    lnp = NULL;
}

static void a_reload_keeps_what_is_the_same_section(void **state)
{
    static struct conf_addr server = {.addr = {.family = 4, .ip = {192, 0, 2, 53}}};

    (void)state;
    ask("+12125551234");
    reply(DNS_OK, 600, PORTED);
    ask("+12125550000");
    assert_int_equal(lnp_configure(lnp, &conf), 0);
    assert_int_equal(got.n, 0); /* still under way */
    reply(DNS_OK, 600, "!^.*$!tel:+12125550000;npdi!");
    expect(PORT_HOME, "");
    ask("+12125551234");
    expect(PORT_PORTED, "+13105550000");
    section.server.v = &server;
    section.server.n = 1;
    ask("+12125557777");
    assert_int_equal(lnp_configure(lnp, &conf), 0); /* another source */
    expect(PORT_FAILED, "");
    assert_int_equal(dns.made, 2);
    ask("+12125551234");
    assert_int_equal(got.n, 0);
    reply(DNS_OK, 600, HOME);
    conf.lnp.n = 0;
    assert_int_equal(lnp_configure(lnp, &conf), 0);
    ask("+12125551234");
    expect(PORT_FAILED, "");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_answer_is_kept_as_long_as_it_says),
        T(that_there_are_no_records_is_an_answer_and_kept),
        T(no_answer_is_kept_longer_than_the_section_says),
        T(nothing_is_kept_when_the_section_says_so),
        T(what_was_known_is_given_while_the_servers_are_silent),
        T(after_a_day_it_is_not_known_any_more),
        T(records_that_cannot_be_used_are_no_answer),
        T(who_cannot_be_asked_fails_at_once),
        T(no_more_than_so_many_wait_at_once),
        T(a_reload_keeps_what_is_the_same_section),
    };
#undef T
    return cmocka_run_group_tests(tests, NULL, NULL);
}
