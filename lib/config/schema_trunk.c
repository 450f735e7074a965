/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the sections profile and trunk: keywords, bounds, defaults.
 * parse.c runs the tables; link.c lays a trunk over its profile by the same table.
 */
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

static void kw_media(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_trunk *t = p->obj;

    (void)kw;
    (void)field;
    if (args_word(args, "none"))
        t->media_none = true;
    else
        parse_ref(p, args_next(args), &t->media);
}

/* ---- advance and stop ---- */

/* "5xx": its class, or 0. */
static unsigned code_class(struct span s)
{
    if (s.len != 3 || s.p[1] != 'x' || s.p[2] != 'x' || s.p[0] < '3' || s.p[0] > '6')
        return 0;
    return (unsigned)(s.p[0] - '0');
}

bool schema_code(struct parser *p, const struct lex_token *t, bool q850, struct conf_codes *c)
{
    unsigned klass = code_class(t->s);
    uint32_t n;

    if (span_eq(t->s, SPAN("timeout"))) {
        c->timeout = true;
    } else if (klass) {
        c->klass |= (uint8_t)(1U << klass);
    } else if (q850) {
        if (!parse_number(p, t, 1, 127, &n))
            return false;
        c->q850[n / 64] |= UINT64_C(1) << (n % 64);
    } else if (span_u32(t->s, CONF_CODE_MAX, &n) == 0 && n >= CONF_CODE_MIN) {
        n -= CONF_CODE_MIN;
        c->sip[n / 64] |= UINT64_C(1) << (n % 64);
    } else {
        parse_token_error(p, t, "'%.*s' is not a code: 300 to 699, 5xx, timeout, or q850 N...",
                          SPAN_ARG(t->s));
        return false;
    }
    return true;
}

static void kw_codes(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_codes c = {.klass = 0};
    const struct lex_token *t;
    bool q850 = false;

    c.loc = parse_loc(p, &args->tok[0]);
    while ((t = args_next(args))) {
        if (span_eq(t->s, SPAN("q850"))) {
            q850 = true;
            if (!args_need(p, kw, args, "cause"))
                return;
            args->i--;
        } else if (!schema_code(p, t, q850, &c)) {
            return;
        }
    }
    memcpy(field, &c, sizeof(c));
}

static void add_code(struct conf_codes *c, unsigned code)
{
    code -= CONF_CODE_MIN;
    c->sip[code / 64] |= UINT64_C(1) << (code % 64);
}

/* ---- options, latch ---- */

static bool options_value(struct parser *p, const struct keyword *kw, struct args *args,
                          struct conf_options *o)
{
    static const char *const words[] = {"every", "down-after", "up-after", NULL};
    const struct lex_token *t;
    int i = parse_choice(p, args_next(args), words);

    if (i < 0 || !(t = args_need(p, kw, args, i == 0 ? "duration" : "number")))
        return false;
    if (i == 0)
        return parse_duration(p, kw, t, &o->every_ms);
    /* 100: with every 30s, nobody means to wait an hour for a verdict */
    return parse_number(p, t, 1, 100, i == 1 ? &o->down_after : &o->up_after);
}

static void kw_options(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_options o = {.every_ms = 30000, .down_after = 3, .up_after = 2};

    if (args_word(args, "off")) {
        o.every_ms = 0;
    } else {
        while (args->i < args->n) {
            if (!options_value(p, kw, args, &o))
                return;
        }
    }
    memcpy(field, &o, sizeof(o));
}

static void kw_latch(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"learn-once", "sdp-only", "follow", NULL};
    enum conf_latch v;
    int i = parse_choice(p, args_next(args), words);

    (void)kw;
    if (i < 0)
        return;
    v = (enum conf_latch)i;
    memcpy(field, &v, sizeof(v));
}

/* ---- the tables ---- */

#define T(member) FIELD(struct conf_trunk, member)
#define T_MEDIA                                                                   \
    offsetof(struct conf_trunk, media_none), offsetof(struct conf_trunk, media) + \
                                                 sizeof(struct conf_ref) -        \
                                                 offsetof(struct conf_trunk, media_none)
#define T_TGRP                                                                     \
    offsetof(struct conf_trunk, tgrp), offsetof(struct conf_trunk, tgrp_context) + \
                                           sizeof(const char *) -                  \
                                           offsetof(struct conf_trunk, tgrp)
/* Each of the two with its place: a profile may give one, the trunk the other. */
#define T_CALLER_ALLOW                                 \
    offsetof(struct conf_trunk, caller.allow_file),    \
        offsetof(struct conf_trunk, caller.fallback) - \
            offsetof(struct conf_trunk, caller.allow_file)
#define T_DEFAULT_CALLER                          \
    offsetof(struct conf_trunk, caller.fallback), \
        sizeof(struct conf_caller) - offsetof(struct conf_caller, fallback)
#define MATCH(sub, n, syntax, help)                                           \
    {                                                                         \
        "match", sub, kw_match, T(match), n, n, KW_REPEAT, 0, 0, syntax, help \
    }
#define TIMER(word, member, flags, lo, hi, help)                                        \
    {                                                                                   \
        word, NULL, kw_duration, T(member), 1, 1, flags, lo, hi, word " DURATION", help \
    }

/*
 * trying: below 500 ms T1 has not even retransmitted once; over 32 s Timer B is first (RFC 3261 §17.1.1.2).
 * progress, ring, setup: over 10 minutes nobody waits for an answer.
 * max-duration: a week; longer is a leak, not a call. media-inactivity: 5 s is a comfort-noise gap.
 * options: below 1 s probing is a load, over an hour it is no probing.
 * session-timer: 90 s is the least RFC 4028 §5 allows; a day is longer than max-duration of any call that is watched.
 * diversions: a hundred is a loop. register, registrar: below 30 s a REGISTER is a load, beyond a day a lost one is one.
 * breaker: a window below 1 s counts single calls; after an hour nobody knows what the figures were.
 * ptime, maxptime: 5 ms is less than any carrier sends, 200 and 240 ms are the longest of RFC 3551's codecs in use.
 * tcp-above: below 500 a plain INVITE is too large, above 65,507 UDP has no room.
 */
#define TRUNK_TIMERS                                                                               \
    TIMER("trying-timeout", trying_timeout_ms, 0, 500, 32 * SECOND,                                \
          "no response at all: next carrier"),                                                     \
        TIMER("progress-timeout", progress_timeout_ms, 0, SECOND, 10 * MINUTE,                     \
              "100 but no 18x: next carrier"),                                                     \
        TIMER("ring-timeout", ring_timeout_ms, 0, SECOND, 10 * MINUTE,                             \
              "18x but no answer: the attempt ends"),                                              \
        TIMER("setup-timeout", setup_timeout_ms, 0, SECOND, 10 * MINUTE,                           \
              "INVITE to answer, over all attempts"),                                              \
        TIMER("max-duration", max_duration_ms, KW_OFF, SECOND, 168 * HOUR, "of an answered call"), \
        TIMER("media-inactivity", media_inactivity_ms, KW_OFF, 5 * SECOND, 24 * HOUR,              \
              "no RTP from this side for so long ends the call")

#define VMAX CONF_VALUES_MAX

/* `from` is first: link.c takes the other keywords over. A profile has the rest of the same table. */
static const struct keyword trunk_kw[] = {
    {"from", NULL, kw_ref, T(from), 1, 1, 0, 0, 0, "from PROFILE",
     "profile whose keywords it takes over"},
    {"about", NULL, kw_string, T(about), 1, 1, 0, 0, 0, "about \"TEXT\"",
     "for people: shown by tandemctl"},
    {"listen", NULL, kw_refs, T(listen), 1, VMAX, KW_REPEAT, 0, 0, "listen NAME...",
     "where its calls arrive, and from where requests to it leave"},
    {"media", NULL, kw_media, T_MEDIA, 1, 1, 0, 0, 0, "media NAME|none",
     "where its RTP is relayed; none: it goes past the switch"},
    {"peer", NULL, kw_peer, T(peer), 1, 7, KW_REPEAT, 0, 0,
     "peer IP[:PORT]|NAME[:PORT] udp|tcp|tls [priority N] [weight N], peer NAME srv udp|tcp|tls, "
     "peer NAME auto, peer registered",
     "where calls to it are sent"},
    {"accept", NULL, kw_accept, T(accept), 1, VMAX, KW_REPEAT, 0, 0, "accept NETWORK[:PORT]...",
     "sources of its calls beside its peers"},
    MATCH("tech-prefix", 1, "match tech-prefix DIGITS",
          "calls whose Request-URI user begins so are its own"),
    MATCH("ruri-domain", 1, "match ruri-domain DOMAIN",
          "calls with this host in the Request-URI are its own"),
    MATCH("to-domain", 1, "match to-domain DOMAIN", "calls with this host in To are its own"),
    MATCH("from-domain", 1, "match from-domain DOMAIN", "calls with this host in From are its own"),
    MATCH("tgrp", 1, "match tgrp LABEL", "calls of this trunk group are its own (RFC 4904)"),
    MATCH("header", 2, "match header NAME VALUE", "calls with this header and value are its own"),
    {"limit", "in", kw_limit, T(limit_in), 1, 4, 0, 0, 0, "limit in Ncalls Ncps [burst N]",
     "calls from it"},
    {"limit", "out", kw_limit, T(limit_out), 1, 4, 0, 0, 0, "limit out Ncalls Ncps [burst N]",
     "calls to it; a full trunk is passed over"},
    {"breaker", NULL, kw_breaker, T(breaker), 1, 8, 0, SECOND, HOUR,
     "breaker off | trip N% of N in DURATION [retry DURATION]",
     "passed over for a while when so many of its last attempts failed"},
    {"options", NULL, kw_options, T(options), 1, 6, 0, SECOND, HOUR,
     "options off | every DURATION [down-after N] [up-after N]",
     "probes by OPTIONS that tell whether it is up"},
    TRUNK_TIMERS,
    {"advance", NULL, kw_codes, T(advance), 1, VMAX, 0, 0, 0, "advance CODE... [q850 N...]",
     "outcomes after which the next carrier is tried"},
    {"stop", NULL, kw_codes, T(stop), 1, VMAX, 0, 0, 0, "stop CODE... [q850 N...]",
     "outcomes after which it is not"},
    {"numbers", NULL, kw_ref, T(numbers), 1, 1, 0, 0, 0, "numbers NAME",
     "translation of the called number of calls from it"},
    {"numbers", "caller", kw_ref, T(numbers_caller), 1, 1, 0, 0, 0, "numbers caller NAME",
     "translation of the calling number of calls from it"},
    {"numbers", "redirecting", kw_ref, T(numbers_redirecting), 1, 1, 0, 0, 0,
     "numbers redirecting NAME", "translation of the diverting numbers of calls from it"},
    {"send", NULL, kw_refs, T(send), 1, 8, KW_REPEAT, 0, 0, "send NAME...",
     "translations of the called number of calls to it, one after the other"},
    {"send", "caller", kw_refs, T(send_caller), 1, 8, KW_REPEAT, 0, 0, "send caller NAME...",
     "translations of the calling number of calls to it"},
    {"send", "redirecting", kw_refs, T(send_redirecting), 1, 8, KW_REPEAT, 0, 0,
     "send redirecting NAME...", "translations of the diverting numbers of calls to it"},
    {"caller-allow", NULL, kw_caller_allow, T_CALLER_ALLOW, 1, 1, 0, 0, 0, "caller-allow PATH",
     "file of the numbers that it may show as its own"},
    {"default-caller", NULL, kw_default_caller, T_DEFAULT_CALLER, 1, 1, 0, 0, 0,
     "default-caller NUMBER", "shown instead of a calling number that is not allowed"},
    {"routes", NULL, kw_ref, T(routes), 1, 1, 0, 0, 0, "routes NAME",
     "the route of calls from it; none: they are refused"},
    {"customer", NULL, kw_ref, T(customer), 1, 1, 0, 0, 0, "customer NAME",
     "whose it is: limits, routes and account over several trunks"},
    {"sell-deck", NULL, kw_ref, T(sell_deck), 1, 1, 0, 0, 0, "sell-deck NAME",
     "the ratedeck of what its calls pay, for margin and records"},
    {"ringback", NULL, kw_ringback, T(ringback), 1, 3, 0, 0, 0, "ringback SOUND [when none|always]",
     "what its callers hear while it rings"},
    {"announce", NULL, kw_announce, T(announce), 2, VMAX, KW_REPEAT, 0, 0,
     "announce CODE... [q850 N...] SOUND", "what its callers hear before they are refused"},
    {"hold-music", NULL, kw_ref, T(hold_music), 1, 1, 0, 0, 0, "hold-music SOUND",
     "what its parties hear while the other side holds them"},
    {"dtmf", NULL, kw_dtmf, T(dtmf), 1, 1, 0, 0, 0, "dtmf pass|rfc4733|info|both",
     "how digits come from it and go to it"},
    {"latch", NULL, kw_latch, T(latch), 1, 1, 0, 0, 0, "latch learn-once|sdp-only|follow",
     "where RTP is sent: learnt once, by SDP alone, or followed"},
    {"dscp", "media", kw_dscp, T(dscp_media), 1, 1, 0, 0, 0, "dscp media VALUE",
     "mark of RTP to it"},
    {"tls-name", NULL, kw_tls_name, T(tls_name), 1, 16, KW_REPEAT, 0, 0, "tls-name NAME...",
     "names that the certificate of its peers may have"},
    {"tcp-above", NULL, kw_tcp_above, T(tcp_above), 1, 1, 0, 500, 65507, "tcp-above Nbytes|off",
     "larger requests to a UDP peer go by TCP"},
    {"100rel", NULL, kw_rel100, T(rel100), 1, 1, 0, 0, 0, "100rel supported|off|required",
     "reliable provisional responses with it (RFC 3262)"},
    {"session-timer", NULL, kw_session_timer, T(timer), 1, 5, 0, 90 * SECOND, 24 * HOUR,
     "session-timer off | DURATION [min DURATION] [refresher any|us|them]",
     "session timers with it (RFC 4028)"},
    {"offer", NULL, kw_offer, T(offer), 1, 1, 0, 0, 0, "offer keep|early|delayed",
     "whether INVITEs to it bear an offer"},
    {"codec", NULL, kw_codec, T(codec), 1, 4, 0, 0, 0, "codec pcmu|pcma|g729|telephone-event...",
     "codecs of offers that we make"},
    {"codecs", "allow", kw_codecs, T(codecs_allow), 1, CONF_CODECS, 0, 0, 0, "codecs allow NAME...",
     "codecs that cross to and from it"},
    {"codecs", "deny", kw_codecs, T(codecs_deny), 1, CONF_CODECS, 0, 0, 0, "codecs deny NAME...",
     "codecs that do not"},
    {"codecs", "order", kw_codecs, T(codecs_order), 1, CONF_CODECS, 0, 0, 0, "codecs order NAME...",
     "codecs that come first in offers to it"},
    {"ptime", NULL, kw_packet_time, T(ptime_ms), 1, 1, 0, 5, 200, "ptime MS|off",
     "packet time asked of it"},
    {"maxptime", NULL, kw_packet_time, T(maxptime_ms), 1, 1, 0, 5, 240, "maxptime MS|off",
     "longest packets that it may send"},
    {"video", NULL, kw_video, T(video_refuse), 1, 1, 0, 0, 0, "video pass|refuse",
     "whether video crosses to and from it"},
    {"bypass", NULL, kw_bypass, T(bypass), 1, VMAX, 0, 0, 0, "bypass TRUNK|GROUP...",
     "calls with these go around the relay where they can"},
    {"srtp", NULL, kw_srtp, T(srtp), 1, 5, 0, 0, 0, "srtp off | optional|required [SUITE...]",
     "SRTP with it, keys in SDP (RFC 4568)"},
    {"rtcp-mux", NULL, kw_mux, T(rtcp_mux), 1, 1, 0, 0, 0, "rtcp-mux off|accept|offer",
     "RTCP on the port of RTP (RFC 5761)"},
    {"ice", NULL, kw_ice, T(ice), 1, 1, 0, 0, 0, "ice strip|lite",
     "its checks are answered (ICE-lite, RFC 8445), or nothing is said of ICE"},
    {"redirect", NULL, kw_redirect, T(redirect), 1, 1, 0, 0, 0, "redirect reject|follow|pass",
     "what a 3xx from it does"},
    {"refer", NULL, kw_refer, T(refer), 1, 1, 0, 0, 0, "refer reject|pass|consume",
     "what a REFER from it does"},
    {"pass", NULL, kw_pass, T(pass), 1, 4, 0, 0, 0, "pass INFO|MESSAGE|NOTIFY|OPTIONS... | none",
     "methods inside a call that are carried across"},
    {"trust", NULL, kw_trust, T(untrusted), 1, 1, 0, 0, 0, "trust yes|no",
     "whether it is inside the trust domain (RFC 3324)"},
    {"identity", NULL, kw_identity, T(identity), 2, 6, 0, 0, 0,
     "identity [pai keep|drop|from] [privacy honour|ignore] "
     "[diversion keep|drop|diversion|history-info]",
     "P-Asserted-Identity, privacy and diversions with it"},
    {"diversions", "max", kw_diversions, T(diversions_max), 1, 1, 0, 1, 100, "diversions max N|off",
     "a call diverted more often is refused 482"},
    {"uri", NULL, kw_uri, T(uri), 1, 1, 0, 0, 0, "uri sip|phone|tel",
     "form of numbers towards it: sip, sip with user=phone, tel"},
    {"tgrp", NULL, kw_tgrp, T_TGRP, 1, 3, 0, 0, 0, "tgrp LABEL [context DOMAIN]",
     "trunk group put on Contact and Request-URI (RFC 4904)"},
    {"number-params", NULL, kw_number_params, T(number_params_drop), 1, 1, 0, 0, 0,
     "number-params keep|drop", "rn, npdi, cic of the called number are kept or dropped"},
    {"bodies", NULL, kw_bodies, T(bodies_sdp_only), 1, 1, 0, 0, 0, "bodies all|sdp",
     "whether other parts than SDP of a body cross to it"},
    {"header", "in", kw_header, T(header), 2, 3, KW_REPEAT, 0, 0,
     "header in set|add NAME VALUE, header in drop|pass NAME, header in rename NAME NEW",
     "rule on headers of messages from it, before all else"},
    {"header", "out", kw_header, T(header), 2, 3, KW_REPEAT, 0, 0,
     "header out set|add NAME VALUE, header out drop|pass NAME, header out rename NAME NEW",
     "rule on headers of messages to it, after all else"},
    {"auth", NULL, kw_auth, T(auth), 2, 4, 0, 0, 0, "auth USER file:/PATH [realm REALM]",
     "with what its 401 and 407 are answered"},
    {"login", NULL, kw_login, T(login), 2, 5, 0, 0, 0, "login USER file:/PATH [md5] [realm REALM]",
     "who calls from it must know this secret (RFC 8760)"},
    {"register", NULL, kw_register, T(reg), 1, 6, 0, MINUTE, 24 * HOUR,
     "register sip:DOMAIN [aor USER] [every DURATION] [gin]",
     "we register with it (RFC 3261, 6140)"},
    {"registrar", NULL, kw_registrar, T(registrar), 0, 2, 0, 30 * SECOND, 24 * HOUR,
     "registrar [expires MIN-MAX]", "its PBX may register with us"},
};

_Static_assert(COUNT(trunk_kw) < 127, "conf_trunk.set has a bit a keyword, and TRUNK_SET_UNCLEAN");

static void trunk_defaults(void *obj)
{
    static const unsigned causes[] = {34, 38, 41, 42, 44, 47};
    static const char *codecs[] = {"pcma", "pcmu", "telephone-event"};
    struct conf_trunk *t = obj;
    uint32_t i;

    t->from.id = t->media.id = t->numbers.id = t->routes.id = t->customer.id = CONF_NONE;
    t->ringback.sound.id = t->hold_music.id = CONF_NONE;
    t->numbers_caller.id = t->numbers_redirecting.id = t->sell_deck.id = CONF_NONE;
    t->options = (struct conf_options){.every_ms = 30 * SECOND, .down_after = 3, .up_after = 2};
    t->trying_timeout_ms = 3 * SECOND;
    t->progress_timeout_ms = 20 * SECOND;
    t->ring_timeout_ms = MINUTE;
    t->setup_timeout_ms = 3 * MINUTE;
    t->max_duration_ms = 4 * HOUR;
    t->media_inactivity_ms = MINUTE;
    t->dscp_media = 46;
    t->tcp_above = 1300; /* RFC 3261 §18.1.1, where the path MTU is not known */
    t->timer = (struct conf_session_timer){.expires_ms = 1800 * SECOND, .min_ms = 90 * SECOND};
    t->codec.v = codecs;
    t->codec.n = COUNT(codecs);
    t->pass = CONF_PASS_INFO;
    t->diversions_max = 5;
    t->reg.expires_ms = HOUR;
    t->registrar = (struct conf_registrar){.min_ms = MINUTE, .max_ms = HOUR};
    add_code(&t->advance, 408);
    t->advance.klass = 1U << 5;
    t->advance.timeout = true;
    for (i = 0; i < COUNT(causes); i++)
        t->advance.q850[0] |= UINT64_C(1) << causes[i];
    add_code(&t->stop, 480);
    t->stop.klass = 1U << 6;
}

static struct conf_trunk default_trunk;

static void make_default(void)
{
    trunk_defaults(&default_trunk);
    default_trunk.name = "-";
}

const struct conf_trunk *conf_trunk_default(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_default);
    return &default_trunk;
}

static void close_trunk(struct parser *p, void *obj, bool clean)
{
    struct conf_trunk *t = obj;

    t->set = p->seen;
    if (!clean)
        t->set |= TRUNK_SET_UNCLEAN;
}

const struct section section_trunk = {
    .word = "trunk",
    .syntax = "trunk NAME",
    .help = "a carrier or customer, both directions",
    .list_off = LIST(trunk),
    .size = sizeof(struct conf_trunk),
    .kw = trunk_kw,
    .n_kw = COUNT(trunk_kw),
    .defaults = trunk_defaults,
    .close = close_trunk,
};

const struct section section_profile = {
    .word = "profile",
    .syntax = "profile NAME",
    .help = "what trunks have in common",
    .list_off = LIST(profile),
    .size = sizeof(struct conf_trunk),
    .kw = trunk_kw,
    .n_kw = COUNT(trunk_kw),
    .defaults = trunk_defaults,
    .close = close_trunk,
};
