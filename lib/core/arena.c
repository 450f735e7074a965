/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bump allocator over a list of chunks that survive a reset.
 * A worker's message arena and a snapshot's builder use it; it runs no destructors and knows no types.
 */
#include "core/arena.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include "core/sanitize.h"

/* what malloc promises; max_align_t needs no more on Linux */
#define ALIGN 16u
/* a message beyond this many chunks was an exception; the memory is not held for the next one */
#define KEEP_CHUNKS 4u

struct arena_chunk {
    struct arena_chunk *next;
    size_t cap;
    size_t used;
    size_t pad; /* data stays 16-byte aligned */
    char data[];
};

static_assert(sizeof(struct arena_chunk) % ALIGN == 0, "chunk data must be aligned");

void arena_init(struct arena *a, size_t chunk_bytes, size_t limit_bytes)
{
    *a = (struct arena){.chunk_bytes = chunk_bytes, .limit_bytes = limit_bytes};
}

static void free_list(struct arena_chunk *c)
{
    while (c) {
        struct arena_chunk *next = c->next;
        SANITIZE_UNPOISON(c->data, c->cap);
        free(c);
        c = next;
    }
}

void arena_reset(struct arena *a)
{
    size_t chunks = 0;

    for (struct arena_chunk *c = a->first; c; c = c->next) {
        c->used = 0;
        SANITIZE_POISON(c->data, c->cap);
        chunks++;
    }
    if (chunks > KEEP_CHUNKS) {
        free_list(a->first->next);
        a->first->next = NULL;
    }
    a->cur = a->first;
    a->used_bytes = 0;
}

void arena_fini(struct arena *a)
{
    free_list(a->first);
    a->first = NULL;
    a->cur = NULL;
    a->used_bytes = 0;
}

/* Make a chunk with room for bytes current: the next kept one if it is large enough, else a new one put before it. */
static int next_chunk(struct arena *a, size_t bytes)
{
    struct arena_chunk *next = a->cur ? a->cur->next : a->first;

    if (!next || next->cap < bytes) {
        size_t cap = bytes > a->chunk_bytes ? bytes : a->chunk_bytes;
        struct arena_chunk *c = malloc(sizeof(*c) + cap);
        if (!c)
            return -1;
        c->cap = cap;
        c->used = 0;
        c->next = next;
        SANITIZE_POISON(c->data, c->cap);
        if (a->cur)
            a->cur->next = c;
        else
            a->first = c;
        next = c;
    }
    a->cur = next;
    return 0;
}

static size_t round_up(size_t bytes)
{
    return bytes == 0 ? ALIGN : (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

void *arena_alloc(struct arena *a, size_t bytes)
{
    size_t need = round_up(bytes);
    void *p;

    if (bytes > SIZE_MAX / 2 || (a->limit_bytes > 0 && need > a->limit_bytes - a->used_bytes))
        return NULL;
    if ((!a->cur || a->cur->cap - a->cur->used < need) && next_chunk(a, need) < 0)
        return NULL;
    p = a->cur->data + a->cur->used;
    a->cur->used += need;
    a->used_bytes += need;
    SANITIZE_UNPOISON(p, bytes);
    return p;
}

void *arena_zalloc(struct arena *a, size_t bytes)
{
    void *p = arena_alloc(a, bytes);

    if (p)
        memset(p, 0, bytes);
    return p;
}

/* Grow the last object of the current chunk where it lies. */
static bool grow_last(struct arena *a, const char *old, size_t old_bytes, size_t bytes)
{
    size_t had = round_up(old_bytes);
    size_t more = round_up(bytes) - had;
    struct arena_chunk *c = a->cur;

    if (!c || old + had != c->data + c->used || c->cap - c->used < more)
        return false;
    if (a->limit_bytes > 0 && more > a->limit_bytes - a->used_bytes)
        return false;
    c->used += more;
    a->used_bytes += more;
    SANITIZE_UNPOISON(old, bytes);
    return true;
}

void *arena_realloc(struct arena *a, void *old, size_t old_bytes, size_t bytes)
{
    void *p;

    if (old && bytes <= old_bytes)
        return old;
    if (bytes > SIZE_MAX / 2)
        return NULL;
    if (old && grow_last(a, old, old_bytes, bytes))
        return old;
    p = arena_alloc(a, bytes);
    if (p && old)
        memcpy(p, old, old_bytes);
    return p;
}

char *arena_strdup(struct arena *a, struct span s)
{
    char *p = arena_alloc(a, s.len + 1);

    if (p)
        span_copy(s, p, s.len + 1);
    return p;
}
