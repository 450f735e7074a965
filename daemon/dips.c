/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dip thread: rings, a loop with the resolvers' sockets, and call/lnp.c.
 * Called by node.c and worker.c. What a question means it does not know.
 */
#include "daemon/dips.h"

#include <event2/event.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include "call/lnp.h"
#include "core/err.h"
#include "core/log.h"
#include "core/work.h"
#include "sip/dns_ares.h"

/* Twice the calls that may wait: those that have given up are still with the name servers. */
#define SLOTS (2U * DIPS_MAX)
/* 250 ms and three tries over all servers: a lost datagram costs the calls at hand their dip, and the cache has the answer for the next. */
#define PACE_MS    250
#define PACE_TRIES 3
/* How old what the operator sees may be [us]. */
#define PUBLISH_US 200000

struct port;

struct item {
    struct item *next;
    struct port *port;
    uint64_t call;
    uint32_t serial;
    struct port_answer answer;
    char section[CONF_NAME_MAX + 1];
    char number[NUMBER_MAX];
};

struct port {
    struct dip_ops ops;
    struct dips *dips;
    unsigned worker;
    struct ring *asked, *answered;
    struct item *item, *free; /* the worker's; made at its first question */
    bool has_news;            /* the dip thread's: wake the worker */
};

struct dips {
    struct dips_param p;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    struct event_base *base;
    struct event *bell_ev, *publish_ev;
    struct bell bell;
    struct clock clock;
    struct timers *timers;
    struct stats stats;
    struct lnp *lnp;
    _Atomic(const struct conf *) conf; /* to be taken; NULL: nothing new */
    pthread_mutex_t lock;              /* of state */
    json_t *state;
    struct port port[];
};

/* ---- a worker's side ---------------------------------------------------------------------------------------------- */

static int port_items(struct port *p)
{
    p->item = calloc(SLOTS, sizeof(*p->item));
    for (unsigned i = 0; p->item && i < SLOTS; i++) {
        p->item[i].next = p->free;
        p->free = &p->item[i];
    }
    return p->item ? 0 : -ENOMEM;
}

static int port_ask(struct dip_ops *ops, const struct dip_question *q)
{
    struct port *p = (struct port *)(void *)ops;
    struct item *it;
    if (!p->item && port_items(p) < 0)
        return -ENOMEM;
    it = p->free;
    if (!it)
        return TD_EFULL;
    p->free = it->next;
    it->port = p;
    it->call = q->call;
    it->serial = q->serial;
    snprintf(it->section, sizeof(it->section), "%s", q->section);
    snprintf(it->number, sizeof(it->number), "%s", q->number);
    (void)ring_put(p->asked, it); /* as long as there are items */
    bell_ring(&p->dips->bell);
    return 0;
}

struct dip_ops *dips_port(struct dips *d, unsigned worker)
{
    return &d->port[worker].ops;
}

bool dips_waiting(const struct dips *d, unsigned worker)
{
    return ring_len(d->port[worker].answered) > 0;
}

void dips_take(struct dips *d, unsigned worker, void (*fn)(void *arg, const struct dip_answer *a),
               void *arg)
{
    struct port *p = &d->port[worker];
    struct item *it;
    while ((it = ring_get(p->answered))) {
        struct dip_answer a = {it->call, it->serial, it->answer};
        it->next = p->free;
        p->free = it;
        fn(arg, &a);
    }
}

/* ---- the thread ---------------------------------------------------------------------------------------------------- */

static void add_state(void *arg, const struct lnp_info *i)
{
    json_t *list = arg;
    json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:i}", "lnp",
                                          i->name, "kind", i->kind, "source", i->what, "state",
                                          i->state, "rows", (json_int_t)i->rows, "questions",
                                          (json_int_t)i->asked, "cached", (json_int_t)i->hits,
                                          "stale", (json_int_t)i->stale, "unanswered",
                                          (json_int_t)i->failed, "running", (int)i->running));
}

static void publish(struct dips *d)
{
    json_t *list = json_array(), *old;
    lnp_each(d->lnp, add_state, list);
    pthread_mutex_lock(&d->lock);
    old = d->state;
    d->state = list;
    pthread_mutex_unlock(&d->lock);
    json_decref(old);
}

static void on_publish(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    publish(arg);
}

json_t *dips_state(struct dips *d)
{
    pthread_mutex_lock(&d->lock);
    json_t *copy = json_deep_copy(d->state);
    pthread_mutex_unlock(&d->lock);
    return copy;
}

static void on_answer(void *arg, const struct port_answer *a)
{
    struct item *it = arg;
    it->answer = *a;
    it->port->has_news = true;
    (void)ring_put(it->port->answered, it); /* as long as all items */
}

static bool take_questions(struct dips *d)
{
    bool any = false;
    for (unsigned i = 0; i < d->p.workers; i++) {
        struct item *it;
        while ((it = ring_get(d->port[i].asked))) {
            any = true;
            lnp_ask(d->lnp, it->section, span_of(it->number), on_answer, it);
        }
    }
    return any;
}

static void take_conf(struct dips *d)
{
    const struct conf *conf = atomic_exchange_explicit(&d->conf, NULL, memory_order_acq_rel);
    if (!conf)
        return;
    if (lnp_configure(d->lnp, conf) < 0)
        log_ev(LOG_ERROR, "lnp", "error=\"some sections answer nothing: out of memory\"");
    conf_free(conf);
    publish(d);
}

static void wake_workers(struct dips *d)
{
    for (unsigned i = 0; i < d->p.workers; i++) {
        if (!d->port[i].has_news)
            continue;
        d->port[i].has_news = false;
        d->p.wake(d->p.arg, i);
    }
}

static bool has_work(struct dips *d)
{
    for (unsigned i = 0; i < d->p.workers; i++)
        if (ring_len(d->port[i].asked) > 0)
            return true;
    return atomic_load(&d->stop) || atomic_load_explicit(&d->conf, memory_order_relaxed);
}

static void *dips_main(void *arg)
{
    static const struct timeval later = {0, PUBLISH_US};
    struct dips *d = arg;
    while (!atomic_load_explicit(&d->stop, memory_order_relaxed)) {
        bell_arm(&d->bell);
        event_base_loop(d->base, EVLOOP_ONCE | (has_work(d) ? EVLOOP_NONBLOCK : 0));
        timers_tick(d->timers);
        take_conf(d);
        if (take_questions(d) && !event_pending(d->publish_ev, EV_TIMEOUT, NULL))
            event_add(d->publish_ev, &later);
        wake_workers(d);
    }
    return NULL;
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct dips *d = arg;
    (void)fd;
    (void)what;
    bell_clear(&d->bell);
}

/* ---- making and ending ---------------------------------------------------------------------------------------------- */

/* A resolver with the struct that the service knows it by. */
struct resolver {
    struct dns_ops ops;
    struct dns_ares *ares;
};

static int resolver_query(struct dns_ops *ops, const char *name, enum dns_type type, dns_fn fn,
                          void *arg)
{
    struct dns_ops *ares = dns_ares_ops(((struct resolver *)(void *)ops)->ares);
    return ares->query(ares, name, type, fn, arg);
}

static void resolver_cancel(struct dns_ops *ops, void *arg)
{
    struct dns_ops *ares = dns_ares_ops(((struct resolver *)(void *)ops)->ares);
    ares->cancel(ares, arg);
}

static struct dns_ops *resolver_make(void *arg, const struct addr *server, unsigned n)
{
    struct dips *d = arg;
    struct resolver *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->ops = (struct dns_ops){resolver_query, resolver_cancel};
    r->ares =
        dns_ares_new_paced(d->base, d->timers, server, n, &(struct dns_pace){PACE_MS, PACE_TRIES});
    if (r->ares)
        return &r->ops;
    free(r);
    return NULL;
}

static void resolver_end(void *arg, struct dns_ops *ops)
{
    struct resolver *r = (struct resolver *)(void *)ops;
    (void)arg;
    dns_ares_free(r->ares);
    free(r);
}

static int make_ports(struct dips *d)
{
    for (unsigned i = 0; i < d->p.workers; i++) {
        struct port *p = &d->port[i];
        *p = (struct port){.ops = {port_ask}, .dips = d, .worker = i};
        p->asked = ring_new(SLOTS);
        p->answered = ring_new(SLOTS);
        if (!p->asked || !p->answered)
            return -ENOMEM;
    }
    return 0;
}

static int make_loop(struct dips *d)
{
    if (bell_init(&d->bell) < 0)
        return -ENOMEM;
    clock_init(&d->clock);
    d->base = event_base_new();
    d->timers = d->base ? timers_new(d->base, &d->clock) : NULL;
    if (!d->timers)
        return -ENOMEM;
    d->bell_ev = event_new(d->base, d->bell.fd, EV_READ | EV_PERSIST, on_bell, d);
    d->publish_ev = event_new(d->base, -1, 0, on_publish, d);
    d->lnp = lnp_new(&(struct lnp_param){.timers = d->timers,
                                         .clock = &d->clock,
                                         .stats = &d->stats,
                                         .resolvers = {resolver_make, resolver_end, d}});
    d->state = json_array();
    if (!d->bell_ev || !d->publish_ev || !d->lnp || !d->state || event_add(d->bell_ev, NULL) < 0)
        return -ENOMEM;
    return 0;
}

static int start(struct dips *d)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int err = pthread_create(&d->thread, NULL, dips_main, d);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    d->started = err == 0;
    return -err;
}

struct dips *dips_new(const struct dips_param *p)
{
    struct dips *d = calloc(1, sizeof(*d) + p->workers * sizeof(d->port[0]));
    if (!d)
        return NULL;
    d->p = *p;
    d->bell.fd = -1;
    pthread_mutex_init(&d->lock, NULL);
    if (make_ports(d) == 0 && make_loop(d) == 0 && start(d) == 0)
        return d;
    dips_free(d);
    return NULL;
}

void dips_free(struct dips *d)
{
    if (!d)
        return;
    if (d->started) {
        atomic_store(&d->stop, true);
        bell_ring(&d->bell);
        pthread_join(d->thread, NULL);
    }
    lnp_free(d->lnp); /* what is under way is answered; nobody reads it */
    conf_free(atomic_load(&d->conf));
    for (unsigned i = 0; i < d->p.workers; i++) {
        ring_free(d->port[i].asked);
        ring_free(d->port[i].answered);
        free(d->port[i].item);
    }
    if (d->bell_ev)
        event_free(d->bell_ev);
    if (d->publish_ev)
        event_free(d->publish_ev);
    if (d->timers)
        timers_free(d->timers);
    if (d->base)
        event_base_free(d->base);
    if (d->bell.fd >= 0)
        bell_fini(&d->bell);
    json_decref(d->state);
    pthread_mutex_destroy(&d->lock);
    free(d);
}

void dips_configure(struct dips *d, const struct conf *conf)
{
    conf_free(atomic_exchange_explicit(&d->conf, conf_get(conf), memory_order_acq_rel));
    bell_ring(&d->bell);
}

const struct stats *dips_stats(const struct dips *d)
{
    return &d->stats;
}
