/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, peers: does a listen of the trunk reach each, and do calls from the trunk have a source?
 * check_trunk.c calls it for every trunk; what a source is where several trunks share one is decided there.
 */
#include <string.h>

#include "config/parse.h"

#define ANY_FAMILY 0

static bool has_family(const struct conf_addr *v, uint32_t n, uint8_t family)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        if (family == ANY_FAMILY || v[i].addr.family == family)
            return true;
    }
    return false;
}

static bool listen_serves(const struct conf_listen *l, uint8_t proto, uint8_t family)
{
    uint32_t i;

    switch ((enum proto)proto) {
    case PROTO_UDP: return has_family(l->udp.v, l->udp.n, family);
    case PROTO_TCP: return has_family(l->tcp.v, l->tcp.n, family);
    case PROTO_TLS:
        for (i = 0; i < l->tls.n; i++) {
            if (family == ANY_FAMILY || l->tls.v[i].addr.family == family)
                return true;
        }
        break;
    case PROTO_N: break;
    }
    return false;
}

/* Does the trunk listen so? True also where that cannot be known, for what is missing is reported. */
static bool trunk_serves(const struct conf *c, const struct conf_trunk *t, uint8_t proto,
                         uint8_t family)
{
    uint32_t i;

    if (t->listen.n == 0 || (t->set & TRUNK_SET_UNCLEAN))
        return true;
    for (i = 0; i < t->listen.n; i++) {
        const struct conf_listen *l;

        if (t->listen.v[i].id == CONF_NONE)
            return true;
        l = &c->listen.v[t->listen.v[i].id];
        if (l->udp.n + l->tcp.n + l->tls.n == 0 || listen_serves(l, proto, family))
            return true;
    }
    return false;
}

static void check_reach(struct parser *p, const struct conf_trunk *t, const struct conf_peer *peer)
{
    static const char *const word[] = {
        [PROTO_UDP] = "udp", [PROTO_TCP] = "tcp", [PROTO_TLS] = "tls"};
    bool named = peer->lookup != CONF_LOOKUP_NONE;

    if (peer->lookup == CONF_LOOKUP_NAPTR || peer->lookup == CONF_LOOKUP_REGISTERED)
        return; /* any transport that the trunk has will do */
    if (!trunk_serves(p->conf, t, peer->transport, ANY_FAMILY))
        parse_error(p, peer->loc, 0, "no listen of trunk '%s' has a %s address", t->name,
                    word[peer->transport]);
    else if (!named && !trunk_serves(p->conf, t, peer->transport, peer->addr.family))
        parse_error(p, peer->loc, 0, "no listen of trunk '%s' has an IPv%u address for %s", t->name,
                    peer->addr.family, word[peer->transport]);
}

static bool same_peer(const struct conf_peer *a, const struct conf_peer *b)
{
    if (a->lookup != b->lookup || a->transport != b->transport || !addr_eq(&a->addr, &b->addr))
        return false;
    return a->host == b->host || (a->host && b->host && strcasecmp(a->host, b->host) == 0);
}

static void check_peer_twice(struct parser *p, const struct conf_trunk *t, uint32_t i)
{
    uint32_t j;

    for (j = 0; j < i && !same_peer(&t->peer.v[j], &t->peer.v[i]); j++)
        ;
    if (j < i)
        parse_error(p, t->peer.v[i].loc, 0, "peer is written twice in trunk '%s'", t->name);
}

/* A name is where calls go; where they come from must be written. */
static void check_has_source(struct parser *p, const struct conf_trunk *t)
{
    if (t->peer.n > 0 && !t->registrar.on && t->accept.n == 0 && t->routes.name)
        parse_warn(p, t->routes.loc, strlen(t->routes.name),
                   "trunk '%s' has no source: a peer by name is none, so calls from it are not "
                   "taken; add 'accept'",
                   t->name);
}

/* ---- registration ---- */

static bool has_registered(const struct conf_trunk *t)
{
    uint32_t i;

    for (i = 0; i < t->peer.n; i++) {
        if (t->peer.v[i].lookup == CONF_LOOKUP_REGISTERED)
            return true;
    }
    return false;
}

/* A PBX registers with us. */
static void check_registrar(struct parser *p, const struct conf_trunk *t)
{
    size_t width = strlen(t->name);

    if (!t->registrar.on) {
        if (has_registered(t))
            parse_error(p, t->loc, width, "trunk '%s' has 'peer registered' but no 'registrar'",
                        t->name);
        return;
    }
    if (t->accept.n == 0)
        parse_error(p, t->loc, width,
                    "trunk '%s' has a registrar and no source that could register: add 'accept'",
                    t->name);
    if (!t->login.user)
        parse_warn(p, t->loc, width,
                   "trunk '%s' has a registrar without 'login': any source of it may register",
                   t->name);
    if (!has_registered(t))
        parse_warn(p, t->loc, width,
                   "trunk '%s' has a registrar, but nothing calls what registers: add 'peer "
                   "registered'",
                   t->name);
}

/* We register with a carrier. */
static void check_register(struct parser *p, const struct conf_trunk *t)
{
    size_t width = strlen(t->name);

    if (!t->reg.domain)
        return;
    if (t->peer.n == 0 || (t->peer.n == 1 && has_registered(t)))
        parse_error(p, t->loc, width, "trunk '%s' has 'register' but no peer to send it to",
                    t->name);
    if (!t->reg.user)
        parse_error(p, t->loc, width,
                    "trunk '%s' registers nobody: 'register' needs 'aor', or 'auth' beside it",
                    t->name);
    else if (!t->auth.user)
        parse_warn(p, t->loc, width, "trunk '%s' registers without 'auth': a 401 ends it", t->name);
}

/* ---- keys in SDP ---- */

/* Who reads the signalling has the keys (RFC 4568 §8.3). */
static void check_srtp(struct parser *p, const struct conf_trunk *t)
{
    if (t->srtp.mode == CONF_SRTP_OFF)
        return;
    if (t->media_none)
        parse_warn(
            p, t->srtp.loc, 0,
            "trunk '%s' has 'media none': SRTP is the parties' own affair where both sides have it",
            t->name);
    for (uint32_t i = 0; i < t->peer.n; i++) {
        if (t->peer.v[i].transport == PROTO_TLS || t->peer.v[i].lookup == CONF_LOOKUP_REGISTERED)
            continue;
        parse_warn(
            p, t->srtp.loc, 0,
            "trunk '%s' has SRTP, and a peer without tls: who can read its signalling has the keys",
            t->name);
        return;
    }
}

void check_peers(struct parser *p, const struct conf_trunk *t)
{
    uint32_t i;

    for (i = 0; i < t->peer.n; i++) {
        check_reach(p, t, &t->peer.v[i]);
        check_peer_twice(p, t, i);
    }
    check_has_source(p, t);
    check_srtp(p, t);
    if (!(t->set & TRUNK_SET_UNCLEAN)) {
        check_registrar(p, t);
        check_register(p, t);
    }
    if (t->tls_name.n > 0 && !trunk_serves(p->conf, t, PROTO_TLS, ANY_FAMILY))
        parse_warn(
            p, t->loc, strlen(t->name),
            "trunk '%s' has a tls-name, but none of its listens has tls: no call of it is taken",
            t->name);
}
