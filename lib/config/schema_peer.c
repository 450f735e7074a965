/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a trunk is: the keywords peer, accept, match, tls-name and tcp-above.
 * schema_trunk.c has them in its table; whether a listen reaches a peer is check_peer.c's question.
 */
#include <string.h>

#include "config/schema.h"
#include "core/err.h"

/* ---- peer ---- */

bool schema_is_host(struct span s)
{
    size_t i, label = 0;
    bool letter = false;

    if (s.len == 0 || s.len > 253)
        return false;
    for (i = 0; i < s.len; i++) {
        char c = s.p[i];
        bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            letter = false;
        } else if (alpha || (c >= '0' && c <= '9') || (c == '-' && label > 0)) {
            letter = letter || alpha;
            if (++label > 63)
                return false;
        } else {
            return false;
        }
    }
    return label > 0 && letter;
}

/* "NAME" or "NAME:PORT". @return false: neither */
static bool peer_name(struct parser *p, struct span s, struct conf_peer *peer)
{
    struct span host = s, port;
    uint32_t n = 0;

    if (span_cut(s, ':', &host, &port) && (span_u32(port, UINT16_MAX, &n) || n == 0))
        return false;
    if (host.len > 1 && host.p[host.len - 1] == '.')
        host.len--; /* the root: names here are whole anyway */
    if (!schema_is_host(host))
        return false;
    peer->host = parse_strdup(p, host);
    peer->addr.port = (uint16_t)n;
    peer->lookup = n ? CONF_LOOKUP_HOST : CONF_LOOKUP_SRV;
    return true;
}

static bool peer_target(struct parser *p, const struct lex_token *t, struct conf_peer *peer)
{
    if (value_addr(t->s, &peer->addr) == 0 || peer_name(p, t->s, peer))
        return true;
    parse_token_error(p, t, "'%.*s' is not IP, IP:PORT, [IPv6]:PORT, NAME or NAME:PORT",
                      SPAN_ARG(t->s));
    return false;
}

/* udp, tcp, tls. @return false: reported */
static bool peer_transport(struct parser *p, const struct lex_token *t, struct conf_peer *peer)
{
    /* a name may also be looked up: those have been tried before, here they are for who mistypes */
    static const char *const named[] = {"udp", "tcp", "tls", "srv", "auto", NULL};
    static const char *const plain[] = {"udp", "tcp", "tls", NULL};
    int i = parse_choice(p, t, peer->lookup == CONF_LOOKUP_SRV ? named : plain);

    if (i < 0)
        return false;
    peer->transport = (uint8_t)i;
    return true;
}

/* `NAME srv tls`: the name is that of the SRV record. */
static bool peer_srv(struct parser *p, const struct keyword *kw, const struct lex_token *name,
                     struct args *args, struct conf_peer *peer)
{
    const struct lex_token *t = args_need(p, kw, args, "transport");

    if (!t || !peer_transport(p, t, peer))
        return false;
    if (peer->lookup != CONF_LOOKUP_SRV || peer->host[0] != '_') {
        parse_token_error(p, name, "'%.*s' is not a name of SRV records, as _sip._tcp.example.net",
                          SPAN_ARG(name->s));
        return false;
    }
    peer->lookup = CONF_LOOKUP_SRV_NAME;
    return true;
}

static bool peer_auto(struct parser *p, const struct lex_token *name, struct conf_peer *peer)
{
    if (peer->lookup != CONF_LOOKUP_SRV) {
        parse_token_error(p, name,
                          "'auto' asks DNS for the transport: it needs a name without a port");
        return false;
    }
    peer->lookup = CONF_LOOKUP_NAPTR;
    return true;
}

/* What stands behind `peer`, up to its options. */
static bool peer_way(struct parser *p, const struct keyword *kw, struct args *args,
                     struct conf_peer *peer)
{
    const struct lex_token *name, *t;

    if (args_word(args, "registered")) {
        peer->lookup = CONF_LOOKUP_REGISTERED;
        return true;
    }
    name = args_next(args);
    if (!peer_target(p, name, peer))
        return false;
    if (args_word(args, "srv"))
        return peer_srv(p, kw, name, args, peer);
    if (args_word(args, "auto"))
        return peer_auto(p, name, peer);
    t = args_need(p, kw, args, "transport");
    if (!t || !peer_transport(p, t, peer))
        return false;
    if (peer->lookup == CONF_LOOKUP_NONE && peer->addr.port == 0) /* RFC 3261 §19.1.2 */
        peer->addr.port = peer->transport == PROTO_TLS ? 5061 : 5060;
    return true;
}

static bool peer_option(struct parser *p, const struct keyword *kw, struct args *args,
                        struct conf_peer *peer)
{
    static const char *const words[] = {"priority", "weight", NULL};
    const struct lex_token *v;
    int i = parse_choice(p, args_next(args), words);
    uint32_t n;

    if (i < 0 || !(v = args_need(p, kw, args, "number")) ||
        !parse_number(p, v, i == 0 ? 0 : 1, UINT16_MAX, &n))
        return false;
    if (i == 0)
        peer->priority = (uint16_t)n;
    else
        peer->weight = (uint16_t)n;
    return true;
}

void kw_peer(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = &args->tok[args->i];
    struct conf_peer peer = {.transport = PROTO_UDP, .priority = 1, .weight = 100};

    if (parse_list_view(field).n >= CONF_PEERS_MAX) {
        parse_token_error(p, t, "more than %u peers", CONF_PEERS_MAX);
        return;
    }
    peer.loc = parse_loc(p, t);
    if (!peer_way(p, kw, args, &peer))
        return;
    while (args->i < args->n) {
        if (!peer_option(p, kw, args, &peer))
            return;
    }
    *(struct conf_peer *)parse_append(p, &p->conf->arena, field, sizeof(peer)) = peer;
}

/* ---- accept ---- */

void kw_accept(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    struct conf_accept a;

    (void)kw;
    while ((t = args_next(args))) {
        memset(&a, 0, sizeof(a));
        if (addr_parse_prefix(t->s, &a.net)) {
            parse_token_error(p, t, "'%.*s' is not a network, as 203.0.113.16/28 (host bits zero)",
                              SPAN_ARG(t->s));
            continue;
        }
        a.loc = parse_loc(p, t);
        *(struct conf_accept *)parse_append(p, &p->conf->arena, field, sizeof(a)) = a;
    }
}

/* ---- match ---- */

const char *const schema_match_words[] = {"tech-prefix", "ruri-domain", "to-domain", "from-domain",
                                          "tgrp",        "header",      NULL};

void kw_match(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    struct conf_match m = {.kind = CONF_MATCH_TECH_PREFIX};
    const struct lex_token *t = &args->tok[args->i];
    uint32_t i;

    for (i = 0; schema_match_words[i]; i++) {
        if (strcmp(kw->sub, schema_match_words[i]) == 0)
            m.kind = (enum conf_match_kind)i;
    }
    if (parse_list_view(field).n >= CONF_MATCH_MAX) {
        parse_token_error(p, t, "more than %u match lines", CONF_MATCH_MAX);
        return;
    }
    m.loc = parse_loc(p, t);
    if (m.kind == CONF_MATCH_HEADER)
        m.header = parse_strdup(p, args_next(args)->s);
    t = args_next(args);
    if (m.kind == CONF_MATCH_TECH_PREFIX && !value_is_digits(t->s, true)) {
        parse_token_error(p, t, "'%.*s' is not a prefix of digits", SPAN_ARG(t->s));
        return;
    }
    if (t->s.len == 0 || (m.header && !m.header[0])) {
        parse_token_error(p, t, "value is empty");
        return;
    }
    m.value = parse_strdup(p, t->s);
    *(struct conf_match *)parse_append(p, &p->conf->arena, field, sizeof(m)) = m;
}

/* ---- streams ---- */

void kw_tls_name(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t;
    const char *copy;

    (void)kw;
    while ((t = args_next(args))) {
        if (!schema_is_host(t->s)) {
            parse_token_error(p, t, "'%.*s' is not a host name%s", SPAN_ARG(t->s),
                              memchr(t->s.p, '*', t->s.len) ? ": wildcards match nothing (RFC 5922)"
                                                            : "");
            continue;
        }
        copy = parse_strdup(p, t->s);
        memcpy(parse_append(p, &p->conf->arena, field, sizeof(copy)), &copy, sizeof(copy));
    }
}

void kw_tcp_above(struct parser *p, const struct keyword *kw, void *field, struct args *args)
{
    const struct lex_token *t = args_next(args);
    uint32_t n = 0;

    if (!span_eq(t->s, SPAN("off")) && (value_count(t->s, "bytes", kw->hi, &n) || n < kw->lo)) {
        parse_token_error(p, t, "'%.*s' is not a size from %ubytes to %ubytes, or off",
                          SPAN_ARG(t->s), kw->lo, kw->hi);
        return;
    }
    memcpy(field, &n, sizeof(n));
}
