/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UDP, IP and Ethernet headers (RFC 768, RFC 791, RFC 8200, IEEE 802.1Q). The steered form calls it for each packet.
 * It knows no sockets.
 */
#include "relay/frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

#define TTL       64 /* RFC 1700; nobody's default is higher who is routed at all */
#define HOP_TRIES 4U /* writing takes some stores: longer means that the writer was interrupted */

/* One's complement sum of 32 bit words, not folded; any length. */
static uint64_t sum(const uint8_t *p, uint32_t len)
{
    uint64_t s = 0;
    uint32_t w;

    for (; len >= 4; p += 4, len -= 4) {
        memcpy(&w, p, 4);
        s += w;
    }
    if (len > 0) {
        w = 0;
        memcpy(&w, p, len);
        s += w;
    }
    return s;
}

static uint16_t fold(uint64_t s)
{
    s = (s >> 32) + (s & 0xffffffffU);
    s = (s >> 16) + (s & 0xffffU);
    s = (s >> 16) + (s & 0xffffU);
    s = (s >> 16) + (s & 0xffffU);
    return (uint16_t)~s;
}

static struct udphdr *put_udp(uint8_t *data, uint32_t len, const struct addr *src,
                              const struct addr *dst)
{
    struct udphdr *u = (struct udphdr *)(void *)(data - sizeof(*u));
    uint32_t ip_len = src->family == 6 ? 16 : 4;
    uint64_t s;

    u->source = htons(src->port);
    u->dest = htons(dst->port);
    u->len = htons((uint16_t)(len + sizeof(*u)));
    u->check = 0;
    s = sum((const uint8_t *)u, (uint32_t)sizeof(*u) + len) + sum(src->ip, ip_len) +
        sum(dst->ip, ip_len) + u->len + htons(IPPROTO_UDP);
    u->check = fold(s);
    /* 0 says that there is none */
    if (u->check == 0)
        u->check = 0xffff;
    return u;
}

uint8_t *frame_ip(uint8_t *data, uint32_t len, const struct addr *src, const struct addr *dst,
                  uint8_t dscp, uint16_t id)
{
    struct udphdr *u = put_udp(data, len, src, dst);
    uint32_t udp_len = len + (uint32_t)sizeof(*u);
    bool is_atomic = udp_len + sizeof(struct iphdr) <= FRAME_ATOMIC;

    if (src->family == 6) {
        struct ip6_hdr *h = (struct ip6_hdr *)(void *)((uint8_t *)u - sizeof(*h));

        h->ip6_flow = htonl(6U << 28 | (uint32_t)dscp << 22);
        h->ip6_plen = htons((uint16_t)udp_len);
        h->ip6_nxt = IPPROTO_UDP;
        h->ip6_hlim = TTL;
        memcpy(&h->ip6_src, src->ip, 16);
        memcpy(&h->ip6_dst, dst->ip, 16);
        return (uint8_t *)h;
    } else {
        struct iphdr *h = (struct iphdr *)(void *)((uint8_t *)u - sizeof(*h));

        *h = (struct iphdr){.version = 4, .ihl = 5, .ttl = TTL, .protocol = IPPROTO_UDP};
        h->tos = (uint8_t)(dscp << 2);
        h->tot_len = htons((uint16_t)(udp_len + sizeof(*h)));
        h->frag_off = htons(is_atomic ? IP_DF : 0);
        h->id = htons(is_atomic ? 0 : id);
        memcpy(&h->saddr, src->ip, 4);
        memcpy(&h->daddr, dst->ip, 4);
        h->check = fold(sum((const uint8_t *)h, sizeof(*h)));
        return (uint8_t *)h;
    }
}

uint8_t *frame_ethernet(uint8_t *ip, uint8_t family, const struct hop *hop)
{
    uint16_t type = htons(family == 6 ? ETH_P_IPV6 : ETH_P_IP);
    uint16_t tagged = htons(ETH_P_8021Q);
    uint8_t *p = ip - 2;

    memcpy(p, &type, 2);
    if (hop->vlan) {
        memcpy(p - 2, &hop->vlan, 2);
        memcpy(p - 4, &tagged, 2);
        p -= 4;
    }
    memcpy(p - 6, hop->smac, 6);
    memcpy(p - 12, hop->dmac, 6);
    return p - 12;
}

bool frame_hop(const struct hop *h, struct hop *out)
{
    const uint32_t *from = (const uint32_t *)(const void *)h;
    uint32_t word[sizeof(*h) / 4];
    uint32_t before;

    for (unsigned i = 0; i < HOP_TRIES; i++) {
        before = __atomic_load_n(&h->serial, __ATOMIC_ACQUIRE);
        for (unsigned k = 0; k < sizeof(*h) / 4; k++)
            word[k] = __atomic_load_n(&from[k], __ATOMIC_RELAXED);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (before % 2 || __atomic_load_n(&h->serial, __ATOMIC_RELAXED) != before)
            continue;
        memcpy(out, word, sizeof(*out));
        return out->ifindex != 0;
    }
    return false;
}
