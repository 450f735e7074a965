/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools of equal objects carved from slabs; byte blocks by size class on top of them.
 * The objects of calls and transactions live here; one thread per pool, nothing is given back to malloc before pool_fini.
 */
#include "core/pool.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "core/sanitize.h"

#define ALIGN 16u
/* 64 KiB: some 30 to 100 of our objects; one malloc per that many calls, and little is wasted by a pool that holds one */
#define SLAB_BYTES (64u * 1024)
/* 2 MiB, a huge page, once the pool has as much already */
#define LARGE_SLAB_BYTES (2u << 20)

struct pool_slab {
    struct pool_slab *next;
    struct pool_slab *prev; /* AddressSanitizer builds, where a slab is one object */
    char data[];
};

static_assert(sizeof(struct pool_slab) % ALIGN == 0, "slab data must be aligned");

void pool_init(struct pool *p, const char *name, size_t object_bytes, uint64_t limit)
{
    size_t bytes = (object_bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);

    *p = (struct pool){.name = name, .object_bytes = bytes ? bytes : ALIGN, .limit = limit};
}

#ifdef SANITIZE_ADDRESS

static void *take(struct pool *p)
{
    struct pool_slab *s = malloc(sizeof(*s) + p->object_bytes);

    if (!s)
        return NULL;
    s->prev = NULL;
    s->next = p->slabs;
    if (p->slabs)
        p->slabs->prev = s;
    p->slabs = s;
    return s->data;
}

static void give(struct pool *p, void *obj)
{
    struct pool_slab *s =
        (struct pool_slab *)(void *)((char *)obj - offsetof(struct pool_slab, data));

    if (s->next)
        s->next->prev = s->prev;
    if (s->prev)
        s->prev->next = s->next;
    else
        p->slabs = s->next;
    free(s);
}

#else

/* Of a large pool hardly any object is in the cache when its time comes: a huge page spares at least the TLB's miss. */
static struct pool_slab *large_slab(void)
{
    void *s = aligned_alloc(LARGE_SLAB_BYTES, LARGE_SLAB_BYTES);

    if (s)
        madvise(s, LARGE_SLAB_BYTES, MADV_HUGEPAGE); /* better, not necessary */
    return s;
}

static int add_slab(struct pool *p)
{
    bool large = p->used >= LARGE_SLAB_BYTES / p->object_bytes;
    size_t room = (large ? LARGE_SLAB_BYTES : SLAB_BYTES) - sizeof(struct pool_slab);
    size_t n = p->object_bytes < room ? room / p->object_bytes : 1;
    struct pool_slab *s = large ? large_slab() : malloc(sizeof(*s) + n * p->object_bytes);

    if (!s)
        return -1;
    s->next = p->slabs;
    s->prev = NULL;
    p->slabs = s;
    for (size_t i = n;
         i-- > 0;) { /* backwards: objects are handed out in the order of their addresses */
        void *obj = s->data + i * p->object_bytes;
        *(void **)obj = p->free_list;
        p->free_list = obj;
    }
    return 0;
}

static void *take(struct pool *p)
{
    void *obj;

    if (!p->free_list && add_slab(p) < 0)
        return NULL;
    obj = p->free_list;
    p->free_list = *(void **)obj;
    __builtin_prefetch(p->free_list,
                       1); /* the next one will be read soon and has been out of use for long */
    return obj;
}

static void give(struct pool *p, void *obj)
{
    *(void **)obj = p->free_list;
    p->free_list = obj;
}

#endif

/* As pool_get, not zeroed: message bytes are overwritten at once. */
static void *get_raw(struct pool *p)
{
    void *obj;

    if (p->limit > 0 && p->used >= p->limit)
        return NULL;
    obj = take(p);
    if (!obj)
        return NULL;
    p->used++;
    if (p->used > p->high_water)
        p->high_water = p->used;
    return obj;
}

void *pool_get(struct pool *p)
{
    void *obj = get_raw(p);

    if (obj)
        memset(obj, 0, p->object_bytes);
    return obj;
}

void pool_put(struct pool *p, void *obj)
{
    if (!obj)
        return;
    assert(p->used > 0);
    p->used--;
    give(p, obj);
}

void pool_fini(struct pool *p, int force)
{
    assert(force || p->used == 0);
    (void)force;
    while (p->slabs) {
        struct pool_slab *next = p->slabs->next;
        free(p->slabs);
        p->slabs = next;
    }
    p->free_list = NULL;
    p->used = 0;
}

/*
 * The strings of a dialog and the SDP that it was sent take 200 to 400 bytes, and every standing call holds two of each; a message is
 * 300 to 1,400 and five of them are kept 32 s a call. A large INVITE with SDP fits 2048, one at the UDP limit 4096.
 */
static const size_t class_bytes[BLOCK_CLASSES] = {256, 384, 512, 768, 1024, 1536, 2048, 4096};

static size_t class_of(size_t bytes)
{
    size_t i = 0;

    while (i < BLOCK_CLASSES && class_bytes[i] < bytes)
        i++;
    return i;
}

void blocks_init(struct blocks *b)
{
    for (size_t i = 0; i < BLOCK_CLASSES; i++)
        pool_init(&b->class_pool[i], "block", class_bytes[i], 0);
    b->big_used = 0;
}

void *blocks_get(struct blocks *b, size_t bytes, size_t *cap)
{
    size_t i = class_of(bytes);
    void *p = i < BLOCK_CLASSES ? get_raw(&b->class_pool[i]) : malloc(bytes);

    if (!p)
        return NULL;
    if (i == BLOCK_CLASSES)
        b->big_used++;
    if (cap)
        *cap = i < BLOCK_CLASSES ? class_bytes[i] : bytes;
    return p;
}

void blocks_put(struct blocks *b, void *block, size_t cap)
{
    size_t i = class_of(cap);

    if (!block)
        return;
    if (i < BLOCK_CLASSES) {
        pool_put(&b->class_pool[i], block);
    } else {
        b->big_used--;
        free(block);
    }
}

void blocks_fini(struct blocks *b, int force)
{
    assert(force || b->big_used == 0);
    for (size_t i = 0; i < BLOCK_CLASSES; i++)
        pool_fini(&b->class_pool[i], force);
}
