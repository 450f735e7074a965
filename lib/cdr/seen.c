/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A set of hashes of lines: 64 bits, so that two of a million records are taken for one once in 36 million restarts.
 * The sinks call it on the writer's thread.
 */
#include "cdr/seen.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "core/htab.h"

static bool put(struct seen *s, uint64_t h)
{
    size_t i = h & (s->cap - 1);

    while (s->slot[i] != 0 && s->slot[i] != h)
        i = (i + 1) & (s->cap - 1);
    if (s->slot[i] == h)
        return false;
    s->slot[i] = h;
    s->n++;
    return true;
}

static int grow(struct seen *s)
{
    struct seen next = {.cap = s->cap ? s->cap * 2 : 1024};

    next.slot = calloc(next.cap, sizeof(*next.slot));
    if (!next.slot)
        return -1;
    for (size_t i = 0; i < s->cap; i++)
        if (s->slot[i])
            (void)put(&next, s->slot[i]);
    free(s->slot);
    *s = next;
    return 0;
}

bool seen_add(struct seen *s, const char *line, size_t len)
{
    uint64_t h = hash_bytes(line, len, 0);

    /* no memory: a record twice is better than none */
    if ((s->n + 1) * 2 > s->cap && grow(s) < 0)
        return true;
    return put(s, h ? h : 1);
}

uint64_t seen_file(struct seen *s, const char *path, uint64_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    uint64_t len = 0, from = 0;
    char *buf = NULL;
    ssize_t n = 0;

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
        len = (uint64_t)st.st_size < max ? (uint64_t)st.st_size : max;
        from = (uint64_t)st.st_size - len;
        buf = malloc(len);
    }
    /* one read: up to 2 GiB at a time */
    if (buf)
        n = pread(fd, buf, len, (off_t)from);
    for (char *p = buf, *end = n > 0 ? buf + n : buf, *nl;
         p && p < end && (nl = memchr(p, '\n', (size_t)(end - p))); p = nl + 1)
        (void)seen_add(s, p, (size_t)(nl + 1 - p));
    free(buf);
    if (fd >= 0)
        close(fd);
    return n > 0 ? (uint64_t)n : 0;
}

void seen_fini(struct seen *s)
{
    free(s->slot);
    *s = (struct seen){0};
}
