/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is said of a wrong configuration: the exact text, and what holds for every message.
 * Right ones are in test_config.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config_load.h"

struct golden {
    const char *text;
    const char *says;
};

static void check_golden(const struct golden *g)
{
    char *messages;
    struct conf *conf = config_load(g->text, &messages);

    assert_string_equal(messages, g->says);
    if (strstr(g->says, "error: "))
        assert_null(conf);
    else
        assert_non_null(conf);
    conf_free(conf);
    free(messages);
}

static void a_misspelt_section_keyword_and_name_are_told_with_what_was_meant(void **state)
{
    static const struct golden g = {
        "realm lan\n address 192.0.2.1\nlisten sip\n realm lam\n udp 192.0.2.1:5060\n"
        "trnk a\n listen sip\ntrunk b\n listen sip\n  acept 10.0.0.0/8\n"
        "route r\n default via a then bb\n",
        "t:4:8: error: no realm 'lam'; did you mean 'lan'?\n"
        "    4 |  realm lam\n"
        "      |        ^^^\n"
        "t:6:1: error: unknown section 'trnk'; did you mean 'trunk'?\n"
        "    6 | trnk a\n"
        "      | ^^^^\n"
        "t:10:3: error: unknown keyword 'acept' in section 'trunk'; did you mean 'accept'?\n"
        "   10 |   acept 10.0.0.0/8\n"
        "      |   ^^^^^\n"
        "t:12:21: error: no trunk or group 'bb'; did you mean 'b'?\n"
        "   12 |  default via a then bb\n"
        "      |                     ^^\n",
    };

    (void)state;
    check_golden(&g);
}

static void what_this_version_does_not_serve_is_refused_by_name(void **state)
{
    static const struct golden g = {
        "emergency a\n via x\ntrunk a\n stir sign\n"
        "route r\n default use x\n",
        "t:1:1: error: section 'emergency' is not served by this version\n"
        "    1 | emergency a\n"
        "      | ^^^^^^^^^\n"
        "t:4:2: error: keyword 'stir' is not served by this version\n"
        "    4 |  stir sign\n"
        "      |  ^^^^\n"
        "t:6:10: error: 'use' is not served by this version\n"
        "    6 |  default use x\n"
        "      |          ^^^\n",
    };

    (void)state;
    check_golden(&g);
}

/* Words with one FNV-1a of 32 bits. */
static void two_sounds_that_the_relay_cannot_tell_apart_are_refused(void **state)
{
    static const struct golden g = {
        "sound costarring\n tone us busy\nsound liquid\n tone us dial\n"
        "route r\n default via x announce liquid\n",
        "t:3:7: error: the relay cannot tell sound 'liquid' from sound 'costarring' (line 1): "
        "their names have one hash; rename one\n"
        "    3 | sound liquid\n"
        "      |       ^^^^^^\n"
        "t:6:2: error: 'announce' needs 'cause': the refusal behind it\n"
        "    6 |  default via x announce liquid\n"
        "      |  ^^^^^^^\n",
    };

    (void)state;
    check_golden(&g);
}

static void values_out_of_form_or_bounds_are_marked(void **state)
{
    static const struct golden g = {
        "global\n limit 5 calls\n workers 0\n"
        "trunk a\n trying-timeout 3\n ring-timeout 90m\n limit out 8calls 9calls\n"
        " options every 30s down-after\n advance 503 q850 200\n dscp media af44\n"
        " accept 10.0.0.1/8\n",
        "t:2:8: error: '5' is not a limit: write 800calls, 40cps or burst 8\n"
        "    2 |  limit 5 calls\n"
        "      |        ^\n"
        "t:3:10: error: '0' is not a number from 1 to 64\n"
        "    3 |  workers 0\n"
        "      |          ^\n"
        "t:5:17: error: '3' is not a duration: a number and ms, s, m, h or d, as 30s\n"
        "    5 |  trying-timeout 3\n"
        "      |                 ^\n"
        "t:6:15: error: '90m' is outside 1s to 10m\n"
        "    6 |  ring-timeout 90m\n"
        "      |               ^^^\n"
        "t:7:19: error: second value of the same unit\n"
        "    7 |  limit out 8calls 9calls\n"
        "      |                   ^^^^^^\n"
        "t:8:30: error: number missing: options off | every DURATION [down-after N] [up-after N]\n"
        "    8 |  options every 30s down-after\n"
        "      |                              ^\n"
        "t:9:19: error: '200' is not a number from 1 to 127\n"
        "    9 |  advance 503 q850 200\n"
        "      |                   ^^^\n"
        "t:10:13: error: 'af44' is not a DSCP: 0 to 63, ef, be, cs0-cs7 or af11-af43\n"
        "   10 |  dscp media af44\n"
        "      |             ^^^^\n"
        "t:11:9: error: '10.0.0.1/8' is not a network, as 203.0.113.16/28 (host bits zero)\n"
        "   11 |  accept 10.0.0.1/8\n"
        "      |         ^^^^^^^^^^\n",
    };

    (void)state;
    check_golden(&g);
}

static void limits_beyond_ports_or_descriptors_say_what_can_be_carried(void **state)
{
    static const struct golden g[] = {
        {"global\n limit 600calls\n" CONFIG_REALM CONFIG_LISTEN
         "media rtp\n realm lan\n ports 10000-11999\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
         "t:2:8: error: 600calls need 1200 port pairs; the media ports carry 500calls\n"
         "    2 |  limit 600calls\n"
         "      |        ^^^^^^^^\n"},
        {"global\n limit 5000calls 9cps\n" CONFIG_NET
         " path sockets\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
         "t:2:8: error: 5000calls need 20000 descriptors of tandem-media, which may open 20000: "
         "with path sockets it carries 4984calls; fewer calls with media are allowed by a limit in "
         "section 'media'\n"
         "    2 |  limit 5000calls 9cps\n"
         "      |        ^^^^^^^^^\n"},
        {"global\n limit 5000calls 9cps\n" CONFIG_BASE,
         "t:2:8: warning: 5000calls need BPF: by sockets alone they take 20000 descriptors of "
         "tandem-media, which may open 20000, and calls beyond 4984 would get 503\n"
         "    2 |  limit 5000calls 9cps\n"
         "      |        ^^^^^^^^^\n"},
        {CONFIG_NET " limit 4985calls\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
         "t:9:8: warning: 4985calls need BPF: by sockets alone they take 19940 descriptors of "
         "tandem-media, which may open 20000, and calls beyond 4984 would get 503\n"
         "    9 |  limit 4985calls\n"
         "      |        ^^^^^^^^^\n"},
        {CONFIG_REALM CONFIG_LISTEN
         "media rtp\n realm lan\n ports 10000-11999\n limit 501calls\n" CONFIG_IN CONFIG_OUT
             CONFIG_ROUTE,
         "t:9:8: error: 501calls need 1002 port pairs; the ports of media 'rtp' carry 500calls\n"
         "    9 |  limit 501calls\n"
         "      |        ^^^^^^^^\n"},
        {CONFIG_NET " limit 4985calls\n path sockets\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
         "t:9:8: error: 4985calls need 19940 descriptors of tandem-media, which may open 20000: "
         "4984calls are left for media 'rtp' with path sockets\n"
         "    9 |  limit 4985calls\n"
         "      |        ^^^^^^^^^\n"},
        {CONFIG_REALM CONFIG_LISTEN
         "media rtp\n realm lan\n ports 40000-41999\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
         "t:8:8: warning: ports of media 'rtp' overlap the kernel's ephemeral range 32768-60999: "
         "another program can take one; move them, or list them in "
         "net.ipv4.ip_local_reserved_ports\n"
         "    8 |  ports 40000-41999\n"
         "      |        ^^^^^^^^^^^\n"},
        {CONFIG_REALM CONFIG_LISTEN
         "media rtp\n realm lan\n ports 10001-11999\n ports priority 900-999\n",
         "t:8:8: error: a port range begins with an even port: RTP even, RTCP odd\n"
         "    8 |  ports 10001-11999\n"
         "      |        ^^^^^^^^^^^\n"
         "t:9:17: error: ports below 1024 need a privilege that the relay does not have\n"
         "    9 |  ports priority 900-999\n"
         "      |                 ^^^^^^^\n"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(g) / sizeof(g[0]); i++)
        check_golden(&g[i]);
}

static void a_written_media_limit_allows_more_calls_without_media(void **state)
{
    static const struct golden g = {"global\n limit 20000calls\n" CONFIG_NET
                                    " limit 4000calls\n" CONFIG_IN CONFIG_OUT CONFIG_ROUTE,
                                    ""};

    (void)state;
    check_golden(&g);
}

#define TWO_ON_ONE(match_a, match_b)                                        \
    CONFIG_NET CONFIG_OUT CONFIG_ROUTE                                      \
        "trunk a\n listen sip\n accept 198.51.100.1\n routes all\n" match_a \
        "trunk b\n listen sip\n accept 198.51.100.0/25 198.51.100.1\n routes all\n" match_b

static void a_source_that_could_be_two_trunks_is_refused(void **state)
{
    static const struct golden g[] = {
        {TWO_ON_ONE("", ""),
         "t:20:25: error: source is that of trunk 'a' too (t:16), and no 'match' tells them apart\n"
         "   20 |  accept 198.51.100.0/25 198.51.100.1\n"
         "      |                         ^^^^^^^^^^^^\n"},
        {TWO_ON_ONE("", " match tgrp x\n"),
         "t:22:13: error: never reached: trunk 'a' (t:14) has the same source and no 'match'; it "
         "must be written behind this one\n"
         "   22 |  match tgrp x\n"
         "      |             ^\n"},
        {TWO_ON_ONE(" match tech-prefix 77\n", " match tech-prefix 771\n"),
         "t:23:20: error: never reached: trunk 'a' has the same source and matches first (t:18)\n"
         "   23 |  match tech-prefix 771\n"
         "      |                    ^^^\n"},
        {TWO_ON_ONE(" match header X-A 1\n", " match header x-a 1\n"),
         "t:23:15: error: never reached: trunk 'a' has the same source and matches first (t:18)\n"
         "   23 |  match header x-a 1\n"
         "      |               ^^^\n"},
        {TWO_ON_ONE(" match to-domain a.example\n", " match from-domain a.example\n"), ""},
        {TWO_ON_ONE(" match tgrp x\n", ""), ""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(g) / sizeof(g[0]); i++)
        check_golden(&g[i]);
}

/* One line each is enough to see that the check is there; the text is a part of the message. */
static const struct golden faults[] = {
    {" node x\n", "line belongs to no section"},
    {"global\nglobal\n", "second section 'global'; the first is at t:1"},
    {"global x\n", "nothing may follow here, found 'x'"},
    {CONFIG_BASE "group a\n member t\n limit in 1calls\ngroup b\n member t\n limit out 1cps\n"
                 "group c\n member t\n limit in 1calls\ngroup d\n member t\n limit in 1calls\n"
                 "group e\n member t\ngroup f\n member t\n limit in 1calls\n"
                 "trunk t\n listen sip\n peer 192.0.2.9 udp\n",
     "trunk 't' is in more than 4 groups with a limit"},
    {"global\n node a b\n", "one value too many: node NAME"},
    {"global\n node\n", "value missing: node NAME"},
    {"global\n node \"a b\"\n", "'a b' is not a name"},
    {"global\n run-dir run\n", "a path begins with '/'"},
    {"global\n emergency 9x\n", "'9x' is not a number"},
    {"global\n include x\n", "a text from memory includes nothing"},
    {"global\n limit burst 3\n", "burst needs a rate"},
    {"global\n limit 0calls\n", "'0calls' is outside 1 to 1000000"},
    {"global\n workers 2\n workers 3\n", "'workers' is already set in this section"},
    {"global\n trace x\n", "keyword 'trace' is not served by this version"},
    {"global\n node \"abc\n", "quote without its end on this line"},
    {"global\n node a\"b\n", "a quote may only begin a value"},
    {"global\n node \"a\"b\n", "a space must follow a closing quote"},
    {"global\n node a\001\n", "control character"},
    {"global\n  realm x\n", "section 'realm' must begin in the first column"},
    {"realm\n", "'realm' needs a name"},
    {"realm -x\n", "a name has 1 to 63 letters"},
    {"realm x\n", "realm 'x' has no address"},
    {"realm x\n address 0.0.0.0\n", "0.0.0.0 cannot be an address of realm 'x'"},
    {"realm x\n address 224.0.0.1\n", "224.0.0.1 cannot be an address of realm 'x'"},
    {"realm x\n address 1.1.1.1 1.1.1.1\n", "1.1.1.1 is written twice in realm 'x'"},
    {"realm x\n address a.b\n", "'a.b' is not an IP address"},
    {"realm x\n device abcdefghijklmnop\n", "an interface name has 1 to 15 bytes"},
    {"realm x\n advertise 1.1.1.1 2.2.2.2\n", "a realm advertises one IPv4 and one IPv6"},
    {"realm x\n address 1.1.1.1\nrealm y\n address 1.1.1.1\n",
     "1.1.1.1 belongs already to realm 'x'"},
    {"realm x\n address 1.1.1.1\nrealm x\n address 1.1.1.2\n",
     "second name 'x': realm 'x' is at t:1"},
    {"listen x\n", "listen 'x' names no realm"},
    {CONFIG_REALM "listen x\n realm lan\n", "listen 'x' has no udp, tcp or tls address"},
    {CONFIG_REALM "listen x\n realm lan\n udp 192.0.2.1\n", "'192.0.2.1' is not IP:PORT"},
    {CONFIG_REALM "listen x\n realm lan\n udp 192.0.2.9:5060\n",
     "192.0.2.9 is not an address of realm 'lan'"},
    {CONFIG_NET "listen y\n realm lan\n udp 192.0.2.1:5060\n",
     "address and port are those of listen 'sip' already"},
    {CONFIG_NET "listen y\n realm lan\n udp 192.0.2.1:10001\n", "port 10001 is one of media 'rtp'"},
    {"media x\n", "media 'x' names no realm"},
    {CONFIG_REALM "media x\n realm lan\n", "media 'x' has no ports"},
    {CONFIG_REALM "media x\n realm lan\n ports 10000-19999\n ports priority 19998-20001\n",
     "ports and ports priority of media 'x' overlap"},
    {CONFIG_REALM "media x\n realm lan\n ports 20000-10000\n", "is not a port range"},
    {CONFIG_REALM "media x\n realm lan\n ports 10000-10001\n", "media 'x' carries no call"},
    {CONFIG_REALM "media x\n realm lan\n ports wide 1-2\n", "one value too many: ports LO-HI"},
    {CONFIG_NET "media y\n realm lan\n ports 20000-20999\n",
     "ports overlap those of media 'rtp' on one address"},
    {CONFIG_NET "media y\n realm lan\n address 192.0.2.7\n ports 30000-30999\n",
     "192.0.2.7 is not an address of realm 'lan'"},
    {"trunk x\n", "trunk 'x' names no listen"},
    {CONFIG_REALM CONFIG_LISTEN CONFIG_OUT, "trunk 'out' has no media: add a section 'media'"},
    {CONFIG_NET "media y\n realm lan\n ports 30000-30999\n" CONFIG_OUT,
     "trunk 'out' must name its media"},
    {CONFIG_NET "trunk x\n listen sip\n", "trunk 'x' has neither peer nor accept"},
    {CONFIG_NET "trunk x\n listen sip sip\n accept 1.1.1.1\n", "listen 'sip' is written twice"},
    {CONFIG_REALM "listen v4\n realm lan\n udp 192.0.2.1:5060\n" CONFIG_MEDIA
                  "trunk x\n listen v4\n peer [2001:db8::9]:5060 udp\n",
     "no listen of trunk 'x' has an IPv6 address for udp"},
    {CONFIG_NET "trunk x\n listen sip\n peer 1.1.1.1 udp\n peer 1.1.1.1:5060 udp\n",
     "peer is written twice in trunk 'x'"},
    {"trunk x\n peer 1.1.1.1\n", "transport missing"},
    {"trunk x\n peer\n", "value missing: peer IP[:PORT]|NAME[:PORT] udp|tcp|tls"},
    {"trunk x\n peer 1.1.1.1 sctp\n", "'sctp' is not one of: udp, tcp, tls"},
    {"trunk x\n peer 1.1.1.1 udp weight 0\n", "'0' is not a number from 1 to 65535"},
    {"trunk x\n peer 1.1.1.1 udp wait 3\n", "'wait' is not one of: priority, weight"},
    {"trunk x\n peer 1.1.1.1 udp weight\n", "number missing"},
    {"trunk x\n peer 1.1.1.1:99999 udp\n", "is not IP, IP:PORT, [IPv6]:PORT, NAME or NAME:PORT"},
    {"trunk x\n from nobody\n", "no profile 'nobody'"},
    {"profile x\n from y\nprofile y\n", "a profile inherits from nothing"},
    {"trunk x\n match\n", "after 'match' comes one of: tech-prefix, ruri-domain"},
    {"trunk x\n match tgrpp y\n", "did you mean 'tgrp'?"},
    {"trunk x\n match tech-prefix 7a\n", "'7a' is not a prefix of digits"},
    {"trunk x\n match header X\n", "value missing: match header NAME VALUE"},
    {"trunk x\n advance 200\n", "'200' is not a code"},
    {"trunk x\n advance q850\n", "cause missing"},
    {"trunk x\n advance 503\n stop 503\n", "a code is both in 'advance' and in 'stop'"},
    {"profile x\n advance 5xx\n stop 5xx\n", "a code is both in 'advance' and in 'stop'"},
    {"trunk x\n latch learn\n", "'learn' is not one of: learn-once, sdp-only, follow"},
    {"trunk x\n max-duration 0s\n", "'0s' is outside 1s to 7d"},
    {"trunk x\n stir sign\n", "keyword 'stir' is not served by this version"},
    {"trunk x\n send a b c d e f g h i\n", "one value too many: send NAME..."},
    {CONFIG_NET "numbers n direction out\n +. -> keep\n"
                "trunk x\n listen sip\n accept 1.1.1.1\n numbers n\n",
     "numbers 'n' has direction out: it belongs behind 'send'"},
    {CONFIG_NET "numbers n\n +. -> keep\ntrunk x\n listen sip\n accept 1.1.1.1\n send n\n",
     "numbers 'n' is inbound: 'send' needs 'direction out'"},
    {"group g\n", "group 'g' has no member"},
    {"trunk g\n listen x\ngroup g\n member g\n", "second name 'g': trunk 'g' is at t:1"},
    {CONFIG_NET CONFIG_IN CONFIG_ROUTE "group out\n member in\n",
     "trunk 'in' has no peer: nothing can be sent to it"},
    {CONFIG_NET CONFIG_IN "route all\n default via in\n", "trunk 'in' has no peer"},
    {"numbers n\n", "numbers 'n' has no rule"},
    {"numbers n direction up\n", "'up' is not one of: out, in"},
    {"numbers n direction\n", "in or out missing"},
    {"numbers n\n 1\n", "'->' missing"},
    {"numbers n\n 1 => 2\n", "expected '->', found '=>'"},
    {"numbers n\n 1 ->\n", "result missing"},
    {"numbers n\n 12 -> {2-}\n", "nothing is left of '12' after its first 2"},
    {"numbers n\n 12 -> a\n", "a result is 'keep', or made of digits"},
    {"numbers n\n 12 -> 1+\n", "a result is 'keep', or made of digits"},
    {"numbers n\n 12 -> {1-\n", "a result is 'keep', or made of digits"},
    {"numbers n\n 1.2 -> keep\n", "'.' and '*' may only stand last"},
    {"numbers n\n 1+ -> keep\n", "'+' may only stand first"},
    {"numbers n\n [5-2] -> keep\n", "a set is written [2-5]"},
    {"route r\n", "route 'r' has no line"},
    {"route r\n prefix via x\n", "'via' is not a prefix"},
    {"route r\n prefix 1x via x\n", "'1x' is not a prefix"},
    {"route r\n prefix 1 2\n", "what becomes of the call is missing"},
    {"route r\n prefix 1 to x\n", "'to' is neither a prefix, 'via', 'lcr' nor 'cause'"},
    {"route r\n prefix 1 via x max 0 attempts\n", "'0' is not a number from 1 to 32"},
    {"route r\n prefix 1 via x max 2 tries\n", "expected 'attempts', found 'tries'"},
    {"route r\n prefix 1 via x then\n", "trunk or group missing"},
    {"route r\n emergency cause 404\n", "an emergency line has no cause"},
    {"route r\n default cause 399\n", "'399' is not a number from 400 to 699"},
    {"route r\n default cause 404 Gone\n", "a reason phrase is written in quotes"},
    {"route r\n prefix 1 cause 404\n prefix 2 1 cause 404\n", "prefix '1' is in line 2 already"},
    {CONFIG_NET CONFIG_IN CONFIG_OUT "route all\n default via out then out\n",
     "'out' is in this line already"},
    {"cdr c\n", "cdr 'c' has no file"},
    {"cdr c\n file x\n", "a path begins with '/'"},
    {"cdr c\n file /x/%p\n", "only %Y %m %d %H"},
    {"cdr c\n file /x rotate 1s\n", "'1s' is outside 1m to 7d"},
    {"cdr c\n file /x size 1kB\n", "'1kB' is not a size from 1MB"},
    {"cdr c\n file /x format csv\n", "nothing may follow here, found 'format'"},
    {"cdr c\n file /x\ncdr d\n file /x\n", "cdr 'd' writes the file of cdr 'c'"},
    {"cdr c\n fields standard\n", "keyword 'fields' is not served by this version"},
};

static void every_fault_is_an_error_and_says_so(void **state)
{
    char *messages;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
        struct conf *conf = config_load(faults[i].text, &messages);

        assert_null(conf);
        if (!strstr(messages, faults[i].says))
            fail_msg("\"%s\" gives:\n%s\nnot \"%s\"", faults[i].text, messages, faults[i].says);
        free(messages);
    }
}

static void unused_objects_are_warnings_only(void **state)
{
    char *messages;
    /* The second trunk `out` is an error: then nothing is said of unused ones. */
    struct conf *conf = config_load(CONFIG_BASE "customer c\n" CONFIG_OUT, &messages);

    (void)state;
    assert_null(conf);
    assert_null(strstr(messages, "not used"));
    free(messages);
    conf = config_load(CONFIG_BASE "customer c\nprofile p\nroute r\n default via out\n"
                                   "trunk idle\n listen sip\n accept 198.18.0.1\n",
                       &messages);
    assert_non_null(conf);
    assert_string_equal(messages, "t:18:10: warning: customer 'c' is not used\n"
                                  "   18 | customer c\n"
                                  "      |          ^\n"
                                  "t:19:9: warning: profile 'p' is not used\n"
                                  "   19 | profile p\n"
                                  "      |         ^\n"
                                  "t:20:7: warning: route 'r' is not used\n"
                                  "   20 | route r\n"
                                  "      |       ^\n"
                                  "t:22:7: warning: trunk 'idle' is not used: no route leads to it "
                                  "and it has no routes\n"
                                  "   22 | trunk idle\n"
                                  "      |       ^^^^\n");
    free(messages);
    conf_free(conf);
}

static void a_rule_that_is_never_reached_is_a_warning(void **state)
{
    char *messages;
    struct conf *conf =
        config_load(CONFIG_BASE "numbers n\n NXX. -> keep\n 2125. -> keep\n 1. -> keep\n"
                                "trunk x\n listen sip\n accept 198.18.0.1\n routes all\n"
                                " numbers n\n",
                    &messages);

    (void)state;
    assert_non_null(conf);
    assert_string_equal(messages, "t:20:2: warning: rule is never reached: 'NXX.' in line 19 takes "
                                  "all of its numbers\n"
                                  "   20 |  2125. -> keep\n"
                                  "      |  ^^^^^\n");
    free(messages);
    conf_free(conf);
}

static void tabs_and_utf8_keep_the_caret_in_its_place(void **state)
{
    /* Bytes are counted: the u umlaut is two. The caret counts what a terminal shows. */
    static const struct golden g = {"trunk a\n\tabout \"M\xc3\xbcller\" x\n",
                                    "t:2:18: error: one value too many: about \"TEXT\"\n"
                                    "    2 |  about \"M\xc3\xbcller\" x\n"
                                    "      |                 ^\n"};

    (void)state;
    check_golden(&g);
}

static void a_hundred_messages_are_kept_and_the_rest_counted(void **state)
{
    struct conf_errors errs;
    char *text = calloc(250, 8), *printed;
    size_t i, size;
    FILE *out;

    (void)state;
    for (i = 0; i < 250; i++)
        memcpy(text + i * 6, "bogus\n", 6);
    assert_null(conf_load_text("t", text, 250 * 6, &config_env, &errs));
    assert_int_equal(errs.n, CONF_ERRORS_MAX);
    assert_int_equal(errs.errors, 250);
    out = open_memstream(&printed, &size);
    conf_print_errors(out, &errs);
    fclose(out);
    assert_non_null(strstr(printed, "\nand 150 more\n"));
    free(printed);
    free(text);
    conf_errors_fini(&errs);
}

static void a_file_that_cannot_be_read_is_told_without_a_line(void **state)
{
    struct conf_errors errs;
    char *printed;
    size_t size;
    FILE *out = open_memstream(&printed, &size);

    (void)state;
    assert_null(conf_load("/nonexistent/tandem.conf", &config_env, &errs));
    conf_print_errors(out, &errs);
    fclose(out);
    assert_string_equal(printed, "/nonexistent/tandem.conf: error: No such file or directory\n");
    free(printed);
    conf_errors_fini(&errs);
}

static void a_nul_byte_is_a_control_character_like_others(void **state)
{
    static const char text[] = "global\n node a\0b\n";
    struct conf_errors errs;

    (void)state;
    assert_null(conf_load_text("t", text, sizeof(text) - 1, &config_env, &errs));
    assert_int_equal(errs.n, 1);
    assert_string_equal(errs.v[0].text, "control character");
    assert_string_equal(errs.v[0].source, " node a?b");
    assert_int_equal(errs.v[0].col, 8);
    conf_errors_fini(&errs);
}

static void a_media_section_with_a_priority_range_alone_is_told_at_its_name(void **state)
{
    static const struct golden g = {
        CONFIG_NET "media y\n realm lan\n ports priority 29998-30001\n",
        "t:9:7: error: media 'y' has no ports\n"
        "    9 | media y\n"
        "      |       ^\n"
        "t:9:7: error: ports overlap those of media 'rtp' on one address\n"
        "    9 | media y\n"
        "      |       ^\n"};

    (void)state;
    check_golden(&g);
}

/* ---- what holds for every message ---- */

static void check_messages(const struct conf_errors *errs)
{
    uint32_t i;

    for (i = 0; i < errs->n; i++) {
        const struct conf_error *e = &errs->v[i];
        size_t len = strlen(e->source);

        assert_true(e->line > 0);
        assert_true(e->col >= 1 && e->col <= len + 1);
        assert_true(e->width >= 1);
        assert_true(e->col - 1 + e->width <= (len > e->col - 1 ? len : e->col));
        assert_true(e->text[0] && !strchr(e->text, '\n'));
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13; /* Marsaglia's xorshift: fixed seed, same garbage everywhere */
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void load_and_check(const char *text, size_t len)
{
    struct conf_errors errs;
    struct conf *conf = conf_load_text("t", text, len, &config_env, &errs);

    check_messages(&errs);
    assert_int_equal(conf == NULL, errs.errors > 0);
    conf_free(conf);
    conf_errors_fini(&errs);
}

static void garbage_gives_messages_inside_their_lines(void **state)
{
    static const char alphabet[] = "\n\n\n  \t\"#-+.:/[]{}*0159aX%\x80\x01";
    uint32_t seed = 20261122;
    char text[600];
    size_t i, round;

    (void)state;
    for (round = 0; round < 2000; round++) {
        for (i = 0; i < sizeof(text); i++)
            text[i] = alphabet[next_random(&seed) % (sizeof(alphabet) - 1)];
        load_and_check(text, sizeof(text));
    }
}

static const char whole[] =
    "global\n node n1\n limit 100calls 10cps burst 5\n emergency 911\n" CONFIG_NET
    "profile p\n listen sip\n options every 10s down-after 2 up-after 1\n advance 503 q850 34\n"
    "customer c\n account 1\n limit in 5calls\n" CONFIG_OUT
    "trunk in\n from p\n customer c\n accept 198.51.100.0/24 198.18.0.0/15:5060\n"
    " match header X-A \"b c\"\n match tgrp x\n numbers n\n send o\n routes all\n latch follow\n"
    " dscp media ef\n limit in 5calls 2cps\n"
    " tls-name a.b\n tcp-above 1300bytes\n 100rel off\n session-timer 30m min 2m refresher us\n"
    " offer early\n codec pcma telephone-event\n redirect pass\n refer consume\n pass INFO\n"
    " trust no\n identity pai from privacy ignore diversion history-info\n diversions max 4\n"
    " uri phone\n tgrp a context b.c\n number-params drop\n bodies sdp\n"
    " header in drop X-*\n header out set X-A \"{called} {node}\"\n header in rename X-B X-C\n"
    " registrar expires 60s-1h\n register sip:a.b aor c every 1h gin\n"
    " peer a.b:5060 udp\n peer _sip._udp.a.b srv udp\n peer a.b auto\n peer registered\n"
    "group g\n member out\n"
    "numbers n\n 911 -> keep class emergency\n N11 -> keep\n [2-5]XX. -> +1{*}\n"
    "numbers o direction out\n +. -> 00{1-}\n"
    "route all\n emergency via out\n prefix +1 +44 via g then out max 2 attempts\n"
    " prefix +7 cause 403 \"No\"\n default cause 404\n"
    " lnp dip l timeout 90ms on-fail reject\n allow caller prefix +1212\n"
    " block prefix-file b.txt cause 603 \"No\"\n"
    " prefix +1 when not h from c in caller +1 lcr d order cost pdd max-cost 0.02 margin 5% "
    "min-asr 30% min-acd 1m max-pdd 6s sample 20 max 1 attempts within 15s then g\n"
    "zone z\n caller +43\ncalendar h\n timezone Europe/Berlin\n open mon-fri 08:00-18:00\n"
    " holiday 12-25 2026-04-05\nlnp l\n enum e164.arpa\n server 192.0.2.53\n cache 1m\n"
    "ratedeck d trunk out\n file d.csv\n columns prefix rate zone:z effective -\n only +1\n"
    " currency EUR\n priority 3\n strict off\n"
    "test \"t\"\n assume down out\n call from in called 1\n expect first out\n"
    "cdr m\n file /x/%Y rotate 1h size 10MB\n format csv\n interim off\n";

static void a_right_configuration_with_bytes_changed_never_breaks(void **state)
{
    uint32_t seed = 911;
    char text[sizeof(whole)];
    size_t round, n, at;

    (void)state;
    load_and_check(whole, sizeof(whole) - 1);
    for (round = 0; round < 3000; round++) {
        memcpy(text, whole, sizeof(whole));
        for (n = next_random(&seed) % 6; n > 0; n--) {
            at = next_random(&seed) % (sizeof(whole) - 1);
            text[at] = whole[next_random(&seed) % (sizeof(whole) - 1)];
        }
        load_and_check(text, sizeof(whole) - 1);
    }
}

static void every_beginning_of_a_configuration_is_survived(void **state)
{
    size_t len;

    (void)state;
    for (len = 0; len < sizeof(whole); len++)
        load_and_check(whole, len);
}

static void lines_and_values_beyond_the_bounds_are_refused(void **state)
{
    char *text = malloc(20000);
    size_t i, len;

    (void)state;
    len = (size_t)snprintf(text, 20000, "trunk a\n about \"");
    memset(text + len, 'x', 5000);
    memcpy(text + len + 5000, "\"\n", 2);
    load_and_check(text, len + 5002);
    len = (size_t)snprintf(text, 20000, "trunk a\n listen");
    for (i = 0; i < 200; i++)
        len += (size_t)snprintf(text + len, 20000 - len, " l%zu", i);
    load_and_check(text, len);
    len = (size_t)snprintf(text, 20000, "numbers n\n");
    memset(text + len, ' ', 1);
    memset(text + len + 1, 'X', 40);
    len += 41;
    len += (size_t)snprintf(text + len, 20000 - len, " -> keep\n");
    load_and_check(text, len);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_section_keyword_and_name_are_told_with_what_was_meant),
        cmocka_unit_test(what_this_version_does_not_serve_is_refused_by_name),
        cmocka_unit_test(two_sounds_that_the_relay_cannot_tell_apart_are_refused),
        cmocka_unit_test(values_out_of_form_or_bounds_are_marked),
        cmocka_unit_test(limits_beyond_ports_or_descriptors_say_what_can_be_carried),
        cmocka_unit_test(a_written_media_limit_allows_more_calls_without_media),
        cmocka_unit_test(a_source_that_could_be_two_trunks_is_refused),
        cmocka_unit_test(every_fault_is_an_error_and_says_so),
        cmocka_unit_test(unused_objects_are_warnings_only),
        cmocka_unit_test(a_rule_that_is_never_reached_is_a_warning),
        cmocka_unit_test(tabs_and_utf8_keep_the_caret_in_its_place),
        cmocka_unit_test(a_hundred_messages_are_kept_and_the_rest_counted),
        cmocka_unit_test(a_file_that_cannot_be_read_is_told_without_a_line),
        cmocka_unit_test(a_nul_byte_is_a_control_character_like_others),
        cmocka_unit_test(a_media_section_with_a_priority_range_alone_is_told_at_its_name),
        cmocka_unit_test(garbage_gives_messages_inside_their_lines),
        cmocka_unit_test(a_right_configuration_with_bytes_changed_never_breaks),
        cmocka_unit_test(every_beginning_of_a_configuration_is_survived),
        cmocka_unit_test(lines_and_values_beyond_the_bounds_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
