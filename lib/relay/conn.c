/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Connections of controllers: who may connect, messages in, answers out, one packet per turn.
 * relay.c accepts and flushes; what a message asks for is done in session.c and ports.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/ipc.h"
#include "core/log.h"
#include "relay/control.h"
#include "relay/ranges.h"
#include "relay/state.h"

#define CONNS_MAX       256U       /* workers of a controller, twice during an upgrade */
#define CONTROLLERS_MAX 1024U      /* with those that are gone and have sessions left */
#define PACKETS_TURN    64U        /* of one connection before the others have their turn */
#define OUT_MAX         (4U << 20) /* a controller that does not read its answers is gone */
#define GROUPS_MAX      64U

/* ---- who may --------------------------------------------------------------------------------------------------- */

/* The socket file's group may be one of the peer's further groups: SupplementaryGroups= of tandemd. */
static bool is_in_group(int fd, gid_t want)
{
    gid_t group[GROUPS_MAX];
    socklen_t len = sizeof(group);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, group, &len) < 0)
        return false;
    for (size_t i = 0; i < len / sizeof(group[0]); i++) {
        if (group[i] == want)
            return true;
    }
    return false;
}

static bool may_connect(int fd)
{
    uid_t uid;
    gid_t gid;

    if (ipc_peer(fd, &uid, &gid, NULL) < 0)
        return false;
    return uid == 0 || uid == geteuid() || gid == getegid() || is_in_group(fd, getegid());
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

void *conn_message(struct conn *c, uint16_t type, size_t len)
{
    struct media_hdr *h;

    if (c->is_dead)
        return NULL;
    if (c->out_len + len > c->out_cap) {
        size_t cap = c->out_cap ? c->out_cap * 2 : MEDIA_PACKET_MAX;
        uint8_t *p = cap > OUT_MAX ? NULL : realloc(c->out, cap);

        if (!p) {
            c->is_dead = true;
            return NULL;
        }
        c->out = p;
        c->out_cap = cap;
    }
    h = (struct media_hdr *)(void *)(c->out + c->out_len);
    memset(h, 0, len);
    h->version = MEDIA_VERSION;
    h->type = type;
    h->length = (uint32_t)len;
    h->index = MEDIA_INDEX_NONE;
    if (c->ctl)
        h->epoch = c->ctl->epoch;
    c->out_len += len;
    return h;
}

static void *conn_reply(struct conn *c, const struct media_hdr *req, size_t len)
{
    struct media_hdr *h = conn_message(c, req->type | MEDIA_REPLY, len);

    if (h) {
        h->request = req->request;
        h->session = req->session;
    }
    return h;
}

void conn_status(struct conn *c, const struct media_hdr *req, int status)
{
    size_t len = sizeof(*req);
    struct media_hdr *h;

    if (req->type == MEDIA_HELLO)
        len = sizeof(struct media_hello_reply);
    else if (req->type == MEDIA_LIST)
        len = sizeof(struct media_list_reply);
    h = conn_reply(c, req, len);
    if (h)
        h->status = status;
}

static void conn_send(struct conn *c)
{
    size_t off = 0;

    while (off < c->out_len && !c->is_dead) {
        size_t n = 0;

        while (off + n < c->out_len) {
            const struct media_hdr *h = (const struct media_hdr *)(void *)(c->out + off + n);

            if (n + h->length > MEDIA_PACKET_MAX)
                break;
            n += h->length;
        }
        if (send(c->fd, c->out + off, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN)
                event_add(c->ev_write, NULL);
            else
                c->is_dead = true;
            break;
        }
        off += n;
    }
    if (off > 0 && off < c->out_len)
        memmove(c->out, c->out + off, c->out_len - off);
    c->out_len -= off;
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct conn *c = arg;

    (void)fd;
    (void)what;
    relay_now(c->relay);
    relay_turn(c->relay);
}

/* ---- controllers ----------------------------------------------------------------------------------------------- */

static struct controller *controller_find(const struct relay *r, const char node[MEDIA_NAME_MAX],
                                          uint32_t worker, uint32_t epoch)
{
    struct controller *ctl;

    LIST_FOREACH(ctl, &r->controllers, link)
    {
        if (ctl->epoch == epoch && ctl->worker == worker &&
            strncmp(ctl->node, node, sizeof(ctl->node)) == 0)
            return ctl;
    }
    return NULL;
}

struct controller *controller_get(struct relay *r, const char node[MEDIA_NAME_MAX], uint32_t worker,
                                  uint32_t epoch)
{
    struct controller *ctl = controller_find(r, node, worker, epoch);

    if (ctl)
        return ctl;
    if (r->n_controllers >= CONTROLLERS_MAX)
        return NULL;
    ctl = calloc(1, sizeof(*ctl));
    if (!ctl)
        return NULL;
    memcpy(ctl->node, node, sizeof(ctl->node));
    ctl->epoch = epoch;
    ctl->worker = worker;
    ctl->lost_ms = r->now_ms;
    ctl->orphan_idle_ms = MEDIA_ORPHAN_IDLE_MS;
    ctl->orphan_cap_ms = MEDIA_ORPHAN_CAP_MS;
    LIST_INSERT_HEAD(&r->controllers, ctl, link);
    r->n_controllers++;
    return ctl;
}

/* Those that are gone and own nothing. */
void controllers_sweep(struct relay *r)
{
    struct controller *next;

    for (struct controller *ctl = LIST_FIRST(&r->controllers); ctl; ctl = next) {
        next = LIST_NEXT(ctl, link);
        if (ctl->conn || ctl->n_sessions > 0)
            continue;
        LIST_REMOVE(ctl, link);
        r->n_controllers--;
        free(ctl);
    }
}

static void on_hello(struct conn *c, const struct media_hello *m)
{
    struct relay *r = c->relay;
    struct media_hello_reply *reply;
    struct controller *ctl;

    if (c->ctl) {
        conn_status(c, &m->hdr, -EINVAL);
        return;
    }
    controllers_sweep(r);
    ctl = controller_get(r, m->node, m->worker, m->hdr.epoch);
    if (!ctl) {
        conn_status(c, &m->hdr, -ENOMEM);
        return;
    }
    /* it has come back before we saw it go */
    if (ctl->conn) {
        ctl->conn->ctl = NULL;
        ctl->conn->is_dead = true;
    }
    ctl->conn = c;
    c->ctl = ctl;
    ctl->orphan_idle_ms = m->orphan_idle_ms ? m->orphan_idle_ms : MEDIA_ORPHAN_IDLE_MS;
    ctl->orphan_cap_ms = m->orphan_cap_ms ? m->orphan_cap_ms : MEDIA_ORPHAN_CAP_MS;
    log_ev(LOG_INFO, "controller_up", "node=%.*s worker=%u epoch=%u sessions=%u",
           (int)sizeof(ctl->node), ctl->node, ctl->worker, ctl->epoch, ctl->n_sessions);
    reply = conn_reply(c, &m->hdr, sizeof(*reply));
    if (!reply)
        return;
    reply->boot = r->boot;
    reply->sessions = ctl->n_sessions;
    reply->draining = r->is_draining;
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

static struct job_asker asker_of(const struct conn *c, const struct media_hdr *req)
{
    return (struct job_asker){.conn = c->serial, .request = req->request, .type = req->type};
}

void conn_done(struct conn *c, const struct job_asker *asker, const struct session *s)
{
    struct media_ep_state st[MEDIA_ENDPOINTS_MAX];
    unsigned n = session_states(s, st);
    struct media_session_state *m;

    m = conn_message(c, asker->type | MEDIA_REPLY, sizeof(*m) + n * sizeof(st[0]));
    if (!m)
        return;
    m->hdr.request = asker->request;
    m->hdr.session = s->id;
    m->hdr.index = s->index;
    m->n = n;
    memcpy(m->ep, st, n * sizeof(st[0]));
}

static void on_open(struct conn *c, const struct media_session_ops *m)
{
    struct job_asker asker = asker_of(c, &m->hdr);
    int err = session_open(c->relay, c->ctl, m, &asker);

    if (err == 0)
        return;
    log_limited(LOG_WARN, "media_open_refused", "session=%016llx status=%d",
                (unsigned long long)m->hdr.session, err);
    conn_status(c, &m->hdr, err);
}

/* Another process of the same node, after its own: it may close what it cannot go on with. */
static bool is_heir(const struct controller *ctl, const struct controller *owner)
{
    return !owner->conn && strncmp(ctl->node, owner->node, sizeof(ctl->node)) == 0;
}

/* MODIFY, CLOSE, QUERY of a session that is this controller's own. */
static void on_session(struct conn *c, const struct media_hdr *h)
{
    struct session *s = session_find(c->relay, h->session, h->index);
    struct job_asker asker = asker_of(c, h);
    int err;

    if (!s)
        err = -ENOENT;
    else if (s->owner != c->ctl && !(h->type == MEDIA_CLOSE && is_heir(c->ctl, s->owner)))
        err = -EPERM;
    else if (h->type == MEDIA_MODIFY)
        err =
            session_modify(c->relay, s, (const struct media_session_ops *)(const void *)h, &asker);
    else
        err = session_ask(c->relay, s, h->type == MEDIA_CLOSE ? JOB_CLOSE : JOB_QUERY, &asker);
    if (err < 0)
        conn_status(c, h, err);
}

static void on_pool(struct conn *c, const struct media_pool *m)
{
    int err = ports_set_pool(c->relay->ports, m);

    if (err == 0) {
        limits_pool(&c->relay->limits, m);
        ranges_pool(c->relay->p.kernel, m);
        keep_pool(c->relay->keep, m);
    }
    conn_status(c, &m->hdr, err);
}

static void fds_close(struct conn *c)
{
    while (c->next_fd < c->n_fds)
        close(c->fds[c->next_fd++]);
    c->next_fd = c->n_fds = 0;
}

/* Each message that names a sound has one descriptor, in their order; also one that is refused. */
static int fd_take(struct conn *c)
{
    return c->next_fd < c->n_fds ? c->fds[c->next_fd++] : -1;
}

static void on_sound(struct conn *c, const struct media_sound *m, int status)
{
    int fd = fd_take(c);

    if (status < 0 && fd >= 0)
        close(fd);
    if (status == 0)
        status = sounds_take(&c->relay->sounds, m, fd);
    conn_status(c, &m->hdr, status);
}

static void on_list(struct conn *c, const struct media_list *m)
{
    const struct relay *r = c->relay;
    struct media_list_reply *reply;
    uint32_t i = m->from;
    uint32_t n = 0;

    reply = conn_reply(c, &m->hdr, sizeof(*reply) + MEDIA_LIST_MAX * sizeof(reply->entry[0]));
    if (!reply)
        return;
    for (; i < r->n_slots && n < MEDIA_LIST_MAX; i++) {
        const struct session *s = r->slot[i];

        if (!s || s->owner != c->ctl || s->is_closing)
            continue;
        reply->entry[n].session = s->id;
        reply->entry[n].index = i;
        n++;
    }
    reply->n = n;
    reply->next = i < r->n_slots ? i : MEDIA_INDEX_NONE;
    /* it is the last message of the output: give back what it does not fill */
    c->out_len -= (MEDIA_LIST_MAX - n) * sizeof(reply->entry[0]);
    reply->hdr.length -= (uint32_t)((MEDIA_LIST_MAX - n) * sizeof(reply->entry[0]));
}

static void on_relay(struct conn *c, const struct media_hdr *h)
{
    struct relay *r = c->relay;
    struct media_relay_reply *reply;
    size_t pools = MEDIA_POOLS_MAX * sizeof(reply->pool[0]);
    struct media_hdr hdr;
    size_t spare;

    reply = conn_reply(c, h, sizeof(*reply) + pools);
    if (!reply)
        return;
    hdr = reply->hdr;
    relay_report(r, reply);
    spare = pools - reply->n_pools * sizeof(reply->pool[0]);
    reply->hdr = hdr;
    reply->hdr.length -= (uint32_t)spare;
    c->out_len -= spare;
}

/* A successor. Not in this turn: what controllers asked for in it is answered first. */
static void on_takeover(struct conn *c, const struct media_takeover *m, int status)
{
    if (status == 0)
        status = handover_asked(c->relay, c, m);
    if (status < 0)
        conn_status(c, &m->hdr, status);
}

static void dispatch(struct conn *c, const struct media_hdr *h)
{
    int err = control_check(h);

    if (h->type == MEDIA_TAKEOVER && !c->ctl) {
        on_takeover(c, (const struct media_takeover *)(const void *)h, err);
        return;
    }
    if (!c->ctl && h->type != MEDIA_HELLO) {
        c->is_dead = true;
        return;
    }
    if (h->type == MEDIA_SOUND) {
        on_sound(c, (const struct media_sound *)(const void *)h, err);
        return;
    }
    if (err < 0) {
        conn_status(c, h, err);
        return;
    }
    switch (h->type) {
    case MEDIA_SOUNDS_END:
        sounds_end(&c->relay->sounds,
                   ((const struct media_sounds_end *)(const void *)h)->generation);
        conn_status(c, h, 0);
        break;
    case MEDIA_HELLO: on_hello(c, (const struct media_hello *)(const void *)h); break;
    case MEDIA_POOL: on_pool(c, (const struct media_pool *)(const void *)h); break;
    case MEDIA_POOLS_END:
        ports_end_pools(c->relay->ports,
                        ((const struct media_pools_end *)(const void *)h)->generation);
        ranges_sweep(c->relay->p.kernel, c->relay->ports);
        keep_pools_end(c->relay->keep,
                       ((const struct media_pools_end *)(const void *)h)->generation);
        conn_status(c, h, 0);
        break;
    case MEDIA_OPEN: on_open(c, (const struct media_session_ops *)(const void *)h); break;
    case MEDIA_LIST: on_list(c, (const struct media_list *)(const void *)h); break;
    case MEDIA_RELAY: on_relay(c, h); break;
    default: on_session(c, h); break;
    }
}

void conn_packet(struct conn *c, const void *p, size_t len)
{
    const struct media_hdr *h;
    size_t off = 0;
    int err;

    while (!c->is_dead && (err = control_next((const uint8_t *)p + off, len - off, &h)) != 0) {
        if (err < 0) {
            c->relay->bad_messages++;
            log_limited(LOG_ERROR, "controller_bad_message", "status=%d", err);
            if (err == -EPROTO)
                conn_status(c, h, err);
            conn_send(c);
            c->is_dead = true;
            return;
        }
        off += h->length;
        dispatch(c, h);
    }
}

/* One packet and the descriptors that it bears. */
static ssize_t packet_recv(struct conn *c, int fd, void *in, size_t size)
{
    union {
        struct cmsghdr align;
        char b[CMSG_SPACE(CONN_FDS * sizeof(int))];
    } control;
    struct iovec vec = {.iov_base = in, .iov_len = size};
    struct msghdr m = {.msg_iov = &vec,
                       .msg_iovlen = 1,
                       .msg_control = control.b,
                       .msg_controllen = sizeof(control.b)};
    ssize_t n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

    if (n < 0)
        return n;
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&m); h; h = CMSG_NXTHDR(&m, h)) {
        size_t bytes = h->cmsg_len - CMSG_LEN(0);

        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        memcpy(c->fds, CMSG_DATA(h), bytes);
        c->n_fds = (unsigned)(bytes / sizeof(int));
    }
    return n;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    _Alignas(8) uint8_t in[MEDIA_PACKET_MAX];
    struct conn *c = arg;
    struct relay *r = c->relay;

    (void)what;
    relay_now(r);
    for (unsigned i = 0; i < PACKETS_TURN && !c->is_dead; i++) {
        ssize_t n = packet_recv(c, (int)fd, in, sizeof(in));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            break;
        if (n <= 0)
            c->is_dead = true;
        else
            conn_packet(c, in, (size_t)n);
        fds_close(c);
        if (n > 0)
            explicit_bzero(in, (size_t)n); /* there may be keys in it */
    }
    relay_turn(r);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

struct conn *conn_new(struct relay *r, int fd)
{
    struct conn *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->relay = r;
    c->fd = fd;
    c->serial = ++r->serial;
    LIST_INSERT_HEAD(&r->conns, c, link);
    r->n_conns++;
    c->ev_read = event_new(r->p.base, fd, EV_READ | EV_PERSIST, on_readable, c);
    c->ev_write = event_new(r->p.base, fd, EV_WRITE, on_writable, c);
    if (!c->ev_read || !c->ev_write || event_add(c->ev_read, NULL) < 0)
        c->is_dead = true;
    return c;
}

static void conn_free(struct conn *c)
{
    struct relay *r = c->relay;

    if (c->ctl) {
        c->ctl->conn = NULL;
        c->ctl->lost_ms = r->now_ms;
        log_ev(LOG_WARN, "controller_down", "node=%.*s worker=%u sessions=%u",
               (int)sizeof(c->ctl->node), c->ctl->node, c->ctl->worker, c->ctl->n_sessions);
    }
    if (c->ev_read)
        event_free(c->ev_read);
    if (c->ev_write)
        event_free(c->ev_write);
    fds_close(c);
    close(c->fd);
    LIST_REMOVE(c, link);
    r->n_conns--;
    free(c->out);
    free(c);
}

void conn_accept(struct relay *r)
{
    int fd = ipc_accept(r->listen_fd);

    if (fd < 0)
        return;
    if (r->n_conns >= CONNS_MAX || !may_connect(fd)) {
        log_limited(LOG_WARN, "controller_refused", "connections=%u", r->n_conns);
        close(fd);
        return;
    }
    if (!conn_new(r, fd))
        close(fd);
}

struct conn *conn_find(const struct relay *r, uint64_t serial)
{
    struct conn *c;

    LIST_FOREACH(c, &r->conns, link)
    {
        if (c->serial == serial)
            return c;
    }
    return NULL;
}

void conns_flush(struct relay *r)
{
    struct conn *next;

    for (struct conn *c = LIST_FIRST(&r->conns); c; c = next) {
        next = LIST_NEXT(c, link);
        conn_send(c);
        if (c->is_dead)
            conn_free(c);
    }
}

void conns_free(struct relay *r)
{
    while (!LIST_EMPTY(&r->conns))
        conn_free(LIST_FIRST(&r->conns));
    while (!LIST_EMPTY(&r->controllers)) {
        struct controller *ctl = LIST_FIRST(&r->controllers);

        LIST_REMOVE(ctl, link);
        free(ctl);
    }
}
