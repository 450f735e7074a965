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
    bool is_lent; /* in no list: another entry of the same address has it taken, see settle() */
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
    bool is_changed; /* new, or retired: not settled yet */
    bool has_twin;   /* there was another entry of its ip when it was last looked at */
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

static struct pair *range_pair(const struct range *r, uint16_t port, uint16_t *i)
{
    if (port < r->lo || (uint32_t)(port - r->lo) / 2 >= r->n_pairs || (port - r->lo) % 2)
        return NULL;
    *i = (uint16_t)((port - r->lo) / 2);
    return &r->pair[*i];
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
    a->is_changed = true;
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

/* ---- one address twice ----------------------------------------------------------------------------------------- */

/*
 * Another range, device or pool for an address that has calls makes a second entry of it: the first is retired and serves its leases, and
 * both have the same ports. A pair that one has taken is lent by the other: it is in its list again when it is given back, behind its rest.
 */
static bool are_twins(const struct port_addr *a, const struct port_addr *b)
{
    return a != b && addr_ip_eq(&a->ip, &b->ip) &&
           (a->is_retired || b->is_retired || memcmp(a->device, b->device, sizeof(a->device)) == 0);
}

static struct pair *pair_at(struct port_addr *a, uint16_t port, struct range **r, uint16_t *i)
{
    for (unsigned k = 0; k < 2; k++) {
        struct pair *p = range_pair(&a->range[k], port, i);

        *r = &a->range[k];
        if (p)
            return p;
    }
    return NULL;
}

static bool is_taken(struct port_addr *a, uint16_t port)
{
    struct range *r;
    uint16_t i;
    const struct pair *p = pair_at(a, port, &r, &i);

    return p && (p->is_used || p->is_lent);
}

static void lend(struct port_addr *a, uint16_t port)
{
    struct range *r;
    uint16_t i;
    struct pair *p = pair_at(a, port, &r, &i);

    if (!p || p->is_used || p->is_lent)
        return;
    range_remove(r, i);
    p->is_lent = true;
}

static void unlend(struct port_addr *a, uint16_t port, uint64_t ready_ms)
{
    struct range *r;
    uint16_t i;
    struct pair *p = pair_at(a, port, &r, &i);

    if (!p || !p->is_lent)
        return;
    p->is_lent = false;
    p->ready_ms = ready_ms;
    range_append(r, i);
}

/* What rests, or has rested, at the other is behind what never served. */
static void rest_as(struct port_addr *a, uint16_t port, uint64_t ready_ms)
{
    struct range *r;
    uint16_t i;
    struct pair *p = pair_at(a, port, &r, &i);

    if (!p || p->is_used || p->is_lent || p->ready_ms >= ready_ms)
        return;
    range_remove(r, i);
    p->ready_ms = ready_ms;
    range_append(r, i);
}

/* a gives out no pair that b has taken, and, if it is new, none that rests there. */
static void settle(struct port_addr *a, struct port_addr *b, bool is_new)
{
    a->has_twin = b->has_twin = true;
    for (unsigned k = 0; k < 2; k++) {
        const struct range *r = &b->range[k];

        for (uint32_t i = 0; i < r->n_pairs; i++) {
            if (r->pair[i].is_used)
                lend(a, (uint16_t)(r->lo + 2 * i));
        }
        for (uint16_t i = r->n_pairs && is_new ? r->first : NO_PAIR; i != NO_PAIR;
             i = r->pair[i].next)
            rest_as(a, (uint16_t)(r->lo + 2U * i), r->pair[i].ready_ms);
    }
}

/* All others of its ip, one after the other. Walks all addresses: at a reload, and for a call whose address has a twin. */
static struct port_addr *twin_next(const struct ports *p, const struct port_addr *a, unsigned *pool,
                                   struct port_addr *at)
{
    at = at ? at->next : NULL;
    for (;;) {
        for (; at; at = at->next) {
            if (are_twins(a, at))
                return at;
        }
        if (*pool == p->n_pools)
            return NULL;
        at = p->pool[(*pool)++]->addrs;
    }
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

static void addr_retire(struct port_addr *a)
{
    a->is_changed |= !a->is_retired;
    a->is_retired = true;
}

static bool is_one_of(const struct port_addr *a, struct port_addr *const *list, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (list[i] == a)
            return true;
    }
    return false;
}

static void pool_settle(const struct ports *p, const struct pool *pool)
{
    for (struct port_addr *a = pool->addrs; a; a = a->next) {
        struct port_addr *b = NULL;
        unsigned at = 0;

        while (a->is_changed && (b = twin_next(p, a, &at, b)) != NULL) {
            if (!a->is_retired)
                settle(a, b, true);
            if (!b->is_retired)
                settle(b, a, false);
        }
        a->is_changed = false;
    }
}

/* New addresses as a list in front of the old ones; those not named in msg are retired. */
static int pool_set_addrs(struct ports *p, struct pool *pool, const struct media_pool *msg)
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
    for (a = pool->addrs; a; a = a->next) {
        if (!is_one_of(a, kept, msg->n_addrs))
            addr_retire(a);
    }
    while ((a = added) != NULL) {
        added = a->next;
        a->next = pool->addrs;
        pool->addrs = a;
    }
    pool_settle(p, pool);
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
    err = pool_set_addrs(p, pool, msg);
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
            addr_retire(a);
        pool_settle(p, pool);
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
    struct port_addr *b = NULL;
    unsigned at = 0;

    *out = (struct port_lease){.at = a, .pair = pair, .range = range};
    p->used++;
    while (a->has_twin && (b = twin_next(p, a, &at, b)) != NULL)
        lend(b, (uint16_t)(a->range[range].lo + 2U * pair));
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
            uint16_t i;

            if (!range_pair(r, local->port, &i))
                continue;
            if (r->pair[i].is_used || r->pair[i].is_lent)
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

int ports_take_left(struct ports *p, uint32_t id, const struct addr *local, struct port_lease *out)
{
    struct pool *pool = pool_find(p, id);
    struct media_pool msg = {.port_lo = local->port, .port_hi = (uint16_t)(local->port + 1)};
    struct port_addr *a, *b = NULL;
    unsigned at = 0;
    uint16_t pair;
    int err;

    if (!pool || local->port < 1024 || local->port % 2)
        return -ENODEV;
    msg.addr[0] = *local;
    msg.addr[0].port = 0;
    if (pool->addrs) {
        memcpy(msg.device, pool->addrs->device, sizeof(msg.device));
        msg.flags = pool->addrs->by_sockets ? MEDIA_POOL_SOCKETS : 0;
    }
    a = addr_new(pool, &msg, 0);
    if (!a)
        return -ENOMEM;
    addr_retire(a);
    while ((b = twin_next(p, a, &at, b)) != NULL) {
        if (is_taken(b, local->port)) {
            addr_free(a);
            return -EADDRINUSE;
        }
    }
    a->next = pool->addrs;
    pool->addrs = a;
    pool_settle(p, pool);
    err = range_take(&a->range[0], 0, &pair);
    if (err == 0)
        lease_made(p, a, 0, pair, out);
    return err;
}

void ports_give(struct ports *p, struct port_lease *lease, uint64_t now_ms, uint32_t rest_ms)
{
    struct port_addr *a = lease->at, *b = NULL;
    unsigned at = 0;
    struct pool *pool;
    struct range *r;
    uint64_t ready_ms;

    if (!a)
        return;
    pool = a->pool;
    ready_ms = now_ms + (rest_ms ? rest_ms : pool->quarantine_ms);
    r = &a->range[lease->range];
    r->pair[lease->pair].is_used = false;
    r->pair[lease->pair].ready_ms = ready_ms;
    range_append(r, lease->pair);
    while (a->has_twin && (b = twin_next(p, a, &at, b)) != NULL)
        unlend(b, ports_local(lease).port, ready_ms);
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
