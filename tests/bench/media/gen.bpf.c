/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Senders in the kernel: run with live frames, each run makes one RTP packet of the next flow, if it is due, and sends it out of its
 * party's interface. traffic.c loads it; a frame's page comes back from whoever got it last, so all but the payload is written anew.
 */
#include <linux/types.h>
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include "wire.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, FLOWS_MAX);
    __type(key, __u32);
    __type(value, struct gen_flow);
} flows SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct gen_conf);
} conf SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_DEVMAP);
    __uint(max_entries, 2);
    __type(key, __u32);
    __type(value, __u32);
} out SEC(".maps");

static __always_inline __u32 add16(__u32 sum, const void *p, unsigned n)
{
    const __u16 *w = p;

    for (unsigned i = 0; i < n / 2; i++)
        sum += w[i];
    return sum;
}

static __always_inline __u16 fold(__u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)~sum;
}

struct frame {
    struct rtp_frame h;
    struct stamp stamp;
} __attribute__((packed));

SEC("xdp")
int gen(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct frame *f = data;
    __u32 key = 0, sum, side;
    __u64 now = bpf_ktime_get_ns();
    struct gen_conf *c = bpf_map_lookup_elem(&conf, &key);
    struct gen_flow *flow;

    if (!c || data + FRAME_LEN > end)
        return XDP_ABORTED;
    if (now < c->next_ns || now >= c->end_ns)
        return XDP_DROP;
    c->next_ns += c->gap_ns;
    if (now > c->next_ns + LATE_NS)
        c->next_ns = now;
    key = c->pos;
    c->pos = key + 1 >= c->n ? 0 : key + 1;
    flow = bpf_map_lookup_elem(&flows, &key);
    if (!flow)
        return XDP_ABORTED;
    side = flow->side & 1;
    __builtin_memcpy(f->h.dmac, c->dmac[side], 6);
    __builtin_memcpy(f->h.smac, c->smac[side], 6);
    f->h.type = bpf_htons(0x0800);
    f->h.vihl = 0x45;
    f->h.tos = 0xb8;
    f->h.len = bpf_htons(IP_LEN);
    f->h.id = 0;
    f->h.off = bpf_htons(0x4000);
    f->h.ttl = 64;
    f->h.proto = 17;
    f->h.check = 0;
    f->h.saddr = flow->saddr;
    f->h.daddr = flow->daddr;
    f->h.check = fold(add16(0, &f->h.vihl, 20));
    f->h.sport = flow->sport;
    f->h.dport = flow->dport;
    f->h.ulen = bpf_htons(UDP_LEN);
    f->h.ucheck = 0;
    f->h.v = 0x80;
    f->h.pt = 0;
    f->h.seq = bpf_htons((__u16)flow->seq);
    f->h.ts = bpf_htonl(flow->seq * 160U);
    f->h.ssrc = bpf_htonl(0x1000U + flow->id);
    f->stamp.magic = STAMP_MAGIC;
    f->stamp.id = flow->id;
    f->stamp.seq = flow->seq++;
    f->stamp.pad = 0;
    f->stamp.ns = now;
    sum = add16(bpf_htons(17), &f->h.saddr, 8) + bpf_htons(UDP_LEN);
    f->h.ucheck = fold(add16(sum, &f->h.sport, 8 + 12 + sizeof(struct stamp)));
    if (!f->h.ucheck)
        f->h.ucheck = 0xffff;
    c->sent++;
    return (int)bpf_redirect_map(&out, side, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
