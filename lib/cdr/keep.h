/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker has handed to the writer and no file has yet, in a mapped file that outlives the process.
 * cdr.c makes its blocks of it: one thread takes room, one says what is written. It must not know what is in a block.
 */
#ifndef CDR_KEEP_H
#define CDR_KEEP_H

#include <stddef.h>
#include <stdint.h>

struct keep;

/** Counted up when the layout of a block changes, or the text of a record: another one is refused. */
#define KEEP_VERSION 1U

/**
 * Open a new, empty one.
 * @param kind  what the blocks are, beside KEEP_VERSION: their size will do
 * @return 0; -EEXIST the file has something in it; -EWOULDBLOCK another process has it; -errno
 */
int keep_new(const char *path, uint32_t kind, struct keep **out);
/** Close; the file stays, and what is in it. NULL is ignored. */
void keep_free(struct keep *k);

/** Worker: room for a block, aligned to 8, until keep_commit or the next keep_take. @return NULL: none, or too large */
void *keep_take(struct keep *k, size_t bytes);
/** Worker: the block is whole. Numbers go up. From here on it outlives the process. */
void keep_commit(struct keep *k, uint64_t seq);
/** Writer: blocks up to seq are in their files, their room may be used again. */
void keep_written(struct keep *k, uint64_t seq);

/** A block of a former process. Borrowed; it may be written to. */
struct keep_block {
    void *p;
    size_t bytes;
    uint64_t at; /* its address then, for the pointers into itself */
    uint64_t seq;
};

/**
 * Read that of a former process: what keep_written was not said of, lowest number first.
 *
 * @param broken  out: segments that something else was written to: what is behind that place in them cannot be found
 * @return how many; -EWOULDBLOCK its process lives; -EPROTO another kind or none of ours; -errno
 */
int keep_read(const char *path, uint32_t kind, void (*fn)(void *arg, struct keep_block *b),
              void *arg, unsigned *broken);
/** Remove such a file. @return 0; as keep_read */
int keep_remove(const char *path, uint32_t kind);

#endif
