/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DNS answers kept by name and type: fresh ones are given at once, stale ones when the servers fail (RFC 8767).
 * locate.c's questions come through here; behind it stands dns_ares.c or a test.
 */
#include "sip/dns_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/htab.h"

#define BUCKETS 64

struct entry {
    struct htab_node node;
    struct entry *older, *newer; /* in order of storing */
    uint64_t expires_ms;
    enum dns_type type;
    enum dns_status status;
    uint16_t n, skipped;
    char name[DNS_NAME_MAX];
    struct dns_rr rr[];
};

/* A question on its way to the servers. */
struct asked {
    struct asked *next;
    struct dns_cache *cache;
    dns_fn fn;
    void *arg;
    enum dns_type type;
    char name[DNS_NAME_MAX];
};

struct dns_cache {
    struct dns_ops ops;
    struct dns_ops *up;
    const struct clock *clock;
    struct stats *stats;
    struct htab tab;
    struct entry *oldest, *newest;
    struct asked *asked;
    struct dns_answer answer; /* being given */
};

static void count(struct dns_cache *c, enum stat_id id)
{
    if (c->stats)
        stat_inc(c->stats, id);
}

static void lower(const char *name, char out[DNS_NAME_MAX])
{
    size_t i;

    for (i = 0; name[i] && i < DNS_NAME_MAX - 1; i++)
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] + 32 : name[i]);
    out[i] = '\0';
}

static uint64_t key(const char *name, enum dns_type type)
{
    return hash_bytes(name, strlen(name), (uint64_t)type);
}

static struct entry *find(struct dns_cache *c, const char *name, enum dns_type type)
{
    for (struct htab_node *n = htab_first(&c->tab, key(name, type)); n; n = htab_next(n)) {
        struct entry *e = container_of(n, struct entry, node);

        if (e->type == type && strcmp(e->name, name) == 0)
            return e;
    }
    return NULL;
}

static void entry_del(struct dns_cache *c, struct entry *e)
{
    htab_del(&c->tab, &e->node);
    *(e->older ? &e->older->newer : &c->oldest) = e->newer;
    *(e->newer ? &e->newer->older : &c->newest) = e->older;
    free(e);
}

static uint32_t bounded(const struct dns_answer *a)
{
    uint32_t max = a->status == DNS_NONE ? DNS_NEGATIVE_MAX_S : DNS_TTL_MAX_S;

    return a->ttl_s < DNS_TTL_MIN_S ? DNS_TTL_MIN_S : a->ttl_s > max ? max : a->ttl_s;
}

static void store(struct dns_cache *c, const char *name, enum dns_type type,
                  const struct dns_answer *a)
{
    struct entry *old = find(c, name, type), *e;

    e = malloc(sizeof *e + a->n * sizeof e->rr[0]);
    if (!e)
        return; /* the old one stays: better than nothing */
    if (old)
        entry_del(c, old);
    if (c->tab.count >= DNS_CACHE_MAX)
        entry_del(c, c->oldest);
    e->expires_ms = c->clock->mono_ms + (uint64_t)bounded(a) * 1000;
    e->type = type;
    e->status = a->status;
    e->n = (uint16_t)a->n;
    e->skipped = (uint16_t)a->skipped;
    memcpy(e->name, name, DNS_NAME_MAX);
    memcpy(e->rr, a->rr, a->n * sizeof e->rr[0]);
    e->older = c->newest;
    e->newer = NULL;
    *(c->newest ? &c->newest->newer : &c->oldest) = e;
    c->newest = e;
    htab_add(&c->tab, &e->node, key(name, type));
}

static void give(struct dns_cache *c, const struct entry *e, bool stale, dns_fn fn, void *arg)
{
    struct dns_answer *a = &c->answer;

    a->status = e->status;
    a->stale = stale;
    a->ttl_s =
        stale ? DNS_STALE_TTL_S : (uint32_t)((e->expires_ms - c->clock->mono_ms + 999) / 1000);
    a->n = e->n;
    a->skipped = e->skipped;
    memcpy(a->rr, e->rr, e->n * sizeof e->rr[0]);
    fn(arg, a);
}

static void on_answer(void *arg, const struct dns_answer *a)
{
    struct asked *q = arg;
    struct dns_cache *c = q->cache;
    struct asked **at = &c->asked;
    struct entry *e;

    while (*at != q)
        at = &(*at)->next;
    *at = q->next;
    if (a->status == DNS_FAILED) {
        count(c, STAT_dns_failed);
        e = find(c, q->name, q->type);
        if (e) {
            count(c, STAT_dns_stale);
            give(c, e, true, q->fn, q->arg);
        } else {
            q->fn(q->arg, a);
        }
    } else {
        count(c, a->status == DNS_OK ? STAT_dns_answered : STAT_dns_negative);
        store(c, q->name, q->type, a);
        c->answer = *a;
        c->answer.ttl_s = bounded(a);
        c->answer.stale = false;
        q->fn(q->arg, &c->answer);
    }
    free(q);
}

static int cache_query(struct dns_ops *d, const char *name, enum dns_type type, dns_fn fn,
                       void *arg)
{
    struct dns_cache *c = container_of(d, struct dns_cache, ops);
    struct asked *q;
    char low[DNS_NAME_MAX];
    int rc;

    lower(name, low);
    const struct entry *e = find(c, low, type);

    if (e && e->expires_ms > c->clock->mono_ms) {
        give(c, e, false, fn, arg);
        return 0;
    }
    q = malloc(sizeof *q);
    if (!q)
        return -ENOMEM;
    *q = (struct asked){.next = c->asked, .cache = c, .fn = fn, .arg = arg, .type = type};
    memcpy(q->name, low, sizeof low);
    c->asked = q;
    count(c, STAT_dns_queries);
    rc = c->up->query(c->up, low, type, on_answer, q);
    if (rc == 0)
        return 0;
    on_answer(q, &(struct dns_answer){.status = DNS_FAILED});
    return 0;
}

static void cache_cancel(struct dns_ops *d, void *arg)
{
    struct dns_cache *c = container_of(d, struct dns_cache, ops);

    for (struct asked **at = &c->asked; *at;) {
        struct asked *q = *at;

        if (arg && q->arg != arg) {
            at = &q->next;
            continue;
        }
        *at = q->next;
        c->up->cancel(c->up, q);
        free(q);
    }
}

struct dns_cache *dns_cache_new(struct dns_ops *up, const struct clock *clock, struct stats *stats)
{
    struct dns_cache *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    if (htab_init(&c->tab, BUCKETS) < 0) {
        free(c);
        return NULL;
    }
    c->ops = (struct dns_ops){cache_query, cache_cancel};
    c->up = up;
    c->clock = clock;
    c->stats = stats;
    return c;
}

void dns_cache_free(struct dns_cache *c)
{
    if (!c)
        return;
    cache_cancel(&c->ops, NULL);
    while (c->oldest)
        entry_del(c, c->oldest);
    htab_fini(&c->tab);
    free(c);
}

struct dns_ops *dns_cache_ops(struct dns_cache *c)
{
    return &c->ops;
}

void dns_cache_expire(struct dns_cache *c)
{
    for (struct entry *e = c->oldest; e; e = e->newer)
        e->expires_ms = 0;
}
