/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Blocks one behind the other in segments of a mapped file. A segment is used again when the last block in it is written, the one used last
 * first, so that a node touches as many pages as it ever had waiting. Called by cdr.c.
 */
#include "cdr/keep.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>
#include "core/mapfile.h"

#define KEEP_MAGIC 0x4b434454U /* "TDCK" */
#define HEAD_BYTES 4096U
/* 128 KiB: some eighty records, and the largest one twice. */
#define SEG_BYTES (128U << 10)
/* 64 MiB, which is what waits for one file system (CDR_BACKLOG_BYTES): more is in memory alone. */
#define SEGS_MAX 512U

struct keep_head {
    uint32_t magic, version, kind, seg_bytes;
    _Atomic uint64_t written;
};

/* In front of each block. */
struct part {
    _Atomic uint64_t seq; /* written last; 0: nothing from here to the end of the segment */
    uint64_t at;
    uint32_t bytes; /* of the block, rounded up */
    uint32_t pad;
};

_Static_assert(sizeof(struct keep_head) <= HEAD_BYTES, "segments begin behind it");
_Static_assert(sizeof(struct part) % 8 == 0, "blocks are aligned");

struct full {
    uint32_t seg;
    uint64_t last;
};

struct keep {
    struct mapfile file;
    uint32_t n_segs;
    uint32_t free_seg[SEGS_MAX]; /* stack */
    uint32_t n_free;
    struct full full[SEGS_MAX]; /* ring, oldest first */
    uint32_t full_at, n_full;
    bool has_seg;
    uint32_t seg;  /* where the next block goes, if has_seg */
    uint32_t used; /* bytes of it */
    uint64_t last; /* number of the last block in it */
    uint32_t taken;
};

static struct keep_head *head_of(const struct mapfile *f)
{
    return (struct keep_head *)(void *)f->p;
}

static struct part *part_at(const struct mapfile *f, uint32_t seg, uint32_t off)
{
    return (struct part *)(void *)(f->p + HEAD_BYTES + (size_t)seg * SEG_BYTES + off);
}

static uint64_t written(const struct keep *k)
{
    return atomic_load_explicit(&head_of(&k->file)->written, memory_order_acquire);
}

/* ---- the worker's side ------------------------------------------------------------------------------------------- */

static void seg_begin(struct keep *k, uint32_t seg)
{
    k->has_seg = true;
    k->seg = seg;
    k->used = 0;
    /* before its first block is changed: what follows is no chain any more */
    atomic_store_explicit(&part_at(&k->file, seg, 0)->seq, 0, memory_order_release);
}

/* @return false: the file is as large as it may be, or there is no memory for it */
static bool seg_next(struct keep *k)
{
    uint64_t done = written(k);

    if (k->has_seg)
        k->full[(k->full_at + k->n_full++) % SEGS_MAX] = (struct full){k->seg, k->last};
    k->has_seg = false;
    while (k->n_full && k->full[k->full_at].last <= done) {
        k->free_seg[k->n_free++] = k->full[k->full_at].seg;
        k->full_at = (k->full_at + 1) % SEGS_MAX;
        k->n_full--;
    }
    if (k->n_free == 0) {
        if (k->n_segs == SEGS_MAX ||
            mapfile_grow(&k->file, HEAD_BYTES + (size_t)(k->n_segs + 1) * SEG_BYTES) < 0)
            return false;
        k->free_seg[k->n_free++] = k->n_segs++;
    }
    seg_begin(k, k->free_seg[--k->n_free]);
    return true;
}

void *keep_take(struct keep *k, size_t bytes)
{
    bytes = (bytes + 7) & ~(size_t)7;
    if (bytes > SEG_BYTES - sizeof(struct part))
        return NULL;
    if (k->has_seg && k->used > 0 && k->last <= written(k))
        seg_begin(k, k->seg);
    if ((!k->has_seg || k->used + sizeof(struct part) + bytes > SEG_BYTES) && !seg_next(k))
        return NULL;
    k->taken = (uint32_t)bytes;
    return part_at(&k->file, k->seg, k->used) + 1;
}

void keep_commit(struct keep *k, uint64_t seq)
{
    struct part *p = part_at(&k->file, k->seg, k->used);

    p->at = (uint64_t)(uintptr_t)(p + 1);
    p->bytes = k->taken;
    k->used += (uint32_t)sizeof(*p) + k->taken;
    if (k->used + sizeof(*p) <= SEG_BYTES)
        atomic_store_explicit(&part_at(&k->file, k->seg, k->used)->seq, 0, memory_order_relaxed);
    atomic_store_explicit(&p->seq, seq, memory_order_release);
    k->last = seq;
}

/* ---- the writer's side ------------------------------------------------------------------------------------------- */

void keep_written(struct keep *k, uint64_t seq)
{
    atomic_store_explicit(&head_of(&k->file)->written, seq, memory_order_release);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

int keep_new(const char *path, uint32_t kind, struct keep **out)
{
    struct keep *k = calloc(1, sizeof(*k));
    struct keep_head *h;
    int err;

    if (!k)
        return -ENOMEM;
    err = mapfile_open(&k->file, path, HEAD_BYTES + (size_t)SEGS_MAX * SEG_BYTES);
    if (err == 0 && k->file.len > 0)
        err = -EEXIST;
    if (err == 0)
        err = mapfile_grow(&k->file, HEAD_BYTES);
    if (err < 0) {
        keep_free(k);
        return err;
    }
    h = head_of(&k->file);
    h->version = KEEP_VERSION;
    h->kind = kind;
    h->seg_bytes = SEG_BYTES;
    h->magic = KEEP_MAGIC;
    *out = k;
    return 0;
}

void keep_free(struct keep *k)
{
    if (!k)
        return;
    mapfile_close(&k->file);
    free(k);
}

/* ---- what a former process left ---------------------------------------------------------------------------------- */

struct found {
    struct keep_block *v;
    size_t n, cap;
    unsigned broken;
};

static int found_add(struct found *f, struct part *p, uint64_t seq)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 64;
        struct keep_block *v = realloc(f->v, cap * sizeof(*v));

        if (!v)
            return -ENOMEM;
        f->v = v;
        f->cap = cap;
    }
    f->v[f->n++] = (struct keep_block){.p = p + 1, .bytes = p->bytes, .at = p->at, .seq = seq};
    return 0;
}

/* A file that was cut has the beginning of its last one. */
static int seg_find(const struct mapfile *m, uint32_t seg, uint64_t done, struct found *f)
{
    size_t left = m->len - HEAD_BYTES - (size_t)seg * SEG_BYTES;
    uint32_t end = left < SEG_BYTES ? (uint32_t)left : SEG_BYTES;
    uint32_t off = 0;

    while (off + sizeof(struct part) <= end) {
        struct part *p = part_at(m, seg, off);
        uint64_t seq = atomic_load_explicit(&p->seq, memory_order_acquire);
        uint32_t bytes = p->bytes;

        off += (uint32_t)sizeof(*p);
        if (seq == 0)
            return 0;
        if (bytes == 0 || bytes % 8 || bytes > end - off) {
            f->broken++;
            return 0;
        }
        if (seq > done && found_add(f, p, seq) < 0)
            return -ENOMEM;
        off += bytes;
    }
    f->broken += off > 0 && end < SEG_BYTES;
    return 0;
}

static int lowest_first(const void *a, const void *b)
{
    const struct keep_block *x = a, *y = b;

    return x->seq < y->seq ? -1 : x->seq > y->seq ? 1 : 0;
}

/* @return 1 with segments, 0 empty; as keep_read */
static int left_open(const char *path, uint32_t kind, struct mapfile *f)
{
    const struct keep_head *h;
    int err = mapfile_open(f, path, HEAD_BYTES + (size_t)SEGS_MAX * SEG_BYTES);

    if (err < 0)
        return err;
    h = head_of(f);
    if (f->len < HEAD_BYTES || h->magic == 0)
        return 0; /* killed before it was begun */
    if (h->magic == KEEP_MAGIC && h->version == KEEP_VERSION && h->kind == kind &&
        h->seg_bytes == SEG_BYTES)
        return 1;
    mapfile_close(f);
    return -EPROTO;
}

int keep_read(const char *path, uint32_t kind, void (*fn)(void *arg, struct keep_block *b),
              void *arg, unsigned *broken)
{
    struct found found = {0};
    struct mapfile f;
    int err = left_open(path, kind, &f);

    *broken = 0;
    if (err < 0)
        return err;
    if (err > 0) {
        uint32_t n_segs = (uint32_t)((f.len - HEAD_BYTES + SEG_BYTES - 1) / SEG_BYTES);
        uint64_t done = atomic_load_explicit(&head_of(&f)->written, memory_order_acquire);

        err = 0;
        for (uint32_t i = 0; i < n_segs && err == 0; i++)
            err = seg_find(&f, i, done, &found);
        *broken = found.broken;
        if (err == 0 && found.n > 0)
            qsort(found.v, found.n, sizeof(*found.v), lowest_first);
        for (size_t i = 0; i < found.n && err == 0; i++)
            fn(arg, &found.v[i]);
    }
    mapfile_close(&f);
    free(found.v);
    return err < 0 ? err : (int)found.n;
}

int keep_remove(const char *path, uint32_t kind)
{
    struct mapfile f;
    int err = left_open(path, kind, &f);

    if (err < 0)
        return err;
    err = unlink(path) < 0 ? -errno : 0;
    mapfile_close(&f);
    return err;
}
