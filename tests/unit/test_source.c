/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of lib/route/source.c.
 */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <strings.h>
#include "route/source.h"

static const char text[] =
    "realm r\n  address 192.0.2.1 2001:db8::1\n"
    "listen one\n  realm r\n  udp 192.0.2.1:5060\n  udp [2001:db8::1]:5060\n"
    "listen two\n  realm r\n  udp 192.0.2.1:5062\n"
    "trunk wide\n  listen one\n  media none\n  peer 198.51.100.1 udp\n  accept 10.0.0.0/8\n"
    "trunk narrow\n  listen one\n  media none\n  peer 198.51.100.2 udp\n  accept 10.1.2.0/24\n"
    "trunk port\n  listen one\n  media none\n  peer 198.51.100.3 udp\n  accept 10.1.2.3/32:5070\n"
    "trunk other\n  listen two\n  media none\n  peer 198.51.100.4 udp\n  accept 10.1.2.0/24\n"
    "trunk six\n  listen one\n  media none\n  peer [2001:db8::9]:5060 udp\n  accept 2001:db8:1::/48\n"
    "trunk tech\n  listen one\n  media none\n  peer 198.51.100.5 udp\n  accept 10.9.0.0/16\n"
    "  match tech-prefix 99\n"
    "trunk dom\n  listen one\n  media none\n  peer 198.51.100.6 udp\n  accept 10.9.0.0/16\n"
    "  match from-domain Acme.Example\n  match header X-Trunk blue\n";

struct fixture {
    struct conf *conf;
    struct source_index *ix;
};

static int setup(void **state)
{
    static struct fixture f;
    struct conf_errors errs;
    f.conf = conf_load_text("test", text, sizeof(text) - 1, NULL, &errs);
    if (!f.conf)
        conf_print_errors(stderr, &errs);
    conf_errors_fini(&errs);
    assert_non_null(f.conf);
    f.ix = source_index_new(f.conf);
    assert_non_null(f.ix);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    source_index_free(f->ix);
    conf_free(f->conf);
    return 0;
}

static struct span blue(void *arg, const char *name)
{
    (void)arg;
    return strcasecmp(name, "x-trunk") == 0 ? SPAN("blue") : SPAN_NONE;
}

/* Name of the trunk found, or the error as text. */
static const char *who_at(struct fixture *f, struct source_at at, const char *from,
                          const struct source_facts *facts)
{
    static const struct source_facts none;
    struct addr a;
    uint32_t trunk;
    assert_int_equal(addr_parse(span_of(from), 5060, &a), 0);
    int err = source_identify(f->ix, at, &a, facts ? facts : &none, &trunk);
    assert_int_equal(err != -ENOENT, source_is_known(f->ix, at, &a));
    if (err < 0)
        return err == -EACCES ? "EACCES" : "ENOENT";
    return f->conf->trunk.v[trunk].name;
}

static const char *who(struct fixture *f, uint32_t listen, const char *from,
                       const struct source_facts *facts)
{
    return who_at(f, (struct source_at){.listen = listen}, from, facts);
}

static void the_most_specific_source_wins(void **state)
{
    static const struct {
        uint32_t listen;
        const char *from, *trunk;
    } row[] = {
        {0, "10.1.2.3:5070", "port"},       {0, "10.1.2.3:5071", "narrow"},
        {0, "10.1.2.4:5070", "narrow"},     {0, "10.1.3.1:5060", "wide"},
        {0, "11.0.0.1:5060", "ENOENT"},     {1, "10.1.2.3:5070", "other"},
        {1, "10.1.3.1:5060", "ENOENT"},     {0, "198.51.100.1:5060", "wide"},
        {0, "198.51.100.1:9999", "ENOENT"}, {1, "198.51.100.1:5060", "ENOENT"},
        {0, "[2001:db8:1::5]:5060", "six"}, {0, "[2001:db8:2::5]:5060", "ENOENT"},
        {0, "[2001:db8::9]:5060", "six"},   {7, "10.1.2.3:5070", "ENOENT"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_string_equal(who(*state, row[i].listen, row[i].from, NULL), row[i].trunk);
}

static void match_lines_decide_between_trunks_of_one_source(void **state)
{
    struct source_facts f = {.ruri_user = SPAN("9912025550187")};
    assert_string_equal(who(*state, 0, "10.9.1.1:5060", &f), "tech");
    f = (struct source_facts){.from_host = SPAN("acme.example")};
    assert_string_equal(who(*state, 0, "10.9.1.1:5060", &f), "dom");
    f = (struct source_facts){.ruri_user = SPAN("12"), .header = blue};
    assert_string_equal(who(*state, 0, "10.9.1.1:5060", &f), "dom");
}

static void without_a_match_the_wider_source_is_asked(void **state)
{
    struct source_facts f = {.ruri_user = SPAN("12")};
    assert_string_equal(who(*state, 0, "10.9.1.1:5060", &f), "wide");
    assert_string_equal(who(*state, 0, "198.51.100.5:5060", &f), "EACCES");
}

static void a_stream_comes_from_any_port(void **state)
{
    static const struct {
        uint32_t listen;
        const char *from, *trunk;
    } row[] = {
        {0, "198.51.100.1:49152", "wide"}, {0, "10.1.2.3:49152", "port"},
        {0, "10.1.2.4:49152", "narrow"},   {0, "[2001:db8::9]:49152", "six"},
        {1, "10.1.2.3:49152", "other"},    {1, "198.51.100.1:49152", "ENOENT"},
        {0, "11.0.0.1:49152", "ENOENT"},
    };
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
        assert_string_equal(
            who_at(*state, (struct source_at){row[i].listen, true}, row[i].from, NULL),
            row[i].trunk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_most_specific_source_wins),
        cmocka_unit_test(a_stream_comes_from_any_port),
        cmocka_unit_test(match_lines_decide_between_trunks_of_one_source),
        cmocka_unit_test(without_a_match_the_wider_source_is_asked),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
