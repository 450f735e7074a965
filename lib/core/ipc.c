/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix sockets between our programs.
 * Both daemons and the control program use it; it neither reads nor writes what goes over them.
 */
#include "core/ipc.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* connections of operators and of one controller; more than a handful waiting is a mistake somewhere */
#define BACKLOG 16

static int set_path(struct sockaddr_un *sun, const char *path)
{
    size_t len = strlen(path);

    *sun = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (len == 0)
        return -EINVAL;
    if (len >= sizeof(sun->sun_path))
        return -ENAMETOOLONG;
    memcpy(sun->sun_path, path, len + 1);
    return 0;
}

int ipc_connect(const char *path, int type)
{
    struct sockaddr_un sun;
    int err = set_path(&sun, path);
    int fd;

    if (err < 0)
        return err;
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
        err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

/* Make room at path. @return 0; -EADDRINUSE; -EEXIST; -errno */
static int remove_stale(const char *path, int type)
{
    struct stat st;
    int fd;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    fd = ipc_connect(path, type);
    if (fd >= 0)
        close(fd);
    /* only a refusal proves that nobody listens: a full backlog or another socket type is a living process */
    if (fd != -ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_at(int fd, const struct sockaddr_un *sun, mode_t mode, gid_t gid)
{
    /* the file is made with the socket's mode: closed to all until group and mode are set */
    if (fchmod(fd, 0) < 0 || bind(fd, (const struct sockaddr *)sun, sizeof(*sun)) < 0)
        return -errno;
    if ((gid != (gid_t)-1 && lchown(sun->sun_path, (uid_t)-1, gid) < 0) ||
        chmod(sun->sun_path, mode) < 0 || listen(fd, BACKLOG) < 0) {
        int err = -errno;
        unlink(sun->sun_path);
        return err;
    }
    return 0;
}

int ipc_listen(const char *path, int type, mode_t mode, gid_t gid)
{
    struct sockaddr_un sun;
    int err = set_path(&sun, path);
    int fd;

    if (err == 0)
        err = remove_stale(path, type);
    if (err < 0)
        return err;
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    err = bind_at(fd, &sun, mode, gid);
    if (err < 0) {
        close(fd);
        return err;
    }
    return fd;
}

int ipc_accept(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

int ipc_peer(int fd, uid_t *uid, gid_t *gid, pid_t *pid)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    if (uid)
        *uid = cred.uid;
    if (gid)
        *gid = cred.gid;
    if (pid)
        *pid = cred.pid;
    return 0;
}
