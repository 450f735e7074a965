/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses and sockets of rtpprobe: a pool of RTP/RTCP pairs, all open from the start.
 * Called by rtpprobe.c; a pool beforehand, because a port opened late would lose first packets.
 * Must not know streams.
 */
#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

int probe_addr(const char *host, const char *port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    char *end;
    unsigned long n = strtoul(port, &end, 10);

    memset(out, 0, sizeof *out);
    if (end == port || *end || n > 65535)
        return -EINVAL;
    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)n);
        return 0;
    }
    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)n);
        return 0;
    }
    return -EINVAL;
}

static uint16_t addr_port(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET6)
        return ntohs(((const struct sockaddr_in6 *)a)->sin6_port);
    return ntohs(((const struct sockaddr_in *)a)->sin_port);
}

static void addr_set_port(struct sockaddr_storage *a, unsigned port)
{
    if (a->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)a)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)a)->sin_port = htons((uint16_t)port);
}

static bool addr_host_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    if (a->ss_family != b->ss_family)
        return false;
    if (a->ss_family == AF_INET6)
        return !memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
                       &((const struct sockaddr_in6 *)b)->sin6_addr, 16);
    return ((const struct sockaddr_in *)a)->sin_addr.s_addr ==
           ((const struct sockaddr_in *)b)->sin_addr.s_addr;
}

bool probe_addr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    return addr_host_equal(a, b) && addr_port(a) == addr_port(b);
}

/* "IP:LO-HI": even ports LO, LO+2 … below HI */
int probe_pool_add(struct probe *p, const char *text)
{
    struct probe_pool *pool = &p->pool[p->pools];
    const char *colon = strrchr(text, ':');
    char host[64], *end;
    unsigned long lo, hi;

    if (p->pools == PROBE_POOLS_MAX || !colon || (size_t)(colon - text) >= sizeof host)
        return -EINVAL;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    lo = strtoul(colon + 1, &end, 10);
    if (*end != '-' || lo & 1)
        return -EINVAL;
    hi = strtoul(end + 1, &end, 10);
    if (*end || hi <= lo || hi > 65535 || probe_addr(host, "0", &pool->lo))
        return -EINVAL;
    addr_set_port(&pool->lo, (unsigned)lo);
    pool->pairs = (unsigned)(hi - lo + 1) / 2;
    p->pools++;
    return 0;
}

static int port_socket(struct probe *p, const struct sockaddr_storage *at, uint64_t data)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = data};
    /* 1 MiB: 20 s of one stream, should the probe be held up; what an ordinary user may have otherwise */
    int size = 1048576, err, fd;

    fd = socket(at->ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (const struct sockaddr *)at, sizeof *at) ||
        epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev)) {
        err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

int probe_pool_open(struct probe *p, struct probe_pool *pool)
{
    pool->first = p->ports;
    for (unsigned i = 0; i < pool->pairs; i++) {
        struct probe_port *port;
        struct sockaddr_storage rtcp;

        if (p->ports == PROBE_PORTS_MAX)
            return -ENOSPC;
        port = calloc(1, sizeof *port);
        if (!port)
            return -ENOMEM;
        port->idx = p->ports;
        port->addr = pool->lo;
        addr_set_port(&port->addr, addr_port(&pool->lo) + 2 * i);
        rtcp = port->addr;
        addr_set_port(&rtcp, addr_port(&port->addr) + 1u);
        p->port[p->ports++] = port;
        port->rtp = port_socket(p, &port->addr, (uint64_t)port->idx << 1);
        port->rtcp = port_socket(p, &rtcp, (uint64_t)port->idx << 1 | 1);
        if (port->rtp < 0 || port->rtcp < 0)
            return port->rtp < 0 ? port->rtp : port->rtcp;
    }
    return 0;
}

struct probe_port *probe_port_find(struct probe *p, const struct sockaddr_storage *at)
{
    for (unsigned i = 0; i < p->pools; i++) {
        const struct probe_pool *pool = &p->pool[i];
        unsigned off = (unsigned)addr_port(at) - addr_port(&pool->lo);

        if (addr_host_equal(at, &pool->lo) && !(off & 1) && off / 2 < pool->pairs)
            return p->port[pool->first + off / 2];
    }
    return NULL;
}
