/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file as memory, which outlives its process: what was stored before a kill -9 is there afterwards (not after a power cut).
 * The journals of calls and of relay sessions are made of it; what is in the bytes is theirs.
 */
#ifndef CORE_MAPFILE_H
#define CORE_MAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct mapfile {
    uint8_t *p; /* address space for `room` bytes, of which `len` may be touched */
    size_t len, room;
    int fd; /* -1: not open */
};

/**
 * Open or make (0600) the file and lock it: two processes never write the same one. The lock goes with the process.
 *
 * @param room  address space to set aside, the file never grows beyond it
 * @return 0; -EWOULDBLOCK another process has it; -EFBIG it is larger than room; -errno
 */
int mapfile_open(struct mapfile *m, const char *path, size_t room);
/** The file of another process, open and locked by it, as that one has handed it over: fd is taken in any case. @return 0; -EFBIG; -errno */
int mapfile_adopt(struct mapfile *m, int fd, size_t room);
/** Make the file at least len bytes long, with memory behind them: a full tmpfs is an error here, not a signal later. @return 0; -ENOSPC; -errno */
int mapfile_grow(struct mapfile *m, size_t len);
/** Throw away what is in it. @return 0 or -errno */
int mapfile_empty(struct mapfile *m);
/** Unmap, unlock and close; the file stays. */
void mapfile_close(struct mapfile *m);

#endif
