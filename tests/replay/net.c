/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake transport: what the switch sends is kept in a queue until the script expects it; connections of streams.
 * It loses and delays nothing; scripts do that by not answering, and by closing or refusing connections.
 */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PORT_OF_CLIENTS 49152 /* the first of the ports that peers connect from */

static struct sent *keep(struct sent **first, struct sent **last, const struct flow *f,
                         struct span text)
{
    struct sent *m = calloc(1, sizeof *m + text.len + 1);

    if (!m)
        abort();
    m->flow = *f;
    m->len = text.len;
    memcpy(m->text, text.p, text.len);
    if (*last)
        (*last)->next = m;
    else
        *first = m;
    *last = m;
    return m;
}

/* ---- connections ---- */

static struct net_conn *conn_find(struct net *n, uint64_t id)
{
    return id && id <= n->n_conns && n->conn[id - 1].open ? &n->conn[id - 1] : NULL;
}

static struct net_conn *conn_to(struct net *n, const struct flow *f)
{
    for (unsigned i = 0; i < n->n_conns; i++)
        if (n->conn[i].open && n->conn[i].proto == f->proto &&
            addr_eq(&n->conn[i].remote, &f->remote))
            return &n->conn[i];
    return NULL;
}

static struct net_conn *conn_open(struct net *n, uint8_t proto, const struct addr *remote)
{
    struct net_conn *c = &n->conn[n->n_conns];

    if (n->n_conns == CONNS_MAX)
        abort(); /* a script's mistake */
    *c = (struct net_conn){.id = ++n->n_conns, .proto = proto, .remote = *remote, .open = true};
    return c;
}

static bool is_refused(const struct net *n, const struct addr *a)
{
    for (unsigned i = 0; i < n->n_refused; i++)
        if (addr_ip_eq(&n->refused[i], a))
            return true;
    return false;
}

uint64_t net_accept(struct net *n, uint8_t proto, const struct addr *from, struct addr *remote)
{
    for (unsigned i = 0; i < n->n_conns; i++)
        if (n->conn[i].open && n->conn[i].accepted && n->conn[i].proto == proto &&
            addr_ip_eq(&n->conn[i].remote, from)) {
            *remote = n->conn[i].remote;
            return n->conn[i].id;
        }
    *remote = *from;
    remote->port = (uint16_t)(PORT_OF_CLIENTS + n->n_conns);
    conn_open(n, proto, remote)->accepted = true;
    return n->n_conns;
}

void net_close(struct net *n, const struct addr *host)
{
    for (unsigned i = 0; i < n->n_conns; i++)
        if (!host || addr_ip_eq(&n->conn[i].remote, host))
            n->conn[i].open = false;
}

void net_refuse(struct net *n, const struct addr *host, bool refuse)
{
    unsigned k = 0;

    net_close(n, host);
    for (unsigned i = 0; i < n->n_refused; i++)
        if (!addr_ip_eq(&n->refused[i], host))
            n->refused[k++] = n->refused[i];
    n->n_refused = k;
    if (refuse && n->n_refused < ACTORS_MAX)
        n->refused[n->n_refused++] = *host;
}

bool net_conn_is_theirs(const struct net *n, uint64_t id)
{
    return id && id <= n->n_conns && n->conn[id - 1].accepted;
}

/* ---- the transport ---- */

static int net_send(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    struct net *n = (struct net *)(void *)t; /* transport is its first member */
    struct span text = {buf, len};
    struct net_conn *c = NULL;
    struct sent *m;

    if (f->listener >= n->n_local || n->local[f->listener].proto != f->proto)
        return -ENOTCONN;
    if (proto_is_stream(f->proto)) {
        c = conn_find(n, f->conn);
        if (!c)
            c = conn_to(n, f);
        if (!c && is_refused(n, &f->remote)) {
            (void)keep(&n->lost, &n->lost_last, f, text);
            return 0;
        }
        if (!c)
            c = conn_open(n, f->proto, &f->remote);
    }
    m = keep(&n->first, &n->last, f, text);
    m->conn = c ? c->id : 0;
    if (n->watch)
        n->watch(n->arg, m);
    return 0;
}

static struct span net_via(struct transport *t, const struct flow *f)
{
    struct net *n = (struct net *)(void *)t;
    char addr[ADDR_STRLEN];
    const struct addr *local = f->listener < n->n_local ? &n->local[f->listener].addr : &f->local;

    snprintf(n->via, sizeof n->via, "SIP/2.0/%s %s", proto_name(f->proto), addr_str(local, addr));
    return span_of(n->via);
}

static int net_by_tcp(struct transport *t, const struct flow *udp, struct flow *tcp)
{
    struct net *n = (struct net *)(void *)t;

    if (udp->listener >= n->n_local || is_refused(n, &udp->remote) != n->refuse_late)
        return -ENOTCONN;
    for (unsigned i = 0; i < n->n_local; i++)
        if (n->local[i].proto == PROTO_TCP &&
            addr_ip_eq(&n->local[i].addr, &n->local[udp->listener].addr)) {
            *tcp = *udp;
            tcp->proto = PROTO_TCP;
            tcp->listener = (uint16_t)i;
            return 0;
        }
    return -ENOTCONN;
}

static int net_listener_for(struct transport *t, const struct flow *f, unsigned proto,
                            uint8_t family, struct addr *local)
{
    struct net *n = (struct net *)(void *)t;

    for (unsigned i = 0; i < n->n_local; i++)
        if (n->local[i].proto == proto && n->local[i].addr.family == family &&
            (f->listener >= n->n_local || n->local[i].listen == n->local[f->listener].listen)) {
            *local = n->local[i].addr;
            return (int)i;
        }
    return -ENOTCONN;
}

/* ---- the queue ---- */

void net_init(struct net *n)
{
    *n = (struct net){.transport = {.send = net_send,
                                    .via = net_via,
                                    .by_tcp = net_by_tcp,
                                    .listener_for = net_listener_for}};
}

void net_remove(struct net *n, struct sent *m)
{
    struct sent **pp = &n->first, *prev = NULL;

    while (*pp && *pp != m) {
        prev = *pp;
        pp = &(*pp)->next;
    }
    if (*pp)
        *pp = m->next;
    if (n->last == m)
        n->last = prev;
    free(m);
}

struct sent *net_take_lost(struct net *n)
{
    struct sent *m = n->lost;

    if (m) {
        n->lost = m->next;
        if (!n->lost)
            n->lost_last = NULL;
    }
    return m;
}

void net_clear(struct net *n)
{
    struct sent *m;

    while (n->first)
        net_remove(n, n->first);
    while ((m = net_take_lost(n)))
        free(m);
}
