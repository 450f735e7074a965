/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the traffic of the media bench looks like: frames, flows and counters, for its programs in the kernel and their loader.
 * mbench.c and the .bpf.c files here include it, after <linux/types.h>.
 */
#ifndef BENCH_MEDIA_WIRE_H
#define BENCH_MEDIA_WIRE_H

#define FLOWS_MAX   131072U /* 32,768 two-way calls, each direction one */
#define RTP_PAYLOAD 160U    /* G.711, 20 ms */
#define UDP_LEN     (8U + 12U + RTP_PAYLOAD)
#define IP_LEN      (20U + UDP_LEN)
#define FRAME_LEN   (14U + IP_LEN)
#define BUCKETS     2048U /* of latency */
#define BUCKET_NS   4000U /* the last holds what is above 8 ms */

/* What one party sends; addresses and ports in network byte order. */
struct gen_flow {
    __u32 saddr, daddr;
    __u16 sport, dport;
    __u32 id;  /* at the sink; written into the payload */
    __u32 seq; /* of the next packet */
    __u32 side;
};

/* How both send. Of a side: 0 a, 1 b. */
struct gen_conf {
    __u8 dmac[2][6], smac[2][6];
    __u32 n;   /* flows */
    __u32 pos; /* next */
    __u64 sent;
    __u64 gap_ns;          /* between two packets; 0: none */
    __u64 next_ns, end_ns; /* behind it nothing is sent */
};
#define LATE_NS 200000U /* who is that late does not make up for it: no bursts */

/* What arrived of one flow. */
struct sink_flow {
    __u32 next; /* sequence number, not wrapped */
    __u32 got;
    __u32 lost, late, twice;
};

struct sink_sum {
    __u64 packets, strange; /* strange: not of the bench */
    __u64 lat_sum;
    __u64 lat[BUCKETS];
};

/* Up to the end of the RTP header. */
struct rtp_frame {
    __u8 dmac[6], smac[6];
    __u16 type;
    __u8 vihl, tos;
    __u16 len, id, off;
    __u8 ttl, proto;
    __u16 check;
    __u32 saddr, daddr;
    __u16 sport, dport, ulen, ucheck;
    __u8 v, pt;
    __u16 seq;
    __u32 ts, ssrc;
} __attribute__((packed));

/* Behind the RTP header, in the payload: network byte order of no interest. */
struct stamp {
    __u32 magic, id, seq, pad;
    __u64 ns;
};
#define STAMP_MAGIC 0x54444d42U

#endif
