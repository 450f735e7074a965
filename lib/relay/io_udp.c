/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One UDP socket per port: the path that works everywhere, without BPF and without a privilege.
 * Behind the seam of io.h; sockets stay unconnected, so that strangers' packets are seen and counted.
 */
#include "relay/io.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void udp_init(struct io_batch *b)
{
    memset(b, 0, sizeof(*b));
    for (unsigned i = 0; i < IO_BATCH; i++) {
        b->in_vec[i] = (struct iovec){b->data[i], IO_BUFFER};
        b->in[i].msg_hdr.msg_iov = &b->in_vec[i];
        b->in[i].msg_hdr.msg_iovlen = 1;
        b->in[i].msg_hdr.msg_name = &b->name[i];
        b->out[i].msg_hdr.msg_iov = &b->out_vec[i];
        b->out[i].msg_hdr.msg_iovlen = 1;
    }
}

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

static void addr_of(const struct sockaddr_in6 *name, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    if (name->sin6_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)name;

        memcpy(out->ip, &in->sin_addr, 4);
        out->port = ntohs(in->sin_port);
        out->family = 4;
    } else {
        memcpy(out->ip, &name->sin6_addr, 16);
        out->port = ntohs(name->sin6_port);
        out->family = 6;
    }
}

static socklen_t name_of(const struct addr *a, struct sockaddr_in6 *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == 6) {
        out->sin6_family = AF_INET6;
        out->sin6_port = htons(a->port);
        memcpy(&out->sin6_addr, a->ip, 16);
        return sizeof(*out);
    } else {
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
}

static unsigned udp_recv(struct io_batch *b, int fd)
{
    int n;

    for (unsigned i = 0; i < IO_BATCH; i++)
        b->in[i].msg_hdr.msg_namelen = sizeof(b->name[i]);
    do
        n = recvmmsg(fd, b->in, IO_BATCH, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    b->n = n > 0 ? (unsigned)n : 0;
    for (unsigned i = 0; i < b->n; i++) {
        b->len[i] = b->in[i].msg_hdr.msg_flags & MSG_TRUNC ? IO_BUFFER + 1 : b->in[i].msg_len;
        addr_of(&b->name[i], &b->from[i]);
    }
    return b->n;
}

static unsigned udp_send(struct io_batch *b, int fd, const uint8_t *pick, unsigned n,
                         const struct addr *to)
{
    struct sockaddr_in6 name;
    socklen_t len = name_of(to, &name);
    unsigned done = 0;
    int got;

    /* one packet is the common case, and the plain call is cheaper */
    if (n == 1)
        return sendto(fd, b->data[pick[0]], b->len[pick[0]], MSG_DONTWAIT, (struct sockaddr *)&name,
                      len) >= 0;
    for (unsigned i = 0; i < n; i++) {
        b->out_vec[i] = (struct iovec){b->data[pick[i]], b->len[pick[i]]};
        b->out[i].msg_hdr.msg_name = &name;
        b->out[i].msg_hdr.msg_namelen = len;
    }
    while (done < n) {
        got = sendmmsg(fd, b->out + done, n - done, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        done += (unsigned)got;
    }
    return done;
}

const struct relay_io io_udp = {
    .init = udp_init,
    .open = udp_open,
    .close = udp_close,
    .set_dscp = udp_set_dscp,
    .recv = udp_recv,
    .send = udp_send,
};
