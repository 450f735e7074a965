/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real client of the relay: connection, requests, answers and events, coming back after a loss.
 * The daemon makes one per worker, lib/call asks through media.h; it knows no call, no SDP and nothing of how the relay works.
 */
#include "media/media.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/ipc.h"
#include "core/log.h"
#include "media/media_pools.h"
#include "media/media_sounds.h"
#include "media/pending.h"

#define TIMEOUT_MS \
    2000U /* a relay on the same machine answers in 0.1 ms; a call can still get its 503 in time */
#define TICK_MS        500U /* requests time out after TIMEOUT_MS .. TIMEOUT_MS + TICK_MS */
#define BACKOFF_MIN_MS 100U
#define BACKOFF_MAX_MS 2000U
#define STEADY_MS \
    1000U /* a connection that old, lost: at once; a successor of the relay listens at the same socket */
#define OUT_MAX \
    (4U         \
     << 20) /* unsent bytes, some 20,000 requests: a relay that is so far behind is as good as gone */
#define DOOMED_MAX \
    65536U /* sessions to be closed after a reconnect or when there is room again; beyond: closed by the relay's own grace */
#define ADOPT_BIT      0x80000000U /* of a request: a late answer must not close the session */
#define READS_PER_TURN 64U /* packets taken before other events of the worker have their turn */

enum client_state {
    CLIENT_DOWN,
    CLIENT_GREETING, /* connected, HELLO sent */
    CLIENT_UP,
};

struct client {
    struct media media; /* first: the seam casts */
    struct event_base *base;
    struct timers *timers;
    struct event *ev_read, *ev_write, *ev_turn;
    struct timer reconnect, tick;
    struct media_client_counters n;
    enum client_state state;
    bool is_lost; /* noticed where no callback may run; ev_turn does the rest */
    int fd;
    uint32_t backoff_ms;
    uint32_t hello_request;
    uint64_t boot; /* of the relay we last spoke to; 0: none yet */
    uint64_t received_ms, up_ms;

    struct pendings pend;

    uint8_t *out; /* messages not sent yet, back to back */
    size_t out_len, out_cap;
    uint8_t *pools; /* POOL messages of the configuration and POOLS_END */
    size_t pools_len;
    struct media_sounds sounds;
    struct media_ref *doomed;
    unsigned n_doomed, doomed_cap;

    uint32_t worker, epoch, orphan_idle_ms, orphan_cap_ms, serial;
    char node[MEDIA_NAME_MAX];
    char *path;
    _Alignas(8) uint8_t in[MEDIA_PACKET_MAX];
};

static const struct media_vt client_vt;

static struct client *client_of(struct media *m)
{
    return (struct client *)(void *)m;
}

static uint64_t now_ms(void)
{
    return clock_now_ns() / 1000000U;
}

/* ---- output ---------------------------------------------------------------------------------------------------- */

/* Room for a message of len bytes, zeroed but for its header. NULL: no memory or the relay is too far behind. */
static void *out_message(struct client *c, enum media_type type, size_t len, uint32_t request)
{
    struct media_hdr *h;

    if (c->out_len + len > c->out_cap) {
        size_t cap = c->out_cap ? c->out_cap * 2 : 65536;
        uint8_t *p;

        if (cap > OUT_MAX)
            return NULL;
        p = realloc(c->out, cap);
        if (!p)
            return NULL;
        c->out = p;
        c->out_cap = cap;
    }
    h = (struct media_hdr *)(void *)(c->out + c->out_len);
    memset(h, 0, len);
    h->version = MEDIA_VERSION;
    h->type = (uint16_t)type;
    h->length = (uint32_t)len;
    h->epoch = c->epoch;
    h->request = request;
    h->index = MEDIA_INDEX_NONE;
    c->out_len += len;
    return h;
}

static void lost_later(struct client *c)
{
    c->is_lost = true;
    event_active(c->ev_turn, EV_TIMEOUT, 0);
}

static void out_send(struct client *c)
{
    size_t off = 0;

    while (off < c->out_len && c->fd >= 0 && !c->is_lost) {
        size_t n = media_sounds_packet(c->out + off, c->out_len - off);

        if (media_sounds_send(&c->sounds, c->fd, c->out + off, n) < 0) {
            if (errno == EINTR)
                continue;
            if (errno == EAGAIN)
                event_add(c->ev_write, NULL);
            else
                lost_later(c);
            break;
        }
        c->n.packets_out++;
        off += n;
    }
    if (off < c->out_len && off > 0)
        memmove(c->out, c->out + off, c->out_len - off);
    c->out_len -= off;
    if (off > 0)
        explicit_bzero(c->out + c->out_len, off); /* there may be keys in it */
}

/* ---- requests -------------------------------------------------------------------------------------------------- */

/* Puts the request where it is waited for, or where it fails at the next turn. */
static void request_start(struct client *c, struct pending *p, bool is_sent)
{
    uint32_t i = (uint32_t)(p - c->pend.slot);

    c->n.requests++;
    if (is_sent) {
        p->sent_ms = now_ms();
        pending_add(&c->pend, &c->pend.waiting, i);
        if (!timer_is_pending(&c->tick))
            timer_set(&c->tick, TICK_MS);
    } else {
        pending_add(&c->pend, &c->pend.failed, i);
    }
    event_active(c->ev_turn, EV_TIMEOUT, 0);
}

static void doom(struct client *c, struct media_ref ref)
{
    if (c->n_doomed == c->doomed_cap) {
        unsigned cap = c->doomed_cap ? c->doomed_cap * 2 : 64;
        struct media_ref *d = cap > DOOMED_MAX ? NULL : realloc(c->doomed, cap * sizeof(*d));

        if (!d)
            return;
        c->doomed = d;
        c->doomed_cap = cap;
    }
    c->doomed[c->n_doomed++] = ref;
}

/* "c=IN IP4 0.0.0.0" (hold of RFC 2543) is nowhere. */
static void unset_if_any(struct addr *a)
{
    static const uint8_t zero[16];

    if (memcmp(a->ip, zero, sizeof(zero)) == 0 || a->port == 0)
        memset(a, 0, sizeof(*a));
}

static uint32_t request_ops(struct client *c, enum media_type type, const struct media_open *o,
                            media_done_fn done, void *arg)
{
    size_t len = sizeof(struct media_session_ops) + o->n_ops * sizeof(struct media_op);
    struct media_session_ops *msg = NULL;
    struct pending *p;
    uint32_t request;

    p = pending_new(&c->pend, type, &request);
    if (!p)
        return 0;
    p->done.session = done;
    p->arg = arg;
    p->ref = o->ref;
    p->is_adopt = (o->flags & MEDIA_OPEN_ADOPT) != 0;
    if (p->is_adopt)
        request |= ADOPT_BIT;
    /* the relay refuses more, and so does this without asking it */
    if (c->state == CLIENT_UP && o->n_ops <= MEDIA_OPS_MAX)
        msg = out_message(c, type, len, request);
    if (msg) {
        msg->hdr.session = o->ref.session;
        msg->hdr.index = o->ref.index;
        msg->flags = o->flags;
        msg->stats_every_s = o->stats_every_s;
        msg->n_ops = o->n_ops;
        memcpy(msg->op, o->op, o->n_ops * sizeof(*o->op));
        for (unsigned i = 0; i < o->n_ops; i++) {
            if (o->op[i].kind != MEDIA_OP_ADD && o->op[i].kind != MEDIA_OP_REMOTE)
                continue;
            unset_if_any(&msg->op[i].ep.remote);
            unset_if_any(&msg->op[i].ep.rtcp);
        }
    }
    request_start(c, p, msg != NULL);
    return request;
}

static uint32_t client_open(struct media *m, const struct media_open *o, media_done_fn done,
                            void *arg)
{
    return request_ops(client_of(m), MEDIA_OPEN, o, done, arg);
}

static uint32_t client_modify(struct media *m, struct media_ref ref, const struct media_op *op,
                              unsigned n, media_done_fn done, void *arg)
{
    struct media_open o = {.ref = ref, .op = op, .n_ops = n};

    return request_ops(client_of(m), MEDIA_MODIFY, &o, done, arg);
}

static uint32_t request_bare(struct client *c, enum media_type type, struct media_ref ref,
                             media_done_fn done, void *arg)
{
    struct media_hdr *h = NULL;
    struct pending *p;
    uint32_t request;

    p = pending_new(&c->pend, type, &request);
    if (!p)
        return 0;
    p->done.session = done;
    p->arg = arg;
    p->ref = ref;
    if (c->state == CLIENT_UP)
        h = out_message(c, type, sizeof(*h), request);
    if (h) {
        h->session = ref.session;
        h->index = ref.index;
    }
    request_start(c, p, h != NULL);
    return request;
}

static uint32_t client_close(struct media *m, struct media_ref ref, media_done_fn done, void *arg)
{
    struct client *c = client_of(m);
    uint32_t request = request_bare(c, MEDIA_CLOSE, ref, done, arg);

    if (!request || !c->pend.slot[request & PENDING_SLOT_MASK].sent_ms)
        doom(c, ref); /* the asker is told that it failed; the session must go all the same */
    return request;
}

static void close_unasked(struct client *c, struct media_ref ref)
{
    (void)client_close(&c->media, ref, NULL, NULL);
}

/* Half of the room: what calls ask meanwhile comes first. The rest has its turn when that is sent. */
static void close_doomed(struct client *c)
{
    while (c->state == CLIENT_UP && c->n_doomed && c->out_len < OUT_MAX / 2) {
        unsigned n = c->n_doomed--;

        close_unasked(c, c->doomed[n - 1]);
        if (c->n_doomed == n)
            break; /* no memory: it is there again */
    }
}

static uint32_t client_query(struct media *m, struct media_ref ref, media_done_fn done, void *arg)
{
    return request_bare(client_of(m), MEDIA_QUERY, ref, done, arg);
}

static void client_forget(struct media *m, uint32_t request)
{
    struct client *c = client_of(m);
    uint32_t i = pending_find(&c->pend, request);

    if (request && i != PENDING_NONE)
        c->pend.slot[i].done.session = NULL;
}

static uint64_t client_session_new(struct media *m)
{
    struct client *c = client_of(m);

    /* 24 bits of seconds repeat after 194 days, no session is as old; 2^32 sessions of one worker at 1,000 a second take 49 */
    return (uint64_t)(c->worker & 0xff) << 56 | (uint64_t)(c->epoch & 0xffffff) << 32 | ++c->serial;
}

static bool client_is_up(const struct media *m)
{
    return ((const struct client *)(const void *)m)->state == CLIENT_UP;
}

static void client_flush(struct media *m)
{
    out_send(client_of(m));
}

uint32_t media_query_relay(struct media *m, media_relay_fn done, void *arg)
{
    struct client *c = client_of(m);
    uint32_t request =
        request_bare(c, MEDIA_RELAY, (struct media_ref){0, MEDIA_INDEX_NONE}, NULL, arg);

    if (request)
        c->pend.slot[request & PENDING_SLOT_MASK].done.relay = done;
    return request;
}

uint32_t media_list_sessions(struct media *m, uint32_t from, media_list_fn done, void *arg)
{
    struct client *c = client_of(m);
    struct media_list *msg = NULL;
    struct pending *p;
    uint32_t request;

    p = pending_new(&c->pend, MEDIA_LIST, &request);
    if (!p)
        return 0;
    p->done.list = done;
    p->arg = arg;
    if (c->state == CLIENT_UP)
        msg = out_message(c, MEDIA_LIST, sizeof(*msg), request);
    if (msg)
        msg->from = from;
    request_start(c, p, msg != NULL);
    return request;
}

const struct media_client_counters *media_client_counters(const struct media *m)
{
    return &((const struct client *)(const void *)m)->n;
}

/* ---- pools ----------------------------------------------------------------------------------------------------- */

static void send_pools(struct client *c)
{
    for (size_t off = 0; off < c->pools_len;) {
        const struct media_hdr *h = (const struct media_hdr *)(const void *)(c->pools + off);
        uint8_t *to = out_message(c, (enum media_type)h->type, h->length, UINT32_MAX);

        if (to)
            memcpy(to + sizeof(*h), c->pools + off + sizeof(*h), h->length - sizeof(*h));
        off += h->length;
    }
}

/* A process counts its configurations from 1; to the relay, which outlives it, those of the next process are newer. */
static uint64_t relay_generation(const struct client *c, uint64_t generation)
{
    return (uint64_t)c->epoch << 32 | (uint32_t)generation;
}

int media_set_pools(struct media *m, const struct media_pool_conf *pool, unsigned n_pools,
                    uint64_t generation)
{
    struct client *c = client_of(m);
    uint8_t *bytes;
    size_t len;
    int err;

    err = media_pools_encode(pool, n_pools, relay_generation(c, generation), &bytes, &len);
    if (err < 0)
        return err;
    free(c->pools);
    c->pools = bytes;
    c->pools_len = len;
    if (c->state != CLIENT_DOWN) {
        send_pools(c);
        event_active(c->ev_turn, EV_TIMEOUT, 0);
    }
    return 0;
}

static void send_sounds(struct client *c)
{
    const struct media_sounds *ms = &c->sounds;
    struct media_sounds_end *end;

    for (unsigned i = 0; i < ms->n_conf; i++) {
        struct media_sound *m = NULL;

        /* the descriptor first: a message without one would take that of the next */
        if (media_sounds_push(&c->sounds, ms->conf[i].fd) == 0)
            m = out_message(c, MEDIA_SOUND, sizeof(*m), UINT32_MAX);
        if (!m) {
            log_limited(LOG_ERROR, "media_sound_lost", "sound=%s", ms->conf[i].name);
            lost_later(c);
            return;
        }
        m->generation = ms->generation;
        m->id = media_pool_id(ms->conf[i].name);
        m->samples = ms->conf[i].samples;
    }
    end = out_message(c, MEDIA_SOUNDS_END, sizeof(*end), UINT32_MAX);
    if (end)
        end->generation = ms->generation;
}

int media_set_sounds(struct media *m, const struct media_sound_conf *sound, unsigned n_sounds,
                     uint64_t generation)
{
    struct client *c = client_of(m);
    int err = media_sounds_set(&c->sounds, sound, n_sounds, relay_generation(c, generation));

    if (err == 0 && c->state != CLIENT_DOWN) {
        send_sounds(c);
        event_active(c->ev_turn, EV_TIMEOUT, 0);
    }
    return err;
}

/* ---- answers --------------------------------------------------------------------------------------------------- */

static void on_hello(struct client *c, const struct media_hello_reply *r)
{
    bool fresh = r->boot != c->boot;

    if (r->hdr.status != 0 || r->hdr.length != sizeof(*r)) {
        log_ev(LOG_ERROR, "media_refused", "path=%s status=%d", c->path, r->hdr.status);
        lost_later(c);
        return;
    }
    c->state = CLIENT_UP;
    c->up_ms = now_ms();
    c->boot = r->boot;
    c->backoff_ms = BACKOFF_MIN_MS;
    c->n.connects++;
    log_ev(LOG_INFO, "media_up", "path=%s worker=%u fresh=%d sessions=%u", c->path, c->worker,
           fresh, r->sessions);
    close_doomed(c);
    if (c->media.handler.on_state)
        c->media.handler.on_state(c->media.handler.arg, true, fresh);
}

/* The states of endpoints in a message that has them; -EBADMSG if its numbers do not agree. */
static int session_state(const struct media_hdr *h, const struct media_ep_state **ep, unsigned *n)
{
    const struct media_session_state *s = (const struct media_session_state *)(const void *)h;

    *ep = NULL;
    *n = 0;
    if (h->length < sizeof(*s))
        return h->status == 0 ? -EBADMSG : 0;
    if (s->n > MEDIA_ENDPOINTS_MAX || h->length != sizeof(*s) + s->n * sizeof(s->ep[0]))
        return -EBADMSG;
    *ep = s->ep;
    *n = s->n;
    return 0;
}

static int answer_session(const struct pending *p, const struct media_hdr *h)
{
    struct media_result res = {.status = h->status, .ref = {h->session, h->index}};

    if (session_state(h, &res.ep, &res.n_eps) < 0)
        return -EBADMSG;
    if (p->done.session)
        p->done.session(p->arg, &res);
    return 0;
}

static int answer_other(const struct pending *p, const struct media_hdr *h)
{
    if (p->type == MEDIA_RELAY) {
        const struct media_relay_reply *r = (const void *)h;

        if (h->length < sizeof(*r) || r->n_pools > MEDIA_POOLS_MAX ||
            h->length != sizeof(*r) + r->n_pools * sizeof(r->pool[0]))
            return -EBADMSG;
        if (p->done.relay)
            p->done.relay(p->arg, h->status, r);
    } else {
        const struct media_list_reply *r = (const void *)h;

        if (h->length < sizeof(*r) || r->n > MEDIA_LIST_MAX ||
            h->length != sizeof(*r) + r->n * sizeof(r->entry[0]))
            return -EBADMSG;
        if (p->done.list)
            p->done.list(p->arg, h->status, r);
    }
    return 0;
}

static int on_reply(struct client *c, const struct media_hdr *h)
{
    uint16_t type = h->type & (uint16_t)~MEDIA_REPLY;
    struct pending p;
    uint32_t i;

    if (type == MEDIA_HELLO) {
        if (h->length < sizeof(struct media_hello_reply))
            return -EBADMSG;
        on_hello(c, (const struct media_hello_reply *)(const void *)h);
        return 0;
    }
    if (type == MEDIA_POOL || type == MEDIA_POOLS_END) {
        if (h->status != 0)
            log_ev(LOG_ERROR, "media_pool_refused", "status=%d", h->status);
        return 0;
    }
    if (type == MEDIA_SOUND || type == MEDIA_SOUNDS_END) {
        if (h->status != 0)
            log_ev(LOG_ERROR, "media_sound_refused", "status=%d", h->status);
        return 0;
    }
    c->n.replies++;
    c->n.failed += h->status != 0;
    i = pending_find(&c->pend, h->request);
    if (i == PENDING_NONE) {
        c->n.late++;
        if (type == MEDIA_OPEN && h->status == 0 && !(h->request & ADOPT_BIT))
            close_unasked(c, (struct media_ref){h->session, h->index});
        return 0;
    }
    p = c->pend.slot[i];
    if (p.type != type || p.sent_ms == 0)
        return -EBADMSG;
    c->pend.slot[i].done.session = NULL;
    pending_end(&c->pend, &c->pend.waiting, i, 0);
    return type == MEDIA_RELAY || type == MEDIA_LIST ? answer_other(&p, h) : answer_session(&p, h);
}

static int on_event_msg(struct client *c, const struct media_hdr *h)
{
    const struct media_event_msg *m = (const void *)h;
    struct media_event ev = {.type = (enum media_type)h->type, .ref = {h->session, h->index}};

    c->n.events++;
    if (h->type == MEDIA_EV_STATS) {
        if (session_state(h, &ev.ep, &ev.n_eps) < 0)
            return -EBADMSG;
    } else {
        if (h->length != sizeof(*m))
            return -EBADMSG;
        ev.endpoint = m->endpoint;
        ev.is_rtcp = m->is_rtcp != 0;
        ev.addr = m->addr;
        ev.lost = (enum media_lost)m->reason;
        ev.digit = m->digit;
        ev.kind = m->kind;
        ev.value = m->value;
    }
    if (c->media.handler.on_event)
        c->media.handler.on_event(c->media.handler.arg, &ev);
    return 0;
}

static int on_packet(struct client *c, size_t len)
{
    size_t off = 0;

    c->received_ms = now_ms();
    while (off < len) {
        const struct media_hdr *h = (const struct media_hdr *)(const void *)(c->in + off);
        int err;

        if (len - off < sizeof(*h) || h->version != MEDIA_VERSION || h->length < sizeof(*h) ||
            h->length > len - off || h->length % 8)
            return -EBADMSG;
        if (h->type >= MEDIA_EV_LATCHED && h->type < MEDIA_EV_END)
            err = on_event_msg(c, h);
        else if (h->type & MEDIA_REPLY)
            err = on_reply(c, h);
        else
            err = -EBADMSG;
        if (err < 0)
            return err;
        if (c->is_lost)
            return 0;
        off += h->length;
    }
    return 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;

    (void)what;
    timers_tick(
        c->timers); /* what the callbacks note as "now" must not be when the loop fell asleep */
    for (unsigned i = 0; i < READS_PER_TURN && !c->is_lost; i++) {
        ssize_t n = recv((int)fd, c->in, sizeof(c->in), MSG_DONTWAIT);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n > 0 && on_packet(c, (size_t)n) < 0) {
            log_ev(LOG_ERROR, "media_bad_message", "path=%s", c->path);
            n = -1;
        }
        if (n <= 0) {
            lost_later(c);
            return;
        }
    }
}

/* ---- connection ------------------------------------------------------------------------------------------------ */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    out_send(arg);
    close_doomed(arg);
}

static void greet(struct client *c)
{
    struct media_hello *h;

    c->out_len = 0;
    media_sounds_drop(&c->sounds);
    h = out_message(c, MEDIA_HELLO, sizeof(*h), 1);
    if (!h) {
        lost_later(c);
        return;
    }
    memcpy(h->node, c->node, sizeof(h->node));
    h->worker = c->worker;
    h->orphan_idle_ms = c->orphan_idle_ms;
    h->orphan_cap_ms = c->orphan_cap_ms;
    send_pools(c);
    send_sounds(c);
    out_send(c);
}

static void connect_failed(struct client *c)
{
    timer_set(&c->reconnect, c->backoff_ms);
    c->backoff_ms = c->backoff_ms * 2 > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : c->backoff_ms * 2;
}

static void try_connect(struct client *c)
{
    int fd = ipc_connect(c->path, SOCK_SEQPACKET);

    if (fd < 0) {
        log_limited(LOG_WARN, "media_unreachable", "path=%s errno=%d", c->path, -fd);
        connect_failed(c);
        return;
    }
    c->fd = fd;
    c->state = CLIENT_GREETING;
    c->received_ms = now_ms();
    event_assign(c->ev_read, c->base, fd, EV_READ | EV_PERSIST, on_readable, c);
    event_assign(c->ev_write, c->base, fd, EV_WRITE, on_writable, c);
    event_add(c->ev_read, NULL);
    timer_set(&c->tick, TICK_MS);
    greet(c);
}

static void on_reconnect(struct timer *t, void *arg)
{
    (void)t;
    try_connect(arg);
}

static void disconnect(struct client *c)
{
    bool was_up = c->state == CLIENT_UP;

    event_del(c->ev_read);
    event_del(c->ev_write);
    close(c->fd);
    c->fd = -1;
    c->state = CLIENT_DOWN;
    c->is_lost = false;
    c->out_len = 0;
    media_sounds_drop(&c->sounds);
    for (uint32_t i; (i = c->pend.waiting.first) != PENDING_NONE;) {
        const struct pending *p = &c->pend.slot[i];

        /* it may have been made, or may not have been closed */
        if ((p->type == MEDIA_OPEN && !p->is_adopt) || p->type == MEDIA_CLOSE)
            doom(c, p->ref);
        pending_del(&c->pend, &c->pend.waiting, i);
        pending_add(&c->pend, &c->pend.failed, i);
        c->pend.slot[i].sent_ms = 0;
    }
    if (was_up && now_ms() - c->up_ms >= STEADY_MS)
        timer_set(&c->reconnect, 1);
    else
        connect_failed(c);
    if (!was_up)
        return;
    c->n.losses++;
    log_ev(LOG_ERROR, "media_down", "path=%s worker=%u", c->path, c->worker);
    if (c->media.handler.on_state)
        c->media.handler.on_state(c->media.handler.arg, false, false);
}

/* Once a loop turn in which something was asked or lost: send it, fail what cannot be sent. */
static void on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct client *c = arg;
    uint32_t last;

    (void)fd;
    (void)what;
    timers_tick(c->timers);
    if (c->is_lost && c->fd >= 0)
        disconnect(c);
    out_send(c);
    close_doomed(c);
    /* what is added by the callbacks has its own turn */
    last = c->pend.failed.last;
    while (last != PENDING_NONE && c->pend.failed.first != PENDING_NONE) {
        uint32_t i = c->pend.failed.first;

        c->n.failed++;
        pending_end(&c->pend, &c->pend.failed, i, -ENOTCONN);
        if (i == last)
            break;
    }
}

static void on_tick(struct timer *t, void *arg)
{
    struct client *c = arg;
    uint64_t now = now_ms();

    while (c->pend.waiting.first != PENDING_NONE) {
        const struct pending *p = &c->pend.slot[c->pend.waiting.first];

        if (now - p->sent_ms < TIMEOUT_MS)
            break;
        /* nothing at all was heard meanwhile: it hangs */
        if (now - c->received_ms >= TIMEOUT_MS && c->fd >= 0)
            lost_later(c);
        c->n.timeouts++;
        pending_end(&c->pend, &c->pend.waiting, c->pend.waiting.first, -ETIMEDOUT);
    }
    if (c->state == CLIENT_GREETING && now - c->received_ms >= TIMEOUT_MS)
        lost_later(c);
    if (c->pend.waiting.first != PENDING_NONE || c->state == CLIENT_GREETING)
        timer_set(t, TICK_MS);
}

static void client_free(struct media *m)
{
    struct client *c = client_of(m);

    timer_del(&c->reconnect);
    timer_del(&c->tick);
    if (c->fd >= 0) {
        event_del(c->ev_read);
        event_del(c->ev_write);
        close(c->fd);
    }
    if (c->ev_turn)
        event_free(c->ev_turn);
    if (c->ev_read)
        event_free(c->ev_read);
    if (c->ev_write)
        event_free(c->ev_write);
    pending_fini(&c->pend);
    free(c->out);
    free(c->pools);
    media_sounds_fini(&c->sounds);
    free(c->doomed);
    free(c->path);
    free(c);
}

static const struct media_vt client_vt = {
    .open = client_open,
    .modify = client_modify,
    .close = client_close,
    .query = client_query,
    .forget = client_forget,
    .session_new = client_session_new,
    .is_up = client_is_up,
    .flush = client_flush,
    .free = client_free,
};

struct media *media_new(const struct media_param *p)
{
    struct client *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->media.vt = &client_vt;
    c->base = p->base;
    c->fd = -1;
    c->backoff_ms = BACKOFF_MIN_MS;
    pending_init(&c->pend);
    c->worker = p->worker;
    c->epoch = p->epoch;
    c->orphan_idle_ms = p->orphan_idle_ms;
    c->orphan_cap_ms = p->orphan_cap_ms;
    media_copy_name(c->node, sizeof(c->node), p->node);
    c->timers = p->timers;
    timer_init(&c->reconnect, p->timers, on_reconnect, c);
    timer_init(&c->tick, p->timers, on_tick, c);
    c->path = strdup(p->socket_path);
    c->ev_turn = event_new(p->base, -1, 0, on_turn, c);
    c->ev_read = event_new(p->base, -1, EV_READ, on_readable, c);
    c->ev_write = event_new(p->base, -1, EV_WRITE, on_writable, c);
    if (!c->path || !c->ev_turn || !c->ev_read || !c->ev_write) {
        client_free(&c->media);
        return NULL;
    }
    try_connect(c);
    return &c->media;
}
