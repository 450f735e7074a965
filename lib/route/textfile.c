/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of rows read whole into memory, and taken apart into lines.
 * deck.c, list.c and tzif.c call it; it must not know what stands in a line.
 */
#include "route/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
           a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Up to size bytes. @return bytes read, or a negative errno */
static ssize_t read_all(int fd, char *p, size_t size)
{
    size_t at = 0;

    while (at < size) {
        ssize_t n = read(fd, p + at, size - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        at += (size_t)n;
    }
    return (ssize_t)at;
}

/* The file's bytes, and whether it stood still: a deck half copied by scp has whole lines, too. */
static int read_fd(int fd, size_t max, struct textfile *out)
{
    struct stat before, after;
    ssize_t n;
    char *p;

    if (fstat(fd, &before) != 0)
        return -errno;
    if (S_ISDIR(before.st_mode))
        return -EISDIR;
    if (!S_ISREG(before.st_mode))
        return -EINVAL;
    if ((uint64_t)before.st_size > max)
        return -EFBIG;
    p = malloc((size_t)before.st_size + 1); /* one more: it is seen to grow */
    if (!p)
        return -ENOMEM;
    n = read_all(fd, p, (size_t)before.st_size + 1);
    if (n < 0 || n != before.st_size || fstat(fd, &after) != 0 || !same_file(&before, &after)) {
        free(p);
        return n < 0 ? (int)n : -EAGAIN;
    }
    *out = (struct textfile){p, (size_t)n};
    return 0;
}

int textfile_read(const char *path, size_t max, struct textfile *out, const char **why)
{
    /* O_NONBLOCK: opening a FIFO would wait for a writer */
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY), err;

    if (fd < 0) {
        err = -errno;
        *why = strerror(-err);
        return err;
    }
    err = read_fd(fd, max, out);
    close(fd);
    if (err == -EINVAL)
        *why = "is no regular file";
    else if (err == -EFBIG)
        *why = "is too large";
    else if (err == -EAGAIN)
        *why = "was changed while it was read";
    else if (err)
        *why = strerror(-err);
    return err;
}

void textfile_free(struct textfile *f)
{
    free(f->p);
    *f = (struct textfile){NULL, 0};
}

struct span textfile_text(const struct textfile *f)
{
    struct span s = {f->p, f->len};

    if (s.len >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
        s = (struct span){s.p + 3, s.len - 3};
    return s;
}

bool textfile_line(struct span *rest, struct span *line)
{
    const char *end;

    if (rest->len == 0)
        return false;
    end = memchr(rest->p, '\n', rest->len);
    *line = (struct span){rest->p, end ? (size_t)(end - rest->p) : rest->len};
    *rest = end ? (struct span){end + 1, rest->len - line->len - 1} : SPAN_NONE;
    if (line->len > 0 && line->p[line->len - 1] == '\r')
        line->len--;
    return true;
}

size_t textfile_utf8(const unsigned char *p, size_t len)
{
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (n == 0 || n > len || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

const char *textfile_show(struct span s, char *out, size_t size)
{
    size_t n = 0;

    while (n < s.len && n + 1 < size) {
        size_t step = textfile_utf8((const unsigned char *)s.p + n, s.len - n);

        if (n + step >= size)
            break;
        if (step == 0 || (unsigned char)s.p[n] < 0x20 || s.p[n] == 0x7f) {
            out[n] = step && s.p[n] == '\t' ? '\t' : '?';
            n++;
            continue;
        }
        memcpy(out + n, s.p + n, step);
        n += step;
    }
    out[n] = '\0';
    return out;
}
