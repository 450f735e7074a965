/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets between a relay and its successor. Both wait for each other in poll() with a deadline, for the streams wait for both.
 * handover.c calls it; what the descriptors are for is its business.
 */
#include "relay/handed.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "core/clock.h"

union control {
    struct cmsghdr align;
    char b[CMSG_SPACE(HANDED_MAX * sizeof(int))];
};

static int wait_for(int sock, short what, uint64_t deadline_ms)
{
    struct pollfd p = {.fd = sock, .events = what};
    uint64_t now = clock_now_ns() / 1000000U;
    int n = now < deadline_ms ? poll(&p, 1, (int)(deadline_ms - now)) : 0;

    if (n < 0)
        return errno == EINTR ? 0 : -errno;
    return n == 0 ? -ETIMEDOUT : 0;
}

static int packet_send(int sock, uint64_t deadline_ms, const struct msghdr *m)
{
    while (sendmsg(sock, m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
        int err = errno == EAGAIN ? wait_for(sock, POLLOUT, deadline_ms) : -errno;

        if (err < 0 && err != -EINTR)
            return err;
    }
    return 0;
}

static ssize_t packet_recv(int sock, uint64_t deadline_ms, struct msghdr *m)
{
    ssize_t n;

    while ((n = recvmsg(sock, m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC)) < 0) {
        int err = errno == EAGAIN ? wait_for(sock, POLLIN, deadline_ms) : -errno;

        if (err < 0 && err != -EINTR)
            return err;
    }
    return n == 0 ? -ECONNRESET : n;
}

void handed_start(struct handed_out *o, int sock, uint64_t deadline_ms)
{
    memset(o, 0, sizeof(*o));
    o->sock = sock;
    o->deadline_ms = deadline_ms;
    o->p.hdr.version = MEDIA_VERSION;
    o->p.hdr.type = MEDIA_TAKEOVER | MEDIA_REPLY;
}

int handed_flush(struct handed_out *o)
{
    size_t bytes = o->p.n * sizeof(int);
    union control control;
    struct iovec vec = {.iov_base = &o->p,
                        .iov_len = offsetof(struct handed_packet, tag) +
                                   o->p.n * sizeof(struct handed_tag)};
    struct msghdr m = {.msg_iov = &vec,
                       .msg_iovlen = 1,
                       .msg_control = control.b,
                       .msg_controllen = CMSG_SPACE(bytes)};
    struct cmsghdr *h;
    int err;

    if (o->p.n == 0)
        return 0;
    memset(&control, 0, sizeof(control));
    h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(h), o->fd, bytes);
    o->p.hdr.length = (uint32_t)vec.iov_len;
    err = packet_send(o->sock, o->deadline_ms, &m);
    o->p.n = 0;
    return err;
}

int handed_put(struct handed_out *o, enum handed what, uint32_t at, int fd)
{
    o->p.tag[o->p.n] = (struct handed_tag){.what = what, .at = at};
    o->fd[o->p.n++] = fd;
    return o->p.n == HANDED_MAX ? handed_flush(o) : 0;
}

/* @return how many came */
static uint32_t fds_of(struct msghdr *m, int fd[HANDED_MAX])
{
    size_t bytes = 0;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        bytes = h->cmsg_len - CMSG_LEN(0);
        memcpy(fd, CMSG_DATA(h), bytes);
    }
    return (uint32_t)(bytes / sizeof(int));
}

static bool packet_ok(const struct handed_packet *p, size_t len, uint32_t n_fds)
{
    if (len < offsetof(struct handed_packet, tag) || p->hdr.version != MEDIA_VERSION ||
        p->hdr.type != (MEDIA_TAKEOVER | MEDIA_REPLY) || p->n == 0 || p->n > HANDED_MAX ||
        p->n != n_fds || len != offsetof(struct handed_packet, tag) + p->n * sizeof(p->tag[0]) ||
        p->hdr.length != len)
        return false;
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->tag[i].what >= HANDED_END)
            return false;
    }
    return true;
}

int handed_take(int sock, uint64_t deadline_ms, struct handed_packet *p, int fd[HANDED_MAX])
{
    union control control;
    struct iovec vec = {.iov_base = p, .iov_len = sizeof(*p)};
    struct msghdr m = {.msg_iov = &vec,
                       .msg_iovlen = 1,
                       .msg_control = control.b,
                       .msg_controllen = sizeof(control.b)};
    ssize_t n = packet_recv(sock, deadline_ms, &m);
    uint32_t n_fds;

    if (n < 0)
        return (int)n;
    n_fds = fds_of(&m, fd);
    /* cut short: there was no room for more descriptors in this process */
    if (!(m.msg_flags & (MSG_CTRUNC | MSG_TRUNC)) && packet_ok(p, (size_t)n, n_fds))
        return 0;
    for (uint32_t i = 0; i < n_fds; i++)
        close(fd[i]);
    return m.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
}

int handed_say(int sock, uint64_t deadline_ms, const void *m, size_t len)
{
    struct iovec vec = {.iov_base = (void *)(uintptr_t)m, .iov_len = len};
    struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1};

    return packet_send(sock, deadline_ms, &msg);
}

int handed_hear(int sock, uint64_t deadline_ms, uint16_t type, void *m, size_t len)
{
    struct iovec vec = {.iov_base = m, .iov_len = len};
    struct msghdr msg = {.msg_iov = &vec, .msg_iovlen = 1};
    const struct media_hdr *h = m;
    ssize_t n = packet_recv(sock, deadline_ms, &msg);

    if (n < 0)
        return (int)n;
    if (n < (ssize_t)sizeof(*h) || msg.msg_flags & MSG_TRUNC || h->version != MEDIA_VERSION ||
        h->type != type || h->length != (uint32_t)n)
        return -EBADMSG;
    if (h->status < 0)
        return h->status;
    return n == (ssize_t)len ? 0 : -EBADMSG;
}
