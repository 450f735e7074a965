/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets and stream connections as one transport.
 * The worker opens and feeds it, transactions and dialogs send through it. Which trunk sends where is decided above.
 */
#include "sip/net.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "core/err.h"
#include "core/htab.h"
#include "core/log.h"
#include "sip/tls.h"

#define LISTENERS_MAX 256
/* "SIP/2.0/TCP " and an address with its port */
#define VIA_ROOM 80
#define NONE     UINT16_MAX

/* What a listener needs beside its socket. */
struct place {
    bool is_open;
    uint8_t proto;
    uint16_t tcp; /* UDP: the TCP listener of the same section and family; NONE */
    struct addr tcp_local;
    uint32_t listen; /* section */
    struct addr bind;
    uint16_t port;      /* streams: of the sent-by */
    char via[VIA_ROOM]; /* streams: empty if it depends on the flow */
};

struct no_tcp {
    struct addr remote;
    uint64_t until_ms;
};

struct net {
    struct transport transport;
    struct net_param p;
    struct udp *udp;
    struct conns *conns;
    char via[VIA_ROOM];
    struct place place[LISTENERS_MAX];
    struct no_tcp no_tcp[NET_NO_TCP_SLOTS];
};

/* ---- the transport ----------------------------------------------------------------------------------------------- */

static int net_send(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    struct net *n = container_of(t, struct net, transport);
    struct transport *udp = udp_transport(n->udp);

    if (!proto_is_stream(f->proto))
        return udp->send(udp, f, buf, len);
    if (f->conn && conn_worker(f->conn) != n->p.conns.worker)
        return n->p.cross(n->p.conns.arg, conn_worker(f->conn), f, buf, len);
    return conns_send(n->conns, f, buf, len);
}

static struct span net_via(struct transport *t, const struct flow *f)
{
    struct net *n = container_of(t, struct net, transport);
    struct transport *udp = udp_transport(n->udp);
    const struct place *p = &n->place[f->listener % LISTENERS_MAX];
    struct addr local = f->local;
    char text[ADDR_STRLEN];

    if (!proto_is_stream(f->proto))
        return udp->via(udp, f);
    if (p->via[0])
        return span_of(p->via);
    local.port = p->port;
    snprintf(n->via, sizeof(n->via), "SIP/2.0/%s %s", proto_name(f->proto), addr_str(&local, text));
    return span_of(n->via);
}

static struct no_tcp *no_tcp_of(struct net *n, const struct addr *remote)
{
    return &n->no_tcp[addr_hash(remote) % NET_NO_TCP_SLOTS];
}

static int net_by_tcp(struct transport *t, const struct flow *udp, struct flow *tcp)
{
    struct net *n = container_of(t, struct net, transport);
    const struct place *p = &n->place[udp->listener % LISTENERS_MAX];
    const struct no_tcp *no = no_tcp_of(n, &udp->remote);

    if (udp->proto != PROTO_UDP || p->tcp == NONE ||
        (no->until_ms > n->p.conns.clock->mono_ms && addr_eq(&no->remote, &udp->remote)))
        return -ENOTCONN;
    *tcp = *udp;
    tcp->proto = PROTO_TCP;
    tcp->listener = p->tcp;
    tcp->local = p->tcp_local;
    tcp->conn = 0;
    tcp->cert = 0;
    return 0;
}

static int net_listener_for(struct transport *t, const struct flow *f, unsigned proto,
                            uint8_t family, struct addr *local)
{
    struct net *n = container_of(t, struct net, transport);
    const struct place *now = &n->place[f->listener % LISTENERS_MAX];

    for (int i = 0; i < LISTENERS_MAX && n->place[i].is_open; i++) {
        const struct place *p = &n->place[i];

        if (p->proto == proto && p->bind.family == family && p->listen == now->listen) {
            *local = p->bind;
            return i;
        }
    }
    return -ENOTCONN;
}

static bool net_peer_is(struct transport *t, const struct flow *f, const char *name)
{
    (void)t;
    return f->proto == PROTO_TLS && f->cert && tls_cert_has(f->cert, name);
}

/* A connection could not be opened: large requests go by UDP for a while, as RFC 3261 §18.1.1 has it. */
static void on_failed(void *arg, const struct flow *f)
{
    struct net *n = arg;

    if (f->proto == PROTO_TCP)
        *no_tcp_of(n, &f->remote) =
            (struct no_tcp){f->remote, n->p.conns.clock->mono_ms + NET_NO_TCP_MS};
}

void net_send_here(struct net *n, const struct flow *f, const char *buf, size_t len)
{
    if (conns_send(n->conns, f, buf, len) < 0)
        n->p.conns.unsent(n->p.conns.arg, buf, len, f);
}

/* ---- open -------------------------------------------------------------------------------------------------------- */

/* The realm's address as peers are told it, with our port. */
static struct addr advertised(const struct conf_realm *r, const struct addr *bind)
{
    for (uint32_t i = 0; i < r->advertise.n; i++)
        if (r->advertise.v[i].addr.family == bind->family) {
            struct addr a = r->advertise.v[i].addr;

            a.port = bind->port;
            return a;
        }
    return (struct addr){0};
}

static int open_udp(struct net *n, const struct conf *conf, const struct conf_socket *s,
                    uint16_t id, bool first)
{
    const struct conf_listen *l = &conf->listen.v[s->listen];
    const struct conf_realm *r = &conf->realm.v[l->realm.id];
    struct addr shown = advertised(r, &s->addr);
    struct udp_listener ul = {.id = id, .bind = s->addr, .device = r->device, .dscp = l->dscp};
    char via[ADDR_STRLEN];
    int err;

    if (addr_is_set(&shown))
        ul.advertise = span_of(addr_str(&shown, via));
    err = first ? udp_is_free(&ul) : 0;
    return err < 0 ? err : udp_open(n->udp, &ul);
}

static struct conn_listener stream_listener(const struct conf *conf, const struct conf_socket *s,
                                            uint16_t id)
{
    const struct conf_listen *l = &conf->listen.v[s->listen];

    return (struct conn_listener){.id = id,
                                  .proto = s->proto,
                                  .bind = s->addr,
                                  .device = conf->realm.v[l->realm.id].device,
                                  .dscp = l->dscp,
                                  .idle_ms = l->idle_ms,
                                  .connections = l->connections,
                                  .per_source = l->per_source};
}

static bool is_wildcard(const struct addr *a)
{
    static const uint8_t none[16];

    return memcmp(a->ip, none, sizeof(none)) == 0;
}

static int open_stream(struct net *n, const struct conf *conf, const struct conf_socket *s,
                       uint16_t id, bool first)
{
    const struct conf_realm *r = &conf->realm.v[conf->listen.v[s->listen].realm.id];
    struct conn_listener cl = stream_listener(conf, s, id);
    struct place *p = &n->place[id];
    struct addr shown = advertised(r, &s->addr);
    char text[ADDR_STRLEN];
    int err = first ? conns_is_free(&cl) : 0;

    if (err == 0)
        err = conns_open(n->conns, &cl);
    if (err < 0)
        return err;
    p->port = s->addr.port;
    if (!addr_is_set(&shown) && !is_wildcard(&s->addr))
        shown = s->addr;
    if (addr_is_set(&shown))
        snprintf(p->via, sizeof(p->via), "SIP/2.0/%s %s", proto_name(s->proto),
                 addr_str(&shown, text));
    return 0;
}

/* The TCP socket to take for large requests of this UDP socket: the same address if there is one. */
static void find_tcp(struct net *n, const struct conf *conf, uint16_t id,
                     const struct conf_socket *udp)
{
    struct place *p = &n->place[id];
    struct conf_socket s;

    for (uint16_t i = 0; conf_listener(conf, i, &s) == 0 && i < LISTENERS_MAX; i++) {
        if (s.proto != PROTO_TCP || s.listen != udp->listen || s.addr.family != udp->addr.family)
            continue;
        if (p->tcp == NONE || addr_ip_eq(&s.addr, &udp->addr)) {
            p->tcp = i;
            p->tcp_local = s.addr;
        }
    }
}

int net_open(struct net *n, const struct conf *conf, bool first)
{
    struct conf_socket s;
    char text[ADDR_STRLEN];

    for (uint16_t id = 0; conf_listener(conf, id, &s) == 0; id++) {
        int err;

        if (id >= LISTENERS_MAX)
            return -E2BIG;
        n->place[id].is_open = true;
        n->place[id].proto = s.proto;
        n->place[id].listen = s.listen;
        n->place[id].bind = s.addr;
        if (s.proto == PROTO_UDP) {
            err = open_udp(n, conf, &s, id, first);
            find_tcp(n, conf, id, &s);
        } else {
            err = open_stream(n, conf, &s, id, first);
        }
        if (err < 0) {
            log_ev(LOG_ERROR, "listen", "listen=%s proto=%s addr=%s error=\"%s\"",
                   conf->listen.v[s.listen].name, proto_name(s.proto), addr_str(&s.addr, text),
                   err_str(err));
            return err;
        }
    }
    return 0;
}

void net_configure(struct net *n, const struct conf *conf, const struct tls_set *tls)
{
    struct conf_socket s;

    for (uint16_t id = 0; id < LISTENERS_MAX && conf_listener(conf, id, &s) == 0; id++)
        if (proto_is_stream(s.proto)) {
            struct conn_listener cl = stream_listener(conf, &s, id);

            conns_limits(n->conns, &cl);
        }
    conns_tls(n->conns, tls);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

struct net *net_new(const struct net_param *p)
{
    struct net *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    n->p = *p;
    n->p.conns.failed = on_failed;
    n->p.conns.failed_arg = n;
    n->transport = (struct transport){.send = net_send,
                                      .via = net_via,
                                      .by_tcp = net_by_tcp,
                                      .listener_for = net_listener_for,
                                      .peer_is = net_peer_is};
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        n->place[i].tcp = NONE;
    n->udp = udp_new(p->conns.stats);
    n->conns = conns_new(&n->p.conns);
    if (!n->udp || !n->conns) {
        net_free(n);
        return NULL;
    }
    return n;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    conns_free(n->conns);
    udp_free(n->udp);
    free(n);
}

struct udp *net_udp(struct net *n)
{
    return n->udp;
}

struct conns *net_conns(struct net *n)
{
    return n->conns;
}

struct transport *net_transport(struct net *n)
{
    return &n->transport;
}
