/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/sip/resolve.c.
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
#include <strings.h>

#include "sip/resolve.h"

/* ---- a zone: "NAME TYPE DATA", answered when the test says so ---- */

struct asked {
    char name[DNS_NAME_MAX];
    enum dns_type type;
    dns_fn fn;
    void *arg;
};

static struct dns_ops ops;
static const char *const *zone;
static struct asked asked[256];
static unsigned n_asked, n_total;
static struct resolve_result got;
static unsigned n_got;
static struct dns_answer answer;
static bool at_once;

static void fill(const char *name, enum dns_type type)
{
    memset(&answer, 0, sizeof answer);
    answer.status = DNS_NONE;
    answer.ttl_s = 600;
    for (unsigned i = 0; zone[i]; i++) {
        char owner[256], kind[16], rest[256], flags[8], service[32], target[200];
        struct dns_rr *rr = &answer.rr[answer.n];
        unsigned a, b, c, ttl;

        if (sscanf(zone[i], "%255s %u %15s %255[^\n]", owner, &ttl, kind, rest) != 4 ||
            strcasecmp(owner, name) != 0)
            continue;
        if (strcmp(kind, "FAIL") == 0) {
            answer.status = DNS_FAILED;
            answer.n = 0;
            return;
        }
        if (strcmp(kind, dns_type_name(type)) != 0 || answer.n == DNS_RRS_MAX)
            continue;
        if (type == DNS_SRV && sscanf(rest, "%u %u %u %199s", &a, &b, &c, target) == 4) {
            rr->priority = (uint16_t)a;
            rr->weight = (uint16_t)b;
            rr->port = (uint16_t)c;
            snprintf(rr->name, sizeof rr->name, "%s", strcmp(target, ".") == 0 ? "" : target);
        } else if (type == DNS_NAPTR &&
                   sscanf(rest, "%u %u %7s %31s %199s", &a, &b, flags, service, target) == 5) {
            rr->order = (uint16_t)a;
            rr->preference = (uint16_t)b;
            snprintf(rr->flags, sizeof rr->flags, "%.3s", flags);
            snprintf(rr->services, sizeof rr->services, "%s", service);
            snprintf(rr->name, sizeof rr->name, "%s", target);
        } else {
            assert_int_equal(addr_parse_ip(span_of(rest), &rr->addr), 0);
        }
        answer.status = DNS_OK;
        answer.ttl_s = ttl < answer.ttl_s ? ttl : answer.ttl_s;
        answer.n++;
    }
}

static int query(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn, void *arg)
{
    struct asked *a = &asked[n_asked];

    (void)d;
    n_total++;
    assert_true(n_total < 200);
    if (at_once) {
        fill(name, type);
        fn(arg, &answer);
        return 0;
    }
    n_asked++;
    snprintf(a->name, sizeof a->name, "%s", name);
    a->type = type;
    a->fn = fn;
    a->arg = arg;
    return 0;
}

static void cancel(struct dns_ops *d, void *arg)
{
    (void)d;
    for (unsigned i = 0; i < n_asked; i++)
        if (asked[i].arg == arg)
            asked[i].fn = NULL;
}

static void done(void *arg, const struct resolve_result *r)
{
    (void)arg;
    got = *r;
    n_got++;
}

static struct resolve_param param(const char *name, enum conf_lookup lookup, uint8_t proto)
{
    return (struct resolve_param){.dns = &ops,
                                  .name = name,
                                  .lookup = lookup,
                                  .proto = proto,
                                  .port = 5070,
                                  .usable = {3, 3, 3},
                                  .done = done};
}

static void run(const struct resolve_param *p)
{
    struct resolve *r = NULL;

    ops = (struct dns_ops){query, cancel};
    n_got = n_asked = n_total = 0;
    assert_int_equal(resolve_start(p, &r), 0);
    while (n_asked) { /* the last one first: order must not matter */
        struct asked a = asked[--n_asked];

        fill(a.name, a.type);
        a.fn(a.arg, &answer);
    }
    assert_int_equal(n_got, 1);
    assert_null(r);
}

/* "udp 192.0.2.1:5060 10" a line. */
static const char *show(void)
{
    static char out[8192];
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < got.n; i++) {
        char a[ADDR_STRLEN];

        n += (size_t)snprintf(out + n, sizeof out - n, "%s %s %u/%u\n", proto_name(got.v[i].proto),
                              addr_str(&got.v[i].addr, a), got.v[i].priority >> 16,
                              got.v[i].priority & 0xffff);
    }
    return out;
}

static void resolve_both(const char *const *z, const struct resolve_param *p)
{
    zone = z;
    at_once = true;
    run(p);
    char first[8192];
    snprintf(first, sizeof first, "%s", show());
    at_once = false;
    run(p);
    assert_string_equal(show(), first);
}

static void a_host_with_a_port_is_a_and_aaaa(void **state)
{
    (void)state;
    static const char *const z[] = {"h.example 60 A 192.0.2.1", "h.example 30 AAAA 2001:db8::1",
                                    "_sip._udp.h.example 60 SRV 1 1 1 h.example", NULL};
    struct resolve_param p = param("h.example", CONF_LOOKUP_HOST, PROTO_TCP);

    resolve_both(z, &p);
    assert_string_equal(show(), "TCP [2001:db8::1]:5070 0/0\nTCP 192.0.2.1:5070 0/0\n");
    assert_int_equal(got.ttl_s, 30);
    assert_int_equal(n_total, 2);
    p.usable[PROTO_TCP] = 2;
    p.usable[PROTO_UDP] = p.usable[PROTO_TLS] = 0;
    resolve_both(z, &p);
    assert_string_equal(show(), "TCP [2001:db8::1]:5070 0/0\n");
    assert_int_equal(n_total, 1); /* A is of no use */
}

static void srv_records_give_priority_weight_and_port(void **state)
{
    (void)state;
    static const char *const z[] = {"_sip._udp.x.example 60 SRV 20 0 5062 b.example",
                                    "_sip._udp.x.example 60 SRV 10 70 5060 a.example",
                                    "_sip._udp.x.example 60 SRV 10 30 5061 c.example",
                                    "a.example 10 A 192.0.2.1",
                                    "a.example 10 A 192.0.2.2",
                                    "b.example 60 A 192.0.2.3",
                                    "c.example 60 A 192.0.2.4",
                                    NULL};
    struct resolve_param p = param("x.example", CONF_LOOKUP_SRV, PROTO_UDP);

    resolve_both(z, &p);
    assert_string_equal(show(), "UDP 192.0.2.1:5060 0/10\nUDP 192.0.2.2:5060 0/10\n"
                                "UDP 192.0.2.4:5061 0/10\nUDP 192.0.2.3:5062 0/20\n");
    assert_int_equal(got.v[0].weight, 35 * 256);
    assert_int_equal(got.v[2].weight, 30 * 256);
    assert_int_equal(got.v[3].weight, 1);
    assert_int_equal(got.ttl_s, 10);
    assert_false(got.stale);
}

static void without_srv_the_name_itself_is_asked_for(void **state)
{
    (void)state;
    static const char *const z[] = {"x.example 60 A 192.0.2.1", NULL};
    struct resolve_param p = param("x.example", CONF_LOOKUP_SRV, PROTO_TLS);

    resolve_both(z, &p);
    assert_string_equal(show(), "TLS 192.0.2.1:5061 0/0\n");
    p.lookup = CONF_LOOKUP_SRV_NAME; /* that SRV and no other */
    resolve_both(z, &p);
    assert_int_equal(got.status, RESOLVE_NONE);
    static const char *const dot[] = {"_sips._tcp.x.example 60 SRV 0 0 0 .",
                                      "x.example 60 A 192.0.2.1", NULL};
    p.lookup = CONF_LOOKUP_SRV; /* RFC 2782: decidedly not available at this domain */
    resolve_both(dot, &p);
    assert_int_equal(got.status, RESOLVE_NONE);
    assert_int_equal(got.n, 0);
}

static void a_failure_is_no_negative_answer(void **state)
{
    (void)state;
    static const char *const z[] = {"_sip._udp.x.example 1 FAIL x", "x.example 60 A 192.0.2.1",
                                    NULL};
    static const char *const half[] = {"_sip._udp.x.example 60 SRV 1 1 5060 a.example",
                                       "_sip._udp.x.example 60 SRV 2 1 5060 b.example",
                                       "a.example 60 A 192.0.2.1", "b.example 1 FAIL x", NULL};
    struct resolve_param p = param("x.example", CONF_LOOKUP_SRV, PROTO_UDP);

    resolve_both(z, &p);
    assert_int_equal(got.status, RESOLVE_FAILED);
    resolve_both(half, &p); /* what is known is used, the rest asked for soon */
    assert_int_equal(got.status, RESOLVE_OK);
    assert_true(got.stale);
    assert_int_equal(got.n, 1);
}

static void naptr_chooses_by_order_then_preference_what_we_speak(void **state)
{
    (void)state;
    static const char *const z[] = {"x.example 60 NAPTR 20 1 s SIP+D2U _sip._udp.late.example",
                                    "x.example 60 NAPTR 10 20 s SIP+D2T _sip._tcp.x.example",
                                    "x.example 60 NAPTR 10 10 S sip+d2u _sip._udp.x.example",
                                    "x.example 60 NAPTR 5 1 s SIPS+D2T _sips._tcp.x.example",
                                    "x.example 60 NAPTR 1 1 s SIP+D2S _sip._sctp.x.example",
                                    "x.example 60 NAPTR 1 1 u E2U+sip _sip._udp.x.example",
                                    "_sip._udp.x.example 60 SRV 7 1 5060 u.example",
                                    "_sip._tcp.x.example 60 SRV 1 1 5060 t.example",
                                    "_sips._tcp.x.example 60 SRV 1 1 5061 s.example",
                                    "u.example 60 A 192.0.2.1",
                                    "t.example 60 A 192.0.2.2",
                                    "s.example 60 A 192.0.2.3",
                                    NULL};
    struct resolve_param p = param("x.example", CONF_LOOKUP_NAPTR, PROTO_UDP);

    resolve_both(z, &p);
    assert_string_equal(show(), "TLS 192.0.2.3:5061 0/1\n");
    p.usable[PROTO_TLS] = 0; /* no listen has tls */
    resolve_both(z, &p);
    assert_string_equal(show(), "UDP 192.0.2.1:5060 0/7\nTCP 192.0.2.2:5060 1/1\n");
    assert_true(got.left_out > 0);
}

static void without_naptr_every_transport_is_asked_for(void **state)
{
    (void)state;
    static const char *const z[] = {"_sip._tcp.x.example 60 SRV 1 1 5060 t.example",
                                    "t.example 60 A 192.0.2.2", NULL};
    static const char *const bare[] = {"x.example 60 A 192.0.2.9", NULL};
    struct resolve_param p = param("x.example", CONF_LOOKUP_NAPTR, PROTO_UDP);

    resolve_both(z, &p);
    assert_string_equal(show(), "TCP 192.0.2.2:5060 1/1\n");
    resolve_both(bare, &p);
    assert_string_equal(show(), "UDP 192.0.2.9:5060 0/0\n");
    p.usable[PROTO_UDP] = 0;
    resolve_both(bare, &p);
    assert_string_equal(show(), "TCP 192.0.2.9:5060 0/0\n");
}

static void sixty_four_targets_of_more_and_not_a_question_too_many(void **state)
{
    (void)state;
    static char text[200][80];
    static const char *z[201];
    struct resolve_param p = param("x.example", CONF_LOOKUP_SRV, PROTO_UDP);
    unsigned n = 0;

    for (unsigned i = 0; i < 64; i++) {
        snprintf(text[n], 80, "_sip._udp.x.example 60 SRV %u 1 5060 h%u.example", i, i);
        z[n] = text[n];
        n++;
        snprintf(text[n], 80, "h%u.example 60 A 192.0.2.%u", i, i + 1);
        z[n] = text[n];
        n++;
    }
    z[n] = NULL;
    resolve_both(z, &p);
    assert_int_equal(got.n, 64);
    assert_int_equal(got.left_out, 0);
    assert_int_equal(n_total, 1 + 128);
    assert_int_equal(got.v[63].addr.ip[3], 64);
    for (unsigned i = 0; i < 10; i++, n++) {
        snprintf(text[n], 80, "h0.example 60 A 192.0.2.%u", 100 + i);
        z[n] = text[n];
    }
    z[n] = NULL;
    resolve_both(z, &p);
    assert_int_equal(got.n, 64);
    assert_int_equal(got.left_out, 10);
}

static void odd_targets_are_left_out(void **state)
{
    (void)state;
    static const char *const z[] = {
        "_sip._udp.x.example 60 SRV 1 1 0 h.example", "_sip._udp.x.example 60 SRV 1 1 5060 a..b",
        "_sip._udp.x.example 60 SRV 1 1 5060 bad;name", "h.example 60 A 192.0.2.1", NULL};
    struct resolve_param p = param("x.example", CONF_LOOKUP_SRV, PROTO_UDP);
    struct resolve *r = NULL;

    resolve_both(z, &p);
    assert_int_equal(got.status, RESOLVE_NONE);
    assert_int_equal(got.left_out, 3);
    p.name = "bad name";
    assert_int_equal(resolve_start(&p, &r), -EINVAL);
    p.name = "";
    assert_int_equal(resolve_start(&p, &r), -EINVAL);
    p.name = "x.example";
    p.lookup = CONF_LOOKUP_REGISTERED;
    assert_int_equal(resolve_start(&p, &r), -EINVAL);
    assert_null(r);
}

static void a_cancelled_lookup_says_nothing(void **state)
{
    (void)state;
    static const char *const z[] = {"h.example 60 A 192.0.2.1", NULL};
    struct resolve_param p = param("h.example", CONF_LOOKUP_HOST, PROTO_UDP);
    struct resolve *r = NULL;

    zone = z;
    at_once = false;
    n_got = n_asked = n_total = 0;
    assert_int_equal(resolve_start(&p, &r), 0);
    assert_non_null(r);
    resolve_cancel(r);
    assert_null(r);
    for (unsigned i = 0; i < n_asked; i++)
        assert_null(asked[i].fn);
    assert_int_equal(n_got, 0);
    resolve_cancel(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_with_a_port_is_a_and_aaaa),
        cmocka_unit_test(srv_records_give_priority_weight_and_port),
        cmocka_unit_test(without_srv_the_name_itself_is_asked_for),
        cmocka_unit_test(a_failure_is_no_negative_answer),
        cmocka_unit_test(naptr_chooses_by_order_then_preference_what_we_speak),
        cmocka_unit_test(without_naptr_every_transport_is_asked_for),
        cmocka_unit_test(sixty_four_targets_of_more_and_not_a_question_too_many),
        cmocka_unit_test(odd_targets_are_left_out),
        cmocka_unit_test(a_cancelled_lookup_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
