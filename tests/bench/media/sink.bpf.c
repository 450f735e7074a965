/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A receiver in the kernel: counts what arrives of each flow by its sequence number, and how long it took; everything else passes.
 * mbench.c loads it on both parties' interfaces; it does not know the relay.
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
    __type(value, struct sink_flow);
} got SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct sink_sum);
} sum SEC(".maps");

static __always_inline void order(struct sink_flow *f, __u32 seq)
{
    f->got++;
    if (seq == f->next) {
        f->next++;
    } else if ((__s32)(seq - f->next) > 0) {
        f->lost += seq - f->next;
        f->next = seq + 1;
    } else if (seq + 1 == f->next) {
        f->twice++;
    } else {
        f->late++;
        if (f->lost)
            f->lost--;
    }
}

SEC("xdp")
int sink(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct stamp *s = data + 14 + 20 + 8 + 12;
    __u32 zero = 0, id;
    struct sink_sum *n = bpf_map_lookup_elem(&sum, &zero);
    struct sink_flow *f;
    __u64 lat;

    if (!n)
        return XDP_PASS;
    if (data + FRAME_LEN > end || s->magic != STAMP_MAGIC) {
        n->strange++;
        return XDP_PASS;
    }
    id = s->id;
    f = bpf_map_lookup_elem(&got, &id);
    if (!f)
        return XDP_PASS;
    order(f, s->seq);
    lat = bpf_ktime_get_ns() - s->ns;
    n->packets++;
    n->lat_sum += lat;
    lat /= BUCKET_NS;
    if (lat >= BUCKETS)
        lat = BUCKETS - 1;
    n->lat[lat]++;
    return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
