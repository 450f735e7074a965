/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file as memory: opened, locked, mapped shared, grown in place.
 * The journals of calls and of relay sessions call it; it never looks at the bytes.
 */
#include "core/mapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int mapfile_open(struct mapfile *m, const char *path, size_t room)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    *m = (struct mapfile){.fd = -1, .room = room};
    return fd < 0 ? -errno : mapfile_adopt(m, fd, room);
}

/* The lock is of what was opened, not of the process: who has the descriptor has it, too. */
int mapfile_adopt(struct mapfile *m, int fd, size_t room)
{
    struct stat st;
    void *p;
    int err = -EFBIG;

    *m = (struct mapfile){.fd = fd, .room = room};
    if (flock(m->fd, LOCK_EX | LOCK_NB) < 0 || fstat(m->fd, &st) < 0)
        err = -errno;
    /* another could shorten it behind our back, or has written what we would believe */
    else if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && geteuid() != 0))
        err = -EPERM;
    else if ((size_t)st.st_size <= room) {
        /* beyond the end of the file the mapping is address space only: growing moves nothing */
        p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->fd, 0);
        err = p == MAP_FAILED ? -errno : 0;
        m->p = p == MAP_FAILED ? NULL : p;
        m->len = (size_t)st.st_size;
    }
    if (err < 0)
        mapfile_close(m);
    return err;
}

int mapfile_grow(struct mapfile *m, size_t len)
{
    int err;

    if (len <= m->len)
        return 0;
    if (len > m->room)
        return -ENOSPC;
    err = -posix_fallocate(m->fd, (off_t)m->len, (off_t)(len - m->len));
    if (err == 0)
        m->len = len;
    return err;
}

int mapfile_empty(struct mapfile *m)
{
    if (ftruncate(m->fd, 0) < 0)
        return -errno;
    m->len = 0;
    return 0;
}

void mapfile_close(struct mapfile *m)
{
    if (m->p)
        munmap(m->p, m->room);
    if (m->fd >= 0)
        close(m->fd);
    *m = (struct mapfile){.fd = -1};
}
