/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a right configuration becomes: values, defaults, inheritance, references.
 * Wrong ones are in test_config_errors.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_load.h"

/* Load text that must be free of errors and warnings. */
static struct conf *good(const char *text)
{
    char *messages;
    struct conf *conf = config_load(text, &messages);

    assert_string_equal(messages, "");
    assert_non_null(conf);
    free(messages);
    return conf;
}

static void global_has_its_defaults_when_nothing_is_written(void **state)
{
    struct conf *c = good("");

    (void)state;
    assert_string_equal(c->global.node, "tandem");
    assert_int_equal(c->global.limit.calls, 10000);
    assert_int_equal(c->global.limit.cps, 0);
    assert_int_equal(c->global.workers, 0);
    assert_string_equal(c->global.run_dir, "/run/tandem");
    assert_string_equal(c->global.state_dir, "/var/lib/tandem");
    assert_string_equal(c->global.media_socket, "/run/tandem-media/media.sock");
    assert_int_equal(c->global.emergency.n, 2);
    assert_string_equal(c->global.emergency.v[0], "911");
    assert_string_equal(c->global.emergency.v[1], "112");
    assert_int_equal(c->generation, 0);
    conf_free(c);
}

static void global_takes_what_is_written(void **state)
{
    struct conf *c = good("global\n node ams2\n limit 4000calls 500cps burst 50\n workers 3\n"
                          " run-dir /tmp/r\n state-dir /tmp/s\n media-socket /tmp/m\n"
                          " emergency 999\n emergency 110 +112\n");

    (void)state;
    assert_string_equal(c->global.node, "ams2");
    assert_int_equal(c->global.limit.calls, 4000);
    assert_int_equal(c->global.limit.cps, 500);
    assert_int_equal(c->global.limit.burst, 50);
    assert_int_equal(c->global.workers, 3);
    assert_string_equal(c->global.run_dir, "/tmp/r");
    assert_string_equal(c->global.state_dir, "/tmp/s");
    assert_string_equal(c->global.media_socket, "/tmp/m");
    assert_int_equal(c->global.emergency.n, 3);
    assert_string_equal(c->global.emergency.v[2], "+112");
    conf_free(c);
}

static void sections_are_linked_by_id(void **state)
{
    struct conf *c = good(CONFIG_BASE);

    (void)state;
    assert_int_equal(c->listen.v[0].realm.id, 0);
    assert_int_equal(c->listen.v[0].unknown, CONF_UNKNOWN_DROP);
    assert_int_equal(c->listen.v[0].dscp, 26);
    assert_int_equal(c->media.v[0].realm.id, 0);
    assert_int_equal(c->trunk.n, 2);
    assert_int_equal(c->trunk.v[0].listen.v[0].id, 0);
    assert_int_equal(c->trunk.v[0].routes.id, 0);
    assert_int_equal(c->trunk.v[1].routes.id, CONF_NONE);
    assert_int_equal(c->route.v[0].line.v[0].via.v[0].ref.id, 1);
    assert_false(c->route.v[0].line.v[0].via.v[0].is_group);
    assert_ptr_equal(conf_find_trunk(c, "out"), &c->trunk.v[1]);
    assert_null(conf_find_trunk(c, "nobody"));
    conf_free(c);
}

static void every_object_knows_where_it_was_written(void **state)
{
    struct conf *c = good(CONFIG_BASE);
    const struct conf_trunk *t = conf_find_trunk(c, "in");

    (void)state;
    assert_int_equal(t->loc.line, 9);
    assert_int_equal(t->loc.col, 7);
    assert_string_equal(conf_loc_file(c, &t->loc), "t");
    assert_string_equal(conf_loc_file(c, &t->advance.loc), "-");
    assert_int_equal(t->accept.v[0].loc.line, 11);
    assert_int_equal(t->accept.v[0].loc.col, 9);
    conf_free(c);
}

static void trunk_has_its_defaults(void **state)
{
    struct conf *c = good(CONFIG_BASE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_null(t->about);
    assert_int_equal(t->from.id, CONF_NONE);
    assert_false(t->media_none);
    assert_int_equal(t->media.id, 0);
    assert_int_equal(t->peer.v[0].addr.port, 5060);
    assert_int_equal(t->peer.v[0].priority, 1);
    assert_int_equal(t->peer.v[0].weight, 100);
    assert_int_equal(t->limit_in.calls, 0);
    assert_int_equal(t->limit_out.cps, 0);
    assert_int_equal(t->options.every_ms, 30000);
    assert_int_equal(t->options.down_after, 3);
    assert_int_equal(t->options.up_after, 2);
    assert_int_equal(t->trying_timeout_ms, 3000);
    assert_int_equal(t->progress_timeout_ms, 20000);
    assert_int_equal(t->ring_timeout_ms, 60000);
    assert_int_equal(t->setup_timeout_ms, 180000);
    assert_int_equal(t->max_duration_ms, 4 * 3600000);
    assert_int_equal(t->media_inactivity_ms, 60000);
    assert_int_equal(t->latch, CONF_LATCH_LEARN_ONCE);
    assert_int_equal(t->dscp_media, 46);
    conf_free(c);
}

static void peer_is_an_accepted_source_with_its_port(void **state)
{
    struct conf *c = good(CONFIG_BASE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->accept.n, 1);
    assert_true(t->accept.v[0].from_peer);
    assert_true(addr_eq(&t->accept.v[0].net.net, &t->peer.v[0].addr));
    assert_int_equal(t->accept.v[0].net.bits, 32);
    conf_free(c);
}

static void peer_inside_an_accepted_network_adds_nothing(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_IN
                          "trunk out\n listen sip\n accept 203.0.113.0/24\n"
                          " peer 203.0.113.1 udp\n peer [2001:db8:1::1]:5070 udp\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->accept.n, 2);
    assert_int_equal(t->accept.v[0].net.bits, 24);
    assert_int_equal(t->accept.v[1].net.bits, 128);
    assert_int_equal(t->accept.v[1].net.net.port, 5070);
    conf_free(c);
}

static void peers_are_sorted_by_priority_and_stay_in_order_within(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_IN
                          "trunk out\n listen sip\n peer 203.0.113.1 udp priority 2\n"
                          " peer 203.0.113.2 udp weight 7\n peer 203.0.113.3 udp priority 2\n"
                          " peer 203.0.113.4 udp priority 1 weight 9\n" CONFIG_ROUTE);
    static const uint8_t last[] = {2, 4, 1, 3};
    const struct conf_trunk *t = conf_find_trunk(c, "out");
    uint32_t i;

    (void)state;
    for (i = 0; i < 4; i++)
        assert_int_equal(t->peer.v[i].addr.ip[3], last[i]);
    assert_int_equal(t->peer.v[0].weight, 7);
    conf_free(c);
}

#define PROFILE                                                                          \
    "profile p\n listen sip\n options off\n trying-timeout 5s\n limit out 10calls\n"     \
    " match tgrp a\n match tgrp b\n peer 203.0.113.9 udp\n advance 503\n latch follow\n" \
    " media-inactivity off\n dscp media 10\n"

static void trunk_takes_over_its_profile(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_IN PROFILE "trunk out\n from p\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->from.id, 0);
    assert_int_equal(t->listen.n, 1);
    assert_int_equal(t->options.every_ms, 0);
    assert_int_equal(t->trying_timeout_ms, 5000);
    assert_int_equal(t->limit_out.calls, 10);
    assert_int_equal(t->match.n, 2);
    assert_int_equal(t->peer.n, 1);
    assert_int_equal(t->accept.n, 1);
    assert_int_equal(t->latch, CONF_LATCH_FOLLOW);
    assert_int_equal(t->media_inactivity_ms, 0);
    assert_int_equal(t->dscp_media, 10);
    assert_true(conf_advances(t, 503, 0));
    assert_false(conf_advances(t, 500, 0));
    conf_free(c);
}

static void own_lines_of_a_trunk_replace_those_of_its_profile(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_IN PROFILE
                          "trunk out\n from p\n trying-timeout 2s\n match tech-prefix 77\n"
                          " peer 203.0.113.1 udp\n limit out 5cps\n advance 500\n media none\n"
                          " options every 10s\n dscp media ef\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->trying_timeout_ms, 2000);
    assert_int_equal(t->match.n, 1);
    assert_int_equal(t->match.v[0].kind, CONF_MATCH_TECH_PREFIX);
    assert_int_equal(t->peer.n, 1);
    assert_int_equal(t->peer.v[0].addr.ip[3], 1);
    assert_int_equal(t->limit_out.calls, 0);
    assert_int_equal(t->limit_out.cps, 5);
    assert_int_equal(t->limit_out.burst, 5);
    assert_true(t->media_none);
    assert_int_equal(t->media.id, CONF_NONE);
    assert_int_equal(t->options.every_ms, 10000);
    assert_int_equal(t->options.down_after, 3);
    assert_int_equal(t->dscp_media, 46);
    assert_true(conf_advances(t, 500, 0));
    assert_false(conf_advances(t, 503, 0));
    /* The profile's own lists are as they were. */
    assert_int_equal(c->profile.v[0].match.n, 2);
    assert_int_equal(c->profile.v[0].peer.n, 1);
    conf_free(c);
}

static void advance_and_stop_decide_by_cause_then_code_then_class(void **state)
{
    static const struct {
        int sip, q850;
        bool advances;
    } table[] = {
        {408, 0, true},  {500, 0, true},    {503, 0, true},  {599, 0, true},   {486, 0, false},
        {404, 0, false}, {480, 0, false},   {603, 0, false}, {302, 0, false},  {404, 34, true},
        {480, 42, true}, {603, 47, true},   {503, 17, true}, {486, 17, false}, {200, 0, false},
        {700, 0, false}, {503, 9999, true}, {503, -1, true},
    };
    struct conf *c = good(CONFIG_BASE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(conf_advances(t, table[i].sip, table[i].q850), table[i].advances);
    assert_true(t->advance.timeout);
    conf_free(c);
}

static void written_stop_takes_its_codes_from_the_default_advance(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_IN "trunk out\n listen sip\n peer 203.0.113.1 udp\n"
                                               " stop 408 503 timeout q850 34 127\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_false(conf_advances(t, 408, 0));
    assert_false(conf_advances(t, 503, 0));
    assert_true(conf_advances(t, 502, 0));
    assert_false(conf_advances(t, 502, 34));
    assert_true(conf_advances(t, 404, 38));
    assert_false(t->advance.timeout);
    conf_free(c);
}

static void match_lines_keep_their_order_and_kind(void **state)
{
    struct conf *c = good(CONFIG_NET "trunk in\n listen sip\n accept 198.51.100.7\n routes all\n"
                                     " match ruri-domain a.example\n match header X-Acc \"8 1\"\n"
                                     " match to-domain b\n match from-domain c\n match tgrp d\n"
                                     " match tech-prefix 99\n" CONFIG_OUT CONFIG_ROUTE);
    static const enum conf_match_kind kinds[] = {CONF_MATCH_RURI_DOMAIN, CONF_MATCH_HEADER,
                                                 CONF_MATCH_TO_DOMAIN,   CONF_MATCH_FROM_DOMAIN,
                                                 CONF_MATCH_TGRP,        CONF_MATCH_TECH_PREFIX};
    const struct conf_trunk *t = conf_find_trunk(c, "in");
    uint32_t i;

    (void)state;
    assert_int_equal(t->match.n, 6);
    for (i = 0; i < 6; i++)
        assert_int_equal(t->match.v[i].kind, kinds[i]);
    assert_string_equal(t->match.v[1].header, "X-Acc");
    assert_string_equal(t->match.v[1].value, "8 1");
    assert_null(t->match.v[0].header);
    conf_free(c);
}

static void media_limit_is_what_ports_and_descriptors_carry(void **state)
{
    static const struct {
        const char *media;
        uint32_t calls;
    } table[] = {
        {" ports 10000-10003\n", 1}, /* two pairs, two legs */
        {" ports 10000-10004\n", 1}, /* an even port alone is none */
        {" ports 10000-11999\n", 500},
        {" ports 10000-29999\n", 5000},
        {" ports 10000-29999\n path auto\n", 5000},
        {" ports 10000-29999\n path sockets\n", 4984}, /* (20000 - 64) / 4 */
        {" ports 10000-11999\n limit 20calls\n", 20},
        {" ports 10000-11999\n address 192.0.2.1\n", 500},
        {" ports 10000-11999\n ports priority 12000-12999\n", 500}, /* kept for others */
    };
    char text[512], *messages;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct conf *c;

        snprintf(text, sizeof(text),
                 CONFIG_REALM CONFIG_LISTEN
                 "media rtp\n realm lan\n%s" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
                 table[i].media);
        c = config_load(text, &messages);
        assert_string_equal(messages, "");
        assert_int_equal(c->media.v[0].calls, table[i].calls);
        assert_int_equal(c->media.v[0].port_hi % 2, 1);
        free(messages);
        conf_free(c);
    }
}

static void media_path_is_one_of_five_and_auto_unless_told(void **state)
{
    static const char *const word[] = {"auto", "native", "generic", "tc", "sockets"};
    struct conf *c = good(CONFIG_BASE);
    char text[512], *messages;

    (void)state;
    assert_int_equal(c->media.v[0].path, CONF_PATH_AUTO);
    conf_free(c);
    for (unsigned i = 0; i < sizeof(word) / sizeof(word[0]); i++) {
        snprintf(text, sizeof(text), CONFIG_NET " path %s\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
                 word[i]);
        c = config_load(text, &messages);
        assert_string_equal(messages, "");
        assert_int_equal(c->media.v[0].path, i);
        free(messages);
        conf_free(c);
    }
}

static void twenty_thousand_calls_fit_on_two_addresses(void **state)
{
    struct conf_env env = config_env;
    static const char text[] =
        "realm lan\n address 192.0.2.1 192.0.2.2\n"
        "listen sip\n realm lan\n udp 192.0.2.1:5060\n"
        "media rtp\n realm lan\n ports 10000-49999\n limit 20000calls\n" CONFIG_IN CONFIG_OUT
            CONFIG_ROUTE;
    struct conf_errors errs;
    struct conf *c;

    (void)state;
    /* two pieces, the later one first: every port that the kernel might give away is in one */
    env.ephemeral.n_reserved = 2;
    env.ephemeral.reserved[0].lo = 40000;
    env.ephemeral.reserved[0].hi = 49999;
    env.ephemeral.reserved[1].lo = 10000;
    env.ephemeral.reserved[1].hi = 39999;
    c = conf_load_text("t", text, strlen(text), &env, &errs);
    assert_non_null(c);
    assert_int_equal(c->media.v[0].calls, 20000);
    assert_int_equal(errs.errors, 0);
    assert_int_equal(errs.warnings, 1); /* of the descriptors without BPF, not of the ports */
    assert_non_null(strstr(errs.v[0].text, "need BPF"));
    conf_errors_fini(&errs);
    conf_free(c);
    env.ephemeral.reserved[1].hi = 39998;
    c = conf_load_text("t", text, strlen(text), &env, &errs);
    assert_int_equal(errs.warnings, 2);
    conf_errors_fini(&errs);
    conf_free(c);
}

static void media_has_the_addresses_of_its_realm_unless_told(void **state)
{
    struct conf *c = good(CONFIG_BASE);

    (void)state;
    assert_int_equal(c->media.v[0].address.n, 2);
    conf_free(c);
}

static void route_lines_become_targets_and_refusals(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_IN CONFIG_OUT
                          "trunk two\n listen sip\n peer 203.0.113.2 udp\n"
                          "group g\n member two\n"
                          "route all\n prefix +1 +44 20 via g then out max 2 attempts\n"
                          " prefix + cause 403 \"No thanks\"\n emergency via out\n"
                          " default cause 404\n");
    const struct conf_route *r = conf_find_route(c, "all");

    (void)state;
    assert_int_equal(r->line.n, 4);
    assert_int_equal(r->line.v[0].kind, CONF_ROUTE_PREFIX);
    assert_int_equal(r->line.v[0].prefix.n, 3);
    assert_string_equal(r->line.v[0].prefix.v[2], "20");
    assert_int_equal(r->line.v[0].via.n, 2);
    assert_true(r->line.v[0].via.v[0].is_group);
    assert_int_equal(r->line.v[0].max_attempts, 2);
    assert_int_equal(r->line.v[1].cause, 403);
    assert_string_equal(r->line.v[1].reason, "No thanks");
    assert_int_equal(r->line.v[1].via.n, 0);
    assert_int_equal(r->line.v[2].kind, CONF_ROUTE_EMERGENCY);
    assert_int_equal(r->line.v[3].kind, CONF_ROUTE_DEFAULT);
    assert_int_equal(r->line.v[3].cause, 404);
    assert_null(r->line.v[3].reason);
    conf_free(c);
}

static void number_rules_are_compiled(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_OUT CONFIG_ROUTE
                          " emergency via out\n"
                          "numbers in\n 911 -> keep class emergency\n N11 -> keep class service\n"
                          " 011. -> +{3-}\n NXXNXXXXXX -> +1{*}99\n"
                          "numbers out1 direction out\n +. -> 00{1-}\n"
                          "trunk t\n listen sip\n accept 198.51.100.0/24\n routes all\n"
                          " numbers in\n send out1\n");
    const struct conf_numbers *n = conf_find_numbers(c, "in");

    (void)state;
    assert_false(n->out);
    assert_true(conf_find_numbers(c, "out1")->out);
    assert_int_equal(n->rule.n, 4);
    assert_int_equal(n->rule.v[0].klass, CONF_CLASS_EMERGENCY);
    assert_int_equal(n->rule.v[1].klass, CONF_CLASS_SERVICE);
    assert_int_equal(n->rule.v[2].klass, CONF_CLASS_NONE);
    assert_int_equal(n->rule.v[0].piece.n, 1);
    assert_null(n->rule.v[0].piece.v[0].text);
    assert_int_equal(n->rule.v[0].piece.v[0].skip, 0);
    assert_int_equal(n->rule.v[2].piece.n, 2);
    assert_string_equal(n->rule.v[2].piece.v[0].text, "+");
    assert_int_equal(n->rule.v[2].piece.v[1].skip, 3);
    assert_int_equal(n->rule.v[3].piece.n, 3);
    assert_string_equal(n->rule.v[3].piece.v[2].text, "99");
    assert_int_equal(n->rule.v[3].piece.v[2].len, 2);
    assert_string_equal(n->rule.v[2].text, "011.");
    conf_free(c);
}

static void cdr_and_customer_have_their_values(void **state)
{
    struct conf *c =
        good(CONFIG_NET CONFIG_OUT CONFIG_ROUTE
             "customer acme\n account \"A 8831\"\n limit in 5calls 2cps\n"
             "customer plain\n"
             "trunk t\n listen sip\n accept 198.51.100.1\n routes all\n customer acme\n"
             "trunk u\n listen sip\n accept 198.51.100.2\n routes all\n customer plain\n"
             "cdr a\n file /x/%Y.csv rotate 1d size 100MB\n format csv\n interim off\n"
             "cdr b\n file /y\n");

    (void)state;
    assert_string_equal(c->customer.v[0].account, "A 8831");
    assert_int_equal(c->customer.v[0].limit_in.cps, 2);
    assert_string_equal(c->customer.v[1].account, "plain");
    assert_int_equal(c->cdr.v[0].rotate_ms, 86400000);
    assert_int_equal(c->cdr.v[0].rotate_bytes, 100000000);
    assert_int_equal(c->cdr.v[0].format, CONF_CDR_CSV);
    assert_int_equal(c->cdr.v[0].interim_ms, 0);
    assert_int_equal(c->cdr.v[1].rotate_ms, 3600000);
    assert_int_equal(c->cdr.v[1].interim_ms, 1800000);
    assert_int_equal(c->cdr.v[1].format, CONF_CDR_JSON);
    conf_free(c);
}

static void realms_on_devices_may_share_addresses(void **state)
{
    struct conf *c = good("realm a\n address 10.0.0.1\n device vrf-a\n"
                          "realm b\n address 10.0.0.1\n device vrf-b\n advertise 192.0.2.9\n"
                          "listen a\n realm a\n udp 10.0.0.1:5060\n"
                          "listen b\n realm b\n udp 10.0.0.1:5060\n unknown 403\n"
                          "trunk x\n listen a\n media none\n accept 10.0.0.9\n routes r\n"
                          "trunk y\n listen b\n media none\n peer 10.0.0.9 udp\n"
                          "route r\n default via y\n");

    (void)state;
    assert_string_equal(c->realm.v[0].device, "vrf-a");
    assert_int_equal(c->realm.v[1].advertise.n, 1);
    assert_int_equal(c->listen.v[1].unknown, CONF_UNKNOWN_403);
    conf_free(c);
}

static void trunks_on_one_source_are_told_apart_by_match(void **state)
{
    struct conf *c = good(CONFIG_NET CONFIG_OUT CONFIG_ROUTE
                          "profile p\n listen sip\n accept 198.51.100.1\n routes all\n"
                          "trunk a\n from p\n match tech-prefix 771\n"
                          "trunk b\n from p\n match tech-prefix 77\n match tgrp x\n"
                          "trunk c\n from p\n");

    (void)state;
    assert_int_equal(c->trunk.n, 4);
    conf_free(c);
}

static void comments_tabs_and_line_ends_are_free(void **state)
{
    struct conf *c = good("# all\r\n\r\nglobal # here\r\n\tnode\t x1 # there\r\n  # and here\n"
                          "   \n\tworkers 2");

    (void)state;
    assert_string_equal(c->global.node, "x1");
    assert_int_equal(c->global.workers, 2);
    conf_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(global_has_its_defaults_when_nothing_is_written),
        cmocka_unit_test(global_takes_what_is_written),
        cmocka_unit_test(sections_are_linked_by_id),
        cmocka_unit_test(every_object_knows_where_it_was_written),
        cmocka_unit_test(trunk_has_its_defaults),
        cmocka_unit_test(peer_is_an_accepted_source_with_its_port),
        cmocka_unit_test(peer_inside_an_accepted_network_adds_nothing),
        cmocka_unit_test(peers_are_sorted_by_priority_and_stay_in_order_within),
        cmocka_unit_test(trunk_takes_over_its_profile),
        cmocka_unit_test(own_lines_of_a_trunk_replace_those_of_its_profile),
        cmocka_unit_test(advance_and_stop_decide_by_cause_then_code_then_class),
        cmocka_unit_test(written_stop_takes_its_codes_from_the_default_advance),
        cmocka_unit_test(match_lines_keep_their_order_and_kind),
        cmocka_unit_test(media_limit_is_what_ports_and_descriptors_carry),
        cmocka_unit_test(media_path_is_one_of_five_and_auto_unless_told),
        cmocka_unit_test(twenty_thousand_calls_fit_on_two_addresses),
        cmocka_unit_test(media_has_the_addresses_of_its_realm_unless_told),
        cmocka_unit_test(route_lines_become_targets_and_refusals),
        cmocka_unit_test(number_rules_are_compiled),
        cmocka_unit_test(cdr_and_customer_have_their_values),
        cmocka_unit_test(realms_on_devices_may_share_addresses),
        cmocka_unit_test(trunks_on_one_source_are_told_apart_by_match),
        cmocka_unit_test(comments_tabs_and_line_ends_are_free),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
