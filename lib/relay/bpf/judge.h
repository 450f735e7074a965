/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Whose a packet is, whether it may pass, and what it adds to its stream's counters: the same for XDP and TC.
 * For relay.bpf.c; it changes nothing in the packet. Meanings are those of lib/relay/rtp.c.
 */
#ifndef RELAY_BPF_JUDGE_H
#define RELAY_BPF_JUDGE_H

#include "relay/bpf/packet.h"

#define ANY_PORT (-1) /* any range of the address: what has no port in its place */

static __always_inline bool has_port(const struct range *r, int port)
{
    return port == ANY_PORT || (port >= r->lo && port <= r->hi);
}

static __always_inline struct range *range_of4(__u32 ip, int port)
{
    __u32 slot = range_slot4(ip);

    for (__u32 i = 0; i < RANGES_PROBES; i++) {
        __u32 key = (slot + i) & (RANGES_MAX - 1);
        struct range *r = bpf_map_lookup_elem(&ranges, &key);

        if (!r)
            return NULL;
        if (*(__u32 *)r->ip == ip && r->family == 4 && has_port(r, port))
            return r;
    }
    return NULL;
}

static __always_inline struct range *range_of6(const __u32 ip[4], int port)
{
    __u32 slot = range_slot6(ip);

    for (__u32 i = 0; i < RANGES_PROBES; i++) {
        __u32 key = (slot + i) & (RANGES_MAX - 1);
        struct range *r = bpf_map_lookup_elem(&ranges, &key);
        __u32 *have;

        if (!r)
            return NULL;
        have = (__u32 *)r->ip;
        if (have[0] == ip[0] && have[1] == ip[1] && have[2] == ip[2] && have[3] == ip[3] &&
            r->family == 6 && has_port(r, port))
            return r;
    }
    return NULL;
}

static __always_inline struct line *line_of(const struct range *r, __u16 port)
{
    __u32 key = range_line(r, port);

    return bpf_map_lookup_elem(&lines, &key);
}

/* The UDP header of an IPv4 packet to one of our ports, or NULL: the IP stack's. */
static __always_inline struct udphdr *parse4(struct packet *p, struct range **r)
{
    struct iphdr *ip = p->data + p->l3;
    struct udphdr *udp = (void *)(ip + 1);

    if ((void *)(udp + 1) > p->end || ip->protocol != IPPROTO_UDP)
        return NULL;
    if (*(__u8 *)ip != 0x45 || (ip->frag_off & bpf_htons(FRAG_MASK))) {
        if (range_of4(ip->daddr, ANY_PORT))
            count(*(__u8 *)ip != 0x45 ? WHY_OPTIONS : WHY_FRAGMENT);
        return NULL;
    }
    *r = range_of4(ip->daddr, bpf_ntohs(udp->dest));
    p->ip_len = bpf_ntohs(ip->tot_len);
    p->tos = ip->tos;
    return udp;
}

static __always_inline bool is_extension(__u8 next)
{
    return next == IPPROTO_FRAGMENT || next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS ||
           next == IPPROTO_ROUTING;
}

static __always_inline struct udphdr *parse6(struct packet *p, struct range **r)
{
    struct ipv6hdr *ip = p->data + p->l3;
    struct udphdr *udp = (void *)(ip + 1);

    if ((void *)(udp + 1) > p->end || *(__u8 *)ip >> 4 != 6)
        return NULL;
    if (ip->nexthdr != IPPROTO_UDP) {
        if (is_extension(ip->nexthdr) && range_of6(ip->daddr.in6_u.u6_addr32, ANY_PORT))
            count(ip->nexthdr == IPPROTO_FRAGMENT ? WHY_FRAGMENT : WHY_OPTIONS);
        return NULL;
    }
    *r = range_of6(ip->daddr.in6_u.u6_addr32, bpf_ntohs(udp->dest));
    p->ip_len = sizeof(*ip) + bpf_ntohs(ip->payload_len);
    p->tos = (__u8)(bpf_ntohs(*(__u16 *)ip) >> 4);
    return udp;
}

static __always_inline bool is_from_party(const struct packet *p, const struct udphdr *udp)
{
    const struct line *l = p->line;

    if (udp->source != l->from_port)
        return false;
    if (p->is_6) {
        const __u32 *have = ((struct ipv6hdr *)(p->data + p->l3))->saddr.in6_u.u6_addr32;
        const __u32 *want = (const __u32 *)l->from_ip6;

        return have[0] == want[0] && have[1] == want[1] && have[2] == want[2] && have[3] == want[3];
    }
    return ((struct iphdr *)(p->data + p->l3))->saddr == l->from_ip;
}

/* RFC 7983: STUN's first byte is 0..3 */
static __always_inline bool is_stun(const struct packet *p, const struct udphdr *udp)
{
    const __u8 *first = (const __u8 *)(udp + 1);

    return (p->line->flags & LINE_ICE) && (void *)(first + 1) <= p->end && *first < 4;
}

/* A stream of the program's has been found if it says SEND; that the packet is one of it is still to be seen. */
static __always_inline enum verdict locate(struct packet *p, struct udphdr **out)
{
    struct ethhdr *eth = p->data;
    struct range *r = NULL;
    struct udphdr *udp;
    __be16 proto;
    __u8 state;

    if (p->data + ETH_HLEN + TAG > p->end)
        return PASS;
    proto = eth->h_proto;
    p->l3 = ETH_HLEN;
    if (proto == bpf_htons(ETH_P_8021Q)) {
        proto = *(__be16 *)(p->data + ETH_HLEN + 2);
        p->l3 = ETH_HLEN + TAG;
        p->is_tagged = 1;
    }
    if (proto == bpf_htons(ETH_P_IP)) {
        udp = parse4(p, &r);
    } else if (proto == bpf_htons(ETH_P_IPV6)) {
        p->is_6 = 1;
        udp = parse6(p, &r);
    } else {
        return PASS;
    }
    /* for a group of hosts: not what a party sends */
    if (!udp || !r || (eth->h_dest[0] & 1))
        return PASS;
    p->line = line_of(r, bpf_ntohs(udp->dest));
    if (!p->line)
        return PASS;
    *out = udp;
    /* read once, before all else of the line: what was told before it was switched on is seen with it */
    state = *(volatile __u8 *)&p->line->state;
    if (state == LINE_OFF) {
        if (!r->is_own)
            return PASS;
        count(WHY_CLOSED);
        return DROP;
    }
    if ((p->line->flags & LINE_CHECK) && !is_from_party(p, udp)) {
        if (is_stun(p, udp))
            return PASS;
        __sync_fetch_and_add(&p->line->strangers, 1); /* they come on any processor */
        count(WHY_STRANGER);
        return DROP;
    }
    return state == LINE_FAST ? SEND : PASS;
}

/* --- what it says of its stream --------------------------------------------------------------------------------------- */

struct rtp {
    __u8 bits, type; /* version, padding, extension, CSRCs; marker, payload type */
    __be16 seq;
    __be32 timestamp, ssrc;
};

struct now {
    __u32 ms, units; /* units of the RTP clock */
};

/* One division: 15625 is a millisecond in 64 ns, and a remainder below it times a byte is divided exactly by a multiplication. */
static __always_inline struct now now_of(__u8 khz)
{
    __u64 t = bpf_ktime_get_ns() >> 6;
    __u64 ms = t / 15625;
    __u64 rest = t - ms * 15625;

    return (struct now){(__u32)ms, (__u32)(ms * khz + ((rest * khz * 562949954ULL) >> 43))};
}

/* Version, CSRCs and extension within the length; udp_len: with its header. RFC 3550 A.1; padding is not looked at (rtp.c). */
static __always_inline bool is_rtp(const struct packet *p, const struct rtp *h, __u32 udp_len)
{
    __u32 need = sizeof(struct udphdr) + RTP_HEAD;

    if (udp_len < need || h->bits >> 6 != 2)
        return false;
    if ((h->bits & 0x1f) == 0)
        return true;
    need += (h->bits & 15U) * 4;
    if (h->bits & 0x10) {
        const __u8 *x = (const __u8 *)h + RTP_HEAD + (h->bits & 15U) * 4;

        if (udp_len < need + 4 || (void *)(x + 4) > p->end)
            return false;
        need += 4 + ((__u32)x[2] << 8 | x[3]) * 4;
    }
    return udp_len >= need;
}

/* In the line's sequence, and how far ahead; false: so far off that the relay must see it. */
static __always_inline bool is_near(const struct line *l, __u16 seq, __u32 *ahead)
{
    *ahead = (__u16)(seq - (__u16)l->max_ext);
    return *ahead < JUMP_AHEAD || *ahead > 65536 - JUMP_BACK;
}

/* rtp.c's count_seq() and came_late(), with a window of 16 */
static __always_inline void count_seq(struct line *l, __u32 ahead)
{
    __u32 back = (65536 - ahead) & 0xffff;

    if (ahead == 1) {
        l->seen_bits = (__u16)(l->seen_bits << 1 | 1);
        l->max_ext++;
    } else if (ahead > 0 && ahead < JUMP_AHEAD) {
        l->seen_bits = ahead < 16 ? (__u16)(l->seen_bits << ahead | 1) : 1;
        l->max_ext += ahead;
        l->gaps++;
    } else if (back == 0 || (back < 16 && (l->seen_bits >> back & 1))) {
        l->duplicates++;
    } else {
        if (back < 16)
            l->seen_bits |= (__u16)(1U << back);
        l->reordered++;
        if (l->max_ext - back < l->first_ext)
            l->apart++;
    }
}

/* quality_is_silence(): whether the codec is one of those that write silence so, the relay knows. */
static __always_inline __u8 quiet(const struct packet *p, const struct rtp *h)
{
    const __u64 *first = (const __u64 *)(const void *)(h + 1);
    __u64 v;

    if ((void *)(first + 1) > p->end || (h->bits & 0x1f))
        return 0;
    v = *first;
    return v == (v >> 8 | v << 56) ? LINE_QUIET : 0;
}

/* rtp.c's count_jitter() */
static __always_inline void count_jitter(struct line *l, __u32 timestamp, __u8 pt, __u32 units)
{
    __u32 transit = units - timestamp;
    __u32 d = transit - l->transit;
    bool is_same_type = (l->pt & 0x7f) == pt;

    if (is_same_type && l->timestamp == timestamp)
        return;
    if (d > 0x7fffffff)
        d = 0 - d;
    l->timestamp = timestamp;
    l->transit = transit;
    if (is_same_type && d < (__u32)l->khz * 10000) {
        l->jitter_16 += d - ((l->jitter_16 + 8) >> 4);
        if (l->jitter_16 > l->jitter_top && l->jitter_16 > l->jitter_max_16) {
            l->jitter_max_16 = l->jitter_16;
            l->jitter_top = l->jitter_16 > 0xffff ? 0xffff : (__u16)l->jitter_16;
        }
    }
}

static __always_inline void count_packet(struct line *l, __u32 bytes, __u32 ms)
{
    __u8 cpu = (__u8)bpf_get_smp_processor_id();

    l->packets++;
    l->bytes += bytes;
    l->last_ms = ms;
    if (l->cpu != cpu) {
        if (l->cpu == LINE_NO_CPU)
            l->cpu = cpu;
        else
            l->other_cpu++;
    }
}

/* The next hop at one moment, by its serial number: the relay may be writing it. Loads are not moved about on the machines we know. */
static __always_inline bool read_hop(struct packet *p, __u16 *mtu)
{
    __u32 key = p->line->hop;
    volatile struct hop *h = bpf_map_lookup_elem(&hops, &key);
    __u32 serial;

    if (!h)
        return false;
    serial = h->serial;
    p->ifindex = h->ifindex;
    p->vlan = h->vlan;
    *mtu = h->mtu;
    p->mac[0] = *(volatile __u32 *)h->dmac;
    p->mac[1] = *(volatile __u32 *)(h->dmac + 4); /* and on into smac */
    p->mac[2] = *(volatile __u32 *)(h->smac + 2);
    return p->ifindex != 0 && !(serial & 1) && !(h->flags & p->bad_hop) && h->serial == serial;
}

/* Can it go? WHY_FAST: yes. Nothing has been counted yet: if not, the relay counts it. */
static __always_inline enum why may_go(struct packet *p, const struct udphdr *udp)
{
    bool is_out6 = (p->line->flags & LINE_OUT6) != 0;
    __u32 out_len = p->ip_len;
    __u16 mtu;

    if (is_out6 && !p->is_6) {
        out_len += sizeof(struct ipv6hdr) - sizeof(struct iphdr);
        if (!udp->check && (p->ip_len > SUM_MAX || !p->is_whole))
            return WHY_SUM;
    } else if (!is_out6 && p->is_6) {
        out_len -= sizeof(struct ipv6hdr) - sizeof(struct iphdr);
    }
    if (!read_hop(p, &mtu))
        return WHY_HOP;
    return out_len > mtu ? WHY_LONG : WHY_FAST;
}

static __always_inline enum verdict take_rtp(struct packet *p, struct udphdr *udp, __u32 udp_len)
{
    struct line *l = p->line;
    struct rtp *h = (struct rtp *)(udp + 1);
    __u32 ahead = 0, ssrc;
    bool is_event, is_apart = false;
    struct now now;
    enum why w;
    __u8 pt;

    if ((void *)(h + 1) > p->end || !is_rtp(p, h, udp_len))
        return is_stun(p, udp) ? to_user(l, WHY_RTCP) : invalid(l);
    pt = h->type & 0x7f;
    /* RTCP's types, 192..223, look like a marker and 64..95 (RFC 5761 §4) */
    if (h->type >= 192 && h->type <= 223)
        return l->flags & LINE_MUX ? to_user(l, WHY_RTCP) : invalid(l);
    ssrc = bpf_ntohl(h->ssrc);
    now = now_of(l->khz);
    if (ssrc != l->ssrc) {
        if (!(l->flags & LINE_MANY)) {
            /* another processor may have been a moment ahead of this one */
            if ((__s32)(now.ms - l->last_ms) >= (__s32)SPEAKS_MS)
                return to_user(l, WHY_SSRC);
            l->ssrc_refused++;
            count(WHY_SSRC_REFUSED);
            return DROP;
        }
        is_apart = true;
    } else if (!is_near(l, bpf_ntohs(h->seq), &ahead)) {
        return to_user(l, WHY_JUMP);
    }
    is_event = pt == l->event_pt;
    w = is_event ? WHY_EVENT : may_go(p, udp);
    if (!is_event && w != WHY_FAST)
        return to_user(l, w);
    count_packet(l, udp_len - sizeof(*udp), now.ms);
    if (is_apart) {
        l->apart++;
    } else {
        count_seq(l, ahead);
        count_jitter(l, bpf_ntohl(h->timestamp), pt, now.units);
        l->pt = pt | quiet(p, h);
    }
    if (is_event) {
        l->events++;
        return to_user(l, w);
    }
    return SEND;
}

/* The whole judgement. SEND: counted, and everything that rewrite() needs is in p. */
static __always_inline enum verdict judge(struct packet *p)
{
    struct udphdr *udp = NULL;
    enum verdict v = locate(p, &udp);
    __u32 head, udp_len;
    enum why w;

    if (v != SEND || !udp)
        return v;
    udp_len = bpf_ntohs(udp->len);
    head = p->is_6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
    if (udp_len < sizeof(*udp) || p->ip_len < head + udp_len || p->l3 + p->ip_len > p->len)
        return invalid(p->line);
    if (p->ip_len > head + udp_len) /* something behind UDP: legal, and nobody's RTP */
        return to_user(p->line, WHY_OPTIONS);
    if (p->is_6 && !udp->check)
        return invalid(p->line);
    if (!(p->line->flags & LINE_OPAQUE))
        return take_rtp(p, udp, udp_len);
    if (is_stun(p, udp))
        return to_user(p->line, WHY_RTCP);
    w = may_go(p, udp);
    if (w != WHY_FAST)
        return to_user(p->line, w);
    count_packet(p->line, udp_len - sizeof(*udp), now_of(0).ms);
    return SEND;
}

#endif
