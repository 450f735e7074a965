/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keywords of transports, names and SIP: what they become, what is refused, what a trunk takes over.
 * The others are in test_config.c and test_config_errors.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "config_load.h"

/* One address with all three transports. */
#define NET3                                                           \
    CONFIG_REALM                                                       \
    "listen sip\n realm lan\n udp 192.0.2.1:5060 [2001:db8::1]:5060\n" \
    " tcp 192.0.2.1:5060\n tls 192.0.2.1:5061 cert /c.pem\n" CONFIG_MEDIA

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

/* The trunk `out` of a right configuration, with these lines. */
static struct conf *with_out(const char *lines, const struct conf_trunk **out)
{
    char text[2048];
    struct conf *conf;

    snprintf(text, sizeof(text),
             NET3 CONFIG_IN "trunk out\n listen sip\n peer 203.0.113.1 udp\n%s" CONFIG_ROUTE,
             lines);
    conf = good(text);
    *out = conf_find_trunk(conf, "out");
    return conf;
}

struct fault {
    const char *text;
    const char *says;
};

static void check_faults(const struct fault *faults, size_t n)
{
    char *messages;
    size_t i;

    for (i = 0; i < n; i++) {
        struct conf *conf = config_load(faults[i].text, &messages);

        assert_null(conf);
        if (!strstr(messages, faults[i].says))
            fail_msg("\"%s\" gives:\n%s\nnot \"%s\"", faults[i].text, messages, faults[i].says);
        free(messages);
    }
}
#define CHECK_FAULTS(faults) check_faults(faults, sizeof(faults) / sizeof((faults)[0]))

/* ---- listen ---- */

static void sockets_are_numbered_udp_then_tcp_then_tls(void **state)
{
    struct conf *c = good(NET3 "listen two\n realm lan\n tls 192.0.2.1:5071 cert /d.pem key /k.pem"
                               " ca /a.pem verify require\n udp 192.0.2.1:5070\n"
                               "trunk in\n listen sip two\n accept 198.51.100.0/24\n"
                               " routes all\n" CONFIG_OUT CONFIG_ROUTE);
    static const struct {
        uint32_t listen;
        uint8_t proto;
        uint16_t port;
    } want[] = {{0, PROTO_UDP, 5060}, {0, PROTO_UDP, 5060}, {0, PROTO_TCP, 5060},
                {0, PROTO_TLS, 5061}, {1, PROTO_UDP, 5070}, {1, PROTO_TLS, 5071}};
    struct conf_socket s;
    unsigned i;

    (void)state;
    assert_int_equal(conf_listeners(c), 6);
    for (i = 0; i < 6; i++) {
        assert_int_equal(conf_listener(c, i, &s), 0);
        assert_int_equal(s.listen, want[i].listen);
        assert_int_equal(s.proto, want[i].proto);
        assert_int_equal(s.addr.port, want[i].port);
        assert_int_equal(s.tls != NULL, s.proto == PROTO_TLS);
    }
    assert_string_equal(s.tls->key, "/k.pem");
    assert_string_equal(s.tls->ca, "/a.pem");
    assert_int_equal(s.tls->verify, CONF_VERIFY_REQUIRE);
    assert_string_equal(c->listen.v[0].tls.v[0].key, "/c.pem");
    assert_null(c->listen.v[0].tls.v[0].ca);
    assert_int_equal(c->listen.v[0].tls.v[0].verify, CONF_VERIFY_NONE);
    assert_int_equal(conf_listener(c, 6, &s), -ENOENT);
    conf_free(c);
}

static void a_listen_may_have_streams_alone_and_has_their_limits(void **state)
{
    struct conf *c = good(
        CONFIG_REALM "listen sip\n realm lan\n tcp 192.0.2.1:5060\n"
                     " idle-timeout off\n connections 7\n per-source 65535\n" CONFIG_MEDIA CONFIG_IN
                     "trunk out\n listen sip\n peer 203.0.113.1 tcp\n" CONFIG_ROUTE);

    (void)state;
    assert_int_equal(c->listen.v[0].idle_ms, 0);
    assert_int_equal(c->listen.v[0].connections, 7);
    assert_int_equal(c->listen.v[0].per_source, 65535);
    conf_free(c);
    c = good(CONFIG_BASE);
    assert_int_equal(c->listen.v[0].idle_ms, 600000);
    assert_int_equal(c->listen.v[0].connections, 4096);
    assert_int_equal(c->listen.v[0].per_source, 4);
    conf_free(c);
}

static void wrong_sockets_are_refused(void **state)
{
    static const struct fault faults[] = {
        {"listen x\n tls 192.0.2.1:5061\n", "value missing: tls IP:PORT cert FILE"},
        {"listen x\n tls 192.0.2.1:5061 verify none\n", "a tls socket needs a certificate"},
        {"listen x\n tls 192.0.2.1 cert /c\n", "'192.0.2.1' is not IP:PORT"},
        {"listen x\n tls 192.0.2.1:5061 cert c.pem\n", "a path begins with '/'"},
        {"listen x\n tls 192.0.2.1:5061 cert\n", "value missing: tls IP:PORT cert FILE"},
        {"listen x\n tls 192.0.2.1:5061 cert /c key\n", "file missing"},
        {"listen x\n tls 192.0.2.1:5061 cert /c verify yes\n",
         "'yes' is not one of: none, request, require"},
        {"listen x\n tls 192.0.2.1:5061 crt /c\n", "did you mean 'cert'?"},
        {"listen x\n tcp 192.0.2.1\n", "'192.0.2.1' is not IP:PORT"},
        {"listen x\n idle-timeout 1s\n", "'1s' is outside 10s to 1d"},
        {"listen x\n connections 0\n", "'0' is not a number from 1 to 65535"},
        {"listen x\n per-source 65536\n", "'65536' is not a number from 1 to 65535"},
        {CONFIG_REALM "listen x\n realm lan\n tcp 192.0.2.9:5060\n",
         "192.0.2.9 is not an address of realm 'lan'"},
        {CONFIG_REALM "listen x\n realm lan\n tls 192.0.2.9:5061 cert /c\n",
         "192.0.2.9 is not an address of realm 'lan'"},
        {CONFIG_REALM "listen x\n realm lan\n tcp 192.0.2.1:5060\n tls 192.0.2.1:5060 cert /c\n",
         "t:6:6: error: address and port are those of listen 'x' already"},
        {"global\n dns 192.0.2.300\n", "'192.0.2.300' is not IP, IP:PORT"},
        {"global\n dns 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1\n",
         "one value too many: dns"},
    };

    (void)state;
    CHECK_FAULTS(faults);
}

static void a_stream_may_have_the_port_of_a_datagram_socket_or_of_media(void **state)
{
    struct conf *c = good(
        CONFIG_REALM
        "listen sip\n realm lan\n udp 192.0.2.1:5060\n"
        " tcp 192.0.2.1:5060 192.0.2.1:10001\n" CONFIG_MEDIA CONFIG_IN CONFIG_OUT CONFIG_ROUTE);

    (void)state;
    assert_int_equal(conf_listeners(c), 3);
    conf_free(c);
}

static void more_sockets_than_a_worker_polls_are_refused(void **state)
{
    char *text = malloc(16384), *messages;
    size_t len = (size_t)snprintf(text, 16384, CONFIG_REALM "listen x\n realm lan\n");
    unsigned i;

    (void)state;
    for (i = 0; i <= CONF_LISTENERS_MAX; i++)
        len += (size_t)snprintf(text + len, 16384 - len, " tcp 192.0.2.1:%u\n", 5000 + i);
    assert_null(config_load(text, &messages));
    assert_non_null(strstr(messages, "t:261:6: error: more than 256 sockets to listen on"));
    free(messages);
    free(text);
}

static void name_servers_have_port_53_unless_told(void **state)
{
    struct conf *c = good("global\n dns 192.0.2.53 [2001:db8::53]:5353\n");

    (void)state;
    assert_int_equal(c->global.dns.n, 2);
    assert_int_equal(c->global.dns.v[0].addr.port, 53);
    assert_int_equal(c->global.dns.v[1].addr.port, 5353);
    conf_free(c);
}

/* ---- peers ---- */

static void a_peer_says_how_it_is_found(void **state)
{
    static const struct {
        const char *line;
        enum conf_lookup lookup;
        uint8_t transport;
        uint16_t port;
        const char *host;
    } table[] = {
        {"203.0.113.1 tcp", CONF_LOOKUP_NONE, PROTO_TCP, 5060, NULL},
        {"203.0.113.1 tls", CONF_LOOKUP_NONE, PROTO_TLS, 5061, NULL},
        {"203.0.113.1:5070 tls", CONF_LOOKUP_NONE, PROTO_TLS, 5070, NULL},
        {"sbc1.alpha.example:5080 tcp", CONF_LOOKUP_HOST, PROTO_TCP, 5080, "sbc1.alpha.example"},
        {"alpha.example tls", CONF_LOOKUP_SRV, PROTO_TLS, 0, "alpha.example"},
        {"alpha.example. udp", CONF_LOOKUP_SRV, PROTO_UDP, 0, "alpha.example"},
        {"_sip._tcp.alpha.example srv tls", CONF_LOOKUP_SRV_NAME, PROTO_TLS, 0,
         "_sip._tcp.alpha.example"},
        {"alpha.example auto", CONF_LOOKUP_NAPTR, PROTO_UDP, 0, "alpha.example"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const struct conf_peer *peer;
        struct conf *c;
        char text[1024];

        snprintf(text, sizeof(text),
                 NET3 CONFIG_IN
                 "trunk out\n listen sip\n peer %s priority 3 weight 4\n" CONFIG_ROUTE,
                 table[i].line);
        c = good(text);
        peer = &conf_find_trunk(c, "out")->peer.v[0];
        assert_int_equal(peer->lookup, table[i].lookup);
        assert_int_equal(peer->transport, table[i].transport);
        assert_int_equal(peer->addr.port, table[i].port);
        if (table[i].host)
            assert_string_equal(peer->host, table[i].host);
        else
            assert_null(peer->host);
        assert_int_equal(peer->priority, 3);
        assert_int_equal(peer->weight, 4);
        conf_free(c);
    }
}

static void a_stream_peer_is_a_source_with_any_port_and_a_name_is_none(void **state)
{
    struct conf *c =
        good(NET3 CONFIG_IN "trunk out\n listen sip\n peer 203.0.113.1 udp\n peer 203.0.113.1 tcp\n"
                            " peer 203.0.113.2 tls\n peer alpha.example udp\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->accept.n, 3);
    assert_int_equal(t->accept.v[0].net.net.port, 5060);
    assert_int_equal(t->accept.v[1].net.net.port, 0);
    assert_int_equal(t->accept.v[2].net.net.port, 0);
    assert_int_equal(t->accept.v[2].net.bits, 32);
    conf_free(c);
}

static void wrong_peers_are_refused(void **state)
{
    static const struct fault faults[] = {
        {"trunk x\n peer alpha.example:0 udp\n", "is not IP, IP:PORT, [IPv6]:PORT, NAME"},
        {"trunk x\n peer a..b udp\n", "'a..b' is not IP"},
        {"trunk x\n peer -a.b udp\n", "'-a.b' is not IP"},
        {"trunk x\n peer 1.2.3.4.5 udp\n", "'1.2.3.4.5' is not IP"},
        {"trunk x\n peer alpha.example srv tls\n",
         "'alpha.example' is not a name of SRV records, as _sip._tcp.example.net"},
        {"trunk x\n peer _sip._tcp.a.b:5060 srv tls\n", "is not a name of SRV records"},
        {"trunk x\n peer 192.0.2.1 srv tls\n", "is not a name of SRV records"},
        {"trunk x\n peer _sip._tcp.a.b srv\n", "transport missing"},
        {"trunk x\n peer 192.0.2.1 auto\n", "needs a name without a port"},
        {"trunk x\n peer alpha.example:5060 auto\n", "needs a name without a port"},
        {"trunk x\n peer registered udp\n", "'udp' is not one of: priority, weight"},
        {CONFIG_NET "trunk x\n listen sip\n peer 203.0.113.1 tcp\n",
         "no listen of trunk 'x' has a tcp address"},
        {CONFIG_NET "trunk x\n listen sip\n peer alpha.example tls\n",
         "no listen of trunk 'x' has a tls address"},
        {NET3 "trunk x\n listen sip\n peer 2001:db8::9 tcp\n",
         "no listen of trunk 'x' has an IPv6 address for tcp"},
        {NET3 "trunk x\n listen sip\n peer A.example tcp\n peer a.example tcp\n",
         "peer is written twice in trunk 'x'"},
        {"trunk x\n tls-name a b..c\n", "'b..c' is not a host name"},
        {"trunk x\n tls-name *.example.net\n", "wildcards match nothing"},
        {"trunk x\n pass info\n", "did you mean 'INFO'?"},
        {"trunk x\n peer sbc.example.net autoo\n", "did you mean 'auto'?"},
        {"trunk x\n header out set X-A two words\n", "a value with spaces stands in quotes"},
        {"trunk x\n tcp-above 499bytes\n", "is not a size from 500bytes to 65507bytes, or off"},
        {"trunk x\n tcp-above 1300\n", "is not a size from 500bytes to 65507bytes, or off"},
    };

    (void)state;
    CHECK_FAULTS(faults);
}

static void a_trunk_that_takes_no_calls_for_want_of_a_source_is_a_warning(void **state)
{
    char *messages;
    struct conf *conf = config_load(
        NET3 "trunk out\n listen sip\n peer alpha.example udp\n routes all\n" CONFIG_ROUTE,
        &messages);

    (void)state;
    assert_non_null(conf);
    assert_string_equal(messages,
                        "t:14:9: warning: trunk 'out' has no source: a peer by name is none, so "
                        "calls from it are not taken; add 'accept'\n"
                        "   14 |  routes all\n"
                        "      |         ^^^\n");
    free(messages);
    conf_free(conf);
}

static void trunks_that_only_ports_tell_apart_are_one_over_streams(void **state)
{
    static const char *const two =
        "trunk in\n listen sip\n accept 198.51.100.1:5060\n routes all\n"
        "trunk to\n listen sip\n accept 198.51.100.1:5070\n routes all\n" CONFIG_OUT CONFIG_ROUTE;
    char text[2048], *messages;
    struct conf *conf;

    (void)state;
    snprintf(text, sizeof(text), NET3 "%s", two);
    conf = config_load(text, &messages);
    assert_non_null(conf);
    assert_non_null(strstr(messages, "warning: over TCP and TLS, where a source has no port, calls "
                                     "from here are those of trunk 'in' (t:"));
    free(messages);
    conf_free(conf);
    snprintf(text, sizeof(text), CONFIG_NET "%s", two); /* there is UDP alone */
    conf_free(good(text));
}

static void a_tls_name_without_tls_is_a_warning(void **state)
{
    char *messages;
    struct conf *conf =
        config_load(CONFIG_BASE "trunk x\n listen sip\n accept 198.18.0.1\n routes all\n"
                                " tls-name a.example\n",
                    &messages);

    (void)state;
    assert_non_null(conf);
    assert_non_null(strstr(messages, "none of its listens has tls: no call of it is taken"));
    free(messages);
    conf_free(conf);
}

/* ---- SIP ---- */

static void sip_keywords_have_their_defaults(void **state)
{
    const struct conf_trunk *t;
    struct conf *c = with_out("", &t);
    int i;

    (void)state;
    for (i = 0; i < 2; i++, t = conf_trunk_default()) {
        assert_int_equal(t->tls_name.n, 0);
        assert_int_equal(t->tcp_above, 1300);
        assert_int_equal(t->rel100, CONF_100REL_SUPPORTED);
        assert_int_equal(t->timer.expires_ms, 1800000);
        assert_int_equal(t->timer.min_ms, 90000);
        assert_int_equal(t->timer.refresher, CONF_REFRESHER_ANY);
        assert_int_equal(t->offer, CONF_OFFER_KEEP);
        assert_int_equal(t->codec.n, 3);
        assert_string_equal(t->codec.v[0], "pcma");
        assert_int_equal(t->redirect, CONF_REDIRECT_REJECT);
        assert_int_equal(t->refer, CONF_REFER_REJECT);
        assert_int_equal(t->pass, CONF_PASS_INFO);
    }
    conf_free(c);
}

static void sip_keywords_take_what_is_written(void **state)
{
    const struct conf_trunk *t;
    struct conf *c = with_out(" tls-name a.example b.example\n tcp-above off\n 100rel required\n"
                              " session-timer 30m min 2m refresher them\n offer delayed\n"
                              " codec g729 pcmu telephone-event\n redirect follow\n"
                              " refer consume\n pass MESSAGE NOTIFY OPTIONS\n",
                              &t);

    (void)state;
    assert_int_equal(t->tls_name.n, 2);
    assert_int_equal(t->tcp_above, 0);
    assert_int_equal(t->rel100, CONF_100REL_REQUIRED);
    assert_int_equal(t->timer.expires_ms, 1800000);
    assert_int_equal(t->timer.min_ms, 120000);
    assert_int_equal(t->timer.refresher, CONF_REFRESHER_THEM);
    assert_int_equal(t->offer, CONF_OFFER_DELAYED);
    assert_int_equal(t->codec.n, 3);
    assert_string_equal(t->codec.v[0], "g729");
    assert_string_equal(t->codec.v[2], "telephone-event");
    assert_int_equal(t->redirect, CONF_REDIRECT_FOLLOW);
    assert_int_equal(t->refer, CONF_REFER_CONSUME);
    assert_int_equal(t->pass, CONF_PASS_MESSAGE | CONF_PASS_NOTIFY | CONF_PASS_OPTIONS);
    conf_free(c);
    c = with_out(" 100rel off\n session-timer off\n offer early\n redirect pass\n refer pass\n"
                 " pass none\n tcp-above 1500bytes\n",
                 &t);
    assert_int_equal(t->rel100, CONF_100REL_OFF);
    assert_int_equal(t->timer.expires_ms, 0);
    assert_int_equal(t->offer, CONF_OFFER_EARLY);
    assert_int_equal(t->redirect, CONF_REDIRECT_PASS);
    assert_int_equal(t->refer, CONF_REFER_PASS);
    assert_int_equal(t->pass, 0);
    assert_int_equal(t->tcp_above, 1500);
    conf_free(c);
}

static void codec_keywords_take_what_is_written(void **state)
{
    const struct conf_trunk *t;
    struct conf *c = with_out("", &t);

    (void)state;
    assert_int_equal(t->codecs_allow.n + t->codecs_deny.n + t->codecs_order.n, 0);
    assert_int_equal(t->bypass.n, 0);
    assert_int_equal(t->ptime_ms + t->maxptime_ms, 0);
    assert_false(t->video_refuse);
    conf_free(c);
    c = with_out(" codecs allow pcma g729 opus\n codecs deny opus cn\n"
                 " codecs order telephone-event g729 pcma\n ptime 20\n maxptime 40\n"
                 " video refuse\n bypass in\n",
                 &t);
    assert_int_equal(t->codecs_allow.bits,
                     1U << CONF_CODEC_PCMA | 1U << CONF_CODEC_G729 | 1U << CONF_CODEC_OPUS);
    assert_int_equal(t->codecs_deny.bits, 1U << CONF_CODEC_OPUS | 1U << CONF_CODEC_CN);
    assert_int_equal(t->codecs_order.n, 3);
    assert_int_equal(t->codecs_order.order[1], CONF_CODEC_G729);
    assert_int_equal(t->ptime_ms, 20);
    assert_int_equal(t->maxptime_ms, 40);
    assert_true(t->video_refuse);
    assert_int_equal(t->bypass.n, 1);
    assert_false(t->bypass.v[0].is_group);
    assert_ptr_equal(&c->trunk.v[t->bypass.v[0].ref.id], conf_find_trunk(c, "in"));
    conf_free(c);
}

static void sip_keywords_are_taken_over_from_a_profile(void **state)
{
    struct conf *c = good(NET3 CONFIG_IN
                          "profile p\n 100rel off\n session-timer off\n codec g729\n offer early\n"
                          " tcp-above off\n pass none\n tls-name a.example\n"
                          "trunk out\n from p\n listen sip\n peer 203.0.113.1 udp\n"
                          " 100rel required\n codec pcmu\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->rel100, CONF_100REL_REQUIRED);
    assert_int_equal(t->timer.expires_ms, 0);
    assert_int_equal(t->codec.n, 1);
    assert_string_equal(t->codec.v[0], "pcmu");
    assert_int_equal(t->offer, CONF_OFFER_EARLY);
    assert_int_equal(t->tcp_above, 0);
    assert_int_equal(t->pass, 0);
    assert_int_equal(t->tls_name.n, 1);
    assert_int_equal(conf_find_trunk(c, "in")->rel100, CONF_100REL_SUPPORTED);
    conf_free(c);
}

static void wrong_sip_values_are_refused(void **state)
{
    static const struct fault faults[] = {
        {"trunk x\n 100rel on\n", "'on' is not one of: supported, off, required"},
        {"trunk x\n session-timer 89s\n", "'89s' is outside 90s to 1d"},
        {"trunk x\n session-timer 100s min 2m\n", "min is longer than the interval itself"},
        {"trunk x\n session-timer 30m min 30s\n", "'30s' is outside 90s to 1d"},
        {"trunk x\n session-timer 30m min\n", "duration missing"},
        {"trunk x\n session-timer 30m refresher me\n", "'me' is not one of: any, us, them"},
        {"trunk x\n session-timer off min 90s\n", "nothing may follow here, found 'min'"},
        {"trunk x\n offer late\n", "'late' is not one of: keep, early, delayed"},
        {"trunk x\n codec opus\n", "'opus' is not one of: pcmu, pcma, g729, telephone-event"},
        {"trunk x\n codec pcmu pcmu\n", "'pcmu' is written twice"},
        {"trunk x\n codecs allow pcmx\n", "did you mean 'pcmu'?"},
        {"trunk x\n codecs deny g729 g729\n", "'g729' is written twice"},
        {"trunk x\n codecs allow telephone-event\n", "trunk 'x' has no codec left for a voice"},
        {"trunk x\n codecs allow pcmu\n codecs deny pcmu\n", "has no codec left for a voice"},
        {"trunk x\n codecs allow pcmu\n codecs order cn g729\n",
         "trunk 'x' orders 'g729', which it does not allow"},
        {"trunk x\n offer early\n codecs allow g729\n",
         "trunk 'x' has 'offer early' and allows no codec of its 'codec'"},
        {"trunk x\n ptime 4\n", "'4' is not a number from 5 to 200"},
        {"trunk x\n ptime 30\n maxptime 20\n", "trunk 'x' has ptime 30 above maxptime 20"},
        {"trunk x\n video no\n", "'no' is not one of: pass, refuse"},
        {"trunk x\n bypass nobody\n", "'nobody'"},
        {"trunk x\n codec telephone-event\n", "needs a codec for the voice beside it"},
        {"trunk x\n redirect folow\n", "did you mean 'follow'?"},
        {"trunk x\n refer no\n", "'no' is not one of: reject, pass, consume"},
        {"trunk x\n pass INVITE\n", "'INVITE' is not one of: INFO, MESSAGE, NOTIFY, OPTIONS"},
        {"trunk x\n pass none INFO\n", "nothing may follow here, found 'INFO'"},
        {"trunk x\n session-timr off\n", "did you mean 'session-timer'?"},
    };

    (void)state;
    CHECK_FAULTS(faults);
}

/* ---- identity and headers ---- */

static void identity_keywords_have_their_defaults(void **state)
{
    const struct conf_trunk *t;
    struct conf *c = with_out("", &t);
    int i;

    (void)state;
    for (i = 0; i < 2; i++, t = conf_trunk_default()) {
        assert_false(t->untrusted);
        assert_int_equal(t->identity.pai, CONF_PAI_KEEP);
        assert_false(t->identity.ignore_privacy);
        assert_int_equal(t->identity.diversion, CONF_DIVERSION_KEEP);
        assert_int_equal(t->diversions_max, 5);
        assert_int_equal(t->uri, CONF_URI_SIP);
        assert_null(t->tgrp);
        assert_null(t->tgrp_context);
        assert_false(t->number_params_drop);
        assert_false(t->bodies_sdp_only);
        assert_int_equal(t->header.n, 0);
        assert_null(t->auth.user);
        assert_null(t->login.user);
        assert_null(t->reg.domain);
        assert_int_equal(t->reg.expires_ms, 3600000);
        assert_false(t->registrar.on);
        assert_int_equal(t->registrar.min_ms, 60000);
    }
    conf_free(c);
}

static void identity_keywords_take_what_is_written(void **state)
{
    const struct conf_trunk *t;
    struct conf *c =
        with_out(" trust no\n identity pai from privacy ignore diversion history-info\n"
                 " diversions max 9\n uri tel\n tgrp tg-42 context alpha.example\n"
                 " number-params drop\n bodies sdp\n",
                 &t);

    (void)state;
    assert_true(t->untrusted);
    assert_int_equal(t->identity.pai, CONF_PAI_FROM);
    assert_true(t->identity.ignore_privacy);
    assert_int_equal(t->identity.diversion, CONF_DIVERSION_HISTORY);
    assert_int_equal(t->diversions_max, 9);
    assert_int_equal(t->uri, CONF_URI_TEL);
    assert_string_equal(t->tgrp, "tg-42");
    assert_string_equal(t->tgrp_context, "alpha.example");
    assert_true(t->number_params_drop);
    assert_true(t->bodies_sdp_only);
    conf_free(c);
    c = with_out(" trust yes\n identity diversion diversion\n diversions max off\n uri phone\n"
                 " tgrp x\n number-params keep\n bodies all\n",
                 &t);
    assert_false(t->untrusted);
    assert_int_equal(t->identity.pai, CONF_PAI_KEEP);
    assert_int_equal(t->identity.diversion, CONF_DIVERSION_DIV);
    assert_int_equal(t->diversions_max, 0);
    assert_int_equal(t->uri, CONF_URI_PHONE);
    assert_string_equal(t->tgrp, "x");
    assert_null(t->tgrp_context);
    conf_free(c);
}

static void header_rules_keep_their_order_and_kind(void **state)
{
    const struct conf_trunk *t;
    struct conf *c = with_out(" header in drop X-*\n header out set X-Node \"{node} {call}\"\n"
                              " header out add P-Billing {billing}\n"
                              " header in rename X-Old X-New\n header out pass *\n",
                              &t);
    static const struct conf_header want[] = {
        {CONF_HEADER_DROP, false, "X-*", NULL, {0}},
        {CONF_HEADER_SET, true, "X-Node", "{node} {call}", {0}},
        {CONF_HEADER_ADD, true, "P-Billing", "{billing}", {0}},
        {CONF_HEADER_RENAME, false, "X-Old", "X-New", {0}},
        {CONF_HEADER_PASS, true, "*", NULL, {0}},
    };
    uint32_t i;

    (void)state;
    assert_int_equal(t->header.n, 5);
    for (i = 0; i < 5; i++) {
        const struct conf_header *h = &t->header.v[i];

        assert_int_equal(h->what, want[i].what);
        assert_int_equal(h->out, want[i].out);
        assert_string_equal(h->name, want[i].name);
        if (want[i].value)
            assert_string_equal(h->value, want[i].value);
        else
            assert_null(h->value);
        assert_true(h->loc.line > 0);
    }
    conf_free(c);
}

static void own_header_rules_replace_all_of_the_profile(void **state)
{
    struct conf *c = good(
        NET3 CONFIG_IN "profile p\n header in drop X-A\n header out drop X-B\n tgrp a context b.c\n"
                       "trunk out\n from p\n listen sip\n peer 203.0.113.1 udp\n"
                       " header in drop X-C\n tgrp d\n" CONFIG_ROUTE);
    const struct conf_trunk *t = conf_find_trunk(c, "out");

    (void)state;
    assert_int_equal(t->header.n, 1);
    assert_string_equal(t->header.v[0].name, "X-C");
    assert_string_equal(t->tgrp, "d");
    assert_null(t->tgrp_context);
    conf_free(c);
}

static void headers_that_sip_lives_on_are_reserved_in_both_forms(void **state)
{
    static const char *const reserved[] = {"Via",
                                           "v",
                                           "From",
                                           "f",
                                           "TO",
                                           "t",
                                           "CSeq",
                                           "call-id",
                                           "i",
                                           "Contact",
                                           "m",
                                           "Route",
                                           "Record-Route",
                                           "Max-Forwards",
                                           "Content-Type",
                                           "Content-Length",
                                           "content-foo",
                                           "c",
                                           "l",
                                           "e",
                                           "Require",
                                           "RSeq",
                                           "RAck",
                                           "Session-Expires",
                                           "x",
                                           "Authorization"};
    static const char *const free_names[] = {
        "Subject", "s", "P-Asserted-Identity", "Content-", "X-Via", "Diversion", "User-Agent", ""};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        assert_true(conf_header_is_reserved(span_of(reserved[i])));
    for (i = 0; i < sizeof(free_names) / sizeof(free_names[0]); i++)
        assert_false(conf_header_is_reserved(span_of(free_names[i])));
}

static void wrong_identities_and_headers_are_refused(void **state)
{
    static const struct fault faults[] = {
        {"trunk x\n trust maybe\n", "'maybe' is not one of: yes, no"},
        {"trunk x\n identity pai\n", "value missing: identity"},
        {"trunk x\n identity pai no\n", "'no' is not one of: keep, drop, from"},
        {"trunk x\n identity pai keep privacy\n", "policy missing"},
        {"trunk x\n identity privacy obey\n", "'obey' is not one of: honour, ignore"},
        {"trunk x\n identity diversion all\n",
         "'all' is not one of: keep, drop, diversion, history-info"},
        {"trunk x\n diversions 5\n", "after 'diversions' comes one of: max"},
        {"trunk x\n diversions max 0\n", "'0' is not a number from 1 to 100"},
        {"trunk x\n uri sips\n", "'sips' is not one of: sip, phone, tel"},
        {"trunk x\n tgrp a;b\n", "'a;b' is not a label of a trunk group"},
        {"trunk x\n tgrp a of b\n", "expected 'context', found 'of'"},
        {"trunk x\n tgrp a context\n", "domain missing"},
        {"trunk x\n tgrp a context b@c\n", "'b@c' is neither a domain nor leading digits"},
        {"trunk x\n number-params some\n", "'some' is not one of: keep, drop"},
        {"trunk x\n bodies none\n", "'none' is not one of: all, sdp"},
        {"trunk x\n header both drop X-A\n", "after 'header' comes one of: in, out"},
        {"trunk x\n header in cut X-A\n", "'cut' is not one of: set, add, drop, rename, pass"},
        {"trunk x\n header in set X-A\n", "value missing"},
        {"trunk x\n header in drop X-A y\n", "nothing may follow here, found 'y'"},
        {"trunk x\n header in drop X*A\n", "is not a header's name, or the beginning of one"},
        {"trunk x\n header in set X-* y\n",
         "'X-*' is not a header's name: only 'drop' and 'pass' take a '*'"},
        {"trunk x\n header in drop \"X A\"\n", "'X A' is not a header's name"},
        {"trunk x\n header out set Via x\n", "'Via' is a header that SIP itself lives on"},
        {"trunk x\n header out rename X-A Contact\n", "'Contact' is a header that SIP itself"},
        {"trunk x\n header in drop content-type\n", "'content-type' is a header that SIP itself"},
        {"trunk x\n header out set X-A {who}\n", "begins one of {called} {caller} {billing}"},
        {"trunk x\n header out set X-A {node\n", "begins one of {called} {caller} {billing}"},
        {"trunk x\n header out set X-A \"\"\n", "value is empty"},
    };

    (void)state;
    CHECK_FAULTS(faults);
}

static void more_header_rules_than_the_bound_are_refused(void **state)
{
    char *text = malloc(8192), *messages;
    size_t len = (size_t)snprintf(text, 8192, "trunk x\n");
    unsigned i;

    (void)state;
    for (i = 0; i <= CONF_HEADERS_MAX; i++)
        len += (size_t)snprintf(text + len, 8192 - len, " header in drop X-%u\n", i);
    assert_null(config_load(text, &messages));
    assert_non_null(strstr(messages, "t:66:12: error: more than 64 header rules"));
    free(messages);
    free(text);
}

/* ---- accounts ---- */

static struct conf *load_named_secrets(const char *text, char **messages)
{
    struct conf_env env = config_env;

    env.secrets_are_names = true;
    return config_load_env(text, &env, messages);
}

static void accounts_have_their_values_and_defaults(void **state)
{
    char *messages;
    struct conf *c = load_named_secrets(
        "global\n node n1\n" NET3 "trunk in\n listen sip\n accept 198.51.100.0/24\n routes all\n"
        " login pbx7 file:/etc/tandem/secrets/sesame md5\n registrar expires 2m-30m\n"
        " peer registered\n"
        "trunk out\n listen sip\n peer 203.0.113.1 udp\n"
        " auth 8831 cred:alpha realm \"Alpha Tel\"\n register sip:alpha.example every 10m gin\n" CONFIG_ROUTE,
        &messages);
    const struct conf_trunk *t;

    (void)state;
    assert_string_equal(messages, "");
    assert_non_null(c);
    t = conf_find_trunk(c, "in");
    assert_int_equal(t->peer.v[0].lookup, CONF_LOOKUP_REGISTERED);
    assert_null(t->peer.v[0].host);
    assert_string_equal(t->login.user, "pbx7");
    assert_string_equal(t->login.realm, "n1");
    assert_string_equal(t->login.secret, "sesame");
    assert_true(t->login.md5_only);
    assert_true(t->registrar.on);
    assert_int_equal(t->registrar.min_ms, 120000);
    assert_int_equal(t->registrar.max_ms, 1800000);
    t = conf_find_trunk(c, "out");
    assert_string_equal(t->auth.user, "8831");
    assert_string_equal(t->auth.realm, "Alpha Tel");
    assert_string_equal(t->auth.secret, "alpha");
    assert_string_equal(t->reg.domain, "alpha.example");
    assert_string_equal(t->reg.user, "8831");
    assert_int_equal(t->reg.expires_ms, 600000);
    assert_true(t->reg.gin);
    free(messages);
    conf_free(c);
}

static void wrong_accounts_are_refused(void **state)
{
    static const struct fault faults[] = {
        {"trunk x\n auth u\n", "value missing: auth USER file:/PATH"},
        {"trunk x\n auth u sesame\n", "a secret is read from file:/PATH, or from cred:NAME"},
        {"trunk x\n auth u file:sesame\n", "a secret is read from file:/PATH, or from cred:NAME"},
        {"trunk x\n auth u cred:a/b\n", "a secret is read from file:/PATH, or from cred:NAME"},
        {"trunk x\n login u file:/x\n", "t:2:10: error: a text from memory reads no secret"},
        {"trunk x\n auth u:v file:/x\n", "a user has no ':' in it"},
        {"trunk x\n auth \"\" file:/x\n", "a user has 1 to 126 bytes"},
        {"trunk x\n auth u\\v file:/x\n", "no backslash"},
        {"trunk x\n auth u file:/x for r\n", "expected 'realm', found 'for'"},
        {"trunk x\n auth u file:/x realm\n", "realm missing"},
        {"trunk x\n register alpha.example\n", "is not a registrar, as sip:example.net"},
        {"trunk x\n register sip:a@b\n", "is not a registrar, as sip:example.net"},
        {"trunk x\n register sip:a every 1s\n", "'1s' is outside 1m to 1d"},
        {"trunk x\n register sip:a aor b@c\n", "'b@c' is not the user of a URI"},
        {"trunk x\n register sip:a aor\n", "user missing"},
        {"trunk x\n register sip:a gim\n", "did you mean 'gin'?"},
        {"trunk x\n registrar 1h\n", "'1h' is not one of: expires"},
        {"trunk x\n registrar expires 60s\n", "'60s' is not a range within 30s-1d"},
        {"trunk x\n registrar expires 2m-1m\n", "'2m-1m' is not a range within 30s-1d"},
        {NET3 "trunk x\n listen sip\n peer registered\n accept 198.51.100.1\n",
         "trunk 'x' has 'peer registered' but no 'registrar'"},
        {NET3 "trunk x\n listen sip\n peer registered\n registrar\n",
         "a registrar and no source that could register: add 'accept'"},
        {NET3 "trunk x\n listen sip\n accept 198.51.100.1\n register sip:a.example aor b\n",
         "trunk 'x' has 'register' but no peer to send it to"},
        {NET3 "trunk x\n listen sip\n peer 203.0.113.9 udp\n register sip:a.example\n",
         "trunk 'x' registers nobody: 'register' needs 'aor', or 'auth'"},
    };

    (void)state;
    CHECK_FAULTS(faults);
}

static void registration_without_a_login_is_a_warning(void **state)
{
    char *messages;
    struct conf *c = config_load(
        NET3
        "trunk in\n listen sip\n accept 198.51.100.0/24\n routes all\n registrar\n"
        "trunk out\n listen sip\n peer 203.0.113.1 udp\n register sip:a.example aor b\n" CONFIG_ROUTE,
        &messages);

    (void)state;
    assert_non_null(c);
    assert_non_null(strstr(messages, "warning: trunk 'in' has a registrar without 'login'"));
    assert_non_null(strstr(messages, "warning: trunk 'in' has a registrar, but nothing calls"));
    assert_non_null(strstr(messages, "warning: trunk 'out' registers without 'auth'"));
    free(messages);
    conf_free(c);
}

/* ---- srtp, rtcp-mux ---- */

static void srtp_of_a_trunk_has_suites_in_order(void **state)
{
    static const struct fault faults[] = {
        {"trunk x\n srtp on\n", "'on'"},
        {"trunk x\n srtp off AEAD_AES_128_GCM\n", "'srtp off' has no suites"},
        {"trunk x\n srtp required AEAD_AES_128_GCM AEAD_AES_128_GCM\n",
         "'AEAD_AES_128_GCM' is written twice"},
        {"trunk x\n srtp required AES_CM_128_HMAC_SHA1_8\n",
         "did you mean 'AES_CM_128_HMAC_SHA1_80'?"},
        {"trunk x\n rtcp-mux yes\n", "'yes'"},
        {"trunk x\n ice full\n", "'full'"},
        {"trunk x\n ice\n", "ice"},
        {"trunk x\n ice lite strip\n", "ice"},
        {"trunk x\n ice lite\n ice strip\n", "ice"},
    };
    const struct conf_trunk *t;
    struct conf *c = with_out("", &t);
    char *messages;

    (void)state;
    assert_int_equal(t->srtp.mode, CONF_SRTP_OFF);
    assert_int_equal(t->rtcp_mux, CONF_MUX_ACCEPT);
    conf_free(c);
    c = config_load(
        NET3 CONFIG_IN
        "trunk out\n listen sip\n peer 203.0.113.1 tls\n"
        " srtp optional AEAD_AES_128_GCM AES_CM_128_HMAC_SHA1_32\n rtcp-mux offer\n"
        "trunk plain\n listen sip\n peer 203.0.113.2 udp\n srtp required\n" CONFIG_ROUTE,
        &messages);
    assert_non_null(c);
    assert_non_null(strstr(messages, "trunk 'plain' has SRTP, and a peer without tls"));
    assert_null(strstr(messages, "trunk 'out' has SRTP"));
    free(messages);
    t = conf_find_trunk(c, "out");
    assert_int_equal(t->srtp.mode, CONF_SRTP_OPTIONAL);
    assert_int_equal(t->srtp.n, 2);
    assert_string_equal(conf_srtp_word[t->srtp.suite[0]], "AEAD_AES_128_GCM");
    assert_string_equal(conf_srtp_word[t->srtp.suite[1]], "AES_CM_128_HMAC_SHA1_32");
    assert_int_equal(t->rtcp_mux, CONF_MUX_OFFER);
    t = conf_find_trunk(c, "plain");
    assert_int_equal(t->srtp.n, 3);
    assert_string_equal(conf_srtp_word[t->srtp.suite[2]], "AES_CM_128_HMAC_SHA1_80");
    conf_free(c);
    CHECK_FAULTS(faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sockets_are_numbered_udp_then_tcp_then_tls),
        cmocka_unit_test(a_listen_may_have_streams_alone_and_has_their_limits),
        cmocka_unit_test(wrong_sockets_are_refused),
        cmocka_unit_test(a_stream_may_have_the_port_of_a_datagram_socket_or_of_media),
        cmocka_unit_test(more_sockets_than_a_worker_polls_are_refused),
        cmocka_unit_test(name_servers_have_port_53_unless_told),
        cmocka_unit_test(a_peer_says_how_it_is_found),
        cmocka_unit_test(a_stream_peer_is_a_source_with_any_port_and_a_name_is_none),
        cmocka_unit_test(wrong_peers_are_refused),
        cmocka_unit_test(a_trunk_that_takes_no_calls_for_want_of_a_source_is_a_warning),
        cmocka_unit_test(trunks_that_only_ports_tell_apart_are_one_over_streams),
        cmocka_unit_test(a_tls_name_without_tls_is_a_warning),
        cmocka_unit_test(sip_keywords_have_their_defaults),
        cmocka_unit_test(sip_keywords_take_what_is_written),
        cmocka_unit_test(codec_keywords_take_what_is_written),
        cmocka_unit_test(sip_keywords_are_taken_over_from_a_profile),
        cmocka_unit_test(wrong_sip_values_are_refused),
        cmocka_unit_test(identity_keywords_have_their_defaults),
        cmocka_unit_test(identity_keywords_take_what_is_written),
        cmocka_unit_test(header_rules_keep_their_order_and_kind),
        cmocka_unit_test(own_header_rules_replace_all_of_the_profile),
        cmocka_unit_test(headers_that_sip_lives_on_are_reserved_in_both_forms),
        cmocka_unit_test(wrong_identities_and_headers_are_refused),
        cmocka_unit_test(more_header_rules_than_the_bound_are_refused),
        cmocka_unit_test(accounts_have_their_values_and_defaults),
        cmocka_unit_test(wrong_accounts_are_refused),
        cmocka_unit_test(registration_without_a_login_is_a_warning),
        cmocka_unit_test(srtp_of_a_trunk_has_suites_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
