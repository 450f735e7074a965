/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of far addresses, the neighbours they are reached by and the links those are on; each notice of the kernel touches what
 * hangs on it and no more. Called by the control thread's event loop; hops_msg.c speaks rtnetlink, kernel.c writes the array.
 *
 *   far address --route lookup--> neighbour (interface, IP) --its MAC--> struct hop
 */
#include "relay/hops.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>
#include "core/clock.h"
#include "core/htab.h"
#include "core/ident.h"
#include "core/log.h"
#include "relay/hops_msg.h"

#define ASKED_MAX 64U /* lookups under way: their answers fit any receive buffer */
#define SCANS_MAX \
    32U /* notices of routes in a tick that are compared with each address; more: all are asked again */
#define SWEEP_MS \
    500U /* between two rounds of asking for all: a routing daemon may be busy for minutes */
#define IDLE_MS \
    60000U /* a hop that nobody holds stays known: the next call to a gateway comes soon */
#define STALE_MS \
    15000U /* a neighbour that the kernel itself does not use is asked whether it is there */
#define PROBES_MAX 256U /* in a tick */
#define DISCARD \
    9U /* RFC 863: where a probe goes; that it makes the kernel ask for the MAC is all it is for */
#define RCVBUF    1048576 /* bytes of notices; the kernel may give less */
#define SEQ_LINKS 1U
#define SEQ_NEIGH 2U
#define SEQ_ROUTE 0x80000000U /* and 15 bits of the address's serial, 16 of its index */

struct neigh {
    struct htab_node node; /* first */
    LIST_ENTRY(neigh) all;
    LIST_HEAD(, dest) dests;
    struct hops_neigh is;
    bool is_known; /* the kernel has said what it is */
    unsigned probes;
    uint64_t probe_ms; /* next one */
};

struct dest {
    struct htab_node node; /* first */
    struct addr src, dst;  /* ports 0 */
    uint32_t device;
    uint16_t index;
    uint16_t serial;
    unsigned refs;
    uint64_t idle_ms; /* since then nobody holds it */
    bool is_dirty, is_asked;
    uint32_t mtu; /* of the route */
    struct neigh *via;
    LIST_ENTRY(dest) of_neigh;
    TAILQ_ENTRY(dest) dirty;
};

struct link {
    struct htab_node node; /* first */
    struct hops_link is;
};

struct hops {
    struct event_base *base;
    struct kernel *kernel;
    const struct hops_fake *fake;
    int ask_fd, watch_fd, probe_fd[2];
    struct event *ask_ev, *watch_ev, *tick_ev;
    struct htab dests, neighs, links;
    LIST_HEAD(, neigh) all;
    TAILQ_HEAD(, dest) dirty;
    struct dest *at[HOPS_MAX]; /* by index */
    uint32_t next;             /* where to look for a free index */
    unsigned asked, scans, n_idle;
    uint16_t serial;
    uint32_t owner; /* ours, in the array */
    bool is_sweep_due;
    uint64_t now_ms, sweep_ms;
    struct hops_counts n;
};

static void pump(struct hops *h);

/* --- to the kernel -------------------------------------------------------------------------------------------------------- */

static int request(struct hops *h, const uint8_t *msg, size_t len)
{
    struct sockaddr_nl to = {.nl_family = AF_NETLINK};

    if (!h->fake)
        return sendto(h->ask_fd, msg, len, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? -errno : 0;
    h->fake->request(h->fake->arg, msg, len);
    return 0;
}

static void ask_links(struct hops *h)
{
    uint8_t buf[HOPS_MSG_MAX];

    (void)request(h, buf, hops_msg_links(buf, SEQ_LINKS));
}

static void ask_neigh(struct hops *h, const struct neigh *n)
{
    uint8_t buf[HOPS_MSG_MAX];

    (void)request(h, buf, hops_msg_neigh(buf, SEQ_NEIGH, n->is.ifindex, &n->is.ip));
}

/* An empty datagram by way of the neighbour's interface: the kernel asks for its MAC, or whether it is still there. */
static void probe(struct hops *h, struct neigh *n)
{
    struct sockaddr_storage to;
    struct addr a = n->is.ip;
    union {
        struct cmsghdr head;
        uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {.room = {0}};
    struct msghdr m = {.msg_name = &to, .msg_control = &control};
    bool is_6 = a.family == 6;

    if (h->fake) {
        h->fake->probe(h->fake->arg, &a);
        return;
    }
    a.port = DISCARD;
    m.msg_namelen = addr_to_sockaddr(&a, &to);
    m.msg_controllen =
        is_6 ? CMSG_SPACE(sizeof(struct in6_pktinfo)) : CMSG_SPACE(sizeof(struct in_pktinfo));
    control.head.cmsg_level = is_6 ? IPPROTO_IPV6 : IPPROTO_IP;
    control.head.cmsg_type = is_6 ? IPV6_PKTINFO : IP_PKTINFO;
    if (is_6) {
        struct in6_pktinfo info = {.ipi6_ifindex = n->is.ifindex};

        ((struct sockaddr_in6 *)&to)->sin6_scope_id = n->is.ifindex;
        control.head.cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
    } else {
        struct in_pktinfo info = {.ipi_ifindex = (int)n->is.ifindex};

        control.head.cmsg_len = CMSG_LEN(sizeof(info));
        memcpy(CMSG_DATA(&control.head), &info, sizeof(info));
    }
    (void)sendmsg(h->probe_fd[is_6], &m, MSG_DONTWAIT);
}

/* --- what is written ------------------------------------------------------------------------------------------------------ */

static struct link *find_link(struct hops *h, uint32_t ifindex)
{
    uint64_t hash = hash_u64(ifindex);

    for (struct htab_node *n = htab_first(&h->links, hash); n; n = htab_next(n))
        if (container_of(n, struct link, node)->is.ifindex == ifindex)
            return container_of(n, struct link, node);
    return NULL;
}

/* ifindex 0 unless everything is there. */
static struct hop hop_of(struct hops *h, const struct dest *d)
{
    struct hop none = {0}, hop = {0};
    struct link *l, *parent;

    if (!d->via || !d->via->is.is_usable)
        return none;
    l = find_link(h, d->via->is.ifindex);
    if (!l || !l->is.is_up || !l->is.is_ethernet)
        return none;
    hop.ifindex = l->is.ifindex;
    hop.flags = l->is.is_other ? HOP_NO_XDP : 0;
    hop.mtu = (uint16_t)(l->is.mtu < 65535 ? l->is.mtu : 65535);
    if (d->mtu && d->mtu < hop.mtu)
        hop.mtu = (uint16_t)d->mtu;
    memcpy(hop.smac, l->is.mac, 6);
    memcpy(hop.dmac, d->via->is.mac, 6);
    if (l->is.vlan) {
        parent = find_link(h, l->is.parent);
        if (!parent || !parent->is.is_up || !parent->is.is_ethernet || parent->is.vlan)
            return none;
        hop.ifindex = parent->is.ifindex;
        hop.flags = parent->is.is_other ? HOP_NO_XDP : 0;
        hop.vlan = htons(l->is.vlan);
    }
    return hop;
}

/* A successor takes over one after the other. */
static bool is_ours(const struct hops *h, const struct dest *d)
{
    return h->kernel->hops[d->index].owner == h->owner;
}

static void write_dest(struct hops *h, struct dest *d)
{
    const struct hop *was = &h->kernel->hops[d->index];
    struct hop hop = hop_of(h, d);

    if (!is_ours(h, d))
        return;
    hop.serial = was->serial;
    hop.owner = was->owner;
    if (memcmp(was, &hop, sizeof(hop)) == 0)
        return;
    h->n.changes += was->ifindex != 0;
    h->n.dead -= was->ifindex == 0;
    h->n.dead += hop.ifindex == 0;
    kernel_hop_write(h->kernel, d->index, &hop);
}

static void write_neigh(struct hops *h, const struct neigh *n)
{
    struct dest *d;

    LIST_FOREACH(d, &n->dests, of_neigh)
    write_dest(h, d);
}

/* --- neighbours ----------------------------------------------------------------------------------------------------------- */

static uint64_t neigh_hash(uint32_t ifindex, const struct addr *ip)
{
    return hash_bytes(ip->ip, sizeof(ip->ip), ifindex);
}

static struct neigh *find_neigh(struct hops *h, uint32_t ifindex, const struct addr *ip)
{
    for (struct htab_node *n = htab_first(&h->neighs, neigh_hash(ifindex, ip)); n;
         n = htab_next(n)) {
        struct neigh *x = container_of(n, struct neigh, node);

        if (x->is.ifindex == ifindex && addr_ip_eq(&x->is.ip, ip))
            return x;
    }
    return NULL;
}

static struct neigh *make_neigh(struct hops *h, uint32_t ifindex, const struct addr *ip)
{
    struct neigh *n = calloc(1, sizeof(*n));

    if (!n)
        return NULL;
    LIST_INIT(&n->dests);
    n->is.ifindex = ifindex;
    n->is.ip = *ip;
    n->is.ip.port = 0;
    n->probe_ms = h->now_ms;
    htab_add(&h->neighs, &n->node, neigh_hash(ifindex, ip));
    LIST_INSERT_HEAD(&h->all, n, all);
    ask_neigh(h, n);
    return n;
}

static void leave_neigh(struct hops *h, struct dest *d)
{
    struct neigh *n = d->via;

    if (!n)
        return;
    LIST_REMOVE(d, of_neigh);
    d->via = NULL;
    if (!LIST_EMPTY(&n->dests))
        return;
    htab_del(&h->neighs, &n->node);
    LIST_REMOVE(n, all);
    free(n);
}

static void on_neigh(struct hops *h, const struct hops_msg *m)
{
    struct neigh *n = find_neigh(h, m->neigh.ifindex, &m->neigh.ip);
    bool was_usable;

    if (!n)
        return;
    was_usable = n->is_known && n->is.is_usable;
    n->is_known = true;
    n->is = m->neigh;
    if (m->is_gone)
        n->is.is_usable = n->is.is_stale = false;
    if (n->is.is_usable && !was_usable)
        n->probes = 0;
    if (!n->is.is_usable && was_usable)
        n->probe_ms = h->now_ms;
    else if (n->is.is_stale)
        n->probe_ms = h->now_ms + STALE_MS;
    write_neigh(h, n);
}

/* Once at once and a second later, then more and more seldom: the far end may be off for good. */
static void probe_if_due(struct hops *h, struct neigh *n, unsigned *left)
{
    if (*left == 0 || h->now_ms < n->probe_ms || (n->is.is_usable && !n->is.is_stale))
        return;
    (*left)--;
    n->probes += n->probes < 4;
    n->probe_ms = h->now_ms + (n->is.is_usable ? STALE_MS : 500U << n->probes);
    probe(h, n);
}

/* --- far addresses -------------------------------------------------------------------------------------------------------- */

static uint64_t dest_hash(const struct addr *src, const struct addr *dst, uint32_t device)
{
    return hash_bytes(dst->ip, sizeof(dst->ip), hash_bytes(src->ip, sizeof(src->ip), device));
}

static struct dest *find_dest(struct hops *h, const struct addr *src, const struct addr *dst,
                              uint32_t device)
{
    for (struct htab_node *n = htab_first(&h->dests, dest_hash(src, dst, device)); n;
         n = htab_next(n)) {
        struct dest *d = container_of(n, struct dest, node);

        if (d->device == device && addr_ip_eq(&d->src, src) && addr_ip_eq(&d->dst, dst))
            return d;
    }
    return NULL;
}

static void make_dirty(struct hops *h, struct dest *d)
{
    if (d->is_dirty)
        return;
    d->is_dirty = true;
    TAILQ_INSERT_TAIL(&h->dirty, d, dirty);
}

static void drop_dest(struct hops *h, struct dest *d)
{
    struct hop none = {0};

    h->n.held--;
    h->n_idle -= d->refs == 0;
    h->n.dead -= h->kernel->hops[d->index].ifindex == 0;
    if (is_ours(h, d)) {
        kernel_hop_write(h->kernel, d->index, &none);
        h->kernel->hops[d->index].owner = 0;
    }
    h->asked -= d->is_asked;
    if (d->is_dirty)
        TAILQ_REMOVE(&h->dirty, d, dirty);
    leave_neigh(h, d);
    htab_del(&h->dests, &d->node);
    h->at[d->index] = NULL;
    free(d);
}

/* An index that nobody has, or else one that nobody holds. Rarely more than a step: they are given out in turn. */
static int find_index(struct hops *h, uint16_t *out)
{
    struct dest *idle = NULL;

    if (h->n.held == HOPS_MAX - 1 && h->n_idle == 0)
        return -ENOSPC;
    for (uint32_t i = 0; i < HOPS_MAX; i++) {
        uint32_t at = (h->next + i) % HOPS_MAX;

        if (at == HOP_NONE)
            continue;
        if (!h->at[at] && h->kernel->hops[at].owner != 0)
            continue; /* another relay's */
        if (!h->at[at]) {
            h->next = at + 1;
            *out = (uint16_t)at;
            return 0;
        }
        if (h->at[at]->refs == 0 && (!idle || h->at[at]->idle_ms < idle->idle_ms))
            idle = h->at[at];
    }
    if (!idle)
        return -ENOSPC;
    *out = idle->index;
    drop_dest(h, idle);
    return 0;
}

static int make_dest(struct hops *h, const struct addr *src, const struct addr *dst,
                     uint32_t device, uint16_t index, struct dest **out)
{
    struct dest *d = calloc(1, sizeof(*d));

    if (!d)
        return -ENOMEM;
    d->src = *src;
    d->dst = *dst;
    d->src.port = d->dst.port = 0;
    d->device = device;
    d->index = index;
    h->at[index] = d;
    h->kernel->hops[index].owner = h->owner;
    h->n.held++;
    h->n.dead += h->kernel->hops[index].ifindex == 0;
    htab_add(&h->dests, &d->node, dest_hash(src, dst, device));
    make_dirty(h, d);
    *out = d;
    return 0;
}

int hops_get(struct hops *h, const struct addr *src, const struct addr *dst, const char *device,
             uint16_t *index)
{
    uint32_t ifindex = device && device[0] ? if_nametoindex(device) : 0;
    struct dest *d;
    int r;

    if (src->family != dst->family || (dst->family != 4 && dst->family != 6))
        return -EINVAL;
    d = find_dest(h, src, dst, ifindex);
    if (!d) {
        r = find_index(h, index);
        if (r == 0)
            r = make_dest(h, src, dst, ifindex, *index, &d);
        if (r < 0)
            return r;
        pump(h);
    } else {
        h->n_idle -= d->refs == 0;
    }
    d->refs++;
    *index = d->index;
    return 0;
}

void hops_settle(struct hops *h)
{
    static const struct hop none;

    for (uint32_t i = 1; i < HOPS_MAX; i++) {
        if (h->at[i] || h->kernel->hops[i].owner == 0)
            continue;
        kernel_hop_write(h->kernel, (uint16_t)i, &none);
        h->kernel->hops[i].owner = 0;
    }
}

void hops_put(struct hops *h, uint16_t index)
{
    struct dest *d = h->at[index];

    if (index == HOP_NONE || !d || d->refs == 0)
        return;
    if (--d->refs > 0)
        return;
    d->idle_ms = h->now_ms;
    h->n_idle++;
}

static void take_route(struct hops *h, struct dest *d, const struct hops_route *r)
{
    const struct addr *next;
    struct neigh *n;

    if (!r || !r->is_plain) {
        leave_neigh(h, d);
        write_dest(h, d);
        return;
    }
    next = addr_is_set(&r->via) ? &r->via : &d->dst;
    n = find_neigh(h, r->oif, next);
    if (!n)
        n = make_neigh(h, r->oif, next);
    if (n != d->via) {
        leave_neigh(h, d);
        if (n)
            LIST_INSERT_HEAD(&n->dests, d, of_neigh);
        d->via = n;
    }
    d->mtu = r->mtu;
    write_dest(h, d);
}

/* Ask for what is dirty, as much at a time as the socket holds the answers of. */
static void pump(struct hops *h)
{
    uint8_t buf[HOPS_MSG_MAX];
    struct dest *d;
    size_t len;

    while (h->asked < ASKED_MAX && (d = TAILQ_FIRST(&h->dirty))) {
        TAILQ_REMOVE(&h->dirty, d, dirty);
        d->is_dirty = false;
        h->asked += !d->is_asked;
        d->is_asked = true;
        d->serial = h->serial++ & 0x7fff; /* an answer to an earlier question is none */
        len = hops_msg_route(buf, SEQ_ROUTE | (uint32_t)d->serial << 16 | d->index, &d->src,
                             &d->dst, d->device);
        if (request(h, buf, len) == 0)
            continue;
        /* no memory: the next tick asks again */
        d->is_asked = false;
        h->asked--;
        make_dirty(h, d);
        return;
    }
}

static void on_lookup(struct hops *h, const struct hops_msg *m)
{
    struct dest *d = h->at[m->seq & 0xffff];

    if (!d || d->serial != (m->seq >> 16 & 0x7fff) || !d->is_asked)
        return;
    d->is_asked = false;
    h->asked--;
    take_route(h, d, m->kind == HOPS_ROUTE ? &m->route : NULL);
}

/* --- notices -------------------------------------------------------------------------------------------------------------- */

static bool dirty_node(struct htab_node *n, void *arg)
{
    make_dirty(arg, container_of(n, struct dest, node));
    return true;
}

/* Any route may be another now. */
static void sweep(struct hops *h)
{
    if (h->now_ms < h->sweep_ms) {
        h->is_sweep_due = true;
        return;
    }
    h->is_sweep_due = false;
    h->sweep_ms = h->now_ms + SWEEP_MS;
    htab_each(&h->dests, dirty_node, h);
}

static bool is_within(const struct addr *a, const struct hops_route *r)
{
    unsigned bytes = r->bits / 8, bits = r->bits % 8;

    return a->family == r->dst.family && bytes <= 16 && memcmp(a->ip, r->dst.ip, bytes) == 0 &&
           (bits == 0 || (a->ip[bytes] ^ r->dst.ip[bytes]) >> (8 - bits) == 0);
}

struct within {
    struct hops *h;
    const struct hops_route *route;
};

static bool dirty_if_within(struct htab_node *n, void *arg)
{
    struct within *w = arg;
    struct dest *d = container_of(n, struct dest, node);

    if (is_within(&d->dst, w->route))
        make_dirty(w->h, d);
    return true;
}

static void on_route(struct hops *h, const struct hops_msg *m)
{
    struct within w = {.h = h, .route = &m->route};

    if (++h->scans > SCANS_MAX)
        sweep(h);
    else
        htab_each(&h->dests, dirty_if_within, &w);
}

static bool is_same_link(const struct hops_link *a, const struct hops_link *b)
{
    return a->parent == b->parent && a->mtu == b->mtu && a->vlan == b->vlan &&
           a->is_up == b->is_up && a->is_ethernet == b->is_ethernet && a->is_other == b->is_other &&
           memcmp(a->mac, b->mac, 6) == 0;
}

/* A link that goes down takes its routes with it without a notice of each. */
static void on_link(struct hops *h, const struct hops_msg *m)
{
    struct link *l = find_link(h, m->link.ifindex);
    struct neigh *n;

    if (l && !m->is_gone && is_same_link(&l->is, &m->link))
        return;
    if (!l) {
        l = m->is_gone ? NULL : calloc(1, sizeof(*l));
        if (!l)
            return;
        htab_add(&h->links, &l->node, hash_u64(m->link.ifindex));
    }
    l->is = m->link;
    l->is.is_up &= !m->is_gone;
    LIST_FOREACH(n, &h->all, all)
    write_neigh(h, n);
    sweep(h);
}

void hops_input(struct hops *h, const uint8_t *buf, size_t len)
{
    struct hops_msg m;
    size_t at = 0;

    while (hops_msg_next(buf, len, &at, &m)) {
        if (m.seq & SEQ_ROUTE && (m.kind == HOPS_ROUTE || m.kind == HOPS_ERROR)) {
            on_lookup(h, &m);
            continue;
        }
        switch (m.kind) {
        case HOPS_LINK: on_link(h, &m); break;
        case HOPS_NEIGH: on_neigh(h, &m); break;
        case HOPS_ROUTE: on_route(h, &m); break;
        case HOPS_RULES: sweep(h); break;
        case HOPS_ERROR: {
            /* the kernel does not know the neighbour: then it shall ask */
            struct neigh *n = find_neigh(h, m.neigh.ifindex, &m.neigh.ip);
            unsigned one = 1;

            if (m.error < 0 && n && !n->is_known) {
                n->is_known = true;
                write_neigh(h, n);
                probe_if_due(h, n, &one);
            }
            break;
        }
        case HOPS_OTHER: break;
        }
    }
    pump(h);
}

/* Notices or answers have been lost: ask for everything. */
static void resync(struct hops *h)
{
    struct neigh *n;

    h->n.resyncs++;
    log_limited(LOG_WARN, "hops_resync", "held=%u", h->n.held);
    for (uint32_t i = 0; i < HOPS_MAX; i++)
        if (h->at[i])
            h->at[i]->is_asked = false;
    h->asked = 0;
    ask_links(h);
    LIST_FOREACH(n, &h->all, all)
    ask_neigh(h, n);
    sweep(h);
    pump(h);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    static uint8_t buf[65536] __attribute__((aligned(8)));
    struct hops *h = arg;

    (void)what;
    h->now_ms = clock_now_ns() / 1000000;
    for (unsigned i = 0; i < 64; i++) {
        struct sockaddr_nl from;
        socklen_t from_len = sizeof(from);
        ssize_t n =
            recvfrom(fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);

        if (n < 0 && errno == ENOBUFS)
            resync(h);
        else if (n < 0)
            return;
        else if (from.nl_pid == 0) /* the kernel's, not another program's */
            hops_input(h, buf, (size_t)n);
    }
}

static bool drop_if_idle(struct htab_node *n, void *arg)
{
    struct hops *h = arg;
    struct dest *d = container_of(n, struct dest, node);

    if (d->refs == 0 && h->now_ms > d->idle_ms + IDLE_MS)
        drop_dest(h, d);
    return true;
}

void hops_tick(struct hops *h, uint64_t now_ms)
{
    unsigned left = PROBES_MAX;
    struct neigh *n;

    h->now_ms = now_ms;
    h->scans = 0;
    LIST_FOREACH(n, &h->all, all)
    probe_if_due(h, n, &left);
    if (h->n_idle > 0)
        htab_each(&h->dests, drop_if_idle, h);
    if (h->is_sweep_due)
        sweep(h);
    pump(h);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    hops_tick(arg, clock_now_ns() / 1000000);
}

/* --- begin and end -------------------------------------------------------------------------------------------------------- */

static int netlink_socket(uint32_t groups, bool has_nexthops)
{
    struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = groups};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    int group = RTNLGRP_NEXTHOP, size = RCVBUF;

    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    if (bind(fd, (struct sockaddr *)&me, sizeof(me)) < 0) {
        int err = errno;

        close(fd);
        return -err;
    }
    if (has_nexthops)
        (void)setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
    return fd;
}

static int listen_to_kernel(struct hops *h)
{
    uint32_t groups = RTMGRP_LINK | RTMGRP_NEIGH | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE |
                      RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_RULE |
                      1U << (RTNLGRP_IPV6_RULE - 1);
    struct timeval tick = {.tv_usec = 500000}; /* changes must be seen within a second */

    h->watch_fd = netlink_socket(groups, true);
    h->ask_fd = h->watch_fd < 0 ? h->watch_fd : netlink_socket(0, false);
    if (h->ask_fd < 0)
        return h->ask_fd;
    h->probe_fd[0] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    h->probe_fd[1] = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    h->watch_ev = event_new(h->base, h->watch_fd, EV_READ | EV_PERSIST, on_readable, h);
    h->ask_ev = event_new(h->base, h->ask_fd, EV_READ | EV_PERSIST, on_readable, h);
    h->tick_ev = event_new(h->base, -1, EV_PERSIST, on_tick, h);
    if (!h->watch_ev || !h->ask_ev || !h->tick_ev || event_add(h->watch_ev, NULL) < 0 ||
        event_add(h->ask_ev, NULL) < 0 || event_add(h->tick_ev, &tick) < 0)
        return -ENOMEM;
    return 0;
}

int hops_new(struct event_base *base, struct kernel *kernel, const struct hops_fake *fake,
             struct hops **out)
{
    struct hops *h = calloc(1, sizeof(*h));
    int r = -ENOMEM;

    if (!h)
        return -ENOMEM;
    h->base = base;
    h->kernel = kernel;
    h->fake = fake;
    h->ask_fd = h->watch_fd = h->probe_fd[0] = h->probe_fd[1] = -1;
    h->next = 1;
    ident_random(&h->owner, sizeof(h->owner));
    h->owner |= 1;
    h->now_ms = clock_now_ns() / 1000000;
    LIST_INIT(&h->all);
    TAILQ_INIT(&h->dirty);
    if (htab_init(&h->dests, 256) < 0 || htab_init(&h->neighs, 256) < 0 ||
        htab_init(&h->links, 64) < 0 || (r = fake ? 0 : listen_to_kernel(h)) < 0) {
        hops_free(h);
        return r;
    }
    ask_links(h);
    *out = h;
    return 0;
}

static bool free_link(struct htab_node *n, void *arg)
{
    struct hops *h = arg;

    htab_del(&h->links, n);
    free(container_of(n, struct link, node));
    return true;
}

static void close_all(struct hops *h)
{
    struct event *const events[] = {h->ask_ev, h->watch_ev, h->tick_ev};
    const int fds[] = {h->ask_fd, h->watch_fd, h->probe_fd[0], h->probe_fd[1]};

    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        if (events[i])
            event_free(events[i]);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

void hops_free(struct hops *h)
{
    if (!h)
        return;
    close_all(h);
    for (uint32_t i = 0; i < HOPS_MAX; i++)
        if (h->at[i])
            drop_dest(h, h->at[i]);
    if (h->links.bucket)
        htab_each(&h->links, free_link, h);
    htab_fini(&h->dests);
    htab_fini(&h->neighs);
    htab_fini(&h->links);
    free(h);
}

void hops_count(const struct hops *h, struct hops_counts *out)
{
    *out = h->n;
}
