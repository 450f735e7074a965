/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Steered: sk_lookup brings the packets of all ports to one socket of each thread and family, whole frames go out by a packet socket.
 * Behind the seam of io.h. So descriptors do not grow with calls, and sendmmsg serves many flows.
 *
 * Out, the first way that is open: Ethernet frames where the next hop is known; IP packets by a raw socket, which the kernel
 * routes; what neither takes (longer than the interface carries) from a socket bound for this one packet: the kernel makes fragments.
 * Ports without a line (there is room for so many in the kernel's table) have sockets as in io_udp.c.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include "core/log.h"
#include "relay/flow_map.h"
#include "relay/frame.h"
#include "relay/io_name.h"
#include "relay/kernel.h"
#include "relay/lines.h"

#define RECV_BYTES \
    (16            \
     << 20) /* 100,000 packets/s of 200 bytes, each 768 in the queue: 0.2 s of a stopped thread */
#define SEND_BYTES \
    (4 << 20) /* two batches of full frames are 0.4 MiB; the interface's queue beside */

/* Sorted by so many interfaces, then the rest as it comes: a call's two sides are mostly one or two. */
#define LINK_PASSES 4

/* What recvmsg says of a packet: where it was sent to. */
#define IN_CONTROL CMSG_SPACE(sizeof(struct sockaddr_in6))
/* What sendmsg is told: the source, for routes by it. */
#define OUT_CONTROL CMSG_SPACE(sizeof(struct in6_pktinfo))

/* One socket that packets come by. */
struct steer_in {
    int fd; /* -1: no such family here */
    uint32_t overflows;
    bool is_behind; /* the last look found as much as it could take: packets may have been lost */
};

union steer_name {
    struct sockaddr_in6 ip;
    struct sockaddr_ll link;
};

/* Messages for one socket. */
struct steer_out {
    int fd;
    unsigned n;
    struct io_out *what[IO_BATCH];
    struct mmsghdr msg[IO_BATCH];
    struct iovec vec[IO_BATCH];
    union steer_name name[IO_BATCH];
    _Alignas(struct cmsghdr) uint8_t source[IO_BATCH][OUT_CONTROL];
};

/* A frame that waits for those of the same interface. */
struct steer_link {
    struct io_out *what;
    const uint8_t *frame;
    uint32_t ifindex;
    uint16_t protocol;
};

struct io_thread {
    struct io_thread *sockets; /* io_udp.c's, for flows without a line */
    struct flow_totals *totals;
    const struct hop *hops;
    unsigned index;
    int epoll;
    uint16_t id; /* IPv4 identification */
    struct flow_map map;
    struct steer_in in4, in6;
    struct steer_out link, raw4, raw6;
    unsigned n_links;
    struct steer_link links[IO_BATCH];
    /* recv */
    struct mmsghdr msg[IO_BATCH];
    struct iovec vec[IO_BATCH];
    struct sockaddr_in6 name[IO_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[IO_BATCH][IN_CONTROL];
};

/* ---- in -------------------------------------------------------------------------------------------------------- */

static void set_size(int fd, int force, int plain, int bytes)
{
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) < 0)
        (void)setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof(bytes));
}

/* Bound, for the table of sockets takes no other; to loopback, so that nobody finds it but by the program. */
static int bind_loopback(int fd, int family)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int err = family == AF_INET6 ? bind(fd, (struct sockaddr *)&six, sizeof(six))
                                 : bind(fd, (struct sockaddr *)&four, sizeof(four));

    return err < 0 ? -errno : 0;
}

static int in_options(int fd, int family)
{
    int on = 1;
    int err;

    if (family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
        err = setsockopt(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &on, sizeof(on));
    } else {
        err = setsockopt(fd, IPPROTO_IP, IP_RECVORIGDSTADDR, &on, sizeof(on));
    }
    if (err < 0)
        return -errno;
    set_size(fd, SO_RCVBUFFORCE, SO_RCVBUF, RECV_BYTES);
    return 0;
}

/* Packets wait in it, which a relay before this one has not read. */
static int in_adopt(struct io_thread *t, struct steer_in *in, int family, struct kernel *k)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = in};

    if (epoll_ctl(t->epoll, EPOLL_CTL_ADD, in->fd, &ev) < 0)
        return -errno;
    return kernel_socket(k, t->index, family == AF_INET6 ? 6U : 4U, in->fd);
}

static int in_open(struct io_thread *t, struct steer_in *in, int family, struct kernel *k)
{
    int err;

    if (in->fd >= 0)
        return in_adopt(t, in, family, k);
    in->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (in->fd < 0)
        return -errno;
    err = in_options(in->fd, family);
    if (err == 0)
        err = bind_loopback(in->fd, family);
    return err < 0 ? err : in_adopt(t, in, family, k);
}

static void read_control(struct msghdr *m, struct addr *local)
{
    local->family = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        struct sockaddr_in6 name;

        if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_ORIGDSTADDR) ||
            (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_ORIGDSTADDR)) {
            memcpy(&name, CMSG_DATA(c),
                   c->cmsg_level == IPPROTO_IP ? sizeof(struct sockaddr_in) : sizeof(name));
            io_name_get(&name, local);
        }
    }
}

/* Asked when a backlog is done with: SO_RXQ_OVFL would say it with each packet, and each would pay for it. */
static void count_lost(struct io_thread *t, struct steer_in *in)
{
    uint32_t info[SK_MEMINFO_VARS];
    socklen_t len = sizeof(info);

    if (getsockopt(in->fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 ||
        len <= SK_MEMINFO_DROPS * sizeof(info[0]))
        return;
    total_add(&t->totals->overflows, info[SK_MEMINFO_DROPS] - in->overflows);
    in->overflows = info[SK_MEMINFO_DROPS];
}

/* A packet that nobody waits for leaves its buffer to the next one. */
static void keep(struct io_batch *b, unsigned to, unsigned from)
{
    struct io_packet spare = b->packet[to];

    if (to == from)
        return;
    b->packet[to] = b->packet[from];
    b->packet[from] = spare;
}

static void take(struct io_thread *t, struct io_batch *b, unsigned n)
{
    unsigned first = b->n;

    for (unsigned i = 0; i < n; i++) {
        struct io_packet *p = &b->packet[first + i];
        struct addr local;

        read_control(&t->msg[i].msg_hdr, &local);
        p->flow = flow_map_find(&t->map, &local);
        /* its last packets, after it was closed; or somebody on this host who found our own port */
        if (!p->flow) {
            total_add(&t->totals->strangers, 1);
            continue;
        }
        p->len = t->msg[i].msg_hdr.msg_flags & MSG_TRUNC ? IO_BUFFER + 1 : t->msg[i].msg_len;
        io_name_get(&t->name[i], &p->from);
        keep(b, b->n++, first + i);
    }
}

static void steer_recv(struct io_thread *t, void *ready, struct io_batch *b)
{
    struct steer_in *in = ready;
    unsigned room = IO_BATCH - b->n;
    int n;

    if (in != &t->in4 && in != &t->in6) {
        io_udp.recv(t->sockets, ready, b);
        return;
    }
    for (unsigned i = 0; i < room; i++) {
        struct io_packet *p = &b->packet[b->n + i];

        io_packet_clear(p);
        t->vec[i] = (struct iovec){p->data, IO_BUFFER};
        t->msg[i].msg_hdr.msg_namelen = sizeof(t->name[i]);
        t->msg[i].msg_hdr.msg_controllen = sizeof(t->control[i]);
    }
    do
        n = recvmmsg(in->fd, t->msg, room, MSG_DONTWAIT, NULL);
    while (n < 0 && errno == EINTR);
    if (n > 0)
        take(t, b, (unsigned)n);
    if (in->is_behind && n < (int)room)
        count_lost(t, in);
    in->is_behind = n == (int)room;
}

/* ---- out ------------------------------------------------------------------------------------------------------- */

/* By an ordinary socket, made for this packet: some 8 us, for what cannot go otherwise. The program, not the port, chooses who receives. */
static bool send_bound(const struct io_out *what)
{
    const struct flow *f = what->to;
    bool is6 = f->local.family == 6;
    int tos = f->ep->dscp << 2;
    int ifindex = (int)f->ifindex;
    struct sockaddr_in6 name;
    socklen_t len = io_name_set(&name, &f->local);
    ssize_t n = -1;
    int fd = socket(is6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    if (tos)
        (void)setsockopt(fd, is6 ? IPPROTO_IPV6 : IPPROTO_IP, is6 ? IPV6_TCLASS : IP_TOS, &tos,
                         sizeof(tos));
    if (ifindex)
        (void)setsockopt(fd, SOL_SOCKET, SO_BINDTOIFINDEX, &ifindex, sizeof(ifindex));
    if (bind(fd, (struct sockaddr *)&name, len) == 0) {
        len = io_name_set(&name, what->dst);
        n = sendto(fd, what->packet->data, what->packet->len, MSG_DONTWAIT,
                   (struct sockaddr *)&name, len);
    }
    close(fd);
    return n >= 0;
}

static void out_flush(struct steer_out *o)
{
    unsigned done = 0;
    int n;

    while (done < o->n) {
        n = sendmmsg(o->fd, o->msg + done, o->n - done, MSG_DONTWAIT);
        for (int i = 0; i < n; i++)
            o->what[done + (unsigned)i]->is_sent = true;
        if (n > 0) {
            done += (unsigned)n;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            break; /* no room: trying each would only take time */
        } else if (errno != EINTR) {
            o->what[done]->is_sent = send_bound(o->what[done]);
            done++;
        }
    }
    o->n = 0;
}

static struct msghdr *out_next(struct steer_out *o, struct io_out *what, const uint8_t *data,
                               socklen_t name_len)
{
    const struct io_packet *p = what->packet;
    struct msghdr *m = &o->msg[o->n].msg_hdr;

    o->what[o->n] = what;
    o->vec[o->n] = (struct iovec){(void *)(uintptr_t)data, (size_t)(p->data + p->len - data)};
    m->msg_namelen = name_len;
    o->n++;
    return m;
}

static void put_link(struct io_thread *t, struct io_out *what, uint8_t *ip, const struct hop *hop)
{
    uint8_t family = what->dst->family;

    t->links[t->n_links++] = (struct steer_link){
        .what = what,
        .frame = frame_ethernet(ip, family, hop),
        .ifindex = hop->ifindex,
        .protocol = htons(hop->vlan     ? ETH_P_8021Q
                          : family == 6 ? ETH_P_IPV6
                                        : ETH_P_IP),
    };
}

/*
 * Frames of one interface after another: the receiver at its other end, or its driver, is woken once for many. Turn about, as
 * the two parties of a call speak, each frame wakes one (a quarter of the processor time between virtual machines).
 */
static void link_flush(struct io_thread *t)
{
    struct steer_out *o = &t->link;

    for (unsigned pass = 1; t->n_links > 0; pass++) {
        uint32_t ifindex = t->links[0].ifindex;
        unsigned left = 0;

        for (unsigned i = 0; i < t->n_links; i++) {
            struct steer_link *l = &t->links[i];
            struct sockaddr_ll *name = &o->name[o->n].link;

            if (l->ifindex != ifindex && pass < LINK_PASSES) {
                t->links[left++] = *l;
                continue;
            }
            name->sll_protocol = l->protocol;
            name->sll_ifindex = (int)l->ifindex;
            out_next(o, l->what, l->frame, sizeof(*name));
        }
        t->n_links = left;
        out_flush(o);
    }
}

static void put_raw(struct io_thread *t, struct io_out *what, const uint8_t *ip)
{
    bool is6 = what->dst->family == 6;
    struct steer_out *o = is6 ? &t->raw6 : &t->raw4;
    struct sockaddr_in6 *name = &o->name[o->n].ip;
    struct cmsghdr *c = (struct cmsghdr *)(void *)o->source[o->n];
    socklen_t len = io_name_set(name, what->dst);
    struct msghdr *m = out_next(o, what, ip, len);

    if (is6) {
        struct in6_pktinfo *info = (struct in6_pktinfo *)(void *)CMSG_DATA(c);

        name->sin6_port = 0; /* the protocol, of a raw socket */
        *c = (struct cmsghdr){CMSG_LEN(sizeof(*info)), IPPROTO_IPV6, IPV6_PKTINFO};
        *info = (struct in6_pktinfo){.ipi6_ifindex = what->to->ifindex};
        memcpy(&info->ipi6_addr, what->to->local.ip, 16);
        m->msg_controllen = CMSG_SPACE(sizeof(*info));
    } else {
        struct in_pktinfo *info = (struct in_pktinfo *)(void *)CMSG_DATA(c);

        *c = (struct cmsghdr){CMSG_LEN(sizeof(*info)), IPPROTO_IP, IP_PKTINFO};
        *info = (struct in_pktinfo){.ipi_ifindex = (int)what->to->ifindex};
        memcpy(&info->ipi_spec_dst, what->to->local.ip, 4);
        m->msg_controllen = CMSG_SPACE(sizeof(*info));
    }
}

/* The neighbour that was found for this destination. */
static bool has_hop(const struct io_thread *t, const struct io_out *what, struct hop *out)
{
    const struct flow *f = what->to;

    return t->hops && f->hop != HOP_NONE && t->link.fd >= 0 && addr_ip_eq(&f->hop_dst, what->dst) &&
           frame_hop(&t->hops[f->hop], out);
}

static void put(struct io_thread *t, struct io_out *what)
{
    const struct flow *f = what->to;
    struct io_packet *p = what->packet;
    uint32_t headers = f->local.family == 6 ? FRAME_IP6 : FRAME_IP4;
    struct hop hop;
    uint8_t *ip;

    if (f->fd >= 0) {
        io_udp.send(t->sockets, what, 1);
        return;
    }
    ip = frame_ip(p->data, p->len, &f->local, what->dst, f->ep->dscp, t->id++);
    if (!has_hop(t, what, &hop))
        put_raw(t, what, ip);
    else if (p->len + headers > hop.mtu)
        what->is_sent = send_bound(what);
    else
        put_link(t, what, ip, &hop);
}

/* Raw first: a flow's first packets go that way, until its hop is known. */
static void steer_send(struct io_thread *t, struct io_out *out, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        out[i].is_sent = false;
        put(t, &out[i]);
    }
    out_flush(&t->raw4);
    out_flush(&t->raw6);
    link_flush(t);
}

/* ---- flows ----------------------------------------------------------------------------------------------------- */

static void steer_add(struct io_thread *t, struct flow *f)
{
    int err;

    if (f->fd >= 0) {
        io_udp.add(t->sockets, f);
        return;
    }
    err = flow_map_add(&t->map, f);
    if (err < 0)
        log_limited(LOG_ERROR, "media_flow", "port=%u errno=%d", f->local.port, -err);
    else
        lines_on(f, t->index);
}

static void steer_del(struct io_thread *t, struct flow *f)
{
    if (f->fd >= 0) {
        io_udp.del(t->sockets, f);
        return;
    }
    lines_off(f);
    flow_map_del(&t->map, f);
}

/* ---- life ------------------------------------------------------------------------------------------------------ */

static int steer_open(const struct io_open *p, int fd[2])
{
    fd[0] = fd[1] = -1;
    return p->is_steered ? 0 : io_udp.open(p, fd);
}

static void steer_close(const int fd[2])
{
    if (fd[0] >= 0)
        io_udp.close(fd);
}

static void steer_set_dscp(const int fd[2], uint8_t family, uint8_t dscp)
{
    if (fd[0] >= 0)
        io_udp.set_dscp(fd, family, dscp);
}

static int out_open(struct steer_out *o, int family, int protocol)
{
    bool is_ip = family != AF_PACKET;

    for (unsigned i = 0; i < IO_BATCH; i++) {
        struct msghdr *m = &o->msg[i].msg_hdr;

        if (!is_ip)
            o->name[i].link = (struct sockaddr_ll){.sll_family = AF_PACKET};
        m->msg_name = &o->name[i];
        m->msg_iov = &o->vec[i];
        m->msg_iovlen = 1;
        m->msg_control = is_ip ? o->source[i] : NULL;
    }
    if (o->fd >= 0)
        return 0; /* handed over */
    o->fd = socket(family, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (o->fd < 0)
        return -errno;
    set_size(o->fd, SO_SNDBUFFORCE, SO_SNDBUF, SEND_BYTES);
    return 0;
}

/* This order is told to another version of this program. */
static void steer_thread_fds(const struct io_thread *t, int fd[IO_THREAD_FDS])
{
    const int all[IO_THREAD_FDS] = {t->in4.fd, t->in6.fd, t->link.fd, t->raw4.fd, t->raw6.fd};

    memcpy(fd, all, sizeof(all));
}

static void steer_thread_free(struct io_thread *t)
{
    int fd[IO_THREAD_FDS];

    steer_thread_fds(t, fd);
    for (unsigned i = 0; i < IO_THREAD_FDS; i++) {
        if (fd[i] >= 0)
            close(fd[i]);
    }
    if (t->sockets)
        io_udp.thread_free(t->sockets);
    flow_map_fini(&t->map);
    free(t);
}

static void in_messages(struct io_thread *t)
{
    for (unsigned i = 0; i < IO_BATCH; i++) {
        struct msghdr *m = &t->msg[i].msg_hdr;

        m->msg_iov = &t->vec[i];
        m->msg_iovlen = 1;
        m->msg_name = &t->name[i];
        m->msg_control = t->control[i];
    }
}

/* A host may have no IPv6 at all; every other lack means that this form cannot serve. */
static int open_six(struct io_thread *t, struct kernel *k)
{
    int err = in_open(t, &t->in6, AF_INET6, k);

    if (err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL)
        return 0;
    return err < 0 ? err : out_open(&t->raw6, AF_INET6, IPPROTO_RAW);
}

/* From now on this thread closes them; what they lost in the relay before is counted with the first packets. */
static void take_handed(struct io_thread *t, const int fd[IO_THREAD_FDS])
{
    t->in4.is_behind = t->in6.is_behind = true;
    t->in4.fd = fd[0];
    t->in6.fd = fd[1];
    t->link.fd = fd[2];
    t->raw4.fd = fd[3];
    t->raw6.fd = fd[4];
}

static int steer_thread_new(const struct io_thread_param *p, struct io_thread **out)
{
    struct io_thread *t = calloc(1, sizeof(*t));
    int err;

    if (!t)
        return -ENOMEM;
    t->totals = p->totals;
    t->hops = p->kernel ? p->kernel->hops : NULL;
    t->index = p->index;
    t->epoll = p->epoll;
    t->in4.fd = t->in6.fd = t->link.fd = t->raw4.fd = t->raw6.fd = -1;
    if (p->handed)
        take_handed(t, p->handed);
    in_messages(t);
    err = io_udp.thread_new(p, &t->sockets);
    if (err == 0)
        err = out_open(&t->link, AF_PACKET, 0);
    if (err == 0)
        err = out_open(&t->raw4, AF_INET, IPPROTO_RAW);
    if (err == 0)
        err = in_open(t, &t->in4, AF_INET, p->kernel);
    if (err == 0)
        err = open_six(t, p->kernel);
    if (err < 0)
        steer_thread_free(t);
    else
        *out = t;
    return err;
}

const struct relay_io io_steer = {
    .name = "steered",
    .open = steer_open,
    .close = steer_close,
    .set_dscp = steer_set_dscp,
    .thread_new = steer_thread_new,
    .thread_free = steer_thread_free,
    .thread_fds = steer_thread_fds,
    .add = steer_add,
    .del = steer_del,
    .recv = steer_recv,
    .send = steer_send,
};
