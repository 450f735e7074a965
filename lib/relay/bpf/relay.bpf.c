/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * RTP forwarded in the kernel: look a packet's port up, check it, count it, give it new headers, hand it to the next hop's device.
 * The interfaces of the media path run it (XDP or clsact); relay_maps.h is all it shares with the relay, which decides everything.
 * It knows no calls and no SDP, it allocates nothing, and whatever is odd goes to the relay by the IP stack.
 */
#include <linux/types.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <stdbool.h>
#include <stddef.h>
#include "relay/bpf/relay_maps.h"

#define TTL \
    64U /* what goes out is a new packet of a back-to-back user agent: whatever it came with */
#define FRAG_MASK 0x3fffU /* MF and the offset */
#define DONT_FRAG 0x4000U
#define RTP_HEAD  12U
#define TAG       4U    /* bytes of 802.1Q */
#define SUM_MAX   1500U /* UDP of which a missing checksum is made: an Ethernet frame */
#define TC_PULL \
    142U /* Ethernet, a tag, IPv6, UDP, RTP with 15 CSRCs and the head of its extension */

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, LINES_DEFAULT); /* the set-up sets it */
    __type(key, __u32);
    __type(value, struct line);
} lines SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, HOPS_MAX);
    __type(key, __u32);
    __type(value, struct hop);
} hops SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, RANGES_MAX);
    __type(key, __u32);
    __type(value, struct range);
} ranges SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, CPUS_MAX);
    __type(key, __u32);
    __type(value, struct why_counts);
} why SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct maps_about);
} about SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    __uint(max_entries, IFS_MAX);
    __type(key, __u32);
    __type(value, struct maps_if);
} ifs SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_SOCKMAP);
    __uint(max_entries, 2 * THREADS_MAX_BPF);
    __type(key, __u32);
    __type(value, __u64);
} socks SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, TXERR_MAX);
    __type(key, __u32);
    __type(value, __u64);
} txerr SEC(".maps");

enum verdict {
    PASS,
    DROP,
    SEND,
};

/* A packet as far as it has been read. */
struct packet {
    void *data, *end; /* the part that can be read */
    __u32 len;        /* of the frame; more than end - data where an skb is in pieces */
    __u32 l3;         /* where IP begins: 14 or 18 */
    __u32 ip_len;     /* with its header */
    __u8 is_tagged, is_6;
    __u8 is_whole; /* all of it can be read */
    __u8 tos;
    struct line *line;
    /* the next hop, as it was read at once */
    __u32 ifindex, mac[3];
    __u16 vlan;
};

static __always_inline void count(enum why w)
{
    __u32 cpu = bpf_get_smp_processor_id() & (CPUS_MAX - 1);
    struct why_counts *c = bpf_map_lookup_elem(&why, &cpu);

    if (c)
        c->n[w]++;
}

static __always_inline enum verdict to_user(struct line *l, enum why w)
{
    l->to_user++;
    count(w);
    return PASS;
}

static __always_inline enum verdict invalid(struct line *l)
{
    l->invalid++;
    count(WHY_INVALID);
    return DROP;
}

/* --- where it belongs ----------------------------------------------------------------------------------------------- */

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
    __u32 key = r->base + port - r->lo;

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
    if (p->line->state == LINE_OFF) {
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
    return p->line->state == LINE_FAST ? SEND : PASS;
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

/* rtp.c's count_jitter() */
static __always_inline void count_jitter(struct line *l, __u32 timestamp, __u8 pt, __u32 units)
{
    __u32 transit = units - timestamp;
    __u32 d = transit - l->transit;
    bool is_same_type = l->pt == pt;

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
    return p->ifindex != 0 && !(serial & 1) && h->serial == serial;
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
            if (now.ms - l->last_ms >= SPEAKS_MS)
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
        l->pt = pt;
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

/* --- its new headers ---------------------------------------------------------------------------------------------------- */

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

/* UDP's ports and checksum, and IP where it stays what it is. */
static __always_inline bool rewrite(const struct packet *p, bool is_out6)
{
    void *l3 = p->data + p->l3;
    struct udphdr *udp;
    __u64 addresses;

    udp = l3 + (p->is_6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
    if ((void *)(udp + 1) > p->end)
        return false;
    addresses = address_change(p, is_out6);
    if (udp->check) {
        __u16 sum = (__u16)~fold((__u16)~udp->check + addresses + port_change(udp, p->line));

        udp->check = sum ? sum : 0xffff;
        udp->source = p->line->by_port;
        udp->dest = p->line->to_port;
    } else {
        udp->source = p->line->by_port;
        udp->dest = p->line->to_port;
        if (is_out6)
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

/* --- XDP ------------------------------------------------------------------------------------------------------------------ */

static __always_inline void reload(const struct xdp_md *ctx, struct packet *p)
{
    p->data = (void *)(long)ctx->data;
    p->end = (void *)(long)ctx->data_end;
}

static __always_inline enum verdict send_xdp(struct xdp_md *ctx, struct packet *p)
{
    bool is_out6 = (p->line->flags & LINE_OUT6) != 0;
    __u32 padding = p->len - p->l3 - p->ip_len;
    int shift = 0; /* of the beginning, to the right */

    if (padding) {
        if (bpf_xdp_adjust_tail(ctx, -(int)padding))
            return unsent(p->line);
        reload(ctx, p);
    }
    if (!rewrite(p, is_out6))
        return unsent(p->line);
    if (is_out6 != (p->is_6 != 0))
        shift = is_out6 ? -20 : 20;
    shift += (p->is_tagged ? (int)TAG : 0) - (p->vlan ? (int)TAG : 0);
    if (shift) {
        if (bpf_xdp_adjust_head(ctx, shift))
            return unsent(p->line);
        reload(ctx, p);
    }
    if (!write_head(p->data, p->end, p, is_out6))
        return unsent(p->line);
    count(WHY_FAST);
    return SEND;
}

SEC("xdp")
int xdp_relay(struct xdp_md *ctx)
{
    struct packet p = {.is_whole = 1};
    enum verdict v;

    reload(ctx, &p);
    p.len = (__u32)(p.end - p.data);
    v = judge(&p);
    if (v == SEND)
        v = send_xdp(ctx, &p);
    if (v == SEND)
        return (int)bpf_redirect(p.ifindex, 0);
    return v == DROP ? XDP_DROP : XDP_PASS;
}

/* --- sk_lookup: to a socket of the thread's ------------------------------------------------------------------------------ */

SEC("sk_lookup")
int sk_steer(struct bpf_sk_lookup *ctx)
{
    bool is_6 = ctx->family == 10; /* AF_INET6 */
    struct bpf_sock *sk;
    struct range *r;
    struct line *l;
    __u32 key;

    if (ctx->protocol != IPPROTO_UDP)
        return SK_PASS;
    if (is_6) {
        __u32 ip[4] = {ctx->local_ip6[0], ctx->local_ip6[1], ctx->local_ip6[2], ctx->local_ip6[3]};

        r = range_of6(ip, (int)ctx->local_port);
    } else {
        r = range_of4(ctx->local_ip4, (int)ctx->local_port);
    }
    l = r ? line_of(r, (__u16)ctx->local_port) : NULL;
    if (!l)
        return SK_PASS;
    if (l->state == LINE_OFF) {
        /* the stack answers by ICMP; where XDP or TC is attached this has been dropped there */
        count(WHY_CLOSED);
        return SK_PASS;
    }
    key = (l->thread & (THREADS_MAX_BPF - 1)) + (is_6 ? THREADS_MAX_BPF : 0);
    sk = bpf_map_lookup_elem(&socks, &key);
    if (!sk)
        return SK_PASS;
    count(WHY_STEER);
    bpf_sk_assign(ctx, sk, 0);
    bpf_sk_release(sk);
    return SK_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
