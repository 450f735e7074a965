/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A packet's new headers: Ethernet, 802.1Q, IPv4, IPv6, UDP and their checksums. The caller has made room for them.
 * For relay.bpf.c; what is written comes from the line and the next hop.
 */
#ifndef RELAY_BPF_REWRITE_H
#define RELAY_BPF_REWRITE_H

#include "relay/bpf/packet.h"

/* Sums of 32-bit words, as many as one likes; ones' complement does not mind the order of bytes (RFC 1071). */
static __always_inline __u16 fold(__u64 s)
{
    s = (s & 0xffff) + (s >> 16 & 0xffff) + (s >> 32 & 0xffff);
    s = (s & 0xffff) + (s >> 16);
    return (__u16)((s & 0xffff) + (s >> 16));
}

static __always_inline __u64 sum16(const void *ip)
{
    const __u32 *w = ip;

    return (__u64)w[0] + w[1] + w[2] + w[3];
}

static __always_inline __u64 minus16(const void *ip)
{
    const __u32 *w = ip;

    return (__u64)(__u32)~w[0] + (__u32)~w[1] + (__u32)~w[2] + (__u32)~w[3];
}

/* What leaves the sum and what enters it with the addresses; of the pseudo header all else is the same in both families. */
static __always_inline __u64 address_change(const struct packet *p, bool is_out6)
{
    const struct line *l = p->line;
    __u64 s;

    if (p->is_6) {
        const struct ipv6hdr *ip = p->data + p->l3;

        s = minus16(&ip->saddr) + minus16(&ip->daddr);
    } else {
        const struct iphdr *ip = p->data + p->l3;

        s = (__u64)(__u32)~ip->saddr + (__u32)~ip->daddr;
    }
    if (is_out6)
        return s + sum16(l->by_ip6) + sum16(l->to_ip6);
    return s + l->by_ip + l->to_ip;
}

static __always_inline __u64 port_change(const struct udphdr *udp, const struct line *l)
{
    return (__u64)(__u16)~udp->source + (__u16)~udp->dest + l->by_port + l->to_port;
}

/* UDP over IPv4 may lack a checksum, over IPv6 it may not (RFC 8200 §8.1): made of the whole datagram, which ends at end. */
static __always_inline __u16 whole_sum(const struct udphdr *udp, const void *end, __u64 addresses)
{
    const __u8 *at = (const __u8 *)udp;
    __u64 s = addresses + bpf_htons(IPPROTO_UDP) + udp->len; /* the pseudo header's length */
    __u16 sum;

    for (__u32 i = 0; i < SUM_MAX / 4; i++) {
        if ((void *)(at + 4) > end)
            break;
        s += *(const __u32 *)at;
        at += 4;
    }
    if ((void *)(at + 2) <= end) {
        s += *(const __u16 *)at;
        at += 2;
    }
    if ((void *)(at + 1) <= end)
        s += bpf_htons((__u16)(*at << 8));
    sum = (__u16)~fold(s);
    return sum ? sum : 0xffff;
}

/* TOS and TTL change with the addresses, the rest of the header stays. RFC 1624 */
static __always_inline void rewrite_ip4(struct iphdr *ip, const struct packet *p, __u64 change)
{
    __u16 *first = (__u16 *)ip;
    __u16 *life = (__u16 *)&ip->ttl;
    __u64 s = (__u16)~ip->check + change + (__u16) ~*first + (__u16) ~*life;

    ip->tos = (__u8)(p->line->tos | (p->tos & 3));
    ip->ttl = TTL;
    ip->saddr = p->line->by_ip;
    ip->daddr = p->line->to_ip;
    ip->check = (__u16)~fold(s + *first + *life);
}

static __always_inline void write_ip4(struct iphdr *ip, const struct packet *p)
{
    __u32 len = p->ip_len - sizeof(struct ipv6hdr) + sizeof(*ip);
    const __u16 *w = (const __u16 *)ip;

    *(__u8 *)ip = 0x45;
    ip->tos = (__u8)(p->line->tos | (p->tos & 3));
    ip->tot_len = bpf_htons((__u16)len);
    ip->id = 0; /* RFC 6864: of no meaning where nobody may fragment */
    ip->frag_off = bpf_htons(DONT_FRAG);
    ip->ttl = TTL;
    ip->protocol = IPPROTO_UDP;
    ip->check = 0;
    ip->saddr = p->line->by_ip;
    ip->daddr = p->line->to_ip;
    ip->check = (__u16)~fold((__u64)w[0] + w[1] + w[2] + w[3] + w[4] + ip->saddr + ip->daddr);
}

/* payload_len and next header are in place where it was IPv6 before */
static __always_inline void rewrite_ip6(struct ipv6hdr *ip, const struct packet *p)
{
    const __u32 *by = (const __u32 *)p->line->by_ip6;
    const __u32 *to = (const __u32 *)p->line->to_ip6;
    __u32 *s = ip->saddr.in6_u.u6_addr32;
    __u32 *d = ip->daddr.in6_u.u6_addr32;

    *(__u32 *)ip = bpf_htonl(6U << 28 | (__u32)(p->line->tos | (p->tos & 3)) << 20);
    ip->hop_limit = TTL;
    s[0] = by[0], s[1] = by[1], s[2] = by[2], s[3] = by[3];
    d[0] = to[0], d[1] = to[1], d[2] = to[2], d[3] = to[3];
}

static __always_inline void write_ip6(struct ipv6hdr *ip, const struct packet *p)
{
    ip->payload_len = bpf_htons((__u16)(p->ip_len - sizeof(struct iphdr)));
    ip->nexthdr = IPPROTO_UDP;
    rewrite_ip6(ip, p);
}

/* Ethernet, the tag, and IP where the family changes; data begins where the frame will. */
static __always_inline bool write_head(void *data, void *end, const struct packet *p, bool is_out6)
{
    __u32 *mac = data;
    __be16 *proto = data + 2 * ETH_ALEN;

    if (data + ETH_HLEN + TAG + sizeof(struct iphdr) > end)
        return false;
    mac[0] = p->mac[0];
    mac[1] = p->mac[1];
    mac[2] = p->mac[2];
    if (p->vlan) {
        proto[0] = bpf_htons(ETH_P_8021Q);
        proto[1] = p->vlan;
        proto += 2;
    }
    *proto = is_out6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP);
    if (is_out6 == (p->is_6 != 0))
        return true;
    if (!is_out6) {
        write_ip4((void *)(proto + 1), p);
        return true;
    }
    if ((void *)(proto + 1) + sizeof(struct ipv6hdr) > end)
        return false;
    write_ip6((void *)(proto + 1), p);
    return true;
}

/* UDP's ports and, unless the caller does that, its checksum; and IP where it stays what it is. */
static __always_inline bool rewrite(const struct packet *p, bool is_out6, bool is_sum_mine)
{
    void *l3 = p->data + p->l3;
    struct udphdr *udp;
    __u64 addresses;

    udp = l3 + (p->is_6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
    if ((void *)(udp + 1) > p->end)
        return false;
    addresses = address_change(p, is_out6);
    if (udp->check && is_sum_mine) {
        __u16 sum = (__u16)~fold((__u16)~udp->check + addresses + port_change(udp, p->line));

        udp->check = sum ? sum : 0xffff;
        udp->source = p->line->by_port;
        udp->dest = p->line->to_port;
    } else {
        udp->source = p->line->by_port;
        udp->dest = p->line->to_port;
        if (is_out6 && is_sum_mine)
            udp->check = whole_sum(udp, p->end, sum16(p->line->by_ip6) + sum16(p->line->to_ip6));
    }
    if (p->is_6 && is_out6)
        rewrite_ip6(l3, p);
    else if (!p->is_6 && !is_out6)
        rewrite_ip4(l3, p, addresses);
    return true;
}

static __always_inline int unsent(struct line *l)
{
    l->unsent++;
    count(WHY_REDIRECT);
    return DROP;
}

#endif
