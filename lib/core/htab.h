/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive hash table: chains of nodes embedded in the objects, growing by a few buckets per insert so that no insert is ever long.
 * Tables of transactions, dialogs and calls use it; hashing (seeded) is the caller's.
 */
#ifndef CORE_HTAB_H
#define CORE_HTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "core/span.h"

struct htab_node {
    struct htab_node *next;
    uint64_t hash;
};

struct htab {
    struct htab_node **bucket;
    struct htab_node **old_bucket; /* while growing */
    size_t mask, old_mask, moved;
    size_t count;
};

/** initial_buckets is rounded up to a power of two. @return 0 or -ENOMEM */
int htab_init(struct htab *t, size_t initial_buckets);
/** Frees the buckets only; nodes belong to their objects. */
void htab_fini(struct htab *t);
/** Put a node in under hash; duplicates are allowed, the newest is found first. Never fails (if growing fails it stays small). */
void htab_add(struct htab *t, struct htab_node *n, uint64_t hash);
/** Take a node out; the node must be in. */
void htab_del(struct htab *t, struct htab_node *n);
/** First node with this hash, or NULL; go on with htab_next. The caller compares keys. */
struct htab_node *htab_first(struct htab *t, uint64_t hash);
struct htab_node *htab_next(struct htab_node *n);
/** Walk all nodes (audit, shutdown; never on the call path). fn may delete the node it is given. Stops when fn returns false. */
void htab_each(struct htab *t, bool (*fn)(struct htab_node *, void *), void *arg);

/** Seeded hash of bytes (xxh3); the seed is drawn per process at first use. */
uint64_t hash_bytes(const void *p, size_t len, uint64_t seed);

/** 32-bit FNV-1a of a name: the same in every process and version, as what other processes are told must be. */
static inline uint32_t hash_fnv32(const char *name)
{
    uint32_t h = 2166136261U;

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619U;
    return h;
}
uint64_t hash_span(struct span s);
uint64_t hash_u64(uint64_t v);
/** The same number for the same number in every process, well mixed (splitmix64): draws that a seed repeats. Not for tables. */
static inline uint64_t mix_u64(uint64_t v)
{
    v += 0x9e3779b97f4a7c15U;
    v = (v ^ v >> 30) * 0xbf58476d1ce4e5b9U;
    v = (v ^ v >> 27) * 0x94d049bb133111ebU;
    return v ^ v >> 31;
}

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
