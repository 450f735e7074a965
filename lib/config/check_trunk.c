/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Third pass of a load, trunks: ambiguous sources, translations of the wrong direction, what is incomplete.
 * check.c calls it; route/ relies on what it refuses.
 */
#include <stdlib.h>
#include <string.h>

#include "config/parse.h"

static void trunk_error(struct parser *p, const struct conf_trunk *t, const char *text)
{
    parse_error(p, t->loc, strlen(t->name), "trunk '%s' %s", t->name, text);
}

/* ---- one trunk ---- */

static bool any_bit(const uint64_t *a, const uint64_t *b, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (a[i] & b[i])
            return true;
    }
    return false;
}

static void check_codes(struct parser *p, const struct conf_trunk *t)
{
    const struct conf_codes *a = &t->advance, *s = &t->stop;

    if (any_bit(a->sip, s->sip, COUNT(a->sip)) || any_bit(a->q850, s->q850, COUNT(a->q850)) ||
        (a->klass & s->klass) || (a->timeout && s->timeout))
        parse_error(p, s->loc, 4, "a code is both in 'advance' and in 'stop'");
}

static void check_listens_of(struct parser *p, const struct conf_trunk *t)
{
    uint32_t i, j;

    for (i = 1; i < t->listen.n; i++) {
        for (j = 0; j < i; j++) {
            if (t->listen.v[i].id != CONF_NONE && t->listen.v[i].id == t->listen.v[j].id)
                parse_error(p, t->listen.v[i].loc, strlen(t->listen.v[i].name),
                            "listen '%s' is written twice in trunk '%s'", t->listen.v[i].name,
                            t->name);
        }
    }
}

static void check_inbound(struct parser *p, const struct conf_ref *ref)
{
    if (ref->id != CONF_NONE && p->conf->numbers.v[ref->id].out)
        parse_error(p, ref->loc, 0, "numbers '%s' has direction out: it belongs behind 'send'",
                    ref->name);
}

static void check_outbound(struct parser *p, const struct conf_ref *v, uint32_t n)
{
    uint32_t i;

    for (i = 0; i < n; i++) {
        if (v[i].id != CONF_NONE && !p->conf->numbers.v[v[i].id].out)
            parse_error(p, v[i].loc, 0, "numbers '%s' is inbound: 'send' needs 'direction out'",
                        v[i].name);
    }
}

static void check_translations(struct parser *p, const struct conf_trunk *t)
{
    check_inbound(p, &t->numbers);
    check_inbound(p, &t->numbers_caller);
    check_inbound(p, &t->numbers_redirecting);
    check_outbound(p, t->send.v, t->send.n);
    check_outbound(p, t->send_caller.v, t->send_caller.n);
    check_outbound(p, t->send_redirecting.v, t->send_redirecting.n);
}

static void check_complete(struct parser *p, const struct conf_trunk *t)
{
    if (t->set & TRUNK_SET_UNCLEAN)
        return; /* what it lacks may be what was refused */
    if (t->listen.n == 0)
        trunk_error(p, t, "names no listen");
    else if (!t->media_none && !t->media.name && t->listen.v[0].id != CONF_NONE)
        trunk_error(p, t,
                    p->conf->media.n == 0
                        ? "has no media: add a section 'media', or write 'media none'"
                        : "must name its media: its realm has none, or several");
    if (t->accept.n == 0 && t->peer.n == 0)
        trunk_error(p, t, "has neither peer nor accept");
}

/* ---- whose trunk is a source ---- */

struct source {
    const struct conf_accept *accept;
    uint32_t listen;
    uint32_t trunk;
};

/* Same listen, network and port first, then by trunk. */
static int by_net(const struct source *a, const struct source *b)
{
    int d;

    if (a->listen != b->listen)
        return a->listen < b->listen ? -1 : 1;
    d = memcmp(&a->accept->net.net, &b->accept->net.net, sizeof(struct addr));
    return d ? d : a->accept->net.bits - b->accept->net.bits;
}

static int by_source(const void *va, const void *vb)
{
    const struct source *a = va, *b = vb;
    int d = by_net(a, b);

    if (d == 0 && a->trunk != b->trunk)
        return a->trunk < b->trunk ? -1 : 1;
    return d;
}

/* True if `b`, tried after `a`, can never be what decides. */
static bool match_hides(const struct conf_match *a, const struct conf_match *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CONF_MATCH_TECH_PREFIX: return strncmp(a->value, b->value, strlen(a->value)) == 0;
    case CONF_MATCH_HEADER:
        return span_case_eq(span_of(a->header), span_of(b->header)) &&
               strcmp(a->value, b->value) == 0;
    case CONF_MATCH_RURI_DOMAIN:
    case CONF_MATCH_TO_DOMAIN:
    case CONF_MATCH_FROM_DOMAIN:
    case CONF_MATCH_TGRP: break;
    }
    return span_case_eq(span_of(a->value), span_of(b->value));
}

/* Two trunks on one source; `first` is tried before `second`. @return true if an error was reported */
static bool check_pair(struct parser *p, const struct source *first, const struct source *second)
{
    const struct conf_trunk *a = &p->conf->trunk.v[first->trunk];
    const struct conf_trunk *b = &p->conf->trunk.v[second->trunk];
    uint32_t i, j;

    if (a->login.user && b->login.user && strcmp(a->login.user, b->login.user) != 0)
        return false; /* their users tell them apart (RFC 3261 §22) */
    if (a->match.n == 0 && b->match.n == 0) {
        parse_error(p, second->accept->loc, 0,
                    "source is that of trunk '%s' too (%s:%u), and no 'match' tells them apart",
                    a->name, conf_loc_file(p->conf, &first->accept->loc), first->accept->loc.line);
        return true;
    }
    if (a->match.n == 0) {
        parse_error(p, b->match.v[0].loc, 0,
                    "never reached: trunk '%s' (%s:%u) has the same source and no 'match'; it must "
                    "be written behind this one",
                    a->name, conf_loc_file(p->conf, &a->loc), a->loc.line);
        return true;
    }
    for (i = 0; i < a->match.n; i++) {
        for (j = 0; j < b->match.n; j++) {
            if (!match_hides(&a->match.v[i], &b->match.v[j]))
                continue;
            parse_error(p, b->match.v[j].loc, 0,
                        "never reached: trunk '%s' has the same source and matches first (%s:%u)",
                        a->name, conf_loc_file(p->conf, &a->match.v[i].loc),
                        a->match.v[i].loc.line);
            return true;
        }
    }
    return false;
}

/* All trunks of one source. */
static void check_shared(struct parser *p, const struct source *v, uint32_t n)
{
    uint32_t i, j;

    if (n > CONF_SHARED_MAX) {
        parse_error(p, v[CONF_SHARED_MAX].accept->loc, 0, "more than %u trunks on one source",
                    CONF_SHARED_MAX);
        return;
    }
    for (i = 1; i < n; i++) {
        for (j = 0; j < i; j++) {
            if (v[i].trunk != v[j].trunk && check_pair(p, &v[j], &v[i]))
                break;
        }
    }
}

/* ---- the same over streams, which come from any port ---- */

static struct addr without_port(const struct source *s)
{
    struct addr a = s->accept->net.net;

    a.port = 0;
    return a;
}

/* Same listen and network first, then by trunk: the order in which they are tried. */
static int by_address(const void *va, const void *vb)
{
    const struct source *x = va, *y = vb;
    struct addr a = without_port(x), b = without_port(y);
    int d;

    if (x->listen != y->listen)
        return x->listen < y->listen ? -1 : 1;
    d = memcmp(&a, &b, sizeof(a));
    if (d == 0)
        d = x->accept->net.bits - y->accept->net.bits;
    if (d == 0 && x->trunk != y->trunk)
        d = x->trunk < y->trunk ? -1 : 1;
    return d;
}

/* Two trunks that only their ports tell apart: over streams the first has all calls. Those with the same port are an error. */
static void check_stream_pair(struct parser *p, const struct source *first, const struct source *s)
{
    const struct conf_trunk *a = &p->conf->trunk.v[first->trunk], *b = &p->conf->trunk.v[s->trunk];
    struct addr at = without_port(first), other = without_port(s);

    if (first->listen != s->listen || first->accept->net.bits != s->accept->net.bits ||
        !addr_eq(&at, &other) || first->accept->net.net.port == s->accept->net.net.port)
        return;
    if (b->routes.name && a->match.n == 0 && !(a->login.user && b->login.user))
        parse_warn(p, s->accept->loc, 0,
                   "over TCP and TLS, where a source has no port, calls from here are those of "
                   "trunk '%s' (%s:%u)",
                   a->name, conf_loc_file(p->conf, &first->accept->loc), first->accept->loc.line);
}

static void check_streams(struct parser *p, struct source *v, uint32_t n)
{
    uint32_t i, first = 0;

    if (n > 1)
        qsort(v, n, sizeof(*v), by_address);
    for (i = 1; i < n; i++) {
        const struct conf_listen *l = &p->conf->listen.v[v[i].listen];
        struct addr a = without_port(&v[first]), b = without_port(&v[i]);

        if (v[first].listen != v[i].listen || !addr_eq(&a, &b))
            first = i;
        else if (l->tcp.n + l->tls.n > 0 && v[first].trunk != v[i].trunk)
            check_stream_pair(p, &v[first], &v[i]);
    }
}

static void check_sources(struct parser *p)
{
    CONF_LIST(struct source) all = {NULL, 0};
    const struct conf *c = p->conf;
    uint32_t i, j, k, n;

    for (i = 0; i < c->trunk.n; i++) {
        const struct conf_trunk *t = &c->trunk.v[i];

        for (j = 0; j < t->listen.n; j++) {
            if (t->listen.v[j].id == CONF_NONE)
                continue;
            for (k = 0; k < t->accept.n; k++) {
                struct source *s = parse_append(p, &p->scratch, &all, sizeof(*s));

                *s = (struct source){&t->accept.v[k], t->listen.v[j].id, i};
            }
        }
    }
    if (all.n > 1)
        qsort(all.v, all.n, sizeof(*all.v), by_source);
    for (i = 0; i < all.n; i += n) {
        for (n = 1; i + n < all.n && by_net(&all.v[i], &all.v[i + n]) == 0; n++)
            ;
        check_shared(p, all.v + i, n);
    }
    check_streams(p, all.v, all.n);
}

/* A profile's own clash is told there, not at each of its trunks. */
static bool stop_is_own(const struct conf *c, const struct conf_trunk *t)
{
    if (t->stop.loc.line == 0)
        return false;
    return t->from.id == CONF_NONE ||
           memcmp(&t->stop.loc, &c->profile.v[t->from.id].stop.loc, sizeof(t->stop.loc)) != 0;
}

void check_trunks(struct parser *p)
{
    const struct conf *c = p->conf;
    uint32_t i;

    for (i = 0; i < c->profile.n; i++)
        check_codes(p, &c->profile.v[i]);
    for (i = 0; i < c->trunk.n; i++) {
        const struct conf_trunk *t = &c->trunk.v[i];

        if (stop_is_own(c, t))
            check_codes(p, t);
        check_complete(p, t);
        check_codecs(p, t);
        check_listens_of(p, t);
        check_peers(p, t);
        check_translations(p, t);
    }
    check_sources(p);
}
