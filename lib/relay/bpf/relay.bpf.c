/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * RTP forwarded in the kernel: look a packet's port up, check it, count it, give it new headers, hand it to the next hop's device.
 * The interfaces of the media path run it (XDP or clsact); relay_maps.h is all it shares with the relay, which decides everything.
 * It knows no calls and no SDP, it allocates nothing, and whatever is odd goes to the relay by the IP stack.
 */
#include "relay/bpf/judge.h"
#include "relay/bpf/rewrite.h"

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
    if (!rewrite(p, is_out6, true))
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
    struct packet p = {.is_whole = 1, .bad_hop = HOP_NO_XDP};
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

/* --- TC: where a driver has no XDP ------------------------------------------------------------------------------------------ */

static __always_inline void reload_skb(const struct __sk_buff *skb, struct packet *p)
{
    p->data = (void *)(long)skb->data;
    p->end = (void *)(long)skb->data_end;
}

/* The skb knows whether its checksum is whole, begun (from a local socket) or of all its bytes: the helper minds that. */
static __always_inline bool change_sum(struct __sk_buff *skb, const struct packet *p, bool is_out6)
{
    __u32 head = p->is_6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr);
    struct udphdr *udp = p->data + p->l3 + head;
    __u32 at = p->l3 + head + offsetof(struct udphdr, check);
    __u16 addresses, ports;
    bool has_sum;

    if ((void *)(udp + 1) > p->end)
        return false;
    has_sum = udp->check != 0;
    addresses = fold(address_change(p, is_out6));
    ports = fold(port_change(udp, p->line));
    if (!rewrite(p, is_out6, !has_sum))
        return false;
    if (has_sum)
        return bpf_l4_csum_replace(skb, at, 0, addresses,
                                   BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0) == 0 &&
               bpf_l4_csum_replace(skb, at, 0, ports, BPF_F_MARK_MANGLED_0) == 0;
    bpf_csum_update(skb, ports);
    return true;
}

static __always_inline bool change_vlan(struct __sk_buff *skb, __u16 want)
{
    if (skb->vlan_present) {
        if (bpf_htons((__u16)skb->vlan_tci) == want)
            return true;
        if (bpf_skb_vlan_pop(skb))
            return false;
    }
    return !want || bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), bpf_ntohs(want)) == 0;
}

static __always_inline enum verdict send_tc(struct __sk_buff *skb, struct packet *p)
{
    bool is_out6 = (p->line->flags & LINE_OUT6) != 0;
    __u16 vlan = p->vlan;

    if (p->len > p->l3 + p->ip_len) {
        if (bpf_skb_change_tail(skb, p->l3 + p->ip_len, 0))
            return unsent(p->line);
        reload_skb(skb, p);
    }
    if (!change_sum(skb, p, is_out6))
        return unsent(p->line);
    if (is_out6 != (p->is_6 != 0) &&
        bpf_skb_change_proto(skb, is_out6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP), 0))
        return unsent(p->line);
    reload_skb(skb, p);
    p->vlan = 0; /* an skb has it beside its data */
    if (!write_head(p->data, p->end, p, is_out6) || !change_vlan(skb, vlan))
        return unsent(p->line);
    count(WHY_FAST);
    return SEND;
}

SEC("tc")
int tc_relay(struct __sk_buff *skb)
{
    struct packet p = {.len = skb->len};
    enum verdict v;

    /* several datagrams joined by GRO, which somebody has switched on, or a second tag */
    if (skb->gso_segs > 1 || skb->protocol == bpf_htons(ETH_P_8021Q))
        return TC_ACT_OK;
    reload_skb(skb, &p);
    if (p.data + TC_PULL > p.end && p.data + p.len != p.end) {
        if (bpf_skb_pull_data(skb, p.len < TC_PULL ? p.len : TC_PULL))
            return TC_ACT_OK;
        reload_skb(skb, &p);
    }
    p.is_whole = p.end - p.data == p.len;
    v = judge(&p);
    if (v == SEND)
        v = send_tc(skb, &p);
    if (v == SEND)
        return (int)bpf_redirect(p.ifindex, 0);
    return v == DROP ? TC_ACT_SHOT : TC_ACT_OK;
}

/* --- frames that a driver refused: where the kernel has BTF ------------------------------------------------------------------- */

/* As much of the kernel's as is read, found by its BTF. */
struct ns_common {
    unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
    struct ns_common ns;
} __attribute__((preserve_access_index));

typedef struct {
    struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
    int ifindex;
    possible_net_t nd_net;
} __attribute__((preserve_access_index));

/* The same number may be another interface in another network namespace; the relay has said which one is ours. */
static __always_inline bool is_our_net(const struct net_device *dev)
{
    __u32 key = TXERR_NETNS;
    __u64 *inum = bpf_map_lookup_elem(&txerr, &key);

    return inum && *inum == dev->nd_net.net->ns.inum;
}

static __always_inline void refused(__u32 ifindex, __u64 n)
{
    __u64 *have = bpf_map_lookup_elem(&txerr, &ifindex);

    if (have)
        __sync_fetch_and_add(have, n);
    else
        bpf_map_update_elem(&txerr, &ifindex, &n, BPF_NOEXIST);
    count(WHY_REDIRECT);
}

SEC("?tp_btf/xdp_devmap_xmit")
int BPF_PROG(tx_refused, const struct net_device *from, const struct net_device *to, int sent,
             int drops, int err)
{
    (void)ctx, (void)from, (void)sent, (void)err;
    if (drops > 0 && is_our_net(to))
        refused((__u32)to->ifindex, (__u64)drops);
    return 0;
}

/* map_type 0: bpf_redirect(), and index is the interface */
SEC("?tp_btf/xdp_redirect_err")
int BPF_PROG(redirect_refused, const struct net_device *from, const void *prog, const void *to,
             int err, int map_type, __u32 map_id, __u32 index)
{
    (void)ctx, (void)prog, (void)to, (void)err, (void)map_id;
    if (map_type == 0 && is_our_net(from))
        refused(index, 1);
    return 0;
}

/* --- sk_lookup: to a socket of the thread's ------------------------------------------------------------------------------ */

/* Written out: the verifier takes no place in ctx that the compiler has calculated. */
#define ctx_u32(ctx, field)                                                             \
    ({                                                                                  \
        __u64 value_;                                                                   \
                                                                                        \
        asm volatile("%0 = *(u32 *)(%1 + %2)"                                           \
                     : "=r"(value_)                                                     \
                     : "r"(ctx), "i"(__builtin_offsetof(struct bpf_sk_lookup, field))); \
        (__u32) value_;                                                                 \
    })

/* What XDP and TC ask where they are attached: a flood of a stranger's must not fill the thread's socket. STUN's payload is not seen here. */
static __always_inline bool is_stranger(const struct bpf_sk_lookup *ctx, const struct line *l,
                                        bool is_6)
{
    const __u32 *want = (const __u32 *)l->from_ip6;

    if ((l->flags & (LINE_CHECK | LINE_ICE)) != LINE_CHECK)
        return false;
    if (ctx->remote_port != l->from_port)
        return true;
    if (!is_6)
        return ctx_u32(ctx, remote_ip4) != l->from_ip;
    return ctx_u32(ctx, remote_ip6[0]) != want[0] || ctx_u32(ctx, remote_ip6[1]) != want[1] ||
           ctx_u32(ctx, remote_ip6[2]) != want[2] || ctx_u32(ctx, remote_ip6[3]) != want[3];
}

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
    if (is_stranger(ctx, l, is_6)) {
        __sync_fetch_and_add(&l->strangers, 1);
        count(WHY_STRANGER);
        return SK_DROP;
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
