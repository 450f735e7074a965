/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing and reading rtnetlink. What the kernel says is taken with its lengths checked, for a test's messages and a fuzzer's.
 * hops.c and its tests call it; it sends and remembers nothing.
 */
#include "relay/hops_msg.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <string.h>

#define ATTRS_MAX 64U /* of a message; we look at none above IFLA_LINKINFO = 18, RTA_ENCAP = 22 */

/* --- requests ---------------------------------------------------------------------------------------------------------- */

static void *begin(uint8_t *buf, uint16_t type, uint16_t flags, uint32_t seq, size_t body)
{
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;

    memset(buf, 0, HOPS_MSG_MAX);
    h->nlmsg_len = (uint32_t)NLMSG_LENGTH(body);
    h->nlmsg_type = type;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    h->nlmsg_seq = seq;
    return NLMSG_DATA(h);
}

static void add(uint8_t *buf, uint16_t type, const void *value, size_t len)
{
    struct nlmsghdr *h = (struct nlmsghdr *)(void *)buf;
    struct rtattr *a = (struct rtattr *)(void *)(buf + NLMSG_ALIGN(h->nlmsg_len));

    a->rta_type = type;
    a->rta_len = (uint16_t)RTA_LENGTH(len);
    memcpy(RTA_DATA(a), value, len);
    h->nlmsg_len = (uint32_t)(NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static size_t length(const uint8_t *buf)
{
    return ((const struct nlmsghdr *)(const void *)buf)->nlmsg_len;
}

static uint8_t af_of(const struct addr *a)
{
    return a->family == 6 ? AF_INET6 : AF_INET;
}

static size_t ip_len(const struct addr *a)
{
    return a->family == 6 ? 16 : 4;
}

size_t hops_msg_links(uint8_t *buf, uint32_t seq)
{
    struct ifinfomsg *m = begin(buf, RTM_GETLINK, NLM_F_DUMP, seq, sizeof(*m));

    m->ifi_family = AF_UNSPEC;
    return length(buf);
}

size_t hops_msg_neigh(uint8_t *buf, uint32_t seq, uint32_t ifindex, const struct addr *ip)
{
    struct ndmsg *m = begin(buf, RTM_GETNEIGH, 0, seq, sizeof(*m));

    m->ndm_family = af_of(ip);
    m->ndm_ifindex = (int)ifindex;
    add(buf, NDA_DST, ip->ip, ip_len(ip));
    return length(buf);
}

size_t hops_msg_route(uint8_t *buf, uint32_t seq, const struct addr *src, const struct addr *dst,
                      uint32_t device)
{
    struct rtmsg *m = begin(buf, RTM_GETROUTE, 0, seq, sizeof(*m));

    m->rtm_family = af_of(dst);
    m->rtm_dst_len = (uint8_t)(ip_len(dst) * 8);
    add(buf, RTA_DST, dst->ip, ip_len(dst));
    if (src->family == dst->family) {
        m->rtm_src_len = m->rtm_dst_len;
        add(buf, RTA_SRC, src->ip, ip_len(src));
    }
    if (device)
        add(buf, RTA_OIF, &device, sizeof(device));
    return length(buf);
}

/* --- answers ----------------------------------------------------------------------------------------------------------- */

struct attrs {
    const struct rtattr *at[ATTRS_MAX];
};

static void read_attrs(const void *from, size_t len, struct attrs *out)
{
    const struct rtattr *a = from;

    memset(out, 0, sizeof(*out));
    while (len >= sizeof(*a) && a->rta_len >= sizeof(*a) && a->rta_len <= len) {
        unsigned type = a->rta_type & (unsigned)NLA_TYPE_MASK;
        size_t step = RTA_ALIGN(a->rta_len);

        if (type < ATTRS_MAX)
            out->at[type] = a;
        if (step >= len)
            break;
        a = (const struct rtattr *)(const void *)((const uint8_t *)a + step);
        len -= step;
    }
}

static size_t attr_len(const struct rtattr *a)
{
    return a ? a->rta_len - RTA_LENGTH(0) : 0;
}

static uint32_t attr_u32(const struct rtattr *a)
{
    uint32_t v = 0;

    if (attr_len(a) >= sizeof(v))
        memcpy(&v, RTA_DATA(a), sizeof(v));
    return v;
}

static uint16_t attr_u16(const struct rtattr *a)
{
    uint16_t v = 0;

    if (attr_len(a) >= sizeof(v))
        memcpy(&v, RTA_DATA(a), sizeof(v));
    return v;
}

static bool attr_mac(const struct rtattr *a, uint8_t mac[6])
{
    if (attr_len(a) != 6)
        return false;
    memcpy(mac, RTA_DATA(a), 6);
    return true;
}

static bool attr_ip(const struct rtattr *a, uint8_t af, struct addr *out)
{
    memset(out, 0, sizeof(*out));
    if (attr_len(a) != (af == AF_INET6 ? 16U : 4U))
        return false;
    out->family = af == AF_INET6 ? 6 : 4;
    memcpy(out->ip, RTA_DATA(a), attr_len(a));
    return true;
}

/* Devices that have no ndo_xdp_xmit, as far as their kind says; of the rest, refused frames will tell. */
static bool is_other_kind(const char *kind, size_t len)
{
    static const char *const none[] = {"bridge", "macvlan", "macvtap", "ipvlan",
                                       "vrf",    "team",    "dummy"};

    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        if (strnlen(kind, len) == strlen(none[i]) && memcmp(kind, none[i], strlen(none[i])) == 0)
            return true;
    return false;
}

static void read_kind(const struct rtattr *info, struct hops_link *l)
{
    struct attrs a, data;
    const struct rtattr *kind;

    if (!info)
        return;
    read_attrs(RTA_DATA(info), attr_len(info), &a);
    kind = a.at[IFLA_INFO_KIND];
    if (!kind)
        return;
    l->is_other = is_other_kind(RTA_DATA(kind), attr_len(kind));
    if (attr_len(kind) < 4 || memcmp(RTA_DATA(kind), "vlan", 4) != 0 || !a.at[IFLA_INFO_DATA])
        return;
    read_attrs(RTA_DATA(a.at[IFLA_INFO_DATA]), attr_len(a.at[IFLA_INFO_DATA]), &data);
    if (attr_u16(data.at[IFLA_VLAN_PROTOCOL]) == htons(0x8100))
        l->vlan = attr_u16(data.at[IFLA_VLAN_ID]);
    else
        l->is_ethernet = false; /* 802.1ad: not ours to write */
}

static void read_link(const struct nlmsghdr *h, struct hops_msg *out)
{
    const struct ifinfomsg *m = NLMSG_DATA(h);
    struct hops_link *l = &out->link;
    struct attrs a;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return;
    read_attrs(IFLA_RTA(m), IFLA_PAYLOAD(h), &a);
    out->kind = HOPS_LINK;
    l->ifindex = (uint32_t)m->ifi_index;
    l->is_up = (m->ifi_flags & IFF_UP) && (m->ifi_flags & IFF_RUNNING);
    l->is_ethernet = m->ifi_type == ARPHRD_ETHER && !(m->ifi_flags & IFF_NOARP) &&
                     attr_mac(a.at[IFLA_ADDRESS], l->mac);
    l->mtu = attr_u32(a.at[IFLA_MTU]);
    l->parent = attr_u32(a.at[IFLA_LINK]);
    read_kind(a.at[IFLA_LINKINFO], l);
}

static void read_neigh(const struct nlmsghdr *h, struct hops_neigh *n, bool *is_one)
{
    const struct ndmsg *m = NLMSG_DATA(h);
    struct attrs a;

    *is_one = false;
    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
        return;
    read_attrs((const uint8_t *)m + NLMSG_ALIGN(sizeof(*m)),
               h->nlmsg_len - NLMSG_LENGTH(sizeof(*m)), &a);
    if ((m->ndm_family != AF_INET && m->ndm_family != AF_INET6) || (m->ndm_flags & NTF_PROXY) ||
        !attr_ip(a.at[NDA_DST], m->ndm_family, &n->ip))
        return;
    *is_one = true;
    n->ifindex = (uint32_t)m->ndm_ifindex;
    n->is_usable =
        (m->ndm_state & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE | NUD_PERMANENT)) &&
        attr_mac(a.at[NDA_LLADDR], n->mac);
    n->is_stale = (m->ndm_state & NUD_STALE) != 0;
}

static void read_route(const struct nlmsghdr *h, struct hops_msg *out)
{
    const struct rtmsg *m = NLMSG_DATA(h);
    struct hops_route *r = &out->route;
    struct attrs a, metrics;
    struct addr any = {.family = m->rtm_family == AF_INET6 ? 6 : 4};

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) ||
        (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
        return;
    read_attrs(RTM_RTA(m), RTM_PAYLOAD(h), &a);
    out->kind = HOPS_ROUTE;
    r->bits = m->rtm_dst_len;
    if (!attr_ip(a.at[RTA_DST], m->rtm_family, &r->dst))
        r->dst = any;
    r->oif = attr_u32(a.at[RTA_OIF]);
    r->is_plain = m->rtm_type == RTN_UNICAST && r->oif != 0 && !a.at[RTA_ENCAP];
    if (!attr_ip(a.at[RTA_GATEWAY], m->rtm_family, &r->via) && attr_len(a.at[RTA_VIA]) > 2) {
        const struct rtvia *via = RTA_DATA(a.at[RTA_VIA]);

        r->is_plain &= via->rtvia_family == AF_INET6 && attr_len(a.at[RTA_VIA]) == 18;
        if (r->is_plain) {
            r->via.family = 6;
            memcpy(r->via.ip, via->rtvia_addr, 16);
        }
    }
    if (a.at[RTA_METRICS]) {
        read_attrs(RTA_DATA(a.at[RTA_METRICS]), attr_len(a.at[RTA_METRICS]), &metrics);
        r->mtu = attr_u32(metrics.at[RTAX_MTU]);
    }
}

static void read_error(const struct nlmsghdr *h, struct hops_msg *out)
{
    const struct nlmsgerr *e = NLMSG_DATA(h);
    struct nlmsghdr asked;
    bool is_one;

    if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*e)))
        return;
    out->kind = HOPS_ERROR;
    out->error = e->error;
    /* the request is repeated behind it, in whole */
    memcpy(&asked, &e->msg, sizeof(asked));
    if (asked.nlmsg_type == RTM_GETNEIGH &&
        asked.nlmsg_len <= h->nlmsg_len - NLMSG_LENGTH(sizeof(int)))
        read_neigh(&e->msg, &out->neigh, &is_one);
}

bool hops_msg_next(const uint8_t *buf, size_t len, size_t *at, struct hops_msg *out)
{
    const struct nlmsghdr *h;
    bool is_one = false;

    if (*at >= len || len - *at < sizeof(*h))
        return false;
    h = (const struct nlmsghdr *)(const void *)(buf + *at);
    if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len - *at)
        return false;
    *at += NLMSG_ALIGN(h->nlmsg_len);
    memset(out, 0, sizeof(*out));
    out->seq = h->nlmsg_seq;
    out->is_gone = h->nlmsg_type == RTM_DELLINK || h->nlmsg_type == RTM_DELNEIGH ||
                   h->nlmsg_type == RTM_DELROUTE;
    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK: read_link(h, out); break;
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
        read_neigh(h, &out->neigh, &is_one);
        out->kind = is_one ? HOPS_NEIGH : HOPS_OTHER;
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE: read_route(h, out); break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
    case RTM_NEWRULE:
    case RTM_DELRULE:
    case RTM_NEWNEXTHOP:
    case RTM_DELNEXTHOP: out->kind = HOPS_RULES; break;
    case NLMSG_ERROR: read_error(h, out); break;
    default: break;
    }
    return true;
}
