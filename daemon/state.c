/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The state directory: the sealing key of our tokens and the boot epoch; small files written whole.
 * Called by node.c at its start and by trunk_admin.c; knows nothing of calls.
 */
#include "daemon/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "core/ident.h"

static uint32_t read_epoch(const char *path)
{
    char text[16] = "";
    uint32_t epoch = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n > 0)
        span_u32(span_trim((struct span){text, (size_t)n}), UINT32_MAX, &epoch);
    return epoch;
}

int state_write(const char *path, const char *text, size_t len)
{
    char tmp[PATH_MAX];
    int err = 0;
    if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp))
        return -ENAMETOOLONG;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    errno = 0;
    if (write(fd, text, len) != (ssize_t)len || fsync(fd) < 0)
        err = errno ? -errno : -EIO;
    close(fd);
    if (!err && rename(tmp, path) < 0)
        err = -errno;
    return err;
}

static int write_epoch(const char *path, uint32_t epoch)
{
    char text[16];
    int n = snprintf(text, sizeof(text), "%u\n", epoch);
    return state_write(path, text, (size_t)n);
}

int state_open(const char *dir, uint8_t key[16], uint32_t *epoch)
{
    char path[PATH_MAX];
    if (mkdir(dir, 0750) < 0 && errno != EEXIST)
        return -errno;
    if (snprintf(path, sizeof(path), "%s/token.key", dir) >= (int)sizeof(path))
        return -ENAMETOOLONG;
    int err = ident_key_load(path, key);
    if (err < 0)
        return err;
    snprintf(path, sizeof(path), "%s/epoch", dir);
    uint32_t last = read_epoch(path), now = (uint32_t)time(NULL);
    *epoch = now > last ? now : last + 1;
    return write_epoch(path, *epoch);
}

uint16_t state_node(const char *name)
{
    uint32_t h = 2166136261U; /* FNV-1a; the hash of tables has another seed in each process */

    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 16777619U;
    return (uint16_t)(h ^ h >> 16);
}
