/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reloads, one after the other: built by the builder, published and retired by the control thread.
 * Commands and signals ask; nothing here runs on a worker.
 */
#include "daemon/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "core/delay.h"
#include "core/htab.h"
#include "core/log.h"
#include "daemon/builder.h"
#include "daemon/node.h"
#include "daemon/watch.h"

/* A turn of the control thread follows trunks for so long, then others have theirs: half of the millisecond that is promised [us]. */
#define SLICE_US 500U
/* Trunks between two looks at the clock, which is a system call: 10 us at the most. */
#define SLICE_TRUNKS 16U

struct waiter {
    struct waiter *next;
    reload_fn done;
    void *arg;
};

/* One load, on its way to the builder and back. */
struct build {
    struct build_job job;
    struct reload *reload;
    const struct conf *now; /* running; none is published while we build */
    struct snapshot *s;
    struct watch_set *files; /* of it; NULL: they are not watched */
    char *messages;          /* owned; what the load has to say */
    char why[512];
    int err;
};

struct reload {
    struct node *node;
    struct builder *builder;
    struct waiter *waiting, *asked; /* for the load under way; for the next one */
    struct build *build;            /* NULL: idle */
    bool locating,
        dropping;        /* trunks are being followed; trunks that are gone are being forgotten */
    struct event *again; /* the next slice */
    struct watch *watch; /* NULL until `watch on` */
    struct delay delay;
    bool closing;
};

/* A snapshot that goes. */
struct garbage {
    struct build_job job;
    struct snapshot *s;
};

static uint64_t thread_us(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
    return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

/* ---- on the builder ---- */

/* @param p  loaded; taken */
static struct snapshot *build_snapshot(struct build *b, struct snapshot_param *p)
{
    struct node *n = b->reload->node;
    const struct conf *conf = p->conf;
    char why[256];
    if (!snapshot_can_replace(b->now, conf, why, sizeof(why))) {
        snprintf(b->why, sizeof(b->why), "%s: that needs a restart; nothing was changed", why);
        b->err = -EPERM;
        book_free(p->book);
        conf_free(conf);
        return NULL;
    }
    struct snapshot *s = snapshot_new(p, why, sizeof(why));
    b->err = -EINVAL;
    if (s && cdr_writer_configure(n->cdr, conf->cdr.v, conf->cdr.n) < 0) {
        snapshot_free(s);
        s = NULL;
        snprintf(why, sizeof(why), "out of memory");
        b->err = -ENOMEM;
    }
    if (!s)
        snprintf(b->why, sizeof(b->why), "%s; nothing was changed", why);
    return s;
}

/* The place of the first one, too: in the journal this line stands alone. */
static void failed(struct build *b, const struct conf_errors *errs)
{
    const struct conf_error *first = NULL;
    char place[300] = "";

    for (uint32_t i = 0; i < errs->n && !first; i++)
        if (errs->v[i].severity == CONF_ERROR)
            first = &errs->v[i];
    if (first && first->file)
        snprintf(place, sizeof(place), ", first at %.256s:%u:%u", first->file, first->line,
                 first->col);
    snprintf(b->why, sizeof(b->why),
             "errors: %u, warnings: %u%s. Running configuration unchanged (generation %llu).",
             errs->errors, errs->warnings, place, (unsigned long long)b->now->generation);
}

static void build_run(struct build_job *job)
{
    struct build *b = container_of(job, struct build, job);
    struct conf_errors errs;
    struct snapshot_param p = {.reg = b->reload->node->trunks, .errs = &errs};
    size_t len;
    if (snapshot_load(b->reload->node->conf_path, &p, &errs) == 0) {
        b->s = build_snapshot(b, &p);
    } else {
        b->err = -EINVAL;
        failed(b, &errs);
    }
    if (b->s) {
        b->err = 0;
        b->files = b->s->conf->global.watch ? watch_set_new(b->s->conf) : NULL;
    }
    FILE *f = open_memstream(&b->messages, &len);
    if (f) {
        conf_print_errors(f, &errs);
        fclose(f);
    }
    conf_errors_fini(&errs);
}

static void garbage_run(struct build_job *job)
{
    snapshot_free(container_of(job, struct garbage, job)->s);
}

static void garbage_done(struct build_job *job)
{
    free(container_of(job, struct garbage, job));
}

/* ---- on the control thread ---- */

static void build_free(struct build *b)
{
    snapshot_free(b->s);
    watch_set_free(b->files);
    free(b->messages);
    free(b);
}

static void asks_free(struct waiter *list)
{
    for (struct waiter *next; list; list = next) {
        next = list->next;
        free(list);
    }
}

static void reload_start(struct reload *r);

/* What is wrong has been logged when it was found. */
static void watched(void *arg, const struct reload_result *r)
{
    (void)arg;
    if (r->err < 0)
        log_ev(LOG_ERROR, "watch", "msg=\"a changed file was not taken\" error=\"%s\"", r->text);
}

static void files_changed(void *arg)
{
    struct reload *r = arg;
    log_ev(LOG_INFO, "watch", "msg=\"files have changed: reload\"");
    if (reload_ask(r, watched, r) < 0)
        log_ev(LOG_ERROR, "watch", "error=\"out of memory\"");
}

static void reload_watch(struct reload *r, struct watch_set *files)
{
    if (files && !r->watch)
        r->watch = watch_new(r->node->base, files_changed, r);
    if (r->watch)
        watch_follow(r->watch, files);
    else if (files) {
        log_ev(LOG_ERROR, "watch", "error=\"files cannot be watched\"");
        watch_set_free(files);
    }
}

/* Everybody who waits for this load hears how it went. */
static void reload_over(struct reload *r)
{
    struct build *b = r->build;
    struct node *n = r->node;
    struct waiter *list = r->waiting;
    char *text = NULL;
    size_t len;
    FILE *f = open_memstream(&text, &len);
    if (f) {
        fprintf(f, "%s%s", b->messages ? b->messages : "", b->why);
        fclose(f);
    }
    struct reload_result result = {b->err, text ? text : b->why, n->generation};
    if (b->err < 0)
        n->reloads_failed++;
    else
        n->reloads++;
    log_ev(b->err < 0 ? LOG_ERROR : LOG_INFO, "reload", "ok=%d generation=%llu msg=\"%s\"",
           b->err == 0, (unsigned long long)n->generation, b->why);
    r->build = NULL;
    r->waiting = NULL;
    r->locating = false;
    r->dropping = r->dropping || b->err == 0;
    build_free(b);
    for (struct waiter *next; list; list = next) {
        next = list->next;
        list->done(list->arg, &result);
        free(list);
    }
    free(text);
    reload_start(r);
}

/* Follow some of the trunks; when none is left, the snapshot is what holds. */
static void reload_locate(struct reload *r)
{
    static const struct timeval at_once = {0, 0};
    struct build *b = r->build;
    struct node *n = r->node;
    uint64_t from = thread_us();
    bool more;
    timers_tick(n->timers);
    do
        more = locate_step(n->locate, SLICE_TRUNKS);
    while (more && thread_us() - from < SLICE_US);
    if (more) {
        evtimer_add(r->again, &at_once);
        delay_add(&r->delay, thread_us() - from);
        return;
    }
    reload_watch(r, b->files);
    b->files = NULL;
    node_publish(n, b->s);
    snprintf(b->why, sizeof(b->why), "generation %llu: %u trunks, %u routes",
             (unsigned long long)n->generation, b->s->conf->trunk.n, b->s->conf->route.n);
    b->s = NULL;
    delay_add(&r->delay, thread_us() - from);
    reload_over(r);
}

/* Once nobody routes by what was: trunks that are gone lose their targets. */
static void reload_drop(struct reload *r)
{
    static const struct timeval at_once = {0, 0};
    uint64_t from;
    if (!r->dropping || r->build || r->node->snapshots.retired)
        return;
    from = thread_us();
    timers_tick(r->node->timers);
    do
        r->dropping = locate_drop(r->node->locate, SLICE_TRUNKS);
    while (r->dropping && thread_us() - from < SLICE_US);
    if (r->dropping)
        evtimer_add(r->again, &at_once);
    delay_add(&r->delay, thread_us() - from);
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
    struct reload *r = arg;
    (void)fd;
    (void)what;
    if (r->locating)
        reload_locate(r);
    else
        reload_drop(r);
}

static void build_done(struct build_job *job)
{
    struct build *b = container_of(job, struct build, job);
    struct reload *r = b->reload;
    if (r->closing) {
        build_free(b);
        r->build = NULL;
        return;
    }
    if (!b->s) {
        reload_over(r);
        return;
    }
    node_before_publish(r->node, b->s);
    r->locating = true;
    reload_locate(r);
}

static void reload_start(struct reload *r)
{
    struct build *b;
    if (r->build || !r->asked || r->closing)
        return;
    b = calloc(1, sizeof(*b));
    if (!b)
        return; /* the next tick tries again */
    b->job = (struct build_job){build_run, build_done};
    b->reload = r;
    b->now = snapshots_current(&r->node->snapshots)->conf;
    if (builder_post(r->builder, &b->job) < 0) {
        free(b);
        return;
    }
    r->build = b;
    r->waiting = r->asked;
    r->asked = NULL;
}

int reload_ask(struct reload *r, reload_fn done, void *arg)
{
    struct waiter *a = calloc(1, sizeof(*a)), **end = &r->asked;
    if (!a)
        return -ENOMEM;
    a->done = done;
    a->arg = arg;
    while (*end)
        end = &(*end)->next;
    *end = a;
    reload_start(r);
    return 0;
}

/* What no worker reads any more is freed where it costs nobody anything. */
static void reload_retire(struct reload *r)
{
    struct node *n = r->node;
    struct garbage *g;
    struct snapshot *s;
    uint64_t oldest = node_oldest(n);
    if (n->snapshots.retired == NULL && n->snapshots.rests == NULL)
        return;
    while ((g = calloc(1, sizeof(*g)))) {
        g->job = (struct build_job){garbage_run, garbage_done};
        if (builder_room(r->builder) == 0 || !(s = snapshots_collect(&n->snapshots, oldest)))
            break;
        g->s = s;
        (void)builder_post(r->builder, &g->job);
    }
    free(g);
}

void reload_turn(struct reload *r)
{
    builder_turn(r->builder);
    reload_retire(r);
    reload_drop(r);
    reload_start(r);
}

const struct delay *reload_delay(const struct reload *r)
{
    return &r->delay;
}

int reload_post(struct reload *r, struct build_job *job)
{
    return builder_post(r->builder, job);
}

bool reload_is_closing(const struct reload *r)
{
    return r->closing;
}

struct reload *reload_new(struct node *n)
{
    struct reload *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->node = n;
    r->again = evtimer_new(n->base, on_again, r);
    r->builder = r->again ? builder_new(&n->bell) : NULL;
    if (r->builder) {
        const struct conf *conf = snapshots_current(&n->snapshots)->conf;
        reload_watch(r, conf->global.watch ? watch_set_new(conf) : NULL);
        return r;
    }
    reload_free(r);
    return NULL;
}

void reload_free(struct reload *r)
{
    if (!r)
        return;
    r->closing = true;
    builder_free(r->builder);
    if (r->build) /* built, and not published */
        build_free(r->build);
    asks_free(r->waiting);
    asks_free(r->asked);
    watch_free(r->watch);
    if (r->again)
        event_free(r->again);
    free(r);
}
