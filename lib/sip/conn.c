/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of a connection: opened or accepted, read, written, watched, ended.
 * Driven by libevent on one worker's thread. An end only marks; conns_turn tells what was unsent and frees, so that no callback meets a freed one.
 */
#include "sip/conn_priv.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/err.h"
#include "core/log.h"

static uint64_t now_ms(const struct conn *c)
{
    return c->conns->p.clock->mono_ms;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

static uint64_t remote_hash(const struct flow *f)
{
    return hash_u64(addr_hash(&f->remote) + ((uint64_t)f->listener << 8) + f->proto);
}

static struct conn *find_id(struct conns *cs, uint64_t id)
{
    for (struct htab_node *n = htab_first(&cs->by_id, hash_u64(id)); n; n = htab_next(n)) {
        struct conn *c = container_of(n, struct conn, by_id);

        if (c->flow.conn == id)
            return c;
    }
    return NULL;
}

/* A TLS connection serves those whose names its certificate has; over TCP everybody at an address is the same. */
static bool fits(const struct conn *c, uint32_t owner)
{
    const struct conns_param *p = &c->conns->p;
    const char *name;

    if (c->flow.proto != PROTO_TLS || (c->outbound && c->flow.owner == owner))
        return true;
    for (unsigned i = 0; owner && c->flow.cert && (name = p->name(p->arg, owner, i)); i++)
        if (tls_cert_has(c->flow.cert, name))
            return true;
    return false;
}

static struct conn *find_remote(struct conns *cs, const struct flow *f)
{
    for (struct htab_node *n = htab_first(&cs->by_remote, remote_hash(f)); n; n = htab_next(n)) {
        struct conn *c = container_of(n, struct conn, by_remote);

        if (c->flow.listener == f->listener && addr_eq(&c->flow.remote, &f->remote) &&
            c->state < CONN_CLOSING && fits(c, f->owner))
            return c;
    }
    return NULL;
}

static bool is_usable(const struct conn *c)
{
    return c && (c->state < CONN_CLOSING || (c->state == CONN_CLOSING && c->owes));
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static const enum stat_id why_stat[CONN_WHY_N] = {
    [CONN_WHY_PEER] = STAT_conn_closed_peer,     [CONN_WHY_CONNECT] = STAT_conn_connect_failed,
    [CONN_WHY_IDLE] = STAT_conn_closed_idle,     [CONN_WHY_SLOW] = STAT_conn_closed_slow,
    [CONN_WHY_PONG] = STAT_conn_closed_no_pong,  [CONN_WHY_FULL] = STAT_conn_closed_full,
    [CONN_WHY_BROKEN] = STAT_conn_closed_broken, [CONN_WHY_DONE] = STAT_conn_closed_stranger,
};

static const char *const why_text[CONN_WHY_N] = {
    "closed by peer", "not opened",      "idle",          "slow sender",
    "no pong",        "output not read", "broken stream", "stranger",
};

static void log_end(const struct conn *c)
{
    char remote[ADDR_STRLEN];

    log_ev(LOG_DEBUG, "conn_end", "remote=%s proto=%s out=%d why=\"%s\" rx=%llu tx=%llu",
           addr_str(&c->flow.remote, remote), proto_name(c->flow.proto), c->outbound,
           why_text[c->why], (unsigned long long)c->rx, (unsigned long long)c->tx);
}

static void tell_failed(struct conns *cs, const struct flow *f)
{
    if (cs->p.failed)
        cs->p.failed(cs->p.failed_arg, f);
}

void conn_end(struct conn *c, enum conn_why why)
{
    struct conns *cs = c->conns;

    if (c->state == CONN_DEAD)
        return;
    if (c->state == CONN_CONNECTING && !c->outbound)
        why = why == CONN_WHY_CONNECT ? CONN_WHY_SLOW : why;
    if (c->state == CONN_CONNECTING && c->outbound)
        why = CONN_WHY_CONNECT;
    c->why = why;
    c->state = CONN_DEAD;
    stat_inc(cs->p.stats, why_stat[why]);
    log_end(c);
    htab_del(&cs->by_id, &c->by_id);
    htab_del(&cs->by_remote, &c->by_remote);
    timer_del(&c->timer);
    (void)bufferevent_disable(c->bev, EV_READ | EV_WRITE);
    conn_sock_left(c);
    c->next_dead = cs->dead;
    cs->dead = c;
    if (why == CONN_WHY_CONNECT)
        tell_failed(cs, &c->flow);
}

static void tell_unsent(struct conn *c)
{
    struct conn_out *m = c->first, *next;

    for (; m; m = next) {
        next = m->next;
        m->conn = NULL;
        stat_inc(c->conns->p.stats, STAT_conn_unsent);
        if (c->conns->p.unsent)
            c->conns->p.unsent(c->conns->p.arg, m->bytes, m->len, &c->flow);
        if (!m->given)
            free(m); /* else with the bufferevent */
    }
}

static void conn_free(struct conn *c)
{
    if (c->flow.proto == PROTO_TLS && !c->said)
        tls_bye(c->bev);
    bufferevent_free(c->bev);
    stream_fini(&c->in);
    free(c);
}

void conns_turn(struct conns *cs)
{
    struct conn *c;

    while ((c = cs->dead)) {
        cs->dead = c->next_dead;
        tell_unsent(c); /* may send elsewhere, and end others */
        conn_free(c);
    }
}

/* ---- why it did not come about ----------------------------------------------------------------------------------- */

static void log_no_connection(const struct conn *c, const char *why)
{
    char remote[ADDR_STRLEN];

    log_limited(LOG_WARN, "conn_failed", "remote=%s proto=%s why=\"%s\"",
                addr_str(&c->flow.remote, remote), proto_name(c->flow.proto), why);
}

static void log_no_handshake(const struct conn *c, const char *why)
{
    const struct conns_param *p = &c->conns->p;
    const char *wanted = c->check.has[0] ? p->name(p->arg, c->flow.owner, 0) : NULL;
    char remote[ADDR_STRLEN], has[sizeof(c->check.has) + 16];

    stat_inc(p->stats, STAT_tls_failed);
    log_limited(LOG_WARN, "tls_failed", "remote=%s out=%d why=\"%s\"%s%s%s%s",
                addr_str(&c->flow.remote, remote), c->outbound, why, wanted ? " wanted=" : "",
                wanted ? wanted : "", c->check.has[0] ? " has=" : "",
                c->check.has[0] ? log_quote(has, sizeof(has), span_of(c->check.has)) : "");
}

static bool has_connected(const struct conn *c)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);

    return getpeername(bufferevent_getfd(c->bev), (struct sockaddr *)&sa, &len) == 0;
}

/* error: of the socket */
static void log_not_opened(const struct conn *c, int error)
{
    const char *why = c->flow.proto == PROTO_TLS ? tls_why(c->bev, &c->check) : NULL;

    if (why || (c->flow.proto == PROTO_TLS && has_connected(c)))
        log_no_handshake(c, why ? why : "closed during the handshake");
    else
        log_no_connection(c, error ? err_str(-error) : "closed");
}

/*
 * A TLS 1.3 peer that does not take our certificate says so behind our end of the handshake (RFC 8446 §4.4.2.4), and what it
 * says may be lost by a reset.
 */
static void log_alert(const struct conn *c)
{
    const char *why;

    if (c->flow.proto != PROTO_TLS || c->rx > 0)
        return;
    why = tls_why(c->bev, &c->check);
    if (why || c->outbound)
        log_no_handshake(c, why ? why : "closed after the handshake: our certificate refused?");
}

static void log_late(const struct conn *c)
{
    if (c->flow.proto == PROTO_TLS && has_connected(c))
        log_no_handshake(c, "peer does not shake hands: no TLS there?");
    else
        log_no_connection(c, "no answer");
}

/* ---- time -------------------------------------------------------------------------------------------------------- */

/* What is due next, and when. */
static uint64_t deadline(const struct conn *c, enum conn_why *why)
{
    uint32_t idle = c->sock->l.idle_ms;
    uint64_t due = UINT64_MAX;

    *why = CONN_WHY_IDLE;
    if (c->state == CONN_CONNECTING) {
        *why = CONN_WHY_CONNECT;
        return c->begun_ms + (c->outbound ? CONN_CONNECT_MS : CONN_HANDSHAKE_MS);
    }
    if (c->state == CONN_CLOSING) {
        *why = c->why;
        return c->closing_ms + CONN_DRAIN_MS;
    }
    if (idle)
        due = c->heard_ms + idle;
    if (c->stranger && c->begun_ms + CONN_STRANGER_MS < due) {
        *why = CONN_WHY_SLOW;
        due = c->begun_ms + CONN_STRANGER_MS;
    }
    if (c->part_ms && c->part_ms + CONN_SLOW_MS < due) {
        *why = CONN_WHY_SLOW;
        due = c->part_ms + CONN_SLOW_MS;
    }
    if (c->ping_ms && c->in.pong_due && c->has_ponged && c->ping_ms + CONN_PONG_MS < due) {
        *why = CONN_WHY_PONG;
        due = c->ping_ms + CONN_PONG_MS;
    }
    return due;
}

/* When the answers that other workers owe have had their time. */
static uint64_t owed_until(const struct conn *c)
{
    return c->state == CONN_CLOSING && c->owes ? c->closing_ms + CONN_OWED_MS : UINT64_MAX;
}

static uint64_t ping_due(const struct conn *c)
{
    uint64_t last = c->ping_ms > c->heard_ms ? c->ping_ms : c->heard_ms;

    return c->outbound && c->state == CONN_OPEN ? last + CONN_PING_MS : UINT64_MAX;
}

/* A few durations only, each with its queue in the loop: what falls between two is looked at once more. */
static uint64_t step_ms(uint64_t left)
{
    /* 50: a connection that fails must do so before its request's trying-timeout */
    static const uint16_t step[] = {60000, 10000, 2500, 500, 50};

    for (size_t i = 0; i < sizeof(step) / sizeof(step[0]); i++)
        if (left >= step[i])
            return step[i];
    return 50;
}

static void watch(struct conn *c)
{
    enum conn_why why;
    uint64_t due = deadline(c, &why), ping = ping_due(c), now = now_ms(c), wait;

    due = ping < due ? ping : due;
    due = owed_until(c) < due ? owed_until(c) : due;
    if (due == UINT64_MAX)
        due = now + 60000;
    wait = step_ms(due > now ? due - now : 0);
    if (!timer_is_pending(&c->timer) || c->timer.due_ms > now + wait)
        timer_set(&c->timer, wait);
}

static void linger(struct conn *c);

static void on_timer(struct timer *t, void *arg)
{
    struct conn *c = arg;
    enum conn_why why;

    (void)t;
    if (deadline(c, &why) <= now_ms(c)) {
        if (c->state == CONN_CONNECTING)
            log_late(c);
        conn_end(c, why);
        return;
    }
    if (owed_until(c) <= now_ms(c)) {
        c->owes = false;
        linger(c);
        if (c->state == CONN_DEAD)
            return;
    }
    if (ping_due(c) <= now_ms(c)) {
        c->ping_ms = now_ms(c);
        c->in.pong_due = true;
        stat_inc(c->conns->p.stats, STAT_conn_pings);
        (void)bufferevent_write(c->bev, "\r\n\r\n", 4);
    }
    watch(c);
}

/* ---- out --------------------------------------------------------------------------------------------------------- */

/* The kernel has the last byte. Messages go in order, so it is the first. */
static void on_gone(const void *data, size_t len, void *extra)
{
    struct conn_out *m = extra;
    struct conn *c = m->conn;

    (void)data;
    (void)len;
    if (c) {
        c->first = m->next;
        if (!c->first)
            c->last = &c->first;
        c->tx++;
        stat_inc(c->conns->p.stats, STAT_sip_tx);
    }
    free(m);
}

static void give(struct conn *c, struct conn_out *m)
{
    m->given = true;
    c->waiting -= m->len;
    if (evbuffer_add_reference(bufferevent_get_output(c->bev), m->bytes, m->len, on_gone, m) < 0) {
        m->given = false; /* without memory: the connection is of no use any more */
        conn_end(c, CONN_WHY_FULL);
    }
}

static void give_all(struct conn *c)
{
    for (struct conn_out *m = c->first; m && c->state != CONN_DEAD; m = m->next)
        if (!m->given)
            give(c, m);
}

static int conn_write(struct conn *c, const char *buf, size_t len)
{
    struct conn_out *m;

    if (c->waiting + evbuffer_get_length(bufferevent_get_output(c->bev)) + len > CONN_OUT_MAX) {
        conn_end(c, CONN_WHY_FULL);
        return -ENOTCONN;
    }
    m = malloc(sizeof(*m) + len);
    if (!m)
        return -ENOMEM;
    *m = (struct conn_out){.conn = c, .len = len};
    memcpy(m->bytes, buf, len);
    *c->last = m;
    c->last = &m->next;
    c->waiting += len;
    if (c->state != CONN_CONNECTING)
        give(c, m);
    return 0;
}

/*
 * Once all is with the kernel. An end now would be a reset if the peer has sent more than we have read, and a reset throws away what it
 * has not read yet: nothing more from us, and what still comes is read and forgotten until the peer ends, or CONN_DRAIN_MS.
 */
static void linger(struct conn *c)
{
    if (c->said || c->owes || c->first || evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
        return;
    c->said = true;
    if (c->tx == 0) { /* nothing to be lost */
        conn_end(c, c->why);
        return;
    }
    if (c->flow.proto == PROTO_TLS)
        tls_bye(c->bev);
    (void)shutdown(bufferevent_getfd(c->bev), SHUT_WR);
    (void)bufferevent_enable(c->bev, EV_READ);
}

static void forget(struct conn *c, struct evbuffer *in)
{
    size_t n = evbuffer_get_length(in);

    c->forgotten += n;
    (void)evbuffer_drain(in, n);
    if (c->forgotten > CONN_DRAIN_MAX)
        conn_end(c, c->why);
}

/* Take nothing more, write what waits, end. */
static void conn_close(struct conn *c, enum conn_why why)
{
    if (c->state != CONN_OPEN)
        return;
    c->state = CONN_CLOSING;
    c->why = why;
    c->closing_ms = now_ms(c);
    c->owes = why == CONN_WHY_BROKEN && c->rx > 0; /* a stranger is answered here, at once */
    (void)bufferevent_disable(c->bev, EV_READ);
    watch(c);
    linger(c);
}

/* ---- in ---------------------------------------------------------------------------------------------------------- */

static void pong(struct conn *c)
{
    stat_inc(c->conns->p.stats, STAT_conn_pinged);
    if (evbuffer_get_length(bufferevent_get_output(c->bev)) > CONN_OUT_MAX)
        conn_end(c, CONN_WHY_FULL);
    else
        (void)bufferevent_write(c->bev, "\r\n", 2);
}

static void broken(struct conn *c, struct span head)
{
    const struct conns_param *p = &c->conns->p;
    unsigned status = stream_status(c->in.why);
    char remote[ADDR_STRLEN];

    log_limited(LOG_WARN, "conn_broken", "remote=%s proto=%s why=\"%s\"",
                addr_str(&c->flow.remote, remote), proto_name(c->flow.proto),
                stream_why_text(c->in.why));
    if (status && head.len > 0 && p->broken)
        p->broken(p->arg, head.p, head.len, &c->flow, status);
    conn_close(c, CONN_WHY_BROKEN);
}

static bool on_stream(void *arg, enum stream_event ev, struct span msg)
{
    struct conn *c = arg;
    const struct conns_param *p = &c->conns->p;
    union {
        const char *in;
        char *out;
    } bytes = {msg.p}; /* of our own buffer */

    switch (ev) {
    case STREAM_MSG:
        c->rx++;
        stat_inc(p->stats, STAT_sip_rx);
        p->recv(p->arg, bytes.out, msg.len, &c->flow);
        if (c->stranger)
            conn_close(c, CONN_WHY_DONE);
        break;
    case STREAM_PING: pong(c); break;
    case STREAM_PONG:
        c->has_ponged = true;
        stat_inc(p->stats, STAT_conn_pongs);
        break;
    case STREAM_BAD: broken(c, msg); break;
    }
    return c->state == CONN_OPEN;
}

static void on_read(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;
    struct conns *cs = c->conns;
    struct evbuffer *in = bufferevent_get_input(bev);
    int n;

    clock_update(cs->p.clock);
    if (c->said) {
        forget(c, in);
        return;
    }
    c->heard_ms = now_ms(c);
    while (c->state == CONN_OPEN && (n = evbuffer_remove(in, cs->read, sizeof(cs->read))) > 0) {
        uint64_t before = c->rx;

        (void)stream_feed(&c->in, cs->read, (size_t)n, on_stream, c);
        if (!stream_is_partial(&c->in))
            c->part_ms = 0;
        else if (c->part_ms == 0 || c->rx != before)
            c->part_ms = now_ms(c);
    }
    if (c->state == CONN_OPEN && c->part_ms)
        watch(c);
}

static void on_write(struct bufferevent *bev, void *arg)
{
    struct conn *c = arg;

    (void)bev;
    if (c->state == CONN_CLOSING)
        linger(c);
}

/* ---- begin ------------------------------------------------------------------------------------------------------- */

/* The peer is who it must be: on_verify has seen to it before this. */
static void opened(struct conn *c)
{
    c->state = CONN_OPEN;
    c->heard_ms = now_ms(c);
    if (c->flow.proto == PROTO_TLS) {
        stat_inc(c->conns->p.stats, STAT_tls_handshakes);
        if (!c->stranger) /* whose names nobody asks for: they would fill the table */
            c->flow.cert = tls_cert_of(c->bev);
    }
    give_all(c);
    if (c->state == CONN_OPEN)
        watch(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
    struct conn *c = arg;
    int error = EVUTIL_SOCKET_ERROR(); /* before it is overwritten */

    (void)bev;
    clock_update(c->conns->p.clock);
    if (c->state == CONN_DEAD)
        return;
    if (what & BEV_EVENT_CONNECTED) {
        opened(c);
    } else if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) {
        if (c->state == CONN_CONNECTING)
            log_not_opened(c, error);
        else if (c->state == CONN_OPEN)
            log_alert(c);
        conn_end(c, c->state == CONN_CLOSING ? c->why : CONN_WHY_PEER);
    }
}

static bool is_wanted(void *arg, const char *cert_name)
{
    const struct conn *c = arg;
    const struct conns_param *p = &c->conns->p;
    const char *name;

    for (unsigned i = 0; (name = p->name(p->arg, c->flow.owner, i)); i++)
        if (tls_name_eq(cert_name, name))
            return true;
    return false;
}

static struct bufferevent *tls_new(struct conn *c, int fd)
{
    const struct conns_param *p = &c->conns->p;
    struct tls_begin b = {.base = p->base,
                          .fd = fd,
                          .listener = c->flow.listener,
                          .outbound = c->outbound,
                          .check = &c->check};

    c->check.arg = c;
    if (c->outbound) {
        c->check.is_name = is_wanted;
        b.sni = p->name(p->arg, c->flow.owner, 0);
    }
    return tls_bev(c->conns->tls, &b);
}

static struct bufferevent *tcp_new(struct conn *c, int fd)
{
    struct bufferevent *bev = bufferevent_socket_new(c->conns->p.base, fd, BEV_OPT_CLOSE_ON_FREE);

    if (!bev) {
        close(fd);
        return NULL;
    }
    /* a connect that is under way already: told when it is through */
    if (c->outbound && bufferevent_socket_connect(bev, NULL, 0) < 0) {
        bufferevent_free(bev);
        return NULL;
    }
    return bev;
}

struct conn *conn_new(struct conn_sock *s, int fd, const struct flow *f, enum conn_kind kind)
{
    bool outbound = kind == CONN_OURS;
    struct conns *cs = s->conns;
    struct conn *c = calloc(1, sizeof(*c));

    if (!c) {
        close(fd);
        return NULL;
    }
    c->conns = cs;
    c->sock = s;
    c->flow = *f;
    c->flow.conn = (uint64_t)cs->p.worker << 56 | ++cs->serial;
    c->flow.cert = 0;
    c->outbound = outbound;
    c->bev = f->proto == PROTO_TLS ? tls_new(c, fd) : tcp_new(c, fd);
    if (!c->bev) {
        free(c);
        return NULL;
    }
    c->stranger = kind == CONN_ACCEPTED_STRANGER;
    c->last = &c->first;
    c->begun_ms = c->heard_ms = cs->p.clock->mono_ms;
    stream_init(&c->in);
    timer_init(&c->timer, cs->p.timers, on_timer, c);
    htab_add(&cs->by_id, &c->by_id, hash_u64(c->flow.conn));
    htab_add(&cs->by_remote, &c->by_remote, remote_hash(&c->flow));
    s->n++;
    bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
    if (!outbound && s->l.proto == PROTO_TCP)
        c->state = CONN_OPEN;
    (void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
    watch(c);
    return c;
}

/* ---- to send ----------------------------------------------------------------------------------------------------- */

/* From our address of that listener, any port: the peer sees whose trunk it is. */
static int connect_fd(const struct conn_sock *s, const struct flow *f)
{
    struct sockaddr_storage ss;
    struct addr from = f->local;
    socklen_t len;
    int on = 1, err, fd;

    fd = socket(f->remote.family == 6 ? AF_INET6 : AF_INET,
                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    err = conn_set_options(fd, &s->l);
    from.port = 0;
    if (err == 0 && from.family == f->remote.family) {
        len = addr_to_sockaddr(&from, &ss);
        (void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        err = bind(fd, (struct sockaddr *)&ss, len) < 0 ? -errno : 0;
    }
    if (err == 0) {
        len = addr_to_sockaddr(&f->remote, &ss);
        err = connect(fd, (struct sockaddr *)&ss, len) < 0 && errno != EINPROGRESS ? -errno : 0;
    }
    if (err < 0) {
        close(fd);
        return err;
    }
    return fd;
}

static bool may_connect(struct conns *cs, const struct flow *f)
{
    if (f->owner)
        return true;
    return f->proto == PROTO_TCP && cs->p.source(cs->p.arg, f->listener, &f->remote) == CONN_KNOWN;
}

static int conn_open(struct conns *cs, const struct flow *f, struct conn **out)
{
    struct conn_sock *s = cs->sock[f->listener];
    struct flow to = *f;
    int fd;

    if (!may_connect(cs, f))
        return -ENOTCONN;
    stat_inc(cs->p.stats, STAT_conn_connects);
    fd = connect_fd(s, f);
    if (fd < 0) {
        stat_inc(cs->p.stats, STAT_conn_connect_failed);
        tell_failed(cs, f);
        return fd;
    }
    if (!addr_is_set(&to.local))
        to.local = s->local;
    *out = conn_new(s, fd, &to, CONN_OURS);
    return *out ? 0 : -ENOMEM;
}

int conns_send(struct conns *cs, const struct flow *f, const char *buf, size_t len)
{
    struct conn_sock *s = f->listener < CONN_LISTENERS_MAX ? cs->sock[f->listener] : NULL;
    struct conn *c = f->conn ? find_id(cs, f->conn) : NULL;
    int err = 0;

    if (!s || s->l.proto != f->proto)
        return -ENOTCONN;
    if (!is_usable(c)) {
        if (f->remote.family != s->local.family)
            return -EAFNOSUPPORT;
        c = find_remote(cs, f);
        if (!c)
            err = conn_open(cs, f, &c);
    }
    return err < 0 ? err : conn_write(c, buf, len);
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

struct conns *conns_new(const struct conns_param *p)
{
    struct conns *cs = calloc(1, sizeof(*cs));

    if (!cs)
        return NULL;
    cs->p = *p;
    if (htab_init(&cs->by_id, 256) < 0 || htab_init(&cs->by_remote, 256) < 0 ||
        htab_init(&cs->peers, 64) < 0) {
        conns_free(cs);
        return NULL;
    }
    return cs;
}

static bool end_one(struct htab_node *n, void *arg)
{
    (void)arg;
    conn_end(container_of(n, struct conn, by_id), CONN_WHY_DONE);
    return true;
}

void conns_free(struct conns *cs)
{
    if (!cs)
        return;
    cs->p.unsent = NULL;
    cs->p.failed = NULL;
    if (cs->by_id.bucket)
        htab_each(&cs->by_id, end_one, NULL);
    conns_turn(cs);
    for (unsigned i = 0; i < CONN_LISTENERS_MAX; i++)
        conn_sock_free(cs->sock[i]);
    htab_fini(&cs->by_id);
    htab_fini(&cs->by_remote);
    htab_fini(&cs->peers);
    free(cs);
}

void conns_tls(struct conns *cs, const struct tls_set *set)
{
    cs->tls = set;
}

uint64_t conns_total(const struct conns *cs)
{
    return cs->by_id.count;
}

struct each {
    bool (*fn)(void *arg, const struct conn_info *c);
    void *arg;
};

static bool each_one(struct htab_node *n, void *arg)
{
    static const char *const state[] = {"connecting", "open", "closing", "dead"};
    const struct conn *c = container_of(n, struct conn, by_id);
    struct each *e = arg;
    struct conn_info info = {
        .flow = c->flow,
        .state = state[c->state],
        .outbound = c->outbound,
        .age_ms = now_ms(c) - c->begun_ms,
        .still_ms = now_ms(c) - c->heard_ms,
        .queued = c->waiting + evbuffer_get_length(bufferevent_get_output(c->bev)),
        .rx = c->rx,
        .tx = c->tx,
    };

    return e->fn(e->arg, &info);
}

void conns_each(struct conns *cs, bool (*fn)(void *arg, const struct conn_info *c), void *arg)
{
    htab_each(&cs->by_id, each_one, &(struct each){fn, arg});
}
