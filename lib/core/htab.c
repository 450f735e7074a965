/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash table of embedded nodes that grows a few buckets at a time, and the seeded hash.
 * Tables of transactions, dialogs and calls use it; keys are compared by the caller.
 */
#include "core/htab.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <xxhash.h>
#include "core/ident.h"

/* 4 of the old buckets per insert: growth is over after a quarter of the inserts that would make the table grow again */
#define MOVE_PER_ADD 4
#define MOVE_PER_DEL 2
/* what a huge page of x86-64 and ARM64 holds */
#define HUGE_BYTES (2u << 20)

/*
 * Zeroed. Looking into a table of 100,000s is a miss of the cache and of the TLB each time; huge pages spare the second.
 */
static struct htab_node **buckets_new(size_t n)
{
    size_t bytes = n * sizeof(struct htab_node *);
    void *p;

    if (bytes < HUGE_BYTES)
        return calloc(n, sizeof(struct htab_node *));
    p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    madvise(p, bytes, MADV_HUGEPAGE); /* better, not necessary */
    return p;
}

static void buckets_free(struct htab_node **p, size_t n)
{
    size_t bytes = n * sizeof(struct htab_node *);

    if (p && bytes >= HUGE_BYTES)
        munmap(p, bytes);
    else
        free(p);
}

int htab_init(struct htab *t, size_t initial_buckets)
{
    size_t n = 16;

    while (n < initial_buckets)
        n *= 2;
    *t = (struct htab){.mask = n - 1};
    t->bucket = buckets_new(n);
    return t->bucket ? 0 : -ENOMEM;
}

void htab_fini(struct htab *t)
{
    buckets_free(t->bucket, t->mask + 1);
    buckets_free(t->old_bucket, t->old_mask + 1);
    *t = (struct htab){0};
}

/*
 * Move one old chain to its two new ones. They are still empty: nothing enters them before
 * the old chain has gone, so the order (newest first) is kept by appending.
 */
static void move_chain(struct htab *t, size_t i)
{
    struct htab_node *n = t->old_bucket[i];
    struct htab_node **tail[2] = {&t->bucket[i], &t->bucket[i + t->old_mask + 1]};

    t->old_bucket[i] = NULL;
    while (n) {
        struct htab_node *next = n->next;
        size_t high = (n->hash & (t->old_mask + 1)) ? 1 : 0;
        n->next = NULL;
        *tail[high] = n;
        tail[high] = &n->next;
        n = next;
    }
}

static void move_some(struct htab *t, size_t chains)
{
    if (!t->old_bucket)
        return;
    while (chains-- > 0 && t->moved <= t->old_mask) {
        if (t->old_bucket[t->moved])
            move_chain(t, t->moved);
        t->moved++;
    }
    if (t->moved > t->old_mask) {
        buckets_free(t->old_bucket, t->old_mask + 1);
        t->old_bucket = NULL;
    }
}

/* The chain of hash in the new table, its old one moved first, so that everybody looks in one place only. */
static struct htab_node **chain_of(struct htab *t, uint64_t hash)
{
    if (t->old_bucket && t->old_bucket[hash & t->old_mask])
        move_chain(t, hash & t->old_mask);
    return &t->bucket[hash & t->mask];
}

static void grow(struct htab *t)
{
    size_t n = (t->mask + 1) * 2;
    struct htab_node **bigger = buckets_new(n);

    if (!bigger)
        return; /* longer chains are better than a lost call */
    t->old_bucket = t->bucket;
    t->old_mask = t->mask;
    t->moved = 0;
    t->bucket = bigger;
    t->mask = n - 1;
}

void htab_add(struct htab *t, struct htab_node *n, uint64_t hash)
{
    struct htab_node **chain;

    if (t->count > t->mask / 2 &&
        !t->old_bucket) /* half full: chains of one, each node is a miss */
        grow(t);
    move_some(t, MOVE_PER_ADD);
    chain = chain_of(t, hash);
    n->hash = hash;
    n->next = *chain;
    *chain = n;
    t->count++;
}

void htab_del(struct htab *t, struct htab_node *n)
{
    struct htab_node **at = chain_of(t, n->hash);

    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    n->next = NULL;
    t->count--;
    move_some(t, MOVE_PER_DEL);
}

static struct htab_node *same_hash(struct htab_node *n, uint64_t hash)
{
    while (n && n->hash != hash)
        n = n->next;
    return n;
}

struct htab_node *htab_first(struct htab *t, uint64_t hash)
{
    return same_hash(*chain_of(t, hash), hash);
}

struct htab_node *htab_next(struct htab_node *n)
{
    return same_hash(n->next, n->hash);
}

void htab_each(struct htab *t, bool (*fn)(struct htab_node *, void *), void *arg)
{
    move_some(t,
              SIZE_MAX); /* the walk is long anyway; afterwards a deletion moves nothing under it */
    for (size_t i = 0; i <= t->mask; i++) {
        struct htab_node *n = t->bucket[i];
        while (n) {
            struct htab_node *next = n->next;
            if (!fn(n, arg))
                return;
            n = next;
        }
    }
}

static uint64_t process_seed(void)
{
    static _Atomic uint64_t seed;
    uint64_t s = atomic_load_explicit(&seed, memory_order_relaxed);
    uint64_t fresh;

    if (s != 0)
        return s;
    ident_random(&fresh, sizeof(fresh));
    fresh |= 1; /* 0 means: not drawn yet */
    return atomic_compare_exchange_strong(&seed, &s, fresh) ? fresh : s;
}

uint64_t hash_bytes(const void *p, size_t len, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, len, process_seed() ^ seed);
}

uint64_t hash_span(struct span s)
{
    return hash_bytes(s.p, s.len, 0);
}

uint64_t hash_u64(uint64_t v)
{
    return hash_bytes(&v, sizeof(v), 0);
}
