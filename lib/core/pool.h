/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed-size objects of one kind on one thread: slabs of 64 KiB, a free list, counts.
 * Transactions, dialogs, legs and calls live in pools; under AddressSanitizer each object is a malloc so that stale use is seen.
 */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stddef.h>
#include <stdint.h>

struct pool_slab;

struct pool {
    const char *name;
    size_t object_bytes;
    void *free_list;
    struct pool_slab *slabs;
    uint64_t used;
    uint64_t high_water;
    uint64_t limit; /* objects; 0: none */
};

/** limit: highest number of live objects (its reason belongs to the caller); nothing is allocated yet. */
void pool_init(struct pool *p, const char *name, size_t object_bytes, uint64_t limit);
/** A zeroed object. @return NULL at the limit or out of memory */
void *pool_get(struct pool *p);
/** Give back; NULL is ignored. */
void pool_put(struct pool *p, void *obj);
/** Free all slabs; asserts that no object is in use unless force. */
void pool_fini(struct pool *p, int force);

#define BLOCK_CLASSES 8

/**
 * Variable-size byte blocks by size class (256 to 4096, beyond: malloc), for stored messages and strings.
 * @return block of at least bytes, NULL out of memory; *cap (may be NULL) gets the usable size
 */
struct blocks {
    struct pool class_pool[BLOCK_CLASSES];
    uint64_t big_used;
};
void blocks_init(struct blocks *b);
void *blocks_get(struct blocks *b, size_t bytes, size_t *cap);
/** cap: the usable size blocks_get told. */
void blocks_put(struct blocks *b, void *block, size_t cap);
void blocks_fini(struct blocks *b, int force);

#endif
