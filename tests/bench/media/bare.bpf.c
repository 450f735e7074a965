/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The least that a relay in the kernel can be: look a port up, rewrite, send on; no source check, no IPv6, next hops never change.
 * What the relay's programs are measured against: `bare` by a hash map, `bare_stat` with RTP statistics in it, `none` drops everything.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "wire.h"

struct bare_key {
    __u32 daddr;
    __u16 dport, pad;
};

struct bare_flow {
    __u32 saddr, daddr;
    __u16 sport, dport;
    __u32 ifindex;
    __u8 dmac[6], smac[6];
    __u32 packets, ssrc, max_seq, transit, jitter, pad;
    __u64 bytes, seen;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, FLOWS_MAX);
    __type(key, struct bare_key);
    __type(value, struct bare_flow);
} bare_flows SEC(".maps");

static __always_inline __u16 fix(__u16 check, __u32 sum)
{
    sum += (__u16)~check & 0xffff;
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

static __always_inline __u32 diff32(__u32 old, __u32 new)
{
    return (~old & 0xffff) + (~old >> 16) + (new & 0xffff) + (new >> 16);
}

static __always_inline void statistics(struct bare_flow *f, const struct rtp_frame *p)
{
    __u64 now = bpf_ktime_get_ns();
    __u32 transit = (__u32)(now / 125000) - bpf_ntohl(p->ts);
    __s32 d = (__s32)(transit - f->transit);

    f->transit = transit;
    if (d < 0)
        d = -d;
    f->jitter += (__u32)d - ((f->jitter + 8) >> 4);
    f->packets++;
    f->bytes += RTP_PAYLOAD + 12;
    f->ssrc = p->ssrc;
    f->max_seq = bpf_ntohs(p->seq);
    f->seen = now;
}

static __always_inline int forward(struct xdp_md *ctx, int counts)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct rtp_frame *p = data;
    struct bare_key key = {0};
    struct bare_flow *f;
    __u32 sum;

    if (data + sizeof(*p) > end || p->type != bpf_htons(0x0800) || p->vihl != 0x45 ||
        p->proto != 17)
        return XDP_PASS;
    key.daddr = p->daddr;
    key.dport = p->dport;
    f = bpf_map_lookup_elem(&bare_flows, &key);
    if (!f)
        return XDP_PASS;
    if (counts)
        statistics(f, p);
    sum = diff32(p->saddr, f->saddr) + diff32(p->daddr, f->daddr);
    p->check = fix(p->check, sum);
    if (p->ucheck)
        p->ucheck = fix(p->ucheck, sum + (__u16)~p->sport + f->sport + (__u16)~p->dport + f->dport);
    p->saddr = f->saddr;
    p->daddr = f->daddr;
    p->sport = f->sport;
    p->dport = f->dport;
    __builtin_memcpy(p->dmac, f->dmac, 6);
    __builtin_memcpy(p->smac, f->smac, 6);
    return (int)bpf_redirect(f->ifindex, 0);
}

SEC("xdp")
int bare(struct xdp_md *ctx)
{
    return forward(ctx, 0);
}

SEC("xdp")
int bare_stat(struct xdp_md *ctx)
{
    return forward(ctx, 1);
}

SEC("xdp")
int none(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct rtp_frame *p = data;

    if (data + sizeof(*p) > end || p->type != bpf_htons(0x0800) || p->proto != 17)
        return XDP_PASS;
    return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
