/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control thread: socket, ticks, what packet threads give back, orphans, audit, report.
 * tandem-media calls it; packets never pass here.
 */
#include "relay/relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/g711.h"
#include "core/ident.h"
#include "core/ipc.h"
#include "core/log.h"
#include "relay/hops.h"
#include "relay/kernel.h"
#include "relay/paths.h"
#include "relay/ranges.h"
#include "relay/secure.h"
#include "relay/state.h"

#define TICK_MS         100U
#define SCANS           10U /* a share of the sessions each tick: each is looked at once a second */
#define AUDIT_MS        10000U
#define THREADS_MAX     64U
#define THREADS_DEFAULT 4U  /* beyond, one socket queue per core is the limit, not the threads */
#define NOFILE_RESERVE  64U /* log, control, events, epoll; as lib/config reckons */
#define JOBS_TURN       1024U

void relay_now(struct relay *r)
{
    r->now_ms = clock_now_ns() / 1000000U;
}

void relay_turn(struct relay *r)
{
    for (unsigned i = 0; i < r->n_threads; i++)
        thread_flush(r->thread[i]);
    conns_flush(r);
    if (r->is_draining && r->n_sessions == 0 && !r->has_told_empty) {
        r->has_told_empty = true;
        if (r->p.on_empty)
            r->p.on_empty(r->p.arg);
    }
}

/* ---- what packet threads give back ----------------------------------------------------------------------------- */

static struct media_session_state *states_message(struct conn *c, uint16_t type,
                                                  const struct job *j)
{
    struct media_session_state *m = conn_message(c, type, sizeof(*m) + j->n * sizeof(m->ep[0]));

    if (!m)
        return NULL;
    m->hdr.session = j->session->id;
    m->hdr.index = j->session->index;
    m->n = j->n;
    for (unsigned i = 0; i < j->n; i++)
        m->ep[i] = j->cell[i].state;
    return m;
}

static void on_states(struct relay *r, const struct job *j)
{
    struct media_session_state *m;
    struct conn *c;

    if (j->is_stats) {
        c = j->session->owner->conn;
        if (c && !j->session->is_closing)
            states_message(c, MEDIA_EV_STATS, j);
        return;
    }
    c = j->asker.conn ? conn_find(r, j->asker.conn) : NULL;
    m = c ? states_message(c, j->asker.type | MEDIA_REPLY, j) : NULL;
    if (m)
        m->hdr.request = j->asker.request;
}

/* The ports that it names take packets by now. */
static void on_ops(struct relay *r, const struct job *j)
{
    struct conn *c = j->asker.conn ? conn_find(r, j->asker.conn) : NULL;

    if (c)
        conn_done(c, &j->asker, j->session);
}

static void on_thread_event(const struct job *j)
{
    const struct media_event_msg *ev = &j->cell[0].event;
    struct conn *c = j->session->owner->conn;
    struct media_event_msg *m;
    struct media_hdr hdr;

    if (!c || j->session->is_closing)
        return;
    m = conn_message(c, ev->hdr.type, sizeof(*m));
    if (!m)
        return;
    hdr = m->hdr;
    *m = *ev;
    m->hdr = hdr;
    m->hdr.session = j->session->id;
    m->hdr.index = j->session->index;
}

/* Held by the endpoint until it goes or its party is found elsewhere. */
static uint16_t hop_of(struct relay *r, const struct job_hop *want)
{
    struct endpoint *e = want->flow->ep;
    uint16_t *held = &e->held_hop[want->flow->is_rtcp];
    uint16_t hop = HOP_NONE;

    if (!r->hops)
        return HOP_NONE;
    if (hops_get(r->hops, &want->flow->local, &want->dst, ports_device(&e->lease), &hop) < 0)
        hop = HOP_NONE;
    hops_put(r->hops, *held);
    *held = hop;
    return hop;
}

/* The next hop of a flow. Its packet thread may know it no more by the time an answer comes: then there is none. */
static void on_hop(struct relay *r, struct job *j)
{
    const struct session *s = j->session;
    const struct endpoint *e = j->cell[0].hop.flow->ep;

    if (s->is_closing || s->ep[e->number] != e) {
        free(j);
        return;
    }
    j->cell[0].hop.hop = hop_of(r, &j->cell[0].hop);
    thread_post(s->thread, j);
}

static void job_back(struct relay *r, struct job *j)
{
    if (j->type == JOB_HOP) {
        on_hop(r, j);
        return;
    }
    switch (j->type) {
    case JOB_EVENT: on_thread_event(j); break;
    case JOB_OPS: on_ops(r, j); break;
    case JOB_QUERY:
    case JOB_CLOSE: on_states(r, j); break;
    default: break;
    }
    session_job_done(r, j);
    free(j);
}

static bool jobs_take(struct relay *r)
{
    struct job *j;
    unsigned n = 0;

    for (unsigned i = 0; i < r->n_threads; i++) {
        while (n < JOBS_TURN && (j = thread_take(r->thread[i])) != NULL) {
            job_back(r, j);
            n++;
        }
    }
    return n == JOBS_TURN;
}

void relay_jobs(struct relay *r)
{
    while (jobs_take(r)) {
    }
}

static void on_bell(evutil_socket_t fd, short what, void *arg)
{
    struct relay *r = arg;

    (void)fd;
    (void)what;
    relay_now(r);
    bell_clear(&r->bell);
    bell_arm(&r->bell);
    if (jobs_take(r))
        event_active(r->ev_bell, EV_READ, 0);
    relay_turn(r);
}

/* ---- each tick ------------------------------------------------------------------------------------------------- */

void relay_tell_lost(struct session *s, enum media_lost reason)
{
    struct conn *c = s->owner->conn;
    struct media_event_msg *m = c ? conn_message(c, MEDIA_EV_LOST, sizeof(*m)) : NULL;

    if (!m)
        return;
    m->hdr.session = s->id;
    m->hdr.index = s->index;
    m->reason = reason;
}

static bool is_orphan_over(const struct relay *r, const struct session *s)
{
    const struct controller *ctl = s->owner;
    uint64_t seen = atomic_load_explicit(&s->seen_ms, memory_order_relaxed);

    if (seen < ctl->lost_ms)
        seen = ctl->lost_ms;
    return r->now_ms >= ctl->lost_ms + ctl->orphan_cap_ms ||
           r->now_ms >= seen + ctl->orphan_idle_ms;
}

static void session_look(struct relay *r, struct session *s)
{
    if (!s->owner->conn) {
        if (is_orphan_over(r, s) && session_ask(r, s, JOB_CLOSE, NULL) == 0) {
            r->lost++;
            log_limited(LOG_WARN, "session_orphan_end", "session=%016llx",
                        (unsigned long long)s->id);
        }
        return;
    }
    if (s->stats_every_s && r->now_ms >= s->stats_due_ms) {
        s->stats_due_ms += s->stats_every_s * 1000ULL;
        session_stats(s);
    }
}

static void sessions_scan(struct relay *r)
{
    uint32_t n = r->n_slots / SCANS + 1;

    for (uint32_t i = 0; i < n && r->n_slots; i++) {
        if (r->scan >= r->n_slots)
            r->scan = 0;
        if (r->slot[r->scan] && !r->slot[r->scan]->is_closing)
            session_look(r, r->slot[r->scan]);
        r->scan++;
    }
}

uint64_t relay_audit(struct relay *r)
{
    uint64_t n = r->n_leaving;
    uint64_t used = ports_used(r->ports);

    for (uint32_t i = 0; i < r->n_slots; i++) {
        for (unsigned k = 0; r->slot[i] && k < MEDIA_ENDPOINTS_MAX; k++)
            n += r->slot[i]->ep[k] != NULL;
    }
    r->audits++;
    r->drift = n > used ? n - used : used - n;
    if (r->keep)
        r->drift += n > keep_used(r->keep) ? n - keep_used(r->keep) : keep_used(r->keep) - n;
    if (r->drift)
        log_ev(LOG_ERROR, "media_audit", "ledger=%llu endpoints=%llu journal=%llu",
               (unsigned long long)used, (unsigned long long)n,
               (unsigned long long)(r->keep ? keep_used(r->keep) : n));
    return r->drift;
}

/* Once, when no stream goes by the hops of a killed relay any more: all are asked for again by now. Not while another process lives. */
static void settle_hops(struct relay *r)
{
    if (r->has_settled || !r->hops || (r->p.journal && !r->keep))
        return;
    r->has_settled = true;
    hops_settle(r->hops);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    struct relay *r = arg;

    (void)fd;
    (void)what;
    relay_now(r);
    if (r->heir)
        handover_give(r);
    sessions_scan(r);
    if (r->now_ms >= r->audit_due_ms) {
        r->audit_due_ms = r->now_ms + AUDIT_MS;
        relay_audit(r);
        settle_hops(r);
        controllers_sweep(r);
        sounds_sweep(&r->sounds);
    }
    relay_turn(r);
}

/* ---- report ---------------------------------------------------------------------------------------------------- */

static uint64_t sum(const struct relay *r, size_t offset)
{
    const char *before = (const char *)&r->before;
    uint64_t n = *(const _Atomic uint64_t *)(const void *)(before + offset);

    for (unsigned i = 0; i < r->n_threads; i++) {
        const char *t = (const char *)thread_totals(r->thread[i]);

        n += atomic_load_explicit((const _Atomic uint64_t *)(const void *)(t + offset),
                                  memory_order_relaxed);
    }
    return n;
}

/* What the threads have of the path through the kernel. */
static void report_fast(const struct relay *r, struct media_fast *out)
{
    struct hops_counts hops = {0};

    if (r->hops)
        hops_count(r->hops, &hops);
    out->hops = hops.held;
    out->hops_dead = hops.dead;
    for (unsigned i = 0; i < r->n_threads; i++) {
        const struct fast_totals *t = thread_fast_totals(r->thread[i]);

        out->promoted += atomic_load_explicit(&t->promoted, memory_order_relaxed);
        out->promotions += atomic_load_explicit(&t->promotions, memory_order_relaxed);
        out->promotions_put_off += atomic_load_explicit(&t->put_off, memory_order_relaxed);
        for (unsigned k = 0; k < MEDIA_DEMOTE_N; k++)
            out->demotions[k] += atomic_load_explicit(&t->demotions[k], memory_order_relaxed);
    }
}

static uint64_t count_orphans(const struct relay *r)
{
    const struct controller *ctl;
    uint64_t n = 0;

    LIST_FOREACH(ctl, &r->controllers, link)
    {
        if (!ctl->conn)
            n += ctl->n_sessions;
    }
    return n;
}

void relay_report(struct relay *r, struct media_relay_reply *out)
{
    out->boot = r->boot;
    out->uptime_ms = r->now_ms - r->started_ms;
    out->sessions = r->n_sessions;
    out->sessions_max = r->sessions_max;
    out->sessions_opened = r->opened;
    out->sessions_orphaned = count_orphans(r);
    out->sessions_lost = r->lost;
    out->endpoints = r->n_endpoints;
    out->pairs_used = ports_used(r->ports);
    out->pairs_drift = relay_audit(r);
    out->audits = r->audits;
    out->packets_in = sum(r, offsetof(struct flow_totals, packets_in));
    out->bytes_in = sum(r, offsetof(struct flow_totals, bytes_in));
    out->packets_out = sum(r, offsetof(struct flow_totals, packets_out));
    out->bytes_out = sum(r, offsetof(struct flow_totals, bytes_out));
    out->strangers = sum(r, offsetof(struct flow_totals, strangers));
    out->invalid = sum(r, offsetof(struct flow_totals, invalid));
    out->unsent = sum(r, offsetof(struct flow_totals, unsent));
    out->send_errors = sum(r, offsetof(struct flow_totals, send_errors));
    out->overflows = sum(r, offsetof(struct flow_totals, overflows));
    out->ice_answered = sum(r, offsetof(struct flow_totals, ice_answered));
    out->ice_refused = sum(r, offsetof(struct flow_totals, ice_refused));
    out->refused_ports = r->refused_ports;
    out->refused_descriptors = r->refused_descriptors;
    out->refused_memory = r->refused_memory;
    out->refused_draining = r->refused_draining;
    out->ports_stolen = r->ports_stolen;
    out->bad_messages = r->bad_messages;
    out->descriptors = r->n_sockets;
    out->descriptors_limit = r->sockets_limit;
    out->controllers = r->n_conns;
    out->threads = r->n_threads;
    out->draining = r->is_draining;
    paths_report(r, &out->fast);
    report_fast(r, &out->fast);
    out->n_pools = ports_report(r->ports, r->now_ms, out->pool, MEDIA_POOLS_MAX);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static void on_listen(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    conn_accept(arg);
}

static uint32_t sockets_limit(void)
{
    struct rlimit lim;

    if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
        return 0;
    if (lim.rlim_cur < lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &lim) < 0 && getrlimit(RLIMIT_NOFILE, &lim) < 0)
            return 0;
    }
    /* 2^20: more than the ports of 16 addresses */
    if (lim.rlim_cur > 1U << 20)
        lim.rlim_cur = 1U << 20;
    return lim.rlim_cur > NOFILE_RESERVE ? (uint32_t)lim.rlim_cur - NOFILE_RESERVE : 0;
}

static unsigned threads_default(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n < 1 ? 1 : n > (long)THREADS_DEFAULT ? THREADS_DEFAULT : (unsigned)n;
}

/* The first thread shows whether packets can be steered here; if not, there is a socket for each port. */
static int make_thread(struct relay *r, struct thread **out)
{
    struct thread_param p = {
        .io = r->p.io, .kernel = r->p.kernel, .index = r->n_threads, .up_bell = &r->bell};
    int err;

    p.handed = handover_thread(r, r->n_threads);
    err = thread_new(&p, out);
    if (err == 0 || r->p.io != &io_steer || r->n_threads > 0 || r->handover)
        return err;
    log_ev(LOG_WARN, "media_steer", "errno=%d path=sockets", -err);
    r->p.no_kernel = err == -EPERM ? "no CAP_NET_RAW: packets cannot be sent by the interface"
                                   : "packets cannot be steered to a socket";
    /* programs drop what comes to ports of these ranges that no line is for: the sockets must have it */
    ranges_sweep(r->p.kernel, r->ports);
    r->p.kernel = p.kernel = NULL;
    r->p.io = p.io = &io_udp;
    return thread_new(&p, out);
}

static int make_threads(struct relay *r)
{
    unsigned n = r->p.threads ? r->p.threads : threads_default();

    if (!r->p.io)
        r->p.io = r->p.kernel ? &io_steer : &io_udp;
    if (n > THREADS_MAX)
        return -EINVAL;
    r->thread = calloc(n, sizeof(*r->thread));
    if (!r->thread)
        return -ENOMEM;
    for (; r->n_threads < n; r->n_threads++) {
        struct thread *t;
        int err = make_thread(r, &t);

        if (err < 0)
            return err;
        r->thread[r->n_threads] = t;
    }
    return 0;
}

/* With the flows that were taken up: what waits in their sockets is theirs. */
static int start_threads(struct relay *r)
{
    int err = 0;

    for (unsigned i = 0; i < r->n_threads && err == 0; i++) {
        thread_prime(r->thread[i]);
        err = thread_start(r->thread[i]);
    }
    return err;
}

/* Where somebody answers there already it fails, before this process takes the other's packets. Whoever connects waits for the event loop. */
static int start_listening(struct relay *r)
{
    if (!r->p.socket_path)
        return 0;
    r->listen_fd = ipc_listen(r->p.socket_path, SOCK_SEQPACKET, 0660, (gid_t)-1);
    if (r->listen_fd < 0)
        log_ev(LOG_ERROR, "media_listen", "path=%s errno=%d", r->p.socket_path, -r->listen_fd);
    return r->listen_fd < 0 ? r->listen_fd : 0;
}

static int start_events(struct relay *r)
{
    struct timeval tick = {0, TICK_MS * 1000};

    if (r->listen_fd >= 0) {
        r->ev_listen = event_new(r->p.base, r->listen_fd, EV_READ | EV_PERSIST, on_listen, r);
        if (!r->ev_listen || event_add(r->ev_listen, NULL) < 0)
            return -ENOMEM;
    }
    r->ev_bell = event_new(r->p.base, r->bell.fd, EV_READ | EV_PERSIST, on_bell, r);
    r->ev_tick = event_new(r->p.base, -1, EV_PERSIST, on_tick, r);
    if (!r->ev_bell || !r->ev_tick || event_add(r->ev_bell, NULL) < 0 ||
        event_add(r->ev_tick, &tick) < 0)
        return -ENOMEM;
    bell_arm(&r->bell);
    return 0;
}

/*
 * Without it the relay serves all the same; its sessions end with it, and the controller installs them again. One that another
 * process has is a sign that the lines are that one's, too: its calls must not notice who else was started.
 */
static void open_journal(struct relay *r)
{
    int err = r->p.journal ? keep_open(r->p.journal, &r->boot, &r->keep) : 0;

    if (err < 0)
        log_ev(LOG_ERROR, "media_journal", "path=%s errno=%d", r->p.journal, -err);
    if (err != -EWOULDBLOCK || !r->p.kernel)
        return;
    r->p.no_kernel = "another relay has the journal, and so the lines";
    r->p.kernel = NULL;
}

/* Without them packets go out by the IP stack, and no stream through the kernel. */
static void start_hops(struct relay *r)
{
    int err = r->p.kernel ? hops_new(r->p.base, r->p.kernel, NULL, &r->hops) : 0;

    if (err < 0)
        log_ev(LOG_WARN, "media_hops", "errno=%d", -err);
}

static int start_alone(struct relay *r)
{
    int err = start_listening(r);

    if (err == 0)
        open_journal(r);
    return err;
}

struct relay *relay_new(const struct relay_param *p)
{
    struct relay *r = calloc(1, sizeof(*r));
    int err;

    if (!r)
        return NULL;
    r->p = *p;
    r->listen_fd = -1;
    r->sockets_limit = p->sockets_limit ? p->sockets_limit : sockets_limit();
    limits_start(r->sockets_limit);
    relay_now(r);
    r->started_ms = r->now_ms;
    r->audit_due_ms = r->now_ms + AUDIT_MS;
    ident_random(&r->boot, sizeof(r->boot));
    r->boot |= 1; /* never 0: the client's "none yet" */
    g711_init();
    r->ports = ports_new();
    err = bell_init(&r->bell);
    if (err == 0)
        err = secure_init();
    if (err == 0)
        err = r->ports ? sessions_init(r) : -ENOMEM;
    if (err == 0)
        err = sounds_init(&r->sounds);
    if (err == 0)
        err = p->is_takeover ? handover_take(r) : start_alone(r);
    if (err == 0)
        err = make_threads(r);
    if (err == 0)
        err = start_events(r);
    /* up to here the one before goes on as if nothing had been */
    if (err == 0 && r->handover)
        err = handover_commit(r);
    if (err == 0) {
        start_hops(r);
        relay_resume(r);
        err = start_threads(r);
        handover_done(r);
    }
    /* from now on the lines are ours: a set-up that has waited replaces programs of older maps */
    if (err == 0 && r->p.kernel)
        r->p.kernel->about->boot = r->boot;
    r->is_serving = err == 0;
    if (err < 0) {
        log_ev(LOG_ERROR, "media_start", "errno=%d", -err);
        relay_free(r);
        return NULL;
    }
    return r;
}

void relay_free(struct relay *r)
{
    if (!r)
        return;
    relay_now(r);
    for (uint32_t i = 0; i < r->n_slots; i++) {
        if (r->slot[i] && !r->slot[i]->is_closing)
            relay_tell_lost(r->slot[i], MEDIA_LOST_STOP);
    }
    conns_flush(r);
    for (unsigned i = 0; i < r->n_threads; i++)
        thread_stop(r->thread[i]);
    relay_jobs(r);
    sessions_fini(r);
    conns_free(r);
    for (unsigned i = 0; i < r->n_threads; i++)
        thread_free(r->thread[i]);
    free(r->thread);
    if (r->ev_listen)
        event_free(r->ev_listen);
    if (r->ev_bell)
        event_free(r->ev_bell);
    if (r->ev_tick)
        event_free(r->ev_tick);
    if (r->listen_fd >= 0) {
        close(r->listen_fd);
        if (r->is_serving || !r->p.is_takeover)
            unlink(r->p.socket_path);
    }
    bell_fini(&r->bell);
    handover_free(r);
    hops_free(r->hops);
    ports_free(r->ports);
    keep_close(r->keep, r->is_serving); /* a start that fails leaves what the one before left */
    sounds_fini(&r->sounds);
    free(r->heritage);
    free(r);
}

void relay_drain(struct relay *r)
{
    r->is_draining = true;
    log_ev(LOG_INFO, "drain", "sessions=%llu", (unsigned long long)r->n_sessions);
    event_active(r->ev_tick, EV_TIMEOUT, 0);
}

const char *relay_no_kernel(const struct relay *r)
{
    return r->p.no_kernel && r->p.no_kernel[0] ? r->p.no_kernel : "not set up";
}

enum media_path relay_path(const struct relay *r)
{
    return paths_best(r);
}

uint64_t relay_sessions(const struct relay *r)
{
    return r->n_sessions;
}
