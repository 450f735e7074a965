/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ports of the workers and the thread that writes records.
 * The call layer puts events, the daemon owns the writer; neither ever waits for a disk.
 *
 * An event is copied into one block, {event, texts}, which goes over the worker's ring. Blocks are in a mapped file (keep.h) and
 * are free again when no sink has anything left to write; without such a file they come back over a second ring. The writer wakes every TURN_MS under load, so that the workers need no system call, and sleeps
 * on its bell when nothing came.
 */
#include "cdr/cdr.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cdr/keep.h"
#include "cdr/record.h"
#include "cdr/sink.h"
#include "core/err.h"
#include "core/log.h"
#include "core/work.h"

/* an event with the texts of an ordinary call; larger ones get a block of their own size */
#define BLOCK_BYTES 1536
/* blocks that wait to be used again: what comes between two turns of the writer at 20,000 events a second */
#define SPARE_BLOCKS 512
#define TURN_MS      20   /* how late a record may be in the file */
#define IDLE_MS      1000 /* rotation and sync go on when nothing comes */
#define TAKE_MAX     4096 /* events of one worker before the next one's turn */
/* above this share of the ring only what is billed is taken */
#define INTERIM_PERCENT 75

struct block {
    uint32_t cap;
    bool is_kept; /* it is the keep's, which has it until it is written */
    uint64_t seq; /* 1, 2, … of the port */
    struct cdr_event ev;
    char text[];
};

/*
 * A former process' events are read as they lie: who changes the event counts KEEP_VERSION up and puts the new size here.
 * (On 64 bits; the file of an event of another size is refused in any case.)
 */
_Static_assert(sizeof(void *) != 8 || sizeof(struct cdr_event) == 1056, "see above");

struct cdr_port {
    struct cdr_writer *writer; /* NULL: a tap */
    struct ring *ring;
    struct ring *spare;
    struct keep *_Atomic
        keep; /* NULL: blocks are in memory alone; comes when the writer's thread runs already */
    uint64_t seq;   /* worker: of the last block put */
    uint64_t taken; /* writer: of the last block taken */
    _Atomic uint64_t lost;
    void (*tap)(const struct cdr_event *, void *);
    void *tap_arg;
};

struct cdr_writer {
    struct record_origin origin;
    char *node;
    unsigned workers;
    struct cdr_port *port;
    struct bell bell;
    struct sink *sinks;
    size_t backlog_limit;
    struct clock clock;
    void (*now)(struct clock *, void *);
    void *now_arg;
    struct sink_counts counts;
    _Atomic unsigned wanted; /* bit per enum cdr_type that some file takes */
    _Atomic uint64_t sink_backlog;
    _Atomic bool failing;
    _Atomic bool stop;
    bool has_thread;
    pthread_t thread;
    pthread_mutex_t lock; /* of next_sinks only: control thread and writer */
    struct sink *next_sinks;
    bool has_next;
};

/* --- the workers' side --- */

static size_t text_len(struct span s)
{
    return s.len < CDR_TEXT_MAX ? s.len : CDR_TEXT_MAX;
}

static struct block *block_new(struct cdr_port *p, size_t bytes)
{
    size_t cap = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
    struct block *b = p->keep ? keep_take(p->keep, bytes) : NULL;

    if (b) {
        b->is_kept = true;
        return b;
    }
    b = cap == BLOCK_BYTES ? ring_get(p->spare) : NULL;
    if (!b) {
        b = malloc(cap);
        if (!b)
            return NULL;
        b->cap = (uint32_t)cap;
        b->is_kept = false;
    }
    return b;
}

/* Copy the event and all its texts. */
static struct block *block_of(struct cdr_port *p, const struct cdr_event *ev)
{
    struct cdr_event copy = *ev;
    size_t bytes = sizeof(struct block);
    struct block *b;
    struct span *s;
    char *at;

    for (size_t i = 0; (s = record_span(&copy, &i));)
        bytes += text_len(*s);
    b = block_new(p, bytes);
    if (!b)
        return NULL;
    at = b->text;
    for (size_t i = 0; (s = record_span(&copy, &i));) {
        size_t len = text_len(*s);
        if (len > 0)
            memcpy(at, s->p, len);
        *s = (struct span){at, len};
        at += len;
    }
    b->ev = copy;
    return b;
}

static int lose(struct cdr_port *p, struct stats *stats, const struct cdr_event *ev, int err)
{
    atomic_fetch_add_explicit(&p->lost, 1, memory_order_relaxed);
    if (stats)
        stat_inc(stats, STAT_cdr_lost);
    log_limited(LOG_ERROR, "cdr_lost", "uuid=%.*s seq=%u type=%d billable_ms=%lld error=\"%s\"",
                SPAN_ARG(ev->uuid), ev->seq, (int)ev->type, (long long)record_billable(ev),
                err_str(err));
    return err;
}

bool cdr_wants(const struct cdr_port *p, enum cdr_type type)
{
    return !p->writer ||
           atomic_load_explicit(&p->writer->wanted, memory_order_relaxed) & 1u << type;
}

int cdr_put(struct cdr_port *p, struct stats *stats, const struct cdr_event *ev)
{
    struct block *b;

    if (!p->writer) {
        p->tap(ev, p->tap_arg);
        return 0;
    }
    if (!cdr_wants(p, ev->type))
        return 0;
    if (ev->type == CDR_INTERIM && ring_fill_percent(p->ring) >= INTERIM_PERCENT)
        return lose(p, stats, ev, TD_EFULL);
    b = block_of(p, ev);
    if (!b)
        return lose(p, stats, ev, -ENOMEM);
    b->seq = ++p->seq;
    if (b->is_kept)
        keep_commit(p->keep, b->seq);
    if (ring_put(p->ring, b) < 0) {
        if (!b->is_kept)
            free(b);
        return lose(p, stats, ev, TD_EFULL);
    }
    bell_ring(&p->writer->bell);
    return 0;
}

struct cdr_port *cdr_port_new_tap(void (*fn)(const struct cdr_event *ev, void *arg), void *arg)
{
    struct cdr_port *p = calloc(1, sizeof(*p));

    if (p) {
        p->tap = fn;
        p->tap_arg = arg;
    }
    return p;
}

void cdr_port_free_tap(struct cdr_port *p)
{
    free(p);
}

/* --- the writer's side --- */

static void take_block(struct cdr_writer *w, struct cdr_port *p, struct block *b)
{
    w->origin.worker = b->ev.again ? b->ev.again - 1U : (unsigned)(p - w->port);
    for (struct sink *s = w->sinks; s; s = s->next) {
        if (s->is_retired || (b->ev.type == CDR_INTERIM && s->interim_ms == 0))
            continue;
        if (b->ev.again)
            sink_put_again(s, &w->origin, &b->ev, &w->clock);
        else
            sink_put(s, &w->origin, &b->ev);
    }
    p->taken = b->seq;
    if (b->is_kept)
        return;
    if (b->cap != BLOCK_BYTES || ring_put(p->spare, b) < 0)
        free(b);
}

/* @return events taken */
static size_t take_events(struct cdr_writer *w, size_t max_each)
{
    size_t taken = 0;

    for (unsigned i = 0; i < w->workers; i++) {
        struct cdr_port *p = &w->port[i];
        struct block *b;
        for (size_t n = 0; n < max_each && (b = ring_get(p->ring)); n++) {
            take_block(w, p, b);
            taken++;
        }
    }
    return taken;
}

/* The old sink that does what a new one would: it keeps its open file and its backlog. */
static void keep_old(struct cdr_writer *w, struct sink **new_list)
{
    for (struct sink *s = w->sinks; s; s = s->next) {
        s->is_retired = true;
        for (struct sink **at = new_list; *at; at = &(*at)->next) {
            struct sink *n = *at;
            const struct conf_cdr as = {.name = n->name,
                                        .file = n->pattern,
                                        .rotate_ms = n->rotate_ms,
                                        .rotate_bytes = n->rotate_bytes,
                                        .interim_ms = n->interim_ms,
                                        .format = n->format};
            if (!sink_is_same(s, &as))
                continue;
            s->is_retired = false;
            *at = n->next;
            sink_end(n, &w->clock); /* it has opened nothing */
            break;
        }
    }
}

/* Events put before the reload belong to the old files: the rings have just been emptied into them. */
static void apply_next(struct cdr_writer *w)
{
    struct sink *next = NULL;
    struct sink **tail;
    bool has_next;

    pthread_mutex_lock(&w->lock);
    has_next = w->has_next;
    next = w->next_sinks;
    w->next_sinks = NULL;
    w->has_next = false;
    pthread_mutex_unlock(&w->lock);
    if (!has_next)
        return;
    keep_old(w, &next);
    for (tail = &w->sinks; *tail; tail = &(*tail)->next) {
    }
    *tail = next;
}

/* @return true if there is more to write at once */
static bool turn_sinks(struct cdr_writer *w)
{
    uint64_t backlog = 0;
    bool failing = false;
    bool more = false;

    for (struct sink **at = &w->sinks; *at;) {
        struct sink *s = *at;
        sink_turn(s, &w->clock);
        if (s->is_retired && s->backlog_records == 0) {
            *at = s->next;
            sink_end(s, &w->clock);
            continue;
        }
        backlog += s->backlog_records;
        failing = failing || s->is_failing;
        more = more || (s->backlog_records > 0 && !s->is_failing);
        at = &s->next;
    }
    atomic_store_explicit(&w->sink_backlog, backlog, memory_order_relaxed);
    atomic_store_explicit(&w->failing, failing, memory_order_relaxed);
    for (unsigned i = 0; backlog == 0 && i < w->workers; i++) {
        struct keep *k = atomic_load_explicit(&w->port[i].keep, memory_order_acquire);

        if (k)
            keep_written(k, w->port[i].taken);
    }
    return more;
}

/* @return true if there was or is something to do */
static bool turn(struct cdr_writer *w)
{
    size_t taken = 0;

    w->now(&w->clock, w->now_arg);
    if (w->sinks)
        taken =
            take_events(w, TAKE_MAX); /* else they wait for the first list, which is on its way */
    apply_next(w);
    return turn_sinks(w) || taken > 0;
}

void cdr_writer_step(struct cdr_writer *w)
{
    turn(w);
}

static void wait_for(struct cdr_writer *w, int timeout_ms)
{
    struct pollfd p = {.fd = w->bell.fd, .events = POLLIN};

    if (poll(&p, 1, timeout_ms) > 0)
        bell_clear(&w->bell);
}

static bool all_empty(const struct cdr_writer *w)
{
    for (unsigned i = 0; i < w->workers; i++) {
        if (ring_len(w->port[i].ring) > 0)
            return false;
    }
    return true;
}

static void *run(void *arg)
{
    struct cdr_writer *w = arg;

    while (!atomic_load_explicit(&w->stop, memory_order_acquire)) {
        if (turn(w)) {
            wait_for(w, TURN_MS); /* not armed: whatever comes waits for the next turn */
            continue;
        }
        bell_arm(&w->bell);
        if (!w->sinks || all_empty(w))
            wait_for(w, IDLE_MS);
    }
    return NULL;
}

/* --- what a former process had not written --- */

int cdr_port_keep(struct cdr_port *p, const char *path)
{
    struct keep *k = NULL;
    int err = keep_new(path, sizeof(struct block), &k);

    atomic_store_explicit(&p->keep, k, memory_order_release);
    return err;
}

struct keep_reading {
    unsigned worker;
    unsigned damaged; /* records */
    void (*fn)(void *arg, const struct cdr_event *ev);
    void *arg;
};

/* Its texts are where it is now, and inside it. @return false: damaged */
static bool rebase(struct block *b, const struct keep_block *from)
{
    const size_t room = from->bytes - sizeof(*b);
    const uint64_t old = from->at + offsetof(struct block, text);
    struct span *s;
    uint8_t flag;

    for (size_t i = 0; (s = record_span(&b->ev, &i));) {
        uint64_t off = (uint64_t)(uintptr_t)s->p - old;

        if (off > room || s->len > room - off)
            return false;
        s->p = b->text + off;
    }
    memcpy(&flag, &b->ev.estimated, sizeof(flag)); /* what is no bool may not be read as one */
    return b->ev.type <= CDR_CALL && b->ev.release <= CDR_RELEASE_SWITCH && flag <= 1;
}

static void on_kept(void *arg, struct keep_block *kb)
{
    struct keep_reading *r = arg;
    struct block *b = kb->p;
    struct cdr_event ev;

    if (kb->bytes < sizeof(*b)) {
        r->damaged++;
        return;
    }
    ev = b->ev;
    /* the file stays as it is: it may have to be read a second time */
    if (!rebase(b, kb)) {
        b->ev = ev;
        r->damaged++;
        return;
    }
    if (!b->ev.again)
        b->ev.again = (uint16_t)(r->worker + 1);
    r->fn(r->arg, &b->ev);
    b->ev = ev;
}

/* What cannot be read stays under another name: the file itself goes when all else in it is put. */
static int keep_aside(const char *path, unsigned damaged, unsigned broken)
{
    char aside[PATH_MAX];
    int err = snprintf(aside, sizeof(aside), "%s.damaged", path) < (int)sizeof(aside)
                  ? link(path, aside) < 0 && errno != EEXIST ? -errno : 0
                  : -ENAMETOOLONG;

    log_ev(LOG_ERROR, "cdr_keep",
           "path=%s error=\"damaged\" records=%u broken=%u kept=%s.damaged%s%s", path, damaged,
           broken, path, err < 0 ? " kept_error=" : "", err < 0 ? err_str(err) : "");
    return err;
}

int cdr_keep_read(const char *path, unsigned worker,
                  void (*fn)(void *arg, const struct cdr_event *ev), void *arg)
{
    struct keep_reading r = {.worker = worker, .fn = fn, .arg = arg};
    unsigned broken;
    int n = keep_read(path, sizeof(struct block), on_kept, &r, &broken);

    if (r.damaged || broken) {
        int err = keep_aside(path, r.damaged, broken);

        if (n >= 0 && err < 0)
            n = err; /* then it must stay under its own name */
    }
    return n;
}

int cdr_keep_remove(const char *path)
{
    return keep_remove(path, sizeof(struct block));
}

/* --- making, changing, ending --- */

static void now_system(struct clock *c, void *arg)
{
    (void)arg;
    clock_update(c);
}

static int start_thread(struct cdr_writer *w)
{
    sigset_t all;
    sigset_t old;
    int err;

    sigfillset(&all); /* signals are the main thread's */
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = pthread_create(&w->thread, NULL, run, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err == 0) {
        w->has_thread = true;
        pthread_setname_np(w->thread, "cdr");
    }
    return -err;
}

static int init_ports(struct cdr_writer *w, unsigned ring_events)
{
    w->port = calloc(w->workers, sizeof(*w->port));
    if (!w->port)
        return -ENOMEM;
    for (unsigned i = 0; i < w->workers; i++) {
        w->port[i].writer = w;
        w->port[i].ring = ring_new(ring_events);
        w->port[i].spare = ring_new(SPARE_BLOCKS);
        if (!w->port[i].ring || !w->port[i].spare)
            return -ENOMEM;
    }
    return 0;
}

static void free_ports(struct cdr_writer *w)
{
    for (unsigned i = 0; w->port && i < w->workers; i++) {
        void *b;
        while (w->port[i].spare && (b = ring_get(w->port[i].spare)))
            free(b);
        ring_free(w->port[i].ring);
        ring_free(w->port[i].spare);
        keep_free(w->port[i].keep);
    }
    free(w->port);
}

static void free_writer(struct cdr_writer *w)
{
    free_ports(w);
    if (w->bell.fd >= 0)
        bell_fini(&w->bell);
    pthread_mutex_destroy(&w->lock);
    free(w->node);
    free(w);
}

struct cdr_writer *cdr_writer_new(const struct cdr_writer_param *p)
{
    struct cdr_writer *w = calloc(1, sizeof(*w));
    int err = -ENOMEM;

    if (!w)
        return NULL;
    pthread_mutex_init(&w->lock, NULL);
    w->bell.fd = -1;
    w->workers = p->workers;
    w->backlog_limit = p->backlog_bytes ? p->backlog_bytes : CDR_BACKLOG_BYTES;
    w->now = p->now ? p->now : now_system;
    w->now_arg = p->now_arg;
    w->counts.stats = p->stats;
    w->node = strdup(p->node ? p->node : "");
    w->origin.node = w->node;
    if (!w->node)
        goto fail;
    w->now(&w->clock, w->now_arg);
    err = init_ports(w, p->ring_events ? p->ring_events : CDR_RING_EVENTS);
    if (err == 0)
        err = bell_init(&w->bell);
    if (err == 0 && !p->no_thread)
        err = start_thread(w);
    if (err == 0)
        return w;
fail:
    free_writer(w);
    errno = -err;
    return NULL;
}

static void free_sinks(struct cdr_writer *w, struct sink *list)
{
    while (list) {
        struct sink *next = list->next;
        sink_end(list, &w->clock);
        list = next;
    }
}

/* Wake the writer whether it has armed its bell or not. */
static void wake(struct cdr_writer *w)
{
    uint64_t one = 1;

    while (write(w->bell.fd, &one, sizeof(one)) < 0 && errno == EINTR) {
    }
}

int cdr_writer_configure(struct cdr_writer *w, const struct conf_cdr *cdr, size_t count)
{
    struct sink *list = NULL;
    struct sink **tail = &list;
    struct sink *replaced;
    unsigned wanted = count ? 1u << CDR_ATTEMPT | 1u << CDR_CALL : 0;

    for (size_t i = 0; i < count; i++) {
        *tail = sink_new(&cdr[i], w->backlog_limit, &w->counts);
        if (!*tail) {
            free_sinks(w, list);
            return -ENOMEM;
        }
        if (cdr[i].interim_ms > 0)
            wanted |= 1u << CDR_INTERIM;
        tail = &(*tail)->next;
    }
    pthread_mutex_lock(&w->lock);
    replaced = w->next_sinks; /* of a reload that the writer has not seen yet */
    w->next_sinks = list;
    w->has_next = true;
    pthread_mutex_unlock(&w->lock);
    free_sinks(w, replaced);
    atomic_store_explicit(&w->wanted, wanted, memory_order_relaxed);
    wake(w);
    return 0;
}

void cdr_writer_free(struct cdr_writer *w)
{
    if (!w)
        return;
    if (w->has_thread) {
        atomic_store_explicit(&w->stop, true, memory_order_release);
        wake(w);
        pthread_join(w->thread, NULL);
    }
    w->now(&w->clock, w->now_arg);
    if (!w->sinks)
        apply_next(w);
    take_events(w, SIZE_MAX);
    apply_next(w);
    turn_sinks(w);
    free_sinks(w, w->sinks);
    free_writer(w);
}

struct cdr_port *cdr_writer_port(struct cdr_writer *w, unsigned worker)
{
    return worker < w->workers ? &w->port[worker] : NULL;
}

void cdr_writer_status(const struct cdr_writer *w, struct cdr_status *out)
{
    *out = (struct cdr_status){
        .written = atomic_load_explicit(&w->counts.written, memory_order_relaxed),
        .write_errors = atomic_load_explicit(&w->counts.write_errors, memory_order_relaxed),
        .lost = atomic_load_explicit(&w->counts.lost, memory_order_relaxed),
        .backlog = atomic_load_explicit(&w->sink_backlog, memory_order_relaxed),
        .failing = atomic_load_explicit(&w->failing, memory_order_relaxed),
    };
    for (unsigned i = 0; i < w->workers; i++) {
        out->lost += atomic_load_explicit(&w->port[i].lost, memory_order_relaxed);
        out->backlog += ring_len(w->port[i].ring);
    }
}
