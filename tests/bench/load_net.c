/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of sipload: batched receive and send, addresses.
 * Called by sipload.c, load_uac.c and load_uas.c.
 * Must not know what a SIP message means.
 */
#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

/* 16 MiB: the socket buffer of the published figures */
#define NET_BUFFER (16 << 20)

void load_clock(struct load *l)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    l->now_us = (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
    l->now = l->now_us / 1000u;
}

static int addr_fill(const char *host, unsigned long port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;

    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        return 0;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        return 0;
    }
    return -EINVAL;
}

/* "127.0.0.1:5060", "[::1]:5060", or an address alone (port 0). */
int load_addr(const char *text, struct sockaddr_storage *out)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    bool bracket = text[0] == '[';
    size_t n = strlen(text);
    unsigned long port = 0;

    if (colon && (bracket || strchr(text, ':') == colon)) {
        char *end;

        port = strtoul(colon + 1, &end, 10);
        if (*end || port > 65535)
            return -EINVAL;
        n = (size_t)(colon - text);
    }
    if (bracket) {
        text++;
        n -= n >= 2 ? 2 : n;
    }
    if (!n || n >= sizeof host)
        return -EINVAL;
    memcpy(host, text, n);
    host[n] = 0;
    return addr_fill(host, port, out);
}

void load_addr_name(const struct sockaddr_storage *a, char *host, char *name)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)a;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)a;
    char text[64] = "";

    if (a->ss_family == AF_INET) {
        inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
        snprintf(name, 72, "%s:%u", text, ntohs(v4->sin_port));
    } else {
        inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
        snprintf(name, 72, "[%s]:%u", text, ntohs(v6->sin6_port));
    }
    if (host)
        memcpy(host, text, sizeof text);
}

void load_addr_step(struct sockaddr_storage *a, unsigned n, bool is_ip)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)a;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)a;

    if (a->ss_family == AF_INET && is_ip)
        v4->sin_addr.s_addr = htonl(ntohl(v4->sin_addr.s_addr) + n);
    else if (a->ss_family == AF_INET)
        v4->sin_port = htons((uint16_t)(ntohs(v4->sin_port) + n));
    else if (is_ip)
        v6->sin6_addr.s6_addr[15] = (uint8_t)(v6->sin6_addr.s6_addr[15] + n);
    else
        v6->sin6_port = htons((uint16_t)(ntohs(v6->sin6_port) + n));
}

static int sock_batch(struct load_sock *s)
{
    s->hdr = calloc(LOAD_BATCH, sizeof *s->hdr);
    s->iov = calloc(LOAD_BATCH, sizeof *s->iov);
    s->dst = calloc(LOAD_BATCH, sizeof *s->dst);
    s->buf = malloc((size_t)LOAD_BATCH * LOAD_BUF);
    if (!s->hdr || !s->iov || !s->dst || !s->buf)
        return -ENOMEM;
    for (unsigned i = 0; i < LOAD_BATCH; i++) {
        s->iov[i].iov_base = s->buf + (size_t)i * LOAD_BUF;
        s->hdr[i].msg_hdr.msg_iov = &s->iov[i];
        s->hdr[i].msg_hdr.msg_iovlen = 1;
        s->hdr[i].msg_hdr.msg_name = &s->dst[i];
    }
    return 0;
}

static void sock_buffers(int fd)
{
    int size = NET_BUFFER;

    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

int load_sock_open(struct load *l, struct load_sock *s, const struct sockaddr_storage *at)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};
    socklen_t len = sizeof s->addr;
    int err;

    s->fd = socket(at->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s->fd < 0)
        return -errno;
    sock_buffers(s->fd);
    if (bind(s->fd, (const struct sockaddr *)at, sizeof *at) ||
        getsockname(s->fd, (struct sockaddr *)&s->addr, &len) ||
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &ev)) {
        err = -errno;
        close(s->fd);
        s->fd = -1;
        return err;
    }
    load_addr_name(&s->addr, s->host, s->name);
    return sock_batch(s);
}

char *load_out(struct load *l, struct load_sock *s)
{
    if (s->out == LOAD_BATCH)
        load_flush(l, s);
    return s->iov[s->out].iov_base;
}

void load_out_done(struct load *l, struct load_sock *s, size_t len,
                   const struct sockaddr_storage *to)
{
    unsigned i = s->out++;

    s->iov[i].iov_len = len;
    s->dst[i] = *to;
    s->hdr[i].msg_hdr.msg_namelen =
        to->ss_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    l->stat.msgs_out++;
}

void load_flush(struct load *l, struct load_sock *s)
{
    unsigned done = 0, tries = 0;

    while (done < s->out) {
        int n = sendmmsg(s->fd, s->hdr + done, s->out - done, 0);

        if (n > 0) {
            done += (unsigned)n;
            continue;
        }
        /* 20 waits of 1 ms: a full send buffer on loopback empties sooner or not at all */
        if (errno == EAGAIN && tries++ < 20) {
            struct pollfd p = {.fd = s->fd, .events = POLLOUT};

            poll(&p, 1, 1);
            continue;
        }
        if (errno == EINTR)
            continue;
        l->stat.send_errors++;
        done++; /* the datagram is lost, as the network may lose it */
    }
    s->out = 0;
}

uint64_t load_sock_drops(const struct load_sock *s)
{
    uint32_t mem[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof mem;

    if (s->fd <= 0 || getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, mem, &len))
        return 0;
    return mem[SK_MEMINFO_DROPS];
}

static void net_one(struct load *l, struct load_sock *s, const char *buf, size_t len,
                    const struct sockaddr_storage *from)
{
    struct load_msg m;

    if (len <= 4) /* a keep-alive (RFC 5626 §3.5.1) is no message */
        return;
    l->stat.msgs_in++;
    if (s == &l->flood) {
        l->stat.flood_answers++;
        if (len > 12 && !memcmp(buf, "SIP/2.0 403", 11))
            l->stat.flood_403++;
        return;
    }
    if (load_parse(buf, len, &m)) {
        load_odd(l, LOAD_ODD_PARSE);
        return;
    }
    if (s == &l->uas)
        uas_receive(l, &m, from);
    else
        uac_receive(l, s, &m, from);
}

void load_receive(struct load *l, struct load_sock *s)
{
    static char buf[LOAD_BATCH][4096];
    static struct sockaddr_storage from[LOAD_BATCH];
    struct mmsghdr hdr[LOAD_BATCH];
    struct iovec iov[LOAD_BATCH];
    int n;

    /* 16 batches: then the timers and the other sockets have their turn */
    for (unsigned turn = 0; turn < 16; turn++) {
        memset(hdr, 0, sizeof hdr);
        for (unsigned i = 0; i < LOAD_BATCH; i++) {
            iov[i] = (struct iovec){buf[i], sizeof buf[i]};
            hdr[i].msg_hdr.msg_iov = &iov[i];
            hdr[i].msg_hdr.msg_iovlen = 1;
            hdr[i].msg_hdr.msg_name = &from[i];
            hdr[i].msg_hdr.msg_namelen = sizeof from[i];
        }
        n = recvmmsg(s->fd, hdr, LOAD_BATCH, MSG_DONTWAIT, NULL);
        if (n <= 0)
            return;
        load_clock(l);
        for (int i = 0; i < n; i++)
            net_one(l, s, buf[i], hdr[i].msg_len, &from[i]);
        if (n < LOAD_BATCH)
            return;
    }
}
