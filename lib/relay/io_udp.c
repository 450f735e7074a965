/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One UDP socket per port: the path that works everywhere, without BPF and without a privilege.
 * Behind the seam of io.h; sockets stay unconnected, so that strangers' packets are seen and counted.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "core/log.h"
#include "relay/flow.h"
#include "relay/io_name.h"

struct io_thread {
    int epoll;
};

static int set_tos(int fd, uint8_t family, uint8_t dscp)
{
    int tos = dscp << 2;

    if (family == 6)
        return setsockopt(fd, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof(tos));
    return setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
}

static int open_one(const struct io_open *p, uint16_t port, int *out)
{
    struct sockaddr_storage ss;
    struct addr local = p->local;
    socklen_t len;
    int fd, err;

    local.port = port;
    len = addr_to_sockaddr(&local, &ss);
    fd = socket(local.family == 6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                0);
    if (fd < 0)
        return errno == ENFILE ? -EMFILE : -errno;
    if (p->device[0] &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, p->device, (socklen_t)strlen(p->device)) < 0)
        goto fail;
    if (bind(fd, (struct sockaddr *)&ss, len) < 0)
        goto fail;
    if (p->dscp && set_tos(fd, local.family, p->dscp) < 0)
        goto fail;
    *out = fd;
    return 0;

fail:
    err = -errno;
    close(fd);
    return err;
}

static int udp_open(const struct io_open *p, int fd[2])
{
    int err = open_one(p, p->local.port, &fd[0]);

    if (err < 0)
        return err;
    err = open_one(p, (uint16_t)(p->local.port + 1), &fd[1]);
    if (err < 0)
        close(fd[0]);
    return err;
}

static void udp_close(const int fd[2])
{
    close(fd[0]);
    close(fd[1]);
}

static void udp_set_dscp(const int fd[2], uint8_t family, uint8_t dscp)
{
    (void)set_tos(fd[0], family, dscp);
    (void)set_tos(fd[1], family, dscp);
}

static int udp_thread_new(const struct io_thread_param *p, struct io_thread **out)
{
    struct io_thread *t = calloc(1, sizeof(*t));

    if (!t)
        return -ENOMEM;
    t->epoll = p->epoll;
    *out = t;
    return 0;
}

static void udp_thread_free(struct io_thread *t)
{
    free(t);
}

/* Those of its flows are handed over with their endpoints. */
static void udp_thread_fds(const struct io_thread *t, int fd[IO_THREAD_FDS])
{
    (void)t;
    for (unsigned i = 0; i < IO_THREAD_FDS; i++)
        fd[i] = -1;
}

/*
 * Level-triggered: one recv for each time a socket is reported. With edges another one would have to see that it is empty,
 * and a system call costs more than the kernel's look at the queue in the next epoll_wait.
 */
static void udp_add(struct io_thread *t, struct flow *f)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = f};

    if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, f->fd, &ev) < 0)
        log_limited(LOG_ERROR, "media_epoll", "errno=%d", errno);
}

static void udp_del(struct io_thread *t, struct flow *f)
{
    epoll_ctl(t->epoll, EPOLL_CTL_DEL, f->fd, NULL);
}

static void udp_recv(struct io_thread *t, void *ready, struct io_batch *b)
{
    struct io_packet *p = io_batch_next(b);
    struct flow *f = ready;
    struct sockaddr_in6 name;
    socklen_t len = sizeof(name);
    ssize_t n;

    (void)t;
    do
        n = recvfrom(f->fd, p->data, IO_BUFFER, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *)&name,
                     &len);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return;
    p->len = n > (ssize_t)IO_BUFFER ? IO_BUFFER + 1 : (uint32_t)n;
    p->flow = f;
    io_name_get(&name, &p->from);
    b->n++;
}

static void udp_send(struct io_thread *t, struct io_out *out, unsigned n)
{
    struct sockaddr_in6 name;
    socklen_t len;

    (void)t;
    for (unsigned i = 0; i < n; i++) {
        len = io_name_set(&name, out[i].dst);
        out[i].is_sent = sendto(out[i].to->fd, out[i].packet->data, out[i].packet->len,
                                MSG_DONTWAIT, (struct sockaddr *)&name, len) >= 0;
    }
}

const struct relay_io io_udp = {
    .name = "sockets",
    .open = udp_open,
    .close = udp_close,
    .set_dscp = udp_set_dscp,
    .thread_new = udp_thread_new,
    .thread_free = udp_thread_free,
    .thread_fds = udp_thread_fds,
    .add = udp_add,
    .del = udp_del,
    .recv = udp_recv,
    .send = udp_send,
};
