/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Even/odd port pairs in first-in-first-out lists: what is taken from the front has rested longest, so one list is both the
 * free pairs and the quarantine. The control thread alone calls it; sockets and sessions are unknown here.
 */
#include "relay/ports.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "core/ident.h"

#define NO_PAIR UINT16_MAX /* a range has at most 32,768 pairs */

struct pair {
    uint64_t ready_ms; /* not before */
    uint16_t prev, next;
    bool is_used;
};

struct range {
    struct pair *pair;
    uint32_t n_pairs;
    uint32_t used;
    uint16_t lo;
    uint16_t first, last; /* of those not used */
};

struct port_addr {
    struct port_addr *next;
    struct pool *pool;
    struct addr ip; /* port 0 */
    char device[MEDIA_DEVICE_MAX];
    bool is_retired;
    bool by_sockets; /* as the pool said when it came: a change waits for a restart */
    struct range range[2];
};

struct pool {
    uint64_t generation;
    uint32_t id;
    uint32_t quarantine_ms;
    uint32_t refused;
    bool is_retired;
    char name[MEDIA_NAME_MAX];
    struct port_addr *addrs;
    struct port_addr *turn; /* where the next search begins */
};

struct ports {
    uint64_t generation;
    uint64_t used;
    unsigned n_pools;
    struct pool *pool[MEDIA_POOLS_MAX];
};

/* ---- one range ------------------------------------------------------------------------------------------------- */

static void range_append(struct range *r, uint16_t i)
{
    r->pair[i].prev = r->last;
    r->pair[i].next = NO_PAIR;
    if (r->last == NO_PAIR)
        r->first = i;
    else
        r->pair[r->last].next = i;
    r->last = i;
}

static void range_remove(struct range *r, uint16_t i)
{
    const struct pair *p = &r->pair[i];

    if (p->prev == NO_PAIR)
        r->first = p->next;
    else
        r->pair[p->prev].next = p->next;
    if (p->next == NO_PAIR)
        r->last = p->prev;
    else
        r->pair[p->next].prev = p->prev;
}

/* In a random order, so that the next call's ports cannot be guessed from this one's. */
static int range_init(struct range *r, uint16_t lo, uint16_t hi)
{
    uint16_t *order;
    uint32_t n = hi > lo ? ((uint32_t)hi - lo + 1) / 2 : 0;

    r->lo = lo;
    r->n_pairs = n;
    r->first = r->last = NO_PAIR;
    if (n == 0)
        return 0;
    r->pair = calloc(n, sizeof(*r->pair));
    order = calloc(n, sizeof(*order));
    if (!r->pair || !order) {
        free(order);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j;

        ident_random(&j, sizeof(j));
        j %= i + 1;
        order[i] = order[j];
        order[j] = (uint16_t)i;
    }
    for (uint32_t i = 0; i < n; i++)
        range_append(r, order[i]);
    free(order);
    return 0;
}

static int range_take(struct range *r, uint64_t now_ms, uint16_t *out)
{
    if (r->n_pairs == 0 || r->first == NO_PAIR || r->pair[r->first].ready_ms > now_ms)
        return -EADDRNOTAVAIL;
    *out = r->first;
    range_remove(r, *out);
    r->pair[*out].is_used = true;
    r->used++;
    return 0;
}

static uint32_t range_resting(const struct range *r, uint64_t now_ms)
{
    uint32_t n = 0;

    if (r->n_pairs == 0)
        return 0;
    for (uint16_t i = r->last; i != NO_PAIR && r->pair[i].ready_ms > now_ms; i = r->pair[i].prev)
        n++;
    return n;
}

/* ---- addresses and pools --------------------------------------------------------------------------------------- */

static void addr_free(struct port_addr *a)
{
    free(a->range[0].pair);
    free(a->range[1].pair);
    free(a);
}

static struct port_addr *addr_new(struct pool *pool, const struct media_pool *msg, unsigned i)
{
    struct port_addr *a = calloc(1, sizeof(*a));

    if (!a)
        return NULL;
    a->pool = pool;
    a->ip = msg->addr[i];
    memcpy(a->device, msg->device, sizeof(a->device));
    a->by_sockets = msg->flags & MEDIA_POOL_SOCKETS;
    if (range_init(&a->range[0], msg->port_lo, msg->port_hi) < 0 ||
        range_init(&a->range[1], msg->priority_lo, msg->priority_hi) < 0) {
        addr_free(a);
        return NULL;
    }
    return a;
}

static bool addr_is_same(const struct port_addr *a, const struct media_pool *msg, unsigned i)
{
    const struct range *r = a->range;

    return !a->is_retired && addr_ip_eq(&a->ip, &msg->addr[i]) &&
           memcmp(a->device, msg->device, sizeof(a->device)) == 0 && r[0].lo == msg->port_lo &&
           r[0].n_pairs == (uint32_t)(msg->port_hi - msg->port_lo + 1) / 2 &&
           r[1].lo == msg->priority_lo &&
           r[1].n_pairs == (msg->priority_hi > msg->priority_lo
                                ? (uint32_t)(msg->priority_hi - msg->priority_lo + 1) / 2
                                : 0);
}

/* Retired addresses without a lease go. */
static void pool_sweep(struct pool *pool)
{
    struct port_addr **at = &pool->addrs;

    while (*at) {
        struct port_addr *a = *at;

        if (!a->is_retired || a->range[0].used + a->range[1].used > 0) {
            at = &a->next;
            continue;
        }
        if (pool->turn == a)
            pool->turn = NULL;
        *at = a->next;
        addr_free(a);
    }
}

static struct pool *pool_find(const struct ports *p, uint32_t id)
{
    for (unsigned i = 0; i < p->n_pools; i++) {
        if (p->pool[i]->id == id)
            return p->pool[i];
    }
    return NULL;
}

static void pool_free(struct pool *pool)
{
    while (pool->addrs) {
        struct port_addr *a = pool->addrs;

        pool->addrs = a->next;
        addr_free(a);
    }
    free(pool);
}

/* A retired pool without addresses makes room for another. */
static void ports_sweep(struct ports *p)
{
    for (unsigned i = 0; i < p->n_pools;) {
        struct pool *pool = p->pool[i];

        pool_sweep(pool);
        if (!pool->is_retired || pool->addrs) {
            i++;
            continue;
        }
        pool_free(pool);
        p->pool[i] = p->pool[--p->n_pools];
    }
}

static struct pool *pool_get(struct ports *p, const struct media_pool *msg, int *err)
{
    struct pool *pool = pool_find(p, msg->id);

    *err = 0;
    if (pool) {
        if (strncmp(pool->name, msg->name, sizeof(pool->name)) != 0)
            *err = -EEXIST;
        return *err ? NULL : pool;
    }
    ports_sweep(p);
    if (p->n_pools == MEDIA_POOLS_MAX) {
        *err = -ENOSPC;
        return NULL;
    }
    pool = calloc(1, sizeof(*pool));
    if (!pool) {
        *err = -ENOMEM;
        return NULL;
    }
    pool->id = msg->id;
    memcpy(pool->name, msg->name, sizeof(pool->name));
    p->pool[p->n_pools++] = pool;
    return pool;
}

/* New addresses as a list in front of the old ones; those not named in msg are retired. */
static int pool_set_addrs(struct pool *pool, const struct media_pool *msg)
{
    struct port_addr *kept[MEDIA_POOL_ADDRS] = {NULL};
    struct port_addr *added = NULL;
    struct port_addr *a;

    for (unsigned i = 0; i < msg->n_addrs; i++) {
        for (a = pool->addrs; a && !kept[i]; a = a->next) {
            if (addr_is_same(a, msg, i))
                kept[i] = a;
        }
        if (kept[i])
            continue;
        a = addr_new(pool, msg, i);
        if (!a) {
            while ((a = added) != NULL) {
                added = a->next;
                addr_free(a);
            }
            return -ENOMEM;
        }
        a->next = added;
        added = a;
    }
    for (a = pool->addrs; a; a = a->next)
        a->is_retired = true;
    for (unsigned i = 0; i < msg->n_addrs; i++) {
        if (kept[i])
            kept[i]->is_retired = false;
    }
    while ((a = added) != NULL) {
        added = a->next;
        a->next = pool->addrs;
        pool->addrs = a;
    }
    pool_sweep(pool);
    return 0;
}

struct ports *ports_new(void)
{
    return calloc(1, sizeof(struct ports));
}

void ports_free(struct ports *p)
{
    if (!p)
        return;
    for (unsigned i = 0; i < p->n_pools; i++)
        pool_free(p->pool[i]);
    free(p);
}

int ports_set_pool(struct ports *p, const struct media_pool *msg)
{
    struct pool *pool;
    int err;

    if (msg->generation < p->generation)
        return 0;
    pool = pool_get(p, msg, &err);
    if (!pool)
        return err;
    err = pool_set_addrs(pool, msg);
    if (err < 0)
        return err;
    p->generation = msg->generation;
    pool->generation = msg->generation;
    pool->is_retired = false;
    pool->quarantine_ms = msg->quarantine_ms ? msg->quarantine_ms : MEDIA_QUARANTINE_MS;
    return 0;
}

void ports_end_pools(struct ports *p, uint64_t generation)
{
    if (generation < p->generation)
        return;
    p->generation = generation;
    for (unsigned i = 0; i < p->n_pools; i++) {
        struct pool *pool = p->pool[i];

        if (pool->generation >= generation)
            continue;
        pool->is_retired = true;
        for (struct port_addr *a = pool->addrs; a; a = a->next)
            a->is_retired = true;
    }
    ports_sweep(p);
}

bool ports_has(const struct ports *p, const struct addr *ip, uint16_t lo, uint16_t hi)
{
    for (unsigned i = 0; i < p->n_pools; i++) {
        for (const struct port_addr *a = p->pool[i]->addrs; a; a = a->next) {
            for (unsigned k = 0; k < 2 && addr_ip_eq(&a->ip, ip); k++) {
                const struct range *r = &a->range[k];

                if (r->n_pairs > 0 && r->lo <= hi && r->lo + 2 * r->n_pairs > lo)
                    return true;
            }
        }
    }
    return false;
}

/* ---- leases ---------------------------------------------------------------------------------------------------- */

static void lease_made(struct ports *p, struct port_addr *a, uint8_t range, uint16_t pair,
                       struct port_lease *out)
{
    *out = (struct port_lease){.at = a, .pair = pair, .range = range};
    p->used++;
}

static bool addr_serves(const struct port_addr *a, uint8_t family)
{
    return !a->is_retired && a->ip.family == family;
}

/* One round over the pool's addresses, from the one whose turn it is. */
static int pool_take(struct ports *p, struct pool *pool, uint8_t family, uint8_t range,
                     uint64_t now_ms, struct port_lease *out)
{
    struct port_addr *start = pool->turn ? pool->turn : pool->addrs;
    struct port_addr *a = start;
    int err = -ENODEV;
    uint16_t pair;

    while (a) {
        if (addr_serves(a, family)) {
            err = range_take(&a->range[range], now_ms, &pair);
            if (err == 0) {
                pool->turn = a->next;
                lease_made(p, a, range, pair, out);
                return 0;
            }
        }
        a = a->next ? a->next : pool->addrs;
        if (a == start)
            break;
    }
    return err;
}

int ports_take(struct ports *p, uint32_t id, uint8_t family, bool has_priority, uint64_t now_ms,
               struct port_lease *out)
{
    struct pool *pool = pool_find(p, id);
    int err;

    if (!pool)
        return -ENODEV;
    err = pool_take(p, pool, family, 0, now_ms, out);
    if (err == -EADDRNOTAVAIL && has_priority)
        err = pool_take(p, pool, family, 1, now_ms, out);
    if (err == -EADDRNOTAVAIL)
        pool->refused++;
    return err;
}

int ports_take_exact(struct ports *p, uint32_t id, const struct addr *local, bool has_priority,
                     struct port_lease *out)
{
    struct pool *pool = pool_find(p, id);

    if (!pool)
        return -ENODEV;
    for (struct port_addr *a = pool->addrs; a; a = a->next) {
        if (!addr_serves(a, local->family) || !addr_ip_eq(&a->ip, local))
            continue;
        for (uint8_t k = 0; k < (has_priority ? 2 : 1); k++) {
            struct range *r = &a->range[k];
            uint16_t i = (uint16_t)((local->port - r->lo) / 2);

            if (local->port < r->lo || i >= r->n_pairs || (local->port - r->lo) % 2)
                continue;
            if (r->pair[i].is_used)
                return -EADDRINUSE;
            range_remove(r, i);
            r->pair[i].is_used = true;
            r->used++;
            lease_made(p, a, k, i, out);
            return 0;
        }
    }
    return -ENODEV;
}

void ports_give(struct ports *p, struct port_lease *lease, uint64_t now_ms, uint32_t rest_ms)
{
    struct port_addr *a = lease->at;
    struct pool *pool;
    struct range *r;

    if (!a)
        return;
    pool = a->pool;
    r = &a->range[lease->range];
    r->pair[lease->pair].is_used = false;
    r->pair[lease->pair].ready_ms = now_ms + (rest_ms ? rest_ms : pool->quarantine_ms);
    range_append(r, lease->pair);
    r->used--;
    p->used--;
    lease->at = NULL;
    if (a->is_retired)
        pool_sweep(pool);
}

struct addr ports_local(const struct port_lease *lease)
{
    struct addr a = lease->at->ip;

    a.port = (uint16_t)(lease->at->range[lease->range].lo + 2U * lease->pair);
    return a;
}

bool ports_by_sockets(const struct port_lease *lease)
{
    return lease->at->by_sockets;
}

const char *ports_device(const struct port_lease *lease)
{
    return lease->at->device;
}

/* ---- reports --------------------------------------------------------------------------------------------------- */

uint64_t ports_used(const struct ports *p)
{
    return p->used;
}

static void pool_report(const struct pool *pool, uint64_t now_ms, struct media_pool_state *out)
{
    memset(out, 0, sizeof(*out));
    memcpy(out->name, pool->name, sizeof(out->name));
    out->retired = pool->is_retired;
    out->refused = pool->refused;
    for (const struct port_addr *a = pool->addrs; a; a = a->next) {
        const struct range *r = a->range;

        if (!a->is_retired) {
            out->pairs += r[0].n_pairs;
            out->priority_pairs += r[1].n_pairs;
            out->quarantine += range_resting(&r[0], now_ms);
            out->priority_quarantine += range_resting(&r[1], now_ms);
        }
        out->used += r[0].used;
        out->priority_used += r[1].used;
    }
}

unsigned ports_report(const struct ports *p, uint64_t now_ms, struct media_pool_state *out,
                      unsigned max)
{
    unsigned n = p->n_pools < max ? p->n_pools : max;

    for (unsigned i = 0; i < n; i++)
        pool_report(p->pool[i], now_ms, &out[i]);
    return n;
}
