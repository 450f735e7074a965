/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of a packet thread: epoll, packets, inactivity wheel, jobs. relay.c starts it, jobs steer it.
 * It knows no controller, no port ledger and no session table; endpoints are its own between ADD and REMOVE or CLOSE.
 */
#include "relay/thread.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/log.h"
#include "relay/audio.h"
#include "relay/ice.h"
#include "relay/lines.h"
#include "relay/secure.h"

#define EVENTS_MAX  256   /* sockets served before jobs and the clock have their turn: some 2 ms */
#define WHEEL_SLOTS 1024U /* of WHEEL_MS: 102 s, most timeouts in one round */
#define WHEEL_MS    100U
#define RING_SLOTS \
    8192U /* 5,500 sessions, opened in one turn of a connection, come back as jobs: events must find room beside them */
#define LATCH_TELL_MS 1000U /* a LATCHED event of one endpoint and second */
#define JOBS_PER_TURN 256U
#define LOOK_MS \
    50 /* while streams are in the kernel no packet may wake the thread: the watchdog does */

LIST_HEAD(wheel_slot, endpoint);

#define TOUR_SLOTS 10U /* of WHEEL_MS: each endpoint is looked at once a second */

struct thread {
    struct flow_ctx ctx; /* first: its callbacks cast */
    struct io_batch batch;
    struct flow_totals totals;
    struct chan down, up;
    struct bell bell;
    int epoll;
    bool is_running, is_stopping;
    uint64_t wheel_tick; /* number of the slot looked at last */
    struct wheel_slot wheel[WHEEL_SLOTS];
    struct paces paces;
    struct wheel_slot tour[TOUR_SLOTS];
    unsigned tour_next; /* where the next endpoint goes */
    pthread_t pthread;
};

struct job *job_new(enum job_type type, struct session *session, unsigned cells)
{
    struct job *j = calloc(1, sizeof(*j) + cells * sizeof(j->cell[0]));

    if (!j)
        return NULL;
    j->type = type;
    j->session = session;
    return j;
}

static uint64_t now_ms(void)
{
    return clock_now_ns() / 1000000U;
}

/* ---- events up ------------------------------------------------------------------------------------------------- */

static struct media_event_msg *event_new(struct thread *t, struct endpoint *e, enum media_type type,
                                         struct job **job)
{
    struct media_event_msg *m;

    /* 8,192 not taken yet: the control thread is stuck, and more would only take memory */
    *job = t->up.first ? NULL : job_new(JOB_EVENT, e->session, 1);
    if (!*job) {
        total_add(&t->totals.events_lost, 1);
        return NULL;
    }
    m = &(*job)->cell[0].event;
    m->hdr.type = (uint16_t)type;
    m->endpoint = e->number;
    return m;
}

static void on_latched(struct flow_ctx *c, struct flow *f)
{
    struct thread *t = (struct thread *)(void *)c;
    struct endpoint *e = f->ep;
    struct media_event_msg *m;
    struct job *job;

    if (!f->is_rtcp) {
        if (e->told_ms && c->now_ms - e->told_ms < LATCH_TELL_MS)
            return;
        e->told_ms = c->now_ms;
    }
    m = event_new(t, e, MEDIA_EV_LATCHED, &job);
    if (!m)
        return;
    m->is_rtcp = f->is_rtcp;
    m->addr = f->latch.to;
    chan_put(&t->up, &job->item);
}

static bool ask_hop(struct flow_ctx *c, struct flow *f)
{
    struct thread *t = (struct thread *)(void *)c;
    struct job *job = t->up.first ? NULL : job_new(JOB_HOP, f->ep->session, 1);

    if (!job)
        return false;
    job->cell[0].hop = (struct job_hop){.flow = f, .dst = f->latch.to};
    chan_put(&t->up, &job->item);
    return true;
}

/* @return false: no room for it now */
static bool tell(struct thread *t, struct endpoint *e, enum media_type type)
{
    struct job *job;

    if (!event_new(t, e, type, &job))
        return false;
    chan_put(&t->up, &job->item);
    return true;
}

static void on_quality(struct flow_ctx *c, struct endpoint *e, const struct quality_event *ev)
{
    struct thread *t = (struct thread *)(void *)c;
    struct media_event_msg *m;
    struct job *job;

    m = event_new(t, e, MEDIA_EV_QUALITY, &job);
    if (!m)
        return;
    m->kind = ev->kind;
    m->value = ev->value;
    chan_put(&t->up, &job->item);
}

static void on_digit(struct flow_ctx *c, struct endpoint *e, uint8_t digit, uint32_t duration_ms)
{
    struct thread *t = (struct thread *)(void *)c;
    struct job *job;
    struct media_event_msg *m = event_new(t, e, MEDIA_EV_DTMF, &job);

    if (!m)
        return;
    m->digit = digit;
    m->value = duration_ms;
    chan_put(&t->up, &job->item);
}

static void on_played(struct flow_ctx *c, struct endpoint *e, uint32_t played_ms)
{
    struct thread *t = (struct thread *)(void *)c;
    struct job *job;
    struct media_event_msg *m = event_new(t, e, MEDIA_EV_PLAYED, &job);

    if (!m)
        return;
    m->value = played_ms;
    chan_put(&t->up, &job->item);
}

/* ---- inactivity ------------------------------------------------------------------------------------------------ */

static void wheel_del(struct endpoint *e)
{
    if (e->is_on_wheel)
        LIST_REMOVE(e, wheel);
    e->is_on_wheel = false;
}

/* Looked at when it would be due if nothing came meanwhile; packets do not touch the wheel. */
static void wheel_set(struct thread *t, struct endpoint *e)
{
    uint64_t tick;

    wheel_del(e);
    if (e->inactivity_ms == 0 || !(e->direction & MEDIA_DIR_RECV) || e->is_inactive)
        return;
    e->due_ms = e->seen_ms + e->inactivity_ms;
    tick = e->due_ms / WHEEL_MS + 1;
    if (tick <= t->wheel_tick)
        tick = t->wheel_tick + 1;
    LIST_INSERT_HEAD(&t->wheel[tick % WHEEL_SLOTS], e, wheel);
    e->is_on_wheel = true;
}

static void on_active(struct flow_ctx *c, struct endpoint *e)
{
    struct thread *t = (struct thread *)(void *)c;

    tell(t, e, MEDIA_EV_ACTIVE);
    wheel_set(t, e);
}

static void wheel_slot_run(struct thread *t, struct wheel_slot *slot)
{
    struct endpoint *next;

    /* wheel_set puts in front, behind where we are */
    for (struct endpoint *e = LIST_FIRST(slot); e; e = next) {
        next = LIST_NEXT(e, wheel);
        wheel_del(e);
        if (e->fast.state == FAST_IN)
            fast_fold(&t->ctx, e);
        /* what could not be told comes again at the next tick: a call must not wait for ever for its end */
        e->is_inactive =
            t->ctx.now_ms >= e->seen_ms + e->inactivity_ms && tell(t, e, MEDIA_EV_INACTIVE);
        wheel_set(t, e);
    }
}

static void tour_run(struct thread *t, struct wheel_slot *slot)
{
    struct endpoint *e;

    LIST_FOREACH(e, slot, tour)
    {
        flow_look(&t->ctx, e);
    }
}

static void wheel_run(struct thread *t)
{
    uint64_t tick = t->ctx.now_ms / WHEEL_MS;

    /* after a long stop (debugger, suspended machine) each slot once is enough */
    if (tick > t->wheel_tick + WHEEL_SLOTS)
        t->wheel_tick = tick - WHEEL_SLOTS;
    while (t->wheel_tick < tick) {
        t->wheel_tick++;
        wheel_slot_run(t, &t->wheel[t->wheel_tick % WHEEL_SLOTS]);
        tour_run(t, &t->tour[t->wheel_tick % TOUR_SLOTS]);
    }
}

/* ---- jobs ------------------------------------------------------------------------------------------------------ */

static void endpoint_gone(struct thread *t, struct endpoint *e)
{
    fast_change(&t->ctx, e, MEDIA_OP_REMOVE);
    fast_fold(&t->ctx, e);
    t->ctx.io->del(t->ctx.io_thread, &e->rtp);
    t->ctx.io->del(t->ctx.io_thread, &e->rtcp);
    wheel_del(e);
    LIST_REMOVE(e, tour);
    audio_gone(&t->ctx, e);
    flow_disconnect(e);
}

/* New keys, or none; those before go back up. */
static void set_secure(struct thread *t, struct job_op *op)
{
    struct secure *s = op->thing;
    struct secure *old = op->ep->secure;

    if (s && old)
        secure_follow(s, old, t->ctx.now_ms);
    else if (s && op->ep->is_resumed && secure_place_set(s, &op->ep->place) < 0)
        log_limited(LOG_WARN, "media_srtp_place", "endpoint=%u", op->ep->number);
    op->ep->secure = s;
    op->thing = old;
}

/* Of a former process the address it had nominated holds, until its party says otherwise. */
static void set_ice(const struct thread *t, struct job_op *op)
{
    struct ice *i = op->thing;
    struct ice *old = op->ep->ice;

    if (!i || (old && ice_is_restart(i, old))) {
        latch_unpin(&op->ep->rtp.latch, t->ctx.now_ms);
        latch_unpin(&op->ep->rtcp.latch, t->ctx.now_ms);
    }
    op->ep->ice = i;
    lines_ice(&op->ep->rtp);
    lines_ice(&op->ep->rtcp);
    op->thing = old;
}

static void apply_op(struct thread *t, struct job_op *op)
{
    fast_change(&t->ctx, op->ep, op->kind);
    if (op->peer)
        fast_change(&t->ctx, op->peer, op->kind);
    switch (op->kind) {
    case MEDIA_OP_ADD:
        t->ctx.io->add(t->ctx.io_thread, &op->ep->rtp);
        t->ctx.io->add(t->ctx.io_thread, &op->ep->rtcp);
        audio_set(&t->ctx, op->ep, &op->want, op->thing);
        wheel_set(t, op->ep);
        t->tour_next = (t->tour_next + 1) % TOUR_SLOTS;
        LIST_INSERT_HEAD(&t->tour[t->tour_next], op->ep, tour);
        break;
    case MEDIA_OP_REMOVE: endpoint_gone(t, op->ep); break;
    case MEDIA_OP_REMOTE: flow_set_remote(op->ep, &op->want, t->ctx.now_ms); break;
    case MEDIA_OP_SET:
        flow_set_options(op->ep, &op->want, t->ctx.now_ms);
        audio_set(&t->ctx, op->ep, &op->want, op->thing);
        op->ep->is_inactive = false;
        wheel_set(t, op->ep);
        break;
    case MEDIA_OP_RELEARN: flow_relearn(op->ep, t->ctx.now_ms); break;
    case MEDIA_OP_CONNECT: flow_connect(op->ep, op->peer); break;
    case MEDIA_OP_PLAY: audio_play(&t->ctx, op->ep, op->thing); break;
    case MEDIA_OP_STOP: audio_stop(&t->ctx, op->ep); break;
    case MEDIA_OP_DTMF: audio_dtmf(&t->ctx, op->ep, &op->dtmf); break;
    case MEDIA_OP_CRYPTO: set_secure(t, op); break;
    case MEDIA_OP_ICE: set_ice(t, op); break;
    default: flow_disconnect(op->ep); break;
    }
}

/* All operations of a message are done. */
static void settle(struct thread *t, struct endpoint *e)
{
    if (e->is_resumed) {
        fast_resume(&t->ctx, e);
        e->is_resumed = false;
    }
    flow_release(&t->ctx, e);
}

static void do_ops(struct thread *t, struct job *j)
{
    bool is_owed = j->asker.conn != 0;

    for (unsigned i = 0; i < j->n; i++) {
        apply_op(t, &j->cell[i].op);
        is_owed |= j->cell[i].op.kind == MEDIA_OP_REMOVE ||
                   ((j->cell[i].op.kind == MEDIA_OP_CRYPTO || j->cell[i].op.kind == MEDIA_OP_ICE) &&
                    j->cell[i].op.thing);
    }
    for (unsigned i = 0; i < j->n; i++)
        if (j->cell[i].op.kind != MEDIA_OP_REMOVE)
            settle(t, j->cell[i].op.ep);
    if (is_owed)
        chan_put(&t->up, &j->item);
    else
        free(j);
}

static void do_states(struct thread *t, struct job *j)
{
    /* each way of a call is counted at both ends */
    for (unsigned i = 0; i < j->n; i++)
        fast_fold(&t->ctx, j->ep[i]);
    for (unsigned i = 0; i < j->n; i++)
        flow_state(&t->ctx, j->ep[i], &j->cell[i].state);
    for (unsigned i = 0; i < j->n && j->type == JOB_CLOSE; i++)
        endpoint_gone(t, j->ep[i]);
    chan_put(&t->up, &j->item);
}

static bool run_jobs(struct thread *t)
{
    unsigned i;

    for (i = 0; i < JOBS_PER_TURN; i++) {
        struct job *j = (struct job *)(void *)chan_get(&t->down);

        if (!j)
            break;
        switch (j->type) {
        case JOB_OPS: do_ops(t, j); break;
        case JOB_QUERY:
        case JOB_CLOSE: do_states(t, j); break;
        case JOB_HOP:
            fast_hop_is(&t->ctx, j->cell[0].hop.flow, &j->cell[0].hop.dst, j->cell[0].hop.hop);
            free(j);
            break;
        default: t->is_stopping = true; break;
        }
    }
    return i > 0;
}

/* ---- loop ------------------------------------------------------------------------------------------------------ */

static void on_ready(struct thread *t, void *ready)
{
    t->ctx.io->recv(t->ctx.io_thread, ready, &t->batch);
    if (t->batch.n == IO_BATCH)
        flow_input(&t->ctx, &t->batch);
}

/* Wait for packets and take them. @return how many sockets had some, or the bell */
static int take_packets(struct thread *t, int wait_ms)
{
    struct epoll_event ev[EVENTS_MAX];
    int n = epoll_wait(t->epoll, ev, EVENTS_MAX, wait_ms);

    t->ctx.now_ms = now_ms();
    for (int i = 0; i < n; i++) {
        /* the bell is edge-triggered too: it need not be read */
        if (ev[i].data.ptr)
            on_ready(t, ev[i].data.ptr);
    }
    if (t->batch.n > 0)
        flow_input(&t->ctx, &t->batch);
    return n;
}

void thread_step(struct thread *t, int wait_ms)
{
    if (t->ctx.fast.n_in && wait_ms > LOOK_MS)
        wait_ms = LOOK_MS;
    bell_arm(&t->bell);
    if (ring_len(t->down.ring) > 0 || t->up.first)
        wait_ms = t->up.first && ring_len(t->down.ring) == 0 && wait_ms > 1 ? 1 : 0;
    wait_ms = paces_wait(&t->paces, now_ms(), wait_ms);
    take_packets(t, wait_ms);
    /* only a look that finds nothing tells that no packet is behind those that were forwarded */
    if (t->ctx.fast.n_queued)
        fast_promote(&t->ctx, take_packets(t, 0) == 0);
    fast_watch(&t->ctx);
    run_jobs(t);
    paces_run(&t->paces, t->ctx.now_ms, &t->ctx);
    flow_flush(&t->ctx);
    wheel_run(t);
    chan_flush(&t->up);
}

static void *thread_main(void *arg)
{
    struct thread *t = arg;

    while (!t->is_stopping)
        thread_step(t, WHEEL_MS);
    return NULL;
}

static void thread_fini(struct thread *t)
{
    if (t->ctx.io_thread)
        t->ctx.io->thread_free(t->ctx.io_thread);
    fast_fini(&t->ctx.fast);
    io_batch_fini(&t->batch);
    io_batch_fini(&t->ctx.own);
    chan_fini(&t->down);
    chan_fini(&t->up);
    bell_fini(&t->bell);
    if (t->epoll >= 0)
        close(t->epoll);
    free(t);
}

static int thread_init(struct thread *t, const struct thread_param *p)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
    struct io_thread_param io = {
        .index = p->index, .totals = &t->totals, .kernel = p->kernel, .handed = p->handed};
    int err;

    t->epoll = epoll_create1(EPOLL_CLOEXEC);
    err = bell_init(&t->bell);
    if (t->epoll < 0 || err < 0)
        return t->epoll < 0 ? -EMFILE : err;
    if (chan_init(&t->down, RING_SLOTS, &t->bell) < 0 ||
        chan_init(&t->up, RING_SLOTS, p->up_bell) < 0 || io_batch_init(&t->batch) < 0 ||
        io_batch_init(&t->ctx.own) < 0)
        return -ENOMEM;
    if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, t->bell.fd, &ev) < 0)
        return -errno;
    io.epoll = t->epoll;
    return p->io->thread_new(&io, &t->ctx.io_thread);
}

int thread_new(const struct thread_param *p, struct thread **out)
{
    struct thread *t = calloc(1, sizeof(*t));
    int err;

    if (!t)
        return -ENOMEM;
    t->epoll = -1;
    t->ctx.io = p->io;
    t->ctx.totals = &t->totals;
    t->ctx.now_ms = now_ms();
    t->ctx.on_latched = on_latched;
    t->ctx.on_active = on_active;
    t->ctx.on_digit = on_digit;
    t->ctx.on_played = on_played;
    t->ctx.paces = &t->paces;
    paces_init(&t->paces, t->ctx.now_ms);
    t->ctx.on_quality = on_quality;
    fast_init(&t->ctx.fast, p->kernel);
    t->ctx.fast.ask_hop = ask_hop;
    t->wheel_tick = t->ctx.now_ms / WHEEL_MS;
    err = thread_init(t, p);
    if (err < 0)
        thread_fini(t);
    else
        *out = t;
    return err;
}

void thread_prime(struct thread *t)
{
    bool has_more;

    t->ctx.now_ms = now_ms();
    do {
        has_more = thread_flush(t);
        has_more |= run_jobs(t);
    } while (has_more);
    flow_flush(&t->ctx);
    chan_flush(&t->up);
}

void thread_fds(const struct thread *t, int fd[IO_THREAD_FDS])
{
    t->ctx.io->thread_fds(t->ctx.io_thread, fd);
}

int thread_start(struct thread *t)
{
    sigset_t all, old;
    int err;

    t->is_stopping = false;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&t->pthread, NULL, thread_main, t);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    t->is_running = err == 0;
    return -err;
}

static void drop_jobs(struct chan *c)
{
    struct chan_item *item;

    chan_flush(c);
    while ((item = chan_get(c)) != NULL) {
        free(item);
        chan_flush(c);
    }
}

void thread_stop(struct thread *t)
{
    struct job stop = {.type = JOB_STOP};

    if (!t->is_running)
        return;
    thread_post(t, &stop);
    while (thread_flush(t))
        sched_yield();
    pthread_join(t->pthread, NULL);
    t->is_running = false;
}

void thread_free(struct thread *t)
{
    if (!t)
        return;
    thread_stop(t);
    drop_jobs(&t->up);
    drop_jobs(&t->down);
    thread_fini(t);
}

void thread_post(struct thread *t, struct job *job)
{
    chan_put(&t->down, &job->item);
}

bool thread_flush(struct thread *t)
{
    return chan_flush(&t->down);
}

struct job *thread_take(struct thread *t)
{
    return (struct job *)(void *)chan_get(&t->up);
}

const struct flow_totals *thread_totals(const struct thread *t)
{
    return &t->totals;
}

const struct fast_totals *thread_fast_totals(const struct thread *t)
{
    return &t->ctx.fast.totals;
}
