/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process: everything that all workers share, and the control thread's work on it.
 * Called by tandemd.c and the admin commands, on the control thread only. No protocol logic.
 */
#include "daemon/node.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>
#include "core/err.h"
#include "core/htab.h"
#include "core/log.h"
#include "daemon/state.h"
#include "daemon/registrations.h"
#include "daemon/resume.h"

/* The control thread's heartbeat: drain and retirement are noticed within it, and it costs nothing [us]. */
#define TICK_US     200000
#define TICKS_AUDIT 50 /* 10 s: a drift shows before an operator asks why a trunk is full */
#define TICKS_DAY   432000
/* Time to notice, and to have a new one signed [days]. */
#define CERT_WARN_DAYS 30
/* After all calls were ended by a second SIGTERM: BYE and its answer take a round trip; 2 s covers a repeated one [ticks]. */
#define TICKS_STOP 10

static uint64_t mono_ms(void)
{
    return clock_now_ns() / 1000000U;
}

static unsigned worker_count(const struct conf *c)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned n = c->global.workers ? c->global.workers : (cores > 0 ? (unsigned)cores : 1);
    return n > CAC_WORKERS_MAX ? CAC_WORKERS_MAX : n;
}

/* ---- gathers ---- */

static void gather_free(struct gather *g)
{
    for (unsigned i = 0; i < CAC_WORKERS_MAX; i++)
        json_decref(g->result[i]);
    free(g);
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct node *n = arg;
    (void)fd;
    (void)what;
    bell_clear(&n->bell);
    bell_arm(&n->bell);
    timers_tick(n->timers);
    locate_turn(n->locate);
    reload_turn(n->reload);
    for (struct gather **p = &n->gathers; *p;) {
        struct gather *g = *p;
        if (atomic_load_explicit(&g->group.left, memory_order_acquire) > 0) {
            p = &g->next;
            continue;
        }
        *p = g->next;
        g->done(g, g->arg);
        gather_free(g);
    }
}

int node_gather(struct node *n, void (*fn)(struct worker *w, struct ask *a), void *question,
                bool first_only, void (*done)(struct gather *g, void *arg), void *arg)
{
    unsigned count = first_only ? 1 : n->n_workers;
    struct gather *g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->node = n;
    g->done = done;
    g->arg = arg;
    g->question = question;
    g->group.bell = &n->bell;
    atomic_store(&g->group.left, count);
    for (unsigned i = 0; i < count; i++) {
        g->ask[i] = (struct ask){.fn = fn, .arg = g, .group = &g->group};
        if (worker_ask(n->worker[i], &g->ask[i]) == 0)
            continue;
        if (i == 0) {
            free(g);
            return TD_EFULL;
        }
        /* The others answer all the same; if they have already, nobody else rings. */
        if (atomic_fetch_sub(&g->group.left, 1) == 1)
            bell_ring(&n->bell);
    }
    g->next = n->gathers;
    n->gathers = g;
    return 0;
}

/* ---- audit ---- */

static void audit_clear(void *arg, struct cac_gauge *g, const char *kind, const char *name,
                        const char *dir)
{
    (void)kind;
    (void)name;
    (void)dir;
    atomic_store_explicit(&g->recount[*(unsigned *)arg], 0, memory_order_relaxed);
}

static void audit_add(void *arg, struct cac_gauge *g)
{
    atomic_fetch_add_explicit(&g->recount[*(unsigned *)arg], 1, memory_order_relaxed);
}

struct audit_sum {
    unsigned worker;
    uint64_t drift;
};

static void audit_compare(void *arg, struct cac_gauge *g, const char *kind, const char *name,
                          const char *dir)
{
    struct audit_sum *sum = arg;
    uint32_t held = atomic_load_explicit(&g->held[sum->worker], memory_order_relaxed);
    uint32_t found = atomic_load_explicit(&g->recount[sum->worker], memory_order_relaxed);
    if (held == found)
        return;
    sum->drift += held > found ? held - found : found - held;
    log_limited(LOG_ERROR, "audit_drift", "kind=%s name=%s dir=%s worker=%u held=%u found=%u", kind,
                name, dir, sum->worker, held, found);
}

/* Runs between two turns of the worker: its calls and what they hold cannot change meanwhile. */
static void audit_worker(struct worker *w, struct ask *a)
{
    struct gather *g = a->arg;
    struct stack *s = worker_stack(w);
    struct audit_sum sum = {.worker = worker_id(w)};
    trunk_registry_each_gauge(worker_trunks(w), audit_clear, &sum.worker);
    calls_audit(stack_calls(s), audit_add, &sum.worker);
    trunk_registry_each_gauge(worker_trunks(w), audit_compare, &sum);
    g->result[sum.worker] =
        json_pack("{s:I,s:I,s:I}", "drift", (json_int_t)sum.drift, "transactions",
                  (json_int_t)stack_transactions(s), "dialogs", (json_int_t)stack_dialogs(s));
}

static uint64_t sum_of(const struct gather *g, const char *key)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < g->node->n_workers; i++)
        sum += (uint64_t)json_integer_value(json_object_get(g->result[i], key));
    return sum;
}

static void audit_done(struct gather *g, void *arg)
{
    struct node *n = arg;
    n->audit_running = false;
    n->workers_alive = true;
    n->audit.runs++;
    n->audit.drift = sum_of(g, "drift");
    n->audit.drift_total += n->audit.drift;
    n->audit.transactions = sum_of(g, "transactions");
    n->audit.dialogs = sum_of(g, "dialogs");
}

static void ping_worker(struct worker *w, struct ask *a)
{
    (void)w;
    (void)a;
}

static void ping_done(struct gather *g, void *arg)
{
    (void)g;
    ((struct node *)arg)->workers_alive = true;
}

/* ---- heartbeat ---- */

static void node_watchdog(struct node *n)
{
    uint64_t every = n->watchdog_usec / 2 / TICK_US;
    if (!n->watchdog_usec || n->ticks % (every ? every : 1))
        return;
    if (n->workers_alive)
        sd_notify(0, "WATCHDOG=1");
    n->workers_alive = false;
    node_gather(n, ping_worker, NULL, false, ping_done, n);
}

uint64_t node_oldest(const struct node *n)
{
    uint64_t oldest = UINT64_MAX;
    for (unsigned i = 0; i < n->n_workers; i++) {
        uint64_t g = worker_generation(n->worker[i]);
        oldest = g < oldest ? g : oldest;
    }
    return oldest;
}

static void node_check_empty(struct node *n)
{
    uint64_t alive, up;
    if (n->state == NODE_RUNNING)
        return;
    node_calls(n, &alive, &up);
    if (alive == 0 || (n->state == NODE_STOPPING && n->ticks >= n->stop_tick))
        event_base_loopbreak(n->base);
}

/* Once a day, from the first second on, and after each reload. */
static void node_check_certificates(const struct node *n)
{
    const struct tls_set *set =
        snapshots_current((struct snapshots *)(uintptr_t)&n->snapshots)->tls;
    struct tls_own own;
    for (unsigned i = 0; tls_set_own(set, i, &own); i++) {
        int64_t days = tls_days_left(&own);
        if (days < CERT_WARN_DAYS)
            log_ev(days < 0 ? LOG_ERROR : LOG_WARN, "certificate",
                   "listen=%s file=%s days=%lld msg=\"%s\"", own.listen, own.file, (long long)days,
                   days < 0 ? "expired" : "renew it");
    }
}

/* Once a day all: which trunks are still in the configuration. */
static void node_save_admins(struct node *n, bool all)
{
    struct clock now;
    clock_init(&now);
    (void)trunk_admins_save(n->admins, snapshots_current(&n->snapshots)->conf, all, now.wall_ms);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct node *n = arg;
    (void)fd;
    (void)what;
    n->ticks++;
    timers_tick(n->timers);
    locate_turn(n->locate);
    registrations_save(n);
    node_save_admins(n, n->ticks % TICKS_DAY == 2);
    reload_turn(n->reload);
    node_check_empty(n);
    node_watchdog(n);
    if (n->ticks % TICKS_AUDIT == 0 && !n->audit_running)
        n->audit_running = node_gather(n, audit_worker, NULL, false, audit_done, n) == 0;
    if (n->ticks % TICKS_DAY == 1)
        node_check_certificates(n);
}

/* ---- life ---- */

static int node_make_workers(struct node *n)
{
    n->worker = calloc(n->n_workers, sizeof(struct worker *));
    if (!n->worker)
        return -ENOMEM;
    for (unsigned i = 0; i < n->n_workers; i++) {
        struct worker_param p = {.id = i,
                                 .n_workers = n->n_workers,
                                 .node = n->id,
                                 .epoch = n->epoch,
                                 .snapshots = &n->snapshots,
                                 .trunks = n->trunks,
                                 .dispatch = n->dispatch,
                                 .dips = n->dips,
                                 .cdr = cdr_writer_port(n->cdr, i)};
        memcpy(p.key, n->key, sizeof(p.key));
        n->worker[i] = worker_new(&p);
        if (!n->worker[i])
            return -EIO;
    }
    return 0;
}

static int node_make_shared(struct node *n, const struct conf *c)
{
    struct cdr_writer_param cp = {
        .node = c->global.node, .workers = n->n_workers, .stats = &n->stats};
    n->dispatch = dispatch_new(n->n_workers);
    n->cdr = cdr_writer_new(&cp);
    if (!n->dispatch || !n->cdr)
        return -ENOMEM;
    return cdr_writer_configure(n->cdr, c->cdr.v, c->cdr.n);
}

/* A worker has posted something for us. Any thread. */
static void on_post(void *arg)
{
    bell_ring(&((struct node *)arg)->bell);
}

/* Each worker must let go of the targets that were replaced; one that sleeps would do so at its next message only. */
static void ring_workers(void *arg)
{
    struct node *n = arg;
    for (unsigned i = 0; n->dispatch && i < n->n_workers; i++)
        bell_ring(dispatch_bell(n->dispatch, i));
}

/* Name servers: those of the configuration, or resolv.conf's. @return how many */
static unsigned name_servers(const struct conf *c, struct addr out[CONF_VALUES_MAX])
{
    unsigned i;
    for (i = 0; i < c->global.dns.n && i < CONF_VALUES_MAX; i++)
        out[i] = c->global.dns.v[i].addr;
    return i;
}

static bool same_servers(const struct conf *a, const struct conf *b)
{
    bool same = a->global.dns.n == b->global.dns.n;
    for (uint32_t i = 0; same && i < a->global.dns.n; i++)
        same = addr_eq(&a->global.dns.v[i].addr, &b->global.dns.v[i].addr);
    return same;
}

static int node_make_locate(struct node *n, const struct conf *c)
{
    struct addr server[CONF_VALUES_MAX];
    unsigned count = name_servers(c, server);
    clock_init(&n->clock);
    n->timers = timers_new(n->base, &n->clock);
    n->dns = n->timers ? dns_ares_new(n->base, n->timers, server, count) : NULL;
    if (!n->dns)
        return -ENOMEM;
    n->locate = locate_new(&(struct locate_param){.reg = n->trunks,
                                                  .timers = n->timers,
                                                  .clock = &n->clock,
                                                  .stats = &n->control_stats,
                                                  .dns = dns_ares_ops(n->dns),
                                                  .on_change = ring_workers,
                                                  .arg = n});
    if (!n->locate)
        return -ENOMEM;
    targets_on_post(n->trunks, on_post, n);
    locate_configure(n->locate, c);
    return 0;
}

/* The dip thread has an answer for that worker. */
static void wake_worker(void *arg, unsigned worker)
{
    bell_ring(dispatch_bell(((struct node *)arg)->dispatch, worker));
}

static int node_make_dips(struct node *n, const struct conf *c)
{
    n->dips = dips_new(&(struct dips_param){n->n_workers, wake_worker, n});
    if (!n->dips)
        return -ENOMEM;
    dips_configure(n->dips, c);
    return 0;
}

static int node_make_loop(struct node *n)
{
    static const struct timeval tick = {0, TICK_US};
    n->base = event_base_new();
    if (!n->base || bell_init(&n->bell) < 0)
        return -ENOMEM;
    bell_arm(&n->bell);
    n->bell_ev = event_new(n->base, n->bell.fd, EV_READ | EV_PERSIST, on_bell, n);
    n->tick_ev = event_new(n->base, -1, EV_PERSIST, on_tick, n);
    if (!n->bell_ev || !n->tick_ev || event_add(n->bell_ev, NULL) < 0 ||
        event_add(n->tick_ev, &tick) < 0)
        return -ENOMEM;
    return 0;
}

static int node_make_reload(struct node *n)
{
    n->reload = reload_new(n);
    return n->reload ? 0 : -ENOMEM;
}

int node_init(struct node *n, const char *conf_path, struct snapshot_param *load)
{
    struct conf *conf = load->conf;
    char why[256] = "out of memory";
    struct clock now;
    clock_init(&now);
    memset(n, 0, sizeof(*n));
    n->bell.fd = -1;
    n->conf_path = conf_path;
    n->start_wall_ms = now.wall_ms;
    n->start_mono_ms = mono_ms();
    n->workers_alive = true;
    n->n_workers = worker_count(conf);
    n->id = state_node(conf->global.node);
    int err = state_open(conf->global.state_dir, n->key, &n->epoch);
    if (err < 0) {
        log_ev(LOG_ERROR, "state_dir", "dir=%s error=\"%s\"", conf->global.state_dir, err_str(err));
        book_free(load->book);
        conf_free(conf);
        return err;
    }
    n->trunks = load->reg = trunk_registry_new();
    n->admins = n->trunks ? trunk_admins_new(n->trunks, conf->global.state_dir) : NULL;
    if (n->admins)
        (void)trunk_admins_load(n->admins, now.wall_ms); /* what failed is logged, all are up */
    struct snapshot *s = n->admins ? snapshot_new(load, why, sizeof(why)) : NULL;
    if (!s) {
        log_ev(LOG_ERROR, "snapshot", "error=\"%s\"", why);
        return -EINVAL;
    }
    snapshots_publish(&n->snapshots, s, ++n->generation);
    if ((err = node_make_loop(n)) < 0 || (err = node_make_locate(n, s->conf)) < 0 ||
        (err = node_make_shared(n, s->conf)) < 0 || (err = node_make_dips(n, s->conf)) < 0 ||
        (err = node_make_workers(n)) < 0 || (err = node_make_reload(n)) < 0)
        log_ev(LOG_ERROR, "start", "error=\"%s\"", err_str(err));
    else
        registrations_load(n);
    if (err == 0)
        resume_calls(n, s->conf->global.run_dir, &n->resumed);
    return err;
}

int node_start(struct node *n)
{
    for (unsigned i = 0; i < n->n_workers; i++) {
        int err = worker_start(n->worker[i]);
        if (err < 0)
            return err;
    }
    return 0;
}

void node_fini(struct node *n)
{
    reload_free(n->reload);
    for (unsigned i = 0; n->worker && i < n->n_workers; i++)
        if (n->worker[i])
            worker_stop(n->worker[i]);
    for (unsigned i = 0; n->worker && i < n->n_workers; i++)
        worker_free(n->worker[i]);
    dips_free(n->dips);
    registrations_save(n);
    if (n->admins && n->generation)
        node_save_admins(n, true);
    if (n->cdr)
        cdr_writer_free(n->cdr);
    while (n->gathers) {
        struct gather *g = n->gathers;
        n->gathers = g->next;
        gather_free(g);
    }
    locate_free(n->locate);
    dns_ares_free(n->dns);
    timers_free(n->timers);
    dispatch_free(n->dispatch);
    snapshots_fini(&n->snapshots);
    trunk_admins_free(n->admins);
    trunk_registry_free(n->trunks);
    if (n->bell_ev)
        event_free(n->bell_ev);
    if (n->tick_ev)
        event_free(n->tick_ev);
    if (n->bell.fd >= 0)
        bell_fini(&n->bell);
    if (n->base)
        event_base_free(n->base);
    free(n->worker);
}

/* ---- publish and drain ---- */

void node_before_publish(struct node *n, const struct snapshot *s)
{
    const struct conf *now = snapshots_current(&n->snapshots)->conf;
    timers_tick(n->timers);
    if (!same_servers(now, s->conf)) {
        struct addr server[CONF_VALUES_MAX];
        if (dns_ares_servers(n->dns, server, name_servers(s->conf, server)) < 0)
            log_ev(LOG_ERROR, "dns", "error=\"the former name servers stay: out of memory\"");
    }
    locate_begin(n->locate, s->conf);
}

void node_publish(struct node *n, struct snapshot *s)
{
    dips_configure(n->dips, s->conf); /* before the workers can ask for what is new */
    snapshots_publish(&n->snapshots, s, ++n->generation);
    for (unsigned i = 0; i < n->n_workers; i++)
        bell_ring(dispatch_bell(n->dispatch, i));
    node_check_certificates(n);
}

static void drain_worker(struct worker *w, struct ask *a)
{
    const struct gather *g = a->arg;
    struct calls *cs = stack_calls(worker_stack(w));
    calls_drain(cs, g->question != NULL);
    if (g->question == g->node)
        calls_hangup_all(cs);
}

static void drain_done(struct gather *g, void *arg)
{
    (void)g;
    (void)arg;
}

void node_drain(struct node *n)
{
    bool again = n->state != NODE_RUNNING;
    uint64_t alive, up;
    node_calls(n, &alive, &up);
    if (n->state == NODE_STOPPING) {
        event_base_loopbreak(n->base);
        return;
    }
    n->state = again ? NODE_STOPPING : NODE_DRAINING;
    n->stop_tick = n->ticks + TICKS_STOP;
    log_ev(LOG_INFO, again ? "stop" : "drain", "calls=%llu", (unsigned long long)alive);
    /* question: NULL take calls, &state refuse new ones, node end all */
    if (node_gather(n, drain_worker, again ? (void *)n : (void *)&n->state, false, drain_done, n) <
        0)
        event_base_loopbreak(n->base); /* a worker that does not answer ends no calls either */
}

void node_undrain(struct node *n)
{
    if (n->state != NODE_DRAINING)
        return;
    n->state = NODE_RUNNING;
    node_gather(n, drain_worker, NULL, false, drain_done, n);
    log_ev(LOG_INFO, "undrain", "generation=%llu", (unsigned long long)n->generation);
}

/* ---- sums ---- */

void node_calls(const struct node *n, uint64_t *alive, uint64_t *up)
{
    *alive = *up = 0;
    for (unsigned i = 0; i < n->n_workers; i++) {
        uint64_t a, u;
        worker_calls(n->worker[i], &a, &u);
        *alive += a;
        *up += u;
    }
}

uint64_t node_stat(const struct node *n, enum stat_id id)
{
    uint64_t sum = stat_get(&n->stats, id) + stat_get(&n->control_stats, id) +
                   stat_get(dips_stats(n->dips), id);
    for (unsigned i = 0; i < n->n_workers; i++)
        sum += stat_get(worker_stats(n->worker[i]), id);
    return sum;
}
