/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Schema of the sections global, realm, listen and media: keywords, bounds, defaults.
 * parse.c runs the tables; what objects mean to each other is checked in link.c and check.c.
 */
#include <stddef.h>
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

/* ---- global ---- */

static void kw_node(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = &args->tok[args->i];

    if (!value_is_name(t->s)) {
        parse_token_error(p, t, "'%.*s' is not a name", SPAN_ARG(t->s));
        return;
    }
    kw_string(p, kw, field, args);
}

static void kw_include(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    struct include *inc;

    (void)kw;
    (void)field;
    while ((t = args_next(args))) {
        if (t->s.len == 0) {
            parse_token_error(p, t, "value is empty");
            continue;
        }
        inc = parse_append(p, &p->scratch, &p->include, sizeof(*inc));
        *inc = (struct include){.pattern = t->s, .loc = parse_loc(p, t), .width = t->width};
    }
}

static void kw_emergency(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    const char *copy;

    (void)kw;
    while ((t = args_next(args))) {
        if (!value_is_digits(t->s, true)) {
            parse_token_error(p, t, "'%.*s' is not a number", SPAN_ARG(t->s));
            continue;
        }
        copy = parse_strdup(p, t->s);
        memcpy(parse_append(p, &p->conf->arena, field, sizeof(copy)), &copy, sizeof(copy));
    }
}

void kw_dns(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    struct conf_addr a;

    (void)kw;
    while ((t = args_next(args))) {
        memset(&a, 0, sizeof(a));
        if (value_addr(t->s, &a.addr)) {
            parse_token_error(p, t, "'%.*s' is not IP, IP:PORT or [IPv6]:PORT", SPAN_ARG(t->s));
            continue;
        }
        if (a.addr.port == 0)
            a.addr.port = 53;
        a.loc = parse_loc(p, t);
        *(struct conf_addr *)parse_append(p, &p->conf->arena, field, sizeof(a)) = a;
    }
}

/* +1 to +999 (E.164 §6.2.1). */
static void kw_country(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = &args->tok[args->i];

    if (!value_is_digits(t->s, true) || t->s.p[0] != '+' || t->s.len < 2 || t->s.len > 4) {
        parse_token_error(p, t, "'%.*s' is not a country code, as +1", SPAN_ARG(t->s));
        return;
    }
    kw_string(p, kw, field, args);
}

static void kw_exchange(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args), *rate;
    struct conf_exchange x = {.loc = parse_loc(p, t)};

    (void)field;
    if (!parse_currency(p, t, x.code) || !(rate = args_need(p, kw, args, "rate")) ||
        !parse_money(p, rate, &x.rate))
        return;
    if (x.rate == 0) {
        parse_token_error(p, rate, "an exchange rate is above 0");
        return;
    }
    *(struct conf_exchange *)APPEND(p, p->conf->global.exchange) = x;
}

static void kw_states(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);

    (void)kw;
    p->conf->global.states_loc = parse_loc(p, t);
    parse_path(p, t, field);
}

#define G(member) FIELD(struct conf_global, member)

/* 256 workers: worker numbers are 8 bits of a sealed token. */
static const struct keyword global_kw[] = {
    {"node", NULL, kw_node, G(node), 1, 1, 0, 0, 0, "node NAME",
     "name of this node in records and tokens"},
    {"limit", NULL, kw_limit, G(limit), 1, 4, 0, 0, 0, "limit Ncalls [Ncps [burst N]]",
     "calls and calls a second of the whole node"},
    {"include", NULL, kw_include, 0, 0, 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "include FILE...",
     "files to read after this one; * ? [] as in a shell"},
    {"workers", NULL, kw_number, G(workers), 1, 1, 0, 1, CONF_WORKERS_MAX, "workers N",
     "threads that carry calls; default: one a core"},
    {"run-dir", NULL, kw_path, G(run_dir), 1, 1, 0, 0, 0, "run-dir DIRECTORY",
     "where the control socket and the journal of standing calls are"},
    {"state-dir", NULL, kw_path, G(state_dir), 1, 1, 0, 0, 0, "state-dir DIRECTORY",
     "where the sealing key is"},
    {"media-socket", NULL, kw_path, G(media_socket), 1, 1, 0, 0, 0, "media-socket PATH",
     "where tandem-media listens"},
    {"emergency", NULL, kw_emergency, G(emergency), 1, 32, KW_REPEAT, 0, 0, "emergency NUMBER...",
     "called numbers, as received, that are calls for help"},
    /* 8: each is asked in turn with seconds between; nobody waits for a ninth. */
    {"dns", NULL, kw_dns, G(dns), 1, 8, 0, 0, 0, "dns IP[:PORT]...",
     "name servers, asked in this order; default: those of resolv.conf"},
    {"country", NULL, kw_country, G(country), 1, 1, 0, 0, 0, "country +N",
     "home country: what explain says of a national number that no line serves"},
    {"currency", NULL, kw_currency, G(currency), 1, 1, 0, 0, 0, "currency CODE",
     "base currency, in which costs of all decks are compared"},
    {"exchange", NULL, kw_exchange, G(exchange), 2, 2, KW_REPEAT, 0, 0, "exchange CODE RATE",
     "what one of a currency is in the base currency"},
    {"states", NULL, kw_states, G(states), 1, 1, 0, 0, 0, "states PATH",
     "file prefix,state: who is in which state, for inter and intra rates"},
    {"watch", NULL, kw_on_off, G(watch), 1, 1, 0, 0, 0, "watch on|off",
     "a changed file of the configuration is a reload"},
};

const struct section section_global = {
    .word = "global",
    .syntax = "global",
    .help = "the node",
    .kw = global_kw,
    .n_kw = COUNT(global_kw),
};

/* ---- realm ---- */

static void kw_advertise(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_realm *r = p->obj;
    uint32_t before = r->advertise.n, i, j;

    kw_ips(p, kw, field, args);
    for (i = before; i < r->advertise.n; i++) {
        for (j = 0; j < i; j++) {
            if (r->advertise.v[i].addr.family == r->advertise.v[j].addr.family) {
                parse_error(p, r->advertise.v[i].loc, 1,
                            "a realm advertises one IPv4 and one IPv6 address at most");
                return;
            }
        }
    }
}

static void close_realm(struct parser *p, void *obj, bool clean)
{
    const struct conf_realm *r = obj;

    if (clean && r->address.n == 0)
        parse_error(p, r->loc, strlen(r->name), "realm '%s' has no address", r->name);
}

static void kw_device(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = &args->tok[args->i];

    /* IFNAMSIZ is 16 with its NUL. */
    if (t->s.len == 0 || t->s.len > 15 || memchr(t->s.p, '/', t->s.len)) {
        parse_token_error(p, t, "an interface name has 1 to 15 bytes and no '/'");
        return;
    }
    kw_string(p, kw, field, args);
}

#define R(member) FIELD(struct conf_realm, member)

static const struct keyword realm_kw[] = {
    {"address", NULL, kw_ips, R(address), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "address IP...",
     "own addresses, IPv4 and IPv6"},
    {"device", NULL, kw_device, R(device), 1, 1, 0, 0, 0, "device INTERFACE",
     "interface that its sockets are bound to, as a VRF"},
    {"advertise", NULL, kw_advertise, R(advertise), 1, 2, KW_REPEAT, 0, 0, "advertise IP [IP]",
     "what Via, Contact and SDP show behind a 1:1 NAT"},
};

const struct section section_realm = {
    .word = "realm",
    .syntax = "realm NAME",
    .help = "an interface or VRF with its addresses",
    .list_off = LIST(realm),
    .size = sizeof(struct conf_realm),
    .kw = realm_kw,
    .n_kw = COUNT(realm_kw),
    .close = close_realm,
};

/* ---- listen ---- */

static void kw_sockets(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    struct conf_addr a;

    (void)kw;
    while ((t = args_next(args))) {
        memset(&a, 0, sizeof(a));
        if (value_addr(t->s, &a.addr) || a.addr.port == 0) {
            parse_token_error(p, t, "'%.*s' is not IP:PORT or [IPv6]:PORT", SPAN_ARG(t->s));
            continue;
        }
        a.loc = parse_loc(p, t);
        *(struct conf_addr *)parse_append(p, &p->conf->arena, field, sizeof(a)) = a;
    }
}

static void kw_unknown(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    static const char *const words[] = {"drop", "403", NULL};
    enum conf_unknown v;
    int i = parse_choice(p, args_next(args), words);

    (void)kw;
    if (i >= 0) {
        v = i == 0 ? CONF_UNKNOWN_DROP : CONF_UNKNOWN_403;
        memcpy(field, &v, sizeof(v));
    }
}

static bool tls_option(struct parser *p, const struct keyword *kw, struct args *args,
                       struct conf_tls *tls)
{
    static const char *const words[] = {"cert", "key", "ca", "verify", NULL};
    static const char *const verify[] = {"none", "request", "require", NULL};
    const char **const file[] = {&tls->cert, &tls->key, &tls->ca};
    const struct lex_token *t;
    int i = parse_choice(p, args_next(args), words);

    if (i < 0 || !(t = args_need(p, kw, args, i == 3 ? "verify" : "file")))
        return false;
    if (i == 3) {
        i = parse_choice(p, t, verify);
        if (i >= 0)
            tls->verify = (enum conf_verify)i;
        return i >= 0;
    }
    if (t->s.len == 0 || t->s.p[0] != '/') {
        parse_token_error(p, t, "a path begins with '/'");
        return false;
    }
    *file[i] = parse_strdup(p, t->s);
    return true;
}

static void kw_tls(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_tls tls = {.loc = parse_loc(p, t)};

    if (value_addr(t->s, &tls.addr) || tls.addr.port == 0) {
        parse_token_error(p, t, "'%.*s' is not IP:PORT or [IPv6]:PORT", SPAN_ARG(t->s));
        return;
    }
    while (args->i < args->n) {
        if (!tls_option(p, kw, args, &tls))
            return;
    }
    if (!tls.cert) {
        parse_token_error(p, t, "a tls socket needs a certificate: %s", kw->syntax);
        return;
    }
    if (!tls.key)
        tls.key = tls.cert;
    *(struct conf_tls *)parse_append(p, &p->conf->arena, field, sizeof(tls)) = tls;
}

static void close_listen(struct parser *p, void *obj, bool clean)
{
    const struct conf_listen *l = obj;

    if (clean && !l->realm.name)
        parse_error(p, l->loc, strlen(l->name), "listen '%s' names no realm", l->name);
    else if (clean && l->udp.n + l->tcp.n + l->tls.n == 0)
        parse_error(p, l->loc, strlen(l->name), "listen '%s' has no udp, tcp or tls address",
                    l->name);
}

#define L(member) FIELD(struct conf_listen, member)

/*
 * idle-timeout: below 10 s a stream goes between two messages of one call; over a day nobody is there.
 * connections, per-source: a stream is a descriptor, and a unit file that raises LimitNOFILE rarely passes 65,535.
 */
static const struct keyword listen_kw[] = {
    {"realm", NULL, kw_ref, L(realm), 1, 1, 0, 0, 0, "realm NAME", "where its addresses are"},
    {"udp", NULL, kw_sockets, L(udp), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "udp IP:PORT...",
     "sockets, addresses of the realm"},
    {"tcp", NULL, kw_sockets, L(tcp), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "tcp IP:PORT...",
     "sockets, addresses of the realm"},
    {"tls", NULL, kw_tls, L(tls), 3, 9, KW_REPEAT, 0, 0,
     "tls IP:PORT cert FILE [key FILE] [ca FILE] [verify none|request|require]",
     "one socket with its certificate"},
    {"idle-timeout", NULL, kw_duration, L(idle_ms), 1, 1, KW_OFF, 10 * SECOND, 24 * HOUR,
     "idle-timeout DURATION|off", "a stream silent for so long is closed"},
    {"connections", NULL, kw_number, L(connections), 1, 1, 0, 1, 65535, "connections N",
     "streams taken at the same time, of all sources"},
    {"per-source", NULL, kw_number, L(per_source), 1, 1, 0, 1, 65535, "per-source N",
     "streams of one address that is nobody's trunk"},
    {"unknown", NULL, kw_unknown, L(unknown), 1, 1, 0, 0, 0, "unknown drop|403",
     "what a source gets that is nobody's trunk"},
    {"dscp", NULL, kw_dscp, L(dscp), 1, 1, 0, 0, 0, "dscp VALUE",
     "mark of all that these sockets send"},
};

static void listen_defaults(void *obj)
{
    struct conf_listen *l = obj;

    l->realm.id = CONF_NONE;
    l->dscp = 26;          /* af31, what carriers mark signalling with */
    l->idle_ms = 600000;   /* twice what a peer with RFC 5626 keep-alives stays silent */
    l->connections = 4096; /* a fifth of the descriptors a process may have */
    l->per_source = 4;
}

const struct section section_listen = {
    .word = "listen",
    .syntax = "listen NAME",
    .help = "SIP sockets",
    .list_off = LIST(listen),
    .size = sizeof(struct conf_listen),
    .kw = listen_kw,
    .n_kw = COUNT(listen_kw),
    .defaults = listen_defaults,
    .close = close_listen,
};

/* ---- media ---- */

/* RTP is even, RTCP the odd one above it (RFC 3550 §11): a range is made of whole pairs. */
static bool port_range(struct parser *p, const struct lex_token *t, uint16_t *lo, uint16_t *hi)
{
    if (value_range(t->s, lo, hi)) {
        parse_token_error(p, t, "'%.*s' is not a port range, as 10000-30999", SPAN_ARG(t->s));
        return false;
    }
    if (*lo < 1024) {
        parse_token_error(p, t, "ports below 1024 need a privilege that the relay does not have");
        return false;
    }
    if (*lo % 2 != 0) {
        parse_token_error(p, t, "a port range begins with an even port: RTP even, RTCP odd");
        return false;
    }
    if (*hi % 2 == 0)
        (*hi)--; /* the last even port has no odd partner */
    return true;
}

static void kw_ports(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_media *m = p->obj;

    (void)kw;
    (void)field;
    if (port_range(p, t, &m->port_lo, &m->port_hi))
        m->ports_loc = parse_loc(p, t);
}

static void kw_priority(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_media *m = p->obj;

    (void)kw;
    (void)field;
    port_range(p, args_next(args), &m->priority_lo, &m->priority_hi);
}

static void kw_media_limit(struct parser *p, const struct keyword *kw, void *field,
                           struct args *args)
{
    const struct lex_token *t = args_next(args);
    struct conf_media *m = p->obj;

    (void)kw;
    (void)field;
    if (value_count(t->s, "calls", CONF_CALLS_MAX, &m->calls)) {
        parse_token_error(p, t, "'%.*s' is not a limit from 1calls to 1000000calls",
                          SPAN_ARG(t->s));
        return;
    }
    m->calls_given = true;
    m->calls_loc = parse_loc(p, t);
}

static void kw_media_path(struct parser *p, const struct keyword *kw, void *field,
                          struct args *args)
{
    CHOICE(enum conf_media_path, "auto", "native", "generic", "tc", "sockets");
}

static void close_media(struct parser *p, void *obj, bool clean)
{
    const struct conf_media *m = obj;

    if (!clean)
        return;
    if (!m->realm.name)
        parse_error(p, m->loc, strlen(m->name), "media '%s' names no realm", m->name);
    else if (m->port_lo == 0)
        parse_error(p, m->loc, strlen(m->name), "media '%s' has no ports", m->name);
    else if (m->priority_lo != 0 && m->priority_lo <= m->port_hi && m->port_lo <= m->priority_hi)
        parse_error(p, m->loc, strlen(m->name), "ports and ports priority of media '%s' overlap",
                    m->name);
}

#define M(member) FIELD(struct conf_media, member)

static const struct keyword media_kw[] = {
    {"realm", NULL, kw_ref, M(realm), 1, 1, 0, 0, 0, "realm NAME", "where its addresses are"},
    {"address", NULL, kw_ips, M(address), 1, CONF_VALUES_MAX, KW_REPEAT, 0, 0, "address IP...",
     "addresses of the realm for RTP; default: all of them"},
    {"ports", NULL, kw_ports, M(port_lo), 1, 1, 0, 0, 0, "ports LO-HI",
     "RTP and RTCP ports; the first is even"},
    {"ports", "priority", kw_priority, M(priority_lo), 1, 1, 0, 0, 0, "ports priority LO-HI",
     "ports kept for calls above the ordinary class"},
    {"limit", NULL, kw_media_limit, M(calls), 1, 1, 0, 0, 0, "limit Ncalls",
     "calls with media at the same time; default: what the ports carry"},
    {"path", NULL, kw_media_path, M(path), 1, 1, 0, 0, 0, "path auto|native|generic|tc|sockets",
     "how packets go: XDP of the driver, generic XDP, TC or sockets; default: the best"},
};

static void media_defaults(void *obj)
{
    ((struct conf_media *)obj)->realm.id = CONF_NONE;
}

const struct section section_media = {
    .word = "media",
    .syntax = "media NAME",
    .help = "RTP ports of a realm",
    .list_off = LIST(media),
    .size = sizeof(struct conf_media),
    .kw = media_kw,
    .n_kw = COUNT(media_kw),
    .defaults = media_defaults,
    .close = close_media,
};
