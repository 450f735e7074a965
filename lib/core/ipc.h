/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unix sockets between our programs: listen, connect, ask who the peer is.
 * The media channel (SOCK_SEQPACKET) and the control socket (SOCK_STREAM) use it; what is said over them it does not know.
 */
#ifndef CORE_IPC_H
#define CORE_IPC_H

#include <sys/types.h>

/**
 * Bind and listen at path. A socket file left by a process that has gone is replaced, one that is
 * answered is not, and a file that is no socket is never touched.
 *
 * @param type  SOCK_SEQPACKET (message boundaries kept) or SOCK_STREAM
 * @param mode  permissions of the socket file; it is never open wider than that, not even for a moment
 * @param gid   group of the socket file, (gid_t)-1: leave it
 * @return descriptor (owned by the caller, non-blocking, close-on-exec); -EADDRINUSE somebody answers there;
 *         -EEXIST not a socket; -ENAMETOOLONG over 107 bytes; -errno
 */
int ipc_listen(const char *path, int type, mode_t mode, gid_t gid);

/**
 * Connect to path. On a unix socket this is done at once or fails at once.
 *
 * @return descriptor (owned by the caller, non-blocking, close-on-exec); -ENOENT or -ECONNREFUSED nobody there;
 *         -EAGAIN its backlog is full, try again; -errno
 */
int ipc_connect(const char *path, int type);

/** Accept one connection. @return descriptor (owned by the caller, non-blocking, close-on-exec); -EAGAIN none waits; -errno */
int ipc_accept(int listen_fd);

/** Who is at the other end, as the kernel noted it at connect. NULL out-parameters are skipped. @return 0 or -errno */
int ipc_peer(int fd, uid_t *uid, gid_t *gid, pid_t *pid);

#endif
