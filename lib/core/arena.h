/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bump allocator for one message or one snapshot: many small objects with one common end.
 * Chunks are kept on reset so that a worker's message arena stops allocating after its first messages.
 */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>
#include "core/span.h"

struct arena_chunk;

struct arena {
    struct arena_chunk *first;
    struct arena_chunk *cur;
    size_t used_bytes;  /* over all chunks since the last reset */
    size_t limit_bytes; /* arena_alloc gives NULL beyond it */
    size_t chunk_bytes;
};

/** chunk_bytes: size of each chunk taken from malloc; limit_bytes: bound on the sum (0: none). Allocates nothing yet. */
void arena_init(struct arena *a, size_t chunk_bytes, size_t limit_bytes);
/** Forget all objects, keep the chunks (all but the first are freed if more than 4 exist). */
void arena_reset(struct arena *a);
/** Give everything back. */
void arena_fini(struct arena *a);
/** 16-byte aligned, not zeroed. @return NULL at the limit or out of memory */
void *arena_alloc(struct arena *a, size_t bytes);
/** As arena_alloc, zeroed. */
void *arena_zalloc(struct arena *a, size_t bytes);
/** Grow an object: in place if it was the last one, else a copy (old_bytes are kept). */
void *arena_realloc(struct arena *a, void *old, size_t old_bytes, size_t bytes);
/** Terminated copy. NULL out of memory. */
char *arena_strdup(struct arena *a, struct span s);

#endif
