/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One immutable configuration with all that is compiled from it, published to the workers and retired when each has moved on.
 * Made at start and by the builder on reload, published by the control thread. Must not know what the workers do with it.
 */
#include "daemon/snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "call/load_check.h"
#include "core/parallel.h"

void snapshot_free(struct snapshot *s)
{
    if (!s)
        return;
    route_free(s->route);
    tls_set_free(s->tls);
    conf_free(s->conf);
    free(s->pool);
    free(s->pool_addr);
    free(s->sound);
    free(s->rest);
    free(s);
}

static int snapshot_sounds(struct snapshot *s)
{
    const struct conf *c = s->conf;

    s->sound = calloc(c->sound.n + 1, sizeof(*s->sound));
    if (!s->sound)
        return -ENOMEM;
    s->n_sounds = c->sound.n;
    for (uint32_t i = 0; i < c->sound.n; i++)
        s->sound[i] = (struct media_sound_conf){
            .name = c->sound.v[i].name, .fd = c->sound.v[i].fd, .samples = c->sound.v[i].samples};
    return 0;
}

static int snapshot_pools(struct snapshot *s)
{
    const struct conf *c = s->conf;
    size_t addrs = 0, n = 0;
    for (uint32_t i = 0; i < c->media.n; i++)
        addrs += c->media.v[i].address.n;
    s->pool = calloc(c->media.n + 1, sizeof(*s->pool));
    s->pool_addr = calloc(addrs + 1, sizeof(*s->pool_addr));
    if (!s->pool || !s->pool_addr)
        return -ENOMEM;
    s->n_pools = c->media.n;
    for (uint32_t i = 0; i < c->media.n; i++) {
        const struct conf_media *m = &c->media.v[i];
        struct media_pool_conf *p = &s->pool[i];
        p->name = m->name;
        p->device = c->realm.v[m->realm.id].device;
        p->addr = &s->pool_addr[n];
        p->n_addrs = m->address.n;
        for (uint32_t a = 0; a < m->address.n; a++)
            s->pool_addr[n++] = m->address.v[a].addr;
        p->port_lo = m->port_lo;
        p->port_hi = m->port_hi;
        p->priority_lo = m->priority_lo;
        p->priority_hi = m->priority_hi;
        p->flags = m->path == CONF_PATH_SOCKETS ? MEDIA_POOL_SOCKETS : 0;
    }
    return 0;
}

/* Certificates first: what route_new says of customers' accounts holds at once. */
static int snapshot_compile(struct snapshot *s, const struct snapshot_param *p, char *why,
                            size_t size)
{
    struct route_param rp = {.conf = s->conf,
                             .reg = p->reg,
                             .errs = p->errs,
                             .wall_s = p->wall_s,
                             .threads = p->threads,
                             .book = p->book};
    const char *text = "out of memory";
    snprintf(why, size, "%s", text);
    s->rest = calloc(1, sizeof(*s->rest));
    if (s->rest && snapshot_pools(s) == 0 && snapshot_sounds(s) == 0 &&
        tls_set_new(s->conf, &s->tls, why, size) == 0) {
        s->route = route_new(&rp, &text);
        if (!s->route)
            snprintf(why, size, "%s", text);
    }
    load_check_end(&rp);
    return s->route ? 0 : -EINVAL;
}

int snapshot_load(const char *path, struct snapshot_param *p, struct conf_errors *errs)
{
    struct conf_env env;
    struct route_param rp = {.wall_s = (int64_t)time(NULL), .threads = parallel_threads()};
    conf_env_read(&env);
    p->conf = conf_load_more(path, &env, load_check, &rp, errs);
    if (!p->conf)
        load_check_end(&rp);
    p->book = rp.book;
    p->wall_s = rp.wall_s;
    p->threads = rp.threads;
    return p->conf ? 0 : -EINVAL;
}

struct snapshot *snapshot_new(const struct snapshot_param *p, char *why, size_t size)
{
    struct snapshot *s = calloc(1, sizeof(*s));
    if (!s) {
        snprintf(why, size, "out of memory");
        book_free(p->book);
        conf_free(p->conf);
        return NULL;
    }
    s->conf = p->conf;
    if (snapshot_compile(s, p, why, size) < 0) {
        snapshot_free(s);
        return NULL;
    }
    s->view = (struct call_view){.conf = s->conf, .route = s->route};
    return s;
}

struct snapshot *snapshots_current(struct snapshots *ss)
{
    return atomic_load_explicit(&ss->current, memory_order_acquire);
}

void snapshots_publish(struct snapshots *ss, struct snapshot *s, uint64_t generation)
{
    s->conf->generation = s->view.generation = generation;
    struct snapshot *old = atomic_exchange_explicit(&ss->current, s, memory_order_acq_rel);
    if (!old)
        return;
    old->next = ss->retired;
    ss->retired = old;
}

/* All but the configuration, which legs may read to their end. */
static struct snapshot *take_retired(struct snapshots *ss, uint64_t oldest_seen)
{
    struct snapshot **p = &ss->retired, *s;
    while (*p && (*p)->view.generation >= oldest_seen)
        p = &(*p)->next;
    s = *p;
    if (!s)
        return NULL;
    *p = s->next;
    s->rest->conf = s->conf;
    s->rest->next = ss->rests;
    ss->rests = s->rest;
    s->conf = NULL;
    s->rest = NULL;
    return s;
}

struct snapshot *snapshots_collect(struct snapshots *ss, uint64_t oldest_seen)
{
    struct snapshot *s = NULL;
    for (struct snapshot **p = &ss->rests; !s && *p; p = &(*p)->next)
        if (!conf_is_shared((*p)->conf)) {
            s = *p;
            *p = s->next;
            break;
        }
    return s ? s : take_retired(ss, oldest_seen);
}

void snapshots_fini(struct snapshots *ss)
{
    struct snapshot *s;
    while ((s = take_retired(ss, UINT64_MAX)))
        snapshot_free(s);
    while ((s = ss->rests)) {
        ss->rests = s->next;
        snapshot_free(s);
    }
    snapshot_free(snapshots_current(ss));
    atomic_store(&ss->current, NULL);
}

static bool same_text(const char *what, const char *a, const char *b, char *why, size_t size)
{
    if (strcmp(a, b) == 0)
        return true;
    snprintf(why, size, "%s '%s' is now '%s'", what, a, b);
    return false;
}

static bool same_realm(const struct conf *a, const struct conf_listen *la, const struct conf *b,
                       const struct conf_listen *lb)
{
    const struct conf_realm *ra = &a->realm.v[la->realm.id], *rb = &b->realm.v[lb->realm.id];
    if (strcmp(ra->device ? ra->device : "", rb->device ? rb->device : "") != 0 ||
        ra->advertise.n != rb->advertise.n || la->dscp != lb->dscp)
        return false;
    for (uint32_t i = 0; i < ra->advertise.n; i++)
        if (!addr_eq(&ra->advertise.v[i].addr, &rb->advertise.v[i].addr))
            return false;
    return true;
}

/* Addresses only: certificates, what is asked of a client, and limits of streams change by reload. */
static bool same_sockets(const struct conf_listen *a, const struct conf_listen *b)
{
    bool same = a->udp.n == b->udp.n && a->tcp.n == b->tcp.n && a->tls.n == b->tls.n;
    for (uint32_t i = 0; same && i < a->udp.n; i++)
        same = addr_eq(&a->udp.v[i].addr, &b->udp.v[i].addr);
    for (uint32_t i = 0; same && i < a->tcp.n; i++)
        same = addr_eq(&a->tcp.v[i].addr, &b->tcp.v[i].addr);
    for (uint32_t i = 0; same && i < a->tls.n; i++)
        same = addr_eq(&a->tls.v[i].addr, &b->tls.v[i].addr);
    return same;
}

static bool same_listens(const struct conf *a, const struct conf *b, char *why, size_t size)
{
    if (a->listen.n != b->listen.n) {
        snprintf(why, size, "the number of listen sections changed");
        return false;
    }
    for (uint32_t i = 0; i < a->listen.n; i++) {
        const struct conf_listen *la = &a->listen.v[i], *lb = &b->listen.v[i];
        if (strcmp(la->name, lb->name) != 0 || !same_sockets(la, lb) || !same_realm(a, la, b, lb)) {
            snprintf(why, size, "the sockets of listen '%s' changed", la->name);
            return false;
        }
    }
    return true;
}

bool snapshot_can_replace(const struct conf *now, const struct conf *next, char *why, size_t size)
{
    const struct conf_global *g = &now->global, *h = &next->global;
    if (!same_text("global node", g->node, h->node, why, size) ||
        !same_text("global run-dir", g->run_dir, h->run_dir, why, size) ||
        !same_text("global state-dir", g->state_dir, h->state_dir, why, size) ||
        !same_text("global media-socket", g->media_socket, h->media_socket, why, size))
        return false;
    if (g->workers != h->workers) {
        snprintf(why, size, "global workers %u is now %u", g->workers, h->workers);
        return false;
    }
    /* Workers make their connection to the relay at their start. */
    if (now->media.n == 0 && next->media.n > 0) {
        snprintf(why, size, "the first media section is new");
        return false;
    }
    return same_listens(now, next, why, size);
}
