/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Listening sockets and who is let in: a stranger costs an accept and a close, and known peers have their room whatever strangers do.
 * The loop calls it when somebody connects.
 */
#include "sip/conn_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/log.h"

/* Accepted in one turn: about a millisecond; whoever waits behind them waits one turn more. */
#define ACCEPT_MAX 64
/* Before accept is tried again when there are no descriptors: some calls may have ended [ms]. */
#define ACCEPT_PAUSE_MS 500
/* The kernel's queue of connections not yet accepted: all trunks coming back at once after a restart. */
#define BACKLOG 4096
/* Bytes sent and not acknowledged for so long: the peer is gone. Half of Timer B, so that a repeated request has a new connection [ms]. */
#define USER_TIMEOUT_MS 16000

static int set_opt(int fd, int level, int opt, int value)
{
    return setsockopt(fd, level, opt, &value, sizeof(value)) < 0 ? -errno : 0;
}

int conn_set_options(int fd, const struct conn_listener *l)
{
    /* these make it better, not right */
    set_opt(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set_opt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS);
    set_opt(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_opt(fd, IPPROTO_TCP, TCP_KEEPIDLE, 60);
    set_opt(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10);
    set_opt(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    if (l->bind.family == 6)
        set_opt(fd, IPPROTO_IPV6, IPV6_TCLASS, l->dscp << 2);
    else
        set_opt(fd, IPPROTO_IP, IP_TOS, l->dscp << 2);
    /* an accepted socket has it already, and may not be told again without privilege: the caller does not ask then */
    if (l->device &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->device, (socklen_t)strlen(l->device)) < 0)
        return -errno;
    return 0;
}

/* ---- how many ---------------------------------------------------------------------------------------------------- */

static struct conn_peer *peer_find(struct conns *cs, const struct addr *remote)
{
    struct addr ip = *remote;

    ip.port = 0;
    for (struct htab_node *n = htab_first(&cs->peers, addr_hash(&ip)); n; n = htab_next(n)) {
        struct conn_peer *p = container_of(n, struct conn_peer, node);

        if (addr_eq(&p->addr, &ip))
            return p;
    }
    return NULL;
}

static struct conn_peer *peer_get(struct conns *cs, const struct addr *remote)
{
    struct conn_peer *p = peer_find(cs, remote);

    if (p)
        return p;
    p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    p->addr = *remote;
    p->addr.port = 0;
    htab_add(&cs->peers, &p->node, addr_hash(&p->addr));
    return p;
}

static void peer_put(struct conns *cs, struct conn_peer *p)
{
    if (p && p->n == 0) {
        htab_del(&cs->peers, &p->node);
        free(p);
    }
}

void conn_sock_left(struct conn *c)
{
    c->sock->n--;
    if (!c->outbound)
        c->sock->n_in--;
    if (c->stranger)
        c->sock->n_strangers--;
    if (c->peer) {
        c->peer->n--;
        peer_put(c->conns, c->peer);
        c->peer = NULL;
    }
}

/* This worker's part of a limit of the process. */
static uint32_t share(const struct conns *cs, uint32_t limit)
{
    uint32_t n = cs->p.workers ? cs->p.workers : 1;

    return (limit + n - 1) / n;
}

static bool has_room(const struct conn_sock *s, enum conn_source src, const struct conn_peer *p)
{
    const struct conns *cs = s->conns;
    uint32_t all = share(cs, s->l.connections);

    if (s->n_in >= all)
        return false;
    if (src == CONN_KNOWN)
        return p->n < share(cs, CONN_PER_KNOWN);
    return p->n < share(cs, s->l.per_source) && s->n_strangers < (all + 3) / 4;
}

/* A handshake is the dearest thing that a stranger can ask for. */
static bool may_shake_hands(const struct conn_sock *s, enum conn_source src)
{
    struct conns *cs = s->conns;
    uint64_t now_s = cs->p.clock->mono_ms / 1000;

    if (src == CONN_KNOWN || s->l.proto != PROTO_TLS)
        return true;
    if (now_s != cs->shaken_s)
        cs->shaken = 0;
    cs->shaken_s = now_s;
    return cs->shaken++ < CONN_STRANGER_TLS;
}

/* ---- accept ------------------------------------------------------------------------------------------------------ */

/* With a reset: nothing of it stays with us, not even a TIME-WAIT. */
static void turn_away(int fd)
{
    struct linger now = {.l_onoff = 1};

    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    close(fd);
}

static void accepted(struct conn_sock *s, int fd, const struct flow *f)
{
    struct conns *cs = s->conns;
    enum conn_source src = cs->p.source(cs->p.arg, s->l.id, &f->remote);
    struct conn_peer *p;
    struct conn *c;
    char remote[ADDR_STRLEN];

    if (src == CONN_REFUSE) {
        stat_inc(cs->p.stats, STAT_conn_refused_source);
        turn_away(fd);
        return;
    }
    p = peer_get(cs, &f->remote);
    if (!p || !has_room(s, src, p) || !may_shake_hands(s, src)) {
        stat_inc(cs->p.stats, STAT_conn_refused_limit);
        if (src == CONN_KNOWN)
            log_limited(LOG_WARN, "conn_limit", "remote=%s listener=%u connections=%u",
                        addr_str(&f->remote, remote), s->l.id, s->n_in);
        turn_away(fd);
        peer_put(cs, p);
        return;
    }
    (void)conn_set_options(fd, &s->l);
    c = conn_new(s, fd, f, src == CONN_KNOWN ? CONN_ACCEPTED : CONN_ACCEPTED_STRANGER);
    if (!c) {
        peer_put(cs, p);
        return;
    }
    stat_inc(cs->p.stats, STAT_conn_accepted);
    c->peer = p;
    p->n++;
    s->n_in++;
    s->n_strangers += c->stranger;
    log_ev(LOG_DEBUG, "conn_accepted", "remote=%s proto=%s listener=%u",
           addr_str(&f->remote, remote), proto_name(f->proto), s->l.id);
}

static void on_pause_over(struct timer *t, void *arg)
{
    struct conn_sock *s = arg;

    (void)t;
    (void)event_add(s->ev, NULL);
}

/* @return false: nobody waits, or no descriptor is left */
static bool accept_one(struct conn_sock *s)
{
    struct sockaddr_storage ss;
    socklen_t len = sizeof(ss);
    struct flow f = {.listener = s->l.id, .local = s->local, .proto = s->l.proto};
    int fd = accept4(s->fd, (struct sockaddr *)&ss, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0) {
        if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
            return errno == ECONNABORTED || errno == EINTR;
        stat_inc(s->conns->p.stats, STAT_conn_accept_failed);
        log_limited(LOG_ERROR, "accept", "error=%d", errno);
        (void)event_del(s->ev);
        timer_set(&s->pause, ACCEPT_PAUSE_MS);
        return false;
    }
    if (addr_from_sockaddr((struct sockaddr *)&ss, &f.remote) < 0) {
        close(fd);
        return true;
    }
    len = sizeof(ss);
    if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
        (void)addr_from_sockaddr((struct sockaddr *)&ss, &f.local);
    accepted(s, fd, &f);
    return true;
}

static void on_accept(evutil_socket_t fd, short what, void *arg)
{
    struct conn_sock *s = arg;

    (void)fd;
    (void)what;
    clock_update(s->conns->p.clock);
    for (unsigned i = 0; i < ACCEPT_MAX && accept_one(s); i++)
        ;
}

/* ---- open and close ---------------------------------------------------------------------------------------------- */

static int bound_fd(const struct conn_listener *l, bool shared, struct addr *local)
{
    bool v6 = l->bind.family == 6;
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(&l->bind, &ss);
    int err, fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -errno;
    err = set_opt(fd, SOL_SOCKET, SO_REUSEADDR, 1); /* connections of before in TIME-WAIT */
    if (err == 0 && shared)
        err = set_opt(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (err == 0 && v6)
        err = set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (err == 0)
        err = conn_set_options(fd, l);
    if (err == 0 && bind(fd, (struct sockaddr *)&ss, len) < 0)
        err = -errno;
    len = sizeof(ss);
    if (err == 0 && getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
        err = -errno;
    if (err == 0)
        err = addr_from_sockaddr((struct sockaddr *)&ss, local);
    if (err == 0 && listen(fd, BACKLOG) < 0)
        err = -errno;
    if (err < 0) {
        close(fd);
        return err;
    }
    return fd;
}

int conns_is_free(const struct conn_listener *l)
{
    struct addr local;
    int fd = bound_fd(l, false, &local);

    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

int conns_open(struct conns *cs, const struct conn_listener *l)
{
    struct conn_sock *s;

    if (l->id >= CONN_LISTENERS_MAX || !proto_is_stream(l->proto) ||
        (l->bind.family != 4 && l->bind.family != 6))
        return -EINVAL;
    if (cs->sock[l->id])
        return -EEXIST;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->conns = cs;
    s->l = *l;
    timer_init(&s->pause, cs->p.timers, on_pause_over, s);
    s->fd = bound_fd(l, true, &s->local);
    if (s->fd < 0) {
        int err = s->fd;

        free(s);
        return err;
    }
    s->ev = event_new(cs->p.base, s->fd, EV_READ | EV_PERSIST, on_accept, s);
    if (!s->ev || event_add(s->ev, NULL) < 0) {
        conn_sock_free(s);
        return -ENOMEM;
    }
    cs->sock[l->id] = s;
    return 0;
}

void conns_limits(struct conns *cs, const struct conn_listener *l)
{
    struct conn_sock *s = l->id < CONN_LISTENERS_MAX ? cs->sock[l->id] : NULL;

    if (!s)
        return;
    s->l.idle_ms = l->idle_ms;
    s->l.connections = l->connections;
    s->l.per_source = l->per_source;
}

void conn_sock_free(struct conn_sock *s)
{
    if (!s)
        return;
    timer_del(&s->pause);
    if (s->ev)
        event_free(s->ev);
    close(s->fd);
    free(s);
}

int conns_local(const struct conns *cs, uint16_t id, struct addr *out)
{
    const struct conn_sock *s = id < CONN_LISTENERS_MAX ? cs->sock[id] : NULL;

    if (!s)
        return -ENOENT;
    *out = s->local;
    return 0;
}

uint32_t conns_count(const struct conns *cs, uint16_t listener)
{
    const struct conn_sock *s = listener < CONN_LISTENERS_MAX ? cs->sock[listener] : NULL;

    return s ? s->n : 0;
}
