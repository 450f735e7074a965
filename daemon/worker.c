/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One worker: a thread with its loop, sockets, SIP stack and media connection.
 * Made and asked by the control thread; a loop turn reads all sockets and rings, then ends calls, then sends all at once.
 * No protocol here: what a datagram means is the stack's business.
 */
#include "daemon/worker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include "call/journal.h"
#include "core/clock.h"
#include "core/delay.h"
#include "core/err.h"
#include "core/ident.h"
#include "core/log.h"
#include "core/timer.h"
#include "daemon/lobby.h"
#include "sip/net.h"

/* Datagrams read from one socket before the others have their turn: 16 batches, about 10 ms of work at the most. */
#define READ_MAX 1024
/* Likewise from each ring. */
#define TAKE_MAX 256
/* Questions of the control thread that may wait: it asks one thing at a time and has a handful of timers. */
#define ASK_SLOTS 64
/* A socket whose send queue was full is tried again after this long [us]: the kernel drains some packets meanwhile. */
#define FLUSH_RETRY_US 2000
/*
 * A new call that waited 100 ms in the socket is stale: its caller is about to repeat it (T1 is 500 ms), and what is queued
 * behind it is older still when its turn comes. 100 ms are 70 % here, where the gate begins to shed ordinary calls [ms].
 */
#define AGE_FULL_MS 143
/* From this many datagrams of one read on there is more to read than to serve at once, and new requests wait for the rest. */
#define DEEP_READ UDP_BATCH
/*
 * The lobby is served at least this long a turn [us], and as long as the reading took. While a socket could not be read to its end, a quarter
 * of that: what is in it belongs to calls that stand, and who is let in now only makes it more.
 */
#define LOBBY_MIN_US 2000U
#define LOBBY_BEHIND 4U
/* Items served between two looks at the clock. */
#define LOBBY_LOOK 8U

/* Load at which the gate sheds ordinary requests (call/stack.h). */
#define LOAD_STALE 70U

struct worker_socket {
    struct worker *worker;
    struct event *ev;
    uint16_t id;
};

struct worker {
    struct worker_param p;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    struct event_base *base;
    struct clock clock;
    struct timers *timers;
    struct ident_key *ident;
    struct stats stats;
    struct net *net;
    struct media *media;
    struct stack *stack;
    struct journal *journal; /* NULL: none */
    struct lobby *lobby;
    unsigned read_now;       /* datagrams of the read that is under way */
    bool is_behind;          /* a socket had more than was read in this turn */
    uint64_t turn_us;        /* begin of this turn's work */
    struct delay wait, turn; /* of datagrams in the socket; of a turn's work */
    struct delay adopt;      /* CPU time of a turn that went into a new snapshot */
    struct ring *asks;
    struct event *bell_ev, *flush_ev;
    struct worker_socket *socket;
    unsigned n_sockets;
    struct snapshot *snapshot;
    _Atomic uint64_t generation, calls, calls_up, conns;
    _Atomic bool media_up;
};

/* 0..99: never 100, at which emergency calls are refused too. A stale one of those is still worth more than none. */
static unsigned load_of_age(uint64_t age_ms)
{
    uint64_t load = age_ms * 100U / AGE_FULL_MS;
    return load < 99 ? (unsigned)load : 99;
}

static uint64_t now_us(void)
{
    return clock_now_ns() / 1000U;
}

/* A new request that there is no time for now. Without room it is shed as if it had waited: emergency is served at once. */
static void let_wait(struct worker *w, const char *buf, size_t len, const struct flow *flow,
                     const struct stack_hand *hand, uint64_t born_wall_ms)
{
    struct lobby_request r = {hand->cls, hand->in_dialog, buf, len, flow, born_wall_ms};
    if (lobby_put(w->lobby, &r) == 0) {
        stat_inc(&w->stats, STAT_lobby_waited);
        return;
    }
    stat_inc(&w->stats, STAT_lobby_full);
    (void)stack_handed(w->stack, buf, len, flow, load_of_age(AGE_FULL_MS), NULL);
}

static void serve_handed(struct worker *w, const struct dispatch_item *it, uint64_t age_ms)
{
    struct stack_hand hand;
    if (stack_handed(w->stack, it->buf, it->len, it->flow, load_of_age(age_ms), &hand) ==
        STACK_WAIT)
        let_wait(w, it->buf, it->len, it->flow, &hand, w->clock.wall_ms - age_ms);
}

static void on_handed(void *arg, const struct dispatch_item *it, uint64_t wait_us)
{
    struct worker *w = arg;
    switch (it->kind) {
    case DISPATCH_RECEIVED: serve_handed(w, it, wait_us / 1000); break;
    case DISPATCH_SEND: net_send_here(w->net, it->flow, it->buf, it->len); break;
    case DISPATCH_UNSENT: stack_unsent(w->stack, it->buf, it->len); break;
    }
}

/* What waited, until the time for it is over. */
static void lobby_serve(struct worker *w)
{
    uint64_t from, limit;
    struct lobby_item *it;
    stack_let_wait(w->stack, false);
    lobby_clock(w->lobby, w->clock.mono_ms);
    if (lobby_count(w->lobby) == 0)
        return;
    from = now_us();
    limit = from - w->turn_us;
    if (w->is_behind)
        limit /= LOBBY_BEHIND;
    else if (limit < LOBBY_MIN_US)
        limit = LOBBY_MIN_US;
    for (unsigned i = 1; (it = lobby_take(w->lobby)); i++) {
        uint64_t wall = w->clock.wall_ms;
        unsigned load = load_of_age(wall > it->born_wall_ms ? wall - it->born_wall_ms : 0);
        (void)stack_handed(w->stack, it->buf, it->len, &it->flow, load, NULL);
        lobby_done(w->lobby, it, load < LOAD_STALE);
        if (i % LOBBY_LOOK)
            continue;
        clock_update(&w->clock);
        if (now_us() - from >= limit)
            break;
    }
    /* What comes next must not overtake those who wait. */
    stack_let_wait(w->stack, lobby_count(w->lobby) > 0);
}

/* 0..100: how stale the queue is or how full the rings are. The stack sheds by class from it. born_ms 0: unknown. */
static unsigned worker_load(struct worker *w, uint64_t born_ms)
{
    unsigned age =
        born_ms && born_ms < w->clock.wall_ms ? load_of_age(w->clock.wall_ms - born_ms) : 0;
    unsigned fill = w->p.n_workers > 1 ? dispatch_fill_percent(w->p.dispatch, w->p.id) : 0;
    return fill > age ? fill : age;
}

/* A message from any socket. */
static void received(struct worker *w, const char *buf, size_t len, const struct flow *flow,
                     uint64_t born_ms)
{
    struct stack_hand hand;
    enum stack_verdict v;
    if (++w->read_now == DEEP_READ)
        stack_let_wait(w->stack, true);
    v = stack_datagram(w->stack, buf, len, flow, worker_load(w, born_ms), &hand);
    if (v == STACK_WAIT)
        let_wait(w, buf, len, flow, &hand, born_ms ? born_ms : w->clock.wall_ms);
    if (v != STACK_HAND)
        return;
    struct dispatch_item it = {DISPATCH_RECEIVED, hand.cls, hand.in_dialog, flow, buf, len};
    stat_inc(&w->stats, STAT_handover_out);
    if (dispatch_give(w->p.dispatch, w->p.id, hand.worker, &it) < 0)
        stat_inc(&w->stats, STAT_handover_refused);
}

static void on_datagram(void *arg, const struct udp_dgram *d)
{
    struct worker *w = arg;
    struct timespec now;
    if (d->rx_wall_ns && clock_gettime(CLOCK_REALTIME, &now) == 0) {
        uint64_t ns = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
        delay_add(&w->wait, ns > d->rx_wall_ns ? (ns - d->rx_wall_ns) / 1000U : 0);
    }
    received(w, d->data, d->len, &d->flow, d->rx_wall_ns / 1000000U);
}

/* The first thing that this turn does. */
static void turn_begins(struct worker *w)
{
    if (w->turn_us == 0)
        w->turn_us = now_us();
}

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct worker_socket *s = arg;
    (void)fd;
    (void)what;
    clock_update(&s->worker->clock);
    turn_begins(s->worker);
    s->worker->read_now = 0;
    if (udp_recv(net_udp(s->worker->net), s->id, READ_MAX, on_datagram, s->worker) >= READ_MAX)
        s->worker->is_behind = true;
}

/* ---- streams ---- */

static void on_message(void *arg, char *buf, size_t len, const struct flow *flow)
{
    struct worker *w = arg;
    turn_begins(w);
    received(w, buf, len, flow, 0); /* read just now: what waits in a stream waits at its sender */
}

static void on_broken(void *arg, const char *buf, size_t len, const struct flow *flow,
                      unsigned status)
{
    struct worker *w = arg;
    stack_refuse(w->stack, buf, len, flow, status);
}

/* To the worker whose transaction it was. */
static void on_unsent(void *arg, const char *buf, size_t len, const struct flow *flow)
{
    struct worker *w = arg;
    unsigned owner = stack_sender(w->stack, buf, len);
    struct dispatch_item it = {DISPATCH_UNSENT, SIP_CLASS_ORDINARY, true, flow, buf, len};
    if (owner == w->p.id)
        stack_unsent(w->stack, buf, len);
    else if (dispatch_give(w->p.dispatch, w->p.id, owner, &it) < 0)
        stat_inc(&w->stats, STAT_handover_refused); /* its timer ends it */
}

static int on_cross(void *arg, unsigned worker, const struct flow *f, const char *buf, size_t len)
{
    struct worker *w = arg;
    struct dispatch_item it = {DISPATCH_SEND, SIP_CLASS_ORDINARY, true, f, buf, len};
    if (worker >= w->p.n_workers)
        return -ENOTCONN;
    stat_inc(&w->stats, STAT_handover_send);
    return dispatch_give(w->p.dispatch, w->p.id, worker, &it);
}

static enum conn_source source_of(void *arg, uint16_t listener, const struct addr *remote)
{
    const struct worker *w = arg;
    const struct route *rt = w->snapshot->route;
    if (route_source_is_known(rt, listener, remote))
        return CONN_KNOWN;
    return route_unknown(rt, listener) == CONF_UNKNOWN_403 ? CONN_STRANGER : CONN_REFUSE;
}

/* The names of a trunk's peers: as written, else their hosts (RFC 5922 §4). */
static const char *name_of(void *arg, uint32_t owner, unsigned nth)
{
    const struct worker *w = arg;
    const struct snapshot *s = w->snapshot;
    uint32_t id;
    if (route_trunk_of_slot(s->route, owner - 1, &id) < 0)
        return NULL;
    return conf_tls_name(&s->conf->trunk.v[id], nth);
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    (void)fd;
    (void)what;
    clock_update(&w->clock);
    bell_clear(dispatch_bell(w->p.dispatch, w->p.id));
}

static void on_flush(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg; /* the end of the turn flushes */
}

/* CPU time of this thread, by a system call: only asked around a reload. */
static uint64_t thread_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

/* Take the newest snapshot if there is one. */
static void worker_take_snapshot(struct worker *w)
{
    struct snapshot *s = snapshots_current(w->p.snapshots);
    if (s == w->snapshot)
        return;
    w->snapshot = s;
    stack_snapshot(w->stack, &s->view);
    net_configure(w->net, s->conf, s->tls);
    if (w->media && media_set_pools(w->media, s->pool, s->n_pools, s->view.generation) < 0)
        log_ev(LOG_ERROR, "media_pools", "worker=%u msg=\"pools not told to the relay\"", w->p.id);
    if (w->media && media_set_sounds(w->media, s->sound, s->n_sounds, s->view.generation) < 0)
        log_ev(LOG_ERROR, "media_sounds", "worker=%u msg=\"sounds not told to the relay\"",
               w->p.id);
    atomic_store_explicit(&w->generation, s->view.generation, memory_order_release);
}

void worker_ask_done(struct ask *a)
{
    struct ask_group *g = a->group;
    struct bell *bell = g->bell; /* the group may be gone once left is 0 */
    if (atomic_fetch_sub_explicit(&g->left, 1, memory_order_acq_rel) == 1)
        bell_ring(bell);
}

static void worker_answer(struct worker *w)
{
    struct ask *a;
    while ((a = ring_get(w->asks))) {
        a->deferred = false;
        a->fn(w, a);
        if (!a->deferred)
            worker_ask_done(a);
    }
}

/* Is there anything of a reload to do in this turn: its snapshot, its trunks portion by portion, their targets? */
static bool worker_has_news(const struct worker *w)
{
    return snapshots_current(w->p.snapshots) != w->snapshot || stack_is_following(w->stack) ||
           targets_changed(w->p.trunks, w->p.id);
}

static void on_dip(void *arg, const struct dip_answer *a)
{
    struct worker *w = arg;
    stack_dip_answer(w->stack, a);
}

static void worker_turn_end(struct worker *w)
{
    static const struct timeval retry = {0, FLUSH_RETRY_US};
    if (worker_has_news(w)) {
        uint64_t from = thread_us();
        worker_take_snapshot(w);
        stack_follow(w->stack);
        delay_add(&w->adopt, thread_us() - from);
    }
    dispatch_take(w->p.dispatch, w->p.id, TAKE_MAX, &w->stats, on_handed, w);
    dips_take(w->p.dips, w->p.id, on_dip, w);
    lobby_serve(w);
    worker_answer(w);
    w->read_now = 0;
    conns_turn(net_conns(w->net));
    stack_turn_end(w->stack);
    if (w->media)
        media_flush(w->media);
    if (udp_flush(net_udp(w->net)) > 0)
        event_add(w->flush_ev, &retry);
    log_flush(); /* after the datagrams: the peers wait, the reader of the log does not */
    struct calls *cs = stack_calls(w->stack);
    atomic_store_explicit(&w->calls, calls_count(cs) + calls_leaving(cs), memory_order_relaxed);
    atomic_store_explicit(&w->conns, conns_total(net_conns(w->net)), memory_order_relaxed);
    atomic_store_explicit(&w->calls_up, calls_up(cs), memory_order_relaxed);
    atomic_store_explicit(&w->media_up, w->media && media_is_up(w->media), memory_order_relaxed);
}

static bool worker_has_work(struct worker *w)
{
    return lobby_count(w->lobby) > 0 || ring_len(w->asks) > 0 ||
           dispatch_waiting(w->p.dispatch, w->p.id) || dips_waiting(w->p.dips, w->p.id) ||
           worker_has_news(w) || atomic_load(&w->stop);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct bell *bell = dispatch_bell(w->p.dispatch, w->p.id);
    log_hold(true);
    while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
        bell_arm(bell);
        event_base_loop(w->base, EVLOOP_ONCE | (worker_has_work(w) ? EVLOOP_NONBLOCK : 0));
        clock_update(&w->clock);
        turn_begins(w);
        worker_turn_end(w);
        delay_add(&w->turn, now_us() - w->turn_us);
        w->turn_us = 0;
        w->is_behind = false;
    }
    udp_flush(net_udp(w->net));
    log_hold(false);
    return NULL;
}

/* UDP is read by batches, here; streams by their own events. */
static int open_sockets(struct worker *w)
{
    const struct conf *c = w->snapshot->conf;
    struct conf_socket cs;
    int err = net_open(w->net, c, w->p.id == 0);
    if (err < 0)
        return err;
    w->socket = calloc(conf_listeners(c) + 1, sizeof(*w->socket));
    if (!w->socket)
        return -ENOMEM;
    for (uint16_t id = 0; conf_listener(c, id, &cs) == 0; id++) {
        struct worker_socket *s = &w->socket[w->n_sockets];
        if (cs.proto != PROTO_UDP)
            continue;
        s->worker = w;
        s->id = id;
        s->ev = event_new(w->base, udp_fd(net_udp(w->net), id), EV_READ | EV_PERSIST, on_socket, s);
        if (!s->ev || event_add(s->ev, NULL) < 0)
            return -ENOMEM;
        w->n_sockets++;
    }
    return 0;
}

static struct net *make_net(struct worker *w)
{
    struct net_param np = {.conns = {.base = w->base,
                                     .timers = w->timers,
                                     .clock = &w->clock,
                                     .stats = &w->stats,
                                     .worker = (uint8_t)w->p.id,
                                     .workers = (uint8_t)w->p.n_workers,
                                     .recv = on_message,
                                     .broken = on_broken,
                                     .unsent = on_unsent,
                                     .source = source_of,
                                     .name = name_of,
                                     .arg = w},
                           .cross = on_cross};
    return w->timers ? net_new(&np) : NULL;
}

static int worker_make_parts(struct worker *w)
{
    const struct conf *c = w->snapshot->conf;
    struct bell *bell = dispatch_bell(w->p.dispatch, w->p.id);
    clock_init(&w->clock);
    w->base = event_base_new();
    if (!w->base)
        return -ENOMEM;
    w->timers = timers_new(w->base, &w->clock);
    w->ident = ident_key_new(w->p.key, w->p.node, w->p.epoch, (uint8_t)w->p.id);
    w->net = make_net(w);
    w->lobby = lobby_new();
    w->asks = ring_new(ASK_SLOTS);
    w->bell_ev = event_new(w->base, bell->fd, EV_READ | EV_PERSIST, on_bell, w);
    w->flush_ev = event_new(w->base, -1, 0, on_flush, w);
    if (!w->timers || !w->ident || !w->net || !w->lobby || !w->asks || !w->bell_ev ||
        !w->flush_ev || event_add(w->bell_ev, NULL) < 0)
        return -ENOMEM;
    if (c->media.n > 0) {
        struct media_param mp = {.base = w->base,
                                 .timers = w->timers,
                                 .socket_path = c->global.media_socket,
                                 .node = c->global.node,
                                 .epoch = w->p.epoch,
                                 .worker = w->p.id};
        w->media = media_new(&mp);
        if (!w->media)
            return -ENOMEM;
    }
    return 0;
}

static int worker_make_stack(struct worker *w)
{
    struct stack_param sp = {.clock = &w->clock,
                             .timers = w->timers,
                             .ident = w->ident,
                             .stats = &w->stats,
                             .transport = net_transport(w->net),
                             .media = w->media,
                             .cdr = w->p.cdr,
                             .trunks = w->p.trunks,
                             .dips = dips_port(w->p.dips, w->p.id),
                             .node = w->p.node,
                             .worker = (uint8_t)w->p.id,
                             .workers = (uint8_t)w->p.n_workers};
    w->stack = stack_new(&sp);
    return w->stack ? 0 : -ENOMEM;
}

struct worker *worker_new(const struct worker_param *p)
{
    struct worker *w = calloc(1, sizeof(*w));
    int err = -ENOMEM;
    if (!w)
        return NULL;
    w->p = *p;
    w->snapshot = snapshots_current(p->snapshots);
    if ((err = worker_make_parts(w)) < 0 || (err = open_sockets(w)) < 0 ||
        (err = worker_make_stack(w)) < 0) {
        log_ev(LOG_ERROR, "worker", "worker=%u error=\"%s\"", p->id, err_str(err));
        worker_free(w);
        return NULL;
    }
    w->snapshot = NULL;
    worker_take_snapshot(w);
    return w;
}

void worker_set_journal(struct worker *w, struct journal *j)
{
    w->journal = j;
    calls_set_journal(stack_calls(w->stack), j);
}

int worker_start(struct worker *w)
{
    int err = pthread_create(&w->thread, NULL, worker_main, w);
    if (err)
        return -err;
    w->started = true;
    return 0;
}

void worker_stop(struct worker *w)
{
    if (!w->started)
        return;
    atomic_store(&w->stop, true);
    bell_ring(dispatch_bell(w->p.dispatch, w->p.id));
    pthread_join(w->thread, NULL);
    w->started = false;
}

void worker_free(struct worker *w)
{
    if (!w)
        return;
    worker_stop(w);
    if (w->stack)
        stack_free(w->stack);
    journal_free(w->journal);
    media_free(w->media);
    for (unsigned i = 0; i < w->n_sockets; i++)
        event_free(w->socket[i].ev);
    net_free(w->net);
    if (w->bell_ev)
        event_free(w->bell_ev);
    if (w->flush_ev)
        event_free(w->flush_ev);
    lobby_free(w->lobby);
    ring_free(w->asks);
    if (w->timers)
        timers_free(w->timers);
    ident_key_free(w->ident);
    if (w->base)
        event_base_free(w->base);
    free(w->socket);
    free(w);
}

int worker_ask(struct worker *w, struct ask *a)
{
    int err = ring_put(w->asks, a);
    if (err == 0)
        bell_ring(dispatch_bell(w->p.dispatch, w->p.id));
    return err;
}

struct stack *worker_stack(struct worker *w)
{
    return w->stack;
}

struct media *worker_media(struct worker *w)
{
    return w->media;
}

struct net *worker_net(struct worker *w)
{
    return w->net;
}

const struct conf *worker_conf(const struct worker *w)
{
    return w->snapshot->conf;
}

unsigned worker_id(const struct worker *w)
{
    return w->p.id;
}

struct trunk_registry *worker_trunks(struct worker *w)
{
    return w->p.trunks;
}

const struct stats *worker_stats(const struct worker *w)
{
    return &w->stats;
}

uint64_t worker_generation(const struct worker *w)
{
    return atomic_load_explicit(&w->generation, memory_order_acquire);
}

void worker_calls(const struct worker *w, uint64_t *alive, uint64_t *up)
{
    *alive = atomic_load_explicit(&w->calls, memory_order_relaxed);
    *up = atomic_load_explicit(&w->calls_up, memory_order_relaxed);
}

uint64_t worker_conns(const struct worker *w)
{
    return atomic_load_explicit(&w->conns, memory_order_relaxed);
}

bool worker_media_up(const struct worker *w)
{
    return atomic_load_explicit(&w->media_up, memory_order_relaxed);
}

uint64_t worker_cpu_us(const struct worker *w)
{
    clockid_t id;
    struct timespec ts;
    if (!w->started || pthread_getcpuclockid(w->thread, &id) != 0 || clock_gettime(id, &ts) < 0)
        return 0;
    return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

const struct delay *worker_wait(const struct worker *w)
{
    return &w->wait;
}

const struct delay *worker_adoption(const struct worker *w)
{
    return &w->adopt;
}

const struct delay *worker_turn(const struct worker *w)
{
    return &w->turn;
}
