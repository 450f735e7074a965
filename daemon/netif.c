/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces of this network namespace, by rtnetlink: what they are, which is below a VLAN, which has an address.
 * media_setup.c and doctor.c ask; it changes nothing and needs no privilege.
 */
#include "daemon/netif.h"

#include <errno.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define ANSWER_BYTES 65536U /* the kernel's dumps come in pieces of at most 32 KiB */
#define VLANS_DEEP   4U     /* VLANs upon each other; more is a loop */
#define ANSWER_S     5      /* the kernel answers at once */

static const void *rta_data(const struct rtattr *a)
{
    return RTA_DATA((uintptr_t)a);
}

static void copy_text(char *to, size_t size, const struct rtattr *a)
{
    snprintf(to, size, "%.*s", (int)RTA_PAYLOAD(a), (const char *)rta_data(a));
}

static uint32_t get_u32(const struct rtattr *a)
{
    uint32_t v = 0;

    if (RTA_PAYLOAD(a) >= sizeof(v))
        memcpy(&v, rta_data(a), sizeof(v));
    return v;
}

#define EACH_ATTR(a, first, bytes)                                                            \
    for (const struct rtattr *a = (first), *end_ = (const void *)((const char *)a + (bytes)); \
         a < end_ && RTA_OK(a, (const char *)end_ - (const char *)a);                         \
         a = (const void *)((const char *)a + RTA_ALIGN(a->rta_len)))

static void parse_xdp(struct netif *i, const struct rtattr *nest)
{
    uint8_t mode = 0;

    EACH_ATTR(a, rta_data(nest), RTA_PAYLOAD(nest))
    {
        if (a->rta_type == IFLA_XDP_ATTACHED)
            mode = *(const uint8_t *)rta_data(a);
        else if (a->rta_type == IFLA_XDP_PROG_ID || a->rta_type == IFLA_XDP_DRV_PROG_ID ||
                 (a->rta_type == IFLA_XDP_SKB_PROG_ID && !i->xdp_prog))
            i->xdp_prog = get_u32(a);
    }
    i->xdp = mode == XDP_ATTACHED_SKB  ? NETIF_XDP_GENERIC
             : mode == XDP_ATTACHED_HW ? NETIF_XDP_OFFLOAD
             : mode                    ? NETIF_XDP_NATIVE
                                       : NETIF_XDP_NONE;
}

static void parse_attr(struct netif *i, const struct rtattr *a)
{
    switch (a->rta_type) {
    case IFLA_IFNAME: copy_text(i->name, sizeof(i->name), a); break;
    case IFLA_MTU: i->mtu = get_u32(a); break;
    case IFLA_LINK: i->parent = get_u32(a); break;
    case IFLA_XDP: parse_xdp(i, a); break;
    case IFLA_LINKINFO:
        EACH_ATTR(b, rta_data(a), RTA_PAYLOAD(a))
        {
            if (b->rta_type == IFLA_INFO_KIND)
                copy_text(i->kind, sizeof(i->kind), b);
        }
        break;
    default: break;
    }
}

static int add(struct netifs *s, const struct nlmsghdr *h)
{
    const struct ifinfomsg *m = NLMSG_DATA((uintptr_t)h);
    struct netif *v, *i;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || s->n == NETIF_MAX)
        return 0;
    v = realloc(s->v, (s->n + 1) * sizeof(*v));
    if (!v)
        return -ENOMEM;
    s->v = v;
    i = &v[s->n];
    memset(i, 0, sizeof(*i));
    i->ifindex = (uint32_t)m->ifi_index;
    i->is_up = (m->ifi_flags & IFF_UP) != 0;
    i->is_loopback = (m->ifi_flags & IFF_LOOPBACK) != 0;
    EACH_ATTR(a, IFLA_RTA((uintptr_t)m), h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)))
    {
        parse_attr(i, a);
    }
    if (strcmp(i->kind, "vlan") != 0)
        i->parent = 0; /* a veth's IFLA_LINK is its peer */
    s->n++;
    return 1;
}

int netifs_parse(struct netifs *s, const void *buf, size_t len, bool *is_end)
{
    const struct nlmsghdr *h = buf;
    int n = 0, err;

    *is_end = false;
    for (; len >= sizeof(*h) && h->nlmsg_len >= sizeof(*h) && h->nlmsg_len <= len;
         len -= NLMSG_ALIGN(h->nlmsg_len) < len ? NLMSG_ALIGN(h->nlmsg_len) : len,
         h = (const void *)((const char *)h + NLMSG_ALIGN(h->nlmsg_len))) {
        if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
            *is_end = true;
            return h->nlmsg_type == NLMSG_ERROR ? -EIO : n;
        }
        if (h->nlmsg_type != RTM_NEWLINK)
            continue;
        err = add(s, h);
        if (err < 0)
            return err;
        n += err;
    }
    return n;
}

static int ask_links(int fd)
{
    struct {
        struct nlmsghdr h;
        struct ifinfomsg m;
    } q = {.h = {.nlmsg_len = sizeof(q),
                 .nlmsg_type = RTM_GETLINK,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    struct timeval limit = {.tv_sec = ANSWER_S};

    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
        return -errno;
    return send(fd, &q, sizeof(q), 0) == (ssize_t)sizeof(q) ? 0 : -errno;
}

int netifs_read(struct netifs *out)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    char *buf = malloc(ANSWER_BYTES);
    bool is_end = false;
    int err;

    memset(out, 0, sizeof(*out));
    err = fd < 0 ? -errno : buf ? ask_links(fd) : -ENOMEM;
    while (err >= 0 && !is_end) {
        ssize_t n = recv(fd, buf, ANSWER_BYTES, 0);

        err = n < 0 ? -errno : netifs_parse(out, buf, (size_t)n, &is_end);
    }
    free(buf);
    if (fd >= 0)
        close(fd);
    return err < 0 ? err : 0;
}

void netifs_fini(struct netifs *s)
{
    free(s->v);
    memset(s, 0, sizeof(*s));
}

const struct netif *netifs_find(const struct netifs *s, uint32_t ifindex)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (s->v[i].ifindex == ifindex)
            return &s->v[i];
    }
    return NULL;
}

const struct netif *netifs_named(const struct netifs *s, const char *name)
{
    for (unsigned i = 0; i < s->n; i++) {
        if (strcmp(s->v[i].name, name) == 0)
            return &s->v[i];
    }
    return NULL;
}

const struct netif *netifs_below(const struct netifs *s, const struct netif *i)
{
    for (unsigned deep = 0; i && strcmp(i->kind, "vlan") == 0; deep++)
        i = deep < VLANS_DEEP && i->parent ? netifs_find(s, i->parent) : NULL;
    return i;
}

static bool is_same(const struct sockaddr *sa, const struct addr *a)
{
    if (sa->sa_family == AF_INET && a->family == 4)
        return memcmp(&((const struct sockaddr_in *)(const void *)sa)->sin_addr, a->ip, 4) == 0;
    if (sa->sa_family == AF_INET6 && a->family == 6)
        return memcmp(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, a->ip, 16) == 0;
    return false;
}

uint32_t netif_of_address(const struct addr *a)
{
    struct ifaddrs *all = NULL;
    uint32_t found = 0;

    if (getifaddrs(&all) < 0)
        return 0;
    for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        if (i->ifa_addr && is_same(i->ifa_addr, a)) {
            char name[IF_NAMESIZE];

            snprintf(name, sizeof(name), "%s", i->ifa_name);
            name[strcspn(name, ":")] = 0; /* "eth0:1", an alias of old */
            found = if_nametoindex(name);
        }
    }
    freeifaddrs(all);
    return found;
}
