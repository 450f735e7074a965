/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps, what is known of a packet, and the counting of what becomes of packets.
 * For the files of relay.bpf.c alone.
 */
#ifndef RELAY_BPF_PACKET_H
#define RELAY_BPF_PACKET_H

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
    __u32 bad_hop; /* flags of hops that this program cannot send to */
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

#endif
