/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP sockets of one worker with recvmmsg, sendmmsg and an output queue per socket.
 * The worker's loop reads and flushes, transactions queue through the vtable; it must not know SIP.
 */
#include "sip/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include "core/htab.h"
#include "core/log.h"

#define LISTENERS_MAX 256
/* 16 MiB: what a second of 20,000 datagrams of 800 bytes takes in socket buffers (each is charged with its page) */
#define RCVBUF_BYTES (16 * 1024 * 1024)
/* Room of a socket's queue: more than a turn of 64 KiB messages or of 4,096 small ones never waits for one socket. */
#define QUEUE_DGRAMS 4096
#define QUEUE_BYTES  (8u * 1024 * 1024)
/* pktinfo (v6: 20 bytes), timestamp (16), overflow (4), each with a header of 16 */
#define CMSG_ROOM 128
/* "SIP/2.0/UDP " and a host name of 255 with its port */
#define VIA_ROOM 280
/* Less is a keep-alive (RFC 5626 §3.5.1: CRLFCRLF) or noise: no message is shorter than its start line */
#define SHORTEST 16

struct queued {
    uint32_t off;
    uint32_t len;
    struct addr local;
    struct addr remote;
};

struct udp_socket {
    int fd;
    bool wildcard; /* the local address is told by the kernel and to the kernel */
    struct addr local;
    uint32_t overflow; /* kernel's count of datagrams lost for want of room */
    size_t via_len;    /* 0: made per flow */
    char via[VIA_ROOM];
    char *buf; /* queued bytes */
    size_t buf_len, buf_cap;
    struct queued *q;
    size_t q_len, q_cap, q_head;
};

/* What one system call takes. */
struct batch {
    struct mmsghdr msg[UDP_BATCH];
    struct iovec iov[UDP_BATCH];
    struct sockaddr_storage name[UDP_BATCH];
    union {
        struct cmsghdr align;
        char room[CMSG_ROOM];
    } cmsg[UDP_BATCH];
};

struct udp {
    struct transport transport;
    struct stats *stats;
    struct udp_socket *sock[LISTENERS_MAX];
    char *slots; /* UDP_BATCH receive buffers */
    char via[VIA_ROOM];
    unsigned ids; /* highest listener + 1 */
    struct batch rx, tx;
};

/* Not a power of two: the first lines of 64 datagrams in one place of the cache would push each other out. */
#define SLOT_BYTES (65536 + 1024)

static struct udp_socket *sock_of(const struct udp *u, uint16_t id)
{
    return id < LISTENERS_MAX ? u->sock[id] : NULL;
}

/* ---- open and close ---- */

static int set_opt(int fd, int level, int opt, int value)
{
    return setsockopt(fd, level, opt, &value, sizeof(value)) < 0 ? -errno : 0;
}

static int set_options(int fd, const struct udp_listener *l, bool wildcard)
{
    bool v6 = l->bind.family == 6;
    int rcvbuf = l->rcvbuf_bytes ? l->rcvbuf_bytes : RCVBUF_BYTES;
    int err = set_opt(fd, SOL_SOCKET, SO_REUSEPORT, 1);

    if (err == 0 && v6)
        err = set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (err == 0 && wildcard)
        err = v6 ? set_opt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                 : set_opt(fd, IPPROTO_IP, IP_PKTINFO, 1);
    if (err == 0 && l->device &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->device, (socklen_t)strlen(l->device)) < 0)
        err = -errno;
    if (err < 0)
        return err;
    /* these make it better, not right */
    if (set_opt(fd, SOL_SOCKET, SO_RCVBUFFORCE, rcvbuf) < 0)
        set_opt(fd, SOL_SOCKET, SO_RCVBUF, rcvbuf);
    set_opt(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1);
    set_opt(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    if (v6)
        set_opt(fd, IPPROTO_IPV6, IPV6_TCLASS, l->dscp << 2);
    else
        set_opt(fd, IPPROTO_IP, IP_TOS, l->dscp << 2);
    return 0;
}

static bool is_wildcard(const struct addr *a)
{
    static const uint8_t none[16];

    return memcmp(a->ip, none, sizeof(none)) == 0;
}

static int bind_to(int fd, const struct addr *a, struct addr *bound)
{
    struct sockaddr_storage ss;
    socklen_t len = addr_to_sockaddr(a, &ss);

    if (bind(fd, (struct sockaddr *)&ss, len) < 0)
        return -errno;
    len = sizeof(ss);
    if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
        return -errno;
    return addr_from_sockaddr((struct sockaddr *)&ss, bound);
}

/* "host" of an advertised address has its own port if a colon follows it: "h:5061", "[2001:db8::1]:5061". */
static bool has_port(struct span host)
{
    struct span rest = host;
    ptrdiff_t bracket = span_chr(host, ']');

    if (bracket >= 0)
        rest = (struct span){host.p + bracket, host.len - (size_t)bracket};
    return span_chr(rest, ':') >= 0;
}

static int make_via(struct udp_socket *s, struct span advertise)
{
    char text[ADDR_STRLEN];
    int n;

    if (!span_is_empty(advertise) && has_port(advertise))
        n = snprintf(s->via, VIA_ROOM, "SIP/2.0/UDP %.*s", SPAN_ARG(advertise));
    else if (!span_is_empty(advertise))
        n = snprintf(s->via, VIA_ROOM, "SIP/2.0/UDP %.*s:%u", SPAN_ARG(advertise), s->local.port);
    else if (!s->wildcard)
        n = snprintf(s->via, VIA_ROOM, "SIP/2.0/UDP %s", addr_str(&s->local, text));
    else
        n = 0;
    if (n < 0 || n >= VIA_ROOM)
        return -ENAMETOOLONG;
    s->via_len = (size_t)n;
    return 0;
}

static void sock_free(struct udp_socket *s)
{
    if (!s)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s->buf);
    free(s->q);
    free(s);
}

int udp_is_free(const struct udp_listener *l)
{
    bool v6 = l->bind.family == 6;
    int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct addr bound;
    int err;

    if (fd < 0)
        return -errno;
    err = v6 ? set_opt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) : 0;
    if (err == 0 && l->device &&
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, l->device, (socklen_t)strlen(l->device)) < 0)
        err = -errno;
    if (err == 0)
        err = bind_to(fd, &l->bind, &bound);
    close(fd);
    return err;
}

int udp_open(struct udp *u, const struct udp_listener *l)
{
    struct udp_socket *s;
    int err;

    if (l->id >= LISTENERS_MAX || (l->bind.family != 4 && l->bind.family != 6))
        return -EINVAL;
    if (u->sock[l->id])
        return -EEXIST;
    s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->wildcard = is_wildcard(&l->bind);
    s->fd = socket(l->bind.family == 6 ? AF_INET6 : AF_INET,
                   SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    err = s->fd < 0 ? -errno : set_options(s->fd, l, s->wildcard);
    if (err == 0)
        err = bind_to(s->fd, &l->bind, &s->local);
    if (err == 0)
        err = make_via(s, l->advertise);
    if (err < 0) {
        sock_free(s);
        return err;
    }
    u->sock[l->id] = s;
    if (l->id >= u->ids)
        u->ids = l->id + 1u;
    return 0;
}

void udp_close(struct udp *u, uint16_t id)
{
    struct udp_socket *s = sock_of(u, id);

    if (!s)
        return;
    sock_free(s);
    u->sock[id] = NULL;
}

int udp_fd(const struct udp *u, uint16_t id)
{
    const struct udp_socket *s = sock_of(u, id);

    return s ? s->fd : -1;
}

int udp_local(const struct udp *u, uint16_t id, struct addr *out)
{
    const struct udp_socket *s = sock_of(u, id);

    if (!s)
        return -ENOENT;
    *out = s->local;
    return 0;
}

/* ---- receive ---- */

static void read_pktinfo(struct cmsghdr *c, struct addr *local)
{
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof(info));
        memcpy(local->ip, &info.ipi_addr, 4);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof(info));
        memcpy(local->ip, &info.ipi6_addr, 16);
    }
}

static void read_cmsgs(struct udp *u, struct udp_socket *s, struct msghdr *h, struct udp_dgram *d)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
            struct timespec ts;
            memcpy(&ts, CMSG_DATA(c), sizeof(ts));
            d->rx_wall_ns = (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            uint32_t lost;
            memcpy(&lost, CMSG_DATA(c), sizeof(lost));
            stat_add(u->stats, STAT_udp_overflow, lost - s->overflow);
            s->overflow = lost;
        } else {
            read_pktinfo(c, &d->flow.local);
        }
    }
}

static void deliver(struct udp *u, uint16_t id, unsigned i, udp_recv_fn fn, void *arg)
{
    struct udp_socket *s = u->sock[id];
    struct msghdr *h = &u->rx.msg[i].msg_hdr;
    struct udp_dgram d = {
        .data = u->slots + (size_t)i * SLOT_BYTES,
        .len = u->rx.msg[i].msg_len,
        .flow = {.listener = id, .local = s->local},
    };

    stat_inc(u->stats, STAT_sip_rx);
    read_cmsgs(u, s, h, &d);
    if (h->msg_flags & MSG_TRUNC) {
        stat_inc(u->stats, STAT_udp_truncated);
        return;
    }
    if (d.len < SHORTEST) {
        stat_inc(u->stats, STAT_udp_keepalive);
        return;
    }
    if (addr_from_sockaddr((struct sockaddr *)&u->rx.name[i], &d.flow.remote) < 0)
        return;
    fn(arg, &d);
}

/* What the kernel overwrites of the first n. */
static void rewind_batch(struct batch *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        b->msg[i].msg_hdr.msg_namelen = sizeof(b->name[i]);
        b->msg[i].msg_hdr.msg_controllen = CMSG_ROOM;
        b->msg[i].msg_hdr.msg_flags = 0;
    }
}

static void prepare_rx(struct udp *u)
{
    struct batch *b = &u->rx;

    for (unsigned i = 0; i < UDP_BATCH; i++) {
        b->iov[i] = (struct iovec){u->slots + (size_t)i * SLOT_BYTES, UDP_DGRAM_MAX};
        b->msg[i].msg_hdr = (struct msghdr){
            .msg_name = &b->name[i],
            .msg_iov = &b->iov[i],
            .msg_iovlen = 1,
            .msg_control = b->cmsg[i].room,
        };
    }
    rewind_batch(b, UDP_BATCH);
}

/* @return datagrams; 0 empty; -EINTR an ICMP error or signal was taken instead: try again */
static int read_batch(struct udp *u, const struct udp_socket *s, unsigned n)
{
    int got = recvmmsg(s->fd, u->rx.msg, n, MSG_DONTWAIT, NULL);

    if (got >= 0)
        return got;
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    if (errno == ECONNREFUSED || errno == EHOSTUNREACH || errno == ENETUNREACH) {
        stat_inc(u->stats, STAT_udp_refused);
        return -EINTR;
    }
    return -errno;
}

int udp_recv(struct udp *u, uint16_t id, unsigned max, udp_recv_fn fn, void *arg)
{
    struct udp_socket *s = sock_of(u, id);
    unsigned total = 0;
    int errors = 0;

    if (!s)
        return -ENOENT;
    while (total < max) {
        unsigned want = max - total < UDP_BATCH ? max - total : UDP_BATCH;
        int n;
        n = read_batch(u, s, want);
        if (n == -EINTR && errors++ < UDP_BATCH)
            continue;
        if (n < 0)
            return n;
        for (unsigned i = 0; i < (unsigned)n && u->sock[id] == s; i++)
            deliver(u, id, i, fn, arg);
        rewind_batch(&u->rx, (unsigned)n);
        total += (unsigned)n;
        if ((unsigned)n < want || u->sock[id] != s)
            break;
    }
    return (int)total;
}

/* ---- send ---- */

static void put_pktinfo(struct msghdr *h, char *room, const struct addr *local)
{
    struct cmsghdr *c = (struct cmsghdr *)(void *)room;

    memset(room, 0, CMSG_ROOM);
    h->msg_control = room;
    if (local->family == 4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IP, IP_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        h->msg_controllen = CMSG_SPACE(sizeof(info));
    } else {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, local->ip, 16);
        *c = (struct cmsghdr){CMSG_LEN(sizeof(info)), IPPROTO_IPV6, IPV6_PKTINFO};
        memcpy(CMSG_DATA(c), &info, sizeof(info));
        h->msg_controllen = CMSG_SPACE(sizeof(info));
    }
}

static void prepare_send(struct udp *u, const struct udp_socket *s, unsigned i)
{
    const struct queued *e = &s->q[s->q_head + i];
    struct msghdr *h = &u->tx.msg[i].msg_hdr;
    socklen_t len = addr_to_sockaddr(&e->remote, &u->tx.name[i]);

    u->tx.iov[i] = (struct iovec){s->buf + e->off, e->len};
    *h = (struct msghdr){
        .msg_name = &u->tx.name[i],
        .msg_namelen = len,
        .msg_iov = &u->tx.iov[i],
        .msg_iovlen = 1,
    };
    if (s->wildcard && addr_is_set(&e->local) && !is_wildcard(&e->local))
        put_pktinfo(h, u->tx.cmsg[i].room, &e->local);
}

/*
 * One sendmmsg. An error concerns its first datagram only: that one is given up, as the network might have lost it.
 * @return false: the socket is full
 */
static bool send_batch(struct udp *u, struct udp_socket *s)
{
    size_t left = s->q_len - s->q_head;
    unsigned n = left < UDP_BATCH ? (unsigned)left : UDP_BATCH;
    int sent;

    for (unsigned i = 0; i < n; i++)
        prepare_send(u, s, i);
    sent = sendmmsg(s->fd, u->tx.msg, n, MSG_DONTWAIT);
    if (sent >= 0) {
        stat_add(u->stats, STAT_sip_tx, (uint64_t)sent);
        s->q_head += (size_t)sent;
        return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
        stat_inc(u->stats, STAT_udp_blocked);
        return false;
    }
    if (errno == ECONNREFUSED) { /* ICMP answer to an earlier datagram; this one was not tried */
        stat_inc(u->stats, STAT_udp_refused);
        return true;
    }
    if (errno != EINTR) {
        log_limited(LOG_WARN, "udp_send", "error=%d", errno);
        stat_inc(u->stats, STAT_udp_send_failed);
        s->q_head++;
    }
    return true;
}

/* What could not be sent moves to the front, so that the bounds are on what waits and not on what has gone. */
static void compact(struct udp_socket *s)
{
    size_t left = s->q_len - s->q_head;
    uint32_t off = left > 0 ? s->q[s->q_head].off : 0;

    if (left == 0) {
        s->buf_len = 0;
    } else if (off > 0) {
        memmove(s->buf, s->buf + off, s->buf_len - off);
        memmove(s->q, s->q + s->q_head, left * sizeof(*s->q));
        s->buf_len -= off;
        for (size_t i = 0; i < left; i++)
            s->q[i].off -= off;
    }
    s->q_len = left;
    s->q_head = 0;
}

/* @return datagrams left */
static size_t sock_flush(struct udp *u, struct udp_socket *s)
{
    while (s->q_head < s->q_len && send_batch(u, s))
        ;
    compact(s);
    return s->q_len;
}

size_t udp_flush(struct udp *u)
{
    size_t left = 0;

    for (unsigned i = 0; i < u->ids; i++) {
        struct udp_socket *s = u->sock[i];
        if (s && s->q_len > 0)
            left += sock_flush(u, s);
    }
    return left;
}

static int grow(void **p, size_t *cap, size_t need, size_t item)
{
    size_t n = *cap ? *cap : 64;
    void *bigger;

    if (need <= *cap)
        return 0;
    while (n < need)
        n *= 2;
    bigger = realloc(*p, n * item);
    if (!bigger)
        return -ENOMEM;
    *p = bigger;
    *cap = n;
    return 0;
}

/* Room for one more of len bytes; a full queue is sent first. @return 0; -ENOBUFS */
static int make_room(struct udp *u, struct udp_socket *s, size_t len)
{
    void *buf, *q;
    int err;

    if (s->q_len >= QUEUE_DGRAMS || s->buf_len + len > QUEUE_BYTES)
        sock_flush(u, s);
    if (s->q_len >= QUEUE_DGRAMS || s->buf_len + len > QUEUE_BYTES)
        return -ENOBUFS;
    buf = s->buf;
    err = grow(&buf, &s->buf_cap, s->buf_len + len, 1);
    s->buf = buf;
    if (err < 0)
        return err;
    q = s->q;
    err = grow(&q, &s->q_cap, s->q_len + 1, sizeof(*s->q));
    s->q = q;
    return err;
}

static int queue(struct transport *t, const struct flow *f, const char *buf, size_t len)
{
    struct udp *u = container_of(t, struct udp, transport);
    struct udp_socket *s = sock_of(u, f->listener);

    if (!s)
        return -ENOTCONN;
    if (f->remote.family != s->local.family)
        return -EAFNOSUPPORT;
    if (len > UDP_DGRAM_MAX)
        return -EMSGSIZE;
    if (make_room(u, s, len) < 0) {
        stat_inc(u->stats, STAT_udp_dropped);
        return 0;
    }
    s->q[s->q_len++] = (struct queued){
        .off = (uint32_t)s->buf_len,
        .len = (uint32_t)len,
        .local = f->local,
        .remote = f->remote,
    };
    memcpy(s->buf + s->buf_len, buf, len);
    s->buf_len += len;
    return 0;
}

static struct span via(struct transport *t, const struct flow *f)
{
    struct udp *u = container_of(t, struct udp, transport);
    const struct udp_socket *s = sock_of(u, f->listener);
    char text[ADDR_STRLEN];
    int n;

    if (s && s->via_len > 0)
        return (struct span){s->via, s->via_len};
    n = snprintf(u->via, VIA_ROOM, "SIP/2.0/UDP %s", addr_str(&f->local, text));
    return (struct span){u->via, n > 0 ? (size_t)n : 0};
}

struct transport *udp_transport(struct udp *u)
{
    return &u->transport;
}

struct udp *udp_new(struct stats *stats)
{
    struct udp *u = calloc(1, sizeof(*u));

    if (!u)
        return NULL;
    u->transport = (struct transport){.send = queue, .via = via};
    u->stats = stats;
    u->slots = malloc((size_t)UDP_BATCH * SLOT_BYTES);
    if (!u->slots) {
        free(u);
        return NULL;
    }
    prepare_rx(u);
    return u;
}

void udp_free(struct udp *u)
{
    if (!u)
        return;
    for (unsigned i = 0; i < LISTENERS_MAX; i++)
        sock_free(u->sock[i]);
    free(u->slots);
    free(u);
}
